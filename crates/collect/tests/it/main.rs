//! The collector on the real kernel, watching processes whose behaviour the test controls.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::cast_precision_loss,
    clippy::disallowed_methods,
    reason = "a test stops at the first surprise and measures time"
)]

mod allocations;
mod books;
mod deaths;
mod inspect;
mod network;
mod odd;
mod providers;
mod strings;
mod truth;
