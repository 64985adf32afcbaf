//! `/proc/net/snmp`, `/proc/net/netstat`, `/proc/net/snmp6`: counters of the network protocols.

use crate::text::{lines, words};

/// One counter: protocol as `TcpExt`, name as `ListenDrops`, value as the kernel wrote it (some may be negative).
pub type Counter<'a> = (&'a str, &'a str, &'a str);

fn utf8(word: &[u8]) -> Option<&str> {
    std::str::from_utf8(word).ok()
}

/// Words between single blanks, as these files have them, or more.
fn parts(line: &str) -> impl Iterator<Item = &str> + Clone {
    line.split(' ').filter(|word| !word.is_empty())
}

/// Parses `snmp` and `netstat`: pairs of lines, names and values, each with its protocol. Pairs that do not fit are left
/// out.
#[must_use]
pub fn parse(text: &[u8]) -> Vec<Counter<'_>> {
    let mut counters = Vec::with_capacity(text.len() / 16);
    let mut lines = lines(text).map(utf8);
    while let (Some(names), Some(values)) = (lines.next(), lines.next()) {
        let pair = names.zip(values).and_then(|(names, values)| names.split_once(':').zip(values.split_once(':')));
        let Some(((protocol, names), (again, values))) = pair else { continue };
        if protocol != again {
            continue;
        }
        let before = counters.len();
        let mut values = parts(values);
        let pairs = parts(names).map_while(|name| Some((protocol, name, values.next()?)));
        counters.extend(pairs);
        if counters.len() - before != parts(names).count() || values.next().is_some() {
            counters.truncate(before);
        }
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
    fn lines_that_do_not_fit_are_left_out() {
        for text in ["Tcp: A B\nTcp: 1\n", "Tcp: A\nTcp: 1 2\n", "Tcp: A\nUdp: 1\n", "Tcp A\nTcp 1\n", "Tcp: A\n"] {
            assert!(parse(text.as_bytes()).is_empty(), "{text}");
        }
        assert!(parse(b"Tcp: \xff\nTcp: 1\nUdp: A\nUdp: 7\n").iter().eq(&[("Udp", "A", "7")]));
    }

    #[test]
    fn the_six_ends_the_protocol() {
        let all = parse6(b"Ip6InReceives                   \t7\nUdpLite6InErrors 0\nnonsense\n");
        let expected = [("Ip6", "InReceives", "7"), ("UdpLite6", "InErrors", "0")];
        assert_eq!(all, expected);
    }
}
