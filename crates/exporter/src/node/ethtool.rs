//! `ethtool`: drivers of network interfaces, what they count and what their links can do.

use std::collections::BTreeMap;

use procyon_linux::net::ethtool::{Driver, Ethtool, LinkSettings, Modes};
use procyon_linux::net::links;
use regex::Regex;
use rustix::io::Errno;

use super::{CollectError, Collector, FlagError, Flags, Outcome, Places, flag, float};
use crate::filter::{self, Filter};
use crate::flags::Flag;
use crate::metric::Metrics;

const INCLUDE: &str = "collector.ethtool.device-include";
const EXCLUDE: &str = "collector.ethtool.device-exclude";
const METRICS: &str = "collector.ethtool.metrics-include";

pub(super) const FLAGS: &[Flag] = &[
    Flag::word(INCLUDE, "", "Regexp of ethtool devices to include (mutually exclusive to device-exclude)."),
    Flag::word(EXCLUDE, "", "Regexp of ethtool devices to exclude (mutually exclusive to device-include)."),
    Flag::word(METRICS, ".*", "Regexp of ethtool stats to include."),
];

struct Drivers {
    filter: Filter,
    metrics: Option<Regex>,
}

pub(super) fn make(flags: &Flags, _: &Places) -> Result<Box<dyn Collector>, FlagError> {
    let metrics = filter::compile(METRICS, flags.text(METRICS))?;
    Ok(Box::new(Drivers { filter: Filter::new(flags, INCLUDE, EXCLUDE)?, metrics }))
}

impl Collector for Drivers {
    fn update(&self, _: &Places, out: &mut Metrics) -> Outcome {
        let call = |name: &'static str| move |error: Errno| CollectError::Call { call: name, source: error.into() };
        let ethtool = Ethtool::open().map_err(call("socket"))?;
        for link in links::links().map_err(call("rtnetlink"))? {
            let device = &*link.name;
            if self.filter.ignores(device) {
                continue;
            }
            if let Some(settings) = answer(device, ethtool.link(device)) {
                serve_link(device, &settings, out);
            }
            let Some(driver) = answer(device, ethtool.driver(device)) else { continue };
            serve_driver(device, &driver, out);
            if let Some(counters) = answer(device, ethtool.counters(device, &driver)) {
                self.serve_counters(device, &counters, out);
            }
        }
        Ok(())
    }
}

/// An answer; none where the driver knows none or the interface is gone by now.
fn answer<T>(device: &str, result: Result<T, Errno>) -> Option<T> {
    result.inspect_err(|error| tracing::debug!(device, %error, "the driver does not answer")).ok()
}

fn serve_driver(device: &str, driver: &Driver, out: &mut Metrics) {
    let labels = [
        ("bus_info", &*driver.bus),
        ("device", device),
        ("driver", &*driver.name),
        ("expansion_rom_version", &*driver.expansion_rom),
        ("firmware_version", &*driver.firmware),
        ("version", &*driver.version),
    ];
    let help = "A metric with a constant '1' value labeled by bus_info, device, driver, expansion_rom_version, firmware_version, version.";
    out.gauge("node_ethtool_info", help, &labels, 1.0);
}

impl Drivers {
    fn serve_counters(&self, device: &str, counters: &[(Box<str>, u64)], out: &mut Metrics) {
        // Two names of the driver may come to the same one; then nobody can tell what it means, and neither is served.
        let mut by_name: BTreeMap<String, Option<(String, u64)>> = BTreeMap::new();
        for (name, value) in counters.iter().filter(|(name, _)| !name.is_empty()) {
            let name = sanitized(name);
            if self.metrics.as_ref().is_some_and(|wanted| !wanted.is_match(&name)) {
                continue;
            }
            let counter = Some((name.clone(), *value));
            by_name.entry(family(&name)).and_modify(|known| *known = None).or_insert(counter);
        }
        for (family, counter) in by_name {
            let Some((name, value)) = counter else { continue };
            let (family, help) = match known(&name) {
                Some((family, help)) => (format!("node_ethtool_{family}"), help.to_owned()),
                None => (family, format!("Network interface {name}")),
            };
            out.untyped(family, help, &[("device", device)], float(value));
        }
    }
}

/// Counters that have names of their own.
fn known(name: &str) -> Option<(&'static str, &'static str)> {
    Some(match name {
        "rx_bytes" => ("received_bytes_total", "Network interface bytes received"),
        "rx_dropped" => ("received_dropped_total", "Number of received frames dropped"),
        "rx_errors" => ("received_errors_total", "Number of received frames with errors"),
        "rx_packets" => ("received_packets_total", "Network interface packets received"),
        "tx_bytes" => ("transmitted_bytes_total", "Network interface bytes sent"),
        "tx_errors" => ("transmitted_errors_total", "Number of sent frames with errors"),
        "tx_packets" => ("transmitted_packets_total", "Network interface packets sent"),
        _ => return None,
    })
}

/// What no name of a metric may hold becomes an underscore, together with underscores around it.
fn sanitized(name: &str) -> String {
    let is_plain = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
    let mut out = String::new();
    let mut rest = name;
    while let Some(at) = rest.find(|letter| !is_plain(letter)) {
        let (before, after) = rest.split_at(at);
        out.push_str(before.trim_end_matches('_'));
        out.push('_');
        let end = after.find(is_plain).unwrap_or(after.len());
        rest = after.get(end..).unwrap_or_default().trim_start_matches('_');
    }
    out + rest
}

/// The family of a counter: words `rx` and `tx` are spelled out.
fn family(name: &str) -> String {
    let lower = name.to_lowercase();
    let words = lower.trim_start_matches('_').split('_');
    let mut out = String::from("node_ethtool");
    // As upstream has it, of two such words in a row the second stays: the underscore between them belongs to the first.
    let mut was = "";
    for word in words {
        let spelled = match word {
            "rx" if was != "rx" => "received",
            "tx" if was != "tx" => "transmitted",
            other => other,
        };
        out.push('_');
        out.push_str(spelled);
        was = if spelled == word { "" } else { word };
    }
    out
}

/// Bits of `enum ethtool_link_mode_bit_indices` (include/uapi/linux/ethtool.h).
const AUTONEGOTIATION: u8 = 6;
const PAUSE: u8 = 13;
const ASYMMETRIC_PAUSE: u8 = 14;

/// What a cable is plugged into.
const PORTS: [(u8, &str); 6] = [(7, "TP"), (8, "AUI"), (9, "MII"), (10, "FIBRE"), (11, "BNC"), (16, "Backplane")];

/// Speeds: bit, Mbit/s, the rest of the name.
const SPEEDS: &[(u8, u32, &str)] = &[
    (0, 10, "T"),
    (1, 10, "T"),
    (2, 100, "T"),
    (3, 100, "T"),
    (4, 1000, "T"),
    (5, 1000, "T"),
    (12, 10_000, "T"),
    (17, 1000, "KX"),
    (18, 10_000, "KX4"),
    (19, 10_000, "KR"),
    (20, 10_000, "R_FEC"),
    (21, 20_000, "MLD2"),
    (22, 20_000, "KR2"),
    (23, 40_000, "KR4"),
    (24, 40_000, "CR4"),
    (25, 40_000, "SR4"),
    (26, 40_000, "LR4"),
    (27, 56_000, "KR4"),
    (28, 56_000, "CR4"),
    (29, 56_000, "SR4"),
    (30, 56_000, "LR4"),
    (31, 25_000, "CR"),
    (32, 25_000, "KR"),
    (33, 25_000, "SR"),
    (34, 50_000, "CR2"),
    (35, 50_000, "KR2"),
    (36, 100_000, "KR4"),
    (37, 100_000, "SR4"),
    (38, 100_000, "CR4"),
    (39, 100_000, "R4_ER4"),
    (40, 50_000, "SR2"),
    (41, 1000, "X"),
    (42, 10_000, "CR"),
    (43, 10_000, "SR"),
    (44, 10_000, "LR"),
    (45, 10_000, "LRM"),
    (46, 10_000, "ER"),
    (47, 2500, "T"),
    (48, 5000, "T"),
    (52, 50_000, "KR"),
    (53, 50_000, "SR"),
    (54, 50_000, "CR"),
    (55, 50_000, "LR_ER_FR"),
    (56, 50_000, "DR"),
    (57, 100_000, "KR2"),
    (58, 100_000, "SR2"),
    (59, 100_000, "CR2"),
    (60, 100_000, "LR2_ER2_FR2"),
    (61, 100_000, "DR2"),
    (62, 200_000, "KR4"),
    (63, 200_000, "SR4"),
    (64, 200_000, "LR4_ER4_FR4"),
    (65, 200_000, "DR4"),
    (66, 200_000, "CR4"),
    (67, 100, "T1"),
    (68, 1000, "T1"),
    (69, 400_000, "KR8"),
    (70, 400_000, "SR8"),
    (71, 400_000, "LR8_ER8_FR8"),
    (72, 400_000, "DR8"),
    (73, 400_000, "CR8"),
    (75, 100_000, "KR"),
    (76, 100_000, "SR"),
    (77, 100_000, "LR_ER_FR"),
    (78, 100_000, "CR"),
    (79, 100_000, "DR"),
    (80, 200_000, "KR2"),
    (81, 200_000, "SR2"),
    (82, 200_000, "LR2_ER2_FR2"),
    (83, 200_000, "DR2"),
    (84, 200_000, "CR2"),
    (85, 400_000, "KR4"),
    (86, 400_000, "SR4"),
    (87, 400_000, "LR4_ER4_FR4"),
    (88, 400_000, "DR4"),
    (89, 400_000, "CR4"),
    (90, 100, "FX"),
    (91, 100, "FX"),
];

/// Those that speak and listen by turns.
const HALF_DUPLEX: [u8; 4] = [0, 2, 4, 90];

/// Names and help texts of what can be done and of what is offered.
struct Side {
    speed: (&'static str, &'static str),
    abilities: [(u8, &'static str, &'static str); 3],
}

const SUPPORTED: Side = Side {
    speed: ("node_network_supported_speed_bytes", "Combination of speeds and features supported by network device"),
    abilities: [
        (AUTONEGOTIATION, "node_network_autonegotiate_supported", "If this port device supports autonegotiate"),
        (PAUSE, "node_network_pause_supported", "If this port device supports pause frames"),
        (
            ASYMMETRIC_PAUSE,
            "node_network_asymmetricpause_supported",
            "If this port device supports asymmetric pause frames",
        ),
    ],
};

const ADVERTISED: Side = Side {
    speed: ("node_network_advertised_speed_bytes", "Combination of speeds and features offered by network device"),
    abilities: [
        (AUTONEGOTIATION, "node_network_autonegotiate_advertised", "If this port device offers autonegotiate"),
        (PAUSE, "node_network_pause_advertised", "If this port device offers pause capability"),
        (
            ASYMMETRIC_PAUSE,
            "node_network_asymmetricpause_advertised",
            "If this port device offers asymmetric pause capability",
        ),
    ],
};

fn serve_link(device: &str, link: &LinkSettings, out: &mut Metrics) {
    serve_side(device, &SUPPORTED, &link.supported, out);
    serve_side(device, &ADVERTISED, &link.advertised, out);
    for (_, kind) in PORTS.iter().filter(|(bit, _)| link.supported.has(*bit)) {
        let help = "Type of ports or PHYs supported by network device";
        out.gauge("node_network_supported_port_info", help, &[("device", device), ("type", kind)], 1.0);
    }
    let help = "If this port is using autonegotiate";
    out.gauge("node_network_autonegotiate", help, &[("device", device)], flag(link.autonegotiates));
}

fn serve_side(device: &str, side: &Side, modes: &Modes, out: &mut Metrics) {
    /// Bytes a second of one Mbit/s: as the speeds of `netclass`.
    const MEGABIT: f64 = 125_000.0;
    for (bit, megabits, rest) in SPEEDS.iter().filter(|(bit, ..)| modes.has(*bit)) {
        let duplex = if HALF_DUPLEX.contains(bit) { "half" } else { "full" };
        let mode = format!("{megabits}base{rest}");
        let labels = [("device", device), ("duplex", duplex), ("mode", &*mode)];
        out.gauge(side.speed.0, side.speed.1, &labels, f64::from(*megabits) * MEGABIT);
    }
    for (bit, name, help) in side.abilities {
        out.gauge(name, help, &[("device", device)], flag(modes.has(bit)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_drivers_become_families_as_upstream_makes_them() {
        for (name, expected) in [
            ("port.rx_errors", "node_ethtool_port_received_errors"),
            ("rx_errors", "node_ethtool_received_errors"),
            ("Queue[0] AllocFails", "node_ethtool_queue_0_allocfails"),
            ("Tx LPI entry count", "node_ethtool_transmitted_lpi_entry_count"),
            ("port.VF_admin_queue_requests", "node_ethtool_port_vf_admin_queue_requests"),
            ("[3]: tx_bytes", "node_ethtool_3_transmitted_bytes"),
            ("     err", "node_ethtool_err"),
            ("tx_tx_timeouts", "node_ethtool_transmitted_tx_timeouts"),
            ("tx0_tx_timeouts", "node_ethtool_tx0_transmitted_timeouts"),
            ("rx_xdp_tx", "node_ethtool_received_xdp_transmitted"),
        ] {
            assert_eq!(family(&sanitized(name)), expected, "{name}");
        }
    }

    fn text(out: Metrics) -> String {
        let mut text = String::new();
        crate::format::write_text(&out.sorted(&mut 0), &mut text);
        text
    }

    #[test]
    fn counters_of_a_driver_are_served_and_those_of_one_name_are_not() {
        let counters = [
            ("tx_packets", 961_500),
            ("port.rx_dropped", 12_028),
            ("align_errors", 0),
            ("duplicate metric", 1),
            ("duplicate_metric", 2),
            ("rx_missed", 401),
        ];
        let counters: Vec<(Box<str>, u64)> = counters.into_iter().map(|(name, value)| (name.into(), value)).collect();
        let drivers = Drivers { filter: Filter::default(), metrics: Regex::new("^(?:[^r].*)$").ok() };
        let mut out = Metrics::default();
        drivers.serve_counters("eth0", &counters, &mut out);
        let expected = "\
# HELP node_ethtool_align_errors Network interface align_errors
# TYPE node_ethtool_align_errors untyped
node_ethtool_align_errors{device=\"eth0\"} 0
# HELP node_ethtool_port_received_dropped Network interface port_rx_dropped
# TYPE node_ethtool_port_received_dropped untyped
node_ethtool_port_received_dropped{device=\"eth0\"} 12028
# HELP node_ethtool_transmitted_packets_total Network interface packets sent
# TYPE node_ethtool_transmitted_packets_total untyped
node_ethtool_transmitted_packets_total{device=\"eth0\"} 961500
";
        assert_eq!(text(out), expected);
    }

    #[test]
    fn what_a_link_can_do_is_told_by_mode() {
        // Twisted pair and MII, 10 to 1000 Mbit/s, pauses; beyond the first word 2500baseT.
        let supported = Modes::new(vec![0b10_0010_1110_1111, 1 << 15]);
        let advertised = Modes::new(vec![1 << 6]);
        let mut out = Metrics::default();
        serve_link("eth0", &LinkSettings { supported, advertised, autonegotiates: true }, &mut out);
        let text = text(out);
        for line in [
            "node_network_autonegotiate{device=\"eth0\"} 1\n",
            "node_network_autonegotiate_advertised{device=\"eth0\"} 1\n",
            "node_network_pause_advertised{device=\"eth0\"} 0\n",
            "node_network_pause_supported{device=\"eth0\"} 1\n",
            "node_network_asymmetricpause_supported{device=\"eth0\"} 0\n",
            "node_network_supported_port_info{device=\"eth0\",type=\"MII\"} 1\n",
            "node_network_supported_port_info{device=\"eth0\",type=\"TP\"} 1\n",
            "node_network_supported_speed_bytes{device=\"eth0\",duplex=\"half\",mode=\"10baseT\"} 1.25e+06\n",
            "node_network_supported_speed_bytes{device=\"eth0\",duplex=\"full\",mode=\"1000baseT\"} 1.25e+08\n",
            "node_network_supported_speed_bytes{device=\"eth0\",duplex=\"full\",mode=\"2500baseT\"} 3.125e+08\n",
        ] {
            assert!(text.contains(line), "{line} is missing in {text}");
        }
        assert_eq!(text.matches("node_network_supported_speed_bytes{").count(), 6);
        assert!(!text.contains("advertised_speed_bytes"));
    }
}
