//! What a kernel or a program may do that nobody expects: features that are missing, a ring that runs over, leaders that leave first.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use procyon_collect::{Collector, Config};
use procyon_linux::root::Root;
use procyon_model::connection::SocketState;
use procyon_model::frame::{EndedProcess, Exit, Frame};
use procyon_model::key::HostId;
use procyon_testkit::eventually;
use procyon_units::{Reading, SystemClock};

const PATIENCE: Duration = Duration::from_secs(90);

fn collector_at(root: Root) -> Collector {
    let connections = Duration::from_millis(50);
    let config = Config { root, connections, slow_budget: 0.0, pss_budget: 0.0, ..Config::default() };
    Collector::new(&config, HostId(1), Arc::new(SystemClock)).unwrap()
}

fn sources(frame: &Frame) -> HashMap<&'static str, (&'static str, String)> {
    let features = frame.health.features.iter();
    features.map(|one| (one.id, (one.source, one.reason.as_deref().unwrap_or_default().to_owned()))).collect()
}

/// A collector for which every feature comes from a program in the kernel; none where this machine does not let it.
fn with_programs() -> Option<Collector> {
    let mut collector = collector_at(Root::live());
    let all = sources(&collector.tick().unwrap()).values().all(|(source, _)| *source == "ebpf");
    all.then_some(collector)
}

fn python(script: &str, arguments: &[&str]) -> Child {
    let mut command = Command::new("python3");
    command.args(["-c", script]).args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap()
}

fn end_of(collector: &mut Collector, pid: u32) -> EndedProcess {
    eventually("its end is told", PATIENCE, || {
        let frame = collector.tick().unwrap();
        frame.ended.iter().find(|ended| ended.row.key.pid == pid).cloned()
    })
}

/// The kernel's types without a name, as a kernel has them that lacks what is called so.
fn types_without(folder: &std::path::Path, name: &str) -> Root {
    let mut types = std::fs::read("/sys/kernel/btf/vmlinux").unwrap();
    let name = format!("\0{name}\0");
    let at = types.windows(name.len()).position(|window| window == name.as_bytes()).unwrap();
    *types.get_mut(at + 1).unwrap() = b'X';
    let place = folder.join("kernel/btf");
    std::fs::create_dir_all(&place).unwrap();
    std::fs::write(place.join("vmlinux"), types).unwrap();
    Root::new("/proc".into(), folder.to_owned(), "/".into())
}

#[test]
fn a_kernel_that_lacks_one_place_for_programs_lacks_what_needs_it_alone() {
    if with_programs().is_none() {
        return;
    }
    for (missing, (without, fallback)) in [
        ("bpf_iter_task", ("processes", "procfs")),
        ("btf_trace_sched_process_free", ("deaths", "tables")),
        ("btf_trace_sock_send_length", ("network", "sock_diag")),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let mut collector = collector_at(types_without(folder.path(), missing));
        let frame = collector.tick().unwrap();
        assert!(frame.processes.len() > 1);
        for (feature, (source, reason)) in sources(&frame) {
            let expected = if feature == without { fallback } else { "ebpf" };
            assert_eq!(source, expected, "{feature} without {missing}: {reason}");
            assert!(source == "ebpf" || reason.contains("this kernel cannot run the program"), "{reason}");
        }
    }
}

/// So many lives, one after the other; prints what they took in seconds.
const MANY: &str = r#"
import os, resource, sys
for at in range(int(sys.argv[1])):
    os.posix_spawn("/bin/true", ["true", "over-%d" % at], {})
    os.wait()
print(sum(resource.getrusage(resource.RUSAGE_CHILDREN)[:2]), flush=True)
"#;

#[test]
fn a_ring_that_runs_over_is_counted_and_tells_nothing_wrong() {
    let Some(mut collector) = with_programs() else { return };
    let count = 5000;
    let mut driver = python(MANY, &[&count.to_string()]);
    let mut line = String::new();
    // No tick empties the ring meanwhile.
    BufReader::new(driver.stdout.take().unwrap()).read_line(&mut line).unwrap();
    driver.wait().unwrap();
    let spent: f64 = line.trim().parse().unwrap();
    let mut told: HashMap<Box<[u8]>, EndedProcess> = HashMap::new();
    let end = std::time::Instant::now() + Duration::from_secs(4);
    let mut lost = 0;
    while std::time::Instant::now() < end {
        let frame = collector.tick().unwrap();
        lost = frame.health.lost_events;
        for ended in frame.ended.iter().filter(|ended| ended.row.descriptor.cmd.starts_with(b"true over-")) {
            let again = told.insert(ended.row.descriptor.cmd.clone(), ended.clone());
            assert!(again.is_none(), "{again:?} is told twice");
        }
        std::thread::sleep(Duration::from_millis(200));
    }
    // Three events a life: what it runs, how it ends, what it did.
    assert!(lost > 0 && told.len() < count, "{} told, {lost} lost", told.len());
    assert!(told.len() as u64 * 3 + lost >= count as u64 * 3, "{} told, {lost} lost", told.len());
    assert!(told.values().all(|ended| matches!(ended.exit, Reading::Known(Exit::Code(0)))));
    let sum: f64 = told.values().map(|ended| ended.row.cpu.total().seconds()).sum();
    assert!(sum <= spent * 1.001, "{sum} s told of {spent} s");

    // Afterwards all is as before.
    let mut child = Command::new("sh").args(["-c", "exit 3"]).spawn().unwrap();
    child.wait().unwrap();
    assert_eq!(end_of(&mut collector, child.id()).exit, Reading::Known(Exit::Code(3)));
    assert_eq!(collector.tick().unwrap().health.lost_events, lost);
}

#[test]
fn a_process_that_runs_another_program_ends_as_that_one() {
    let Some(mut collector) = with_programs() else { return };
    let mut unseen = Command::new("sh").args(["-c", "exec env true renamed"]).spawn().unwrap();
    unseen.wait().unwrap();
    let ended = end_of(&mut collector, unseen.id());
    assert_eq!((&*ended.row.descriptor.name, &*ended.row.descriptor.cmd), (&b"true"[..], &b"true renamed"[..]));

    let mut seen = Command::new("sh").args(["-c", "read line; exec true later"]).stdin(Stdio::piped()).spawn().unwrap();
    let key = eventually("it is in the table", PATIENCE, || {
        let frame = collector.tick().unwrap();
        frame.process_by_pid(seen.id()).filter(|row| !row.descriptor.cmd.is_empty()).map(|row| row.key)
    });
    seen.stdin.take().unwrap().write_all(b"\n").unwrap();
    seen.wait().unwrap();
    let ended = end_of(&mut collector, seen.id());
    assert_eq!((ended.row.key, &*ended.row.descriptor.cmd), (key, &b"true later"[..]));
}

/// The main thread leaves; another one works on and ends the process.
const LEADERLESS: &str = r#"
import ctypes, os, threading, time, sys
number = {"x86_64": 60, "aarch64": 93}[os.uname().machine]
def work():
    sys.stdin.readline()
    while time.thread_time() < 0.5:
        pass
    print("worked", flush=True)
    sys.stdin.readline()
    os._exit(7)
threading.Thread(target=work).start()
ctypes.CDLL(None).syscall(number, 0)
"#;

#[test]
fn a_process_whose_main_thread_leaves_first_lives_on_and_is_counted() {
    let Some(mut collector) = with_programs() else { return };
    let mut child = python(LEADERLESS, &[]);
    let pid = child.id();
    let state = |frame: &Frame| frame.process_by_pid(pid).map(|row| (row.state.0, row.cpu.total().seconds()));
    let before = eventually("its main thread has left", PATIENCE, || {
        state(&collector.tick().unwrap()).filter(|(state, _)| *state == b'Z').map(|(_, cpu)| cpu)
    });
    let mut input = child.stdin.take().unwrap();
    input.write_all(b"\n").unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let (_, worked) = state(&collector.tick().unwrap()).unwrap();
    assert!(worked - before > 0.4, "{before} s, then {worked} s");
    input.write_all(b"\n").unwrap();
    child.wait().unwrap();
    let ended = end_of(&mut collector, child.id());
    assert_eq!(ended.exit, Reading::Known(Exit::Code(7)), "{ended:?}");
    assert!(ended.row.cpu.total().seconds() >= worked, "{:?} after {worked}", ended.row.cpu);
}

/// Two sockets that listen on one port, and so many connections that bring so many bytes each.
const TWO_LISTENERS: &str = r#"
import select, socket, sys
both = []
for _ in range(2):
    one = socket.socket()
    one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    one.bind(("127.0.0.1", both[0].getsockname()[1] if both else 0))
    one.listen(50)
    both.append(one)
print(both[0].getsockname()[1], flush=True)
sys.stdin.readline()
count, size = 40, 1000
for _ in range(count):
    client = socket.create_connection(both[0].getsockname())
    client.sendall(b"x" * size)
    client.close()
    ready, _, _ = select.select(both, [], [])
    served, _ = ready[0].accept()
    while served.recv(4096):
        pass
    served.close()
print(count * size, flush=True)
sys.stdin.readline()
"#;

#[test]
fn two_sockets_on_one_port_count_once() {
    let Some(mut collector) = with_programs() else { return };
    let mut child = python(TWO_LISTENERS, &[]);
    let (mut input, mut output) = (child.stdin.take().unwrap(), BufReader::new(child.stdout.take().unwrap()));
    let mut number = || {
        let mut line = String::new();
        output.read_line(&mut line).unwrap();
        line.trim().parse::<u64>().unwrap()
    };
    let port = number();
    let listening = |frame: &Frame| {
        let all = frame.connections.items.iter();
        let ours = all.filter(|one| one.state == SocketState::LISTEN && u64::from(one.local.port()) == port);
        ours.map(|one| one.net.get().map(|net| net.received.get())).collect::<Vec<Option<u64>>>()
    };
    eventually("both are listed", PATIENCE, || (listening(&collector.tick().unwrap()).len() == 2).then_some(()));
    input.write_all(b"\n").unwrap();
    let sent = number();
    let sums = eventually("the port has the bytes of all connections", PATIENCE, || {
        let sums = listening(&collector.tick().unwrap());
        sums.contains(&Some(sent)).then_some(sums)
    });
    assert_eq!(sums.iter().flatten().sum::<u64>(), sent, "{sums:?}");
    input.write_all(b"\n").unwrap();
    child.wait().unwrap();
}
