//! What living threads moved: places that the programs write to and that are mapped here, so that reading them takes no call.

#![expect(unsafe_code, reason = "memory that the kernel shares with us has no safe wrapper")]

use std::os::fd::{AsRawFd, OwnedFd};
use std::ptr::NonNull;
use std::sync::atomic::{AtomicU64, Ordering, fence};

use rustix::io::Errno;

use super::record::{Counters, Key, ProcessTraffic};

/// As many as `c/network.bpf.c` has.
const PLACES: usize = 8192;
/// `struct place`, in words: the process, what it received and sent, calls that did so, padding.
const WORDS: usize = 8;
/// The lowest bits of a state, and what they are where a thread has the place.
const STATES: u64 = 3;
const TAKEN: u64 = 2;

/// The places of all threads.
#[derive(Debug)]
pub(super) struct Places {
    states: Words,
    places: Words,
}

impl Places {
    /// Maps both arrays.
    pub(super) fn map(states: &OwnedFd, places: &OwnedFd) -> Result<Self, Errno> {
        Ok(Self { states: Words::map(states, PLACES)?, places: Words::map(places, PLACES * WORDS)? })
    }

    /// Shows what each thread moved that has a place.
    pub(super) fn read(&self, mut each: impl FnMut(ProcessTraffic)) {
        for (state, place) in self.states.all().iter().zip(self.places.all().chunks_exact(WORDS)) {
            let before = state.load(Ordering::Acquire);
            if before & STATES != TAKEN {
                continue;
            }
            let mut words = [0; WORDS];
            for (word, shared) in words.iter_mut().zip(place) {
                *word = shared.load(Ordering::Relaxed);
            }
            fence(Ordering::Acquire);
            // Another thread may have it by now, and this be half of each.
            if state.load(Ordering::Relaxed) == before {
                each(process(words));
            }
        }
    }
}

fn process([pid, start, received, sent, receive_calls, send_calls, ..]: [u64; WORDS]) -> ProcessTraffic {
    // The pid is the first half of its word in memory.
    let [a, b, c, d, ..] = pid.to_ne_bytes();
    let key = Key::new(u32::from_ne_bytes([a, b, c, d]), start);
    ProcessTraffic::living(key, Counters { received, sent, receive_calls, send_calls })
}

/// Words of an array map, mapped.
#[derive(Debug)]
struct Words {
    start: NonNull<AtomicU64>,
    count: usize,
}

// SAFETY: memory that is mapped for the whole process, of words that are only ever loaded one by one.
unsafe impl Send for Words {}

impl Words {
    fn map(array: &OwnedFd, count: usize) -> Result<Self, Errno> {
        let (any, size) = (std::ptr::null_mut(), count * size_of::<AtomicU64>());
        // SAFETY: a new mapping for reading; the kernel refuses one that is larger than the array.
        let start = unsafe { libc::mmap(any, size, libc::PROT_READ, libc::MAP_SHARED, array.as_raw_fd(), 0) };
        if start == libc::MAP_FAILED {
            return Err(Errno::from_io_error(&std::io::Error::last_os_error()).unwrap_or(Errno::INVAL));
        }
        NonNull::new(start.cast()).map(|start| Self { start, count }).ok_or(Errno::FAULT)
    }

    fn all(&self) -> &[AtomicU64] {
        // SAFETY: so many words are mapped as long as this lives; a mapping begins at a page, and any bits are a word.
        unsafe { std::slice::from_raw_parts(self.start.as_ptr(), self.count) }
    }
}

impl Drop for Words {
    fn drop(&mut self) {
        // SAFETY: our own mapping, of which no reference is left. Where it cannot be given back it stays until the end.
        unsafe { libc::munmap(self.start.as_ptr().cast(), self.count * size_of::<AtomicU64>()) };
    }
}
