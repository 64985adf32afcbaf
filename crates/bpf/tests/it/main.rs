//! The programs in the running kernel. Without the right to load them there is nothing to test, and the tests say so.

#![expect(
    clippy::disallowed_methods,
    clippy::panic,
    clippy::unwrap_used,
    clippy::needless_pass_by_value,
    clippy::print_stderr,
    reason = "a test starts processes, stops at the first surprise and says what it left out"
)]

mod lifecycle;
mod network;
mod processes;
mod syscalls;
