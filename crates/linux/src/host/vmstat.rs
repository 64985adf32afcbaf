//! `/proc/vmstat`: events of memory management since boot.

use procyon_units::{Pages, Reading};

use crate::file;
use crate::root::Root;
use crate::text::{lines, number, words};

/// Counters since boot. A counter that this kernel lacks is unsupported.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Vmstat {
    /// Pages brought back from swap. Field `pswpin`.
    pub swapped_in: Reading<Pages>,
    /// Pages written to swap. Field `pswpout`.
    pub swapped_out: Reading<Pages>,
    /// Page faults. Field `pgfault`.
    pub faults: Reading<u64>,
    /// Page faults that needed a disk. Field `pgmajfault`.
    pub major_faults: Reading<u64>,
    /// Processes killed for want of memory. Field `oom_kill`, since 4.13.
    pub oom_kills: Reading<u64>,
}

/// Parses the file.
#[must_use]
pub fn parse(text: &[u8]) -> Option<Vmstat> {
    let none = Reading::Unsupported;
    let mut stat = Vmstat {
        swapped_in: Reading::Unsupported,
        swapped_out: Reading::Unsupported,
        faults: none,
        major_faults: none,
        oom_kills: none,
    };
    for line in lines(text) {
        let mut words = words(line);
        let (Some(name), Some(value)) = (words.next(), words.next().and_then(number)) else { continue };
        match name {
            b"pswpin" => stat.swapped_in = Reading::Known(Pages(value)),
            b"pswpout" => stat.swapped_out = Reading::Known(Pages(value)),
            b"pgfault" => stat.faults = Reading::Known(value),
            b"pgmajfault" => stat.major_faults = Reading::Known(value),
            b"oom_kill" => stat.oom_kills = Reading::Known(value),
            _ => {}
        }
    }
    stat.faults.is_known().then_some(stat)
}

/// Every line of the file: name and value.
pub fn counters(text: &[u8]) -> impl Iterator<Item = (&str, u64)> {
    lines(text).filter_map(|line| {
        let mut words = words(line);
        Some((std::str::from_utf8(words.next()?).ok()?, number(words.next()?)?))
    })
}

/// Reads `/proc/vmstat`. Privilege: none.
pub fn read(root: &Root, buffer: &mut Vec<u8>) -> Reading<Vmstat> {
    file::read_with(&root.proc("vmstat"), buffer, parse)
}

/// Bytes in a page on this machine (`sysconf(_SC_PAGESIZE)`), for [`Pages::bytes`].
#[must_use]
pub fn page_size() -> u64 {
    rustix::param::page_size() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_counter_that_the_kernel_lacks_is_unsupported() {
        let stat = parse(b"pgfault 10\npgmajfault 2\npswpin 3\npswpout 4\n").unwrap();
        assert_eq!(stat.swapped_in, Reading::Known(Pages(3)));
        assert_eq!(stat.oom_kills, Reading::Unsupported);
    }
}
