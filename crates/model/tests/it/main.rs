//! Views of frames, on rows made by hand.

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod feed;
mod group;
mod rates;
mod rows;
mod sort;
mod tree;
