//! `softnet`: packets by processor (`/proc/net/softnet_stat`).

use procyon_linux::net::softnet_stat;

use super::{Collector, Outcome, Places, float};
use crate::metric::{Kind, Metrics};

#[derive(Default)]
pub(super) struct Softnet;

impl Collector for Softnet {
    fn update(&self, at: &Places, out: &mut Metrics) -> Outcome {
        for stat in softnet_stat::parse(&at.proc("net/softnet_stat")?) {
            let cpu = stat.cpu.to_string();
            let all = [
                (Kind::Counter, "node_softnet_processed_total", "Number of processed packets", stat.processed),
                (Kind::Counter, "node_softnet_dropped_total", "Number of dropped packets", stat.dropped),
                (
                    Kind::Counter,
                    "node_softnet_times_squeezed_total",
                    "Number of times processing packets ran out of quota",
                    stat.time_squeezed,
                ),
                (
                    Kind::Counter,
                    "node_softnet_cpu_collision_total",
                    "Number of collision occur while obtaining device lock while transmitting",
                    stat.cpu_collision,
                ),
                (
                    Kind::Counter,
                    "node_softnet_received_rps_total",
                    "Number of times cpu woken up received_rps",
                    stat.received_rps,
                ),
                (
                    Kind::Counter,
                    "node_softnet_flow_limit_count_total",
                    "Number of times flow limit has been reached",
                    stat.flow_limit,
                ),
                (Kind::Gauge, "node_softnet_backlog_len", "Softnet backlog status", stat.backlog),
            ];
            for (kind, name, help, value) in all {
                out.add(kind, name.into(), help.into(), &[("cpu", &cpu)], float(value));
            }
        }
        Ok(())
    }
}
