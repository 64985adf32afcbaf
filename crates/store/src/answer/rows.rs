//! One process, frame by frame.

use std::collections::{BTreeMap, HashMap};

use procyon_history::{HistoryError, Range, Seen};
use procyon_model::ProcessKey;
use procyon_units::Wall;

use crate::answer::Stretch;
use crate::answer::frame::State;
use crate::column::Cells;
use crate::kinds::process::{self, Process};
use crate::kinds::{Kind, width};
use crate::row::GONE;
use crate::segment::Row;

/// A row that was told.
struct Kept {
    at_ms: i64,
    flags: u8,
    start: i64,
    values: Box<[i64]>,
}

/// The process in the last frame of each instant of a range.
pub(crate) fn rows(stretches: &[Stretch], range: &Range, key: &ProcessKey) -> Result<Vec<Seen>, HistoryError> {
    let from = Wall::from_unix_ms(range.times().first().copied().unwrap_or(i64::MAX));
    let to = Wall(range.to.0.saturating_add(999_999));
    let mut last: BTreeMap<usize, (Wall, Option<Seen>)> = BTreeMap::new();
    for stretch in stretches.iter().filter(|stretch| stretch.touches(from, to)) {
        for (place, at, seen) in of_stretch(stretch, range, key)? {
            // Where somebody set the clock back, stretches overlap.
            if last.get(&place).is_none_or(|(known, _)| *known <= at) {
                last.insert(place, (at, seen));
            }
        }
    }
    Ok(last.into_values().filter_map(|(_, seen)| seen).collect())
}

/// The last frame of each instant in a stretch, and the process in it.
fn of_stretch(
    stretch: &Stretch,
    range: &Range,
    key: &ProcessKey,
) -> Result<Vec<(usize, Wall, Option<Seen>)>, HistoryError> {
    let until = range.to.unix_ms();
    let mut frames: BTreeMap<usize, (i64, Wall)> = BTreeMap::new();
    for mark in stretch.marks()?.iter() {
        if let Some(place) = range.place(mark.wall) {
            frames.insert(place, (mark.at_ms, mark.wall));
        }
    }
    let all: Vec<usize> = (0..width(Process::AT)).collect();
    let mut things: HashMap<usize, Vec<Kept>> = HashMap::new();
    let mut tell = |row: Row<'_>| {
        if process::key(Cells(row.values)) == *key {
            let Row { at_ms, flags, start, values, .. } = row;
            things.entry(row.thing).or_default().push(Kept { at_ms, flags, start, values: values.into() });
        }
    };
    let texts = match stretch.segment.find(&[*key])? {
        Some(found) => {
            let numbers: Vec<usize> = found.into_iter().map(|(thing, _)| thing).collect();
            stretch.segment.visit_things(Process::AT, &numbers, &all, until, &mut tell)?
        }
        None => stretch.segment.visit(Process::AT, &all, until, &mut tell)?,
    };
    let ticks = if things.is_empty() { HashMap::new() } else { stretch.ticks(until)? };
    let mut answer: Vec<_> = frames.iter().map(|(place, (_, wall))| (*place, *wall, None)).collect();
    for (thing, rows) in things {
        let mut rows = rows.iter().peekable();
        let mut state: Option<State> = None;
        for ((_, at, seen), (at_ms, _)) in answer.iter_mut().zip(frames.values()) {
            while let Some(kept) = rows.next_if(|kept| kept.at_ms <= *at_ms) {
                let Kept { at_ms, flags, start, ref values } = *kept;
                let row = Row { at_ms, thing, flags, start, values };
                state.get_or_insert_with(|| State::new(Process::AT)).take(Process::AT, &row);
                if row.has(GONE) {
                    state = None;
                }
            }
            if let (Some(state), Some(tick)) = (&state, ticks.get(at_ms)) {
                *seen = Some(Seen { at: *at, row: state.row::<Process>(*at_ms, tick, &texts) });
            }
        }
    }
    Ok(answer)
}
