//! Patterns of folders, as `/var/lib/*/metrics`: `*`, `?` and `[a-z]` within a name.

use std::path::{Path, PathBuf};

use procyon_linux::attributes;

/// The most folders that a pattern may match.
const MOST_FOLDERS: usize = 1000;

/// The folders that a pattern matches; a path without a pattern matches itself where it is there.
pub(super) fn folders(pattern: &str) -> Vec<PathBuf> {
    if pattern.is_empty() {
        return Vec::new();
    }
    let mut found = vec![if pattern.starts_with('/') { PathBuf::from("/") } else { PathBuf::new() }];
    for part in pattern.split('/').filter(|part| !part.is_empty()) {
        let mut next = Vec::new();
        for folder in found {
            if part.contains(['*', '?', '[']) {
                let listed = if folder.as_os_str().is_empty() { Path::new(".") } else { &folder };
                let names = attributes::names(listed).unwrap_or_default();
                let fitting = names.iter().filter(|name| matches(part.as_bytes(), name.as_bytes()));
                next.extend(fitting.map(|name| folder.join(&**name)));
            } else {
                next.push(folder.join(part));
            }
        }
        next.truncate(MOST_FOLDERS);
        found = next;
    }
    found.retain(|folder| std::fs::metadata(folder).is_ok());
    // A trailing slash is kept in the paths that are told.
    if pattern.ends_with('/') {
        for folder in &mut found {
            folder.push("");
        }
    }
    found
}

/// Whether a pattern matches a whole name. Looks back to the last star only, so it takes quadratic time at worst.
fn matches(pattern: &[u8], name: &[u8]) -> bool {
    let (mut pattern, mut name) = (pattern, name);
    let mut back: Option<(&[u8], &[u8])> = None;
    loop {
        let step = match (pattern, name) {
            ([b'*', rest @ ..], _) => {
                back = Some((rest, name));
                pattern = rest;
                continue;
            }
            ([], []) => return true,
            ([b'?', rest @ ..], [_, after @ ..]) => Some((rest, after)),
            ([b'[', rest @ ..], [byte, after @ ..]) => class(rest, *byte).map(|rest| (rest, after)),
            ([b'\\', literal, rest @ ..], [byte, after @ ..]) if literal == byte => Some((rest, after)),
            ([literal, rest @ ..], [byte, after @ ..]) if literal == byte => Some((rest, after)),
            _ => None,
        };
        if let Some((rest, after)) = step {
            (pattern, name) = (rest, after);
            continue;
        }
        let Some((rest, [_, after @ ..])) = back else { return false };
        back = Some((rest, after));
        (pattern, name) = (rest, after);
    }
}

/// What follows a class of letters, if it has this one.
fn class(pattern: &[u8], byte: u8) -> Option<&[u8]> {
    let end = pattern.iter().position(|byte| *byte == b']')?;
    let (set, rest) = (pattern.get(..end)?, pattern.get(end + 1..)?);
    let (set, negated) = match set {
        [b'^', set @ ..] => (set, true),
        set => (set, false),
    };
    let mut set = set;
    let mut found = false;
    while let [first, tail @ ..] = set {
        if let [b'-', last, tail @ ..] = tail {
            found |= (first..=last).contains(&&byte);
            set = tail;
        } else {
            found |= *first == byte;
            set = tail;
        }
    }
    (found != negated).then_some(rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_whole_names() {
        for (pattern, name, expected) in [
            ("*", "anything", true),
            ("dir*", "dir1", true),
            ("dir?", "dir", false),
            ("d[a-i]r[12]", "dir1", true),
            ("d[^a-i]r", "dir", false),
            ("*x*y*z", "axbyczz", true),
            ("*x*y*z", "axbycza", false),
            ("a[", "a[", false),
            ("", "", true),
        ] {
            assert_eq!(matches(pattern.as_bytes(), name.as_bytes()), expected, "{pattern} {name}");
        }
    }

    #[test]
    fn every_part_of_a_path_may_be_a_pattern() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["a1/x", "a2/x", "b1/x"] {
            std::fs::create_dir_all(folder.path().join(name)).unwrap();
        }
        let pattern = format!("{}/a*/x", folder.path().display());
        let found: Vec<_> =
            folders(&pattern).into_iter().map(|path| path.strip_prefix(folder.path()).unwrap().to_owned()).collect();
        assert_eq!(found, [Path::new("a1/x"), Path::new("a2/x")]);
        assert!(folders("/nowhere/at/all").is_empty());
    }
}
