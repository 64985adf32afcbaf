//! The real binary on the real kernel.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "tests start programs, ask for the time and stop where they fail"
)]

mod bench;
mod capabilities;
mod config;
mod exit;
mod licenses;
mod probes;
mod ps;
mod signal;
mod up;
