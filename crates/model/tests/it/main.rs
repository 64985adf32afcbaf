//! Views of frames, on rows made by hand, and masking on a corpus of command lines.

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod feed;
mod group;
mod mask;
mod rates;
mod rows;
mod sort;
mod tree;
