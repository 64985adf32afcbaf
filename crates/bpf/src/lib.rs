//! Programs of ours in the kernel: the process table in one read, births and deaths as they happen.
//!
//! The tour: [`kernel`] is the kernel's own type information, which every program needs to be loaded; [`processes`] is the
//! process table; [`lifecycle`] tells what ran and how it ended; [`network`] counts bytes by process and by socket; [`syscalls`] tells the
//! system calls of chosen threads; [`cpu`] splits processor time as the kernel does for `/proc/PID/stat`. The programs are C in `c/`,
//! compiled ahead of time into `objects/` by `cargo xtask bpf`, so that neither users nor their machines need a
//! compiler. A feature has an object of its own: what one kernel lacks disables that feature alone.

mod array;
mod counts;
pub mod cpu;
mod fields;
mod iterator;
pub mod kernel;
pub mod lifecycle;
mod map;
pub mod network;
mod object;
pub mod processes;
mod ring;
mod sys;
pub mod syscalls;

pub use counts::Counts;
pub use kernel::{Kernel, LoadError};
