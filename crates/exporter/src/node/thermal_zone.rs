//! `thermal_zone`: temperatures and coolers (`/sys/class/thermal`).

use super::{CollectError, Collector, Outcome, Places, float};
use crate::metric::Metrics;

#[derive(Default)]
pub(super) struct ThermalZone;

impl Collector for ThermalZone {
    fn update(&self, at: &Places, out: &mut Metrics) -> Outcome {
        let mut found = false;
        for (device, folder) in at.devices("class/thermal")? {
            let kind = folder.text("type").unwrap_or_default();
            if let Some(zone) = device.strip_prefix("thermal_zone") {
                // Sensors that sleep cannot be read.
                if let Some(millidegrees) = folder.fraction("temp") {
                    found = true;
                    let labels = [("zone", zone), ("type", &*kind)];
                    out.gauge("node_thermal_zone_temp", "Zone temperature in Celsius", &labels, millidegrees / 1000.0);
                }
            } else if let Some(name) = device.strip_prefix("cooling_device") {
                found = true;
                let labels = [("name", name), ("type", &*kind)];
                if let Some(state) = folder.number("cur_state") {
                    let help = "Current throttle state of the cooling device";
                    out.gauge("node_cooling_device_cur_state", help, &labels, float(state));
                }
                if let Some(state) = folder.number("max_state") {
                    let help = "Maximum throttle state of the cooling device";
                    out.gauge("node_cooling_device_max_state", help, &labels, float(state));
                }
            }
        }
        if found { Ok(()) } else { Err(CollectError::Nothing("neither a zone nor a cooler is there".to_owned())) }
    }
}
