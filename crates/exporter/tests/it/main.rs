//! The exporter on this machine's kernel, on odd input, and over HTTP.

mod beside_upstream;
mod exposition;
mod http;
mod live;
mod odd_input;
