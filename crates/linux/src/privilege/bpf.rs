//! The smallest use of `bpf(2)` and `perf_event_open(2)`: to see whether the kernel lets us.

#![expect(unsafe_code, reason = "these two calls have no safe wrapper")]

use std::os::fd::{FromRawFd, OwnedFd, RawFd};

use rustix::io::Errno;

/// `BPF_PROG_TYPE_TRACEPOINT`: like every kind that looks at the kernel, iterators among them, it takes `CAP_BPF` and
/// `CAP_PERFMON`.
const TRACEPOINT: u32 = 5;

/// Beginning of `union bpf_attr` for `BPF_PROG_LOAD`; the kernel takes any length that it knows.
#[repr(C)]
struct ProgramLoad {
    kind: u32,
    instructions: u32,
    code: u64,
    license: u64,
    log_level: u32,
    log_size: u32,
    log: u64,
    kernel_version: u32,
    flags: u32,
}

const BPF_PROG_LOAD: libc::c_int = 5;
/// `r0 = 0; exit`, eight bytes each.
const RETURN_ZERO: [u64; 2] = [0x0000_0000_0000_00b7, 0x0000_0000_0000_0095];

/// Loads a program of two instructions that looks at the kernel, and lets it go again.
pub(super) fn load() -> Result<(), Errno> {
    let license = c"Dual MIT/GPL";
    let attributes = ProgramLoad {
        kind: TRACEPOINT,
        instructions: 2,
        code: RETURN_ZERO.as_ptr().addr() as u64,
        license: license.as_ptr().addr() as u64,
        log_level: 0,
        log_size: 0,
        log: 0,
        kernel_version: 0,
        flags: 0,
    };
    let size = size_of::<ProgramLoad>();
    // SAFETY: the attributes and what they point to (program, license) live until the call returns; the kernel only
    // reads them, `size` bytes of the first.
    let result = unsafe { libc::syscall(libc::SYS_bpf, BPF_PROG_LOAD, &raw const attributes, size) };
    close(result)
}

/// Opens a counter of CPU 0's clock for the whole machine and lets it go again.
pub(super) fn open_perf() -> Result<(), Errno> {
    // struct perf_event_attr of the first version: type (software), size, config (CPU clock), the rest zero.
    let mut attributes = [0_u32; 16];
    attributes[0] = 1;
    attributes[1] = 64;
    let (every_process, first_cpu, no_group) = (-1, 0, -1);
    // SAFETY: the attributes are 64 bytes, as their second word says, and live until the call returns; the kernel only
    // reads them (it writes the size back only when refusing it with E2BIG, which the first version's size excludes).
    let result = unsafe {
        libc::syscall(
            libc::SYS_perf_event_open,
            attributes.as_mut_ptr(),
            every_process,
            first_cpu,
            no_group,
            libc::c_ulong::from(8_u32),
        )
    };
    close(result)
}

/// Closes the descriptor that a call returned.
fn close(result: libc::c_long) -> Result<(), Errno> {
    match RawFd::try_from(result) {
        Ok(descriptor) if descriptor >= 0 => {
            // SAFETY: the kernel has just made this descriptor for us; nobody else knows it.
            drop(unsafe { OwnedFd::from_raw_fd(descriptor) });
            Ok(())
        }
        _ => Err(Errno::from_io_error(&std::io::Error::last_os_error()).unwrap_or(Errno::INVAL)),
    }
}
