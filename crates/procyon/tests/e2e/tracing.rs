//! T1, T2: `procyon trace` as its users meet it, with both engines.

use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use procyon_testkit::{Workload, eventually};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::fallbacks::REFUSING;
use crate::harness::{SOON, command, procyon, run, stderr};
use crate::privileges::for_nobody;

const ENGINES: [&str; 2] = ["ebpf", "ptrace"];

/// Traces a command; none where this machine does not let us.
fn traced(engine: &str, options: &[&str], command: &[&str]) -> Option<Output> {
    let output = run(&[&["trace", "--engine", engine], options, &["--"], command].concat());
    (output.status.code() != Some(3) || !stderr(&output).contains("could not trace")).then_some(output)
}

#[test]
fn a_command_is_told_from_its_first_call_to_its_end_and_its_code_is_passed_on() {
    for engine in ENGINES {
        let Some(output) = traced(engine, &[], &["sh", "-c", "echo canary; exit 3"]) else { continue };
        let text = stderr(&output);
        let lines: Vec<&str> = text.lines().filter(|line| !line.starts_with("warning")).collect();
        assert_eq!((output.status.code(), &*output.stdout), (Some(3), &b"canary\n"[..]), "{engine}: {text}");
        assert!(
            lines[0].starts_with("execve(\"") && lines[0].contains("[\"sh\", \"-c\", \"echo canary; exit 3\"]"),
            "{text}"
        );
        assert!(
            lines.iter().any(|line| line.starts_with("write(1, \"canary\\n\", 7)") && line.ends_with("= 7")),
            "{text}"
        );
        assert_eq!(lines.last(), Some(&"+++ exited with 3 +++"), "{engine}: {text}");
        assert!(lines[lines.len() - 2].starts_with("exit_group(3)"), "{engine}: {text}");
    }
}

#[test]
fn a_command_that_is_killed_takes_procyon_along() {
    for engine in ENGINES {
        let Some(output) = traced(engine, &["-e", "%process"], &["sh", "-c", "kill -KILL $$"]) else { continue };
        assert_eq!(output.status.signal(), Some(9), "{engine}");
        assert!(stderr(&output).ends_with("+++ killed by SIGKILL +++\n"), "{engine}: {}", stderr(&output));
    }
}

#[test]
fn children_are_followed_when_asked_for() {
    for engine in ENGINES {
        let command = ["sh", "-c", "true; /bin/echo child; true"];
        let wrote = "write(1, \"child\\n\", 6)";
        let Some(alone) = traced(engine, &[], &command) else { continue };
        assert!(!stderr(&alone).contains(wrote), "{engine}");
        let followed = stderr(&traced(engine, &["-f"], &command).unwrap());
        let line = followed.lines().find(|line| line.contains(wrote)).unwrap_or_else(|| panic!("{engine}: {followed}"));
        assert!(line.starts_with("[pid "), "{line}");
    }
}

#[test]
fn json_is_an_object_a_line() {
    let Some(output) = traced("ebpf", &["--json", "-e", "openat", "--failed"], &["cat", "/nonexistent/canary"]) else {
        return;
    };
    let text = stderr(&output);
    let objects: Vec<Value> = text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    let call = objects.iter().find(|object| object["args"].as_str().is_some_and(|text| text.contains("canary")));
    let call = call.unwrap_or_else(|| panic!("{text}"));
    assert_eq!((&call["name"], &call["error"], &call["value"]), (&"openat".into(), &"ENOENT".into(), &(-2).into()));
    assert!(call["duration"].as_f64().unwrap() > 0.0 && call["at"].as_f64().unwrap() > 1.7e12, "{call}");
}

#[test]
fn counting_prints_a_table() {
    for engine in ENGINES {
        let Some(output) = traced(engine, &["-c"], &["cat", "/nonexistent/canary"]) else { continue };
        let text = stderr(&output);
        assert!(text.contains("% time     seconds"), "{engine}: {text}");
        let total = text.lines().find(|line| line.ends_with(" total")).unwrap();
        assert!(total.starts_with("100.00"), "{engine}: {text}");
        assert!(text.lines().any(|line| line.ends_with(" execve")), "{engine}: {text}");
    }
}

#[test]
fn mistakes_are_told_in_words() {
    let unknown = run(&["trace", "-e", "opennat", "--", "true"]);
    assert_eq!(unknown.status.code(), Some(2));
    assert!(stderr(&unknown).contains("did you mean openat?"), "{}", stderr(&unknown));
    let nobody = run(&["trace", "3999999"]);
    assert_eq!(nobody.status.code(), Some(4));
    assert!(stderr(&nobody).contains("there is no process 3999999"), "{}", stderr(&nobody));
    let nothing = run(&["trace"]);
    assert_eq!(nothing.status.code(), Some(2));
    let no_program = run(&["trace", "--", "no-such-program-of-procyon"]);
    assert_eq!(no_program.status.code(), Some(4));
    assert!(stderr(&no_program).contains("could not run `no-such-program-of-procyon`"), "{}", stderr(&no_program));
}

/// Without rights the one engine names them and offers the other; nothing is chosen silently.
#[test]
fn without_rights_the_other_engine_is_offered() {
    let (folder, program) = for_nobody();
    let nobody = |program: &str| {
        let mut command = std::process::Command::new("setpriv");
        command.args(["--reuid=65534", "--regid=65534", "--clear-groups", "--inh-caps=-all", "--", program]);
        command
    };
    let mut target = nobody("sleep").arg("30").spawn().unwrap();
    let traced = nobody(&program.to_string_lossy())
        .args(["trace", "--duration", "1s", &target.id().to_string()])
        .env("NO_COLOR", "1")
        .current_dir(folder.path())
        .output()
        .unwrap();
    let text = stderr(&traced);
    target.kill().unwrap();
    target.wait().unwrap();
    assert_eq!(traced.status.code(), Some(3), "{text}");
    assert!(text.contains("CAP_BPF") && text.contains("--engine ptrace"), "{text}");
}

/// Calls that a filter refuses, traps, or forbids on pain of death, by their first argument; and one that it lets pass.
const ANSWERING: &str = r#"
import ctypes, os, signal, struct, threading, time
load, equal, give = 0x20, 0x15, 0x06
steps = [(load, 0, 0, 0), (equal, 0, 7, 146), (load, 0, 0, 16),
         (equal, 0, 1, 1), (give, 0, 0, 0x00050000 | 13),
         (equal, 0, 1, 2), (give, 0, 0, 0x00030000),
         (equal, 0, 1, 3), (give, 0, 0, 0),
         (give, 0, 0, 0x7fff0000)]
code = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *step) for step in steps))
class Filter(ctypes.Structure):
    _fields_ = [("length", ctypes.c_ushort), ("code", ctypes.c_void_p)]
libc = ctypes.CDLL(None, use_errno=True)
libc.prctl(38, 1, 0, 0, 0)
if libc.prctl(22, 2, ctypes.byref(Filter(len(steps), ctypes.addressof(code))), 0, 0):
    os._exit(9)
signal.signal(signal.SIGSYS, lambda *_: None)
for _ in range(3):
    libc.syscall(146, 1)
libc.syscall(146, 2)
libc.syscall(146, 0)
threading.Thread(target=lambda: libc.syscall(146, 3), daemon=True).start()
time.sleep(0.5)
os._exit(0)
"#;

/// A call that no other program makes.
const CALL: &str = "sched_get_priority_max";

/// Lines of calls of a name that hold a text.
fn count(text: &str, call: &str, holds: &str) -> usize {
    let told = text.lines().map(|line| line.split_once("] ").map_or(line, |(_, line)| line));
    told.filter(|line| line.starts_with(call) && line.contains(holds)).count()
}

#[test]
fn calls_that_a_filter_answers_in_the_place_of_the_kernel_are_told() {
    let program = ["/usr/bin/env", "python3", "-c", ANSWERING];
    let by_strace =
        Command::new("strace").args(["-f", "-e", "trace=sched_get_priority_max"]).args(program).output().ok();
    for engine in ENGINES {
        let Some(output) = traced(engine, &["-f", "-e", CALL, "-T"], &program) else { continue };
        let text = stderr(&output);
        assert_eq!(output.status.code(), Some(0), "{engine}: {text}");
        let told = |text: &str| {
            let killed = text.lines().filter(|line| line.ends_with("+++ killed by SIGSYS +++")).count();
            (
                count(text, "sched_get_priority_max(", "-1 EACCES"),
                count(text, "sched_get_priority_max(", "= 146"),
                killed,
            )
        };
        assert_eq!(told(&text), (3, 1, 1), "{engine}: {text}");
        // The one that passed, and the one in which the thread died.
        assert_eq!(count(&text, "sched_get_priority_max(", ""), 6, "{engine}: {text}");
        if let Some(strace) = by_strace.as_ref().filter(|strace| strace.status.success()) {
            assert_eq!(told(&stderr(strace)), (3, 1, 1), "{}", stderr(strace));
        }
        // How long whoever answered took was not seen.
        assert!(engine == "ptrace" || count(&text, "sched_get_priority_max(", "<?>") == 4, "{text}");
        let table = stderr(&traced(engine, &["-f", "-c", "-e", CALL], &program).unwrap());
        let row = table
            .lines()
            .find(|line| line.ends_with(" sched_get_priority_max"))
            .unwrap_or_else(|| panic!("{engine}: {table}"));
        let counts: Vec<&str> = row.split_whitespace().rev().take(3).collect();
        assert_eq!(counts, [CALL, "3", "5"], "{engine}: {table}");
    }
}

/// A filter of containers, which refuses one command of a call and lets others pass.
#[test]
fn calls_that_are_filtered_out_are_not_taken_for_answered_ones() {
    let calls =
        "import ctypes\nlibc = ctypes.CDLL(None)\nfor command in (0, 0, 0, 3, 3): libc.syscall(321, command, 0, 0)";
    let refused = ["/usr/bin/env", "python3", "-c", REFUSING, "0", "13", "/usr/bin/env", "python3", "-c", calls];
    let Some(output) = traced("ebpf", &["-f", "-e", "bpf"], &refused) else { return };
    let text = stderr(&output);
    assert_eq!((count(&text, "bpf(", "-1 EACCES"), count(&text, "bpf(", "")), (3, 5), "{text}");
    assert_eq!(count(&text, "", " = "), 5, "{text}");
}

#[test]
fn a_file_that_cannot_be_written_keeps_the_command_from_running() {
    let folder = tempfile::tempdir().unwrap();
    let mark = folder.path().join("mark");
    let output = run(&["trace", "-o", "/nonexistent/folder/out", "--", "touch", &mark.to_string_lossy()]);
    let text = stderr(&output);
    assert!(text.contains("could not write to /nonexistent/folder/out"), "{text}");
    assert!(output.status.code() != Some(0) && !mark.try_exists().unwrap(), "{text}");
}

fn send(process: &Child, signal: Signal) {
    kill_process(Pid::from_child(process), signal).unwrap();
}

/// Whether a process watches another one by an engine.
fn watches(engine: &str, procyon: u32, target: u32) -> bool {
    if engine == "ptrace" {
        return !std::fs::read_to_string(format!("/proc/{target}/status")).unwrap().contains("TracerPid:\t0\n");
    }
    let about = std::fs::read_dir(format!("/proc/{procyon}/fdinfo")).into_iter().flatten().flatten();
    let texts = about.filter_map(|entry| std::fs::read_to_string(entry.path()).ok());
    texts.filter(|text| text.contains("link_type")).count() >= 8
}

/// Starts to trace a process that makes calls on demand; none where this machine does not let us.
fn watching(engine: &str, options: &[&str], target: &Workload, output: Stdio) -> Option<Child> {
    let mut command = command(&[&["trace", "--engine", engine], options, &[&target.pid().to_string()]].concat());
    let mut child = command.stdout(output).stderr(Stdio::null()).spawn().unwrap();
    let begun = eventually("it watches", SOON, || {
        if child.try_wait().unwrap().is_some() {
            return Some(false);
        }
        watches(engine, child.id(), target.pid()).then_some(true)
    });
    begun.then_some(child)
}

#[test]
fn an_output_that_stands_still_keeps_nobody_watched() {
    for engine in ENGINES {
        let mut target = Workload::start(&["calls"]);
        let options = ["-e", "getppid", "--duration", "2s"];
        let begin = Instant::now();
        let Some(mut child) = watching(engine, &options, &target, Stdio::piped()) else { continue };
        // Nobody reads what it writes.
        target.tell("spin 2000000");
        eventually("it lets go", SOON, || (!watches(engine, child.id(), target.pid())).then_some(()));
        assert!(begin.elapsed() < Duration::from_secs(12), "{engine}: after {:?}", begin.elapsed());
        assert_eq!(target.answer(), "done", "{engine}");
        assert!(child.try_wait().unwrap().is_none(), "{engine}: what it has to say still waits");
        // Three requests end it at once.
        let status = eventually("it ends", Duration::from_secs(10), || {
            send(&child, Signal::INT);
            child.try_wait().unwrap()
        });
        assert_eq!(status.code(), Some(130), "{engine}");
    }
}

#[test]
fn what_waits_when_a_trace_is_ended_is_told() {
    for engine in ENGINES {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("out");
        let mut target = Workload::start(&["calls"]);
        let options = ["-e", "getppid,openat", "-o", &*file.to_string_lossy()];
        let Some(mut child) = watching(engine, &options, &target, Stdio::null()) else { continue };
        // By programs in the kernel it follows a moment after they are there.
        eventually("it tells", SOON, || {
            target.ask("open 1 /dev/null");
            std::fs::read_to_string(&file).is_ok_and(|text| !text.is_empty()).then_some(())
        });
        // It does not look meanwhile.
        send(&child, Signal::STOP);
        target.ask("spin 5000");
        send(&child, Signal::INT);
        send(&child, Signal::CONT);
        assert_eq!(child.wait().unwrap().code(), Some(0), "{engine}");
        let text = std::fs::read_to_string(&file).unwrap();
        assert_eq!(count(&text, "getppid()", "= "), 5000, "{engine}");
        // The call in which it waits for more to do is told too.
        assert!(engine == "ptrace" || text.contains("% time"), "{engine}");
    }
}

#[test]
fn a_command_that_dumps_core_does_not_make_procyon_dump_its_own() {
    let folder = tempfile::tempdir().unwrap();
    let shell = "ulimit -c unlimited; exec \"$0\" trace -e none -- sh -c 'kill -ABRT $$'";
    let status = Command::new("sh")
        .args(["-c", shell])
        .arg(procyon())
        .current_dir(folder.path())
        .stderr(Stdio::null())
        .status()
        .unwrap();
    // Where tracing is not permitted it is 3.
    assert!(status.signal() == Some(6) || status.code() == Some(3), "{status:?}");
    assert!(!status.core_dumped(), "{status:?}");
}

/// The command may be traced by us, and by nobody else of the same user.
#[test]
fn a_command_is_not_opened_to_all_tracers() {
    let inner = procyon();
    let inner = [&*inner.to_string_lossy(), "trace", "--engine", "ptrace", "-e", "none", "--", "true"];
    let Some(output) = traced("ebpf", &["-f", "-e", "prctl", "--json"], &inner) else { return };
    let text = stderr(&output);
    let calls: Vec<Value> = text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    let asked = calls.iter().find(|call| call["args"].as_str().is_some_and(|text| text.starts_with("PR_SET_PTRACER")));
    let asked = asked.unwrap_or_else(|| panic!("{text}"));
    let tracer = asked["args"].as_str().unwrap().split(", ").nth(1).unwrap();
    assert!(tracer.parse::<u32>().is_ok_and(|tracer| tracer > 1), "{asked}");
}

/// `ptrace` without `PTRACE_GET_SYSCALL_INFO`, as before Linux 5.3.
#[test]
fn a_kernel_that_does_not_tell_calls_to_tracers_is_named() {
    let refusing = REFUSING.replace("\"x86_64\": 321", "\"x86_64\": 101");
    let program = procyon();
    let output = Command::new("/usr/bin/env")
        .args(["python3", "-c", &refusing, "16910", "5"])
        .arg(program)
        .args(["trace", "--engine", "ptrace", "--", "true"])
        .env("NO_COLOR", "1")
        .output()
        .unwrap();
    let text = stderr(&output);
    assert!(text.contains("needs Linux 5.3") || text.contains("not permitted"), "{text}");
    assert_ne!(output.status.code(), Some(0), "{text}");
}
