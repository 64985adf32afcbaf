//! Queues of interfaces as rtnetlink tells them.

use std::collections::BTreeMap;

use rustix::io::Errno;

use super::links::links;
use super::netlink::{Netlink, attributes};
use crate::text::lossy;

const GET_QDISC: u16 = 38;
const HEADER: usize = 20;
const KIND: u16 = 1;
const STATS: u16 = 3;
const STATS2: u16 = 7;
const ROOT: u32 = u32::MAX;

/// One queue.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Qdisc {
    /// Its interface.
    pub device: Box<str>,
    /// Its kind, as `fq_codel`.
    pub kind: Box<str>,
    /// Whether it is the outermost one of its interface.
    pub is_root: bool,
    /// Bytes sent.
    pub bytes: u64,
    /// Packets sent.
    pub packets: u64,
    /// Packets dropped.
    pub drops: u64,
    /// Packets put back.
    pub requeues: u64,
    /// Packets over the limit.
    pub overlimits: u64,
    /// Packets waiting now.
    pub length: u64,
    /// Bytes waiting now.
    pub backlog: u64,
}

fn word(bytes: &[u8], at: usize) -> u64 {
    let chunk = bytes.get(at..).and_then(|rest| rest.first_chunk());
    chunk.map_or(0, |chunk| u64::from(u32::from_ne_bytes(*chunk)))
}

fn long(bytes: &[u8]) -> u64 {
    bytes.first_chunk().map_or(0, |chunk| u64::from_ne_bytes(*chunk))
}

/// Parses the payload of an `RTM_NEWQDISC` message: the number of the interface, and the queue without its name.
#[must_use]
pub fn parse(payload: &[u8]) -> Option<(u32, Qdisc)> {
    let index = u32::from_ne_bytes(*payload.get(4..8)?.first_chunk()?);
    let parent = u32::from_ne_bytes(*payload.get(12..16)?.first_chunk()?);
    let mut queue = Qdisc { is_root: matches!(parent, 0 | ROOT), ..Qdisc::default() };
    let mut has_new = false;
    for (kind, content) in attributes(payload.get(HEADER..)?) {
        match kind {
            KIND => queue.kind = lossy(content.split(|byte| *byte == 0).next().unwrap_or_default()),
            // `struct tc_stats`, which older kernels have alone.
            STATS if !has_new => {
                queue.bytes = long(content);
                queue.packets = word(content, 8);
                queue.drops = word(content, 12);
                queue.overlimits = word(content, 16);
                queue.length = word(content, 28);
                queue.backlog = word(content, 32);
            }
            STATS2 => {
                has_new = true;
                parse_new(content, &mut queue);
            }
            _ => {}
        }
    }
    Some((index, queue))
}

/// `struct gnet_stats_basic` and `struct gnet_stats_queue`.
fn parse_new(content: &[u8], queue: &mut Qdisc) {
    const BASIC: u16 = 1;
    const QUEUE: u16 = 3;
    /// All 64 bits of the packets, since 5.5.
    const PACKETS: u16 = 8;
    for (kind, content) in attributes(content) {
        match kind {
            BASIC => {
                queue.bytes = long(content);
                queue.packets = queue.packets.max(word(content, 8));
            }
            PACKETS => queue.packets = long(content),
            QUEUE => {
                queue.length = word(content, 0);
                queue.backlog = word(content, 4);
                queue.drops = word(content, 8);
                queue.requeues = word(content, 12);
                queue.overlimits = word(content, 16);
            }
            _ => {}
        }
    }
}

/// Every queue of our network namespace. Privilege: none.
pub fn list() -> Result<Vec<Qdisc>, Errno> {
    let names: BTreeMap<u32, Box<str>> = links()?.into_iter().map(|link| (link.index, link.name)).collect();
    let mut socket = Netlink::open_route()?;
    let mut queues = Vec::new();
    socket.dump(GET_QDISC, &[0; HEADER], &mut |message| {
        if let Some((index, queue)) = parse(message.payload)
            && let Some(name) = names.get(&index)
        {
            queues.push(Qdisc { device: name.clone(), ..queue });
        }
    })?;
    Ok(queues)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_live_kernel_answers() {
        assert!(list().is_ok());
    }

    #[test]
    fn messages_that_end_early_are_taken_as_far_as_they_go() {
        let message = [0_u8; 64];
        for length in 0..message.len() {
            let _queue = parse(&message[..length]);
        }
    }
}
