//! `/proc/PID/cmdline`: the arguments, each ended by NUL. Privilege: none. Empty for kernel threads and zombies.
//!
//! Can block: the kernel reads it out of the process' own memory.

use procyon_units::Reading;

use super::directory::read_upto;
use super::{PidDir, Seen};

/// The most that is read of a command line; the kernel allows megabytes.
pub const LIMIT: usize = 64 << 10;

/// A command line as the process shows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cmdline<'a> {
    /// Arguments parted by NUL, without those at the end. Any bytes; a process may overwrite them.
    pub bytes: &'a [u8],
    /// Whether there was more than [`LIMIT`].
    pub truncated: bool,
}

impl<'a> Cmdline<'a> {
    /// The arguments one by one.
    pub fn arguments(&self) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        let whole = if self.bytes.is_empty() { None } else { Some(self.bytes) };
        whole.into_iter().flat_map(|bytes| bytes.split(|byte| *byte == 0))
    }
}

/// Reads at most [`LIMIT`] bytes of it.
pub fn read<'a>(process: &PidDir, buffer: &'a mut Vec<u8>) -> Seen<Cmdline<'a>> {
    match process.open_file(c"cmdline").and_then(|file| read_upto(file, buffer, LIMIT + 1)) {
        Ok(()) => Ok(Reading::Known(parse(buffer))),
        Err(error) => process.explain(c"cmdline", error),
    }
}

/// Cuts what was read to the limit and takes the NULs off its end.
pub fn parse(text: &[u8]) -> Cmdline<'_> {
    let truncated = text.len() > LIMIT;
    let mut bytes = text.get(..LIMIT).unwrap_or(text);
    while let [front @ .., 0] = bytes {
        bytes = front;
    }
    Cmdline { bytes, truncated }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_are_parted_by_nul() {
        let line = parse(b"sh\0-c\0\0echo \xff\0\0\0");
        assert_eq!(line.arguments().collect::<Vec<_>>(), [&b"sh"[..], b"-c", b"", b"echo \xff"]);
        assert_eq!(parse(b"").arguments().count(), 0);
        assert!(!line.truncated);
    }

    #[test]
    fn a_long_line_is_cut_and_says_so() {
        let line = vec![b'x'; LIMIT + 1];
        assert_eq!(parse(&line), Cmdline { bytes: &line[..LIMIT], truncated: true });
        assert!(!parse(&line[..LIMIT]).truncated);
    }
}
