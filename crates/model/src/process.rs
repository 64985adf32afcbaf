//! One process at one tick: what the kernel counted and the rates since the tick before.

use std::sync::Arc;
use std::time::Duration;

use procyon_units::{Bytes, Cores, CpuTime, PerSecond, Ratio, Reading, Wall};

use crate::descriptor::Descriptor;
use crate::key::ProcessKey;

/// The kernel's one-letter state. Source: `/proc/PID/stat` field 3.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ProcessState(pub u8);

impl ProcessState {
    /// Waiting in the kernel and not to be woken by signals.
    pub const UNINTERRUPTIBLE: Self = Self(b'D');
    /// Ended, not yet collected by its parent.
    pub const ZOMBIE: Self = Self(b'Z');
    /// On a processor or waiting for one.
    pub const RUNNING: Self = Self(b'R');
}

/// One row of the process table. Every number is summed over the threads of the process.
#[derive(Debug, Clone)]
pub struct ProcessRow {
    /// Which process this is.
    pub key: ProcessKey,
    /// Parent's process id; 0 for the first process and kernel threads' ancestor.
    pub ppid: u32,
    /// Thread group id, the same as the process id.
    pub tgid: u32,
    /// State of the main thread.
    pub state: ProcessState,
    /// Whether it is a thread of the kernel (`PF_KTHREAD`).
    pub kernel_thread: bool,
    /// Whether reading it blocked and it is now read without the blocking files.
    pub quarantined: bool,
    /// Civil time of its start.
    pub started: Wall,
    /// Time since its start.
    pub age: Duration,
    /// Real user id.
    pub uid: u32,
    /// Effective user id.
    pub euid: u32,
    /// Real group id.
    pub gid: u32,
    /// Threads.
    pub threads: u32,
    /// Nice value, -20 to 19.
    pub nice: i32,
    /// Scheduling policy: 0 `SCHED_OTHER`, 1 `SCHED_FIFO`, 2 `SCHED_RR`, 3 `SCHED_BATCH`, 5 `SCHED_IDLE`, 6 `SCHED_DEADLINE`, 7 `SCHED_EXT`.
    pub policy: u32,
    /// Its strings.
    pub descriptor: Arc<Descriptor>,
    /// What people call it: title plus the lowest listening port, as in `mysqld:3309`.
    pub label: Arc<[u8]>,
    /// Processor time so far.
    pub cpu: CpuCounters,
    /// Page faults so far.
    pub faults: Faults,
    /// Memory now. Absent for kernel threads and zombies.
    pub memory: Reading<Memory>,
    /// Bytes and calls of reads and writes so far.
    pub io: Reading<Io>,
    /// Context switches so far, all threads.
    pub switches: Reading<Switches>,
    /// Time spent runnable but waiting for a processor so far, all threads.
    pub run_delay: Reading<CpuTime>,
    /// Network payload so far.
    pub net: Reading<Net>,
    /// Proportional memory, read under a budget.
    pub pss: Reading<Pss>,
    /// Open file descriptors.
    pub fds: Reading<Fds>,
    /// Standing with the out-of-memory killer.
    pub oom: Reading<Oom>,
    /// Kernel function in which the main thread waits; empty while it runs.
    pub wchan: Reading<Arc<[u8]>>,
    /// What happened each second since the tick before.
    pub rates: Rates,
}

/// Processor time of a process, dead threads included. Source: `/proc/PID/stat` fields 14 and 15.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct CpuCounters {
    /// In user mode.
    pub user: CpuTime,
    /// In the kernel.
    pub system: CpuTime,
}

impl CpuCounters {
    /// User and system together.
    #[must_use]
    pub const fn total(self) -> CpuTime {
        self.user.plus(self.system)
    }
}

/// Page faults of a process. Source: `/proc/PID/stat` fields 10 and 12.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Faults {
    /// Served without the disk.
    pub minor: u64,
    /// Served from the disk.
    pub major: u64,
}

/// Memory of a process. Source: `/proc/PID/status`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Memory {
    /// Address space, `VmSize`.
    pub size: Bytes,
    /// Largest address space so far, `VmPeak`.
    pub peak: Bytes,
    /// Locked, `VmLck`.
    pub locked: Bytes,
    /// Pinned, `VmPin`.
    pub pinned: Bytes,
    /// Largest resident size so far, `VmHWM`.
    pub high_water: Bytes,
    /// Resident now, `VmRSS`.
    pub resident: Bytes,
    /// Data, `VmData`.
    pub data: Bytes,
    /// Main stack, `VmStk`.
    pub stack: Bytes,
    /// Program text, `VmExe`.
    pub text: Bytes,
    /// Shared libraries, `VmLib`.
    pub library: Bytes,
    /// Page tables, `VmPTE`.
    pub page_tables: Bytes,
    /// Swapped out, `VmSwap`.
    pub swap: Bytes,
}

/// Reads and writes of a process. Source: `/proc/PID/io`. Privilege: owner or `CAP_SYS_PTRACE`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Io {
    /// Bytes fetched from storage, `read_bytes`.
    pub read: Bytes,
    /// Bytes sent towards storage, `write_bytes`. What is deleted before it gets there (`cancelled_write_bytes`) is not
    /// taken out, because the kernel books it on whoever deletes, and the counter would run backwards.
    pub written: Bytes,
    /// Bytes that passed through read calls, `rchar`.
    pub read_chars: Bytes,
    /// Bytes that passed through write calls, `wchar`.
    pub written_chars: Bytes,
    /// Read calls, `syscr`.
    pub read_calls: u64,
    /// Write calls, `syscw`.
    pub write_calls: u64,
}

/// Context switches of a process.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Switches {
    /// It waited for something.
    pub voluntary: u64,
    /// Its time was up or a more urgent thread came.
    pub involuntary: u64,
}

/// Network payload of a process, TCP and UDP.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Net {
    /// Received.
    pub received: Bytes,
    /// Sent.
    pub sent: Bytes,
    /// Receive calls.
    pub receive_calls: u64,
    /// Send calls.
    pub send_calls: u64,
}

/// Proportional memory. Source: `/proc/PID/smaps_rollup`. Privilege: owner or `CAP_SYS_PTRACE`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Pss {
    /// Resident memory, shared pages divided by their users.
    pub proportional: Bytes,
    /// Resident memory that nobody else maps.
    pub unique: Bytes,
    /// Swapped memory, shared pages divided by their users.
    pub swap: Bytes,
    /// Time since it was read.
    pub age: Duration,
}

/// Open file descriptors of a process.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Fds {
    /// Open now. Source: size of `/proc/PID/fd` (since 6.2) or its entries.
    pub open: u64,
    /// How many it may open, `Max open files` (soft); unknown when unlimited or not readable.
    pub limit: Option<u64>,
}

impl Fds {
    /// Open descriptors as a share of the limit.
    #[expect(clippy::cast_precision_loss, reason = "descriptor counts stay far below 2^53")]
    pub fn ratio(self) -> Option<Ratio> {
        self.limit.filter(|limit| *limit > 0).map(|limit| Ratio(self.open as f64 / limit as f64))
    }
}

/// Standing with the out-of-memory killer. Source: `/proc/PID/oom_score`, `/proc/PID/oom_score_adj`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Oom {
    /// 0 to 2000, the highest dies first.
    pub score: u32,
    /// Adjustment, -1000 to 1000.
    pub adjustment: i32,
}

/// What happened each second since the tick before. `Pending` until two ticks saw the process.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rates {
    /// Processors used in user mode.
    pub cpu_user: Reading<Cores>,
    /// Processors used in the kernel.
    pub cpu_system: Reading<Cores>,
    /// Minor faults.
    pub minor_faults: Reading<PerSecond>,
    /// Major faults.
    pub major_faults: Reading<PerSecond>,
    /// Reads and writes.
    pub io: Reading<IoRates>,
    /// Voluntary switches.
    pub voluntary_switches: Reading<PerSecond>,
    /// Involuntary switches.
    pub involuntary_switches: Reading<PerSecond>,
    /// Seconds of waiting for a processor each second, all threads together.
    pub run_delay: Reading<Cores>,
    /// Network payload.
    pub net: Reading<NetRates>,
}

impl Rates {
    /// Nothing known yet.
    pub const PENDING: Self = Self {
        cpu_user: Reading::Pending,
        cpu_system: Reading::Pending,
        minor_faults: Reading::Pending,
        major_faults: Reading::Pending,
        io: Reading::Pending,
        voluntary_switches: Reading::Pending,
        involuntary_switches: Reading::Pending,
        run_delay: Reading::Pending,
        net: Reading::Pending,
    };

    /// Processors used, user and system together.
    pub fn cpu(&self) -> Option<Cores> {
        Some(Cores(self.cpu_user.get()?.0 + self.cpu_system.get()?.0))
    }
}

/// Bytes and calls of reads and writes each second.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct IoRates {
    /// Bytes from storage.
    pub read: PerSecond,
    /// Bytes towards storage.
    pub written: PerSecond,
    /// Bytes through read calls.
    pub read_chars: PerSecond,
    /// Bytes through write calls.
    pub written_chars: PerSecond,
}

/// Network payload each second.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct NetRates {
    /// Bytes received.
    pub received: PerSecond,
    /// Bytes sent.
    pub sent: PerSecond,
}
