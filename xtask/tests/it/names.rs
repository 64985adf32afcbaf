//! A file is named after the one thing that it is about.

use std::path::Path;

use crate::clone::files;

/// Names that say nothing about what is inside: a function without a home means that a concept is missing.
const EMPTY_WORDS: &[&str] =
    &["util", "utils", "helper", "helpers", "common", "misc", "manager", "managers", "stuff", "various"];

#[test]
fn no_file_has_a_name_that_says_nothing() {
    let mut wrong = Vec::new();
    for file in files() {
        let path = Path::new(&file);
        let words = path.iter().map(|part| part.to_string_lossy());
        for part in words {
            let stem = part.split('.').next().unwrap_or_default();
            if EMPTY_WORDS.contains(&stem) || (stem == "types" && part.ends_with(".rs")) {
                wrong.push(file.clone());
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn modules_are_files_beside_their_folder() {
    let wrong: Vec<String> = files().into_iter().filter(|file| file.ends_with("/mod.rs")).collect();
    assert!(wrong.is_empty(), "foo.rs beside foo/, not foo/mod.rs: {wrong:#?}");
}

#[test]
fn a_crate_has_one_binary_of_integration_tests() {
    for file in files() {
        let Some((_, below)) = file.split_once("/tests/").filter(|_| file.starts_with("crates/")) else { continue };
        if file.ends_with(".rs") {
            assert!(below.contains('/'), "{file}: put it into tests/it/, where it is linked once");
        }
    }
}
