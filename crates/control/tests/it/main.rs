//! Signals to real processes that the test starts, and what the audit log says of them and of traces.

#![expect(clippy::unwrap_used, clippy::disallowed_methods, reason = "tests may stop where they fail")]

use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Command};
use std::sync::Arc;

use procyon_control::{Actor, Audit, Control, ControlError, Engine, Gone, How, Role, Signal, look_up};
use procyon_diag::Kind;
use procyon_model::ProcessKey;
use procyon_units::{SystemClock, Ticks};

const BOOT: u32 = 0x3f9a_1c07;

struct Bench {
    dir: tempfile::TempDir,
    control: Control,
}

impl Bench {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let control = Control::new(Audit::in_directory(dir.path()), BOOT, Arc::new(SystemClock));
        Self { dir, control }
    }

    fn audit(&self) -> Vec<serde_json::Value> {
        let text = std::fs::read_to_string(self.dir.path().join("audit.jsonl")).unwrap_or_default();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

fn operator() -> Actor {
    Actor { role: Role::Operator, name: "alice".to_owned(), from: "127.0.0.1:5000".to_owned() }
}

fn sleeper() -> Child {
    Command::new("sleep").arg("600").spawn().unwrap()
}

#[test]
fn a_signal_reaches_the_process_and_the_log_says_so_before_and_after() {
    let bench = Bench::new();
    let mut child = sleeper();
    let (key, found) = look_up(child.id(), BOOT).unwrap();
    let sent = bench.control.signal(&operator(), &key, Signal::TERM).unwrap();
    assert_eq!(sent.start, found.start);
    assert_eq!(child.wait().unwrap().signal(), Some(15));

    let audit = bench.audit();
    assert_eq!(audit.len(), 2);
    assert_eq!((&audit[0]["phase"], &audit[1]["phase"]), (&"before".into(), &"after".into()));
    assert_eq!(audit[0]["id"], audit[1]["id"]);
    assert_eq!(audit[1]["result"], "sent");
    for (field, value) in [
        ("role", "operator"),
        ("name", "alice"),
        ("from", "127.0.0.1:5000"),
        ("signal", "SIGTERM"),
        ("action", "signal"),
    ] {
        assert_eq!(audit[0][field], value, "{field}");
    }
    assert_eq!(audit[0]["key"], key.to_string());
    let mode = std::os::unix::fs::MetadataExt::mode(&std::fs::metadata(bench.control_path()).unwrap());
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn a_real_time_signal_reaches_the_process() {
    let bench = Bench::new();
    for (text, number) in [("SIGRTMIN+3", 37), ("64", 64)] {
        let mut child = sleeper();
        let (key, _) = look_up(child.id(), BOOT).unwrap();
        bench.control.signal(&operator(), &key, text.parse().unwrap()).unwrap();
        assert_eq!(child.wait().unwrap().signal(), Some(number), "{text}");
    }
    let named: Vec<_> = bench.audit().iter().step_by(2).map(|entry| entry["signal"].clone()).collect();
    assert_eq!(named, ["SIGRTMIN+3", "SIGRTMAX"]);
}

impl Bench {
    fn control_path(&self) -> std::path::PathBuf {
        self.dir.path().join("audit.jsonl")
    }
}

#[test]
fn another_process_with_the_same_pid_is_left_alone() {
    let bench = Bench::new();
    let mut child = sleeper();
    let (key, _) = look_up(child.id(), BOOT).unwrap();
    let earlier = ProcessKey { start: Ticks(key.start.0 - 1), ..key };
    let error = bench.control.signal(&operator(), &earlier, Signal::KILL).unwrap_err();
    assert!(matches!(error, ControlError::Gone(Gone::Replaced { .. })), "{error}");
    assert_eq!(error.kind(), Kind::Conflict);
    let told = procyon_diag::message_of(&error);
    assert_eq!(told.matches("its pid now belongs to").count(), 1, "{told}");
    let other_boot = ProcessKey { boot: 1, ..key };
    assert_eq!(bench.control.signal(&operator(), &other_boot, Signal::KILL).unwrap_err().kind(), Kind::Conflict);
    assert!(child.try_wait().unwrap().is_none(), "it still runs");
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(bench.audit().iter().all(|entry| entry["result"] == "refused"));
}

#[test]
fn a_process_that_ended_is_not_found_even_as_a_zombie() {
    let bench = Bench::new();
    let mut child = sleeper();
    let (key, _) = look_up(child.id(), BOOT).unwrap();
    child.kill().unwrap();
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(10);
    while look_up(child.id(), BOOT).is_some() {
        assert!(std::time::Instant::now() < deadline, "it becomes a zombie");
        std::thread::yield_now();
    }
    let error = bench.control.signal(&operator(), &key, Signal::TERM).unwrap_err();
    assert_eq!(error.to_string(), format!("process {} has ended; nothing was sent", key.pid));
    child.wait().unwrap();
    assert_eq!(bench.control.signal(&operator(), &key, Signal::TERM).unwrap_err().kind(), Kind::NotFound);
}

#[test]
fn pid_1_kernel_threads_and_ourselves_are_refused() {
    let bench = Bench::new();
    let refused = |pid: u32| {
        let (key, _) = look_up(pid, BOOT).unwrap();
        let error = bench.control.signal(&operator(), &key, "CONT".parse().unwrap()).unwrap_err();
        assert_eq!(error.kind(), Kind::NotPermitted, "{pid}: {error}");
        error.to_string()
    };
    assert!(refused(1).contains("process 1"));
    assert!(refused(std::process::id()).contains("itself"));
    // Inside a container there may be no kernel thread to see.
    if look_up(2, BOOT).is_some_and(|(_, found)| found.kernel_thread) {
        assert!(refused(2).contains("kernel threads"));
    }
    assert!(bench.audit().iter().all(|entry| entry["result"] == "refused" && entry["phase"] == "after"));
}

#[test]
fn only_operators_signal_and_nobody_when_read_only() {
    let bench = Bench::new();
    let mut child = sleeper();
    let (key, _) = look_up(child.id(), BOOT).unwrap();
    for role in [Role::Anonymous, Role::Viewer] {
        let error = bench.control.signal(&Actor { role, ..operator() }, &key, Signal::KILL).unwrap_err();
        assert!(matches!(error, ControlError::Role { .. }));
        assert!(!error.hint().is_empty());
    }
    let bench = Bench::new();
    let control = Control::new(Audit::in_directory(bench.dir.path()), BOOT, Arc::new(SystemClock)).read_only();
    assert!(matches!(control.signal(&operator(), &key, Signal::KILL).unwrap_err(), ControlError::ReadOnly));
    assert!(child.try_wait().unwrap().is_none());
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn what_cannot_be_written_down_is_not_done() {
    let dir = tempfile::tempdir().unwrap();
    // A directory where the file should be: not even root can write to it.
    std::fs::create_dir(dir.path().join("audit.jsonl")).unwrap();
    let control = Control::new(Audit::in_directory(dir.path()), BOOT, Arc::new(SystemClock));
    let mut child = sleeper();
    let (key, _) = look_up(child.id(), BOOT).unwrap();
    let error = control.signal(&operator(), &key, Signal::KILL).unwrap_err();
    assert!(matches!(error, ControlError::Audit(_)), "{error}");
    assert!(child.try_wait().unwrap().is_none(), "it still runs");
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn a_trace_is_written_down_with_how_it_watches_and_how_it_went() {
    let bench = Bench::new();
    let mut child = sleeper();
    let (key, _) = look_up(child.id(), BOOT).unwrap();
    let how = How { engine: Engine::Ptrace, follow: true };
    let watched = bench.control.begin_trace(&operator(), &key, how).unwrap();
    bench.control.end_trace(&watched, "the viewer left");
    let watched = bench.control.begin_trace(&operator(), &key, How { engine: Engine::Ebpf, follow: false }).unwrap();
    bench.control.fail_trace(&watched, "eBPF is not to be had here");
    let audit = bench.audit();
    let told: Vec<_> = audit.iter().map(|line| (&line["phase"], &line["result"], &line["reason"])).collect();
    let none = serde_json::Value::Null;
    assert_eq!(
        told,
        [
            (&"before".into(), &none, &none),
            (&"after".into(), &"ended".into(), &"the viewer left".into()),
            (&"before".into(), &none, &none),
            (&"after".into(), &"failed".into(), &"eBPF is not to be had here".into()),
        ]
    );
    for (pair, how) in audit.chunks(2).zip([("ptrace", true), ("ebpf", false)]) {
        let (engine, follow) = how;
        assert_eq!(pair[0]["id"], pair[1]["id"]);
        for line in pair {
            assert_eq!(line["how"], serde_json::json!({ "engine": engine, "follow": follow }));
        }
    }
    let viewer = Actor { role: Role::Viewer, ..operator() };
    let error = bench.control.begin_trace(&viewer, &key, how).unwrap_err();
    assert_eq!(error.to_string(), "this needs the role operator, and alice is viewer");
    assert_eq!(bench.audit().last().unwrap()["result"], "refused");
    child.kill().unwrap();
    child.wait().unwrap();
}
