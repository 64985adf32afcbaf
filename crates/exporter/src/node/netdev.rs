//! `netdev`: what each network interface carried.

use std::sync::{Mutex, PoisonError};

use procyon_linux::net::links::{self, Link, LinkStats, Rtnetlink};

use super::{CollectError, Collector, FlagError, Flags, Outcome, Places, float};
use crate::filter::Filter;
use crate::flags::Flag;
use crate::metric::Metrics;

const INCLUDE: &str = "collector.netdev.device-include";
const EXCLUDE: &str = "collector.netdev.device-exclude";
const OLD_INCLUDE: &str = "collector.netdev.device-whitelist";
const OLD_EXCLUDE: &str = "collector.netdev.device-blacklist";

pub(super) const FLAGS: &[Flag] = &[
    Flag::word(INCLUDE, "", "Regexp of net devices to include (mutually exclusive to device-exclude)."),
    Flag::word(EXCLUDE, "", "Regexp of net devices to exclude (mutually exclusive to device-include)."),
    Flag::word(OLD_INCLUDE, "", "DEPRECATED: Use collector.netdev.device-include").hidden(),
    Flag::word(OLD_EXCLUDE, "", "DEPRECATED: Use collector.netdev.device-exclude").hidden(),
    Flag::off("collector.netdev.address-info", "Collect address-info for every device"),
    Flag::off(
        "collector.netdev.enable-detailed-metrics",
        "Use (incompatible) metric names that provide more detailed stats on Linux",
    ),
    Flag::on("collector.netdev.netlink", "Use netlink to gather stats instead of /proc/net/dev."),
    Flag::off("collector.netdev.label-ifalias", "Add ifAlias label"),
];

#[expect(clippy::struct_excessive_bools, reason = "four switches of upstream that have nothing to do with each other")]
struct Netdev {
    filter: Filter,
    netlink: bool,
    detailed: bool,
    addresses: bool,
    alias: bool,
    rtnetlink: Mutex<Rtnetlink>,
}

pub(super) fn make(flags: &Flags, _: &Places) -> Result<Box<dyn Collector>, FlagError> {
    let filter = Filter::new(flags, INCLUDE, EXCLUDE)?;
    let filter = filter.or_old_include(flags, OLD_INCLUDE, INCLUDE)?.or_old(flags, OLD_EXCLUDE, EXCLUDE)?;
    Ok(Box::new(Netdev {
        filter,
        netlink: flags.is_on("collector.netdev.netlink"),
        detailed: flags.is_on("collector.netdev.enable-detailed-metrics"),
        addresses: flags.is_on("collector.netdev.address-info"),
        alias: flags.is_on("collector.netdev.label-ifalias"),
        rtnetlink: Mutex::default(),
    }))
}

fn call(error: rustix::io::Errno) -> CollectError {
    CollectError::Call { call: "rtnetlink", source: error.into() }
}

impl Collector for Netdev {
    fn update(&self, at: &Places, out: &mut Metrics) -> Outcome {
        let wants_links = self.netlink || self.addresses || self.alias;
        let links = if wants_links {
            self.rtnetlink.lock().unwrap_or_else(PoisonError::into_inner).links().map_err(call)?
        } else {
            Vec::new()
        };
        if self.netlink {
            for link in links.iter().filter(|link| !self.filter.ignores(&link.name)) {
                if let Some(stats) = &link.stats {
                    let values = if self.detailed { detailed(stats) } else { legacy(stats) };
                    self.add(&link.name, &link.alias, &values, out);
                }
            }
        } else {
            for (name, values) in from_proc(&at.proc_text("net/dev")?, self.detailed) {
                if !self.filter.ignores(&name) {
                    let alias = links.iter().find(|link| *link.name == *name).map_or("", |link| &*link.alias);
                    self.add(&name, alias, &values, out);
                }
            }
        }
        if self.addresses { addresses(&links, out) } else { Ok(()) }
    }
}

impl Netdev {
    fn add(&self, device: &str, alias: &str, values: &[(&'static str, u64)], out: &mut Metrics) {
        for (key, value) in values {
            let help = format!("Network device statistic {key}.");
            let labels = [("device", device), ("ifalias", alias)];
            let labels = labels.get(..if self.alias { 2 } else { 1 }).unwrap_or_default();
            out.counter(format!("node_network_{key}_total"), help, labels, float(*value));
        }
    }
}

/// The names that `/proc/net/dev` had, with the sums that the kernel makes for it (`dev_seq_printf_stats`,
/// net/core/net-procfs.c).
fn legacy(stats: &LinkStats) -> Vec<(&'static str, u64)> {
    let sum = |numbers: &[u64]| numbers.iter().fold(0, |sum: u64, number| sum.saturating_add(*number));
    vec![
        ("receive_bytes", stats.rx_bytes),
        ("receive_packets", stats.rx_packets),
        ("receive_errs", stats.rx_errors),
        ("receive_drop", sum(&[stats.rx_dropped, stats.rx_missed_errors])),
        ("receive_fifo", stats.rx_fifo_errors),
        (
            "receive_frame",
            sum(&[stats.rx_frame_errors, stats.rx_length_errors, stats.rx_over_errors, stats.rx_crc_errors]),
        ),
        ("receive_compressed", stats.rx_compressed),
        ("receive_multicast", stats.multicast),
        ("receive_nohandler", stats.rx_nohandler),
        ("transmit_bytes", stats.tx_bytes),
        ("transmit_packets", stats.tx_packets),
        ("transmit_errs", stats.tx_errors),
        ("transmit_drop", stats.tx_dropped),
        ("transmit_fifo", stats.tx_fifo_errors),
        ("transmit_colls", stats.collisions),
        (
            "transmit_carrier",
            sum(&[stats.tx_carrier_errors, stats.tx_aborted_errors, stats.tx_heartbeat_errors, stats.tx_window_errors]),
        ),
        ("transmit_compressed", stats.tx_compressed),
    ]
}

fn detailed(stats: &LinkStats) -> Vec<(&'static str, u64)> {
    vec![
        ("receive_packets", stats.rx_packets),
        ("transmit_packets", stats.tx_packets),
        ("receive_bytes", stats.rx_bytes),
        ("transmit_bytes", stats.tx_bytes),
        ("receive_errors", stats.rx_errors),
        ("transmit_errors", stats.tx_errors),
        ("receive_dropped", stats.rx_dropped),
        ("transmit_dropped", stats.tx_dropped),
        ("multicast", stats.multicast),
        ("collisions", stats.collisions),
        ("receive_length_errors", stats.rx_length_errors),
        ("receive_over_errors", stats.rx_over_errors),
        ("receive_crc_errors", stats.rx_crc_errors),
        ("receive_frame_errors", stats.rx_frame_errors),
        ("receive_fifo_errors", stats.rx_fifo_errors),
        ("receive_missed_errors", stats.rx_missed_errors),
        ("transmit_aborted_errors", stats.tx_aborted_errors),
        ("transmit_carrier_errors", stats.tx_carrier_errors),
        ("transmit_fifo_errors", stats.tx_fifo_errors),
        ("transmit_heartbeat_errors", stats.tx_heartbeat_errors),
        ("transmit_window_errors", stats.tx_window_errors),
        ("receive_compressed", stats.rx_compressed),
        ("transmit_compressed", stats.tx_compressed),
        ("receive_nohandler", stats.rx_nohandler),
    ]
}

/// Columns of `/proc/net/dev`: as they are served, and as they are called with `enable-detailed-metrics`.
const COLUMNS: [(&str, &str); 16] = [
    ("receive_bytes", "receive_bytes"),
    ("receive_packets", "receive_packets"),
    ("receive_errs", "receive_errors"),
    ("receive_drop", "receive_dropped"),
    ("receive_fifo", "receive_fifo"),
    ("receive_frame", "receive_frame"),
    ("receive_compressed", "receive_compressed"),
    ("receive_multicast", "receive_multicast"),
    ("transmit_bytes", "transmit_bytes"),
    ("transmit_packets", "transmit_packets"),
    ("transmit_errs", "transmit_errors"),
    ("transmit_drop", "transmit_dropped"),
    ("transmit_fifo", "transmit_fifo"),
    ("transmit_colls", "transmit_colls"),
    ("transmit_carrier", "transmit_carrier"),
    ("transmit_compressed", "transmit_compressed"),
];

type Values = Vec<(&'static str, u64)>;

fn from_proc(text: &str, detailed: bool) -> Vec<(String, Values)> {
    let parse = |line: &str| {
        // The last colon ends the name: aliases are called `eth0:1`.
        let (name, numbers) = line.rsplit_once(':')?;
        let numbers: Vec<u64> = numbers.split_whitespace().map_while(|word| word.parse().ok()).collect();
        let names = COLUMNS.iter().map(|(short, long)| if detailed { *long } else { *short });
        (numbers.len() >= COLUMNS.len()).then(|| (name.trim().to_owned(), names.zip(numbers).collect()))
    };
    text.lines().skip(2).filter_map(parse).collect()
}

fn addresses(links: &[Link], out: &mut Metrics) -> Outcome {
    for found in links::addresses().map_err(call)? {
        let Some(link) = links.iter().find(|link| link.index == found.index) else { continue };
        let labels = [
            ("device", &*link.name),
            ("address", &*found.address.to_string()),
            ("netmask", &*found.prefix.to_string()),
            ("scope", scope(found.address)),
        ];
        out.gauge("node_network_address_info", "node network address by device", &labels, 1.0);
    }
    Ok(())
}

fn scope(address: std::net::IpAddr) -> &'static str {
    let link_local = match address {
        std::net::IpAddr::V4(address) => address.is_link_local(),
        std::net::IpAddr::V6(address) => address.is_unicast_link_local(),
    };
    if address.is_loopback() || link_local {
        "link-local"
    } else if address.is_unspecified() || address.is_multicast() {
        ""
    } else {
        "global"
    }
}
