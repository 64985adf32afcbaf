//! The row of a process that has ended.

use std::sync::Arc;
use std::time::Duration;

use procyon_bpf::Counts;
use procyon_bpf::cpu::{Counted, Split};
use procyon_bpf::lifecycle::WaitStatus;
use procyon_model::descriptor::Descriptor;
use procyon_model::frame::{self, Death, EndedProcess};
use procyon_model::key::ProcessKey;
use procyon_model::process::{CpuCounters, Faults, Io, ProcessRow, ProcessState, Rates, Switches};
use procyon_units::{Bytes, Reading, Wall};

use super::{End, Exit, Moment};

/// The row of a process that no tick saw; its counters come by [`complete`].
pub(super) fn unseen(key: ProcessKey, exit: &Exit, started: Wall, moment: Moment) -> EndedProcess {
    let row = ProcessRow {
        key,
        ppid: exit.ppid,
        tgid: key.pid,
        state: ProcessState(b'X'),
        kernel_thread: exit.kernel_thread,
        quarantined: false,
        started,
        age: Duration::ZERO,
        uid: exit.uid,
        euid: exit.euid,
        gid: exit.gid,
        threads: 1,
        nice: exit.nice,
        policy: exit.policy,
        descriptor: Arc::<Descriptor>::default(),
        label: Arc::from([]),
        cpu: CpuCounters::default(),
        faults: Faults::default(),
        memory: Reading::Absent,
        io: Reading::Known(Io::default()),
        switches: Reading::Known(Switches::default()),
        run_delay: Reading::Known(exit.counts.run_delay.stepped()),
        net: Reading::Unsupported,
        pss: Reading::Absent,
        fds: Reading::Absent,
        oom: Reading::Absent,
        wchan: Reading::Absent,
        rates: Rates::PENDING,
    };
    EndedProcess { row, at: moment.wall, exit: Reading::Unsupported, death: Death::default() }
}

/// Puts in what the kernel told of the end: how, when, by whom, and the totals.
pub(super) fn complete(process: &mut EndedProcess, end: &End, moment: Moment) {
    let at_exit = end.exit.as_ref().map(|exit| (exit.status, exit.counts));
    let Some((status, counts)) = end.last.or(at_exit) else { return };
    add_totals(&mut process.row, &counts);
    process.exit = Reading::Known(exit_of(status));
    process.death.core_dumped = status.core_dumped();
    process.death.is_final = end.last.is_some();
    if let Some(exit) = &end.exit {
        process.at = moment.wall_of(exit.at);
        process.row.age = Duration::from_nanos(exit.at.since(process.row.key.start.cpu_time()).0);
        process.death.oom = exit.oom;
        // A signal that came and did not end it is nobody's deed.
        process.death.sender.clone_from(&exit.sender);
    }
}

fn exit_of(status: WaitStatus) -> frame::Exit {
    status.signal().map_or_else(|| frame::Exit::Code(status.code()), frame::Exit::Signal)
}

/// No counter falls below what a tick saw.
fn add_totals(row: &mut ProcessRow, counts: &Counts) {
    let sampled = Counted { user: counts.user, system: counts.system, runtime: counts.runtime };
    let split = sampled.split(Split { user: row.cpu.user, system: row.cpu.system });
    row.cpu = CpuCounters { user: split.user, system: split.system };
    row.faults =
        Faults { minor: row.faults.minor.max(counts.minor_faults), major: row.faults.major.max(counts.major_faults) };
    let io = row.io.get().copied().unwrap_or_default();
    let most = |a: Bytes, b: Bytes| a.max(b);
    row.io = Reading::Known(Io {
        read: most(io.read, counts.read),
        written: most(io.written, counts.written),
        read_chars: most(io.read_chars, counts.read_chars),
        written_chars: most(io.written_chars, counts.written_chars),
        read_calls: io.read_calls.max(counts.read_calls),
        write_calls: io.write_calls.max(counts.write_calls),
    });
    let switches = row.switches.get().copied().unwrap_or_default();
    row.switches = Reading::Known(Switches {
        voluntary: switches.voluntary.max(counts.voluntary),
        involuntary: switches.involuntary.max(counts.involuntary),
    });
}
