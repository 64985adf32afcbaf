//! The checked-in programs for the kernel are what their sources say.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::clone::root;

fn names(folder: &Path, ending: &str) -> BTreeSet<String> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    entries.filter_map(|name| name.strip_suffix(ending).map(str::to_owned)).collect()
}

#[test]
fn each_program_has_its_object_and_no_object_is_left_over() {
    let folder = root().join("crates/bpf");
    let sources = names(&folder.join("c"), ".bpf.c");
    assert!(!sources.is_empty());
    assert_eq!(sources, names(&folder.join("objects"), ".bpf.o"));
}

#[test]
fn objects_are_what_the_pinned_compiler_makes_of_their_sources() {
    let said = Command::new("clang-19").arg("--version").stderr(Stdio::null()).output();
    if !said.is_ok_and(|output| String::from_utf8_lossy(&output.stdout).contains("19.1.7")) {
        eprintln!("skipped: clang-19 19.1.7 is not there; `scripts/setup bpf` installs it");
        return;
    }
    let made = tempfile::tempdir().unwrap();
    let status = Command::new(env!("CARGO_BIN_EXE_xtask")).arg("bpf").arg(made.path()).stderr(Stdio::null()).status();
    assert!(status.unwrap().success());
    for name in names(&root().join("crates/bpf/c"), ".bpf.c") {
        let file = format!("{name}.bpf.o");
        let checked_in = std::fs::read(root().join("crates/bpf/objects").join(&file)).unwrap();
        let fresh = std::fs::read(made.path().join(&file)).unwrap();
        assert!(checked_in == fresh, "{file} is out of date: `cargo xtask bpf`");
    }
}
