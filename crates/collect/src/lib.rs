//! Makes frames of this machine: one thread, one pass a tick, never waiting for a slow source or a consumer.
//!
//! The tour: [`collector`] is the thread; each tick it lets a [`provider`] read every process into the [`table`], which
//! knows births from deaths and old pids from new; the `slow` lane and the `pss` budget add what costs more; `books` compare what processes did with what the machine did;
//! [`sources`] read the machine, its file systems, users and connections at their own pace; `pace` keeps the monitor's
//! own cost below its ceiling. What may block in the kernel
//! goes through `guarded`, what is merely slow through `background`. [`inspect`] reads one process when somebody looks.

mod background;
mod books;
mod choice;
mod clock;
pub mod collector;
pub mod config;
mod containers;
mod deaths;
mod describe;
mod guarded;
pub mod inspect;
mod label;
pub mod mounts;
mod pace;
pub mod provider;
mod pss;
mod slow;
mod sources;
mod strings;
mod table;

pub use choice::attempt;
pub use collector::{Collector, Handle, StartError};
pub use config::{Config, Source};
pub use inspect::LocalInspect;
pub use label::TemplateError;
pub use mounts::Mounts;
