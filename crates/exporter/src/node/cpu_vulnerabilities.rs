//! `cpu_vulnerabilities`: what the kernel says of the processors' weaknesses.

use super::{Collector, Outcome, Places};
use crate::metric::Metrics;

#[derive(Default)]
pub(super) struct CpuVulnerabilities;

impl Collector for CpuVulnerabilities {
    fn update(&self, at: &Places, out: &mut Metrics) -> Outcome {
        for (name, path) in at.devices("devices/system/cpu/vulnerabilities")? {
            let Ok(text) = super::read(path.path()) else { continue };
            let text = String::from_utf8_lossy(&text);
            let text = text.trim();
            let (state, mitigation) = if text == "Not affected" {
                ("not affected", "")
            } else if let Some(rest) = text.strip_prefix("Mitigation:") {
                ("mitigation", rest.trim())
            } else if text.starts_with("Vulnerable") {
                ("vulnerable", "")
            } else {
                continue;
            };
            let labels = [("codename", &*name), ("state", state), ("mitigation", mitigation)];
            let help = "Details of each CPU vulnerability reported by sysfs. The value of the series is an int encoded state of the vulnerability. The same state is stored as a string in the label";
            out.gauge("node_cpu_vulnerabilities_info", help, &labels, 1.0);
        }
        Ok(())
    }
}
