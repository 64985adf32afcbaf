//! `wifi`: wireless interfaces and their stations, as the kernel tells them (nl80211) or upstream's test data.

use std::path::Path;
use std::time::Duration;

use procyon_linux::net::nl80211::{Cell, Interface, Station, Wireless};
use rustix::io::Errno;
use serde_json::Value;

use super::{CollectError, Collector, FlagError, Flags, Outcome, Places, float, read};
use crate::flags::Flag;
use crate::metric::{Kind, Metrics};

const FIXTURES: &str = "collector.wifi.fixtures";

pub(super) const FLAGS: &[Flag] =
    &[Flag::word(FIXTURES, "", "test fixtures to use for wifi collector metrics").hidden()];

struct Wifi {
    fixtures: String,
}

#[expect(clippy::unnecessary_wraps, reason = "collectors are all made alike")]
pub(super) fn make(flags: &Flags, _: &Places) -> Result<Box<dyn Collector>, FlagError> {
    Ok(Box::new(Wifi { fixtures: flags.text(FIXTURES).to_owned() }))
}

impl Collector for Wifi {
    fn update(&self, _: &Places, out: &mut Metrics) -> Outcome {
        let devices = if self.fixtures.is_empty() { asked()? } else { written(Path::new(&self.fixtures))? };
        // Some devices have no name and do nothing.
        for device in devices.iter().filter(|device| !device.interface.name.is_empty()) {
            serve(device, out);
        }
        Ok(())
    }
}

/// An interface and what it is connected with.
struct Device {
    interface: Interface,
    cell: Option<Cell>,
    stations: Vec<Station>,
}

/// Asks the kernel.
fn asked() -> Result<Vec<Device>, CollectError> {
    let failed = |error: Errno| CollectError::Call { call: "nl80211", source: error.into() };
    let mut wireless = match Wireless::open() {
        Ok(wireless) => wireless,
        Err(Errno::NOENT) => return Err(CollectError::Nothing("nothing is wireless here".to_owned())),
        Err(Errno::PERM | Errno::ACCESS) => {
            return Err(CollectError::Nothing("wireless interfaces may not be asked".to_owned()));
        }
        Err(error) => return Err(failed(error)),
    };
    let mut devices = Vec::new();
    for interface in wireless.interfaces().map_err(failed)? {
        // Not every kind of interface has either.
        let cell = known(wireless.cell(interface.index)).map_err(failed)?;
        let stations = known(wireless.stations(interface.index)).map_err(failed)?;
        devices.push(Device { interface, cell: cell.flatten(), stations: stations.unwrap_or_default() });
    }
    Ok(devices)
}

/// None where there is no such thing, or the interface is gone.
fn known<T>(answer: Result<T, Errno>) -> Result<Option<T>, Errno> {
    match answer {
        Ok(answer) => Ok(Some(answer)),
        Err(Errno::NOENT | Errno::NODEV | Errno::OPNOTSUPP | Errno::NETDOWN) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Reads test data.
fn written(folder: &Path) -> Result<Vec<Device>, CollectError> {
    let mut devices = Vec::new();
    for interface in json(&folder.join("interfaces.json"))?.as_array().into_iter().flatten() {
        let frequency = u32::try_from(number(interface, "frequency")).unwrap_or(0);
        let interface = Interface { index: 0, name: text(interface, "name").into(), frequency };
        let folder = folder.join(&*interface.name);
        let cell = optional(&folder.join("bss.json"))?.map(|cell| Cell {
            address: address(text(&cell, "bssid")),
            name: text(&cell, "ssid").into(),
            status: u32::try_from(number(&cell, "status")).unwrap_or(u32::MAX),
        });
        let stations = optional(&folder.join("stationinfo.json"))?;
        let stations = stations.as_ref().and_then(Value::as_array).into_iter().flatten().map(station).collect();
        devices.push(Device { interface, cell, stations });
    }
    Ok(devices)
}

fn optional(path: &Path) -> Result<Option<Value>, CollectError> {
    match json(path) {
        Ok(value) => Ok(Some(value)),
        Err(error) if error.is_nothing() => Ok(None),
        Err(error) => Err(error),
    }
}

fn json(path: &Path) -> Result<Value, CollectError> {
    let text = read(path)?;
    serde_json::from_slice(&text)
        .map_err(|error| CollectError::Read { path: path.to_owned(), source: std::io::Error::other(error) })
}

fn number(value: &Value, name: &str) -> u64 {
    value.get(name).and_then(Value::as_u64).unwrap_or(0)
}

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value.get(name).and_then(Value::as_str).unwrap_or_default()
}

/// A station of test data, whose times are nanoseconds.
fn station(info: &Value) -> Station {
    let signal = info.get("signal").and_then(Value::as_i64).and_then(|signal| i8::try_from(signal).ok());
    Station {
        address: address(text(info, "hardwareaddr")),
        connected: Duration::from_nanos(number(info, "connected")),
        inactive: Duration::from_nanos(number(info, "inactive")),
        receive_rate: number(info, "receivebitrate"),
        send_rate: number(info, "transmitbitrate"),
        received_bytes: number(info, "receivedbytes"),
        sent_bytes: number(info, "transmittedbytes"),
        received_packets: number(info, "receivedpackets"),
        sent_packets: number(info, "transmittedpackets"),
        signal: signal.unwrap_or(0),
        retries: number(info, "transmitretries"),
        failed: number(info, "transmitfailed"),
        beacon_loss: number(info, "beaconloss"),
    }
}

/// A hardware address from base 64.
fn address(text: &str) -> Box<[u8]> {
    let digit = |byte: u8| match byte {
        b'A'..=b'Z' => Some(byte - b'A'),
        b'a'..=b'z' => Some(byte - b'a' + 26),
        b'0'..=b'9' => Some(byte - b'0' + 52),
        b'+' => Some(62),
        b'/' => Some(63),
        _ => None,
    };
    let (mut bits, mut count, mut bytes) = (0_u32, 0, Vec::new());
    for digit in text.bytes().filter_map(digit) {
        bits = bits << 6 | u32::from(digit);
        count += 6;
        if count >= 8 {
            count -= 8;
            bytes.extend(u8::try_from(bits >> count & 0xff));
            bits &= (1 << count) - 1;
        }
    }
    bytes.into()
}

fn shown(address: &[u8]) -> String {
    address.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().join(":")
}

fn serve(device: &Device, out: &mut Metrics) {
    let name = &*device.interface.name;
    let hertz = f64::from(device.interface.frequency) * 1e6;
    let help = "The current frequency a WiFi interface is operating at, in hertz.";
    out.gauge("node_wifi_interface_frequency_hertz", help, &[("device", name)], hertz);
    if let Some(cell) = &device.cell {
        let mode = match cell.status {
            0 | 1 => "client",
            2 => "ad-hoc",
            _ => "unknown",
        };
        let labels = [("device", name), ("bssid", &*shown(&cell.address)), ("ssid", &*cell.name), ("mode", mode)];
        let help = "Labeled WiFi interface station information as provided by the operating system.";
        out.gauge("node_wifi_station_info", help, &labels, 1.0);
    }
    for station in &device.stations {
        serve_station(name, station, out);
    }
}

fn serve_station(device: &str, info: &Station, out: &mut Metrics) {
    let labels = [("device", device), ("mac_address", &*shown(&info.address))];
    let all = [
        (
            Kind::Counter,
            "connected_seconds_total",
            "The total number of seconds a station has been connected to an access point.",
            info.connected.as_secs_f64(),
        ),
        (
            Kind::Gauge,
            "inactive_seconds",
            "The number of seconds since any wireless activity has occurred on a station.",
            info.inactive.as_secs_f64(),
        ),
        (
            Kind::Gauge,
            "receive_bits_per_second",
            "The current WiFi receive bitrate of a station, in bits per second.",
            float(info.receive_rate),
        ),
        (
            Kind::Gauge,
            "transmit_bits_per_second",
            "The current WiFi transmit bitrate of a station, in bits per second.",
            float(info.send_rate),
        ),
        (
            Kind::Counter,
            "receive_bytes_total",
            "The total number of bytes received by a WiFi station.",
            float(info.received_bytes),
        ),
        (
            Kind::Counter,
            "transmit_bytes_total",
            "The total number of bytes transmitted by a WiFi station.",
            float(info.sent_bytes),
        ),
        (
            Kind::Gauge,
            "signal_dbm",
            "The current WiFi signal strength, in decibel-milliwatts (dBm).",
            f64::from(info.signal),
        ),
        (
            Kind::Counter,
            "transmit_retries_total",
            "The total number of times a station has had to retry while sending a packet.",
            float(info.retries),
        ),
        (
            Kind::Counter,
            "transmit_failed_total",
            "The total number of times a station has failed to send a packet.",
            float(info.failed),
        ),
        (
            Kind::Counter,
            "beacon_loss_total",
            "The total number of times a station has detected a beacon loss.",
            float(info.beacon_loss),
        ),
        (
            Kind::Counter,
            "transmitted_packets_total",
            "The total number of packets transmitted by a station.",
            float(info.sent_packets),
        ),
        (
            Kind::Counter,
            "received_packets_total",
            "The total number of packets received by a station.",
            float(info.received_packets),
        ),
    ];
    for (kind, name, help, value) in all {
        out.add(kind, format!("node_wifi_station_{name}").into(), help.into(), &labels, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_kernel_tells_is_served() {
        let station = Station {
            address: [1, 2, 3, 4, 5, 6].into(),
            inactive: Duration::from_millis(400),
            received_bytes: 7,
            signal: -52,
            ..Station::default()
        };
        let device = Device {
            interface: Interface { index: 3, name: "wlan0".into(), frequency: 2412 },
            cell: Some(Cell { address: [0, 1, 0xab].into(), name: "a\"b".into(), status: 1 }),
            stations: vec![station],
        };
        let mut out = Metrics::default();
        serve(&device, &mut out);
        let mut text = String::new();
        crate::format::write_text(&out.sorted(&mut 0), &mut text);
        for line in [
            "node_wifi_interface_frequency_hertz{device=\"wlan0\"} 2.412e+09",
            "node_wifi_station_info{bssid=\"00:01:ab\",device=\"wlan0\",mode=\"client\",ssid=\"a\\\"b\"} 1",
            "node_wifi_station_inactive_seconds{device=\"wlan0\",mac_address=\"01:02:03:04:05:06\"} 0.4",
            "node_wifi_station_receive_bytes_total{device=\"wlan0\",mac_address=\"01:02:03:04:05:06\"} 7",
            "node_wifi_station_signal_dbm{device=\"wlan0\",mac_address=\"01:02:03:04:05:06\"} -52",
        ] {
            assert!(text.lines().any(|own| own == line), "{line} is missing in\n{text}");
        }
    }

    #[test]
    fn where_nothing_is_wireless_there_is_nothing_to_tell() {
        match asked() {
            Ok(_) => {}
            Err(error) => assert!(error.is_nothing(), "{error}"),
        }
    }
}
