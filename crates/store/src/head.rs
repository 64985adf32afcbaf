//! The log that is being written, as far as it was read: a question about the newest time reads only what came since the last one.

use std::sync::{PoisonError, RwLock, RwLockReadGuard};

use procyon_history::HistoryError;

use crate::answer::frame::{State, Things};
use crate::block::table::Tables;
use crate::kinds::host::Host;
use crate::kinds::process::Process;
use crate::kinds::{COUNT, Kind};
use crate::log::{Log, Place};
use crate::record;
use crate::row::{CARRIED, ENDED, GONE};
use crate::segment::{Mark, Row, Segment};
use crate::texts::Texts;
use crate::varint::{Cursor, Nonsense};

/// A log that grows.
#[derive(Debug)]
pub(crate) struct Head {
    log: Log,
    read: RwLock<Read>,
}

/// What was read of it.
#[derive(Debug, Default)]
struct Read {
    to: Place,
    tables: Tables,
    /// What is so after the last record, by the numbers of things.
    now: [Vec<Option<State>>; COUNT],
    /// Processes whose end the last record told.
    ended: Vec<State>,
    marks: Vec<Mark>,
}

impl Head {
    pub(crate) fn new(log: Log) -> Self {
        Self { log, read: RwLock::default() }
    }

    fn read(&self) -> RwLockReadGuard<'_, Read> {
        self.read.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether this is the log of that path.
    pub(crate) fn is_of(&self, log: &Log) -> bool {
        self.log.path == log.path
    }

    /// Reads what came since the last time; answers all frames.
    pub(crate) fn catch_up(&self) -> Result<Vec<Mark>, HistoryError> {
        let mut read = self.read.write().unwrap_or_else(PoisonError::into_inner);
        if !self.log.goes_on(&read.to)? {
            *read = Read::default();
        }
        let mut to = std::mem::take(&mut read.to);
        let result = self.log.records_after(&mut to, |record| read.take(record).is_ok());
        read.to = to;
        result?;
        Ok(read.marks.clone())
    }
}

impl Read {
    fn take(&mut self, bytes: &[u8]) -> Result<(), Nonsense> {
        self.tables.take(bytes, &|_| true)?;
        self.ended.clear();
        let mut cursor = Cursor(bytes);
        let at_ms = record::skip_head(&mut cursor)?;
        for (kind, things) in self.now.iter_mut().enumerate() {
            let mut rows = record::kind(&mut cursor)?;
            while let Some((thing, mut row)) = record::next_row(&mut rows)? {
                // The tables have it already, so that the number is no nonsense.
                if things.len() <= thing {
                    things.resize_with(thing + 1, || None);
                }
                let Some(place) = things.get_mut(thing) else { return Err(Nonsense) };
                let state = place.get_or_insert_with(|| State::new(kind));
                let flags = state.apply(kind, at_ms, &mut row)?;
                if kind == Host::AT && flags & CARRIED == 0 {
                    self.marks.push(Mark::of(at_ms, state.cells()));
                }
                if flags & GONE != 0 {
                    self.ended.extend(place.take().filter(|_| kind == Process::AT && flags & ENDED != 0));
                }
            }
        }
        Ok(())
    }
}

impl Segment for Head {
    fn visit(
        &self,
        kind: usize,
        columns: &[usize],
        until_ms: i64,
        tell: &mut dyn FnMut(Row<'_>),
    ) -> Result<Texts, HistoryError> {
        self.read().tables.visit(kind, columns, until_ms, tell)
    }

    fn things_at(&self, kind: usize, at_ms: i64) -> Result<Option<Things>, HistoryError> {
        let read = self.read();
        if read.marks.last().is_none_or(|last| last.at_ms != at_ms) {
            return Ok(None);
        }
        Ok(Some(Things {
            living: read.now.get(kind).map_or_else(Vec::new, |things| things.iter().flatten().cloned().collect()),
            ended: if kind == Process::AT { read.ended.clone() } else { Vec::new() },
            texts: std::sync::Arc::new(read.tables.texts.clone()),
        }))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use procyon_history::Sink;
    use procyon_history::conformance::script::Script;

    use super::*;
    use crate::answer::frame::frame;
    use crate::config::Config;
    use crate::disk::RealDisk;
    use crate::folder::Folder;
    use crate::writer::open_writer;

    /// A folder with a log of so many frames, and the path of the log.
    fn history(frames: usize) -> (tempfile::TempDir, Script, Folder) {
        let folder = tempfile::tempdir().unwrap();
        let mut script = Script::new();
        let key = script.start_earlier(7, "worker", 60_000);
        let mut writer = open_writer(&Config::new(folder.path())).unwrap();
        for round in 0..frames {
            script.burn(key, 10 + u64::try_from(round).unwrap());
            let place = script.tick();
            writer.write(&script.frames[place]).unwrap();
        }
        let of = Folder::new(Arc::new(RealDisk), folder.path());
        (folder, script, of)
    }

    #[test]
    fn what_came_since_is_read_and_tells_the_same_as_the_whole_log() {
        let (dir, mut script, folder) = history(3);
        let log = Log { disk: Arc::clone(&folder.disk), path: folder.log(1) };
        let head = Head::new(log.clone());
        assert_eq!(head.catch_up().unwrap().len(), 3);
        let mut writer = open_writer(&Config::new(dir.path())).unwrap();
        for count in 4..9 {
            let place = script.tick();
            writer.write(&script.frames[place]).unwrap();
            let before = head.read().to.end();
            assert_eq!(head.catch_up().unwrap().len(), count);
            assert!(head.read().to.end() > before);
            for written in &script.frames {
                let at_ms = written.wall.unix_ms();
                let [a, b] = [&head as &dyn Segment, &log].map(|segment| frame(segment, at_ms).unwrap().unwrap());
                assert_eq!(format!("{a:?}"), format!("{b:?}"));
                assert_eq!(format!("{:?}", a.processes), format!("{:?}", written.processes));
            }
        }
    }

    #[test]
    fn a_log_that_is_another_one_meanwhile_is_read_anew() {
        let (_dir, _, folder) = history(9);
        let (_other_dir, script, other) = history(2);
        let head = Head::new(Log { disk: Arc::clone(&folder.disk), path: folder.log(1) });
        assert_eq!(head.catch_up().unwrap().len(), 9);
        std::fs::copy(other.log(1), folder.log(1)).unwrap();
        let marks = head.catch_up().unwrap();
        assert_eq!(marks.len(), 2);
        assert_eq!(marks[1].wall, script.at(1));
    }
}
