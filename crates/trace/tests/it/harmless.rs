//! Whoever is watched sleeps on, and is as before when it is let go.

#![expect(unsafe_code, reason = "a process that sleeps in a vfork has no safe wrapper")]

use std::io::{PipeReader, PipeWriter, Read};
use std::os::fd::AsRawFd;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use procyon_testkit::{Workload, eventually};
use procyon_trace::engine::EngineError;

use crate::watch::{BOTH, Kind, plan, program, start, try_start};

/// Rounds for each; more of them in the long tests.
fn rounds() -> usize {
    std::env::var("PROCYON_SOAK_ROUNDS").ok().and_then(|rounds| rounds.parse().ok()).unwrap_or(10)
}

/// The longest that beginning or letting go may take.
const LIMIT: Duration = Duration::from_millis(100);

fn status(pid: u32, label: &str) -> String {
    let text = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = text.lines().find_map(|line| line.strip_prefix(label)?.strip_prefix(':')).unwrap_or_default();
    line.trim().to_owned()
}

fn state(pid: u32) -> (String, String) {
    (status(pid, "State"), status(pid, "TracerPid"))
}

/// How long somebody has waited for a processor that others had. Source: the second number of `schedstat`.
fn kept_waiting(who: &str) -> Duration {
    let text = std::fs::read_to_string(format!("/proc/{who}/schedstat")).unwrap_or_default();
    Duration::from_nanos(text.split_whitespace().nth(1).and_then(|waited| waited.parse().ok()).unwrap_or(0))
}

/// How long target and test were held up by others.
fn held_up(pid: u32) -> Duration {
    kept_waiting(&pid.to_string()) + kept_waiting("thread-self")
}

/// Begins and lets go again and again, and looks each time whether the target is as before.
fn again_and_again(kind: Kind, pid: u32, before: &(String, String)) -> bool {
    let mut times = Vec::new();
    for round in 0..rounds() {
        let Some(engine) = start(kind, &plan(pid, "")) else { return false };
        let letting_go = Instant::now();
        drop(engine);
        times.push(letting_go.elapsed());
        let (within, held_up_before) = (Instant::now(), held_up(pid));
        eventually("it is as before", Duration::from_secs(5), || (state(pid) == *before).then_some(()));
        let taken = within.elapsed().saturating_sub(held_up(pid).saturating_sub(held_up_before));
        assert!(taken < LIMIT, "{kind:?}, round {round}: as before after {taken:?}");
    }
    times.sort_unstable();
    assert!(times.get(times.len() / 2).is_some_and(|time| *time < LIMIT), "{kind:?}: letting go took {times:?}");
    true
}

/// A process that sleeps in a call.
fn sleeper(call: &str, state_letter: &str) -> Workload {
    let target = Workload::start(&["sleep-in", call]);
    eventually("it sleeps", Duration::from_secs(10), || {
        let file = std::fs::read_to_string(format!("/proc/{}/wchan", target.pid())).unwrap_or_default();
        (status(target.pid(), "State").starts_with(state_letter) && file != "0").then_some(())
    });
    target
}

fn sleeps_on(kind: Kind, call: &str, expected: &str) {
    let letter = match call {
        "stop" => "T",
        _ => "S",
    };
    let mut target = sleeper(call, letter);
    let before = state(target.pid());
    if !again_and_again(kind, target.pid(), &before) {
        return;
    }
    if call == "stop" {
        let pid = rustix::process::Pid::from_raw(i32::try_from(target.pid()).unwrap()).unwrap();
        rustix::process::kill_process(pid, rustix::process::Signal::CONT).unwrap();
    }
    target.tell("x");
    assert_eq!(target.answer(), expected, "{kind:?} in {call}");
}

#[test]
fn a_read_goes_on() {
    for kind in BOTH {
        sleeps_on(kind, "read", "1 0");
    }
}

#[test]
fn a_futex_goes_on() {
    for kind in BOTH {
        sleeps_on(kind, "futex", "1 0");
    }
}

#[test]
fn an_epoll_wait_goes_on_with_ebpf() {
    sleeps_on(Kind::Ebpf, "epoll_wait", "1 0");
}

/// What the warning of the ptrace engine says, so that it can go when kernels change.
#[test]
fn an_epoll_wait_fails_with_ptrace() {
    let mut target = sleeper("epoll_wait", "S");
    let Some(_engine) = start(Kind::Ptrace, &plan(target.pid(), "")) else { return };
    // EINTR.
    assert_eq!(target.answer(), "-1 4");
}

/// A process that sleeps in a `vfork` until `input` is closed, and then says in `output` that it went well.
struct VforkParent {
    pid: u32,
    input: PipeWriter,
    output: PipeReader,
}

impl VforkParent {
    fn start() -> Self {
        let (inner_input, input) = std::io::pipe().unwrap();
        let (output, inner_output) = std::io::pipe().unwrap();
        let (read_end, write_end, other) = (inner_input.as_raw_fd(), inner_output.as_raw_fd(), input.as_raw_fd());
        // `CLONE_VFORK` with memory of its own, so that the child cannot disturb its parent's stack.
        let flags = libc::c_long::from(libc::CLONE_VFORK | libc::SIGCHLD);
        // SAFETY: both new processes only make system calls, and end.
        let pid = unsafe { libc::fork() };
        if pid == 0 {
            // SAFETY: as above.
            unsafe {
                libc::close(other);
                let child = libc::syscall(libc::SYS_clone, flags, 0, 0, 0, 0);
                let mut byte = 0_u8;
                if child == 0 {
                    libc::read(read_end, (&raw mut byte).cast(), 1);
                    libc::_exit(0);
                }
                let said = if child > 0 { b"1" } else { b"0" };
                libc::write(write_end, said.as_ptr().cast(), 1);
                libc::read(read_end, (&raw mut byte).cast(), 1);
                libc::_exit(0)
            }
        }
        Self { pid: u32::try_from(pid).unwrap(), input, output }
    }
}

#[test]
fn a_parent_of_a_vfork_goes_on() {
    for kind in BOTH {
        let mut parent = VforkParent::start();
        let before = eventually("it sleeps", Duration::from_secs(10), || {
            Some(state(parent.pid)).filter(|(state, _)| state.starts_with('D'))
        });
        let looked = again_and_again(kind, parent.pid, &before);
        drop(parent.input);
        let mut said = [0];
        parent.output.read_exact(&mut said).unwrap();
        assert!(said == *b"1" || !looked, "{kind:?}");
        // SAFETY: waits for a child of this test.
        unsafe { libc::waitpid(i32::try_from(parent.pid).unwrap(), std::ptr::null_mut(), 0) };
    }
}

#[test]
fn a_stopped_process_stays_stopped() {
    for kind in BOTH {
        sleeps_on(kind, "stop", "1 0");
    }
}

#[test]
fn a_thousand_threads_are_let_go() {
    for kind in BOTH {
        let target = Workload::start(&["threads", "1000"]);
        let before = eventually("it sleeps", Duration::from_secs(10), || {
            Some(state(target.pid())).filter(|(state, _)| state.starts_with('S'))
        });
        if again_and_again(kind, target.pid(), &before) {
            target.finish();
        }
    }
}

/// Other tracers: this engine again, in another process.
#[test]
fn a_traced_process_is_followed_by_ebpf_and_refused_by_ptrace() {
    let target = sleeper("read", "S");
    let Some(first) = start(Kind::Ptrace, &plan(target.pid(), "")) else { return };
    let before = eventually("it is traced", Duration::from_secs(5), || {
        let state = state(target.pid());
        (state.1 != "0" && state.0.starts_with('S')).then_some(state)
    });
    let error = try_start(Kind::Ptrace, &plan(target.pid(), "")).err().unwrap();
    let EngineError::Traced { tracer, ref name, .. } = error else { panic!("{error}") };
    assert_eq!((tracer.to_string(), name.as_str()), (before.1.clone(), "procyon"));
    again_and_again(Kind::Ebpf, target.pid(), &before);
    // The tracer is a target like others.
    let tracer_before = state(tracer);
    again_and_again(Kind::Ebpf, tracer, &tracer_before);
    drop(first);
    eventually("nobody traces it", LIMIT, || (state(target.pid()).1 == "0").then_some(()));
}

#[test]
fn a_tracer_that_is_killed_lets_go() {
    for _ in 0..rounds() {
        let mut target = sleeper("read", "S");
        let before = state(target.pid());
        let Some(engine) = start(Kind::Ptrace, &plan(target.pid(), "")) else { return };
        let tracer = eventually("it is traced", Duration::from_secs(5), || {
            status(target.pid(), "TracerPid").parse::<i32>().ok().filter(|tracer| *tracer != 0)
        });
        let tracer = rustix::process::Pid::from_raw(tracer).unwrap();
        rustix::process::kill_process(tracer, rustix::process::Signal::KILL).unwrap();
        eventually("it is let go", LIMIT, || (state(target.pid()) == before).then_some(()));
        drop(engine);
        target.tell("x");
        assert_eq!(target.answer(), "1 0");
    }
}

fn procyon() -> PathBuf {
    program().file
}

/// The whole program, killed without a chance to tidy up.
#[test]
fn procyon_that_is_killed_lets_go() {
    for engine in ["ebpf", "ptrace"] {
        let mut target = sleeper("read", "S");
        let before = state(target.pid());
        if start(if engine == "ebpf" { Kind::Ebpf } else { Kind::Ptrace }, &plan(target.pid(), "")).is_none() {
            return;
        }
        for _ in 0..rounds() {
            let mut procyon = Command::new(procyon())
                .args(["trace", "--engine", engine, &target.pid().to_string()])
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .spawn()
                .unwrap();
            if engine == "ptrace" {
                let traced = || (status(target.pid(), "TracerPid") != "0").then_some(());
                eventually("it is traced", Duration::from_secs(10), traced);
            } else {
                eventually("it is followed", Duration::from_secs(10), || (links_of(procyon.id()) > 0).then_some(()));
            }
            procyon.kill().unwrap();
            procyon.wait().unwrap();
            eventually("it is as before", LIMIT, || (state(target.pid()) == before).then_some(()));
        }
        target.tell("x");
        assert_eq!(target.answer(), "1 0", "{engine}");
    }
}

/// How many programs a process holds attached.
fn links_of(process: u32) -> usize {
    let Ok(entries) = std::fs::read_dir(format!("/proc/{process}/fdinfo")) else { return 0 };
    let texts = entries.flatten().filter_map(|entry| std::fs::read_to_string(entry.path()).ok());
    texts.filter(|text| text.contains("link_type")).count()
}

#[test]
fn nothing_stays_attached() {
    let target = sleeper("read", "S");
    let own = std::process::id();
    assert_eq!(links_of(own), 0);
    let Some(engine) = start(Kind::Ebpf, &plan(target.pid(), "")) else { return };
    assert!(links_of(own) >= 6, "{}", links_of(own));
    drop(engine);
    assert_eq!(links_of(own), 0);
}

#[test]
fn it_is_known_how_much_of_its_time_a_process_is_stopped() {
    let mut stopped = sleeper("stop", "T");
    let shares = BOTH.map(|kind| {
        let mut target = Workload::start(&["calls"]);
        let mut engine = start(kind, &plan(target.pid(), "getppid"))?;
        // More than it gets done meanwhile.
        target.tell("spin 1000000000");
        let (mut share, began) = (None, Instant::now());
        while share.is_none() && began.elapsed() < Duration::from_secs(if kind == Kind::Ebpf { 2 } else { 60 }) {
            engine.next(Duration::from_millis(20), &mut |_| {}).unwrap();
            share = engine.stopped();
        }
        Some(share)
    });
    let [Some(by_ebpf), Some(by_ptrace)] = shares else { return };
    assert_eq!(by_ebpf, None, "it stops nobody");
    assert!(by_ptrace.is_some_and(|share| share > 0.05 && share < 1.0), "{by_ptrace:?}");
    // Who is stopped by somebody else is not stopped by us.
    let Some(mut engine) = start(Kind::Ptrace, &plan(stopped.pid(), "")) else { return };
    for _ in 0..100 {
        engine.next(Duration::from_millis(20), &mut |_| {}).unwrap();
    }
    assert_eq!(engine.stopped(), None);
    drop(engine);
    let pid = rustix::process::Pid::from_raw(i32::try_from(stopped.pid()).unwrap()).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::CONT).unwrap();
    stopped.tell("x");
    assert_eq!(stopped.answer(), "1 0");
}

#[test]
fn a_call_under_way_is_known() {
    for kind in BOTH {
        let target = sleeper("read", "S");
        let Some(mut engine) = start(kind, &plan(target.pid(), "")) else { return };
        let calls = eventually("the call is seen", Duration::from_secs(5), || {
            let calls = engine.under_way().unwrap();
            (!calls.is_empty()).then_some(calls)
        });
        assert_eq!((calls.len(), calls[0].number, calls[0].process), (1, 0, target.pid()), "{kind:?}");
        assert_eq!(calls[0].arguments[0], 0, "{kind:?}");
    }
}
