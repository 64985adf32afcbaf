//! The process table: one read of the kernel's own list of threads, summed by process.

mod record;
mod sum;

use std::os::fd::AsFd;

use rustix::io::{Errno, read};

pub use record::{Memory, Process};
pub use sum::Counted;

use crate::iterator::Iterator;
use crate::kernel::{Kernel, LoadError};
use crate::object::{Object, Place};
use record::Record;
use sum::Sums;

/// The program, compiled.
pub(crate) const OBJECT: &[u8] = aya::include_bytes_aligned!("../objects/processes.bpf.o");
/// Name of the program in `c/processes.bpf.c`.
const PROGRAM: &str = "processes";
/// The kernel gives at most 32 KiB a read.
const CHUNK: usize = 64 << 10;
/// Processors up to which `c/processes.bpf.c` adds up memory exactly (`MOST_CPUS`).
const MOST_CPUS: usize = 1024;

/// The kernel's process table, read again and again.
#[derive(Debug)]
pub struct ProcessTable {
    iterator: Iterator,
    buffer: Box<[u8]>,
    sums: Sums,
    page: u64,
    exact: bool,
}

/// A pass over the process table failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("could not read the process table from the kernel")]
pub struct ReadError {
    #[from]
    source: Errno,
}

impl ProcessTable {
    /// Loads the program. Needs Linux 5.8, `CAP_BPF` and `CAP_PERFMON` (or `CAP_SYS_ADMIN`).
    pub fn load(kernel: &Kernel) -> Result<Self, LoadError> {
        // Before 5.19 the kernel cannot tell where the counters of each processor lie; memory then lags by some pages.
        let (iterator, exact) = match load(kernel, true) {
            Err(LoadError::Unsupported { .. }) => (load(kernel, false)?, false),
            result => (result?, true),
        };
        let page = u64::try_from(rustix::param::page_size()).unwrap_or(4096);
        Ok(Self { iterator, buffer: vec![0; CHUNK].into_boxed_slice(), sums: Sums::default(), page, exact })
    }

    /// Whether memory is exact, as in `/proc/PID/status`; without it lags by up to some hundred pages per processor.
    #[must_use]
    pub const fn is_exact(&self) -> bool {
        self.exact
    }

    /// Bytes of a page, in which memory is counted.
    #[must_use]
    pub const fn page(&self) -> u64 {
        self.page
    }

    /// Reads every process, in ascending order of pid.
    pub fn read(&mut self) -> Result<&[Counted], ReadError> {
        self.sums.clear();
        let pass = self.iterator.begin()?;
        let mut filled = 0;
        loop {
            let Some(room) = self.buffer.get_mut(filled..) else { return Err(Errno::OVERFLOW.into()) };
            let got = match read(&pass, &mut *room) {
                Ok(0) => break,
                Ok(got) => got,
                // After a million threads the kernel takes a breath.
                Err(Errno::AGAIN | Errno::INTR) => continue,
                Err(error) => return Err(error.into()),
            };
            filled += got;
            let mut rest = self.buffer.get(..filled).unwrap_or_default();
            while let Some((record, tail)) = Record::take(rest, self.page) {
                rest = tail;
                match record {
                    Record::Process(process) => self.sums.process(&process),
                    Record::Thread { pid, counts } => self.sums.thread(pid, &counts),
                }
            }
            let left = rest.len();
            self.buffer.copy_within(filled - left..filled, 0);
            filled = left;
        }
        Ok(self.sums.finish())
    }

    /// Reads what [`Self::read`] reads and looks at nothing: what the kernel's part costs. Returns the bytes.
    pub fn read_bare(&mut self) -> Result<usize, ReadError> {
        let pass = self.iterator.begin()?;
        let mut bytes = 0;
        loop {
            match read(&pass, &mut *self.buffer) {
                Ok(0) => return Ok(bytes),
                Ok(got) => bytes += got,
                Err(Errno::AGAIN | Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }
}

fn load(kernel: &Kernel, exact: bool) -> Result<Iterator, LoadError> {
    let cpus = aya::util::nr_cpus().map_err(|(_, error)| LoadError::of(PROGRAM, &error))?;
    let exact = exact && cpus <= MOST_CPUS;
    let (cpus, exact) = (u32::try_from(cpus).unwrap_or(u32::MAX), u32::from(exact));
    let loaded = Object::load(PROGRAM, OBJECT, kernel, &[("cpus", cpus), ("exact", exact)])?;
    let program = loaded.program(PROGRAM, kernel, Place::Iterator("task"))?;
    // The link keeps the program and its maps; the loader's copy of both goes.
    Iterator::new(program.as_fd()).map_err(|error| LoadError::of(PROGRAM, &std::io::Error::from(error)))
}
