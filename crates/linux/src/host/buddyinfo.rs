//! `/proc/buddyinfo`: free blocks of memory by size.

use crate::text::{lines, lossy, number, words};

/// One zone: node, name, and how many free blocks of 1, 2, 4 and so on pages it has.
pub type Zone = (Box<str>, Box<str>, Vec<u64>);

/// Parses the file; lines that do not parse are left out.
#[must_use]
pub fn parse(text: &[u8]) -> Vec<Zone> {
    let parse_line = |line: &[u8]| {
        // Node 0, zone      DMA      1      0 …
        let mut words = words(line);
        let node = words.nth(1)?.strip_suffix(b",")?;
        let zone = words.nth(1)?;
        Some((lossy(node), lossy(zone), words.map_while(number).collect()))
    };
    lines(text).filter_map(parse_line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_zone_has_counts_by_size() {
        let all = parse(b"Node 0, zone    DMA32    759    572 \nodd\n");
        assert_eq!(all, [("0".into(), "DMA32".into(), vec![759, 572])]);
    }
}
