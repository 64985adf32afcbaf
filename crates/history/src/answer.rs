//! Answers.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use procyon_model::descriptor::Descriptor;
use procyon_model::frame::EndedProcess;
use procyon_model::{Frame, ProcessKey, ProcessRow};
use procyon_units::{Bytes, Wall};

use crate::ask::GroupBy;

/// From when to when frames are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Extent {
    /// Instant of the oldest frame.
    pub first: Wall,
    /// Instant of the newest frame.
    pub last: Wall,
    /// Interval of the newest frames.
    pub interval: Duration,
}

/// A frame of the past.
#[derive(Debug, Clone)]
pub struct Past {
    /// The frame, as a live one. What is not kept of it is empty: the way it was collected (`health`).
    pub frame: Arc<Frame>,
    /// The gap in which the instant that was asked for lies.
    pub gap: Option<Gap>,
}

/// Time of which nothing is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Gap {
    /// Instant of the last frame before it.
    pub from: Wall,
    /// Instant of the first frame after it; none while there is none.
    pub to: Option<Wall>,
}

/// Figures of the machine over a range.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct HostLines {
    /// The instants, Unix ms.
    pub times: Vec<i64>,
    /// One list a figure, in the order in which they were asked for.
    pub values: Vec<Vec<Option<f64>>>,
}

/// Figures of one process over a range.
#[derive(Debug, Clone, PartialEq)]
pub struct Line {
    /// Which process.
    pub key: ProcessKey,
    /// What people call it, when it was last seen in the range.
    pub label: Arc<[u8]>,
    /// One list a figure, in the order in which they were asked for, on the instants of the range. No value where it did not live.
    pub values: Vec<Vec<Option<f64>>>,
}

/// One process in one frame.
#[derive(Debug, Clone)]
pub struct Seen {
    /// The instant of the frame.
    pub at: Wall,
    /// Its row there.
    pub row: ProcessRow,
}

/// Who used the most of something.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Top {
    /// The most first; equal ones by key.
    pub entries: Vec<TopEntry>,
    /// How many others used anything.
    pub other_count: usize,
    /// Sum of their means.
    pub other_mean: f64,
    /// The time that the frames of the range cover.
    pub covered: Duration,
}

impl Top {
    /// The answer of `n` entries out of what every process of the range used, put together by `group`; `covered` is left to the
    /// caller. Entries come in as single processes, with the word of their group. Equal ones stand in the order of their keys.
    #[must_use]
    pub fn choose(entries: impl IntoIterator<Item = TopEntry>, group: GroupBy, n: usize) -> Self {
        let mut all: Vec<TopEntry> = entries.into_iter().collect();
        if group != GroupBy::Process {
            all = together(all);
        }
        all.retain(|entry| entry.mean > 0.0);
        let (entries, others) = largest(all, n, |entry| (entry.mean, entry.key));
        Self { entries, other_count: others.count, other_mean: others.mean, covered: Duration::ZERO }
    }
}

/// Those that are not among the largest.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Others {
    /// How many.
    pub count: usize,
    /// Sum of their means.
    pub mean: f64,
}

/// The `n` with the largest means, the largest first and equal ones by key, and what the others come to. Of very many only the
/// largest are sorted.
pub fn largest<T>(mut all: Vec<T>, n: usize, rank: impl Fn(&T) -> (f64, ProcessKey)) -> (Vec<T>, Others) {
    let order = |one: &T, other: &T| {
        let ((mean, key), (other_mean, other_key)) = (rank(one), rank(other));
        other_mean.total_cmp(&mean).then_with(|| key.cmp(&other_key))
    };
    if n < all.len() {
        all.select_nth_unstable_by(n, order);
    }
    let others = all.split_off(n.min(all.len()));
    all.sort_unstable_by(order);
    (all, Others { count: others.len(), mean: others.iter().map(|other| rank(other).0).sum() })
}

/// One entry for each word.
fn together(mut all: Vec<TopEntry>) -> Vec<TopEntry> {
    // The largest of each group comes first and lends it its key.
    all.sort_by(|a, b| b.mean.total_cmp(&a.mean).then_with(|| a.key.cmp(&b.key)));
    let mut groups: BTreeMap<Arc<[u8]>, TopEntry> = BTreeMap::new();
    for entry in all {
        match groups.get_mut(&entry.group) {
            Some(group) => {
                group.mean += entry.mean;
                group.processes += entry.processes;
                group.first = group.first.min(entry.first);
                group.last = group.last.max(entry.last);
            }
            None => drop(groups.insert(Arc::clone(&entry.group), entry)),
        }
    }
    groups.into_values().collect()
}

/// One process, or one group of them.
#[derive(Debug, Clone, PartialEq)]
pub struct TopEntry {
    /// Which process; of a group the one that used the most.
    pub key: ProcessKey,
    /// Its strings when it was last seen in the range.
    pub descriptor: Arc<Descriptor>,
    /// What people call it.
    pub label: Arc<[u8]>,
    /// The word that the group has in common; of a single process its label.
    pub group: Arc<[u8]>,
    /// How many processes.
    pub processes: usize,
    /// Mean over the time that the frames of the range cover, in the base unit of the figure; where it did not live it counts as zero.
    pub mean: f64,
    /// First frame of the range that held one of them.
    pub first: Wall,
    /// Last frame of the range that held one of them, or the one that told its end.
    pub last: Wall,
}

/// A process that was found.
#[derive(Debug, Clone, PartialEq)]
pub struct Found {
    /// Which process.
    pub key: ProcessKey,
    /// Its strings when it was last seen in the range.
    pub descriptor: Arc<Descriptor>,
    /// What people call it.
    pub label: Arc<[u8]>,
    /// When it started.
    pub started: Wall,
    /// First frame of the range that held it.
    pub first: Wall,
    /// Last frame of the range that held it.
    pub last: Wall,
    /// Whether it ended in the range.
    pub ended: bool,
}

/// What kind of thing happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum EventKind {
    /// A process that was not in the frame before, in a frame that does not start anew ([`crate::anew`]). One that was born and ended
    /// between two frames has both events.
    Birth,
    /// A process ended.
    Death,
    /// Asked for in place of [`EventKind::Death`] by who wants those alone that were ended against their will
    /// ([`EndedProcess::is_kill`]). They are told as deaths.
    Kill,
    /// Recording began, or went on after a gap.
    Gap,
    /// The machine was started again.
    Boot,
}

impl EventKind {
    /// All of them, with the words for them.
    pub const ALL: &[(&'static str, Self)] = &[
        ("birth", Self::Birth),
        ("death", Self::Death),
        ("kill", Self::Kill),
        ("gap", Self::Gap),
        ("boot", Self::Boot),
    ];

    /// The word for it.
    pub fn word(self) -> &'static str {
        Self::ALL.iter().find(|(_, kind)| *kind == self).map_or("", |(word, _)| word)
    }
}

/// Something that happened. Those of one frame stand in the order boot, gap, births, deaths, and by key.
#[derive(Debug, Clone)]
pub struct Event {
    /// The instant of the frame that told it.
    pub at: Wall,
    /// What kind.
    pub kind: EventKind,
    /// The process: of a birth as it was first seen (`exit` is pending), of a death with its final totals.
    pub process: Option<Arc<EndedProcess>>,
    /// Since when nothing was known, of [`EventKind::Gap`]; none when recording began.
    pub since: Option<Wall>,
}

/// How much room history takes, and how it is doing.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Usage {
    /// Bytes on disk.
    pub bytes: Bytes,
    /// Bytes that it may use; none where nothing limits it.
    pub limit: Option<Bytes>,
    /// How long frames are kept.
    pub retention: Option<Duration>,
    /// Frames that came faster than they were kept, since start.
    pub missed: u64,
    /// Frames that could not be kept, since start.
    pub lost: u64,
    /// Why nothing can be kept at the moment; none while all is well.
    pub trouble: Option<Arc<str>>,
}

#[cfg(test)]
mod tests {
    use procyon_units::Ticks;

    use super::*;

    #[test]
    fn the_largest_come_first_and_the_others_are_summed() {
        let key = |pid| ProcessKey { pid, start: Ticks(0), boot: 0 };
        let all = [(1, 2.0), (2, 8.0), (3, 0.5), (4, 2.0), (5, 1.0)].map(|(pid, mean)| (mean, key(pid)));
        for (n, pids, others) in
            [(0, &[][..], 13.5), (2, &[2, 1], 3.5), (3, &[2, 1, 4], 1.5), (9, &[2, 1, 4, 5, 3], 0.0)]
        {
            let (first, rest) = largest(all.to_vec(), n, |one| *one);
            assert_eq!(first.iter().map(|(_, key)| key.pid).collect::<Vec<_>>(), pids);
            assert_eq!(rest, Others { count: 5 - pids.len(), mean: others });
        }
    }
}
