//! `schedstat`: how long each processor ran tasks and let them wait (`/proc/schedstat`).

use procyon_linux::host::schedstat;

use super::{Collector, Outcome, Places, float};
use crate::metric::Metrics;

#[derive(Default)]
pub(super) struct Schedstat;

impl Collector for Schedstat {
    fn update(&self, at: &Places, out: &mut Metrics) -> Outcome {
        for stat in schedstat::parse(&at.proc("schedstat")?) {
            let labels = [("cpu", &*stat.cpu)];
            let help = "Number of seconds CPU spent running a process.";
            out.counter("node_schedstat_running_seconds_total", help, &labels, float(stat.running_ns) / 1e9);
            let help = "Number of seconds spent by processing waiting for this CPU.";
            out.counter("node_schedstat_waiting_seconds_total", help, &labels, float(stat.waiting_ns) / 1e9);
            let help = "Number of timeslices executed by CPU.";
            out.counter("node_schedstat_timeslices_total", help, &labels, float(stat.timeslices));
        }
        Ok(())
    }
}
