//! What `c/network.bpf.c` keeps: the same layouts.

#![expect(unsafe_code, reason = "the layouts are shared with the kernel, which only an unsafe trait can say")]

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use procyon_units::{Bytes, CpuTime, Ticks};

use crate::map::Plain;

/// `struct process`.
#[repr(C)]
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Key {
    pid: u32,
    zero: u32,
    start: u64,
}

/// `struct traffic`.
#[repr(C)]
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Counters {
    pub(super) received: u64,
    pub(super) sent: u64,
    pub(super) receive_calls: u64,
    pub(super) send_calls: u64,
}

impl Key {
    pub(super) const fn new(pid: u32, start: u64) -> Self {
        Self { pid, zero: 0, start }
    }
}

// SAFETY: numbers only, the second one fills what would be padding.
unsafe impl Plain for Key {}
// SAFETY: four numbers of one size.
unsafe impl Plain for Counters {}

/// Payload that went through sockets, and the calls that moved it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Traffic {
    /// Bytes received.
    pub received: Bytes,
    /// Bytes sent.
    pub sent: Bytes,
    /// Calls that received something.
    pub receive_calls: u64,
    /// Calls that sent something.
    pub send_calls: u64,
}

impl Traffic {
    /// Both together.
    pub(super) fn plus(self, other: Self) -> Self {
        Self {
            received: self.received.plus(other.received),
            sent: self.sent.plus(other.sent),
            receive_calls: self.receive_calls.saturating_add(other.receive_calls),
            send_calls: self.send_calls.saturating_add(other.send_calls),
        }
    }

    /// The larger one of each.
    pub(super) fn or_more(self, other: Self) -> Self {
        Self {
            received: self.received.max(other.received),
            sent: self.sent.max(other.sent),
            receive_calls: self.receive_calls.max(other.receive_calls),
            send_calls: self.send_calls.max(other.send_calls),
        }
    }
}

impl From<Counters> for Traffic {
    fn from(counters: Counters) -> Self {
        Self {
            received: Bytes(counters.received),
            sent: Bytes(counters.sent),
            receive_calls: counters.receive_calls,
            send_calls: counters.send_calls,
        }
    }
}

/// A process by pid and start.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct User {
    /// Process id in the first pid namespace; 0 for the kernel.
    pub pid: u32,
    /// Start after boot.
    pub start: Ticks,
}

impl User {
    /// The kernel: its threads and what runs on their behalf.
    pub const KERNEL: Self = Self { pid: 0, start: Ticks(0) };

    const fn new(pid: u32, start: u64) -> Self {
        Self { pid, start: CpuTime(start).ticks() }
    }
}

/// The traffic of one process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProcessTraffic {
    /// Which process.
    pub user: User,
    /// What it received and sent since it started, or since watching began.
    pub traffic: Traffic,
    /// Whether a thread of it lives that moved some of it.
    pub lives: bool,
    pub(super) key: Key,
}

impl ProcessTraffic {
    /// What threads that have ended left to it.
    pub(super) fn left(key: Key, counters: Counters) -> Self {
        Self { user: User::new(key.pid, key.start), traffic: counters.into(), lives: false, key }
    }

    /// What a living thread moved.
    pub(super) fn living(key: Key, counters: Counters) -> Self {
        Self { lives: true, ..Self::left(key, counters) }
    }

    /// A process that only received.
    #[cfg(test)]
    pub(super) fn of(pid: u32, start: u64, received: u64) -> Self {
        Self::left(Key::new(pid, start), Counters { received, ..Counters::default() })
    }
}

/// Takes `struct socket` after `struct socket` from the front of `bytes`; returns how many bytes they were.
pub(super) fn sockets(bytes: &[u8], each: &mut dyn FnMut(&Socket)) -> usize {
    let whole = bytes.len() - bytes.len() % SOCKET_SIZE;
    for record in bytes.get(..whole).unwrap_or_default().chunks_exact(SOCKET_SIZE) {
        if let Some(socket) = Socket::parse(record) {
            each(&socket);
        }
    }
    whole
}

/// A socket with traffic.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Socket {
    /// The kernel's number of it, the same as in `NETLINK_SOCK_DIAG`; never used again.
    pub cookie: u64,
    /// Who received or sent last.
    pub user: User,
    /// What went through it since it was made, or since watching began.
    pub traffic: Traffic,
    /// Inode of its network namespace.
    pub namespace: u32,
    /// Whether it is TCP; else UDP.
    pub tcp: bool,
    /// Local address when it was first used.
    pub local: SocketAddr,
    /// Remote address then; none when it was not connected.
    pub remote: Option<SocketAddr>,
}

/// A socket that no process holds any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Closed {
    /// What it was and did.
    pub socket: Socket,
    /// Smoothed round-trip time at its end; none for UDP and where it was never measured.
    pub round_trip: Option<Duration>,
    /// Segments sent again; none for UDP.
    pub retransmits: Option<u64>,
}

/// `struct socket`.
const SOCKET_SIZE: usize = 104;
const IPPROTO_TCP: u16 = 6;
const AF_INET: u16 = 2;

/// Takes fields one after the other; none when the record is too short.
struct Fields<'a>(&'a [u8]);

impl Fields<'_> {
    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (value, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*value)
    }

    fn u16(&mut self) -> Option<u16> {
        self.take().map(u16::from_ne_bytes)
    }

    fn u32(&mut self) -> Option<u32> {
        self.take().map(u32::from_ne_bytes)
    }

    fn u64(&mut self) -> Option<u64> {
        self.take().map(u64::from_ne_bytes)
    }

    fn key(&mut self) -> Option<Key> {
        Some(Key { pid: self.u32()?, zero: self.u32()?, start: self.u64()? })
    }

    fn counters(&mut self) -> Option<Counters> {
        Some(Counters { received: self.u64()?, sent: self.u64()?, receive_calls: self.u64()?, send_calls: self.u64()? })
    }

    fn socket(&mut self) -> Option<Socket> {
        let cookie = self.u64()?;
        let Key { pid, start, .. } = self.key()?;
        let user = User::new(pid, start);
        let counters = self.counters()?;
        let namespace = self.u32()?;
        let (family, protocol, local_port, remote_port) = (self.u16()?, self.u16()?, self.u16()?, self.u16()?);
        let (local, remote) = (address(family, self.take()?), address(family, self.take()?));
        self.u32()?;
        Some(Socket {
            cookie,
            user,
            traffic: counters.into(),
            namespace,
            tcp: protocol == IPPROTO_TCP,
            local: SocketAddr::new(local, local_port),
            remote: (remote_port != 0).then(|| SocketAddr::new(remote, remote_port)),
        })
    }
}

/// An address as the kernel keeps it; v4 inside v6 becomes v4, as everywhere else.
fn address(family: u16, bytes: [u8; 16]) -> IpAddr {
    if family == AF_INET {
        let [a, b, c, d, ..] = bytes;
        return Ipv4Addr::new(a, b, c, d).into();
    }
    let address = Ipv6Addr::from(bytes);
    address.to_ipv4_mapped().map_or(address.into(), IpAddr::from)
}

impl Socket {
    /// Takes a `struct socket`.
    pub(super) fn parse(bytes: &[u8]) -> Option<Self> {
        Fields(bytes).socket()
    }
}

impl Closed {
    /// Takes a `struct closed`.
    pub(super) fn parse(bytes: &[u8]) -> Option<Self> {
        let mut fields = Fields(bytes);
        let socket = fields.socket()?;
        let (round_trip, retransmits) = (fields.u32()?, fields.u32()?);
        Some(Self {
            socket,
            round_trip: (socket.tcp && round_trip > 0).then(|| Duration::from_micros(round_trip.into())),
            retransmits: socket.tcp.then(|| retransmits.into()),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record() -> Vec<u8> {
        let mut bytes = Vec::new();
        bytes.extend(7_u64.to_ne_bytes());
        bytes.extend([42_u32, 0].into_iter().flat_map(u32::to_ne_bytes));
        bytes.extend([1_500_000_000_u64, 10, 20, 1, 2].into_iter().flat_map(u64::to_ne_bytes));
        bytes.extend(9_u32.to_ne_bytes());
        bytes.extend([10_u16, 6, 80, 50_000].into_iter().flat_map(u16::to_ne_bytes));
        bytes.extend(Ipv4Addr::new(10, 0, 0, 1).to_ipv6_mapped().octets());
        bytes.extend(Ipv6Addr::LOCALHOST.octets());
        bytes.extend([0_u32, 250, 3].into_iter().flat_map(u32::to_ne_bytes));
        bytes
    }

    #[test]
    fn a_record_is_taken_apart() {
        let closed = Closed::parse(&record()).unwrap();
        let socket = closed.socket;
        assert_eq!((socket.cookie, socket.user), (7, User { pid: 42, start: Ticks(150) }));
        let (received, sent) = (Bytes(10), Bytes(20));
        assert_eq!(socket.traffic, Traffic { received, sent, receive_calls: 1, send_calls: 2 });
        assert_eq!((socket.namespace, socket.tcp, socket.local.to_string()), (9, true, "10.0.0.1:80".into()));
        assert_eq!(socket.remote.unwrap().to_string(), "[::1]:50000");
        assert_eq!((closed.round_trip, closed.retransmits), (Some(Duration::from_micros(250)), Some(3)));
    }

    #[test]
    fn a_record_that_is_cut_is_none() {
        let bytes = record();
        assert_eq!(bytes.len(), SOCKET_SIZE + 8);
        for end in 0..bytes.len() {
            assert!(Closed::parse(&bytes[..end]).is_none(), "{end}");
        }
        assert!(Socket::parse(&bytes[..SOCKET_SIZE]).is_some());
    }
}
