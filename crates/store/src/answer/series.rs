//! Figures over a range.

use std::collections::HashMap;
use std::sync::Arc;

use procyon_history::{HistoryError, HostLines, Line, Range};
use procyon_model::catalogue::{self, Figure as HostFigure};
use procyon_model::{Frame, ProcessKey};
use procyon_units::Wall;

use crate::answer::Stretch;
use crate::answer::frame::State;
use crate::column::Cells;
use crate::figure::{self, Figure};
use crate::fold::{Folding, finish};
use crate::kinds::disk::Disks;
use crate::kinds::host::{self, Host};
use crate::kinds::interface::Interfaces;
use crate::kinds::process::{self, Process};
use crate::kinds::user::Users;
use crate::kinds::{Kind, width};
use crate::row::{CARRIED, GONE};
use crate::segment::{Mark, Row, Segment};
use crate::texts::Texts;

/// Figures of the machine.
pub(crate) fn host(stretches: &[Stretch], range: &Range, figures: &[&str]) -> Result<HostLines, HistoryError> {
    let wanted = figures
        .iter()
        .map(|id| catalogue::find(catalogue::HOST, id).ok_or_else(|| HistoryError::NoFigure((*id).to_owned())))
        .collect::<Result<Vec<_>, _>>()?;
    let times = range.times();
    let mut lines = vec![vec![Folding::default(); times.len()]; wanted.len()];
    let from = Wall::from_unix_ms(times.first().copied().unwrap_or(i64::MAX));
    for stretch in stretches.iter().filter(|stretch| stretch.touches(from, Wall(range.to.0.saturating_add(999_999)))) {
        sweep(&*stretch.segment, range.to.unix_ms(), |frame, seconds| {
            let Some(place) = range.place(frame.wall) else { return };
            add_host(&wanted, frame, seconds, place, &mut lines);
        })?;
    }
    Ok(HostLines { times, values: finish(&lines, range.fold) })
}

fn add_host(wanted: &[&HostFigure<Frame>], frame: &Frame, seconds: f64, place: usize, lines: &mut [Vec<Folding>]) {
    for (figure, line) in wanted.iter().zip(lines) {
        if let (Some(value), Some(fold)) = ((figure.value)(frame).number(), line.get_mut(place)) {
            fold.add(value, seconds);
        }
    }
}

/// The rows of a kind in order of time.
struct Sweep<K> {
    rows: Vec<Kept>,
    next: usize,
    things: HashMap<usize, State>,
    texts: Texts,
    kind: std::marker::PhantomData<K>,
}

/// A row that was told.
struct Kept {
    at_ms: i64,
    thing: usize,
    flags: u8,
    start: i64,
    values: Box<[i64]>,
}

impl<K: Kind> Sweep<K> {
    fn of(segment: &dyn Segment, until_ms: i64) -> Result<Self, HistoryError> {
        let all: Vec<usize> = (0..width(K::AT)).collect();
        let mut rows = Vec::new();
        let texts = segment.visit(K::AT, &all, until_ms, &mut |row| {
            let Row { at_ms, thing, flags, start, values } = row;
            rows.push(Kept { at_ms, thing, flags, start, values: values.into() });
        })?;
        rows.sort_by_key(|row| (row.at_ms, row.thing));
        Ok(Self { rows, next: 0, things: HashMap::new(), texts, kind: std::marker::PhantomData })
    }

    /// Applies the rows up to an instant.
    fn advance(&mut self, until_ms: i64) {
        while let Some(kept) = self.rows.get(self.next).filter(|kept| kept.at_ms <= until_ms) {
            let Kept { at_ms, thing, flags, start, .. } = *kept;
            let row = Row { at_ms, thing, flags, start, values: &kept.values };
            self.things.entry(thing).or_insert_with(|| State::new(K::AT)).take(K::AT, &row);
            if row.has(GONE) {
                self.things.remove(&thing);
            }
            self.next += 1;
        }
    }

    fn list(&self, at_ms: i64, tick: &crate::kinds::Tick) -> Vec<K::Row> {
        let mut list: Vec<_> = self.things.iter().collect();
        list.sort_by_key(|(thing, _)| **thing);
        list.into_iter().map(|(_, state)| state.row::<K>(at_ms, tick, &self.texts)).collect()
    }
}

/// Shows every frame of a segment with what figures of the machine are made from, and the seconds that it covers.
fn sweep(segment: &dyn Segment, until_ms: i64, mut show: impl FnMut(&Frame, f64)) -> Result<(), HistoryError> {
    let mut hosts = Sweep::<Host>::of(segment, until_ms)?;
    let mut disks = Sweep::<Disks>::of(segment, until_ms)?;
    let mut interfaces = Sweep::<Interfaces>::of(segment, until_ms)?;
    let mut users = Sweep::<Users>::of(segment, until_ms)?;
    let instants: Vec<i64> = hosts.rows.iter().filter(|row| row.flags & CARRIED == 0).map(|row| row.at_ms).collect();
    for at_ms in instants {
        hosts.advance(at_ms);
        disks.advance(at_ms);
        interfaces.advance(at_ms);
        users.advance(at_ms);
        let Some(state) = hosts.things.values().next() else { continue };
        let tick = host::tick(state.cells());
        let mut frame = state.row::<Host>(at_ms, &tick, &hosts.texts);
        frame.machine.disks = disks.list(at_ms, &tick);
        frame.machine.interfaces = interfaces.list(at_ms, &tick);
        frame.users.items = users.list(at_ms, &tick).into();
        show(&frame, tick.covered.as_secs_f64());
    }
    Ok(())
}

/// Figures of processes.
pub(crate) fn processes(
    stretches: &[Stretch],
    range: &Range,
    keys: &[ProcessKey],
    figures: &[&str],
) -> Result<Vec<Line>, HistoryError> {
    let wanted = figures
        .iter()
        .map(|id| figure::find(id).ok_or_else(|| HistoryError::NoFigure((*id).to_owned())))
        .collect::<Result<Vec<_>, _>>()?;
    let times = range.times();
    let mut lines: HashMap<ProcessKey, Drawn> = HashMap::new();
    let from = Wall::from_unix_ms(times.first().copied().unwrap_or(i64::MAX));
    for stretch in stretches.iter().filter(|stretch| stretch.touches(from, Wall(range.to.0.saturating_add(999_999)))) {
        let (lives, texts) = lives(&*stretch.segment, range.to.unix_ms(), keys, &wanted)?;
        if lives.is_empty() {
            continue;
        }
        let marks = stretch.marks()?;
        for life in &lives {
            let line = lines.entry(life.key).or_insert_with(|| Drawn::new(wanted.len(), times.len()));
            line.draw(life, &marks, range, &wanted, &texts);
        }
    }
    Ok(keys
        .iter()
        .filter_map(|key| {
            let line = lines.get(key)?;
            Some(Line { key: *key, label: line.label.clone()?, values: finish(&line.folds, range.fold) })
        })
        .collect())
}

/// The rows of one process in a segment.
struct Life {
    key: ProcessKey,
    rows: Vec<LifeRow>,
}

struct LifeRow {
    at_ms: i64,
    flags: u8,
    start: i64,
    label: i64,
    readings: i64,
    /// One sum of columns for each figure.
    sums: Vec<i64>,
}

fn lives(
    segment: &dyn Segment,
    until_ms: i64,
    keys: &[ProcessKey],
    wanted: &[&Figure],
) -> Result<(Vec<Life>, Texts), HistoryError> {
    let mut columns = vec![process::PID, process::START, process::BOOT, process::LABEL, process::READINGS];
    columns.extend(wanted.iter().flat_map(|figure| figure.columns));
    let mut lives: HashMap<usize, Life> = HashMap::new();
    let mut tell = |row: Row<'_>| {
        let cells = Cells(row.values);
        let key = process::key(cells);
        if !keys.contains(&key) {
            return;
        }
        let mut values = row.values.iter().skip(5);
        let sum = |figure: &&Figure| {
            figure.columns.iter().filter_map(|_| values.next()).fold(0_i64, |a, b| a.wrapping_add(*b))
        };
        let sums = wanted.iter().map(sum).collect();
        let (label, readings) = (cells.get(3), cells.get(4));
        let life = lives.entry(row.thing).or_insert_with(|| Life { key, rows: Vec::new() });
        life.rows.push(LifeRow { at_ms: row.at_ms, flags: row.flags, start: row.start, label, readings, sums });
    };
    let texts = match segment.find(keys)? {
        Some(found) => {
            let things: Vec<usize> = found.into_iter().map(|(thing, _)| thing).collect();
            segment.visit_things(Process::AT, &things, &columns, until_ms, &mut tell)?
        }
        None => segment.visit(Process::AT, &columns, until_ms, &mut tell)?,
    };
    let mut lives: Vec<_> = lives.into_iter().collect();
    lives.sort_by_key(|(thing, _)| *thing);
    Ok((lives.into_iter().map(|(_, life)| life).collect(), texts))
}

/// A line on its way.
struct Drawn {
    label: Option<Arc<[u8]>>,
    folds: Vec<Vec<Folding>>,
}

impl Drawn {
    fn new(figures: usize, places: usize) -> Self {
        Self { label: None, folds: vec![vec![Folding::default(); places]; figures] }
    }

    fn draw(&mut self, life: &Life, marks: &[Mark], range: &Range, wanted: &[&Figure], texts: &Texts) {
        let mut rows = life.rows.iter().peekable();
        let mut last: Option<&LifeRow> = None;
        let mut label = None;
        for mark in marks {
            while let Some(row) = rows.next_if(|row| row.at_ms <= mark.at_ms) {
                last = Some(row);
            }
            let Some(row) = last else { continue };
            let here = row.flags & CARRIED == 0 && row.at_ms == mark.at_ms;
            let gone = row.flags & GONE != 0;
            if gone && !(here && row.flags & crate::row::ENDED != 0) {
                continue;
            }
            let Some(place) = range.place(Wall(mark.wall.0)) else { continue };
            label = Some(row.label);
            for ((figure, sum), line) in wanted.iter().zip(&row.sums).zip(&mut self.folds) {
                let value = value(figure, row, *sum, (here, gone), mark);
                if let (Some(value), Some(fold)) = (value, line.get_mut(place)) {
                    fold.add(value, mark.seconds());
                }
            }
        }
        if let Some(label) = label {
            self.label = Some(texts.word(label));
        }
    }
}

/// The value of a figure in a frame, given the last row and whether it stands in this very frame.
fn value(figure: &Figure, row: &LifeRow, sum: i64, (here, gone): (bool, bool), mark: &Mark) -> Option<f64> {
    if !figure.known(row.readings) {
        return None;
    }
    if figure.is_level() {
        return (!gone).then(|| figure.value(sum));
    }
    if !mark.follows || (here && figure.starts(row.start)) {
        return None;
    }
    Some(if here { figure.value(sum) / mark.seconds() } else { 0.0 })
}
