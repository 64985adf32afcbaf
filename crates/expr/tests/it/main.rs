//! Filters from source text to verdict, and every way in which they are refused.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test that panics fails, which is what it is for"
)]

mod errors;
mod evaluate;
mod hostile;
mod process;
mod query;
mod sample;
