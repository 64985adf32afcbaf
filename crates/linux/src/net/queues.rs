//! `/proc/net/udp`, `udp6` and their like: bytes that wait in the queues of sockets.

use crate::text::{hex, lines, split_once, words};

/// Bytes in queues.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Queues {
    /// Waiting to be sent.
    pub sent: u64,
    /// Waiting to be read.
    pub received: u64,
}

/// Adds up the queues of all sockets of the file. Source: field 5, `tx_queue:rx_queue`, hexadecimal.
#[must_use]
pub fn parse(text: &[u8]) -> Queues {
    let mut sum = Queues::default();
    for line in lines(text).skip(1) {
        let Some((sent, received)) = words(line).nth(4).and_then(|word| split_once(word, b':')) else { continue };
        sum.sent = sum.sent.saturating_add(hex(sent).unwrap_or(0));
        sum.received = sum.received.saturating_add(hex(received).unwrap_or(0));
    }
    sum
}

/// The state of each socket of the file, as the kernel numbers it. Source: field 4, hexadecimal.
pub fn states(text: &[u8]) -> impl Iterator<Item = u8> {
    lines(text).skip(1).filter_map(|line| u8::try_from(hex(words(line).nth(3)?)?).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn queues_are_added_up() {
        let text = b"  sl  local_address rem_address   st tx_queue rx_queue\n\
            0: 00000000:0016 00000000:0000 0A 00000015:00000001 00:00 00\n1: a b 0A 1:1\nodd\n";
        assert_eq!(parse(text), Queues { sent: 0x16, received: 2 });
        assert!(states(text).eq([10, 10]));
    }
}
