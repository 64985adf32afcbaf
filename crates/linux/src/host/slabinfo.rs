//! `/proc/slabinfo`: memory of the kernel by kind of object. Privilege: root.

use crate::text::{lines, lossy, number, words};

/// One cache of objects.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Slab {
    /// Name.
    pub name: Box<str>,
    /// Objects in use.
    pub active: u64,
    /// Objects.
    pub objects: u64,
    /// Bytes of one.
    pub size: u64,
    /// Objects in a slab.
    pub per_slab: u64,
    /// Pages of a slab.
    pub pages: u64,
}

/// Parses the file; headings and lines that do not parse are left out.
#[must_use]
pub fn parse(text: &[u8]) -> Vec<Slab> {
    let parse_line = |line: &[u8]| {
        let mut words = words(line);
        let name = lossy(words.next().filter(|word| !word.starts_with(b"#"))?);
        let mut next = || words.next().and_then(number);
        Some(Slab { name, active: next()?, objects: next()?, size: next()?, per_slab: next()?, pages: next()? })
    };
    lines(text).filter_map(parse_line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headings_are_left_out() {
        let text = b"slabinfo - version: 2.1\n# name <active_objs>\nkmem_cache 320 321 256 32 2 : tunables 0 0 0\n";
        let slab = Slab { name: "kmem_cache".into(), active: 320, objects: 321, size: 256, per_slab: 32, pages: 2 };
        assert_eq!(parse(text), [slab]);
    }
}
