//! A document that points somewhere points at something.

use std::path::Path;

use crate::clone::{files, read, root};

/// The targets of `[text](target)` in a document, code left out.
fn targets(text: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let mut in_code = false;
    for line in text.lines() {
        if line.trim_start().starts_with("```") {
            in_code = !in_code;
        }
        if in_code {
            continue;
        }
        // Every second part of a line is between backticks.
        for part in line.split('`').step_by(2) {
            let mut rest = part;
            while let Some((_, after)) = rest.split_once("](") {
                let Some((target, after)) = after.split_once(')') else { break };
                found.push(target.split_whitespace().next().unwrap_or_default());
                rest = after;
            }
        }
    }
    found
}

/// The address that GitHub gives a heading.
fn slug(heading: &str) -> String {
    heading
        .trim()
        .to_lowercase()
        .chars()
        .filter_map(|letter| match letter {
            ' ' => Some('-'),
            letter if letter.is_alphanumeric() || letter == '-' || letter == '_' => Some(letter),
            _ => None,
        })
        .collect()
}

fn has_heading(text: &str, wanted: &str) -> bool {
    text.lines().filter(|line| line.starts_with('#')).any(|line| slug(line.trim_start_matches('#')) == wanted)
}

#[test]
fn links_between_documents_lead_somewhere() {
    let mut broken = Vec::new();
    for file in files().into_iter().filter(|file| file.ends_with(".md")) {
        let text = read(&file);
        let folder = Path::new(&file).parent().unwrap().to_path_buf();
        for target in targets(&text) {
            if target.contains("://") || target.starts_with("mailto:") {
                continue;
            }
            let (path, heading) = target.split_once('#').unwrap_or((target, ""));
            let aim = if path.is_empty() { file.clone() } else { folder.join(path).to_string_lossy().into_owned() };
            if root().join(&aim).symlink_metadata().is_err() {
                broken.push(format!("{file}: {target}"));
            } else if !heading.is_empty() && aim.ends_with(".md") && !has_heading(&read(&aim), heading) {
                broken.push(format!("{file}: {target} (no such heading)"));
            }
        }
    }
    assert!(broken.is_empty(), "{broken:#?}");
}

#[test]
fn every_document_can_be_found_from_the_index() {
    let index = read("docs/README.md");
    let linked = targets(&index);
    for file in files() {
        let Some(name) = file.strip_prefix("docs/").filter(|name| name.ends_with(".md")) else { continue };
        assert!(name == "README.md" || linked.contains(&name), "docs/README.md does not mention {name}");
    }
}

#[test]
fn targets_are_found_outside_of_code_only() {
    assert_eq!(targets("see [a](b.md#c) and `[x](y)`, [d](e \"t\")\n```\n[f](g)\n```\n"), ["b.md#c", "e"]);
    assert_eq!(slug(" What's in `it`: 2 things"), "whats-in-it-2-things");
}
