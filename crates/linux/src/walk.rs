//! One pass over all processes: `stat`, `status` and `io` of each, with buffers and descriptors that are used again.
//!
//! The steady state allocates nothing. Descriptors of the three files can be held from one pass to the next: a read
//! then costs a third less than opening, reading and closing, and stays with its process when the pid is used again
//! (the kernel answers `ESRCH`). Without holding, a process' files are opened below its directory for the same reason.

use std::collections::HashMap;
use std::mem::MaybeUninit;
use std::ops::ControlFlow;
use std::os::fd::{AsFd, OwnedFd};

use procyon_units::Reading;
use rustix::fs::{SeekFrom, seek};
use rustix::io::{Errno, pread};

use crate::proc::pid_io::{self, PidIo};
use crate::proc::pid_stat::{self, PidStat};
use crate::proc::pid_status::{self, PidStatus};
use crate::proc::{Lost, OpenError, PidDir, ProcDir, each_number};
use crate::root::Root;

/// Whether files stay open from one pass to the next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Descriptors {
    /// Each pass opens them anew.
    Reopen,
    /// At most `most` descriptors stay open, three a process; further processes are read by opening.
    Hold {
        /// Bound of descriptors.
        most: usize,
    },
}

impl Descriptors {
    /// Holds up to half of the descriptors that we may open: the other half is for everything else.
    pub fn within_limit() -> Self {
        let limit = usize::try_from(crate::own::descriptor_limit()).unwrap_or(usize::MAX);
        Self::Hold { most: (limit / 2).min(MOST_HELD) }
    }
}

/// Each held file costs the kernel about 5 KiB; past this the saving is not worth it.
const MOST_HELD: usize = 60_000;

/// What was read of one process; all of it belongs to one process.
#[derive(Debug)]
pub struct ProcessFiles<'a> {
    /// `stat`.
    pub stat: PidStat<'a>,
    /// `status`.
    pub status: PidStatus,
    /// `io`; `Forbidden` for processes of others without `CAP_SYS_PTRACE`.
    pub io: Reading<PidIo>,
}

/// What one pass met.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct WalkCounts {
    /// Processes handed over.
    pub read: u32,
    /// Ended while they were read.
    pub vanished: u32,
    /// Hidden by `hidepid` or a security module: listed but not readable.
    pub forbidden: u32,
    /// Answered something that is not understood.
    pub failed: u32,
    /// Descriptors held when the pass was over.
    pub held: u32,
}

/// The list of processes could not be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("could not list the processes")]
pub struct WalkError {
    #[from]
    source: Errno,
}

/// Reads the process table again and again.
#[derive(Debug)]
pub struct ProcessWalk {
    proc: ProcDir,
    entries: Box<[MaybeUninit<u8>]>,
    reader: Reader,
    held: Held,
}

/// Room for the entries that the kernel gives in one call: about a thousand processes.
const ENTRIES: usize = 32 << 10;

/// A pass tries again every so often to open an `io` file that was forbidden: the process may have changed its user.
const RETRY_FORBIDDEN: u64 = 16;

impl ProcessWalk {
    /// Opens the procfs of a root.
    pub fn new(root: &Root, descriptors: Descriptors) -> Result<Self, OpenError> {
        Ok(Self {
            proc: ProcDir::open(root)?,
            entries: vec![MaybeUninit::uninit(); ENTRIES].into_boxed_slice(),
            reader: Reader::default(),
            held: Held {
                files: HashMap::new(),
                most: match descriptors {
                    Descriptors::Reopen => 0,
                    Descriptors::Hold { most } => most,
                },
                round: 0,
            },
        })
    }

    /// Hands every process to `each`, in the order of their pids.
    pub fn walk(&mut self, mut each: impl FnMut(ProcessFiles<'_>)) -> Result<WalkCounts, WalkError> {
        let Self { proc, entries, reader, held } = self;
        let mut counts = WalkCounts::default();
        held.round += 1;
        seek(proc.fd(), SeekFrom::Start(0))?;
        each_number(proc.fd(), entries, |pid| {
            match reader.read(proc, held, pid) {
                Ok(files) => {
                    counts.read += 1;
                    each(files);
                }
                Err(Miss::Vanished) => counts.vanished += 1,
                Err(Miss::Forbidden) => counts.forbidden += 1,
                Err(Miss::Failed) => counts.failed += 1,
            }
            ControlFlow::Continue(())
        })?;
        held.forget_ended();
        counts.held = u32::try_from(held.descriptors()).unwrap_or(u32::MAX);
        Ok(counts)
    }

    /// Hands one process to `each`, if it is there.
    pub fn visit(&mut self, pid: u32, each: impl FnOnce(ProcessFiles<'_>)) -> Result<(), Miss> {
        self.reader.read(&self.proc, &mut self.held, pid).map(each)
    }

    /// Puts the ids of all processes into `pids`, in ascending order, without reading them.
    pub fn list(&mut self, pids: &mut Vec<u32>) -> Result<(), WalkError> {
        pids.clear();
        seek(self.proc.fd(), SeekFrom::Start(0))?;
        each_number(self.proc.fd(), &mut self.entries, |pid| {
            pids.push(pid);
            ControlFlow::Continue(())
        })?;
        Ok(())
    }

    /// The procfs that is walked, for readers of single processes.
    pub const fn proc(&self) -> &ProcDir {
        &self.proc
    }
}

/// Why a listed process was not read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Miss {
    /// It has ended.
    Vanished,
    /// It is hidden by `hidepid` or a security module.
    Forbidden,
    /// It answered something that is not understood.
    Failed,
}

impl From<Errno> for Miss {
    fn from(error: Errno) -> Self {
        match error {
            Errno::NOENT | Errno::SRCH => Self::Vanished,
            Errno::ACCESS | Errno::PERM => Self::Forbidden,
            _ => Self::Failed,
        }
    }
}

/// Open files of processes, by pid.
#[derive(Debug)]
struct Held {
    files: HashMap<u32, Files>,
    most: usize,
    round: u64,
}

/// The three files of one process.
#[derive(Debug)]
struct Files {
    stat: OwnedFd,
    status: OwnedFd,
    io: Reading<OwnedFd>,
    /// The last pass that read them.
    round: u64,
}

const FILES: usize = 3;

impl Held {
    fn descriptors(&self) -> usize {
        self.files.len() * FILES
    }

    fn has_room(&self) -> bool {
        self.descriptors() + FILES <= self.most
    }

    fn forget_ended(&mut self) {
        let round = self.round;
        self.files.retain(|_, files| files.round == round);
    }

    /// Gives half of the descriptors back, and asks for no more than that again.
    fn shrink(&mut self) {
        self.most = self.descriptors() / 2;
        let mut keep = self.most / FILES;
        self.files.retain(|_, _| {
            let kept = keep > 0;
            keep = keep.saturating_sub(1);
            kept
        });
    }
}

impl Files {
    fn open(proc: &ProcDir, pid: u32, round: u64) -> Result<Self, Errno> {
        let dir = open_directory(proc, pid)?;
        Ok(Self { stat: dir.open_file(c"stat")?, status: dir.open_file(c"status")?, io: open_io(proc, &dir)?, round })
    }
}

fn open_directory(proc: &ProcDir, pid: u32) -> Result<PidDir, Errno> {
    PidDir::open(proc, pid).map_err(|lost| match lost {
        Lost::Vanished => Errno::SRCH,
        Lost::Failed { source, .. } => source,
    })
}

fn open_io(proc: &ProcDir, dir: &PidDir) -> Result<Reading<OwnedFd>, Errno> {
    if !proc.accounts_io() {
        return Ok(Reading::Unsupported);
    }
    match dir.open_file(c"io") {
        Ok(file) => Ok(Reading::Known(file)),
        Err(Errno::ACCESS | Errno::PERM) => Ok(Reading::Forbidden),
        Err(error) => Err(error),
    }
}

/// The buffers of a pass.
#[derive(Debug, Default)]
struct Reader {
    stat: Vec<u8>,
    other: Vec<u8>,
}

impl Reader {
    fn read(&mut self, proc: &ProcDir, held: &mut Held, pid: u32) -> Result<ProcessFiles<'_>, Miss> {
        let (status, io) = self.fill(proc, held, pid)?;
        let stat = pid_stat::parse(&self.stat).ok_or(Miss::Failed)?;
        Ok(ProcessFiles { stat, status, io })
    }

    /// Fills the buffer of `stat` and gives the others.
    fn fill(&mut self, proc: &ProcDir, held: &mut Held, pid: u32) -> Result<(PidStatus, Reading<PidIo>), Miss> {
        let round = held.round;
        if let Some(files) = held.files.get_mut(&pid) {
            files.round = round;
            let again =
                matches!(files.io, Reading::Forbidden) && (round + u64::from(pid)).is_multiple_of(RETRY_FORBIDDEN);
            match self.read_files(files) {
                Ok(read) if !again => return Ok(read),
                Ok(_) | Err(Miss::Vanished) => held.files.remove(&pid),
                Err(miss) => return Err(miss),
            };
        }
        if !held.has_room() {
            return self.read_once(proc, pid);
        }
        match Files::open(proc, pid, round) {
            Ok(files) => {
                let read = self.read_files(&files)?;
                held.files.insert(pid, files);
                Ok(read)
            }
            Err(Errno::MFILE | Errno::NFILE) => {
                held.shrink();
                self.read_once(proc, pid)
            }
            Err(error) => Err(error.into()),
        }
    }

    fn read_files(&mut self, files: &Files) -> Result<(PidStatus, Reading<PidIo>), Miss> {
        fill(&files.stat, &mut self.stat)?;
        let status = self.status(&files.status)?;
        let io = self.io(files.io.as_ref())?;
        Ok((status, io))
    }

    /// Opens, reads and closes one file after the other.
    fn read_once(&mut self, proc: &ProcDir, pid: u32) -> Result<(PidStatus, Reading<PidIo>), Miss> {
        let dir = open_directory(proc, pid)?;
        fill(dir.open_file(c"stat")?, &mut self.stat)?;
        let status = self.status(&dir.open_file(c"status")?)?;
        let io = self.io(open_io(proc, &dir)?.as_ref())?;
        Ok((status, io))
    }

    fn status(&mut self, file: &OwnedFd) -> Result<PidStatus, Miss> {
        fill(file, &mut self.other)?;
        pid_status::parse(&self.other).ok_or(Miss::Failed)
    }

    fn io(&mut self, file: Reading<&OwnedFd>) -> Result<Reading<PidIo>, Miss> {
        let Reading::Known(file) = file else { return Ok(file.map(|_| PidIo::default())) };
        match fill(file, &mut self.other) {
            Ok(()) => Ok(pid_io::parse(&self.other).map_or(Reading::Unsupported, Reading::Known)),
            Err(Errno::ACCESS | Errno::PERM) => Ok(Reading::Forbidden),
            Err(error) => Err(error.into()),
        }
    }
}

/// Room for `stat`, `status` with a few hundred groups, and `io`.
const FIRST_READ: usize = 8 << 10;

/// A `status` with the 65536 groups that the kernel allows.
const LARGEST_FILE: usize = 1 << 20;

/// Reads a file of one record from its start: one call, unless it does not fit.
fn fill(file: impl AsFd, buffer: &mut Vec<u8>) -> Result<(), Errno> {
    buffer.clear();
    buffer.reserve(FIRST_READ);
    loop {
        let offset = u64::try_from(buffer.len()).unwrap_or(u64::MAX);
        match pread(file.as_fd(), rustix::buffer::spare_capacity(buffer), offset) {
            Ok(0) => return Ok(()),
            Ok(_) if buffer.len() < buffer.capacity() || buffer.len() >= LARGEST_FILE => return Ok(()),
            Ok(_) => buffer.reserve(buffer.capacity()),
            Err(Errno::INTR) => {}
            Err(error) => return Err(error),
        }
    }
}
