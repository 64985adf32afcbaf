//! Why a machine was as it was at an instant: which processes, and groups of them, changed the most against the hour before.
//!
//! Of each process and group three things are compared: what it used around the instant, what it used in the hour before, and how
//! much that usually varies. What counts is the change, as far as it is unusual: a large program that always swings by half is no news, a
//! small one that never moved and now takes a processor is. A group stands for its members where no single one explains its change.

mod candidates;
mod samples;
mod sentence;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use procyon_model::ProcessKey;
use procyon_units::Wall;

use crate::{Event, EventKind, Events, GroupBy, History, HistoryError};

/// What is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Metric {
    /// Processors in use.
    #[default]
    Cpu,
    /// Resident memory, bytes.
    Memory,
    /// Bytes read and written each second.
    Io,
    /// Bytes received and sent each second.
    Network,
    /// Threads that ran, waited for a processor or for the disk, and processes that were born.
    Load,
}

impl Metric {
    /// All of them, with the words for them.
    pub const ALL: &[(&'static str, Self)] =
        &[("cpu", Self::Cpu), ("mem", Self::Memory), ("io", Self::Io), ("net", Self::Network), ("load", Self::Load)];

    /// The word for it.
    pub fn word(self) -> &'static str {
        Self::ALL.iter().find(|(_, metric)| *metric == self).map_or("", |(word, _)| word)
    }

    /// What it adds up from, by ids of [`crate::figures::PROCESS`].
    const fn figures(self) -> &'static [&'static str] {
        match self {
            Self::Cpu => &["cpu"],
            Self::Memory => &["rss"],
            Self::Io => &["read", "write"],
            Self::Network => &["rx", "tx"],
            Self::Load => &["cpu", "runq"],
        }
    }

    /// Changes below this are noise, whatever else is so.
    const fn floor(self) -> f64 {
        match self {
            Self::Cpu | Self::Load => 0.01,
            Self::Memory => 4_194_304.0,
            Self::Io => 65_536.0,
            Self::Network => 16_384.0,
        }
    }
}

/// The question.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Question {
    /// The instant.
    pub at: Wall,
    /// What is compared.
    pub metric: Metric,
    /// How many.
    pub n: usize,
}

/// The answer.
#[derive(Debug, Clone)]
pub struct Why {
    /// Instant of the frame that answers.
    pub at: Wall,
    /// The time around the instant: later than the first, up to the second.
    pub around: (Wall, Wall),
    /// The time before, against which it is compared.
    pub before: (Wall, Wall),
    /// Whether anything is known of the time before.
    pub known_before: bool,
    /// The most telling first.
    pub items: Vec<Item>,
    /// What happened nearby, oldest first: gaps, boots, and births and ends of what is in `items` or mattered.
    pub events: Vec<Event>,
}

/// A process or a group that changed.
#[derive(Debug, Clone, PartialEq)]
pub struct Item {
    /// What a group has in common; none for a process.
    pub group: Option<GroupBy>,
    /// The process; of a group the one that used the most.
    pub key: ProcessKey,
    /// The label of the process, or the word of the group.
    pub label: Arc<[u8]>,
    /// Name of the process.
    pub name: Arc<[u8]>,
    /// Its user.
    pub user: Arc<[u8]>,
    /// How many processes.
    pub processes: usize,
    /// What it used around the instant, in the unit of the metric.
    pub now: f64,
    /// What it used before.
    pub before: f64,
    /// The change as a share of what all processes use, 0 to 1.
    pub share: f64,
    /// How telling it is; only the order means something.
    pub score: f64,
    /// Whether it was born in the hour before or around the instant; of a group whether all were.
    pub born: bool,
    /// Whether it ended around the instant; of a group whether all did.
    pub ended: bool,
    /// Whether it took the place of one with the same label that ended.
    pub restarted: bool,
    /// The same in a sentence.
    pub text: String,
}

impl Item {
    /// Now − before.
    pub fn change(&self) -> f64 {
        self.now - self.before
    }
}

/// How long before the instant it is looked at.
const LOOK_BACK: Duration = Duration::from_mins(4);
/// How long after it.
const LOOK_AHEAD: Duration = Duration::from_mins(1);
/// Against which time it is compared.
const BEFORE: Duration = Duration::from_hours(1);
/// How many short spans of the time before tell what is usual.
const SPANS: u32 = 12;
/// The shortest span.
const SHORTEST_SPAN: Duration = Duration::from_mins(1);
/// A span holds at least so many frames.
const FRAMES_A_SPAN: u32 = 4;
/// Processes of one span that are looked at.
const MOST_PROCESSES: usize = 50_000;
/// Events that are looked through.
const MOST_EVENTS: usize = 20_000;
/// Events that are told.
const EVENTS_TOLD: usize = 30;
/// Processes that ended after so long are told whoever they were.
const LONG_LIVED: Duration = Duration::from_mins(10);

fn earlier(at: Wall, by: Duration) -> Wall {
    Wall(at.0.saturating_sub(i64::try_from(by.as_nanos()).unwrap_or(i64::MAX)))
}

fn later(at: Wall, by: Duration) -> Wall {
    Wall(at.0.saturating_add(i64::try_from(by.as_nanos()).unwrap_or(i64::MAX)))
}

/// Ranks what changed around an instant.
///
/// # Errors
/// Those of [`History::at`], and of reading.
pub fn why(history: &dyn History, question: &Question) -> Result<Why, HistoryError> {
    let past = history.at(question.at)?;
    let at = past.frame.wall;
    let span = SHORTEST_SPAN.max(past.frame.pace.actual * FRAMES_A_SPAN);
    let (back, ahead) = (LOOK_BACK.max(span), LOOK_AHEAD.min(span));
    let around = (earlier(at, back), later(at, ahead));
    let before = (earlier(around.0, BEFORE), around.0);
    let times = samples::Times { at, around, before, span };
    let events = history.events(&Events { from: before.0, to: around.1, kinds: Vec::new(), limit: MOST_EVENTS })?;
    let samples = samples::take(history, question.metric, &times, &events)?;
    let mut items = candidates::rank(&samples, question.metric, question.n);
    for item in &mut items {
        item.text = sentence::of(item, question.metric, samples.known_before);
    }
    let events = nearby(events, &items, around);
    Ok(Why { at, around, before, known_before: samples.known_before, items, events })
}

/// Of what happened around the instant that which may have to do with it.
fn nearby(events: Vec<Event>, items: &[Item], around: (Wall, Wall)) -> Vec<Event> {
    let telling = |event: &Event| match (event.kind, &event.process) {
        (EventKind::Gap | EventKind::Boot, _) | (_, None) => true,
        (kind, Some(process)) => {
            let row = &process.row;
            let named = items.iter().any(|item| item.key == row.key || item.label == row.label);
            named || (kind == EventKind::Death && row.age >= LONG_LIVED)
        }
    };
    let mut told: Vec<Event> = events.into_iter().filter(|event| event.at > around.0 && telling(event)).collect();
    let surplus = told.len().saturating_sub(EVENTS_TOLD);
    told.drain(..surplus);
    told
}
