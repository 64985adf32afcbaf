//! `network_route`: routes by interface, by rtnetlink.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use procyon_linux::net::links;
use procyon_linux::net::routes::{self, Hop, Route};

use super::{CollectError, Collector, Outcome, Places, float};
use crate::metric::Metrics;

#[derive(Default)]
pub(super) struct NetworkRoute;

impl Collector for NetworkRoute {
    fn update(&self, _: &Places, out: &mut Metrics) -> Outcome {
        let call = |error: rustix::io::Errno| CollectError::Call { call: "rtnetlink", source: error.into() };
        let links = links::links().map_err(call)?;
        let names = links.into_iter().map(|link| (link.index, link.name)).collect();
        serve(&routes::list().map_err(call)?, &names, out);
        Ok(())
    }
}

fn serve(routes: &[Route], names: &BTreeMap<u32, Box<str>>, out: &mut Metrics) {
    let mut counts: BTreeMap<&str, u64> = BTreeMap::new();
    // The same route may stand in several tables; the labels do not tell them apart.
    let mut told = BTreeSet::new();
    for route in routes.iter().filter(|route| route.is_unicast) {
        for hop in &route.hops {
            let device = names.get(&hop.interface).map_or("", |name| &**name);
            *counts.entry(device).or_default() += 1;
            let values = values(route, hop);
            if told.insert((device, values.clone())) {
                let [source, destination, gateway, priority, weight] = &values;
                let labels = [
                    ("device", device),
                    ("src", source),
                    ("dest", destination),
                    ("gw", gateway),
                    ("priority", priority),
                    ("proto", protocol(route.protocol)),
                    ("weight", weight),
                ];
                out.gauge("node_network_route_info", "network routing table information", &labels, 1.0);
            }
        }
    }
    for (device, count) in counts {
        out.gauge("node_network_routes", "network routes by interface", &[("device", device)], float(count));
    }
}

/// Source, destination, gateway, priority, weight.
fn values(route: &Route, hop: &Hop) -> [String; 5] {
    let text = |address: Option<IpAddr>| address.map(|address| address.to_string()).unwrap_or_default();
    let destination = match (route.length, route.destination) {
        (0, _) | (_, None) => "default".to_owned(),
        (length, Some(address)) => format!("{address}/{length}"),
    };
    let weight = if route.is_multipath { hop.weight.to_string() } else { String::new() };
    [text(route.source), destination, text(hop.gateway), route.priority.to_string(), weight]
}

/// Who made a route (`RTPROT_…` of include/uapi/linux/rtnetlink.h).
fn protocol(number: u8) -> &'static str {
    match number {
        0 => "unspec",
        1 => "redirect",
        2 => "kernel",
        3 => "boot",
        4 => "static",
        8 => "gated",
        9 => "ra",
        10 => "mrt",
        11 => "zebra",
        12 => "bird",
        // Spelled so upstream.
        13 => "dnrouted",
        14 => "xorp",
        15 => "ntk",
        16 => "dhcp",
        17 => "mrouted",
        42 => "babel",
        186 => "bgp",
        187 => "isis",
        188 => "ospf",
        189 => "rip",
        192 => "eigrp",
        _ => "unknown",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_route_that_two_tables_hold_is_told_once_and_counted_twice() {
        let hop = Hop { interface: 2, gateway: Some([192, 0, 2, 1].into()), weight: 1 };
        let route = Route { is_unicast: true, protocol: 16, hops: vec![hop], ..Route::default() };
        let local = Route { is_unicast: false, ..route.clone() };
        let mut out = Metrics::default();
        serve(&[route.clone(), route, local], &BTreeMap::from([(2, "eth0".into())]), &mut out);
        let [info, counts] = out.families() else { panic!("{:?}", out.families()) };
        assert_eq!((info.samples.len(), counts.samples[0].value), (1, 2.0));
        let labels: Vec<&str> = info.samples[0].labels.iter().map(|label| &*label.1).collect();
        assert_eq!(labels, ["default", "eth0", "192.0.2.1", "0", "dhcp", "", ""]);
    }
}
