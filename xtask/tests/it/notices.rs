//! The notices that go along with the binary are there for everything in it.

use std::process::{Command, Stdio};

use crate::clone::{read, root};

const FILE: &str = "THIRD-PARTY.md";

#[test]
fn each_package_in_the_binary_has_its_notice() {
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    let output = Command::new(cargo)
        .args(["tree", "--offline", "--locked", "--package=procyon", "--prefix=none", "--format={p}"])
        .args(["--edges=normal,no-proc-macro", "--target=x86_64-unknown-linux-gnu"])
        .current_dir(root())
        .output()
        .unwrap();
    assert!(output.status.success(), "cargo tree: {}", String::from_utf8_lossy(&output.stderr));
    let notices = read(FILE);
    let listed = |name: &str| notices.split([' ', ',', '\n']).any(|word| word == name);
    let tree = String::from_utf8(output.stdout).unwrap();
    let ours = |line: &&str| line.contains(&*root().to_string_lossy());
    let outside = tree.lines().filter(|line| !line.is_empty() && !ours(line));
    let names: Vec<&str> = outside.filter_map(|line| line.split(' ').next()).chain(["svelte", "uplot"]).collect();
    assert!(names.len() > 100, "{names:?}");
    let silent: Vec<&&str> = names.iter().filter(|name| !listed(name)).collect();
    assert!(silent.is_empty(), "no notice for {silent:?}: `cargo xtask notices`");
}

#[test]
fn the_notices_are_what_the_packages_say() {
    if !root().join("web/node_modules/uplot").is_dir() {
        eprintln!("skipped: the packages of the page are not there; `make build` installs them");
        return;
    }
    let made = tempfile::NamedTempFile::new().unwrap();
    let status =
        Command::new(env!("CARGO_BIN_EXE_xtask")).arg("notices").arg(made.path()).stderr(Stdio::null()).status();
    assert!(status.unwrap().success());
    assert!(
        std::fs::read_to_string(made.path()).unwrap() == read(FILE),
        "{FILE} is out of date: `cargo xtask notices`"
    );
}
