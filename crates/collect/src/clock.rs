//! Processor time of this thread and this process.

use procyon_units::CpuTime;
use rustix::time::{ClockId, clock_gettime};

/// Processor time that the calling thread has used.
pub(crate) fn thread_cpu() -> CpuTime {
    read(ClockId::ThreadCPUTime)
}

/// Processor time that this process has used, all threads.
pub(crate) fn process_cpu() -> CpuTime {
    read(ClockId::ProcessCPUTime)
}

fn read(clock: ClockId) -> CpuTime {
    let time = clock_gettime(clock);
    let seconds = u64::try_from(time.tv_sec).unwrap_or(0);
    let nanos = u64::try_from(time.tv_nsec).unwrap_or(0);
    CpuTime(seconds.saturating_mul(1_000_000_000).saturating_add(nanos))
}
