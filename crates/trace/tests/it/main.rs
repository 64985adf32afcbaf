//! What comes from traced programs and from people, and both engines on real processes. Without the right to trace there is
//! nothing to test of the latter, and the tests say so.

#![expect(
    clippy::disallowed_methods,
    clippy::panic,
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a test starts processes, stops at the first surprise and says what it left out"
)]

mod counts;
mod harmless;
mod hostile;
mod sessions;
mod unusual;
mod watch;
