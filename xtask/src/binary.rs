//! The binary that users run.

use std::os::unix::process::CommandExt as _;
use std::process::Stdio;

use anyhow::{Context as _, Result};

use crate::place::Place;
use crate::{step, web};

/// The web page, then the release binary that carries it.
pub fn build(place: &Place, _: &[String]) -> Result<()> {
    web::build(place)?;
    step::run("release binary", step::cargo(place).args(["build", "--release", "--locked", "--package", "procyon"]))?;
    step::say(&format!("    {}", place.binary("release").display()));
    Ok(())
}

/// Builds, then becomes `procyon up`, so that signals and the exit code are its own.
pub fn run(place: &Place, arguments: &[String]) -> Result<()> {
    build(place, &[])?;
    let binary = place.binary("release");
    let error = step::program(place, &binary).arg("up").args(arguments).stdin(Stdio::inherit()).exec();
    Err(error).with_context(|| format!("could not start {}", binary.display()))
}
