//! The few things that a store does with files. A seam, so that tests can have a disk that fails.
