//! The project's tasks, one word each: `cargo xtask test`. The Makefile only forwards to them.
//!
//! - [`place`]: where things are: the clone, the build results, the web sources;
//! - [`step`]: running a program, saying what it does and how long it took;
//! - [`web`], [`binary`]: what is built;
//! - [`check`]: tests, lints, long rounds, measurements;
//! - [`bless`]: rewriting what is generated;
//! - [`notices`]: whose code goes along, and under which terms;
//! - [`bpf`]: compiling the programs that run in the kernel.

mod binary;
mod bless;
mod bpf;
mod check;
mod notices;
mod place;
mod step;
mod web;

use std::process::ExitCode;

use anyhow::{Result, bail};

use crate::place::Place;

/// A task: its name, what it does, and the function that does it.
type Task = (&'static str, &'static str, fn(&Place, &[String]) -> Result<()>);

const TASKS: &[Task] = &[
    ("build", "the web page and the release binary", binary::build),
    ("run", "build, then `procyon up` (further arguments go to it)", binary::run),
    ("test", "everything that has to hold before a change goes in", check::test),
    ("ci", "what continuous integration runs: the same as test", check::test),
    ("lint", "formatting, lints, licences and sources of dependencies", check::lint),
    ("soak", "long rounds: storms, ten minutes of watching", check::soak),
    ("bench", "measure the budgets of docs/benchmarks.md", check::bench),
    ("bless", "rewrite generated documents and goldens; read the diff afterwards", bless::bless),
    ("notices", "write THIRD-PARTY.md from the sources of all packages", notices::notices),
    (
        "bpf",
        "compile the programs that run in the kernel (needs the clang that `scripts/setup bpf` installs)",
        bpf::bpf,
    ),
];

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let name = arguments.next().unwrap_or_else(|| "help".to_owned());
    let rest: Vec<String> = arguments.collect();
    match dispatch(&name, &rest) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            step::say(&format!("error: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

fn dispatch(name: &str, rest: &[String]) -> Result<()> {
    if matches!(name, "help" | "--help" | "-h") {
        step::say("usage: cargo xtask <task>");
        for (task, what, _) in TASKS {
            step::say(&format!("  {task:<6} {what}"));
        }
        return Ok(());
    }
    let Some((_, _, run)) = TASKS.iter().find(|(task, _, _)| *task == name) else {
        bail!("there is no task `{name}`; `cargo xtask help` lists them");
    };
    run(&Place::find()?, rest)
}
