//! The plainest history there is: whole frames in a list, every question answered by walking them. Other stores are measured
//! against its answers.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use procyon_model::descriptor::Descriptor;
use procyon_model::frame::{Death, EndedProcess};
use procyon_model::{Frame, ProcessKey, ProcessRow, catalogue};
use procyon_units::{Bytes, Wall};

use crate::figures::{self, Source, Tracked};
use crate::late::Departed;
use crate::{
    Event, EventKind, Events, Extent, Fold, Found, Gap, GroupBy, History, HistoryError, HostLines, Line, Past, Range,
    Search, Seen, Sink, Top, TopEntry, TopQuestion, Usage, anew, covered, patience,
};

/// Frames of one machine, the newest of them. Clones share them.
#[derive(Debug, Clone)]
pub struct Memory {
    held: Arc<RwLock<Held>>,
    most: usize,
}

#[derive(Debug, Default)]
struct Held {
    frames: VecDeque<Arc<Frame>>,
    /// Frames that went because there were too many.
    forgotten: u64,
}

/// A frame and the one before it, where nothing lies between them.
struct Step<'a> {
    frame: &'a Frame,
    before: Option<&'a Frame>,
    /// Those whose end may be told late.
    departed: Departed,
}

impl Step<'_> {
    fn seconds(&self) -> f64 {
        self.covered().as_secs_f64()
    }

    fn covered(&self) -> Duration {
        covered(self.before, self.frame)
    }

    /// The value of a figure of a process that is in the frame.
    fn value(&self, tracked: &Tracked, row: &ProcessRow) -> Option<f64> {
        match tracked.source {
            Source::Level(level) => level(row),
            Source::Growth(counter, factor) => {
                let before = self.before?;
                let grown = figures::growth(before.process(&row.key), row, self.covered(), counter)?;
                Some(float(grown) * factor / self.seconds())
            }
        }
    }

    /// The same of a process whose end the frame tells: what it still used.
    fn last_value(&self, tracked: &Tracked, ended: &EndedProcess) -> Option<f64> {
        let Source::Growth(counter, factor) = tracked.source else { return None };
        self.before?;
        let grown = figures::growth(self.last_row(&ended.row.key), &ended.row, self.covered(), counter)?;
        Some(float(grown) * factor / self.seconds())
    }

    /// The row that a process which this frame does not hold was last seen with.
    fn last_row(&self, key: &ProcessKey) -> Option<&ProcessRow> {
        self.before?.process(key).or_else(|| self.departed.row(key))
    }
}

#[expect(clippy::cast_precision_loss, reason = "growth between two frames stays far below 2^53")]
const fn float(value: u64) -> f64 {
    value as f64
}

impl Memory {
    /// Keeps the newest `most` frames.
    pub fn new(most: usize) -> Self {
        Self { held: Arc::default(), most: most.max(1) }
    }

    /// How many frames went because there were too many.
    pub fn forgotten(&self) -> u64 {
        self.held.read().unwrap_or_else(PoisonError::into_inner).forgotten
    }

    /// Keeps a frame. Frames that were made later than it, by a clock that was then set back, go.
    pub fn push(&self, frame: &Arc<Frame>) {
        let mut held = self.held.write().unwrap_or_else(PoisonError::into_inner);
        let mut frame = Arc::clone(frame);
        while held.frames.back().is_some_and(|last| last.wall >= frame.wall) {
            held.frames.pop_back();
            held.forgotten += 1;
            // What was before does not lead to it.
            Arc::make_mut(&mut frame).elapsed = None;
        }
        held.frames.push_back(frame);
        while held.frames.len() > self.most {
            held.frames.pop_front();
            held.forgotten += 1;
        }
    }

    fn frames(&self) -> Vec<Arc<Frame>> {
        self.held.read().unwrap_or_else(PoisonError::into_inner).frames.iter().cloned().collect()
    }
}

/// The place of the newest frame at or before an instant.
fn place(frames: &[Arc<Frame>], at: Wall) -> Option<usize> {
    frames.partition_point(|frame| frame.wall <= at).checked_sub(1)
}

/// Each frame with the one before it.
fn steps(frames: &[Arc<Frame>]) -> impl Iterator<Item = Step<'_>> {
    let before = std::iter::once(None).chain(frames.iter().map(Some));
    let mut departed = Departed::new();
    frames.iter().zip(before).map(move |(frame, before)| {
        let before = before.filter(|before| !anew(before, frame));
        let step = Step { frame, before: before.map(|before| &**before), departed: departed.clone() };
        departed.follow(before, frame);
        step
    })
}

fn extent(frames: &[Arc<Frame>]) -> Option<Extent> {
    let (first, last) = (frames.first()?, frames.last()?);
    Some(Extent { first: first.wall, last: last.wall, interval: last.pace.actual })
}

impl Sink for Memory {
    fn write(&mut self, frame: &Arc<Frame>) -> Result<(), HistoryError> {
        self.push(frame);
        Ok(())
    }

    fn sync(&mut self) -> Result<(), HistoryError> {
        Ok(())
    }
}

impl History for Memory {
    fn extent(&self) -> Result<Option<Extent>, HistoryError> {
        Ok(extent(&self.frames()))
    }

    fn at(&self, at: Wall) -> Result<Past, HistoryError> {
        let frames = self.frames();
        let extent = extent(&frames).ok_or(HistoryError::Empty)?;
        let place = place(&frames, at).ok_or(HistoryError::Before { at, extent })?;
        let frame = frames.get(place).ok_or(HistoryError::Empty)?;
        let gap = (since(frame.wall, at) > patience(frame))
            .then(|| Gap { from: frame.wall, to: frames.get(place + 1).map(|next| next.wall) });
        Ok(Past { frame: Arc::clone(frame), gap })
    }

    fn step(&self, at: Wall, by: i64) -> Result<Wall, HistoryError> {
        let frames = self.frames();
        let last = i64::try_from(frames.len()).unwrap_or(i64::MAX) - 1;
        let here = place(&frames, at).map_or(-1, |place| i64::try_from(place).unwrap_or(i64::MAX));
        let there = usize::try_from(here.saturating_add(by).clamp(0, last.max(0))).unwrap_or(0);
        frames.get(there).map(|frame| frame.wall).ok_or(HistoryError::Empty)
    }

    fn gaps(&self, from: Wall, to: Wall) -> Result<Vec<Gap>, HistoryError> {
        let frames = self.frames();
        let pairs = frames.iter().zip(frames.iter().skip(1));
        let gaps = pairs.filter(|(before, after)| since(before.wall, after.wall) > patience(before));
        let gaps = gaps.map(|(before, after)| Gap { from: before.wall, to: Some(after.wall) });
        Ok(gaps.filter(|gap| gap.from < to && gap.to.is_none_or(|end| end > from)).collect())
    }

    fn host_series(&self, range: &Range, figures: &[&str]) -> Result<HostLines, HistoryError> {
        let wanted = figures
            .iter()
            .map(|id| catalogue::find(catalogue::HOST, id).ok_or_else(|| HistoryError::NoFigure((*id).to_owned())))
            .collect::<Result<Vec<_>, _>>()?;
        let times = range.times();
        let mut folds = vec![vec![Folding::default(); times.len()]; wanted.len()];
        for step in steps(&self.frames()) {
            let Some(place) = range.place(step.frame.wall) else { continue };
            for (figure, fold) in wanted.iter().zip(&mut folds) {
                let value = (figure.value)(step.frame).number();
                if let (Some(value), Some(fold)) = (value, fold.get_mut(place)) {
                    fold.add(value, step.seconds());
                }
            }
        }
        Ok(HostLines { times, values: finish(&folds, range.fold) })
    }

    fn process_series(&self, range: &Range, keys: &[ProcessKey], figures: &[&str]) -> Result<Vec<Line>, HistoryError> {
        let wanted = figures.iter().map(|id| tracked(id)).collect::<Result<Vec<_>, _>>()?;
        let (frames, times) = (self.frames(), range.times());
        let mut lines = Vec::new();
        for key in keys {
            let mut label = None;
            let mut folds = vec![vec![Folding::default(); times.len()]; wanted.len()];
            for step in steps(&frames) {
                let Some(place) = range.place(step.frame.wall) else { continue };
                let alive = step.frame.process(key);
                let ended = step.frame.ended.iter().find(|ended| ended.row.key == *key);
                let Some(row) = alive.or(ended.map(|ended| &ended.row)) else { continue };
                label = Some(Arc::clone(&row.label));
                for (tracked, fold) in wanted.iter().zip(&mut folds) {
                    let now = alive.and_then(|row| step.value(tracked, row));
                    let value = now.or_else(|| ended.and_then(|ended| step.last_value(tracked, ended)));
                    if let (Some(value), Some(fold)) = (value, fold.get_mut(place)) {
                        fold.add(value, step.seconds());
                    }
                }
            }
            if let Some(label) = label {
                lines.push(Line { key: *key, label, values: finish(&folds, range.fold) });
            }
        }
        Ok(lines)
    }

    fn process_rows(&self, range: &Range, key: &ProcessKey) -> Result<Vec<Seen>, HistoryError> {
        let mut last: BTreeMap<usize, Arc<Frame>> = BTreeMap::new();
        for frame in self.frames() {
            if let Some(place) = range.place(frame.wall) {
                last.insert(place, frame);
            }
        }
        let seen = |frame: &Arc<Frame>| Some(Seen { at: frame.wall, row: frame.process(key)?.clone() });
        Ok(last.values().filter_map(seen).collect())
    }

    fn top(&self, question: &TopQuestion) -> Result<Top, HistoryError> {
        let by = tracked(&question.by)?;
        let frames = self.frames();
        let mut covered_time = Duration::ZERO;
        let mut sums: BTreeMap<ProcessKey, Sum> = BTreeMap::new();
        for step in steps(&frames) {
            let at = step.frame.wall;
            if at <= question.from || at > question.to {
                continue;
            }
            covered_time += step.covered();
            for row in &step.frame.processes {
                let value = step.value(by, row).unwrap_or(0.0);
                sums.entry(row.key).or_insert_with(|| Sum::new(row, at)).add(row, at, value * step.seconds());
            }
            for ended in &step.frame.ended {
                let (row, value) = (&ended.row, step.last_value(by, ended).unwrap_or(0.0));
                sums.entry(row.key).or_insert_with(|| Sum::new(row, at)).add(row, at, value * step.seconds());
            }
        }
        Ok(rank(sums, covered_time, question))
    }

    fn search(&self, search: &Search) -> Result<Vec<Found>, HistoryError> {
        let mut found: HashMap<ProcessKey, Found> = HashMap::new();
        for frame in &self.frames() {
            if frame.wall < search.from || frame.wall > search.to {
                continue;
            }
            let alive = frame.processes.iter().map(|row| (row, false));
            let ended = frame.ended.iter().map(|ended| (&ended.row, true));
            for (row, ended) in alive.chain(ended) {
                let one = found.entry(row.key).or_insert_with(|| Found {
                    key: row.key,
                    descriptor: Arc::clone(&row.descriptor),
                    label: Arc::clone(&row.label),
                    started: row.started,
                    first: frame.wall,
                    last: frame.wall,
                    ended: false,
                });
                one.descriptor = Arc::clone(&row.descriptor);
                one.label = Arc::clone(&row.label);
                one.ended |= ended;
                if !ended {
                    one.last = frame.wall;
                }
            }
        }
        let mut found: Vec<Found> = found.into_values().filter(|found| search.matches(found)).collect();
        found.sort_by(|a, b| b.last.cmp(&a.last).then_with(|| a.key.cmp(&b.key)));
        found.truncate(search.limit);
        Ok(found)
    }

    fn events(&self, question: &Events) -> Result<Vec<Event>, HistoryError> {
        let frames = self.frames();
        let mut events = Vec::new();
        let mut last: Option<&Frame> = None;
        for step in steps(&frames) {
            if step.frame.wall > question.from && step.frame.wall <= question.to {
                tell(&step, last, &mut events);
            }
            last = Some(step.frame);
        }
        let is_kill = |event: &Event| event.process.as_ref().is_some_and(|process| process.is_kill());
        events.retain(|event| question.wants(event.kind) || (question.wants(EventKind::Kill) && is_kill(event)));
        let surplus = events.len().saturating_sub(question.limit);
        events.drain(..surplus);
        Ok(events)
    }

    fn usage(&self) -> Result<Usage, HistoryError> {
        Ok(Usage { bytes: Bytes(0), lost: 0, ..Usage::default() })
    }
}

/// What happened between two frames: first the machine, then births, then deaths, each in order of their keys.
fn tell(step: &Step<'_>, last: Option<&Frame>, events: &mut Vec<Event>) {
    let at = step.frame.wall;
    let mut add = |kind, process, since| events.push(Event { at, kind, process, since });
    if last.is_some_and(|last| last.host.boot != step.frame.host.boot) {
        add(EventKind::Boot, None, None);
    }
    if last.is_none_or(|last| since(last.wall, at) > patience(last)) {
        add(EventKind::Gap, None, last.map(|last| last.wall));
    }
    let mut ended: Vec<&EndedProcess> = step.frame.ended.iter().collect();
    ended.sort_by_key(|ended| ended.row.key);
    if let Some(before) = step.before {
        let living = step.frame.processes.iter().filter(|row| before.process(&row.key).is_none());
        let dead = ended.iter().map(|ended| &ended.row).filter(|row| step.last_row(&row.key).is_none());
        let mut born: Vec<&ProcessRow> = living.chain(dead).collect();
        born.sort_by_key(|row| row.key);
        for row in born {
            let seen =
                EndedProcess { row: row.clone(), at, exit: procyon_units::Reading::Pending, death: Death::default() };
            add(EventKind::Birth, Some(Arc::new(seen)), None);
        }
    }
    for ended in ended {
        add(EventKind::Death, Some(Arc::new(ended.clone())), None);
    }
}

fn since(earlier: Wall, later: Wall) -> Duration {
    Duration::from_nanos(u64::try_from(later.0.saturating_sub(earlier.0)).unwrap_or(0))
}

fn tracked(id: &str) -> Result<&'static Tracked, HistoryError> {
    figures::process(id).ok_or_else(|| HistoryError::NoFigure(id.to_owned()))
}

/// Values of one instant on their way to one.
#[derive(Debug, Clone, Copy, Default)]
struct Folding {
    weighted: f64,
    weight: f64,
    most: f64,
    least: f64,
}

impl Folding {
    fn add(&mut self, value: f64, weight: f64) {
        let first = self.weight == 0.0;
        self.most = if first { value } else { self.most.max(value) };
        self.least = if first { value } else { self.least.min(value) };
        self.weighted += value * weight;
        self.weight += weight;
    }

    fn finish(&self, fold: Fold) -> Option<f64> {
        (self.weight > 0.0).then(|| match fold {
            Fold::Mean => self.weighted / self.weight,
            Fold::Max => self.most,
            Fold::Min => self.least,
        })
    }
}

fn finish(folds: &[Vec<Folding>], fold: Fold) -> Vec<Vec<Option<f64>>> {
    folds.iter().map(|line| line.iter().map(|one| one.finish(fold)).collect()).collect()
}

/// What one process used over a range.
struct Sum {
    descriptor: Arc<Descriptor>,
    label: Arc<[u8]>,
    used: f64,
    first: Wall,
    last: Wall,
}

impl Sum {
    fn new(row: &ProcessRow, at: Wall) -> Self {
        Self { descriptor: Arc::clone(&row.descriptor), label: Arc::clone(&row.label), used: 0.0, first: at, last: at }
    }

    fn add(&mut self, row: &ProcessRow, at: Wall, used: f64) {
        self.descriptor = Arc::clone(&row.descriptor);
        self.label = Arc::clone(&row.label);
        self.used += used;
        self.last = at;
    }
}

fn rank(sums: BTreeMap<ProcessKey, Sum>, covered: Duration, question: &TopQuestion) -> Top {
    let seconds = covered.as_secs_f64();
    if seconds <= 0.0 {
        return Top::default();
    }
    let entries = sums.into_iter().map(|(key, sum)| TopEntry {
        key,
        group: question.group.word_of(&sum.descriptor, &sum.label),
        descriptor: sum.descriptor,
        label: sum.label,
        processes: 1,
        mean: sum.used / seconds,
        first: sum.first,
        last: sum.last,
    });
    Top { covered, ..Top::choose(entries, question.group, question.n) }
}

impl GroupBy {
    /// What a process has in common with others of its group.
    pub fn word_of(self, descriptor: &Descriptor, label: &Arc<[u8]>) -> Arc<[u8]> {
        match self {
            Self::Process | Self::Label => Arc::clone(label),
            Self::Name => Arc::from(&*descriptor.name),
            Self::User => Arc::from(&*descriptor.user),
            Self::Cgroup => Arc::from(&*descriptor.cgroup),
            Self::Container => Arc::from(&*descriptor.container),
            Self::Unit => Arc::from(&*descriptor.unit),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conformance::script::Script;
    use crate::conformance::{self, Subject};

    fn subject() -> Subject {
        let memory = Memory::new(10_000);
        Subject { sink: Box::new(memory.clone()), history: Arc::new(memory), keep: Box::new(()) }
    }

    #[test]
    fn frames_in_a_list_pass_the_conformance_suite() {
        assert!(conformance::claims().count() >= 40);
        conformance::run(subject);
    }

    #[test]
    fn claims_fail_for_a_history_that_forgets() {
        let forgetful = || {
            let memory = Memory::new(1);
            Subject { sink: Box::new(memory.clone()), history: Arc::new(memory), keep: Box::new(()) }
        };
        let told = std::panic::catch_unwind(|| conformance::run(forgetful)).unwrap_err();
        let told = told.downcast_ref::<String>().unwrap();
        assert!(told.contains("every_field_of_a_frame_comes_back") && told.contains("entries_and_the_rest"), "{told}");
    }

    #[test]
    fn frames_that_are_too_many_go_the_oldest_first() {
        let mut script = Script::new();
        script.ticks(20);
        let memory = Memory::new(5);
        for frame in &script.frames {
            memory.push(frame);
        }
        let extent = memory.extent().unwrap().unwrap();
        assert_eq!((extent.first, extent.last, memory.forgotten()), (script.at(15), script.at(19), 15));
        let range = Range { from: script.at(0), to: script.at(19), step: Duration::from_secs(1), fold: Fold::Mean };
        let known = memory.host_series(&range, &["processes"]).unwrap().values[0].iter().flatten().count();
        assert_eq!(known, 5);
    }
}
