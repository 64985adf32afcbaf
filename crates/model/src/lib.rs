//! What is known about one machine: no I/O, no threads, no runtime.
//!
//! The tour, in the order in which data flows:
//! - [`key`] names hosts and processes so that two processes never get mixed up;
//! - [`process`], [`machine`], [`connection`] are the rows: what the kernel said, with rates beside the counters;
//! - [`descriptor`] holds the strings that describe a process, stored once and referred to by a hash;
//! - [`frame`] seals everything that was true at one tick;
//! - [`catalogue`] names every figure once; JSON, filters, tables, docs and stores follow from it;
//! - [`view`] derives what screens ask for: order, groups, trees, top N;
//! - [`feed`] hands sealed frames to consumers without ever waiting for one;
//! - [`inspect`] is the seam for what is read only on demand: threads, open files, limits of one process;
//! - [`mask`] takes secrets out of command lines before anything else sees them.

pub mod catalogue;
pub mod connection;
pub mod descriptor;
pub mod feed;
pub mod frame;
pub mod inspect;
pub mod key;
pub mod machine;
pub mod mask;
pub mod process;
pub mod rates;
pub mod value;
pub mod view;

pub use connection::Connection;
pub use descriptor::{Descriptor, DescriptorId};
pub use frame::Frame;
pub use key::{BootId, HostId, ProcessKey};
pub use machine::Machine;
pub use process::ProcessRow;
pub use value::Value;
