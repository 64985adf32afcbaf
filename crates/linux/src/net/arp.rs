//! `/proc/net/arp`: neighbours by interface.

use std::collections::BTreeMap;

use crate::text::{lines, lossy, words};

/// How many neighbours each interface has. Source: last word of each line but the first.
#[must_use]
pub fn parse(text: &[u8]) -> BTreeMap<Box<str>, u64> {
    let mut counts = BTreeMap::new();
    for line in lines(text).skip(1) {
        if let Some(device) = words(line).nth(5) {
            *counts.entry(lossy(device)).or_default() += 1;
        }
    }
    counts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_are_counted_by_interface() {
        let text = b"IP address HW type Flags HW address Mask Device\n\
            192.168.1.1 0x1 0x2 cc:aa:dd:ee:aa:bb * eth0\n192.168.1.2 0x1 0x2 bb:cc:dd:ee:ff:aa * eth0\nodd\n";
        assert_eq!(parse(text).into_iter().collect::<Vec<_>>(), [("eth0".into(), 2)]);
    }
}
