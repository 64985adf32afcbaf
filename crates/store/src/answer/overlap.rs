//! Time that comes twice, because somebody set the clock back: what was written later stands for it.

use std::sync::Arc;

use procyon_history::HistoryError;
use procyon_model::ProcessKey;
use procyon_units::Wall;

use crate::answer::Stretch;
use crate::answer::frame::Things;
use crate::kinds::Kind;
use crate::kinds::host::Host;
use crate::now::Now;
use crate::row::CARRIED;
use crate::segment::{Mark, Row, Segment};
use crate::texts::Texts;

/// Stretches in the order in which they were written become stretches in order of time, of which no two overlap.
pub(crate) fn resolve(written: Vec<Stretch>) -> Result<Vec<Stretch>, HistoryError> {
    let ordered = written.iter().zip(written.iter().skip(1)).all(|(before, after)| before.last < after.first);
    if ordered {
        return Ok(written);
    }
    let mut taken: Vec<(Wall, Wall)> = Vec::new();
    // Where the stretch begins that was written next.
    let mut next: Option<Wall> = None;
    let mut seen = Vec::with_capacity(written.len());
    for stretch in written.into_iter().rev() {
        let (first, last, stretch_interval) = (stretch.first, stretch.last, stretch.interval);
        let hidden = |wall: Wall| taken.iter().any(|(from, to)| wall >= *from && wall <= *to);
        if taken.iter().any(|(from, to)| first <= *to && last >= *from) {
            let marks = stretch.marks()?;
            let parts = marks.chunk_by(|a, b| hidden(a.wall) == hidden(b.wall));
            let parts = parts.filter(|part| part.first().is_some_and(|mark| !hidden(mark.wall)));
            seen.extend(parts.filter_map(|part| Part::of(&stretch, part)));
        } else {
            seen.push(stretch);
        }
        let patience = crate::column::nanos(stretch_interval.saturating_mul(2));
        let goes_on = next.is_some_and(|next| next > last && next.0.saturating_sub(last.0) <= patience);
        match taken.last_mut().filter(|_| goes_on) {
            // No time lies between them, for others to show in.
            Some((from, _)) => *from = first,
            None => taken.push((first, last)),
        }
        next = Some(first);
    }
    seen.sort_by_key(|stretch| stretch.first);
    Ok(seen)
}

/// Some frames of a segment. What was before them is so in them too, but none of them told it.
struct Part {
    segment: Arc<dyn Segment>,
    from_ms: i64,
    until_ms: i64,
}

impl Part {
    fn of(stretch: &Stretch, marks: &[Mark]) -> Option<Stretch> {
        let (from_ms, until_ms) = (marks.first()?.at_ms, marks.last()?.at_ms);
        Stretch::of(marks, Arc::new(Self { segment: Arc::clone(&stretch.segment), from_ms, until_ms }))
    }

    fn visit_with(
        &self,
        kind: usize,
        tell: &mut dyn FnMut(Row<'_>),
        visit: impl FnOnce(&mut dyn FnMut(Row<'_>)) -> Result<Texts, HistoryError>,
    ) -> Result<Texts, HistoryError> {
        visit(&mut |row| {
            let hidden = kind == Host::AT && row.at_ms < self.from_ms;
            tell(Row { flags: if hidden { row.flags | CARRIED } else { row.flags }, ..row });
        })
    }
}

impl Segment for Part {
    fn visit(
        &self,
        kind: usize,
        columns: &[usize],
        until_ms: i64,
        tell: &mut dyn FnMut(Row<'_>),
    ) -> Result<Texts, HistoryError> {
        let until_ms = until_ms.min(self.until_ms);
        self.visit_with(kind, tell, |tell| self.segment.visit(kind, columns, until_ms, tell))
    }

    fn visit_things(
        &self,
        kind: usize,
        things: &[usize],
        columns: &[usize],
        until_ms: i64,
        tell: &mut dyn FnMut(Row<'_>),
    ) -> Result<Texts, HistoryError> {
        let until_ms = until_ms.min(self.until_ms);
        self.visit_with(kind, tell, |tell| self.segment.visit_things(kind, things, columns, until_ms, tell))
    }

    fn visit_ends(&self, columns: &[usize], until_ms: i64, tell: &mut dyn FnMut(Row<'_>)) -> Result<(), HistoryError> {
        self.segment.visit_ends(columns, until_ms.min(self.until_ms), tell)
    }

    fn things_at(&self, kind: usize, at_ms: i64) -> Result<Option<Things>, HistoryError> {
        self.segment.things_at(kind, at_ms)
    }

    fn all_at(&self, at_ms: i64) -> Result<Option<(Now, Arc<Texts>)>, HistoryError> {
        self.segment.all_at(at_ms)
    }

    fn find(&self, keys: &[ProcessKey]) -> Result<Option<Vec<(usize, ProcessKey)>>, HistoryError> {
        self.segment.find(keys)
    }

    fn damage(&self) -> Option<HistoryError> {
        self.segment.damage()
    }

    fn tells_names_anyway(&self) -> bool {
        self.segment.tells_names_anyway()
    }
}
