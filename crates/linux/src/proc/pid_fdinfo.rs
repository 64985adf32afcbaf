//! `/proc/PID/fdinfo/FD`: position and flags of an open file. Privilege: as `/proc/PID/fd`.

use super::scan::{Scan, line};

/// What every kind of open file has.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct FdInfo {
    /// Position in the file.
    pub position: Option<u64>,
    /// Flags of `open(2)`; the kernel writes them in octal.
    pub flags: Option<u32>,
}

/// Reads the two lines.
pub fn parse(text: &[u8]) -> FdInfo {
    let mut info = FdInfo::default();
    let mut rest = text;
    while let Some((current, tail)) = line(rest) {
        rest = tail;
        if let Some(value) = current.strip_prefix(b"pos:") {
            info.position = Scan::new(value).signed().and_then(|position| u64::try_from(position).ok());
        } else if let Some(value) = current.strip_prefix(b"flags:") {
            info.flags = octal(value.trim_ascii());
        }
    }
    info
}

fn octal(word: &[u8]) -> Option<u32> {
    u32::from_str_radix(std::str::from_utf8(word).ok()?, 8).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_are_octal() {
        let info = parse(b"pos:\t4096\nflags:\t02100002\nmnt_id:\t29\nino:\t17\n");
        assert_eq!(info, FdInfo { position: Some(4096), flags: Some(0o2_100_002) });
        assert_eq!(parse(b"pos:\t-1\nflags:\t9\n"), FdInfo::default());
    }
}
