//! `/proc/diskstats`: what each block device did since it appeared.

use std::time::Duration;

use procyon_units::{Bytes, Reading};

use crate::file;
use crate::root::Root;
use crate::text::{lines, lossy, number, words};

/// Bytes of a sector in this file, whatever the device's own sectors are (Documentation/block/stat.rst).
const SECTOR: u64 = 512;

/// Counters of one block device, whole disks and partitions alike.
///
/// All grow since the device appeared. Times come as 32-bit milliseconds even from 64-bit kernels
/// (`diskstats_show` casts to `unsigned int`) and wrap after 49.7 days of work: use [`Diskstat::since`], which counts on.
/// On 32-bit kernels the other counters are `unsigned long` and wrap too; Procyon runs on 64-bit kernels only.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Diskstat {
    /// Device number.
    pub device: (u32, u32),
    /// Name, as `sda1`; `/` in names such as `cciss/c0d0` is kept.
    pub name: Box<str>,
    /// What it did.
    pub counters: DiskCounters,
}

/// What a block device did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct DiskCounters {
    /// Reads finished. Field 4.
    pub reads: u64,
    /// Reads that were merged with a neighbour. Field 5.
    pub reads_merged: u64,
    /// Bytes read. Field 6.
    pub read: Bytes,
    /// Time of all reads from queueing to their end, in ms, 32 bits. Field 7.
    pub read_ms: u32,
    /// Writes finished. Field 8.
    pub writes: u64,
    /// Writes that were merged with a neighbour. Field 9.
    pub writes_merged: u64,
    /// Bytes written. Field 10.
    pub written: Bytes,
    /// Time of all writes, in ms, 32 bits. Field 11.
    pub write_ms: u32,
    /// Requests in hand now. Field 12.
    pub in_flight: u64,
    /// Time with work in hand, in ms, 32 bits. Field 13.
    pub busy_ms: u32,
    /// Time with work in hand times requests, in ms, 32 bits. Field 14.
    pub weighted_ms: u32,
    /// Discards finished. Field 15, since 4.18; zero before.
    pub discards: u64,
    /// Bytes discarded. Field 17, since 4.18.
    pub discarded: Bytes,
    /// Flushes finished. Field 19, since 5.5.
    pub flushes: u64,
    /// Discards that were merged with a neighbour. Field 16, since 4.18.
    pub discards_merged: u64,
    /// Time of all discards, in ms, 32 bits. Field 18, since 4.18.
    pub discard_ms: u32,
    /// Time of all flushes, in ms, 32 bits. Field 20, since 5.5.
    pub flush_ms: u32,
    /// How many numbers the kernel gave behind the name: 4, 11, 15 or 17; what is beyond reads zero.
    pub given: u8,
}

/// What a block device did between two readings.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct DiskGrowth {
    /// Reads finished.
    pub reads: u64,
    /// Writes finished.
    pub writes: u64,
    /// Bytes read.
    pub read: Bytes,
    /// Bytes written.
    pub written: Bytes,
    /// Time of the reads that finished, queueing included.
    pub read_time: Duration,
    /// Time of the writes that finished, queueing included.
    pub write_time: Duration,
    /// Time with work in hand.
    pub busy: Duration,
    /// Time with work in hand times requests in hand.
    pub weighted: Duration,
}

impl DiskCounters {
    /// What happened since `earlier`; none when a counter of finished requests went back, as it does when another
    /// device took the name.
    #[must_use]
    pub fn since(&self, earlier: &Self) -> Option<DiskGrowth> {
        let wrapped = |now: u32, before: u32| Duration::from_millis(now.wrapping_sub(before).into());
        Some(DiskGrowth {
            reads: self.reads.checked_sub(earlier.reads)?,
            writes: self.writes.checked_sub(earlier.writes)?,
            read: Bytes(self.read.0.checked_sub(earlier.read.0)?),
            written: Bytes(self.written.0.checked_sub(earlier.written.0)?),
            read_time: wrapped(self.read_ms, earlier.read_ms),
            write_time: wrapped(self.write_ms, earlier.write_ms),
            busy: wrapped(self.busy_ms, earlier.busy_ms),
            weighted: wrapped(self.weighted_ms, earlier.weighted_ms),
        })
    }
}

/// Parses the file; lines that do not parse are left out.
///
/// Kernels before 2.6.25 give partitions four numbers only: reads, sectors read, writes, sectors written.
#[must_use]
pub fn parse(text: &[u8]) -> Option<Vec<Diskstat>> {
    Some(lines(text).filter_map(parse_line).collect())
}

fn parse_line(line: &[u8]) -> Option<Diskstat> {
    let mut words = words(line);
    let mut device = || words.next().and_then(number).and_then(|number| u32::try_from(number).ok());
    let device = (device()?, device()?);
    let name = lossy(words.next()?);
    let mut numbers = [0_u64; 17];
    let mut found = 0;
    for (slot, value) in numbers.iter_mut().zip(words.map_while(number)) {
        *slot = value;
        found += 1;
    }
    let bytes = |sectors: u64| Bytes(sectors.saturating_mul(SECTOR));
    let [
        reads,
        reads_merged,
        read,
        read_ms,
        writes,
        writes_merged,
        written,
        write_ms,
        in_flight,
        busy,
        weighted,
        more @ ..,
    ] = numbers;
    let [discards, discards_merged, discarded, discard_ms, flushes, flush_ms] = more;
    let given = u8::try_from(found).unwrap_or(u8::MAX);
    let counters = match found {
        0..4 => return None,
        4..11 => DiskCounters {
            reads,
            read: bytes(reads_merged),
            writes: read,
            written: bytes(read_ms),
            given,
            ..DiskCounters::default()
        },
        _ => DiskCounters {
            reads,
            reads_merged,
            read: bytes(read),
            read_ms: low_half(read_ms),
            writes,
            writes_merged,
            written: bytes(written),
            write_ms: low_half(write_ms),
            in_flight,
            busy_ms: low_half(busy),
            weighted_ms: low_half(weighted),
            discards,
            discarded: bytes(discarded),
            flushes,
            discards_merged,
            discard_ms: low_half(discard_ms),
            flush_ms: low_half(flush_ms),
            given,
        },
    };
    Some(Diskstat { device, name, counters })
}

/// The kernel prints 32 bits; anything above them is not there.
#[expect(clippy::cast_possible_truncation, reason = "the low half is what is wanted")]
const fn low_half(ms: u64) -> u32 {
    ms as u32
}

/// Reads `/proc/diskstats`. Privilege: none. Absent in some containers.
pub fn read(root: &Root, buffer: &mut Vec<u8>) -> Reading<Vec<Diskstat>> {
    file::read_with(&root.proc("diskstats"), buffer, parse)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(line: &str) -> Diskstat {
        parse(line.as_bytes()).unwrap().pop().unwrap()
    }

    #[test]
    fn lines_of_four_generations_of_kernels_are_read() {
        let old = one("   8    1 sda1 35 1000 2 40\n");
        assert_eq!((old.counters.reads, old.counters.read.0, old.counters.written.0), (35, 512_000, 20_480));
        let plain = one("   8    0 sda 10 1 100 7 20 2 200 9 0 11 16\n");
        assert_eq!((plain.counters.writes, plain.counters.busy_ms, plain.counters.discards), (20, 11, 0));
        let discard = one("   8    0 sda 10 1 100 7 20 2 200 9 0 11 16 5 0 8 1\n");
        assert_eq!((discard.counters.discards, discard.counters.discarded.0, discard.counters.flushes), (5, 4096, 0));
        let flush =
            one(" 254 0 vda 7450 3885 3274866 11121 1443 10018 505144 1266 0 3712 12559 3227 40 49392 167 122 4\n");
        assert_eq!((flush.device, flush.counters.flushes), ((254, 0), 122));
    }

    #[test]
    fn milliseconds_that_wrap_count_on() {
        let before = DiskCounters { busy_ms: u32::MAX - 9, reads: 1, ..DiskCounters::default() };
        let after = DiskCounters { busy_ms: 20, reads: 2, ..DiskCounters::default() };
        assert_eq!(after.since(&before).map(|growth| growth.busy), Some(Duration::from_millis(30)));
        assert_eq!(before.since(&after), None, "another device took the name");
    }
}
