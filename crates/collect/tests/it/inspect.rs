//! One process looked at closely, against what it was told to do.

use procyon_collect::LocalInspect;
use procyon_linux::root::Root;
use procyon_model::inspect::{Inspect, InspectError};
use procyon_model::key::ProcessKey;
use procyon_testkit::Workload;
use procyon_units::Ticks;

fn inspect() -> LocalInspect {
    LocalInspect::new(&Root::live()).unwrap()
}

/// The key of a process, by field 22 of its `stat`.
fn key(pid: u32) -> ProcessKey {
    let stat = std::fs::read(format!("/proc/{pid}/stat")).unwrap();
    let after = stat.iter().rposition(|byte| *byte == b')').unwrap() + 2;
    let start = stat.get(after..).unwrap().split(|byte| *byte == b' ').nth(19).unwrap();
    ProcessKey { pid, start: Ticks(std::str::from_utf8(start).unwrap().parse().unwrap()), boot: 0 }
}

#[test]
fn threads_are_listed_one_by_one() {
    let workload = Workload::start(&["threads", "300"]);
    let threads = inspect().threads(&key(workload.pid())).unwrap();
    assert_eq!(threads.len(), 301);
    assert_eq!(threads[0].tid, workload.pid());
    assert!(threads.iter().all(|thread| thread.voluntary.is_known()));
    assert!(threads.iter().skip(1).all(|thread| thread.wchan.is_known()));
}

#[test]
fn files_and_limits_say_what_is_open() {
    let workload = Workload::start(&["fds", "123"]);
    let files = inspect().files(&key(workload.pid())).unwrap();
    let there = std::fs::read_dir(format!("/proc/{}/fd", workload.pid())).unwrap().count();
    assert_eq!(files.len(), there);
    assert!(files.iter().filter(|file| &*file.target == b"/dev/null").count() >= 123);
    assert_eq!(files.iter().find(|file| file.fd == 0).unwrap().kind, "pipe");
    let limits = inspect().limits(&key(workload.pid())).unwrap();
    let nofile = limits.iter().find(|limit| &*limit.name == "nofile").unwrap();
    assert_eq!(nofile.used, Some(there as u64));
    assert!(nofile.soft.is_some() && nofile.soft <= nofile.hard);
    let memlock = limits.iter().find(|limit| &*limit.name == "memlock").unwrap();
    assert_eq!(memlock.used, Some(0));
}

#[test]
fn a_kernel_thread_uses_nothing_of_its_limits() {
    // Inside a container there may be no kernel thread to see.
    if std::fs::read("/proc/2/cmdline").is_ok_and(|line| line.is_empty()) {
        let limits = inspect().limits(&key(2)).unwrap();
        assert!(!limits.is_empty() && limits.iter().all(|limit| limit.used.is_none()), "{limits:?}");
    }
}

#[test]
fn limits_of_the_control_group_are_readable() {
    let workload = Workload::start(&["idle"]);
    // Whatever they are on this machine: there is an answer.
    inspect().cgroup_limits(&key(workload.pid())).unwrap();
}

#[test]
fn another_process_with_the_same_pid_has_ended() {
    let workload = Workload::start(&["idle"]);
    let alive = key(workload.pid());
    let earlier = ProcessKey { start: Ticks(alive.start.0 - 1), ..alive };
    assert_ended(&earlier);
    drop(workload);
    assert_ended(&alive);
}

fn assert_ended(key: &ProcessKey) {
    let inspect = inspect();
    let ended = InspectError::Ended(*key);
    assert_eq!(inspect.threads(key).unwrap_err(), ended);
    assert_eq!(inspect.files(key).unwrap_err(), ended);
    assert_eq!(inspect.limits(key).unwrap_err(), ended);
    assert_eq!(inspect.cgroup_limits(key).unwrap_err(), ended);
}
