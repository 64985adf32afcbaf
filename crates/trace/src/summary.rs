//! Calls by number: how many, how many failed, how long they took.

use std::collections::BTreeMap;
use std::fmt::{self, Write};

use procyon_bpf::syscalls::{BUCKETS, Tally};

use crate::call::Call;
use crate::table;

/// Calls of each number. A 32-bit program's calls and unheard of ones stand together under `None`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Summary {
    by_number: BTreeMap<u32, Tally>,
}

/// The calls of one number.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Row {
    /// The name; `(others)` for calls that are not in the table.
    pub name: &'static str,
    /// Calls that came back. How long one took is not known where its beginning was not seen: it is in none of the times.
    pub calls: u64,
    /// Those of them that failed.
    pub errors: u64,
    /// Nanoseconds from beginning to end of all of them, waiting included.
    pub total: u64,
    /// Nanoseconds of a call on average, of those whose time is known.
    pub mean: u64,
    /// Half of the calls took at most about so many nanoseconds; off by a factor of 1.42 at most.
    pub half: u64,
    /// 99 of 100 calls took at most about so many nanoseconds; off by a factor of 1.42 at most.
    pub most: u64,
    /// Nanoseconds of the longest.
    pub longest: u64,
    /// How many took between each power of two of nanoseconds and the next.
    pub buckets: [u64; BUCKETS],
}

impl Summary {
    /// Adds calls that were counted elsewhere.
    pub fn insert(&mut self, number: u32, tally: Tally) {
        let known = self.by_number.entry(kept_as(number)).or_default();
        known.calls = known.calls.saturating_add(tally.calls);
        known.errors = known.errors.saturating_add(tally.errors);
        known.total = known.total.saturating_add(tally.total);
        known.longest = known.longest.max(tally.longest);
        for (known, more) in known.buckets.iter_mut().zip(tally.buckets) {
            *known = known.saturating_add(more);
        }
    }

    /// Counts a call, if it came back.
    pub fn count(&mut self, call: &Call) {
        let Some(returned) = call.returned else { return };
        let tally = self.by_number.entry(kept_as(call.number)).or_default();
        tally.calls += 1;
        tally.errors += u64::from((-4095..0).contains(&returned.result));
        let Some(spent) = call.took() else { return };
        tally.total = tally.total.saturating_add(spent);
        tally.longest = tally.longest.max(spent);
        let bucket = usize::try_from(spent.max(1).ilog2()).unwrap_or(BUCKETS).min(BUCKETS - 1);
        if let Some(bucket) = tally.buckets.get_mut(bucket) {
            *bucket += 1;
        }
    }

    /// How many calls came back.
    #[must_use]
    pub fn calls(&self) -> u64 {
        self.by_number.values().map(|tally| tally.calls).sum()
    }

    /// Those that took most time come first.
    #[must_use]
    pub fn rows(&self) -> Vec<Row> {
        let mut rows: Vec<Row> = self.by_number.iter().map(|(number, tally)| row(*number, tally)).collect();
        rows.sort_by(|a, b| b.total.cmp(&a.total).then(a.name.cmp(b.name)));
        rows
    }
}

/// The number under which calls are counted: one for all that are not in the table.
pub(crate) fn kept_as(number: u32) -> u32 {
    table::name(number).map_or(procyon_bpf::syscalls::NUMBERS, |_| number)
}

fn row(number: u32, tally: &Tally) -> Row {
    Row {
        name: table::name(number).unwrap_or("(others)"),
        calls: tally.calls,
        errors: tally.errors,
        total: tally.total,
        mean: mean(tally),
        half: quantile(tally, 50),
        most: quantile(tally, 99),
        longest: tally.longest,
        buckets: tally.buckets,
    }
}

/// How many calls there are whose time is known.
fn timed(tally: &Tally) -> u64 {
    tally.buckets.iter().sum()
}

fn mean(tally: &Tally) -> u64 {
    tally.total.checked_div(timed(tally)).unwrap_or(0)
}

/// The duration that so many of 100 calls do not pass: the middle of its power of two, which is off by a factor of the square root of two
/// at most, and never more than the longest, which it is where all calls count.
fn quantile(tally: &Tally, percent: u64) -> u64 {
    let timed = timed(tally);
    let rank = timed.saturating_mul(percent).div_ceil(100);
    if rank >= timed {
        return tally.longest;
    }
    let mut below = 0;
    for (power, count) in tally.buckets.iter().enumerate() {
        below += count;
        if below >= rank && below > 0 {
            // 2^power times the square root of two.
            let middle = (1_u64 << power).saturating_mul(1414) / 1000;
            return middle.min(tally.longest);
        }
    }
    tally.longest
}

impl fmt::Display for Summary {
    /// A table like that of `strace -c`, in wall-clock time, with what half and 99 of 100 calls took at most.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rows = self.rows();
        let total: u64 = rows.iter().map(|row| row.total).sum();
        f.write_str(
            "% time     seconds  usecs/call   p50 usecs   p99 usecs   max usecs     calls    errors syscall\n",
        )?;
        let rule =
            "------ ----------- ----------- ----------- ----------- ----------- --------- --------- ----------------\n";
        f.write_str(rule)?;
        for row in &rows {
            line(f, row, share(row.total, total))?;
        }
        f.write_str(rule)?;
        let (calls, errors) = (self.calls(), rows.iter().map(|row| row.errors).sum());
        let longest = rows.iter().map(|row| row.longest).max().unwrap_or(0);
        let mut all = Tally { calls, errors, total, longest, ..Tally::default() };
        for tally in self.by_number.values() {
            for (sum, one) in all.buckets.iter_mut().zip(tally.buckets) {
                *sum += one;
            }
        }
        let row = Row { name: "total", ..row(u32::MAX, &all) };
        line(f, &row, if total > 0 { 10_000 } else { 0 })
    }
}

/// In hundredths of a percent.
fn share(part: u64, whole: u64) -> u64 {
    let share = (u128::from(part) * 10_000).checked_div(u128::from(whole)).unwrap_or(0);
    u64::try_from(share).unwrap_or(0)
}

fn line(f: &mut fmt::Formatter<'_>, row: &Row, share: u64) -> fmt::Result {
    let micros = |nanos: u64| format!("{}.{}", (nanos + 50) / 1000, (nanos + 50) % 1000 / 100);
    let mut seconds = String::new();
    write!(seconds, "{}.{:06}", row.total / 1_000_000_000, row.total % 1_000_000_000 / 1000)?;
    let errors = if row.errors > 0 { row.errors.to_string() } else { String::new() };
    writeln!(
        f,
        "{:>3}.{:02} {seconds:>11} {:>11} {:>11} {:>11} {:>11} {:>9} {errors:>9} {}",
        share / 100,
        share % 100,
        (row.mean + 500) / 1000,
        micros(row.half),
        micros(row.most),
        micros(row.longest),
        row.calls,
        row.name
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::call::Return;

    fn call(number: u32, spent: u64, result: i64) -> Call {
        let returned = Some(Return { result, at: 1000 + spent });
        Call { number, entered: 1000, returned, ..Call::default() }
    }

    #[test]
    fn quantiles_are_within_the_stated_error() {
        let mut summary = Summary::default();
        let spent = |at: u64| 100 + at * at * 37;
        for at in 0..1000 {
            summary.count(&call(0, spent(at), 1));
        }
        let row = summary.rows()[0];
        assert_eq!((row.calls, row.errors, row.longest), (1000, 0, spent(999)));
        for (said, truth) in [(row.half, spent(499)), (row.most, spent(989))] {
            assert!(said * 100 < truth * 142 && said * 142 > truth * 100, "{said} {truth}");
        }
    }

    #[test]
    fn of_few_calls_ninety_nine_in_a_hundred_are_all() {
        let mut summary = Summary::default();
        summary.count(&call(0, 100, 1));
        assert_eq!((summary.rows()[0].half, summary.rows()[0].most), (100, 100));
        for at in 1..=98 {
            summary.count(&call(0, 100 + at, 1));
        }
        summary.count(&call(1, 1000, 1));
        summary.count(&call(1, 1_000_000, 1));
        let rows = summary.rows();
        assert_eq!((rows[0].calls, rows[0].most, rows[0].longest), (2, 1_000_000, 1_000_000));
        assert_eq!((rows[1].calls, rows[1].most, rows[1].longest), (99, 198, 198));
    }

    #[test]
    fn a_call_whose_beginning_was_not_seen_counts_without_a_time() {
        let mut summary = Summary::default();
        summary.count(&call(0, 100, -1));
        summary.count(&Call { entered: 0, ..call(0, 5_000_000_000, -1) });
        let row = summary.rows()[0];
        assert_eq!((row.calls, row.errors, row.total, row.mean, row.longest), (2, 2, 100, 100, 100));
        assert_eq!((row.half, row.most, row.buckets.iter().sum::<u64>()), (100, 100, 1));
    }

    #[test]
    fn failures_are_counted_and_calls_that_never_come_back_are_not() {
        let mut summary = Summary::default();
        summary.count(&call(1, 10, -9));
        summary.count(&call(1, 10, -4096));
        summary.count(&Call { number: 231, ..Call::default() });
        summary.count(&call(1 << 31 | 5, 10, 0));
        let rows = summary.rows();
        assert_eq!(rows.len(), 2);
        assert_eq!((rows[0].calls, rows[0].errors, rows[1].name), (2, 1, "(others)"));
        assert_eq!(summary.calls(), 3);
    }

    #[test]
    fn a_table_of_nothing_is_a_table() {
        let text = Summary::default().to_string();
        assert_eq!(text.lines().count(), 4);
        assert!(text.ends_with(" total\n"), "{text}");
    }
}
