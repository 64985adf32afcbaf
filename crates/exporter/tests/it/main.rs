//! The exporter on this machine's kernel, on odd input, and over HTTP.

#![expect(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests stop at the first surprise, and say what they skip"
)]

mod beside_upstream;
mod devices;
mod exposition;
mod http;
mod interfaces;
mod live;
mod odd_input;
mod packaging;
mod peers;
mod processes;
