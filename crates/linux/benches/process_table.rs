//! What one pass over the process table costs, beside a bare reader of the same three files and two known crates.
//!
//! Rounds are interleaved, times are processor time of this thread, figures are medians.
//! `cargo bench -p procyon-linux --bench process_table -- [--processes N] [--rounds N] [--json]`

#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::disallowed_methods,
    clippy::cast_precision_loss,
    reason = "a program for people at a terminal, stopping at the first surprise"
)]

use std::fmt::Write as _;
use std::hint::black_box;
use std::io::Read;
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;
use std::process::{Child, ChildStdin, Command, Stdio};

use procyon_linux::root::Root;
use procyon_linux::walk::{Descriptors, ProcessWalk};
use rustix::fs::{CWD, Mode, OFlags, RawDir, SeekFrom, openat, seek};
use rustix::time::{ClockId, clock_gettime};

/// The argument by which this program knows that it is one of its own idle children.
const SLEEPER: &str = "--sleeper";

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    if arguments.iter().any(|argument| argument == SLEEPER) {
        // Ends when the parent closes the pipe, also when it was killed.
        std::io::stdin().read_to_end(&mut Vec::new()).unwrap();
        return;
    }
    let number = |name: &str, default: usize| {
        arguments.iter().skip_while(|argument| *argument != name).nth(1).map_or(default, |text| text.parse().unwrap())
    };
    let json = arguments.iter().any(|argument| argument == "--json");
    procyon_linux::own::raise_descriptor_limit();
    let children = Children::start(number("--processes", 1000));
    measure(number("--rounds", 21), json);
    drop(children);
}

/// Idle processes that end with this one.
struct Children {
    all: Vec<(Child, Option<ChildStdin>)>,
}

impl Children {
    fn start(count: usize) -> Self {
        let program = std::env::current_exe().unwrap();
        let all = (0..count).map(|_| {
            let mut child = Command::new(&program).arg(SLEEPER).stdin(Stdio::piped()).spawn().unwrap();
            let stdin = child.stdin.take();
            (child, stdin)
        });
        Self { all: all.collect() }
    }
}

impl Drop for Children {
    fn drop(&mut self) {
        for (_, stdin) in &mut self.all {
            stdin.take();
        }
        for (child, _) in &mut self.all {
            child.wait().unwrap();
        }
    }
}

/// One way to read the table; returns how many processes it saw.
type Pass<'a> = Box<dyn FnMut() -> usize + 'a>;

fn measure(rounds: usize, json: bool) {
    let mut bare = Bare::new();
    let mut fresh = ProcessWalk::new(&Root::live(), Descriptors::Reopen).unwrap();
    let mut held = ProcessWalk::new(&Root::live(), Descriptors::within_limit()).unwrap();
    let mut system = sysinfo::System::new().unwrap();
    let mut passes: Vec<(&str, Pass<'_>)> = vec![
        ("bare", Box::new(|| bare.pass())),
        ("ours, reopened", Box::new(|| walk(&mut fresh))),
        ("ours, held", Box::new(|| walk(&mut held))),
        ("procfs crate", Box::new(procfs_pass)),
        ("sysinfo crate", Box::new(|| sysinfo_pass(&mut system))),
    ];
    let mut times: Vec<Vec<f64>> = vec![Vec::new(); passes.len()];
    // The first round warms caches up and opens what is held.
    for round in 0..=rounds {
        for ((_, pass), times) in passes.iter_mut().zip(&mut times) {
            let before = thread_cpu();
            let count = pass();
            let spent = thread_cpu() - before;
            if round > 0 {
                times.push(spent / count as f64);
            }
        }
    }
    let names: Vec<&str> = passes.iter().map(|(name, _)| *name).collect();
    report(&names, &times.into_iter().map(median).collect::<Vec<_>>(), json);
}

fn report(names: &[&str], medians: &[f64], json: bool) {
    let bare = medians.first().copied().unwrap_or(f64::NAN);
    let mut text = String::new();
    for (name, median) in names.iter().zip(medians) {
        let ratio = median / bare;
        if json {
            let comma = if text.is_empty() { "" } else { "," };
            write!(
                text,
                "{comma}{{\"reader\":\"{name}\",\"us_per_process\":{median:.3},\"ratio_to_bare\":{ratio:.3}}}"
            )
            .unwrap();
        } else {
            writeln!(text, "{name:<16} {median:>8.2} us a process   {ratio:>5.2} x bare").unwrap();
        }
    }
    if json { println!("[{text}]") } else { print!("{text}") }
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

/// Processor time of this thread in microseconds.
fn thread_cpu() -> f64 {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    time.tv_sec as f64 * 1e6 + time.tv_nsec as f64 / 1e3
}

/// Opens, reads and closes, and looks at nothing: what the kernel alone costs.
struct Bare {
    proc: OwnedFd,
    entries: Vec<MaybeUninit<u8>>,
    buffer: Vec<u8>,
}

impl Bare {
    fn new() -> Self {
        let proc = openat(CWD, "/proc", OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty()).unwrap();
        Self { proc, entries: vec![MaybeUninit::uninit(); 32 << 10], buffer: vec![0; 8 << 10] }
    }

    fn pass(&mut self) -> usize {
        seek(&self.proc, SeekFrom::Start(0)).unwrap();
        let mut count = 0;
        let mut entries = RawDir::new(&self.proc, &mut self.entries);
        while let Some(entry) = entries.next() {
            let entry = entry.unwrap();
            let name = entry.file_name().to_bytes();
            if !name.first().is_some_and(u8::is_ascii_digit) {
                continue;
            }
            count += 1;
            for file in ["/stat\0", "/status\0", "/io\0"] {
                let mut path = [0_u8; 32];
                let (number, rest) = path.split_at_mut(name.len());
                number.copy_from_slice(name);
                rest.get_mut(..file.len()).unwrap().copy_from_slice(file.as_bytes());
                let path = std::ffi::CStr::from_bytes_until_nul(&path).unwrap();
                if let Ok(file) = openat(&self.proc, path, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty()) {
                    black_box(rustix::io::read(&file, &mut self.buffer).unwrap_or(0));
                }
            }
        }
        count
    }
}

fn walk(table: &mut ProcessWalk) -> usize {
    let counts = table.walk(|files| {
        black_box(&files);
    });
    usize::try_from(counts.unwrap().read).unwrap()
}

fn procfs_pass() -> usize {
    let mut count = 0;
    for process in procfs::process::all_processes().unwrap().flatten() {
        black_box((process.stat().ok(), process.status().ok(), process.io().ok()));
        count += 1;
    }
    count
}

fn sysinfo_pass(system: &mut sysinfo::System) -> usize {
    let wanted = sysinfo::ProcessRefreshKind::nothing().with_cpu().with_memory().with_disk_usage();
    black_box(system.refresh_processes_specifics(sysinfo::ProcessesToUpdate::All, true, wanted));
    // The crate counts threads as processes; here only processes count.
    system.processes().values().filter(|process| process.thread_kind().is_none()).count()
}
