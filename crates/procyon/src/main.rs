//! `procyon`: which process used up this machine, when, and what can I do about it now?
//!
//! One file a command in [`cmd`]; what several of them need stands beside them:
//! - [`cli`] is the command line, [`options`] the options behind it, [`places`] the folders and sockets;
//! - [`log`] is procyon's own log;
//! - [`past`] keeps the past, [`asking`] finds who answers questions about it, [`when`] reads instants;
//! - [`format`] writes numbers for people, [`table`] aligns them, [`output`] copes with readers that go away.

mod asking;
mod cli;
mod cmd;
mod collecting;
mod ends;
mod format;
mod log;
mod options;
mod output;
mod past;
mod pause;
mod places;
mod privilege;
mod probe;
mod table;
mod target;
mod when;

use std::process::ExitCode;

use clap::Parser;
use procyon_diag::{Palette, kind_of, report};

fn main() -> ExitCode {
    procyon_linux::allocator::share_one_arena();
    let cli = match cli::Cli::try_parse_from(cli::words(std::env::args_os())) {
        Ok(cli) => cli,
        Err(error) => {
            // Nobody to tell when even this cannot be written.
            let _unheard = error.print();
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2));
        }
    };
    match cmd::run(cli) {
        Ok(code) => code,
        Err(error) if output::reader_left(&error) => ExitCode::SUCCESS,
        Err(error) => {
            let error: &(dyn std::error::Error + 'static) = error.as_ref();
            let stderr = std::io::stderr();
            let _unheard = report(&mut stderr.lock(), Palette::of(&stderr), error);
            ExitCode::from(kind_of(error).exit_code())
        }
    }
}
