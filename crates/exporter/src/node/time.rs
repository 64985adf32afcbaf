//! `time`: the clock, its zone, and what it counts with.

use procyon_linux::host::clock;

use super::{Collector, Outcome, Places, number};
use crate::metric::Metrics;

#[derive(Default)]
pub(super) struct Time;

impl Collector for Time {
    fn update(&self, at: &Places, out: &mut Metrics) -> Outcome {
        let (seconds, zone) = clock::now();
        out.gauge("node_time_seconds", "System time in seconds since epoch (1970).", &[], seconds);
        let help = "System time zone offset in seconds.";
        out.gauge("node_time_zone_offset_seconds", help, &[("time_zone", &zone.name)], f64::from(zone.offset));
        let folder = at.sys("devices/system/clocksource");
        for name in folder.names() {
            let Some(device) = name.strip_prefix("clocksource").filter(|rest| number(rest).is_some()) else { continue };
            let source = folder.below(&*name);
            for available in source.text("available_clocksource").unwrap_or_default().split_whitespace() {
                let labels = [("device", device), ("clocksource", available)];
                let help = "Available clocksources read from '/sys/devices/system/clocksource'.";
                out.gauge("node_time_clocksource_available_info", help, &labels, 1.0);
            }
            if let Some(current) = source.text("current_clocksource") {
                let labels = [("device", device), ("clocksource", &*current)];
                let help = "Current clocksource read from '/sys/devices/system/clocksource'.";
                out.gauge("node_time_clocksource_current_info", help, &labels, 1.0);
            }
        }
        Ok(())
    }
}
