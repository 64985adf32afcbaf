//! Interfaces and neighbours as rtnetlink tells them: 64-bit counters, also of interfaces that `/proc/net/dev` wraps.

use std::collections::BTreeMap;

use rustix::io::Errno;
use rustix::net::netdevice::index_to_name;

use super::netlink::{Message, Netlink, attributes};
use crate::text::lossy;

const GET_LINK: u16 = 18;
const GET_ADDRESS: u16 = 22;
const GET_NEIGHBOUR: u16 = 30;
const NAME: u16 = 3;
const ALIAS: u16 = 20;
const STATS: u16 = 23;
/// Length of `struct ifinfomsg`, `struct ifaddrmsg` and `struct ndmsg`.
const LINK_HEADER: usize = 16;
const ADDRESS_HEADER: usize = 8;
const NEIGHBOUR_HEADER: usize = 12;

/// Counters of one interface, in the order of `struct rtnl_link_stats64` (include/uapi/linux/if_link.h).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names of the kernel's header say all there is")]
pub struct LinkStats {
    pub rx_packets: u64,
    pub tx_packets: u64,
    pub rx_bytes: u64,
    pub tx_bytes: u64,
    pub rx_errors: u64,
    pub tx_errors: u64,
    pub rx_dropped: u64,
    pub tx_dropped: u64,
    pub multicast: u64,
    pub collisions: u64,
    pub rx_length_errors: u64,
    pub rx_over_errors: u64,
    pub rx_crc_errors: u64,
    pub rx_frame_errors: u64,
    pub rx_fifo_errors: u64,
    pub rx_missed_errors: u64,
    pub tx_aborted_errors: u64,
    pub tx_carrier_errors: u64,
    pub tx_fifo_errors: u64,
    pub tx_heartbeat_errors: u64,
    pub tx_window_errors: u64,
    pub rx_compressed: u64,
    pub tx_compressed: u64,
    pub rx_nohandler: u64,
}

/// One interface.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Link {
    /// Its number.
    pub index: u32,
    /// Its name.
    pub name: Box<str>,
    /// Its alias; empty without one.
    pub alias: Box<str>,
    /// Its counters; none where the kernel does not give them.
    pub stats: Option<LinkStats>,
}

/// Parses the payload of an `RTM_NEWLINK` message.
#[must_use]
pub fn parse_link(payload: &[u8]) -> Option<Link> {
    let index = u32::from_ne_bytes(*payload.get(4..8)?.first_chunk()?);
    let mut link = Link { index, ..Link::default() };
    for (kind, content) in attributes(payload.get(LINK_HEADER..)?) {
        match kind {
            NAME => link.name = text(content),
            ALIAS => link.alias = text(content),
            STATS => link.stats = Some(parse_stats(content)),
            _ => {}
        }
    }
    (!link.name.is_empty()).then_some(link)
}

/// Text that ends with a zero byte.
fn text(content: &[u8]) -> Box<str> {
    lossy(content.split(|byte| *byte == 0).next().unwrap_or_default())
}

fn parse_stats(content: &[u8]) -> LinkStats {
    let mut numbers = content.chunks_exact(8).map(|chunk| chunk.try_into().map_or(0, u64::from_ne_bytes));
    // Older kernels give fewer; what they do not count is zero.
    let mut next = || numbers.next().unwrap_or(0);
    LinkStats {
        rx_packets: next(),
        tx_packets: next(),
        rx_bytes: next(),
        tx_bytes: next(),
        rx_errors: next(),
        tx_errors: next(),
        rx_dropped: next(),
        tx_dropped: next(),
        multicast: next(),
        collisions: next(),
        rx_length_errors: next(),
        rx_over_errors: next(),
        rx_crc_errors: next(),
        rx_frame_errors: next(),
        rx_fifo_errors: next(),
        rx_missed_errors: next(),
        tx_aborted_errors: next(),
        tx_carrier_errors: next(),
        tx_fifo_errors: next(),
        tx_heartbeat_errors: next(),
        tx_window_errors: next(),
        rx_compressed: next(),
        tx_compressed: next(),
        rx_nohandler: next(),
    }
}

/// Asks rtnetlink of our network namespace, over one socket from question to question. Privilege: none.
#[derive(Debug, Default)]
pub struct Rtnetlink {
    socket: Option<Netlink>,
}

impl Rtnetlink {
    /// Every interface.
    pub fn links(&mut self) -> Result<Vec<Link>, Errno> {
        let mut links = Vec::new();
        self.dump(GET_LINK, &[0; LINK_HEADER], &mut |message| links.extend(parse_link(message.payload)))?;
        Ok(links)
    }

    /// How many IPv4 neighbours each interface has, by its name; those without ARP and those that are not resolved are left
    /// out, as in `/proc/net/arp`.
    pub fn neighbours(&mut self) -> Result<BTreeMap<Box<str>, u64>, Errno> {
        const FAMILY_IPV4: u8 = 2;
        const NO_ARP: u16 = 0x40;
        let mut request = [0_u8; NEIGHBOUR_HEADER];
        request[0] = FAMILY_IPV4;
        let mut counts: BTreeMap<u32, u64> = BTreeMap::new();
        self.dump(GET_NEIGHBOUR, &request, &mut |message| {
            let [family, _, _, _, a, b, c, d, state, more, ..] = *message.payload else { return };
            let state = u16::from_ne_bytes([state, more]);
            if family == FAMILY_IPV4 && state & NO_ARP == 0 {
                *counts.entry(u32::from_ne_bytes([a, b, c, d])).or_default() += 1;
            }
        })?;
        let Some(socket) = &self.socket else { return Ok(BTreeMap::new()) };
        // An interface that has gone since has no neighbours.
        let name = |index| index_to_name(socket.fd(), index).ok().map(String::into_boxed_str);
        Ok(counts.into_iter().filter_map(|(index, count)| Some((name(index)?, count))).collect())
    }

    fn dump(&mut self, kind: u16, payload: &[u8], each: &mut dyn FnMut(Message<'_>)) -> Result<(), Errno> {
        let mut socket = match self.socket.take() {
            Some(socket) => socket,
            None => Netlink::open_route()?,
        };
        socket.dump(kind, payload, each)?;
        // One that failed is not asked again.
        self.socket = Some(socket);
        Ok(())
    }
}

/// Every interface of our network namespace. Privilege: none.
pub fn links() -> Result<Vec<Link>, Errno> {
    Rtnetlink::default().links()
}

/// An address of an interface.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkAddress {
    /// The interface's number.
    pub index: u32,
    /// The address.
    pub address: std::net::IpAddr,
    /// How many bits of it are the network's.
    pub prefix: u8,
}

/// Parses the payload of an `RTM_NEWADDR` message.
#[must_use]
pub fn parse_address(payload: &[u8]) -> Option<LinkAddress> {
    const ADDRESS: u16 = 1;
    const LOCAL: u16 = 2;
    let prefix = *payload.get(1)?;
    let index = u32::from_ne_bytes(*payload.get(4..8)?.first_chunk()?);
    let mut found = None;
    for (kind, content) in attributes(payload.get(ADDRESS_HEADER..)?) {
        let address = match content.len() {
            4 => <[u8; 4]>::try_from(content).ok().map(std::net::IpAddr::from),
            16 => <[u8; 16]>::try_from(content).ok().map(std::net::IpAddr::from),
            _ => None,
        };
        // On links between two points `ADDRESS` is the other end's.
        if kind == LOCAL || (kind == ADDRESS && found.is_none()) {
            found = address.or(found);
        }
    }
    Some(LinkAddress { index, address: found?, prefix })
}

/// Every address of our network namespace. Privilege: none.
pub fn addresses() -> Result<Vec<LinkAddress>, Errno> {
    let mut all = Vec::new();
    let each: &mut dyn FnMut(Message<'_>) = &mut |message| all.extend(parse_address(message.payload));
    Rtnetlink::default().dump(GET_ADDRESS, &[0; ADDRESS_HEADER], each)?;
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn attribute(kind: u16, content: &[u8]) -> Vec<u8> {
        let length = u16::try_from(content.len() + 4).unwrap();
        let mut bytes = [length.to_ne_bytes(), kind.to_ne_bytes()].concat();
        bytes.extend(content);
        bytes.resize(bytes.len().next_multiple_of(4), 0);
        bytes
    }

    #[test]
    fn a_link_has_a_name_and_counters() {
        let mut payload = vec![0; LINK_HEADER];
        payload[4..8].copy_from_slice(&7_u32.to_ne_bytes());
        payload.extend(attribute(NAME, b"eth0\0"));
        let numbers: Vec<u8> = (1..=24_u64).flat_map(u64::to_ne_bytes).collect();
        payload.extend(attribute(STATS, &numbers));
        let link = parse_link(&payload).unwrap();
        assert_eq!((link.index, &*link.name, &*link.alias), (7, "eth0", ""));
        let stats = link.stats.unwrap();
        assert_eq!((stats.rx_packets, stats.tx_bytes, stats.rx_nohandler), (1, 4, 24));
    }

    #[test]
    fn messages_that_end_early_are_taken_as_far_as_they_go() {
        let mut payload = vec![0; LINK_HEADER];
        payload.extend(attribute(NAME, b"eth0\0"));
        for length in 0..payload.len() {
            assert!(parse_link(&payload[..length]).is_none_or(|link| &*link.name == "eth0"));
        }
        // An attribute that says that it is shorter than its head.
        payload.extend([1, 0, 3, 0]);
        assert!(parse_link(&payload).is_some());
    }

    #[test]
    fn the_live_kernel_lists_the_loopback_interface() {
        let links = links().unwrap();
        let lo = links.iter().find(|link| &*link.name == "lo").unwrap();
        assert!(lo.stats.is_some());
        assert!(Rtnetlink::default().neighbours().is_ok() && addresses().is_ok());
    }
}
