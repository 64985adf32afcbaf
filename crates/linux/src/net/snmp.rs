//! `/proc/net/snmp`, `/proc/net/netstat`, `/proc/net/snmp6`: counters of the network protocols.

use crate::text::{lines, split_once, words};

/// One counter: protocol as `TcpExt`, name as `ListenDrops`, value as the kernel wrote it (some may be negative).
pub type Counter<'a> = (&'a str, &'a str, &'a str);

fn utf8(word: &[u8]) -> Option<&str> {
    std::str::from_utf8(word).ok()
}

/// Parses `snmp` and `netstat`: pairs of lines, names and values, each with its protocol. Pairs that do not fit are left
/// out.
#[must_use]
pub fn parse(text: &[u8]) -> Vec<Counter<'_>> {
    let mut counters = Vec::new();
    let mut lines = lines(text);
    while let (Some(names), Some(values)) = (lines.next(), lines.next()) {
        let (Some((protocol, names)), Some((again, values))) = (split_once(names, b':'), split_once(values, b':'))
        else {
            continue;
        };
        if protocol != again || words(names).count() != words(values).count() {
            continue;
        }
        let pairs = words(names).zip(words(values));
        let Ok(protocol) = std::str::from_utf8(protocol) else { continue };
        counters.extend(pairs.filter_map(|(name, value)| Some((protocol, utf8(name)?, utf8(value)?))));
    }
    counters
}

/// Parses `snmp6`: `Ip6InReceives 7`, where what is before the six and the six is the protocol. Lines without a six are
/// left out.
#[must_use]
pub fn parse6(text: &[u8]) -> Vec<Counter<'_>> {
    let counters = lines(text).filter_map(|line| {
        let mut words = words(line);
        let (name, value) = (words.next()?, words.next()?);
        let six = name.iter().position(|byte| *byte == b'6')?;
        Some((utf8(name.get(..=six)?)?, utf8(name.get(six + 1..)?)?, utf8(value)?))
    });
    counters.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_values_are_paired() {
        let all = parse(b"Tcp: RtoMin MaxConn\nTcp: 200 -1\nUdp: A B\nUdp: 1\n");
        let expected = [("Tcp", "RtoMin", "200"), ("Tcp", "MaxConn", "-1")];
        assert_eq!(all, expected);
    }

    #[test]
    fn the_six_ends_the_protocol() {
        let all = parse6(b"Ip6InReceives                   \t7\nUdpLite6InErrors 0\nnonsense\n");
        let expected = [("Ip6", "InReceives", "7"), ("UdpLite6", "InErrors", "0")];
        assert_eq!(all, expected);
    }
}
