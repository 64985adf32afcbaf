//! `udp_queues`: bytes that wait in the queues of UDP sockets.

use procyon_linux::net::{queues, sockstat};

use super::{CollectError, Collector, Outcome, Places, float};
use crate::metric::Metrics;

#[derive(Default)]
pub(super) struct UdpQueues;

/// Where sockets are listed, where and as what they are counted, and the label.
const FILES: [(&str, &str, &str, &str); 2] =
    [("net/udp", "net/sockstat", "UDP", "v4"), ("net/udp6", "net/sockstat6", "UDP6", "v6")];

/// Whether no socket would be listed: for the list the kernel looks through a table of up to 65,536 places.
fn is_unused(at: &Places, summary: &str, protocol: &str) -> bool {
    let counts = at.proc(summary).map(|text| sockstat::parse(&text)).unwrap_or_default();
    counts.iter().any(|(own, name, count)| &**own == protocol && &**name == "inuse" && *count == 0)
}

impl Collector for UdpQueues {
    fn update(&self, at: &Places, out: &mut Metrics) -> Outcome {
        let mut found = false;
        for (file, summary, protocol, ip) in FILES {
            let text = if at.root().is_live() && is_unused(at, summary, protocol) {
                Vec::new()
            } else {
                match at.proc(file) {
                    Ok(text) => text,
                    Err(error) if error.is_nothing() => continue,
                    Err(error) => return Err(error),
                }
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
