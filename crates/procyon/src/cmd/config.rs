//! `procyon config`: checks options and shows those in force.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use clap::{Args, Subcommand};
use procyon_diag::{Kind, Tone};
use procyon_settings::{Origin, Sources, load};
use serde_json::json;

use crate::cli::Common;
use crate::options::Settings;
use crate::output::Output;
use crate::places;

/// Checks options, shows those in force
#[derive(Debug, Args)]
pub(crate) struct Config {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Names the line and the remedy of each mistake in an options file
    ///
    /// Without FILE the layers in force are checked: the usual file, PROCYON_… variables, --set. Exit code 0 when all is
    /// well, 1 when there are mistakes.
    #[command(
        after_help = "Example:\n  $ procyon config check procyon.toml\n  procyon.toml:3: unknown option liste; did you mean listen?"
    )]
    Check {
        /// The file to check; *.conf is read as plain option=value lines
        file: Option<PathBuf>,
        /// JSON for programs
        #[arg(long)]
        json: bool,
    },
    /// Shows every option with its value and where it was given
    #[command(
        after_help = "A file with every option and its default:\n  procyon config show --defaults > procyon.toml"
    )]
    Show {
        /// JSON instead of a file with comments
        #[arg(long)]
        json: bool,
        /// The defaults, whatever file and environment say
        #[arg(long)]
        defaults: bool,
    },
}

impl Config {
    pub(crate) fn run(&self, common: &Common) -> Result<ExitCode> {
        match &self.action {
            Action::Check { file, json } => check(common, file.as_ref(), *json),
            Action::Show { json, defaults } => show(common, *json, *defaults),
        }
    }
}

fn check(common: &Common, file: Option<&PathBuf>, as_json: bool) -> Result<ExitCode> {
    let sources = match file {
        Some(file) => Sources { file: Some(file.clone()), ..Sources::default() },
        None => common.sources(Vec::new()),
    };
    let mut out = Output::new();
    let result = load::<Settings>(&sources);
    let code = match &result {
        Ok(loaded) if as_json => {
            let warnings: Vec<_> = loaded.warnings.iter().map(ToString::to_string).collect();
            let file = loaded.file.as_ref().map(|file| file.display().to_string());
            out.pretty_json(&json!({ "ok": true, "file": file, "warnings": warnings, "mistakes": [] }))?;
            ExitCode::SUCCESS
        }
        Err(mistakes) if as_json => {
            let mistakes: Vec<_> = mistakes.0.iter().map(ToString::to_string).collect();
            let file = file.map(|file| file.display().to_string());
            out.pretty_json(&json!({ "ok": false, "file": file, "warnings": [], "mistakes": mistakes }))?;
            ExitCode::from(Kind::Finding.exit_code())
        }
        Ok(loaded) => {
            for warning in &loaded.warnings {
                writeln!(out, "{} {warning}", out.palette.paint(Tone::Warn, "warning:"))?;
            }
            let what = loaded
                .file
                .as_ref()
                .map_or_else(|| format!("no file at {}", places::USUAL_CONFIG), |file| file.display().to_string());
            writeln!(out, "{what}: {}", out.palette.paint(Tone::Good, "ok"))?;
            ExitCode::SUCCESS
        }
        Err(mistakes) => {
            for mistake in &mistakes.0 {
                writeln!(out, "{mistake}")?;
            }
            ExitCode::from(Kind::Finding.exit_code())
        }
    };
    out.flush()?;
    Ok(code)
}

fn show(common: &Common, as_json: bool, defaults: bool) -> Result<ExitCode> {
    let loaded = if defaults { load::<Settings>(&Sources::default())? } else { common.load(Vec::new())? };
    let mut out = Output::new();
    if as_json {
        let options: Vec<_> = loaded
            .effective
            .iter()
            .map(|option| {
                json!({
                    "option": option.declared.path, "value": option.value, "origin": option.origin.to_string(),
                    "default": option.declared.default, "expects": option.declared.shape, "help": option.declared.help,
                })
            })
            .collect();
        out.pretty_json(&options.into())?;
    } else {
        let mut section = "";
        for option in &loaded.effective {
            let (group, name) = option.declared.path.rsplit_once('.').unwrap_or(("", &option.declared.path));
            if group != section {
                section = group;
                writeln!(out, "\n{}", out.palette.paint(Tone::Strong, format!("[{group}]")))?;
            }
            writeln!(out, "{}", out.palette.paint(Tone::Faint, format!("# {}", option.declared.help)))?;
            // What is not set stays a comment, so that the output is a file that works.
            let unset = if option.value.is_empty() && option.declared.default.is_empty() { "# " } else { "" };
            let origin =
                if option.origin == Origin::Default { String::new() } else { format!("  # from {}", option.origin) };
            writeln!(out, "{unset}{name} = {}{}", quoted(&option.value), out.palette.paint(Tone::Hint, origin))?;
        }
    }
    out.flush()?;
    Ok(ExitCode::SUCCESS)
}

/// A value as TOML.
fn quoted(value: &str) -> String {
    if matches!(value, "true" | "false") || (!value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit())) {
        return value.to_owned();
    }
    let escaped: String = value
        .chars()
        .map(|c| match c {
            '"' => "\\\"".to_owned(),
            '\\' => "\\\\".to_owned(),
            c if c.is_control() => format!("\\u{:04X}", u32::from(c)),
            c => c.to_string(),
        })
        .collect();
    format!("\"{escaped}\"")
}
