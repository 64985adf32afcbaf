//! The heaviest processes of a range, steady from one question to the next.

use std::sync::Arc;

use procyon_model::ProcessKey;
use procyon_model::descriptor::Descriptor;

/// How much heavier somebody has to be to take the place of one who is among the heaviest.
const CLEARLY: f64 = 1.2;
/// Questions whose answers are remembered; more forget the oldest.
const REMEMBERED: usize = 16;

/// The heaviest processes of a range.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Top {
    /// The heaviest first.
    pub entries: Vec<TopEntry>,
    /// How many others used anything.
    pub other_count: usize,
    /// Sum of their means.
    pub other_value: f64,
    /// How many frames the range has.
    pub frames: usize,
}

/// One of the heaviest.
#[derive(Debug, Clone, PartialEq)]
pub struct TopEntry {
    /// Which process.
    pub key: ProcessKey,
    /// What people call it.
    pub label: Arc<[u8]>,
    /// Its strings when it was last seen.
    pub descriptor: Arc<Descriptor>,
    /// Mean over the range; the time in which it did not live counts as zero.
    pub mean: f64,
    /// First frame of the range that held it, Unix ms.
    pub first: i64,
    /// Last frame of the range that held it, Unix ms.
    pub last: i64,
}

/// Who was among the heaviest, by question.
#[derive(Debug, Default)]
pub(crate) struct Memory(Vec<((usize, usize), Vec<ProcessKey>)>);

impl Memory {
    /// Chooses `n` of `all`, giving those who were chosen before an advantage.
    pub(crate) fn choose(&mut self, question: (usize, usize), mut all: Vec<TopEntry>) -> Top {
        let n = question.1;
        let before = self.0.iter().position(|(known, _)| *known == question).map(|at| self.0.remove(at).1);
        let before = before.unwrap_or_default();
        let weight = |entry: &TopEntry| if before.contains(&entry.key) { entry.mean * CLEARLY } else { entry.mean };
        all.sort_by(|a, b| {
            weight(b).total_cmp(&weight(a)).then_with(|| a.key.start.cmp(&b.key.start)).then_with(|| a.key.cmp(&b.key))
        });
        let rest = all.split_off(n.min(all.len()));
        all.sort_by(|a, b| b.mean.total_cmp(&a.mean).then_with(|| a.key.cmp(&b.key)));
        if self.0.len() >= REMEMBERED {
            self.0.remove(0);
        }
        self.0.push((question, all.iter().map(|entry| entry.key).collect()));
        Top { entries: all, other_count: rest.len(), other_value: rest.iter().map(|entry| entry.mean).sum(), frames: 0 }
    }
}

#[cfg(test)]
mod tests {
    use procyon_units::Ticks;

    use super::*;

    fn entry(pid: u32, mean: f64) -> TopEntry {
        TopEntry {
            key: ProcessKey { pid, start: Ticks(1), boot: 1 },
            label: Arc::from(&b"x"[..]),
            descriptor: Arc::default(),
            mean,
            first: 0,
            last: 0,
        }
    }

    #[test]
    fn who_is_in_stays_until_another_is_clearly_heavier() {
        let mut memory = Memory::default();
        let pids = |top: &Top| top.entries.iter().map(|e| e.key.pid).collect::<Vec<_>>();
        assert_eq!(pids(&memory.choose((0, 1), vec![entry(1, 1.0), entry(2, 0.9)])), [1]);
        let second = memory.choose((0, 1), vec![entry(1, 1.0), entry(2, 1.1)]);
        assert_eq!((pids(&second), second.other_count), (vec![1], 1));
        assert!((second.other_value - 1.1).abs() < 1e-9);
        assert_eq!(pids(&memory.choose((0, 1), vec![entry(1, 1.0), entry(2, 1.3)])), [2]);
    }
}
