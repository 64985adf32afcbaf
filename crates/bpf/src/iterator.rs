//! Iterators: programs that the kernel runs once for each of its objects when somebody reads.
//!
//! The loader's own iterators are consumed by the first reader; ours is read at every tick, hence two calls of our own.

#![expect(unsafe_code, reason = "bpf(2) has no safe wrapper that keeps the link of an iterator")]

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};

use rustix::io::Errno;

const BPF_LINK_CREATE: libc::c_int = 28;
const BPF_ITER_CREATE: libc::c_int = 33;
const BPF_TRACE_ITER: u32 = 28;

/// Beginning of `union bpf_attr` for both calls; the kernel takes any length that it knows.
#[repr(C)]
#[derive(Default)]
struct Attributes {
    /// The program, or the link.
    fd: u32,
    target_or_flags: u32,
    attach_type: u32,
    flags: u32,
    /// Where a [`Target`] lies; none for iterators that need none.
    target: u64,
    target_size: u32,
    zero: u32,
}

/// `union bpf_iter_link_info`: the map whose entries are visited.
#[repr(C)]
#[derive(Default)]
struct Target {
    map: u32,
    zero: u32,
    more: u64,
}

/// An iterator in the kernel; it lives as long as this.
#[derive(Debug)]
pub(crate) struct Iterator {
    link: OwnedFd,
}

impl Iterator {
    /// Makes an iterator of a loaded program, which it keeps loaded.
    pub(crate) fn new(program: BorrowedFd<'_>) -> Result<Self, Errno> {
        let attributes = Attributes { attach_type: BPF_TRACE_ITER, ..Attributes::naming(program) };
        Ok(Self { link: bpf(BPF_LINK_CREATE, &attributes)? })
    }

    /// Makes an iterator of a loaded program over the entries of a map; it keeps both.
    pub(crate) fn over(program: BorrowedFd<'_>, map: BorrowedFd<'_>) -> Result<Self, Errno> {
        // Open descriptors are never negative.
        let target = Target { map: map.as_raw_fd().cast_unsigned(), ..Target::default() };
        let attributes = Attributes {
            attach_type: BPF_TRACE_ITER,
            target: u64::try_from((&raw const target).expose_provenance()).unwrap_or(0),
            target_size: u32::try_from(size_of::<Target>()).unwrap_or(0),
            ..Attributes::naming(program)
        };
        Ok(Self { link: bpf(BPF_LINK_CREATE, &attributes)? })
    }

    /// Starts a pass over all objects; reading the descriptor drives it.
    pub(crate) fn begin(&self) -> Result<OwnedFd, Errno> {
        bpf(BPF_ITER_CREATE, &Attributes::naming(self.link.as_fd()))
    }
}

impl Attributes {
    fn naming(fd: BorrowedFd<'_>) -> Self {
        // An open descriptor is never negative.
        Self { fd: fd.as_raw_fd().cast_unsigned(), ..Self::default() }
    }
}

fn bpf(command: libc::c_int, attributes: &Attributes) -> Result<OwnedFd, Errno> {
    // SAFETY: the kernel only reads the attributes, as many bytes as the last argument says, and what they point
    // to, before the call returns.
    let result =
        unsafe { libc::syscall(libc::SYS_bpf, command, std::ptr::from_ref(attributes), size_of::<Attributes>()) };
    match i32::try_from(result) {
        // SAFETY: both commands answer with a new descriptor that nobody else knows.
        Ok(fd) if fd >= 0 => Ok(unsafe { OwnedFd::from_raw_fd(fd) }),
        _ => Err(Errno::from_io_error(&io::Error::last_os_error()).unwrap_or(Errno::INVAL)),
    }
}
