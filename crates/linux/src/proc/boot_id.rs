//! `/proc/sys/kernel/random/boot_id`: one boot of this machine. Privilege: none.

use procyon_units::Reading;

use crate::root::Root;

/// Reads the boot's 128 random bits.
pub fn read(root: &Root) -> Reading<u128> {
    crate::file::read_with(&root.proc("sys/kernel/random/boot_id"), &mut Vec::new(), parse)
}

/// Reads the text form with dashes.
pub fn parse(text: &[u8]) -> Option<u128> {
    let digits: Vec<u8> = text.trim_ascii().iter().copied().filter(|byte| *byte != b'-').collect();
    let digits = std::str::from_utf8(&digits).ok().filter(|digits| digits.len() == 32)?;
    u128::from_str_radix(digits, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dashes_do_not_count() {
        assert_eq!(parse(b"3f9a1c07-0000-4000-8000-000000000001\n"), Some(0x3f9a_1c07_0000_4000_8000_0000_0000_0001));
        assert_eq!(parse(b"3f9a1c07\n"), None);
        assert_eq!(parse(b"3f9a1c07-0000-4000-8000-00000000000x\n"), None);
    }
}
