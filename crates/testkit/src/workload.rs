//! A process that does exactly what its arguments say, for tests that check what a monitor says about it.

#![expect(
    clippy::disallowed_methods,
    clippy::print_stdout,
    clippy::expect_used,
    clippy::panic,
    reason = "a test program: it measures time, prints, and stops at the first surprise"
)]

mod calls;
mod sockets;

use std::fs::{File, OpenOptions};
use std::hint::black_box;
use std::io::{Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use rustix::time::{ClockId, clock_gettime};

const USAGE: &str = "procyon-workload burn SHARE THREADS | alloc BYTES | io FILE WRITE READ | fds N | threads N | rename NAME | idle | calls | sleep-in CALL | sockets [DESCRIPTOR]";
const BLOCK: usize = 1 << 20;

fn main() {
    // Under another name it plays that program, whatever the arguments: for tests of command lines.
    if !called_by_its_name() {
        return hold(());
    }
    let arguments: Vec<String> = std::env::args_os().skip(1).map(|word| word.to_string_lossy().into_owned()).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["burn", share, threads] => burn(share.parse().expect(USAGE), threads.parse().expect(USAGE)),
        ["alloc", bytes] => hold(vec![1_u8; bytes.parse().expect(USAGE)]),
        ["io", file, write, read] => io(file, write.parse().expect(USAGE), read.parse().expect(USAGE)),
        ["fds", count] => {
            let count: usize = count.parse().expect(USAGE);
            hold((0..count).map(|_| File::open("/dev/null").expect("/dev/null opens")).collect::<Vec<_>>());
        }
        ["threads", count] => threads(count.parse().expect(USAGE)),
        ["rename", name] => {
            rustix::thread::set_name(&std::ffi::CString::new(*name).expect("a name without NUL")).expect("a new name");
            hold(());
        }
        // Further arguments are for whoever reads the command line.
        ["idle", ..] => hold(()),
        ["calls"] => {
            ready();
            calls::obey();
            report();
        }
        ["sleep-in", kind] => {
            ready();
            calls::sleep_in(kind);
            wait_for_end();
        }
        ["sockets"] => {
            sockets::obey(None);
            report();
        }
        ["sockets", inherited] => {
            sockets::obey(Some(inherited));
            report();
        }
        _ => {
            println!("{USAGE}");
            std::process::exit(2);
        }
    }
}

fn called_by_its_name() -> bool {
    let name = std::env::args_os().next().unwrap_or_default();
    std::path::Path::new(&name).file_name().is_none_or(|name| name == "procyon-workload")
}

/// Says that all is in place, keeps `held` until the input is closed, and says what it took.
fn hold<T>(held: T) {
    ready();
    wait_for_end();
    black_box(&held);
    drop(held);
    report();
}

fn ready() {
    println!("ready");
    std::io::stdout().flush().expect("output is open");
}

fn wait_for_end() {
    let mut rest = Vec::new();
    std::io::stdin().read_to_end(&mut rest).expect("input is open");
}

fn report() {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    println!("{}", i128::from(time.tv_sec) * 1_000_000_000 + i128::from(time.tv_nsec));
}

/// Burns `share` of a core in each thread, in slices of 20 ms.
fn burn(share: f64, threads: usize) {
    let stop = Arc::new(AtomicBool::new(false));
    let workers: Vec<_> = (0..threads)
        .map(|_| {
            let stop = Arc::clone(&stop);
            std::thread::spawn(move || {
                let slice = Duration::from_millis(20);
                let begin = Instant::now();
                let mut due = Duration::ZERO;
                while !stop.load(Ordering::Relaxed) {
                    let before = thread_cpu();
                    while thread_cpu().saturating_sub(before) < slice.mul_f64(share) && !stop.load(Ordering::Relaxed) {
                        black_box((0..2000_u64).fold(0, |sum: u64, n| sum.wrapping_mul(31).wrapping_add(n)));
                    }
                    due += slice;
                    std::thread::sleep(due.saturating_sub(begin.elapsed()));
                }
            })
        })
        .collect();
    ready();
    wait_for_end();
    stop.store(true, Ordering::Relaxed);
    for worker in workers {
        worker.join().expect("a worker ends");
    }
    report();
}

fn thread_cpu() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(u64::try_from(time.tv_sec).unwrap_or(0), u32::try_from(time.tv_nsec).unwrap_or(0))
}

/// Writes and reads past the page cache, so that what it asked for is what the disk did.
fn io(path: &str, write: usize, read: usize) {
    let mut buffer = vec![0_u8; BLOCK + 4096];
    let start = buffer.as_ptr().align_offset(4096);
    let block = buffer.get_mut(start..start + BLOCK).expect("the buffer is one page larger");
    let direct = i32::try_from(rustix::fs::OFlags::DIRECT.bits()).expect("a small flag");
    let mut file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(true)
        .custom_flags(direct)
        .open(path)
        .expect("the file opens with O_DIRECT");
    for _ in 0..write / BLOCK {
        file.write_all(block).expect("a block is written");
    }
    for at in 0..read / BLOCK {
        let at = (at % (write / BLOCK).max(1)) * BLOCK;
        std::os::unix::fs::FileExt::read_exact_at(&file, block, at as u64).expect("a block is read");
    }
    hold(file);
}

fn threads(count: usize) {
    let stop = Arc::new((std::sync::Mutex::new(false), std::sync::Condvar::new()));
    let started = Arc::new(std::sync::Barrier::new(count + 1));
    for _ in 0..count {
        let (stop, started) = (Arc::clone(&stop), Arc::clone(&started));
        let sleeper = move || {
            started.wait();
            let guard = stop.0.lock().expect("nobody panics");
            drop(stop.1.wait_while(guard, |stopped| !*stopped).expect("nobody panics"));
        };
        std::thread::Builder::new().stack_size(64 << 10).spawn(sleeper).expect("a thread starts");
    }
    started.wait();
    hold(());
}
