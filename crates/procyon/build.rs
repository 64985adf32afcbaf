//! Puts version and commit together for `procyon --version`.

#![expect(clippy::disallowed_methods, reason = "a build script asks git and talks to cargo by printing")]

use std::path::Path;
use std::process::Command;

fn main() {
    let version = std::env::var("CARGO_PKG_VERSION").unwrap_or_default();
    // A release from an archive has no commit; PROCYON_COMMIT may name it.
    let commit = std::env::var("PROCYON_COMMIT").ok().or_else(commit);
    let text = match commit {
        Some(commit) if !commit.is_empty() => format!("{version} ({commit})"),
        _ => version,
    };
    println!("cargo::rustc-env=PROCYON_VERSION={text}");
    println!("cargo::rerun-if-env-changed=PROCYON_COMMIT");
    let log = Path::new("../../.git/logs/HEAD");
    if log.exists() && std::env::var("PROFILE").as_deref() == Ok("release") {
        println!("cargo::rerun-if-changed={}", log.display());
    } else {
        println!("cargo::rerun-if-changed=build.rs");
    }
}

fn commit() -> Option<String> {
    let output = Command::new("git").args(["rev-parse", "--short=9", "HEAD"]).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}
