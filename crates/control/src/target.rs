//! Makes sure that a signal reaches the process that was meant.

use std::io;

use procyon_linux::pidfd::{self, PidFd, PidFdError};
use procyon_linux::proc::{PidDir, ProcDir};
use procyon_linux::root::Root;
use procyon_model::ProcessKey;
use procyon_units::Ticks;

use crate::{Refusal, Signal};

/// What is known of the process that has a pid now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// Its name, made readable.
    pub name: String,
    /// When it started.
    pub start: Ticks,
    /// Whether it belongs to the kernel.
    pub kernel_thread: bool,
}

/// The process that was meant is not there.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Gone {
    /// It has ended.
    #[error("process {} has ended", .key.pid)]
    Ended {
        /// Which one.
        key: ProcessKey,
    },
    /// It has ended and its pid belongs to another process.
    #[error("process {key} has ended and its pid now belongs to {name}, which started later")]
    Replaced {
        /// Which one.
        key: ProcessKey,
        /// Who has the pid now.
        name: String,
    },
}

impl Gone {
    pub(crate) const fn ended(key: &ProcessKey) -> Self {
        Self::Ended { key: *key }
    }
}

/// Why this pid is never signalled, if so.
pub(crate) fn refusal(pid: u32, kernel_thread: bool) -> Option<Refusal> {
    match pid {
        1 => Some(Refusal::Init),
        _ if kernel_thread || pid == 2 && is_kernel_ancestor(pid) => Some(Refusal::KernelThread),
        _ if pid == std::process::id() => Some(Refusal::Ourselves),
        _ => None,
    }
}

/// Whether pid 2 is `kthreadd` here: inside a container it may be anybody.
fn is_kernel_ancestor(pid: u32) -> bool {
    find(pid).is_some_and(|found| found.kernel_thread)
}

/// What is known of the process that has this pid in our own pid namespace. Signals go by that numbering, so this looks
/// at `/proc` and nowhere else, whatever root the monitor reads.
pub(crate) fn find(pid: u32) -> Option<Found> {
    let proc = ProcDir::open(&Root::live()).ok()?;
    let dir = PidDir::open(&proc, pid).ok()?;
    let mut buffer = Vec::new();
    let seen = dir.stat(&mut buffer, |stat| {
        let state = stat.state;
        let found = Found {
            name: String::from_utf8_lossy(stat.comm).into_owned(),
            start: stat.start,
            kernel_thread: stat.kernel_thread,
        };
        (found, state)
    });
    match seen.ok()?.get() {
        // A zombie has ended; signals to it are lost.
        Some((_, b'Z' | b'X')) | None => None,
        Some((found, _)) => Some(found.clone()),
    }
}

/// A process held for a signal.
#[derive(Debug)]
pub(crate) enum Aim {
    /// By a descriptor that stays with it.
    Descriptor(PidFd),
    /// By its key alone, on kernels without pidfd.
    Key(ProcessKey),
}

impl Aim {
    pub(crate) fn open(key: &ProcessKey) -> Result<Self, Gone> {
        match PidFd::open(key.pid) {
            Ok(descriptor) => Ok(Self::Descriptor(descriptor)),
            Err(PidFdError::Ended) => Err(Gone::ended(key)),
            // Kernels before 5.3, a sandbox that does not know it, or no descriptors left.
            Err(_) => Ok(Self::Key(*key)),
        }
    }

    pub(crate) fn send(&self, signal: Signal) -> Result<(), SendError> {
        match self {
            Self::Descriptor(descriptor) => descriptor.send(signal.number())?,
            Self::Key(key) => {
                if find(key.pid).is_none_or(|found| found.start != key.start) {
                    return Err(SendError::Gone);
                }
                pidfd::kill(key.pid, signal.number())?;
            }
        }
        Ok(())
    }
}

/// Why the kernel did not deliver a signal.
#[derive(Debug)]
pub(crate) enum SendError {
    /// The process ended in this moment.
    Gone,
    /// Something else.
    Kernel(io::Error),
}

impl From<PidFdError> for SendError {
    fn from(error: PidFdError) -> Self {
        match error {
            PidFdError::Ended => Self::Gone,
            PidFdError::Forbidden => Self::Kernel(io::ErrorKind::PermissionDenied.into()),
            other => Self::Kernel(io::Error::other(other)),
        }
    }
}
