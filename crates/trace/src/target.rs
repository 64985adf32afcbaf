//! Who can be followed: looked at before anything is touched.

use procyon_linux::proc::{PidDir, ProcDir};
use procyon_linux::root::Root;
use procyon_units::Reading;

use crate::engine::EngineError;
use crate::event::Who;

/// Refuses numbers that nobody has, threads of the kernel and this program itself.
pub(crate) fn check(targets: &[u32]) -> Result<(), EngineError> {
    if targets.len() > procyon_bpf::syscalls::MOST_TARGETS {
        return Err(EngineError::TooMany(targets.len()));
    }
    let proc = ProcDir::open(&Root::live()).map_err(|error| EngineError::Tracer {
        why: format!("could not open {}", error.path.display()),
        source: Some(error.source.into()),
    })?;
    for target in targets {
        if *target == std::process::id() {
            return Err(EngineError::Ourselves(*target));
        }
        let seen = Seen::of(&proc, *target).ok_or(EngineError::Unknown(*target))?;
        if seen.is_kernels {
            return Err(EngineError::KernelThread(*target));
        }
        // The first thread of a process may have ended before the others.
        let lives = |thread: &u32| Seen::of(&proc, *thread).is_some_and(|seen| !seen.has_ended);
        if seen.has_ended && !threads(*target).iter().any(lives) {
            return Err(EngineError::Unknown(*target));
        }
    }
    Ok(())
}

/// What a thread is. Source: `/proc/TID/stat`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Seen {
    /// It has ended; somebody has yet to take notice.
    pub(crate) has_ended: bool,
    /// It belongs to the kernel.
    pub(crate) is_kernels: bool,
    /// It works for its process in the kernel (`io_uring`), and makes no calls.
    pub(crate) is_worker: bool,
    /// The process that made its own, or that took that one over.
    pub(crate) parent: u32,
    /// The processor on which it ran last.
    pub(crate) processor: u32,
}

impl Seen {
    fn of(proc: &ProcDir, thread: u32) -> Option<Self> {
        let directory = PidDir::open(proc, thread).ok()?;
        let seen = directory.stat(&mut Vec::new(), |stat| Self {
            has_ended: matches!(stat.state, b'Z' | b'X'),
            is_kernels: stat.kernel_thread,
            is_worker: stat.io_worker,
            parent: stat.ppid,
            processor: stat.processor,
        });
        match seen {
            Ok(Reading::Known(seen)) => Some(seen),
            _ => None,
        }
    }

    /// Looks at a thread; none where there is no such thread any more.
    pub(crate) fn now(thread: u32) -> Option<Self> {
        Self::of(&ProcDir::open(&Root::live()).ok()?, thread)
    }
}

/// A line of `/proc/PID/status`, as a number.
pub(crate) fn status_number(thread: u32, label: &str) -> Option<u32> {
    let text = std::fs::read_to_string(format!("/proc/{thread}/status")).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix(label)?.strip_prefix(':'))?;
    line.trim().parse().ok()
}

/// The name of a process, for people.
pub(crate) fn name(process: u32) -> String {
    thread_name(Who { thread: process, process }).unwrap_or_else(|| "?".to_owned())
}

/// The name of a thread; none where its process has no such one any more.
pub(crate) fn thread_name(Who { thread, process }: Who) -> Option<String> {
    let name = std::fs::read(format!("/proc/{process}/task/{thread}/comm")).ok()?;
    Some(String::from_utf8_lossy(&name).trim().to_owned())
}

/// The threads of a process now.
pub(crate) fn threads(process: u32) -> Vec<u32> {
    let Ok(entries) = std::fs::read_dir(format!("/proc/{process}/task")) else { return Vec::new() };
    let names = entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    let mut threads: Vec<u32> = names.collect();
    threads.sort_unstable();
    threads
}
