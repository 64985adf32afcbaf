//! `NETLINK_SOCK_DIAG`: the kernel's own list of sockets, about 1.5 µs a socket.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::Duration;

use procyon_units::Bytes;
use rustix::io::Errno;
use rustix::net::netlink;

use super::netlink::{Netlink, attributes, read_u32, read_u64};
use super::socket::{Protocol, Socket, TcpInfo, assemble};

/// `SOCK_DIAG_BY_FAMILY` of `include/uapi/linux/sock_diag.h`.
const BY_FAMILY: u16 = 20;
/// `INET_DIAG_INFO` of `include/uapi/linux/inet_diag.h`.
const INFO: u16 = 2;
/// Length of `struct inet_diag_msg`.
const MESSAGE: usize = 72;

const AF_INET: u8 = 2;
const AF_INET6: u8 = 10;
const IPPROTO_TCP: u8 = 6;
const IPPROTO_UDP: u8 = 17;

/// How much to ask about each socket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Detail {
    /// Addresses, state, queues, user, inode.
    Plain,
    /// [`TcpInfo`] as well: twice the bytes and a socket lock each.
    TcpInfo,
}

/// A connection to the kernel's list of sockets of one network namespace: the one in which it was opened.
#[derive(Debug)]
pub struct SockDiag {
    netlink: Netlink,
    namespace: u64,
}

impl SockDiag {
    /// Opens it in the network namespace of the calling thread, whose inode is `namespace`. Since 3.3 (TCP) and 3.4
    /// (UDP), with `CONFIG_INET_DIAG` and `CONFIG_INET_UDP_DIAG`. Privilege: none; every user sees all sockets.
    pub fn open(namespace: u64) -> Result<Self, Errno> {
        Ok(Self { netlink: Netlink::open(netlink::SOCK_DIAG, 0)?, namespace })
    }

    /// Appends all sockets of one protocol. [`Errno::NOENT`] where the kernel lacks the module for it.
    pub fn list(&mut self, protocol: Protocol, detail: Detail, out: &mut Vec<Socket>) -> Result<(), Errno> {
        let family = match protocol {
            Protocol::Tcp | Protocol::Udp => AF_INET,
            Protocol::Tcp6 | Protocol::Udp6 => AF_INET6,
        };
        let number = if protocol.is_tcp() { IPPROTO_TCP } else { IPPROTO_UDP };
        let extension = if detail == Detail::TcpInfo && protocol.is_tcp() { 1 << (INFO - 1) } else { 0 };
        // struct inet_diag_req_v2: family, protocol, extensions, padding, states, then a socket id that stays empty.
        let mut request = vec![family, number, extension, 0];
        request.extend(u32::MAX.to_ne_bytes());
        request.resize(56, 0);
        let namespace = self.namespace;
        self.netlink.dump(BY_FAMILY, &request, &mut |message| {
            if message.kind == BY_FAMILY {
                out.extend(parse(protocol, namespace, message.payload));
            }
        })
    }
}

/// Parses a `struct inet_diag_msg` and the attributes behind it.
#[must_use]
pub fn parse(protocol: Protocol, namespace: u64, payload: &[u8]) -> Option<Socket> {
    let fixed: &[u8; MESSAGE] = payload.first_chunk()?;
    let [family, state, _, _, id @ ..] = fixed;
    let port = |at: usize| id.get(at..)?.first_chunk().map(|bytes| u16::from_be_bytes(*bytes));
    let address = |at: usize| {
        let bytes: &[u8; 16] = id.get(at..)?.first_chunk()?;
        let [a, b, c, d, ..] = *bytes;
        Some(match *family {
            AF_INET => IpAddr::V4(Ipv4Addr::new(a, b, c, d)),
            _ => IpAddr::V6(Ipv6Addr::from(*bytes)),
        })
    };
    // A listening v6 socket shows in the v4 list of some kernels, never the other way; the family in the message counts.
    let scope = read_u32(id, 36)?;
    let mut socket = assemble(protocol, (address(4)?, port(0)?), (address(20)?, port(2)?), scope, namespace);
    let number = |at: usize| read_u32(fixed, at).map(u64::from);
    socket.state = *state;
    socket.receive_queue = Bytes(number(56)?);
    socket.send_queue = Bytes(number(60)?);
    socket.uid = read_u32(fixed, 64)?;
    socket.inode = number(68)?;
    // struct inet_diag_sockid ends with it, as two halves.
    let cookie = number(44)? | number(48)? << 32;
    socket.cookie = (cookie != u64::MAX).then_some(cookie);
    let rest = payload.get(MESSAGE..).unwrap_or_default();
    socket.tcp = attributes(rest).find(|(kind, _)| *kind == INFO).and_then(|(_, value)| parse_tcp_info(value));
    Some(socket)
}

/// Parses the beginning of `struct tcp_info`, which only ever grows at its end.
#[must_use]
pub fn parse_tcp_info(bytes: &[u8]) -> Option<TcpInfo> {
    Some(TcpInfo {
        round_trip: Duration::from_micros(read_u32(bytes, 68)?.into()),
        retransmits: read_u32(bytes, 100)?.into(),
        acknowledged: Bytes(read_u64(bytes, 120).unwrap_or(0)),
        received: Bytes(read_u64(bytes, 128).unwrap_or(0)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_taken_apart() {
        let mut bytes = vec![AF_INET, 1, 0, 0, 0x1f, 0x90, 0xc3, 0x50];
        bytes.extend([127, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
        bytes.extend([10, 0, 0, 9, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
        // Interface and cookie, then the timer.
        bytes.extend([0, 0, 0, 0, 9, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0]);
        for number in [5_u32, 7, 1000, 4242] {
            bytes.extend(number.to_ne_bytes());
        }
        let socket = parse(Protocol::Tcp, 99, &bytes).unwrap();
        assert_eq!(socket.local.to_string(), "127.0.0.1:8080");
        assert_eq!(socket.remote.unwrap().to_string(), "10.0.0.9:50000");
        assert_eq!((socket.receive_queue.0, socket.send_queue.0, socket.uid, socket.inode), (5, 7, 1000, 4242));
        assert_eq!(socket.cookie, Some((1 << 32) + 9));
        bytes.pop();
        assert_eq!(parse(Protocol::Tcp, 99, &bytes), None);
    }
}
