//! Right numbers: every figure against what the watched process did or what the kernel says of it.

use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use procyon_collect::{Collector, Config};
use procyon_model::key::HostId;
use procyon_model::{Frame, ProcessRow};
use procyon_testkit::{Workload, eventually, program};
use procyon_units::{Bytes, SystemClock};

const MIB: u64 = 1 << 20;

fn collector() -> Collector {
    let config = Config { interval: Duration::from_millis(200), ..Config::default() };
    Collector::new(&config, HostId(1), Arc::new(SystemClock)).unwrap()
}

fn row(frame: &Frame, pid: u32) -> &ProcessRow {
    frame.process_by_pid(pid).unwrap_or_else(|| panic!("process {pid} is in the frame"))
}

/// Processor time of all living threads, in nanoseconds. Source: `/proc/PID/task/*/schedstat`.
fn exact_cpu(pid: u32) -> Duration {
    let tasks = std::fs::read_dir(format!("/proc/{pid}/task")).unwrap();
    let nanos = tasks.map(|task| {
        let text = std::fs::read_to_string(task.unwrap().path().join("schedstat")).unwrap();
        text.split_whitespace().next().unwrap().parse::<u64>().unwrap()
    });
    Duration::from_nanos(nanos.sum())
}

/// Longest wait for what has to happen, on a machine that does much else.
const PATIENCE: Duration = Duration::from_mins(1);

fn close(what: &str, got: f64, expected: f64, share: f64) {
    assert!((got - expected).abs() <= expected * share, "{what}: got {got}, expected {expected} ± {} %", share * 100.0);
}

/// Seconds of processor time between two that are known for certain, within 3 %, and within what procfs rounds down: a
/// tick of user and one of system time at either end.
fn close_cpu(what: &str, got: f64, least: Duration, most: Duration) {
    let (least, most) = (least.as_secs_f64(), most.as_secs_f64());
    let allowed = most * 0.03 + 0.02;
    assert!(
        got >= least - allowed && got <= most + allowed,
        "{what}: got {got} s, expected {least} to {most} ± {allowed} s"
    );
}

/// A tick, and what the process had used for certain before and after it.
fn tick_between(collector: &mut Collector, pid: u32) -> (Duration, Arc<Frame>, Duration) {
    let before = exact_cpu(pid);
    let frame = collector.tick().unwrap();
    (before, frame, exact_cpu(pid))
}

fn burns(arguments: &[&str]) {
    let workload = Workload::start(arguments);
    let (mut collector, pid) = (collector(), workload.pid());
    collector.tick().unwrap();
    let (before_first, first, after_first) = tick_between(&mut collector, pid);
    std::thread::sleep(Duration::from_secs(3));
    let (before_second, second, after_second) = tick_between(&mut collector, pid);
    let (least, most) = (before_second.saturating_sub(after_first), after_second.saturating_sub(before_first));
    let elapsed = second.elapsed.unwrap().as_secs_f64();
    close_cpu("cores in use", row(&second, pid).rates.cpu().unwrap().0 * elapsed, least, most);
    let (earlier, later) = (row(&first, pid).cpu.total(), row(&second, pid).cpu.total());
    close_cpu("processor time", later.since(earlier).seconds(), least, most);
    let (least, last, _) = tick_between(&mut collector, pid);
    let in_all = row(&last, pid).cpu.total().seconds();
    let said = workload.finish();
    close_cpu("processor time in all", in_all, least, said);
}

#[test]
fn cpu_of_a_process_that_burns_a_known_share() {
    burns(&["burn", "0.4", "1"]);
}

#[test]
fn cpu_of_many_threads_is_their_sum() {
    burns(&["burn", "0.05", "12"]);
}

#[test]
fn memory_of_a_process_that_holds_a_known_amount() {
    let held = 300 * MIB;
    let workload = Workload::start(&["alloc", &held.to_string()]);
    let frame = collector().tick().unwrap();
    let memory = *row(&frame, workload.pid()).memory.get().unwrap();
    close("resident memory", Bytes::get(memory.resident) as f64, (held + 2 * MIB) as f64, 0.03);
    let status = std::fs::read_to_string(format!("/proc/{}/status", workload.pid())).unwrap();
    let kib = |name: &str| {
        let line = status.lines().find(|line| line.starts_with(name)).unwrap();
        line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap()
    };
    assert_eq!(memory.resident.kib(), kib("VmRSS:"));
    assert_eq!(memory.size.kib(), kib("VmSize:"));
    assert_eq!(memory.peak.kib(), kib("VmPeak:"));
    assert_eq!(memory.data.kib(), kib("VmData:"));
    assert_eq!(memory.page_tables.kib(), kib("VmPTE:"));
}

#[test]
fn proportional_memory_of_a_process_that_shares_nothing_is_what_it_holds() {
    let held = 64 * MIB;
    let workload = Workload::start(&["alloc", &held.to_string()]);
    let mut collector = collector();
    let pss = eventually("proportional memory is read", PATIENCE, || {
        let frame = collector.tick().unwrap();
        std::thread::sleep(Duration::from_millis(50));
        row(&frame, workload.pid()).pss.get().copied()
    });
    close("unique memory", pss.unique.get() as f64, held as f64, 0.03);
    assert!(pss.proportional >= pss.unique, "{pss:?}");
}

#[test]
fn disk_bytes_of_a_process_that_goes_past_the_page_cache() {
    let (written, read) = (48 * MIB, 24 * MIB);
    // Not below /tmp, which may be memory.
    let dir = PathBuf::from(env!("CARGO_TARGET_TMPDIR"));
    let file = dir.join(format!("io-{}", std::process::id()));
    let workload = Workload::start(&["io", file.to_str().unwrap(), &written.to_string(), &read.to_string()]);
    let frame = collector().tick().unwrap();
    let io = *row(&frame, workload.pid()).io.get().unwrap();
    drop(workload);
    std::fs::remove_file(file).unwrap();
    close("bytes written", io.written.get() as f64, written as f64, 0.03);
    // Loading the program may read from disk as well.
    assert!(io.read.get() >= read && io.read.get() < read + 16 * MIB, "read {} of {read}", io.read.get());
}

#[test]
fn open_files_threads_and_limit_are_counted() {
    let workload = Workload::start(&["fds", "321"]);
    let frame = collector().tick().unwrap();
    let fds = *row(&frame, workload.pid()).fds.get().unwrap();
    let there = std::fs::read_dir(format!("/proc/{}/fd", workload.pid())).unwrap().count() as u64;
    assert_eq!(fds.open, there);
    assert!(there >= 321);
    let limits = std::fs::read_to_string(format!("/proc/{}/limits", workload.pid())).unwrap();
    let soft =
        limits.lines().find(|line| line.starts_with("Max open files")).unwrap().split_whitespace().nth(3).unwrap();
    assert_eq!(fds.limit, soft.parse().ok());

    let workload = Workload::start(&["threads", "57"]);
    let frame = collector().tick().unwrap();
    assert_eq!(row(&frame, workload.pid()).threads, 58);
}

#[test]
fn a_new_name_is_seen_at_the_next_tick() {
    let mut collector = collector();
    collector.tick().unwrap();
    let workload = Workload::start(&["rename", "a) R 1 ("]);
    let frame = collector.tick().unwrap();
    assert_eq!(&*row(&frame, workload.pid()).descriptor.name, b"a) R 1 (");
    assert!(row(&frame, workload.pid()).descriptor.cmd.ends_with(b"rename a) R 1 ("));
}

#[test]
fn switches_are_summed_over_threads() {
    let workload = Workload::start(&["burn", "0.02", "8"]);
    let mut collector = collector();
    let begin = Instant::now();
    let kernel = || -> u64 {
        let tasks = std::fs::read_dir(format!("/proc/{}/task", workload.pid())).unwrap();
        tasks
            .map(|task| {
                let status = std::fs::read_to_string(task.unwrap().path().join("status")).unwrap();
                let line = status.lines().find(|line| line.starts_with("voluntary")).unwrap();
                line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap()
            })
            .sum()
    };
    while begin.elapsed() < Duration::from_secs(1) {
        std::thread::sleep(Duration::from_millis(50));
    }
    let before = kernel();
    let frame = eventually("switches are read", PATIENCE, || {
        let frame = collector.tick().unwrap();
        row(&frame, workload.pid()).switches.is_known().then_some(frame)
    });
    let after = kernel();
    let switches = row(&frame, workload.pid()).switches.get().copied().unwrap();
    assert!((before..=after).contains(&switches.voluntary), "{before} ≤ {} ≤ {after}", switches.voluntary);
}

#[test]
fn a_process_born_and_gone_between_two_others_is_never_taken_for_them() {
    let mut collector = collector();
    let first = collector.tick().unwrap();
    let workload = Workload::start(&["idle"]);
    let pid = workload.pid();
    assert!(first.process_by_pid(pid).is_none());
    let second = collector.tick().unwrap();
    let key = row(&second, pid).key;
    drop(workload);
    let third = collector.tick().unwrap();
    assert!(third.process(&key).is_none());
    // The kernel may take its time to say how it ended.
    let is_told = |frame: &Frame| frame.ended.iter().any(|ended| ended.row.key == key);
    if !is_told(&third) {
        eventually("its end is told", Duration::from_secs(10), || is_told(&collector.tick().unwrap()).then_some(()));
    }
    assert!(collector.tick().unwrap().ended.iter().all(|ended| ended.row.key != key));
}

#[test]
fn arguments_that_are_odd_are_kept_within_bounds() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;
    let odd = OsStr::from_bytes(b"\xff\xfe odd\nline");
    let long = "x".repeat(100_000);
    let workload = Workload::start_as(Command::new(program()).arg("idle").arg(odd).args([&long; 10]));
    let frame = collector().tick().unwrap();
    let descriptor = &row(&frame, workload.pid()).descriptor;
    assert!(descriptor.cmd.windows(2).any(|pair| pair == b"\xff\xfe"));
    assert!(descriptor.cmd_truncated);
    assert!(descriptor.cmd.len() <= 64 << 10);
}

#[test]
fn strings_of_a_process_are_there_at_first_sight_and_secrets_are_not() {
    let secret = "CANARY-7f3a";
    let workload = Workload::start(&["idle", &format!("--password={secret}"), "--user=ann"]);
    let mut collector = collector();
    collector.tick().unwrap();
    let frame = collector.tick().unwrap();
    let descriptor = &row(&frame, workload.pid()).descriptor;
    let text = format!("{descriptor:?}");
    let cmd = String::from_utf8_lossy(&descriptor.cmd);
    assert!(!cmd.contains(secret), "{cmd}");
    assert!(cmd.ends_with("--user=ann"), "{cmd}");
    assert!(descriptor.exe.ends_with(b"procyon-workload"), "{text}");
    assert_eq!(&*descriptor.user, b"root", "{text}");
    assert_eq!(&*row(&frame, workload.pid()).label, b"procyon-workloa");
}

#[test]
fn a_listening_port_joins_the_label() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let mut collector = collector();
    let ending = format!(":{port}");
    eventually("the label has the port", PATIENCE, || {
        let frame = collector.tick().unwrap();
        let label = String::from_utf8_lossy(&row(&frame, std::process::id()).label).into_owned();
        label.ends_with(&ending).then_some(())
    });
    let frame = collector.tick().unwrap();
    let mine = frame.connections.items.iter().find(|connection| connection.local.port() == port).unwrap();
    assert_eq!(mine.state.word(), "LISTEN");
    assert_eq!(mine.owner.as_ref().unwrap().key.pid, std::process::id());
}

#[test]
fn the_machine_agrees_with_procfs() {
    let workload = Workload::start(&["burn", "0.5", "1"]);
    let mut collector = collector();
    // Whatever is neither idle, nor I/O wait, nor steal is busy: the kernel loses ticks of the busy modes.
    let idle = || -> f64 {
        let text = std::fs::read_to_string("/proc/stat").unwrap();
        let ticks: Vec<f64> =
            text.lines().next().unwrap().split_whitespace().skip(1).map(|word| word.parse().unwrap()).collect();
        (ticks[3] + ticks[4] + ticks[7]) / 100.0
    };
    let cores =
        std::fs::read_to_string("/proc/stat").unwrap().lines().filter(|line| line.starts_with("cpu")).count() - 1;
    // What is known for certain before and after each of two ticks: the truth lies within, whatever comes between.
    let mut around = || {
        let before = (Instant::now(), idle());
        let frame = collector.tick().unwrap();
        let idle = idle();
        (before, frame, (Instant::now(), idle))
    };
    let (outer_begin, _, inner_begin) = around();
    std::thread::sleep(Duration::from_secs(3));
    let (inner_end, frame, outer_end) = around();
    let inner = (inner_end.0 - inner_begin.0).as_secs_f64();
    let outer = (outer_end.0 - outer_begin.0).as_secs_f64();
    let least = cores as f64 - (outer_end.1 - outer_begin.1) / inner;
    let most = cores as f64 - (inner_end.1 - inner_begin.1) / outer;
    let said = frame.machine.cpu.get().unwrap().busy();
    assert!(said > least - 0.08 && said < most + 0.08, "busy cores: {said}, /proc/stat says {least} to {most}");
    drop(workload);

    let meminfo = std::fs::read_to_string("/proc/meminfo").unwrap();
    let total = meminfo.lines().next().unwrap().split_whitespace().nth(1).unwrap().parse::<u64>().unwrap();
    assert_eq!(frame.machine.memory.get().unwrap().total.kib(), total);
    let listed = || {
        let entries = std::fs::read_dir("/proc").unwrap();
        entries.filter(|entry| entry.as_ref().unwrap().file_name().to_str().unwrap().parse::<u32>().is_ok()).count()
    };
    eventually("the frame has as many processes as procfs lists", PATIENCE, || {
        let before = listed();
        let found = collector.tick().unwrap().processes.len();
        let after = listed();
        (before.min(after)..=before.max(after)).contains(&found).then_some(())
    });
}

#[test]
fn every_process_of_procfs_is_in_the_frame_with_the_same_start() {
    let frame = collector().tick().unwrap();
    let mut compared = 0;
    for row in &frame.processes {
        // What ended meanwhile says nothing.
        let Ok(stat) = std::fs::read(format!("/proc/{}/stat", row.key.pid)) else { continue };
        let after = stat.iter().rposition(|byte| *byte == b')').unwrap() + 2;
        let fields: Vec<&[u8]> = stat[after..].split(|byte| *byte == b' ').collect();
        let number = |at: usize| std::str::from_utf8(fields[at - 3]).unwrap().trim().parse::<u64>().unwrap();
        assert_eq!(row.key.start.0, number(22));
        assert_eq!(u64::from(row.ppid), number(4));
        compared += 1;
    }
    assert!(compared > 10);
}

/// A column of a line of a kernel table, the line found by the word in its column `key`.
fn field(path: &str, key: usize, word: &str, at: usize) -> u64 {
    let text = std::fs::read_to_string(path).unwrap();
    let line =
        text.lines().map(|line| line.replace(':', " ")).find(|line| line.split_whitespace().nth(key) == Some(word));
    line.unwrap().split_whitespace().nth(at).unwrap().parse().unwrap()
}

#[test]
fn traffic_of_an_interface_agrees_with_procfs() {
    let mut collector = collector();
    let between = Instant::now();
    collector.tick().unwrap();
    let (server, sent) = (std::net::UdpSocket::bind("127.0.0.1:0").unwrap(), 4000);
    let client = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    client.connect(server.local_addr().unwrap()).unwrap();
    for _ in 0..sent {
        client.send(&[7; 1000]).unwrap();
    }
    let before = field("/proc/net/dev", 0, "lo", 1);
    let frame = collector.tick().unwrap();
    let after = field("/proc/net/dev", 0, "lo", 1);
    let lo = frame.machine.interfaces.iter().find(|interface| &*interface.name == "lo").unwrap();
    assert!((before..=after).contains(&lo.received_total.get()), "{before} ≤ {} ≤ {after}", lo.received_total.get());
    let received = lo.rates.get().unwrap().received.0 * between.elapsed().as_secs_f64();
    assert!(received >= f64::from(sent) * 1000.0, "{received} bytes within the tick");
}

#[test]
fn work_of_a_disk_agrees_with_procfs() {
    let mut collector = collector();
    let begin = Instant::now();
    let first = collector.tick().unwrap();
    let least = Instant::now();
    let dir = PathBuf::from(env!("CARGO_TARGET_TMPDIR"));
    let file = dir.join(format!("disk-{}", std::process::id()));
    let written = 32 * MIB;
    drop(Workload::start(&["io", file.to_str().unwrap(), &written.to_string(), "0"]));
    std::fs::remove_file(file).unwrap();
    let before: Vec<u64> =
        first.machine.disks.iter().map(|disk| field("/proc/diskstats", 2, &disk.name, 9) * 512).collect();
    let least = least.elapsed().as_secs_f64();
    let second = collector.tick().unwrap();
    let most = begin.elapsed().as_secs_f64();
    let mut grown = 0;
    for (disk, before) in first.machine.disks.iter().zip(before) {
        let after = field("/proc/diskstats", 2, &disk.name, 9) * 512;
        let Some(now) = second.machine.disks.iter().find(|other| other.name == disk.name) else { continue };
        let total = now.written_total.get();
        assert!((before..=after).contains(&total), "{}: {before} ≤ {total} ≤ {after}", disk.name);
        let rate = now.rates.get().unwrap().written.0;
        let difference = total - disk.written_total.get();
        assert!(
            rate * least <= difference as f64 + 1.0 && rate * most >= difference as f64 - 1.0,
            "{}: {rate} bytes a second by the rate, {difference} by the counter in {least} to {most} s",
            disk.name
        );
        grown = grown.max(difference);
    }
    assert!(grown >= written, "{grown} bytes reached a disk, {written} were written");
}
