//! `/proc/PID/task/TID/schedstat`: time on a processor, time waiting for one, turns. Privilege: none. Absent without
//! `CONFIG_SCHED_INFO`.
//!
//! `/proc/PID/schedstat` speaks of the main thread alone, so the sum over the threads is taken.

use procyon_units::CpuTime;

use super::pid_task::sum_over_threads;
use super::scan::Scan;
use super::{PidDir, Seen};

/// What the scheduler counted for one thread.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SchedStat {
    /// On a processor.
    pub running: CpuTime,
    /// Runnable, waiting for a processor.
    pub delay: CpuTime,
    /// Turns on a processor.
    pub turns: u64,
}

/// Sums the time spent waiting for a processor over the threads that live now, of which there may be `most`; with more
/// it is unsupported. It falls when a thread ends: count differences between two sums only when they grow.
pub fn run_delay(process: &PidDir, buffer: &mut Vec<u8>, most: u32) -> Seen<CpuTime> {
    let mut sum = CpuTime::default();
    let read = sum_over_threads(process, c"schedstat", buffer, most, |text| {
        sum = sum.plus(parse(text)?.delay);
        Some(())
    })?;
    Ok(read.map(|()| sum))
}

/// Reads the three numbers.
pub fn parse(text: &[u8]) -> Option<SchedStat> {
    let mut scan = Scan::new(text);
    Some(SchedStat { running: CpuTime(scan.unsigned()?), delay: CpuTime(scan.unsigned()?), turns: scan.unsigned()? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_numbers_are_taken() {
        let expected = SchedStat { running: CpuTime(4_711), delay: CpuTime(815), turns: 42 };
        assert_eq!(parse(b"4711 815 42\n"), Some(expected));
        assert_eq!(parse(b"4711 815\n"), None);
    }
}
