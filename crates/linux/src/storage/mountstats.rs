//! `/proc/PID/mountstats`: what the NFS client did for each mount.

use crate::text::{lines, lossy, number, split_once, words};

/// One mount. Those of other file systems have nothing but their place.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MountStats {
    /// What is mounted, as `server:/export`.
    pub device: Box<str>,
    /// Where.
    pub mount_point: Box<str>,
    /// Type, as `nfs4`.
    pub kind: Box<str>,
    /// Age, seconds. Line `age`.
    pub age: u64,
    /// Bytes and pages. Line `bytes`: read, written, both directly, both from the server, pages read and written.
    pub bytes: [u64; 8],
    /// Events. Line `events`, in the kernel's order (`enum nfs_stat_eventcounters`, include/linux/nfs_iostat.h).
    pub events: Vec<u64>,
    /// Connections to the server. Lines `xprt`.
    pub transports: Vec<Transport>,
    /// Calls by name. Lines below `per-op statistics`: calls, sent, major time-outs, bytes sent, bytes received,
    /// milliseconds queued, until the answer, in all, errors (since 5.3).
    pub operations: Vec<(Box<str>, Vec<u64>)>,
}

/// A connection to a server.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Transport {
    /// `tcp`, `udp` or `rdma`.
    pub protocol: Box<str>,
    /// Times that a port was bound.
    pub bind: u64,
    /// Times that a connection was made; TCP and RDMA only.
    pub connect: u64,
    /// Seconds since the last traffic; TCP and RDMA only.
    pub idle: u64,
    /// Requests sent.
    pub sends: u64,
    /// Answers received.
    pub receives: u64,
    /// Answers to nothing that was asked.
    pub bad_ids: u64,
    /// Items of the backlog, added up.
    pub backlog: u64,
    /// Most requests at one time.
    pub slots: u64,
    /// Items of the queue for sending, added up.
    pub sending: u64,
    /// Items of the queue of waiting requests, added up.
    pub pending: u64,
}

/// Parses the file: every mount, in order.
#[must_use]
pub fn parse(text: &[u8]) -> Vec<MountStats> {
    let mut mounts: Vec<MountStats> = Vec::new();
    let mut in_operations = false;
    for line in lines(text) {
        if let Some(mount) = parse_head(line) {
            mounts.push(mount);
            in_operations = false;
            continue;
        }
        let Some(mount) = mounts.last_mut() else { continue };
        if line.trim_ascii() == b"per-op statistics" {
            in_operations = true;
            continue;
        }
        let Some((name, rest)) = split_once(line, b':') else { continue };
        let mut numbers = words(rest).map(|word| number(word).unwrap_or(0));
        match name.trim_ascii() {
            name if in_operations => mount.operations.push((lossy(name), numbers.take(MOST_NUMBERS).collect())),
            b"age" => mount.age = numbers.next().unwrap_or(0),
            b"bytes" => mount.bytes = fill(numbers),
            b"events" => mount.events = numbers.collect(),
            b"xprt" => mount.transports.extend(parse_transport(rest)),
            _ => {}
        }
    }
    mounts
}

/// `device X mounted on Y with fstype Z`.
fn parse_head(line: &[u8]) -> Option<MountStats> {
    let mut words = words(line);
    let mut at = |expected: &[u8]| words.next().filter(|word| *word == expected).map(|_| ());
    at(b"device")?;
    let device = words.next()?;
    let mut at = |expected: &[u8]| words.next().filter(|word| *word == expected).map(|_| ());
    at(b"mounted")?;
    at(b"on")?;
    let mount_point = words.next()?;
    let mut at = |expected: &[u8]| words.next().filter(|word| *word == expected).map(|_| ());
    at(b"with")?;
    at(b"fstype")?;
    Some(MountStats {
        device: lossy(device),
        mount_point: lossy(mount_point),
        kind: lossy(words.next()?),
        ..MountStats::default()
    })
}

/// Numbers of a call that mean something.
const MOST_NUMBERS: usize = 9;

fn fill<const N: usize>(numbers: impl Iterator<Item = u64>) -> [u64; N] {
    let mut all = [0; N];
    for (slot, value) in all.iter_mut().zip(numbers) {
        *slot = value;
    }
    all
}

fn parse_transport(rest: &[u8]) -> Option<Transport> {
    let mut words = words(rest);
    let protocol = words.next()?;
    let numbers: [u64; 13] = fill(words.map(|word| number(word).unwrap_or(0)));
    let connected =
        |[_, bind, connect, _, idle, sends, receives, bad_ids, _, backlog, slots, sending, pending]: [u64; 13]| {
            Transport {
                protocol: lossy(protocol),
                bind,
                connect,
                idle,
                sends,
                receives,
                bad_ids,
                backlog,
                slots,
                sending,
                pending,
            }
        };
    if protocol != b"udp" {
        return Some(connected(numbers));
    }
    let [port, bind, sends, receives, bad_ids, requests, backlog, slots, sending, pending, ..] = numbers;
    Some(connected([port, bind, 0, 0, 0, sends, receives, bad_ids, requests, backlog, slots, sending, pending]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nfs_mounts_have_numbers_and_others_a_place() {
        let text = b"device proc mounted on /proc with fstype proc\n\
            device s:/e mounted on /mnt with fstype nfs4 statvers=1.1\n\tage:\t13\n\tevents:\t52 226\n\tbytes:\t1 2 3 4 5 6 7 8\n\
            \txprt:\ttcp 832 0 1 0 11 6428 6429 0 12154 0 24 26 5726\n\txprt:\tudp 832 0 64 65 0 9 1 24 26 57\n\
            \tper-op statistics\n\t NULL: 1 2\n\t READ: 1 2 3 4 5 6 7 8 9 10\n";
        let all = parse(text);
        let kinds: Vec<_> = all.iter().map(|mount| &*mount.kind).collect();
        assert_eq!(kinds, ["proc", "nfs4"]);
        let nfs = all.last().unwrap();
        assert_eq!((nfs.age, nfs.events.len(), nfs.bytes), (13, 2, [1, 2, 3, 4, 5, 6, 7, 8]));
        let transports: Vec<_> =
            nfs.transports.iter().map(|one| (one.connect, one.sends, one.receives, one.pending)).collect();
        assert_eq!(transports, [(1, 6428, 6429, 5726), (0, 64, 65, 57)]);
        assert_eq!(nfs.operations, [("NULL".into(), vec![1, 2]), ("READ".into(), vec![1, 2, 3, 4, 5, 6, 7, 8, 9])]);
    }
}
