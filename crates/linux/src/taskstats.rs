//! Generic netlink `TASKSTATS`: counters of a whole process in one question, ended threads included as far as the kernel
//! kept them. Privilege: `CAP_NET_ADMIN`. Absent without `CONFIG_TASKSTATS`.
//!
//! `/proc/PID/status` counts the switches of the main thread alone; this answer is the sum over the threads, at a tenth
//! of the price of reading their files. A thread's counters survive its end only if somebody listened for exits since
//! the process started, so the sum may still fall.

use procyon_units::{CpuTime, Reading};
use rustix::io::Errno;

use crate::net::generic::{Generic, told};
use crate::net::netlink::attributes;
use crate::proc::{Lost, PidDir, Seen};

/// What the kernel counted for a process, summed over its threads.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct TaskStats {
    /// Voluntary switches.
    pub voluntary: u64,
    /// Involuntary switches.
    pub involuntary: u64,
    /// Runnable, waiting for a processor. None where the kernel runs without `delayacct`.
    pub run_delay: Option<CpuTime>,
}

/// A connection to the kernel's accounting.
#[derive(Debug)]
pub struct TaskStatsSocket(Generic);

/// The kernel's numbers (include/uapi/linux/taskstats.h).
const GET: u8 = 1;
const ASK_TGID: u16 = 2;
const TYPE_STATS: u16 = 3;
const TYPE_AGGREGATE_TGID: u16 = 5;

/// Places in `struct taskstats`; it only grows at its end since version 1 (these are older).
const CPU_COUNT: usize = 16;
const CPU_DELAY: usize = 24;
const VOLUNTARY: usize = 272;
const INVOLUNTARY: usize = 280;

impl TaskStatsSocket {
    /// Connects. `Forbidden` without `CAP_NET_ADMIN`, `Unsupported` where the kernel has no such accounting.
    pub fn open() -> Reading<Self> {
        match Self::connect() {
            Ok(socket) => Reading::Known(socket),
            Err(error) => crate::file::reason(error),
        }
    }

    fn connect() -> Result<Self, Errno> {
        let mut socket = Self(Generic::open("TASKSTATS")?);
        // The right to ask is known only by asking.
        socket.ask(crate::own::pid())?;
        Ok(socket)
    }

    /// Asks for the sums of a process.
    pub fn read(&mut self, process: &PidDir) -> Seen<TaskStats> {
        let answer = self.ask(process.pid());
        // The question went by pid: the answer is about this process if it still has that pid now.
        if !process.is_alive() {
            return Err(Lost::Vanished);
        }
        match answer {
            Ok(Some(stats)) => Ok(Reading::Known(stats)),
            Ok(None) => Ok(Reading::Unsupported),
            Err(Errno::PERM | Errno::ACCESS) => Ok(Reading::Forbidden),
            // Zombies have no counters any more.
            Err(Errno::SRCH) => Ok(Reading::Absent),
            Err(source) => Err(Lost::Failed { pid: process.pid(), file: "taskstats", source }),
        }
    }

    fn ask(&mut self, pid: u32) -> Result<Option<TaskStats>, Errno> {
        self.0.ask(GET, (ASK_TGID, &pid.to_ne_bytes()), parse)
    }
}

/// Reads the payload of an answer.
pub fn parse(payload: &[u8]) -> Option<TaskStats> {
    let (_, aggregate) = told(payload).find(|(kind, _)| *kind == TYPE_AGGREGATE_TGID)?;
    let (_, stats) = attributes(aggregate).find(|(kind, _)| *kind == TYPE_STATS)?;
    let number = |place: usize| Some(u64::from_ne_bytes(*stats.get(place..)?.first_chunk()?));
    Some(TaskStats {
        voluntary: number(VOLUNTARY)?,
        involuntary: number(INVOLUNTARY)?,
        // Without delayacct the kernel fills none of these; a process that ran has had a turn.
        run_delay: (number(CPU_COUNT)? > 0).then_some(CpuTime(number(CPU_DELAY)?)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(stats: &[u8]) -> Vec<u8> {
        let attribute = |kind: u16, value: &[u8]| {
            let length = u16::try_from(4 + value.len()).unwrap();
            [&length.to_ne_bytes()[..], &kind.to_ne_bytes(), value].concat()
        };
        let inner = [attribute(2, &7_u32.to_ne_bytes()), attribute(TYPE_STATS, stats)].concat();
        [vec![2, 1, 0, 0], attribute(TYPE_AGGREGATE_TGID, &inner)].concat()
    }

    #[test]
    fn places_are_those_of_the_kernel() {
        let mut stats = vec![0_u8; 328];
        stats[272..280].copy_from_slice(&5_u64.to_ne_bytes());
        stats[280..288].copy_from_slice(&6_u64.to_ne_bytes());
        let parsed = parse(&answer(&stats)).unwrap();
        assert_eq!(parsed, TaskStats { voluntary: 5, involuntary: 6, run_delay: None });
        stats[16..24].copy_from_slice(&1_u64.to_ne_bytes());
        stats[24..32].copy_from_slice(&9_u64.to_ne_bytes());
        assert_eq!(parse(&answer(&stats)).unwrap().run_delay, Some(CpuTime(9)));
        assert_eq!(parse(&answer(&stats[..280])), None);
    }
}
