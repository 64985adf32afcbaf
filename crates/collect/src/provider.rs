//! Where the process table comes from. Every provider fills the same rows; the best that works is chosen at start.

pub mod ebpf;
pub mod procfs;

use procyon_model::process::{CpuCounters, Faults, Io, Memory, ProcessState, Switches};
use procyon_units::{CpuTime, Reading, Ticks};

/// One process as a provider found it. Borrowed text is good until the next process.
#[derive(Debug, Clone)]
pub struct RawProcess<'a> {
    /// Process id.
    pub pid: u32,
    /// Start in clock ticks after boot.
    pub start: Ticks,
    /// Command name.
    pub name: &'a [u8],
    /// State of the main thread.
    pub state: ProcessState,
    /// Parent.
    pub ppid: u32,
    /// Whether it is a thread of the kernel.
    pub kernel_thread: bool,
    /// Real user id.
    pub uid: u32,
    /// Effective user id.
    pub euid: u32,
    /// Real group id.
    pub gid: u32,
    /// Threads.
    pub threads: u32,
    /// Nice value.
    pub nice: i32,
    /// Scheduling policy.
    pub policy: u32,
    /// Processor time so far.
    pub cpu: CpuCounters,
    /// Page faults so far.
    pub faults: Faults,
    /// Memory now.
    pub memory: Reading<Memory>,
    /// Reads and writes so far.
    pub io: Reading<Io>,
    /// Context switches of all threads; `Pending` where the provider does not know those of all.
    pub switches: Reading<Switches>,
    /// Time runnable but waiting for a processor, all threads; `Pending` where the provider does not know it.
    pub run_delay: Reading<CpuTime>,
    /// Changes at each exec; none where the provider does not know.
    pub exec_id: Option<u64>,
    /// Changes when the process is moved to another control group; none where the provider does not know.
    pub cgroup: Option<u64>,
}

/// How a pass went.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PassCounts {
    /// Processes found.
    pub found: u64,
    /// Processes that ended while they were read.
    pub vanished: u64,
    /// Processes some of whose files we may not read.
    pub forbidden: u64,
}

/// A pass over all processes failed as a whole.
#[derive(Debug, thiserror::Error)]
#[error("could not read the process table: {0}")]
pub struct ProviderError(pub String);

/// Reads every process of the machine.
pub trait ProcessProvider: Send {
    /// Its name in `--source` and `doctor`.
    fn id(&self) -> &'static str;

    /// Shows every process to `each`, in ascending order of pid.
    fn pass(&mut self, each: &mut dyn FnMut(&RawProcess<'_>)) -> Result<PassCounts, ProviderError>;
}
