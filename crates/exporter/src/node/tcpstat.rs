//! `tcpstat`: TCP connections by state, and what waits in their queues.

use std::collections::BTreeMap;

use procyon_linux::net::queues;
use procyon_linux::net::sock_diag::{Detail, SockDiag};
use procyon_linux::net::socket::Protocol;

use super::{CollectError, Collector, Outcome, Places, float};
use crate::metric::Metrics;

#[derive(Default)]
pub(super) struct Tcpstat;

/// States by their numbers (include/net/tcp_states.h).
const STATES: [&str; 12] = [
    "unknown",
    "established",
    "syn_sent",
    "syn_recv",
    "fin_wait1",
    "fin_wait2",
    "time_wait",
    "close",
    "close_wait",
    "last_ack",
    "listen",
    "closing",
];

#[derive(Default)]
struct Counts {
    states: BTreeMap<&'static str, u64>,
    sent: u64,
    received: u64,
}

impl Counts {
    fn add(&mut self, state: u8) {
        let name = STATES.get(usize::from(state)).copied().unwrap_or("unknown");
        *self.states.entry(name).or_default() += 1;
    }
}

impl Collector for Tcpstat {
    fn update(&self, at: &Places, out: &mut Metrics) -> Outcome {
        let counts = if at.root().is_live() { from_kernel()? } else { from_files(at)? };
        let help = "Number of connection states.";
        for (state, count) in &counts.states {
            out.gauge("node_tcp_connection_states", help, &[("state", state)], float(*count));
        }
        for (state, bytes) in [("rx_queued_bytes", counts.received), ("tx_queued_bytes", counts.sent)] {
            out.gauge("node_tcp_connection_states", help, &[("state", state)], float(bytes));
        }
        Ok(())
    }
}

fn from_kernel() -> Result<Counts, CollectError> {
    let call = |error: std::io::Error| CollectError::Call { call: "sock_diag", source: error };
    let mut sockets = Vec::new();
    let mut kernel = SockDiag::open(0).map_err(|error| call(error.into()))?;
    for protocol in [Protocol::Tcp, Protocol::Tcp6] {
        kernel.list(protocol, Detail::Plain, &mut sockets).map_err(|error| call(error.into()))?;
    }
    let mut counts = Counts::default();
    for socket in &sockets {
        counts.add(socket.state);
        counts.sent = counts.sent.saturating_add(socket.send_queue.0);
        counts.received = counts.received.saturating_add(socket.receive_queue.0);
    }
    Ok(counts)
}

fn from_files(at: &Places) -> Result<Counts, CollectError> {
    let mut counts = Counts::default();
    let mut texts = vec![at.proc("net/tcp")?];
    // Without IPv6 there is no second one.
    texts.extend(at.proc("net/tcp6"));
    for text in texts {
        queues::states(&text).for_each(|state| counts.add(state));
        let sums = queues::parse(&text);
        counts.sent = counts.sent.saturating_add(sums.sent);
        counts.received = counts.received.saturating_add(sums.received);
    }
    Ok(counts)
}
