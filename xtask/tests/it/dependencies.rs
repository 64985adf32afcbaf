//! Each direct dependency says why it is there.

use std::collections::BTreeSet;

use crate::clone::{packages, read};

/// The names in the first column of the tables of docs/dependencies.md.
fn explained() -> BTreeSet<String> {
    read("docs/dependencies.md")
        .lines()
        .filter_map(|line| line.strip_prefix("| "))
        .filter_map(|line| line.split(" | ").next())
        .flat_map(|names| names.split(", "))
        .map(|name| name.trim().trim_matches('`').to_owned())
        .collect()
}

#[test]
fn each_direct_dependency_says_why_it_is_there() {
    let explained = explained();
    let used: BTreeSet<String> = packages()
        .into_iter()
        .flat_map(|package| package.dependencies)
        .filter(|dependency| !dependency.ours)
        .map(|dependency| dependency.name)
        .chain(web_packages())
        .chain(fuzz_packages())
        .collect();
    let silent: Vec<&String> = used.difference(&explained).collect();
    assert!(silent.is_empty(), "no line in docs/dependencies.md for {silent:?}");
    let gone: Vec<&String> =
        explained.difference(&used).filter(|name| !matches!(name.as_str(), "crate" | "package")).collect();
    assert!(gone.is_empty(), "docs/dependencies.md explains what nobody uses: {gone:?}");
}

/// Those of `fuzz`, which is a workspace of its own.
fn fuzz_packages() -> Vec<String> {
    let manifest = read("fuzz/Cargo.toml");
    let behind = manifest.split("[dependencies]").nth(1).unwrap();
    let lines = behind.lines().take_while(|line| !line.starts_with('['));
    let names = lines.filter_map(|line| line.split_once(" = ").map(|(name, _)| name.to_owned()));
    names.filter(|name| !name.starts_with("procyon-")).collect()
}

fn web_packages() -> Vec<String> {
    let manifest: serde_json::Value = serde_json::from_str(&read("web/package.json")).unwrap();
    ["dependencies", "devDependencies"]
        .iter()
        .filter_map(|table| manifest[table].as_object())
        .flat_map(|table| table.keys().cloned())
        .collect()
}
