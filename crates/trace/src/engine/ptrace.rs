//! The engine that stops every thread at both ends of each call (`ptrace(2)`).
//!
//! The kernel wakes a thread whose tracing begins, and a few calls (`epoll_wait`, `semop`, `sigtimedwait`) then return `EINTR`; hence
//! nobody gets this engine who did not ask for it. The tracing itself is done by a process of its own ([`run`]), which only
//! does that: a tracer that ends lets go of whomever it traced, whatever it was doing, and what blocks it does not block us.

mod frame;
mod held;
mod threads;
mod tracer;

use std::collections::{BTreeSet, VecDeque};
use std::fmt;
use std::io::{self, PipeWriter, Read, Write};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use procyon_linux::pidfd::PidFd;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, WaitOptions, waitpid};

use super::{Engine, EngineError, Life, Lost, Plan};
use crate::call::Call;
use crate::event::{Event, Who};
use crate::filter::Filter;
use crate::summary::Summary;
use crate::target;
use crate::tell::now;
use frame::{Answer, Inbox, Order};
use held::Held;

pub use tracer::run;

/// How long the tracer may take to end by itself after it was told to, and then after it was killed.
const PATIENCE: Duration = Duration::from_millis(100);
/// How long it may take to begin.
const PATIENCE_AT_START: Duration = Duration::from_secs(10);
/// Bytes taken from the pipe at once.
const CHUNK: usize = 64 << 10;

/// How to start the process that traces.
#[derive(Debug, Clone)]
pub struct Program {
    /// The file: this program itself.
    pub file: PathBuf,
    /// Arguments that make it call [`run`].
    pub arguments: Vec<String>,
}

/// A process that traces some threads.
pub struct Ptrace {
    tracer: Child,
    orders: Option<PipeWriter>,
    inbox: Inbox,
    /// What came while something else was waited for.
    kept: VecDeque<Answer>,
    buffer: Box<[u8]>,
    followed: Vec<Who>,
    /// Those that have not ended.
    living: BTreeSet<Who>,
    held: Held,
    filter: Filter,
    summary: Summary,
    telling: bool,
}

impl fmt::Debug for Ptrace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ptrace").field("tracer", &self.tracer.id()).finish_non_exhaustive()
    }
}

fn broken(why: &str) -> EngineError {
    EngineError::Tracer { why: why.to_owned(), source: None }
}

fn failed(why: &str) -> impl FnOnce(io::Error) -> EngineError {
    move |source| EngineError::Tracer { why: why.to_owned(), source: Some(source) }
}

impl Ptrace {
    /// Begins to follow. The thread that calls this has to live as long as the engine: when it ends, so does the tracer.
    #[expect(clippy::disallowed_methods, reason = "the program that is started is this one")]
    pub fn start(plan: &Plan, program: &Program) -> Result<Self, EngineError> {
        target::check(&plan.targets)?;
        let (orders_end, orders) = io::pipe().map_err(failed("no pipe to it"))?;
        let tracer = Command::new(&program.file)
            .arg0("procyon")
            .args(&program.arguments)
            .stdin(orders_end)
            .stdout(Stdio::piped())
            .spawn()
            .map_err(failed("it did not start"))?;
        let mut engine = Self {
            tracer,
            orders: Some(orders),
            inbox: Inbox::default(),
            kept: VecDeque::new(),
            buffer: vec![0; CHUNK].into_boxed_slice(),
            followed: Vec::new(),
            living: BTreeSet::new(),
            held: Held::default(),
            filter: plan.filter.clone(),
            summary: Summary::default(),
            telling: plan.telling,
        };
        engine.order(&Order::Follow {
            parent: std::process::id(),
            children: plan.children,
            content: plan.content,
            copying: plan.telling,
            numbers: *plan.filter.numbers(),
            others: plan.filter.contains(u32::MAX),
            targets: plan.targets.clone(),
        })?;
        let answer = engine.answer(PATIENCE_AT_START)?.ok_or_else(|| broken("it does not begin"))?;
        match answer {
            Answer::Ready(followed) => {
                engine.living.extend(&followed);
                engine.followed = followed;
            }
            Answer::Refused { process, error } => return Err(refusal(process, error)),
            _ => return Err(broken("it speaks out of turn")),
        }
        Ok(engine)
    }

    fn order(&mut self, order: &Order) -> Result<(), EngineError> {
        let orders = self.orders.as_mut().ok_or_else(|| broken("it was told to end"))?;
        orders.write_all(&order.to_bytes()).map_err(failed("it does not listen"))
    }

    /// Takes in what the tracer says, and hands it on.
    fn take(&mut self, answer: Answer, each: &mut dyn FnMut(Event)) -> Result<Life, EngineError> {
        match answer {
            Answer::Event(event) => {
                if let Event::Call(call) = &event {
                    self.summary.count(call);
                } else {
                    self.remember(&event);
                }
                if self.telling {
                    each(event);
                }
                Ok(Life::Goes)
            }
            Answer::Over => Ok(Life::Over),
            Answer::Refused { process, error } => Err(refusal(process, error)),
            Answer::Ready(_) | Answer::Obeyed => Err(broken("it speaks out of turn")),
        }
    }

    fn remember(&mut self, event: &Event) {
        match event {
            Event::Followed { who, .. } => {
                self.living.insert(who.who());
            }
            Event::Ended { who, .. } => {
                self.living.remove(who);
            }
            Event::Renumbered { who, before, .. } => {
                self.living.remove(&Who { thread: *before, process: who.process });
                self.living.insert(*who);
            }
            _ => {}
        }
    }

    /// The next answer, waiting at most this long for one.
    fn answer(&mut self, at_most: Duration) -> Result<Option<Answer>, EngineError> {
        loop {
            if let Some(answer) = self.inbox.take().map_err(broken)? {
                return Ok(Some(answer));
            }
            if !self.receive(at_most)? {
                return Ok(None);
            }
        }
    }

    /// Takes what is in the pipe; says whether there was anything within this time.
    fn receive(&mut self, at_most: Duration) -> Result<bool, EngineError> {
        let output = self.tracer.stdout.as_mut().ok_or_else(|| broken("it has no output"))?;
        let timeout = Timespec::try_from(at_most).unwrap_or(Timespec { tv_sec: 1, tv_nsec: 0 });
        match poll(&mut [PollFd::new(output, PollFlags::IN)], Some(&timeout)) {
            Ok(0) | Err(rustix::io::Errno::INTR) => return Ok(false),
            Ok(_) => {}
            Err(error) => return Err(failed("no word from it")(error.into())),
        }
        match output.read(&mut self.buffer) {
            Ok(0) => Err(broken("it broke off")),
            Ok(got) => {
                self.inbox.put(self.buffer.get(..got).unwrap_or_default());
                Ok(true)
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Ok(false),
            Err(error) => Err(failed("no word from it")(error)),
        }
    }
}

/// Why a process cannot be traced, from what the kernel said.
fn refusal(process: u32, error: i32) -> EngineError {
    match error {
        libc::EIO => EngineError::NoCallInfo,
        libc::ESRCH => EngineError::Unknown(process),
        libc::EPERM | libc::EACCES => match target::status_number(process, "TracerPid").filter(|tracer| *tracer != 0) {
            Some(tracer) => EngineError::Traced { process, tracer, name: target::name(tracer) },
            None => EngineError::Forbidden(process),
        },
        error => EngineError::Tracer {
            why: format!("process {process} cannot be traced"),
            source: Some(io::Error::from_raw_os_error(error)),
        },
    }
}

impl Engine for Ptrace {
    fn followed(&self) -> &[Who] {
        &self.followed
    }

    fn next(&mut self, at_most: Duration, each: &mut dyn FnMut(Event)) -> Result<Life, EngineError> {
        self.held.look(&self.living, now());
        let has_kept = !self.kept.is_empty();
        while let Some(kept) = self.kept.pop_front() {
            if self.take(kept, each)? == Life::Over {
                return Ok(Life::Over);
            }
        }
        let mut answer = if has_kept { self.inbox.take().map_err(broken)? } else { self.answer(at_most)? };
        while let Some(next) = answer {
            // What was ordered before a change of the filter may still come.
            let is_told = !matches!(&next, Answer::Event(Event::Call(call)) if !self.filter.tells(call));
            if is_told && self.take(next, each)? == Life::Over {
                return Ok(Life::Over);
            }
            answer = self.inbox.take().map_err(broken)?;
        }
        Ok(Life::Goes)
    }

    fn told(&self) -> &Filter {
        &self.filter
    }

    fn filter(&mut self, filter: &Filter) -> Result<(), EngineError> {
        self.order(&Order::Filter { numbers: *filter.numbers(), others: filter.contains(u32::MAX) })?;
        // Whoever asks may count on it from now on; what was told before is for the filter before.
        loop {
            match self.answer(PATIENCE_AT_START)?.ok_or_else(|| broken("it does not obey"))? {
                Answer::Obeyed => break,
                Answer::Refused { process, error } => return Err(refusal(process, error)),
                Answer::Over => {
                    self.kept.push_back(Answer::Over);
                    break;
                }
                Answer::Event(Event::Call(call)) if !self.filter.tells(&call) => {}
                other => self.kept.push_back(other),
            }
        }
        self.filter = filter.clone();
        Ok(())
    }

    fn under_way(&mut self) -> Result<Vec<Call>, EngineError> {
        // Only the tracer knows, and what it tells in between would have to be kept: it is asked for by `/proc` instead.
        let mut calls: Vec<Call> = Vec::new();
        for who in &self.living {
            calls.extend(threads::call_under_way(*who));
        }
        calls.sort_unstable_by_key(|call| call.thread);
        calls.retain(|call| self.filter.contains(call.number));
        Ok(calls)
    }

    fn summary(&self) -> Result<Summary, EngineError> {
        Ok(self.summary.clone())
    }

    fn lost(&self) -> Lost {
        Lost::default()
    }

    fn stopped(&self) -> Option<f64> {
        self.held.share()
    }
}

impl Drop for Ptrace {
    /// The tracer ends when its orders do, and the kernel lets go of whomever it traced. Nobody waits for it who has waited
    /// twice: where it sleeps in the kernel for ever, so it does without us.
    fn drop(&mut self) {
        self.orders = None;
        self.tracer.stdout = None;
        let tracer = PidFd::open(self.tracer.id());
        let has_ended = || tracer.as_ref().is_ok_and(|tracer| matches!(tracer.wait(PATIENCE), Ok(true)));
        let mut ended = has_ended();
        if !ended {
            // It ends here or has ended.
            self.tracer.kill().ok();
            ended = has_ended();
        }
        if ended {
            self.tracer.wait().ok();
            return;
        }
        // Its number stays its own until it was waited for.
        let pid = Pid::from_child(&self.tracer);
        let wait = move || {
            // Nothing can be done about what it says.
            waitpid(Some(pid), WaitOptions::empty()).ok();
        };
        // Without such a thread it stays a zombie for as long as we live.
        std::thread::Builder::new().name("farewell".to_owned()).spawn(wait).ok();
    }
}
