//! Sockets of every network namespace, and the processes that hold them.
//!
//! [`namespaces`] finds the namespaces, [`connections`] lists their sockets (netlink where permitted, text otherwise),
//! [`owners`] says which process holds which socket.

pub mod connections;
pub mod namespaces;
pub mod netlink;
pub mod owners;
pub mod proc_net;
pub mod sock_diag;
pub mod socket;
