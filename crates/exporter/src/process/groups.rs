//! Which process is in which group, and what groups have counted.
//!
//! A counter of a group is the sum of what its processes counted while they were in it: it never falls, and what a process
//! had counted stays when the process ends. A process that is older than we are begins at zero, one that started later
//! brings all of its counts.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use procyon_collect::provider::RawProcess;
use procyon_linux::net::socket::Socket;
use procyon_units::{Mono, Ticks};

use super::counters::Counters;
use super::options::Options;
use super::rules::Facts;
use super::source::{Details, Key, Source, THREAD_COUNTERS};
use crate::node::CollectError;

/// How far up a process looks for an ancestor that is in a group.
const HIGHEST: usize = 1000;
/// The most names of threads that a group keeps; threads with further names count as `other`.
const MOST_THREAD_NAMES: usize = 1000;
/// A minute of proportional memory is read in at most so many parts: to ask for a few processes costs as much as for some.
const SLICES: usize = 8;
/// What threads beyond that are called.
const OTHER: &str = "other";
/// Beyond so many, names that no thread bears any more become part of `other`.
const MANY_THREAD_NAMES: usize = 100;
/// The most scrapes until a process whose facts could not be read is asked again.
const MOST_ROUNDS: u64 = 64;

/// Processes and their groups, from one scrape to the next.
pub(super) struct Groups {
    options: Options,
    /// Boxed, as groups are: tables keep room for twice as many.
    tracked: HashMap<u32, Box<Tracked>>,
    pub(super) by_name: BTreeMap<Arc<str>, Box<Group>>,
    round: u64,
    /// When we began, after the start of the machine.
    begun: Ticks,
    smaps: Pace,
    pub(super) errors: Errors,
}

/// How many processes are due for something that each is to have once in a while, so that not all have it at once.
#[derive(Debug, Default)]
struct Pace {
    /// When it was last asked.
    at: Option<Mono>,
    /// What is due: processes, times nanoseconds.
    owed: u128,
}

impl Pace {
    /// How many are due, of `count` that each have it once in `age`.
    fn due(&mut self, count: usize, age: Duration, now: Mono) -> usize {
        let since = self.at.replace(now).map_or(Duration::ZERO, |at| now.since(at)).min(age);
        let count = u128::try_from(count).unwrap_or(u128::MAX);
        self.owed = self.owed.saturating_add(count.saturating_mul(since.as_nanos()));
        let due = self.owed.checked_div(age.as_nanos()).unwrap_or(count);
        usize::try_from(due).unwrap_or(usize::MAX)
    }

    /// So many had it.
    fn done(&mut self, count: usize, age: Duration) {
        let count = u128::try_from(count).unwrap_or(u128::MAX);
        self.owed = self.owed.saturating_sub(count.saturating_mul(age.as_nanos()));
    }
}

/// What went wrong since the start.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Errors {
    /// Scrapes without any process.
    pub(super) scrapes: u64,
    /// Processes that could not be read.
    pub(super) processes: u64,
    /// Processes that were read in part.
    pub(super) partial: u64,
}

/// Where a process is.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Place {
    /// Not looked at yet, or it runs another program since.
    New,
    /// In none.
    Nowhere,
    /// In this group.
    In(Arc<str>),
}

struct Tracked {
    start: Ticks,
    round: u64,
    first_seen: Mono,
    comm: Box<[u8]>,
    exec: Option<u64>,
    state: u8,
    ppid: u32,
    euid: u32,
    threads: u32,
    kernel_thread: bool,
    io_forbidden: bool,
    /// Resident, address space, swapped.
    memory: Option<(u64, u64, u64)>,
    counted: Counters,
    settled: Counters,
    place: Place,
    /// How often its facts were asked for in vain, and the round in which they are asked for again.
    in_vain: u32,
    again: u64,
    /// What it had counted when it was looked at.
    looked: Option<Looked>,
    /// What it had counted when sockets were read.
    listed: Option<Looked>,
    details: Details,
}

/// What tells whether a process has run: nothing that [`Details`] hold changes without that.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Looked {
    switches: Option<u64>,
    cpu: u64,
    threads: u32,
    state: u8,
}

/// Processes that belong together.
#[derive(Debug, Default)]
pub(super) struct Group {
    /// What its processes have counted.
    pub(super) sums: Counters,
    /// What of that came with this scrape.
    pub(super) grown: Counters,
    /// What is so now.
    pub(super) now: Now,
    /// By name of thread.
    pub(super) threads: BTreeMap<Arc<str>, ThreadSums>,
}

/// Threads of one name.
#[derive(Debug, Default)]
pub(super) struct ThreadSums {
    pub(super) count: u64,
    pub(super) sums: [Option<u64>; THREAD_COUNTERS],
}

/// States as upstream sorts them.
pub(super) const STATES: [&str; 5] = ["Other", "Running", "Sleeping", "Waiting", "Zombie"];

/// What is so in a group now.
#[derive(Debug, Default)]
pub(super) struct Now {
    pub(super) processes: u64,
    pub(super) threads: u64,
    pub(super) resident: u64,
    pub(super) size: u64,
    pub(super) swapped: u64,
    /// Proportional memory, where that of any process is known: resident and swapped.
    pub(super) proportional: Option<(u64, u64)>,
    pub(super) fds: Option<u64>,
    pub(super) worst_fds: Option<f64>,
    /// The oldest process: start and pid.
    pub(super) oldest: Option<(Ticks, u32)>,
    pub(super) states: [u64; STATES.len()],
    pub(super) wchans: BTreeMap<Box<[u8]>, u64>,
    pub(super) users: BTreeMap<Arc<str>, u64>,
    pub(super) sockets: Vec<Socket>,
}

impl Now {
    fn state(&mut self, state: u8) {
        let at = match state {
            b'R' => 1,
            b'S' => 2,
            b'D' => 3,
            b'Z' => 4,
            _ => 0,
        };
        if let Some(count) = self.states.get_mut(at) {
            *count += 1;
        }
    }

    fn wchan(&mut self, wchan: &[u8]) {
        if wchan.is_empty() {
            return;
        }
        match self.wchans.get_mut(wchan) {
            Some(count) => *count += 1,
            None => drop(self.wchans.insert(wchan.into(), 1)),
        }
    }

    fn take(&mut self, process: &Tracked, pid: u32, user: Arc<str>) {
        self.processes += 1;
        self.threads += u64::from(process.threads);
        if let Some((resident, size, swapped)) = process.memory {
            self.resident += resident;
            self.size += size;
            self.swapped += swapped;
        }
        let details = &process.details;
        // A zombie has nothing left of what it had when it was read.
        if let Some((resident, swapped)) = details.proportional.filter(|_| process.memory.is_some()) {
            let (all, all_swapped) = self.proportional.unwrap_or_default();
            self.proportional = Some((all + resident, all_swapped + swapped));
        }
        if let Some(fds) = details.fds {
            self.fds = Some(self.fds.unwrap_or(0) + fds);
            if let Some(limit) = details.limit.filter(|limit| *limit > 0) {
                let ratio = crate::node::float(fds) / crate::node::float(limit);
                self.worst_fds = Some(self.worst_fds.unwrap_or(0.0).max(ratio));
            } else {
                self.worst_fds.get_or_insert(0.0);
            }
        }
        let age = (process.start, pid);
        self.oldest = Some(self.oldest.map_or(age, |oldest| oldest.min(age)));
        if details.threads.is_empty() {
            self.state(process.state);
            self.wchan(&details.wchan);
        } else {
            for thread in details.threads.values() {
                self.state(thread.state);
                self.wchan(&thread.wchan);
            }
        }
        *self.users.entry(user).or_default() += 1;
    }

    /// Takes in what is so in another group.
    pub(super) fn merge(&mut self, other: &Self) {
        self.processes += other.processes;
        self.threads += other.threads;
        self.resident += other.resident;
        self.size += other.size;
        self.swapped += other.swapped;
        if let Some((resident, swapped)) = other.proportional {
            let (all, all_swapped) = self.proportional.unwrap_or_default();
            self.proportional = Some((all + resident, all_swapped + swapped));
        }
        if let Some(fds) = other.fds {
            self.fds = Some(self.fds.unwrap_or(0) + fds);
        }
        if let Some(worst) = other.worst_fds {
            self.worst_fds = Some(self.worst_fds.unwrap_or(0.0).max(worst));
        }
        self.oldest = [self.oldest, other.oldest].into_iter().flatten().min();
        for (state, more) in self.states.iter_mut().zip(other.states) {
            *state += more;
        }
    }
}

impl Groups {
    pub(super) fn new(options: Options, begun: Ticks) -> Self {
        let (tracked, by_name) = (HashMap::new(), BTreeMap::new());
        Self { options, tracked, by_name, round: 0, begun, smaps: Pace::default(), errors: Errors::default() }
    }

    /// Brings everything up to date.
    pub(super) fn update(&mut self, source: &mut dyn Source, now: Mono) -> Result<(), CollectError> {
        self.round += 1;
        for group in self.by_name.values_mut() {
            group.now = Now::default();
            group.grown = group.sums.zeroed();
            for thread in group.threads.values_mut() {
                thread.count = 0;
            }
        }
        if let Err(error) = self.pass(source, now) {
            self.errors.scrapes += 1;
            return Err(error);
        }
        self.place(source, now);
        self.look(source, now);
        self.settle(source);
        if self.options.netstat {
            self.sockets(source);
        }
        if self.options.remove_empty || self.options.rules.is_each() {
            self.by_name.retain(|_, group| group.now.processes > 0);
        }
        Ok(())
    }

    fn pass(&mut self, source: &mut dyn Source, now: Mono) -> Result<(), CollectError> {
        let Self { tracked, round, begun, .. } = self;
        source.pass(&mut |process, net| {
            let counted = Counters::of(process, net);
            let known = tracked.get_mut(&process.pid).filter(|known| known.start == process.start);
            if let Some(known) = known {
                known.see(process, counted, *round);
            } else {
                let new = Tracked::new(process, counted, *round, now, *begun);
                tracked.insert(process.pid, Box::new(new));
            }
        })?;
        let round = *round;
        tracked.retain(|_, process| process.round == round);
        Ok(())
    }

    /// Finds groups for processes that have none yet.
    fn place(&mut self, source: &mut dyn Source, now: Mono) {
        let Self { options, tracked, round, .. } = self;
        let round = *round;
        for process in tracked.values_mut() {
            if process.place == Place::Nowhere && process.may_have_changed(options, now) {
                process.place = Place::New;
            }
        }
        let mut new: Vec<Key> = tracked
            .iter()
            .filter(|(_, process)| process.is_to_be_placed(round))
            .map(|(pid, process)| Key { pid: *pid, start: process.start })
            .collect();
        if new.is_empty() {
            return;
        }
        new.sort_unstable();
        let facts = if options.rules.needs_facts() { source.facts(&new) } else { Vec::new() };
        let facts: HashMap<u32, Facts> = facts.into_iter().map(|(key, facts)| (key.pid, facts)).collect();
        let boot = source.boot();
        for key in &new {
            let Some(process) = tracked.get_mut(&key.pid) else { continue };
            process.looked = None;
            let comm = String::from_utf8_lossy(&process.comm).into_owned();
            let start = boot.saturating_add(i64::try_from(key.start.cpu_time().0).unwrap_or(i64::MAX));
            let group = match facts.get(&key.pid) {
                Some(facts) => options.rules.group(&Facts { comm, start, pid: key.pid, ..facts.clone() }),
                None if options.rules.needs_facts() => {
                    self.errors.processes += 1;
                    process.ask_again(round);
                    continue;
                }
                None => options.rules.group(&Facts { comm, start, pid: key.pid, ..Facts::default() }),
            };
            if let Some(group) = group {
                process.place = Place::In(group.into());
            }
        }
        let inherited: Vec<(u32, Place)> = new
            .iter()
            .filter(|key| tracked.get(&key.pid).is_some_and(|process| process.is_to_be_placed(round)))
            .map(|key| (key.pid, if options.children { inherit(tracked, key.pid) } else { Place::Nowhere }))
            .collect();
        for (pid, place) in inherited {
            if let Some(process) = tracked.get_mut(&pid) {
                process.place = place;
            }
        }
    }

    /// Reads open files, wait channels, threads and proportional memory of those that ran since they were read.
    fn look(&mut self, source: &mut dyn Source, now: Mono) {
        let Self { options, tracked, smaps, .. } = self;
        let mut aged = Vec::new();
        for (pid, process) in tracked.iter_mut().filter(|(_, process)| matches!(process.place, Place::In(_))) {
            let key = Key { pid: *pid, start: process.start };
            let looked = process.mark();
            if source.lags() || process.looked != Some(looked) || looked.state == b'R' || looked.switches.is_none() {
                source.look(key, process.threads, &mut process.details);
                process.looked = Some(looked);
            }
            if options.smaps && process.memory.is_some() {
                aged.push((process.details.proportional_at, key));
            }
        }
        // Those whose time has come, and before theirs as many of the next as make each scrape read about as many.
        aged.sort_unstable();
        let is_old = |(at, _): &&(Option<Mono>, Key)| at.is_none_or(|at| now.since(at) >= options.smaps_age);
        let old = aged.iter().take_while(is_old).count();
        let next = smaps.due(aged.len(), options.smaps_age, now).min(aged.len());
        let due = if next < aged.len() / SLICES { old } else { next.max(old) };
        smaps.done(due, options.smaps_age);
        if due == 0 {
            return;
        }
        let keys: Vec<Key> = aged.into_iter().take(due).map(|(_, key)| key).collect();
        for (key, memory) in source.proportional(&keys) {
            if let Some(process) = tracked.get_mut(&key.pid) {
                process.details.proportional = memory.or(process.details.proportional);
                process.details.proportional_at = Some(now);
            }
        }
    }

    /// Adds up.
    fn settle(&mut self, source: &mut dyn Source) {
        let Self { options, tracked, by_name, errors, begun, .. } = self;
        for (pid, process) in tracked {
            let Place::In(name) = &process.place else { continue };
            let group = match by_name.get_mut(name) {
                Some(group) => group,
                None => by_name.entry(Arc::clone(name)).or_default(),
            };
            let details = &process.details;
            let summed =
                (!details.threads.is_empty() && process.counted.switches().is_none()).then_some(details.switches);
            let counted = process.counted.with_switches(summed);
            let grown = counted.since(&process.settled);
            process.settled.keep(&counted);
            group.grown.add(&grown);
            group.sums.add(&grown);
            let partly = process.io_forbidden || details.fds.is_none();
            errors.partial += u64::from(partly && !process.kernel_thread);
            group.now.take(process, *pid, source.user(process.euid));
            if options.threads {
                settle_threads(group, &mut process.details, *begun);
            }
        }
        for group in by_name.values_mut() {
            fold_threads(group);
        }
    }

    fn sockets(&mut self, source: &mut dyn Source) {
        let (mut processes, mut idle): (Vec<(u32, Ticks)>, HashSet<u32>) = (Vec::new(), HashSet::new());
        for (pid, process) in self.tracked.iter_mut().filter(|(_, process)| !process.kernel_thread) {
            processes.push((*pid, process.start));
            let mark = process.mark();
            if process.listed.replace(mark) == Some(mark) && mark.state != b'R' && mark.switches.is_some() {
                idle.insert(*pid);
            }
        }
        processes.sort_unstable();
        for (key, socket) in source.sockets(&processes, &idle) {
            let Some(process) = self.tracked.get(&key.pid) else { continue };
            if process.start == key.start
                && let Place::In(name) = &process.place
                && let Some(group) = self.by_name.get_mut(name)
            {
                group.now.sockets.push(socket);
            }
        }
    }
}

/// The place of the nearest ancestor that is in a group.
fn inherit(tracked: &HashMap<u32, Box<Tracked>>, pid: u32) -> Place {
    let mut at = pid;
    for _ in 0..HIGHEST {
        match tracked.get(&at).map(|process| (&process.place, process.ppid)) {
            Some((place @ Place::In(_), _)) => return place.clone(),
            Some((Place::New, parent)) if parent != 0 => at = parent,
            _ => break,
        }
    }
    Place::Nowhere
}

/// Adds up the threads of a process by their names.
fn settle_threads(group: &mut Group, details: &mut Details, begun: Ticks) {
    for thread in details.threads.values_mut() {
        let known = group.threads.contains_key(&thread.name) || group.threads.len() < MOST_THREAD_NAMES;
        let name = if known { Arc::clone(&thread.name) } else { Arc::from(OTHER) };
        let sums = group.threads.entry(name).or_default();
        sums.count += 1;
        let first = || if thread.start < begun { thread.counted } else { thread.counted.map(|count| count.map(|_| 0)) };
        let settled = thread.settled.unwrap_or_else(first);
        for ((sum, now), before) in sums.sums.iter_mut().zip(thread.counted).zip(settled) {
            if let Some(now) = now {
                *sum = Some(sum.unwrap_or(0).saturating_add(before.map_or(0, |before| now.saturating_sub(before))));
            }
        }
        thread.settled = Some(thread.counted);
    }
}

/// Adds up under `other` what threads counted whose names no thread bears any more, where there are many names.
fn fold_threads(group: &mut Group) {
    if group.threads.len() <= MANY_THREAD_NAMES {
        return;
    }
    let mut gone: Option<[Option<u64>; THREAD_COUNTERS]> = None;
    group.threads.retain(|name, thread| {
        let stays = thread.count > 0 || &**name == OTHER;
        if !stays {
            add_threads(gone.get_or_insert_default(), &thread.sums);
        }
        stays
    });
    if let Some(gone) = gone {
        add_threads(&mut group.threads.entry(Arc::from(OTHER)).or_default().sums, &gone);
    }
}

fn add_threads(sums: &mut [Option<u64>; THREAD_COUNTERS], more: &[Option<u64>; THREAD_COUNTERS]) {
    for (sum, more) in sums.iter_mut().zip(more) {
        if let Some(more) = more {
            *sum = Some(sum.unwrap_or(0).saturating_add(*more));
        }
    }
}

impl Tracked {
    fn new(process: &RawProcess<'_>, counted: Counters, round: u64, now: Mono, begun: Ticks) -> Self {
        let mut tracked = Self {
            start: process.start,
            round,
            first_seen: now,
            comm: process.name.into(),
            exec: process.exec_id,
            state: 0,
            ppid: 0,
            euid: 0,
            threads: 0,
            kernel_thread: process.kernel_thread,
            io_forbidden: false,
            memory: None,
            counted,
            settled: if process.start >= begun { Counters::ZERO } else { counted },
            place: Place::New,
            in_vain: 0,
            again: 0,
            looked: None,
            listed: None,
            details: Details::default(),
        };
        tracked.see(process, counted, round);
        tracked
    }

    fn see(&mut self, process: &RawProcess<'_>, counted: Counters, round: u64) {
        let renamed = *self.comm != *process.name;
        if renamed {
            self.comm = process.name.into();
        }
        // Where the provider does not tell of programs, a new name has to do.
        let runs_another = match (self.exec, process.exec_id) {
            (Some(before), Some(now)) => before != now,
            _ => renamed,
        };
        if runs_another || (renamed && self.place == Place::Nowhere) {
            self.place = Place::New;
            (self.in_vain, self.again) = (0, 0);
        }
        self.exec = process.exec_id;
        self.round = round;
        self.state = process.state.0;
        self.ppid = process.ppid;
        self.euid = process.euid;
        self.threads = process.threads;
        self.io_forbidden = !process.io.is_known();
        self.memory = process.memory.get().map(|memory| (memory.resident.0, memory.size.0, memory.swap.0));
        self.counted = counted;
    }

    fn is_to_be_placed(&self, round: u64) -> bool {
        self.place == Place::New && self.again <= round
    }

    /// Its facts could not be read. They are asked for again at the next scrape, then ever more seldom: whoever is stuck for
    /// hours costs nothing to speak of.
    fn ask_again(&mut self, round: u64) {
        self.again = round + 1_u64.checked_shl(self.in_vain).unwrap_or(MOST_ROUNDS).min(MOST_ROUNDS);
        self.in_vain += 1;
    }

    fn mark(&self) -> Looked {
        let (switches, cpu) = (self.counted.switches(), self.counted.cpu());
        Looked { switches, cpu, threads: self.threads, state: self.state }
    }

    /// Whether a process in no group is to be looked at again.
    fn may_have_changed(&mut self, options: &Options, now: Mono) -> bool {
        let again = match options.recheck {
            None => !options.children,
            Some(Duration::ZERO) => true,
            Some(limit) => now.since(self.first_seen) < limit,
        };
        let mark = self.mark();
        let ran = self.looked != Some(mark) || mark.switches.is_none();
        self.looked = Some(mark);
        again && ran
    }
}

#[cfg(test)]
mod tests;
