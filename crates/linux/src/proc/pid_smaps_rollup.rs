//! `/proc/PID/smaps_rollup`: proportional and unique memory. Since 4.14. Privilege: same user with the process
//! dumpable, or `CAP_SYS_PTRACE`. Absent for kernel threads and zombies.
//!
//! Expensive (the kernel walks all page tables, and page faults of the process wait meanwhile) and can block.

use procyon_units::Bytes;

use super::scan::{Scan, line};
use super::{PidDir, Seen};

/// The sums over all mappings.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SmapsRollup {
    /// `Rss`: resident.
    pub resident: Bytes,
    /// `Pss`: resident, each page divided by those who map it.
    pub proportional: Bytes,
    /// `Pss_Anon`: its anonymous part. Since 5.11; zero before.
    pub proportional_anonymous: Bytes,
    /// `Private_Clean` and `Private_Dirty`, huge pages included: resident and mapped by nobody else.
    pub unique: Bytes,
    /// `SwapPss`: swapped out, each page divided by those who map it.
    pub swap_proportional: Bytes,
}

/// Reads the file.
pub fn read(process: &PidDir, buffer: &mut Vec<u8>) -> Seen<SmapsRollup> {
    process.read_with(c"smaps_rollup", buffer, parse)
}

/// Reads the lines. None without a `Pss` line.
pub fn parse(text: &[u8]) -> Option<SmapsRollup> {
    let mut sums = SmapsRollup::default();
    let mut has_pss = false;
    let mut rest = text;
    while let Some((current, tail)) = line(rest) {
        rest = tail;
        let Some((key, value)) = crate::text::split_once(current, b':') else { continue };
        let place = match key {
            b"Rss" => &mut sums.resident,
            b"Pss" => &mut sums.proportional,
            b"Pss_Anon" => &mut sums.proportional_anonymous,
            b"Private_Clean" | b"Private_Dirty" | b"Private_Hugetlb" => &mut sums.unique,
            b"SwapPss" => &mut sums.swap_proportional,
            _ => continue,
        };
        *place = place.plus(Bytes::from_kib(Scan::new(value).unsigned()?));
        has_pss |= key == b"Pss";
    }
    has_pss.then_some(sums)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn private_pages_are_summed() {
        let text = b"5581-7fff ---p 00000000 00:00 0                          [rollup]\nRss:                3180 kB\n\
            Pss:                 466 kB\nPss_Dirty:           108 kB\nPss_Anon:            108 kB\nShared_Clean:       2400 kB\n\
            Private_Clean:       256 kB\nPrivate_Dirty:       524 kB\nPrivate_Hugetlb:    2048 kB\nSwap:                  0 kB\nSwapPss:               12 kB\nLocked:                0 kB\n";
        let kib = Bytes::from_kib;
        assert_eq!(
            parse(text),
            Some(SmapsRollup {
                resident: kib(3180),
                proportional: kib(466),
                proportional_anonymous: kib(108),
                unique: kib(256 + 524 + 2048),
                swap_proportional: kib(12),
            })
        );
        assert_eq!(parse(b""), None);
    }
}
