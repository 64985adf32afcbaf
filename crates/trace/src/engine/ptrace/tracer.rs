//! The process that traces.
//!
//! It ends when its orders do, or with the process that started it. It never lets go in a more orderly way than by ending: then the kernel wakes
//! nobody who sleeps in a call, and lets everybody go at once, also those whom a tracer would have to wait for.

#![expect(unsafe_code, reason = "ptrace(2) has no safe wrapper")]

use std::collections::HashMap;
use std::io::{self, Read, Write};
use std::mem::MaybeUninit;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use rustix::thread::{CpuSet, sched_getaffinity, sched_getcpu, sched_setaffinity};

use super::frame::{Answer, Inbox, Order};
use crate::call::{Call, Return};
use crate::capture::When;
use crate::engine::copy::{self, Known, OfThread};
use crate::event::{Child, Event, Who};
use crate::memory::Memory;
use crate::target::{self, Seen};
use crate::tell::now;

/// Requests, include/uapi/linux/ptrace.h.
mod request {
    pub(super) const DETACH: libc::c_long = 17;
    pub(super) const SYSCALL: libc::c_long = 24;
    pub(super) const GETEVENTMSG: libc::c_long = 0x4201;
    pub(super) const GETSIGINFO: libc::c_long = 0x4202;
    pub(super) const SEIZE: libc::c_long = 0x4206;
    pub(super) const INTERRUPT: libc::c_long = 0x4207;
    pub(super) const LISTEN: libc::c_long = 0x4208;
    pub(super) const GET_SYSCALL_INFO: libc::c_long = 0x420e;
}

/// A stop at either end of a system call.
const CALL_STOP: i32 = libc::SIGTRAP | 0x80;
/// `PTRACE_EVENT_STOP`: an interruption, a new thread, or a group that is stopped.
const EVENT_STOP: i32 = 128;
/// Answers wait this long for more, so that not each of them wakes the reader.
const GATHER: Duration = Duration::from_millis(10);
/// When so much waits, everybody waits until it is sent.
const MOST_WAITING: usize = 1 << 20;
/// Rounds of looking for threads that were made during the one before.
const MOST_ROUNDS: usize = 16;
/// Stops between two looks at the processor on which threads run.
const STOPS_A_LOOK: u32 = 128;
/// Bytes of `siginfo_t` that are told.
const DETAILS: usize = 48;

/// Which calls are told.
#[derive(Clone, Copy)]
struct Wanted {
    numbers: [u64; 8],
    others: bool,
}

impl Wanted {
    fn has(&self, number: u32) -> bool {
        let place = usize::try_from(number).unwrap_or(usize::MAX);
        self.numbers.get(place / 64).map_or(self.others, |word| word >> (place % 64) & 1 == 1)
    }
}

/// Takes orders from standard input, traces, and tells by standard output. Never returns: it ends the process.
pub fn run() -> ! {
    // Started as /proc/self/exe, it would be called by that.
    rustix::thread::set_name(c"procyon").ok();
    let ended = trace();
    // SAFETY: ends the process, whatever other threads do.
    unsafe { libc::_exit(i32::from(ended.is_err())) }
}

fn trace() -> io::Result<()> {
    let mut input = io::stdin().lock();
    let mut inbox = Inbox::default();
    let order = next_order(&mut input, &mut inbox)?;
    drop(input);
    let Some(Order::Follow { parent, children, content, copying, numbers, others, targets }) = order else {
        return Err(io::ErrorKind::InvalidData.into());
    };
    end_with(parent)?;
    let wanted = Arc::new(Mutex::new(Wanted { numbers, others }));
    let listener = Arc::clone(&wanted);
    let outbox = Arc::new(Outbox::default());
    let answers = Arc::clone(&outbox);
    std::thread::Builder::new().name("orders".to_owned()).spawn(move || listen(&listener, &answers, inbox))?;
    let sender = Arc::clone(&outbox);
    std::thread::Builder::new().name("answers".to_owned()).spawn(move || sender.send_for_ever())?;
    let mut tracer = Tracer { children, content, copying, wanted, threads: HashMap::new(), near: Near::new(), outbox };
    if let Err((process, error)) = tracer.begin(&targets) {
        tracer.say(&Answer::Refused { process, error })?;
        return tracer.outbox.send();
    }
    let followed = tracer.threads.iter().map(|(thread, state)| Who { thread: number(*thread), process: state.process });
    let mut followed: Vec<Who> = followed.collect();
    followed.sort_unstable();
    tracer.say(&Answer::Ready(followed))?;
    tracer.outbox.send()?;
    while !tracer.threads.is_empty() {
        tracer.step()?;
    }
    tracer.say(&Answer::Over)?;
    tracer.outbox.send()
}

/// Lets the kernel end this process with the one that started it, and keeps the keys of a terminal away from it.
fn end_with(parent: u32) -> io::Result<()> {
    // SAFETY: passes numbers.
    if unsafe { libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL, 0, 0, 0) } != 0 {
        return Err(io::Error::last_os_error());
    }
    for signal in [libc::SIGINT, libc::SIGQUIT, libc::SIGTSTP, libc::SIGHUP, libc::SIGTERM] {
        // SAFETY: ignoring a signal runs nothing of ours.
        unsafe { libc::signal(signal, libc::SIG_IGN) };
    }
    // It may have ended before the kernel was told.
    if std::os::unix::process::parent_id() == parent { Ok(()) } else { Err(io::ErrorKind::BrokenPipe.into()) }
}

fn next_order(input: &mut impl Read, inbox: &mut Inbox) -> io::Result<Option<Order>> {
    let mut buffer = [0; 4096];
    loop {
        if let Some(order) = inbox.take_order().map_err(io::Error::other)? {
            return Ok(Some(order));
        }
        match input.read(&mut buffer) {
            Ok(0) => return Ok(None),
            Ok(got) => inbox.put(buffer.get(..got).unwrap_or_default()),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

/// Obeys further orders until there are no more, then ends the process.
fn listen(wanted: &Mutex<Wanted>, outbox: &Outbox, mut inbox: Inbox) {
    let mut input = io::stdin().lock();
    while let Ok(Some(order)) = next_order(&mut input, &mut inbox) {
        if let Order::Filter { numbers, others } = order {
            *wanted.lock().unwrap_or_else(PoisonError::into_inner) = Wanted { numbers, others };
            if outbox.put(&Answer::Obeyed.to_bytes()).is_err() {
                break;
            }
        }
    }
    // SAFETY: ends the process, whatever other threads do.
    unsafe { libc::_exit(0) }
}

/// What a thread is asked for with.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Whole {
    /// All threads of a process.
    Process(u32),
    /// Nobody.
    Thread,
}

impl Whole {
    /// The number by which the thread was asked for.
    fn named(self, thread: u32) -> u32 {
        match self {
            Self::Process(process) => process,
            Self::Thread => thread,
        }
    }
}

/// A thread that is traced.
struct Thread {
    process: u32,
    /// It was asked for by its own number, not by that of its process.
    alone: bool,
    /// The call in which it is, if it is told.
    call: Option<Call>,
}

struct Tracer {
    children: bool,
    content: usize,
    copying: bool,
    wanted: Arc<Mutex<Wanted>>,
    threads: HashMap<i32, Thread>,
    near: Near,
    outbox: Arc<Outbox>,
}

/// Keeps the tracer on the processor of whom it traces: the two take turns at each stop, and waking somebody on another processor that
/// rests makes a stop several times as dear.
struct Near {
    /// The processors on which it may run; none where the kernel does not say.
    all: Option<CpuSet>,
    stops: u32,
}

impl Near {
    fn new() -> Self {
        Self { all: sched_getaffinity(None).ok(), stops: 0 }
    }

    /// Looks now and then whether the thread that has stopped runs elsewhere, and goes there. Nothing keeps the tracer there: it may
    /// run anywhere as before.
    fn stay(&mut self, tid: i32) {
        self.stops = self.stops.wrapping_add(1);
        if !self.stops.is_multiple_of(STOPS_A_LOOK) {
            return;
        }
        let (Some(all), Some(seen)) = (&self.all, Seen::now(number(tid))) else { return };
        let processor = usize::try_from(seen.processor).unwrap_or(usize::MAX);
        if processor >= CpuSet::MAX_CPU || processor == sched_getcpu() || !all.is_set(processor) {
            return;
        }
        let mut there = CpuSet::new();
        there.set(processor);
        if sched_setaffinity(None, &there).is_ok() {
            // What was allowed before is allowed still.
            sched_setaffinity(None, all).ok();
        }
    }
}

impl Tracer {
    /// Takes hold of all threads; the process and the kernel's error number where one is refused.
    fn begin(&mut self, targets: &[u32]) -> Result<(), (u32, i32)> {
        // Processes first: a thread of one of them that is named too is then one of many.
        let (processes, threads): (Vec<u32>, Vec<u32>) =
            targets.iter().partition(|target| target::status_number(**target, "Tgid") == Some(**target));
        for target in processes {
            for _ in 0..MOST_ROUNDS {
                let before = self.threads.len();
                for thread in target::threads(target) {
                    self.seize(thread, Whole::Process(target))?;
                }
                if self.threads.len() == before {
                    break;
                }
            }
            if !self.threads.values().any(|thread| thread.process == target) {
                return Err((target, libc::ESRCH));
            }
        }
        for target in threads {
            self.seize(target, Whole::Thread)?;
            if !self.threads.keys().any(|tid| number(*tid) == target) {
                return Err((target, libc::ESRCH));
            }
        }
        Ok(())
    }

    fn seize(&mut self, thread: u32, whole: Whole) -> Result<(), (u32, i32)> {
        let Ok(tid) = i32::try_from(thread) else { return Ok(()) };
        if self.threads.contains_key(&tid) {
            return Ok(());
        }
        // Nobody can trace who has ended, and a worker would only be held up.
        if Seen::now(thread).is_none_or(|seen| seen.has_ended || seen.is_worker) {
            return Ok(());
        }
        // Never PTRACE_O_EXITKILL: whoever is traced outlives the tracer.
        let mut options = libc::PTRACE_O_TRACESYSGOOD | libc::PTRACE_O_TRACEEXEC;
        if self.children {
            options |= libc::PTRACE_O_TRACECLONE | libc::PTRACE_O_TRACEFORK | libc::PTRACE_O_TRACEVFORK;
        } else if whole != Whole::Thread {
            options |= libc::PTRACE_O_TRACECLONE;
        }
        match ptrace(request::SEIZE, tid, 0, options.unsigned_abs() as usize) {
            Ok(_) => {}
            // Ended meanwhile; that none was found is looked at later.
            Err(libc::ESRCH) => return Ok(()),
            // A thread that was made by one that is already held is held as well.
            Err(libc::EPERM) if target::status_number(thread, "TracerPid") == Some(std::process::id()) => return Ok(()),
            // It has ended by now.
            Err(libc::EPERM) if Seen::now(thread).is_none_or(|seen| seen.has_ended) => return Ok(()),
            Err(error) => return Err((whole.named(thread), error)),
        }
        let process = target::status_number(thread, "Tgid").unwrap_or(whole.named(thread));
        self.threads.insert(tid, Thread { process, alone: whole == Whole::Thread, call: None });
        // Stops are only told from its next one on. Gone: its end will be told.
        ptrace(request::INTERRUPT, tid, 0, 0).ok();
        Ok(())
    }

    /// Waits for whoever stops or ends next, and lets it go on.
    fn step(&mut self) -> io::Result<()> {
        let mut status = 0;
        // SAFETY: the kernel writes a number.
        let tid = unsafe { libc::waitpid(-1, &raw mut status, libc::__WALL) };
        if tid < 0 {
            let error = io::Error::last_os_error();
            match error.raw_os_error() {
                Some(libc::EINTR) => return Ok(()),
                // Nobody is left, and some ended without a word.
                Some(libc::ECHILD) => self.threads.clear(),
                _ => return Err(error),
            }
            return Ok(());
        }
        if libc::WIFSTOPPED(status) {
            self.stopped(tid, libc::WSTOPSIG(status), status >> 16)
        } else {
            let Some(state) = self.threads.remove(&tid) else { return Ok(()) };
            let (who, at) = (Who { thread: number(tid), process: state.process }, now());
            // In a call that never came back.
            if let Some(call) = state.call {
                self.say(&Answer::Event(Event::Call(call)))?;
            }
            self.say(&Answer::Event(Event::Ended { who, at, status: status.cast_unsigned() }))
        }
    }

    fn stopped(&mut self, tid: i32, signal: i32, event: i32) -> io::Result<()> {
        if !self.threads.contains_key(&tid) && !self.welcome(tid)? {
            return Ok(());
        }
        match (signal, event) {
            (CALL_STOP, _) => {
                self.near.stay(tid);
                self.at_call(tid)?;
                go_on(tid, 0);
            }
            // The whole process is stopped, and stays so; the end of that is told.
            (libc::SIGSTOP | libc::SIGTSTP | libc::SIGTTIN | libc::SIGTTOU, EVENT_STOP) => {
                ptrace(request::LISTEN, tid, 0, 0).ok();
            }
            (_, libc::PTRACE_EVENT_EXEC) => {
                self.renumber(tid)?;
                go_on(tid, 0);
            }
            (_, 0) => {
                self.at_signal(tid, signal)?;
                go_on(tid, signal);
            }
            _ => go_on(tid, 0),
        }
        Ok(())
    }

    /// Meets a new thread; one of a child that is not wanted is let go.
    fn welcome(&mut self, tid: i32) -> io::Result<bool> {
        let thread = number(tid);
        let Some(process) = target::status_number(thread, "Tgid") else {
            go_on(tid, 0);
            return Ok(false);
        };
        let is_of = |state: &Thread| state.process == process && !state.alone;
        if !self.children && !self.threads.values().any(is_of) {
            ptrace(request::DETACH, tid, 0, 0).ok();
            return Ok(false);
        }
        let parent = if self.threads.values().any(|state| state.process == process) {
            process
        } else {
            Seen::now(thread).map_or(0, |seen| seen.parent)
        };
        self.threads.insert(tid, Thread { process, alone: false, call: None });
        self.say(&Answer::Event(Event::Followed { who: Child { thread, process, parent }, at: now() }))?;
        Ok(true)
    }

    /// A thread that was not the first of its process runs another program and is now the first.
    fn renumber(&mut self, tid: i32) -> io::Result<()> {
        let mut before: libc::c_ulong = 0;
        if ptrace(request::GETEVENTMSG, tid, 0, (&raw mut before).expose_provenance()).is_err() {
            return Ok(());
        }
        let Ok(before) = i32::try_from(before) else { return Ok(()) };
        if before == tid {
            return Ok(());
        }
        let Some(mut state) = self.threads.remove(&before) else { return Ok(()) };
        let who = Who { thread: number(tid), process: state.process };
        if let Some(call) = &mut state.call {
            call.thread = who.thread;
        }
        self.threads.insert(tid, state);
        self.say(&Answer::Event(Event::Renumbered { who, at: now(), before: number(before) }))
    }

    fn at_signal(&mut self, tid: i32, signal: i32) -> io::Result<()> {
        let mut details = MaybeUninit::<libc::siginfo_t>::zeroed();
        if ptrace(request::GETSIGINFO, tid, 0, details.as_mut_ptr().expose_provenance()).is_err() {
            return Ok(());
        }
        // SAFETY: it is at least as long, and was filled with zeros before the kernel wrote to it.
        let details = unsafe { std::slice::from_raw_parts(details.as_ptr().cast::<u8>(), DETAILS) }.to_vec();
        let Some(state) = self.threads.get(&tid) else { return Ok(()) };
        let who = Who { thread: number(tid), process: state.process };
        self.say(&Answer::Event(Event::Signal { who, at: now(), number: number(signal), details }))
    }

    fn at_call(&mut self, tid: i32) -> io::Result<()> {
        let at = now();
        let info = match call_info(tid) {
            Ok(Some(info)) => info,
            // The request is not known.
            Err(error @ libc::EIO) => {
                let process = self.threads.get(&tid).map_or(0, |state| state.process);
                self.say(&Answer::Refused { process, error })?;
                self.outbox.send()?;
                return Err(io::ErrorKind::Unsupported.into());
            }
            _ => return Ok(()),
        };
        let (content, copying) = (self.content, self.copying);
        let wanted = *self.wanted.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(state) = self.threads.get_mut(&tid) else { return Ok(()) };
        match info {
            Info::Entry { number: which, arguments } => {
                let mut call = Call {
                    thread: number(tid),
                    process: state.process,
                    number: which,
                    arguments,
                    entered: at,
                    ..Call::default()
                };
                state.call = wanted.has(which).then(|| {
                    if copying {
                        let known = Known { number: which, arguments: &arguments, result: 0, content };
                        copy::copy(&OfThread(tid), &known, When::Enter, &mut call.memory);
                    }
                    call
                });
            }
            Info::Exit { result } => {
                let Some(mut call) = state.call.take() else { return Ok(()) };
                call.returned = Some(Return { result, at });
                if copying {
                    let mut memory = Memory::default();
                    std::mem::swap(&mut memory, &mut call.memory);
                    let known = Known { number: call.number, arguments: &call.arguments, result, content };
                    copy::copy(&OfThread(tid), &known, When::Exit, &mut memory);
                    call.memory = memory;
                }
                self.say(&Answer::Event(Event::Call(call)))?;
            }
        }
        Ok(())
    }

    fn say(&self, answer: &Answer) -> io::Result<()> {
        self.outbox.put(&answer.to_bytes())
    }
}

/// Answers that are not sent yet.
#[derive(Default)]
struct Outbox {
    waiting: Mutex<Vec<u8>>,
    filled: Condvar,
}

impl Outbox {
    fn put(&self, bytes: &[u8]) -> io::Result<()> {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        if waiting.is_empty() {
            self.filled.notify_one();
        }
        waiting.extend(bytes);
        let is_full = waiting.len() >= MOST_WAITING;
        drop(waiting);
        if is_full { self.send() } else { Ok(()) }
    }

    fn send(&self) -> io::Result<()> {
        // Held first, so that what is taken first is written first.
        let mut output = io::stdout().lock();
        let bytes = std::mem::take(&mut *self.waiting.lock().unwrap_or_else(PoisonError::into_inner));
        output.write_all(&bytes)?;
        output.flush()
    }

    /// Sends whatever comes, until nobody listens any more: then it ends the process.
    fn send_for_ever(&self) {
        loop {
            let waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
            let waiting =
                self.filled.wait_while(waiting, |waiting| waiting.is_empty()).unwrap_or_else(PoisonError::into_inner);
            drop(self.filled.wait_timeout(waiting, GATHER));
            if self.send().is_err() {
                // SAFETY: ends the process, whatever other threads do.
                unsafe { libc::_exit(0) }
            }
        }
    }
}

fn number(tid: i32) -> u32 {
    tid.cast_unsigned()
}

/// Lets a stopped thread run to its next stop, with a signal or none. One that was killed meanwhile tells its end by itself.
fn go_on(tid: i32, signal: i32) {
    ptrace(request::SYSCALL, tid, 0, signal.unsigned_abs() as usize).ok();
}

/// Gives a request; the kernel's error number where it refuses.
fn ptrace(request: libc::c_long, tid: i32, address: usize, data: usize) -> Result<libc::c_long, i32> {
    // SAFETY: requests that write do so to where `data` points to, which callers take from live places of the right size.
    let result = unsafe { libc::syscall(libc::SYS_ptrace, request, tid, address, data) };
    if result == -1 { Err(io::Error::last_os_error().raw_os_error().unwrap_or(libc::EIO)) } else { Ok(result) }
}

enum Info {
    Entry { number: u32, arguments: [u64; 6] },
    Exit { result: i64 },
}

/// What the kernel says of the call at whose end a thread is stopped. Since 5.3; the kernel's error number where it refuses.
fn call_info(tid: i32) -> Result<Option<Info>, i32> {
    /// `AUDIT_ARCH_X86_64` or that of 64-bit ARM; the other tables are those of 32-bit programs.
    const NATIVE: u64 = if cfg!(target_arch = "x86_64") { 0xc000_003e } else { 0xc000_00b7 };
    // `struct ptrace_syscall_info` in words: what it is and the table, two places, then the number and arguments, or the result.
    let mut words = [0_u64; 11];
    let place = words.as_mut_ptr().expose_provenance();
    ptrace(request::GET_SYSCALL_INFO, tid, size_of_val(&words), place)?;
    let [what, _, _, first, arguments @ .., _] = words;
    Ok(match what & 0xff {
        1 => {
            let number = u32::try_from(first & 0xffff_ffff).unwrap_or(u32::MAX);
            let number = if what >> 32 == NATIVE { number } else { number | Call::FOREIGN_TABLE };
            Some(Info::Entry { number, arguments })
        }
        2 => Some(Info::Exit { result: first.cast_signed() }),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tracer_that_comes_near_may_run_anywhere_as_before() {
        let before = sched_getaffinity(None).unwrap();
        let mut near = Near::new();
        for _ in 0..2 * STOPS_A_LOOK {
            near.stay(std::process::id().cast_signed());
        }
        assert_eq!(sched_getaffinity(None).unwrap(), before);
    }

    #[test]
    #[expect(clippy::disallowed_methods, reason = "tests start programs")]
    fn every_process_that_is_named_has_to_be_there() {
        let mut target = std::process::Command::new("sleep").arg("60").spawn().unwrap();
        let mut tracer = Tracer {
            children: false,
            content: 0,
            copying: false,
            wanted: Arc::new(Mutex::new(Wanted { numbers: [0; 8], others: false })),
            threads: HashMap::new(),
            near: Near::new(),
            outbox: Arc::default(),
        };
        let begun = tracer.begin(&[target.id(), 4_000_000]);
        let threads = tracer.threads.len();
        target.kill().unwrap();
        target.wait().unwrap();
        // Where tracing is not permitted nothing can be said.
        assert!(
            begun == Err((4_000_000, libc::ESRCH)) && threads == 1 || begun == Err((target.id(), libc::EPERM)),
            "{begun:?}"
        );
    }
}
