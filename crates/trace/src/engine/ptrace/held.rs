//! How much of the time in which threads would run they are stopped for the tracer.
//!
//! The kernel does not count that, and the tracer itself learns of a stop only a while after it began. So threads are looked at now
//! and then: one that is found stopped has been so, on average, for that share of the time since the look before. How long it
//! ran or waited for a processor meanwhile, the kernel says exactly.

use std::collections::{BTreeSet, HashMap, VecDeque};

use crate::event::Who;

/// Nanoseconds between two looks.
const BETWEEN: u64 = 20_000_000;
/// Threads that are looked at in one look; where there are more, they take turns.
const MOST_AT_ONCE: usize = 8;
/// Nanoseconds whose looks count.
const WINDOW: u64 = 10_000_000_000;
/// Nanoseconds in which threads were stopped or would run that have to be known: of less, too few looks were made.
const LEAST: u64 = 1_000_000_000;

/// What is seen of a thread.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Seen {
    /// It is stopped for its tracer. Source: `t` in `/proc/PID/task/TID/stat`.
    stopped: bool,
    /// Nanoseconds that it ran, or waited for a processor, so far. Source: `schedstat` beside it, the first two numbers.
    going: u64,
    /// How often it got a processor. Source: the third one.
    turns: u64,
}

impl Seen {
    fn now(thread: u32) -> Option<Self> {
        // Without `task`, it is the whole process that is summed up.
        let of = format!("/proc/{thread}/task/{thread}");
        let stat = std::fs::read(format!("{of}/stat")).ok()?;
        let schedule = std::fs::read_to_string(format!("{of}/schedstat")).ok()?;
        Self::parse(&stat, &schedule)
    }

    fn parse(stat: &[u8], schedule: &str) -> Option<Self> {
        // A name may have any bytes in it.
        let after_name = stat.get(stat.iter().rposition(|byte| *byte == b')')? + 1..)?;
        let mut numbers = schedule.split_ascii_whitespace().map_while(|number| number.parse::<u64>().ok());
        let (ran, waited, turns) = (numbers.next()?, numbers.next()?, numbers.next()?);
        Some(Self {
            stopped: after_name.trim_ascii_start().starts_with(b"t"),
            going: ran.saturating_add(waited),
            turns,
        })
    }
}

/// What the looks of one moment came to, nanoseconds.
#[derive(Debug, Clone, Copy, Default)]
struct Part {
    at: u64,
    stopped: u64,
    going: u64,
}

/// What the looks came to.
#[derive(Debug, Default)]
pub(super) struct Held {
    looked: u64,
    /// How many threads have had their turn.
    turn: usize,
    before: HashMap<Who, (u64, Seen)>,
    parts: VecDeque<Part>,
}

impl Held {
    /// Looks at some of these threads, if it is time to.
    pub(super) fn look(&mut self, threads: &BTreeSet<Who>, now: u64) {
        if now < self.looked.saturating_add(BETWEEN) || threads.is_empty() {
            return;
        }
        self.looked = now;
        if self.before.len() > threads.len() {
            self.before.retain(|who, _| threads.contains(who));
        }
        let mut part = Part { at: now, ..Part::default() };
        let turn = self.turn % threads.len();
        for who in threads.iter().cycle().skip(turn).take(MOST_AT_ONCE.min(threads.len())) {
            if let Some(seen) = Seen::now(who.thread) {
                self.count(*who, now, seen, &mut part);
            }
        }
        self.turn = turn + MOST_AT_ONCE;
        self.keep(part);
    }

    fn count(&mut self, who: Who, now: u64, seen: Seen, part: &mut Part) {
        let Some((at, before)) = self.before.insert(who, (now, seen)) else { return };
        part.going += seen.going.saturating_sub(before.going);
        // One that has not run since is not held up by us: its whole process is stopped.
        if seen.stopped && seen.turns != before.turns {
            part.stopped += now.saturating_sub(at);
        }
    }

    fn keep(&mut self, part: Part) {
        self.parts.push_back(part);
        while self.parts.front().is_some_and(|first| part.at.saturating_sub(first.at) > WINDOW) {
            self.parts.pop_front();
        }
    }

    /// The share of the time, 0 to 1; none where threads slept nearly all of it.
    pub(super) fn share(&self) -> Option<f64> {
        let stopped = self.parts.iter().map(|part| part.stopped).sum::<u64>();
        let all = self.parts.iter().map(|part| part.going).sum::<u64>().saturating_add(stopped);
        #[expect(clippy::cast_precision_loss, reason = "ten seconds of some thousand threads are below 2^53 ns")]
        (all >= LEAST).then(|| stopped as f64 / all as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: u64 = 1_000_000_000;

    fn who(thread: u32) -> Who {
        Who { thread, process: 1 }
    }

    /// Counts looks at one thread, each a tenth of a second after the one before.
    fn looks(held: &mut Held, from: u64, seen: &[(bool, u64, u64)]) {
        for (&(stopped, going, turns), number) in seen.iter().zip(0..) {
            let at = from + number * SECOND / 10;
            let mut part = Part { at, ..Part::default() };
            held.count(who(1), at, Seen { stopped, going, turns }, &mut part);
            held.keep(part);
        }
    }

    #[test]
    fn what_the_kernel_says_is_read() {
        let seen = |text: &[u8]| Seen::parse(text, "500 20 7\n");
        assert_eq!(seen(b"5 (a) S \xff) t 1 2"), Some(Seen { stopped: true, going: 520, turns: 7 }));
        assert_eq!(seen(b"5 (t) S 1 2").map(|seen| seen.stopped), Some(false));
        assert_eq!(Seen::parse(b"5 (a) S", "500 20\n"), None);
    }

    #[test]
    fn who_is_found_stopped_three_times_of_four_is_held_three_quarters_of_its_time() {
        let mut held = Held::default();
        let seen: Vec<_> = (0..100).map(|look| (look % 4 != 0, look * SECOND / 40, look)).collect();
        looks(&mut held, 0, &seen);
        let share = held.share().unwrap();
        assert!((share - 0.75).abs() < 0.02, "{share}");
        // After ten seconds of something else nothing of that is left.
        let seen: Vec<_> = (100..210).map(|look| (false, look * SECOND / 10, look)).collect();
        looks(&mut held, 10 * SECOND, &seen);
        assert_eq!(held.share(), Some(0.0));
        assert!(held.parts.len() <= 102, "{}", held.parts.len());
    }

    #[test]
    fn who_sleeps_or_is_stopped_as_a_whole_process_is_not_held() {
        let mut held = Held::default();
        looks(&mut held, 0, &[(false, 5, 1); 50]);
        assert_eq!(held.share(), None);
        // It does not get a processor in between.
        looks(&mut held, 5 * SECOND, &[(true, 5, 2); 50]);
        assert_eq!(held.share(), None);
    }

    #[test]
    fn many_threads_take_turns() {
        let mut held = Held::default();
        let own = std::process::id();
        let threads: BTreeSet<Who> = (0..20).map(|process| Who { thread: own, process }).collect();
        for look in 1..=3 {
            held.look(&threads, look * BETWEEN);
            assert_eq!(held.before.len(), (8 * usize::try_from(look).unwrap()).min(20));
        }
        held.look(&[who(own)].into(), 4 * BETWEEN);
        assert_eq!(held.before.len(), 1, "those that are no more are forgotten");
    }
}
