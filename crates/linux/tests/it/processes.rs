//! Readers of one process, on processes that do what the test told them.

use std::time::Duration;

use procyon_linux::pidfd::{self, PidFd, PidFdError};
use procyon_linux::proc::pid_fd::FdKind;
use procyon_linux::proc::{
    Lost, PidDir, ProcDir, pid_cgroup, pid_cmdline, pid_cwd, pid_exe, pid_fd, pid_limits, pid_ns, pid_oom,
    pid_schedstat, pid_smaps_rollup, pid_task, pid_wchan,
};
use procyon_linux::root::Root;
use procyon_linux::taskstats::TaskStatsSocket;
use procyon_testkit::{Workload, eventually};
use procyon_units::Reading;

const SOON: Duration = Duration::from_mins(1);

fn open(workload: &Workload) -> PidDir {
    PidDir::open(&ProcDir::open(&Root::live()).unwrap(), workload.pid()).unwrap()
}

fn known<T>(seen: Result<Reading<T>, Lost>) -> T {
    match seen.unwrap() {
        Reading::Known(value) => value,
        other => panic!("no value: {:?}", other.map(|_| ())),
    }
}

#[test]
fn open_files_are_counted_and_named() {
    let (few, many) = (Workload::start(&["fds", "0"]), Workload::start(&["fds", "500"]));
    let (few, many) = (open(&few), open(&many));
    assert_eq!(known(pid_fd::count(&many)) - known(pid_fd::count(&few)), 500);
    assert_eq!(known(pid_fd::count(&many)), known(pid_fd::count_entries(&many)));

    let mut buffer = Vec::new();
    let files = known(pid_fd::list(&many, &mut buffer, usize::MAX));
    let devices = files.iter().filter(|file| file.kind == FdKind::Device && *file.target == *b"/dev/null").count();
    assert!((500..=503).contains(&devices), "{devices}");
    assert_eq!(files[0].kind, FdKind::Pipe);
    assert!(files.iter().all(|file| file.info.flags.is_some()));
    assert_eq!(known(pid_fd::list(&many, &mut buffer, 7)).len(), 7);
}

#[test]
fn threads_are_listed_and_summed() {
    let workload = Workload::start(&["threads", "40"]);
    let process = open(&workload);
    let mut buffer = Vec::new();
    // A new thread may not have gone to sleep yet.
    let threads = eventually("all threads sleep", SOON, || {
        let threads = known(pid_task::list(&process, &mut buffer, usize::MAX));
        threads.iter().all(|thread| thread.state == b'S').then_some(threads)
    });
    assert_eq!(threads.len(), 41);
    assert_eq!(threads[0].tid, workload.pid());
    assert!(threads.iter().all(|thread| &*thread.comm == b"procyon-workloa" || thread.tid != workload.pid()));

    let sum = known(pid_task::switches(&process, &mut buffer, 1000));
    let by_hand: u64 = threads.iter().map(|thread| thread.voluntary.unwrap()).sum();
    assert_eq!(sum.voluntary, by_hand);
    assert!(sum.voluntary >= 41);
    assert_eq!(pid_task::switches(&process, &mut buffer, 40), Ok(Reading::Unsupported));
    assert!(known(pid_schedstat::run_delay(&process, &mut buffer, 1000)).0 > 0);
}

/// Where taskstats is permitted it says what the threads' own files say.
#[test]
fn taskstats_agrees_with_the_threads() {
    let workload = Workload::start(&["threads", "12"]);
    let process = open(&workload);
    let mut buffer = Vec::new();
    let mut socket = match TaskStatsSocket::open() {
        Reading::Known(socket) => socket,
        Reading::Forbidden => return assert!(!rustix::process::geteuid().is_root(), "root may ask"),
        Reading::Unsupported => return,
        other => panic!("{other:?}"),
    };
    eventually("both agree", SOON, || {
        let sum = known(pid_task::switches(&process, &mut buffer, 1000));
        let stats = known(socket.read(&process));
        ((stats.voluntary, stats.involuntary) == (sum.voluntary, sum.involuntary)).then_some(())
    });
    drop(workload);
    assert_eq!(socket.read(&process), Err(Lost::Vanished));
}

#[test]
fn memory_is_what_was_allocated() {
    const ALLOCATED: u64 = 48 << 20;
    let workload = Workload::start(&["alloc", &ALLOCATED.to_string()]);
    let rollup = known(pid_smaps_rollup::read(&open(&workload), &mut Vec::new()));
    for (what, bytes) in
        [("pss", rollup.proportional.0), ("uss", rollup.unique.0), ("anon", rollup.proportional_anonymous.0)]
    {
        assert!((ALLOCATED..ALLOCATED + (4 << 20)).contains(&bytes), "{what} {bytes}");
    }
}

#[test]
fn what_describes_a_process_is_read() {
    let workload = Workload::start(&["idle", "", "two words", "é"]);
    let process = open(&workload);
    let mut buffer = Vec::new();
    let program = procyon_testkit::program();
    let line = known(pid_cmdline::read(&process, &mut buffer));
    let expected = [program.to_str().unwrap(), "idle", "", "two words", "é"].map(str::as_bytes);
    assert_eq!(line.arguments().collect::<Vec<_>>(), expected);
    let exe = known(pid_exe::read(&process));
    assert_eq!(
        (exe.path, exe.deleted),
        (std::fs::canonicalize(&program).unwrap().to_str().unwrap().as_bytes().to_vec(), false)
    );
    assert_eq!(known(pid_cwd::read(&process)), std::env::current_dir().unwrap().to_str().unwrap().as_bytes());
    let cgroup = std::fs::read("/proc/self/cgroup").unwrap();
    assert_eq!(known(pid_cgroup::read(&process, &mut buffer)), pid_cgroup::parse(&cgroup).unwrap());
    let namespace = std::fs::read_link("/proc/self/ns/net").unwrap();
    assert_eq!(format!("net:[{}]", known(pid_ns::network(&process))), namespace.to_str().unwrap());
    assert!((-1000..=1000).contains(&known(pid_oom::read(&process, &mut buffer)).adjustment));
    let wchan = known(pid_wchan::read(&process, &mut buffer));
    assert!(!wchan.contains(&b'\n'));
    let limits = known(pid_limits::read(&process, &mut buffer));
    let files = limits.iter().find(|limit| limit.short_name() == Some("nofile")).unwrap();
    assert_eq!(limits.len(), 16);
    assert_eq!(files.soft, known(pid_limits::open_files(&process, &mut buffer)));
    assert_eq!(files.soft, rustix::process::getrlimit(rustix::process::Resource::Nofile).current);
}

#[test]
fn a_long_command_line_is_cut() {
    let argument = "x".repeat(100_000);
    let workload = Workload::start(&["idle", &argument, &argument]);
    let mut buffer = Vec::new();
    let line = known(pid_cmdline::read(&open(&workload), &mut buffer));
    assert_eq!((line.bytes.len(), line.truncated), (pid_cmdline::LIMIT, true));
    assert!(buffer.capacity() < 4 * pid_cmdline::LIMIT);
}

#[test]
fn a_process_that_ended_is_told_from_one_that_hides() {
    let workload = Workload::start(&["idle"]);
    let process = open(&workload);
    let mut buffer = Vec::new();
    assert!(known(process.start_time(&mut buffer)).0 > 0);
    assert!(process.is_alive());
    workload.finish();
    assert!(!process.is_alive());
    assert_eq!(process.start_time(&mut buffer), Err(Lost::Vanished));
    assert_eq!(pid_cmdline::read(&process, &mut buffer), Err(Lost::Vanished));
    assert_eq!(pid_exe::read(&process), Err(Lost::Vanished));
    assert_eq!(pid_fd::count(&process), Err(Lost::Vanished));
    assert_eq!(pid_task::list(&process, &mut buffer, 9), Err(Lost::Vanished));
    assert_eq!(pid_smaps_rollup::read(&process, &mut buffer), Err(Lost::Vanished));
}

#[test]
fn a_kernel_thread_has_no_program_and_no_memory() {
    let proc = ProcDir::open(&Root::live()).unwrap();
    // Kernel threads are seen from the first pid namespace only.
    let Ok(kthreadd) = PidDir::open(&proc, 2) else { return };
    let comm = std::fs::read("/proc/2/comm").unwrap();
    if comm != b"kthreadd\n" {
        return;
    }
    let mut buffer = Vec::new();
    assert!(matches!(pid_exe::read(&kthreadd), Ok(Reading::Absent | Reading::Forbidden)));
    assert!(matches!(pid_smaps_rollup::read(&kthreadd, &mut buffer), Ok(Reading::Absent | Reading::Forbidden)));
    assert!(known(pid_cmdline::read(&kthreadd, &mut buffer)).bytes.is_empty());
}

#[test]
fn files_of_others_are_forbidden_without_rights() {
    let workload = Workload::start(&["idle"]);
    if !rustix::process::geteuid().is_root() {
        return;
    }
    let unprivileged = move || {
        let nobody = rustix::process::Uid::from_raw(65_534);
        // Holds for this thread alone; leaving uid 0 drops its capabilities.
        rustix::thread::set_thread_res_uid(nobody, nobody, nobody).unwrap();
        let process = open(&workload);
        let mut buffer = Vec::new();
        assert_eq!(pid_exe::read(&process), Ok(Reading::Forbidden));
        assert_eq!(pid_smaps_rollup::read(&process, &mut buffer), Ok(Reading::Forbidden));
        assert_eq!(pid_fd::list(&process, &mut buffer, 9), Ok(Reading::Forbidden));
        assert_eq!(pid_ns::network(&process), Ok(Reading::Forbidden));
        assert!(known(process.start_time(&mut buffer)).0 > 0);
        assert_eq!(PidFd::open(workload.pid()).unwrap().send(15), Err(PidFdError::Forbidden));
        let mut walk =
            procyon_linux::walk::ProcessWalk::new(&Root::live(), procyon_linux::walk::Descriptors::Reopen).unwrap();
        let mut io = Reading::Pending;
        let pid = workload.pid();
        walk.walk(|files| {
            if files.stat.pid == pid {
                io = files.io.map(|_| ());
            }
        })
        .unwrap();
        assert_eq!(io, Reading::Forbidden);
    };
    std::thread::spawn(unprivileged).join().unwrap();
}

#[test]
fn a_pidfd_signals_and_sees_the_end() {
    let workload = Workload::start(&["idle"]);
    let held = PidFd::open(workload.pid()).unwrap();
    assert_eq!(held.wait(Duration::ZERO), Ok(false));
    assert_eq!(held.send(0), Err(PidFdError::NotASignal(0)));
    assert_eq!(held.send(65), Err(PidFdError::NotASignal(65)));
    assert_eq!(pidfd::kill(workload.pid(), 65), Err(PidFdError::NotASignal(65)));
    held.send(64).unwrap();
    assert_eq!(held.wait(SOON), Ok(true));
    drop(workload);
    assert_eq!(held.send(15), Err(PidFdError::Ended));
    assert_eq!(pidfd::kill(0, 15), Err(PidFdError::Ended));
    assert_eq!(PidFd::open(0).unwrap_err(), PidFdError::Ended);
    assert_eq!(PidFd::open(u32::MAX).unwrap_err(), PidFdError::Ended);
}
