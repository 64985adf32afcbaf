//! What a socket is, however it was read.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV6};
use std::time::Duration;

use procyon_units::Bytes;

/// Transport protocol and family of addresses. A v6 socket that speaks v4 (`::ffff:192.0.2.1`) counts as v4.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Protocol {
    /// TCP over IPv4.
    Tcp,
    /// TCP over IPv6.
    Tcp6,
    /// UDP over IPv4.
    Udp,
    /// UDP over IPv6.
    Udp6,
}

impl Protocol {
    /// All four, in the order in which they are listed.
    pub const ALL: [Self; 4] = [Self::Tcp, Self::Tcp6, Self::Udp, Self::Udp6];

    /// The name of its file in `/proc/PID/net`.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Tcp => "tcp",
            Self::Tcp6 => "tcp6",
            Self::Udp => "udp",
            Self::Udp6 => "udp6",
        }
    }

    /// Whether it is TCP.
    #[must_use]
    pub const fn is_tcp(self) -> bool {
        matches!(self, Self::Tcp | Self::Tcp6)
    }

    const fn over_v4(self) -> Self {
        match self {
            Self::Tcp | Self::Tcp6 => Self::Tcp,
            Self::Udp | Self::Udp6 => Self::Udp,
        }
    }
}

/// Numbers of `include/net/tcp_states.h`. UDP uses [`state::ESTABLISHED`] (connected) and [`state::CLOSE`] (not).
pub mod state {
    /// Connected.
    pub const ESTABLISHED: u8 = 1;
    /// Both sides are done; the address is kept for a minute.
    pub const TIME_WAIT: u8 = 6;
    /// Not connected.
    pub const CLOSE: u8 = 7;
    /// Waits for connections.
    pub const LISTEN: u8 = 10;
}

/// One TCP or UDP socket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Socket {
    /// Protocol, by the addresses in use.
    pub protocol: Protocol,
    /// Local address and port.
    pub local: SocketAddr,
    /// Remote address and port; none for sockets that listen or are not connected (shown as `*`).
    pub remote: Option<SocketAddr>,
    /// State: see [`state`].
    pub state: u8,
    /// User who made it.
    pub uid: u32,
    /// Inode; 0 when no process can hold it any more (`TIME_WAIT`, closed but not finished).
    pub inode: u64,
    /// Received and not yet read; for a listening socket the connections not yet accepted.
    pub receive_queue: Bytes,
    /// Sent and not yet acknowledged; for a listening socket how many may wait (0 where only text could be read).
    pub send_queue: Bytes,
    /// Inode of its network namespace.
    pub namespace: u64,
    /// The kernel's number of it, never used again; none where only text could be read.
    pub cookie: Option<u64>,
    /// More about a TCP connection, where it was asked for and netlink gave it.
    pub tcp: Option<TcpInfo>,
}

impl Socket {
    /// Whether it is a TCP connection that programs use: neither one that listens nor remains of one.
    #[must_use]
    pub const fn is_connected(&self) -> bool {
        self.protocol.is_tcp() && !matches!(self.state, state::LISTEN | state::CLOSE | state::TIME_WAIT)
    }
}

/// `struct tcp_info` of a connection, as far as we use it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct TcpInfo {
    /// Smoothed round-trip time. `tcpi_rtt`.
    pub round_trip: Duration,
    /// Segments sent again since the connection began. `tcpi_total_retrans`.
    pub retransmits: u64,
    /// Bytes that the other side acknowledged; one more than was sent by programs on the side that connected (the SYN
    /// counts). `tcpi_bytes_acked`, since 4.1; zero before.
    pub acknowledged: Bytes,
    /// Bytes received. `tcpi_bytes_received`, since 4.1; zero before.
    pub received: Bytes,
}

/// Puts the parts together by the rules that hold for both sources: v4 inside v6 becomes v4, nothing on the other side
/// becomes none.
pub(crate) fn assemble(
    protocol: Protocol,
    local: (IpAddr, u16),
    remote: (IpAddr, u16),
    scope: u32,
    namespace: u64,
) -> Socket {
    let mapped = |address: IpAddr| match address {
        IpAddr::V6(v6) => v6.to_ipv4_mapped(),
        IpAddr::V4(_) => None,
    };
    let unspecified = remote.1 == 0 && remote.0.is_unspecified();
    // A dual-stack socket that is bound to `::` has no peer, or a v4 peer and then a v4 local address too.
    let as_v4 = mapped(local.0).is_some() || mapped(remote.0).is_some();
    let address = |(address, port): (IpAddr, u16)| {
        let address = mapped(address).map_or(address, IpAddr::V4);
        match address {
            IpAddr::V6(v6) if as_v4 && v6.is_unspecified() => SocketAddr::from((Ipv4Addr::UNSPECIFIED, port)),
            IpAddr::V6(v6) if is_link_local(v6) => SocketAddrV6::new(v6, port, 0, scope).into(),
            address => SocketAddr::from((address, port)),
        }
    };
    Socket {
        protocol: if as_v4 { protocol.over_v4() } else { protocol },
        local: address(local),
        remote: (!unspecified).then(|| address(remote)),
        state: 0,
        uid: 0,
        inode: 0,
        receive_queue: Bytes(0),
        send_queue: Bytes(0),
        namespace,
        cookie: None,
        tcp: None,
    }
}

const fn is_link_local(address: Ipv6Addr) -> bool {
    address.segments()[0] & 0xffc0 == 0xfe80
}

#[cfg(test)]
mod tests {
    use super::*;

    fn socket(local: &str, remote: &str) -> Socket {
        let split = |text: &str| {
            let address: SocketAddr = text.parse().unwrap();
            (address.ip(), address.port())
        };
        assemble(Protocol::Tcp6, split(local), split(remote), 3, 1)
    }

    #[test]
    fn v4_inside_v6_is_shown_as_v4() {
        let one = socket("[::ffff:10.0.0.1]:80", "[::ffff:10.0.0.2]:4242");
        assert_eq!(one.protocol, Protocol::Tcp);
        assert_eq!(
            (one.local.to_string(), one.remote.unwrap().to_string()),
            ("10.0.0.1:80".into(), "10.0.0.2:4242".into())
        );
    }

    #[test]
    fn a_dual_stack_listener_stays_v6_and_has_no_peer() {
        let one = socket("[::]:80", "[::]:0");
        assert_eq!((one.protocol, one.remote), (Protocol::Tcp6, None));
    }

    #[test]
    fn link_local_addresses_name_their_interface() {
        assert_eq!(socket("[fe80::1]:80", "[::]:0").local.to_string(), "[fe80::1%3]:80");
        assert_eq!(socket("[2001:db8::1]:80", "[::]:0").local.to_string(), "[2001:db8::1]:80");
    }
}
