//! A trace that several viewers share: one engine, one thread, one telling; each viewer has a bounded queue of its own.

use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::thread::JoinHandle;
use std::time::Duration;

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

/// When a session ends by itself.
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

/// Why a session ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum End {
    /// All that was followed has ended.
    Over,
    /// Somebody asked for it, or the last viewer left.
    Asked,
    /// A limit was reached: `time`, `lines` or `bytes`.
    Limit(&'static str),
    /// The engine failed, and says this.
    Failed(String),
}

/// How much of its limits a session has used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Used {
    /// When it ends by time, nanoseconds since boot.
    pub ends: u64,
    /// Lines that were told.
    pub lines: u64,
    /// Bytes of text that were told.
    pub bytes: u64,
}

/// How a session is doing.
#[derive(Debug, Clone, Default)]
pub struct State {
    /// Calls counted so far, those included that were lost or are filtered from no viewer.
    pub summary: Summary,
    /// Calls under way.
    pub under_way: Vec<Call>,
    /// Events lost for want of room in the kernel, calls among them.
    pub lost: u64,
}

enum Order {
    Filter(Filter, SyncSender<Result<(), EngineError>>),
    State(SyncSender<Result<State, EngineError>>),
}

struct Shared {
    viewers: Mutex<Seats>,
    paused: AtomicBool,
    stopped: AtomicBool,
    /// When it ends by time, nanoseconds since boot.
    ends: AtomicU64,
    lines: AtomicU64,
    bytes: AtomicU64,
}

#[derive(Default)]
struct Seats {
    seats: Vec<Seat>,
    end: Option<End>,
}

struct Seat {
    queue: SyncSender<News>,
    missed: u64,
    viewer: Weak<()>,
}

/// A trace with viewers. It ends with its limits, with what it follows, or when the last viewer leaves; then nobody is followed any more.
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
            Err(RecvTimeoutError::Disconnected) => Err(self.shared.seats().end.clone().unwrap_or(End::Asked)),
        }
    }
}

impl Session {
    /// Begins with a first viewer. The engine is made on the session's own thread, where it lives and ends.
    pub fn start(
        make: impl FnOnce() -> Result<Box<dyn Engine>, EngineError> + Send + 'static,
        style: Style,
        limits: Limits,
    ) -> Result<(Self, Viewer), EngineError> {
        let shared = Arc::new(Shared {
            viewers: Mutex::default(),
            paused: AtomicBool::new(false),
            stopped: AtomicBool::new(false),
            ends: AtomicU64::new(later(now(), limits.time)),
            lines: AtomicU64::new(0),
            bytes: AtomicU64::new(0),
        });
        let viewer = Viewer::sit(&shared);
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
            let teller = Teller::new(style, engine.followed());
            let mut run = Run { shared: in_thread, orders: orders_end, teller, limits };
            let end = run.until_end(&mut *engine);
            // Before anybody is told that it is over.
            drop(engine);
            run.shared.end(end);
        };
        let thread = std::thread::Builder::new().name("trace".to_owned()).spawn(run);
        let failed = |why: &str| EngineError::Tracer { why: why.to_owned(), source: None };
        let thread =
            thread.map_err(|error| EngineError::Tracer { why: "no thread".to_owned(), source: Some(error) })?;
        let followed = told.recv().map_err(|_| failed("its thread broke off"))??;
        Ok((Self { shared, orders, followed, thread: Some(thread) }, viewer))
    }

    /// Another viewer, who sees what happens from now on.
    #[must_use]
    pub fn view(&self) -> Viewer {
        Viewer::sit(&self.shared)
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

    /// Lets it go on for so much longer, but at most so long from now.
    pub fn extend(&self, by: Duration, at_most: Duration) {
        let most = later(now(), at_most);
        // Never sooner than it would have ended.
        let extended = |ends: u64| Some(later(ends, by).min(most).max(ends));
        // It fails only where the function gives nothing.
        self.shared.ends.fetch_update(Ordering::Relaxed, Ordering::Relaxed, extended).ok();
    }

    /// How much of its limits it has used.
    #[must_use]
    pub fn used(&self) -> Used {
        let Shared { ends, lines, bytes, .. } = &*self.shared;
        let of = |count: &AtomicU64| count.load(Ordering::Relaxed);
        Used { ends: of(ends), lines: of(lines), bytes: of(bytes) }
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
    fn sit(shared: &Arc<Shared>) -> Self {
        let (queue, end) = sync_channel(MOST_WAITING);
        let here = Arc::new(());
        let mut seats = shared.seats();
        // After the end the queue is let go of, which tells the viewer.
        if seats.end.is_none() {
            seats.seats.push(Seat { queue, missed: 0, viewer: Arc::downgrade(&here) });
        }
        drop(seats);
        Self { queue: end, shared: Arc::clone(shared), _here: here }
    }
}

impl Shared {
    fn seats(&self) -> MutexGuard<'_, Seats> {
        self.viewers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Hands what was told to all; says whether anybody is left.
    fn tell(&self, told: &Arc<[Told]>) -> bool {
        let mut seats = self.seats();
        seats.seats.retain(|seat| seat.viewer.strong_count() > 0);
        if !told.is_empty() {
            for seat in &mut seats.seats {
                seat.tell(Arc::clone(told));
            }
        }
        !seats.seats.is_empty()
    }

    fn end(&self, end: End) {
        let mut seats = self.seats();
        seats.end = Some(end);
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
    limits: Limits,
}

impl Run {
    fn until_end(&mut self, engine: &mut dyn Engine) -> End {
        let mut events = Vec::new();
        loop {
            let life = match engine.next(LOOK, &mut |event| events.push(event)) {
                Ok(life) => life,
                Err(error) => return End::Failed(procyon_diag::message_of(&error)),
            };
            self.obey(engine);
            let told = self.told(&mut events);
            if !self.shared.tell(&told) || self.shared.stopped.load(Ordering::Relaxed) {
                return End::Asked;
            }
            if life == Life::Over {
                return End::Over;
            }
            if now() >= self.shared.ends.load(Ordering::Relaxed) {
                return End::Limit("time");
            }
            if self.shared.lines.load(Ordering::Relaxed) >= self.limits.lines {
                return End::Limit("lines");
            }
            if self.shared.bytes.load(Ordering::Relaxed) >= self.limits.bytes {
                return End::Limit("bytes");
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
                Some(self.teller.call(call, &mut line))
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
            self.shared.lines.fetch_add(1, Ordering::Relaxed);
            self.shared.bytes.fetch_add(u64::try_from(line.len()).unwrap_or(0), Ordering::Relaxed);
            told.push(Told { event, line, parts });
        }
        told.into()
    }

    fn obey(&self, engine: &mut dyn Engine) {
        loop {
            match self.orders.recv_timeout(Duration::ZERO) {
                // Whoever asked may have given up.
                Ok(Order::Filter(filter, answer)) => drop(answer.try_send(engine.filter(&filter))),
                Ok(Order::State(answer)) => drop(answer.try_send(state(engine))),
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => return,
            }
        }
    }
}

/// Nanoseconds since boot, so much later.
fn later(at: u64, by: Duration) -> u64 {
    at.saturating_add(u64::try_from(by.as_nanos()).unwrap_or(u64::MAX))
}

fn state(engine: &mut dyn Engine) -> Result<State, EngineError> {
    Ok(State { summary: engine.summary()?, under_way: engine.under_way()?, lost: engine.lost().records() })
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
            ends: AtomicU64::new(0),
            lines: AtomicU64::new(0),
            bytes: AtomicU64::new(0),
        });
        let (orders, _) = sync_channel(1);
        let (go, wait) = sync_channel::<()>(1);
        // A thread that takes its time to end.
        let thread = std::thread::spawn(move || wait.recv().unwrap_or_default());
        let session = Session { shared: Arc::clone(&shared), orders, followed: Vec::new(), thread: Some(thread) };
        // Let go of before the session, which waits for its thread, also where this fails.
        let go = go;
        let viewer = session.view();
        assert!(!session.is_over());
        shared.end(End::Over);
        assert_eq!(viewer.next(Duration::from_secs(1)).map(|_| ()), Err(End::Over));
        assert!(session.is_over());
        drop(go);
    }
}
