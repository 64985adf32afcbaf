//! The books balance: what processes did, living and ended, against what the machine was busy.

use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use procyon_collect::{Collector, Config, Source};
use procyon_model::catalogue;
use procyon_model::frame::Frame;
use procyon_model::key::HostId;
use procyon_testkit::Workload;
use procyon_units::{Reading, SystemClock};

/// The long round of 60 s is `bench/books.py`.
const WATCHED: Duration = Duration::from_secs(12);

fn collector(source: Source) -> Collector {
    let config = Config { source, slow_budget: 0.0, pss_budget: 0.0, ..Config::default() };
    Collector::new(&config, HostId(1), Arc::new(SystemClock)).unwrap()
}

fn figure(frame: &Frame, id: &str) -> Option<f64> {
    let figure = catalogue::HOST.iter().find(|figure| figure.meta.id == id).unwrap();
    (figure.value)(frame).number()
}

/// Runs short lives without end, two at a time.
struct ShortLives(std::process::Child);

impl ShortLives {
    fn start() -> Self {
        let script = "while :; do /bin/true & /bin/true; wait; done";
        Self(Command::new("sh").args(["-c", script]).stdin(Stdio::null()).spawn().unwrap())
    }
}

impl Drop for ShortLives {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

#[test]
fn what_the_machine_did_is_what_processes_did() {
    let mut collector = collector(Source::Auto);
    let frame = collector.tick().unwrap();
    assert_eq!(frame.machine.attributed.cpu, Reading::Pending);
    if frame.health.features.iter().any(|feature| feature.id != "network" && feature.source != "ebpf") {
        return;
    }
    let _lives = (Workload::start(&["burn", "0.3", "2"]), ShortLives::start(), ShortLives::start());
    // Ends are told a moment late: those of before the beginning make up for those of before the end.
    let warm = Instant::now() + Duration::from_secs(2);
    while Instant::now() < warm {
        std::thread::sleep(Duration::from_millis(200));
        collector.tick().unwrap();
    }
    let (end, mut busy, mut processes, mut ended) = (Instant::now() + WATCHED, 0.0, 0.0, 0);
    let last = loop {
        std::thread::sleep(Duration::from_millis(500));
        let frame = collector.tick().unwrap();
        let elapsed = frame.elapsed.unwrap().as_secs_f64();
        busy += frame.machine.cpu.get().unwrap().busy() * elapsed;
        processes += frame.machine.attributed.cpu.get().unwrap().0 * elapsed;
        ended += frame.ended.len();
        if Instant::now() > end {
            break frame;
        }
    };
    assert!(ended > 500, "{ended} short lives");
    let ratio = processes / busy;
    assert!((0.95..=1.04).contains(&ratio), "{processes} s of processes are {ratio} of {busy} s");
    let share = last.machine.attributed.share.get().unwrap().0;
    assert!((0.93..=1.06).contains(&share), "{share}");
    let (all, of_processes) = (figure(&last, "cpu_busy").unwrap(), figure(&last, "cpu_proc").unwrap());
    let rest = figure(&last, "cpu_rest").unwrap();
    assert!((rest - (all - of_processes).max(0.0)).abs() < 1e-9, "{rest} is {all} less {of_processes}");
}

#[test]
fn bytes_of_disks_that_a_dead_process_moved_count() {
    let mut collector = collector(Source::Auto);
    let frame = collector.tick().unwrap();
    if frame.health.features.iter().any(|feature| feature.id != "network" && feature.source != "ebpf") {
        return;
    }
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let file = folder.path().join("file");
    let output = format!("of={}", file.display());
    let mut written = 0.0;
    let mut child = Command::new("dd")
        .args(["if=/dev/zero", &output, "bs=1M", "count=16", "conv=fsync"])
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    child.wait().unwrap();
    let told = procyon_testkit::eventually("its end is told", Duration::from_secs(90), || {
        let frame = collector.tick().unwrap();
        let elapsed = frame.elapsed.unwrap().as_secs_f64();
        written += frame.machine.attributed.written.get().unwrap().0 * elapsed;
        frame.ended.iter().find(|ended| ended.row.key.pid == child.id()).cloned()
    });
    let own = told.row.io.get().unwrap().written.0 as f64;
    // Folders of some kinds (in memory, shared with the outside) have no disk.
    assert!(written >= own - 1.0, "{written} of {own} bytes");
}
