//! `softirqs`: software interrupts by kind and processor (`/proc/softirqs`).

use procyon_linux::host::interrupts;

use super::{Collector, Outcome, Places, float};
use crate::metric::Metrics;

#[derive(Default)]
pub(super) struct Softirqs;

impl Collector for Softirqs {
    fn update(&self, at: &Places, out: &mut Metrics) -> Outcome {
        for kind in interrupts::parse(&at.proc("softirqs")?) {
            for (cpu, count) in kind.counts.iter().enumerate() {
                let labels = [("cpu", &*cpu.to_string()), ("type", &kind.name)];
                out.counter("node_softirqs_functions_total", "Softirq counts per CPU.", &labels, float(*count));
            }
        }
        Ok(())
    }
}
