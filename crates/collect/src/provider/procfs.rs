//! Processes from procfs: `stat`, `status` and `io` of every process each tick.

use procyon_linux::proc::pid_io::PidIo;
use procyon_linux::proc::pid_status::{PidMemory, PidStatus};
use procyon_linux::root::Root;
use procyon_linux::walk::{Descriptors, ProcessFiles, ProcessWalk};
use procyon_model::process::{CpuCounters, Faults, Io, Memory, ProcessState, Switches};
use procyon_units::Reading;

use super::{PassCounts, ProcessProvider, ProviderError, RawProcess};

/// Reads procfs with raw system calls into buffers that are used again.
#[derive(Debug)]
pub struct Procfs {
    walk: ProcessWalk,
}

impl Procfs {
    /// Its name.
    pub const ID: &'static str = "procfs";

    /// Opens procfs below `root`.
    pub fn new(root: &Root) -> Result<Self, ProviderError> {
        let walk =
            ProcessWalk::new(root, Descriptors::within_limit()).map_err(|error| ProviderError(error.to_string()))?;
        Ok(Self { walk })
    }
}

impl ProcessProvider for Procfs {
    fn id(&self) -> &'static str {
        Self::ID
    }

    fn pass(&mut self, each: &mut dyn FnMut(&RawProcess<'_>)) -> Result<PassCounts, ProviderError> {
        let mut forbidden = 0;
        let counts = self
            .walk
            .walk(|files| {
                forbidden += u64::from(matches!(files.io, Reading::Forbidden));
                each(&raw(&files));
            })
            .map_err(|error| ProviderError(error.to_string()))?;
        Ok(PassCounts {
            found: counts.read.into(),
            vanished: counts.vanished.into(),
            forbidden: forbidden + u64::from(counts.forbidden),
        })
    }
}

/// What the files say of a process.
pub(super) fn raw<'a>(files: &ProcessFiles<'a>) -> RawProcess<'a> {
    let (stat, status) = (&files.stat, &files.status);
    RawProcess {
        pid: stat.pid,
        start: stat.start,
        name: stat.comm,
        state: ProcessState(stat.state),
        ppid: stat.ppid,
        kernel_thread: stat.kernel_thread,
        uid: status.uid,
        euid: status.euid,
        gid: status.gid,
        threads: stat.threads,
        nice: stat.nice,
        policy: stat.policy,
        cpu: CpuCounters { user: stat.user.cpu_time(), system: stat.system.cpu_time() },
        faults: Faults { minor: stat.minor_faults, major: stat.major_faults },
        memory: status.memory.map_or(Reading::Absent, |memory| Reading::Known(memory_of(&memory))),
        io: files.io.map(|io| io_of(&io)),
        switches: switches_of(stat.threads, status),
        run_delay: Reading::Pending,
        exec_id: None,
        cgroup: None,
    }
}

/// The file counts the main thread alone.
fn switches_of(threads: u32, status: &PidStatus) -> Reading<Switches> {
    match (status.voluntary, status.involuntary) {
        _ if threads > 1 => Reading::Pending,
        (Some(voluntary), Some(involuntary)) => Reading::Known(Switches { voluntary, involuntary }),
        _ => Reading::Unsupported,
    }
}

fn memory_of(memory: &PidMemory) -> Memory {
    Memory {
        size: memory.size,
        peak: memory.peak,
        locked: memory.locked,
        pinned: memory.pinned,
        high_water: memory.high_water,
        resident: memory.resident,
        data: memory.data,
        stack: memory.stack,
        text: memory.text,
        library: memory.library,
        page_tables: memory.page_tables,
        swap: memory.swap,
    }
}

fn io_of(io: &PidIo) -> Io {
    Io {
        read: io.read,
        written: io.written,
        read_chars: io.read_chars,
        written_chars: io.written_chars,
        read_calls: io.read_calls,
        write_calls: io.write_calls,
    }
}
