//! `/sys/class/hwmon` and `/sys/class/thermal`: how warm parts of the machine are.

use std::path::Path;

use procyon_units::{Celsius, Reading};

use crate::file;
use crate::root::Root;

/// One temperature sensor.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Sensor {
    /// What it measures, as `Package id 0`; the input's name where the chip does not tell.
    pub name: Box<str>,
    /// The chip or thermal zone, as `coretemp`.
    pub chip: Box<str>,
    /// Now.
    pub temperature: Celsius,
    /// Where the chip calls it high.
    pub high: Option<Celsius>,
    /// Where the chip calls it critical.
    pub critical: Option<Celsius>,
}

/// Millidegrees as sysfs gives them. What no part of a working machine can have is a sensor that is not connected
/// (many boards answer −128 °C or 255 °C there).
fn celsius(text: &[u8]) -> Option<Celsius> {
    let milli: i32 = std::str::from_utf8(text.trim_ascii()).ok()?.parse().ok()?;
    (-60_000..=200_000).contains(&milli).then(|| Celsius(f64::from(milli) / 1000.0))
}

fn read_celsius(path: &Path, buffer: &mut Vec<u8>) -> Option<Celsius> {
    file::read_into(path, buffer).ok().and_then(|()| celsius(buffer))
}

fn text(path: &Path, buffer: &mut Vec<u8>) -> Option<Box<str>> {
    match file::read_line(path, buffer) {
        Reading::Known(line) if !line.is_empty() => Some(line),
        _ => None,
    }
}

/// A limit of zero or below is one that nobody set.
fn limit(path: &Path, buffer: &mut Vec<u8>) -> Option<Celsius> {
    read_celsius(path, buffer).filter(|limit| limit.0 > 0.0)
}

fn read_chip(dir: &Path, buffer: &mut Vec<u8>, out: &mut Vec<Sensor>) {
    let chip = text(&dir.join("name"), buffer).unwrap_or_else(|| "hwmon".into());
    for entry in file::names(dir) {
        let Some(input) = entry.strip_suffix("_input").filter(|input| input.starts_with("temp")) else { continue };
        let Some(temperature) = read_celsius(&dir.join(&*entry), buffer) else { continue };
        let attribute = |what: &str| dir.join(format!("{input}_{what}"));
        let name = text(&attribute("label"), buffer).unwrap_or_else(|| input.into());
        let high = limit(&attribute("max"), buffer);
        let critical = limit(&attribute("crit"), buffer);
        out.push(Sensor { name, chip: chip.clone(), temperature, high, critical });
    }
}

fn read_zone(dir: &Path, zone: &str, buffer: &mut Vec<u8>, out: &mut Vec<Sensor>) {
    let Some(temperature) = read_celsius(&dir.join("temp"), buffer) else { return };
    let chip = text(&dir.join("type"), buffer).unwrap_or_else(|| zone.into());
    let mut sensor = Sensor { name: zone.into(), chip, temperature, high: None, critical: None };
    for entry in file::names(dir) {
        let Some(trip) = entry.strip_prefix("trip_point_").and_then(|rest| rest.strip_suffix("_type")) else {
            continue;
        };
        let at = dir.join(format!("trip_point_{trip}_temp"));
        match text(&dir.join(&*entry), buffer).as_deref() {
            Some("critical") => sensor.critical = limit(&at, buffer),
            Some("hot") => sensor.high = limit(&at, buffer),
            _ => {}
        }
    }
    out.push(sensor);
}

/// Reads every temperature sensor: hwmon chips, then thermal zones. Empty where there is none, as in most virtual
/// machines. Privilege: none. A sensor may take a millisecond of bus traffic: not for every tick.
#[must_use]
pub fn list(root: &Root, buffer: &mut Vec<u8>) -> Vec<Sensor> {
    let mut out = Vec::new();
    let hwmon = root.sys("class/hwmon");
    for chip in file::names(&hwmon) {
        let dir = hwmon.join(&*chip);
        let before = out.len();
        read_chip(&dir, buffer, &mut out);
        if out.len() == before {
            // Drivers that were made before 2.6.31 put the inputs at the device, one step below.
            read_chip(&dir.join("device"), buffer, &mut out);
        }
    }
    let thermal = root.sys("class/thermal");
    for zone in file::names(&thermal).iter().filter(|zone| zone.starts_with("thermal_zone")) {
        read_zone(&thermal.join(&**zone), zone, buffer, &mut out);
    }
    out
}

/// How well a sensor stands for the processor; less is better, none is not at all.
fn rank(sensor: &Sensor) -> Option<u8> {
    let (chip, name) = (&*sensor.chip, &*sensor.name);
    Some(match chip {
        "coretemp" if name.starts_with("Package") => 0,
        // Tdie is the die itself, Tctl has an offset on some models; older chips give one input without label.
        "k10temp" | "zenpower" if name == "Tdie" => 0,
        "k10temp" | "zenpower" if name == "Tctl" => 1,
        "x86_pkg_temp" => 2,
        "coretemp" | "k10temp" | "zenpower" | "k8temp" | "fam15h_power" | "via_cputemp" => 3,
        "cpu_thermal" | "cpu-thermal" | "soc_thermal" | "soc-thermal" | "cpu0-thermal" => 4,
        _ if chip.starts_with("cpu") || name.to_ascii_lowercase().contains("cpu") => 5,
        "acpitz" => 6,
        _ => return None,
    })
}

/// The processor's temperature: the hottest of the best sensors for it (package before die before cores before zones of
/// the firmware).
#[must_use]
pub fn of_cpu(sensors: &[Sensor]) -> Option<Celsius> {
    let best = sensors.iter().filter_map(rank).min()?;
    let hottest = sensors.iter().filter(|sensor| rank(sensor) == Some(best));
    hottest.map(|sensor| sensor.temperature).max_by(|one, other| one.0.total_cmp(&other.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sensor(chip: &str, name: &str, temperature: f64) -> Sensor {
        Sensor { chip: chip.into(), name: name.into(), temperature: Celsius(temperature), ..Sensor::default() }
    }

    #[test]
    fn the_package_stands_for_the_processor() {
        let sensors = [
            sensor("nvme", "Composite", 80.0),
            sensor("coretemp", "Core 0", 70.0),
            sensor("coretemp", "Package id 0", 55.0),
            sensor("coretemp", "Package id 1", 61.0),
            sensor("acpitz", "thermal_zone0", 27.8),
        ];
        assert_eq!(of_cpu(&sensors), Some(Celsius(61.0)));
    }

    #[test]
    fn a_disk_is_not_the_processor() {
        assert_eq!(of_cpu(&[sensor("nvme", "Composite", 80.0)]), None);
        assert_eq!(
            of_cpu(&[sensor("acpitz", "thermal_zone0", 30.0), sensor("k10temp", "temp1", 44.0)]),
            Some(Celsius(44.0))
        );
    }

    #[test]
    fn a_sensor_that_is_not_connected_is_left_out() {
        assert_eq!(celsius(b"-128000\n"), None);
        assert_eq!(celsius(b"255000\n"), None);
        assert_eq!(celsius(b"48312\n"), Some(Celsius(48.312)));
    }
}
