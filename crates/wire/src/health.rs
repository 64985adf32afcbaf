//! How the monitor itself is doing.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// How the monitor itself is doing.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Health {
    /// `ok`, or `degraded` when a source failed, a reading blocks, the pace was widened, or history is in trouble.
    pub status: String,
    /// Version of this procyon.
    pub version: String,
    /// When it was asked, Unix ms.
    pub at: i64,
    /// Seconds since this procyon started.
    pub uptime: f64,
    /// Role of the caller.
    pub role: crate::Role,
    /// Whether every control is switched off.
    pub read_only: bool,
    /// Every source of figures.
    pub sources: Vec<Source>,
    /// Where figures come from that a kernel can give in more than one way.
    pub features: Vec<Feature>,
    /// Every capability, what it gives and how to grant it.
    pub capabilities: Vec<Capability>,
    /// How fast frames are made.
    pub pace: Pace,
    /// What the monitor itself uses.
    #[serde(rename = "self")]
    pub own: Own,
    /// Processes whose reading blocked.
    pub quarantined: Vec<Quarantined>,
    /// Births and deaths that were not taken in time, since start.
    pub lost_events: u64,
    /// The charts' memory.
    pub series: SeriesMemory,
    /// How much history there is.
    pub history: crate::history::HistoryState,
    /// Clients of the live WebSocket.
    pub clients: Clients,
}

/// One source of figures.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Source {
    /// Short id.
    pub id: String,
    /// Name for people.
    pub title: String,
    /// ok, late, failed or absent.
    pub state: String,
    /// How often it is read.
    pub interval_ms: u64,
    /// How long the last reading took; null before the first.
    pub took_ms: Option<f64>,
    /// Why it failed.
    pub error: Option<String>,
}

/// Where the figures of a feature come from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Feature {
    /// Short id: `processes` is the process table.
    pub id: String,
    /// What gives them: `ebpf` (a program in the kernel) or a fallback, as `procfs`.
    pub source: String,
    /// Why it is not eBPF; null where it is.
    pub reason: Option<String>,
}

/// A capability of the kernel's privilege system.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Capability {
    /// Name, as `CAP_SYS_PTRACE`.
    pub id: String,
    /// Whether this procyon has what it gives.
    pub held: bool,
    /// What it gives.
    pub gives: String,
    /// The command that grants it.
    pub grant: String,
}

/// How fast frames are made.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Pace {
    /// Interval that was asked for.
    pub nominal_ms: u64,
    /// Interval in force.
    pub actual_ms: u64,
    /// Why they differ.
    pub reason: Option<String>,
}

/// What the monitor itself uses.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Own {
    /// Cores.
    pub cpu: Option<f64>,
    /// Resident bytes.
    pub rss: Option<u64>,
    /// Most resident bytes so far.
    pub hwm: Option<u64>,
}

/// A process whose reading blocked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Quarantined {
    /// Address of the process.
    pub key: String,
    /// Pid.
    pub pid: u32,
    /// Name.
    pub name: String,
    /// File that blocked.
    pub file: String,
    /// Since when, Unix ms.
    pub since: i64,
}

/// Memory of the charts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SeriesMemory {
    /// Bytes in use.
    pub bytes: usize,
    /// Bytes that it may use.
    pub limit: usize,
}

/// Clients of the live WebSocket.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Clients {
    /// Connected now.
    pub live: usize,
    /// Cut off since start because they did not read.
    pub cut_off: u64,
}
