//! The collecting thread: one pass a tick, sealed and published, on time.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use procyon_model::feed::Feed;
use procyon_model::frame::{CollectHealth, FeatureHealth, Frame, HostIdentity, SourceHealth, SourceState};
use procyon_model::key::HostId;
use procyon_model::mask::MaskError;
use procyon_units::{Clock, Mono};

use crate::books::Books;
use crate::choice::{self, Choice};
use crate::clock;
use crate::config::Config;
use crate::deaths::Deaths;
use crate::label::TemplateError;
use crate::pace::Pace;
use crate::provider::ebpf::Unavailable;
use crate::provider::{PassCounts, ProcessProvider, ProviderError};
use crate::pss::PssLane;
use crate::slow::SlowLane;
use crate::sources::connections::ConnectionsSource;
use crate::sources::filesystems::FilesystemsSource;
use crate::sources::identity;
use crate::sources::machine::MachineSource;
use crate::sources::network::NetworkSource;
use crate::sources::users::UsersSource;
use crate::strings::StringsLane;
use crate::table::{Table, Tick};

/// Why collecting cannot start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The process table cannot be read at all.
    #[error("could not start collecting")]
    Provider(#[from] ProviderError),
    /// The process table was to be read by a program in the kernel, which is not possible here.
    #[error("could not read the process table by eBPF, which was asked for")]
    Source(#[source] Unavailable),
    /// The machine does not tell which boot this is.
    #[error("could not learn about this machine: {0}")]
    Identity(String),
    /// The template of labels cannot be understood.
    #[error("could not understand `label.template`")]
    Label(#[from] TemplateError),
    /// A pattern of secrets cannot be understood.
    #[error("could not understand `mask.patterns`")]
    Mask(#[from] MaskError),
    /// No thread can be started.
    #[error("could not start the collecting thread")]
    Thread(#[source] std::io::Error),
}

/// Makes frames of this machine, one each time it is asked.
pub struct Collector {
    clock: Arc<dyn Clock>,
    host: Arc<HostIdentity>,
    provider: Box<dyn ProcessProvider>,
    features: Arc<[FeatureHealth]>,
    table: Table,
    deaths: Deaths,
    books: Books,
    strings: StringsLane,
    slow: SlowLane,
    pss: PssLane,
    machine: MachineSource,
    connections: ConnectionsSource,
    network: NetworkSource,
    filesystems: FilesystemsSource,
    users: UsersSource,
    pace: Pace,
    last: Option<Arc<Frame>>,
    vanished: u64,
    late: u64,
    seq: u64,
}

impl std::fmt::Debug for Collector {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Collector").field("host", &self.host.name).field("seq", &self.seq).finish_non_exhaustive()
    }
}

impl Collector {
    /// Prepares collecting for the machine with this id.
    pub fn new(config: &Config, id: HostId, clock: Arc<dyn Clock>) -> Result<Self, StartError> {
        let host = Arc::new(identity::read(&config.root, id, &config.version).map_err(StartError::Identity)?);
        let Choice { processes: provider, lifecycle, network, features } = choice::choose(config)?;
        let (network, sockets) = NetworkSource::new(network);
        Ok(Self {
            table: Table::new(host.boot.short(), host.boot_time),
            deaths: Deaths::new(lifecycle, host.boot.short()),
            books: Books::default(),
            strings: StringsLane::new(config)?,
            slow: SlowLane::new(&config.root, config.slow_budget)?,
            pss: PssLane::new(&config.root, config.pss_budget),
            machine: MachineSource::new(&config.root, Arc::clone(&clock)).map_err(StartError::Thread)?,
            connections: ConnectionsSource::new(&config.root, config.connections, sockets)
                .map_err(StartError::Thread)?,
            network,
            filesystems: FilesystemsSource::new(&config.root, config.filesystems, &config.mounts),
            users: UsersSource::new(&config.root, config.users).map_err(StartError::Thread)?,
            pace: Pace::new(config.interval, config.ceiling),
            clock,
            host,
            provider,
            features,
            last: None,
            vanished: 0,
            late: 0,
            seq: 0,
        })
    }

    /// The interval in force.
    pub const fn interval(&self) -> Duration {
        self.pace.interval()
    }

    /// Reads the machine once and seals what it found.
    pub fn tick(&mut self) -> Result<Arc<Frame>, ProviderError> {
        let now = self.clock.mono();
        let elapsed = self.last.as_ref().map(|last| now.since(last.mono));
        let previous = self.last.take();
        let mut machine = self.machine.read(now);
        let tick = Tick { now, wall: self.clock.wall(), uptime: machine.uptime, elapsed };

        let before = previous.as_ref().map_or(&[][..], |frame| &frame.processes);
        let mut pass = self.table.begin(before, tick);
        let counts = self.provider.pass(&mut |raw| pass.add(raw))?;
        let (mut rows, mut ended) = pass.finish();

        machine.payload = self.network.fill(&mut rows, &mut ended, before, tick);
        self.connections.run(&mut self.table, &mut self.network, now);
        self.strings.run(&mut self.table, &mut rows, tick);
        let mut ended = self.deaths.run(ended, &self.table, &mut self.strings, tick);
        let deaths = &self.deaths;
        self.network.bury(&rows, &mut ended, |pid, start| deaths.awaits(pid, start), tick);
        self.slow.run(&mut self.table, &mut rows, now, self.pace.interval());
        self.pss.run(&mut self.table, &mut rows, tick, self.pace.interval());
        self.filesystems.run(now);
        self.users.run(now);

        machine.attributed = self.books.close(&rows, self.deaths.take_late_work(), &machine.cpu, (now, elapsed));
        self.note_network();
        machine.processes = rows.len() as u64;
        machine.threads = rows.iter().map(|row| u64::from(row.threads)).sum();
        self.pace.observe(now, clock::collecting_cpu());
        self.vanished += counts.vanished;
        self.seq += 1;
        let frame = Arc::new(Frame {
            host: Arc::clone(&self.host),
            seq: self.seq,
            wall: tick.wall,
            mono: now,
            elapsed,
            pace: self.pace.describe(),
            containers: self.strings.containers(&rows),
            connections: self.connections.latest(),
            filesystems: self.filesystems.latest(),
            users: self.users.latest(),
            health: Arc::new(self.health(counts, now)),
            machine,
            processes: rows,
            ended,
        });
        self.last = Some(Arc::clone(&frame));
        Ok(frame)
    }

    /// Says how network bytes are counted, when that changes.
    fn note_network(&mut self) {
        let network = self.network.health();
        if !self.features.contains(&network) {
            let others = self.features.iter().filter(|feature| feature.id != network.id).cloned();
            self.features = others.chain([network.clone()]).collect();
        }
    }

    fn health(&self, counts: PassCounts, now: Mono) -> CollectHealth {
        let processes = SourceHealth {
            id: "processes",
            state: SourceState::Ok,
            interval: self.pace.interval(),
            took: Some(self.clock.mono().since(now)),
        };
        let [disks, interfaces, sensors] = self.machine.health(now);
        CollectHealth {
            sources: vec![
                processes,
                self.connections.health(now),
                self.filesystems.health(),
                disks,
                interfaces,
                sensors,
                self.users.health(now),
                self.strings.health(now),
            ],
            features: Arc::clone(&self.features),
            quarantined: self.table.quarantined(),
            vanished: self.vanished,
            lost_events: self.deaths.lost(),
            forbidden: counts.forbidden,
            late_ticks: self.late,
            cost: self.pace.cost(),
        }
    }

    /// Makes frames on a thread of its own and publishes them until the handle is dropped.
    pub fn start(self, feed: Arc<Feed>) -> Result<Handle, StartError> {
        let (stop, stopped) = sync_channel::<()>(1);
        let (ending, ended) = sync_channel::<()>(1);
        let failed = Arc::new(Mutex::new(None));
        let alive = Arc::new(AtomicBool::new(true));
        let (reason, running) = (Arc::clone(&failed), Arc::clone(&alive));
        let mut collector = self;
        let run = move || {
            collector.run(&feed, &stopped, &reason);
            running.store(false, Ordering::Release);
            drop(collector);
            // However the thread ends, this goes with it.
            drop(ending);
        };
        let thread = spawn("collect", run).map_err(StartError::Thread)?;
        Ok(Handle { stop, ended, thread: Some(thread), failed, alive })
    }

    /// Ticks on time. A tick that comes late is not made up for: the next one is due an interval after the last due time
    /// that has not passed.
    fn run(&mut self, feed: &Feed, stopped: &std::sync::mpsc::Receiver<()>, failed: &Mutex<Option<Arc<str>>>) {
        let mut due = self.clock.mono();
        loop {
            let outcome = catch_unwind(AssertUnwindSafe(|| self.tick()));
            let problem: Option<Arc<str>> = match outcome {
                Ok(Ok(frame)) => {
                    feed.publish(&frame);
                    None
                }
                Ok(Err(error)) => Some(error.to_string().into()),
                Err(_) => Some("a tick ended in a panic; the next one starts afresh".into()),
            };
            note(failed, problem);
            due = self.next_due(due);
            let wait = due.since(self.clock.mono());
            match stopped.recv_timeout(wait) {
                Err(RecvTimeoutError::Timeout) => {}
                Ok(()) | Err(RecvTimeoutError::Disconnected) => return,
            }
        }
    }

    fn next_due(&mut self, due: Mono) -> Mono {
        let step = u64::try_from(self.pace.interval().as_nanos()).unwrap_or(u64::MAX).max(1);
        let now = self.clock.mono();
        let next = Mono(due.0.saturating_add(step));
        if next >= now {
            return next;
        }
        self.late += 1;
        let missed = now.since(due).as_nanos() / u128::from(step);
        let missed = u64::try_from(missed).unwrap_or(u64::MAX);
        Mono(due.0.saturating_add(step.saturating_mul(missed.saturating_add(1))))
    }
}

/// Keeps the last problem and logs it when it changes.
fn note(failed: &Mutex<Option<Arc<str>>>, problem: Option<Arc<str>>) {
    let mut last = failed.lock().unwrap_or_else(PoisonError::into_inner);
    if *last == problem {
        return;
    }
    match &problem {
        Some(problem) => tracing::error!(%problem, "could not make a frame"),
        None if last.is_some() => tracing::info!("frames are made again"),
        None => {}
    }
    *last = problem;
}

fn spawn(name: &str, run: impl FnOnce() + Send + 'static) -> std::io::Result<JoinHandle<()>> {
    std::thread::Builder::new().name(name.into()).spawn(run)
}

/// How long the end waits for the tick in hand. One that is stuck in the kernel must not hold up the end of the program.
const STOP_DEADLINE: Duration = Duration::from_secs(2);

/// A running collector; dropping it stops the thread after the tick in hand, or leaves a thread behind that is stuck.
#[derive(Debug)]
pub struct Handle {
    stop: SyncSender<()>,
    /// Hangs up when the thread has ended.
    ended: Receiver<()>,
    thread: Option<JoinHandle<()>>,
    failed: Arc<Mutex<Option<Arc<str>>>>,
    alive: Arc<AtomicBool>,
}

impl Handle {
    /// Why the last tick made no frame; none when it did.
    pub fn problem(&self) -> Option<Arc<str>> {
        self.failed.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Whether the thread still runs.
    pub fn is_alive(&self) -> bool {
        self.alive.load(Ordering::Acquire)
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        // The thread may be gone already; then there is nobody to tell.
        if self.stop.try_send(()).is_err() {
            return;
        }
        if matches!(self.ended.recv_timeout(STOP_DEADLINE), Err(RecvTimeoutError::Timeout)) {
            tracing::warn!("collecting is stuck in the kernel and does not end; its thread is left behind");
            return;
        }
        if self.thread.take().is_some_and(|thread| thread.join().is_err()) {
            tracing::warn!("the collecting thread had ended in a panic");
        }
    }
}

#[cfg(test)]
mod tests {
    use procyon_units::SystemClock;

    use super::*;
    use crate::provider::RawProcess;

    /// Hangs, as a read in the kernel may, until it is let go.
    struct Hanging {
        begun: SyncSender<()>,
        until: Receiver<()>,
    }

    impl ProcessProvider for Hanging {
        fn id(&self) -> &'static str {
            "hanging"
        }

        fn pass(&mut self, _: &mut dyn FnMut(&RawProcess<'_>)) -> Result<PassCounts, ProviderError> {
            self.begun.send(()).unwrap();
            let _let_go = self.until.recv();
            Ok(PassCounts::default())
        }
    }

    #[test]
    fn a_tick_that_is_stuck_does_not_hold_up_the_end() {
        let mut collector = Collector::new(&Config::default(), HostId(1), Arc::new(SystemClock)).unwrap();
        let ((begun, begins), (let_go, until)) = (sync_channel(1), sync_channel(1));
        collector.provider = Box::new(Hanging { begun, until });
        let handle = collector.start(Arc::new(Feed::new())).unwrap();
        begins.recv().unwrap();
        let alive = Arc::clone(&handle.alive);
        // This would wait for ever.
        drop(handle);
        assert!(alive.load(Ordering::Acquire), "the thread is left behind, stuck as it is");
        drop(let_go);
        procyon_testkit::eventually("it ends when it is let go", Duration::from_mins(1), || {
            (!alive.load(Ordering::Acquire)).then_some(())
        });
    }
}
