//! Files about the whole machine.
//!
//! One module a kernel file: `parse` is pure and never fails on odd input, `read` takes a [`Root`](crate::root::Root)
//! and a buffer that is used again. Parsers work on bytes: the `procfs-core` crate wants UTF-8 throughout, gives up on
//! the whole file when one field is missing (`VmallocChunk`, the `full` line of CPU pressure before 5.13), leaves `\040`
//! in mount points and slices text at byte positions.

pub mod buddyinfo;
pub mod clock;
pub mod cpuinfo;
pub mod diskstats;
pub mod filesystems;
pub mod hostname;
pub mod interrupts;
pub mod loadavg;
pub mod meminfo;
pub mod mountinfo;
pub mod net_dev;
pub mod os_release;
pub mod pressure;
pub mod schedstat;
pub mod slabinfo;
pub mod stat;
pub mod swaps;
pub mod uptime;
pub mod vmstat;
pub mod zoneinfo;
