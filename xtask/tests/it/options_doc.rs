//! `docs/configuration.md` lists every option with its default.

use std::collections::BTreeMap;

use crate::clone::read;

/// The options as they are declared: path and default.
fn declared() -> Vec<(String, String)> {
    let source = read("crates/procyon/src/options.rs");
    let mut groups: BTreeMap<String, String> = BTreeMap::new();
    let mut found = Vec::new();
    let mut place = String::new();
    for line in source.lines().map(str::trim).filter(|line| !line.starts_with("//")) {
        if let Some(name) = line.strip_prefix("pub(crate) struct ") {
            name.trim_end_matches([' ', '{']).clone_into(&mut place);
        } else if let Some((name, kind)) = line.strip_suffix("Options,").and_then(|line| line.split_once(": ")) {
            groups.insert(format!("{kind}Options"), format!("{name}."));
        } else if let Some((name, rest)) = line.split_once(": ")
            && let Some((_, default)) = rest.split_once(" = \"")
            && let Some(default) = default.strip_suffix("\",")
        {
            let prefix = groups.get(&place).cloned().unwrap_or_default();
            found.push((format!("{prefix}{name}"), default.to_owned()));
        }
    }
    found
}

#[test]
fn every_option_is_in_the_document_with_its_default() {
    let document = read("docs/configuration.md");
    let declared = declared();
    assert!(declared.len() > 20, "options are declared in another way than this test reads: {declared:?}");
    for (option, default) in declared {
        let row = document.lines().find(|line| line.starts_with('|') && line.contains(&format!("`{option}`")));
        let row = row.unwrap_or_else(|| panic!("docs/configuration.md has no row for `{option}`"));
        assert!(
            default.is_empty() || row.contains(&format!("`{default}`")),
            "the default of `{option}` is `{default}`: {row}"
        );
    }
}
