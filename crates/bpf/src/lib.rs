//! Programs of ours in the kernel: the process table in one read.
//!
//! The tour: [`kernel`] is the kernel's own type information, which every program needs to be loaded; [`processes`] is the
//! process table; [`cpu`] splits processor time as the kernel does for `/proc/PID/stat`. The programs are C in `c/`,
//! compiled ahead of time into `objects/` by `cargo xtask bpf`, so that neither users nor their machines need a
//! compiler. A feature has an object of its own: what one kernel lacks disables that feature alone.

pub mod cpu;
mod iterator;
pub mod kernel;
mod map;
pub mod network;
pub mod processes;

pub use kernel::{Kernel, LoadError};
