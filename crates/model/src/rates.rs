//! From counters to rates: the only place where a difference is divided by time.

use std::time::Duration;

use procyon_units::{Bytes, Cores, CpuTime, PerSecond, Reading};

use crate::process::{Io, IoRates, Net, NetRates, ProcessRow, Rates};

/// Growth of a counter each second; zero when it went backwards, unknown when no time has passed.
#[expect(clippy::cast_precision_loss, reason = "differences between two ticks stay far below 2^53")]
pub fn per_second(earlier: u64, later: u64, elapsed: Duration) -> Option<PerSecond> {
    let seconds = elapsed.as_secs_f64();
    (seconds > 0.0).then(|| PerSecond(later.saturating_sub(earlier) as f64 / seconds))
}

/// Processor time used each second, which is the number of processors in use.
pub fn cores(earlier: CpuTime, later: CpuTime, elapsed: Duration) -> Option<Cores> {
    let seconds = elapsed.as_secs_f64();
    (seconds > 0.0).then(|| Cores(later.since(earlier).seconds() / seconds))
}

/// The rates of `later`, seen `elapsed` after `earlier`, the same process one tick before.
///
/// Switches and run-queue delay are read at their own pace and keep what `later` already holds.
#[must_use]
pub fn between(earlier: &ProcessRow, later: &ProcessRow, elapsed: Duration) -> Rates {
    let cpu = |a, b| known(cores(a, b, elapsed));
    let count = |a, b| known(per_second(a, b, elapsed));
    Rates {
        cpu_user: cpu(earlier.cpu.user, later.cpu.user),
        cpu_system: cpu(earlier.cpu.system, later.cpu.system),
        minor_faults: count(earlier.faults.minor, later.faults.minor),
        major_faults: count(earlier.faults.major, later.faults.major),
        io: both(&earlier.io, &later.io, |a, b| io_between(a, b, elapsed)),
        net: both(&earlier.net, &later.net, |a, b| net_between(a, b, elapsed)),
        ..later.rates
    }
}

/// The rates of a process born since the tick before: everything it did, spread over the tick.
#[must_use]
pub fn since_birth(row: &ProcessRow, elapsed: Duration) -> Rates {
    let cpu = |time| known(cores(CpuTime(0), time, elapsed));
    let count = |value| known(per_second(0, value, elapsed));
    Rates {
        cpu_user: cpu(row.cpu.user),
        cpu_system: cpu(row.cpu.system),
        minor_faults: count(row.faults.minor),
        major_faults: count(row.faults.major),
        io: both(&Reading::Known(Io::default()), &row.io, |a, b| io_between(a, b, elapsed)),
        net: both(&Reading::Known(Net::default()), &row.net, |a, b| net_between(a, b, elapsed)),
        ..row.rates
    }
}

fn known<T>(value: Option<T>) -> Reading<T> {
    value.map_or(Reading::Pending, Reading::Known)
}

/// Combines two readings; where the later one is not known, neither is the rate, for the same reason.
fn both<T: Copy, R>(earlier: &Reading<T>, later: &Reading<T>, rate: impl FnOnce(T, T) -> Option<R>) -> Reading<R> {
    match (*earlier, *later) {
        (Reading::Known(a), Reading::Known(b)) => known(rate(a, b)),
        (_, Reading::Known(_) | Reading::Pending) => Reading::Pending,
        (_, Reading::Forbidden) => Reading::Forbidden,
        (_, Reading::Unsupported) => Reading::Unsupported,
        (_, Reading::Absent) => Reading::Absent,
        (_, Reading::Skipped) => Reading::Skipped,
    }
}

fn io_between(a: Io, b: Io, elapsed: Duration) -> Option<IoRates> {
    let rate = |a: Bytes, b: Bytes| per_second(a.0, b.0, elapsed);
    Some(IoRates {
        read: rate(a.read, b.read)?,
        written: rate(a.written, b.written)?,
        read_chars: rate(a.read_chars, b.read_chars)?,
        written_chars: rate(a.written_chars, b.written_chars)?,
    })
}

/// Network rates from two readings of the counters, for the same reason unknown as the later one.
#[must_use]
pub fn network(earlier: &Reading<Net>, later: &Reading<Net>, elapsed: Duration) -> Reading<NetRates> {
    both(earlier, later, |a, b| net_between(a, b, elapsed))
}

fn net_between(a: Net, b: Net, elapsed: Duration) -> Option<NetRates> {
    Some(NetRates {
        received: per_second(a.received.0, b.received.0, elapsed)?,
        sent: per_second(a.sent.0, b.sent.0, elapsed)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_counter_that_goes_backwards_is_no_negative_rate() {
        assert_eq!(per_second(10, 4, Duration::from_secs(1)), Some(PerSecond(0.0)));
        assert_eq!(per_second(10, 14, Duration::from_millis(500)), Some(PerSecond(8.0)));
        assert_eq!(per_second(10, 14, Duration::ZERO), None);
    }

    #[test]
    fn half_a_second_of_work_in_a_quarter_second_is_two_cores() {
        let rate = cores(CpuTime(1_000_000_000), CpuTime(1_500_000_000), Duration::from_millis(250));
        assert_eq!(rate, Some(Cores(2.0)));
    }
}
