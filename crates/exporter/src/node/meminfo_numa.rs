//! `meminfo_numa`: memory of each node (`/sys/devices/system/node`).

use procyon_linux::host::{meminfo, vmstat};

use super::meminfo::metric_name;
use super::{Collector, Outcome, Places, float};
use crate::metric::Metrics;

#[derive(Default)]
pub(super) struct MeminfoNuma;

impl Collector for MeminfoNuma {
    fn update(&self, at: &Places, out: &mut Metrics) -> Outcome {
        for (name, folder) in at.devices("devices/system/node")? {
            let Some(node) = name.strip_prefix("node").filter(|rest| rest.bytes().all(|byte| byte.is_ascii_digit()))
            else {
                continue;
            };
            let text = super::read(&folder.path().join("meminfo"))?;
            for field in meminfo::fields(&text) {
                let name = metric_name(field.name);
                let help = format!("Memory information field {name}.");
                out.gauge(format!("node_memory_numa_{name}"), help, &[("node", node)], float(field.value));
            }
            let text = super::read(&folder.path().join("numastat"))?;
            for (name, value) in vmstat::counters(&text) {
                let help = format!("Memory information field {name}_total.");
                out.counter(format!("node_memory_numa_{name}_total"), help, &[("node", node)], float(value));
            }
        }
        Ok(())
    }
}
