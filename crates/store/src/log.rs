//! A log as a segment.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use procyon_history::HistoryError;

use crate::column::{Cells, Shape};
use crate::disk::{Disk, Stream};
use crate::frames::{self, HEAD, HEADER, Records, header, whole};
use crate::kinds::columns;
use crate::replay::{Replay, Wanted};
use crate::segment::{Row, Segment};
use crate::texts::Texts;

/// A log file.
#[derive(Debug, Clone)]
pub(crate) struct Log {
    pub(crate) disk: Arc<dyn Disk>,
    pub(crate) path: PathBuf,
}

/// How far a log was read.
#[derive(Debug, Clone, Default)]
pub(crate) struct Place {
    /// Where the last whole record begins, and where it ends; 0 before the first one.
    last: u64,
    end: u64,
    /// What precedes the last record, by which it is known again.
    head: [u8; HEAD],
}

impl Place {
    /// Where the last whole record ends.
    #[cfg(test)]
    pub(crate) const fn end(&self) -> u64 {
        self.end
    }
}

impl Log {
    /// Reads every whole record; answers where the last one ends.
    pub(crate) fn records(&self, each: impl FnMut(&[u8]) -> bool) -> Result<u64, HistoryError> {
        let mut place = Place::default();
        self.records_after(&mut place, each)?;
        Ok(place.end)
    }

    /// Reads every whole record after a place, which moves on.
    pub(crate) fn records_after(
        &self,
        place: &mut Place,
        mut each: impl FnMut(&[u8]) -> bool,
    ) -> Result<(), HistoryError> {
        let mut read = || -> io::Result<()> {
            let input = self.disk.open(&self.path)?;
            let mut stream = Stream { input: &*input, at: place.end };
            if place.end == 0 {
                // A log of another version has other rows: it is left alone.
                let mut start = [0; HEADER];
                if !whole(&mut stream, &mut start)? || start != header() {
                    return Ok(());
                }
                place.end = HEADER.try_into().unwrap_or(u64::MAX);
            }
            let mut records = Records::new(stream, place.end)?;
            while let Some(record) = records.next()? {
                let goes_on = each(record);
                (place.last, place.head) = (place.end, records.head());
                place.end = records.end();
                if !goes_on {
                    break;
                }
            }
            Ok(())
        };
        read().map_err(|source| self.failed(source))
    }

    /// Whether the log still stands as it did when it was read to a place.
    pub(crate) fn goes_on(&self, place: &Place) -> Result<bool, HistoryError> {
        if place.last == 0 {
            return Ok(true);
        }
        let mut head = [0; HEAD];
        let read = self.disk.open(&self.path).and_then(|input| input.read_at(&mut head, place.last));
        Ok(read.map_err(|source| self.failed(source))? == HEAD && head == place.head)
    }

    fn failed(&self, source: io::Error) -> HistoryError {
        HistoryError::Io { attempt: format!("read {}", self.path.display()), source }
    }
}

impl Log {
    /// Whether what follows the last whole record is one that was being written when the program or the machine ended.
    pub(crate) fn is_torn(&self, end: u64) -> io::Result<bool> {
        let input = self.disk.open(&self.path)?;
        let length = input.length()?;
        let mut stream = Stream { input: &*input, at: end };
        Ok(frames::next_end(&mut stream, end)?.is_none_or(|next| next >= length))
    }

    /// Whether there is something in it that this version cannot read from its beginning.
    pub(crate) fn is_strange(&self) -> Result<bool, HistoryError> {
        let length = self.disk.open(&self.path).and_then(|input| input.length());
        let length = length.map_err(|source| self.failed(source))?;
        let header = u64::try_from(HEADER).unwrap_or(0);
        Ok(length > header && self.records(|_| false)? == 0)
    }
}

impl Segment for Log {
    fn visit(
        &self,
        kind: usize,
        wanted: &[usize],
        until_ms: i64,
        tell: &mut dyn FnMut(Row<'_>),
    ) -> Result<Texts, HistoryError> {
        let mut replay = Replay::default();
        let counters: Vec<bool> = wanted
            .iter()
            .map(|place| columns(kind).get(*place).is_some_and(|column| matches!(column.shape, Shape::Counter(_))))
            .collect();
        let mut values = vec![0; wanted.len()];
        self.records(|record| {
            let at = crate::record::instant(record);
            if at.is_none_or(|at| at > until_ms) {
                return false;
            }
            let applied = replay.apply(record, Wanted::kind(kind), |_, at_ms, told| {
                let (old, new) = (Cells(told.old), Cells(told.new));
                for ((value, place), counter) in values.iter_mut().zip(wanted).zip(&counters) {
                    let before = if *counter { old.get(*place) } else { 0 };
                    *value = new.get(*place).wrapping_sub(before);
                }
                tell(Row { at_ms, thing: told.thing, flags: told.head.flags, start: told.head.start, values: &values });
            });
            applied.is_ok()
        })?;
        Ok(replay.texts)
    }
}
