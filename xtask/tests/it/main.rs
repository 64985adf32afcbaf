//! What the compiler does not check: the order of the crates, the words of file names, links between documents,
//! and documents that are generated or have to keep up with the code.

#![expect(
    clippy::case_sensitive_file_extension_comparisons,
    clippy::disallowed_methods,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test stops at the first surprise, and asks cargo and git about the clone, whose file names are in lower case"
)]

mod bpf_objects;
mod changelog;
mod clone;
mod dependencies;
mod layers;
mod links;
mod metrics_doc;
mod names;
mod notices;
mod options_doc;
mod setup;
