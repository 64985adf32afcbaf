//! Processes that are not what one expects: without their first thread, with workers in the kernel, with memory that nobody
//! brings, with threads that come and go while somebody begins to look.

use std::process::Command;
use std::time::{Duration, Instant};

use procyon_testkit::{Workload, eventually};
use procyon_trace::engine::{Life, look};
use procyon_trace::{Event, When, name};

use crate::watch::{BOTH, Kind, calls, plan, start, until};

/// A program in Python that says `ready`, and more, as a workload does.
fn python(program: &str) -> Workload {
    Workload::start_as(Command::new("/usr/bin/env").args(["python3", "-c", program]))
}

/// Its first thread ends, another one goes on and obeys.
const WITHOUT_ITS_FIRST_THREAD: &str = r#"
import ctypes, os, sys, threading, time
libc = ctypes.CDLL(None)
main = os.getpid()
def obey():
    while open(f"/proc/{main}/task/{main}/stat").read().rpartition(")")[2].split()[0] != "Z":
        time.sleep(0.01)
    print("ready", flush=True)
    for line in sys.stdin:
        for _ in range(5):
            os.getppid()
        print("done", flush=True)
    os._exit(0)
threading.Thread(target=obey).start()
libc.syscall(60, 0)
"#;

#[test]
fn a_process_without_its_first_thread_is_followed() {
    for kind in BOTH {
        let mut target = python(WITHOUT_ITS_FIRST_THREAD);
        let Some(mut engine) = start(kind, &plan(target.pid(), "getppid")) else { return };
        let followed = engine.followed().to_vec();
        assert!(followed.len() == 1 && followed[0].process == target.pid(), "{kind:?} {followed:?}");
        assert_ne!(followed[0].thread, target.pid(), "{kind:?}");
        target.ask("go");
        let events = until(&mut *engine, |events| calls(events, "getppid").len() >= 5);
        assert_eq!(calls(&events, "getppid").len(), 5, "{kind:?}");
    }
}

/// A thread that makes threads: it says its number, and each line lets it make one, and make calls itself.
const A_THREAD_THAT_MAKES_THREADS: &str = r#"
import os, sys, threading
def others():
    for _ in range(50):
        os.getppid()
def obey():
    print("ready", flush=True)
    print(threading.get_native_id(), flush=True)
    for line in sys.stdin:
        thread = threading.Thread(target=others)
        thread.start()
        thread.join()
        for _ in range(5):
            os.getppid()
        print("done", flush=True)
    os._exit(0)
threading.Thread(target=obey).start()
"#;

#[test]
fn a_thread_that_is_followed_alone_does_not_bring_those_that_it_makes() {
    for kind in BOTH {
        let mut target = python(A_THREAD_THAT_MAKES_THREADS);
        let thread: u32 = target.answer().parse().unwrap();
        let Some(mut engine) = start(kind, &plan(thread, "getppid")) else { return };
        assert_eq!(engine.followed().iter().map(|who| who.thread).collect::<Vec<_>>(), [thread], "{kind:?}");
        target.ask("go");
        target.ask("go");
        let events =
            until(&mut *engine, |events| calls(events, "getppid").iter().filter(|c| c.thread == thread).count() >= 10);
        let told = calls(&events, "getppid");
        assert!(told.iter().all(|call| call.thread == thread) && told.len() == 10, "{kind:?}: {} calls", told.len());
        assert!(!events.iter().any(|event| matches!(event, Event::Followed { .. })), "{kind:?}");
    }
}

/// A ring of io_uring that the kernel empties by a thread of its own; without io_uring it says so.
const WITH_A_WORKER: &str = r#"
import ctypes, os, sys
libc = ctypes.CDLL(None, use_errno=True)
parameters = (ctypes.c_uint32 * 30)()
parameters[2], parameters[4] = 2, 60000  # IORING_SETUP_SQPOLL, idle after a minute
ring = libc.syscall(425, 4, parameters)
print("ready", flush=True)
print("ring" if ring >= 0 else "none", flush=True)
for line in sys.stdin:
    os.getppid()
    print("done", flush=True)
"#;

#[test]
fn workers_in_the_kernel_are_not_followed() {
    for kind in BOTH {
        let mut target = python(WITH_A_WORKER);
        if target.answer() == "none" {
            eprintln!("skipped: no io_uring");
            return;
        }
        let pid = target.pid();
        let threads = || std::fs::read_dir(format!("/proc/{pid}/task")).unwrap().count();
        eventually("the worker is there", Duration::from_secs(5), || (threads() == 2).then_some(()));
        let Some(mut engine) = start(kind, &plan(pid, "getppid")) else { return };
        assert_eq!(engine.followed().iter().map(|who| who.thread).collect::<Vec<_>>(), [pid], "{kind:?}");
        target.ask("go");
        until(&mut *engine, |events| calls(events, "getppid").len() == 1);
        drop(target);
        eventually("it is over", Duration::from_secs(20), || {
            let life = engine.next(Duration::from_millis(10), &mut |_| {}).unwrap();
            (life == Life::Over).then_some(())
        });
    }
}

/// Opens a file whose name lies on a page that nobody brings: the call never comes back.
const WITH_A_PAGE_THAT_NOBODY_BRINGS: &str = r#"
import ctypes, fcntl, mmap, os, struct, sys
libc = ctypes.CDLL(None, use_errno=True)
libc.mmap.restype, libc.mmap.argtypes = ctypes.c_void_p, [ctypes.c_void_p, ctypes.c_size_t] + [ctypes.c_int] * 3 + [ctypes.c_long]
faults = libc.syscall(323, 0)
print("ready", flush=True)
if faults < 0:
    print("none", flush=True)
    sys.exit()
page = libc.mmap(None, 4096, 3, 0x22, -1, 0)
fcntl.ioctl(faults, 0xc018aa3f, bytearray(struct.pack("QQQ", 0xaa, 0, 0)))
fcntl.ioctl(faults, 0xc020aa00, bytearray(struct.pack("QQQQ", page, 4096, 1, 0)))
print("page", flush=True)
libc.syscall(2, ctypes.c_void_p(page), 0)
"#;

#[test]
fn a_page_that_nobody_brings_keeps_nobody_waiting() {
    let mut target = python(WITH_A_PAGE_THAT_NOBODY_BRINGS);
    if target.answer() == "none" {
        eprintln!("skipped: no userfaultfd");
        return;
    }
    let Some(mut engine) = start(Kind::Ebpf, &plan(target.pid(), "open")) else { return };
    let begin = Instant::now();
    let under_way = eventually("it is in the call", Duration::from_secs(10), || {
        let calls = engine.under_way().unwrap();
        (!calls.is_empty()).then_some(calls)
    });
    assert!(begin.elapsed() < Duration::from_secs(5));
    assert_eq!(name(under_way[0].number), Some("open"));
    let begin = Instant::now();
    let seen = look(under_way.clone(), 32);
    let took = begin.elapsed();
    assert!(took > Duration::from_millis(400) && took < Duration::from_secs(2), "{took:?}");
    assert_eq!(seen, under_way);
    // Where the memory is there it is told.
    let sleeper = Workload::start(&["sleep-in", "epoll_wait"]);
    let mut engine = start(Kind::Ebpf, &plan(sleeper.pid(), "")).unwrap();
    let calls = eventually("it sleeps", Duration::from_secs(10), || {
        let calls = engine.under_way().unwrap();
        (!calls.is_empty()).then_some(calls)
    });
    let begin = Instant::now();
    assert_eq!(look(calls, 32).len(), 1);
    assert!(begin.elapsed() < Duration::from_millis(400), "{:?}", begin.elapsed());
}

#[test]
fn a_call_that_began_before_it_was_watched_counts_without_a_time() {
    let mut target = Workload::start(&["sleep-in", "read"]);
    eventually("it sleeps", Duration::from_secs(10), || {
        std::fs::read_to_string(format!("/proc/{}/syscall", target.pid()))
            .is_ok_and(|text| text.starts_with("0 "))
            .then_some(())
    });
    let Some(mut engine) = start(Kind::Ebpf, &plan(target.pid(), "read")) else { return };
    let under_way = engine.under_way().unwrap();
    assert_eq!((under_way.len(), under_way[0].entered), (1, 0));
    target.tell("x");
    let events = until(&mut *engine, |events| !calls(events, "read").is_empty());
    let call = calls(&events, "read")[0].clone();
    assert_eq!((call.entered, call.took()), (0, None));
    assert!(call.returned.is_some_and(|returned| returned.result == 1));
    assert_eq!(call.memory.at(When::Exit, call.arguments[1]).map(|bytes| bytes[0]), Some(b'x'));
    let row = engine.summary().unwrap().rows().into_iter().find(|row| row.name == "read").unwrap();
    assert!(row.calls >= 1 && row.longest < 5_000_000_000, "{row:?}");
    assert_eq!(row.buckets.iter().sum::<u64>() + 1, row.calls, "{row:?}");
}

/// Threads come and go all the time.
const THREADS_THAT_COME_AND_GO: &str = r#"
import os, sys, threading
go = True
def end():
    global go
    sys.stdin.readline()
    go = False
threading.Thread(target=end).start()
print("ready", flush=True)
while go:
    threads = [threading.Thread(target=os.getppid) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
"#;

#[test]
fn a_process_whose_threads_come_and_go_is_over_when_it_ends() {
    for round in 0..10 {
        let mut target = python(THREADS_THAT_COME_AND_GO);
        let Some(mut engine) = start(Kind::Ebpf, &plan(target.pid(), "getppid")) else { return };
        let end = Instant::now() + Duration::from_millis(50);
        while Instant::now() < end {
            engine.next(Duration::from_millis(5), &mut |_| {}).unwrap();
        }
        target.tell("end");
        let over = Instant::now();
        while engine.next(Duration::from_millis(10), &mut |_| {}).unwrap() != Life::Over {
            assert!(over.elapsed() < Duration::from_secs(20), "round {round}: somebody lives for ever");
        }
        assert_eq!(engine.lost().threads, 0);
    }
}
