//! The log that is being written, as far as it was read: a question about the newest time reads only what came since the last one.

use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};

use procyon_history::HistoryError;

use crate::block::table::Tables;
use crate::log::{Log, Place};
use crate::now::{Now, Until};
use crate::record;
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
    /// What is so after the last record.
    now: Now,
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
        let mut cursor = Cursor(bytes);
        let at_ms = record::skip_head(&mut cursor)?;
        self.marks.extend(self.now.take(at_ms, &mut cursor, Until::Here)?);
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

    fn tells_names_anyway(&self) -> bool {
        true
    }

    fn all_at(&self, at_ms: i64) -> Result<Option<(Now, Arc<Texts>)>, HistoryError> {
        {
            let read = self.read();
            if read.marks.last().is_some_and(|last| last.at_ms == at_ms) {
                return Ok(Some((read.now.clone(), Arc::new(read.tables.texts.clone()))));
            }
        }
        self.log.all_at(at_ms)
    }
}

#[cfg(test)]
mod tests {
    use procyon_history::conformance::script::Script;
    use procyon_history::{History, Sink};
    use procyon_units::Wall;

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

    fn tables(log: &Log) -> Box<dyn Segment> {
        Box::new(Tables::read(log, |_| true).unwrap())
    }

    #[test]
    fn a_log_is_read_no_further_than_to_the_frame_after_an_instant_and_once() {
        let (dir, script, folder) = history(9);
        let log = Log::new(Arc::clone(&folder.disk), folder.log(1));
        let walls = |until| log.clone().marks(until).unwrap().iter().map(|mark| mark.wall).collect::<Vec<_>>();
        let all: Vec<Wall> = (0..9).map(|place| script.at(place)).collect();
        assert_eq!(walls(Wall(i64::MAX)), all);
        assert_eq!(walls(script.at(3)), all[..5]);
        assert_eq!(walls(Wall(0)), all[..1]);
        // What was read on the way is not read again, and tells the same as the file does.
        for until in [Wall(0), script.at(3), Wall(i64::MAX)] {
            let mut held = log.clone();
            held.marks(until).unwrap();
            for at in (0..9).map(|place| script.at(place).unix_ms()) {
                let [a, b] = [&held, &log].map(|log| frame(log, at).unwrap().unwrap());
                assert_eq!(format!("{a:?}"), format!("{b:?}"));
                let [a, b] = [&held, &log].map(|log| crate::segment::marks(log, at).unwrap());
                assert_eq!(format!("{a:?}"), format!("{b:?}"));
            }
        }
        let mut held = log.clone();
        held.marks(script.at(3)).unwrap();
        let path = dir.path().join("gone");
        std::fs::rename(folder.log(1), &path).unwrap();
        assert_eq!(frame(&held, script.at(3).unix_ms()).unwrap().unwrap().wall, script.at(3));
        assert!(frame(&held, script.at(8).unix_ms()).is_err(), "the rest was held as well");
        std::fs::rename(path, folder.log(1)).unwrap();
        // All of them are told as the rows of the machine tell them.
        let told = crate::segment::marks(&log, i64::MAX).unwrap();
        assert_eq!(format!("{told:?}"), format!("{:?}", log.clone().marks(Wall(i64::MAX)).unwrap()));
    }

    #[test]
    fn what_was_in_a_block_is_told_without_reading_the_log_after_it() {
        let (dir, mut script, folder) = history(5);
        let mut writer = open_writer(&Config::new(dir.path())).unwrap();
        writer.seal().unwrap();
        for _ in 0..4 {
            let place = script.tick();
            writer.write(&script.frames[place]).unwrap();
        }
        let whole = std::fs::read(folder.log(2)).unwrap();
        let told = |at: usize| {
            let reader = crate::open_reader(dir.path()).unwrap();
            // The first question is answered from the log itself, those after it from what was kept of it.
            let [first, second] = [(); 2].map(|()| reader.at(script.at(at)).unwrap());
            assert_eq!(format!("{:?}", first.frame), format!("{:?}", second.frame));
            (first.frame.wall, first.gap, first.frame.processes.len())
        };
        let (before, last) = (told(2), told(4));
        // Only what was carried and the first frame are left of it.
        std::fs::write(folder.log(2), &whole[..whole.len() * 2 / 3]).unwrap();
        assert_eq!((told(2), told(4)), (before, last));
        assert_eq!((before.0, last.0), (script.at(2), script.at(4)));
        assert_ne!(told(8).0, script.at(8), "the end of the log is gone");
    }

    #[test]
    fn what_came_since_is_read_and_tells_the_same_as_the_whole_log() {
        let (dir, mut script, folder) = history(3);
        let log = Log::new(Arc::clone(&folder.disk), folder.log(1));
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
                // From the rows of each kind, one after the other.
                let c = frame(&*tables(&log), at_ms).unwrap().unwrap();
                assert_eq!(format!("{a:?}"), format!("{c:?}"));
            }
        }
    }

    #[test]
    fn a_log_that_is_another_one_meanwhile_is_read_anew() {
        let (_dir, _, folder) = history(9);
        let (_other_dir, script, other) = history(2);
        let head = Head::new(Log::new(Arc::clone(&folder.disk), folder.log(1)));
        assert_eq!(head.catch_up().unwrap().len(), 9);
        std::fs::copy(other.log(1), folder.log(1)).unwrap();
        let marks = head.catch_up().unwrap();
        assert_eq!(marks.len(), 2);
        assert_eq!(marks[1].wall, script.at(1));
    }
}
