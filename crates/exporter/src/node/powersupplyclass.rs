//! `powersupplyclass`: batteries and mains (`/sys/class/power_supply`).

use regex::Regex;

use super::{Collector, FlagError, Flags, Outcome, Places};
use crate::filter::compile;
use crate::flags::Flag;
use crate::metric::Metrics;

const IGNORED: &str = "collector.powersupply.ignored-supplies";

pub(super) const FLAGS: &[Flag] =
    &[Flag::word(IGNORED, "^$", "Regexp of power supplies to ignore for powersupplyclass collector.")];

struct Powersupplyclass {
    ignored: Option<Regex>,
}

pub(super) fn make(flags: &Flags, _: &Places) -> Result<Box<dyn Collector>, FlagError> {
    Ok(Box::new(Powersupplyclass { ignored: compile(IGNORED, flags.text(IGNORED))? }))
}

/// Attributes as they are.
const PLAIN: &[(&str, &str)] = &[
    ("authentic", "authentic"),
    ("calibrate", "calibrate"),
    ("capacity", "capacity"),
    ("capacity_alert_max", "capacity_alert_max"),
    ("capacity_alert_min", "capacity_alert_min"),
    ("cycle_count", "cyclecount"),
    ("online", "online"),
    ("present", "present"),
    ("time_to_empty_now", "time_to_empty_seconds"),
    ("time_to_full_now", "time_to_full_seconds"),
];

/// Attributes in millionths.
const MICRO: &[(&str, &str)] = &[
    ("current_boot", "current_boot"),
    ("current_max", "current_max"),
    ("current_now", "current_ampere"),
    ("energy_empty", "energy_empty"),
    ("energy_empty_design", "energy_empty_design"),
    ("energy_full", "energy_full"),
    ("energy_full_design", "energy_full_design"),
    ("energy_now", "energy_watthour"),
    ("voltage_boot", "voltage_boot"),
    ("voltage_max", "voltage_max"),
    ("voltage_max_design", "voltage_max_design"),
    ("voltage_min", "voltage_min"),
    ("voltage_min_design", "voltage_min_design"),
    ("voltage_now", "voltage_volt"),
    ("voltage_ocv", "voltage_ocv"),
    ("charge_control_limit", "charge_control_limit"),
    ("charge_control_limit_max", "charge_control_limit_max"),
    ("charge_counter", "charge_counter"),
    ("charge_empty", "charge_empty"),
    ("charge_empty_design", "charge_empty_design"),
    ("charge_full", "charge_full"),
    ("charge_full_design", "charge_full_design"),
    ("charge_now", "charge_ampere"),
    ("charge_term_current", "charge_term_current"),
    ("constant_charge_current", "constant_charge_current"),
    ("constant_charge_current_max", "constant_charge_current_max"),
    ("constant_charge_voltage", "constant_charge_voltage"),
    ("constant_charge_voltage_max", "constant_charge_voltage_max"),
    ("precharge_current", "precharge_current"),
    ("input_current_limit", "input_current_limit"),
    ("power_now", "power_watt"),
];

/// Attributes in tenths of a degree.
const TENTHS: &[(&str, &str)] = &[
    ("temp", "temp_celsius"),
    ("temp_alert_max", "temp_alert_max_celsius"),
    ("temp_alert_min", "temp_alert_min_celsius"),
    ("temp_ambient", "temp_ambient_celsius"),
    ("temp_ambient_max", "temp_ambient_max_celsius"),
    ("temp_ambient_min", "temp_ambient_min_celsius"),
    ("temp_max", "temp_max_celsius"),
    ("temp_min", "temp_min_celsius"),
];

/// Labels of `node_power_supply_info`; those that are empty are left out.
const LABELS: [&str; 11] = [
    "capacity_level",
    "charge_type",
    "health",
    "manufacturer",
    "model_name",
    "serial_number",
    "status",
    "technology",
    "type",
    "usb_type",
    "scope",
];

impl Collector for Powersupplyclass {
    fn update(&self, at: &Places, out: &mut Metrics) -> Outcome {
        for (supply, folder) in at.devices("class/power_supply")? {
            if self.ignored.as_ref().is_some_and(|ignored| ignored.is_match(&supply)) {
                continue;
            }
            let label = ("power_supply", &*supply);
            for (rows, scale) in [(PLAIN, 1.0), (MICRO, 1e6), (TENTHS, 10.0)] {
                for (file, name) in rows {
                    if let Some(value) = folder.fraction(file) {
                        let help = format!("{name} value of /sys/class/power_supply/<power_supply>.");
                        out.gauge(format!("node_power_supply_{name}"), help, &[label], value / scale);
                    }
                }
            }
            let values: Vec<_> = LABELS
                .iter()
                .filter_map(|label| Some((*label, folder.text(label).filter(|value| !value.is_empty())?)))
                .collect();
            let mut labels = vec![label];
            labels.extend(values.iter().map(|(label, value)| (*label, value.as_str())));
            out.gauge("node_power_supply_info", "info of /sys/class/power_supply/<power_supply>.", &labels, 1.0);
        }
        Ok(())
    }
}
