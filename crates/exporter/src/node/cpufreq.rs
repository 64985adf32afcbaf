//! `cpufreq`: clocks of the processors (`/sys/devices/system/cpu/cpu*/cpufreq`).

use super::{Collector, Outcome, Places, flag, float};
use crate::metric::Metrics;

#[derive(Default)]
pub(super) struct Cpufreq;

/// Attributes in kHz.
const ROWS: [(&str, &str, &str); 6] = [
    ("cpuinfo_cur_freq", "node_cpu_frequency_hertz", "Current CPU thread frequency in hertz."),
    ("cpuinfo_min_freq", "node_cpu_frequency_min_hertz", "Minimum CPU thread frequency in hertz."),
    ("cpuinfo_max_freq", "node_cpu_frequency_max_hertz", "Maximum CPU thread frequency in hertz."),
    ("scaling_cur_freq", "node_cpu_scaling_frequency_hertz", "Current scaled CPU thread frequency in hertz."),
    ("scaling_min_freq", "node_cpu_scaling_frequency_min_hertz", "Minimum scaled CPU thread frequency in hertz."),
    ("scaling_max_freq", "node_cpu_scaling_frequency_max_hertz", "Maximum scaled CPU thread frequency in hertz."),
];

impl Collector for Cpufreq {
    fn update(&self, at: &Places, out: &mut Metrics) -> Outcome {
        for (cpu, folder) in super::cpu::folders(at) {
            let cpu = cpu.to_string();
            let folder = folder.below("cpufreq");
            for (file, name, help) in ROWS {
                if let Some(kilohertz) = folder.number(file) {
                    out.gauge(name, help, &[("cpu", &cpu)], float(kilohertz) * 1000.0);
                }
            }
            let Some(current) = folder.text("scaling_governor") else { continue };
            for governor in folder.text("scaling_available_governors").unwrap_or_default().split_whitespace() {
                let labels = [("cpu", &*cpu), ("governor", governor)];
                let help = "Current enabled CPU frequency governor.";
                out.gauge("node_cpu_scaling_governor", help, &labels, flag(governor == current));
            }
        }
        Ok(())
    }
}
