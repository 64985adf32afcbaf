//! What every process used around the instant, in the hour before, and in short spans of that hour.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use procyon_model::process::ProcessState;
use procyon_model::{Descriptor, ProcessKey};
use procyon_units::Wall;

use super::{MOST_PROCESSES, Metric, SPANS, earlier, later};
use crate::{Event, EventKind, GroupBy, History, HistoryError, TopQuestion};

/// Which times are looked at.
#[derive(Debug, Clone, Copy)]
pub(super) struct Times {
    pub(super) at: Wall,
    pub(super) around: (Wall, Wall),
    pub(super) before: (Wall, Wall),
    pub(super) span: Duration,
}

/// What a birth counts as load: a fork and its exec take about a hundredth of a second of a processor.
const LOAD_OF_A_BIRTH: f64 = 0.01;
/// Instants of a span at which it is looked who waits for the disk.
const LOOKS: i64 = 4;

/// What one process used.
#[derive(Debug, Clone)]
pub(super) struct Sample {
    pub(super) key: ProcessKey,
    pub(super) descriptor: Arc<Descriptor>,
    pub(super) label: Arc<[u8]>,
    /// In the minutes around the instant.
    pub(super) around: f64,
    /// In the span that holds the instant.
    pub(super) close: f64,
    /// In the hour before.
    pub(super) before: f64,
    /// In each span of the hour before.
    pub(super) usual: Vec<f64>,
    pub(super) born: bool,
    pub(super) ended: bool,
    pub(super) restarted: bool,
}

/// All of them.
#[derive(Debug)]
pub(super) struct Samples {
    pub(super) all: Vec<Sample>,
    pub(super) known_before: bool,
}

/// Means of one time.
struct Span {
    used: HashMap<ProcessKey, f64>,
    covered: bool,
}

/// What is known of a process: when it was last seen, and its strings then.
struct Known {
    seen: Wall,
    descriptor: Arc<Descriptor>,
    label: Arc<[u8]>,
}

/// Collects samples by asking who used anything, time by time.
struct Collecting<'a> {
    history: &'a dyn History,
    metric: Metric,
    events: &'a [Event],
    known: BTreeMap<ProcessKey, Known>,
}

impl Collecting<'_> {
    fn span(&mut self, from: Wall, to: Wall) -> Result<Span, HistoryError> {
        let mut span = Span { used: HashMap::new(), covered: false };
        for by in self.metric.figures() {
            let question = TopQuestion { from, to, by: (*by).to_owned(), group: GroupBy::Process, n: MOST_PROCESSES };
            let top = self.history.top(&question)?;
            span.covered |= !top.covered.is_zero();
            for entry in top.entries {
                *span.used.entry(entry.key).or_default() += entry.mean;
                self.meet(entry.key, entry.last, &entry.descriptor, &entry.label);
            }
        }
        if self.metric == Metric::Load && span.covered {
            self.add_waiting(&mut span, from, to)?;
            self.add_births(&mut span, from, to);
        }
        Ok(span)
    }

    fn meet(&mut self, key: ProcessKey, seen: Wall, descriptor: &Arc<Descriptor>, label: &Arc<[u8]>) {
        let new = || Known { seen, descriptor: Arc::clone(descriptor), label: Arc::clone(label) };
        let known = self.known.entry(key).or_insert_with(new);
        if seen > known.seen {
            *known = new();
        }
    }

    /// Who waits for the disk counts as load; that is looked up at a few instants.
    fn add_waiting(&mut self, span: &mut Span, from: Wall, to: Wall) -> Result<(), HistoryError> {
        let mut looks: Vec<Wall> = Vec::new();
        let mut waiting: Vec<ProcessKey> = Vec::new();
        for look in 1..=LOOKS {
            let at = Wall(from.0.saturating_add(to.0.saturating_sub(from.0) / LOOKS * look));
            let past = match self.history.at(at) {
                Err(HistoryError::Before { .. } | HistoryError::Empty) => continue,
                past => past?,
            };
            if past.frame.wall <= from || looks.contains(&past.frame.wall) {
                continue;
            }
            looks.push(past.frame.wall);
            for row in past.frame.processes.iter().filter(|row| row.state == ProcessState::UNINTERRUPTIBLE) {
                waiting.push(row.key);
                self.meet(row.key, past.frame.wall, &row.descriptor, &row.label);
            }
        }
        let looks = f64::from(u32::try_from(looks.len()).unwrap_or(1).max(1));
        for key in waiting {
            *span.used.entry(key).or_default() += 1.0 / looks;
        }
        Ok(())
    }

    fn add_births(&mut self, span: &mut Span, from: Wall, to: Wall) {
        let seconds = Duration::from_nanos(u64::try_from(to.0.saturating_sub(from.0)).unwrap_or(0)).as_secs_f64();
        let events = self.events;
        let births = events.iter().filter(|event| event.kind == EventKind::Birth && event.at > from && event.at <= to);
        for (event, process) in births.filter_map(|event| Some((event, event.process.as_ref()?))) {
            *span.used.entry(process.row.key).or_default() += LOAD_OF_A_BIRTH / seconds.max(1.0);
            self.meet(process.row.key, event.at, &process.row.descriptor, &process.row.label);
        }
    }
}

/// Asks for all times.
pub(super) fn take(
    history: &dyn History,
    metric: Metric,
    times: &Times,
    events: &[Event],
) -> Result<Samples, HistoryError> {
    let mut collecting = Collecting { history, metric, events, known: BTreeMap::new() };
    let around = collecting.span(times.around.0, times.around.1)?;
    let quarter = times.span / 4;
    let close = collecting.span(earlier(times.at, 3 * quarter), later(times.at, quarter))?;
    let before = collecting.span(times.before.0, times.before.1)?;
    let mut spans = Vec::new();
    let hour = times.before.1.0.saturating_sub(times.before.0.0);
    for n in 1..=i64::from(SPANS) {
        let to = Wall(times.before.0.0.saturating_add(hour / i64::from(SPANS) * n));
        let span = collecting.span(earlier(to, times.span), to)?;
        if span.covered {
            spans.push(span);
        }
    }
    let of_kind = |kind| -> HashSet<ProcessKey> {
        let events = events.iter().filter(|event| event.kind == kind);
        events.filter_map(|event| event.process.as_ref().map(|process| process.row.key)).collect()
    };
    let (born, ended) = (of_kind(EventKind::Birth), of_kind(EventKind::Death));
    let used = |span: &Span, key: &ProcessKey| span.used.get(key).copied().unwrap_or(0.0);
    let all = collecting.known.iter().map(|(key, Known { descriptor, label, .. })| Sample {
        key: *key,
        descriptor: Arc::clone(descriptor),
        label: Arc::clone(label),
        around: used(&around, key),
        close: used(&close, key),
        before: used(&before, key),
        usual: spans.iter().map(|span| used(span, key)).collect(),
        born: born.contains(key),
        ended: ended.contains(key),
        restarted: false,
    });
    let mut all: Vec<Sample> = all.collect();
    succeed(&mut all);
    Ok(Samples { all, known_before: before.covered })
}

/// Who was born and bears the label of one who ended inherits what that one used before: a service that was started again has not changed.
fn succeed(all: &mut Vec<Sample>) {
    type Title = (Arc<[u8]>, Box<[u8]>);
    let mut heirs: HashMap<Title, Vec<usize>> = HashMap::new();
    for (place, sample) in all.iter().enumerate() {
        if sample.born && !sample.ended {
            let title = (Arc::clone(&sample.label), sample.descriptor.user.clone());
            heirs.entry(title).or_default().push(place);
        }
    }
    let mut gone = HashSet::new();
    for place in 0..all.len() {
        let Some(sample) = all.get(place).filter(|sample| sample.ended && !sample.born).cloned() else { continue };
        let title = (Arc::clone(&sample.label), sample.descriptor.user.clone());
        // One heir each; the last takes the rest.
        let Some(heirs) = heirs.get_mut(&title) else { continue };
        let heir = if heirs.len() > 1 { heirs.pop() } else { heirs.first().copied() };
        let Some(heir) = heir.and_then(|heir| all.get_mut(heir)) else { continue };
        heir.restarted = true;
        heir.around += sample.around;
        heir.close += sample.close;
        heir.before += sample.before;
        for (own, more) in heir.usual.iter_mut().zip(&sample.usual) {
            *own += more;
        }
        gone.insert(sample.key);
    }
    all.retain(|sample| !gone.contains(&sample.key));
}
