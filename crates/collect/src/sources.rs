//! What is read beside the processes, each source at its own pace.

pub(crate) mod connections;
pub(crate) mod devices;
pub(crate) mod filesystems;
pub(crate) mod identity;
pub(crate) mod machine;
pub(crate) mod network;
mod socket_traffic;
pub(crate) mod users;
