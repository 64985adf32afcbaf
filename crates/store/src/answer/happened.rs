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
use crate::segment::{Mark, Row};

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

/// The newest events; no more are ever held.
struct Newest {
    told: BTreeSet<Told>,
    limit: usize,
}

impl Newest {
    fn keep(&mut self, event: Told) {
        self.told.insert(event);
        if self.told.len() > self.limit {
            self.told.pop_first();
        }
    }

    /// Whether nothing up to an instant is among them any more.
    fn is_later_than(&self, at: Wall) -> bool {
        self.told.len() >= self.limit && self.told.first().is_none_or(|oldest| oldest.at > at)
    }
}

/// What happened in a range, oldest first; `before` is the last frame before the first stretch.
pub(crate) fn events(
    stretches: &[Stretch],
    before: Option<Mark>,
    question: &Events,
) -> Result<Vec<Event>, HistoryError> {
    let inside = |wall: Wall| wall > question.from && wall <= question.to;
    let mut told = Newest { told: BTreeSet::new(), limit: question.limit };
    let mut last = before;
    let of_machine = question.wants(EventKind::Boot) || question.wants(EventKind::Gap);
    for stretch in stretches.iter().filter(|_| of_machine) {
        for mark in stretch.marks()?.iter() {
            let gap = last.is_none_or(|last| last.far_from(mark.wall));
            if inside(mark.wall) {
                let event = Told { at: mark.wall, rank: BOOT, key: None, since: None, row: None };
                if question.wants(EventKind::Boot) && last.is_some_and(|last| last.boot != mark.boot) {
                    told.keep(event);
                }
                if question.wants(EventKind::Gap) && gap {
                    told.keep(Told { rank: GAP, since: last.map(|last| last.wall), ..event });
                }
            }
            last = Some(*mark);
        }
    }
    lives(stretches, question, &mut told)?;
    let told = told.told;
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

/// Births and deaths, from the newest stretch on for as long as there may be any among the newest.
fn lives(stretches: &[Stretch], question: &Events, told: &mut Newest) -> Result<(), HistoryError> {
    let births = question.wants(EventKind::Birth);
    let (deaths, kills) = (question.wants(EventKind::Death), question.wants(EventKind::Kill));
    if !births && !deaths && !kills {
        return Ok(());
    }
    let columns = [process::PID, process::START, process::BOOT, process::EXIT, process::DEATH];
    let until = question.to.unix_ms();
    for (number, stretch) in stretches.iter().enumerate().rev() {
        if told.is_later_than(stretch.last) {
            break;
        }
        let marks = stretch.marks()?;
        let mut seen = HashSet::new();
        let mut tell = |row: Row<'_>| {
            let new = births && seen.insert(row.thing) && !row.has(CARRIED);
            let mark = marks.binary_search_by_key(&row.at_ms, |mark| mark.at_ms).ok().and_then(|at| marks.get(at));
            let inside = |mark: &&Mark| mark.wall > question.from && mark.wall <= question.to;
            let Some(mark) = mark.filter(inside).filter(|_| !row.has(CARRIED)) else { return };
            let cells = Cells(row.values);
            let (key, row_of) = (Some(process::key(cells)), Some((number, row.thing, row.at_ms)));
            let event = Told { at: mark.wall, rank: BIRTH, key, since: None, row: row_of };
            if new && mark.follows {
                told.keep(event);
            }
            if row.has(ENDED) && (deaths || (kills && process::is_kill(cells.get(3), cells.get(4)))) {
                told.keep(Told { rank: DEATH, ..event });
            }
        };
        if births {
            stretch.segment.visit(Process::AT, &columns, until, &mut tell)?;
        } else {
            stretch.segment.visit_ends(&columns, until, &mut tell)?;
        }
    }
    Ok(())
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
        let listed: Vec<usize> = things.iter().copied().collect();
        let ticks = stretch.ticks(until)?;
        let mut states: HashMap<usize, State> = HashMap::new();
        let mut met: Vec<(Place, State)> = Vec::new();
        let texts = stretch.segment.visit_things(Process::AT, &listed, &all, until, &mut |row| {
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
