//! `kernel_hung`: tasks that the kernel found hanging, since Linux 6.12.

use super::{Collector, Outcome, Places};
use crate::metric::Metrics;

#[derive(Default)]
pub(super) struct KernelHung;

impl Collector for KernelHung {
    fn update(&self, at: &Places, out: &mut Metrics) -> Outcome {
        let count = at.proc_number("sys/kernel/hung_task_detect_count")?;
        let help = "Total number of tasks that have been detected as hung since the system booted.";
        out.counter("node_kernel_hung_tasks_total", help, &[], count);
        Ok(())
    }
}
