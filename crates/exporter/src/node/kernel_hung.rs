//! `kernel_hung`: tasks that the kernel found hanging, since Linux 6.12.

use super::{Collector, FlagError, Flags, Outcome, Places};
use crate::metric::Metrics;

struct KernelHung;

pub(super) fn make(_: &Flags, _: &Places) -> Result<Box<dyn Collector>, FlagError> {
    Ok(Box::new(KernelHung))
}

impl Collector for KernelHung {
    fn update(&self, at: &Places, out: &mut Metrics) -> Outcome {
        let count = at.proc_number("sys/kernel/hung_task_detect_count")?;
        let help = "Total number of tasks that have been detected as hung since the system booted.";
        out.counter("node_kernel_hung_tasks_total", help, &[], count);
        Ok(())
    }
}
