//! `/sys/fs/xfs/*/stats/stats`: what XFS counts of one file system.

use crate::text::{lines, lossy, number, words};

/// Parses the file: each line's name and its numbers.
#[must_use]
pub fn parse(text: &[u8]) -> Vec<(Box<str>, Vec<u64>)> {
    let parse_line = |line: &[u8]| {
        let mut words = words(line);
        Some((lossy(words.next()?), words.map_while(number).collect()))
    };
    lines(text).filter_map(parse_line).collect()
}
