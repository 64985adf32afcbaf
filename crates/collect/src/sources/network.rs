//! Network bytes of processes: counted by a program in the kernel, else estimated from what the kernel tells of TCP
//! connections.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use procyon_bpf::network::{ByProcess, BySocket, Lost, Network, ProcessTraffic, Traffic, User};
use procyon_model::frame::{EndedProcess, FeatureHealth};
use procyon_model::machine::Payload;
use procyon_model::process::{Net, NetRates, ProcessRow};
use procyon_model::rates;
use procyon_units::{Bytes, Reading, TICKS_PER_SECOND, Ticks};

use crate::table::{Table, Tick};

/// Id among the features of a frame's health.
const FEATURE: &str = "network";
/// Where estimates come from.
const ESTIMATE: &str = "sock_diag";
/// A process in nobody's table is given up so long after its start: it may be about to be seen.
const PATIENCE: Duration = Duration::from_secs(5);

/// Fills in the network bytes of processes.
#[derive(Debug)]
pub(crate) struct NetworkSource {
    source: Counting,
    reason: Option<Arc<str>>,
    lost: Lost,
}

#[derive(Debug)]
enum Counting {
    Counted(Box<Counts>),
    Estimated(Estimates),
}

#[derive(Debug)]
struct Counts {
    reader: ByProcess,
    is_read: bool,
    /// What processes moved that were taken out.
    gone: Net,
    /// What all processes and the kernel had moved at the last tick.
    last: Option<(Net, Net)>,
}

/// What TCP connections moved, by the process that holds them.
#[derive(Debug, Default)]
struct Estimates {
    processes: HashMap<(u32, Ticks), (Net, NetRates)>,
    /// Set by the first reading: from then on a process without an entry moved nothing that we know of.
    begun: bool,
}

/// Growth of the counters of one process between two readings of its connections.
pub(crate) type Growth = ((u32, Ticks), Net);

impl NetworkSource {
    /// Counts by the program, or estimates for the reason that it is not there; the reader of sockets goes to the source of
    /// connections.
    pub(crate) fn new(loaded: Result<Network, Arc<str>>) -> (Self, Option<BySocket>) {
        let (source, reason, sockets) = match loaded {
            Ok(Network { processes, sockets }) => {
                let counts = Counts { reader: processes, is_read: false, gone: Net::default(), last: None };
                (Counting::Counted(Box::new(counts)), None, Some(sockets))
            }
            Err(reason) => (Counting::Estimated(Estimates::default()), Some(estimate(&reason)), None),
        };
        (Self { source, reason, lost: Lost::default() }, sockets)
    }

    /// How it counts, and what was lost.
    pub(crate) fn health(&self) -> FeatureHealth {
        let (source, reason) = match &self.source {
            Counting::Counted(_) => (ID, loss(self.lost)),
            Counting::Estimated(_) => (ESTIMATE, self.reason.clone()),
        };
        FeatureHealth { id: FEATURE, source, reason }
    }

    /// Fills in the bytes of every process; `before` are the rows of the last frame, `gone` those that are in it and not in the
    /// table any more. To be called when all processes have been read, so that what has ended has its last figures.
    pub(crate) fn fill(
        &mut self,
        rows: &mut [ProcessRow],
        gone: &mut [EndedProcess],
        before: &[ProcessRow],
        tick: Tick,
    ) -> Payload {
        match &mut self.source {
            Counting::Counted(counts) => {
                if !counts.read() {
                    for row in rows {
                        (row.net, row.rates.net) = (Reading::Pending, Reading::Pending);
                    }
                    return Payload::default();
                }
                self.lost = counts.reader.lost();
                let known = self.lost.calls == 0;
                fill_counted(rows, counts.reader.latest(), known, before, tick);
                let payload = counts.payload(tick.elapsed);
                counts.bury(gone, known);
                payload
            }
            Counting::Estimated(estimates) => {
                for row in rows {
                    estimates.fill(row);
                }
                Payload { processes: Reading::Unsupported, kernel: Reading::Unsupported }
            }
        }
    }

    /// Gives those that no tick saw their bytes, and makes room: `rows` live, and the ends of those that `is_awaited` names are
    /// still to be told. To be called when the ends of this tick are known.
    pub(crate) fn bury(
        &mut self,
        rows: &[ProcessRow],
        ended: &mut [EndedProcess],
        is_awaited: impl Fn(u32, Ticks) -> bool,
        tick: Tick,
    ) {
        let Counting::Counted(counts) = &mut self.source else { return };
        let is_unseen = |ended: &&mut EndedProcess| matches!(ended.row.net, Reading::Unsupported);
        // They may have moved bytes after the reading of this tick.
        if ended.iter_mut().any(|ended| is_unseen(&ended)) && counts.read() {
            let known = counts.reader.lost().calls == 0;
            for one in ended.iter_mut().filter(is_unseen) {
                counts.bury(std::slice::from_mut(one), known);
            }
        }
        if counts.is_read {
            counts.make_room(rows, is_awaited, tick);
        }
    }

    /// Takes in what connections moved since their reading before, where nothing counts better.
    pub(crate) fn estimate(&mut self, growth: Vec<Growth>, elapsed: Option<Duration>, table: &Table) {
        if let Counting::Estimated(estimates) = &mut self.source {
            estimates.take(growth, elapsed, table);
        }
    }
}

/// Name of the source that counts.
const ID: &str = "ebpf";

fn estimate(reason: &str) -> Arc<str> {
    format!(
        "an estimate (~) from open TCP connections, without UDP and what closed between two readings, because {reason}"
    )
    .into()
}

/// What was lost, for people; none when all was counted.
fn loss(lost: Lost) -> Option<Arc<str>> {
    let Lost { calls, socket_calls, closed } = lost;
    (lost != Lost::default()).then(|| {
        format!("not counted for want of room: {calls} calls of processes, {socket_calls} on sockets, {closed} ends of sockets")
            .into()
    })
}

pub(crate) const fn net(traffic: Traffic) -> Net {
    let Traffic { received, sent, receive_calls, send_calls } = traffic;
    Net { received, sent, receive_calls, send_calls }
}

/// Walks rows, counters and the last frame side by side: all are in order of pid.
fn fill_counted(rows: &mut [ProcessRow], found: &[ProcessTraffic], known: bool, before: &[ProcessRow], tick: Tick) {
    let (mut found, mut before) = (found.iter().peekable(), before.iter().peekable());
    for row in rows {
        if row.kernel_thread {
            row.net = Reading::Absent;
            row.rates.net = Reading::Absent;
            continue;
        }
        let user = User { pid: row.key.pid, start: row.key.start };
        while found.next_if(|process| process.user < user).is_some() {}
        row.net = match found.peek().filter(|process| process.user == user) {
            Some(process) => Reading::Known(net(process.traffic)),
            None if known => Reading::Known(Net::default()),
            // It may be one for which there was no room.
            None => Reading::Pending,
        };
        while before.next_if(|earlier| earlier.key.pid < row.key.pid).is_some() {}
        let earlier = before.peek().filter(|earlier| earlier.key == row.key);
        row.rates.net = match (tick.elapsed, earlier) {
            (Some(elapsed), Some(earlier)) => rates::network(&earlier.net, &row.net, elapsed),
            // Only what was born since the last tick did all of it since then.
            (Some(elapsed), None) if row.age <= elapsed + Duration::from_millis(20) => {
                rates::network(&Reading::Known(Net::default()), &row.net, elapsed)
            }
            _ => Reading::Pending,
        };
    }
}

impl Counts {
    /// What all processes and the kernel moved each second since the last tick.
    fn payload(&mut self, elapsed: Option<Duration>) -> Payload {
        let (mut processes, mut kernel) = (self.gone, Net::default());
        for process in self.reader.latest() {
            let sum = if process.user == User::KERNEL { &mut kernel } else { &mut processes };
            *sum = plus(*sum, net(process.traffic));
        }
        let Some(((earlier_processes, earlier_kernel), elapsed)) = self.last.replace((processes, kernel)).zip(elapsed)
        else {
            return Payload::default();
        };
        let rate = |earlier, later| rates::network(&Reading::Known(earlier), &Reading::Known(later), elapsed);
        Payload { processes: rate(earlier_processes, processes), kernel: rate(earlier_kernel, kernel) }
    }

    /// Whether the counters could be read.
    fn read(&mut self) -> bool {
        self.is_read = self.reader.read().is_ok();
        self.is_read
    }

    /// Gives those that ended their last figures and takes them out; `known` says that whoever has no counter moved nothing.
    fn bury(&mut self, ended: &mut [EndedProcess], known: bool) {
        for gone in ended.iter_mut().filter(|gone| !gone.row.kernel_thread) {
            let user = User { pid: gone.row.key.pid, start: gone.row.key.start };
            let latest = self.reader.latest();
            let found = latest.binary_search_by_key(&user, |process| process.user).ok().and_then(|at| latest.get(at));
            match found.copied() {
                Some(process) => {
                    gone.row.net = Reading::Known(net(process.traffic));
                    self.forget(&process);
                }
                None if known => gone.row.net = Reading::Known(Net::default()),
                None => gone.row.net = Reading::Pending,
            }
        }
    }

    /// Takes out whoever is in no table, and was not born a moment ago.
    fn make_room(&mut self, rows: &[ProcessRow], is_awaited: impl Fn(u32, Ticks) -> bool, tick: Tick) {
        let started_before = tick.uptime.saturating_sub(PATIENCE);
        let old = Ticks(u64::try_from(started_before.as_millis()).unwrap_or(u64::MAX) * TICKS_PER_SECOND / 1000);
        let is_over = |process: &&ProcessTraffic| {
            let User { pid, start } = process.user;
            let at = rows.binary_search_by_key(&pid, |row| row.key.pid).ok().and_then(|at| rows.get(at));
            let lives = at.is_some_and(|row| row.key.start == start);
            process.user != User::KERNEL && !lives && !process.lives && start < old && !is_awaited(pid, start)
        };
        let over: Vec<ProcessTraffic> = self.reader.latest().iter().filter(is_over).copied().collect();
        for process in &over {
            self.forget(process);
        }
    }

    /// What could not be taken out is tried again at the next tick.
    fn forget(&mut self, process: &ProcessTraffic) {
        if self.reader.forget(process).is_ok() {
            self.gone = plus(self.gone, net(process.traffic));
        }
    }
}

impl Estimates {
    fn fill(&self, row: &mut ProcessRow) {
        let known = self.processes.get(&(row.key.pid, row.key.start)).copied();
        let (net, rates) = match known {
            _ if row.kernel_thread => (Reading::Absent, Reading::Absent),
            Some((net, rates)) => (Reading::Known(net), Reading::Known(rates)),
            None if self.begun => (Reading::Known(Net::default()), Reading::Known(NetRates::default())),
            None => (Reading::Pending, Reading::Pending),
        };
        (row.net, row.rates.net) = (net, rates);
    }

    fn take(&mut self, growth: Vec<Growth>, elapsed: Option<Duration>, table: &Table) {
        let tracked = table.tracked();
        self.processes.retain(|(pid, start), (_, rates)| {
            *rates = NetRates::default();
            let at = tracked.binary_search_by_key(pid, |tracked| tracked.key.pid).ok();
            at.and_then(|at| tracked.get(at)).is_some_and(|tracked| tracked.key.start == *start)
        });
        let mut grown: HashMap<(u32, Ticks), Net> = HashMap::new();
        for (process, more) in growth {
            let sum = grown.entry(process).or_default();
            *sum = plus(*sum, more);
        }
        for (process, more) in grown {
            let (net, rates) = self.processes.entry(process).or_default();
            *net = plus(*net, more);
            let zero = Reading::Known(Net::default());
            let rate = elapsed.map(|elapsed| rates::network(&zero, &Reading::Known(more), elapsed));
            *rates = rate.and_then(|rate| rate.get().copied()).unwrap_or_default();
        }
        self.begun = true;
    }
}

pub(crate) fn plus(a: Net, b: Net) -> Net {
    Net {
        received: a.received.plus(b.received),
        sent: a.sent.plus(b.sent),
        receive_calls: a.receive_calls.saturating_add(b.receive_calls),
        send_calls: a.send_calls.saturating_add(b.send_calls),
    }
}

/// What a counter grew by; nothing when it fell.
pub(crate) fn since(later: Net, earlier: Net) -> Net {
    Net {
        received: Bytes(later.received.0.saturating_sub(earlier.received.0)),
        sent: Bytes(later.sent.0.saturating_sub(earlier.sent.0)),
        receive_calls: later.receive_calls.saturating_sub(earlier.receive_calls),
        send_calls: later.send_calls.saturating_sub(earlier.send_calls),
    }
}
