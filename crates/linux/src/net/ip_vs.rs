//! `/proc/net/ip_vs` and `ip_vs_stats`: the kernel's load balancer.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::text::{hex, lines, lossy, number, split_once, words};

/// Sums since the start. Source: third line of `ip_vs_stats`, hexadecimal.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Totals {
    /// Connections.
    pub connections: u64,
    /// Packets in.
    pub packets_in: u64,
    /// Packets out.
    pub packets_out: u64,
    /// Bytes in.
    pub bytes_in: u64,
    /// Bytes out.
    pub bytes_out: u64,
}

/// Parses `ip_vs_stats`.
#[must_use]
pub fn parse_totals(text: &[u8]) -> Option<Totals> {
    let mut fields = words(lines(text).nth(2)?).map(hex);
    let mut next = || fields.next().flatten();
    Some(Totals {
        connections: next()?,
        packets_in: next()?,
        packets_out: next()?,
        bytes_in: next()?,
        bytes_out: next()?,
    })
}

/// A server behind a balanced service.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Backend {
    /// `TCP`, `UDP`, `SCTP` or `FWM`.
    pub protocol: Box<str>,
    /// Address of the service; none with a firewall mark.
    pub local: Option<(IpAddr, u16)>,
    /// Firewall mark, as the file writes it; empty without one.
    pub mark: Box<str>,
    /// Address of the server.
    pub remote: Option<(IpAddr, u16)>,
    /// Weight.
    pub weight: u64,
    /// Connections that carry data.
    pub active: u64,
    /// Connections that do not.
    pub inactive: u64,
}

/// Parses `ip_vs`; lines that do not parse are left out.
#[must_use]
pub fn parse_backends(text: &[u8]) -> Vec<Backend> {
    let mut backends = Vec::new();
    let mut service = Backend::default();
    for line in lines(text) {
        let mut words = words(line);
        let Some(first) = words.next() else { continue };
        match first {
            b"TCP" | b"UDP" | b"SCTP" => {
                let local = words.next().and_then(parse_address);
                service = Backend { protocol: lossy(first), local, ..Backend::default() };
            }
            b"FWM" => {
                let mark = words.next().map(lossy).unwrap_or_default();
                service = Backend { protocol: lossy(first), mark, ..Backend::default() };
            }
            b"->" if !service.protocol.is_empty() => {
                let remote = words.next().and_then(parse_address);
                let mut numbers = words.skip(1).map(|word| number(word).unwrap_or(0));
                let mut next = || numbers.next().unwrap_or(0);
                let (weight, active, inactive) = (next(), next(), next());
                if remote.is_some() {
                    backends.push(Backend { remote, weight, active, inactive, ..service.clone() });
                }
            }
            _ => {}
        }
    }
    backends
}

/// `C0A80016:0CEA` or `[2620:…:0001]:0050`.
fn parse_address(word: &[u8]) -> Option<(IpAddr, u16)> {
    if let Some(rest) = word.strip_prefix(b"[") {
        let end = rest.iter().position(|byte| *byte == b']')?;
        let address: Ipv6Addr = std::str::from_utf8(rest.get(..end)?).ok()?.parse().ok()?;
        let port = hex(rest.get(end + 2..)?)?;
        return Some((address.into(), u16::try_from(port).ok()?));
    }
    let (address, port) = split_once(word, b':')?;
    let address = Ipv4Addr::from_bits(u32::try_from(hex(address)?).ok()?);
    Some((address.into(), u16::try_from(hex(port)?).ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn servers_belong_to_the_service_before_them() {
        let text = b"IP Virtual Server version 1.2.1 (size=4096)\nProt LocalAddress:Port Scheduler Flags\n\
            \x20 -> RemoteAddress:Port Forward Weight ActiveConn InActConn\n\
            TCP  C0A80016:0CEA wlc  \n  -> C0A85216:0CEA      Tunnel  100    248        2\n\
            FWM  10001000 wlc\n  -> [2620:0000:0000:0000:0000:0000:0000:0001]:0050 Route 20 64 1\n";
        let all = parse_backends(text);
        let facts: Vec<_> = all
            .iter()
            .map(|one| (one.local.map(|at| at.to_owned()), &*one.mark, one.remote.unwrap().0.to_string(), one.active))
            .collect();
        let local = Some((IpAddr::from([192, 168, 0, 22]), 3306));
        assert_eq!(facts, [(local, "", "192.168.82.22".to_owned(), 248), (None, "10001000", "2620::1".to_owned(), 64)]);
    }

    #[test]
    fn totals_are_hexadecimal() {
        let text =
            b"   Total Incoming\n   Conns  Packets\n 16AA370 E33656E5        0     51D8C8883AB3                0\n";
        assert_eq!(parse_totals(text).map(|totals| totals.connections), Some(23_765_872));
    }
}
