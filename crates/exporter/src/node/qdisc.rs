//! `qdisc`: queues of interfaces, by rtnetlink.

use procyon_linux::net::qdiscs::{self, Qdisc};

use super::{CollectError, Collector, FlagError, Flags, Outcome, Places, float, read};
use crate::filter::Filter;
use crate::flags::Flag;
use crate::metric::{Kind, Metrics};

const INCLUDE: &str = "collector.qdisc.device-include";
const EXCLUDE: &str = "collector.qdisc.device-exclude";
const OLD_INCLUDE: &str = "collector.qdisk.device-include";
const OLD_EXCLUDE: &str = "collector.qdisk.device-exclude";
const FIXTURES: &str = "collector.qdisc.fixtures";

pub(super) const FLAGS: &[Flag] = &[
    Flag::word(FIXTURES, "", "test fixtures to use for qdisc collector end-to-end testing").hidden(),
    Flag::word(INCLUDE, "", "Regexp of qdisc devices to include (mutually exclusive to device-exclude)."),
    Flag::word(EXCLUDE, "", "Regexp of qdisc devices to exclude (mutually exclusive to device-include)."),
    Flag::word(OLD_INCLUDE, "", "DEPRECATED: Use collector.qdisc.device-include").hidden(),
    Flag::word(OLD_EXCLUDE, "", "DEPRECATED: Use collector.qdisc.device-exclude").hidden(),
];

struct Queues {
    filter: Filter,
    fixtures: String,
}

pub(super) fn make(flags: &Flags, _: &Places) -> Result<Box<dyn Collector>, FlagError> {
    let filter = Filter::new(flags, INCLUDE, EXCLUDE)?;
    let filter = filter.or_old_include(flags, OLD_INCLUDE, INCLUDE)?.or_old(flags, OLD_EXCLUDE, EXCLUDE)?;
    Ok(Box::new(Queues { filter, fixtures: flags.text(FIXTURES).to_owned() }))
}

impl Collector for Queues {
    fn update(&self, _: &Places, out: &mut Metrics) -> Outcome {
        let queues = if self.fixtures.is_empty() {
            qdiscs::list().map_err(|error| CollectError::Call { call: "rtnetlink", source: error.into() })?
        } else {
            from_file(&self.fixtures)?
        };
        // Only the root of each interface: what is below it is counted in it.
        for queue in queues.iter().filter(|queue| queue.is_root && !self.filter.ignores(&queue.device)) {
            let labels = [("device", &*queue.device), ("kind", &*queue.kind)];
            let all = [
                (Kind::Counter, "node_qdisc_bytes_total", "Number of bytes sent.", queue.bytes),
                (Kind::Counter, "node_qdisc_packets_total", "Number of packets sent.", queue.packets),
                (Kind::Counter, "node_qdisc_drops_total", "Number of packets dropped.", queue.drops),
                (
                    Kind::Counter,
                    "node_qdisc_requeues_total",
                    "Number of packets dequeued, not transmitted, and requeued.",
                    queue.requeues,
                ),
                (Kind::Counter, "node_qdisc_overlimits_total", "Number of overlimit packets.", queue.overlimits),
                (
                    Kind::Gauge,
                    "node_qdisc_current_queue_length",
                    "Number of packets currently in queue to be sent.",
                    queue.length,
                ),
                (Kind::Gauge, "node_qdisc_backlog", "Number of bytes currently in queue to be sent.", queue.backlog),
            ];
            for (kind, name, help, value) in all {
                out.add(kind, name.into(), help.into(), &labels, float(value));
            }
        }
        Ok(())
    }
}

/// Upstream's own test data.
fn from_file(folder: &str) -> Result<Vec<Qdisc>, CollectError> {
    let path = std::path::Path::new(folder).join("results.json");
    let text = read(&path)?;
    let list: Vec<serde_json::Value> = serde_json::from_slice(&text)
        .map_err(|error| CollectError::Read { path, source: std::io::Error::other(error) })?;
    let one = |value: &serde_json::Value| {
        let text = |name: &str| value.get(name).and_then(serde_json::Value::as_str).unwrap_or_default().into();
        let number = |name: &str| value.get(name).and_then(serde_json::Value::as_u64).unwrap_or(0);
        Qdisc {
            device: text("IfaceName"),
            kind: text("Kind"),
            is_root: number("Parent") == 0,
            bytes: number("Bytes"),
            packets: number("Packets"),
            drops: number("Drops"),
            requeues: number("Requeues"),
            overlimits: number("Overlimits"),
            length: number("Qlen"),
            backlog: number("Backlog"),
        }
    };
    Ok(list.iter().map(one).collect())
}
