//! The processes of this machine, read when somebody asks: from the kernel's own list where that can be had, else from
//! procfs. What touches the memory of a process and may block (arguments, proportional memory) goes through [`blocking`].
//!
//! [`blocking`]: super::blocking

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use procyon_bpf::network::{ByProcess, Network, ProcessTraffic, User};
use procyon_collect::provider::ebpf::{Ebpf, Unavailable};
use procyon_collect::provider::procfs::Procfs;
use procyon_collect::provider::{ProcessProvider, ProviderError, RawProcess};
use procyon_linux::host;
use procyon_linux::net::connections::Connections;
use procyon_linux::net::namespaces::Namespaces;
use procyon_linux::net::owners::{Holder, SocketOwners};
use procyon_linux::net::sock_diag::Detail;
use procyon_linux::net::socket::Socket;
use procyon_linux::proc::pid_task::{self, ThreadFiles, ThreadRoom};
use procyon_linux::proc::{PidDir, ProcDir, pid_fd, pid_limits, pid_wchan};
use procyon_linux::root::Root;
use procyon_linux::users::accounts::Accounts;
use procyon_model::process::Net;
use procyon_units::{Clock, Reading, Ticks};

use super::blocking::{Answer, Blocking, Question};
use super::options::From;
use super::rules::Facts;
use super::source::{Details, Key, Source, Thread, up};
use crate::node::CollectError;

/// Limits of open files hardly ever change.
const LIMIT_AGE: std::time::Duration = std::time::Duration::from_mins(1);
/// A process that was born so lately may be missing in the pass that was under way.
const YOUNG: std::time::Duration = std::time::Duration::from_secs(5);
/// The most threads of a process that are looked at.
const MOST_THREADS: usize = 65_536;

/// Reads this machine.
pub(crate) struct Live {
    root: Root,
    clock: Arc<dyn Clock>,
    provider: Box<dyn ProcessProvider>,
    network: Option<ByProcess>,
    proc: ProcDir,
    blocking: Blocking,
    accounts: Accounts,
    users: HashMap<u32, Arc<str>>,
    names: HashMap<Box<[u8]>, Arc<str>>,
    room: ThreadRoom,
    buffer: Vec<u8>,
    sockets: Sockets,
    boot: i64,
}

#[derive(Default)]
struct Sockets {
    namespaces: Namespaces,
    connections: Connections,
    owners: SocketOwners,
}

impl Live {
    /// Loads what the kernel takes.
    pub(crate) fn new(root: &Root, from: From, clock: Arc<dyn Clock>) -> Result<Self, ProviderError> {
        let (provider, network) = provider(root, from)?;
        let proc = ProcDir::open(root).map_err(|error| ProviderError(error.to_string()))?;
        let boot = host::stat::read(root, &mut Vec::new());
        let boot = boot.get().and_then(|stat| stat.boot_time.get().copied()).map_or(0, |time| time.0);
        Ok(Self {
            blocking: Blocking::new(root),
            root: root.clone(),
            clock,
            provider,
            network,
            proc,
            accounts: Accounts::default(),
            users: HashMap::new(),
            names: HashMap::new(),
            room: ThreadRoom::default(),
            buffer: Vec::new(),
            sockets: Sockets::default(),
            boot,
        })
    }
}

impl Live {
    /// Takes those who have ended out of the counts of network bytes, which have room for so many alone.
    fn make_room(&mut self, alive: &HashSet<User>) {
        let Some(network) = &mut self.network else { return };
        let old = Ticks(up().0.saturating_sub(YOUNG.as_secs() * procyon_units::TICKS_PER_SECOND));
        let is_over = |one: &&ProcessTraffic| {
            one.user != User::KERNEL && one.user.start < old && !one.lives && !alive.contains(&one.user)
        };
        let over: Vec<ProcessTraffic> = network.latest().iter().filter(is_over).copied().collect();
        for gone in &over {
            if let Err(error) = network.forget(gone) {
                tracing::debug!(%error, pid = gone.user.pid, "the network bytes of a process that ended take up room");
            }
        }
    }
}

/// The best provider that works, or the one that was asked for; with the counts of network bytes where they can be had.
fn provider(root: &Root, from: From) -> Result<(Box<dyn ProcessProvider>, Option<ByProcess>), ProviderError> {
    let procfs = || Procfs::new(root).map(|procfs| Box::new(procfs) as Box<dyn ProcessProvider>);
    if from == From::Procfs {
        return Ok((procfs()?, None));
    }
    let loaded: Result<_, Unavailable> = Ebpf::kernel(root).and_then(|kernel| {
        let network = match Network::load(&kernel, &root.sys("")) {
            Ok(network) => Some(network.processes),
            Err(error) => {
                tracing::info!(%error, "network bytes of processes cannot be counted");
                None
            }
        };
        Ok((Ebpf::new(root, &kernel)?, network))
    });
    match loaded {
        Ok((ebpf, network)) => Ok((Box::new(ebpf), network)),
        Err(error) if from == From::Ebpf => Err(ProviderError(error.to_string())),
        Err(error) => {
            tracing::info!(%error, "processes are read from procfs");
            Ok((procfs()?, None))
        }
    }
}

impl Source for Live {
    fn pass(&mut self, each: &mut dyn FnMut(&RawProcess<'_>, Reading<Net>)) -> Result<(), CollectError> {
        if self.accounts.refresh(&self.root) {
            self.users.clear();
        }
        let traffic = match &mut self.network {
            Some(network) => network.read().ok(),
            None => None,
        };
        let mut alive = HashSet::new();
        let counts = traffic.is_some();
        let net = |process: &RawProcess<'_>| {
            let Some(traffic) = traffic else { return Reading::Unsupported };
            let user = User { pid: process.pid, start: process.start };
            let at = traffic.binary_search_by_key(&user, |one| one.user).ok();
            let moved = at.and_then(|at| traffic.get(at)).map_or(Net::default(), |one| Net {
                received: one.traffic.received,
                sent: one.traffic.sent,
                ..Net::default()
            });
            Reading::Known(moved)
        };
        let passed = self.provider.pass(&mut |process| {
            if counts {
                alive.insert(User { pid: process.pid, start: process.start });
            }
            each(process, net(process));
        });
        passed.map_err(|error| CollectError::Processes(error.0))?;
        if counts {
            self.make_room(&alive);
        }
        Ok(())
    }

    fn boot(&self) -> i64 {
        self.boot
    }

    fn up(&self) -> Ticks {
        up()
    }

    fn facts(&mut self, keys: &[Key]) -> Vec<(Key, Facts)> {
        let answers = self.blocking.ask(keys.iter().map(|key| (*key, Question::Facts)).collect(), &*self.clock);
        let mut found = Vec::with_capacity(answers.len());
        for (key, answer) in answers {
            if let Answer::Facts { arguments, cgroups, euid } = answer {
                let user = self.user(euid).to_string();
                found.push((key, Facts { arguments, cgroups, user, pid: key.pid, ..Facts::default() }));
            }
        }
        found
    }

    fn user(&mut self, uid: u32) -> Arc<str> {
        let accounts = &self.accounts;
        let name = || accounts.name(uid).cloned().unwrap_or_else(|| uid.to_string().into());
        Arc::clone(self.users.entry(uid).or_insert_with(name))
    }

    fn look(&mut self, key: Key, threads: u32, details: &mut Details) {
        let Ok(dir) = PidDir::open(&self.proc, key.pid) else { return };
        let buffer = &mut self.buffer;
        if !matches!(dir.start_time(buffer), Ok(Reading::Known(start)) if start == key.start) {
            return;
        }
        if let Ok(fds) = pid_fd::count(&dir) {
            details.fds = fds.get().copied();
        }
        let now = self.clock.mono();
        if details.limit_at.is_none_or(|at| now.since(at) >= LIMIT_AGE) {
            details.limit = pid_limits::open_files(&dir, buffer).ok().and_then(|limit| limit.get().copied()).flatten();
            details.limit_at = Some(now);
        }
        if threads < 2 {
            details.threads.clear();
            if let Ok(wchan) = pid_wchan::read(&dir, buffer) {
                details.wchan = wchan.get().cloned().unwrap_or_default();
            }
        } else {
            look_at_threads(&dir, details, &mut self.room, &mut self.names);
        }
    }

    fn proportional(&mut self, keys: &[Key]) -> Vec<(Key, Option<(u64, u64)>)> {
        let answers = self.blocking.ask(keys.iter().map(|key| (*key, Question::Proportional)).collect(), &*self.clock);
        let memory = |answer| match answer {
            Answer::Proportional(memory) => memory,
            Answer::Facts { .. } | Answer::Nothing => None,
        };
        answers.into_iter().map(|(key, answer)| (key, memory(answer))).collect()
    }

    fn sockets(&mut self, processes: &[(u32, Ticks)], idle: &HashSet<u32>) -> Vec<(Key, Socket)> {
        let Sockets { namespaces, connections, owners } = &mut self.sockets;
        namespaces.refresh(&self.root, processes);
        let mut found = Vec::new();
        connections.list(&self.root, namespaces.list(), Detail::Plain, &mut found);
        let inodes: Vec<u64> = found.iter().map(|socket| socket.inode).filter(|inode| *inode != 0).collect();
        owners.resolve_among(&self.root, processes, &inodes, &|pid| !idle.contains(&pid));
        let held = found.into_iter().filter_map(|socket| match owners.holder(socket.inode) {
            Holder::Process(pid) => {
                let at = processes.binary_search_by_key(&pid, |(pid, _)| *pid).ok()?;
                let (pid, start) = processes.get(at).copied()?;
                Some((Key { pid, start }, socket))
            }
            Holder::Kernel | Holder::Hidden | Holder::Nobody | Holder::Pending => None,
        });
        held.collect()
    }
}

/// The most names of threads that are kept.
const MOST_NAMES: usize = 10_000;

/// Threads that have not run since the last look stay as they were.
fn look_at_threads(
    dir: &PidDir,
    details: &mut Details,
    room: &mut ThreadRoom,
    names: &mut HashMap<Box<[u8]>, Arc<str>>,
) {
    for thread in details.threads.values_mut() {
        thread.seen = false;
    }
    let threads = std::cell::RefCell::new((&mut details.threads, &mut details.switches));
    let is_known = |tid, turns| {
        let mut both = threads.borrow_mut();
        let Some(thread) = both.0.get_mut(&tid).filter(|thread| thread.turns == Some(turns)) else { return false };
        // One that runs for long is told at each tick alone.
        thread.seen = thread.state != b'R';
        thread.seen
    };
    let each = |files: &ThreadFiles<'_>, turns| {
        let mut both = threads.borrow_mut();
        let (threads, switches) = &mut *both;
        let io = files.io.get();
        let counted = [
            Some(files.stat.user.cpu_time().0),
            Some(files.stat.system.cpu_time().0),
            io.map(|io| io.read.0),
            io.map(|io| io.written.0),
            Some(files.stat.major_faults),
            Some(files.stat.minor_faults),
            files.voluntary,
            files.involuntary,
        ];
        let before = threads.remove(&files.tid).filter(|before| before.start == files.stat.start);
        let [.., voluntary, involuntary] = before.as_ref().map_or([Some(0); 8], |before| before.counted);
        let grown = |now: Option<u64>, before: Option<u64>| now.unwrap_or(0).saturating_sub(before.unwrap_or(0));
        switches.0 += grown(files.voluntary, voluntary);
        switches.1 += grown(files.involuntary, involuntary);
        if names.len() > MOST_NAMES {
            names.clear();
        }
        let known = names.get(files.stat.comm).map(Arc::clone);
        let name = known.unwrap_or_else(|| {
            let name: Arc<str> = String::from_utf8_lossy(files.stat.comm).into();
            names.insert(files.stat.comm.into(), Arc::clone(&name));
            name
        });
        threads.insert(
            files.tid,
            Thread {
                name,
                start: files.stat.start,
                turns,
                state: files.stat.state,
                wchan: files.wchan.into(),
                counted,
                settled: before.and_then(|before| before.settled),
                seen: true,
            },
        );
    };
    // Without a list of threads the process counts as one.
    let _listed = pid_task::visit(dir, room, MOST_THREADS, is_known, each);
    details.threads.retain(|_, thread| thread.seen);
}
