//! A log as a segment.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use procyon_history::HistoryError;

use crate::column::{Cells, Shape};
use crate::disk::{Disk, Stream};
use crate::frames::{HEADER, Records, header, whole};
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

impl Log {
    /// Reads every whole record; answers where the last one ends.
    pub(crate) fn records(&self, mut each: impl FnMut(&[u8]) -> bool) -> Result<u64, HistoryError> {
        let mut read = || -> io::Result<u64> {
            let input = self.disk.open(&self.path)?;
            let mut stream = Stream { input: &*input, at: 0 };
            // A log of another version has other rows: it is left alone.
            let mut start = [0; HEADER];
            if !whole(&mut stream, &mut start)? || start != header() {
                return Ok(0);
            }
            let mut records = Records::new(stream)?;
            while let Some(record) = records.next()? {
                if !each(record) {
                    break;
                }
            }
            Ok(records.end())
        };
        read().map_err(|source| HistoryError::Io { attempt: format!("read {}", self.path.display()), source })
    }
}

impl Log {
    /// Whether there is something in it that this version cannot read from its beginning.
    pub(crate) fn is_strange(&self) -> Result<bool, HistoryError> {
        let length = self.disk.open(&self.path).and_then(|input| input.length());
        let length =
            length.map_err(|source| HistoryError::Io { attempt: format!("read {}", self.path.display()), source })?;
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
