//! System calls of chosen threads: counted in the kernel, and on demand told one by one, with the few pieces of memory that
//! tell what their arguments mean. Threads never wait for us; what finds no room in the ring is lost and counted.
//!
//! While this is loaded, every system call of the machine costs some 100 ns more, whoever makes it: load it only while somebody looks.

#![expect(unsafe_code, reason = "the layouts are shared with the kernel, which only an unsafe trait can say")]

mod record;

use std::os::fd::{AsFd, OwnedFd};
use std::time::Duration;

use aya::maps::{MapData, RingBuf};
use rustix::event::{Timespec, epoll};
use rustix::io::{Errno, read};

pub use record::{Call, Event, Head, What as Happening};

use crate::array::{self, Array};
use crate::fields::Fields;
use crate::iterator::Iterator;
use crate::kernel::{Kernel, LoadError};
use crate::map::Plain;
use crate::object::{self, Object, Place};
use crate::ring;

/// The programs, compiled.
pub(crate) const OBJECT: &[u8] = aya::include_bytes_aligned!("../objects/syscalls.bpf.o");
/// What they are called together in messages.
const NAME: &str = "syscalls";
/// Programs and the places where they run. Those that tell the ends of calls come before that which tells their beginnings.
const TRACEPOINTS: [(&str, &str); 6] = [
    ("ended", "sched_process_exit"),
    ("executed", "sched_process_exec"),
    ("delivered", "signal_deliver"),
    ("returned", "sys_exit"),
    ("entered", "sys_enter"),
    ("forked", "sched_process_fork"),
];
/// Numbers of system calls that have a place of their own.
pub const NUMBERS: u32 = 512;
/// Most pieces of memory of one call, those at both ends together.
pub const MOST_CAPTURES: usize = 12;
/// Most processes and threads that can be asked for.
pub const MOST_TARGETS: usize = 4096;
/// Most bytes of content that a call can be told with.
pub const MOST_CONTENT: u32 = 4096;
/// Durations are counted by their power of two in nanoseconds; the last place has all that are longer.
pub const BUCKETS: usize = 40;
/// The kernel gives at most 32 KiB a read.
const CHUNK: usize = 64 << 10;
/// Rounds of following: each can find threads that were made during the one before.
const MOST_ROUNDS: usize = 16;

/// Places of the counters.
mod counter {
    pub(super) const LOST_CALLS: u32 = 0;
    pub(super) const LOST_EVENTS: u32 = 1;
    pub(super) const NOT_FOLLOWED: u32 = 2;
    pub(super) const THREADS_FOLLOWED: u32 = 3;
    pub(super) const THREADS_ENDED: u32 = 4;
    pub(super) const FOLLOWING: u32 = 5;
}

/// The system calls of the threads that are followed.
pub struct Syscalls {
    ring: RingBuf<MapData>,
    /// Tells when the ring is filling up.
    wakeups: OwnedFd,
    follow: Iterator,
    under_way: Iterator,
    targets: Array,
    filters: Array,
    by_number: Array,
    tallies: Array,
    counters: Array,
    buffer: Box<[u8]>,
    /// As long as these live, the programs run.
    _links: Vec<OwnedFd>,
}

impl std::fmt::Debug for Syscalls {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Syscalls").field("lost", &self.lost()).finish_non_exhaustive()
    }
}

/// Talking to the programs failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("could not {attempt} the kernel's system call programs")]
pub struct AccessError {
    attempt: &'static str,
    source: Errno,
}

/// Whether calls are told one by one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Each call is told and counted.
    Telling,
    /// Calls are only counted, which costs the threads less.
    Counting,
}

/// Which calls are told and counted, and how much of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Filter {
    /// A bit for each number.
    pub numbers: [u64; 8],
    /// Whether calls without a place of their own are: unheard of ones and those of 32-bit programs.
    pub others: bool,
    /// Only those that failed.
    pub failed: bool,
    /// Only those that took at least as long.
    pub least: Duration,
    /// How many bytes of content are told; one more is copied, which tells that there is more.
    pub content: u32,
    /// Whether processes that are made by followed ones are followed.
    pub children: bool,
}

/// One thing to copy of a call's memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Capture {
    /// The argument that holds the address, 0 to 5.
    pub argument: u8,
    /// What is there.
    pub what: What,
}

/// What an argument points to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum What {
    /// A path or name that ends with a zero byte: copied up to that, 4096 bytes at most.
    Text,
    /// Content: copied up to the length that a trace shows (`-s`) and one byte more, which tells that there is more.
    Content(Length),
    /// A structure or array: copied whole, 1024 bytes at most.
    Bytes(Length),
    /// An array of `struct iovec` of as many elements as the argument says: the array (16 elements at most), then the
    /// content that each points to. With the result, no more content than that many bytes in all.
    Vectors {
        /// The argument that holds the number of elements.
        count: u8,
        /// Only as much content as the call returned is told (`readv`).
        result: bool,
    },
    /// A `struct msghdr`: the header, its name, its vectors with content, its control data.
    Message {
        /// Only as much content as the call returned is told (`recvmsg`).
        result: bool,
    },
    /// An array of `struct mmsghdr` of as many elements as the argument says (4 at most).
    Messages {
        /// The argument that holds the number of elements.
        count: u8,
        /// The result is the number of elements that are told (`recvmmsg`).
        result: bool,
    },
    /// An array of pointers to texts that ends with a null pointer (`argv`): 33 elements at most, each text as content is cut.
    Texts,
}

/// How many bytes there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Length {
    /// That many.
    Fixed(u16),
    /// What the argument says, times a size.
    Argument(u8, u16),
    /// What the call returned, times a size; nothing where it failed.
    Result(u16),
    /// The 32-bit number to which the argument points (`socklen_t *`), as it is when this is copied.
    Pointed(u8),
}

/// All calls of one number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tally {
    /// Calls that returned. How long one took is not known where it began before it was watched, or was answered in the place
    /// of the kernel: it counts here and as an error, but in none of the times.
    pub calls: u64,
    /// Those of them that failed.
    pub errors: u64,
    /// Nanoseconds in them.
    pub total: u64,
    /// Nanoseconds in the longest.
    pub longest: u64,
    /// How many took between each power of two of nanoseconds and the next.
    pub buckets: [u64; BUCKETS],
}

/// What was lost and who was followed, since the programs were loaded.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Lost {
    /// Calls that were not told: those that were counted, and those in which their threads ended.
    pub calls: u64,
    /// Other events that were not told: signals, ends, beginnings.
    pub events: u64,
    /// Threads that could not be followed for want of memory in the kernel.
    pub threads: u64,
}

/// A thread.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Thread {
    /// Its number in the reader's pid namespace.
    pub thread: u32,
    /// Its process, likewise.
    pub process: u32,
}

#[repr(C)]
#[derive(Clone, Copy, Default)]
struct RawFilter {
    numbers: [u64; 8],
    least: u64,
    others: u32,
    failed: u32,
    content: u32,
    children: u32,
}

#[repr(C)]
#[derive(Clone, Copy, Default)]
struct RawCapture {
    argument: u8,
    what: u8,
    length: u8,
    of: u8,
    size: u16,
    result: u8,
    zero: u8,
}

#[repr(C)]
#[derive(Clone, Copy, Default)]
struct RawCaptures {
    at_enter: u32,
    in_all: u32,
    list: [RawCapture; MOST_CAPTURES],
}

#[repr(C)]
#[derive(Clone, Copy)]
struct RawTally {
    calls: u64,
    errors: u64,
    total: u64,
    longest: u64,
    buckets: [u64; BUCKETS],
}

impl Default for RawTally {
    fn default() -> Self {
        Self { calls: 0, errors: 0, total: 0, longest: 0, buckets: [0; BUCKETS] }
    }
}

// SAFETY: numbers only, in an order that leaves no gaps.
unsafe impl Plain for RawFilter {}
// SAFETY: numbers only, in an order that leaves no gaps.
unsafe impl Plain for RawCaptures {}
// SAFETY: numbers of one size.
unsafe impl Plain for RawTally {}
// SAFETY: a number.
unsafe impl Plain for u32 {}
// SAFETY: a number.
unsafe impl Plain for u64 {}

fn trouble(attempt: &'static str) -> impl FnOnce(Errno) -> AccessError {
    move |source| AccessError { attempt, source }
}

impl Syscalls {
    /// Loads the programs, which follow nobody yet. Needs Linux 5.11, `CAP_BPF` and `CAP_PERFMON` (or `CAP_SYS_ADMIN`).
    pub fn load(kernel: &Kernel, mode: Mode) -> Result<Self, LoadError> {
        // Before 5.15 the kernel does not tell in which call a thread sleeps; such calls then are told from their next one on.
        match Self::load_with(kernel, mode, true) {
            Err(LoadError::Unsupported { .. }) => Self::load_with(kernel, mode, false),
            result => result,
        }
    }

    fn load_with(kernel: &Kernel, mode: Mode, registers: bool) -> Result<Self, LoadError> {
        let constants = [("telling", u32::from(mode == Mode::Telling)), ("registers_known", u32::from(registers))];
        let loaded = Object::load(NAME, OBJECT, kernel, &constants)?;
        let iterator = |name| {
            let program = loaded.program(name, kernel, Place::Iterator("task"))?;
            Iterator::new(program.as_fd()).map_err(|error| LoadError::of(name, &std::io::Error::from(error)))
        };
        let (follow, under_way) = (iterator("follow")?, iterator("under_way")?);
        let mut programs = Vec::with_capacity(TRACEPOINTS.len());
        for (name, place) in TRACEPOINTS {
            programs.push((name, loaded.program(name, kernel, Place::Tracepoint(place))?));
        }
        let ring = ring::open(NAME, loaded.map("events")?)?;
        let wakeups = watch(&ring).map_err(|error| LoadError::of(NAME, &std::io::Error::from(error)))?;
        let array = |name| loaded.map(name).map(Array::new);
        let mut links = Vec::with_capacity(programs.len());
        for (name, program) in &programs {
            links.push(object::attach(program.as_fd()).map_err(|error| LoadError::of(name, &error))?);
        }
        Ok(Self {
            ring,
            wakeups,
            follow,
            under_way,
            targets: array("targets")?,
            filters: array("filters")?,
            by_number: array("by_number")?,
            tallies: array("tallies")?,
            counters: array("counters")?,
            buffer: vec![0; CHUNK].into_boxed_slice(),
            _links: links,
        })
    }

    /// Says which calls are told and counted from now on. At first none is.
    pub fn filter(&self, filter: &Filter) -> Result<(), AccessError> {
        let raw = RawFilter {
            numbers: filter.numbers,
            least: u64::try_from(filter.least.as_nanos()).unwrap_or(u64::MAX),
            others: filter.others.into(),
            failed: filter.failed.into(),
            content: filter.content.min(MOST_CONTENT),
            children: filter.children.into(),
        };
        self.filters.write(0, &raw).map_err(trouble("set the filter of"))
    }

    /// Says what is copied of the memory of calls of one number, when they begin and when they return.
    /// More than [`MOST_CAPTURES`] are not copied.
    pub fn capture(&self, number: u32, at_enter: &[Capture], at_exit: &[Capture]) -> Result<(), AccessError> {
        let mut raw = RawCaptures::default();
        for (to, from) in raw.list.iter_mut().zip(at_enter.iter().chain(at_exit)) {
            *to = from.raw();
        }
        let count = |captures: usize| u32::try_from(captures.min(MOST_CAPTURES)).unwrap_or(0);
        raw.at_enter = count(at_enter.len());
        raw.in_all = count(at_enter.len() + at_exit.len());
        self.by_number.write(number, &raw).map_err(trouble("set the captures of"))
    }

    /// Follows threads: of each number all threads of the process, or the one thread that has the number. Tells which
    /// threads were found; none for a number that nothing has, for kernel threads and for this program itself.
    pub fn follow(&mut self, numbers: &[u32]) -> Result<Vec<Thread>, AccessError> {
        for number in numbers {
            self.targets.write(*number, &1_u32).map_err(trouble("name targets to"))?;
        }
        // Who ends meanwhile says so, so that nobody is followed who is no more.
        self.counters.write(counter::FOLLOWING, &1_u64).map_err(trouble("follow threads with"))?;
        let found = self.follow_targets();
        self.counters.write(counter::FOLLOWING, &0_u64).map_err(trouble("follow threads with"))?;
        found
    }

    fn follow_targets(&mut self) -> Result<Vec<Thread>, AccessError> {
        let mut found = Vec::new();
        for _ in 0..MOST_ROUNDS {
            let before = found.len();
            self.pass(Pass::Follow, 8, &mut |bytes| {
                let mut fields = Fields::new(bytes);
                found.push(Thread { thread: fields.u32(), process: fields.u32() });
            })?;
            if found.len() == before {
                break;
            }
        }
        Ok(found)
    }

    /// Waits until the ring is filling up, at most this long.
    pub fn wait(&self, at_most: Duration) {
        let mut events = [epoll::Event { flags: epoll::EventFlags::empty(), data: epoll::EventData::new_u64(0) }];
        let timeout = Timespec::try_from(at_most).unwrap_or(Timespec { tv_sec: 1, tv_nsec: 0 });
        // An interruption is as good as the end of the time: the caller looks into the ring either way.
        if epoll::wait(&self.wakeups, &mut events, Some(&timeout)).is_err() {
            // Nothing to do.
        }
    }

    /// Hands at most so many events to `each`, in the order of each thread; says how many there were.
    pub fn drain(&mut self, most: usize, mut each: impl FnMut(Event<'_>)) -> usize {
        let mut count = 0;
        while count < most {
            let Some(bytes) = self.ring.next() else { break };
            count += 1;
            if let Some(event) = Event::parse(&bytes) {
                each(event);
            }
        }
        count
    }

    /// Hands every call that is under way to `each`.
    pub fn under_way(&mut self, mut each: impl FnMut(Event<'_>)) -> Result<(), AccessError> {
        self.pass(Pass::UnderWay, record::CALL, &mut |bytes| {
            if let Some(event) = Event::parse(bytes) {
                each(event);
            }
        })
    }

    /// Calls by number, those that were made; the last one, numbered [`NUMBERS`], has all without a place of their own.
    pub fn tallies(&self) -> Result<Vec<(u32, Tally)>, AccessError> {
        let mut each = vec![RawTally::default(); array::processors().map_err(trouble("read the counts of"))?];
        let mut tallies = Vec::new();
        for number in 0..=NUMBERS {
            self.tallies.read_each(number, &mut each).map_err(trouble("read the counts of"))?;
            let tally = each.iter().fold(Tally::default(), Tally::with);
            if tally.calls > 0 {
                tallies.push((number, tally));
            }
        }
        Ok(tallies)
    }

    /// What was lost.
    #[must_use]
    pub fn lost(&self) -> Lost {
        let [calls, events, threads] =
            [counter::LOST_CALLS, counter::LOST_EVENTS, counter::NOT_FOLLOWED].map(|at| self.counter(at));
        Lost { calls, events, threads }
    }

    /// Followed threads that have not ended.
    #[must_use]
    pub fn living(&self) -> u64 {
        let ended = self.counter(counter::THREADS_ENDED);
        self.counter(counter::THREADS_FOLLOWED).saturating_sub(ended)
    }

    fn counter(&self, at: u32) -> u64 {
        // An array of numbers is there as long as we hold it.
        self.counters.read(at).unwrap_or(0)
    }

    fn pass(&mut self, pass: Pass, size: usize, each: &mut dyn FnMut(&[u8])) -> Result<(), AccessError> {
        let (iterator, attempt) = match pass {
            Pass::Follow => (&self.follow, "follow threads with"),
            Pass::UnderWay => (&self.under_way, "read the calls under way from"),
        };
        let records = iterator.begin().map_err(trouble(attempt))?;
        let mut filled = 0;
        loop {
            let Some(room) = self.buffer.get_mut(filled..) else { return Ok(()) };
            match read(&records, &mut *room) {
                Ok(0) => return Ok(()),
                Ok(got) => filled += got,
                Err(Errno::AGAIN | Errno::INTR) => continue,
                Err(error) => return Err(trouble(attempt)(error)),
            }
            let whole = filled - filled % size;
            for record in self.buffer.get(..whole).unwrap_or_default().chunks_exact(size) {
                each(record);
            }
            self.buffer.copy_within(whole..filled, 0);
            filled -= whole;
        }
    }
}

/// Which iterator is read.
#[derive(Clone, Copy)]
enum Pass {
    Follow,
    UnderWay,
}

/// An `epoll` that tells each wake-up once, whatever waits in the ring: otherwise a look at a ring that is not empty returns
/// at once, and the reader would run for every few records.
fn watch(ring: &RingBuf<MapData>) -> Result<OwnedFd, Errno> {
    let wakeups = epoll::create(epoll::CreateFlags::CLOEXEC)?;
    let flags = epoll::EventFlags::IN | epoll::EventFlags::ET;
    epoll::add(&wakeups, ring.as_fd(), epoll::EventData::new_u64(0), flags)?;
    Ok(wakeups)
}

impl Capture {
    fn raw(self) -> RawCapture {
        let raw = RawCapture { argument: self.argument, ..RawCapture::default() };
        match self.what {
            What::Text => RawCapture { what: 0, ..raw },
            What::Content(length) => length.raw(RawCapture { what: 1, ..raw }),
            What::Bytes(length) => length.raw(RawCapture { what: 2, ..raw }),
            What::Vectors { count, result } => RawCapture { what: 3, of: count, result: result.into(), ..raw },
            What::Message { result } => RawCapture { what: 4, result: result.into(), ..raw },
            What::Messages { count, result } => RawCapture { what: 5, of: count, result: result.into(), ..raw },
            What::Texts => RawCapture { what: 6, ..raw },
        }
    }
}

impl Length {
    fn raw(self, raw: RawCapture) -> RawCapture {
        match self {
            Self::Fixed(size) => RawCapture { length: 0, size, ..raw },
            Self::Argument(of, size) => RawCapture { length: 1, of, size, ..raw },
            Self::Result(size) => RawCapture { length: 2, size, ..raw },
            Self::Pointed(of) => RawCapture { length: 3, of, ..raw },
        }
    }
}

impl Default for Tally {
    fn default() -> Self {
        Self { calls: 0, errors: 0, total: 0, longest: 0, buckets: [0; BUCKETS] }
    }
}

impl Tally {
    fn with(mut self, one: &RawTally) -> Self {
        self.calls = self.calls.saturating_add(one.calls);
        self.errors = self.errors.saturating_add(one.errors);
        self.total = self.total.saturating_add(one.total);
        self.longest = self.longest.max(one.longest);
        for (sum, one) in self.buckets.iter_mut().zip(one.buckets) {
            *sum = sum.saturating_add(one);
        }
        self
    }
}
