//! `/proc/uptime` and the id of this boot.

use std::time::Duration;

use procyon_units::Reading;

use crate::file;
use crate::root::Root;
use crate::text::{fraction, words};

/// Parses `/proc/uptime`: seconds since boot, time asleep included.
#[must_use]
pub fn parse(text: &[u8]) -> Option<Duration> {
    let seconds = fraction(words(text.trim_ascii()).next()?)?;
    Duration::try_from_secs_f64(seconds).ok()
}

/// Reads `/proc/uptime`: time since boot to the hundredth of a second. Privilege: none.
pub fn read(root: &Root, buffer: &mut Vec<u8>) -> Reading<Duration> {
    file::read_with(&root.proc("uptime"), buffer, parse)
}

/// Parses `/proc/sys/kernel/random/boot_id`: 32 hexadecimal digits with dashes.
#[must_use]
pub fn parse_boot_id(text: &[u8]) -> Option<u128> {
    let digits: Vec<u8> = text.trim_ascii().iter().copied().filter(|byte| *byte != b'-').collect();
    let digits = std::str::from_utf8(&digits).ok().filter(|digits| digits.len() == 32)?;
    u128::from_str_radix(digits, 16).ok()
}

/// Reads the random id of this boot. Privilege: none.
pub fn read_boot_id(root: &Root, buffer: &mut Vec<u8>) -> Reading<u128> {
    file::read_with(&root.proc("sys/kernel/random/boot_id"), buffer, parse_boot_id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uptime_and_boot_id_are_read() {
        assert_eq!(parse(b"8312.20 16000.11\n"), Some(Duration::from_millis(8_312_200)));
        assert_eq!(parse(b"-1 0"), None);
        assert_eq!(
            parse_boot_id(b"3f9a1c07-0000-4000-8000-000000000001\n"),
            Some(0x3f9a_1c07_0000_4000_8000_0000_0000_0001)
        );
        assert_eq!(parse_boot_id(b"3f9a1c07"), None);
    }
}
