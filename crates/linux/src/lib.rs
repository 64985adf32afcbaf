//! What the kernel says: files of /proc, /sys and system calls, read and parsed.
//!
//! Every reader takes a [`root::Root`], so that fixtures, containers and tests use the same code as the live machine.
//! Reading and parsing are apart: `parse(&[u8])` is pure and takes whatever bytes come; `read` fills a buffer that is
//! used again. What is missing is a value ([`procyon_units::Reading`]), not an error.

/// Memory that the allocator keeps.
pub mod allocator;
/// Whole files and folders of attributes.
pub mod attributes;
/// What control groups allow.
pub mod containers;
mod file;
/// Files that stay open between readings.
pub mod held;
/// Files about the whole machine: processors, memory, disks, interfaces, mounts.
pub mod host;
pub mod inherited;
/// Sockets of all network namespaces and who holds them.
pub mod net;
/// What a process has to know of itself: limits, units.
pub mod own;
/// Counters of the processors and of the kernel.
pub mod perf;
/// Processes held by the kernel: signals that meet the right one.
pub mod pidfd;
/// What this process may do here.
pub mod privilege;
/// Files about one process.
pub mod proc;
/// The places where kernel files are.
pub mod root;
/// Files of file systems and volumes.
pub mod storage;
/// sysfs: disks, interfaces, clocks, temperatures.
pub mod sys;
/// Counters of a process in one question to the kernel.
pub mod taskstats;
mod text;
/// Accounts and log-ins.
pub mod users;
/// One pass over all processes.
pub mod walk;
