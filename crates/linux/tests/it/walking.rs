//! The pass over all processes, with and without held descriptors.

use std::collections::BTreeMap;
use std::path::PathBuf;

use procyon_linux::proc::pid_io::PidIo;
use procyon_linux::proc::pid_status::PidStatus;
use procyon_linux::root::Root;
use procyon_linux::walk::{Descriptors, ProcessWalk, WalkCounts};
use procyon_testkit::Workload;
use procyon_units::{Reading, Ticks};

#[derive(Debug, PartialEq)]
struct Row {
    comm: Vec<u8>,
    start: Ticks,
    threads: u32,
    status: PidStatus,
    io: Reading<PidIo>,
}

fn table(walk: &mut ProcessWalk) -> (BTreeMap<u32, Row>, WalkCounts) {
    let mut rows = BTreeMap::new();
    let counts = walk.walk(|files| {
        let (stat, status, io) = (files.stat, files.status, files.io);
        let row = Row { comm: stat.comm.to_vec(), start: stat.start, threads: stat.threads, status, io };
        assert!(rows.insert(stat.pid, row).is_none(), "pid {} twice", stat.pid);
    });
    (rows, counts.unwrap())
}

const WAYS: [Descriptors; 2] = [Descriptors::Reopen, Descriptors::Hold { most: 100_000 }];

fn new_walk(descriptors: Descriptors) -> ProcessWalk {
    procyon_linux::own::raise_descriptor_limit();
    ProcessWalk::new(&Root::live(), descriptors).unwrap()
}

#[test]
fn every_process_is_found_and_a_name_may_be_evil() {
    let evil = Workload::start(&["rename", "a) R 1 (\n\u{1}"]);
    let threads = Workload::start(&["threads", "30"]);
    for way in WAYS {
        let mut walk = new_walk(way);
        // The second pass of the holding walk reads through what the first one opened.
        for _ in 0..2 {
            let (rows, counts) = table(&mut walk);
            assert_eq!(rows[&evil.pid()].comm, b"a) R 1 (\n\x01");
            assert_eq!((rows[&threads.pid()].threads, rows[&threads.pid()].status.threads), (31, 31));
            assert_eq!(rows[&evil.pid()].status.tgid, evil.pid());
            assert!(rows.contains_key(&std::process::id()));
            assert_eq!(counts.read as usize, rows.len());
            assert_eq!((counts.forbidden, counts.failed), (0, 0));
        }
    }
}

/// Both ways read the same of processes that sleep.
#[test]
fn holding_and_reopening_say_the_same() {
    let sleepers: Vec<_> = (0..5).map(|_| Workload::start(&["idle"])).collect();
    let (mut fresh, mut held) = (new_walk(WAYS[0]), new_walk(WAYS[1]));
    table(&mut held);
    let (by_opening, by_holding) = (table(&mut fresh).0, table(&mut held).0);
    for sleeper in &sleepers {
        assert_eq!(by_opening[&sleeper.pid()], by_holding[&sleeper.pid()]);
        assert!(by_opening[&sleeper.pid()].io.is_known());
    }
}

#[test]
fn ended_processes_give_their_descriptors_back() {
    let mut walk = new_walk(WAYS[1]);
    let sleepers: Vec<_> = (0..10).map(|_| Workload::start(&["idle"])).collect();
    let pids: Vec<u32> = sleepers.iter().map(Workload::pid).collect();
    table(&mut walk);
    let open_for = |pids: &[u32]| {
        let links = std::fs::read_dir("/proc/self/fd")
            .unwrap()
            .flatten()
            .filter_map(|entry| std::fs::read_link(entry.path()).ok());
        let stats: Vec<PathBuf> = pids.iter().map(|pid| format!("/proc/{pid}/stat").into()).collect();
        links.filter(|link| stats.contains(link)).count()
    };
    assert!(open_for(&pids) >= 10);
    for sleeper in sleepers {
        sleeper.finish();
    }
    let (rows, _) = table(&mut walk);
    assert!(pids.iter().all(|pid| !rows.contains_key(pid)));
    assert_eq!(open_for(&pids), 0);
}

#[test]
fn the_bound_of_descriptors_holds() {
    let _sleepers: Vec<_> = (0..8).map(|_| Workload::start(&["idle"])).collect();
    let mut walk = new_walk(Descriptors::Hold { most: 10 });
    for _ in 0..3 {
        let (rows, counts) = table(&mut walk);
        assert_eq!(counts.held, 9);
        assert!(rows.len() > 8);
    }
}

#[test]
fn a_pass_allocates_nothing_in_the_steady_state() {
    let _sleepers: Vec<_> = (0..200).map(|_| Workload::start(&["idle"])).collect();
    for way in WAYS {
        let mut walk = new_walk(way);
        let mut pass = || {
            let mut read = 0;
            let allocated = allocation_counter::measure(|| read = walk.walk(|_| ()).unwrap().read);
            assert!(read > 200);
            allocated.count_total
        };
        pass();
        // The table of held files may grow once for processes that tests beside this one start.
        let least = (0..5).map(|_| pass()).min();
        assert_eq!(least, Some(0), "{way:?}");
    }
}

/// Files as a container or an archive has them: a folder, no kernel behind it.
#[test]
fn a_copy_of_procfs_is_read_as_well() {
    let dir = std::env::temp_dir().join(format!("procyon-walk-{}", std::process::id()));
    let process = dir.join("proc/4084");
    std::fs::create_dir_all(&process).unwrap();
    std::fs::create_dir_all(dir.join("proc/sys")).unwrap();
    std::fs::create_dir_all(dir.join("proc/17")).unwrap();
    for file in ["stat", "status"] {
        std::fs::copy(format!("/proc/self/{file}"), process.join(file)).unwrap();
    }
    let mut walk = ProcessWalk::new(&Root::at(&dir), Descriptors::Reopen).unwrap();
    let (rows, counts) = table(&mut walk);
    std::fs::remove_dir_all(&dir).unwrap();
    assert_eq!(rows[&std::process::id()].io, Reading::Unsupported);
    assert_eq!((counts.read, counts.vanished), (1, 1));
    assert!(ProcessWalk::new(&Root::at(&dir), Descriptors::Reopen).is_err());
}
