//! What a process has counted so far, and what it counted since: the one list of counters that groups have.

use procyon_collect::provider::RawProcess;
use procyon_model::process::Net;
use procyon_units::Reading;

/// A counter of a group: its family, its label, and what one count is worth.
#[derive(Debug)]
pub(super) struct Counter {
    pub(super) name: &'static str,
    pub(super) help: &'static str,
    pub(super) label: Option<(&'static str, &'static str)>,
    /// What the count is divided by.
    pub(super) per: f64,
}

const NANOS: f64 = 1e9;

const fn counter(
    name: &'static str,
    help: &'static str,
    label: Option<(&'static str, &'static str)>,
    per: f64,
) -> Counter {
    Counter { name, help, label, per }
}

const CPU: (&str, &str) = ("namedprocess_namegroup_cpu_seconds_total", "Cpu user usage in seconds");
const SWITCHES: (&str, &str) = ("namedprocess_namegroup_context_switches_total", "Context switches");

/// How many there are.
pub(super) const COUNT: usize = 11;

/// Every counter, in the order in which [`Counters`] holds them.
pub(super) const COUNTERS: [Counter; COUNT] = [
    counter(CPU.0, CPU.1, Some(("mode", "user")), NANOS),
    counter(CPU.0, CPU.1, Some(("mode", "system")), NANOS),
    counter("namedprocess_namegroup_read_bytes_total", "number of bytes read by this group", None, 1.0),
    counter("namedprocess_namegroup_write_bytes_total", "number of bytes written by this group", None, 1.0),
    counter("namedprocess_namegroup_major_page_faults_total", "Major page faults", None, 1.0),
    counter("namedprocess_namegroup_minor_page_faults_total", "Minor page faults", None, 1.0),
    counter(SWITCHES.0, SWITCHES.1, Some(("ctxswitchtype", "voluntary")), 1.0),
    counter(SWITCHES.0, SWITCHES.1, Some(("ctxswitchtype", "nonvoluntary")), 1.0),
    counter(
        "namedprocess_namegroup_run_queue_seconds_total",
        "Seconds that threads of this group were runnable and waited for a processor",
        None,
        NANOS,
    ),
    counter(
        "namedprocess_namegroup_network_receive_bytes_total",
        "Bytes that this group received by TCP and UDP",
        None,
        1.0,
    ),
    counter(
        "namedprocess_namegroup_network_transmit_bytes_total",
        "Bytes that this group sent by TCP and UDP",
        None,
        1.0,
    ),
];

/// Counts so far; none for what could not be read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Counters(pub(super) [Option<u64>; COUNT]);

impl Counters {
    /// Nothing counted yet, whatever can be counted.
    pub(super) const ZERO: Self = Self([Some(0); COUNT]);

    pub(super) fn of(process: &RawProcess<'_>, net: Reading<Net>) -> Self {
        let io = process.io.get();
        let switches = process.switches.get();
        Self([
            Some(process.cpu.user.0),
            Some(process.cpu.system.0),
            io.map(|io| io.read.0),
            io.map(|io| io.written.0),
            Some(process.faults.major),
            Some(process.faults.minor),
            switches.map(|switches| switches.voluntary),
            switches.map(|switches| switches.involuntary),
            process.run_delay.get().map(|delay| delay.0),
            net.get().map(|net| net.received.0),
            net.get().map(|net| net.sent.0),
        ])
    }

    /// What was counted since `before`. A count that fell, or that was not known, counts nothing.
    pub(super) fn since(&self, before: &Self) -> Self {
        let mut grown = *self;
        for (now, before) in grown.0.iter_mut().zip(before.0) {
            *now = now.map(|now| before.map_or(0, |before| now.saturating_sub(before)));
        }
        grown
    }

    /// Adds what was counted.
    pub(super) fn add(&mut self, grown: &Self) {
        for (sum, grown) in self.0.iter_mut().zip(grown.0) {
            if let Some(grown) = grown {
                *sum = Some(sum.unwrap_or(0).saturating_add(grown));
            }
        }
    }

    /// What is not known now stays as it was.
    pub(super) fn keep(&mut self, now: &Self) {
        for (kept, now) in self.0.iter_mut().zip(now.0) {
            *kept = now.or(*kept);
        }
    }

    /// Zero in place of everything that is known.
    pub(super) fn zeroed(&self) -> Self {
        Self(self.0.map(|count| count.map(|_| 0)))
    }

    /// Context switches in place of those that the provider does not tell.
    pub(super) fn with_switches(mut self, switches: Option<(u64, u64)>) -> Self {
        if let (Some((voluntary, involuntary)), [_, _, _, _, _, _, own, other, ..]) = (switches, &mut self.0) {
            (*own, *other) = (Some(voluntary), Some(involuntary));
        }
        self
    }

    /// Processor time, in nanoseconds.
    pub(super) fn cpu(&self) -> u64 {
        self.0.iter().take(2).flatten().sum()
    }

    /// Bytes read and written.
    pub(super) fn io(&self) -> u64 {
        self.0.iter().skip(2).take(2).flatten().sum()
    }

    /// Context switches, both kinds; none where they are not known.
    pub(super) fn switches(&self) -> Option<u64> {
        let [_, _, _, _, _, _, voluntary, involuntary, ..] = self.0;
        Some(voluntary?.saturating_add(involuntary?))
    }

    /// Bytes received and sent.
    pub(super) fn net(&self) -> u64 {
        self.0.iter().skip(9).flatten().sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counters(cpu: u64, read: Option<u64>) -> Counters {
        let mut counters = Counters::default();
        counters.0[0] = Some(cpu);
        counters.0[2] = read;
        counters
    }

    #[test]
    fn counts_that_fall_or_were_not_known_add_nothing() {
        let grown = counters(7, Some(50)).since(&counters(9, None));
        assert_eq!((grown.0[0], grown.0[2], grown.0[3]), (Some(0), Some(0), None));
        let mut sum = counters(1, None);
        sum.add(&counters(5, Some(3)));
        sum.add(&counters(0, None));
        assert_eq!((sum.0[0], sum.0[2]), (Some(6), Some(3)));
    }
}
