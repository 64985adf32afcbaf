//! `stat`: interrupts, switches, forks, start of the machine, from `/proc/stat`.

use procyon_linux::host::stat;
use procyon_units::Reading;

use super::{Collector, FlagError, Flags, Outcome, Places, float};
use crate::flags::Flag;
use crate::metric::Metrics;

pub(super) const FLAGS: &[Flag] = &[Flag::off("collector.stat.softirq", "Export softirq calls per vector")];

struct Stat {
    softirq: bool,
}

#[expect(clippy::unnecessary_wraps, reason = "collectors are all made alike")]
pub(super) fn make(flags: &Flags, _: &Places) -> Result<Box<dyn Collector>, FlagError> {
    Ok(Box::new(Stat { softirq: flags.is_on("collector.stat.softirq") }))
}

/// Kinds of software interrupts in the kernel's order (`enum`, include/linux/interrupt.h), as upstream names them.
const VECTORS: [&str; 10] =
    ["hi", "timer", "net_tx", "net_rx", "block", "block_iopoll", "tasklet", "sched", "hrtimer", "rcu"];

impl Collector for Stat {
    fn update(&self, at: &Places, out: &mut Metrics) -> Outcome {
        let text = at.proc("stat")?;
        let stat = stat::parse(&text).ok_or_else(|| at.odd("stat", "processor times"))?;
        let known = |reading: &Reading<u64>| reading.get().map_or(0.0, |value| float(*value));
        let boot = stat.boot_time.get().map_or(0, |wall| wall.0 / 1_000_000_000);
        let boot = u64::try_from(boot).map_or(0.0, float);
        out.counter("node_intr_total", "Total number of interrupts serviced.", &[], known(&stat.interrupts));
        let switches = known(&stat.context_switches);
        out.counter("node_context_switches_total", "Total number of context switches.", &[], switches);
        out.counter("node_forks_total", "Total number of forks.", &[], known(&stat.forks));
        out.gauge("node_boot_time_seconds", "Node boot time, in unixtime.", &[], boot);
        out.gauge("node_procs_running", "Number of processes in runnable state.", &[], known(&stat.running));
        let help = "Number of processes blocked waiting for I/O to complete.";
        out.gauge("node_procs_blocked", help, &[], known(&stat.blocked));
        if self.softirq {
            for (vector, count) in VECTORS.iter().zip(stat::softirqs(&text)) {
                out.counter("node_softirqs_total", "Number of softirq calls.", &[("vector", vector)], float(count));
            }
        }
        Ok(())
    }
}
