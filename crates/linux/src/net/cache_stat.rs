//! `/proc/net/stat/*`: counters of kernel caches by processor, a line of names and lines of hexadecimal numbers.

use crate::text::{hex, lines, lossy, words};

/// Parses a file: each name with its value on every processor.
#[must_use]
pub fn parse(text: &[u8]) -> Vec<(Box<str>, Vec<u64>)> {
    let mut lines = lines(text);
    let mut all: Vec<(Box<str>, Vec<u64>)> =
        lines.next().map(|names| words(names).map(|name| (lossy(name), Vec::new())).collect()).unwrap_or_default();
    for line in lines {
        for ((_, values), word) in all.iter_mut().zip(words(line)) {
            values.push(hex(word).unwrap_or(0));
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_name_has_a_value_on_every_processor() {
        let all = parse(b"entries searched\n0000000a 00\n0b ff\n");
        assert_eq!(all, [("entries".into(), vec![10, 11]), ("searched".into(), vec![0, 255])]);
        assert_eq!(parse(b""), []);
    }
}
