//! What a process has to know of itself and of the kernel's units.

use rustix::process::{Resource, getrlimit, setrlimit};

/// Our own pid.
pub fn pid() -> u32 {
    std::process::id()
}

/// Bytes in a page of memory.
pub fn page_size() -> u64 {
    u64::try_from(rustix::param::page_size()).unwrap_or(4096)
}

/// Clock ticks in a second, the unit of times in `/proc/PID/stat`; 100 on every machine that Procyon runs on.
pub fn clock_ticks_per_second() -> u64 {
    rustix::param::clock_ticks_per_second()
}

/// How many descriptors we may open; `u64::MAX` for unlimited.
pub fn descriptor_limit() -> u64 {
    getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX)
}

/// Raises the soft limit of descriptors as far as the hard one allows, and says what it is now.
///
/// The soft default of 1024 is for programs that use `select(2)`; we do not.
pub fn raise_descriptor_limit() -> u64 {
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    // Refused only where a sandbox forbids it; then the limit stays and is what the caller gets to know.
    match setrlimit(Resource::Nofile, limit) {
        Ok(()) | Err(_) => descriptor_limit(),
    }
}
