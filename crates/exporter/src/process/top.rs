//! The largest of many: at most so many are served, the rest is summed.
//!
//! Who is among them stays for a while; who comes anew has to be among the largest at two scrapes in a row; and in any
//! hour at most twice the limit are seen.

use std::collections::{HashMap, HashSet};
use std::hash::Hash;
use std::time::Duration;

use procyon_units::Mono;

/// The time in which at most twice the limit are seen.
const HOUR: Duration = Duration::from_hours(1);

/// What makes a group large.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum By {
    Cpu,
    Rss,
    Io,
    Net,
    Fds,
    Procs,
}

impl By {
    pub(crate) fn named(word: &str) -> Option<Self> {
        Some(match word {
            "cpu" => Self::Cpu,
            "rss" => Self::Rss,
            "io" => Self::Io,
            "net" => Self::Net,
            "fds" => Self::Fds,
            "procs" => Self::Procs,
            _ => return None,
        })
    }
}

/// Who is among the largest, from one scrape to the next.
#[derive(Debug)]
pub(super) struct Top<K> {
    limit: usize,
    sticky: Duration,
    /// Each with when it last was large enough by itself.
    shown: HashMap<K, Mono>,
    /// All that were shown within an hour, each with when it was last.
    lately: HashMap<K, Mono>,
    /// Who was among the largest at the scrape before; none before the first.
    candidates: Option<HashSet<K>>,
}

impl<K: Clone + Eq + Hash + Ord> Top<K> {
    pub(super) fn new(limit: usize, sticky: Duration) -> Self {
        Self { limit, sticky, shown: HashMap::new(), lately: HashMap::new(), candidates: None }
    }

    /// Whether there is a limit.
    pub(super) const fn is_limited(&self) -> bool {
        self.limit > 0
    }

    /// Chooses among those that there are, each with its size. Says of each whether it is shown for the first time now.
    pub(super) fn choose(&mut self, mut all: Vec<(f64, K)>, now: Mono) -> HashMap<K, Shown> {
        if self.limit == 0 {
            return all.into_iter().map(|(_, key)| (key, Shown::Before)).collect();
        }
        all.sort_unstable_by(|(size, key), (other, other_key)| other.total_cmp(size).then_with(|| key.cmp(other_key)));
        let present: HashSet<&K> = all.iter().map(|(_, key)| key).collect();
        self.shown.retain(|key, _| present.contains(key));
        self.lately.retain(|_, at| now.since(*at) <= HOUR);
        let largest = || all.iter().take(self.limit).map(|(_, key)| key);
        for key in largest() {
            if let Some(last) = self.shown.get_mut(key) {
                *last = now;
            }
        }
        let mut result: HashMap<K, Shown> = self.shown.keys().map(|key| (key.clone(), Shown::Before)).collect();
        let candidates = self.candidates.replace(largest().cloned().collect());
        for key in largest() {
            let is_new = !self.shown.contains_key(key);
            let may_come = candidates.as_ref().is_none_or(|before| before.contains(key))
                && (self.lately.contains_key(key) || self.lately.len() < 2 * self.limit);
            if !is_new || !may_come {
                continue;
            }
            if self.shown.len() >= self.limit {
                let Some(small) = self.smallest(now) else { break };
                self.shown.remove(&small);
                result.remove(&small);
            }
            self.shown.insert(key.clone(), now);
            self.lately.insert(key.clone(), now);
            result.insert(key.clone(), Shown::Anew);
        }
        self.lately.extend(self.shown.keys().map(|key| (key.clone(), now)));
        result
    }

    /// The one that has not been large for the longest, if that is long enough.
    fn smallest(&self, now: Mono) -> Option<K> {
        let (key, at) = self.shown.iter().min_by(|(key, at), (other, other_at)| (at, key).cmp(&(other_at, other)))?;
        (*at < now && now.since(*at) >= self.sticky).then(|| key.clone())
    }
}

/// How something is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shown {
    /// It was shown at the scrape before.
    Before,
    /// It is shown for the first time.
    Anew,
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn at(seconds: u64) -> Mono {
        Mono(seconds * 1_000_000_000)
    }

    #[test]
    fn the_largest_are_shown_and_stay_for_a_while() {
        let mut top = Top::new(2, Duration::from_mins(1));
        let first = top.choose(vec![(1.0, "a"), (3.0, "b"), (2.0, "c")], at(0));
        assert_eq!(first.keys().copied().collect::<BTreeSet<_>>(), ["b", "c"].into());
        // Another one is larger; it comes once the smallest has been small for a minute.
        let mut second = |seconds| top.choose(vec![(9.0, "a"), (3.0, "b"), (2.0, "c")], at(seconds));
        assert!(!second(15).contains_key("a") && !second(30).contains_key("a"));
        let later = second(61);
        assert_eq!((later.get("a"), later.len()), (Some(&Shown::Anew), 2));
        assert_eq!(second(62).get("a"), Some(&Shown::Before));
    }

    #[test]
    fn who_is_large_at_one_scrape_alone_is_not_shown() {
        let mut top = Top::new(2, Duration::ZERO);
        top.choose(vec![(1.0, "a")], at(0));
        assert!(!top.choose(vec![(1.0, "a"), (9.0, "brief")], at(15)).contains_key("brief"));
        assert!(!top.choose(vec![(1.0, "a"), (9.0, "other")], at(30)).contains_key("other"));
        assert!(top.choose(vec![(1.0, "a"), (9.0, "other")], at(45)).contains_key("other"));
    }

    #[test]
    fn in_an_hour_at_most_twice_the_limit_are_seen_however_many_come_and_go() {
        const LIMIT: usize = 100;
        let mut top = Top::new(LIMIT, Duration::ZERO);
        let (mut windows, mut all_shown): (Vec<(u64, Vec<u64>)>, BTreeSet<u64>) = (Vec::new(), BTreeSet::new());
        for round in 0..720_u64 {
            // Each lives for three scrapes.
            let (now, born) = (round * 15, round / 3 * 750);
            let all = (born..born + 750).map(|number| (1.0, number)).collect();
            let shown: Vec<u64> = top.choose(all, at(now)).into_keys().collect();
            assert!(shown.len() <= LIMIT);
            all_shown.extend(&shown);
            windows.push((now, shown));
            let hour = windows.iter().filter(|(then, _)| now - then <= 3600).flat_map(|(_, shown)| shown);
            assert!(hour.collect::<BTreeSet<_>>().len() <= 2 * LIMIT, "round {round}");
        }
        // It goes on: three hours show more than one.
        assert!(all_shown.len() > 3 * LIMIT, "{}", all_shown.len());
    }

    #[test]
    fn without_a_limit_all_are_shown() {
        let all = Top::new(0, Duration::ZERO).choose(vec![(0.0, 1), (0.0, 2)], at(0));
        assert_eq!(all.len(), 2);
    }
}
