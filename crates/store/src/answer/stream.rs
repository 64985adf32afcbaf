//! Frames of a segment, one after the other.

use std::collections::BTreeMap;
use std::sync::Arc;

use procyon_history::HistoryError;
use procyon_model::Frame;
use procyon_units::Wall;

use crate::answer::frame::{State, Things, assemble};
use crate::kinds::{COUNT, width};
use crate::row::{ENDED, GONE};
use crate::segment::{Row, Segment, marks};
use crate::texts::Texts;

/// The rows of a kind in order of time, and what is so up to the last one that was applied.
struct Sweep {
    kind: usize,
    rows: Vec<Kept>,
    next: usize,
    living: BTreeMap<usize, State>,
    texts: Arc<Texts>,
}

/// A row that was told.
struct Kept {
    at_ms: i64,
    thing: usize,
    flags: u8,
    start: i64,
    values: Box<[i64]>,
}

impl Sweep {
    fn of(segment: &dyn Segment, kind: usize, until_ms: i64) -> Result<Self, HistoryError> {
        let all: Vec<usize> = (0..width(kind)).collect();
        let mut rows = Vec::new();
        let texts = segment.visit(kind, &all, until_ms, &mut |row| {
            let Row { at_ms, thing, flags, start, values } = row;
            rows.push(Kept { at_ms, thing, flags, start, values: values.into() });
        })?;
        // Rows of one thing keep their order.
        rows.sort_by_key(|row| row.at_ms);
        Ok(Self { kind, rows, next: 0, living: BTreeMap::new(), texts: Arc::new(texts) })
    }

    /// What is so in the frame at an instant; instants come in their order.
    fn things(&mut self, frame_ms: i64) -> Things {
        let mut ended = Vec::new();
        while let Some(kept) = self.rows.get(self.next).filter(|kept| kept.at_ms <= frame_ms) {
            let Kept { at_ms, thing, flags, start, .. } = *kept;
            let row = Row { at_ms, thing, flags, start, values: &kept.values };
            self.living.entry(thing).or_insert_with(|| State::new(self.kind)).take(self.kind, &row);
            if row.has(GONE) {
                let state = self.living.remove(&thing);
                ended.extend(state.filter(|_| row.has(ENDED) && at_ms == frame_ms));
            }
            self.next += 1;
        }
        Things { living: self.living.values().cloned().collect(), ended, texts: Arc::clone(&self.texts) }
    }
}

/// Shows every frame of a segment between two instants, both included.
pub(crate) fn frames(
    segment: &dyn Segment,
    (from, to): (Wall, Wall),
    mut show: impl FnMut(Frame) -> Result<(), HistoryError>,
) -> Result<(), HistoryError> {
    let until = to.unix_ms();
    let mut sweeps =
        (0..COUNT).map(|kind| Sweep::of(segment, kind, until)).collect::<Result<Vec<_>, HistoryError>>()?;
    for mark in marks(segment, until)?.into_iter().filter(|mark| mark.wall >= from && mark.wall <= to) {
        let things =
            |kind: usize| sweeps.get_mut(kind).map(|sweep| sweep.things(mark.at_ms)).ok_or(HistoryError::Empty);
        if let Some(frame) = assemble(mark.at_ms, things)? {
            show(frame)?;
        }
    }
    Ok(())
}
