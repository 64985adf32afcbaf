//! Errors of files in the words of history.

use std::io::{self, ErrorKind};
use std::path::Path;

use procyon_history::HistoryError;

/// An attempt at a file or folder that failed.
pub(crate) fn failed(attempt: &str, path: &Path, source: io::Error) -> HistoryError {
    match source.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => HistoryError::Full(path.display().to_string()),
        _ => HistoryError::Io { attempt: format!("{attempt} {}", path.display()), source },
    }
}
