//! `/proc/swaps`: where the machine swaps to.

use procyon_units::{Bytes, Reading};

use super::mountinfo::unescape;
use crate::file;
use crate::root::Root;
use crate::text::{lines, lossy, number, words};

/// One swap area.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Swap {
    /// Partition or file.
    pub name: Box<str>,
    /// `partition` or `file`.
    pub kind: Box<str>,
    /// Its size.
    pub size: Bytes,
    /// In use.
    pub used: Bytes,
    /// Higher ones are filled first.
    pub priority: i32,
}

/// Parses the file; empty without swap.
#[must_use]
pub fn parse(text: &[u8]) -> Option<Vec<Swap>> {
    let mut swaps = Vec::new();
    for line in lines(text).skip(1) {
        let mut words = words(line);
        let (Some(name), Some(kind)) = (words.next(), words.next()) else { continue };
        let (Some(size), Some(used)) = (words.next().and_then(number), words.next().and_then(number)) else { continue };
        let priority = words.next().and_then(|word| std::str::from_utf8(word).ok()?.parse().ok()).unwrap_or(0);
        let (size, used) = (Bytes::from_kib(size), Bytes::from_kib(used));
        swaps.push(Swap { name: lossy(&unescape(name)), kind: lossy(kind), size, used, priority });
    }
    Some(swaps)
}

/// Reads `/proc/swaps`. Privilege: none.
pub fn read(root: &Root, buffer: &mut Vec<u8>) -> Reading<Vec<Swap>> {
    file::read_with(&root.proc("swaps"), buffer, parse)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_swap_file_with_a_blank_in_its_name_is_read() {
        let swaps = parse(b"Filename\tType\tSize\tUsed\tPriority\n/my\\040swap  file\t\t1024\t16\t-2\n").unwrap();
        assert_eq!(swaps.first().map(|swap| (&*swap.name, swap.used.kib(), swap.priority)), Some(("/my swap", 16, -2)));
    }
}
