//! Messages of the WebSocket that tells the system calls of a process.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::Problem;

/// Both directions of the WebSocket.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(untagged)]
pub enum TraceSocket {
    /// What the client sends.
    Client(TraceClientMessage),
    /// What the server sends.
    Server(Box<TraceMessage>),
}

/// What a viewer of a trace says. Which calls are told, and whether any are, it changes for all viewers of the trace.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "type", rename_all = "lowercase", deny_unknown_fields)]
pub enum TraceClientMessage {
    /// Tells other calls from now on.
    Filter(Choose),
    /// Tells nothing for a while; what happens meanwhile is counted. It ends with the viewer that asked for it.
    Pause {},
    /// Tells calls again.
    Resume {},
    /// Lets this viewer look on for so many seconds longer, but at most for an hour from now.
    Extend {
        /// How many.
        seconds: u32,
    },
}

/// Which calls are told.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Choose {
    /// Names and classes with commas between, as `openat,%network`, or `!futex` for all but one; empty for all.
    pub filter: String,
    /// Only calls that failed.
    pub failed: bool,
    /// Only calls that took at least so many seconds.
    pub slower: f64,
}

/// What the server says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "type", rename_all = "lowercase")]
pub enum TraceMessage {
    /// It has begun.
    Hello {
        /// The process.
        key: String,
        /// `ebpf` watches and stops nobody; `ptrace` stops every thread at each call.
        engine: String,
        /// Threads that are followed.
        threads: usize,
        /// When it ends for this viewer, ms since 1970.
        ends_at: i64,
        /// After so many lines it ends for this viewer.
        lines: u64,
        /// After so many bytes of text it ends for this viewer.
        bytes: u64,
        /// Which calls are told.
        choice: Choose,
    },
    /// What happened, in the order of each thread.
    Calls {
        /// Calls, signals, ends and what was lost.
        calls: Vec<TraceLine>,
    },
    /// So many of these messages were left out, because the viewer was slow.
    Missed {
        /// How many.
        messages: u64,
    },
    /// So many calls were left out here, because more were made than the viewer wants a second.
    Skipped {
        /// How many.
        lines: u64,
    },
    /// How it is doing, each second.
    State(TraceState),
    /// What was asked for is not done; nothing else changes.
    Error {
        /// Why.
        problem: Problem,
    },
    /// It is over.
    End {
        /// `over` when all that was followed has ended, `asked`, `time`, `lines`, `bytes`, or what failed.
        why: String,
    },
}

/// One thing that happened.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct TraceLine {
    /// When, ms since 1970.
    pub at: f64,
    /// The process.
    pub pid: u32,
    /// The thread.
    pub tid: u32,
    /// `call`, `signal`, `ended`, `followed`, `renumbered` or `lost`.
    pub kind: String,
    /// As strace tells it: `openat(AT_FDCWD, "/etc/passwd", O_RDONLY) = 3`. Absent for calls where the viewer wants the parts alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<String>,
    /// The name of the call.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Its arguments.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub args: Option<String>,
    /// Its result.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub result: Option<String>,
    /// The name of its error.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// How long it took, seconds; absent where it does not come back or its beginning was not seen.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub duration: Option<f64>,
    /// How many events are missing here.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lost: Option<u64>,
}

/// Totals of a trace since it began, of calls that pass its filter, `failed` and `slower`. Those by call have lost calls too; calls
/// during a pause are counted everywhere.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct TraceState {
    /// When, ms since 1970.
    pub at: f64,
    /// Calls that came back.
    pub calls: u64,
    /// Those of them that failed.
    pub errors: u64,
    /// Events that were lost.
    pub lost: u64,
    /// Threads that are not followed, for the kernel had no memory for them.
    pub not_followed: u64,
    /// By ptrace: of the time in which threads did not sleep, in the last ten seconds, the share (0 to 1) in which they were stopped
    /// for the trace. Absent with eBPF, which stops nobody, and where they slept nearly all of the time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stopped: Option<f64>,
    /// By call, those first that took most time.
    pub rows: Vec<TraceCount>,
    /// By thread, those first that made most calls; 50 at most. Lost calls are not in here, nor among files and failures.
    pub threads: Vec<TraceThread>,
    /// The threads that are not there.
    pub more_threads: TraceRest,
    /// By file, socket or whatever else calls were about, those first that had most calls; 50 at most.
    pub files: Vec<TraceFile>,
    /// The files that are not there.
    pub more_files: TraceRest,
    /// Calls that failed by error and name, those first that were most; 50 at most.
    pub failures: Vec<TraceFailure>,
    /// The failures that are not there.
    pub more_failures: TraceRest,
    /// Calls that have not come back yet.
    pub under_way: Vec<TraceUnderWay>,
    /// When it ends for this viewer, ms since 1970.
    pub ends_at: i64,
    /// Lines that were told while this viewer looked on.
    pub lines: u64,
    /// Bytes of text that were told meanwhile.
    pub bytes: u64,
    /// Whether nothing is told for a while.
    pub paused: bool,
    /// Which calls are told.
    pub choice: Choose,
}

/// Calls of one name.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct TraceCount {
    /// The name.
    pub name: String,
    /// How many came back.
    pub calls: u64,
    /// Those of them that failed.
    pub errors: u64,
    /// Seconds in all.
    pub total: f64,
    /// Seconds of one on average.
    pub mean: f64,
    /// Half of them took at most about so many seconds.
    pub p50: f64,
    /// 99 of 100 took at most about so many seconds.
    pub p99: f64,
    /// Seconds of the longest.
    pub max: f64,
    /// How many took from 2^n to 2^(n+1) nanoseconds, from n = 0.
    pub buckets: Vec<u64>,
}

/// Calls of one thread.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct TraceThread {
    /// Its process.
    pub pid: u32,
    /// Its number.
    pub tid: u32,
    /// Its name; absent where it had ended before anybody asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// How many came back.
    pub calls: u64,
    /// Those of them that failed.
    pub errors: u64,
    /// Seconds in all.
    pub total: f64,
}

/// Calls about one file.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct TraceFile {
    /// Its path, or what else a descriptor stands for, as `socket:[81503]`; of more than 240 letters the last ones.
    pub name: String,
    /// How many came back.
    pub calls: u64,
    /// Those of them that failed.
    pub errors: u64,
    /// Seconds in all.
    pub total: f64,
}

/// Calls of one name that failed in one way.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct TraceFailure {
    /// The name of the error, as `ENOENT`; `errno 600` where it has none.
    pub error: String,
    /// What it means; empty where it has no name.
    pub words: String,
    /// The name of the call; `(others)` for all that have none.
    pub name: String,
    /// How many.
    pub calls: u64,
}

/// Calls that are told together.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct TraceRest {
    /// How many came back.
    pub calls: u64,
    /// Those of them that failed.
    pub errors: u64,
    /// Seconds in all.
    pub total: f64,
}

/// A call that has not come back yet.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct TraceUnderWay {
    /// The thread.
    pub tid: u32,
    /// The name of the call.
    pub name: String,
    /// How long it has been, seconds; absent where it began before the trace.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub since: Option<f64>,
}
