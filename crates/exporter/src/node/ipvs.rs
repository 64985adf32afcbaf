//! `ipvs`: the kernel's load balancer (`/proc/net/ip_vs`).

use std::collections::BTreeMap;

use procyon_linux::net::ip_vs::{self, Backend};

use super::{Collector, FlagError, Flags, Outcome, Places, float};
use crate::flags::Flag;
use crate::metric::Metrics;

const LABELS: &str = "collector.ipvs.backend-labels";

pub(super) const FLAGS: &[Flag] = &[Flag::word(
    LABELS,
    "local_address,local_port,remote_address,remote_port,proto,local_mark",
    "Comma separated list for IPVS backend stats labels.",
)];

const KNOWN: [&str; 6] = ["local_address", "local_port", "remote_address", "remote_port", "proto", "local_mark"];

struct Ipvs {
    labels: Vec<&'static str>,
}

pub(super) fn make(flags: &Flags, _: &Places) -> Result<Box<dyn Collector>, FlagError> {
    let text = flags.text(LABELS);
    let mut labels = Vec::new();
    for word in text.split(',').map(str::trim).filter(|word| !word.is_empty()) {
        let known = KNOWN.into_iter().find(|known| *known == word);
        let known = known.ok_or_else(|| FlagError::value(LABELS, text, format!("has an unknown label {word}")))?;
        if !labels.contains(&known) {
            labels.push(known);
        }
    }
    Ok(Box::new(Ipvs { labels }))
}

impl Collector for Ipvs {
    fn update(&self, at: &Places, out: &mut Metrics) -> Outcome {
        const TOTALS: &str = "net/ip_vs_stats";
        let totals = ip_vs::parse_totals(&at.proc(TOTALS)?).ok_or_else(|| at.odd(TOTALS, "five totals"))?;
        let help = "The total number of connections made.";
        out.counter("node_ipvs_connections_total", help, &[], float(totals.connections));
        let help = "The total number of incoming packets.";
        out.counter("node_ipvs_incoming_packets_total", help, &[], float(totals.packets_in));
        let help = "The total number of outgoing packets.";
        out.counter("node_ipvs_outgoing_packets_total", help, &[], float(totals.packets_out));
        out.counter(
            "node_ipvs_incoming_bytes_total",
            "The total amount of incoming data.",
            &[],
            float(totals.bytes_in),
        );
        out.counter(
            "node_ipvs_outgoing_bytes_total",
            "The total amount of outgoing data.",
            &[],
            float(totals.bytes_out),
        );
        self.backends(&ip_vs::parse_backends(&at.proc("net/ip_vs")?), out);
        Ok(())
    }
}

impl Ipvs {
    /// Servers that do not differ in the chosen labels are added up.
    fn backends(&self, backends: &[Backend], out: &mut Metrics) {
        let mut sums: BTreeMap<Vec<String>, [u64; 3]> = BTreeMap::new();
        for backend in backends {
            let values = self.labels.iter().map(|label| value(backend, label)).collect();
            let sum = sums.entry(values).or_default();
            for (sum, more) in sum.iter_mut().zip([backend.active, backend.inactive, backend.weight]) {
                *sum = sum.saturating_add(more);
            }
        }
        let families = [
            ("node_ipvs_backend_connections_active", "The current active connections by local and remote address."),
            ("node_ipvs_backend_connections_inactive", "The current inactive connections by local and remote address."),
            ("node_ipvs_backend_weight", "The current backend weight by local and remote address."),
        ];
        for (values, sum) in &sums {
            let labels: Vec<_> = self.labels.iter().copied().zip(values.iter().map(String::as_str)).collect();
            for ((name, help), value) in families.iter().zip(sum) {
                out.gauge(*name, *help, &labels, float(*value));
            }
        }
    }
}

fn value(backend: &Backend, label: &str) -> String {
    let text = |at: Option<String>| at.unwrap_or_default();
    match label {
        "local_address" => text(backend.local.map(|(address, _)| address.to_string())),
        "local_port" => backend.local.map_or_else(|| "0".to_owned(), |(_, port)| port.to_string()),
        "remote_address" => text(backend.remote.map(|(address, _)| address.to_string())),
        "remote_port" => text(backend.remote.map(|(_, port)| port.to_string())),
        "proto" => backend.protocol.to_string(),
        _ => backend.mark.to_string(),
    }
}
