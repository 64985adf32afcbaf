//! The folder of a history: what stands where.

use std::fmt::Debug;
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use procyon_history::HistoryError;

use crate::block::table::Tables;
use crate::block::{Name, UNFINISHED};
use crate::disk::{Disk, Stream};
use crate::failure::failed;
use crate::log::Log;

/// Says whose the folder is, and in which version.
const FORMAT: &str = "format";
/// What [`FORMAT`] holds, before the version.
const MARK: &str = "procyon history ";
/// The version that is written.
const VERSION: u32 = 1;
/// What it is called until it is whole.
const FORMAT_UNFINISHED: &str = "format.tmp";
const LOCK: &str = "lock";
const LOGS: &str = "log";
const BLOCKS: &str = "blocks";
/// Ending of the name of a log, and what is added to it where a part of it cannot be read.
const LOG: &str = ".log";
const DAMAGED: &str = ".damaged";
/// What may stand in a folder that is no history yet: what a start that did not come to its end left behind, and what a file system
/// has at its root.
const NO_OBSTACLE: [&str; 5] = [LOCK, LOGS, BLOCKS, FORMAT_UNFINISHED, "lost+found"];
/// Longest that [`FORMAT`] can be.
const MOST: u64 = 256;

/// The folder of a history.
#[derive(Debug, Clone)]
pub(crate) struct Folder {
    pub(crate) disk: Arc<dyn Disk>,
    pub(crate) path: PathBuf,
}

impl Folder {
    pub(crate) fn new(disk: Arc<dyn Disk>, path: impl Into<PathBuf>) -> Self {
        Self { disk, path: path.into() }
    }

    pub(crate) fn logs(&self) -> PathBuf {
        self.path.join(LOGS)
    }

    pub(crate) fn blocks(&self) -> PathBuf {
        self.path.join(BLOCKS)
    }

    pub(crate) fn log(&self, seq: u64) -> PathBuf {
        self.logs().join(format!("{seq:016}{LOG}"))
    }

    /// Where a log stands that was set aside.
    pub(crate) fn damaged_log(&self, seq: u64) -> PathBuf {
        self.logs().join(format!("{seq:016}{LOG}{DAMAGED}"))
    }

    /// Numbers of the logs, in order.
    pub(crate) fn log_numbers(&self) -> Result<Vec<u64>, HistoryError> {
        let names = self.list(&self.logs())?;
        Ok(names.iter().filter_map(|name| name.strip_suffix(LOG)?.parse().ok()).collect())
    }

    /// Numbers of the logs that were set aside, in order.
    pub(crate) fn damaged_numbers(&self) -> Result<Vec<u64>, HistoryError> {
        let names = self.list(&self.logs())?;
        Ok(names.iter().filter_map(|name| name.strip_suffix(DAMAGED)?.strip_suffix(LOG)?.parse().ok()).collect())
    }

    /// Lets a log go whose frames are in a block. One that cannot be read to its end, which is more than the torn end of a record, is
    /// set aside instead, so that whatever else is in it is not lost. `end` is where its last whole record ends, none when one makes no
    /// sense.
    pub(crate) fn let_go(&self, seq: u64, end: Option<u64>) -> Result<(), HistoryError> {
        let log = Log::new(Arc::clone(&self.disk), self.log(seq));
        if !self.is_damaged(&log, end)? {
            return self.remove_file(&log.path);
        }
        let aside = self.damaged_log(seq);
        self.disk.rename(&log.path, &aside).map_err(|error| failed("rename", &log.path, error))?;
        tracing::warn!(file = %aside.display(), "a part of a log of history cannot be read; the file was set aside");
        Ok(())
    }

    /// The whole blocks, in order, without those whose content is in another one too.
    pub(crate) fn block_names(&self) -> Result<Vec<Name>, HistoryError> {
        let mut names: Vec<Name> = self.list(&self.blocks())?.iter().filter_map(|name| name.parse().ok()).collect();
        names.sort_unstable();
        let all = names.clone();
        names.retain(|name| !all.iter().any(|other| other.holds(name)));
        Ok(names)
    }

    /// Whether a log goes on after its last whole record with more than the torn end of another one.
    pub(crate) fn is_damaged(&self, log: &Log, end: Option<u64>) -> Result<bool, HistoryError> {
        let Some(end) = end else { return Ok(true) };
        let length = self.file_bytes(&log.path)?;
        Ok(end < length && !log.is_torn(end).map_err(|error| failed("read", &log.path, error))?)
    }

    pub(crate) fn remove_file(&self, path: &Path) -> Result<(), HistoryError> {
        self.disk.remove_file(path).map_err(|error| failed("remove", path, error))
    }

    pub(crate) fn file_bytes(&self, path: &Path) -> Result<u64, HistoryError> {
        self.disk.open(path).and_then(|input| input.length()).map_err(|error| failed("read", path, error))
    }

    /// Removes a block: first its name, so that it is never there in part.
    pub(crate) fn remove_block(&self, name: Name) -> Result<(), HistoryError> {
        let path = self.blocks().join(name.to_string());
        let unfinished = self.blocks().join(format!("{name}{UNFINISHED}"));
        let remove = || {
            self.disk.rename(&path, &unfinished)?;
            self.disk.remove_folder(&unfinished)
        };
        remove().map_err(|error| failed("remove", &path, error))
    }

    /// Removes what an end in the middle of something left behind.
    pub(crate) fn tidy(&self) -> Result<(), HistoryError> {
        let whole = self.block_names()?;
        for entry in self.list(&self.blocks())? {
            let left = match entry.parse::<Name>() {
                Ok(name) => !whole.contains(&name),
                Err(_) => entry.ends_with(UNFINISHED),
            };
            if left {
                let path = self.blocks().join(&entry);
                self.disk.remove_folder(&path).map_err(|error| failed("remove", &path, error))?;
            }
        }
        for seq in self.log_numbers()? {
            if whole.iter().any(|name| name.first <= seq && seq <= name.last) {
                let log = Log::new(Arc::clone(&self.disk), self.log(seq));
                self.let_go(seq, Tables::read(&log, |_| false)?.end)?;
            }
        }
        Ok(())
    }

    /// The highest number that a segment has or had.
    pub(crate) fn last_number(&self) -> Result<u64, HistoryError> {
        let log = self.log_numbers()?.last().copied();
        let aside = self.damaged_numbers()?.last().copied();
        let block = self.block_names()?.iter().map(|name| name.last).max();
        Ok(log.max(aside).max(block).unwrap_or(0))
    }

    pub(crate) fn list(&self, path: &Path) -> Result<Vec<String>, HistoryError> {
        self.disk.list(path).map_err(|error| failed("list", path, error))
    }

    /// Whether the folder is a history that this version can read; no when there is none.
    pub(crate) fn check(&self) -> Result<bool, HistoryError> {
        let path = self.path.join(FORMAT);
        let text = match self.disk.open(&path) {
            Ok(input) => {
                let mut text = Vec::new();
                let read = Stream { input: &*input, at: 0 }.take(MOST).read_to_end(&mut text);
                read.map_err(|error| failed("read", &path, error))?;
                String::from_utf8_lossy(&text).into_owned()
            }
            Err(error) if error.kind() == ErrorKind::NotFound => {
                let foreign = |name: &&String| !NO_OBSTACLE.contains(&name.as_str());
                return match self.list(&self.path)?.iter().find(foreign) {
                    Some(name) => Err(self.foreign(&format!("holds other things, as {name}, and no history"))),
                    None => Ok(false),
                };
            }
            Err(error) => return Err(failed("read", &path, error)),
        };
        match text.trim_end().strip_prefix(MARK).map(str::parse::<u32>) {
            Some(Ok(VERSION)) => Ok(true),
            Some(Ok(version)) if version > VERSION => {
                Err(self
                    .foreign(&format!("was written by a newer procyon (format {version}, this one knows {VERSION})")))
            }
            _ => Err(self.foreign("holds a `format` file of another program")),
        }
    }

    fn foreign(&self, how: &str) -> HistoryError {
        HistoryError::Foreign { what: self.path.display().to_string(), how: how.to_owned() }
    }

    /// Makes the folder for writing, and takes its lock.
    pub(crate) fn take(&self) -> Result<Box<dyn Send + Debug>, HistoryError> {
        for path in [&self.path, &self.logs(), &self.blocks()] {
            if *path == self.path {
                self.check()?;
            }
            self.disk.make_folder(path).map_err(|error| failed("make", path, error))?;
        }
        let path = self.path.join(LOCK);
        let lock = self.disk.lock(&path).map_err(|error| failed("lock", &path, error))?;
        let lock = lock.ok_or_else(|| HistoryError::Locked(self.path.display().to_string()))?;
        if !self.check()? {
            self.mark().map_err(|error| failed("write", &self.path.join(FORMAT), error))?;
        }
        // Names have to survive the loss of power as well, and what an earlier run wrote and did not sync.
        let above = self.path.parent().filter(|above| !above.as_os_str().is_empty()).unwrap_or(Path::new("."));
        for path in [above, &self.path, &self.logs(), &self.blocks()] {
            self.disk.sync_folder(path).map_err(|error| failed("write to", path, error))?;
        }
        for seq in self.log_numbers()? {
            let path = self.log(seq);
            self.disk.sync_file(&path).map_err(|error| failed("write to", &path, error))?;
        }
        Ok(lock)
    }

    fn mark(&self) -> std::io::Result<()> {
        let new = self.path.join(FORMAT_UNFINISHED);
        let mut output = self.disk.create(&new)?;
        output.write_all(format!("{MARK}{VERSION}\n").as_bytes())?;
        output.sync()?;
        self.disk.rename(&new, &self.path.join(FORMAT))?;
        self.disk.sync_folder(&self.path)
    }

    /// Bytes that the files of a block take.
    pub(crate) fn block_bytes(&self, name: Name) -> Result<u64, HistoryError> {
        self.folder_bytes(&self.blocks().join(name.to_string()))
    }

    fn folder_bytes(&self, folder: &Path) -> Result<u64, HistoryError> {
        let mut sum = 0;
        for name in self.list(folder)? {
            // What vanishes meanwhile takes no room.
            sum += self.disk.open(&folder.join(name)).and_then(|input| input.length()).unwrap_or(0);
        }
        Ok(sum)
    }

    /// Bytes that files take.
    pub(crate) fn bytes(&self) -> Result<u64, HistoryError> {
        let mut sum = self.folder_bytes(&self.logs())?;
        for name in self.list(&self.blocks())? {
            sum += self.folder_bytes(&self.blocks().join(name))?;
        }
        Ok(sum)
    }
}
