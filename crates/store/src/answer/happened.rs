//! What happened: births, deaths, gaps, boots.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use procyon_history::{Event, EventKind, Events, HistoryError};
use procyon_model::ProcessKey;
use procyon_model::frame::{Death, EndedProcess};
use procyon_units::{Reading, Wall};

use crate::answer::Stretch;
use crate::answer::frame::State;
use crate::column::Cells;
use crate::kinds::process::{self, Process};
use crate::kinds::{Kind, width};
use crate::row::{CARRIED, ENDED, GONE};
use crate::segment::Mark;

/// An event before its process is looked up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Told {
    at: Wall,
    /// Boot, gap, birth, death.
    rank: u8,
    key: Option<ProcessKey>,
    since: Option<Wall>,
    /// Stretch, thing, instant of the row.
    row: Option<(usize, usize, i64)>,
}

const BOOT: u8 = 0;
const GAP: u8 = 1;
const BIRTH: u8 = 2;
const DEATH: u8 = 3;

/// What happened in a range, oldest first; `before` is the last frame before the first stretch.
pub(crate) fn events(
    stretches: &[Stretch],
    before: Option<Mark>,
    question: &Events,
) -> Result<Vec<Event>, HistoryError> {
    let asked = |kind| question.kinds.is_empty() || question.kinds.contains(&kind);
    let inside = |wall: Wall| wall > question.from && wall <= question.to;
    // The newest are kept, and no more are ever held.
    let mut told: BTreeSet<Told> = BTreeSet::new();
    let mut keep = |event: Told| {
        told.insert(event);
        if told.len() > question.limit {
            told.pop_first();
        }
    };
    let mut last = before;
    for (number, stretch) in stretches.iter().enumerate() {
        let marks = stretch.marks()?;
        for mark in marks.iter() {
            let gap = last.is_none_or(|last| last.far_from(mark.wall));
            if inside(mark.wall) {
                let event = Told { at: mark.wall, rank: BOOT, key: None, since: None, row: None };
                if asked(EventKind::Boot) && last.is_some_and(|last| last.boot != mark.boot) {
                    keep(event);
                }
                if asked(EventKind::Gap) && gap {
                    keep(Told { rank: GAP, since: last.map(|last| last.wall), ..event });
                }
            }
            last = Some(*mark);
        }
        if asked(EventKind::Birth) || asked(EventKind::Death) {
            let mut seen = HashSet::new();
            let columns = [process::PID, process::START, process::BOOT];
            let until = question.to.unix_ms();
            stretch.segment.visit(Process::AT, &columns, until, &mut |row| {
                let new = seen.insert(row.thing) && !row.has(CARRIED);
                let mark = marks.binary_search_by_key(&row.at_ms, |mark| mark.at_ms).ok().and_then(|at| marks.get(at));
                let Some(mark) = mark.filter(|mark| inside(mark.wall) && !row.has(CARRIED)) else { return };
                let key = Some(process::key(Cells(row.values)));
                let row_of = Some((number, row.thing, row.at_ms));
                let event = Told { at: mark.wall, rank: BIRTH, key, since: None, row: row_of };
                if new && mark.follows && asked(EventKind::Birth) {
                    keep(event);
                }
                if row.has(ENDED) && asked(EventKind::Death) {
                    keep(Told { rank: DEATH, ..event });
                }
            })?;
        }
    }
    let processes = look_up(stretches, &told)?;
    let event = |told: &Told| {
        let kind = match told.rank {
            BOOT => EventKind::Boot,
            GAP => EventKind::Gap,
            BIRTH => EventKind::Birth,
            _ => EventKind::Death,
        };
        let mut process = told.row.and_then(|row| processes.get(&row).cloned());
        if let (BIRTH, Some(seen)) = (told.rank, &mut process) {
            *seen =
                EndedProcess { row: seen.row.clone(), at: told.at, exit: Reading::Pending, death: Death::default() };
        }
        Event { at: told.at, kind, process: process.map(Arc::new), since: told.since }
    };
    Ok(told.iter().map(event).collect())
}

/// Where a row stands: stretch, thing, instant.
type Place = (usize, usize, i64);

/// The processes of events, as they were in the rows that told them.
fn look_up(stretches: &[Stretch], told: &BTreeSet<Told>) -> Result<HashMap<Place, EndedProcess>, HistoryError> {
    let all: Vec<usize> = (0..width(Process::AT)).collect();
    let mut found = HashMap::new();
    for (number, stretch) in stretches.iter().enumerate() {
        let rows: HashSet<Place> = told.iter().filter_map(|told| told.row).filter(|row| row.0 == number).collect();
        let Some(until) = rows.iter().map(|row| row.2).max() else { continue };
        let things: HashSet<usize> = rows.iter().map(|row| row.1).collect();
        let ticks = stretch.ticks(until)?;
        let mut states: HashMap<usize, State> = HashMap::new();
        let mut met: Vec<(Place, State)> = Vec::new();
        let texts = stretch.segment.visit(Process::AT, &all, until, &mut |row| {
            if !things.contains(&row.thing) {
                return;
            }
            let state = states.entry(row.thing).or_insert_with(|| State::new(Process::AT));
            state.take(Process::AT, &row);
            let place = (number, row.thing, row.at_ms);
            if rows.contains(&place) && !row.has(CARRIED) {
                met.push((place, state.clone()));
            }
            if row.has(GONE) {
                states.remove(&row.thing);
            }
        })?;
        for (place, state) in met {
            if let Some(tick) = ticks.get(&place.2) {
                found.insert(place, state.ended(place.2, tick, &texts));
            }
        }
    }
    Ok(found)
}
