//! Who can be followed: looked at before anything is touched.

use procyon_linux::proc::{PidDir, ProcDir};
use procyon_linux::root::Root;
use procyon_units::Reading;

use crate::engine::EngineError;

/// Refuses numbers that nobody has, threads of the kernel and this program itself.
pub(crate) fn check(targets: &[u32]) -> Result<(), EngineError> {
    if targets.len() > procyon_bpf::syscalls::MOST_TARGETS {
        return Err(EngineError::TooMany(targets.len()));
    }
    let proc = ProcDir::open(&Root::live()).map_err(|error| EngineError::Tracer {
        why: format!("could not open {}", error.path.display()),
        source: Some(error.source.into()),
    })?;
    let mut buffer = Vec::new();
    for target in targets {
        if *target == std::process::id() {
            return Err(EngineError::Ourselves(*target));
        }
        let directory = PidDir::open(&proc, *target).map_err(|_| EngineError::Unknown(*target))?;
        match directory.stat(&mut buffer, |stat| (stat.kernel_thread, stat.state)) {
            Ok(Reading::Known((true, _))) => return Err(EngineError::KernelThread(*target)),
            Ok(Reading::Known((_, b'Z' | b'X'))) | Err(_) => return Err(EngineError::Unknown(*target)),
            Ok(_) => {}
        }
    }
    Ok(())
}

/// A line of `/proc/PID/status`, as a number.
pub(crate) fn status_number(thread: u32, label: &str) -> Option<u32> {
    let text = std::fs::read_to_string(format!("/proc/{thread}/status")).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix(label)?.strip_prefix(':'))?;
    line.trim().parse().ok()
}

/// The name of a process, for people.
pub(crate) fn name(process: u32) -> String {
    std::fs::read_to_string(format!("/proc/{process}/comm"))
        .map_or_else(|_| "?".to_owned(), |name| name.trim().to_owned())
}

/// The threads of a process now.
pub(crate) fn threads(process: u32) -> Vec<u32> {
    let Ok(entries) = std::fs::read_dir(format!("/proc/{process}/task")) else { return Vec::new() };
    let names = entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    let mut threads: Vec<u32> = names.collect();
    threads.sort_unstable();
    threads
}
