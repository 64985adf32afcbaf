//! Routes as rtnetlink tells them, of all tables of our network namespace.

use std::net::IpAddr;

use rustix::io::Errno;

use super::netlink::{Netlink, attributes, read_u16, read_u32};

/// `RTM_GETROUTE` and `RTM_NEWROUTE` of `include/uapi/linux/rtnetlink.h`.
const GET_ROUTE: u16 = 26;
const NEW_ROUTE: u16 = 24;
/// Length of `struct rtmsg`.
const HEADER: usize = 12;
/// Length of `struct rtnexthop`.
const HOP_HEADER: usize = 8;

const AF_INET: u8 = 2;
const AF_INET6: u8 = 10;
/// `RTN_UNICAST`.
const UNICAST: u8 = 1;

/// Attributes of a route (`enum rtattr_type_t`).
const DESTINATION: u16 = 1;
const INTERFACE: u16 = 4;
const GATEWAY: u16 = 5;
const PRIORITY: u16 = 6;
const PREFERRED_SOURCE: u16 = 7;
const MULTIPATH: u16 = 9;

/// One route.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Route {
    /// Whether it leads to a gateway or to a direct neighbour: not local, not broadcast, not refused.
    pub is_unicast: bool,
    /// Where it leads; none for the default.
    pub destination: Option<IpAddr>,
    /// How many bits of the destination count.
    pub length: u8,
    /// The address that packets are sent from, where it says so.
    pub source: Option<IpAddr>,
    /// The lower, the sooner it is taken.
    pub priority: u32,
    /// Who made it (`rtm_protocol`).
    pub protocol: u8,
    /// The ways: one, or several that share the load.
    pub hops: Vec<Hop>,
    /// Whether several ways were given, even if it is a list of one.
    pub is_multipath: bool,
}

/// A way that a route takes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Hop {
    /// Number of the interface; zero without one.
    pub interface: u32,
    /// The router; none for direct neighbours.
    pub gateway: Option<IpAddr>,
    /// Its share among the ways; 1 where there is only one.
    pub weight: u32,
}

/// An address of either family, by its length.
fn address(content: &[u8]) -> Option<IpAddr> {
    match content.len() {
        4 => content.first_chunk::<4>().map(|bytes| IpAddr::from(*bytes)),
        16 => content.first_chunk::<16>().map(|bytes| IpAddr::from(*bytes)),
        _ => None,
    }
}

/// Parses the payload of an `RTM_NEWROUTE` message; none for families other than IPv4 and IPv6.
#[must_use]
pub fn parse(payload: &[u8]) -> Option<Route> {
    let [family, length, _, _, _, protocol, _, kind, ..] = *payload.first_chunk::<HEADER>()?;
    if !matches!(family, AF_INET | AF_INET6) {
        return None;
    }
    let mut route = Route { is_unicast: kind == UNICAST, length, protocol, ..Route::default() };
    let mut only = Hop { weight: 1, ..Hop::default() };
    for (kind, content) in attributes(payload.get(HEADER..)?) {
        match kind {
            DESTINATION => route.destination = address(content),
            PREFERRED_SOURCE => route.source = address(content),
            PRIORITY => route.priority = read_u32(content, 0).unwrap_or(0),
            INTERFACE => only.interface = read_u32(content, 0).unwrap_or(0),
            GATEWAY => only.gateway = address(content),
            MULTIPATH => {
                route.is_multipath = true;
                route.hops = hops(content);
            }
            _ => {}
        }
    }
    if !route.is_multipath {
        route.hops.push(only);
    }
    Some(route)
}

/// The list of ways: `struct rtnexthop`, each with attributes of its own.
fn hops(mut bytes: &[u8]) -> Vec<Hop> {
    let mut hops = Vec::new();
    while let (Some(length), Some(interface)) = (read_u16(bytes, 0), read_u32(bytes, 4)) {
        let length = usize::from(length);
        let (Some(content), Some(&shares)) = (bytes.get(HOP_HEADER..length), bytes.get(3)) else { break };
        let gateway = attributes(content).find(|(kind, _)| *kind == GATEWAY).and_then(|(_, content)| address(content));
        hops.push(Hop { interface, gateway, weight: u32::from(shares) + 1 });
        bytes = bytes.get(length.next_multiple_of(4)..).unwrap_or_default();
    }
    hops
}

/// Every IPv4 and IPv6 route of the network namespace of the calling thread. Privilege: none.
pub fn list() -> Result<Vec<Route>, Errno> {
    let mut socket = Netlink::open_route()?;
    let mut routes = Vec::new();
    socket.dump(GET_ROUTE, &[0; HEADER], &mut |message| {
        if message.kind == NEW_ROUTE {
            routes.extend(parse(message.payload));
        }
    })?;
    Ok(routes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn attribute(kind: u16, content: &[u8]) -> Vec<u8> {
        let length = u16::try_from(4 + content.len()).unwrap();
        let mut bytes = [length.to_ne_bytes(), kind.to_ne_bytes()].concat();
        bytes.extend(content);
        bytes.resize(bytes.len().next_multiple_of(4), 0);
        bytes
    }

    fn hop(interface: u32, shares: u8, gateway: [u8; 4]) -> Vec<u8> {
        let own = attribute(GATEWAY, &gateway);
        let length = u16::try_from(HOP_HEADER + own.len()).unwrap().to_ne_bytes();
        [&length[..], &[0, shares], &interface.to_ne_bytes(), &own].concat()
    }

    #[test]
    fn a_route_of_two_ways_has_both_with_their_shares() {
        let mut payload = vec![AF_INET, 24, 0, 0, 254, 3, 0, UNICAST, 0, 0, 0, 0];
        payload.extend(attribute(DESTINATION, &[198, 51, 100, 0]));
        payload.extend(attribute(PRIORITY, &7_u32.to_ne_bytes()));
        payload.extend(attribute(MULTIPATH, &[hop(2, 0, [192, 0, 2, 1]), hop(3, 4, [192, 0, 2, 9])].concat()));
        let route = parse(&payload).unwrap();
        assert_eq!((route.length, route.priority, route.protocol, route.is_unicast), (24, 7, 3, true));
        assert_eq!(route.destination, Some(IpAddr::from([198, 51, 100, 0])));
        let told: Vec<_> = route.hops.iter().map(|hop| (hop.interface, hop.weight)).collect();
        assert_eq!(told, [(2, 1), (3, 5)]);
        assert_eq!(route.hops[1].gateway, Some(IpAddr::from([192, 0, 2, 9])));
        for length in 0..payload.len() {
            let _route = parse(&payload[..length]);
        }
        // A way of no length ends the list.
        assert_eq!(hops(&[0; 64]), []);
    }

    #[test]
    fn the_live_kernel_answers() {
        assert!(list().unwrap().iter().any(|route| !route.is_unicast), "the loopback's own routes are local ones");
    }
}
