//! One system call of one thread.

use crate::memory::Memory;

/// A system call as an engine saw it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Call {
    /// The thread, as numbered in our own pid namespace.
    pub thread: u32,
    /// Its process, likewise.
    pub process: u32,
    /// The number of the call, by the table of this machine's architecture; one that is not in the table is told as it is.
    pub number: u32,
    /// The six argument registers when the thread entered the kernel.
    pub arguments: [u64; 6],
    /// When it entered, ns since boot without sleep (`CLOCK_MONOTONIC`); 0 where that was not seen: it began before it was
    /// watched, or a filter (seccomp) or a tracer answered it in the place of the kernel.
    pub entered: u64,
    /// How it came back; `None` while it is in the kernel, and for ever where it does not come back (`exit_group`).
    pub returned: Option<Return>,
    /// What lay in the thread's memory where arguments point to.
    pub memory: Memory,
}

impl Call {
    /// Set in the number of a call that a 32-bit program made by its own table, which is another one than ours.
    pub const FOREIGN_TABLE: u32 = 0x8000_0000;

    /// Whether a 32-bit program made it: its number says nothing by our table.
    #[must_use]
    pub const fn is_foreign(&self) -> bool {
        self.number & Self::FOREIGN_TABLE != 0
    }

    /// Nanoseconds from beginning to end; `None` where one of them is not known.
    #[must_use]
    pub fn took(&self) -> Option<u64> {
        let returned = self.returned.filter(|_| self.entered > 0)?;
        Some(returned.at.saturating_sub(self.entered))
    }

    /// When it began, as far as is known: where it was seen only as it came back, then.
    #[must_use]
    pub fn seen_at(&self) -> u64 {
        match self.returned {
            Some(returned) if self.entered == 0 => returned.at,
            _ => self.entered,
        }
    }
}

/// How a system call came back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Return {
    /// The result register: a value, or an error number below zero (down to -4095), which may be one of the kernel's own
    /// (`ERESTARTSYS` is 512) when a signal came between.
    pub result: i64,
    /// When it came back, ns since boot without sleep.
    pub at: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_is_known_where_both_ends_are() {
        let call = |entered, returned: Option<u64>| Call {
            entered,
            returned: returned.map(|at| Return { result: 0, at }),
            ..Call::default()
        };
        assert_eq!(call(5, Some(9)).took(), Some(4));
        assert_eq!((call(0, Some(9)).took(), call(5, None).took(), call(0, None).took()), (None, None, None));
        assert_eq!((call(5, Some(9)).seen_at(), call(0, Some(9)).seen_at(), call(5, None).seen_at()), (5, 9, 5));
    }
}
