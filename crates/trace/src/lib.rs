//! System calls of processes: watched without stopping them, told the way strace does.
//!
//! One thing flows: an engine makes a [`Call`], which is a thread's registers at both ends of a system call and the few
//! pieces of its memory that are needed to tell what the registers mean ([`Memory`]). Which pieces those are is said once for
//! each system call, by its [`Capture`]s ([`captures`]), which follow from the table of system calls; every engine obeys the
//! same ones. Everything after the engine is a pure function of calls: [`Filter`] says which are told, [`line`] tells one,
//! [`Teller`] tells whatever an engine makes, [`Summary`] and [`Breakdown`] add
//! up, and a [`session`] lets several viewers share one trace.

mod breakdown;
mod call;
mod capture;
mod decode;
mod descriptors;
mod event;
mod filter;
mod memory;
mod names;
mod summary;
mod table;
mod target;
mod tell;

pub mod engine;
pub mod launch;
pub mod session;

pub use breakdown::{Breakdown, Caller, Failure, Ranked, Share};
pub use call::{Call, Return};
pub use capture::{Capture, Length, What, When};
pub use decode::{AT_FDCWD, Descriptors, Line, Options, line, signal_details};
pub use descriptors::Followed;
pub use event::{Child, Event, Who};
pub use filter::{Filter, FilterError, MAX_FILTER};
pub use memory::{Memory, Piece};
pub use summary::{Row, Summary};
pub use table::{NUMBERS, captures, name, number};
pub use tell::{Stamp, Style, Teller, now, push_signal};
