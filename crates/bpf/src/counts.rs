//! Counters of threads, the same layout as `c/counts.h`.

use procyon_units::{Bytes, CpuTime};

use crate::fields::Fields;

/// Counters of one thread or of many.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Processor time in user mode as sampled at ticks.
    pub user: CpuTime,
    /// Processor time in the kernel as sampled at ticks.
    pub system: CpuTime,
    /// Processor time, exact.
    pub runtime: CpuTime,
    /// Voluntary switches.
    pub voluntary: u64,
    /// Involuntary switches.
    pub involuntary: u64,
    /// Minor faults.
    pub minor_faults: u64,
    /// Major faults.
    pub major_faults: u64,
    /// Bytes through read calls.
    pub read_chars: Bytes,
    /// Bytes through write calls.
    pub written_chars: Bytes,
    /// Read calls.
    pub read_calls: u64,
    /// Write calls.
    pub write_calls: u64,
    /// Bytes from storage.
    pub read: Bytes,
    /// Bytes towards storage.
    pub written: Bytes,
    /// Runnable, waiting for a processor. Threads that have ended take theirs along.
    pub run_delay: CpuTime,
}

impl Counts {
    pub(crate) fn add(&mut self, other: &Self) {
        self.user = self.user.plus(other.user);
        self.system = self.system.plus(other.system);
        self.runtime = self.runtime.plus(other.runtime);
        self.voluntary = self.voluntary.saturating_add(other.voluntary);
        self.involuntary = self.involuntary.saturating_add(other.involuntary);
        self.minor_faults = self.minor_faults.saturating_add(other.minor_faults);
        self.major_faults = self.major_faults.saturating_add(other.major_faults);
        self.read_chars = self.read_chars.plus(other.read_chars);
        self.written_chars = self.written_chars.plus(other.written_chars);
        self.read_calls = self.read_calls.saturating_add(other.read_calls);
        self.write_calls = self.write_calls.saturating_add(other.write_calls);
        self.read = self.read.plus(other.read);
        self.written = self.written.plus(other.written);
        self.run_delay = self.run_delay.plus(other.run_delay);
    }
}

impl Fields<'_> {
    #[inline]
    pub(crate) fn counts(&mut self) -> Counts {
        Counts {
            user: CpuTime(self.u64()),
            system: CpuTime(self.u64()),
            runtime: CpuTime(self.u64()),
            voluntary: self.u64(),
            involuntary: self.u64(),
            minor_faults: self.u64(),
            major_faults: self.u64(),
            read_chars: Bytes(self.u64()),
            written_chars: Bytes(self.u64()),
            read_calls: self.u64(),
            write_calls: self.u64(),
            read: Bytes(self.u64()),
            written: Bytes(self.u64()),
            run_delay: CpuTime(self.u64()),
        }
    }
}
