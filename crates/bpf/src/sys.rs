//! bpf(2): each command takes a structure of its own, of which the kernel accepts the beginning that we know.

#![expect(unsafe_code, reason = "bpf(2) has no safe wrapper")]

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd};

use rustix::io::Errno;

/// Commands, include/uapi/linux/bpf.h.
pub(crate) mod command {
    pub(crate) const MAP_CREATE: libc::c_int = 0;
    pub(crate) const MAP_LOOKUP: libc::c_int = 1;
    pub(crate) const MAP_UPDATE: libc::c_int = 2;
    pub(crate) const MAP_DELETE: libc::c_int = 3;
    pub(crate) const PROG_LOAD: libc::c_int = 5;
    pub(crate) const RAW_TRACEPOINT_OPEN: libc::c_int = 17;
    pub(crate) const BTF_LOAD: libc::c_int = 18;
    pub(crate) const MAP_FREEZE: libc::c_int = 22;
    pub(crate) const MAP_LOOKUP_BATCH: libc::c_int = 24;
    pub(crate) const LINK_CREATE: libc::c_int = 28;
    pub(crate) const ITER_CREATE: libc::c_int = 33;
}

/// Gives a command.
///
/// # Safety
/// What the attributes point to is good for what the command does with it.
pub(crate) unsafe fn call<T>(command: libc::c_int, attributes: *mut T) -> Result<libc::c_long, Errno> {
    // SAFETY: the attributes are as long as the last argument says; the caller vouches for what they point to.
    let result = unsafe { libc::syscall(libc::SYS_bpf, command, attributes, size_of::<T>()) };
    if result < 0 { Err(Errno::from_io_error(&io::Error::last_os_error()).unwrap_or(Errno::INVAL)) } else { Ok(result) }
}

/// Gives a command that makes a descriptor.
///
/// # Safety
/// What the attributes point to is good for what the command does with it, which is one that makes a descriptor.
pub(crate) unsafe fn open<T>(command: libc::c_int, attributes: *mut T) -> Result<OwnedFd, Errno> {
    // SAFETY: the caller vouches for it.
    let fd = unsafe { call(command, attributes) }?;
    let fd = libc::c_int::try_from(fd).map_err(|_| Errno::INVAL)?;
    // SAFETY: the kernel has just opened it for us, with the flag that closes it on exec.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// Where something lies, as the kernel wants it.
pub(crate) fn address<T>(pointer: *const T) -> u64 {
    // A pointer has at most 64 bits.
    u64::try_from(pointer.expose_provenance()).unwrap_or(0)
}

/// The number of a descriptor, as the kernel wants it.
pub(crate) fn number(fd: BorrowedFd<'_>) -> u32 {
    // An open descriptor is never negative.
    fd.as_raw_fd().cast_unsigned()
}
