//! `/proc/meminfo`: memory and swap of the machine.

use procyon_units::{Bytes, Reading};

use crate::file;
use crate::root::Root;
use crate::text::{lines, number, split_once, words};

/// Memory of the machine. All fields come from the line of the same name, in bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Meminfo {
    /// `MemTotal`: what the kernel manages, less than what is plugged in.
    pub total: Bytes,
    /// `MemFree`.
    pub free: Bytes,
    /// `MemAvailable`, since 3.14; before that free + buffers + cached − shared, see [`Meminfo::available_is_estimate`].
    pub available: Bytes,
    /// The kernel has no `MemAvailable`.
    pub available_is_estimate: bool,
    /// `Buffers`.
    pub buffers: Bytes,
    /// `Cached`: page cache, shared memory included.
    pub cached: Bytes,
    /// `Active`.
    pub active: Bytes,
    /// `Inactive`.
    pub inactive: Bytes,
    /// `AnonPages`.
    pub anonymous: Bytes,
    /// `Mapped`.
    pub mapped: Bytes,
    /// `Shmem`: tmpfs and shared memory. Since 2.6.32.
    pub shared: Bytes,
    /// `Slab`.
    pub slab: Bytes,
    /// `SReclaimable`. Since 2.6.19.
    pub slab_reclaimable: Bytes,
    /// `KernelStack`.
    pub kernel_stack: Bytes,
    /// `PageTables`.
    pub page_tables: Bytes,
    /// `Dirty`.
    pub dirty: Bytes,
    /// `Writeback`.
    pub writeback: Bytes,
    /// `Committed_AS`.
    pub committed: Bytes,
    /// `CommitLimit`.
    pub commit_limit: Bytes,
    /// `SwapTotal`.
    pub swap_total: Bytes,
    /// `SwapFree`.
    pub swap_free: Bytes,
    /// `SwapCached`.
    pub swap_cached: Bytes,
    /// `HugePages_Total` × `Hugepagesize`.
    pub huge_pages: Bytes,
    /// `HugePages_Free` × `Hugepagesize`.
    pub huge_pages_free: Bytes,
}

/// Parses the file; none without `MemTotal` and `MemFree`.
#[must_use]
pub fn parse(text: &[u8]) -> Option<Meminfo> {
    let mut info = Meminfo::default();
    let (mut total, mut free, mut available) = (None, None, None);
    let (mut huge, mut huge_free, mut huge_size) = (0_u64, 0_u64, Bytes(0));
    for line in lines(text) {
        let Some((name, rest)) = split_once(line, b':') else { continue };
        let Some(value) = words(rest).next().and_then(number) else { continue };
        let bytes = Bytes::from_kib(value);
        match name {
            b"MemTotal" => total = Some(bytes),
            b"MemFree" => free = Some(bytes),
            b"MemAvailable" => available = Some(bytes),
            b"Buffers" => info.buffers = bytes,
            b"Cached" => info.cached = bytes,
            b"Active" => info.active = bytes,
            b"Inactive" => info.inactive = bytes,
            b"AnonPages" => info.anonymous = bytes,
            b"Mapped" => info.mapped = bytes,
            b"Shmem" => info.shared = bytes,
            b"Slab" => info.slab = bytes,
            b"SReclaimable" => info.slab_reclaimable = bytes,
            b"KernelStack" => info.kernel_stack = bytes,
            b"PageTables" => info.page_tables = bytes,
            b"Dirty" => info.dirty = bytes,
            b"Writeback" => info.writeback = bytes,
            b"Committed_AS" => info.committed = bytes,
            b"CommitLimit" => info.commit_limit = bytes,
            b"SwapTotal" => info.swap_total = bytes,
            b"SwapFree" => info.swap_free = bytes,
            b"SwapCached" => info.swap_cached = bytes,
            // Counts of pages, not kB.
            b"HugePages_Total" => huge = value,
            b"HugePages_Free" => huge_free = value,
            b"Hugepagesize" => huge_size = bytes,
            _ => {}
        }
    }
    info.total = total?;
    info.free = free?;
    info.available_is_estimate = available.is_none();
    info.available = available.unwrap_or_else(|| {
        let cache = info.buffers.plus(info.cached).since(info.shared);
        info.free.plus(cache).min(info.total)
    });
    info.huge_pages = Bytes(huge.saturating_mul(huge_size.0));
    info.huge_pages_free = Bytes(huge_free.saturating_mul(huge_size.0));
    Some(info)
}

/// One line of the file, whatever its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Field<'a> {
    /// Name, as `Active(anon)`.
    pub name: &'a [u8],
    /// Value: bytes, or a count where the line has no unit.
    pub value: u64,
    /// Whether it is bytes.
    pub is_bytes: bool,
}

/// Every line of `/proc/meminfo`, and of `/sys/devices/system/node/node*/meminfo`, where `Node 0` stands before the name.
pub fn fields(text: &[u8]) -> impl Iterator<Item = Field<'_>> {
    lines(text).filter_map(|line| {
        let (name, rest) = split_once(line, b':')?;
        let name = words(name).last()?;
        let mut rest = words(rest);
        let value = number(rest.next()?)?;
        let is_bytes = rest.next() == Some(b"kB");
        Some(Field { name, value: if is_bytes { value.saturating_mul(1024) } else { value }, is_bytes })
    })
}

/// Reads `/proc/meminfo`. Privilege: none.
pub fn read(root: &Root, buffer: &mut Vec<u8>) -> Reading<Meminfo> {
    file::read_with(&root.proc("meminfo"), buffer, parse)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kernel_without_available_gets_an_estimate() {
        let info =
            parse(b"MemTotal: 1000 kB\nMemFree: 100 kB\nBuffers: 50 kB\nCached: 300 kB\nShmem: 20 kB\n").unwrap();
        assert_eq!(info.available, Bytes::from_kib(430));
        assert!(info.available_is_estimate);
    }

    #[test]
    fn huge_pages_are_counted_in_their_size() {
        let info =
            parse(b"MemTotal: 9 kB\nMemFree: 1 kB\nHugePages_Total:  4\nHugePages_Free: 3\nHugepagesize: 2048 kB\n");
        assert_eq!(info.map(|info| (info.huge_pages.0, info.huge_pages_free.0)), Some((8 << 20, 6 << 20)));
    }
}
