//! `infiniband`: ports of InfiniBand adapters (`/sys/class/infiniband`).

use procyon_linux::attributes::Attributes;

use super::{Collector, FlagError, Flags, Outcome, Places, float};
use crate::filter::Filter;
use crate::flags::Flag;
use crate::metric::Metrics;

const INCLUDE: &str = "collector.infiniband.device-include";
const EXCLUDE: &str = "collector.infiniband.device-exclude";

pub(super) const FLAGS: &[Flag] = &[
    Flag::word(INCLUDE, "", "Regexp of infiniband devices to include (mutually exclusive to device-exclude)."),
    Flag::word(EXCLUDE, "", "Regexp of infiniband devices to exclude (mutually exclusive to device-include)."),
];

struct Infiniband {
    filter: Filter,
}

pub(super) fn make(flags: &Flags, _: &Places) -> Result<Box<dyn Collector>, FlagError> {
    Ok(Box::new(Infiniband { filter: Filter::new(flags, INCLUDE, EXCLUDE)? }))
}

type Row = (&'static str, &'static str, &'static str, f64);

/// Counters of a port, and what they are multiplied by: data is counted in words of four bytes.
const ROWS: [Row; 24] = [
    (
        "counters/link_downed",
        "node_infiniband_link_downed_total",
        "Number of times the link failed to recover from an error state and went down",
        1.0,
    ),
    (
        "counters/link_error_recovery",
        "node_infiniband_link_error_recovery_total",
        "Number of times the link successfully recovered from an error state",
        1.0,
    ),
    (
        "counters/multicast_rcv_packets",
        "node_infiniband_multicast_packets_received_total",
        "Number of multicast packets received (including errors)",
        1.0,
    ),
    (
        "counters/multicast_xmit_packets",
        "node_infiniband_multicast_packets_transmitted_total",
        "Number of multicast packets transmitted (including errors)",
        1.0,
    ),
    (
        "counters/port_rcv_constraint_errors",
        "node_infiniband_port_constraint_errors_received_total",
        "Number of packets received on the switch physical port that are discarded",
        1.0,
    ),
    (
        "counters/port_xmit_constraint_errors",
        "node_infiniband_port_constraint_errors_transmitted_total",
        "Number of packets not transmitted from the switch physical port",
        1.0,
    ),
    (
        "counters/port_rcv_data",
        "node_infiniband_port_data_received_bytes_total",
        "Number of data octets received on all links",
        4.0,
    ),
    (
        "counters/port_xmit_data",
        "node_infiniband_port_data_transmitted_bytes_total",
        "Number of data octets transmitted on all links",
        4.0,
    ),
    (
        "counters/port_rcv_discards",
        "node_infiniband_port_discards_received_total",
        "Number of inbound packets discarded by the port because the port is down or congested",
        1.0,
    ),
    (
        "counters/port_xmit_discards",
        "node_infiniband_port_discards_transmitted_total",
        "Number of outbound packets discarded by the port because the port is down or congested",
        1.0,
    ),
    (
        "counters/port_rcv_errors",
        "node_infiniband_port_errors_received_total",
        "Number of packets containing an error that were received on this port",
        1.0,
    ),
    (
        "counters/port_rcv_packets",
        "node_infiniband_port_packets_received_total",
        "Number of packets received on all VLs by this port (including errors)",
        1.0,
    ),
    (
        "counters/port_xmit_packets",
        "node_infiniband_port_packets_transmitted_total",
        "Number of packets transmitted on all VLs from this port (including errors)",
        1.0,
    ),
    (
        "counters/port_xmit_wait",
        "node_infiniband_port_transmit_wait_total",
        "Number of ticks during which the port had data to transmit but no data was sent during the entire tick",
        1.0,
    ),
    (
        "counters/unicast_rcv_packets",
        "node_infiniband_unicast_packets_received_total",
        "Number of unicast packets received (including errors)",
        1.0,
    ),
    (
        "counters/unicast_xmit_packets",
        "node_infiniband_unicast_packets_transmitted_total",
        "Number of unicast packets transmitted (including errors)",
        1.0,
    ),
    (
        "counters_ext/port_multicast_rcv_packets",
        "node_infiniband_legacy_multicast_packets_received_total",
        "Number of multicast packets received",
        1.0,
    ),
    (
        "counters_ext/port_multicast_xmit_packets",
        "node_infiniband_legacy_multicast_packets_transmitted_total",
        "Number of multicast packets transmitted",
        1.0,
    ),
    (
        "counters_ext/port_rcv_data_64",
        "node_infiniband_legacy_data_received_bytes_total",
        "Number of data octets received on all links",
        4.0,
    ),
    (
        "counters_ext/port_rcv_packets_64",
        "node_infiniband_legacy_packets_received_total",
        "Number of data packets received on all links",
        1.0,
    ),
    (
        "counters_ext/port_unicast_rcv_packets",
        "node_infiniband_legacy_unicast_packets_received_total",
        "Number of unicast packets received",
        1.0,
    ),
    (
        "counters_ext/port_unicast_xmit_packets",
        "node_infiniband_legacy_unicast_packets_transmitted_total",
        "Number of unicast packets transmitted",
        1.0,
    ),
    (
        "counters_ext/port_xmit_data_64",
        "node_infiniband_legacy_data_transmitted_bytes_total",
        "Number of data octets transmitted on all links",
        4.0,
    ),
    (
        "counters_ext/port_xmit_packets_64",
        "node_infiniband_legacy_packets_transmitted_total",
        "Number of data packets received on all links",
        1.0,
    ),
];

/// Ethernet ports and those of some drivers have counters that are all dead; upstream leaves them out, too.
const NOT_COUNTED: &str = "N/A (no PMA)";

impl Collector for Infiniband {
    fn update(&self, at: &Places, out: &mut Metrics) -> Outcome {
        for (device, folder) in at.devices("class/infiniband")? {
            if self.filter.ignores(&device) {
                continue;
            }
            let label = ("device", &*device);
            let text = |file: &str| folder.text(file).unwrap_or_default();
            let (board, firmware, hca) = (text("board_id"), text("fw_ver"), text("hca_type"));
            let labels = [label, ("board_id", &*board), ("firmware_version", &*firmware), ("hca_type", &*hca)];
            let help = "Non-numeric data from /sys/class/infiniband/<device>, value is always 1.";
            out.gauge("node_infiniband_info", help, &labels, 1.0);
            let ports = folder.below("ports");
            for port in ports.names() {
                self::port(&[label, ("port", &*port)], &ports.below(&*port), out);
            }
        }
        Ok(())
    }
}

fn port(labels: &[(&'static str, &str)], folder: &Attributes, out: &mut Metrics) {
    // `4: ACTIVE`.
    let id = |file: &str| folder.text(file)?.split(':').next()?.trim().parse::<f64>().ok();
    if let Some(state) = id("state") {
        let help = "State of the InfiniBand port (0: no change, 1: down, 2: init, 3: armed, 4: active, 5: act defer)";
        out.gauge("node_infiniband_state_id", help, labels, state);
    }
    if let Some(state) = id("phys_state") {
        let help = "Physical state of the InfiniBand port (0: no change, 1: sleep, 2: polling, 3: disable, 4: shift, 5: link up, 6: link error recover, 7: phytest)";
        out.gauge("node_infiniband_physical_state_id", help, labels, state);
    }
    // `40 Gb/sec (4X QDR)`.
    let rate = folder.text("rate").and_then(|text| text.split_whitespace().next()?.parse::<f64>().ok());
    if let Some(rate) = rate {
        out.gauge("node_infiniband_rate_bytes_per_second", "Maximum signal transfer rate", labels, rate * 125e6);
    }
    for (file, name, help, scale) in ROWS {
        let Some(text) = folder.text(file).filter(|text| text != NOT_COUNTED) else { continue };
        if let Ok(value) = text.parse() {
            out.counter(name, help, labels, float(value) * scale);
        }
    }
}
