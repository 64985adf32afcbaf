//! `watchdog`: timers that restart the machine (`/sys/class/watchdog`).

use super::{Collector, Outcome, Places};
use crate::metric::Metrics;

#[derive(Default)]
pub(super) struct Watchdog;

const ROWS: [(&str, &str, &str); 7] = [
    ("access_cs0", "node_watchdog_access_cs0", "Value of /sys/class/watchdog/<watchdog>/access_cs0"),
    ("bootstatus", "node_watchdog_bootstatus", "Value of /sys/class/watchdog/<watchdog>/bootstatus"),
    ("fw_version", "node_watchdog_fw_version", "Value of /sys/class/watchdog/<watchdog>/fw_version"),
    ("nowayout", "node_watchdog_nowayout", "Value of /sys/class/watchdog/<watchdog>/nowayout"),
    ("pretimeout", "node_watchdog_pretimeout_seconds", "Value of /sys/class/watchdog/<watchdog>/pretimeout"),
    ("timeleft", "node_watchdog_timeleft_seconds", "Value of /sys/class/watchdog/<watchdog>/timeleft"),
    ("timeout", "node_watchdog_timeout_seconds", "Value of /sys/class/watchdog/<watchdog>/timeout"),
];

const LABELS: [&str; 5] = ["options", "identity", "state", "status", "pretimeout_governor"];

impl Collector for Watchdog {
    fn update(&self, at: &Places, out: &mut Metrics) -> Outcome {
        for (device, folder) in at.devices("class/watchdog")? {
            let name = ("name", &*device);
            for (file, metric, help) in ROWS {
                if let Some(value) = folder.fraction(file) {
                    out.gauge(metric, help, &[name], value);
                }
            }
            let values = LABELS.map(|label| folder.text(label).unwrap_or_default());
            let mut labels = vec![name];
            labels.extend(LABELS.iter().copied().zip(values.iter().map(String::as_str)));
            out.gauge("node_watchdog_info", "Info of /sys/class/watchdog/<watchdog>", &labels, 1.0);
        }
        Ok(())
    }
}
