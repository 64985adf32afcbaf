//! Sockets of every network namespace, and the processes that hold them.
//!
//! [`namespaces`] finds the namespaces, [`connections`] lists their sockets (netlink where permitted, text otherwise),
//! [`owners`] says which process holds which socket.

pub mod arp;
pub mod cache_stat;
pub mod connections;
pub mod ethtool;
pub mod generic;
pub mod ip_vs;
pub mod links;
pub mod namespaces;
pub mod netlink;
pub mod nl80211;
pub mod owners;
pub mod proc_net;
pub mod qdiscs;
pub mod queues;
pub mod routes;
pub mod snmp;
pub mod sock_diag;
pub mod socket;
pub mod sockstat;
pub mod softnet_stat;
pub mod vsock;
