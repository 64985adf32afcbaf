//! The last minutes in memory, on frames made by hand.

#![expect(
    clippy::unwrap_used,
    clippy::cast_precision_loss,
    reason = "a test stops at the first surprise; seconds are small"
)]

use std::sync::Arc;
use std::time::Duration;

use procyon_model::descriptor::Descriptor;
use procyon_model::frame::{CollectHealth, Death, EndedProcess, Exit, Frame, HostIdentity, Pace};
use procyon_model::machine::Machine;
use procyon_model::process::{CpuCounters, Faults, Memory, ProcessState, Rates};
use procyon_model::{ProcessKey, ProcessRow};
use procyon_series::{Limits, Range, Series, column, host_column};
use procyon_units::{Bytes, Cores, Mono, Reading, Ticks, Wall};

fn row(pid: u32, start: u64, cpu: f64, resident: u64) -> ProcessRow {
    let descriptor = Descriptor { name: (*b"work").into(), ..Descriptor::default() };
    ProcessRow {
        key: ProcessKey { pid, start: Ticks(start), boot: 7 },
        ppid: 1,
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
        label: Arc::from(&b"work"[..]),
        cpu: CpuCounters::default(),
        faults: Faults::default(),
        memory: Reading::Known(Memory { resident: Bytes(resident), ..Memory::default() }),
        io: Reading::Forbidden,
        switches: Reading::Pending,
        run_delay: Reading::Pending,
        net: Reading::Unsupported,
        pss: Reading::Pending,
        fds: Reading::Pending,
        oom: Reading::Pending,
        wchan: Reading::Pending,
        rates: Rates { cpu_user: Reading::Known(Cores(cpu)), cpu_system: Reading::Known(Cores(0.0)), ..Rates::PENDING },
    }
}

fn frame(second: i64, processes: Vec<ProcessRow>) -> Arc<Frame> {
    Arc::new(bare(second, processes))
}

fn bare(second: i64, processes: Vec<ProcessRow>) -> Frame {
    Frame {
        host: Arc::new(HostIdentity { cpus: 4, ..HostIdentity::default() }),
        seq: second.unsigned_abs() + 1,
        wall: Wall::from_unix_ms(second * 1000),
        mono: Mono(second.unsigned_abs() * 1_000_000_000),
        elapsed: None,
        pace: Pace::default(),
        machine: Machine { processes: processes.len() as u64, ..Machine::default() },
        processes,
        ended: Vec::new(),
        connections: procyon_model::frame::Aged::default(),
        filesystems: procyon_model::frame::Aged::default(),
        users: procyon_model::frame::Aged::default(),
        containers: Arc::from([]),
        health: Arc::new(CollectHealth::default()),
    }
}

fn at(second: i64) -> Wall {
    Wall::from_unix_ms(second * 1000)
}

fn range(from: i64, to: i64, step: u64) -> Range {
    Range { from: at(from), to: at(to), step: Duration::from_secs(step) }
}

fn columns(ids: &[&str]) -> Vec<usize> {
    ids.iter().map(|id| column(id).unwrap()).collect()
}

#[test]
fn values_come_back_as_they_went_in() {
    let series = Series::new(Limits::default());
    for second in 0..10 {
        let cpu = if second % 2 == 0 { 0.5 } else { 1.0 };
        series.record(&frame(second, vec![row(1, 1, cpu, 4096), row(2, 1, 0.0, 1)]));
    }
    let key = row(1, 1, 0.0, 0).key;
    let line = series.process(&series.grid(range(0, 9, 1)), &key, &columns(&["cpu", "rss", "read"])).unwrap();
    assert_eq!(line.values[0], (0..10).map(|s| Some(if s % 2 == 0 { 0.5 } else { 1.0 })).collect::<Vec<_>>());
    assert_eq!(line.values[1], vec![Some(4096.0); 10]);
    assert_eq!(line.values[2], vec![None; 10], "what is not known is not zero");
    let grid = series.grid(range(0, 9, 5));
    assert_eq!(grid.times, [0, 5000]);
    let line = series.process(&grid, &key, &columns(&["cpu"])).unwrap();
    assert_eq!(line.values[0], [Some(0.7), Some(0.8)], "an instant has the mean until the next one");
    let processes = series.host(&grid, &[host_column("processes").unwrap()]);
    assert_eq!(processes[0], [Some(2.0), Some(2.0)]);
    assert!(host_column("boot_time").is_none() && host_column("banana").is_none());
}

#[test]
fn gaps_and_lives_are_null_outside() {
    let series = Series::new(Limits::default());
    series.record(&frame(10, vec![row(1, 1, 0.5, 1)]));
    series.record(&frame(13, vec![row(1, 1, 0.5, 1), row(2, 9, 0.25, 1)]));
    series.record(&frame(14, vec![row(2, 9, 0.25, 1)]));
    let grid = series.grid(range(9, 15, 1));
    let cpu =
        |pid, start| series.process(&grid, &row(pid, start, 0.0, 0).key, &columns(&["cpu"])).unwrap().values[0].clone();
    assert_eq!(cpu(1, 1), [None, Some(0.5), None, None, Some(0.5), None, None]);
    assert_eq!(cpu(2, 9), [None, None, None, None, Some(0.25), Some(0.25), None]);
    assert!(
        series.process(&grid, &row(2, 10, 0.0, 0).key, &columns(&["cpu"])).is_none(),
        "the same pid is another process"
    );
    let alive: Vec<u32> =
        series.all_processes(&grid, &columns(&["cpu"]), 100).iter().map(|line| line.key.pid).collect();
    assert_eq!(alive, [2]);
}

#[test]
fn the_window_passes_and_takes_the_ended_along() {
    let series = Series::new(Limits { window: Duration::from_secs(20), ..Limits::default() });
    for second in 0..100 {
        let mut processes = vec![row(1, 1, 0.5, 1)];
        if second < 50 {
            processes.push(row(2, 1, second as f64, 1));
        }
        series.record(&frame(second, processes));
    }
    let key = row(2, 1, 0.0, 0).key;
    assert!(series.process(&series.grid(range(0, 99, 1)), &key, &columns(&["cpu"])).is_none());
    let line = series.process(&series.grid(range(85, 99, 1)), &row(1, 1, 0.0, 0).key, &columns(&["cpu"])).unwrap();
    assert_eq!(line.values[0], vec![Some(0.5); 15], "a value that never changed is still known");
}

#[test]
fn bytes_stay_under_the_limit_and_loss_is_counted() {
    let limits = Limits { window: Duration::from_mins(15), bytes: 2 << 20 };
    let series = Series::new(limits);
    for second in 0..1000_i64 {
        let noisy = |pid: u32| {
            row(pid, 1, f64::from(pid) + second as f64 / 100.0, second.unsigned_abs() * 4096 + u64::from(pid))
        };
        series.record(&frame(second, (1..=200).map(noisy).collect()));
    }
    let usage = series.usage();
    assert!(usage.bytes <= limits.bytes && usage.bytes > limits.bytes / 4, "{usage:?}");
    assert!(usage.dropped > 0, "{usage:?}");
    let grid = series.grid(range(990, 999, 1));
    let line = series.process(&grid, &row(7, 1, 0.0, 0).key, &columns(&["rss"])).unwrap();
    assert!(line.values[0].iter().all(Option::is_some), "the newest stays: {line:?}");
}

#[test]
fn a_storm_of_short_lives_is_bounded() {
    let series = Series::new(Limits::default());
    for second in 0..60_i64 {
        let processes =
            (0..200).map(|at| row(1000 + u32::try_from(second).unwrap() * 200 + at, 1, 0.1, 1)).collect::<Vec<_>>();
        let ended = processes.iter().map(|row| EndedProcess {
            row: row.clone(),
            at: at(second),
            exit: Reading::Unsupported,
            death: Death::default(),
        });
        let ended = ended.collect();
        series.record(&Arc::new(Frame { ended, ..bare(second, processes) }));
    }
    let usage = series.usage();
    assert!(usage.bytes <= usage.limit, "{usage:?}");
    assert!(series.ended(at(59)).len() == 200 && series.ended(at(0)).len() <= 4096);
}

#[test]
fn who_is_gone_has_an_end_from_then_on() {
    let series = Series::new(Limits { window: Duration::from_mins(1), ..Limits::default() });
    let (stays, goes) = (row(1, 1, 0.0, 1), row(2, 5, 0.5, 1));
    series.record(&frame(0, vec![stays.clone(), goes.clone()]));
    let end = |series: &Series| series.end_of(&goes.key).map(|end| (end.at, end.exit));
    // The next frame is out already and has not got here.
    assert_eq!(end(&series), Some((at(0), Reading::Pending)));
    series.record(&frame(1, vec![stays.clone(), row(2, 6, 0.5, 1)]));
    assert_eq!(end(&series), Some((at(1), Reading::Pending)), "its pid has another process now");
    assert!(series.ended(at(0)).is_empty(), "nobody has told how");
    let exit = Reading::Known(Exit::Code(3));
    let told = EndedProcess { row: goes.clone(), at: at(1), exit, death: Death::default() };
    series.record(&Arc::new(Frame { ended: vec![told], ..bare(3, vec![stays.clone()]) }));
    assert_eq!(end(&series), Some((at(1), exit)));
    assert_eq!(series.ended(at(0)).len(), 1);
    series.record(&frame(61, vec![stays.clone()]));
    assert_eq!(end(&series), Some((at(1), exit)));
    series.record(&frame(62, vec![stays]));
    assert_eq!((end(&series), series.ended(at(0)).len()), (None, 0), "the window has passed it");
}

#[test]
fn strings_of_the_ended_stay_in_the_top() {
    let series = Series::new(Limits::default());
    let mut brief = row(2, 1, 3.0, 1);
    brief.descriptor = Arc::new(Descriptor { cmd: (*b"make -j8").into(), ..Descriptor::default() });
    series.record(&frame(0, vec![row(1, 1, 0.1, 1), brief]));
    series.record(&frame(1, vec![row(1, 1, 0.1, 1)]));
    let top = series.top(at(0), at(1), column("cpu").unwrap(), 1);
    assert_eq!(&*top.entries[0].descriptor.cmd, b"make -j8");
}

#[test]
fn five_hundred_ordinary_processes_fit_well() {
    let series = Series::new(Limits::default());
    // A sixth of them does something all the time.
    for second in 0..900_i64 {
        let one = |pid: u32| {
            let busy = pid.is_multiple_of(6);
            if busy {
                row(pid, 1, second as f64 / 1000.0, second.unsigned_abs() * 4096)
            } else {
                row(pid, 1, 0.0, 4096)
            }
        };
        series.record(&frame(second, (1..=500).map(one).collect()));
    }
    let usage = series.usage();
    assert!(usage.bytes < 6 << 20 && usage.dropped == 0, "{usage:?}");
}

#[test]
fn the_mean_counts_the_time_before_birth_as_nothing() {
    let series = Series::new(Limits::default());
    for second in 0..10 {
        let mut processes = vec![row(1, 1, 0.2, 1)];
        if second >= 5 {
            processes.push(row(2, 1, 1.0, 1));
        }
        series.record(&frame(second, processes));
    }
    let top = series.top(at(0), at(9), column("cpu").unwrap(), 1);
    assert_eq!((top.entries[0].key.pid, top.other_count), (2, 1));
    assert!((top.entries[0].mean - 0.5).abs() < 1e-6 && (top.other_value - 0.2).abs() < 1e-6, "{top:?}");
}

#[test]
fn frames_are_taken_up_beside_the_collector() {
    let series = Series::new(Limits::default());
    let feed = procyon_model::feed::Feed::new();
    feed.attach(series.consumer().unwrap());
    feed.publish(&frame(1, vec![row(1, 1, 0.5, 1)]));
    procyon_testkit::eventually("the frame is there", Duration::from_mins(1), || {
        (!series.all_processes(&series.grid(range(0, 2, 1)), &[0], 10).is_empty()).then_some(())
    });
}
