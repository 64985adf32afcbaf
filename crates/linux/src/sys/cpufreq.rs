//! `/sys/devices/system/cpu`: clocks of the cores and how many there are.

use procyon_units::Reading;

use crate::file;
use crate::root::Root;
use crate::text::{lines, number};

/// Reads a core's clock now, in hertz. Source: `cpuN/cpufreq/scaling_cur_freq` (kHz). Absent in most virtual machines;
/// `cpu MHz` of [`crate::host::cpuinfo`] is the fallback. Privilege: none.
pub fn read(root: &Root, core: u32, buffer: &mut Vec<u8>) -> Reading<u64> {
    let path = root.sys(format!("devices/system/cpu/cpu{core}/cpufreq/scaling_cur_freq"));
    file::read_number(&path, buffer).map(|khz| khz.saturating_mul(1000))
}

/// Counts the cores in a list of ranges such as `0-3,8`.
#[must_use]
pub fn parse_online(text: &[u8]) -> Option<u32> {
    let list = lines(text).next()?.trim_ascii();
    let mut count = 0_u64;
    for range in list.split(|byte| *byte == b',') {
        let mut ends = range.splitn(2, |byte| *byte == b'-');
        let first = number(ends.next()?)?;
        let last = ends.next().map_or(Some(first), number)?;
        count = count.checked_add(last.checked_sub(first)?.checked_add(1)?)?;
    }
    u32::try_from(count).ok()
}

/// Reads how many cores are online. Source: `/sys/devices/system/cpu/online`. Privilege: none.
pub fn read_online(root: &Root, buffer: &mut Vec<u8>) -> Reading<u32> {
    file::read_with(&root.sys("devices/system/cpu/online"), buffer, parse_online)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_of_cores_are_counted() {
        assert_eq!(parse_online(b"0-3,8,10-11\n"), Some(7));
        assert_eq!(parse_online(b"3-1\n"), None);
        assert_eq!(parse_online(b"0-18446744073709551615"), None);
    }
}
