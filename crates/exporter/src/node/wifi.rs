//! `wifi`: stations of wireless interfaces. So far from upstream's test data only; asking the kernel (nl80211) comes later.

use std::path::Path;

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

/// Kinds of interfaces (`enum nl80211_iftype`).
fn mode(kind: u64) -> &'static str {
    match kind {
        1 => "ad-hoc",
        2 => "client",
        3 => "AP",
        4 => "AP/VLAN",
        5 => "wireless distribution",
        6 => "monitor",
        7 => "mesh point",
        8 => "P2P client",
        9 => "P2P group owner",
        10 => "P2P device",
        11 => "outside context of BSS",
        12 => "near-me area network",
        _ => "unknown",
    }
}

fn json(path: &Path) -> Result<Value, CollectError> {
    let text = read(path)?;
    serde_json::from_slice(&text)
        .map_err(|error| CollectError::Read { path: path.to_owned(), source: std::io::Error::other(error) })
}

fn number(value: &Value, name: &str) -> f64 {
    value.get(name).and_then(Value::as_f64).unwrap_or(0.0)
}

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value.get(name).and_then(Value::as_str).unwrap_or_default()
}

impl Collector for Wifi {
    fn update(&self, _: &Places, out: &mut Metrics) -> Outcome {
        if self.fixtures.is_empty() {
            return Err(CollectError::Nothing("wireless interfaces are not asked yet".to_owned()));
        }
        let folder = Path::new(&self.fixtures);
        for interface in json(&folder.join("interfaces.json"))?.as_array().into_iter().flatten() {
            let device = text(interface, "name");
            // Some devices have no name and do nothing.
            if device.is_empty() {
                continue;
            }
            let hertz = number(interface, "frequency") * 1e6;
            let help = "The current frequency a WiFi interface is operating at, in hertz.";
            out.gauge("node_wifi_interface_frequency_hertz", help, &[("device", device)], hertz);
            let kind = interface.get("type").and_then(Value::as_u64).unwrap_or(0);
            let folder = folder.join(device);
            match json(&folder.join("bss.json")) {
                Ok(bss) => station_info(device, mode(kind), &bss, out),
                Err(error) if error.is_nothing() => {}
                Err(error) => return Err(error),
            }
            match json(&folder.join("stationinfo.json")) {
                Ok(stations) => {
                    stations.as_array().into_iter().flatten().for_each(|info| station(device, info, out));
                }
                Err(error) if error.is_nothing() => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

fn station_info(device: &str, mode: &str, bss: &Value, out: &mut Metrics) {
    let bssid = address(text(bss, "bssid"));
    let labels = [("device", device), ("bssid", &*bssid), ("ssid", text(bss, "ssid")), ("mode", mode)];
    let help = "Labeled WiFi interface station information as provided by the operating system.";
    out.gauge("node_wifi_station_info", help, &labels, 1.0);
}

/// A hardware address from base 64.
fn address(text: &str) -> String {
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
            bytes.push(bits >> count & 0xff);
            bits &= (1 << count) - 1;
        }
    }
    bytes.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().join(":")
}

fn station(device: &str, info: &Value, out: &mut Metrics) {
    let mac = address(text(info, "hardwareaddr"));
    let labels = [("device", device), ("mac_address", &*mac)];
    let seconds = |name: &str| number(info, name) / float(1_000_000_000);
    let all = [
        (
            Kind::Counter,
            "connected_seconds_total",
            "The total number of seconds a station has been connected to an access point.",
            seconds("connected"),
        ),
        (
            Kind::Gauge,
            "inactive_seconds",
            "The number of seconds since any wireless activity has occurred on a station.",
            seconds("inactive"),
        ),
        (
            Kind::Gauge,
            "receive_bits_per_second",
            "The current WiFi receive bitrate of a station, in bits per second.",
            number(info, "receivebitrate"),
        ),
        (
            Kind::Gauge,
            "transmit_bits_per_second",
            "The current WiFi transmit bitrate of a station, in bits per second.",
            number(info, "transmitbitrate"),
        ),
        (
            Kind::Counter,
            "receive_bytes_total",
            "The total number of bytes received by a WiFi station.",
            number(info, "receivedbytes"),
        ),
        (
            Kind::Counter,
            "transmit_bytes_total",
            "The total number of bytes transmitted by a WiFi station.",
            number(info, "transmittedbytes"),
        ),
        (
            Kind::Gauge,
            "signal_dbm",
            "The current WiFi signal strength, in decibel-milliwatts (dBm).",
            number(info, "signal"),
        ),
        (
            Kind::Counter,
            "transmit_retries_total",
            "The total number of times a station has had to retry while sending a packet.",
            number(info, "transmitretries"),
        ),
        (
            Kind::Counter,
            "transmit_failed_total",
            "The total number of times a station has failed to send a packet.",
            number(info, "transmitfailed"),
        ),
        (
            Kind::Counter,
            "beacon_loss_total",
            "The total number of times a station has detected a beacon loss.",
            number(info, "beaconloss"),
        ),
        (
            Kind::Counter,
            "transmitted_packets_total",
            "The total number of packets transmitted by a station.",
            number(info, "transmittedpackets"),
        ),
        (
            Kind::Counter,
            "received_packets_total",
            "The total number of packets received by a station.",
            number(info, "receivedpackets"),
        ),
    ];
    for (kind, name, help, value) in all {
        out.add(kind, format!("node_wifi_station_{name}").into(), help.into(), &labels, value);
    }
}
