//! Who lived in a range, and what they used: rankings and search.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use procyon_history::{Found, GroupBy, HistoryError, Search, Top, TopEntry, TopQuestion};
use procyon_model::ProcessKey;
use procyon_model::descriptor::Descriptor;
use procyon_units::Wall;

use crate::answer::Stretch;
use crate::column::Cells;
use crate::figure::{self, Figure};
use crate::kinds::Kind;
use crate::kinds::process::{self, Process};
use crate::row::{CARRIED, ENDED, GONE};
use crate::segment::{Mark, Row, Segment};
use crate::texts::Texts;

/// What one process did in a range. There may be very many of them.
#[derive(Debug)]
struct Lived {
    /// What it is called, where that was asked for.
    names: Option<Box<Names>>,
    started: Wall,
    used: f64,
    /// Where it was seen last: the place of the stretch.
    stretch: usize,
    /// First and last frame that held it.
    seen: Option<(Wall, Wall)>,
    /// The frame that told its end.
    ended: Option<Wall>,
}

/// What a process is called: its strings and its label.
type Names = (Arc<Descriptor>, Arc<[u8]>);

/// The names of those whose names were not asked for.
fn no_names() -> Names {
    (Arc::default(), Arc::from([]))
}

impl Lived {
    fn names(&self, none: &Names) -> Names {
        self.names.as_deref().unwrap_or(none).clone()
    }
}

/// The frames of a stretch that lie in a range.
pub(crate) struct Window {
    marks: Vec<Mark>,
    /// Seconds that the frames before a place cover, one more than there are frames.
    sums: Vec<f64>,
}

impl Window {
    pub(crate) fn new(marks: Vec<Mark>) -> Self {
        let mut sums = vec![0.0];
        let mut sum = 0.0;
        for mark in &marks {
            sum += mark.seconds();
            sums.push(sum);
        }
        Self { marks, sums }
    }

    /// Places of frames from one instant up to before another.
    fn places(&self, from_ms: i64, before_ms: i64) -> std::ops::Range<usize> {
        let place = |ms| self.marks.partition_point(|mark| mark.at_ms < ms);
        place(from_ms)..place(before_ms)
    }

    fn seconds(&self, places: &std::ops::Range<usize>) -> f64 {
        let at = |place| self.sums.get(place).copied().unwrap_or(0.0);
        at(places.end) - at(places.start)
    }

    fn at(&self, ms: i64) -> Option<&Mark> {
        let place = self.marks.binary_search_by_key(&ms, |mark| mark.at_ms).ok()?;
        self.marks.get(place)
    }
}

/// What one thing of a segment did in a range.
#[derive(Debug, Clone)]
pub(crate) struct Life {
    pub(crate) thing: usize,
    pub(crate) key: ProcessKey,
    /// Numbers of its strings when it was last seen.
    pub(crate) descriptor: i64,
    pub(crate) label: i64,
    /// When it started, nanoseconds.
    pub(crate) started: i64,
    /// Seconds that the frames that held it cover.
    pub(crate) lived: f64,
    /// What it used of each figure, as its columns count it: growth, or level times seconds.
    pub(crate) used: Vec<f64>,
    /// First and last frame that held it.
    pub(crate) seen: Option<(Wall, Wall)>,
    /// The frame that told its end.
    pub(crate) ended: Option<Wall>,
}

/// A life on its way.
struct Open {
    life: Life,
    /// Since when the last row counts; none once it is gone.
    since_ms: Option<i64>,
    levels: Vec<f64>,
}

impl Open {
    fn new(thing: usize, key: ProcessKey, figures: usize) -> Self {
        let life = Life {
            thing,
            key,
            descriptor: 0,
            label: 0,
            started: 0,
            lived: 0.0,
            used: vec![0.0; figures],
            seen: None,
            ended: None,
        };
        Self { life, since_ms: None, levels: vec![0.0; figures] }
    }

    /// What was so since the last row was so until before an instant.
    fn until(&mut self, before_ms: i64, window: &Window) {
        let Some(since_ms) = self.since_ms else { return };
        let places = window.places(since_ms, before_ms);
        if places.is_empty() {
            return;
        }
        let seconds = window.seconds(&places);
        self.life.lived += seconds;
        for (used, level) in self.life.used.iter_mut().zip(&self.levels) {
            *used += level * seconds;
        }
        if let (Some(first), Some(last)) = (window.marks.get(places.start), window.marks.get(places.end - 1)) {
            let first = self.life.seen.map_or(first.wall, |(earlier, _)| earlier);
            self.life.seen = Some((first, last.wall));
        }
    }

    fn take(&mut self, row: &Row<'_>, figures: &[&Figure], window: &Window) {
        self.until(row.at_ms, window);
        self.since_ms = Some(row.at_ms);
        let cells = Cells(row.values);
        self.life.started = cells.get(3);
        let readings = cells.get(4);
        self.life.descriptor = cells.get(5);
        self.life.label = cells.get(6);
        let mark = window.at(row.at_ms).filter(|_| !row.has(CARRIED));
        let mut place = FIXED;
        for ((figure, used), level) in figures.iter().zip(&mut self.life.used).zip(&mut self.levels) {
            let sum = figure.columns.iter().fold(0_i64, |sum, _| {
                place += 1;
                sum.wrapping_add(cells.get(place - 1))
            });
            let known = figure.known(readings);
            if figure.is_level() {
                *level = if known && !row.has(GONE) { figure::plain(sum) } else { 0.0 };
            } else if known && mark.is_some_and(|mark| mark.follows) && !figure.starts(row.start) {
                *used += figure::plain(sum);
            }
        }
        if row.has(GONE) {
            self.since_ms = None;
            if row.has(ENDED) {
                self.life.ended = mark.map(|mark| mark.wall).or(self.life.ended);
            }
        }
    }
}

/// Columns that are read before those of figures.
const FIXED: usize = 7;

/// Everybody who lived in a window of a segment, from its rows; with their names if asked for.
pub(crate) fn of_rows(
    segment: &dyn Segment,
    window: &Window,
    figures: &[&Figure],
    who: Who<'_>,
) -> Result<(Vec<Life>, Texts), HistoryError> {
    let (Some(first), Some(last)) = (window.marks.first(), window.marks.last()) else {
        return Ok((Vec::new(), Texts::default()));
    };
    let (first_ms, last_ms) = (first.at_ms, last.at_ms);
    let names = if who.named() { [process::DESCRIPTOR, process::LABEL] } else { [process::PID; 2] };
    let mut columns = vec![process::PID, process::START, process::BOOT, process::STARTED, process::READINGS];
    columns.extend(names);
    columns.extend(figures.iter().flat_map(|figure| figure.columns));
    let mut open: HashMap<usize, Open> = HashMap::new();
    // Blocks tell the rows of a thing one after the other: the one whose turn it is stands apart.
    let mut current: Option<Open> = None;
    let mut done = Vec::new();
    let mut tell = |row: Row<'_>| {
        if current.as_ref().is_none_or(|current| current.life.thing != row.thing) {
            let next = open.remove(&row.thing);
            let new = || Open::new(row.thing, process::key(Cells(row.values)), figures.len());
            let before = current.replace(next.unwrap_or_else(new));
            open.extend(before.map(|before| (before.life.thing, before)));
        }
        let Some(life) = &mut current else { return };
        life.take(&row, figures, window);
        if row.has(GONE) {
            done.extend(current.take().filter(|_| row.at_ms >= first_ms).map(|open| open.life));
        }
    };
    let found = if let Who::These(keys) = who { segment.find(keys)? } else { None };
    let texts = match found {
        Some(found) => {
            let things: Vec<usize> = found.into_iter().map(|(thing, _)| thing).collect();
            segment.visit_things(Process::AT, &things, &columns, last_ms, &mut tell)?
        }
        None => segment.visit(Process::AT, &columns, last_ms, &mut tell)?,
    };
    for mut open in open.into_values().chain(current) {
        open.until(i64::MAX, window);
        done.push(open.life);
    }
    done.retain(|life| life.seen.is_some() || life.ended.is_some());
    done.sort_unstable_by_key(|life| life.thing);
    Ok((done, texts))
}

/// Whose lives are of interest.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Who<'a> {
    /// Everybody's, without their names.
    Unnamed,
    /// Everybody's, with their names.
    Named,
    /// At least these, with their names.
    These(&'a [ProcessKey]),
}

impl Who<'_> {
    pub(crate) const fn named(self) -> bool {
        !matches!(self, Self::Unnamed)
    }
}

/// Who lived in a stretch between two instants, and the time that is covered.
fn of_stretch(
    stretch: &Stretch,
    (from, to): (Wall, Wall),
    figures: &[&Figure],
    who: Who<'_>,
) -> Result<(Vec<Life>, Texts, Duration), HistoryError> {
    if stretch.within(from, to) {
        if let Some((lives, texts)) = stretch.segment.summary(figures, who.named())? {
            return Ok((lives, texts, stretch.covered));
        }
    }
    let marks = stretch.marks()?;
    let within = |mark: &&Mark| mark.wall >= from && mark.wall <= to;
    let window = Window::new(marks.iter().filter(within).copied().collect());
    let covered = window.marks.iter().map(|mark| mark.covered).sum();
    let (lives, texts) = of_rows(&*stretch.segment, &window, figures, who)?;
    Ok((lives, texts, covered))
}

/// Everybody who lived between two instants, both included, and the time that is covered.
fn lived(
    stretches: &[Stretch],
    (from, to): (Wall, Wall),
    figures: &[&Figure],
    who: Who<'_>,
) -> Result<(HashMap<ProcessKey, Lived>, Duration), HistoryError> {
    let mut all: HashMap<ProcessKey, Lived> = HashMap::new();
    let mut covered = Duration::ZERO;
    for (number, stretch) in stretches.iter().enumerate().filter(|(_, stretch)| stretch.touches(from, to)) {
        let (lives, texts, time) = of_stretch(stretch, (from, to), figures, who)?;
        covered += time;
        for life in lives {
            let lived = all.entry(life.key).or_insert_with(|| Lived {
                names: None,
                started: Wall(life.started),
                used: 0.0,
                stretch: number,
                seen: None,
                ended: None,
            });
            if who.named() {
                lived.names = Some(Box::new((texts.descriptor(life.descriptor), texts.word(life.label))));
            }
            lived.stretch = number;
            lived.used += life.used.first().copied().unwrap_or(0.0);
            lived.seen = match (lived.seen, life.seen) {
                (Some((first, last)), Some((other, later))) => Some((first.min(other), last.max(later))),
                (before, now) => before.or(now),
            };
            lived.ended = life.ended.or(lived.ended);
        }
    }
    Ok((all, covered))
}

/// Who used the most.
pub(crate) fn top(stretches: &[Stretch], question: &TopQuestion) -> Result<Top, HistoryError> {
    let by = figure::find(&question.by).ok_or_else(|| HistoryError::NoFigure(question.by.clone()))?;
    let range = (Wall(question.from.0.saturating_add(1)), question.to);
    // Single processes get their names once it is known which ones are shown.
    let named = question.group != GroupBy::Process;
    let who = if named { Who::Named } else { Who::Unnamed };
    let (all, covered) = lived(stretches, range, &[by], who)?;
    let seconds = covered.as_secs_f64();
    if seconds <= 0.0 {
        return Ok(Top::default());
    }
    let last_of: HashMap<ProcessKey, usize> = if named {
        HashMap::new()
    } else {
        all.iter().filter(|(_, lived)| lived.used > 0.0).map(|(key, lived)| (*key, lived.stretch)).collect()
    };
    let none = no_names();
    let entries = all.into_iter().filter(|(_, lived)| lived.used > 0.0).filter_map(|(key, lived)| {
        let last = lived.seen.map(|(_, last)| last).max(lived.ended)?;
        let (descriptor, label) = lived.names(&none);
        Some(TopEntry {
            key,
            group: question.group.word_of(&descriptor, &label),
            descriptor,
            label,
            processes: 1,
            mean: by.scaled(lived.used) / seconds,
            first: lived.seen.map_or(last, |(first, _)| first),
            last,
        })
    });
    let mut top = Top { covered, ..Top::choose(entries, question.group, question.n) };
    if !named {
        name(stretches, range, &last_of, &mut top.entries)?;
    }
    Ok(top)
}

/// Gives processes the names that they had when they were last seen.
fn name(
    stretches: &[Stretch],
    range: (Wall, Wall),
    last_of: &HashMap<ProcessKey, usize>,
    entries: &mut [TopEntry],
) -> Result<(), HistoryError> {
    for (number, stretch) in stretches.iter().enumerate() {
        let here = |entry: &TopEntry| last_of.get(&entry.key) == Some(&number);
        let keys: Vec<ProcessKey> = entries.iter().filter(|entry| here(entry)).map(|entry| entry.key).collect();
        if keys.is_empty() {
            continue;
        }
        let (lives, texts, _) = of_stretch(stretch, range, &[], Who::These(&keys))?;
        for entry in entries.iter_mut().filter(|entry| here(entry)) {
            if let Some(life) = lives.iter().rev().find(|life| life.key == entry.key) {
                entry.descriptor = texts.descriptor(life.descriptor);
                entry.label = texts.word(life.label);
                entry.group = Arc::clone(&entry.label);
            }
        }
    }
    Ok(())
}

/// Whose words match.
pub(crate) fn search(stretches: &[Stretch], search: &Search) -> Result<Vec<Found>, HistoryError> {
    let (all, _) = lived(stretches, (search.from, search.to), &[], Who::Named)?;
    let none = no_names();
    let mut found: Vec<Found> = all
        .into_iter()
        .filter_map(|(key, lived)| {
            let (first, last) = lived.seen.or_else(|| Some((lived.ended?, lived.ended?)))?;
            let (descriptor, label) = lived.names(&none);
            Some(Found { key, descriptor, label, started: lived.started, first, last, ended: lived.ended.is_some() })
        })
        .filter(|found| search.matches(found))
        .collect();
    found.sort_by(|a, b| b.last.cmp(&a.last).then_with(|| a.key.cmp(&b.key)));
    found.truncate(search.limit);
    Ok(found)
}
