//! `udp_queues`: bytes that wait in the queues of UDP sockets.

use procyon_linux::net::queues;

use super::{CollectError, Collector, Outcome, Places, float};
use crate::metric::Metrics;

#[derive(Default)]
pub(super) struct UdpQueues;

impl Collector for UdpQueues {
    fn update(&self, at: &Places, out: &mut Metrics) -> Outcome {
        let mut found = false;
        for (file, ip) in [("net/udp", "v4"), ("net/udp6", "v6")] {
            let text = match at.proc(file) {
                Ok(text) => text,
                Err(error) if error.is_nothing() => continue,
                Err(error) => return Err(error),
            };
            found = true;
            let sums = queues::parse(&text);
            let help = "Number of allocated memory in the kernel for UDP datagrams in bytes.";
            out.gauge("node_udp_queues", help, &[("queue", "tx"), ("ip", ip)], float(sums.sent));
            out.gauge("node_udp_queues", help, &[("queue", "rx"), ("ip", ip)], float(sums.received));
        }
        if found { Ok(()) } else { Err(CollectError::Nothing("neither udp nor udp6 is there".to_owned())) }
    }
}
