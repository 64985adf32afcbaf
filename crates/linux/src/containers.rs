//! What control groups allow their processes.

pub mod limits;
pub mod paths;
