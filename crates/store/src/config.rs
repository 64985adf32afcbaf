//! What a store may use.

use std::path::PathBuf;
use std::time::Duration;

use procyon_units::Bytes;

/// Where history is kept, and how much of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// The folder; made when it is not there.
    pub dir: PathBuf,
    /// Frames older than this go. Default: 30 days.
    pub retention: Duration,
    /// The oldest frames go when history takes more than this. Default: 10 GiB.
    pub max_size: Bytes,
    /// How often what was written is made to survive the loss of power. The end of the program alone loses nothing. Default: 1 s.
    pub sync_every: Duration,
    /// How much time a block holds at most, counted from 1970 (UTC); those of it are put together when it is over. Default: an hour.
    pub block: Duration,
}

impl Config {
    /// The defaults, in a folder.
    pub fn new(dir: impl Into<PathBuf>) -> Self {
        Self {
            dir: dir.into(),
            retention: Duration::from_hours(30 * 24),
            max_size: Bytes(10 << 30),
            sync_every: Duration::from_secs(1),
            block: Duration::from_hours(1),
        }
    }

    pub(crate) fn block_ms(&self) -> i64 {
        i64::try_from(self.block.as_millis()).unwrap_or(i64::MAX).max(1000)
    }
}
