//! `lnstat`: counters of network caches (`/proc/net/stat`).

use procyon_linux::attributes;
use procyon_linux::net::cache_stat;

use super::{CollectError, Collector, Outcome, Places, float};
use crate::metric::Metrics;

#[derive(Default)]
pub(super) struct Lnstat;

impl Collector for Lnstat {
    fn update(&self, at: &Places, out: &mut Metrics) -> Outcome {
        let path = at.root().proc("net/stat");
        let files = attributes::names(&path).map_err(|source| CollectError::Read { path, source })?;
        for file in files {
            for (name, values) in cache_stat::parse(&at.proc(&format!("net/stat/{file}"))?) {
                for (cpu, value) in values.iter().enumerate() {
                    let labels = [("subsystem", &*file), ("cpu", &*cpu.to_string())];
                    let metric = format!("node_lnstat_{}_total", super::clean(&name));
                    out.counter(metric, "linux network cache stats", &labels, float(*value));
                }
            }
        }
        Ok(())
    }
}
