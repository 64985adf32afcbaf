//! Groups as families: process-exporter's names, types and help texts, and ours.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use procyon_linux::net::socket::Socket;
use procyon_units::Mono;

use super::counters::{COUNT, COUNTERS, Counters};
use super::groups::{Errors, Group, Groups, STATES, ThreadSums};
use super::options::Options;
use super::source::Source;
use super::top::{By, Shown, Top};
use crate::metric::{Kind, Label, Labels, Metrics};
use crate::node::float;

/// The group of what is not among the largest.
const OTHER: &str = "other";
/// The label of every family.
const GROUP: &str = "groupname";

/// What is served, from one scrape to the next.
pub(super) struct Served {
    top: Top<Arc<str>>,
    sockets: Top<SocketKey>,
    /// What was counted in groups while they were not among the largest.
    other: Counters,
    by: Vec<By>,
    threads: bool,
    smaps: bool,
    netstat: bool,
    words: Words,
}

/// The second labels of families, which every group has.
struct Words {
    counters: [Option<Arc<Label>>; COUNT],
    states: [Arc<Label>; STATES.len()],
    /// Kinds of memory, in the order in which they are written.
    memory: [Arc<Label>; 5],
}

impl Words {
    fn new() -> Self {
        let label = |name: &'static str, value: &str| Arc::new((Cow::Borrowed(name), value.into()));
        Self {
            counters: COUNTERS.map(|counter| counter.label.map(|(name, value)| label(name, value))),
            states: STATES.map(|state| label("state", state)),
            memory: ["proportionalResident", "proportionalSwapped", "resident", "swapped", "virtual"]
                .map(|kind| label("memtype", kind)),
        }
    }
}

/// The label that all samples of a group share.
fn labels_of(group: &Arc<str>) -> Labels {
    std::iter::once((Cow::Borrowed(GROUP), Arc::clone(group))).collect()
}

/// A socket as it is served: group, protocol, local and remote address.
type SocketKey = (Arc<str>, &'static str, String, String);

impl Served {
    pub(super) fn new(options: &Options) -> Self {
        Self {
            top: Top::new(options.top, options.top_sticky),
            sockets: Top::new(options.netstat_top, options.top_sticky),
            other: Counters::default(),
            by: options.top_by.clone(),
            threads: options.threads,
            smaps: options.smaps,
            netstat: options.netstat,
            words: Words::new(),
        }
    }

    /// Writes what is so now.
    pub(super) fn write(&mut self, groups: &mut Groups, source: &dyn Source, now: Mono, out: &mut Metrics) {
        let shown = self.choose(&groups.by_name, now);
        let mut rest = Group::default();
        let mut omitted = 0_u64;
        for (name, group) in &mut groups.by_name {
            match shown.get(name) {
                Some(Shown::Before) => {}
                Some(Shown::Anew) => {
                    // What it counted before is in the rest, so that no second is counted twice.
                    self.other.add(&group.grown);
                    group.sums = group.sums.zeroed();
                }
                None => {
                    self.other.add(&group.grown);
                    group.sums = group.sums.zeroed();
                    rest.now.merge(&group.now);
                    omitted += 1;
                }
            }
        }
        if self.top.is_limited() {
            // One that is empty and not served has nothing of its own left: it counts anew when it comes back.
            groups.by_name.retain(|name, group| group.now.processes > 0 || shown.contains_key(name));
        }
        let boot = source.boot();
        out.expect(shown.len());
        for (name, group) in groups.by_name.iter().filter(|(name, _)| shown.contains_key(*name)) {
            let labels = labels_of(name);
            self.group(&labels, group, boot, out);
            if self.threads {
                threads(name, group, out);
            }
            people(&labels, group, out);
        }
        out.expect(1);
        if self.top.is_limited() {
            rest.sums = self.other;
            self.group(&labels_of(&OTHER.into()), &rest, boot, out);
            let help = "Groups that are summed in group other";
            out.gauge("namedprocess_namegroup_omitted_groups", help, &[], float(omitted));
        }
        if self.netstat {
            self.netstat(&groups.by_name, &shown, now, out);
        }
        errors(groups.errors, out);
    }

    fn choose(&mut self, groups: &BTreeMap<Arc<str>, Box<Group>>, now: Mono) -> HashMap<Arc<str>, Shown> {
        let size = |group: &Group, by: By| -> f64 {
            float(match by {
                By::Cpu => group.grown.cpu(),
                By::Rss => group.now.resident,
                By::Io => group.grown.io(),
                By::Net => group.grown.net(),
                By::Fds => group.now.fds.unwrap_or(0),
                By::Procs => group.now.processes,
            })
        };
        // A group is as large as its largest share in anything.
        let totals: Vec<(By, f64)> =
            self.by.iter().map(|by| (*by, groups.values().map(|group| size(group, *by)).sum())).collect();
        let share = |group: &Group| {
            let shares = totals.iter().filter(|(_, total)| *total > 0.0).map(|(by, total)| size(group, *by) / total);
            shares.fold(0.0, f64::max)
        };
        // A group that bears the name of the rest is part of it.
        let may_be_shown = |name: &str| !self.top.is_limited() || name != OTHER;
        let all = groups.iter().filter(|(name, _)| may_be_shown(name));
        let all = all.map(|(name, group)| (share(group), Arc::clone(name))).collect();
        self.top.choose(all, now)
    }

    fn group(&self, labels: &Labels, group: &Group, boot: i64, out: &mut Metrics) {
        // Labels in ascending order, as they are served: what is in order already is sorted at once.
        for ((counter, sum), second) in COUNTERS.iter().zip(group.sums.0).zip(&self.words.counters).rev() {
            let Some(sum) = sum else { continue };
            let labels = second.as_ref().map_or_else(|| labels.clone(), |second| labels.with(second));
            out.share(Kind::Counter, counter.name, counter.help, labels, float(sum) / counter.per);
        }
        let now = &group.now;
        let is_empty = now.processes == 0;
        let mut gauge = |name, help, value: f64| out.share(Kind::Gauge, name, help, labels.clone(), value);
        gauge("namedprocess_namegroup_num_procs", "number of processes in this group", float(now.processes));
        gauge("namedprocess_namegroup_num_threads", "Number of threads", float(now.threads));
        if let Some(fds) = now.fds.or(is_empty.then_some(0)) {
            let help = "number of open file descriptors for this group";
            gauge("namedprocess_namegroup_open_filedesc", help, float(fds));
        }
        if let Some(worst) = now.worst_fds.or(is_empty.then_some(0.0)) {
            let help = "the worst (closest to 1) ratio between open fds and max fds among all procs in this group";
            gauge("namedprocess_namegroup_worst_fd_ratio", help, worst);
        }
        if let Some((start, _)) = now.oldest {
            let help = "start time in seconds since 1970/01/01 of oldest process in group";
            let nanos = boot.saturating_add(i64::try_from(start.cpu_time().0).unwrap_or(i64::MAX));
            let seconds = u64::try_from(nanos.div_euclid(1_000_000_000)).unwrap_or(0);
            gauge("namedprocess_namegroup_oldest_start_time_seconds", help, float(seconds));
        }
        let proportional = now.proportional.or(is_empty.then_some((0, 0))).filter(|_| self.smaps);
        let (resident, swapped) = proportional.unzip();
        let memory = [resident, swapped, Some(now.resident), Some(now.swapped), Some(now.size)];
        for (kind, bytes) in self.words.memory.iter().zip(memory) {
            let Some(bytes) = bytes else { continue };
            let (name, help) = ("namedprocess_namegroup_memory_bytes", "number of bytes of memory in use");
            out.share(Kind::Gauge, name, help, labels.with(kind), float(bytes));
        }
        for (state, count) in self.words.states.iter().zip(now.states) {
            let help = "Number of processes in states Running, Sleeping, Waiting, Zombie, or Other";
            out.share(Kind::Gauge, "namedprocess_namegroup_states", help, labels.with(state), float(count));
        }
    }

    /// Sockets one by one up to the limit, and how many there are.
    fn netstat(
        &mut self,
        groups: &BTreeMap<Arc<str>, Box<Group>>,
        shown: &HashMap<Arc<str>, Shown>,
        now: Mono,
        out: &mut Metrics,
    ) {
        let mut all: BTreeMap<SocketKey, u8> = BTreeMap::new();
        let mut counts: BTreeMap<(&str, &'static str, u8), u64> = BTreeMap::new();
        for (name, group) in groups {
            let is_shown = shown.contains_key(name);
            for socket in &group.now.sockets {
                let group = if is_shown { &**name } else { OTHER };
                *counts.entry((group, socket.protocol.word(), socket.state)).or_default() += 1;
                if is_shown {
                    let (local, remote) = addresses(socket);
                    all.entry((Arc::clone(name), socket.protocol.word(), local, remote)).or_insert(socket.state);
                }
            }
        }
        let size = |state: u8| if state == procyon_linux::net::socket::state::LISTEN { 2.0 } else { 1.0 };
        let chosen = self.sockets.choose(all.iter().map(|(key, state)| (size(*state), key.clone())).collect(), now);
        let mut omitted: BTreeMap<&str, u64> = BTreeMap::new();
        for (key, state) in &all {
            let (group, protocol, local, remote) = key;
            if !chosen.contains_key(key) {
                *omitted.entry(group).or_default() += 1;
                continue;
            }
            let help = "Sockets of this group; the value is the kernel's number of the state: TCP 1 established to 11 closing, UDP 7 unconnected, 1 connected";
            let labels = [(GROUP, &**group), ("protocol", protocol), ("local", local), ("remote", remote)];
            out.gauge("namedprocess_namegroup_netstat", help, &labels, f64::from(*state));
        }
        for ((group, protocol, state), count) in counts {
            let help = "Number of sockets of this group";
            let labels = [(GROUP, group), ("protocol", protocol), ("state", state_word(protocol, state))];
            out.gauge("namedprocess_namegroup_sockets", help, &labels, float(count));
        }
        for (group, count) in omitted {
            let help = "Sockets of this group that are left out of namedprocess_namegroup_netstat";
            out.gauge("namedprocess_namegroup_netstat_omitted", help, &[(GROUP, group)], float(count));
        }
    }
}

/// Local and remote address as they are served.
fn addresses(socket: &Socket) -> (String, String) {
    (socket.local.to_string(), socket.remote.map_or_else(|| "*".to_owned(), |remote| remote.to_string()))
}

fn state_word(protocol: &str, state: u8) -> &'static str {
    match (protocol.starts_with("tcp"), state) {
        (_, 1) => "established",
        (false, _) => "unconnected",
        (true, 2) => "syn_sent",
        (true, 3 | 12) => "syn_recv",
        (true, 4) => "fin_wait1",
        (true, 5) => "fin_wait2",
        (true, 6) => "time_wait",
        (true, 7) => "close",
        (true, 8) => "close_wait",
        (true, 9) => "last_ack",
        (true, 10) => "listen",
        (true, 11) => "closing",
        (true, _) => "unknown",
    }
}

/// Pid and users.
fn people(labels: &Labels, group: &Group, out: &mut Metrics) {
    if let Some((_, pid)) = group.now.oldest {
        let help = "Process id of the oldest process in this group";
        out.share(Kind::Gauge, "namedprocess_namegroup_pid", help, labels.clone(), f64::from(pid));
    }
    for (user, count) in &group.now.users {
        let help = "Number of processes in this group by effective user";
        let labels = labels.with(&Arc::new((Cow::Borrowed("effective_username"), Arc::clone(user))));
        out.share(Kind::Gauge, "namedprocess_namegroup_effective_username", help, labels, float(*count));
    }
}

/// Threads by name and by what they wait for.
fn threads(group_name: &str, group: &Group, out: &mut Metrics) {
    for (wchan, count) in &group.now.wchans {
        let help = "Number of threads in this group waiting on each wchan";
        let labels = [(GROUP, group_name), ("wchan", &*String::from_utf8_lossy(wchan))];
        out.gauge("namedprocess_namegroup_threads_wchan", help, &labels, float(*count));
    }
    for (name, ThreadSums { count, sums }) in &group.threads {
        let label = [(GROUP, group_name), ("threadname", &**name)];
        let help = "Number of threads in this group with same threadname";
        out.gauge("namedprocess_namegroup_thread_count", help, &label, float(*count));
        for ((family, help, more, per), sum) in THREAD_FAMILIES.iter().zip(sums) {
            let Some(sum) = sum else { continue };
            let labels: Vec<(&'static str, &str)> = label.into_iter().chain(*more).collect();
            out.add(Kind::Counter, (*family).into(), (*help).into(), &labels, float(*sum) / per);
        }
    }
}

type ThreadFamily = (&'static str, &'static str, Option<(&'static str, &'static str)>, f64);

const THREAD_CPU: (&str, &str) =
    ("namedprocess_namegroup_thread_cpu_seconds_total", "Cpu user/system usage in seconds");
const THREAD_IO: (&str, &str) =
    ("namedprocess_namegroup_thread_io_bytes_total", "number of bytes read/written by these threads");
const THREAD_SWITCHES: (&str, &str) =
    ("namedprocess_namegroup_thread_context_switches_total", "Context switches for these threads");

/// The counters of threads, in the order in which [`super::source::Thread::counted`] holds them.
const THREAD_FAMILIES: [ThreadFamily; super::source::THREAD_COUNTERS] = [
    (THREAD_CPU.0, THREAD_CPU.1, Some(("mode", "user")), 1e9),
    (THREAD_CPU.0, THREAD_CPU.1, Some(("mode", "system")), 1e9),
    (THREAD_IO.0, THREAD_IO.1, Some(("iomode", "read")), 1.0),
    (THREAD_IO.0, THREAD_IO.1, Some(("iomode", "write")), 1.0),
    ("namedprocess_namegroup_thread_major_page_faults_total", "Major page faults for these threads", None, 1.0),
    ("namedprocess_namegroup_thread_minor_page_faults_total", "Minor page faults for these threads", None, 1.0),
    (THREAD_SWITCHES.0, THREAD_SWITCHES.1, Some(("ctxswitchtype", "voluntary")), 1.0),
    (THREAD_SWITCHES.0, THREAD_SWITCHES.1, Some(("ctxswitchtype", "nonvoluntary")), 1.0),
];

/// What went wrong, by upstream's names, which do not end as names of counters should.
fn errors(errors: Errors, out: &mut Metrics) {
    let help = "general scrape errors: no proc metrics collected during a cycle";
    out.counter("namedprocess_scrape_errors", help, &[], float(errors.scrapes));
    let help = "incremented each time a proc's metrics collection fails";
    out.counter("namedprocess_scrape_procread_errors", help, &[], float(errors.processes));
    let help = "incremented each time a tracked proc's metrics collection fails partially, e.g. unreadable I/O stats";
    out.counter("namedprocess_scrape_partial_errors", help, &[], float(errors.partial));
}
