//! Why a question about the past has no answer.

use procyon_units::Wall;

use crate::answer::Extent;

/// Why a question about the past has no answer.
#[derive(Debug, thiserror::Error)]
pub enum HistoryError {
    /// Nothing was kept yet.
    #[error("nothing has been kept yet")]
    Empty,
    /// The instant lies before everything that is kept.
    #[error("the history begins later")]
    Before {
        /// What was asked for.
        at: Wall,
        /// What there is.
        extent: Extent,
    },
    /// No history is kept of this figure.
    #[error("no history is kept of `{0}`")]
    NoFigure(String),
    /// A file or a database could not be read or written.
    #[error("could not {attempt}")]
    Io {
        /// What was tried, with its path.
        attempt: String,
        /// Why it failed.
        #[source]
        source: std::io::Error,
    },
    /// What was read is not what was written.
    #[error("{what} is damaged: {how}")]
    Damaged {
        /// The file or table.
        what: String,
        /// What is wrong with it.
        how: String,
    },
    /// There is no room to keep more.
    #[error("no room is left for history in {0}")]
    Full(String),
    /// Another program writes there.
    #[error("another procyon writes history in {0}")]
    Locked(String),
    /// It was written by a newer procyon, or by another program.
    #[error("{what} {how}")]
    Foreign {
        /// The file or folder.
        what: String,
        /// Why it is not ours to read.
        how: String,
    },

    /// A file that is no snapshot was opened as one.
    #[error("{0} is no snapshot of procyon")]
    NoSnapshot(String),
}
