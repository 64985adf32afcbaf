//! A crate uses only crates of lower layers, so that each can be read, tested and replaced without those above it.

use crate::clone::{packages, read};

/// The layers, lowest first. A new crate gets its place here before it gets its first line.
const LAYERS: &[&[&str]] = &[
    &["units", "diag", "testkit"],
    &["model", "linux"],
    &["expr", "bpf", "control", "spool", "settings", "wire", "series"],
    &["history", "client"],
    &["collect", "store", "sinks", "alert", "trace", "supervise", "fleet"],
    &["exporter", "api", "tui"],
    &["procyon"],
];

fn layer(name: &str) -> Option<usize> {
    let name = name.strip_prefix("procyon-").unwrap_or(name);
    LAYERS.iter().position(|layer| layer.contains(&name))
}

#[test]
fn a_crate_uses_only_crates_of_lower_layers() {
    let mut wrong = Vec::new();
    for package in packages().iter().filter(|package| package.name != "xtask") {
        let own = layer(&package.name).unwrap_or_else(|| panic!("{} has no layer", package.name));
        for used in package.dependencies.iter().filter(|dependency| dependency.ours) {
            if used.name == "procyon-testkit" {
                if !used.dev {
                    wrong.push(format!("{} uses testkit outside of tests", package.name));
                }
            } else if layer(&used.name).is_none_or(|below| below >= own) {
                wrong.push(format!("{} (layer {own}) uses {}", package.name, used.name));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn the_package_is_named_after_its_folder() {
    for package in packages() {
        let expected = match package.folder.strip_prefix("crates/") {
            Some("procyon") => "procyon".to_owned(),
            Some(folder) => format!("procyon-{folder}"),
            None => package.folder.clone(),
        };
        assert_eq!(package.name, expected, "in {}", package.folder);
    }
}

#[test]
fn the_workspace_lints_hold_in_every_crate() {
    for package in packages() {
        let manifest = read(&format!("{}/Cargo.toml", package.folder));
        assert!(manifest.contains("[lints]\nworkspace = true"), "{} has lints of its own", package.folder);
    }
}

#[test]
fn facts_do_no_input_or_output() {
    // `model` and `expr` work on what they are given: no files, no sockets, no threads, no runtime.
    for file in crate::clone::files() {
        let pure = file.starts_with("crates/model/src/") || file.starts_with("crates/expr/src/");
        if !pure || !file.ends_with(".rs") {
            continue;
        }
        let text = read(&file);
        for call in
            ["std::fs", "std::net::Tcp", "std::net::Udp", "std::process", "std::thread::spawn", "tokio::", "rustix::"]
        {
            assert!(!text.contains(call), "{file} uses {call}");
        }
    }
}

#[test]
fn only_the_kernel_crates_contain_unsafe() {
    for file in crate::clone::files() {
        let allowed = ["crates/linux/", "crates/bpf/", "crates/trace/", "xtask/tests/"];
        if !file.ends_with(".rs") || allowed.iter().any(|folder| file.starts_with(folder)) {
            continue;
        }
        let text = read(&file);
        let code = text.lines().map(|line| line.split("//").next().unwrap_or_default());
        for line in code {
            assert!(!line.contains("unsafe {") && !line.contains("unsafe fn"), "{file}: {line}");
        }
    }
}
