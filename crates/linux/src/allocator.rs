//! The allocator of the C library, made to suit a monitor that runs for months.
//!
//! By default glibc gives each thread an arena of its own and keeps what was freed in it: a monitor with a dozen threads that
//! hand rows to each other then grows to several times what it holds. One arena, fixed thresholds and [`give_back`] keep it
//! within a few megabytes of that (docs/benchmarks.md). Other C libraries are left as they are.

#![cfg_attr(target_env = "gnu", expect(unsafe_code, reason = "mallopt(3) and malloc_trim(3) have no safe wrapper"))]

/// From this size on, memory is mapped on its own and unmapped when freed, bytes.
#[cfg(target_env = "gnu")]
const MAPPED: libc::c_int = 256 << 10;
/// Free memory at the end of the heap that is kept, bytes.
#[cfg(target_env = "gnu")]
const KEPT: libc::c_int = 512 << 10;

/// Makes all threads share one arena. For the first lines of `main`, before there are threads.
pub fn share_one_arena() {
    #[cfg(target_env = "gnu")]
    // SAFETY: mallopt(3) with these names takes any whole number; what it refuses (0) stays as it was.
    unsafe {
        libc::mallopt(libc::M_ARENA_MAX, 1);
        libc::mallopt(libc::M_MMAP_THRESHOLD, MAPPED);
        libc::mallopt(libc::M_TRIM_THRESHOLD, KEPT);
    }
}

/// Gives free memory back to the machine, which takes milliseconds.
pub fn give_back() {
    #[cfg(target_env = "gnu")]
    // SAFETY: malloc_trim(3) may be called at any time from any thread; it touches free memory only.
    unsafe {
        libc::malloc_trim(0);
    }
}
