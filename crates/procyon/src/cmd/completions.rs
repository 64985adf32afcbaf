//! `procyon completions`: what a shell needs to complete our commands.

use std::io::Write;
use std::process::ExitCode;

use anyhow::Result;
use clap::{Args, CommandFactory};
use clap_complete::Shell;

use crate::cli::Cli;
use crate::output::Output;

/// Completions for a shell, to standard output
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  procyon completions bash > /etc/bash_completion.d/procyon\n  procyon completions zsh > \"${fpath[1]}/_procyon\"\n  procyon completions fish > ~/.config/fish/completions/procyon.fish"
)]
pub(crate) struct Completions {
    /// The shell
    #[arg(value_enum)]
    shell: Shell,
}

impl Completions {
    pub(crate) fn run(&self) -> Result<ExitCode> {
        // Through a buffer: the generator panics when its output goes away.
        let mut text = Vec::new();
        clap_complete::generate(self.shell, &mut Cli::command(), "procyon", &mut text);
        let mut out = Output::new();
        out.write_all(&text)?;
        out.flush()?;
        Ok(ExitCode::SUCCESS)
    }
}
