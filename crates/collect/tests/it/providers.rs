//! Both sources of the process table say the same about the same processes, field by field.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};

use procyon_collect::provider::ebpf::{Ebpf, Unavailable};
use procyon_collect::provider::procfs::Procfs;
use procyon_collect::provider::{ProcessProvider, RawProcess};
use procyon_linux::proc::{PidDir, ProcDir, pid_schedstat, pid_task};
use procyon_linux::root::Root;
use procyon_model::process::{Memory, Switches};
use procyon_testkit::{Workload, program};
use procyon_units::{CpuTime, Reading};

/// One row, kept.
#[derive(Debug, Clone)]
struct Row {
    raw: RawProcess<'static>,
    name: Vec<u8>,
}

/// A figure: its name, how it is taken, its tolerance.
type Field = (&'static str, fn(&Row) -> Option<f64>, f64);

/// The figures that are compared, and how far the eBPF provider may be outside of what procfs said right before and right
/// after. Tolerances follow from the kernel: procfs rounds processor time down to ticks of 10 ms, user and system each,
/// and keeps a memory of its own of how it was split; everything else is the same counter.
#[rustfmt::skip]
const FIELDS: &[Field] = &[
    ("start",             |row| Some(row.raw.start.0 as f64), 0.0),
    ("ppid",              |row| Some(row.raw.ppid.into()), 0.0),
    ("uid",               |row| Some(row.raw.uid.into()), 0.0),
    ("euid",              |row| Some(row.raw.euid.into()), 0.0),
    ("gid",               |row| Some(row.raw.gid.into()), 0.0),
    ("threads",           |row| Some(row.raw.threads.into()), 0.0),
    ("nice",              |row| Some(row.raw.nice.into()), 0.0),
    ("policy",            |row| Some(row.raw.policy.into()), 0.0),
    ("kernel thread",     |row| Some(f64::from(u8::from(row.raw.kernel_thread))), 0.0),
    ("cpu s",             |row| Some(row.raw.cpu.total().seconds()), 0.02),
    ("cpu user s",        |row| Some(row.raw.cpu.user.seconds()), 0.03),
    ("cpu system s",      |row| Some(row.raw.cpu.system.seconds()), 0.03),
    ("minor faults",      |row| Some(row.raw.faults.minor as f64), 0.0),
    ("major faults",      |row| Some(row.raw.faults.major as f64), 0.0),
    ("memory",            |row| Some(f64::from(u8::from(row.raw.memory.is_known()))), 0.0),
    ("VmSize",            |row| memory(row, |memory| memory.size.0), 0.0),
    ("VmPeak",            |row| memory(row, |memory| memory.peak.0), 0.0),
    ("VmLck",             |row| memory(row, |memory| memory.locked.0), 0.0),
    ("VmPin",             |row| memory(row, |memory| memory.pinned.0), 0.0),
    ("VmHWM",             |row| memory(row, |memory| memory.high_water.0), 0.0),
    ("VmRSS",             |row| memory(row, |memory| memory.resident.0), 0.0),
    ("VmData",            |row| memory(row, |memory| memory.data.0), 0.0),
    ("VmStk",             |row| memory(row, |memory| memory.stack.0), 0.0),
    ("VmExe",             |row| memory(row, |memory| memory.text.0), 0.0),
    ("VmLib",             |row| memory(row, |memory| memory.library.0), 0.0),
    ("VmPTE",             |row| memory(row, |memory| memory.page_tables.0), 0.0),
    ("VmSwap",            |row| memory(row, |memory| memory.swap.0), 0.0),
    ("read_bytes",        |row| row.raw.io.get().map(|io| io.read.0 as f64), 0.0),
    ("write_bytes",       |row| row.raw.io.get().map(|io| io.written.0 as f64), 0.0),
    ("rchar",             |row| row.raw.io.get().map(|io| io.read_chars.0 as f64), 0.0),
    ("wchar",             |row| row.raw.io.get().map(|io| io.written_chars.0 as f64), 0.0),
    ("syscr",             |row| row.raw.io.get().map(|io| io.read_calls as f64), 0.0),
    ("syscw",             |row| row.raw.io.get().map(|io| io.write_calls as f64), 0.0),
    ("voluntary",         |row| row.raw.switches.get().map(|switches| switches.voluntary as f64), 0.0),
    ("involuntary",       |row| row.raw.switches.get().map(|switches| switches.involuntary as f64), 0.0),
    ("run delay ns",      |row| row.raw.run_delay.get().map(|delay| delay.0 as f64), 0.0),
];

fn memory(row: &Row, take: fn(&Memory) -> u64) -> Option<f64> {
    row.raw.memory.get().map(|memory| take(memory) as f64)
}

/// The provider in the kernel, where this machine lets us have it.
fn ebpf() -> Option<Ebpf> {
    match Ebpf::kernel(&Root::live()).and_then(|kernel| Ebpf::new(&Root::live(), &kernel)) {
        Ok(ebpf) => Some(ebpf),
        // A program that is not accepted is a mistake of ours; the rest is the machine's choice.
        Err(Unavailable::Load(error)) if error.is_refusal() => None,
        Err(error) => panic!("{error}: {:?}", std::error::Error::source(&error).map(ToString::to_string)),
    }
}

fn pass(provider: &mut dyn ProcessProvider) -> BTreeMap<u32, Row> {
    let mut rows = BTreeMap::new();
    let keep = &mut |raw: &RawProcess<'_>| {
        let row = Row { name: raw.name.to_vec(), raw: RawProcess { name: b"", ..raw.clone() } };
        rows.insert(raw.pid, row);
    };
    provider.pass(keep).unwrap();
    rows
}

/// What procfs says of one process, with the sums over threads that the provider leaves to the slow lane.
fn in_full(rows: &BTreeMap<u32, Row>, pid: u32) -> Row {
    let mut row = rows.get(&pid).unwrap_or_else(|| panic!("procfs lists {pid}")).clone();
    let dir = PidDir::open(&ProcDir::open(&Root::live()).unwrap(), pid).unwrap();
    let mut buffer = Vec::new();
    row.raw.run_delay = pid_schedstat::run_delay(&dir, &mut buffer, 1000).unwrap().map(CpuTime::stepped);
    let switches = pid_task::switches(&dir, &mut buffer, 1000).unwrap();
    row.raw.switches = switches.map(|sum| Switches { voluntary: sum.voluntary, involuntary: sum.involuntary });
    row
}

#[test]
fn both_providers_say_the_same_of_every_field() {
    let Some(mut ebpf) = ebpf() else { return };
    let mut procfs = Procfs::new(&Root::live()).unwrap();
    let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("providers-{}", std::process::id()));
    let io = Workload::start(&["io", file.to_str().unwrap(), "16777216", "8388608"]);
    std::fs::remove_file(&file).unwrap();
    let mut lowly = Command::new("setpriv");
    // The build folder may be closed to others.
    let open = std::env::temp_dir().join(format!("procyon-providers-{}", std::process::id()));
    std::fs::copy(program(), &open).unwrap();
    lowly.args(["--reuid=12345", "--regid=12346", "--clear-groups", "nice", "-n", "7"]).arg(&open).arg("idle");
    let mut batch = Command::new("chrt");
    batch.args(["--batch", "0"]).arg(program()).arg("idle");
    let workloads = [
        ("idle", Workload::start(&["idle"])),
        ("io", io),
        ("alloc", Workload::start(&["alloc", "67108864"])),
        ("threads", Workload::start(&["threads", "40"])),
        ("odd name", Workload::start(&["rename", "a) R 1 ("])),
        ("other user, nice", Workload::start_as(&mut lowly)),
        ("batch", Workload::start_as(&mut batch)),
        ("burn", Workload::start(&["burn", "0.3", "3"])),
    ];
    std::fs::remove_file(&open).unwrap();
    let mut compared = 0;
    for _ in 0..5 {
        let before = pass(&mut procfs);
        let before_full: Vec<Row> = workloads.iter().map(|(_, workload)| in_full(&before, workload.pid())).collect();
        let found = pass(&mut ebpf);
        let after = pass(&mut procfs);
        for ((what, workload), before) in workloads.iter().zip(before_full) {
            let pid = workload.pid();
            let after = in_full(&after, pid);
            let row = found.get(&pid).unwrap_or_else(|| panic!("{what}: the pass has {pid}"));
            assert_eq!(row.name, before.name, "{what}");
            if *what != "burn" {
                // It may still be on its way to sleep.
                assert!([before.raw.state, after.raw.state].contains(&row.raw.state), "{what}: {:?}", row.raw.state);
            }
            for (field, take, tolerance) in FIELDS {
                let (Some(a), Some(b)) = (take(&before), take(&after)) else {
                    assert!(take(row).is_none(), "{what}: {field}: procfs has none, eBPF has {:?}", take(row));
                    continue;
                };
                let got = take(row).unwrap_or_else(|| panic!("{what}: {field}: eBPF has none, procfs has {a}"));
                let (least, most) = (a.min(b) - tolerance, a.max(b) + tolerance);
                assert!((least..=most).contains(&got), "{what}: {field}: {least} ≤ {got} ≤ {most}");
                compared += 1;
            }
        }
    }
    assert!(compared > 1000, "{compared}");
}

#[test]
fn every_process_that_procfs_lists_is_in_the_pass_of_the_kernel() {
    let Some(mut ebpf) = ebpf() else { return };
    let mut procfs = Procfs::new(&Root::live()).unwrap();
    let before = pass(&mut procfs);
    let found = pass(&mut ebpf);
    let after = pass(&mut procfs);
    let mut kernel_threads = 0;
    for (pid, row) in &before {
        let Some(later) = after.get(pid).filter(|later| later.raw.start == row.raw.start) else { continue };
        let got =
            found.get(pid).unwrap_or_else(|| panic!("{pid} ({}) is in the pass", String::from_utf8_lossy(&row.name)));
        assert_eq!(got.raw.start, row.raw.start, "{pid}");
        assert_eq!(got.raw.kernel_thread, row.raw.kernel_thread, "{pid}");
        if row.raw.kernel_thread {
            // procfs adds to a worker's name what it works on at the moment.
            let worker = row.name.starts_with(b"kworker/");
            assert!(
                got.name == row.name || (worker && row.name.starts_with(&got.name)),
                "{:?} {:?}",
                got.name,
                row.name
            );
            kernel_threads += 1;
        } else if row.name == later.name {
            assert_eq!(got.name, row.name, "{pid}");
        }
    }
    assert!(kernel_threads > 0 || before.values().all(|row| !row.raw.kernel_thread));
}

#[test]
fn counters_of_a_process_whose_threads_come_and_go_never_fall_and_never_jump() {
    let Some(mut ebpf) = ebpf() else { return };
    let stop = AtomicBool::new(false);
    let pid = std::process::id();
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while !stop.load(Ordering::Relaxed) {
                    // Each thread touches fresh memory and reads, so that its end moves counters from one place to another.
                    std::thread::spawn(|| {
                        std::hint::black_box(vec![1_u8; 1 << 20]);
                        std::fs::read("/proc/self/stat").unwrap();
                    })
                    .join()
                    .unwrap();
                }
            });
        }
        let mut procfs = Procfs::new(&Root::live()).unwrap();
        let mut last: Option<Row> = None;
        for round in 0..300 {
            let row = pass(&mut ebpf).remove(&pid).unwrap();
            if let Some(last) = &last {
                for (field, take, _) in FIELDS.iter().filter(|(field, ..)| MONOTONIC.contains(field)) {
                    assert!(take(&row) >= take(last), "{field}: {:?}, then {:?}", take(last), take(&row));
                }
            }
            if round % 30 == 0 {
                let bound = pass(&mut procfs).remove(&pid).unwrap();
                assert!(row.raw.faults.minor <= bound.raw.faults.minor);
                assert!(row.raw.io.get().unwrap().read_chars <= bound.raw.io.get().unwrap().read_chars);
            }
            last = Some(row);
        }
        stop.store(true, Ordering::Relaxed);
    });
}

/// Counters that a reader takes differences of.
const MONOTONIC: &[&str] = &[
    "cpu user s",
    "cpu system s",
    "minor faults",
    "major faults",
    "read_bytes",
    "rchar",
    "wchar",
    "syscr",
    "voluntary",
];

#[test]
fn what_the_kernel_told_at_two_ticks_makes_rates_at_the_second() {
    use procyon_collect::{Collector, Config, Source};
    use procyon_model::key::HostId;
    if ebpf().is_none() {
        return;
    }
    let workload = Workload::start(&["burn", "0.2", "4"]);
    // The slow lane does nothing here: these come with every tick.
    let config = Config { source: Source::Ebpf, slow_budget: 0.0, pss_budget: 0.0, ..Config::default() };
    let mut collector = Collector::new(&config, HostId(1), std::sync::Arc::new(procyon_units::SystemClock)).unwrap();
    collector.tick().unwrap();
    std::thread::sleep(std::time::Duration::from_millis(300));
    let frame = collector.tick().unwrap();
    assert_eq!(frame.health.features[0].source, "ebpf");
    let row = frame.process_by_pid(workload.pid()).unwrap();
    assert!(row.switches.get().unwrap().voluntary > 0 && row.rates.voluntary_switches.is_known(), "{row:?}");
    assert!(row.rates.run_delay.is_known() && row.run_delay.get() > Some(&CpuTime(0)), "{row:?}");
    // Processor time is not in steps of 10 ms.
    assert!(!row.cpu.total().0.is_multiple_of(10_000_000), "{:?}", row.cpu);
    assert!(matches!(row.memory, Reading::Known(_)));
}

#[test]
fn files_of_another_machine_are_read_as_files() {
    let elsewhere = Root::new("/proc/self/..".into(), "/sys".into(), "/".into());
    assert!(matches!(Ebpf::kernel(&elsewhere), Err(Unavailable::OtherRoot)));
}

#[test]
fn a_kernel_without_types_is_read_by_procfs_and_says_so() {
    use procyon_collect::{Collector, Config};
    let config = Config { root: Root::new("/proc".into(), "/nonexistent".into(), "/".into()), ..Config::default() };
    let id = procyon_model::key::HostId(1);
    let mut collector = Collector::new(&config, id, std::sync::Arc::new(procyon_units::SystemClock)).unwrap();
    let frame = collector.tick().unwrap();
    assert!(frame.processes.len() > 1);
    let feature = &frame.health.features[0];
    assert_eq!((feature.id, feature.source), ("processes", "procfs"));
    let reason = feature.reason.as_deref().unwrap();
    assert!(reason.contains("/nonexistent/kernel/btf/vmlinux") && reason.contains("No such file"), "{reason}");
}
