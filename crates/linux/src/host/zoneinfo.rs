//! `/proc/zoneinfo`: pages by zone.

use crate::text::{lines, lossy, number, words};

/// One zone.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Zone {
    /// Node, as the file writes it.
    pub node: Box<str>,
    /// Name, as `DMA32`.
    pub name: Box<str>,
    /// Names and values of lines such as `nr_free_pages 5` and `min 8`. What is per node stands in its first zone.
    pub values: Vec<(Box<str>, u64)>,
    /// Pages that other zones may not take. Line `protection`.
    pub protection: Vec<u64>,
}

/// Parses the file. What stands below `pagesets`, a block for each processor, is left out.
#[must_use]
pub fn parse(text: &[u8]) -> Vec<Zone> {
    let mut zones: Vec<Zone> = Vec::new();
    let mut in_pagesets = false;
    for line in lines(text) {
        let mut words = words(line);
        let Some(first) = words.next() else { continue };
        if first == b"Node" {
            let node = words.next().and_then(|word| word.strip_suffix(b","));
            if let (Some(node), Some(name)) = (node, words.nth(1)) {
                zones.push(Zone { node: lossy(node), name: lossy(name), ..Zone::default() });
                in_pagesets = false;
            }
            continue;
        }
        let Some(zone) = zones.last_mut() else { continue };
        in_pagesets |= first == b"pagesets";
        match first {
            _ if in_pagesets => {}
            b"protection:" => {
                let numbers = words.filter_map(|word| {
                    let digits: Vec<u8> = word.iter().copied().filter(u8::is_ascii_digit).collect();
                    number(&digits)
                });
                zone.protection = numbers.collect();
            }
            // `pages free 2949`.
            b"pages" => zone.values.extend(pair(&mut words)),
            name => zone.values.extend(words.next().and_then(number).map(|value| (lossy(name), value))),
        }
    }
    zones
}

fn pair<'a>(words: &mut impl Iterator<Item = &'a [u8]>) -> Option<(Box<str>, u64)> {
    Some((lossy(words.next()?), number(words.next()?)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_stand_up_to_the_pagesets() {
        let text = b"Node 0, zone      DMA\n  per-node stats\n      nr_dirty     103\n  pages free     2949\n        min      8\n\
            \x20       protection: (0, 2039, 31932)\n      nr_free_pages 2949\n  pagesets\n    cpu: 0\n              count: 5\n              high: 6\n\
            Node 1, zone Normal\n  pages free 1\n";
        let all = parse(text);
        let first = all.first().unwrap();
        let values: Vec<_> = first.values.iter().map(|(name, value)| (&**name, *value)).collect();
        assert_eq!(values, [("nr_dirty", 103), ("free", 2949), ("min", 8), ("nr_free_pages", 2949)]);
        assert_eq!(first.protection, [0, 2039, 31932]);
        assert_eq!(all.get(1).map(|zone| (&*zone.node, &*zone.name)), Some(("1", "Normal")));
    }
}
