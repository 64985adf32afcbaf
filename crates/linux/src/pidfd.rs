//! pidfds: a process held by the kernel, so that a signal meets it or nobody. Since 5.3.

#![expect(unsafe_code, reason = "real-time signals have no safe constructor")]

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::process::{Pid, PidfdFlags, Signal, kill_process, pidfd_open, pidfd_send_signal};

/// Why a process could not be held or signalled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PidFdError {
    /// No process has this pid, or the one that is held has ended.
    #[error("the process has ended")]
    Ended,
    /// It belongs to another user and we lack `CAP_KILL`.
    #[error("not permitted to signal the process")]
    Forbidden,
    /// This kernel has no pidfds (before 5.3), or a sandbox hides them.
    #[error("the kernel has no pidfds")]
    Unsupported,
    /// This is no number of a signal.
    #[error("{0} is not a signal")]
    NotASignal(i32),
    /// Something else.
    #[error("the kernel refused")]
    Failed(#[source] Errno),
}

impl From<Errno> for PidFdError {
    fn from(error: Errno) -> Self {
        match error {
            Errno::SRCH => Self::Ended,
            Errno::PERM | Errno::ACCESS => Self::Forbidden,
            Errno::NOSYS => Self::Unsupported,
            other => Self::Failed(other),
        }
    }
}

/// A process, held. After it was opened, compare the start time of the pid: what then is true stays true.
#[derive(Debug)]
pub struct PidFd {
    fd: OwnedFd,
}

impl PidFd {
    /// Holds the process that has this pid now. A thread that is not the main one is not a process: `EINVAL`.
    pub fn open(pid: u32) -> Result<Self, PidFdError> {
        let pid = i32::try_from(pid).ok().and_then(Pid::from_raw).ok_or(PidFdError::Ended)?;
        Ok(Self { fd: pidfd_open(pid, PidfdFlags::empty())? })
    }

    /// Sends a signal by its number, 1 to 64.
    pub fn send(&self, signal: i32) -> Result<(), PidFdError> {
        Ok(pidfd_send_signal(&self.fd, by_number(signal)?)?)
    }

    /// Waits until the process has ended; says whether it has within this time. Zero only looks.
    pub fn wait(&self, at_most: Duration) -> Result<bool, PidFdError> {
        let timeout = Timespec::try_from(at_most).unwrap_or(Timespec { tv_sec: i64::MAX, tv_nsec: 0 });
        match poll(&mut [PollFd::new(&self.fd, PollFlags::IN)], Some(&timeout)) {
            Ok(ready) => Ok(ready > 0),
            // A signal came in between: not ended as far as we know.
            Err(Errno::INTR) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }
}

/// Sends a signal by its number to whichever process has this pid now: for kernels without pidfds, right after looking who it is.
pub fn kill(pid: u32, signal: i32) -> Result<(), PidFdError> {
    let pid = i32::try_from(pid).ok().and_then(Pid::from_raw).ok_or(PidFdError::Ended)?;
    Ok(kill_process(pid, by_number(signal)?)?)
}

fn by_number(signal: i32) -> Result<Signal, PidFdError> {
    /// `_NSIG` of the kernel.
    const LAST: i32 = 64;
    match signal {
        // SAFETY: the kernel knows this number. Those that a C library keeps for itself it keeps within its own process, and
        // these go to others.
        1..=LAST => Ok(unsafe { Signal::from_raw_unchecked(signal) }),
        _ => Err(PidFdError::NotASignal(signal)),
    }
}

impl AsFd for PidFd {
    /// Readable once the process has ended: for an event loop of one's own.
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}
