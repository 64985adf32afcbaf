//! What users notice is told to them in one sentence a change.

use crate::clone::{files, read};

const KINDS: &[&str] = &["feature", "fix", "break", "security"];

#[test]
fn each_change_is_one_sentence_of_a_known_kind() {
    let mut seen = 0;
    for file in files() {
        let Some(name) = file.strip_prefix("changelog.d/") else { continue };
        if name == "README.md" {
            continue;
        }
        let parts: Vec<&str> = name.split('.').collect();
        let [slug, kind, "md"] = parts[..] else { panic!("{file}: <slug>.<kind>.md") };
        assert!(!slug.is_empty() && KINDS.contains(&kind), "{file}: the kind is one of {KINDS:?}");
        let text = read(&file);
        assert_eq!(text.trim().lines().count(), 1, "{file}: one line");
        assert!(text.trim().ends_with('.'), "{file}: a sentence ends with a full stop");
        seen += 1;
    }
    assert!(seen > 0, "changelog.d is empty");
}
