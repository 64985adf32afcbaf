//! Counters of the processors and of the kernel: `perf_event_open(2)`.

#![expect(unsafe_code, reason = "the call has no safe wrapper")]

use std::io;
use std::os::fd::{FromRawFd, OwnedFd, RawFd};

use rustix::io::Errno;

use crate::attributes;
use crate::root::Root;

/// What is counted: `type` and `config` of `struct perf_event_attr`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Event {
    kind: u32,
    config: u64,
}

impl Event {
    /// By the processor (`enum perf_hw_id`).
    #[must_use]
    pub const fn hardware(id: u64) -> Self {
        Self { kind: 0, config: id }
    }

    /// By the kernel (`enum perf_sw_ids`).
    #[must_use]
    pub const fn software(id: u64) -> Self {
        Self { kind: 1, config: id }
    }

    /// By the processor, of a cache: which, what is done (`enum perf_hw_cache_op_id`), what comes of it
    /// (`enum perf_hw_cache_op_result_id`).
    #[must_use]
    pub const fn cache(cache: u64, operation: u64, result: u64) -> Self {
        Self { kind: 3, config: cache | operation << 8 | result << 16 }
    }

    /// At a place of the kernel that tracefs lists, as `sched` and `sched_switch`. Source:
    /// `/sys/kernel/tracing/events/SUBSYSTEM/EVENT/id`. Privilege: root, as tracefs is its own.
    pub fn tracepoint(root: &Root, subsystem: &str, event: &str) -> io::Result<Self> {
        let is_name = |word: &str| word.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'));
        if !is_name(subsystem) || !is_name(event) {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        let below = format!("events/{subsystem}/{event}/id");
        let text = attributes::read(&root.sys("kernel/tracing").join(&below))
            .or_else(|_| attributes::read(&root.sys("kernel/debug/tracing").join(&below)))?;
        let config = crate::text::number(text.trim_ascii()).ok_or(io::ErrorKind::InvalidData)?;
        Ok(Self { kind: 2, config })
    }
}

/// A counter of everything that runs on one processor, from when it was opened.
#[derive(Debug)]
pub struct Counter {
    file: OwnedFd,
}

/// What a counter says.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Count {
    /// How many it has seen.
    pub value: u64,
    /// Nanoseconds since it was opened.
    pub enabled: u64,
    /// Nanoseconds that it really counted: fewer where more are open than the processor has.
    pub running: u64,
}

impl Counter {
    /// Opens it. Privilege: `CAP_PERFMON` (`CAP_SYS_ADMIN` before 5.8), or `/proc/sys/kernel/perf_event_paranoid` below
    /// 1. [`Errno::NOENT`] and [`Errno::OPNOTSUPP`] where the processor has no such counter, as on most virtual ones.
    pub fn open(event: Event, processor: u32) -> Result<Self, Errno> {
        /// `PERF_ATTR_SIZE_VER0`, in which all that is needed stands.
        const SIZE: usize = 64;
        const TOTAL_TIMES: u64 = 1 | 2;
        const EXCLUDE_HYPERVISOR: u64 = 1 << 6;
        /// `PERF_FLAG_FD_CLOEXEC`.
        const CLOSE_ON_EXEC: libc::c_ulong = 8;
        // type, size; config, sample period, sample type, read format, flags; the rest zero.
        let mut attributes = [0_u64; SIZE / 8];
        let head = [event.kind.to_ne_bytes(), 64_u32.to_ne_bytes()].concat();
        let head = head.first_chunk().map_or(0, |bytes| u64::from_ne_bytes(*bytes));
        attributes.copy_from_slice(&[head, event.config, 0, 0, TOTAL_TIMES, EXCLUDE_HYPERVISOR, 0, 0]);
        let (everyone, no_group) = (-1, -1);
        // SAFETY: the attributes are a `struct perf_event_attr` of the size that they say; the kernel only reads them.
        let result = unsafe {
            libc::syscall(
                libc::SYS_perf_event_open,
                attributes.as_ptr(),
                everyone,
                libc::c_long::from(processor),
                no_group,
                CLOSE_ON_EXEC,
            )
        };
        match RawFd::try_from(result) {
            // SAFETY: the kernel has just opened it for us.
            Ok(file) if file >= 0 => Ok(Self { file: unsafe { OwnedFd::from_raw_fd(file) } }),
            _ => Err(Errno::from_io_error(&io::Error::last_os_error()).unwrap_or(Errno::IO)),
        }
    }

    /// Reads it.
    pub fn read(&self) -> Result<Count, Errno> {
        let mut bytes = [0; 24];
        let length = rustix::io::retry_on_intr(|| rustix::io::read(&self.file, &mut bytes))?;
        // It ends early where the processor went away.
        if length < bytes.len() {
            return Err(Errno::NODEV);
        }
        let mut words = bytes.chunks_exact(8).map(|chunk| chunk.try_into().map_or(0, u64::from_ne_bytes));
        let mut next = || words.next().unwrap_or(0);
        Ok(Count { value: next(), enabled: next(), running: next() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_tracepoints_lead_nowhere_else() {
        let root = Root::new("/proc".into(), "/sys".into(), "/".into());
        let error = Event::tracepoint(&root, "../..", "x").unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
    }

    #[test]
    fn a_counter_that_there_is_not_is_an_error() {
        assert!(Counter::open(Event { kind: 1, config: 9999 }, 0).is_err());
        assert!(Counter::open(Event::software(3), 1_000_000).is_err());
    }
}
