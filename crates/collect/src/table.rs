//! The process table from tick to tick: which process is which, what was born, what died.

use std::sync::Arc;
use std::time::Duration;

use procyon_model::descriptor::Descriptor;
use procyon_model::frame::{Death, EndedProcess, Quarantined};
use procyon_model::key::ProcessKey;
use procyon_model::process::{Fds, Oom, ProcessRow, Pss, Rates, Switches};
use procyon_model::rates;
use procyon_units::{Bytes, Cores, CpuTime, Mono, PerSecond, Reading, TICKS_PER_SECOND, Ticks, Wall};

use crate::provider::RawProcess;

/// Longest command name that the kernel gives (kernel threads of workqueues).
const NAME_LIMIT: usize = 64;

/// What is remembered of a process between ticks beside its last row.
#[derive(Debug, Clone)]
#[expect(clippy::struct_excessive_bools, reason = "marks that are set and cleared apart")]
pub(crate) struct Tracked {
    pub(crate) key: ProcessKey,
    pub(crate) kernel_thread: bool,
    pub(crate) threads: u32,
    pub(crate) uid: u32,
    pub(crate) started: Wall,
    name: [u8; NAME_LIMIT],
    name_len: u8,
    /// Set at birth, at a change of name or user, and from time to time: the strings have to be read again.
    pub(crate) describe: bool,
    /// When the strings were read last.
    pub(crate) described_at: Option<Mono>,
    /// Set when it was seen to run another program: its strings are wanted in the same tick.
    pub(crate) renewed: bool,
    /// When the strings of its new program were first looked for.
    pub(crate) renewed_at: Option<Mono>,
    /// How many times in a row it had no arguments.
    pub(crate) looks: u8,
    pub(crate) descriptor: Arc<Descriptor>,
    pub(crate) label: Arc<[u8]>,
    pub(crate) lowest_port: Option<u16>,
    /// Set when the port changed and the label with it.
    pub(crate) relabel: bool,
    /// Set when reading the process blocked: which file, and since when. Files that may block are then left alone.
    pub(crate) quarantined: Option<Hold>,
    /// What the slow lane found.
    pub(crate) slow: Slow,
    pub(crate) pss: Reading<(Pss, Mono)>,
    pub(crate) last_cpu: Cores,
    pub(crate) resident: u64,
    /// Largest size so far: a program's own never falls, so that a smaller one means another program.
    peak: Bytes,
    exec_id: Option<u64>,
    cgroup: Option<u64>,
    /// What the provider told of it at the last tick.
    pub(crate) told: Told,
}

/// Figures that some providers tell at every tick and others leave to the slow lane.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Told {
    pub(crate) switches: bool,
    pub(crate) run_delay: bool,
}

impl Told {
    fn of(raw: &RawProcess<'_>) -> Self {
        Self {
            switches: !matches!(raw.switches, Reading::Pending),
            run_delay: !matches!(raw.run_delay, Reading::Pending),
        }
    }
}

/// A process whose reading blocked.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Hold {
    pub(crate) file: &'static str,
    pub(crate) since: Wall,
}

/// Figures of the slow lane, with the time of the reading where a rate follows from two.
#[derive(Debug, Clone)]
pub(crate) struct Slow {
    pub(crate) visited: Option<Mono>,
    pub(crate) fds: Reading<Fds>,
    pub(crate) oom: Reading<Oom>,
    pub(crate) wchan: Reading<Arc<[u8]>>,
    pub(crate) switches: Reading<Switches>,
    pub(crate) switch_rates: Reading<(PerSecond, PerSecond)>,
    pub(crate) run_delay: Reading<CpuTime>,
    pub(crate) run_delay_rate: Reading<Cores>,
}

impl Default for Slow {
    fn default() -> Self {
        Self {
            visited: None,
            fds: Reading::Pending,
            oom: Reading::Pending,
            wchan: Reading::Pending,
            switches: Reading::Pending,
            switch_rates: Reading::Pending,
            run_delay: Reading::Pending,
            run_delay_rate: Reading::Pending,
        }
    }
}

impl Tracked {
    /// The path of its control groups, if it is in this one of version 2 and the path is known.
    fn path_in(&self, cgroup: u64) -> Option<&[u8]> {
        let path = &*self.descriptor.cgroup;
        (self.cgroup == Some(cgroup) && !path.is_empty()).then_some(path)
    }

    fn born(raw: &RawProcess<'_>, key: ProcessKey, started: Wall, empty: &Empty) -> Self {
        let mut tracked = Self {
            key,
            kernel_thread: raw.kernel_thread,
            threads: raw.threads,
            uid: raw.euid,
            started,
            name: [0; NAME_LIMIT],
            name_len: 0,
            describe: true,
            described_at: None,
            renewed: false,
            renewed_at: None,
            looks: 0,
            descriptor: Arc::clone(&empty.descriptor),
            label: Arc::clone(&empty.label),
            lowest_port: None,
            relabel: false,
            quarantined: None,
            slow: Slow::default(),
            pss: Reading::Pending,
            last_cpu: Cores(0.0),
            resident: 0,
            peak: Bytes(0),
            exec_id: raw.exec_id,
            cgroup: raw.cgroup,
            told: Told::default(),
        };
        tracked.rename(raw.name);
        tracked
    }

    /// The command name.
    pub(crate) fn name(&self) -> &[u8] {
        self.name.get(..usize::from(self.name_len)).unwrap_or(&[])
    }

    /// Takes note of the lowest port on which the process serves; the label follows when the strings are looked at next.
    pub(crate) fn set_port(&mut self, port: Option<u16>) {
        if self.lowest_port != port {
            self.lowest_port = port;
            self.relabel = true;
        }
    }

    /// Ends the quarantine that was for this file; answers whether there was one.
    pub(crate) fn release(&mut self, file: &str) -> bool {
        self.quarantined.take_if(|hold| hold.file == file).is_some()
    }

    fn rename(&mut self, name: &[u8]) {
        let kept = name.get(..NAME_LIMIT).unwrap_or(name);
        for (to, from) in self.name.iter_mut().zip(kept) {
            *to = *from;
        }
        self.name_len = u8::try_from(kept.len()).unwrap_or(0);
    }

    /// Takes over what may change during a life; marks the strings for reading where they may have changed.
    fn refresh(&mut self, raw: &RawProcess<'_>) {
        let kept = raw.name.get(..NAME_LIMIT).unwrap_or(raw.name);
        if kept != self.name() {
            self.rename(raw.name);
            self.describe = true;
        }
        if raw.euid != self.uid {
            self.uid = raw.euid;
            self.describe = true;
        }
        if let Reading::Known(memory) = raw.memory {
            self.describe |= memory.peak < self.peak;
            self.peak = memory.peak;
        }
        if raw.exec_id.is_some() && raw.exec_id != self.exec_id {
            // Another program: everything that was read once or seldom is out of date.
            self.renewed |= self.exec_id.is_some();
            self.describe = true;
            self.slow.visited = None;
            self.exec_id = raw.exec_id;
        }
        if raw.cgroup.is_some() && raw.cgroup != self.cgroup {
            self.describe = true;
            self.cgroup = raw.cgroup;
        }
        self.told = Told::of(raw);
        self.threads = raw.threads;
    }
}

#[derive(Debug)]
struct Empty {
    descriptor: Arc<Descriptor>,
    label: Arc<[u8]>,
}

/// The processes of the last tick, in order of pid, aligned with the rows of its frame.
#[derive(Debug)]
pub(crate) struct Table {
    boot: u32,
    boot_time: Wall,
    tracked: Vec<Tracked>,
    empty: Empty,
}

/// Times of one tick.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Tick {
    pub(crate) now: Mono,
    pub(crate) wall: Wall,
    /// Time since boot, from which ages follow.
    pub(crate) uptime: Duration,
    /// Time since the tick before; none at the first.
    pub(crate) elapsed: Option<Duration>,
}

impl Table {
    pub(crate) fn new(boot: u32, boot_time: Wall) -> Self {
        Self { boot, boot_time, tracked: Vec::new(), empty: Empty { descriptor: Arc::default(), label: Arc::from([]) } }
    }

    /// What is remembered of each process, in order of pid.
    pub(crate) fn tracked_mut(&mut self) -> &mut [Tracked] {
        &mut self.tracked
    }

    /// What is remembered of each process, in order of pid.
    pub(crate) fn tracked(&self) -> &[Tracked] {
        &self.tracked
    }

    /// Processes whose reading blocked.
    pub(crate) fn quarantined(&self) -> Vec<Quarantined> {
        let held = self.tracked.iter().filter_map(|tracked| Some((tracked, tracked.quarantined?)));
        held.map(|(tracked, hold)| Quarantined {
            key: tracked.key,
            name: tracked.name().into(),
            file: hold.file,
            since: hold.since,
        })
        .collect()
    }

    /// Where the process with this key stands.
    pub(crate) fn position(&self, key: &ProcessKey) -> Option<usize> {
        let at = self.tracked.binary_search_by_key(&key.pid, |tracked| tracked.key.pid).ok()?;
        self.tracked.get(at).is_some_and(|tracked| tracked.key == *key).then_some(at)
    }

    /// What is remembered of the process with this key.
    pub(crate) fn find_mut(&mut self, key: &ProcessKey) -> Option<&mut Tracked> {
        let at = self.position(key)?;
        self.tracked.get_mut(at)
    }

    /// Whether the strings of a process that is in the table are still to be read.
    pub(crate) fn awaits_strings(&self, key: &ProcessKey) -> bool {
        let tracked = self.position(key).and_then(|at| self.tracked.get(at));
        tracked.is_some_and(|tracked| tracked.describe || tracked.described_at.is_none())
    }

    /// The path of the control groups of a process in the table, if it is in this one of version 2.
    pub(crate) fn path_of_member(&self, pid: u32, cgroup: u64) -> Option<&[u8]> {
        let at = self.tracked.binary_search_by_key(&pid, |tracked| tracked.key.pid).ok()?;
        self.tracked.get(at)?.path_in(cgroup)
    }

    /// The one path that all members of a control group of version 2 have; none where version 1 parts what version 2 holds
    /// together.
    pub(crate) fn path_of_all_members(&self, cgroup: u64) -> Option<&[u8]> {
        let mut paths = self.tracked.iter().filter_map(|tracked| tracked.path_in(cgroup));
        let first = paths.next()?;
        paths.all(|other| other == first).then_some(first)
    }

    /// Civil time of a start.
    pub(crate) fn started(&self, start: Ticks) -> Wall {
        let after_boot = i64::try_from(start.0.saturating_mul(1_000_000_000 / TICKS_PER_SECOND)).unwrap_or(i64::MAX);
        Wall(self.boot_time.0.saturating_add(after_boot))
    }

    /// Starts a pass: `before` are the rows of the last frame.
    pub(crate) fn begin<'a>(&'a mut self, before: &'a [ProcessRow], tick: Tick) -> Pass<'a> {
        let capacity = before.len() + before.len() / 8 + 32;
        let (next, rows) = (Vec::with_capacity(capacity), Vec::with_capacity(capacity));
        let old = std::mem::take(&mut self.tracked);
        Pass { table: self, before, old: old.into_iter(), at: 0, next, rows, ended: Vec::new(), tick, last_pid: None }
    }
}

/// A pass in progress. Processes come in ascending order of pid and are merged with those of the last tick.
pub(crate) struct Pass<'a> {
    table: &'a mut Table,
    before: &'a [ProcessRow],
    old: std::vec::IntoIter<Tracked>,
    at: usize,
    next: Vec<Tracked>,
    rows: Vec<ProcessRow>,
    ended: Vec<EndedProcess>,
    tick: Tick,
    last_pid: Option<u32>,
}

impl Pass<'_> {
    /// Takes in one process.
    pub(crate) fn add(&mut self, raw: &RawProcess<'_>) {
        // A pid that comes twice or out of order would break the merge; the kernel lists pids in order.
        if self.last_pid.is_some_and(|last| raw.pid <= last) {
            return;
        }
        self.last_pid = Some(raw.pid);
        let key = ProcessKey { pid: raw.pid, start: raw.start, boot: self.table.boot };
        let known = self.advance_to(&key);
        let (mut tracked, earlier) = match known {
            Some((tracked, earlier)) => (tracked, Some(earlier)),
            None => (Tracked::born(raw, key, self.table.started(raw.start), &self.table.empty), None),
        };
        let told_before = tracked.told;
        tracked.refresh(raw);
        let mut row = row(raw, &tracked, self.tick);
        let both = Told {
            switches: tracked.told.switches && (told_before.switches || earlier.is_none()),
            run_delay: tracked.told.run_delay && (told_before.run_delay || earlier.is_none()),
        };
        row.rates = self.rates(&row, earlier, both);
        tracked.last_cpu = row.rates.cpu().unwrap_or_default();
        tracked.resident = row.memory.get().map_or(0, |memory| memory.resident.0);
        self.rows.push(row);
        self.next.push(tracked);
    }

    /// Ends the pass: what was not seen has ended. Returns the rows in order of pid and the ended processes.
    pub(crate) fn finish(mut self) -> (Vec<ProcessRow>, Vec<EndedProcess>) {
        while let Some(gone) = self.before.get(self.at) {
            self.bury(gone);
            self.at += 1;
        }
        self.table.tracked = self.next;
        (self.rows, self.ended)
    }

    /// Moves through the last tick up to `key`; every process passed over has ended. Returns the process if it is the same.
    fn advance_to(&mut self, key: &ProcessKey) -> Option<(Tracked, usize)> {
        while let Some(row) = self.before.get(self.at) {
            if row.key.pid > key.pid {
                return None;
            }
            let at = self.at;
            self.at += 1;
            let tracked = self.old.next()?;
            if row.key == *key {
                return Some((tracked, at));
            }
            self.bury(row);
        }
        None
    }

    fn bury(&mut self, row: &ProcessRow) {
        self.ended.push(EndedProcess {
            // What has ended does nothing any more.
            row: ProcessRow { rates: Rates::PENDING, ..row.clone() },
            at: self.tick.wall,
            exit: Reading::Unsupported,
            death: Death::default(),
        });
    }

    fn rates(&self, row: &ProcessRow, earlier: Option<usize>, told: Told) -> Rates {
        let Some(elapsed) = self.tick.elapsed else { return row.rates };
        match earlier.and_then(|at| self.before.get(at)) {
            Some(earlier) => {
                let zero = (earlier.switches, earlier.run_delay);
                with_told(rates::between(earlier, row, elapsed), zero, row, told, elapsed)
            }
            // Only what was born since the last tick did all of it since then; the rest we just had not seen.
            None if row.age <= elapsed + Duration::from_millis(20) => {
                let zero = (Reading::Known(Switches::default()), Reading::Known(CpuTime(0)));
                with_told(rates::since_birth(row, elapsed), zero, row, told, elapsed)
            }
            None => row.rates,
        }
    }
}

/// Adds the rates of those counters that came with this tick and the one before.
fn with_told(
    rates: Rates,
    (switches, run_delay): (Reading<Switches>, Reading<CpuTime>),
    row: &ProcessRow,
    told: Told,
    elapsed: Duration,
) -> Rates {
    let mut rates = rates;
    if told.switches
        && let (Reading::Known(a), Reading::Known(b)) = (switches, row.switches)
    {
        let rate = |a, b| rates::per_second(a, b, elapsed).map_or(Reading::Pending, Reading::Known);
        rates.voluntary_switches = rate(a.voluntary, b.voluntary);
        rates.involuntary_switches = rate(a.involuntary, b.involuntary);
    }
    if told.run_delay
        && let (Reading::Known(a), Reading::Known(b)) = (run_delay, row.run_delay)
    {
        rates.run_delay = rates::cores(a, b, elapsed).map_or(Reading::Pending, Reading::Known);
    }
    rates
}

/// The row of a process: what the provider found and what is remembered of it.
fn row(raw: &RawProcess<'_>, tracked: &Tracked, tick: Tick) -> ProcessRow {
    let started = Duration::from_millis(raw.start.0.saturating_mul(1000 / TICKS_PER_SECOND));
    let told = tracked.told;
    let pss = match tracked.pss {
        Reading::Known((pss, at)) => Reading::Known(Pss { age: tick.now.since(at), ..pss }),
        other => other.map(|(pss, _)| pss),
    };
    ProcessRow {
        key: tracked.key,
        ppid: raw.ppid,
        tgid: raw.pid,
        state: raw.state,
        kernel_thread: raw.kernel_thread,
        quarantined: tracked.quarantined.is_some(),
        started: tracked.started,
        age: tick.uptime.saturating_sub(started),
        uid: raw.uid,
        euid: raw.euid,
        gid: raw.gid,
        threads: raw.threads,
        nice: raw.nice,
        policy: raw.policy,
        descriptor: Arc::clone(&tracked.descriptor),
        label: Arc::clone(&tracked.label),
        cpu: raw.cpu,
        faults: raw.faults,
        memory: raw.memory,
        io: raw.io,
        // What the provider does not tell, the slow lane adds up.
        switches: if told.switches { raw.switches } else { tracked.slow.switches },
        run_delay: if told.run_delay { raw.run_delay } else { tracked.slow.run_delay },
        net: Reading::Unsupported,
        pss,
        fds: tracked.slow.fds,
        oom: tracked.slow.oom,
        wchan: tracked.slow.wchan.clone(),
        rates: Rates {
            // Of those that the provider tells, the rates follow from two ticks.
            voluntary_switches: tracked.slow.switch_rates.map(|(voluntary, _)| voluntary),
            involuntary_switches: tracked.slow.switch_rates.map(|(_, involuntary)| involuntary),
            run_delay: tracked.slow.run_delay_rate,
            ..Rates::PENDING
        },
    }
}
