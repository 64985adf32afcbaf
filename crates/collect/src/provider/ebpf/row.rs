//! What the kernel's record says, in the words of the model.

use procyon_bpf::cpu::{Counted as Sampled, Split};
use procyon_bpf::processes::{Counted, Memory as Kernel};
use procyon_model::process::{CpuCounters, Faults, Io, Memory, ProcessState, Switches};
use procyon_units::Reading;

use super::memories::Before;
use crate::provider::RawProcess;

/// The row of a process.
#[inline]
pub(super) fn of<'a>(counted: &'a Counted, before: &Before) -> RawProcess<'a> {
    let Counted { process, counts, .. } = counted;
    let sampled = Sampled { user: counts.user, system: counts.system, runtime: counts.runtime };
    let split = sampled.split(Split { user: before.cpu.user, system: before.cpu.system });
    RawProcess {
        pid: process.pid,
        start: process.start,
        name: process.name(),
        state: ProcessState(process.state),
        ppid: process.ppid,
        kernel_thread: process.kernel_thread,
        uid: process.uid,
        euid: process.euid,
        gid: process.gid,
        threads: process.threads,
        nice: process.nice,
        policy: process.policy,
        cpu: CpuCounters { user: split.user, system: split.system },
        faults: Faults { minor: counts.minor_faults, major: counts.major_faults },
        memory: process.memory.as_ref().map_or(Reading::Absent, |memory| Reading::Known(memory_of(memory))),
        io: Reading::Known(Io {
            read: counts.read,
            written: counts.written,
            read_chars: counts.read_chars,
            written_chars: counts.written_chars,
            read_calls: counts.read_calls,
            write_calls: counts.write_calls,
        }),
        switches: Reading::Known(Switches {
            voluntary: counts.voluntary.max(before.switches.voluntary),
            involuntary: counts.involuntary.max(before.switches.involuntary),
        }),
        run_delay: Reading::Known(counts.run_delay.stepped()),
        exec_id: Some(process.exec_id),
        cgroup: Some(process.cgroup),
    }
}

/// Puts the counters that procfs sums under a lock in place of those that may have missed or doubled a thread.
pub(super) fn correct(raw: &mut RawProcess<'_>, files: &RawProcess<'_>, before: &Before) {
    // The pid may be another process' by now.
    if files.start != raw.start {
        return;
    }
    raw.cpu = before.at_least(files.cpu);
    raw.faults = files.faults;
    if files.io.is_known() {
        raw.io = files.io;
    }
}

fn memory_of(memory: &Kernel) -> Memory {
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
