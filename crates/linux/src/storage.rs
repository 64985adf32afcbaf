//! Files of file systems and volumes: NFS, ZFS, XFS, bcachefs, btrfs, software RAID, DRBD.

pub mod bcache;
pub mod bcachefs;
pub mod btrfs;
pub mod drbd;
pub mod kstat;
pub mod mdstat;
pub mod mountstats;
pub mod rpc;
pub mod xfs;
