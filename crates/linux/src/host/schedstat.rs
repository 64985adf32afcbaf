//! `/proc/schedstat`: what the scheduler did on each processor.

use crate::text::{lines, lossy, number, words};

/// One processor. Source: line `cpuN`, Documentation/scheduler/sched-stats.rst.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CpuSchedstat {
    /// Its number, as the kernel writes it.
    pub cpu: Box<str>,
    /// Time in which tasks ran, nanoseconds. Field 7.
    pub running_ns: u64,
    /// Time in which tasks that could run waited, nanoseconds. Field 8.
    pub waiting_ns: u64,
    /// Times that a task was let run. Field 9.
    pub timeslices: u64,
}

/// Parses the file; other lines are left out.
#[must_use]
pub fn parse(text: &[u8]) -> Vec<CpuSchedstat> {
    let parse_line = |line: &[u8]| {
        let mut words = words(line);
        let cpu = lossy(words.next()?.strip_prefix(b"cpu")?);
        let mut fields = words.skip(6).map(number);
        let mut next = || fields.next().flatten();
        Some(CpuSchedstat { cpu, running_ns: next()?, waiting_ns: next()?, timeslices: next()? })
    };
    lines(text).filter_map(parse_line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_three_numbers_of_a_processor_count() {
        let all = parse(b"version 15\ntimestamp 1\ncpu0 1 0 3 4 5 6 7 8 9\ndomain0 0,3 1 2 3\ncpu1 1 2\n");
        assert_eq!(all, [CpuSchedstat { cpu: "0".into(), running_ns: 7, waiting_ns: 8, timeslices: 9 }]);
    }
}
