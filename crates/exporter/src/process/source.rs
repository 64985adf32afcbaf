//! Where processes come from: the seam between grouping and reading.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use procyon_collect::provider::RawProcess;
use procyon_linux::net::socket::Socket;
use procyon_linux::proc::pid_schedstat::SchedStat;
use procyon_model::process::Net;
use procyon_units::{Mono, Reading, Ticks};
use rustix::time::{ClockId, clock_gettime};

use super::rules::Facts;
use crate::node::CollectError;

/// A process: its pid, and the start that tells it from others with the same pid.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Key {
    pub(crate) pid: u32,
    pub(crate) start: Ticks,
}

/// Reads the processes of a machine.
pub(crate) trait Source: Send {
    /// Shows every process, with the bytes that went over the network.
    fn pass(&mut self, each: &mut dyn FnMut(&RawProcess<'_>, Reading<Net>)) -> Result<(), CollectError>;

    /// When the machine started: nanoseconds since 1970.
    fn boot(&self) -> i64;

    /// Time since the start of the machine.
    fn up(&self) -> Ticks;

    /// Reads what the rules look at; processes that have ended or do not answer are left out.
    fn facts(&mut self, keys: &[Key]) -> Vec<(Key, Facts)>;

    /// The name of a user.
    fn user(&mut self, uid: u32) -> Arc<str>;

    /// Reads open files, wait channels and threads.
    fn look(&mut self, key: Key, threads: u32, details: &mut Details);

    /// Whether what [`Self::look`] reads may be older than the pass, and is cheap: then it is read at every scrape.
    fn lags(&self) -> bool {
        false
    }

    /// Reads proportional memory, which may be dear: resident and swapped.
    fn proportional(&mut self, keys: &[Key]) -> Vec<(Key, Option<(u64, u64)>)>;

    /// Every socket with the process that holds it. `idle` are processes that have not run since the last call.
    fn sockets(&mut self, processes: &[(u32, Ticks)], idle: &HashSet<u32>) -> Vec<(Key, Socket)>;
}

/// Time since the start of the machine, as the kernel counts the starts of processes.
pub(crate) fn up() -> Ticks {
    let now = clock_gettime(ClockId::Boottime);
    let nanos = i128::from(now.tv_sec) * 1_000_000_000 + i128::from(now.tv_nsec);
    Ticks(u64::try_from(nanos / i128::from(1_000_000_000 / procyon_units::TICKS_PER_SECOND)).unwrap_or(0))
}

/// What is read of a process apart from the pass, and kept while the process has not run.
#[derive(Debug, Default)]
pub(crate) struct Details {
    /// Open files; none where we may not see them.
    pub(crate) fds: Option<u64>,
    /// How many it may open; none where that is unlimited or unknown.
    pub(crate) limit: Option<u64>,
    /// When the limit was read.
    pub(crate) limit_at: Option<Mono>,
    /// Kernel function in which the main thread waits.
    pub(crate) wchan: Box<[u8]>,
    /// Threads, where there are several.
    pub(crate) threads: HashMap<u32, Thread>,
    /// Context switches of all threads that were seen, ended ones included.
    pub(crate) switches: (u64, u64),
    /// Proportional memory: resident and swapped.
    pub(crate) proportional: Option<(u64, u64)>,
    /// When that was read.
    pub(crate) proportional_at: Option<Mono>,
}

/// How many counters a thread has: processor time by user and system, bytes read and written, major and minor faults,
/// voluntary and other switches.
pub(crate) const THREAD_COUNTERS: usize = 8;

/// One thread of a process that has several.
#[derive(Debug)]
pub(crate) struct Thread {
    pub(crate) name: Arc<str>,
    pub(crate) start: Ticks,
    pub(crate) turns: Option<SchedStat>,
    pub(crate) state: u8,
    pub(crate) wchan: Box<[u8]>,
    pub(crate) counted: [Option<u64>; THREAD_COUNTERS],
    /// What its group has taken of that; none before it took anything.
    pub(crate) settled: Option<[Option<u64>; THREAD_COUNTERS]>,
    /// Whether the last look saw it.
    pub(crate) seen: bool,
}
