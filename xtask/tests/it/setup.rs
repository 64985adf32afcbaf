//! `scripts/setup` says what it cannot do, and does nothing where nothing is missing.

use std::process::{Command, Output};

use crate::clone::root;

fn setup(arguments: &[&str], path: Option<&str>) -> Output {
    let mut command = Command::new("/bin/bash");
    command.arg(root().join("scripts/setup")).args(arguments);
    if let Some(path) = path {
        command.env("PATH", path);
    }
    command.output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn where_nothing_is_missing_nothing_is_said() {
    let output = setup(&["build"], None);
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert_eq!(text(&output.stdout) + &text(&output.stderr), "");
}

#[test]
fn without_rust_it_says_where_rust_comes_from() {
    let output = setup(&["build"], Some("/usr/bin:/bin"));
    if !output.status.success() {
        let said = text(&output.stderr);
        assert!(said.contains("error: ") && said.contains("\nhint: "), "{said}");
    }
}

#[test]
fn an_unknown_word_is_refused_with_those_that_exist() {
    for arguments in [&[][..], &["everything"]] {
        let output = setup(arguments, None);
        assert_eq!(output.status.code(), Some(1));
        assert!(text(&output.stderr).contains("build, test, bpf or lint"), "{}", text(&output.stderr));
    }
}
