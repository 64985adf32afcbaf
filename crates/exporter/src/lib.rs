//! The Prometheus face: `procyon exporter` in place of node_exporter, with its flags, names, labels and values.
//!
//! A scrape, one stop a file:
//! - [`web`] takes the request and reads `collect[]`, `exclude[]` and the scraper's deadline;
//! - [`scrape`] runs the collectors, each under its own deadline, on threads that may be given up;
//! - [`node`] lists the collectors, one file of upstream's name each; they ask `procyon-linux` and fill [`metric::Metrics`];
//! - [`process`] is one of them in the list and a house of its own: process-exporter's groups;
//! - `dbus` is how two of the collectors ask other programs;
//! - [`format`] writes what came of it as text 0.0.4, OpenMetrics 1.0 or protocol buffers.
//!
//! [`flags`] is the command line in upstream's manner. Names, types and help texts are upstream's: they neither shape
//! nor follow our own catalogue of figures.

mod dbus;
mod filter;
pub mod flags;
pub mod format;
pub mod metric;
pub mod node;
mod own;
pub mod process;
mod resident;
pub mod scrape;
pub mod web;
