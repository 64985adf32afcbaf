//! Who lived in a range, and what they used: rankings and search.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use procyon_history::{Found, HistoryError, Search, Top, TopEntry, TopQuestion};
use procyon_model::ProcessKey;
use procyon_model::descriptor::Descriptor;
use procyon_units::Wall;

use crate::answer::Stretch;
use crate::column::Cells;
use crate::figure::{self, Figure};
use crate::kinds::Kind;
use crate::kinds::process::{self, Process};
use crate::row::{CARRIED, ENDED, GONE};
use crate::segment::{Mark, Row};

/// What one process did in a range.
#[derive(Debug)]
struct Lived {
    descriptor: Arc<Descriptor>,
    label: Arc<[u8]>,
    started: Wall,
    used: f64,
    /// First and last frame that held it.
    seen: Option<(Wall, Wall)>,
    /// The frame that told its end.
    ended: Option<Wall>,
}

/// The frames of a stretch that lie in a range.
struct Window {
    marks: Vec<Mark>,
    /// Seconds that the frames before a place cover, one more than there are frames.
    sums: Vec<f64>,
}

impl Window {
    fn new(marks: Vec<Mark>) -> Self {
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

/// A thing of a stretch on its way.
struct Open {
    key: ProcessKey,
    /// Since when the last row counts; none once it is gone.
    since_ms: Option<i64>,
    level: f64,
    descriptor: i64,
    label: i64,
    started: i64,
    used: f64,
    seen: Option<(Wall, Wall)>,
    ended: Option<Wall>,
}

impl Open {
    /// What was so since the last row was so until before an instant.
    fn until(&mut self, before_ms: i64, window: &Window) {
        let Some(since_ms) = self.since_ms else { return };
        let places = window.places(since_ms, before_ms);
        if places.is_empty() {
            return;
        }
        self.used += self.level * window.seconds(&places);
        if let (Some(first), Some(last)) = (window.marks.get(places.start), window.marks.get(places.end - 1)) {
            let first = self.seen.map_or(first.wall, |(earlier, _)| earlier);
            self.seen = Some((first, last.wall));
        }
    }

    fn take(&mut self, row: &Row<'_>, figure: Option<&Figure>, window: &Window) {
        if row.has(CARRIED) {
            self.since_ms = Some(i64::MIN);
        } else {
            self.until(row.at_ms, window);
            self.since_ms = Some(row.at_ms);
        }
        let cells = Cells(row.values);
        self.descriptor = cells.get(3);
        self.label = cells.get(4);
        self.started = cells.get(5);
        let mark = window.at(row.at_ms).filter(|_| !row.has(CARRIED));
        if let Some(figure) = figure {
            let sum = row.values.iter().skip(7).fold(0_i64, |a, b| a.wrapping_add(*b));
            let known = figure.known(cells.get(6));
            if figure.is_level() {
                self.level = if known && !row.has(GONE) { figure.value(sum) } else { 0.0 };
            } else if known && mark.is_some_and(|mark| mark.follows) && !figure.starts(row.start) {
                self.used += figure.value(sum);
            }
        }
        if row.has(GONE) {
            self.since_ms = None;
            if row.has(ENDED) {
                self.ended = mark.map(|mark| mark.wall).or(self.ended);
            }
        }
    }
}

/// Everybody who lived between two instants, both included, and the time that is covered.
fn lived(
    stretches: &[Stretch],
    (from, to): (Wall, Wall),
    figure: Option<&Figure>,
) -> Result<(BTreeMap<ProcessKey, Lived>, Duration), HistoryError> {
    let mut all: BTreeMap<ProcessKey, Lived> = BTreeMap::new();
    let mut covered = Duration::ZERO;
    let mut columns = vec![
        process::PID,
        process::START,
        process::BOOT,
        process::DESCRIPTOR,
        process::LABEL,
        process::STARTED,
        process::READINGS,
    ];
    columns.extend(figure.iter().flat_map(|figure| figure.columns));
    for stretch in stretches.iter().filter(|stretch| stretch.touches(from.unix_ms(), to.unix_ms())) {
        let marks = crate::segment::marks(&*stretch.segment, to.unix_ms())?;
        let window = Window::new(marks.into_iter().filter(|mark| mark.wall >= from && mark.wall <= to).collect());
        let (Some(first), Some(last)) = (window.marks.first(), window.marks.last()) else { continue };
        let (first_ms, last_ms) = (first.at_ms, last.at_ms);
        covered += window.marks.iter().map(|mark| mark.covered).sum::<Duration>();
        let mut open: HashMap<usize, Open> = HashMap::new();
        let mut done = Vec::new();
        let texts = stretch.segment.visit(Process::AT, &columns, last_ms, &mut |row| {
            let entry = open.entry(row.thing).or_insert_with(|| Open {
                key: process::key(Cells(row.values)),
                since_ms: None,
                level: 0.0,
                descriptor: 0,
                label: 0,
                started: 0,
                used: 0.0,
                seen: None,
                ended: None,
            });
            entry.take(&row, figure, &window);
            if row.has(GONE) {
                let gone = open.remove(&row.thing);
                done.extend(gone.filter(|_| row.at_ms >= first_ms));
            }
        })?;
        let mut rest: Vec<_> = open.into_iter().collect();
        rest.sort_unstable_by_key(|(thing, _)| *thing);
        for (_, mut thing) in rest {
            thing.until(i64::MAX, &window);
            done.push(thing);
        }
        for thing in done.into_iter().filter(|thing| thing.seen.is_some() || thing.ended.is_some()) {
            let (descriptor, label) = (texts.descriptor(thing.descriptor), texts.word(thing.label));
            let lived = all.entry(thing.key).or_insert_with(|| Lived {
                descriptor: Arc::clone(&descriptor),
                label: Arc::clone(&label),
                started: Wall(thing.started),
                used: 0.0,
                seen: None,
                ended: None,
            });
            lived.descriptor = descriptor;
            lived.label = label;
            lived.used += thing.used;
            lived.seen = match (lived.seen, thing.seen) {
                (Some((first, last)), Some((other, later))) => Some((first.min(other), last.max(later))),
                (before, now) => before.or(now),
            };
            lived.ended = thing.ended.or(lived.ended);
        }
    }
    Ok((all, covered))
}

/// Who used the most.
pub(crate) fn top(stretches: &[Stretch], question: &TopQuestion) -> Result<Top, HistoryError> {
    let by = figure::find(&question.by).ok_or_else(|| HistoryError::NoFigure(question.by.clone()))?;
    let from = Wall(question.from.0.saturating_add(1));
    let (all, covered) = lived(stretches, (from, question.to), Some(by))?;
    let seconds = covered.as_secs_f64();
    if seconds <= 0.0 {
        return Ok(Top::default());
    }
    let entries = all.into_iter().filter_map(|(key, lived)| {
        let last = lived.seen.map(|(_, last)| last).max(lived.ended)?;
        Some(TopEntry {
            key,
            group: question.group.word_of(&lived.descriptor, &lived.label),
            descriptor: lived.descriptor,
            label: lived.label,
            processes: 1,
            mean: lived.used / seconds,
            first: lived.seen.map_or(last, |(first, _)| first),
            last,
        })
    });
    Ok(Top { covered, ..Top::choose(entries, question.group, question.n) })
}

/// Whose words match.
pub(crate) fn search(stretches: &[Stretch], search: &Search) -> Result<Vec<Found>, HistoryError> {
    let (all, _) = lived(stretches, (search.from, search.to), None)?;
    let mut found: Vec<Found> = all
        .into_iter()
        .filter_map(|(key, lived)| {
            let (first, last) = lived.seen.or_else(|| Some((lived.ended?, lived.ended?)))?;
            Some(Found {
                key,
                descriptor: lived.descriptor,
                label: lived.label,
                started: lived.started,
                first,
                last,
                ended: lived.ended.is_some(),
            })
        })
        .filter(|found| search.matches(found))
        .collect();
    found.sort_by(|a, b| b.last.cmp(&a.last).then_with(|| a.key.cmp(&b.key)));
    found.truncate(search.limit);
    Ok(found)
}
