//! `/proc/net/sockstat` and `sockstat6`: sockets by protocol.

use crate::text::{lines, lossy, number, split_once, words};

/// Parses the file: protocol, name and value, as `TCP`, `inuse`, 4. `sockets` stands for all of them.
#[must_use]
pub fn parse(text: &[u8]) -> Vec<(Box<str>, Box<str>, u64)> {
    let mut all = Vec::new();
    for line in lines(text) {
        let Some((protocol, rest)) = split_once(line, b':') else { continue };
        let mut words = words(rest);
        while let (Some(name), Some(value)) = (words.next(), words.next()) {
            if let Some(value) = number(value) {
                all.push((lossy(protocol), lossy(name), value));
            }
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_protocol_has_pairs() {
        let all = parse(b"sockets: used 229\nTCP: inuse 4 orphan 0 odd\nUDP\n");
        let expected = [("sockets", "used", 229), ("TCP", "inuse", 4), ("TCP", "orphan", 0)];
        assert!(all.iter().map(|(a, b, c)| (&**a, &**b, *c)).eq(expected));
    }
}
