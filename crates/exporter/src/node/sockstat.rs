//! `sockstat`: sockets by protocol.

use procyon_linux::net::sockstat;
use procyon_linux::own::page_size;

use super::{CollectError, Collector, Outcome, Places, float};
use crate::metric::Metrics;

#[derive(Default)]
pub(super) struct Sockstat;

impl Collector for Sockstat {
    fn update(&self, at: &Places, out: &mut Metrics) -> Outcome {
        // Without IPv6 one of them is missing.
        let mut found = 0;
        for file in ["net/sockstat", "net/sockstat6"] {
            let text = match at.proc(file) {
                Ok(text) => text,
                Err(error) if error.is_nothing() => continue,
                Err(error) => return Err(error),
            };
            found += 1;
            for (protocol, name, value) in sockstat::parse(&text) {
                add(&protocol, &name, value, out);
            }
        }
        if found == 0 {
            return Err(CollectError::Nothing("neither sockstat nor sockstat6 is there".to_owned()));
        }
        Ok(())
    }
}

fn add(protocol: &str, name: &str, value: u64, out: &mut Metrics) {
    if protocol == "sockets" {
        if name == "used" {
            out.gauge("node_sockstat_sockets_used", "Number of IPv4 sockets in use.", &[], float(value));
        }
        return;
    }
    let mut gauge = |name: &str, value: u64| {
        let help = format!("Number of {protocol} sockets in state {name}.");
        out.gauge(format!("node_sockstat_{protocol}_{name}"), help, &[], float(value));
    };
    gauge(name, value);
    // Pages; the same in bytes.
    if name == "mem" {
        gauge("mem_bytes", value.saturating_mul(page_size()));
    }
}
