//! The embedded history.
