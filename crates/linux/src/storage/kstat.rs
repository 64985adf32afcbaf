//! `/proc/spl/kstat/zfs`: what ZFS counts.

use crate::text::{lines, lossy, words};

/// One named value: its name, the number of its type (3 signed, 4 unsigned, 7 text), and what stands behind.
pub type Named = (Box<str>, Box<str>, Box<str>);

/// Parses a file of named values: lines below the heading `name type data`. None without the heading.
#[must_use]
pub fn named(text: &[u8]) -> Option<Vec<Named>> {
    let mut lines = lines(text);
    lines.find(|line| words(line).eq([b"name".as_slice(), b"type", b"data"]))?;
    let values = lines.filter_map(|line| {
        let mut words = words(line);
        let (name, kind, value) = (words.next()?, words.next()?, words.next()?);
        // Text may have blanks in it: it goes to the end of the line.
        let start = value.as_ptr().addr().checked_sub(line.as_ptr().addr())?;
        Some((lossy(name), lossy(kind), lossy(line.get(start..)?.trim_ascii_end())))
    });
    Some(values.collect())
}

/// Parses a file with one line of names, of which the first is `nread`, and one of values.
#[must_use]
pub fn table(text: &[u8]) -> Vec<(Box<str>, Box<str>)> {
    let mut lines = lines(text);
    let Some(names) = lines.find(|line| words(line).next() == Some(b"nread")) else { return Vec::new() };
    let values = words(lines.next().unwrap_or_default());
    words(names).zip(values).map(|(name, value)| (lossy(name), lossy(value))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_kinds_of_files_are_read() {
        let all = named(b"7 1 0x01\nname type data\nhits 4 10\nodd\nx 7 two  words \n").unwrap();
        assert_eq!(all, [("hits".into(), "4".into(), "10".into()), ("x".into(), "7".into(), "two  words".into())]);
        assert_eq!(named(b"hits 4 10\n"), None);
        let all = table(b"12 3\nnread nwritten\n5 6\n");
        assert_eq!(all, [("nread".into(), "5".into()), ("nwritten".into(), "6".into())]);
    }
}
