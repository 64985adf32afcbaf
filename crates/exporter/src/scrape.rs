//! Runs the collectors of a scrape, each under its own deadline.
//!
//! One worker thread runs the collectors one after the other. When nothing has come back for [`PATIENCE`] another worker
//! steps in, so a collector that waits for a dead mount holds nobody but itself. Past the deadline a collector is given
//! up: its samples are missing, its success is 0, and it is not started again before the lost thread has come back.

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use procyon_linux::held::HeldFiles;
use procyon_model::feed::Feed;
use procyon_units::{Clock, Mono};

use crate::flags::{Flag, FlagError, Flags, Shape};
use crate::metric::{Family, Metrics};
use crate::node::{self, CollectError, Collector, Places};
use crate::process;
use crate::resident::Resident;

/// After this time without news another worker steps in.
const PATIENCE: Duration = Duration::from_millis(50);
/// The most worker threads at one time, those that were given up included. Past it a scrape goes on with what it has.
pub const MOST_WORKERS: usize = 64;
/// Left of the scraper's own timeout for writing the answer.
const RESERVE: Duration = Duration::from_millis(500);

/// Flags of scraping.
pub const FLAGS: &[Flag] = &[
    Flag::off("collector.disable-defaults", "Set all collectors to disabled by default."),
    Flag::word(
        "collector.deadline",
        "5s",
        "Longest time that one collector may take; past it its success is 0 and the rest is served (procyon's own flag).",
    ),
];

/// A collector that is enabled, with what is known of it.
struct Slot {
    name: &'static str,
    collector: Box<dyn Collector>,
    /// Runs that were given up and have not come back.
    lost: AtomicUsize,
    /// The scrape at which the first of those began, [`Mono`] nanoseconds.
    lost_since: AtomicU64,
    /// Whether the last run failed, so that a lasting condition is logged when it changes.
    failing: AtomicBool,
}

impl Slot {
    fn new(name: &'static str, collector: Box<dyn Collector>) -> Self {
        let (lost, lost_since) = (AtomicUsize::new(0), AtomicU64::new(0));
        Self { name, collector, lost, lost_since, failing: AtomicBool::new(false) }
    }

    /// Gives up a run that belongs to the scrape of this time.
    fn lose(&self, scrape: Mono) {
        if self.lost.load(Ordering::Acquire) == 0 {
            self.lost_since.store(scrape.0, Ordering::Release);
        }
        self.lost.fetch_add(1, Ordering::AcqRel);
    }
}

/// The enabled collectors.
pub struct Collectors {
    slots: Vec<Arc<Slot>>,
    places: Arc<Places>,
    clock: Arc<dyn Clock>,
    deadline: Duration,
    workers: Arc<AtomicUsize>,
    resident: Resident,
    mistakes: AtomicU64,
    /// Whether each collector's success and duration are served.
    reports: bool,
}

/// A collector that is none of node_exporter's: its name, and what it does.
pub type Own = (&'static str, Box<dyn Collector>);

/// The collector of process groups.
const PROCESS: &str = "process";
/// The longest that process groups take where they are alone; process-exporter has no limit at all.
const ALONE_DEADLINE: Duration = Duration::from_mins(1);

impl std::fmt::Debug for Collectors {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.names()).finish()
    }
}

/// Declares the flags of every collector: its own, and the one that turns it on and off.
pub fn declare(flags: &mut Flags) {
    flags.declare(FLAGS);
    flags.declare(node::FLAGS);
    for entry in node::NODE {
        let state = if entry.on { "enabled" } else { "disabled" };
        let help = format!("Enable the {} collector (default: {state}).", entry.name);
        flags.declare_one(format!("collector.{}", entry.name), help, Shape::Switch { on: entry.on }, false);
        flags.declare(entry.flags);
    }
    process::declare(flags, process::PREFIX);
}

impl Collectors {
    /// Makes the collectors that the flags enable.
    pub fn new(flags: &Flags, clock: Arc<dyn Clock>) -> Result<Self, FlagError> {
        let places = Places::new(flags);
        let defaults = !flags.is_on("collector.disable-defaults");
        let mut slots = Vec::new();
        for entry in node::NODE {
            let switch = format!("collector.{}", entry.name);
            let enabled = if flags.is_given(&switch) { flags.is_on(&switch) } else { entry.on && defaults };
            if enabled {
                let collector = (entry.make)(flags, &places)?;
                slots.push(Arc::new(Slot::new(entry.name, collector)));
            }
        }
        Ok(Self {
            slots,
            places: Arc::new(places),
            clock,
            deadline: flags.duration("collector.deadline")?,
            workers: Arc::new(AtomicUsize::new(0)),
            resident: Resident::new("procyon-scrape"),
            mistakes: AtomicU64::new(0),
            reports: true,
        })
    }

    /// The same, with process groups from the newest frame of a feed, which are on unless taken back, and collectors of the monitor's
    /// own.
    pub fn beside(flags: &Flags, feed: Arc<Feed>, own: Vec<Own>, clock: Arc<dyn Clock>) -> Result<Self, FlagError> {
        let mut collectors = Self::new(flags, Arc::clone(&clock))?;
        collectors.slots.extend(own.into_iter().map(|(name, collector)| Arc::new(Slot::new(name, collector))));
        let switch = format!("collector.{PROCESS}");
        if flags.is_on(&switch) || !flags.is_given(&switch) {
            let options = process::Options::new(flags, process::PREFIX)?;
            let groups = process::Processes::of_feed(options, feed, clock);
            collectors.slots.retain(|slot| slot.name != PROCESS);
            collectors.slots.push(Arc::new(Slot::new(PROCESS, Box::new(groups))));
        }
        Ok(collectors)
    }

    /// Process groups alone, by the flags of process-exporter.
    pub fn processes(flags: &Flags, clock: Arc<dyn Clock>) -> Result<Self, FlagError> {
        let places = Places::with_procfs(flags.text("procfs"));
        let options = process::Options::new(flags, "")?;
        let collector = process::Processes::new(options, places.root(), Arc::clone(&clock))?;
        Ok(Self {
            slots: vec![Arc::new(Slot::new(PROCESS, Box::new(collector)))],
            places: Arc::new(places),
            clock,
            deadline: ALONE_DEADLINE,
            workers: Arc::new(AtomicUsize::new(0)),
            resident: Resident::new("procyon-scrape"),
            mistakes: AtomicU64::new(0),
            reports: false,
        })
    }

    /// Names of the enabled collectors.
    pub fn names(&self) -> impl Iterator<Item = &'static str> {
        self.slots.iter().map(|slot| slot.name)
    }

    /// The files that stay open between scrapes.
    pub(crate) fn files(&self) -> &HeldFiles {
        self.places.files()
    }

    /// Families that did not fit together since the start: samples twice, types that differ.
    pub fn mistakes(&self) -> u64 {
        self.mistakes.load(Ordering::Relaxed)
    }

    /// Runs the collectors that `wanted` names, and adds `more`. `timeout` is the scraper's own.
    pub fn scrape(
        &self,
        wanted: impl Fn(&str) -> bool,
        timeout: Option<Duration>,
        more: impl FnOnce(&mut Metrics),
    ) -> Vec<Family> {
        let slots: Vec<Arc<Slot>> = self.slots.iter().filter(|slot| wanted(slot.name)).map(Arc::clone).collect();
        let end = timeout
            .map_or(self.deadline, |timeout| timeout.saturating_sub(RESERVE).max(timeout / 2).min(self.deadline));
        let mut metrics = Metrics::default();
        let mut mistakes = 0;
        let results = self.run(&slots, end);
        if self.reports {
            report(&mut metrics, &results);
        }
        for result in results {
            metrics.merge(result.metrics);
        }
        more(&mut metrics);
        let families = metrics.sorted(&mut mistakes);
        self.places.files().end_round();
        self.mistakes.fetch_add(mistakes, Ordering::Relaxed);
        families
    }

    fn run(&self, slots: &[Arc<Slot>], end: Duration) -> Vec<Finished> {
        let start = self.clock.mono();
        let mut results: HashMap<&'static str, Finished> = HashMap::with_capacity(slots.len());
        let mut jobs = Vec::with_capacity(slots.len());
        for slot in slots {
            if slot.lost.load(Ordering::Acquire) > 0 {
                let since = Mono(slot.lost_since.load(Ordering::Acquire));
                results.insert(slot.name, Finished::none(slot.name, start.since(since)));
            } else {
                jobs.push(Job { slot: Arc::clone(slot), state: Arc::new(AtomicU8::new(WAITING)) });
            }
        }
        let watched: Vec<(&'static str, Arc<Slot>, Arc<AtomicU8>)> =
            jobs.iter().map(|job| (job.slot.name, Arc::clone(&job.slot), Arc::clone(&job.state))).collect();
        let count = jobs.len();
        jobs.reverse();
        let queue = Arc::new(Mutex::new(jobs));
        let board = Arc::new(Board { finished: Mutex::default(), expected: count, all: Condvar::new() });
        if count > 0 {
            self.start_worker(&queue, &board);
            self.wait(&board, start, end, || self.start_worker(&queue, &board));
        }
        give_up(&queue);
        results.extend(board.take().into_iter().map(|finished| (finished.name, finished)));
        for (name, slot, state) in watched {
            if results.contains_key(name) {
                continue;
            }
            // Who is still at work from here on finds out that nobody waits.
            if state.swap(GIVEN_UP, Ordering::AcqRel) == RUNNING {
                slot.lose(start);
                if !slot.failing.swap(true, Ordering::Relaxed) {
                    tracing::warn!(collector = name, "gave up a collector: it did not answer before its deadline");
                }
            }
            results.insert(name, Finished::none(name, self.clock.mono().since(start)));
        }
        slots.iter().filter_map(|slot| results.remove(slot.name)).collect()
    }

    /// Waits until all answers are there or the time is over. Without news another worker steps in.
    fn wait(&self, board: &Board, start: Mono, end: Duration, step_in: impl Fn()) {
        let mut before = 0;
        loop {
            let left = end.saturating_sub(self.clock.mono().since(start));
            if left.is_zero() {
                return;
            }
            let count = board.wait(left.min(PATIENCE));
            if count >= board.expected {
                return;
            }
            if count == before {
                step_in();
            }
            before = count;
        }
    }

    /// Starts a worker if there is work left and room for it.
    fn start_worker(&self, queue: &Arc<Mutex<Vec<Job>>>, board: &Arc<Board>) {
        if queue.lock().unwrap_or_else(PoisonError::into_inner).is_empty() {
            return;
        }
        if self.workers.fetch_add(1, Ordering::AcqRel) >= MOST_WORKERS {
            self.workers.fetch_sub(1, Ordering::AcqRel);
            return;
        }
        let (queue, board) = (Arc::clone(queue), Arc::clone(board));
        let (places, clock, workers) = (Arc::clone(&self.places), Arc::clone(&self.clock), Arc::clone(&self.workers));
        let work = move || {
            let next = || queue.lock().unwrap_or_else(PoisonError::into_inner).pop();
            while let Some(job) = next() {
                if let Some(finished) = job.run(&places, &*clock) {
                    board.put(finished);
                }
            }
            workers.fetch_sub(1, Ordering::AcqRel);
        };
        if let Err(error) = self.resident.run(work) {
            self.workers.fetch_sub(1, Ordering::AcqRel);
            tracing::warn!(%error, "could not start a thread for a scrape");
        }
    }
}

/// Where workers put what they found. Whoever waits is woken once, when all of it is there: waking it for every collector
/// would cost more than some of them.
struct Board {
    finished: Mutex<Vec<Finished>>,
    expected: usize,
    all: Condvar,
}

impl Board {
    fn put(&self, finished: Finished) {
        let mut all = self.finished.lock().unwrap_or_else(PoisonError::into_inner);
        all.push(finished);
        if all.len() >= self.expected {
            self.all.notify_all();
        }
    }

    /// Waits for all, at most this long; how many are there.
    fn wait(&self, patience: Duration) -> usize {
        let all = self.finished.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self.all.wait_timeout_while(all, patience, |all| all.len() < self.expected);
        waited.unwrap_or_else(PoisonError::into_inner).0.len()
    }

    fn take(&self) -> Vec<Finished> {
        std::mem::take(&mut *self.finished.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

const WAITING: u8 = 0;
const RUNNING: u8 = 1;
const DONE: u8 = 2;
const GIVEN_UP: u8 = 3;

struct Job {
    slot: Arc<Slot>,
    state: Arc<AtomicU8>,
}

impl Job {
    /// Runs the collector; none when nobody waits any more.
    fn run(&self, places: &Places, clock: &dyn Clock) -> Option<Finished> {
        let began = self.state.compare_exchange(WAITING, RUNNING, Ordering::AcqRel, Ordering::Acquire);
        began.ok()?;
        let start = clock.mono();
        let mut metrics = Metrics::default();
        let outcome = catch_unwind(AssertUnwindSafe(|| self.slot.collector.update(places, &mut metrics)));
        let took = clock.mono().since(start);
        let success = match outcome {
            Ok(outcome) => note(&self.slot, outcome),
            // The panic hook has logged it.
            Err(_) => false,
        };
        if self.state.swap(DONE, Ordering::AcqRel) == GIVEN_UP {
            self.slot.lost.fetch_sub(1, Ordering::AcqRel);
            return None;
        }
        Some(Finished { name: self.slot.name, metrics, took, success })
    }
}

/// Logs a change for the worse or the better.
fn note(slot: &Slot, outcome: node::Outcome) -> bool {
    match outcome {
        Ok(()) => {
            if slot.failing.swap(false, Ordering::Relaxed) {
                tracing::info!(collector = slot.name, "the collector succeeds again");
            }
            true
        }
        Err(error) => {
            if !slot.failing.swap(true, Ordering::Relaxed) {
                let cause = std::error::Error::source(&error).map(ToString::to_string).unwrap_or_default();
                if CollectError::is_nothing(&error) {
                    tracing::debug!(collector = slot.name, %error, cause, "the collector finds nothing");
                } else {
                    tracing::warn!(collector = slot.name, %error, cause, "the collector failed");
                }
            }
            false
        }
    }
}

/// What waits is not started any more.
fn give_up(queue: &Mutex<Vec<Job>>) {
    queue.lock().unwrap_or_else(PoisonError::into_inner).clear();
}

struct Finished {
    name: &'static str,
    metrics: Metrics,
    took: Duration,
    success: bool,
}

impl Finished {
    fn none(name: &'static str, took: Duration) -> Self {
        Self { name, metrics: Metrics::default(), took, success: false }
    }
}

fn report(metrics: &mut Metrics, results: &[Finished]) {
    for finished in results {
        metrics.gauge(
            "node_scrape_collector_duration_seconds",
            "node_exporter: Duration of a collector scrape.",
            &[("collector", finished.name)],
            finished.took.as_secs_f64(),
        );
    }
    for finished in results {
        metrics.gauge(
            "node_scrape_collector_success",
            "node_exporter: Whether a collector succeeded.",
            &[("collector", finished.name)],
            node::flag(finished.success),
        );
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use procyon_units::SystemClock;

    use super::*;
    use crate::node::Outcome;

    struct Waits(Mutex<mpsc::Receiver<()>>);

    impl Collector for Waits {
        fn update(&self, _: &Places, out: &mut Metrics) -> Outcome {
            // Until the test lets go, or is over.
            let _released = self.0.lock().unwrap().recv();
            out.gauge("late", "Late.", &[], 1.0);
            Ok(())
        }
    }

    struct Says(&'static str);

    impl Collector for Says {
        fn update(&self, _: &Places, out: &mut Metrics) -> Outcome {
            out.gauge(self.0, "Said.", &[], 1.0);
            Ok(())
        }
    }

    struct Panics;

    impl Collector for Panics {
        fn update(&self, _: &Places, out: &mut Metrics) -> Outcome {
            out.gauge("half", "Half.", &[], 1.0);
            panic!("on purpose");
        }
    }

    fn collectors(all: Vec<(&'static str, Box<dyn Collector>)>, deadline: Duration) -> Collectors {
        let mut flags = Flags::default();
        declare(&mut flags);
        let slots = all.into_iter().map(|(name, collector)| Arc::new(Slot::new(name, collector)));
        Collectors {
            slots: slots.collect(),
            places: Arc::new(Places::new(&flags)),
            clock: Arc::new(SystemClock),
            deadline,
            workers: Arc::new(AtomicUsize::new(0)),
            resident: Resident::new("procyon-scrape"),
            mistakes: AtomicU64::new(0),
            reports: true,
        }
    }

    fn success(families: &[Family], collector: &str) -> Option<f64> {
        reported(families, "node_scrape_collector_success", collector)
    }

    fn reported(families: &[Family], name: &str, collector: &str) -> Option<f64> {
        let family = families.iter().find(|family| family.name == name)?;
        let is_it = |sample: &&crate::metric::Sample| sample.labels.iter().any(|label| &*label.1 == collector);
        family.samples.iter().find(is_it).map(|sample| sample.value)
    }

    fn has(families: &[Family], name: &str) -> bool {
        families.iter().any(|family| family.name == name)
    }

    #[test]
    fn a_collector_that_hangs_holds_nobody_and_is_not_started_again_before_it_is_back() {
        let (release, wait) = mpsc::sync_channel(4);
        let hanging = Box::new(Waits(Mutex::new(wait)));
        let all = collectors(
            vec![("hangs", hanging), ("a", Box::new(Says("a"))), ("b", Box::new(Says("b")))],
            Duration::from_secs(1),
        );
        for _ in 0..2 {
            let families = all.scrape(|_| true, None, |_| {});
            assert!(has(&families, "a") && has(&families, "b") && !has(&families, "late"));
            assert_eq!((success(&families, "hangs"), success(&families, "a")), (Some(0.0), Some(1.0)));
            // Whoever asks how long it takes is told how long it has taken, also while it is not started again.
            let took = reported(&families, "node_scrape_collector_duration_seconds", "hangs").unwrap();
            assert!(took >= 1.0, "{took} s");
            assert_eq!(all.slots.first().map(|slot| slot.lost.load(Ordering::Acquire)), Some(1));
        }
        release.send(()).unwrap();
        let is_back = || all.slots.iter().all(|slot| slot.lost.load(Ordering::Acquire) == 0);
        // A minute: the thread has nothing left to do, but a busy machine may let it wait.
        for _ in 0..6000 {
            if is_back() {
                break;
            }
            std::thread::park_timeout(Duration::from_millis(10));
        }
        release.send(()).unwrap();
        let families = all.scrape(|_| true, None, |_| {});
        assert_eq!(success(&families, "hangs"), Some(1.0), "the collector was not asked again");
        assert!(has(&families, "late"));
    }

    #[test]
    fn a_panic_ends_one_collector_and_keeps_what_was_found() {
        let all = collectors(vec![("panics", Box::new(Panics)), ("a", Box::new(Says("a")))], Duration::from_mins(1));
        let families = all.scrape(|_| true, None, |_| {});
        assert!(has(&families, "a") && has(&families, "half"));
        assert_eq!(success(&families, "panics"), Some(0.0));
    }

    #[test]
    fn only_the_wanted_run() {
        let all = collectors(vec![("a", Box::new(Says("a"))), ("b", Box::new(Says("b")))], Duration::from_mins(1));
        let families = all.scrape(|name| name == "b", None, |_| {});
        assert!(!has(&families, "a") && has(&families, "b"));
        assert_eq!(success(&families, "a"), None);
    }

    #[test]
    fn the_scrapers_timeout_shortens_the_deadline() {
        let (_release, wait) = mpsc::sync_channel::<()>(1);
        let all = collectors(
            vec![("hangs", Box::new(Waits(Mutex::new(wait)))), ("a", Box::new(Says("a")))],
            Duration::from_mins(10),
        );
        let families = all.scrape(|_| true, Some(Duration::from_secs(2)), |_| {});
        assert_eq!((success(&families, "hangs"), success(&families, "a")), (Some(0.0), Some(1.0)));
    }
}
