//! Whether the books balance: what processes did, living and dead, beside what the machine did.

use std::collections::VecDeque;
use std::time::Duration;

use procyon_model::machine::{Attributed, CpuModes};
use procyon_model::process::ProcessRow;
use procyon_model::rates::{cores, per_second};
use procyon_units::{Bytes, Cores, CpuTime, Mono, PerSecond, Ratio, Reading};

/// Time over which the share of processes is taken: an end is told up to some seconds late.
const WINDOW: Duration = Duration::from_mins(1);
/// Shortest span that says anything.
const MIN_SPAN: Duration = Duration::from_secs(5);

/// What was done.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Work {
    pub(crate) cpu: CpuTime,
    pub(crate) read: Bytes,
    pub(crate) written: Bytes,
}

impl Work {
    /// What a process did since it started.
    pub(crate) fn of(row: &ProcessRow) -> Self {
        let io = row.io.get().copied().unwrap_or_default();
        Self { cpu: row.cpu.total(), read: io.read, written: io.written }
    }

    pub(crate) const fn add(&mut self, more: Self) {
        self.cpu = CpuTime(self.cpu.0.saturating_add(more.cpu.0));
        self.read = self.read.plus(more.read);
        self.written = self.written.plus(more.written);
    }

    /// What was done since `earlier`.
    pub(crate) const fn since(self, earlier: Self) -> Self {
        Self {
            cpu: self.cpu.since(earlier.cpu),
            read: self.read.since(earlier.read),
            written: self.written.since(earlier.written),
        }
    }
}

/// Processor time of a tick, in seconds: of all processes, and of the machine.
#[derive(Debug, Clone, Copy)]
struct Entry {
    at: Mono,
    processes: f64,
    machine: f64,
}

/// Adds up.
#[derive(Debug, Default)]
pub(crate) struct Books {
    minute: VecDeque<Entry>,
}

impl Books {
    /// Closes the books of a tick: `ended` is what came to light of processes that are in no row any more, `machine` how
    /// processors spent their time.
    pub(crate) fn close(
        &mut self,
        rows: &[ProcessRow],
        ended: Work,
        machine: &Reading<CpuModes<f64>>,
        (now, elapsed): (Mono, Option<Duration>),
    ) -> Attributed {
        let Some(elapsed) = elapsed.filter(|elapsed| !elapsed.is_zero()) else { return Attributed::default() };
        let of_ended = |bytes: Bytes| per_second(0, bytes.0, elapsed).unwrap_or_default().0;
        let mut cpu = cores(CpuTime(0), ended.cpu, elapsed).unwrap_or_default().0;
        let (mut read, mut written) = (of_ended(ended.read), of_ended(ended.written));
        for rates in rows.iter().map(|row| &row.rates) {
            cpu += rates.cpu().unwrap_or_default().0;
            if let Reading::Known(io) = rates.io {
                read += io.read.0;
                written += io.written.0;
            }
        }
        if let Reading::Known(modes) = machine {
            let seconds = elapsed.as_secs_f64();
            self.minute.push_back(Entry { at: now, processes: cpu * seconds, machine: modes.busy() * seconds });
        }
        while self.minute.front().is_some_and(|entry| now.since(entry.at) > WINDOW) {
            self.minute.pop_front();
        }
        Attributed {
            cpu: Reading::Known(Cores(cpu)),
            read: Reading::Known(PerSecond(read)),
            written: Reading::Known(PerSecond(written)),
            share: self.share(),
        }
    }

    fn share(&self) -> Reading<Ratio> {
        let span = self.minute.front().zip(self.minute.back()).map(|(first, last)| last.at.since(first.at));
        let (processes, machine) =
            self.minute.iter().fold((0.0, 0.0), |(a, b), entry| (a + entry.processes, b + entry.machine));
        let says_something = span.is_some_and(|span| span >= MIN_SPAN) && machine > 0.0;
        if says_something { Reading::Known(Ratio(processes / machine)) } else { Reading::Pending }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn busy(cores: f64) -> Reading<CpuModes<f64>> {
        Reading::Known(CpuModes { user: cores, idle: 2.0 - cores, ..CpuModes::default() })
    }

    #[test]
    fn what_ended_counts_and_the_share_forgets_after_a_minute() {
        let mut books = Books::default();
        let second = Some(Duration::from_secs(1));
        let work = |ms: u64| Work { cpu: CpuTime(ms * 1_000_000), read: Bytes(10), written: Bytes(20) };
        assert_eq!(books.close(&[], work(500), &busy(1.0), (Mono(0), None)), Attributed::default());
        for at in 1..=120_u64 {
            let half = at <= 60;
            let done = work(if half { 500 } else { 1000 });
            let books = books.close(&[], done, &busy(1.0), (Mono(at * 1_000_000_000), second));
            assert_eq!(books.cpu, Reading::Known(Cores(if half { 0.5 } else { 1.0 })));
            assert_eq!((books.read, books.written), (Reading::Known(PerSecond(10.0)), Reading::Known(PerSecond(20.0))));
            let share = books.share.get().map(|share| (share.0 * 1000.0).round() / 1000.0);
            let expected = match at {
                1..=5 => None,
                6..=60 => Some(0.5),
                120 => Some(0.992),
                _ => share,
            };
            assert_eq!(share, expected, "{at}");
        }
    }
}
