//! What processes run and how they end, as it happens: read from a ring that the kernel fills, at every tick.

mod event;

use std::os::fd::{AsFd, OwnedFd};

use aya::maps::{MapData, RingBuf};

pub use event::{Event, Executed, Exited, Freed, Id, Sender, WaitStatus};

use crate::kernel::{Kernel, LoadError};
use crate::object::{self, Place};
use crate::ring;

/// The programs, compiled.
pub(crate) const OBJECT: &[u8] = aya::include_bytes_aligned!("../objects/lifecycle.bpf.o");
/// What they are called together in messages.
const NAME: &str = "lifecycle";
/// Programs of `c/lifecycle.bpf.c` and the places in the kernel where they run.
const PROGRAMS: &[(&str, &str)] = &[
    ("executed", "sched_process_exec"),
    ("exited", "sched_process_exit"),
    ("freed", "sched_process_free"),
    ("signalled", "signal_generate"),
];

/// Events of all processes of the machine.
pub struct Lifecycle {
    ring: RingBuf<MapData>,
    lost: OwnedFd,
    /// As long as these live, the programs run.
    _links: Vec<OwnedFd>,
}

impl std::fmt::Debug for Lifecycle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Lifecycle").field("lost", &self.lost()).finish_non_exhaustive()
    }
}

impl Lifecycle {
    /// Loads the programs and lets them run. Needs Linux 5.8, `CAP_BPF` and `CAP_PERFMON` (or `CAP_SYS_ADMIN`).
    pub fn load(kernel: &Kernel) -> Result<Self, LoadError> {
        let loaded = object::Object::load(NAME, OBJECT, kernel, &[])?;
        let ring = ring::open(NAME, loaded.map("events")?)?;
        let lost = loaded.map(".bss")?;
        let mut links = Vec::with_capacity(PROGRAMS.len());
        for (name, place) in PROGRAMS {
            let program = loaded.program(name, kernel, Place::Tracepoint(place))?;
            links.push(object::attach(program.as_fd()).map_err(|error| LoadError::of(name, &error))?);
        }
        Ok(Self { ring, lost, _links: links })
    }

    /// Hands every event since the last call to `each`, in the order in which they happened.
    pub fn drain(&mut self, mut each: impl FnMut(Event<'_>)) {
        while let Some(bytes) = self.ring.next() {
            if let Some(event) = Event::parse(&bytes) {
                each(event);
            }
        }
    }

    /// Events that found no room in the ring, since it was loaded.
    #[must_use]
    pub fn lost(&self) -> u64 {
        // An array of one number is there as long as we hold it.
        object::read_number(self.lost.as_fd(), 0).unwrap_or(0)
    }
}
