//! `procyon snapshot`: a piece of history in one file.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Result;
use clap::Args;
use procyon_diag::{Fault, Kind};
use serde_json::json;

use crate::asking::folder_of_files;
use crate::cli::Common;
use crate::cmd::rank::range;
use crate::output::Output;
use crate::{format, past, when};

/// Copies a piece of history into one file, which `ps`, `rank`, `why` and `up` open anywhere with --file
///
/// Reads the files of the history, also while a procyon writes there. The file holds the frames of the range and no others. Command lines in it have their secrets masked, as everywhere.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  procyon snapshot --from 02:30 --to 03:30 -o incident.snapshot
  procyon snapshot --from -2h -o incident.snapshot --data /var/lib/procyon
  procyon why --at 03:12 --file incident.snapshot
  procyon up --file incident.snapshot            in the browser, and by the API")]
pub(crate) struct Snapshot {
    /// Where the piece begins: -2h, 03:12 (local), '2026-03-12 03:12', RFC 3339, milliseconds since 1970
    #[arg(long, value_name = "TIME", default_value = "-1h", allow_hyphen_values = true)]
    from: String,
    /// Where it ends
    #[arg(long, value_name = "TIME", default_value = "now", allow_hyphen_values = true)]
    to: String,
    /// The file to make; it must not be there yet
    #[arg(long, short, value_name = "FILE")]
    output: PathBuf,
    /// Takes the place of a file that is there
    #[arg(long)]
    force: bool,
    /// JSON for programs
    #[arg(long)]
    json: bool,
}

impl Snapshot {
    pub(crate) fn run(&self, common: &Common) -> Result<ExitCode> {
        let settings = common.settings()?;
        let (from, to) = range(&self.from, &self.to)?;
        let dir = folder_of_files(&settings)?;
        may_write(&self.output, self.force)?;
        let info = procyon_store::snapshot(&dir, from, to, &self.output).map_err(|error| past::fault(&error))?;
        let mut out = Output::new();
        if self.json {
            out.json(&json!({
                "file": self.output, "from": info.from.map(procyon_units::Wall::unix_ms),
                "to": info.to.map(procyon_units::Wall::unix_ms), "frames": info.frames, "bytes": info.bytes.0,
            }))?;
        } else {
            let stamp = |at: Option<procyon_units::Wall>| at.map_or_else(|| format::UNKNOWN.to_owned(), when::stamp);
            writeln!(
                out,
                "{}: {} frames from {} to {}, {}",
                self.output.display(),
                info.frames,
                stamp(info.from),
                stamp(info.to),
                format::bytes(precise(info.bytes.0))
            )?;
        }
        out.flush()?;
        Ok(ExitCode::SUCCESS)
    }
}

/// Refuses to take the place of a file that is there, unless that was asked for.
pub(crate) fn may_write(file: &Path, force: bool) -> Result<(), Fault> {
    if force || std::fs::symlink_metadata(file).is_err() {
        return Ok(());
    }
    let fault = Fault::new(Kind::Failed, format!("{} is there already", file.display()));
    Err(fault.hint("name another file, or say `--force`"))
}

/// Bytes for people need no more than 53 bits.
#[expect(clippy::cast_precision_loss, reason = "for people")]
pub(crate) const fn precise(bytes: u64) -> f64 {
    bytes as f64
}
