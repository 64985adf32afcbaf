//! What watches: an engine follows threads and tells what they do.
//!
//! - [`ebpf`] lets programs of ours in the kernel tell it: threads are never stopped, and what finds no room is lost and counted;
//! - [`ptrace`] stops every thread at both ends of each call, from a process of its own: for machines where programs in the
//!   kernel are not to be had. Nothing is lost, but some calls fail with `EINTR` in the moment when watching begins.

mod copy;
pub mod ebpf;
mod look;
pub mod ptrace;

use std::io;
use std::time::Duration;

use procyon_bpf::LoadError;
use procyon_diag::Kind;

use crate::call::Call;
use crate::event::{Event, Who};
use crate::filter::Filter;
use crate::summary::Summary;

pub use look::look;

/// What is to be followed, and how much of it is told.
#[derive(Debug, Clone)]
pub struct Plan {
    /// Processes with all of their threads, or single threads, by their numbers.
    pub targets: Vec<u32>,
    /// Which calls are told.
    pub filter: Filter,
    /// Whether processes that are made by followed ones are followed.
    pub children: bool,
    /// How many bytes of content are told.
    pub content: usize,
    /// Whether calls are told one by one; else they are only counted.
    pub telling: bool,
}

/// Whether there is still somebody to follow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Life {
    /// Threads that are followed live, or more of what they did waits to be told.
    Goes,
    /// All have ended, and all is told.
    Over,
}

/// Something that follows threads. When it is dropped they are left alone, and nothing of it stays behind.
pub trait Engine: Send {
    /// Which threads were followed at the beginning.
    fn followed(&self) -> &[Who];

    /// Waits for something to happen, at most this long, and hands it on.
    fn next(&mut self, at_most: Duration, each: &mut dyn FnMut(Event)) -> Result<Life, EngineError>;

    /// Which calls are told.
    fn told(&self) -> &Filter;

    /// Tells other calls from now on.
    fn filter(&mut self, filter: &Filter) -> Result<(), EngineError>;

    /// The calls that are under way, in the order of their threads, with no more of their memory than was copied when they
    /// began: reading the rest takes [`look`].
    fn under_way(&mut self) -> Result<Vec<Call>, EngineError>;

    /// What was counted of all calls that passed the filter, those that were lost included.
    fn summary(&self) -> Result<Summary, EngineError>;

    /// What was lost.
    fn lost(&self) -> Lost;

    /// Of the time in which threads did not sleep, in the last ten seconds: the share, 0 to 1, in which they were stopped for being
    /// followed. None where nobody is stopped, and where they slept nearly all of the time.
    fn stopped(&self) -> Option<f64>;
}

/// What an engine could not tell.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Lost {
    /// Calls: those that were told and these are all that were made.
    pub calls: u64,
    /// Signals, beginnings and ends of threads.
    pub events: u64,
    /// Threads that are not followed, for the kernel had no memory for them.
    pub threads: u64,
}

impl Lost {
    /// Everything that is missing among what was told.
    #[must_use]
    pub const fn records(self) -> u64 {
        self.calls.saturating_add(self.events)
    }
}

/// Why calls are not told.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// No process or thread has the number.
    #[error("there is no process {0}")]
    Unknown(u32),
    /// It is a thread of the kernel, which makes no system calls.
    #[error("process {0} belongs to the kernel and makes no system calls")]
    KernelThread(u32),
    /// It is this program: telling its own calls would make it call, for ever.
    #[error("process {0} is procyon itself")]
    Ourselves(u32),
    /// More were named than can be followed.
    #[error("{0} processes are named, and at most {max} can be followed", max = procyon_bpf::syscalls::MOST_TARGETS)]
    TooMany(usize),
    /// The kernel does not run our programs.
    #[error("eBPF is not to be had here")]
    NoEbpf(#[source] LoadError),
    /// Talking to our programs failed.
    #[error(transparent)]
    Access(#[from] procyon_bpf::syscalls::AccessError),
    /// Another tracer has it, and the kernel allows one.
    #[error("process {process} is already traced by process {tracer} (`{name}`)")]
    Traced {
        /// Whom we wanted.
        process: u32,
        /// Who has it.
        tracer: u32,
        /// The tracer's name.
        name: String,
    },
    /// Our rights do not suffice.
    #[error("not permitted to trace process {0}")]
    Forbidden(u32),
    /// The kernel does not say which call a stopped thread makes (`PTRACE_GET_SYSCALL_INFO`).
    #[error("tracing by ptrace needs Linux 5.3 or newer, and this kernel does not tell which calls are made")]
    NoCallInfo,
    /// It was given up before it had begun.
    #[error("nobody waits for the trace any more")]
    Unwanted,
    /// The process that traces did not start, broke off or said something unheard of.
    #[error("the tracing process failed: {why}")]
    Tracer {
        /// What it did.
        why: String,
        /// What the kernel said.
        source: Option<io::Error>,
    },
}

impl EngineError {
    /// What sort of failure it is.
    #[must_use]
    pub fn kind(&self) -> Kind {
        match self {
            Self::Unknown(_) => Kind::NotFound,
            Self::KernelThread(_) | Self::Ourselves(_) | Self::TooMany(_) => Kind::Usage,
            Self::NoEbpf(error) if error.is_refusal() => Kind::NotPermitted,
            Self::Forbidden(_) => Kind::NotPermitted,
            Self::Traced { .. } => Kind::Conflict,
            Self::NoEbpf(_) | Self::Access(_) | Self::NoCallInfo | Self::Unwanted | Self::Tracer { .. } => Kind::Failed,
        }
    }

    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Unknown(_) => Some("`procyon ps` lists the processes that run"),
            Self::NoEbpf(error) if error.is_refusal() => Some(
                "it takes the capabilities CAP_BPF and CAP_PERFMON, which root has; `--engine ptrace` does without, but some \
                 calls of the process fail with EINTR when it begins",
            ),
            Self::NoEbpf(_) => {
                Some("`--engine ptrace` does without it, but some calls of the process fail with EINTR when it begins")
            }
            Self::Forbidden(_) => Some(
                "it takes the capability CAP_SYS_PTRACE, which root has, or the same user and kernel.yama.ptrace_scope=0",
            ),
            Self::Traced { .. } => Some("the eBPF engine (`--engine ebpf`) follows traced processes too"),
            _ => None,
        }
    }
}
