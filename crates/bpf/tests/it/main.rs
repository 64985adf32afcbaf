//! The programs in the running kernel. Without the right to load them there is nothing to test, and the tests say so.

#![expect(
    clippy::panic,
    clippy::print_stderr,
    clippy::disallowed_methods,
    reason = "a test stops at the first surprise and says what it left out"
)]

mod network;
mod processes;
