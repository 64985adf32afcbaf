//! The store on a real disk.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "tests stop at the first surprise, and say why they are skipped"
)]

mod conformance;
mod folders;
mod killed;
mod other_programs;
mod room;
