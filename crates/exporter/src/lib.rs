//! The Prometheus face: `procyon exporter` in place of node_exporter, with its flags, names, labels and values.
//!
//! A scrape, one stop a file:
//! - [`web`] takes the request and reads `collect[]`, `exclude[]` and the scraper's deadline;
//! - [`scrape`] runs the collectors, each under its own deadline, on threads that may be given up;
//! - [`node`] lists the collectors, one file of upstream's name each; they ask `procyon-linux` and fill [`metric::Metrics`];
//! - [`format`] writes what came of it as text 0.0.4 or OpenMetrics 1.0.
//!
//! [`flags`] is the command line in upstream's manner. Names, types and help texts are upstream's: they neither shape
//! nor follow our own catalogue of figures.

mod filter;
pub mod flags;
pub mod format;
pub mod metric;
pub mod node;
mod own;
pub mod scrape;
pub mod web;
