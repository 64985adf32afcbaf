//! Hash maps of our programs, read many entries a call: the loader's own reader takes two calls for each.

#![expect(unsafe_code, reason = "bpf(2) has no safe wrapper for reading many entries at once")]

use std::os::fd::{AsFd, OwnedFd};

use rustix::io::Errno;

use crate::sys::{address, call, command, number};

/// Entries taken in one call.
const CHUNK: usize = 1024;
/// Most entries for which there is room in one call, should a bucket be that full.
const LARGEST_CHUNK: usize = 1 << 20;

/// Plain numbers that the kernel may fill with any bits.
///
/// # Safety
/// The type is `repr(C)`, has no padding, and every pattern of bits is a value of it.
pub(crate) unsafe trait Plain: Copy + Default {}

/// A hash map; it lives as long as this or a program that uses it.
#[derive(Debug)]
pub(crate) struct HashMap<K, V> {
    map: OwnedFd,
    keys: Vec<K>,
    values: Vec<V>,
    chunk: usize,
}

#[repr(C)]
struct Batch {
    from: u64,
    to: u64,
    keys: u64,
    values: u64,
    count: u32,
    map: u32,
    element_flags: u64,
    flags: u64,
}

#[repr(C)]
struct Element {
    map: u32,
    zero: u32,
    key: u64,
    value: u64,
    flags: u64,
}

impl<K: Plain, V: Plain> HashMap<K, V> {
    pub(crate) const fn new(map: OwnedFd) -> Self {
        Self { map, keys: Vec::new(), values: Vec::new(), chunk: CHUNK }
    }

    /// Puts every entry into `out`, in no order. Entries that are made meanwhile may be missing. Since 5.6.
    pub(crate) fn read<T>(&mut self, out: &mut Vec<T>, make: impl Fn(K, V) -> T) -> Result<(), Errno> {
        out.clear();
        // Where the kernel goes on: the number of a bucket.
        let mut place = 0_u32;
        let mut first = true;
        loop {
            self.keys.resize(self.chunk, K::default());
            self.values.resize(self.chunk, V::default());
            let mut batch = Batch {
                from: if first { 0 } else { address(&raw const place) },
                to: address(&raw mut place),
                keys: address(self.keys.as_mut_ptr()),
                values: address(self.values.as_mut_ptr()),
                count: u32::try_from(self.chunk).unwrap_or(u32::MAX),
                map: number(self.map.as_fd()),
                element_flags: 0,
                flags: 0,
            };
            // SAFETY: the kernel writes at most `count` keys and values of the map's own sizes, which are those of K and V
            // (the loader checks sizes in `network::load`), into vectors that have that many, and a bucket's number.
            let result = unsafe { call(command::MAP_LOOKUP_BATCH, &raw mut batch) };
            let found = match result {
                Ok(_) | Err(Errno::NOENT) => usize::try_from(batch.count).unwrap_or(0),
                // One bucket alone holds more than there is room for.
                Err(Errno::NOSPC) if self.chunk < LARGEST_CHUNK => {
                    self.chunk *= 2;
                    first = true;
                    place = 0;
                    out.clear();
                    continue;
                }
                Err(error) => return Err(error),
            };
            out.extend(self.keys.iter().zip(&self.values).take(found).map(|(key, value)| make(*key, *value)));
            if result.is_err() {
                return Ok(());
            }
            first = false;
        }
    }

    /// Takes an entry out; one that is not there is no mistake.
    pub(crate) fn remove(&self, key: &K) -> Result<(), Errno> {
        let mut element = Element {
            map: number(self.map.as_fd()),
            zero: 0,
            key: address(std::ptr::from_ref(key)),
            value: 0,
            flags: 0,
        };
        // SAFETY: the kernel reads one key of the map's size, which is that of K.
        match unsafe { call(command::MAP_DELETE, &raw mut element) } {
            Ok(_) | Err(Errno::NOENT) => Ok(()),
            Err(error) => Err(error),
        }
    }
}
