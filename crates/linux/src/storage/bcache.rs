//! `/sys/fs/bcache`: sizes as its driver writes them.

use crate::text::{number, split_once};

/// A size as `20.4G` or `790.0k`, in bytes. What is behind the point is a digit of hundreds of 1/1024: the driver divides the
/// rest by 100 (`bch_hprint`, drivers/md/bcache/util.c).
#[must_use]
pub fn size(word: &[u8]) -> Option<u64> {
    let (last, digits) = word.split_last()?;
    let unit: u64 = match last {
        b'k' | b'K' => 1 << 10,
        b'M' => 1 << 20,
        b'G' => 1 << 30,
        b'T' => 1 << 40,
        b'P' => 1 << 50,
        b'E' => 1 << 60,
        _ => return number(word),
    };
    let (whole, hundreds) = match split_once(digits, b'.') {
        Some((whole, hundreds)) => (number(whole)?, number(hundreds)?),
        None => (number(digits)?, 0),
    };
    whole.checked_mul(unit)?.checked_add(hundreds.checked_mul(100)?.checked_mul(unit / 1024)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_digit_behind_the_point_is_hundreds() {
        for (text, expected) in [
            ("20.4G", Some(21_894_266_880)),
            ("427.5k", Some(437_748)),
            ("790.0k", Some(808_960)),
            ("512", Some(512)),
            ("99E", None),
            ("", None),
            ("k", None),
            ("1.9999999999999999999k", None),
        ] {
            assert_eq!(size(text.as_bytes()), expected, "{text}");
        }
    }
}
