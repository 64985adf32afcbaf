//! The commands, one a file.

pub(crate) mod completions;
pub(crate) mod config;
pub(crate) mod cpu;
pub(crate) mod disk;
pub(crate) mod doctor;
pub(crate) mod exporter;
pub(crate) mod licenses;
pub(crate) mod mem;
pub(crate) mod process_exporter;
pub(crate) mod procs;
pub(crate) mod ps;
pub(crate) mod rank;
pub(crate) mod signal;
pub(crate) mod snapshot;
pub(crate) mod store;
pub(crate) mod sys;
pub(crate) mod token;
pub(crate) mod trace;
pub(crate) mod up;
pub(crate) mod users;
pub(crate) mod why;

use std::process::ExitCode;

use anyhow::Result;

use crate::cli::{Cli, Command};

/// Runs the command that was asked for.
pub(crate) fn run(cli: Cli) -> Result<ExitCode> {
    let common = &cli.common;
    match cli.command {
        Command::Up(command) => command.run(common),
        Command::Ps(command) => command.run(common),
        Command::Rank(command) => command.run(common),
        Command::Why(command) => command.run(common),
        Command::Snapshot(command) => command.run(common),
        Command::Store(command) => command.run(common),
        Command::Trace(command) => command.run(),
        Command::Tracer(_) => trace::Tracer::run(),
        Command::Signal(command) => command.run(common),
        Command::Doctor(command) => command.run(common),
        Command::Token(command) => command.run(common),
        Command::Config(command) => command.run(common),
        Command::Mem(command) => command.run(common),
        Command::Disk(command) => command.run(common),
        Command::Cpu(command) => command.run(common),
        Command::Sys(command) => command.run(common),
        Command::Users(command) => command.run(common),
        Command::Procs(command) => command.run(common),
        Command::Exporter(command) => command.run(),
        Command::Licenses(command) => command.run(),
        Command::ProcessExporter(command) => command.run(),
        Command::Completions(command) => command.run(),
    }
}
