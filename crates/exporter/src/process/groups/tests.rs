//! Groups over processes that a test makes up.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use procyon_linux::net::socket::{Protocol, state};
use procyon_model::process::{CpuCounters, Faults, Io, Memory, Net, ProcessState, Switches};
use procyon_units::{Bytes, CpuTime, Reading};

use super::*;
use crate::flags::Flags;
use crate::metric::{Labels, Metrics};
use crate::process::families::Served;
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
    /// Whether each thread has a name of its own.
    has_names: bool,
    has_socket: bool,
    is_zombie: bool,
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
        has_names: false,
        has_socket: false,
        is_zombie: false,
    }
}

/// A connection of a process, as no other has one.
fn socket(pid: u32) -> Socket {
    let [.., high, low] = pid.to_be_bytes();
    Socket {
        protocol: Protocol::Tcp,
        local: ([127, 0, high, low], 80).into(),
        remote: Some(([127, 1, high, low], 1).into()),
        state: state::ESTABLISHED,
        uid: 0,
        inode: u64::from(pid),
        receive_queue: Bytes(0),
        send_queue: Bytes(0),
        namespace: 1,
        cookie: None,
        tcp: None,
    }
}

#[derive(Default)]
struct Fake {
    processes: BTreeMap<u32, Made>,
    looks: HashMap<u32, u32>,
    /// Who was said not to have run.
    idle: HashSet<u32>,
    /// Who does not tell its arguments, and how often each was asked.
    silent: HashSet<u32>,
    asked: HashMap<u32, u32>,
    /// Whose proportional memory was read last.
    measured: Vec<u32>,
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
                memory: if made.is_zombie {
                    Reading::Absent
                } else {
                    Reading::Known(Memory { resident: Bytes(4096), ..Memory::default() })
                },
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
        for key in keys {
            *self.asked.entry(key.pid).or_default() += 1;
        }
        let told = keys.iter().filter(|key| !self.silent.contains(&key.pid));
        let facts = |key: &Key| {
            let arguments = self.processes.get(&key.pid)?.line.split_whitespace().map(str::to_owned).collect();
            Some((*key, Facts { arguments, ..Facts::default() }))
        };
        told.filter_map(facts).collect()
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
                name: if made.has_names { format!("t{tid}").into() } else { "worker".into() },
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
        self.measured = keys.iter().map(|key| key.pid).collect();
        keys.iter().map(|key| (*key, Some((1000, 0)))).collect()
    }

    fn sockets(&mut self, _: &[(u32, Ticks)], idle: &HashSet<u32>) -> Vec<(Key, Socket)> {
        self.idle = idle.clone();
        let of = |made: &Made| (Key { pid: made.pid, start: Ticks(made.start) }, socket(made.pid));
        self.processes.values().filter(|made| made.has_socket).map(of).collect()
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
fn who_does_not_tell_its_arguments_is_asked_again_and_ever_more_seldom() {
    let mut test = Test::new(&["-procnames=a"]);
    test.fake.silent.insert(1);
    test.fake.put(made(1, "a"));
    test.scrape();
    assert_eq!((test.of("a"), test.groups.errors.processes), (None, 1));
    // It counts from when it was seen first.
    test.fake.change(1, |one| one.cpu += 7);
    test.fake.silent.clear();
    test.scrape();
    assert_eq!(test.of("a"), Some((1, 7, 0)));
    test.fake.silent.insert(2);
    test.fake.put(made(2, "a"));
    for _ in 0..400 {
        test.scrape();
    }
    // After 1, 2, 4, ... 64 scrapes, and from then on every 64.
    assert_eq!(test.fake.asked[&2], 12);
    // Whoever runs another program is asked at once.
    test.fake.silent.clear();
    test.fake.change(2, |one| one.exec = 2);
    test.scrape();
    assert_eq!(test.of("a").map(|(processes, ..)| processes), Some(2));
}

#[test]
fn proportional_memory_is_read_of_some_at_each_scrape_and_none_is_older_than_a_minute() {
    let mut test = Test::new(&["-procnames=a"]);
    for pid in 1..=100 {
        test.fake.put(made(pid, "a"));
    }
    test.scrape();
    assert_eq!(test.fake.measured.len(), 100);
    for round in 1..100 {
        if round == 50 {
            test.fake.put(made(101, "a"));
        }
        test.fake.measured.clear();
        test.scrape();
        assert!((24..=27).contains(&test.fake.measured.len()), "round {round}: {}", test.fake.measured.len());
        let now = Mono(test.seconds * 1_000_000_000);
        for process in test.groups.tracked.values() {
            let age = now.since(process.details.proportional_at.unwrap());
            assert!(age < Duration::from_mins(1), "round {round}: {age:?}");
        }
    }
    // Whoever asks often reads no more for it, and in few parts.
    let (mut parts, mut all) = (0, 0);
    for _ in 0..240 {
        test.fake.measured.clear();
        test.seconds += 1;
        let now = Mono(test.seconds * 1_000_000_000);
        test.groups.update(&mut test.fake, now).unwrap();
        parts += u32::from(!test.fake.measured.is_empty());
        all += test.fake.measured.len();
        let ages = test.groups.tracked.values().map(|process| now.since(process.details.proportional_at.unwrap()));
        assert!(ages.max().unwrap() < Duration::from_mins(1));
    }
    assert!(parts <= 40 && (4 * 101..5 * 101).contains(&all), "{all} in {parts} parts");
    // Whoever comes back after long reads all of it, once.
    test.seconds += 600;
    test.scrape();
    assert_eq!(test.fake.measured.len(), 101);
    test.scrape();
    assert!(test.fake.measured.len() < 30, "{}", test.fake.measured.len());
}

#[test]
fn names_of_threads_that_are_gone_become_part_of_other_where_there_are_many() {
    let mut test = Test::new(&["-procnames=a"]);
    let sum = |test: &Test| test.groups.by_name["a"].threads.values().filter_map(|thread| thread.sums[6]).sum::<u64>();
    let mut before = 0;
    for round in 0..100_u32 {
        // Ten threads that nobody has seen before, each with a name of its own.
        let threads = (0..10).map(|number| (1000 + round * 10 + number, 5)).collect();
        let one = Made { start: 200, threads, has_names: true, switches: None, ..made(1, "a") };
        test.fake.put(one);
        test.scrape();
        let names = test.groups.by_name["a"].threads.len();
        assert!(names <= MANY_THREAD_NAMES, "round {round}: {names} names");
        let now = sum(&test);
        assert!(now >= before + 50, "round {round}: {now} after {before}");
        before = now;
    }
    assert!(test.groups.by_name["a"].threads.contains_key(OTHER));
    assert!(test.groups.by_name["a"].threads.contains_key("t1990"));
    // Where there are few they stay.
    let mut test = Test::new(&["-procnames=a"]);
    test.fake.put(Made { threads: vec![(7, 5)], has_names: true, switches: None, ..made(1, "a") });
    test.scrape();
    test.fake.change(1, |one| one.threads = vec![(8, 5)]);
    test.scrape();
    assert!(test.groups.by_name["a"].threads.contains_key("t7"));
}

#[test]
fn a_zombie_has_no_memory_left() {
    let mut test = Test::new(&["-procnames=a"]);
    test.fake.put(made(1, "a"));
    test.fake.put(made(2, "a"));
    test.scrape();
    let now = |test: &Test| (test.groups.by_name["a"].now.resident, test.groups.by_name["a"].now.proportional);
    assert_eq!(now(&test), (8192, Some((2000, 0))));
    test.fake.change(2, |two| two.is_zombie = true);
    test.scrape();
    assert_eq!(now(&test), (4096, Some((1000, 0))));
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

/// What is served of a test's groups, scrape by scrape.
struct Scrapes {
    test: Test,
    served: Served,
    /// Processor time by group, as it was served last.
    before: BTreeMap<String, f64>,
    /// Groups, and sockets, of each scrape.
    seen: Vec<(u64, BTreeSet<String>, BTreeSet<String>)>,
}

type Samples = Vec<(BTreeMap<String, String>, f64)>;

impl Scrapes {
    fn new(arguments: &[&str]) -> Self {
        let test = Test::new(arguments);
        let served = Served::new(&test.groups.options);
        Self { test, served, before: BTreeMap::new(), seen: Vec::new() }
    }

    /// One scrape: samples by family. By how much processor time grew, as Prometheus reckons it.
    fn scrape(&mut self) -> (BTreeMap<String, Samples>, f64) {
        self.test.scrape();
        let (mut out, mut mistakes) = (Metrics::default(), 0);
        let now = Mono(self.test.seconds * 1_000_000_000);
        self.served.write(&mut self.test.groups, &self.test.fake, now, &mut out);
        let families: BTreeMap<String, Samples> = out
            .sorted(&mut mistakes)
            .into_iter()
            .map(|family| {
                let labels = |labels: &Labels| -> BTreeMap<String, String> {
                    labels.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect()
                };
                let samples = family.samples.into_iter().map(|sample| (labels(&sample.labels), sample.value));
                (family.name.trim_start_matches("namedprocess_namegroup_").to_owned(), samples.collect())
            })
            .collect();
        assert_eq!(mistakes, 0, "a sample stands there twice");
        let mut counted: BTreeMap<String, f64> = BTreeMap::new();
        for (labels, value) in &families["cpu_seconds_total"] {
            *counted.entry(labels["groupname"].clone()).or_default() += value;
        }
        let mut grown = 0.0;
        for (group, value) in &counted {
            let before = self.before.get(group).copied();
            assert!(before.is_some() || *value == 0.0 || self.before.is_empty(), "{group} begins at {value}");
            // One that is smaller than it was began anew.
            grown += before.filter(|before| before <= value).map_or(*value, |before| value - before);
        }
        let sockets = families.get("netstat").into_iter().flatten().map(|(labels, _)| format!("{labels:?}")).collect();
        self.seen.push((self.test.seconds, counted.keys().filter(|group| *group != OTHER).cloned().collect(), sockets));
        self.before = counted;
        (families, grown)
    }

    /// How many different groups and sockets there were in the hour up to now.
    fn in_the_last_hour(&self) -> (usize, usize) {
        let recent = || self.seen.iter().filter(|(at, ..)| self.test.seconds - at <= 3600);
        let groups: BTreeSet<&String> = recent().flat_map(|(_, groups, _)| groups).collect();
        let sockets: BTreeSet<&String> = recent().flat_map(|(.., sockets)| sockets).collect();
        (groups.len(), sockets.len())
    }
}

/// The sum of a family, or of those of its samples that have a label; none where there are none.
fn sum(samples: &Samples, wanted: Option<(&str, &str)>) -> Option<f64> {
    let fits = |labels: &BTreeMap<String, String>| wanted.is_none_or(|(name, value)| labels[name] == value);
    let values = samples.iter().filter(|(labels, _)| fits(labels)).map(|(_, value)| *value);
    values.reduce(|one, other| one + other)
}

#[test]
fn under_churn_what_is_served_stays_bounded_and_the_largest_and_the_rest_are_all_there_is() {
    const PROCESSES: u32 = 3000;
    let mut scrapes = Scrapes::new(&["-top-sticky=0s"]);
    let mut born = 0;
    let mut random = 1_u64;
    let mut next = move || {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        random >> 33
    };
    let mut most = (0, 0);
    for round in 0..300 {
        let mut true_growth = 0;
        // A quarter in fifteen seconds: fifty a second.
        scrapes.test.fake.processes.retain(|_, _| next() % 4 > 0);
        for process in scrapes.test.fake.processes.values_mut() {
            // Few do most of the work, and who they are changes.
            let grown = if next() % 50 == 0 { next() % 1_000_000_000 } else { next() % 1000 };
            process.cpu += grown;
            true_growth += grown;
        }
        while scrapes.test.fake.processes.len() < PROCESSES as usize {
            born += 1;
            let cpu = next() % 100_000_000;
            scrapes.test.fake.put(Made { start: 200 + u64::from(born), cpu, has_socket: true, ..made(born, "a") });
            true_growth += cpu;
        }
        let (families, grown) = scrapes.scrape();
        // What was counted before the first scrape is in the rest.
        let expected = f64::from(u32::try_from(true_growth / 1000).unwrap()) / 1e6;
        assert!((grown - expected).abs() < 1e-3, "round {round}: {grown} of {expected} s");
        assert_eq!(sum(&families["num_procs"], None), Some(f64::from(PROCESSES)));
        assert_eq!(sum(&families["num_threads"], None), Some(f64::from(PROCESSES)));
        assert_eq!(sum(&families["open_filedesc"], None), Some(f64::from(3 * PROCESSES)));
        assert_eq!(sum(&families["memory_bytes"], Some(("memtype", "resident"))), Some(f64::from(4096 * PROCESSES)));
        assert_eq!(
            sum(&families["memory_bytes"], Some(("memtype", "proportionalResident"))),
            Some(f64::from(1000 * PROCESSES))
        );
        assert_eq!(sum(&families["states"], Some(("state", "Sleeping"))), Some(f64::from(PROCESSES)));
        assert_eq!(sum(&families["sockets"], None), Some(f64::from(PROCESSES)));
        assert_eq!(
            sum(&families["omitted_groups"], None),
            u32::try_from(families["num_procs"].len()).ok().map(|served| f64::from(PROCESSES + 1 - served))
        );
        // The rest is one more. Where all have ended that may be shown in this hour it is alone.
        let served = |family: &str| families.get(family).map_or(0, Vec::len);
        assert!(served("num_procs") <= 101 && served("pid") <= 100, "round {round}");
        assert!(served("effective_username") <= 100 && served("netstat") <= 200, "round {round}");
        let (groups, sockets) = scrapes.in_the_last_hour();
        assert!(groups <= 200 && sockets <= 400, "round {round}: {groups} groups, {sockets} sockets in an hour");
        most = (groups.max(most.0), sockets.max(most.1));
        // What is not served leaves nothing behind.
        assert!(scrapes.test.groups.by_name.len() <= PROCESSES as usize);
    }
    // The limits were needed.
    assert_eq!(most.0, 200);
    assert!(most.1 > 100, "{most:?}");
}

#[test]
fn a_group_called_other_is_part_of_the_rest() {
    let mut scrapes = Scrapes::new(&["-procnames=a,b,other", "-top=3", "-top-by=cpu"]);
    for (pid, comm) in [(1, "a"), (2, "b"), (3, "other")] {
        scrapes.test.fake.put(made(pid, comm));
    }
    scrapes.scrape();
    // It does most, and there is room, and yet it stands for the rest.
    for (pid, more) in [(1, 3_000_000_000), (2, 1_000_000_000), (3, 5_000_000_000)] {
        scrapes.test.fake.change(pid, |one| one.cpu += more);
    }
    let (families, grown) = scrapes.scrape();
    assert!((grown - 9.0).abs() < 1e-6, "{grown}");
    let names: Vec<&String> = families["num_procs"].iter().map(|(labels, _)| &labels["groupname"]).collect();
    assert_eq!(names, ["a", "b", "other"]);
    assert_eq!(sum(&families["num_procs"], Some(("groupname", "other"))), Some(1.0));
    assert_eq!(sum(&families["omitted_groups"], None), Some(1.0));
}

#[test]
fn groups_that_are_empty_and_not_served_are_forgotten_where_there_is_a_limit() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("rules.yml");
    std::fs::write(&file, "process_names:\n  - name: 'p{{.PID}}'\n    cmdline: ['.+']\n").unwrap();
    let rules = format!("-config.path={}", file.display());
    let mut scrapes = Scrapes::new(&[&rules, "-top=10"]);
    for round in 1..100 {
        scrapes.test.fake.processes.clear();
        for pid in round * 20..round * 20 + 20 {
            scrapes.test.fake.put(Made { start: 200, ..made(pid, "a") });
        }
        let (families, _) = scrapes.scrape();
        assert!(families["num_procs"].len() <= 11);
        // Those that are served, empty ones among them, and those that are there.
        assert!(scrapes.test.groups.by_name.len() <= 30, "{}", scrapes.test.groups.by_name.len());
    }
}
