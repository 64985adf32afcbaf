//! The web page: its packages and its build, each done only when something changed.

use std::fs;
use std::io;
use std::path::Path;
use std::process::Command;
use std::time::SystemTime;

use anyhow::{Context, Result};

use crate::place::Place;
use crate::step;

/// Folders below `web/` that do not go into the page.
const NOT_SOURCES: &[&str] = &["node_modules", "dist", "e2e", "mock", "test-results"];

/// npm in the web folder, quiet about everything but errors.
pub fn npm(place: &Place, arguments: &[&str]) -> Command {
    let mut command = step::program(place, "npm");
    command
        .current_dir(&place.web)
        .args(arguments)
        .env("NPM_CONFIG_FUND", "false")
        .env("NPM_CONFIG_AUDIT", "false")
        .env("NPM_CONFIG_UPDATE_NOTIFIER", "false");
    command
}

/// Installs the packages that the lock file names, unless they are there already.
pub fn packages(place: &Place) -> Result<()> {
    let lock = fs::read(place.web.join("package-lock.json")).context("could not read web/package-lock.json")?;
    let stamp = place.web.join("node_modules/.installed-package-lock.json");
    if fs::read(&stamp).is_ok_and(|installed| installed == lock) {
        return Ok(());
    }
    step::run("web packages", &mut npm(place, &["ci", "--no-progress", "--loglevel=error"]))?;
    fs::write(&stamp, lock).with_context(|| format!("could not write {}", stamp.display()))
}

/// Builds the page into `web/dist`, unless that is newer than every source.
pub fn build(place: &Place) -> Result<()> {
    packages(place)?;
    let built = modified(&place.web.join("dist/index.html"));
    let newest = newest_source(&place.web).context("could not look through web/")?;
    if built.is_some_and(|built| newest.is_some_and(|newest| newest <= built)) {
        return Ok(());
    }
    step::run("web page", &mut npm(place, &["run", "--silent", "build"]))
}

fn modified(path: &Path) -> Option<SystemTime> {
    fs::metadata(path).and_then(|metadata| metadata.modified()).ok()
}

fn newest_source(folder: &Path) -> io::Result<Option<SystemTime>> {
    let mut newest = None;
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let path = entry.path();
        let time = if entry.file_type()?.is_dir() {
            if NOT_SOURCES.iter().any(|name| entry.file_name() == *name) { None } else { newest_source(&path)? }
        } else {
            modified(&path)
        };
        newest = newest.max(time);
    }
    Ok(newest)
}
