//! The API over real connections, on frames of the real machine.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    reason = "a test stops at the first surprise, measures time and counts little"
)]

mod access;
mod client;
mod contract;
mod control;
mod limits;
mod live;
mod monitor;
mod outside;
mod past;
mod questions;
mod series;
mod site;
mod tls;
mod trace;
