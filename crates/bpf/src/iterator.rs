//! Iterators: programs that the kernel runs once for each of its objects when somebody reads.
//!
//! The loader's own iterators are consumed by the first reader; ours is read at every tick, hence two calls of our own.

#![expect(unsafe_code, reason = "bpf(2) has no safe wrapper that keeps the link of an iterator")]

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::io::Errno;

use crate::sys::{self, address, command, number};

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
        Ok(Self { link: open(command::LINK_CREATE, attributes)? })
    }

    /// Makes an iterator of a loaded program over the entries of a map; it keeps both.
    pub(crate) fn over(program: BorrowedFd<'_>, map: BorrowedFd<'_>) -> Result<Self, Errno> {
        let target = Target { map: number(map), ..Target::default() };
        let attributes = Attributes {
            attach_type: BPF_TRACE_ITER,
            target: address(&raw const target),
            target_size: u32::try_from(size_of::<Target>()).unwrap_or(0),
            ..Attributes::naming(program)
        };
        Ok(Self { link: open(command::LINK_CREATE, attributes)? })
    }

    /// Starts a pass over all objects; reading the descriptor drives it.
    pub(crate) fn begin(&self) -> Result<OwnedFd, Errno> {
        open(command::ITER_CREATE, Attributes::naming(self.link.as_fd()))
    }
}

impl Attributes {
    fn naming(fd: BorrowedFd<'_>) -> Self {
        Self { fd: number(fd), ..Self::default() }
    }
}

fn open(command: libc::c_int, mut attributes: Attributes) -> Result<OwnedFd, Errno> {
    // SAFETY: both commands make a descriptor, and read what the attributes point to before the call returns.
    unsafe { sys::open(command, &raw mut attributes) }
}
