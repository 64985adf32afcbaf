//! Puts version and commit together for `procyon --version`, and packs what `procyon licenses` prints.

#![expect(clippy::disallowed_methods, reason = "a build script asks git and talks to cargo by printing")]

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use flate2::Compression;
use flate2::write::GzEncoder;

fn main() -> std::io::Result<()> {
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
    pack_licenses()
}

fn pack_licenses() -> std::io::Result<()> {
    let packed = PathBuf::from(std::env::var_os("OUT_DIR").unwrap_or_default()).join("licenses.gz");
    let mut packed = GzEncoder::new(std::fs::File::create(packed)?, Compression::best());
    for file in ["../../THIRD-PARTY.md", "../../LICENSE"] {
        println!("cargo::rerun-if-changed={file}");
        packed.write_all(&std::fs::read(file)?)?;
        packed.write_all(b"\n")?;
    }
    packed.finish().map(drop)
}

fn commit() -> Option<String> {
    let output = Command::new("git").args(["rev-parse", "--short=9", "HEAD"]).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}
