//! A segment is a stretch of history that explains itself: a log, or a row group of a block. Both tell the same rows.

use std::sync::Arc;
use std::time::Duration;

use procyon_history::HistoryError;
use procyon_model::ProcessKey;
use procyon_model::key::BootId;
use procyon_units::Wall;

use crate::answer::frame::Things;
use crate::answer::lives::{Life, Who};
use crate::column::Cells;
use crate::figure::Figure;
use crate::kinds::host::{self, Host};
use crate::kinds::process::Process;
use crate::kinds::{Kind, Tick};
use crate::now::Now;
use crate::row::{CARRIED, ENDED};
use crate::texts::Texts;

/// A row as a segment tells it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Row<'a> {
    /// Instant of its frame, Unix ms; for a row that is carried over the last one before the segment.
    pub(crate) at_ms: i64,
    /// Number of its thing in the segment.
    pub(crate) thing: usize,
    /// [`crate::row`]'s flags.
    pub(crate) flags: u8,
    /// Groups of counters whose numbers are no growth but a start.
    pub(crate) start: i64,
    /// The columns that were asked for, in that order: counters as what they grew by, the others as they are.
    pub(crate) values: &'a [i64],
}

impl Row<'_> {
    pub(crate) const fn has(&self, flag: u8) -> bool {
        self.flags & flag != 0
    }
}

/// A stretch of history.
pub(crate) trait Segment: Send + Sync {
    /// Tells the rows of a kind up to an instant, those of one thing in order of time. Answers with the texts that numbers of
    /// text columns stand for.
    fn visit(
        &self,
        kind: usize,
        columns: &[usize],
        until_ms: i64,
        tell: &mut dyn FnMut(Row<'_>),
    ) -> Result<Texts, HistoryError>;

    /// The same for a few things alone, as far as the segment can find them faster; others may be told as well.
    fn visit_things(
        &self,
        kind: usize,
        _things: &[usize],
        columns: &[usize],
        until_ms: i64,
        tell: &mut dyn FnMut(Row<'_>),
    ) -> Result<Texts, HistoryError> {
        self.visit(kind, columns, until_ms, tell)
    }

    /// Tells those rows of processes up to an instant that tell an end, in any order. The columns must be ones whose values do not
    /// depend on rows before.
    fn visit_ends(&self, columns: &[usize], until_ms: i64, tell: &mut dyn FnMut(Row<'_>)) -> Result<(), HistoryError> {
        let mut tell_end = |row: Row<'_>| {
            if row.has(ENDED) {
                tell(row);
            }
        };
        self.visit(Process::AT, columns, until_ms, &mut tell_end).map(drop)
    }

    /// What is so of a kind in the frame at an instant, where that can be had faster than by visiting all rows.
    fn things_at(&self, _kind: usize, _at_ms: i64) -> Result<Option<Things>, HistoryError> {
        Ok(None)
    }

    /// What is so of every kind in the frame at an instant, where that can be had in one go.
    fn all_at(&self, _at_ms: i64) -> Result<Option<(Now, Arc<Texts>)>, HistoryError> {
        Ok(None)
    }

    /// The things that these processes are; none when only their rows can tell.
    fn find(&self, _keys: &[ProcessKey]) -> Result<Option<Vec<(usize, ProcessKey)>>, HistoryError> {
        Ok(None)
    }

    /// What was found to be damaged, and left out of answers since.
    fn damage(&self) -> Option<HistoryError> {
        None
    }

    /// What processes did in all of the segment; none when only rows can tell.
    fn summary(&self, _figures: &[&Figure], _who: Who<'_>) -> Result<Option<(Vec<Life>, Texts)>, HistoryError> {
        Ok(None)
    }

    /// Whether names of processes cost no more than processes without names.
    fn tells_names_anyway(&self) -> bool {
        false
    }
}

/// One frame in a list of instants.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Mark {
    pub(crate) at_ms: i64,
    pub(crate) wall: Wall,
    pub(crate) covered: Duration,
    pub(crate) interval: Duration,
    /// Whether it follows the frame before it without a gap.
    pub(crate) follows: bool,
    pub(crate) boot: BootId,
}

impl Mark {
    /// The frame of a row of the machine.
    pub(crate) fn of(at_ms: i64, cells: Cells<'_>) -> Self {
        let Tick { wall, covered, follows, .. } = host::tick(cells);
        Self { at_ms, wall: Wall(wall), covered, interval: host::interval(cells), follows, boot: host::boot(cells) }
    }

    /// The longest time to the next frame that is no gap, nanoseconds.
    pub(crate) fn patience(&self) -> i64 {
        crate::column::nanos(self.interval.max(Duration::from_millis(1)).saturating_mul(2))
    }

    /// Whether there is a gap between this frame and a later one.
    pub(crate) fn far_from(&self, later: Wall) -> bool {
        later.0.saturating_sub(self.wall.0) > self.patience()
    }

    pub(crate) fn seconds(&self) -> f64 {
        self.covered.as_secs_f64()
    }
}

/// The frames of a segment up to an instant, in order.
pub(crate) fn marks(segment: &dyn Segment, until_ms: i64) -> Result<Vec<Mark>, HistoryError> {
    let columns = [host::WALL, host::COVERED, host::FLAGS, host::ACTUAL, host::BOOT_HIGH, host::BOOT_LOW];
    let mut marks = Vec::new();
    segment.visit(Host::AT, &columns, until_ms, &mut |row| {
        if row.has(CARRIED) {
            return;
        }
        let mut cells = [0; host::COLUMNS.len()];
        for (column, value) in columns.iter().zip(row.values) {
            if let Some(cell) = cells.get_mut(*column) {
                *cell = *value;
            }
        }
        marks.push(Mark::of(row.at_ms, Cells(&cells)));
    })?;
    Ok(marks)
}
