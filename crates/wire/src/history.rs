//! The past: how much of it there is, what happened in it, and why.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Time of which nothing is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Gap {
    /// Instant of the last frame before it, Unix ms.
    pub from: i64,
    /// Instant of the first frame after it, Unix ms; null while there is none.
    pub to: Option<i64>,
}

/// How much history there is, and how it is doing.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct HistoryState {
    /// When it was asked, Unix ms.
    pub at: i64,
    /// `on`, `off`, or `trouble` while nothing can be kept.
    pub state: String,
    /// Why it is off or in trouble.
    pub reason: Option<String>,
    /// Instant of the oldest frame, Unix ms; null when nothing was kept yet.
    pub from: Option<i64>,
    /// Instant of the newest frame that was kept, Unix ms; null when nothing was kept yet.
    pub to: Option<i64>,
    /// Interval of the newest frames.
    pub interval_ms: u64,
    /// Bytes that it takes.
    pub bytes: u64,
    /// Bytes that it may take; null where nothing limits it.
    pub limit_bytes: Option<u64>,
    /// Seconds for which frames are kept; null where nothing limits it.
    pub retention_s: Option<f64>,
    /// Frames that came faster than they were kept, since start.
    pub missed: u64,
    /// Frames that could not be kept, since start.
    pub lost: u64,
}

/// The instant of a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Step {
    /// Unix ms.
    pub at: i64,
}

/// A process that was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Found {
    /// Address of the process.
    pub key: String,
    /// Pid.
    pub pid: u32,
    /// Name.
    pub name: String,
    /// Command line.
    pub cmd: String,
    /// Effective user.
    pub user: String,
    /// What people call it.
    pub label: String,
    /// Control group.
    pub cgroup: String,
    /// When it started, Unix ms.
    pub started: i64,
    /// First frame of the range that held it, Unix ms.
    pub first: i64,
    /// Last frame of the range that held it, Unix ms.
    pub last: i64,
    /// Whether it ended in the range.
    pub ended: bool,
}

/// Something that happened.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Event {
    /// Instant of the frame that told it, Unix ms.
    pub at: i64,
    /// `birth`, `death`, `gap` (recording began, or went on after a gap) or `boot`.
    pub kind: String,
    /// Address of the process; null for gap and boot.
    pub key: Option<String>,
    /// Its name.
    pub name: Option<String>,
    /// What people call it.
    pub label: Option<String>,
    /// Its command line.
    pub cmd: Option<String>,
    /// Its user.
    pub user: Option<String>,
    /// How it ended; all null for all but deaths.
    #[serde(flatten)]
    pub ending: Ending,
    /// Since when nothing was known, Unix ms; null when recording began, and for other kinds.
    pub since: Option<i64>,
}

/// How a process ended; all null while it runs. Without a token `final` alone is told: the kernel tells the rest to the parent alone.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Ending {
    /// By itself or by a signal; null when that is not known (yet).
    #[serde(default)]
    pub exit: Option<Exit>,
    /// Who sent the signal that ended it; null when nobody did or that is not known.
    #[serde(default)]
    pub sender: Option<Sender>,
    /// Whether the out-of-memory killer chose it.
    #[serde(default)]
    pub oom: Option<bool>,
    /// Whether its memory was written to a core file.
    #[serde(default)]
    pub core: Option<bool>,
    /// Whether its totals are final: told by the kernel after its end.
    #[serde(default, rename = "final")]
    pub is_final: Option<bool>,
}

/// By itself or by a signal: one of the two.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Exit {
    /// By itself, with this code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<u8>,
    /// By this signal, as `SIGKILL`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signal: Option<String>,
}

/// Who sent a signal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Sender {
    /// Its pid.
    pub pid: u32,
    /// Its real user id.
    pub uid: u32,
    /// Its name.
    pub name: String,
}

/// A range of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Span {
    /// Unix ms.
    pub from: i64,
    /// Unix ms.
    pub to: i64,
}

/// What changed the most around an instant, against the hour before.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Why {
    /// Instant of the frame that answers, Unix ms.
    pub at: i64,
    /// Where the time around it begins, Unix ms.
    pub from: i64,
    /// The time against which it is compared.
    pub before: Span,
    /// Whether anything is known of that time.
    pub known_before: bool,
    /// What was compared: cpu (cores), mem (bytes), io and net (bytes each second), load.
    pub metric: String,
    /// The most telling first.
    pub items: Vec<WhyItem>,
    /// What happened nearby, oldest first.
    pub events: Vec<Event>,
}

/// A process or group that changed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct WhyItem {
    /// `process` or `group`.
    pub kind: String,
    /// What the group has in common: label, name, unit, container, user; null for a process.
    pub group: Option<String>,
    /// Address of the process; of a group that of the one that changed the most.
    pub key: String,
    /// Label of the process, or the word of the group.
    pub label: String,
    /// Name of the process.
    pub name: String,
    /// Its user.
    pub user: String,
    /// How many processes.
    pub processes: usize,
    /// What it used around the instant.
    pub now: f64,
    /// What it used in the hour before.
    pub before: f64,
    /// now − before.
    pub change: f64,
    /// The change as a share of what all processes use, 0 to 1.
    pub share: f64,
    /// Whether it was born in the hour before or around the instant.
    pub born: bool,
    /// Whether it ended around the instant.
    pub ended: bool,
    /// Whether it took the place of one with the same label that ended.
    pub restarted: bool,
    /// The same in a sentence.
    pub text: String,
}
