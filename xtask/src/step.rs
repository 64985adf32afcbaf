//! Running a program as a step of a task.

#![expect(clippy::disallowed_methods, reason = "starting programs and timing them is what a task is")]
#![expect(clippy::print_stderr, reason = "progress is for the person who started the task")]

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context, Result, bail};

use crate::place::Place;

/// One line for the person who started the task.
pub fn say(line: &str) {
    eprintln!("{line}");
}

/// A program to run in the clone. It gets no input, so that nothing waits for an answer.
pub fn program(place: &Place, name: impl AsRef<Path>) -> Command {
    let mut command = Command::new(name.as_ref());
    command.current_dir(&place.root).env("CARGO_TARGET_DIR", &place.target).stdin(Stdio::null());
    command
}

/// The cargo that runs this task.
pub fn cargo(place: &Place) -> Command {
    program(place, std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned()))
}

/// Runs a program to its end; anything but success is an error that names the step.
pub fn run(title: &str, command: &mut Command) -> Result<()> {
    say(&format!("==> {title}"));
    let start = Instant::now();
    let status = command.status().with_context(|| format!("could not start {}", shown(command)))?;
    let took = start.elapsed().as_secs_f32();
    if !status.success() {
        bail!("{title} failed ({status}) after {took:.0} s: {}", shown(command));
    }
    say(&format!("    {title}: {took:.1} s"));
    Ok(())
}

/// Whether a program can be started and ends well, without showing what it prints.
pub fn works(command: &mut Command) -> bool {
    command.stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok_and(|status| status.success())
}

/// Runs `scripts/setup` for what a task needs.
pub fn setup(place: &Place, what: &str) -> Result<()> {
    let status = program(place, place.root.join("scripts/setup"))
        .arg(what)
        .stdin(Stdio::inherit())
        .status()
        .context("could not start scripts/setup")?;
    if !status.success() {
        bail!("what `{what}` needs is not there");
    }
    Ok(())
}

fn shown(command: &Command) -> String {
    let mut line = command.get_program().to_string_lossy().into_owned();
    for argument in command.get_args() {
        line.push(' ');
        line.push_str(&argument.to_string_lossy());
    }
    line
}
