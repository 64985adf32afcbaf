//! Files of file systems and volumes: NFS, ZFS, XFS, bcachefs, software RAID, DRBD.

pub mod bcache;
pub mod bcachefs;
pub mod drbd;
pub mod kstat;
pub mod mdstat;
pub mod mountstats;
pub mod rpc;
pub mod xfs;
