//! Arrays of our programs: elements by their place, one for all processors or one for each.

#![expect(unsafe_code, reason = "bpf(2) has no safe wrapper")]

use std::os::fd::{AsFd, OwnedFd};

use rustix::io::Errno;

use crate::map::Plain;
use crate::sys::{address, call, command, number};

/// A map whose keys are numbers of four bytes; it lives as long as this or a program that uses it.
#[derive(Debug)]
pub(crate) struct Array {
    map: OwnedFd,
}

#[repr(C)]
struct Element {
    map: u32,
    zero: u32,
    key: u64,
    value: u64,
    flags: u64,
}

impl Array {
    pub(crate) const fn new(map: OwnedFd) -> Self {
        Self { map }
    }

    /// Writes an element. The type is that of the map's values.
    pub(crate) fn write<V: Plain>(&self, at: u32, value: &V) -> Result<(), Errno> {
        // SAFETY: the kernel reads a value of the map's size, which is that of V.
        unsafe { self.element(command::MAP_UPDATE, at, address(std::ptr::from_ref(value))) }
    }

    /// Reads an element. The type is that of the map's values.
    pub(crate) fn read<V: Plain>(&self, at: u32) -> Result<V, Errno> {
        let mut value = V::default();
        // SAFETY: the kernel writes a value of the map's size, which is that of V.
        unsafe { self.element(command::MAP_LOOKUP, at, address(&raw mut value)) }?;
        Ok(value)
    }

    /// Reads what each processor keeps in an element; `values` has a place for each processor that there can be. The type
    /// is that of the map's values, whose size is a multiple of eight.
    pub(crate) fn read_each<V: Plain>(&self, at: u32, values: &mut [V]) -> Result<(), Errno> {
        if values.len() < processors()? {
            return Err(Errno::INVAL);
        }
        // SAFETY: the kernel writes a value for each processor that there can be, and there is room for so many.
        unsafe { self.element(command::MAP_LOOKUP, at, address(values.as_mut_ptr())) }
    }

    /// # Safety
    /// The value is good for what the command does with it.
    unsafe fn element(&self, command: libc::c_int, at: u32, value: u64) -> Result<(), Errno> {
        let mut element =
            Element { map: number(self.map.as_fd()), zero: 0, key: address(&raw const at), value, flags: 0 };
        // SAFETY: the key has four bytes, as in all maps of this kind; the caller vouches for the value.
        unsafe { call(command, &raw mut element) }.map(drop)
    }
}

/// How many processors there can be.
pub(crate) fn processors() -> Result<usize, Errno> {
    aya::util::nr_cpus().map_err(|(_, error)| Errno::from_io_error(&error).unwrap_or(Errno::INVAL))
}
