//! Tests of the readers against this machine's kernel and against captured files.

#![expect(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests stop at the first surprise"
)]

mod control_groups;
mod machine;
mod never_panics;
mod people;
mod privileges;
mod process_parsers;
mod processes;
mod sockets;
mod walking;
