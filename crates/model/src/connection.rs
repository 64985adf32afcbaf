//! One socket of one process, in any network namespace.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use procyon_units::{Bytes, Reading};

use crate::key::ProcessKey;
use crate::process::{Net, NetRates};

/// Transport protocol.
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
    /// The word for it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Tcp => "tcp",
            Self::Tcp6 => "tcp6",
            Self::Udp => "udp",
            Self::Udp6 => "udp6",
        }
    }
}

/// The kernel's socket state. Source: `include/net/tcp_states.h`; UDP uses 1 (connected) and 7 (not).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SocketState(pub u8);

impl SocketState {
    /// Waits for connections.
    pub const LISTEN: Self = Self(10);
    /// Connected.
    pub const ESTABLISHED: Self = Self(1);

    /// The word that `ss` uses for a TCP state.
    pub const fn word(self) -> &'static str {
        match self.0 {
            1 => "ESTAB",
            2 => "SYN-SENT",
            3 => "SYN-RECV",
            4 => "FIN-WAIT-1",
            5 => "FIN-WAIT-2",
            6 => "TIME-WAIT",
            7 => "UNCONN",
            8 => "CLOSE-WAIT",
            9 => "LAST-ACK",
            10 => "LISTEN",
            11 => "CLOSING",
            12 => "NEW-SYN-RECV",
            _ => "UNKNOWN",
        }
    }
}

/// One socket.
#[derive(Debug, Clone)]
pub struct Connection {
    /// Protocol.
    pub protocol: Protocol,
    /// Local address and port.
    pub local: SocketAddr,
    /// Remote address and port; none for listening and unconnected sockets.
    pub remote: Option<SocketAddr>,
    /// State.
    pub state: SocketState,
    /// The process that holds it; none for the kernel's own sockets, closed ones, and owners that we may not see.
    pub owner: Option<Owner>,
    /// User who made it.
    pub uid: u32,
    /// Inode of the socket; 0 when no process holds it any more.
    pub inode: u64,
    /// Bytes received and not yet read; for a listening socket the connections not yet accepted.
    pub receive_queue: Bytes,
    /// Bytes sent and not yet acknowledged; for a listening socket how many may wait.
    pub send_queue: Bytes,
    /// Payload received and sent since it was made, or since watching began; of a listening TCP socket all that went through
    /// the connections to its port, those that were closed included. Source: eBPF by socket, else `tcp_info` (`tcp_info`
    /// counts the SYN and the FIN as a byte each). `Unsupported` for UDP without eBPF, `Absent` for remains (`TIME-WAIT`).
    pub net: Reading<Net>,
    /// What went through it each second between the last two readings of the sockets.
    pub rates: Reading<NetRates>,
    /// Smoothed round-trip time of a TCP connection. Source: `tcp_info` `tcpi_rtt`.
    pub round_trip: Reading<Duration>,
    /// Segments of a TCP connection that were sent again. Source: `tcp_info` `tcpi_total_retrans`.
    pub retransmits: Reading<u64>,
    /// Inode of its network namespace.
    pub namespace: u64,
    /// Whether that is the collector's own, whose sockets every local user may list; others need privilege to enter.
    pub own_namespace: bool,
}

/// The process that holds a socket.
#[derive(Debug, Clone)]
pub struct Owner {
    /// Which process.
    pub key: ProcessKey,
    /// Its name.
    pub name: Arc<[u8]>,
    /// Its user.
    pub user: Arc<[u8]>,
    /// Its label.
    pub label: Arc<[u8]>,
}
