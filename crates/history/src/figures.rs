//! The figures of a process that can be asked for over a range: what they add up from.

use std::time::Duration;

use procyon_model::ProcessRow;

/// How a figure is had from rows.
#[derive(Debug, Clone, Copy)]
pub enum Source {
    /// The growth of a counter, times a factor, each second: `(counter, factor)`.
    Growth(fn(&ProcessRow) -> Option<u64>, f64),
    /// A level that is what it is at each instant.
    Level(fn(&ProcessRow) -> Option<f64>),
}

/// A figure that can be asked for over a range.
#[derive(Debug, Clone, Copy)]
pub struct Tracked {
    /// Its id in [`procyon_model::catalogue::PROCESS`].
    pub id: &'static str,
    /// How it is had.
    pub source: Source,
}

const fn counted(id: &'static str, counter: fn(&ProcessRow) -> Option<u64>) -> Tracked {
    Tracked { id, source: Source::Growth(counter, 1.0) }
}

/// Of nanoseconds, so that a second each second is 1.
const fn time(id: &'static str, counter: fn(&ProcessRow) -> Option<u64>) -> Tracked {
    Tracked { id, source: Source::Growth(counter, 1e-9) }
}

const fn level(id: &'static str, level: fn(&ProcessRow) -> Option<f64>) -> Tracked {
    Tracked { id, source: Source::Level(level) }
}

#[expect(clippy::cast_precision_loss, reason = "a level needs no more than 53 bits")]
const fn float(value: u64) -> f64 {
    value as f64
}

/// All of them.
pub static PROCESS: &[Tracked] = &[
    time("cpu", |p| Some(p.cpu.total().0)),
    time("cpu_user", |p| Some(p.cpu.user.0)),
    time("cpu_sys", |p| Some(p.cpu.system.0)),
    time("runq", |p| p.run_delay.get().map(|time| time.0)),
    counted("minflt", |p| Some(p.faults.minor)),
    counted("majflt", |p| Some(p.faults.major)),
    counted("read", |p| p.io.get().map(|io| io.read.0)),
    counted("write", |p| p.io.get().map(|io| io.written.0)),
    counted("rchar", |p| p.io.get().map(|io| io.read_chars.0)),
    counted("wchar", |p| p.io.get().map(|io| io.written_chars.0)),
    counted("rx", |p| p.net.get().map(|net| net.received.0)),
    counted("tx", |p| p.net.get().map(|net| net.sent.0)),
    counted("nvcsw", |p| p.switches.get().map(|switches| switches.voluntary)),
    counted("nivcsw", |p| p.switches.get().map(|switches| switches.involuntary)),
    level("rss", |p| p.memory.get().map(|memory| float(memory.resident.0))),
    level("vsize", |p| p.memory.get().map(|memory| float(memory.size.0))),
    level("swap", |p| p.memory.get().map(|memory| float(memory.swap.0))),
    level("pss", |p| p.pss.get().map(|pss| float(pss.proportional.0))),
    level("uss", |p| p.pss.get().map(|pss| float(pss.unique.0))),
    level("threads", |p| Some(f64::from(p.threads))),
    level("fds", |p| p.fds.get().map(|fds| float(fds.open))),
];

/// Ages are told in clock ticks: a process may seem to be this much older than it is.
pub(crate) const AGE_BLUR: Duration = Duration::from_millis(20);

/// How much a counter of a process grew since the frame before, where its row was `before`, if it was in it. Unknown when one of
/// the two readings is, and for a process that is older than the frame's time and was not in the frame before.
pub fn growth(
    before: Option<&ProcessRow>,
    row: &ProcessRow,
    covered: Duration,
    counter: fn(&ProcessRow) -> Option<u64>,
) -> Option<u64> {
    match before {
        Some(before) => Some(counter(row)?.saturating_sub(counter(before)?)),
        None if row.age <= covered + AGE_BLUR => counter(row),
        None => None,
    }
}

/// The figure with this id.
pub fn process(id: &str) -> Option<&'static Tracked> {
    PROCESS.iter().find(|tracked| tracked.id == id)
}

#[cfg(test)]
mod tests {
    use procyon_model::catalogue;

    use super::*;

    #[test]
    fn every_figure_is_in_the_catalogue() {
        for tracked in PROCESS {
            assert!(catalogue::process(tracked.id).is_some(), "{} is in no catalogue", tracked.id);
        }
    }
}
