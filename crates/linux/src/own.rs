//! What a process has to know of itself and of the kernel's units.

use rustix::fs::{CWD, readlinkat_raw};
use rustix::io::Errno;
use rustix::process::{Resource, getrlimit, setrlimit};

use crate::root::Root;

/// Our own pid.
pub fn pid() -> u32 {
    std::process::id()
}

/// Whether we are in the first pid namespace and the first time namespace, so that pids and starts mean the same to us as to
/// programs in the kernel. Source: `/proc/self/ns`, whose numbers for the first ones are fixed (`PROC_PID_INIT_INO`,
/// `PROC_TIME_INIT_INO` of `include/linux/proc_ns.h`); time namespaces since 5.6.
pub fn in_first_namespaces(root: &Root) -> bool {
    let is = |name: &str, first: &[u8]| {
        let mut target = [0_u8; 64];
        match readlinkat_raw(CWD, root.proc("self/ns").join(name), &mut target[..]) {
            Ok(length) => target.get(..length) == Some(first),
            Err(error) => error == Errno::NOENT && name == "time",
        }
    };
    is("pid", b"pid:[4026531836]") && is("time", b"time:[4026531834]")
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
