//! Everything that was true of one machine at one tick, sealed: a frame never changes.

use std::sync::Arc;
use std::time::Duration;

use procyon_units::{Mono, Reading, Wall};

use crate::connection::Connection;
use crate::key::{BootId, HostId, ProcessKey};
use crate::machine::{Container, Filesystem, Machine, UserSession};
use crate::process::ProcessRow;

/// Which machine a frame tells about. Changes at most when it is renamed.
#[derive(Debug, Clone, Default)]
pub struct HostIdentity {
    /// Its id.
    pub id: HostId,
    /// Host name.
    pub name: Box<str>,
    /// Distribution, as `Debian GNU/Linux 12 (bookworm)`. Source: `/etc/os-release`.
    pub os: Box<str>,
    /// Kernel release. Source: `uname(2)`.
    pub kernel: Box<str>,
    /// Machine type, as `x86_64`.
    pub arch: Box<str>,
    /// Processor model.
    pub cpu_model: Box<str>,
    /// Processors online.
    pub cpus: u32,
    /// This boot.
    pub boot: BootId,
    /// When it booted.
    pub boot_time: Wall,
    /// Version of the collecting procyon.
    pub version: Box<str>,
}

/// One machine at one tick.
#[derive(Debug, Clone, Default)]
pub struct Frame {
    /// Which machine.
    pub host: Arc<HostIdentity>,
    /// Counts the frames of this collector, from 1.
    pub seq: u64,
    /// Civil time of the tick.
    pub wall: Wall,
    /// Monotonic time of the tick, for rates.
    pub mono: Mono,
    /// Time since the tick before; none for the first frame.
    pub elapsed: Option<Duration>,
    /// How fast frames are made now.
    pub pace: Pace,
    /// The machine itself.
    pub machine: Machine,
    /// Every process alive, in order of pid.
    pub processes: Vec<ProcessRow>,
    /// Processes that ended since the tick before.
    pub ended: Vec<EndedProcess>,
    /// Sockets, read at their own pace.
    pub connections: Aged<Connection>,
    /// File systems, read at their own pace.
    pub filesystems: Aged<Filesystem>,
    /// Logged-in users, read at their own pace.
    pub users: Aged<UserSession>,
    /// Containers; their sums are of this tick.
    pub containers: Arc<[Container]>,
    /// How the collecting went.
    pub health: Arc<CollectHealth>,
}

impl Frame {
    /// The process with this key, alive in this frame.
    pub fn process(&self, key: &ProcessKey) -> Option<&ProcessRow> {
        self.process_by_pid(key.pid).filter(|row| row.key == *key)
    }

    /// The process that holds this pid in this frame.
    pub fn process_by_pid(&self, pid: u32) -> Option<&ProcessRow> {
        let at = self.processes.binary_search_by_key(&pid, |row| row.key.pid).ok()?;
        self.processes.get(at)
    }
}

/// Rows read at a slower pace than frames are made, shared by the frames until they are read again.
#[derive(Debug)]
pub struct Aged<T> {
    /// The rows.
    pub items: Arc<[T]>,
    /// When they were read; none before the first time.
    pub taken: Option<Mono>,
}

impl<T> Clone for Aged<T> {
    fn clone(&self) -> Self {
        Self { items: Arc::clone(&self.items), taken: self.taken }
    }
}

impl<T> Default for Aged<T> {
    fn default() -> Self {
        Self { items: Arc::from([]), taken: None }
    }
}

/// The pace of the collector, which it widens itself when it would cost more than its ceiling.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Pace {
    /// The interval that was asked for.
    pub nominal: Duration,
    /// The interval in force.
    pub actual: Duration,
    /// Why they differ, for people.
    pub reason: Option<Arc<str>>,
}

/// A process that ended, as it was last seen.
#[derive(Debug, Clone)]
pub struct EndedProcess {
    /// Its last row.
    pub row: ProcessRow,
    /// When it was found gone.
    pub at: Wall,
    /// How it ended; `Unsupported` while only tables are compared.
    pub exit: Reading<Exit>,
    /// What else the kernel told of its end; nothing while only tables are compared.
    pub death: Death,
}

impl EndedProcess {
    /// Whether it was ended against its will: for want of memory, or by a signal that no program takes for a request.
    pub fn is_kill(&self) -> bool {
        self.death.oom || self.exit.get().is_some_and(|exit| exit.is_kill())
    }
}

/// What the kernel told of an end.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Death {
    /// Who sent the signal that ended it; none for the kernel's own signals.
    pub sender: Option<Sender>,
    /// Whether the out-of-memory killer chose it.
    pub oom: bool,
    /// Whether its memory was written to a core file.
    pub core_dumped: bool,
    /// Whether the row holds its final totals. Without, its last moments may be missing.
    pub is_final: bool,
}

/// Who sent a signal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sender {
    /// Its process.
    pub pid: u32,
    /// Its real user id.
    pub uid: u32,
    /// Its command name.
    pub name: Arc<[u8]>,
}

/// How a process ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// By itself, with this code.
    Code(u8),
    /// By this signal.
    Signal(u8),
}

/// Signals that end what does not end by itself, or has crashed, or is over a limit: `SIGILL`, `SIGABRT`, `SIGBUS`, `SIGFPE`,
/// `SIGKILL`, `SIGSEGV`, `SIGXCPU`, `SIGXFSZ`, `SIGSYS`.
const IMPOLITE: [u8; 9] = [4, 6, 7, 8, 9, 11, 24, 25, 31];

impl Exit {
    /// Whether it was ended against its will: by a signal that no program takes for a request.
    pub fn is_kill(self) -> bool {
        matches!(self, Self::Signal(signal) if IMPOLITE.contains(&signal))
    }
}

/// How the collecting went: what `doctor`, `/health` and the status lines of the screens show.
#[derive(Debug, Clone, Default)]
pub struct CollectHealth {
    /// Each source, in the order in which they are listed.
    pub sources: Vec<SourceHealth>,
    /// Where figures come from that a kernel can give in more than one way.
    pub features: Arc<[FeatureHealth]>,
    /// Processes whose reading blocked.
    pub quarantined: Vec<Quarantined>,
    /// Processes that vanished while they were read, since start.
    pub vanished: u64,
    /// Births and deaths of which the kernel could not tell because nobody took them in time, since start.
    pub lost_events: u64,
    /// Processes some of whose files we may not read, in this tick.
    pub forbidden: u64,
    /// Ticks that came more than half an interval late, since start.
    pub late_ticks: u64,
    /// Processor time of the collector's threads in cores, averaged over 30 s.
    pub cost: Option<f64>,
}

/// Where the figures of a feature come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FeatureHealth {
    /// Short id, as `processes`.
    pub id: &'static str,
    /// What gives them: `ebpf` or a fallback, as `procfs`.
    pub source: &'static str,
    /// Why it is not the best there is, for people; none where it is.
    pub reason: Option<Arc<str>>,
}

/// How one source is doing.
#[derive(Debug, Clone)]
pub struct SourceHealth {
    /// Short id, as `filesystems`.
    pub id: &'static str,
    /// What came of the last try.
    pub state: SourceState,
    /// How often it is read.
    pub interval: Duration,
    /// How long the last reading took.
    pub took: Option<Duration>,
}

/// What came of the last try of a source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SourceState {
    /// It was read.
    Ok,
    /// It has not answered yet and is past its deadline.
    Late,
    /// It cannot be read, and why.
    Failed(Arc<str>),
    /// This machine does not have it.
    Absent,
}

/// A process whose reading blocked in the kernel.
#[derive(Debug, Clone)]
pub struct Quarantined {
    /// Which process.
    pub key: ProcessKey,
    /// Its name.
    pub name: Arc<[u8]>,
    /// The file that blocked, as `cmdline`.
    pub file: &'static str,
    /// Since when.
    pub since: Wall,
}
