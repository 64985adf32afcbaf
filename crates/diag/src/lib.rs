//! What went wrong, in words that a person can act on.
//!
//! - [`Kind`] sorts failures; it decides exit code, HTTP status, log level and whether to try again;
//! - [`Hint`] says what to type to remedy one;
//! - [`Fault`] is an error with both, for the edges (command line, API);
//! - [`report`] prints a chain of errors once: `error: could not …: cause: cause`, then `hint: …`;
//! - [`Palette`] knows whether the reader sees colours;
//! - [`nearest`] finds what somebody probably meant.

mod fault;
mod kind;
mod paint;
mod report;
mod suggest;

pub use fault::{Fault, Hint};
pub use kind::{Kind, Level};
pub use paint::{Palette, Tone};
pub use report::{hint_of, kind_of, message_of, report};
pub use suggest::nearest;
