//! Network bytes by process and by socket, counted where programs call the kernel: exact payload, TCP and UDP, whoever holds
//! the socket at the time.
//!
//! What the kernel does not show to the program: bytes that `splice(2)` takes out of a socket, and those that
//! `TCP_ZEROCOPY_RECEIVE` maps.

mod places;
mod record;

use std::fs::File;
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;
use std::sync::Arc;

use aya::maps::{MapData, RingBuf};
use rustix::io::{Errno, read};

pub use record::{Closed, ProcessTraffic, Socket, Traffic, User};

use crate::iterator::Iterator;
use crate::kernel::{Kernel, LoadError};
use crate::map::HashMap;
use crate::object::{self, Object, Place};
use crate::ring;
use places::Places;
use record::{Counters, Key};

/// The programs, compiled.
pub(crate) const OBJECT: &[u8] = aya::include_bytes_aligned!("../objects/network.bpf.o");
/// What the programs are called together in messages.
const PROGRAM: &str = "network";
/// Programs on tracepoints: those that count come last, so that nothing is counted that has no end.
const TRACEPOINTS: [(&str, &str); 4] = [
    ("tcp_destroyed", "tcp_destroy_sock"),
    ("thread_ended", "sched_process_exit"),
    ("socket_sent", "sock_send_length"),
    ("socket_received", "sock_recv_length"),
];
/// The kernel gives at most 32 KiB a read.
const CHUNK: usize = 64 << 10;
/// Places of the control groups' second version below sysfs.
const CGROUPS: [&str; 2] = ["fs/cgroup", "fs/cgroup/unified"];
const CGROUP2_MAGIC: i64 = 0x6367_7270;

/// Both readers; each may live on a thread of its own.
#[derive(Debug)]
pub struct Network {
    /// Traffic by process.
    pub processes: ByProcess,
    /// Traffic by socket.
    pub sockets: BySocket,
}

/// What could not be counted, since the program was loaded.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Lost {
    /// Calls of processes for which the table had no room.
    pub calls: u64,
    /// Calls on sockets that could not be given a record.
    pub socket_calls: u64,
    /// Sockets whose end was not recorded.
    pub closed: u64,
}

/// Reading from the program failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("could not read network traffic from the kernel")]
pub struct ReadError {
    #[from]
    source: Errno,
}

/// Traffic by process.
#[derive(Debug)]
pub struct ByProcess {
    /// What ended threads have left to their processes.
    left: HashMap<Key, Counters>,
    /// What living threads moved.
    living: Places,
    found: Vec<ProcessTraffic>,
    /// Those of the reading before.
    before: Vec<ProcessTraffic>,
    programs: Arc<Programs>,
}

/// Traffic by socket.
#[derive(Debug)]
pub struct BySocket {
    open: Records,
    closed: Closings,
    udp_ends: bool,
    _programs: Arc<Programs>,
}

/// The programs, which count as long as this lives, and what they lost.
#[derive(Debug)]
struct Programs {
    _links: Vec<OwnedFd>,
    lost: OwnedFd,
}

/// An iterator and room for what it tells.
#[derive(Debug)]
struct Records {
    iterator: Iterator,
    buffer: Box<[u8]>,
}

struct Closings(RingBuf<MapData>);

impl std::fmt::Debug for Closings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Closings").finish_non_exhaustive()
    }
}

impl Network {
    /// Loads the programs and begins to count. Needs Linux 6.3, `CAP_BPF` and `CAP_PERFMON`; for the ends of UDP sockets
    /// `CAP_NET_ADMIN` and control groups of version 2 below `sys` as well, without which only those are missing.
    pub fn load(kernel: &Kernel, sys: &Path) -> Result<Self, LoadError> {
        let loaded = Object::load(PROGRAM, OBJECT, kernel, &[])?;
        let open = open_sockets(&loaded, kernel)?;
        let living = Places::map(&loaded.map("states")?, &loaded.map("places")?)
            .map_err(|error| LoadError::of(PROGRAM, &std::io::Error::from(error)))?;
        let mut programs = Vec::with_capacity(TRACEPOINTS.len());
        for (name, tracepoint) in TRACEPOINTS {
            programs.push((name, loaded.program(name, kernel, Place::Tracepoint(tracepoint))?));
        }
        let udp_ends = attach_to_groups(&loaded, kernel, sys);
        let tells_udp_ends = udp_ends.is_some();
        let mut links: Vec<OwnedFd> = udp_ends.into_iter().collect();
        for (name, program) in &programs {
            links.push(object::attach(program.as_fd()).map_err(|error| LoadError::of(name, &error))?);
        }
        let left = HashMap::new(loaded.map("by_process")?);
        let closed = Closings(ring::open(PROGRAM, loaded.map("closed")?)?);
        let programs = Arc::new(Programs { _links: links, lost: loaded.map("lost")? });
        let own = Arc::clone(&programs);
        Ok(Self {
            processes: ByProcess { left, living, found: Vec::new(), before: Vec::new(), programs: own },
            sockets: BySocket { open, closed, udp_ends: tells_udp_ends, _programs: programs },
        })
    }
}

impl ByProcess {
    /// Reads the traffic of every process that had any, in order of pid and start; the kernel's own comes first. Who ended
    /// before it began is told to the last byte.
    pub fn read(&mut self) -> Result<&[ProcessTraffic], ReadError> {
        std::mem::swap(&mut self.found, &mut self.before);
        if let Err(error) = self.read_anew() {
            std::mem::swap(&mut self.found, &mut self.before);
            return Err(error);
        }
        Ok(&self.found)
    }

    fn read_anew(&mut self) -> Result<(), ReadError> {
        let Self { left, living, found, before, .. } = self;
        // In this order, so that nothing is counted twice. A thread that ends in between is missing in both, which what was
        // found before makes good until the next reading.
        left.read(found, ProcessTraffic::left)?;
        living.read(|process| found.push(process));
        found.sort_unstable_by_key(|process| process.key);
        found.dedup_by(|next, process| {
            let same = next.key == process.key;
            if same {
                process.traffic = process.traffic.plus(next.traffic);
                process.lives |= next.lives;
            }
            same
        });
        never_less(found, before);
        Ok(())
    }

    /// What [`Self::read`] found last.
    #[must_use]
    pub fn latest(&self) -> &[ProcessTraffic] {
        &self.found
    }

    /// Makes room: takes out a process that has ended. One of which threads live would come again with what they moved.
    pub fn forget(&mut self, process: &ProcessTraffic) -> Result<(), ReadError> {
        self.left.remove(&process.key)?;
        if let Ok(at) = self.found.binary_search_by_key(&process.key, |found| found.key) {
            self.found.remove(at);
        }
        Ok(())
    }

    /// What could not be counted.
    #[must_use]
    pub fn lost(&self) -> Lost {
        let at = |place| object::read_number(self.programs.lost.as_fd(), place).unwrap_or(0);
        Lost { calls: at(0), socket_calls: at(1), closed: at(2) }
    }
}

/// Raises what was found to what was found before, where that is more. Both are in order.
fn never_less(found: &mut Vec<ProcessTraffic>, before: &[ProcessTraffic]) {
    let (mut at, known) = (0, found.len());
    for earlier in before {
        while found.get(at).is_some_and(|process| at < known && process.key < earlier.key) {
            at += 1;
        }
        match found.get_mut(at) {
            Some(process) if at < known && process.key == earlier.key => {
                process.traffic = process.traffic.or_more(earlier.traffic);
            }
            _ => found.push(ProcessTraffic { lives: false, ..*earlier }),
        }
    }
    if found.len() > known {
        found.sort_unstable_by_key(|process| process.key);
    }
}

impl Records {
    fn new(iterator: Iterator) -> Self {
        Self { iterator, buffer: vec![0; CHUNK].into_boxed_slice() }
    }

    /// Reads all records; `take` says how many bytes of what it is shown were whole ones.
    fn read(&mut self, mut take: impl FnMut(&[u8]) -> usize) -> Result<(), ReadError> {
        let pass = self.iterator.begin()?;
        let mut filled = 0;
        loop {
            let Some(room) = self.buffer.get_mut(filled..).filter(|room| !room.is_empty()) else {
                return Err(Errno::OVERFLOW.into());
            };
            filled += match read(&pass, room) {
                Ok(0) => return Ok(()),
                Ok(got) => got,
                Err(Errno::AGAIN | Errno::INTR) => continue,
                Err(error) => return Err(error.into()),
            };
            let taken = take(self.buffer.get(..filled).unwrap_or_default()).min(filled);
            self.buffer.copy_within(taken..filled, 0);
            filled -= taken;
        }
    }
}

impl BySocket {
    /// Whether the ends of UDP sockets are told; those of TCP sockets always are.
    #[must_use]
    pub const fn tells_udp_ends(&self) -> bool {
        self.udp_ends
    }

    /// Shows every open socket that had any traffic.
    pub fn open(&mut self, each: &mut dyn FnMut(&Socket)) -> Result<(), ReadError> {
        self.open.read(|bytes| record::sockets(bytes, &mut *each))
    }

    /// Shows every socket that was closed since the last call.
    pub fn closed(&mut self, each: &mut dyn FnMut(&Closed)) {
        while let Some(item) = self.closed.0.next() {
            if let Some(closed) = Closed::parse(&item) {
                each(&closed);
            }
        }
    }
}

fn open_sockets(loaded: &Object, kernel: &Kernel) -> Result<Records, LoadError> {
    const NAME: &str = "open_sockets";
    let map = loaded.map("by_socket")?;
    let program = loaded.program(NAME, kernel, Place::Iterator("bpf_sk_storage_map"))?;
    let iterator = Iterator::over(program.as_fd(), map.as_fd());
    Ok(Records::new(iterator.map_err(|error| LoadError::of(NAME, &std::io::Error::from(error)))?))
}

/// Lets the root control group tell of the ends of UDP sockets; none where that cannot be had.
fn attach_to_groups(loaded: &Object, kernel: &Kernel, sys: &Path) -> Option<OwnedFd> {
    let root = CGROUPS.iter().find_map(|place| {
        let directory = File::open(sys.join(place)).ok()?;
        let kind = rustix::fs::fstatfs(&directory).ok()?.f_type;
        (i128::from(kind) == i128::from(CGROUP2_MAGIC)).then_some(directory)
    })?;
    let program = loaded.program("udp_released", kernel, Place::SocketRelease).ok()?;
    object::attach_to_group(program.as_fd(), root.as_fd()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn moved(list: &[(u64, u64)]) -> Vec<ProcessTraffic> {
        let process = |&(start, received)| ProcessTraffic::of(7, start, received);
        list.iter().map(process).collect()
    }

    #[test]
    fn what_was_found_once_is_never_less() {
        let mut found = moved(&[(1, 10), (3, 30), (5, 50)]);
        never_less(&mut found, &moved(&[(0, 1), (1, 9), (2, 2), (3, 31), (6, 60)]));
        assert_eq!(found, moved(&[(0, 1), (1, 10), (2, 2), (3, 31), (5, 50), (6, 60)]));
        let mut nothing = Vec::new();
        never_less(&mut nothing, &found);
        assert_eq!(nothing, found);
    }
}
