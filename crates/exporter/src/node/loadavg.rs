//! `loadavg`: load averages of `/proc/loadavg`.

use procyon_linux::host::loadavg;

use super::{Collector, Outcome, Places};
use crate::metric::Metrics;

#[derive(Default)]
pub(super) struct Loadavg;

impl Collector for Loadavg {
    fn update(&self, at: &Places, out: &mut Metrics) -> Outcome {
        let text = at.proc("loadavg")?;
        let load = loadavg::parse(&text).ok_or_else(|| at.odd("loadavg", "load averages"))?;
        out.gauge("node_load1", "1m load average.", &[], load.one);
        out.gauge("node_load5", "5m load average.", &[], load.five);
        out.gauge("node_load15", "15m load average.", &[], load.fifteen);
        Ok(())
    }
}
