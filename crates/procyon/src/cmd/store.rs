//! `procyon store`: looks at the files of a history, checks them, writes them out for other programs.

use std::fs::File;
use std::io::{BufWriter, IsTerminal as _, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Result;
use clap::{Args, Subcommand, ValueEnum};
use procyon_diag::{Fault, Kind, Tone};
use procyon_store::{Files, Format, Info, Problem};
use procyon_units::Wall;
use serde_json::json;

use crate::asking::folder_of_files;
use crate::cli::Common;
use crate::cmd::rank::range;
use crate::cmd::snapshot::{may_write, precise};
use crate::output::Output;
use crate::{format, past, when};

/// The files of a history: what they hold, whether they are sound, and out of them for other programs
///
/// Works on the files themselves, in the usual state folder or in that of --data, also while a procyon writes there.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  procyon store info
  procyon store verify --data /var/lib/procyon
  procyon store verify --file incident.snapshot
  procyon store export --from -1h --format csv -o processes.csv")]
pub(crate) struct Store {
    /// Looks at a file that `procyon snapshot` made, instead of a folder
    #[arg(long, global = true, value_name = "FILE")]
    file: Option<PathBuf>,
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// What the history holds: from when to when, how many frames, how much room
    Info {
        /// JSON for programs
        #[arg(long)]
        json: bool,
    },
    /// Reads everything and compares it with its checksums; exit code 1 when something is damaged
    Verify {
        /// JSON for programs
        #[arg(long)]
        json: bool,
    },
    /// Writes what processes did in a range: a row for each process and frame in which something of it changed
    Export {
        /// Where the range begins: -2h, 03:12 (local), '2026-03-12 03:12', RFC 3339, milliseconds since 1970
        #[arg(long, value_name = "TIME", default_value = "-1h", allow_hyphen_values = true)]
        from: String,
        /// Where it ends
        #[arg(long, value_name = "TIME", default_value = "now", allow_hyphen_values = true)]
        to: String,
        /// How
        #[arg(long, value_name = "FORMAT", value_enum, default_value = "csv")]
        format: Form,
        /// The file to make, which must not be there yet; standard output when absent (not for parquet)
        #[arg(long, short, value_name = "FILE")]
        output: Option<PathBuf>,
        /// Takes the place of a file that is there
        #[arg(long)]
        force: bool,
    },
}

/// How rows are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Form {
    /// Comma-separated, names first
    Csv,
    /// One JSON object a line
    Json,
    /// A Parquet file
    Parquet,
}

impl Store {
    pub(crate) fn run(&self, common: &Common) -> Result<ExitCode> {
        let place = match &self.file {
            Some(file) => file.clone(),
            None => folder_of_files(&common.settings()?)?,
        };
        let files = if self.file.is_some() { Files::Snapshot(&place) } else { Files::Folder(&place) };
        let mut out = Output::new();
        let code = match &self.action {
            Action::Info { json } => {
                let info = procyon_store::info(files).map_err(|error| past::fault(&error))?;
                show(&mut out, (files, &place.display().to_string()), &info, *json)?;
                ExitCode::SUCCESS
            }
            Action::Verify { json } => verify(&mut out, files, *json)?,
            Action::Export { from, to, format, output, force } => {
                let (from, to) = range(from, to)?;
                let format = match format {
                    Form::Csv => Format::Csv,
                    Form::Json => Format::Json,
                    Form::Parquet => Format::Parquet,
                };
                // A device or a pipe is written to; it is no file whose place is taken.
                let makes = |path: &&PathBuf| std::fs::metadata(path).map_or(true, |metadata| metadata.is_file());
                match output.as_ref().filter(makes) {
                    Some(path) => {
                        may_write(path, *force)?;
                        let rows = make(files, (from, to), format, path)?;
                        writeln!(out, "{}: {rows} rows", path.display())?;
                    }
                    None => export(files, (from, to), format, output.as_deref())?,
                }
                ExitCode::SUCCESS
            }
        };
        out.flush()?;
        Ok(code)
    }
}

fn show(out: &mut Output, (files, place): (Files<'_>, &str), info: &Info, as_json: bool) -> Result<()> {
    let (name, id) = if matches!(files, Files::Snapshot(_)) { ("File", "file") } else { ("Folder", "dir") };
    if as_json {
        out.json(&json!({
            id: place, "from": info.from.map(Wall::unix_ms), "to": info.to.map(Wall::unix_ms), "frames": info.frames,
            "folders": info.folders, "logs": info.logs, "process_rows": info.process_rows, "bytes": info.bytes.0,
        }))?;
        return Ok(());
    }
    let stamp = |at: Option<Wall>| at.map_or_else(|| format::UNKNOWN.to_owned(), when::stamp);
    let lines = [
        (name, place.to_owned()),
        ("From", stamp(info.from)),
        ("To", stamp(info.to)),
        ("Frames", info.frames.to_string()),
        ("Blocks", info.folders.to_string()),
        ("Logs", info.logs.to_string()),
        ("Rows of processes", format!("{} in blocks; what did not change is no row", info.process_rows)),
        ("Size", format::bytes(precise(info.bytes.0))),
    ];
    for (name, value) in lines {
        writeln!(out, "{} {value}", out.palette.paint(Tone::Faint, format!("{name:<18}")))?;
    }
    Ok(())
}

fn verify(out: &mut Output, files: Files<'_>, as_json: bool) -> Result<ExitCode> {
    let watched = std::io::stderr().is_terminal();
    let mut parts = 0;
    let mut progress = |done: usize, count: usize| {
        parts = count;
        if watched {
            // Nobody to tell when even this cannot be written.
            let _unheard = write!(std::io::stderr(), "\r{done} of {count}\x1b[K");
        }
    };
    let problems = procyon_store::verify(files, &mut progress).map_err(|error| past::fault(&error))?;
    if watched {
        let _unheard = write!(std::io::stderr(), "\r\x1b[K");
    }
    if as_json {
        let problem = |problem: &Problem| {
            json!({
                "file": problem.file, "what": problem.what,
                "from": problem.from.map(Wall::unix_ms), "to": problem.to.map(Wall::unix_ms),
            })
        };
        out.json(&json!({"parts": parts, "problems": problems.iter().map(problem).collect::<Vec<_>>()}))?;
    } else if problems.is_empty() {
        let noun = if parts == 1 { "part" } else { "parts" };
        writeln!(out, "{parts} {noun} read, all sound")?;
    } else {
        for problem in &problems {
            let span = match (problem.from, problem.to) {
                (Some(from), Some(to)) => format!(" ({} to {})", when::stamp(from), when::stamp(to)),
                (Some(from), None) => format!(" (from {} on)", when::stamp(from)),
                (None, _) => String::new(),
            };
            writeln!(
                out,
                "{} {}: {}{span}",
                out.palette.paint(Tone::Bad, "damaged".to_owned()),
                problem.file,
                problem.what
            )?;
        }
        writeln!(out, "The rest can be read; answers leave the damaged part out.")?;
    }
    Ok(if problems.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Makes a file of rows, which has its name once it is whole.
fn make(files: Files<'_>, range: (Wall, Wall), format: Format, path: &Path) -> Result<u64, Fault> {
    let mut unfinished = path.as_os_str().to_owned();
    unfinished.push(".part");
    let unfinished = PathBuf::from(unfinished);
    let made = write(files, range, format, &unfinished).and_then(|rows| {
        std::fs::rename(&unfinished, path).map_err(|error| not_made(path, error))?;
        Ok(rows)
    });
    if made.is_err()
        && let Err(error) = std::fs::remove_file(&unfinished)
    {
        tracing::debug!(%error, file = %unfinished.display(), "could not remove what was begun");
    }
    made
}

/// Writes rows to standard output, or to a device or a pipe.
fn export(files: Files<'_>, (from, to): (Wall, Wall), format: Format, output: Option<&Path>) -> Result<()> {
    match output {
        Some(path) => {
            write(files, (from, to), format, path)?;
        }
        None if format == Format::Parquet => {
            return Err(Fault::usage("a Parquet file cannot go to standard output")
                .hint("name a file with `-o FILE`")
                .into());
        }
        None => {
            let mut out = BufWriter::new(std::io::stdout());
            match procyon_store::export(files, from, to, format, &mut out) {
                Ok(_) => out.flush()?,
                Err(procyon_history::HistoryError::Io { source, .. })
                    if source.kind() == std::io::ErrorKind::BrokenPipe =>
                {
                    return Err(source.into());
                }
                Err(error) => return Err(past::fault(&error).into()),
            }
        }
    }
    Ok(())
}

fn not_made(path: &Path, error: std::io::Error) -> Fault {
    Fault::new(Kind::Failed, format!("could not make {}", path.display())).because(error)
}

/// Writes rows to a file.
fn write(files: Files<'_>, (from, to): (Wall, Wall), format: Format, path: &Path) -> Result<u64, Fault> {
    let mut file = BufWriter::new(File::create(path).map_err(|error| not_made(path, error))?);
    let rows = procyon_store::export(files, from, to, format, &mut file).map_err(|error| past::fault(&error))?;
    file.flush().map_err(|error| not_made(path, error))?;
    Ok(rows)
}
