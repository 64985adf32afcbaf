//! `/proc/net/rpc/nfs` and `nfsd`: calls of the NFS client and server.

use crate::text::{lines, lossy, words};

/// Parses a file: each line's name and the numbers behind it; words that are no numbers count as zero.
#[must_use]
pub fn parse(text: &[u8]) -> Vec<(Box<str>, Vec<f64>)> {
    let parse_line = |line: &[u8]| {
        let mut words = words(line);
        let name = lossy(words.next()?);
        Some((name, words.map(|word| crate::text::fraction(word).unwrap_or(0.0)).collect()))
    };
    lines(text).filter_map(parse_line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_line_has_a_name_and_numbers() {
        let all = parse(b"net 70 70\nth 8 0 0.5\n\n");
        assert_eq!(all, [("net".into(), vec![70.0, 70.0]), ("th".into(), vec![8.0, 0.0, 0.5])]);
    }
}
