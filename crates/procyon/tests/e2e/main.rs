//! The real binary on the real kernel: `procyon up` as its users and its enemies meet it.
//!
//! Every test starts a procyon of its own, with a state folder of its own, on a port of its own.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "tests start processes and stop at the first surprise"
)]

mod access;
mod bad_history;
mod bursts;
mod exporter;
mod fallbacks;
mod harness;
mod http;
mod live;
mod masking;
mod monitor;
mod past;
mod privileges;
mod reuse;
mod schemas;
mod signals;
mod starting;
mod systemd;
mod tracing;
mod wrong;
