//! What processes run and how they end, as it happens: read from a ring that the kernel fills, at every tick.

mod event;

use aya::EbpfLoader;
use aya::maps::{Array, MapData, RingBuf};
use aya::programs::tp_btf::BtfTracePointLink;

pub use event::{Event, Executed, Exited, Freed, Id, Sender, WaitStatus};

use crate::kernel::{Kernel, LoadError};
use crate::program;

/// The object, as errors name it.
const OBJECT: &str = "lifecycle";
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
    lost: Array<MapData, u64>,
    /// As long as these live, the programs run.
    _links: Vec<BtfTracePointLink>,
}

impl std::fmt::Debug for Lifecycle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Lifecycle").field("lost", &self.lost()).finish_non_exhaustive()
    }
}

impl Lifecycle {
    /// Loads the programs and lets them run. Needs Linux 5.8, `CAP_BPF` and `CAP_PERFMON` (or `CAP_SYS_ADMIN`).
    pub fn load(kernel: &Kernel) -> Result<Self, LoadError> {
        let object = aya::include_bytes_aligned!("../objects/lifecycle.bpf.o");
        let mut loader = EbpfLoader::new();
        let mut loaded = loader.btf(Some(&kernel.btf)).load(object).map_err(|error| LoadError::of(OBJECT, &error))?;
        let ring = program::map(&mut loaded, OBJECT, "events")?;
        let ring = RingBuf::try_from(ring).map_err(|error| LoadError::of(OBJECT, &error))?;
        let lost = Array::try_from(program::map(&mut loaded, OBJECT, ".bss")?)
            .map_err(|error| LoadError::of(OBJECT, &error))?;
        let mut links = Vec::with_capacity(PROGRAMS.len());
        for (name, place) in PROGRAMS {
            links.push(program::attach(&mut loaded, kernel, name, place)?);
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
        self.lost.get(&0, 0).unwrap_or(0)
    }
}
