//! Network bytes of processes: counted by a program in the kernel, else estimated from what the kernel tells of TCP
//! connections.

use std::collections::HashMap;
use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use procyon_bpf::Kernel;
use procyon_bpf::network::{ByProcess, BySocket, Lost, Network, ProcessTraffic, Traffic, User};
use procyon_linux::root::Root;
use procyon_model::frame::{EndedProcess, FeatureHealth};
use procyon_model::machine::Payload;
use procyon_model::process::{Net, NetRates, ProcessRow};
use procyon_model::rates;
use procyon_units::{Bytes, Reading, TICKS_PER_SECOND, Ticks};

use crate::config::{Config, Source};
use crate::provider::ebpf::Unavailable;
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
    Counted(Counts),
    Estimated(Estimates),
}

#[derive(Debug)]
struct Counts {
    reader: ByProcess,
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
    /// Loads the program where that is wanted and possible; the reader of sockets goes to the source of connections.
    pub(crate) fn new(config: &Config) -> (Self, Option<BySocket>) {
        let (loaded, reason) = match config.source {
            Source::Procfs => (None, Some("it was asked for".to_owned())),
            Source::Auto | Source::Ebpf => match load(&config.root) {
                Ok(network) => (Some(network), None),
                Err(error) => (None, Some(reason(&error))),
            },
        };
        if let Some(reason) = reason.as_ref().filter(|_| config.source != Source::Procfs) {
            tracing::info!(reason, "network bytes of processes are estimated");
        }
        let reason = reason.map(|reason| estimate(&reason));
        let (source, sockets) = match loaded {
            Some(Network { processes, sockets }) => {
                (Counting::Counted(Counts { reader: processes, gone: Net::default(), last: None }), Some(sockets))
            }
            None => (Counting::Estimated(Estimates::default()), None),
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

    /// Fills in the bytes of every process; `before` are the rows of the last frame. To be called when all processes have
    /// been read, so that what has ended has its last figures.
    pub(crate) fn fill(
        &mut self,
        rows: &mut [ProcessRow],
        ended: &mut [EndedProcess],
        before: &[ProcessRow],
        tick: Tick,
    ) -> Payload {
        match &mut self.source {
            Counting::Counted(counts) => {
                if counts.reader.read().is_err() {
                    for row in rows {
                        (row.net, row.rates.net) = (Reading::Pending, Reading::Pending);
                    }
                    return Payload::default();
                }
                self.lost = counts.reader.lost();
                let known = self.lost.calls == 0;
                fill_counted(rows, counts.reader.latest(), known, before, tick);
                let payload = counts.payload(tick.elapsed);
                counts.bury(rows, ended, tick);
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

    /// Takes in what connections moved since their reading before, where nothing counts better.
    pub(crate) fn estimate(&mut self, growth: Vec<Growth>, elapsed: Option<Duration>, table: &Table) {
        if let Counting::Estimated(estimates) = &mut self.source {
            estimates.take(growth, elapsed, table);
        }
    }
}

/// Name of the source that counts.
const ID: &str = "ebpf";

/// Loads the program and sees that pids mean the same to it as to us.
fn load(root: &Root) -> Result<Network, Unavailable> {
    if !root.is_live() {
        return Err(Unavailable::OtherRoot);
    }
    if !procyon_linux::own::in_first_namespaces(root) {
        return Err(Unavailable::OtherNamespace);
    }
    let sys = root.sys("");
    let kernel = Kernel::open(&sys)?;
    Ok(Network::load(&kernel, &sys)?)
}

/// Tries to load the program and takes it out again: what `doctor` tells.
pub(crate) fn attempt(root: &Root) -> FeatureHealth {
    match load(root) {
        Ok(_) => FeatureHealth { id: FEATURE, source: ID, reason: None },
        Err(error) => FeatureHealth { id: FEATURE, source: ESTIMATE, reason: Some(estimate(&reason(&error))) },
    }
}

fn estimate(reason: &str) -> Arc<str> {
    format!(
        "an estimate (~) from open TCP connections, without UDP and what closed between two readings, because {reason}"
    )
    .into()
}

/// An error with its causes in one line, and what would help.
fn reason(error: &Unavailable) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        text = format!("{text}: {cause}");
        next = cause.source();
    }
    if error.is_refusal() { format!("{text}; it takes CAP_BPF and CAP_PERFMON") } else { text }
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

    /// Gives those that ended their last figures, and makes room.
    fn bury(&mut self, rows: &[ProcessRow], ended: &mut [EndedProcess], tick: Tick) {
        let started_before = tick.uptime.saturating_sub(PATIENCE);
        let old = Ticks(u64::try_from(started_before.as_millis()).unwrap_or(u64::MAX) * TICKS_PER_SECOND / 1000);
        for process in self.reader.latest() {
            let user = process.user;
            if user == User::KERNEL {
                continue;
            }
            let at = rows.binary_search_by_key(&user.pid, |row| row.key.pid).ok().and_then(|at| rows.get(at));
            if at.is_some_and(|row| row.key.start == user.start) {
                continue;
            }
            let last = ended.iter_mut().find(|gone| gone.row.key.pid == user.pid && gone.row.key.start == user.start);
            let is_over = last.is_some() || user.start < old;
            if let Some(last) = last {
                last.row.net = Reading::Known(net(process.traffic));
            }
            // What could not be taken out is tried again at the next tick.
            if is_over && self.reader.forget(process).is_ok() {
                self.gone = plus(self.gone, net(process.traffic));
            }
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
