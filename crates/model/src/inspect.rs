//! What is read only when somebody looks at one process: the seam between screens and the kernel.

use std::time::Duration;

use procyon_units::{Bytes, CpuTime, Reading, Ticks};

use crate::key::ProcessKey;
use crate::process::ProcessState;

/// Reads details of one process on demand. Every method may block for at most its own deadline.
pub trait Inspect: Send + Sync {
    /// Its threads.
    fn threads(&self, key: &ProcessKey) -> Result<Vec<Thread>, InspectError>;
    /// Its open files.
    fn files(&self, key: &ProcessKey) -> Result<Vec<OpenFile>, InspectError>;
    /// Its resource limits.
    fn limits(&self, key: &ProcessKey) -> Result<Vec<Limit>, InspectError>;
    /// Limits of its control group and the ones above it, whichever is tightest.
    fn cgroup_limits(&self, key: &ProcessKey) -> Result<CgroupLimits, InspectError>;
}

/// Where no process lives, as in a recording: each has ended.
#[derive(Debug, Clone, Copy)]
pub struct Bygone;

impl Inspect for Bygone {
    fn threads(&self, key: &ProcessKey) -> Result<Vec<Thread>, InspectError> {
        Err(InspectError::Ended(*key))
    }

    fn files(&self, key: &ProcessKey) -> Result<Vec<OpenFile>, InspectError> {
        Err(InspectError::Ended(*key))
    }

    fn limits(&self, key: &ProcessKey) -> Result<Vec<Limit>, InspectError> {
        Err(InspectError::Ended(*key))
    }

    fn cgroup_limits(&self, key: &ProcessKey) -> Result<CgroupLimits, InspectError> {
        Err(InspectError::Ended(*key))
    }
}

/// Why a process could not be inspected.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InspectError {
    /// The process ended, or its pid belongs to another process now.
    #[error("process {0} has ended")]
    Ended(ProcessKey),
    /// Our privileges do not suffice.
    #[error("not permitted to read {file} of process {key}; it needs {needs}")]
    Forbidden {
        /// Which process.
        key: ProcessKey,
        /// The file, as `fd`.
        file: &'static str,
        /// The capability that would do.
        needs: &'static str,
    },
    /// Reading did not end in time.
    #[error("reading {file} of process {key} did not end within {deadline:?}")]
    TimedOut {
        /// Which process.
        key: ProcessKey,
        /// The file.
        file: &'static str,
        /// How long we waited.
        deadline: Duration,
    },
    /// The kernel said something else.
    #[error("could not read {file} of process {key}: {message}")]
    Failed {
        /// Which process.
        key: ProcessKey,
        /// The file.
        file: &'static str,
        /// What the kernel said.
        message: String,
    },
}

/// One thread. Source: `/proc/PID/task/TID/{stat,status,wchan}`.
#[derive(Debug, Clone)]
pub struct Thread {
    /// Thread id.
    pub tid: u32,
    /// When it started: a thread id is used again.
    pub start: Ticks,
    /// Name.
    pub name: Box<[u8]>,
    /// State.
    pub state: ProcessState,
    /// Time in user mode.
    pub user: CpuTime,
    /// Time in the kernel.
    pub system: CpuTime,
    /// Processor it ran on last.
    pub processor: u32,
    /// Nice value.
    pub nice: i32,
    /// Scheduling policy.
    pub policy: u32,
    /// Kernel function in which it waits.
    pub wchan: Reading<Box<[u8]>>,
    /// Voluntary switches.
    pub voluntary: Reading<u64>,
    /// Involuntary switches.
    pub involuntary: Reading<u64>,
}

/// One open file descriptor. Source: `/proc/PID/fd`, `/proc/PID/fdinfo`.
#[derive(Debug, Clone)]
pub struct OpenFile {
    /// Descriptor number.
    pub fd: u32,
    /// `file`, `dir`, `socket`, `pipe`, `device`, `anon`.
    pub kind: &'static str,
    /// What it leads to.
    pub target: Box<[u8]>,
    /// Position in the file.
    pub position: Option<u64>,
    /// Flags of `open(2)`, in octal as the kernel shows them.
    pub flags: Option<u32>,
    /// Inode of a socket or pipe.
    pub inode: Option<u64>,
}

/// One resource limit. Source: `/proc/PID/limits`.
#[derive(Debug, Clone)]
pub struct Limit {
    /// Short name as in `prlimit(1)`, as `nofile`.
    pub name: Box<str>,
    /// Soft limit; none is unlimited.
    pub soft: Option<u64>,
    /// Hard limit; none is unlimited.
    pub hard: Option<u64>,
    /// What it counts, as `files`.
    pub unit: Box<str>,
    /// In use now, where that is known.
    pub used: Option<u64>,
}

/// Limits of a control group.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct CgroupLimits {
    /// Memory.
    pub memory: Option<Bytes>,
    /// Processors.
    pub cpu: Option<f64>,
}
