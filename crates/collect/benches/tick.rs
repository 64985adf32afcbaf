//! One tick over the process table, from procfs and from the kernel, beside the bare readers of both, the crates that others use,
//! and process-exporter where Debian's package of it is installed.
//!
//! Rounds are interleaved and measured in processor time of this thread; figures are medians. `--json` prints one object,
//! `--check` fails when a budget of docs/benchmarks.md is passed, `--processes N` chooses how many idle processes are
//! started beside those that are there.

#![expect(
    clippy::expect_used,
    clippy::print_stdout,
    clippy::cast_precision_loss,
    clippy::disallowed_methods,
    clippy::indexing_slicing,
    reason = "a measuring program: it prints, and stops at the first surprise"
)]

use std::ffi::CString;
use std::hint::black_box;
use std::io::{Read, Write};
use std::mem::MaybeUninit;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, ExitCode, Stdio};
use std::sync::Arc;
use std::time::Duration;

use procyon_bpf::Kernel;
use procyon_bpf::processes::ProcessTable;
use procyon_collect::provider::ebpf::Ebpf;
use procyon_collect::provider::procfs::Procfs;
use procyon_collect::provider::{ProcessProvider, RawProcess};
use procyon_collect::{Collector, Config, Source};
use procyon_linux::root::Root;
use procyon_model::key::HostId;
use procyon_testkit::Workload;
use procyon_units::SystemClock;
use rustix::fs::{CWD, Mode, OFlags, RawDir, openat};
use rustix::time::{ClockId, clock_gettime};

const ROUNDS: usize = 15;

/// A name, and what reads all processes and tells how many there were.
type Reader = (&'static str, Box<dyn FnMut() -> usize>);

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().collect();
    let has = |flag: &str| arguments.iter().any(|argument| argument == flag);
    let wanted = arguments.iter().position(|argument| argument == "--processes");
    let wanted = wanted.and_then(|at| arguments.get(at + 1)).and_then(|count| count.parse().ok()).unwrap_or(1000);
    let there = pids().len();
    let workloads: Vec<Workload> = (there..wanted).map(|_| Workload::start(&["idle"])).collect();

    let mut procfs = Procfs::new(&Root::live()).expect("procfs opens");
    let mut collector = collector(Source::Procfs);
    let mut system = sysinfo::System::new().expect("sysinfo starts");
    let mut readers: Vec<Reader> = vec![
        ("bare reader: stat, status, io", Box::new(bare)),
        ("procyon: procfs, whole tick, sealed", Box::new(move || collector.tick().expect("a tick").processes.len())),
        ("procfs crate: stat, status, io", Box::new(procfs_crate)),
        ("sysinfo: cpu, memory, disk", Box::new(move || refresh(&mut system))),
        ("procyon: procfs, pass", Box::new(move || pass(&mut procfs))),
    ];
    // Needs the right to put programs into the kernel; without it procfs is measured alone.
    let kernel = Ebpf::kernel(&Root::live()).and_then(|kernel| Ebpf::new(&Root::live(), &kernel)).ok();
    if let Some(mut ebpf) = kernel {
        let mut table = Kernel::open("/sys".as_ref()).and_then(|kernel| ProcessTable::load(&kernel)).expect("it loads");
        let count = pids().len();
        readers.push((
            "bare iterator",
            Box::new(move || {
                black_box(table.read_bare().expect("the kernel's list is read"));
                count
            }),
        ));
        readers.push(("procyon: eBPF, pass", Box::new(move || pass(&mut ebpf))));
        let mut collector = self::collector(Source::Ebpf);
        readers.push((
            "procyon: eBPF, whole tick, sealed",
            Box::new(move || collector.tick().expect("a tick").processes.len()),
        ));
    }
    let mut exporter = Exporter::start();
    let mut scrapes = Vec::new();
    let mut times = vec![Vec::new(); readers.len()];
    let mut count = 0;
    for round in 0..=ROUNDS {
        for (at, (_, read)) in readers.iter_mut().enumerate() {
            let before = cpu();
            count = black_box(read());
            // The first round fills caches and buffers.
            if round > 0 {
                times[at].push(cpu().saturating_sub(before).as_secs_f64() * 1e6 / count as f64);
            }
        }
        if let Some(cost) = exporter.as_mut().map(Exporter::scrape).filter(|_| round > 0) {
            scrapes.push(cost.as_secs_f64() * 1e6 / count as f64);
        }
    }
    drop(workloads);
    let medians: Vec<f64> = times.iter_mut().map(|times| median(times)).collect();
    let ratios = [medians[1] / medians[0], medians[2] / medians[1], medians[3] / medians[1]];
    // Whole eBPF tick ÷ bare iterator, procfs tick ÷ eBPF tick.
    let kernel = (medians.len() > 5).then(|| [medians[7] / medians[5], medians[1] / medians[7]]);
    let scrape = (!scrapes.is_empty()).then(|| median(&mut scrapes));
    let to_scrape = scrape.zip(kernel).map(|(scrape, _)| scrape / medians[7]);
    if has("--json") {
        println!(
            r#"{{"processes":{count},"us_per_process":{{"bare":{:.2},"procyon":{:.2},"procfs":{:.2},"sysinfo":{:.2}}},"procyon_to_bare":{:.3},"procfs_to_procyon":{:.3},"sysinfo_to_procyon":{:.3}}}"#,
            medians[0], medians[1], medians[2], medians[3], ratios[0], ratios[1], ratios[2]
        );
        if let Some([to_bare, to_procfs]) = kernel {
            println!(
                r#"{{"processes":{count},"us_per_process":{{"procfs_pass":{:.2},"bare_iterator":{:.2},"ebpf_pass":{:.2},"ebpf_tick":{:.2},"process_exporter":{:.1}}},"ebpf_to_bare":{to_bare:.3},"procfs_to_ebpf":{to_procfs:.3},"process_exporter_to_ebpf":{:.1}}}"#,
                medians[4],
                medians[5],
                medians[6],
                medians[7],
                scrape.unwrap_or(f64::NAN),
                to_scrape.unwrap_or(f64::NAN)
            );
        }
    } else {
        println!("{count} processes, median of {ROUNDS} interleaved rounds, processor time");
        for ((name, _), median) in readers.iter().zip(&medians) {
            println!("{name:<34} {median:7.2} µs a process");
        }
        if let Some(scrape) = scrape {
            println!("{:<34} {scrape:7.2} µs a process", "process-exporter: a scrape");
        }
        println!(
            "procyon ÷ bare {:.2} (≤ 1.3) · procfs ÷ procyon {:.2} (≥ 1.4) · sysinfo ÷ procyon {:.2} (≥ 2)",
            ratios[0], ratios[1], ratios[2]
        );
    }
    if let (Some([to_bare, to_procfs]), false) = (kernel, has("--json")) {
        println!(
            "eBPF tick ÷ bare iterator {to_bare:.2} (≤ 2) · procfs tick ÷ eBPF tick {to_procfs:.1} (≥ 5; 10 is the goal)"
        );
    }
    if let (Some(ratio), false) = (to_scrape, has("--json")) {
        println!("scrape of process-exporter ÷ eBPF tick {ratio:.0} (≥ 100)");
    }
    let kernel_fails = kernel.is_some_and(|[to_bare, to_procfs]| to_bare > 2.0 || to_procfs < 5.0)
        || to_scrape.is_some_and(|ratio| ratio < 100.0);
    if has("--check") && (ratios[0] > 1.3 || ratios[1] < 1.4 || ratios[2] < 2.0 || kernel_fails) {
        println!("a budget is passed");
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}

/// process-exporter as Debian packs it, with a group for each name; none where it is not installed.
struct Exporter {
    child: Child,
    address: SocketAddr,
    _config: tempfile::NamedTempFile,
}

impl Exporter {
    fn start() -> Option<Self> {
        let mut config = tempfile::NamedTempFile::new().expect("a file is made");
        writeln!(config, "process_names:\n  - name: \"{{{{.Comm}}}}\"\n    cmdline: ['.+']").expect("it is written");
        // A port that was free a moment ago.
        let address = TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr()).expect("a port is free");
        let child = Command::new("prometheus-process-exporter")
            .arg(format!("-web.listen-address={address}"))
            .arg(format!("-config.path={}", config.path().display()))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .ok()?;
        let exporter = Self { child, address, _config: config };
        let minute = Duration::from_mins(1);
        procyon_testkit::eventually("it listens", minute, || TcpStream::connect(exporter.address).ok());
        Some(exporter)
    }

    /// Processor time that it takes to answer once.
    fn scrape(&mut self) -> Duration {
        let before = self.spent();
        let mut connection = TcpStream::connect(self.address).expect("it listens");
        let question = format!("GET /metrics HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n", self.address);
        connection.write_all(question.as_bytes()).expect("it reads");
        let mut answer = Vec::new();
        connection.read_to_end(&mut answer).expect("it answers");
        self.spent().saturating_sub(before)
    }

    /// Processor time of all its threads.
    fn spent(&self) -> Duration {
        let tasks = std::fs::read_dir(format!("/proc/{}/task", self.child.id())).expect("it runs");
        let nanos = tasks.flatten().filter_map(|task| {
            let stat = std::fs::read_to_string(task.path().join("schedstat")).ok()?;
            stat.split(' ').next()?.parse::<u64>().ok()
        });
        Duration::from_nanos(nanos.sum())
    }
}

impl Drop for Exporter {
    fn drop(&mut self) {
        if self.child.kill().is_ok() {
            self.child.wait().ok();
        }
    }
}

fn collector(source: Source) -> Collector {
    let hour = Duration::from_hours(1);
    let config = Config { source, slow_budget: 0.0, pss_budget: 0.0, connections: hour, ..Config::default() };
    Collector::new(&config, HostId(1), Arc::new(SystemClock)).expect("collecting starts")
}

/// One pass of a provider, whose rows are looked at and not kept.
fn pass(provider: &mut dyn ProcessProvider) -> usize {
    let mut count = 0;
    let look = &mut |raw: &RawProcess<'_>| {
        count += 1;
        black_box(raw);
    };
    provider.pass(look).expect("a pass");
    count
}

fn cpu() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(u64::try_from(time.tv_sec).unwrap_or(0), u32::try_from(time.tv_nsec).unwrap_or(0))
}

fn median(times: &mut [f64]) -> f64 {
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}

fn pids() -> Vec<CString> {
    let proc = openat(CWD, "/proc", OFlags::RDONLY | OFlags::DIRECTORY, Mode::empty()).expect("/proc opens");
    let mut room = vec![MaybeUninit::uninit(); 32 << 10];
    let mut entries = RawDir::new(&proc, &mut room);
    let mut pids = Vec::new();
    while let Some(entry) = entries.next() {
        let entry = entry.expect("/proc is read");
        if entry.file_name().to_bytes().first().is_some_and(u8::is_ascii_digit) {
            pids.push(entry.file_name().to_owned());
        }
    }
    pids
}

/// Opens, reads and closes the three files of every process, and looks at nothing.
fn bare() -> usize {
    let proc = openat(CWD, "/proc", OFlags::RDONLY | OFlags::DIRECTORY, Mode::empty()).expect("/proc opens");
    let mut room = vec![MaybeUninit::<u8>::uninit(); 32 << 10];
    let mut entries = RawDir::new(&proc, &mut room);
    let mut buffer = [0_u8; 8 << 10];
    let mut path = Vec::with_capacity(64);
    let mut count = 0;
    while let Some(entry) = entries.next() {
        let entry = entry.expect("/proc is read");
        let pid = entry.file_name().to_bytes();
        if !pid.first().is_some_and(u8::is_ascii_digit) {
            continue;
        }
        count += 1;
        for file in [&b"/stat\0"[..], b"/status\0", b"/io\0"] {
            path.clear();
            path.extend_from_slice(pid);
            path.extend_from_slice(file);
            let name = std::ffi::CStr::from_bytes_with_nul(&path).expect("one NUL at the end");
            if let Ok(file) = openat(&proc, name, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty()) {
                black_box(rustix::io::read(&file, &mut buffer).ok());
            }
        }
    }
    count
}

fn procfs_crate() -> usize {
    let processes = procfs::process::all_processes().expect("/proc is read");
    processes
        .flatten()
        .filter_map(|process| Some(black_box((process.stat().ok()?, process.status().ok()?, process.io().ok()))))
        .count()
}

fn refresh(system: &mut sysinfo::System) -> usize {
    let what = sysinfo::ProcessRefreshKind::nothing().with_cpu().with_memory().with_disk_usage().without_tasks();
    system.refresh_processes_specifics(sysinfo::ProcessesToUpdate::All, true, what)
}
