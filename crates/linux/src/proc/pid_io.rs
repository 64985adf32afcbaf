//! `/proc/PID/io`: bytes and calls of reads and writes, ended threads included. Privilege: same user with the process
//! dumpable, or `CAP_SYS_PTRACE` (and `CAP_DAC_READ_SEARCH` for the file's mode). Absent without
//! `CONFIG_TASK_IO_ACCOUNTING`.

use procyon_units::Bytes;

use super::scan::{Scan, line};

/// What `io` says.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PidIo {
    /// `rchar`: bytes through read calls.
    pub read_chars: Bytes,
    /// `wchar`: bytes through write calls.
    pub written_chars: Bytes,
    /// `syscr`: read calls.
    pub read_calls: u64,
    /// `syscw`: write calls.
    pub write_calls: u64,
    /// `read_bytes`: bytes fetched from storage.
    pub read: Bytes,
    /// `write_bytes`: bytes made dirty or sent to storage.
    pub written: Bytes,
    /// `cancelled_write_bytes`: bytes whose write the process prevented by truncating.
    pub cancelled: Bytes,
}

/// Reads the seven lines. None if one is missing or cut.
pub fn parse(text: &[u8]) -> Option<PidIo> {
    let mut io = PidIo::default();
    let mut taken = 0;
    let mut rest = text;
    while let Some((current, tail)) = line(rest) {
        rest = tail;
        let (key, value) = crate::text::split_once(current, b':')?;
        let place = match key {
            b"rchar" => &mut io.read_chars.0,
            b"wchar" => &mut io.written_chars.0,
            b"syscr" => &mut io.read_calls,
            b"syscw" => &mut io.write_calls,
            b"read_bytes" => &mut io.read.0,
            b"write_bytes" => &mut io.written.0,
            b"cancelled_write_bytes" => &mut io.cancelled.0,
            _ => continue,
        };
        *place = Scan::new(value).unsigned()?;
        taken += 1;
    }
    (taken == 7).then_some(io)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &[u8] = b"rchar: 3234\nwchar: 12\nsyscr: 9\nsyscw: 1\nread_bytes: 4096\nwrite_bytes: 8192\ncancelled_write_bytes: 100\n";

    #[test]
    fn the_seven_lines_are_taken() {
        let expected = PidIo {
            read_chars: Bytes(3234),
            written_chars: Bytes(12),
            read_calls: 9,
            write_calls: 1,
            read: Bytes(4096),
            written: Bytes(8192),
            cancelled: Bytes(100),
        };
        assert_eq!(parse(TEXT), Some(expected));
        assert_eq!(parse(&[TEXT, b"new_in_2030: 7\n"].concat()), Some(expected));
    }

    #[test]
    fn cut_text_gives_nothing() {
        for end in 0..TEXT.len() {
            assert_eq!(parse(TEXT.get(..end).unwrap()), None, "{end}");
        }
    }
}
