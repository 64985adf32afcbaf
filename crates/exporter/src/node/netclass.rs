//! `netclass`: what interfaces are (`/sys/class/net`).

use procyon_linux::attributes::Attributes;
use regex::Regex;

use super::{Collector, FlagError, Flags, Outcome, Places, flag};
use crate::filter::compile;
use crate::flags::Flag;
use crate::metric::{Kind, Metrics};

const IGNORED: &str = "collector.netclass.ignored-devices";
const VALID_SPEED: &str = "collector.netclass.ignore-invalid-speed";

pub(super) const FLAGS: &[Flag] = &[
    Flag::word(IGNORED, "^$", "Regexp of net devices to ignore for netclass collector."),
    Flag::off(VALID_SPEED, "Ignore devices where the speed is invalid. This will be the default behavior in 2.x."),
    Flag::off(
        "collector.netclass.netlink",
        "Taken for node_exporter's sake: the figures are the same, and are read from sysfs.",
    ),
    Flag::on("collector.netclass_rtnl.with-stats", "Taken for node_exporter's sake.").hidden(),
];

struct Netclass {
    ignored: Option<Regex>,
    valid_speed: bool,
}

pub(super) fn make(flags: &Flags, _: &Places) -> Result<Box<dyn Collector>, FlagError> {
    Ok(Box::new(Netclass { ignored: compile(IGNORED, flags.text(IGNORED))?, valid_speed: flags.is_on(VALID_SPEED) }))
}

/// Attributes and what they are called.
const ROWS: [(&str, Kind, &str); 16] = [
    ("addr_assign_type", Kind::Gauge, "address_assign_type"),
    ("carrier", Kind::Gauge, "carrier"),
    ("carrier_changes", Kind::Counter, "carrier_changes_total"),
    ("carrier_up_count", Kind::Counter, "carrier_up_changes_total"),
    ("carrier_down_count", Kind::Counter, "carrier_down_changes_total"),
    ("dev_id", Kind::Gauge, "device_id"),
    ("dormant", Kind::Gauge, "dormant"),
    ("flags", Kind::Gauge, "flags"),
    ("ifindex", Kind::Gauge, "iface_id"),
    ("iflink", Kind::Gauge, "iface_link"),
    ("link_mode", Kind::Gauge, "iface_link_mode"),
    ("mtu", Kind::Gauge, "mtu_bytes"),
    ("name_assign_type", Kind::Gauge, "name_assign_type"),
    ("netdev_group", Kind::Gauge, "net_dev_group"),
    ("tx_queue_len", Kind::Gauge, "transmit_queue_length"),
    ("type", Kind::Gauge, "protocol_type"),
];

impl Collector for Netclass {
    fn update(&self, at: &Places, out: &mut Metrics) -> Outcome {
        for (device, folder) in at.devices("class/net")? {
            // Beside the interfaces stands `bonding_masters`; an interface may vanish at any time.
            if folder.is_present() && !self.ignored.as_ref().is_some_and(|ignored| ignored.is_match(&device)) {
                self.interface(&device, &folder, out);
            }
        }
        Ok(())
    }
}

/// The interface is switched on (`IFF_UP`).
const UP: i64 = 1;

impl Netclass {
    fn interface(&self, device: &str, folder: &Attributes, out: &mut Metrics) {
        let label = ("device", device);
        let text = |file: &str| folder.text(file).unwrap_or_default();
        let state = text("operstate");
        let help = "Value is 1 if operstate is 'up', 0 otherwise.";
        out.gauge("node_network_up", help, &[label], flag(state == "up"));
        let admin = match whole(folder, "flags") {
            Some(flags) if flags & UP != 0 => "up",
            Some(_) => "down",
            None => "unknown",
        };
        let (address, broadcast, duplex, alias) = (text("address"), text("broadcast"), text("duplex"), text("ifalias"));
        let labels = [
            label,
            ("address", &*address),
            ("broadcast", &*broadcast),
            ("duplex", &*duplex),
            ("operstate", &*state),
            ("adminstate", admin),
            ("ifalias", &*alias),
        ];
        let help = "Non-numeric data from /sys/class/net/<iface>, value is always 1.";
        out.gauge("node_network_info", help, &labels, 1.0);
        for (file, kind, name) in ROWS {
            if let Some(value) = whole(folder, file) {
                add(kind, name, value, label, out);
            }
        }
        // Megabits a second; -1 where it is not known.
        if let Some(speed) = whole(folder, "speed").filter(|speed| *speed >= 0 || !self.valid_speed) {
            add(Kind::Gauge, "speed_bytes", speed.saturating_mul(1_000_000) / 8, label, out);
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "samples are 64-bit floats")]
fn add(kind: Kind, name: &str, value: i64, label: (&'static str, &str), out: &mut Metrics) {
    let help = format!("Network device property: {name}");
    out.add(kind, format!("node_network_{name}").into(), help.into(), &[label], value as f64);
}

/// Decimal, or hexadecimal with `0x`.
fn whole(folder: &Attributes, file: &str) -> Option<i64> {
    let text = folder.text(file)?;
    match text.strip_prefix("0x") {
        Some(digits) => i64::from_str_radix(digits, 16).ok(),
        None => text.parse().ok(),
    }
}
