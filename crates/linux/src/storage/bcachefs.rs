//! `/sys/fs/bcachefs`: sizes as people write them, and lists.

use crate::text::{fraction, lines, lossy, number, words};

/// A size as `2.05G`, `28.2k` or `720`, in bytes; powers of 1024, rounded down.
#[must_use]
pub fn size(word: &[u8]) -> Option<u64> {
    let (last, digits) = word.split_last()?;
    let exponent = match last {
        b'k' | b'K' => 1,
        b'M' => 2,
        b'G' => 3,
        b'T' => 4,
        b'P' => 5,
        b'E' => 6,
        _ => return number(word).or_else(|| fraction(word).and_then(whole)),
    };
    whole(fraction(digits)? * 1024_f64.powi(exponent))
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "rounded down, and in range")]
fn whole(value: f64) -> Option<u64> {
    (0.0..18e18).contains(&value).then_some(value as u64)
}

/// Lines of a name and words behind it; a colon at the end of the name is dropped, or parts it from the first word.
#[must_use]
pub fn rows(text: &[u8]) -> Vec<(Box<str>, Vec<Box<str>>)> {
    let row = |line: &[u8]| {
        let line: Vec<u8> = line.iter().map(|byte| if *byte == b':' { b' ' } else { *byte }).collect();
        let mut words = words(&line).map(lossy);
        Some((words.next()?, words.collect()))
    };
    lines(text).filter_map(row).collect()
}

/// A counter: what stands behind `since filesystem creation:`.
#[must_use]
pub fn since_creation(text: &[u8]) -> Option<u64> {
    let line = lines(text).find_map(|line| line.trim_ascii().strip_prefix(b"since filesystem creation:"))?;
    size(line.trim_ascii())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_units() {
        for (text, expected) in [
            ("2.05G", Some(2_201_170_739)),
            ("28.2k", Some(28_876)),
            ("720", Some(720)),
            ("x", None),
            ("", None),
            ("G", None),
        ] {
            assert_eq!(size(text.as_bytes()), expected, "{text}");
        }
    }

    #[test]
    fn counters_are_since_creation() {
        assert_eq!(since_creation(b"since mount:  1\nsince filesystem creation:  1.5k\n"), Some(1536));
        assert_eq!(since_creation(b"since mount: 1\n"), None);
    }
}
