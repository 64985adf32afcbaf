//! A trace that several viewers share: one engine, one thread, one telling; each viewer has a bounded queue and limits of its own.

use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};
use std::thread::JoinHandle;
use std::time::Duration;

use crate::breakdown::{Breakdown, Counter};
use crate::call::Call;
use crate::decode::Line;
use crate::engine::{Engine, EngineError, Life};
use crate::event::{Event, Who};
use crate::filter::Filter;
use crate::memory::Memory;
use crate::summary::Summary;
use crate::tell::{Style, Teller, now};

/// Batches that wait for one viewer; a batch more and it misses one, which it is told.
const MOST_WAITING: usize = 32;
/// How long the engine waits at most before orders and limits are looked at.
const LOOK: Duration = Duration::from_millis(20);
/// How long an order may wait for the thread.
const PATIENCE: Duration = Duration::from_secs(5);
/// How often it is looked whether a session that begins is wanted still.
const LOOK_AT_START: Duration = Duration::from_millis(50);
/// Threads, files and errors that are told by themselves.
const MOST_TOLD: usize = 50;

/// When a viewer's time is up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// After this time.
    pub time: Duration,
    /// After so many lines.
    pub lines: u64,
    /// After so many bytes of text.
    pub bytes: u64,
}

/// What was told between two looks: an event and its line each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    /// What happened; a call without its memory, which is in the line as far as it is told. A call that was seen only as it
    /// came back stands here without a return, as entered when it did: so nobody takes the difference for a duration.
    pub event: Event,
    /// How it is told, without the end of the line. A call stands by itself: whose it is and when it was say [`Told::event`].
    /// Anything else is told as in a trace, with the time of day where the style has one, and with `[pid N]` before it while
    /// several threads are followed. Empty for events of which strace says nothing.
    pub line: String,
    /// Where the parts of a call are in its line.
    pub parts: Option<Line>,
}

/// What a viewer gets.
#[derive(Debug, Clone)]
pub enum News {
    /// What happened, shared by all viewers.
    Batch(Arc<[Told]>),
    /// So many batches were missed, for this viewer was slow.
    Missed(u64),
}

/// Why it is over for a viewer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum End {
    /// All that was followed has ended.
    Over,
    /// The last viewer left.
    Asked,
    /// The viewer has reached a limit of its own: `time`, `lines` or `bytes`.
    Limit(&'static str),
    /// The engine failed, and says this.
    Failed(String),
}

/// How much of its limits a viewer has used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Used {
    /// When its time is up, nanoseconds since boot.
    pub ends: u64,
    /// Lines that were told while it looked on.
    pub lines: u64,
    /// Bytes of text that were told meanwhile.
    pub bytes: u64,
}

/// What a viewer may have, and what it has had of that.
#[derive(Debug)]
pub struct Allowance {
    limits: Limits,
    /// When its time is up, nanoseconds since boot.
    ends: AtomicU64,
    lines: AtomicU64,
    bytes: AtomicU64,
    /// The limit that was reached.
    over: OnceLock<&'static str>,
    left: AtomicBool,
}

impl Allowance {
    fn new(limits: Limits) -> Self {
        let ends = AtomicU64::new(later(now(), limits.time));
        Self {
            limits,
            ends,
            lines: AtomicU64::new(0),
            bytes: AtomicU64::new(0),
            over: OnceLock::new(),
            left: AtomicBool::new(false),
        }
    }

    /// Lets its viewer look on for so much longer, but at most so long from now.
    pub fn extend(&self, by: Duration, at_most: Duration) {
        let most = later(now(), at_most);
        // Never sooner than it would have ended.
        let extended = |ends: u64| Some(later(ends, by).min(most).max(ends));
        // It fails only where the function gives nothing.
        self.ends.fetch_update(Ordering::Relaxed, Ordering::Relaxed, extended).ok();
    }

    /// Its viewer leaves, though it may not know yet: nothing is told to it any more, and a trace ends that nobody else looks at.
    pub fn give_up(&self) {
        self.left.store(true, Ordering::Relaxed);
    }

    /// How much of it is used.
    #[must_use]
    pub fn used(&self) -> Used {
        let of = |count: &AtomicU64| count.load(Ordering::Relaxed);
        Used { ends: of(&self.ends), lines: of(&self.lines), bytes: of(&self.bytes) }
    }

    /// What it began with.
    #[must_use]
    pub const fn limits(&self) -> Limits {
        self.limits
    }

    /// Takes so much of it.
    fn take(&self, lines: u64, bytes: u64) {
        self.lines.fetch_add(lines, Ordering::Relaxed);
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    /// The limit that is reached, if one is.
    fn reached(&self) -> Option<&'static str> {
        let Used { ends, lines, bytes } = self.used();
        let reached = match () {
            () if now() >= ends => Some("time"),
            () if lines >= self.limits.lines => Some("lines"),
            () if bytes >= self.limits.bytes => Some("bytes"),
            () => None,
        };
        reached.map(|limit| *self.over.get_or_init(|| limit))
    }
}

/// How a session is doing.
#[derive(Debug, Clone, Default)]
pub struct State {
    /// Calls counted so far, those included that were lost or are filtered from no viewer.
    pub summary: Summary,
    /// Who made those that were told one by one, on which files, and how they failed. Lost ones are missing here.
    pub breakdown: Breakdown,
    /// Calls under way.
    pub under_way: Vec<Call>,
    /// Events lost for want of room in the kernel, calls among them.
    pub lost: u64,
    /// Threads that are not followed, for the kernel had no memory for them.
    pub not_followed: u64,
    /// See [`Engine::stopped`].
    pub stopped: Option<f64>,
}

enum Order {
    Filter(Filter, SyncSender<Result<(), EngineError>>),
    State(SyncSender<Result<State, EngineError>>),
}

struct Shared {
    viewers: Mutex<Seats>,
    paused: AtomicBool,
    stopped: AtomicBool,
}

#[derive(Default)]
struct Seats {
    seats: Vec<Seat>,
    /// Why nobody may sit down any more.
    end: Option<End>,
}

struct Seat {
    queue: SyncSender<News>,
    missed: u64,
    viewer: Weak<()>,
    allowance: Arc<Allowance>,
}

/// A trace with viewers. It ends with what it follows, or when the last viewer has left or reached a limit of its own; then nobody is
/// followed any more.
pub struct Session {
    shared: Arc<Shared>,
    orders: SyncSender<Order>,
    followed: Vec<Who>,
    thread: Option<JoinHandle<()>>,
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session").field("followed", &self.followed).finish_non_exhaustive()
    }
}

/// One who looks on. Drop it to leave.
pub struct Viewer {
    queue: Receiver<News>,
    shared: Arc<Shared>,
    allowance: Arc<Allowance>,
    _here: Arc<()>,
}

impl fmt::Debug for Viewer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Viewer").finish_non_exhaustive()
    }
}

impl Viewer {
    /// Waits for news, at most this long; why it ended, when there will be none any more.
    pub fn next(&self, at_most: Duration) -> Result<Option<News>, End> {
        match self.queue.recv_timeout(at_most) {
            Ok(news) => Ok(Some(news)),
            Err(RecvTimeoutError::Timeout) => Ok(None),
            Err(RecvTimeoutError::Disconnected) => Err(match self.allowance.over.get() {
                Some(limit) => End::Limit(limit),
                None => self.shared.seats().end.clone().unwrap_or(End::Asked),
            }),
        }
    }

    /// What it may have. Whoever holds this without the viewer does not look on.
    #[must_use]
    pub const fn allowance(&self) -> &Arc<Allowance> {
        &self.allowance
    }
}

impl Session {
    /// Begins with a first viewer. The engine is made on the session's own thread, where it lives and ends. That may take seconds:
    /// nobody waits for it any more when `is_unwanted` says so.
    pub fn start(
        make: impl FnOnce() -> Result<Box<dyn Engine>, EngineError> + Send + 'static,
        style: Style,
        limits: Limits,
        is_unwanted: &dyn Fn() -> bool,
    ) -> Result<(Self, Viewer), EngineError> {
        let shared = Arc::new(Shared {
            viewers: Mutex::default(),
            paused: AtomicBool::new(false),
            stopped: AtomicBool::new(false),
        });
        // Nobody has ended it yet.
        let viewer = Viewer::sit(&shared, limits).ok_or(EngineError::Unwanted)?;
        let (orders, orders_end) = sync_channel(8);
        let (tell, told) = sync_channel(1);
        let in_thread = Arc::clone(&shared);
        let run = move || {
            let mut engine = match make() {
                Ok(engine) => engine,
                Err(error) => return drop(tell.send(Err(error))),
            };
            if tell.send(Ok(engine.followed().to_vec())).is_err() {
                return;
            }
            let mut teller = Teller::new(style, engine.followed());
            teller.heed(engine.told());
            let mut run = Run { shared: in_thread, orders: orders_end, teller, counter: Counter::default() };
            let end = run.until_end(&mut *engine);
            // Before anybody is told that it is over.
            drop(engine);
            run.shared.end(end);
        };
        let thread = std::thread::Builder::new().name("trace".to_owned()).spawn(run);
        let failed = |why: &str| EngineError::Tracer { why: why.to_owned(), source: None };
        let thread =
            thread.map_err(|error| EngineError::Tracer { why: "no thread".to_owned(), source: Some(error) })?;
        let followed = loop {
            match told.recv_timeout(LOOK_AT_START) {
                Ok(begun) => break begun?,
                Err(RecvTimeoutError::Disconnected) => return Err(failed("its thread broke off")),
                // The thread ends as soon as it finds that nobody waits.
                Err(RecvTimeoutError::Timeout) if is_unwanted() => return Err(EngineError::Unwanted),
                Err(RecvTimeoutError::Timeout) => {}
            }
        };
        Ok((Self { shared, orders, followed, thread: Some(thread) }, viewer))
    }

    /// Another viewer, who sees what happens from now on; none when it is over.
    #[must_use]
    pub fn view(&self, limits: Limits) -> Option<Viewer> {
        if self.thread.as_ref().is_none_or(JoinHandle::is_finished) {
            return None;
        }
        Viewer::sit(&self.shared, limits)
    }

    /// Which threads were followed at the beginning.
    #[must_use]
    pub fn followed(&self) -> &[Who] {
        &self.followed
    }

    /// Tells nothing for a while; what happens meanwhile is counted.
    pub fn pause(&self, paused: bool) {
        self.shared.paused.store(paused, Ordering::Relaxed);
    }

    /// Whether nothing is told for a while.
    #[must_use]
    pub fn is_paused(&self) -> bool {
        self.shared.paused.load(Ordering::Relaxed)
    }

    /// Tells other calls from now on, to all viewers.
    pub fn filter(&self, filter: Filter) -> Result<(), EngineError> {
        self.order(|answer| Order::Filter(filter, answer))
    }

    /// How it is doing.
    pub fn state(&self) -> Result<State, EngineError> {
        self.order(Order::State)
    }

    /// Whether it is over.
    #[must_use]
    pub fn is_over(&self) -> bool {
        // As soon as viewers are told, though its thread may take a moment more.
        self.shared.seats().end.is_some() || self.thread.as_ref().is_none_or(JoinHandle::is_finished)
    }

    fn order<T>(&self, order: impl FnOnce(SyncSender<Result<T, EngineError>>) -> Order) -> Result<T, EngineError> {
        let over = || EngineError::Tracer { why: "the trace is over".to_owned(), source: None };
        let (answer, answered) = sync_channel(1);
        self.orders.try_send(order(answer)).map_err(|_| over())?;
        answered.recv_timeout(PATIENCE).map_err(|_| over())?
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.shared.stopped.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            // It looks every few milliseconds; what a panic said has been said.
            thread.join().ok();
        }
    }
}

impl Viewer {
    fn sit(shared: &Arc<Shared>, limits: Limits) -> Option<Self> {
        let (queue, end) = sync_channel(MOST_WAITING);
        let allowance = Arc::new(Allowance::new(limits));
        let here = Arc::new(());
        let mut seats = shared.seats();
        if seats.end.is_some() {
            return None;
        }
        seats.seats.push(Seat { queue, missed: 0, viewer: Arc::downgrade(&here), allowance: Arc::clone(&allowance) });
        drop(seats);
        Some(Self { queue: end, shared: Arc::clone(shared), allowance, _here: here })
    }
}

impl Shared {
    fn seats(&self) -> MutexGuard<'_, Seats> {
        self.viewers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Hands what was told to all, and lets those go whose time is up. The end, where nobody is left to be told more: from then on
    /// nobody sits down here, and the last ones are told when they are let go of.
    fn tell(&self, told: &Arc<[Told]>) -> Option<End> {
        let mut all = self.seats();
        let Seats { seats, end } = &mut *all;
        seats.retain(|seat| seat.viewer.strong_count() > 0 && !seat.allowance.left.load(Ordering::Relaxed));
        let bytes: usize = told.iter().map(|told| told.line.len()).sum();
        let wide = |count: usize| u64::try_from(count).unwrap_or(u64::MAX);
        for seat in &mut *seats {
            if !told.is_empty() {
                // Before it is told: who has it counts on that.
                seat.allowance.take(wide(told.len()), wide(bytes));
                seat.tell(Arc::clone(told));
            }
        }
        let reached: Vec<_> = seats.iter().map(|seat| seat.allowance.reached()).collect();
        if reached.iter().all(Option::is_some) {
            *end = Some(reached.into_iter().flatten().last().map_or(End::Asked, End::Limit));
            return end.clone();
        }
        let mut reached = reached.into_iter();
        seats.retain(|_| reached.next().flatten().is_none());
        None
    }

    /// Lets everybody go; whoever is told why already keeps to that.
    fn end(&self, end: End) {
        let mut seats = self.seats();
        seats.end.get_or_insert(end);
        seats.seats.clear();
    }
}

impl Seat {
    fn tell(&mut self, told: Arc<[Told]>) {
        if self.missed > 0 && self.queue.try_send(News::Missed(self.missed)).is_ok() {
            self.missed = 0;
        }
        // Nothing is told out of turn: first that something is missing.
        if self.missed > 0 || self.queue.try_send(News::Batch(told)).is_err() {
            self.missed += 1;
        }
    }
}

struct Run {
    shared: Arc<Shared>,
    orders: Receiver<Order>,
    teller: Teller,
    counter: Counter,
}

impl Run {
    fn until_end(&mut self, engine: &mut dyn Engine) -> End {
        let mut events = Vec::new();
        loop {
            let life = match engine.next(LOOK, &mut |event| events.push(event)) {
                Ok(life) => life,
                Err(error) => return End::Failed(procyon_diag::message_of(&error)),
            };
            // What came before an order belongs to the time before it.
            let told = self.told(&mut events);
            self.obey(engine);
            if let Some(end) = self.shared.tell(&told) {
                return end;
            }
            if self.shared.stopped.load(Ordering::Relaxed) {
                return End::Asked;
            }
            if life == Life::Over {
                return End::Over;
            }
        }
    }

    fn told(&mut self, events: &mut Vec<Event>) -> Arc<[Told]> {
        let paused = self.shared.paused.load(Ordering::Relaxed);
        let mut told = Vec::with_capacity(if paused { 0 } else { events.len() });
        for mut event in events.drain(..) {
            let mut line = String::new();
            // Told in any case: it is how the teller knows who lives and what is open.
            let parts = if let Event::Call(call) = &event {
                let parts = self.teller.call(call, &mut line);
                self.counter.count(call, self.teller.subject(call).as_deref());
                Some(parts)
            } else {
                self.teller.tell(&event, &mut line);
                None
            };
            if paused {
                continue;
            }
            if let Event::Call(call) = &mut event {
                call.memory = Memory::default();
                if call.entered == 0 {
                    call.entered = call.seen_at();
                    call.returned = None;
                }
            }
            line.truncate(line.trim_end_matches('\n').len());
            told.push(Told { event, line, parts });
        }
        told.into()
    }

    fn obey(&mut self, engine: &mut dyn Engine) {
        loop {
            match self.orders.recv_timeout(Duration::ZERO) {
                // Whoever asked may have given up.
                Ok(Order::Filter(filter, answer)) => {
                    let obeyed = engine.filter(&filter);
                    self.teller.heed(engine.told());
                    drop(answer.try_send(obeyed));
                }
                Ok(Order::State(answer)) => drop(answer.try_send(self.state(engine))),
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => return,
            }
        }
    }

    fn state(&mut self, engine: &mut dyn Engine) -> Result<State, EngineError> {
        let (summary, under_way, lost) = (engine.summary()?, engine.under_way()?, engine.lost());
        let breakdown = self.counter.breakdown(MOST_TOLD);
        Ok(State {
            summary,
            breakdown,
            under_way,
            lost: lost.records(),
            not_followed: lost.threads,
            stopped: engine.stopped(),
        })
    }
}

/// Nanoseconds since boot, so much later.
fn later(at: u64, by: Duration) -> u64 {
    at.saturating_add(u64::try_from(by.as_nanos()).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_over_as_soon_as_viewers_are_told() {
        let shared = Arc::new(Shared {
            viewers: Mutex::default(),
            paused: AtomicBool::new(false),
            stopped: AtomicBool::new(false),
        });
        let (orders, _) = sync_channel(1);
        let (go, wait) = sync_channel::<()>(1);
        // A thread that takes its time to end.
        let thread = std::thread::spawn(move || wait.recv().unwrap_or_default());
        let session = Session { shared: Arc::clone(&shared), orders, followed: Vec::new(), thread: Some(thread) };
        // Let go of before the session, which waits for its thread, also where this fails.
        let go = go;
        let viewer = session.view(Limits { time: Duration::from_mins(1), lines: 1, bytes: 1 }).unwrap();
        assert!(!session.is_over());
        shared.end(End::Over);
        assert_eq!(viewer.next(Duration::from_secs(1)).map(|_| ()), Err(End::Over));
        assert!(session.is_over());
        drop(go);
    }
}
