//! What screens ask for, derived from one frame by pure functions: order, groups, trees, top N.

pub mod group;
pub mod sort;
pub mod tree;
