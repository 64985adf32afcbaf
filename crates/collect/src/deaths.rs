//! How processes ended: joins what the table misses from one tick to the next with what the kernel told meanwhile, and finds
//! those that were born and dead between two ticks.
//!
//! The kernel speaks twice: when the last thread ends (who, when, how, by whose signal), and when it lets the process go
//! (totals, final). The second word comes after the parent has collected the process, mostly within milliseconds, at times
//! after many seconds. A death waits for it for two seconds, less than one where something failed, and is then told as it is known.

mod row;

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use procyon_bpf::Counts;
use procyon_bpf::lifecycle::{Event, Exited, Id, Lifecycle, WaitStatus};
use procyon_model::frame::{EndedProcess, Sender};
use procyon_model::key::ProcessKey;
use procyon_units::{CpuTime, Mono, Ticks, Wall};

use crate::books::Work;
use crate::clock;
use crate::describe::{Program, Remains};
use crate::strings::StringsLane;
use crate::table::{Table, Tick};

/// How long a death waits for its final totals.
const PATIENCE: Duration = Duration::from_secs(2);
/// The same for one by a signal or with a code that tells of a failure: of these somebody wants to hear soon, which is in the
/// frame after the one that misses it.
const PATIENCE_WITH_FAILURES: Duration = Duration::from_millis(900);
/// How long a death that was told without them is remembered, so that they do not make another one.
const REMEMBERED: Duration = Duration::from_mins(2);
/// Most ends, and most programs of processes not seen yet, that are held; what comes beyond is counted as lost.
const MOST_HELD: usize = 65_536;

/// What the kernel told of an end.
#[derive(Debug)]
struct End {
    exit: Option<Exit>,
    /// Status and totals, once they are final.
    last: Option<(WaitStatus, Counts)>,
    since: Mono,
}

impl End {
    /// How long it is waited for its final totals.
    fn patience(&self) -> Duration {
        match self.exit.as_ref().map(|exit| exit.status) {
            Some(status) if status.0 != 0 => PATIENCE_WITH_FAILURES,
            _ => PATIENCE,
        }
    }
}

/// An [`Exited`], kept.
#[derive(Debug)]
struct Exit {
    ppid: u32,
    at: CpuTime,
    uid: u32,
    euid: u32,
    gid: u32,
    status: WaitStatus,
    kernel_thread: bool,
    policy: u32,
    nice: i32,
    oom: bool,
    cgroup: u64,
    sender: Option<Sender>,
    counts: Counts,
    name: Box<[u8]>,
}

impl Exit {
    fn of(exited: &Exited<'_>) -> Self {
        let sender = |sender: procyon_bpf::lifecycle::Sender<'_>| Sender {
            pid: sender.pid,
            uid: sender.uid,
            name: sender.name.into(),
        };
        Self {
            ppid: exited.ppid,
            at: exited.at,
            uid: exited.uid,
            euid: exited.euid,
            gid: exited.gid,
            status: exited.status,
            kernel_thread: exited.kernel_thread,
            policy: exited.policy,
            nice: exited.nice,
            oom: exited.oom,
            cgroup: exited.cgroup,
            sender: exited.sender.map(sender),
            counts: exited.counts,
            name: exited.name.into(),
        }
    }
}

/// A process that is gone from the table and waits for the kernel's last word.
#[derive(Debug)]
struct Waiting {
    process: EndedProcess,
    since: Mono,
}

/// Tells how processes ended.
#[derive(Debug)]
pub(crate) struct Deaths {
    lifecycle: Option<Lifecycle>,
    boot: u32,
    ends: HashMap<Id, End>,
    /// The last program of processes whose strings are not read yet.
    programs: HashMap<Id, (Program, Mono)>,
    waiting: Vec<Waiting>,
    /// Paths of control groups for those whose parent is not in the table, in this tick.
    groups: HashMap<u64, Box<[u8]>>,
    /// Told before the kernel's last word, with what they were told to have done.
    early: HashMap<Id, (Work, Mono)>,
    /// What came to light of processes that are not in the table any more, since it was asked for.
    late: Work,
    refused: u64,
}

impl Deaths {
    pub(crate) fn new(lifecycle: Option<Lifecycle>, boot: u32) -> Self {
        Self {
            lifecycle,
            boot,
            ends: HashMap::new(),
            programs: HashMap::new(),
            waiting: Vec::new(),
            groups: HashMap::new(),
            early: HashMap::new(),
            late: Work::default(),
            refused: 0,
        }
    }

    /// Events that were lost since start.
    pub(crate) fn lost(&self) -> u64 {
        self.lifecycle.as_ref().map_or(0, Lifecycle::lost).saturating_add(self.refused)
    }

    /// What ended processes are known to have done since the last call, beyond what their rows in frames told.
    pub(crate) fn take_late_work(&mut self) -> Work {
        std::mem::take(&mut self.late)
    }

    /// Whether the end of this process is known and still to be told.
    pub(crate) fn awaits(&self, pid: u32, start: Ticks) -> bool {
        self.ends.contains_key(&Id { pid, start })
    }

    /// Of those that are gone from the table and of those that never were in it, the ends that can be told now.
    pub(crate) fn run(
        &mut self,
        gone: Vec<EndedProcess>,
        table: &Table,
        strings: &mut StringsLane,
        tick: Tick,
    ) -> Vec<EndedProcess> {
        if self.lifecycle.is_none() {
            return gone;
        }
        self.drain(tick.now);
        self.groups.clear();
        let moment = Moment { now: tick.now, wall: tick.wall, boot: clock::since_boot() };
        let mut told = self.tell_gone(gone, strings, moment, table);
        self.tell_unseen(&mut told, table, strings, moment);
        self.forget(table, tick.now);
        told.sort_by_key(|ended| (ended.at, ended.row.key));
        told
    }

    fn drain(&mut self, now: Mono) {
        let Self { lifecycle, ends, programs, early, late, refused, .. } = self;
        let Some(lifecycle) = lifecycle else { return };
        lifecycle.drain(|event| match event {
            Event::Executed(executed) => {
                let program = Program {
                    file: executed.file.into(),
                    arguments: executed.arguments.into(),
                    truncated: executed.truncated,
                };
                if programs.len() < MOST_HELD || programs.contains_key(&executed.id) {
                    programs.insert(executed.id, (program, now));
                } else {
                    *refused += 1;
                }
            }
            Event::Exited(exited) => {
                if let Some(end) = held(ends, exited.id, now, refused) {
                    end.exit = Some(Exit::of(&exited));
                }
            }
            Event::Freed(freed) => {
                if let Some((told, _)) = early.remove(&freed.id) {
                    late.add(work(&freed.counts).since(told));
                } else if let Some(end) = held(ends, freed.id, now, refused) {
                    end.last = Some((freed.status, freed.counts));
                }
            }
        });
    }

    /// Processes that were in the table.
    fn tell_gone(
        &mut self,
        gone: Vec<EndedProcess>,
        strings: &mut StringsLane,
        moment: Moment,
        table: &Table,
    ) -> Vec<EndedProcess> {
        let mut told = Vec::new();
        let mut waiting = std::mem::take(&mut self.waiting);
        waiting.extend(gone.into_iter().map(|process| Waiting { process, since: moment.now }));
        for mut one in waiting {
            let id = id_of(&one.process.row.key);
            let end = self.ends.get(&id);
            let is_due = moment.now.since(one.since) >= end.map_or(PATIENCE, End::patience);
            let is_final = end.is_some_and(|end| end.last.is_some());
            if !is_due && !is_final {
                self.waiting.push(one);
                continue;
            }
            if let Some(end) = self.ends.remove(&id) {
                let seen = Work::of(&one.process.row);
                row::complete(&mut one.process, &end, moment);
                self.late.add(Work::of(&one.process.row).since(seen));
                self.describe(&mut one.process, &end, table, strings);
            }
            if !is_final {
                self.early.insert(id, (Work::of(&one.process.row), moment.now));
            }
            told.push(one.process);
        }
        told
    }

    /// Processes that were born and dead between two ticks.
    fn tell_unseen(&mut self, told: &mut Vec<EndedProcess>, table: &Table, strings: &mut StringsLane, moment: Moment) {
        let waiting: HashSet<Id> = self.waiting.iter().map(|one| id_of(&one.process.row.key)).collect();
        let is_unseen = |id: &Id| !waiting.contains(id) && table.position(&self.key(id)).is_none();
        let is_ready = |end: &End| end.last.is_some() || moment.now.since(end.since) >= end.patience();
        let mut ready: Vec<Id> =
            self.ends.iter().filter(|(id, end)| is_ready(end) && is_unseen(id)).map(|(id, _)| *id).collect();
        ready.sort_unstable();
        for id in ready {
            let Some(end) = self.ends.remove(&id) else { continue };
            // Without the word about its end nothing is known but numbers.
            let Some(exit) = &end.exit else { continue };
            let mut process = row::unseen(self.key(&id), exit, table.started(id.start), moment);
            row::complete(&mut process, &end, moment);
            let done = Work::of(&process.row);
            self.late.add(done);
            if end.last.is_none() {
                self.early.insert(id, (done, moment.now));
            }
            self.describe(&mut process, &end, table, strings);
            told.push(process);
        }
    }

    /// Strings from the last program that it was seen to run, where procfs was not asked in time.
    fn describe(&mut self, process: &mut EndedProcess, end: &End, table: &Table, strings: &mut StringsLane) {
        let program = self.programs.remove(&id_of(&process.row.key)).map(|(program, _)| program);
        let Some(exit) = &end.exit else { return };
        if program.is_none() && !process.row.descriptor.name.is_empty() {
            return;
        }
        // Children inherit their parent's groups; of orphans it is known where all members of a group have the same ones.
        let orphans = || table.path_of_all_members(exit.cgroup).unwrap_or_default().into();
        let cgroup = match table.path_of_member(exit.ppid, exit.cgroup) {
            Some(path) => path,
            None => &**self.groups.entry(exit.cgroup).or_insert_with(orphans),
        };
        let (descriptor, label) = strings.describe_remains(&Remains {
            name: &exit.name,
            uid: exit.euid,
            kernel_thread: exit.kernel_thread,
            program: program.as_ref(),
            cgroup,
        });
        process.row.descriptor = descriptor;
        process.row.label = label;
    }

    /// Lets go what nobody will ask for.
    fn forget(&mut self, table: &Table, now: Mono) {
        let Self { ends, programs, early, boot, .. } = self;
        let waiting: HashSet<Id> = self.waiting.iter().map(|one| id_of(&one.process.row.key)).collect();
        programs.retain(|id, (_, since)| {
            let key = ProcessKey { pid: id.pid, start: id.start, boot: *boot };
            *since == now || ends.contains_key(id) || waiting.contains(id) || table.awaits_strings(&key)
        });
        early.retain(|_, (_, since)| now.since(*since) < REMEMBERED);
    }

    const fn key(&self, id: &Id) -> ProcessKey {
        ProcessKey { pid: id.pid, start: id.start, boot: self.boot }
    }
}

/// A tick on three clocks.
#[derive(Debug, Clone, Copy)]
struct Moment {
    now: Mono,
    wall: Wall,
    /// Time since boot, suspend included, in which the kernel tells of deaths.
    boot: CpuTime,
}

impl Moment {
    /// Civil time of a moment after boot.
    fn wall_of(&self, at: CpuTime) -> Wall {
        let ago = i64::try_from(self.boot.since(at).0).unwrap_or(i64::MAX);
        Wall(self.wall.0.saturating_sub(ago))
    }
}

fn held<'a>(ends: &'a mut HashMap<Id, End>, id: Id, now: Mono, refused: &mut u64) -> Option<&'a mut End> {
    if ends.len() >= MOST_HELD && !ends.contains_key(&id) {
        *refused += 1;
        return None;
    }
    Some(ends.entry(id).or_insert(End { exit: None, last: None, since: now }))
}

const fn work(counts: &Counts) -> Work {
    Work { cpu: counts.runtime, read: counts.read, written: counts.written }
}

const fn id_of(key: &ProcessKey) -> Id {
    Id { pid: key.pid, start: key.start }
}
