//! `/proc/net/dev`: what each network interface carried since it appeared.

use procyon_units::{Bytes, Reading};

use crate::file;
use crate::root::Root;
use crate::text::{lines, lossy, number, words};

/// Counters of one interface in the reader's network namespace.
///
/// 64 bits on 64-bit kernels; 32-bit kernels before 2.6.36, and drivers without 64-bit statistics on 32-bit kernels,
/// wrap at 4 GiB. Resets to zero when the interface is made anew: see [`InterfaceCounters::since`].
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NetDev {
    /// Name, as `eth0`.
    pub name: Box<str>,
    /// What it carried.
    pub counters: InterfaceCounters,
}

/// What an interface carried.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct InterfaceCounters {
    /// One way in.
    pub received: DirectionCounters,
    /// The other way out.
    pub sent: DirectionCounters,
}

/// What an interface carried one way.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct DirectionCounters {
    /// Bytes, link headers included.
    pub bytes: Bytes,
    /// Packets.
    pub packets: u64,
    /// Errors.
    pub errors: u64,
    /// Dropped for want of room.
    pub dropped: u64,
}

impl DirectionCounters {
    fn since(&self, earlier: &Self) -> Option<Self> {
        Some(Self {
            bytes: Bytes(self.bytes.0.checked_sub(earlier.bytes.0)?),
            packets: self.packets.checked_sub(earlier.packets)?,
            // Error counters of some drivers are cleared by `ethtool` and by resets of the card.
            errors: self.errors.saturating_sub(earlier.errors),
            dropped: self.dropped.saturating_sub(earlier.dropped),
        })
    }

    fn parse(mut numbers: impl Iterator<Item = u64>) -> Option<Self> {
        Some(Self {
            bytes: Bytes(numbers.next()?),
            packets: numbers.next()?,
            errors: numbers.next()?,
            dropped: numbers.next()?,
        })
    }
}

impl InterfaceCounters {
    /// What was carried since `earlier`; none when bytes or packets went back: another interface took the name.
    #[must_use]
    pub fn since(&self, earlier: &Self) -> Option<Self> {
        Some(Self { received: self.received.since(&earlier.received)?, sent: self.sent.since(&earlier.sent)? })
    }
}

/// Parses the file; lines that do not parse are left out.
#[must_use]
pub fn parse(text: &[u8]) -> Option<Vec<NetDev>> {
    Some(lines(text).filter_map(parse_line).collect())
}

fn parse_line(line: &[u8]) -> Option<NetDev> {
    // The last colon ends the name: aliases are called `eth0:1`, and old kernels leave no blank before the number.
    let colon = line.iter().rposition(|byte| *byte == b':')?;
    let (name, rest) = (line.get(..colon)?.trim_ascii(), line.get(colon + 1..)?);
    let mut numbers = words(rest).map_while(number);
    let received = DirectionCounters::parse(&mut numbers)?;
    // Skips fifo, frame, compressed and multicast.
    let sent = DirectionCounters::parse(numbers.skip(4))?;
    Some(NetDev { name: lossy(name), counters: InterfaceCounters { received, sent } })
}

/// Reads `/proc/net/dev`: of this process' network namespace, or of that of pid 1 where procfs is not our own.
/// Privilege: none.
pub fn read(root: &Root, buffer: &mut Vec<u8>) -> Reading<Vec<NetDev>> {
    if !root.is_live() {
        let reading = file::read_with(&root.proc("1/net/dev"), buffer, parse);
        if reading.is_known() {
            return reading;
        }
    }
    file::read_with(&root.proc("net/dev"), buffer, parse)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &[u8] = b"Inter-|   Receive                            |  Transmit\n \
        face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed\n\
        \x20   lo:    3193      29    0    0    0     0          0         0     3193      29    0    0    0     0       0          0\n\
        eth0:1:4294967295 2 3 4 5 6 7 8 10 11 12 13 14 15 16 17\n";

    #[test]
    fn heads_are_skipped_and_both_ways_kept() {
        let all = parse(TEXT).unwrap();
        let names: Vec<&str> = all.iter().map(|one| &*one.name).collect();
        assert_eq!(names, ["lo", "eth0:1"]);
        let alias = all.last().unwrap().counters;
        assert_eq!((alias.received.bytes.0, alias.received.dropped), (u32::MAX.into(), 4));
        assert_eq!((alias.sent.bytes.0, alias.sent.packets, alias.sent.errors, alias.sent.dropped), (10, 11, 12, 13));
    }

    #[test]
    fn an_interface_made_anew_has_no_growth() {
        let all = parse(TEXT).unwrap();
        let counters = all.first().unwrap().counters;
        assert_eq!(InterfaceCounters::default().since(&counters), None);
    }
}
