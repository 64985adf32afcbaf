//! `/proc/PID/wchan`: the kernel function in which the main thread waits. Privilege: `CAP_SYS_PTRACE` or same user;
//! without it, and while the thread runs, the kernel says `0`.

use super::{PidDir, Seen};

/// Reads the name; empty where the thread does not wait or the kernel does not tell.
pub fn read(process: &PidDir, buffer: &mut Vec<u8>) -> Seen<Box<[u8]>> {
    process.read_with(c"wchan", buffer, |text| Some(parse(text).into()))
}

/// Turns the kernel's `0` into nothing.
pub fn parse(text: &[u8]) -> &[u8] {
    match text.trim_ascii() {
        b"0" => b"",
        name => name,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zero_is_no_name() {
        assert_eq!(parse(b"0"), b"");
        assert_eq!(parse(b"do_poll.constprop.0\n"), b"do_poll.constprop.0");
    }
}
