//! Processor time of this thread and of collecting as a whole.

use std::sync::atomic::{AtomicU64, Ordering};

use procyon_units::CpuTime;
use rustix::time::{ClockId, clock_gettime};

/// Processor time that the calling thread has used.
pub(crate) fn thread_cpu() -> CpuTime {
    read(ClockId::ThreadCPUTime)
}

/// Nanoseconds that the threads of slow sources have used for their answers.
static BACKGROUND: AtomicU64 = AtomicU64::new(0);

/// Books processor time of a slow source's thread.
pub(crate) fn book_background(used: CpuTime) {
    BACKGROUND.fetch_add(used.0, Ordering::Relaxed);
}

/// Processor time that collecting has used: the calling thread, which is the collector's, and its slow sources. What
/// answers to clients cost is not in it, because a wider pace would not make them cheaper.
pub(crate) fn collecting_cpu() -> CpuTime {
    thread_cpu().plus(CpuTime(BACKGROUND.load(Ordering::Relaxed)))
}

/// Time since boot, suspend included: the clock by which the kernel tells when something happened.
pub(crate) fn since_boot() -> CpuTime {
    read(ClockId::Boottime)
}

fn read(clock: ClockId) -> CpuTime {
    let time = clock_gettime(clock);
    let seconds = u64::try_from(time.tv_sec).unwrap_or(0);
    let nanos = u64::try_from(time.tv_nsec).unwrap_or(0);
    CpuTime(seconds.saturating_mul(1_000_000_000).saturating_add(nanos))
}
