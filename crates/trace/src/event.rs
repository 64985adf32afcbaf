//! What an engine tells of the threads that it follows.

use crate::call::Call;

/// A thread, as numbered in our own pid namespace.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Who {
    /// The thread.
    pub thread: u32,
    /// Its process.
    pub process: u32,
}

/// A thread that was made by one that is followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Child {
    /// The thread.
    pub thread: u32,
    /// Its process.
    pub process: u32,
    /// The process that made it; the same one for a thread of it.
    pub parent: u32,
}

impl Child {
    /// Who it is.
    #[must_use]
    pub const fn who(self) -> Who {
        Who { thread: self.thread, process: self.process }
    }
}

/// One thing that happened. What one thread did comes in the order in which it did it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// A system call came back, or its thread ended in it.
    Call(Call),
    /// A signal was delivered.
    Signal {
        /// To whom.
        who: Who,
        /// When, ns since boot without sleep.
        at: u64,
        /// Its number.
        number: u32,
        /// The beginning of its `siginfo_t`, 48 bytes.
        details: Vec<u8>,
    },
    /// A thread ended.
    Ended {
        /// Which one.
        who: Who,
        /// When.
        at: u64,
        /// How, as `wait(2)` tells it.
        status: u32,
    },
    /// A thread was made by one that is followed, and is followed from now on.
    Followed {
        /// The new one, and who made it.
        who: Child,
        /// When.
        at: u64,
    },
    /// A thread that was not its process's first one runs another program, and is the first one now.
    Renumbered {
        /// What it is now.
        who: Who,
        /// When.
        at: u64,
        /// Which thread it was.
        before: u32,
    },
    /// Here so many events are missing that found no room.
    Lost(u64),
}
