//! Questions.

use std::time::Duration;

use procyon_units::Wall;

use crate::answer::{EventKind, Found};

/// Instants on which a range is answered: the multiples of `step` from `from` (rounded down) to `to`. Each instant stands for the frames
/// from it until the next instant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Range {
    /// First instant.
    pub from: Wall,
    /// Last instant.
    pub to: Wall,
    /// Distance of two instants; at least one millisecond.
    pub step: Duration,
    /// How the frames of one instant become one value.
    pub fold: Fold,
}

/// How values of several frames become one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Fold {
    /// Their mean, each frame weighted with the time that it covers.
    #[default]
    Mean,
    /// The largest.
    Max,
    /// The smallest.
    Min,
}

/// Instants of a range are no more than this, whatever is asked for.
pub const MOST_INSTANTS: usize = 100_000;

impl Range {
    /// The step in milliseconds.
    pub fn step_ms(&self) -> i64 {
        i64::try_from(self.step.as_millis()).unwrap_or(i64::MAX).max(1)
    }

    /// The instants, Unix ms; at most [`MOST_INSTANTS`].
    pub fn times(&self) -> Vec<i64> {
        let step = self.step_ms();
        let first = self.first();
        let last = self.to.unix_ms();
        if last < first {
            return Vec::new();
        }
        let count = usize::try_from(last.saturating_sub(first) / step).unwrap_or(0).min(MOST_INSTANTS - 1) + 1;
        (0_i64..).take(count).map(|at| first.saturating_add(at.saturating_mul(step))).collect()
    }

    /// The place in [`Range::times`] of a frame made at `at`; none outside of the range.
    pub fn place(&self, at: Wall) -> Option<usize> {
        let (first, at) = (self.first(), at.unix_ms());
        if at < first || at > self.to.unix_ms() {
            return None;
        }
        usize::try_from((at - first) / self.step_ms()).ok().filter(|place| *place < MOST_INSTANTS)
    }

    fn first(&self) -> i64 {
        let step = self.step_ms();
        self.from.unix_ms().div_euclid(step).saturating_mul(step)
    }
}

/// Who used the most of something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TopQuestion {
    /// Frames later than this instant count.
    pub from: Wall,
    /// Frames up to this instant count.
    pub to: Wall,
    /// Id of the figure, one of [`crate::figures::PROCESS`].
    pub by: String,
    /// What is put together before it is ranked.
    pub group: GroupBy,
    /// How many.
    pub n: usize,
}

/// What processes are put together by.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum GroupBy {
    /// Nothing: each process for itself.
    #[default]
    Process,
    /// Name.
    Name,
    /// Label.
    Label,
    /// Effective user.
    User,
    /// Control group.
    Cgroup,
    /// Container; those in none are put together.
    Container,
    /// systemd unit; those of none are put together.
    Unit,
}

impl GroupBy {
    /// All of them, with the words for them.
    pub const ALL: &[(&'static str, Self)] = &[
        ("process", Self::Process),
        ("name", Self::Name),
        ("label", Self::Label),
        ("user", Self::User),
        ("cgroup", Self::Cgroup),
        ("container", Self::Container),
        ("unit", Self::Unit),
    ];

    /// The word for it.
    pub fn word(self) -> &'static str {
        Self::ALL.iter().find(|(_, group)| *group == self).map_or("", |(word, _)| word)
    }
}

/// Processes whose words match.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Search {
    /// First instant.
    pub from: Wall,
    /// Last instant.
    pub to: Wall,
    /// Words, all of which have to be found (ignoring the case of ASCII letters) in name, command line, user, label, control
    /// group, container or unit, or to be the pid. None match everything.
    pub words: Vec<String>,
    /// How many at most; those that were seen last come first.
    pub limit: usize,
}

impl Events {
    /// Whether this kind is asked for.
    pub fn wants(&self, kind: EventKind) -> bool {
        self.kinds.is_empty() || self.kinds.contains(&kind)
    }
}

impl Search {
    /// Whether what was found has all the words.
    pub fn matches(&self, found: &Found) -> bool {
        let texts = &found.descriptor;
        let fields: [&[u8]; 7] =
            [&texts.name, &texts.cmd, &texts.user, &found.label, &texts.cgroup, &texts.container, &texts.unit];
        self.words
            .iter()
            .all(|word| word.parse() == Ok(found.key.pid) || fields.iter().any(|field| holds(field, word.as_bytes())))
    }
}

/// Whether a text holds a word, whatever the case of its ASCII letters.
fn holds(text: &[u8], word: &[u8]) -> bool {
    word.is_empty() || text.windows(word.len()).any(|part| part.eq_ignore_ascii_case(word))
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Events {
    /// Later than this instant.
    pub from: Wall,
    /// Up to this instant.
    pub to: Wall,
    /// Only these kinds; all when empty.
    pub kinds: Vec<EventKind>,
    /// How many at most; the newest are kept.
    pub limit: usize,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_are_multiples_of_the_step_and_hold_the_frames_after_them() {
        let range = Range {
            from: Wall::from_unix_ms(10_500),
            to: Wall::from_unix_ms(20_000),
            step: Duration::from_secs(5),
            fold: Fold::Mean,
        };
        assert_eq!(range.times(), [10_000, 15_000, 20_000]);
        let places: Vec<_> =
            [9_999, 10_000, 14_999, 15_000, 20_000, 20_001].map(|ms| range.place(Wall::from_unix_ms(ms))).into();
        assert_eq!(places, [None, Some(0), Some(0), Some(1), Some(2), None]);
    }

    #[test]
    fn a_range_that_ends_before_it_begins_has_no_instants() {
        let range =
            Range { from: Wall::from_unix_ms(10), to: Wall::from_unix_ms(5), step: Duration::ZERO, fold: Fold::Max };
        assert!(range.times().is_empty());
    }
}
