//! `hwmon`: sensors of temperature, voltage, fans, power (`/sys/class/hwmon`).

use std::collections::BTreeMap;

use procyon_linux::attributes::Attributes;

use super::{Collector, FlagError, Flags, Outcome, Places};
use crate::filter::Filter;
use crate::flags::Flag;
use crate::metric::{Kind, Metrics};

const CHIP_INCLUDE: &str = "collector.hwmon.chip-include";
const CHIP_EXCLUDE: &str = "collector.hwmon.chip-exclude";
const SENSOR_INCLUDE: &str = "collector.hwmon.sensor-include";
const SENSOR_EXCLUDE: &str = "collector.hwmon.sensor-exclude";

pub(super) const FLAGS: &[Flag] = &[
    Flag::word(CHIP_INCLUDE, "", "Regexp of hwmon chip to include (mutually exclusive to device-exclude)."),
    Flag::word(CHIP_EXCLUDE, "", "Regexp of hwmon chip to exclude (mutually exclusive to device-include)."),
    Flag::word(SENSOR_INCLUDE, "", "Regexp of hwmon sensor to include (mutually exclusive to sensor-exclude)."),
    Flag::word(SENSOR_EXCLUDE, "", "Regexp of hwmon sensor to exclude (mutually exclusive to sensor-include)."),
];

struct Hwmon {
    chips: Filter,
    sensors: Filter,
}

pub(super) fn make(flags: &Flags, _: &Places) -> Result<Box<dyn Collector>, FlagError> {
    let chips = Filter::new(flags, CHIP_INCLUDE, CHIP_EXCLUDE)?;
    Ok(Box::new(Hwmon { chips, sensors: Filter::new(flags, SENSOR_INCLUDE, SENSOR_EXCLUDE)? }))
}

/// Kinds of sensors (Documentation/hwmon/sysfs-interface.rst).
const KINDS: [&str; 14] = [
    "vrm",
    "beep_enable",
    "update_interval",
    "in",
    "cpu",
    "fan",
    "pwm",
    "temp",
    "curr",
    "power",
    "energy",
    "humidity",
    "intrusion",
    "freq",
];

/// The elements of each sensor: what stands behind the underscore, and the text.
type Sensors = BTreeMap<String, BTreeMap<String, String>>;

impl Collector for Hwmon {
    fn update(&self, at: &Places, out: &mut Metrics) -> Outcome {
        let chips: Vec<(Attributes, String)> = at
            .devices("class/hwmon")?
            .into_iter()
            .filter(|(_, folder)| folder.is_present())
            .filter_map(|(_, folder)| chip_name(&folder).map(|name| (folder, name)))
            .collect();
        for (folder, name) in &chips {
            // Several chips of one device are told apart by their own names.
            let is_shared = chips.iter().filter(|(_, other)| other == name).count() > 1;
            let own = folder.text("name").map(|name| clean(&name)).filter(|own| is_shared && !own.is_empty());
            let name = own.map_or_else(|| name.clone(), |own| format!("{name}_{own}"));
            if !self.chips.ignores(&name) {
                self.chip(&name, folder, out);
            }
        }
        Ok(())
    }
}

impl Hwmon {
    fn chip(&self, chip: &str, folder: &Attributes, out: &mut Metrics) {
        let mut sensors = Sensors::new();
        collect(folder, &mut sensors);
        // Old drivers keep the attributes at the device.
        let device = folder.below("device");
        if device.is_present() {
            collect(&device, &mut sensors);
        }
        if let Some(name) = folder.text("name").map(|name| clean(&name)).filter(|name| !name.is_empty()) {
            let help = "Annotation metric for human-readable chip names";
            out.gauge("node_hwmon_chip_names", help, &[("chip", chip), ("chip_name", &name)], 1.0);
        }
        for (sensor, elements) in &sensors {
            if self.sensors.ignores(&format!("{chip};{sensor}")) {
                continue;
            }
            let kind = sensor.trim_end_matches(|letter: char| letter.is_ascii_digit());
            let labels = [("chip", chip), ("sensor", sensor)];
            if let Some(label) = elements.get("label").filter(|label| !clean(label).is_empty()) {
                let [chip, sensor] = labels;
                let help = "Label for given chip and sensor";
                out.gauge("node_hwmon_sensor_label", help, &[chip, ("label", label), sensor], 1.0);
            }
            if !special(kind, elements, &labels, out) {
                for element in elements.keys().filter(|element| *element != "label") {
                    self::element(kind, element, elements, &labels, out);
                }
            }
        }
    }
}

type Labels<'a> = [(&'static str, &'a str); 2];

/// Sensors that are one value of the chip.
fn special(kind: &str, elements: &BTreeMap<String, String>, labels: &Labels<'_>, out: &mut Metrics) -> bool {
    let value = elements.get("").and_then(|text| text.parse::<f64>().ok());
    let (name, help, scale) = match kind {
        "beep_enable" => {
            let on = super::flag(elements.get("").is_some_and(|text| text == "1"));
            out.gauge("node_hwmon_beep_enabled", "Hardware beep enabled", labels, on);
            return true;
        }
        "vrm" => ("node_hwmon_voltage_regulator_version", "Hardware voltage regulator", 1.0),
        "update_interval" => ("node_hwmon_update_interval_seconds", "Hardware monitor update interval", 0.001),
        _ => return false,
    };
    if let Some(value) = value {
        out.gauge(name, help, labels, value * scale);
    }
    true
}

/// One element: its name, unit and scale follow from what it is.
fn element(kind: &str, element: &str, elements: &BTreeMap<String, String>, labels: &Labels<'_>, out: &mut Metrics) {
    let Some(value) = elements.get(element).and_then(|text| text.parse::<f64>().ok()) else { return };
    let mut name = format!("node_hwmon_{kind}");
    // `input` is the value itself, unless there is one without an element.
    if element == "input" {
        if elements.contains_key("") {
            name.push_str("_input");
        }
    } else if !element.is_empty() {
        name.push('_');
        name.push_str(&clean(element));
    }
    let is_interval = matches!(element, "average_interval" | "average_interval_min" | "average_interval_max");
    let (suffix, help, value) = match (kind, element) {
        (_, "fault" | "alarm") => ("", format!("Hardware sensor {element} status ({kind})"), value),
        (_, "beep") => ("_enabled", "Hardware monitor sensor has beeping enabled".to_owned(), value),
        ("in" | "cpu", _) => ("_volts", format!("Hardware monitor for voltage ({element})"), value * 0.001),
        ("temp", "type") => ("", format!("Hardware monitor {kind} element {element}"), value),
        ("temp", _) => ("_celsius", format!("Hardware monitor for temperature ({element})"), value * 0.001),
        ("curr", _) => ("_amps", format!("Hardware monitor for current ({element})"), value * 0.001),
        ("energy", _) => {
            let help = format!("Hardware monitor for joules used so far ({element})");
            let name = format!("{name}_joule_total");
            out.add(Kind::Counter, name.into(), help.into(), labels, value / 1_000_000.0);
            return;
        }
        ("power", "accuracy") => {
            ("", "Hardware monitor power meter accuracy, as a ratio".to_owned(), value / 1_000_000.0)
        }
        ("power", _) if is_interval => {
            ("_seconds", format!("Hardware monitor power usage update interval ({element})"), value * 0.001)
        }
        ("power", _) => {
            ("_watt", format!("Hardware monitor for power usage in watts ({element})"), value / 1_000_000.0)
        }
        ("humidity", _) => (
            "",
            format!(
                "Hardware monitor for humidity, as a ratio (multiply with 100.0 to get the humidity as a percentage) ({element})"
            ),
            value / 1_000_000.0,
        ),
        ("fan", "input" | "min" | "max" | "target") => {
            ("_rpm", format!("Hardware monitor for fan revolutions per minute ({element})"), value)
        }
        ("freq", "input") => {
            // By the name of the clock, as `sclk`.
            let Some(clock) = elements.get("label") else { return };
            let [chip, _] = *labels;
            let (name, help) = ("node_hwmon_freq_freq_mhz", "Hardware monitor for GPU frequency in MHz");
            out.gauge(name, help, &[chip, ("sensor", clock)], value / 1_000_000.0);
            return;
        }

        _ => ("", format!("Hardware monitor {kind} element {element}"), value),
    };
    name.push_str(suffix);
    out.gauge(name, help, labels, value);
}

fn collect(folder: &Attributes, sensors: &mut Sensors) {
    for file in folder.names() {
        if let Some((sensor, element)) = explode(&file)
            && let Some(text) = folder.text(&*file)
        {
            sensors.entry(sensor).or_default().insert(element.to_owned(), text);
        }
    }
}

/// `temp1_crit_alarm` as `temp1` and `crit_alarm`; none for files that are no sensors.
fn explode(file: &str) -> Option<(String, &str)> {
    let start = file.find(|letter: char| letter.is_ascii_digit()).unwrap_or(file.len());
    let (kind, rest) = file.split_at(start);
    let end = rest.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(rest.len());
    let (number, rest) = rest.split_at(end);
    if !KINDS.contains(&kind) {
        return None;
    }
    let element = if rest.is_empty() { "" } else { rest.strip_prefix('_')? };
    let number = if number.is_empty() { "0" } else { number };
    Some((format!("{kind}{}", number.parse::<u32>().ok()?), element))
}

/// In small letters, with everything else turned into underscores.
fn clean(name: &str) -> String {
    let lower = name.to_lowercase();
    let letters = lower.chars().map(|letter| {
        let kept = letter.is_ascii_lowercase() || letter.is_ascii_digit() || matches!(letter, ':' | '_');
        if kept { letter } else { '_' }
    });
    letters.collect::<String>().trim_matches('_').to_owned()
}

/// A name that survives a restart: by the device, else by the name file, else `hwmonN`.
fn chip_name(folder: &Attributes) -> Option<String> {
    let named = folder.text("name").map(|name| clean(&name)).filter(|name| !name.is_empty());
    if let Ok(device) = folder.below("device").real_path() {
        let part = |path: Option<&std::path::Path>| {
            clean(&path.and_then(std::path::Path::file_name).unwrap_or_default().to_string_lossy())
        };
        let (name, kind) = (part(Some(&device)), part(device.parent()));
        match (kind.is_empty(), name.is_empty()) {
            (false, false) => return Some(format!("{kind}_{name}")),
            (true, false) => return Some(name),
            _ => {}
        }
    }
    let last = || folder.real_path().ok().map(|path| clean(&path.file_name().unwrap_or_default().to_string_lossy()));
    named.or_else(last).filter(|name| !name.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_taken_apart() {
        for (file, expected) in [
            ("temp1_crit_alarm", Some(("temp1", "crit_alarm"))),
            ("in0_input", Some(("in0", "input"))),
            ("pwm1", Some(("pwm1", ""))),
            ("beep_enable", Some(("beep_enable0", ""))),
            ("uevent", None),
            ("power", Some(("power0", ""))),
            ("temp1x", None),
            ("temp99999999999_input", None),
        ] {
            assert_eq!(explode(file), expected.map(|(sensor, element)| (sensor.to_owned(), element)), "{file}");
        }
    }
}
