//! Groups over processes that a test makes up.

use std::collections::{BTreeMap, HashMap};

use procyon_model::process::{CpuCounters, Faults, Io, Memory, Net, ProcessState, Switches};
use procyon_units::{Bytes, CpuTime, Reading};

use super::*;
use crate::flags::Flags;
use crate::process::options;
use crate::process::source::Thread;

/// A process of a test.
#[derive(Clone)]
struct Made {
    pid: u32,
    start: u64,
    comm: &'static str,
    line: &'static str,
    ppid: u32,
    exec: u64,
    cpu: u64,
    read: u64,
    switches: Option<u64>,
    /// Threads beside the main one: id, switches.
    threads: Vec<(u32, u64)>,
}

fn made(pid: u32, comm: &'static str) -> Made {
    Made {
        pid,
        start: 10,
        comm,
        line: comm,
        ppid: 1,
        exec: 1,
        cpu: 100,
        read: 1000,
        switches: Some(50),
        threads: Vec::new(),
    }
}

#[derive(Default)]
struct Fake {
    processes: BTreeMap<u32, Made>,
    looks: HashMap<u32, u32>,
    /// Who was said not to have run.
    idle: HashSet<u32>,
    fails: bool,
}

impl Fake {
    fn put(&mut self, process: Made) {
        self.processes.insert(process.pid, process);
    }

    fn change(&mut self, pid: u32, change: impl FnOnce(&mut Made)) {
        change(self.processes.get_mut(&pid).unwrap());
    }
}

impl Source for Fake {
    fn pass(&mut self, each: &mut dyn FnMut(&RawProcess<'_>, Reading<Net>)) -> Result<(), CollectError> {
        if self.fails {
            return Err(CollectError::Processes("on purpose".to_owned()));
        }
        for made in self.processes.values() {
            let raw = RawProcess {
                pid: made.pid,
                start: Ticks(made.start),
                name: made.comm.as_bytes(),
                state: ProcessState(b'S'),
                ppid: made.ppid,
                kernel_thread: false,
                uid: 0,
                euid: 0,
                gid: 0,
                threads: 1 + u32::try_from(made.threads.len()).unwrap(),
                nice: 0,
                policy: 0,
                cpu: CpuCounters { user: CpuTime(made.cpu), system: CpuTime(0) },
                faults: Faults::default(),
                memory: Reading::Known(Memory { resident: Bytes(4096), ..Memory::default() }),
                io: Reading::Known(Io { read: Bytes(made.read), ..Io::default() }),
                switches: made
                    .switches
                    .map_or(Reading::Pending, |count| Reading::Known(Switches { voluntary: count, involuntary: 0 })),
                run_delay: Reading::Unsupported,
                exec_id: Some(made.exec),
                cgroup: None,
            };
            each(&raw, Reading::Unsupported);
        }
        Ok(())
    }

    fn boot(&self) -> i64 {
        0
    }

    fn up(&self) -> Ticks {
        Ticks(100)
    }

    fn facts(&mut self, keys: &[Key]) -> Vec<(Key, Facts)> {
        let facts = |key: &Key| {
            let arguments = self.processes.get(&key.pid)?.line.split_whitespace().map(str::to_owned).collect();
            Some((*key, Facts { arguments, ..Facts::default() }))
        };
        keys.iter().filter_map(facts).collect()
    }

    fn user(&mut self, uid: u32) -> Arc<str> {
        uid.to_string().into()
    }

    fn look(&mut self, key: Key, _: u32, details: &mut Details) {
        *self.looks.entry(key.pid).or_default() += 1;
        let made = &self.processes[&key.pid];
        details.fds = Some(3);
        details.threads.clear();
        if made.threads.is_empty() {
            return;
        }
        for (tid, switches) in [(key.pid, 1)].into_iter().chain(made.threads.iter().copied()) {
            let counted = [Some(0), Some(0), None, None, Some(0), Some(0), Some(switches), Some(0)];
            details.switches.0 = details.switches.0.max(made.threads.iter().map(|(_, count)| count).sum::<u64>() + 1);
            let thread = Thread {
                name: "worker".into(),
                start: key.start,
                turns: None,
                state: b'S',
                wchan: b"futex".as_slice().into(),
                counted,
                settled: None,
                seen: true,
            };
            details.threads.insert(tid, thread);
        }
    }

    fn proportional(&mut self, keys: &[Key]) -> Vec<(Key, Option<(u64, u64)>)> {
        keys.iter().map(|key| (*key, Some((1000, 0)))).collect()
    }

    fn sockets(&mut self, _: &[(u32, Ticks)], idle: &HashSet<u32>) -> Vec<(Key, Socket)> {
        self.idle = idle.clone();
        Vec::new()
    }
}

struct Test {
    fake: Fake,
    groups: Groups,
    seconds: u64,
}

impl Test {
    fn new(arguments: &[&str]) -> Self {
        let mut flags = Flags::default();
        options::declare(&mut flags, "");
        flags.parse(arguments.iter().map(|argument| (*argument).to_owned())).unwrap();
        let options = Options::new(&flags, "").unwrap();
        let fake = Fake::default();
        let groups = Groups::new(options, fake.up());
        Self { fake, groups, seconds: 0 }
    }

    fn scrape(&mut self) {
        self.seconds += 15;
        self.groups.update(&mut self.fake, Mono(self.seconds * 1_000_000_000)).unwrap();
    }

    /// Processes, processor time and bytes read of a group.
    fn of(&self, group: &str) -> Option<(u64, u64, u64)> {
        let group = self.groups.by_name.get(group)?;
        Some((group.now.processes, group.sums.cpu(), group.sums.io()))
    }
}

#[test]
fn older_processes_begin_at_zero_and_younger_ones_bring_what_they_did() {
    let mut test = Test::new(&["-procnames=a"]);
    test.fake.put(made(1, "a"));
    test.scrape();
    assert_eq!(test.of("a"), Some((1, 0, 0)));
    test.fake.put(Made { start: 200, ..made(2, "a") });
    test.fake.change(1, |one| one.cpu += 7);
    test.scrape();
    assert_eq!(test.of("a"), Some((2, 107, 1000)));
}

#[test]
fn sums_survive_death_and_a_pid_that_is_used_again_is_another_process() {
    let mut test = Test::new(&["-procnames=a"]);
    test.fake.put(made(1, "a"));
    test.scrape();
    test.fake.change(1, |one| one.cpu = 150);
    test.scrape();
    test.fake.put(Made { start: 300, cpu: 5, read: 0, ..made(1, "a") });
    test.scrape();
    assert_eq!(test.of("a"), Some((1, 55, 0)));
    test.fake.processes.clear();
    test.scrape();
    assert_eq!(test.of("a"), Some((0, 55, 0)));
    let mut test = Test::new(&["-procnames=a", "-remove-empty-groups"]);
    test.fake.put(made(1, "a"));
    test.scrape();
    test.fake.processes.clear();
    test.scrape();
    assert_eq!(test.of("a"), None);
}

#[test]
fn children_follow_their_nearest_ancestor_unless_told_otherwise() {
    for (arguments, expected) in [(&["-procnames=a"][..], 3), (&["-procnames=a", "-children=false"], 1)] {
        let mut test = Test::new(arguments);
        // Children before their parents, as pids may be.
        test.fake.put(Made { ppid: 8, ..made(7, "c") });
        test.fake.put(Made { ppid: 9, ..made(8, "b") });
        test.fake.put(made(9, "a"));
        test.fake.put(made(20, "stranger"));
        test.scrape();
        assert_eq!(test.of("a").map(|(processes, ..)| processes), Some(expected), "{arguments:?}");
        assert_eq!(test.groups.by_name.len(), 1);
    }
}

#[test]
fn another_program_is_looked_at_again_and_a_name_where_the_process_was_in_no_group() {
    let mut test = Test::new(&["-procnames=a,b"]);
    test.fake.put(made(1, "sh"));
    test.scrape();
    assert_eq!(test.of("a"), None);
    test.fake.change(1, |one| one.comm = "a");
    test.scrape();
    assert_eq!(test.of("a"), Some((1, 0, 0)));
    // Who is in a group and changes its name alone stays; who runs another program moves, and takes nothing along.
    test.fake.change(1, |one| (one.comm, one.cpu) = ("b", 110));
    test.scrape();
    assert_eq!(test.of("a"), Some((1, 10, 0)));
    test.fake.change(1, |one| (one.exec, one.cpu) = (2, 115));
    test.scrape();
    assert_eq!((test.of("a"), test.of("b")), (Some((0, 10, 0)), Some((1, 5, 0))));
}

#[test]
fn who_has_not_run_is_not_read_again() {
    let mut test = Test::new(&["-procnames=a"]);
    test.fake.put(made(1, "a"));
    test.fake.put(Made { switches: None, ..made(2, "a") });
    for _ in 0..3 {
        test.scrape();
    }
    assert_eq!((test.fake.looks[&1], test.fake.looks[&2]), (1, 3));
    assert_eq!(test.fake.idle, [1].into());
    test.fake.change(1, |one| one.switches = Some(51));
    test.scrape();
    assert_eq!(test.fake.looks[&1], 2);
    assert!(test.fake.idle.is_empty());
}

#[test]
fn switches_do_not_fall_when_a_thread_ends_and_states_are_those_of_threads() {
    let mut test = Test::new(&["-procnames=a"]);
    test.fake.put(Made { switches: None, start: 200, threads: vec![(11, 30), (12, 20)], ..made(10, "a") });
    test.scrape();
    let voluntary = |test: &Test| test.groups.by_name["a"].sums.switches();
    let before = voluntary(&test).unwrap();
    assert_eq!(test.groups.by_name["a"].now.states, [0, 0, 3, 0, 0]);
    assert_eq!(test.groups.by_name["a"].threads["worker"].count, 3);
    test.fake.change(10, |one| one.threads = vec![(12, 25)]);
    test.scrape();
    assert!(voluntary(&test).unwrap() >= before);
    assert_eq!(test.groups.by_name["a"].now.states, [0, 0, 2, 0, 0]);
    // The threads' own counts stay, too.
    assert!(test.groups.by_name["a"].threads["worker"].sums[6] >= Some(50));
}

#[test]
fn a_pass_that_fails_is_counted_and_changes_nothing() {
    let mut test = Test::new(&["-procnames=a"]);
    test.fake.put(made(1, "a"));
    test.scrape();
    test.fake.fails = true;
    assert!(test.groups.update(&mut test.fake, Mono(0)).is_err());
    assert_eq!(test.groups.errors.scrapes, 1);
    test.fake.fails = false;
    test.fake.change(1, |one| one.cpu += 3);
    test.scrape();
    assert_eq!(test.of("a"), Some((1, 3, 0)));
}

#[test]
fn without_rules_groups_come_and_go_with_their_processes() {
    let mut test = Test::new(&[]);
    test.fake.put(made(1, "a"));
    test.fake.put(made(2, "a"));
    test.scrape();
    assert_eq!(test.groups.by_name.keys().map(|name| &**name).collect::<Vec<_>>(), ["a_1", "a_2"]);
    test.fake.processes.remove(&1);
    test.scrape();
    assert_eq!(test.groups.by_name.len(), 1);
}
