//! One process in full, and what is done to it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::history::{Ending, Gap};
use crate::row::ProcessFigures;

/// Another process, by address and name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Relative {
    /// Its address.
    pub key: String,
    /// Its pid.
    pub pid: u32,
    /// Its name.
    pub name: String,
}

/// A resource limit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Limit {
    /// Short name, as `nofile`.
    pub name: String,
    /// Soft limit; null is unlimited.
    pub soft: Option<u64>,
    /// Hard limit; null is unlimited.
    pub hard: Option<u64>,
    /// What it counts.
    pub unit: String,
    /// In use now, where that is known.
    pub used: Option<u64>,
}

/// Limits of the control group; null is unlimited or not known.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct CgroupLimits {
    /// Memory in bytes.
    pub memory: Option<u64>,
    /// Processors.
    pub cpu: Option<f64>,
}

/// Whether the caller may send signals to this process.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct MaySignal {
    /// Whether.
    pub allowed: bool,
    /// Why not.
    pub reason: Option<String>,
}

/// One process.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Detail {
    /// The instant, Unix ms.
    pub at: i64,
    /// Its address.
    pub key: String,
    /// `running` or `ended`.
    pub state: String,
    /// When it was found gone, Unix ms; null while it runs.
    #[serde(default)]
    pub ended_at: Option<i64>,
    /// How it ended.
    #[serde(flatten)]
    pub ending: Ending,
    /// All figures.
    pub values: ProcessFigures,
    /// Why figures have no value: id to reason.
    pub absent: BTreeMap<String, String>,
    /// Its ancestors, the root first.
    pub parents: Vec<Relative>,
    /// Its children.
    pub children: Vec<Relative>,
    /// Resource limits; empty when they cannot be read.
    pub limits: Vec<Limit>,
    /// Limits of its control group.
    pub cgroup_limits: CgroupLimits,
    /// Ports that it listens on; null when that is not to be seen.
    pub listening: Option<Vec<u16>>,
    /// Number of its connections; null when that is not to be seen.
    pub connections: Option<usize>,
    /// Whether the caller may send it signals.
    pub signal: MaySignal,
    /// The gap in which the instant lies that was asked for; absent outside of gaps.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gap: Option<Gap>,
}

/// An open file descriptor.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct OpenFile {
    /// Number of the descriptor.
    pub fd: u32,
    /// file, dir, socket, pipe, device or anon.
    pub kind: String,
    /// What it leads to.
    pub target: String,
    /// Position in the file.
    pub position: Option<u64>,
    /// Flags of `open(2)` in octal, as the kernel shows them.
    pub flags: Option<String>,
    /// Inode of a socket or pipe.
    pub inode: Option<u64>,
}

/// A thread.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Thread {
    /// Thread id.
    pub tid: u32,
    /// Name.
    pub name: String,
    /// State.
    pub state: String,
    /// Processors in use since it was last asked; null the first time.
    pub cpu: Option<f64>,
    /// Processor time in user mode, seconds.
    pub utime: f64,
    /// Processor time in the kernel, seconds.
    pub stime: f64,
    /// Kernel function in which it waits.
    pub wchan: Option<String>,
    /// Voluntary switches.
    pub nvcsw_total: Option<u64>,
    /// Involuntary switches.
    pub nivcsw_total: Option<u64>,
    /// Core it ran on last.
    pub processor: u32,
    /// Nice value.
    pub nice: i32,
    /// Scheduling policy by number.
    pub policy: u32,
}

/// A signal to send.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SendSignal {
    /// Name or number, as `SIGTERM`, `TERM` or `15`.
    pub signal: String,
}

/// A signal that was sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SignalSent {
    /// Always `sent`.
    pub result: String,
    /// The signal.
    pub signal: String,
    /// The process that got it.
    pub key: String,
}
