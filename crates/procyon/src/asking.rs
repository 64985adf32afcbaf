//! Whom a command asks about the past: a running procyon, the files of a history, or a file with a piece of one.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;
use procyon_client::Client;
use procyon_diag::{Fault, Kind};
use procyon_history::History;
use procyon_store::Reader;

use crate::cli::Common;
use crate::options::Settings;
use crate::target::Target;
use crate::{past, places};

/// The flag that names a file with a piece of history.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct PastFile {
    /// Asks a file that `procyon snapshot` made
    #[arg(long, value_name = "FILE", conflicts_with_all = ["host", "socket"], help_heading = "Which procyon")]
    pub(crate) file: Option<PathBuf>,
}

/// Who answers.
pub(crate) enum Asked {
    /// A running procyon.
    Procyon(Client),
    /// Files, read by ourselves.
    Files(Arc<dyn History>),
}

impl Asked {
    /// The one that the flags name: `--file`, `--host`, `--socket`, the files in `--data`; else the procyon that runs here, else the
    /// files of this machine's usual folder.
    pub(crate) fn find(common: &Common, settings: &Settings, target: &Target, file: &PastFile) -> Result<Self, Fault> {
        if let Some(file) = &file.file {
            return Ok(Self::Files(Arc::new(open_file(file)?)));
        }
        let files_first = common.data.is_some() && !target.is_named();
        if !files_first && let Some(client) = target.find(settings)? {
            return Ok(Self::Procyon(client));
        }
        let reader = procyon_store::open_reader(&folder_of_files(settings)?).map_err(|error| past::fault(&error))?;
        Ok(Self::Files(Arc::new(reader)))
    }
}

/// Opens a file that `procyon snapshot` made; says so on standard error when a part of it is damaged.
pub(crate) fn open_file(file: &Path) -> Result<Reader, Fault> {
    let (reader, damaged) = procyon_store::open_file(file).map_err(|error| past::fault(&error))?;
    if let Some(first) = damaged.first() {
        let what = format!("{first} in {} is damaged", file.display());
        let more = if damaged.len() > 1 { format!(", and {} more", damaged.len() - 1) } else { String::new() };
        // Nobody to tell when even this cannot be written.
        let _unheard = writeln!(
            std::io::stderr(),
            "warning: {what}{more}; answers leave that out, and `procyon store verify --file {}` says more",
            file.display()
        );
    }
    Ok(reader)
}

/// The folder of the history of this machine, or of the state folder that was named; `--data` may name the folder of the
/// history itself as well.
pub(crate) fn folder_of_files(settings: &Settings) -> Result<PathBuf, Fault> {
    let folder = places::state_folder(settings);
    let dir = past::dir(settings, &folder);
    let dir = if !dir.is_dir() && folder.join("format").is_file() { folder } else { dir };
    match std::fs::read_dir(&dir) {
        Ok(_) => Ok(dir),
        Err(error) => {
            let denied = error.kind() == std::io::ErrorKind::PermissionDenied;
            let kind = if denied { Kind::NotPermitted } else { Kind::NotFound };
            let fault = Fault::new(kind, format!("could not read the history in {}", dir.display())).because(error);
            Err(if denied {
                fault.hint("run this as the user who runs procyon, or ask it with `--host URL` and a token")
            } else {
                fault.hint("`procyon up` keeps history; its state folder is named with `--data DIR`")
            })
        }
    }
}
