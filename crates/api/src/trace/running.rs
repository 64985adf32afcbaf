//! The traces that go on, who watches them, and how one begins.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError, Weak};
use std::time::Duration;

use procyon_control::Control;
use procyon_trace::engine::ebpf::Ebpf;
use procyon_trace::engine::ptrace::{Program, Ptrace};
use procyon_trace::engine::{Engine, EngineError, Plan};
use procyon_trace::session::{Allowance, Session, Viewer};
use procyon_trace::{Options, Style};
use procyon_units::Wall;
use procyon_wire::ProblemKind;
use procyon_wire::trace::{Choose, TraceClientMessage};
use tokio::sync::{Semaphore, watch};

use super::encode::Epoch;
use super::place::{Entry, Place, Places};
use super::{Subject, Wish, chosen, ended, not_traced, refused};
use crate::access::Caller;
use crate::app::Host;
use crate::failure::Failure;
use crate::limits;

/// A trace that goes on.
#[derive(Debug)]
pub(super) struct Running {
    pub(super) subject: Subject,
    pub(super) session: Session,
    /// Its times as all of its viewers are told them.
    pub(super) epoch: Epoch,
    choice: Mutex<Choose>,
    watchers: Mutex<Watchers>,
}

/// Who watches a trace, by number, and whether they have asked that nothing is told for a while.
#[derive(Debug, Default)]
struct Watchers {
    next: u64,
    pausing: BTreeMap<u64, bool>,
}

impl Running {
    /// Which calls are told.
    pub(super) fn choice(&self) -> Choose {
        self.choice.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Tells other calls from now on. Blocks for a moment.
    fn choose(&self, choice: Choose) -> Result<(), Failure> {
        let filter = chosen(&choice)?;
        // Held meanwhile, so that what is said of two who choose at once is what holds.
        let mut told = self.choice.lock().unwrap_or_else(PoisonError::into_inner);
        self.session.filter(filter).map_err(|error| not_traced(&error, &self.subject.key))?;
        *told = choice;
        Ok(())
    }

    fn watchers(&self) -> MutexGuard<'_, Watchers> {
        self.watchers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes who asks for a pause, and what follows from that.
    fn pausing(&self, change: impl FnOnce(&mut BTreeMap<u64, bool>)) {
        let mut watchers = self.watchers();
        change(&mut watchers.pausing);
        // Held meanwhile, so that of two changes the later one holds.
        self.session.pause(watchers.pausing.values().any(|pauses| *pauses));
    }
}

/// One who watches. What it alone asked for ends with it.
#[derive(Debug)]
pub(super) struct Watcher {
    pub(super) running: Arc<Running>,
    id: u64,
}

impl Watcher {
    fn new(running: Arc<Running>) -> Self {
        let mut watchers = running.watchers();
        let id = watchers.next;
        watchers.next += 1;
        watchers.pausing.insert(id, false);
        drop(watchers);
        Self { running, id }
    }

    pub(super) fn voice(&self, allowance: &Arc<Allowance>) -> Voice {
        Voice { running: Arc::downgrade(&self.running), id: self.id, allowance: Arc::clone(allowance) }
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        self.running.pausing(|pausing| {
            pausing.remove(&self.id);
        });
    }
}

/// By which a watcher is heard. It does not keep the trace.
#[derive(Debug, Clone)]
pub(super) struct Voice {
    running: Weak<Running>,
    id: u64,
    allowance: Arc<Allowance>,
}

impl Voice {
    /// Its watcher leaves. It is let go of without waiting until it is looked for.
    pub(super) fn leave(&self) {
        self.allowance.give_up();
    }

    /// Does what a watcher says; nothing when the trace is over. Blocks for a moment.
    pub(super) fn say(&self, said: TraceClientMessage) -> Result<(), Failure> {
        let Some(running) = self.running.upgrade() else { return Ok(()) };
        match said {
            TraceClientMessage::Pause {} => running.pausing(|pausing| {
                // One that has left meanwhile stops nobody.
                if let Some(pauses) = pausing.get_mut(&self.id) {
                    *pauses = true;
                }
            }),
            TraceClientMessage::Resume {} => {
                running.pausing(|pausing| pausing.values_mut().for_each(|pauses| *pauses = false));
            }
            TraceClientMessage::Filter(choose) => running.choose(choose)?,
            TraceClientMessage::Extend { seconds } => {
                self.allowance.extend(Duration::from_secs(seconds.into()), limits::MAX_TRACE_TIME);
            }
        }
        Ok(())
    }
}

/// The traces that go on, and what it takes to begin one.
#[derive(Debug)]
pub(crate) struct Traces {
    /// How the program is started that traces by ptrace; none where it is not to be had.
    tracer: Option<Program>,
    slots: Mutex<Vec<Slot>>,
    pub(crate) places: Arc<Places>,
    /// Who may begin one now: each has a thread.
    pub(super) turns: Arc<Semaphore>,
    /// Set when the server stops.
    stopping: watch::Receiver<bool>,
}

/// Room for one trace.
#[derive(Debug)]
struct Slot {
    subject: Subject,
    /// The trace; locked while it begins, so that those who want the same one wait for it and others do not.
    running: Arc<Mutex<Weak<Running>>>,
}

impl Slot {
    /// Whether its trace goes on or begins.
    fn is_taken(&self) -> bool {
        // Whoever begins or joins has a share of it.
        Arc::strong_count(&self.running) > 1
            || match self.running.try_lock() {
                Ok(running) => running.strong_count() > 0,
                Err(TryLockError::Poisoned(broken)) => broken.into_inner().strong_count() > 0,
                Err(TryLockError::WouldBlock) => true,
            }
    }
}

impl Traces {
    pub(crate) fn new(tracer: Option<Program>, stopping: watch::Receiver<bool>) -> Self {
        let turns = Arc::new(Semaphore::new(limits::MAX_TRACES));
        Self { tracer, slots: Mutex::default(), places: Arc::default(), turns, stopping }
    }

    /// Takes a place before a trace, which begins if there is no such one. Blocks, for seconds where a process does not let itself
    /// be traced.
    pub(super) fn watch(
        &self,
        host: &Host,
        control: &Arc<Control>,
        caller: &Caller,
        wish: &Wish,
        now: Wall,
    ) -> Result<Place, Failure> {
        let Subject { key, .. } = wish.subject;
        let entry = Entry::begin(&self.places, control, caller, &key, wish.subject.how())
            .map_err(|error| refused(&error, host, &key))?;
        let taken = self.join(wish, now).and_then(|taken| {
            // The pid may have come round while it began.
            if control.is_there(&key) { Ok(taken) } else { Err(ended(&key)) }
        });
        match taken {
            Ok((running, viewer)) => Ok(Place::new(viewer, Watcher::new(running), entry)),
            Err(failure) => {
                entry.fail(&failure.problem.detail);
                Err(failure)
            }
        }
    }

    fn join(&self, wish: &Wish, now: Wall) -> Result<(Arc<Running>, Viewer), Failure> {
        let slot = self.slot(wish.subject)?;
        let mut going = slot.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(running) = going.upgrade()
            && let Some(viewer) = running.session.view(wish.limits)
        {
            return Ok((running, viewer));
        }
        let Wish { subject, choice, .. } = wish.clone();
        let (session, viewer) = self.begin(wish)?;
        let running = Arc::new(Running {
            subject,
            session,
            epoch: Epoch::at(now),
            choice: Mutex::new(choice),
            watchers: Mutex::default(),
        });
        *going = Arc::downgrade(&running);
        Ok((running, viewer))
    }

    /// The room of a trace; a new one where there is none yet.
    fn slot(&self, subject: Subject) -> Result<Arc<Mutex<Weak<Running>>>, Failure> {
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        slots.retain(Slot::is_taken);
        if let Some(slot) = slots.iter().find(|slot| slot.subject == subject) {
            return Ok(Arc::clone(&slot.running));
        }
        if slots.len() >= limits::MAX_TRACES {
            let detail = format!("{} traces go on; there is no room for more", limits::MAX_TRACES);
            return Err(Failure::new(ProblemKind::Unavailable, detail));
        }
        let running = Arc::default();
        slots.push(Slot { subject, running: Arc::clone(&running) });
        Ok(running)
    }

    fn begin(&self, wish: &Wish) -> Result<(Session, Viewer), Failure> {
        let Subject { key, by_ptrace, follow, size } = wish.subject;
        let plan = Plan {
            targets: vec![key.pid],
            filter: wish.filter.clone(),
            children: follow,
            content: size,
            telling: true,
        };
        let program = match (by_ptrace, &self.tracer) {
            (false, _) => None,
            (true, Some(program)) => Some(program.clone()),
            (true, None) => return Err(Failure::not_implemented("this procyon cannot trace by ptrace")),
        };
        let make = move || -> Result<Box<dyn Engine>, EngineError> {
            Ok(match &program {
                None => Box::new(Ebpf::start(&plan)?),
                Some(program) => Box::new(stopping(&plan, program)?),
            })
        };
        let options = Options { limit: size, descriptors: true, ..Options::default() };
        let style = Style { options, ..Style::default() };
        let is_unwanted = || *self.stopping.borrow();
        Session::start(make, style, wish.limits, &is_unwanted).map_err(|error| match error {
            EngineError::Unwanted => Failure::new(ProblemKind::Unavailable, "procyon stops"),
            error => not_traced(&error, &key),
        })
    }
}

/// Begins to trace by ptrace. The kernel allows one tracer, and one that was just told to let go is not gone at once: it is tried
/// again for a moment.
fn stopping(plan: &Plan, program: &Program) -> Result<Ptrace, EngineError> {
    let mut again = limits::TRACER_ATTEMPTS;
    loop {
        match Ptrace::start(plan, program) {
            Err(EngineError::Traced { .. }) if again > 0 => again -= 1,
            // A tracer that let go between the refusal and the look who it was.
            Err(EngineError::Forbidden(_)) if again == limits::TRACER_ATTEMPTS => again -= 1,
            done => return done,
        }
        std::thread::park_timeout(limits::TRACER_PAUSE);
    }
}
