//! `/proc/PID/ns`: the namespaces of a process. Privilege: same user with the process dumpable, or `CAP_SYS_PTRACE`.

use super::{PidDir, Seen};

/// Inode number of the network namespace: equal numbers share their connections. Absent for zombies.
pub fn network(process: &PidDir) -> Seen<u64> {
    Ok(match process.read_link(c"ns/net")? {
        procyon_units::Reading::Known(target) => match parse(&target) {
            Some(inode) => procyon_units::Reading::Known(inode),
            None => procyon_units::Reading::Unsupported,
        },
        reason => reason.map(|_| 0),
    })
}

/// Reads `net:[4026531840]`.
pub fn parse(target: &[u8]) -> Option<u64> {
    let (_, inode) = crate::text::split_once(target, b'[')?;
    crate::text::number(inode.strip_suffix(b"]")?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_inode_stands_in_brackets() {
        assert_eq!(parse(b"net:[4026531840]"), Some(4_026_531_840));
        for text in ["net:", "net:[]", "net:[12", ""] {
            assert_eq!(parse(text.as_bytes()), None, "{text}");
        }
    }
}
