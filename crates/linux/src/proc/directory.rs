//! `/proc` and `/proc/PID` held open: everything is read relative to them.

use std::ffi::CStr;
use std::mem::MaybeUninit;
use std::ops::ControlFlow;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::PathBuf;

use procyon_units::{Reading, Ticks};
use rustix::fs::{AtFlags, CWD, Mode, OFlags, RawDir, Stat, openat, readlinkat_raw, statat};
use rustix::io::{Errno, read};

use super::pid_stat;
use crate::root::Root;

/// What came of asking for a figure of one process.
pub type Seen<T> = Result<Reading<T>, Lost>;

/// The process cannot be asked any more, or the kernel answered something unheard of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Lost {
    /// It has ended.
    #[error("the process has ended")]
    Vanished,
    /// The kernel's answer, neither "gone" nor "not permitted" nor "not there".
    #[error("could not read {file} of process {pid}")]
    Failed {
        /// Which process.
        pid: u32,
        /// The file, as `smaps_rollup`.
        file: &'static str,
        /// What the kernel said.
        source: Errno,
    },
}

/// procfs could not be opened.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("could not open {path}")]
pub struct OpenError {
    /// Where it should have been.
    pub path: PathBuf,
    /// What the kernel said.
    pub source: Errno,
}

const DIRECTORY: OFlags = OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::CLOEXEC);
const PLACE: OFlags = OFlags::PATH.union(OFlags::DIRECTORY).union(OFlags::CLOEXEC);
const FILE: OFlags = OFlags::RDONLY.union(OFlags::CLOEXEC).union(OFlags::NOCTTY);

/// procfs, held open.
#[derive(Debug)]
pub struct ProcDir {
    dir: OwnedFd,
    accounts_io: bool,
}

impl ProcDir {
    /// Opens the procfs of a root.
    pub fn open(root: &Root) -> Result<Self, OpenError> {
        let path = root.proc("");
        let dir = openat(CWD, &path, DIRECTORY, Mode::empty()).map_err(|source| OpenError { path, source })?;
        // Kernels without CONFIG_TASK_IO_ACCOUNTING have no io file for anybody.
        let accounts_io = !matches!(statat(&dir, c"self/io", AtFlags::empty()), Err(Errno::NOENT));
        Ok(Self { dir, accounts_io })
    }

    /// Whether this kernel counts reads and writes of each process (`CONFIG_TASK_IO_ACCOUNTING`).
    pub const fn accounts_io(&self) -> bool {
        self.accounts_io
    }

    pub(crate) fn fd(&self) -> BorrowedFd<'_> {
        self.dir.as_fd()
    }
}

/// One process, held by its directory: reads are of this process or fail, also after its pid was used again.
#[derive(Debug)]
pub struct PidDir {
    pid: u32,
    dir: OwnedFd,
}

impl PidDir {
    /// Opens the directory of the process that has this pid now.
    pub fn open(proc: &ProcDir, pid: u32) -> Result<Self, Lost> {
        let name = PidName::new(pid);
        match openat(&proc.dir, name.as_c_str(), PLACE, Mode::empty()) {
            Ok(dir) => Ok(Self { pid, dir }),
            Err(Errno::NOENT | Errno::SRCH) => Err(Lost::Vanished),
            Err(source) => Err(Lost::Failed { pid, file: ".", source }),
        }
    }

    /// Its pid.
    pub const fn pid(&self) -> u32 {
        self.pid
    }

    /// When it started: what tells it from others that had its pid. Source: `/proc/PID/stat` field 22.
    pub fn start_time(&self, buffer: &mut Vec<u8>) -> Seen<Ticks> {
        self.read_with(c"stat", buffer, |text| pid_stat::parse(text).map(|stat| stat.start))
    }

    /// What `stat` says, as far as `take` wants it. Source: `/proc/PID/stat`. Privilege: none.
    pub fn stat<T>(&self, buffer: &mut Vec<u8>, take: impl FnOnce(&pid_stat::PidStat<'_>) -> T) -> Seen<T> {
        self.read_with(c"stat", buffer, |text| pid_stat::parse(text).map(|stat| take(&stat)))
    }

    /// Whether the process still exists (a zombie does).
    pub fn is_alive(&self) -> bool {
        statat(&self.dir, c"stat", AtFlags::empty()).is_ok()
    }

    /// Opens one of its files.
    pub(crate) fn open_file(&self, file: &CStr) -> Result<OwnedFd, Errno> {
        openat(&self.dir, file, FILE, Mode::empty())
    }

    /// Opens one of its directories.
    pub(crate) fn open_directory(&self, name: &CStr) -> Result<OwnedFd, Errno> {
        openat(&self.dir, name, DIRECTORY, Mode::empty())
    }

    /// What `stat(2)` says of one of its entries.
    pub(crate) fn stat_entry(&self, name: &CStr) -> Result<Stat, Errno> {
        statat(&self.dir, name, AtFlags::empty())
    }

    /// Reads one of its files as a whole and parses it; text that does not parse counts as unsupported.
    pub(crate) fn read_with<T>(
        &self,
        file: &'static CStr,
        buffer: &mut Vec<u8>,
        parse: impl FnOnce(&[u8]) -> Option<T>,
    ) -> Seen<T> {
        match self.open_file(file).and_then(|fd| read_upto(&fd, buffer, WHOLE_FILE)) {
            Ok(()) => Ok(parse(buffer).map_or(Reading::Unsupported, Reading::Known)),
            Err(error) => self.explain(file, error),
        }
    }

    /// Where one of its links leads.
    pub(crate) fn read_link(&self, name: &'static CStr) -> Seen<Vec<u8>> {
        match link(self.dir.as_fd(), name) {
            Ok(target) => Ok(Reading::Known(target)),
            // The kernel says ENOENT where there is nothing to lead to, as for the program of a kernel thread.
            Err(Errno::NOENT) if self.is_alive() => Ok(Reading::Absent),
            Err(error) => self.explain(name, error),
        }
    }

    /// What an error says about the figure or the process.
    pub(crate) fn explain<T>(&self, file: &'static CStr, error: Errno) -> Seen<T> {
        match error {
            Errno::ACCESS | Errno::PERM => Ok(Reading::Forbidden),
            Errno::NOENT if self.is_alive() => Ok(Reading::Unsupported),
            // Files about memory answer so for kernel threads and zombies, which have none.
            Errno::SRCH if self.is_alive() => Ok(Reading::Absent),
            Errno::NOENT | Errno::SRCH => Err(Lost::Vanished),
            source => Err(Lost::Failed { pid: self.pid, file: file.to_str().unwrap_or("?"), source }),
        }
    }
}

/// The most that is read of one file of a process: cgroup lines, limits, rollups stay far below.
const WHOLE_FILE: usize = 1 << 20;

/// Reads until the end or until `limit` bytes are there.
pub(crate) fn read_upto(file: impl AsFd, buffer: &mut Vec<u8>, limit: usize) -> Result<(), Errno> {
    buffer.clear();
    loop {
        buffer.reserve(FIRST_READ.min(limit.saturating_sub(buffer.len())));
        match read(file.as_fd(), rustix::buffer::spare_capacity(buffer)) {
            Ok(0) => return Ok(()),
            Ok(_) if buffer.len() >= limit => {
                buffer.truncate(limit);
                return Ok(());
            }
            Ok(_) | Err(Errno::INTR) => {}
            Err(error) => return Err(error),
        }
    }
}

/// Room for `stat`, `status` with a few hundred groups, and `io` in one read.
const FIRST_READ: usize = 8 << 10;

/// Calls `each` for every entry of a directory whose name is a number, in the kernel's order.
pub(crate) fn each_number(
    dir: impl AsFd,
    entries: &mut [MaybeUninit<u8>],
    mut each: impl FnMut(u32) -> ControlFlow<()>,
) -> Result<(), Errno> {
    let mut entries = RawDir::new(dir, entries);
    while let Some(entry) = entries.next() {
        let number = crate::text::number(entry?.file_name().to_bytes()).and_then(|number| u32::try_from(number).ok());
        if let Some(number) = number
            && each(number).is_break()
        {
            break;
        }
    }
    Ok(())
}

/// The longest name that the kernel gives for a link.
const LONGEST_LINK: usize = 4096;

/// Where a link leads.
pub(crate) fn link(dir: BorrowedFd<'_>, name: &CStr) -> Result<Vec<u8>, Errno> {
    let mut room = [MaybeUninit::uninit(); LONGEST_LINK];
    let (target, _) = readlinkat_raw(dir, name, &mut room)?;
    Ok(target.to_vec())
}

/// A number as the name of a directory entry.
pub(crate) struct PidName {
    text: [u8; PidName::ROOM],
}

impl PidName {
    const ROOM: usize = 12;

    pub(crate) fn new(mut number: u32) -> Self {
        let mut digits = [0_u8; Self::ROOM];
        let mut used = 0;
        for place in digits.iter_mut().rev().skip(1) {
            // The remainder of a division by ten is a digit.
            *place = b'0' + u8::try_from(number % 10).unwrap_or(0);
            used += 1;
            number /= 10;
            if number == 0 {
                break;
            }
        }
        digits.rotate_left(Self::ROOM - 1 - used);
        Self { text: digits }
    }

    pub(crate) fn as_c_str(&self) -> &CStr {
        CStr::from_bytes_until_nul(&self.text).unwrap_or(c"0")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_decimal() {
        for pid in [0, 1, 10, 4084, 99_999, 4_194_304, u32::MAX] {
            assert_eq!(PidName::new(pid).as_c_str().to_str().unwrap(), pid.to_string());
        }
    }
}
