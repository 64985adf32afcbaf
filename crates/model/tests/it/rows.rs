//! Rows made by hand.

use std::sync::Arc;
use std::time::Duration;

use procyon_model::descriptor::Descriptor;
use procyon_model::process::{CpuCounters, Faults, Memory, ProcessState, Rates};
use procyon_model::{ProcessKey, ProcessRow};
use procyon_units::{Bytes, Cores, Reading, Ticks, Wall};

/// A sleeping process with this pid, parent, name and start.
pub fn row(pid: u32, ppid: u32, name: &str, start: u64) -> ProcessRow {
    let descriptor = Descriptor { name: name.as_bytes().into(), user: (*b"root").into(), ..Descriptor::default() };
    ProcessRow {
        key: ProcessKey { pid, start: Ticks(start), boot: 7 },
        ppid,
        tgid: pid,
        state: ProcessState(b'S'),
        kernel_thread: false,
        quarantined: false,
        started: Wall(0),
        age: Duration::from_secs(9),
        uid: 0,
        euid: 0,
        gid: 0,
        threads: 1,
        nice: 0,
        policy: 0,
        descriptor: Arc::new(descriptor),
        label: name.as_bytes().into(),
        cpu: CpuCounters::default(),
        faults: Faults::default(),
        memory: Reading::Absent,
        io: Reading::Forbidden,
        switches: Reading::Pending,
        run_delay: Reading::Pending,
        net: Reading::Unsupported,
        pss: Reading::Pending,
        fds: Reading::Pending,
        oom: Reading::Pending,
        wchan: Reading::Pending,
        rates: Rates::PENDING,
    }
}

/// The same, using so many cores and holding so much memory.
pub fn busy(pid: u32, name: &str, cpu: f64, resident: u64) -> ProcessRow {
    let mut row = row(pid, 1, name, 100);
    row.rates.cpu_user = Reading::Known(Cores(cpu));
    row.rates.cpu_system = Reading::Known(Cores(0.0));
    row.memory = Reading::Known(Memory { resident: Bytes(resident), ..Memory::default() });
    row
}
