//! Who lived in a range, and what they used: rankings and search.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use foldhash::fast::FixedState;
use procyon_history::{Found, GroupBy, HistoryError, Others, Search, Top, TopEntry, TopQuestion, largest};
use procyon_model::ProcessKey;
use procyon_model::descriptor::Descriptor;
use procyon_units::Wall;
use smallvec::{SmallVec, smallvec};

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
    /// What it was called in the stretch in which it was seen last, where that was told.
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

    /// First and last frame in which it is told; none where no frame of the range does.
    fn seen(&self) -> Option<(Wall, Wall)> {
        let last = self.seen.map(|(_, last)| last).max(self.ended)?;
        Some((self.seen.map_or(last, |(first, _)| first), last))
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

    /// Place of the first frame at an instant or after it. Most often it is the same one as before, or the next.
    fn place(&self, ms: i64, before: usize) -> usize {
        let is_before = |place: usize| self.marks.get(place).is_some_and(|mark| mark.at_ms < ms);
        let is_it = |place: &usize| {
            *place <= self.marks.len() && !is_before(*place) && place.checked_sub(1).is_none_or(is_before)
        };
        let near = [before, before + 1].into_iter().find(is_it);
        near.unwrap_or_else(|| self.marks.partition_point(|mark| mark.at_ms < ms))
    }

    fn seconds(&self, places: &Range<usize>) -> f64 {
        let at = |place| self.sums.get(place).copied().unwrap_or(0.0);
        at(places.end) - at(places.start)
    }
}

/// A number for each figure; most questions ask for one.
pub(crate) type Used = SmallVec<[f64; 1]>;

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
    pub(crate) used: Used,
    /// First and last frame that held it.
    pub(crate) seen: Option<(Wall, Wall)>,
    /// The frame that told its end.
    pub(crate) ended: Option<Wall>,
}

/// A life on its way.
struct Open {
    life: Life,
    /// From which frame on the last row counts; none once it is gone.
    since: Option<usize>,
    levels: Used,
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
            used: smallvec![0.0; figures],
            seen: None,
            ended: None,
        };
        Self { life, since: None, levels: smallvec![0.0; figures] }
    }

    /// What was so since the last row was so until before a frame.
    fn until(&mut self, before: usize, window: &Window) {
        let Some(since) = self.since else { return };
        let places = since..before;
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

    /// Takes in a row; the first frame that is not before it is at `place`.
    fn take(&mut self, row: &Row<'_>, place: usize, figures: &[&Figure], window: &Window) {
        self.until(place, window);
        self.since = Some(place);
        let cells = Cells(row.values);
        self.life.started = cells.get(3);
        let readings = cells.get(4);
        self.life.descriptor = cells.get(5);
        self.life.label = cells.get(6);
        let mark = window.marks.get(place).filter(|mark| mark.at_ms == row.at_ms && !row.has(CARRIED));
        let mut column = FIXED;
        for ((figure, used), level) in figures.iter().zip(&mut self.life.used).zip(&mut self.levels) {
            let sum = figure.columns.iter().fold(0_i64, |sum, _| {
                column += 1;
                sum.wrapping_add(cells.get(column - 1))
            });
            let known = figure.known(readings);
            if figure.is_level() {
                *level = if known && !row.has(GONE) { figure::plain(sum) } else { 0.0 };
            } else if known && mark.is_some_and(|mark| mark.follows) && !figure.starts(row.start) {
                *used += figure::plain(sum);
            }
        }
        if row.has(GONE) {
            self.since = None;
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
    let Some(last_ms) = window.marks.last().map(|last| last.at_ms) else {
        return Ok((Vec::new(), Texts::default()));
    };
    let names = if who.named() { [process::DESCRIPTOR, process::LABEL] } else { [process::PID; 2] };
    let mut columns = vec![process::PID, process::START, process::BOOT, process::STARTED, process::READINGS];
    columns.extend(names);
    columns.extend(figures.iter().flat_map(|figure| figure.columns));
    let mut all: Vec<Open> = Vec::new();
    // Where those are that are not gone, by their things.
    let mut open: HashMap<usize, usize, FixedState> = HashMap::default();
    // Blocks tell the rows of a thing one after the other.
    let mut current: Option<(usize, usize)> = None;
    let mut place = 0;
    let mut tell = |row: Row<'_>| {
        place = window.place(row.at_ms, place);
        let known = current.filter(|(thing, _)| *thing == row.thing).map(|(_, at)| at);
        let at = known.unwrap_or_else(|| {
            *open.entry(row.thing).or_insert_with(|| {
                all.push(Open::new(row.thing, process::key(Cells(row.values)), figures.len()));
                all.len() - 1
            })
        });
        let Some(life) = all.get_mut(at) else { return };
        life.take(&row, place, figures, window);
        current = Some((row.thing, at));
        if row.has(GONE) {
            current = None;
            open.remove(&row.thing);
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
    let lives = all.into_iter().map(|mut open| {
        open.until(window.marks.len(), window);
        open.life
    });
    let mut lives: Vec<Life> = lives.filter(|life| life.seen.is_some() || life.ended.is_some()).collect();
    lives.sort_by_key(|life| life.thing);
    Ok((lives, texts))
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

    /// Whether this one is.
    pub(crate) fn wants(self, key: &ProcessKey) -> bool {
        match self {
            Self::Unnamed | Self::Named => true,
            Self::These(keys) => keys.contains(key),
        }
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
        if let Some((lives, texts)) = stretch.segment.summary(figures, who)? {
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

/// Those who lived in a range.
type All = HashMap<ProcessKey, Lived, FixedState>;

/// Everybody who lived between two instants, both included, and the time that is covered. Where names are not asked for, those are
/// told that cost nothing.
fn lived(
    stretches: &[Stretch],
    (from, to): (Wall, Wall),
    figures: &[&Figure],
    named: bool,
) -> Result<(All, Duration), HistoryError> {
    let mut all = All::default();
    let mut covered = Duration::ZERO;
    for (number, stretch) in stretches.iter().enumerate().filter(|(_, stretch)| stretch.touches(from, to)) {
        let named = named || stretch.segment.tells_names_anyway();
        let who = if named { Who::Named } else { Who::Unnamed };
        let (lives, texts, time) = of_stretch(stretch, (from, to), figures, who)?;
        // Of time that is damaged nothing is known, also not that nothing was used.
        if lives.is_empty() && stretch.segment.damage().is_some() {
            continue;
        }
        covered += time;
        if all.is_empty() {
            all.reserve(lives.len());
        }
        for life in lives {
            let lived = all.entry(life.key).or_insert_with(|| Lived {
                names: None,
                started: Wall(life.started),
                used: 0.0,
                stretch: number,
                seen: None,
                ended: None,
            });
            lived.names = named.then(|| Box::new((texts.descriptor(life.descriptor), texts.word(life.label))));
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
    let is_single = question.group == GroupBy::Process;
    let (mut all, covered) = lived(stretches, range, &[by], !is_single)?;
    let seconds = covered.as_secs_f64();
    if seconds <= 0.0 {
        return Ok(Top::default());
    }
    let mean = |lived: &Lived| by.scaled(lived.used) / seconds;
    let others = if is_single {
        let used = all.iter().filter(|(_, lived)| lived.used > 0.0 && lived.seen().is_some());
        let used: Vec<(f64, ProcessKey)> = used.map(|(key, lived)| (mean(lived), *key)).collect();
        let (shown, others) = largest(used, question.n, |(mean, key)| (*mean, *key));
        all = shown.into_iter().filter_map(|(_, key)| all.remove_entry(&key)).collect();
        name(stretches, range, &mut all)?;
        Some(others)
    } else {
        None
    };
    let none = no_names();
    let entries = all.into_iter().filter(|(_, lived)| lived.used > 0.0).filter_map(|(key, lived)| {
        let (first, last) = lived.seen()?;
        let (descriptor, label) = lived.names(&none);
        let group = question.group.word_of(&descriptor, &label);
        Some(TopEntry { key, group, descriptor, label, processes: 1, mean: mean(&lived), first, last })
    });
    let top = Top::choose(entries, question.group, question.n);
    let others = others.unwrap_or(Others { count: top.other_count, mean: top.other_mean });
    Ok(Top { covered, other_count: others.count, other_mean: others.mean, ..top })
}

/// Gives processes the names that they had when they were last seen, where they have none yet.
fn name(stretches: &[Stretch], range: (Wall, Wall), all: &mut All) -> Result<(), HistoryError> {
    for (number, stretch) in stretches.iter().enumerate() {
        let here = |lived: &Lived| lived.stretch == number && lived.names.is_none();
        let keys: Vec<ProcessKey> = all.iter().filter(|(_, lived)| here(lived)).map(|(key, _)| *key).collect();
        if keys.is_empty() {
            continue;
        }
        let (lives, texts, _) = of_stretch(stretch, range, &[], Who::These(&keys))?;
        for life in lives.iter().filter(|life| keys.contains(&life.key)) {
            if let Some(lived) = all.get_mut(&life.key) {
                lived.names = Some(Box::new((texts.descriptor(life.descriptor), texts.word(life.label))));
            }
        }
    }
    Ok(())
}

/// Whose words match.
pub(crate) fn search(stretches: &[Stretch], search: &Search) -> Result<Vec<Found>, HistoryError> {
    let (all, _) = lived(stretches, (search.from, search.to), &[], true)?;
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

#[cfg(test)]
mod tests {
    use procyon_model::key::BootId;

    use super::*;

    #[test]
    fn the_place_of_an_instant_does_not_depend_on_the_place_before() {
        let mark = |at_ms| Mark {
            at_ms,
            wall: Wall(at_ms * 1_000_000),
            covered: Duration::from_secs(1),
            interval: Duration::from_secs(1),
            follows: true,
            boot: BootId::default(),
        };
        let window = Window::new([10, 20, 30].map(mark).into());
        for before in 0..6 {
            for (ms, place) in [(0, 0), (10, 0), (11, 1), (20, 1), (25, 2), (30, 2), (31, 3), (99, 3)] {
                assert_eq!(window.place(ms, before), place, "{ms} after {before}");
            }
        }
    }
}
