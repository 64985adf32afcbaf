//! `/proc/drbd`: replicated block devices of DRBD 8.

use crate::text::{lines, lossy, split_once, words};

/// A device: its number and its pairs of name and value, as `cs` and `Connected`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Device {
    /// Its number, as the file writes it.
    pub number: Box<str>,
    /// Names and values.
    pub pairs: Vec<(Box<str>, Box<str>)>,
}

/// Parses the file. What stands before the first device, as the version, is left out.
#[must_use]
pub fn parse(text: &[u8]) -> Vec<Device> {
    let mut devices: Vec<Device> = Vec::new();
    for word in lines(text).flat_map(words) {
        let Some((name, value)) = split_once(word, b':') else { continue };
        if value.is_empty() && !name.is_empty() && name.iter().all(u8::is_ascii_digit) {
            devices.push(Device { number: lossy(name), pairs: Vec::new() });
        } else if let Some(device) = devices.last_mut() {
            device.pairs.push((lossy(name), lossy(value)));
        }
    }
    devices
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_belong_to_the_device_before_them() {
        let all = parse(b"version: 8.4.3 (api:1/proto:86-101)\n\n 1: cs:Connected ro:A/B C r-----\n  ns:17 nr:10\n");
        let pairs: Vec<_> = all.iter().flat_map(|device| &device.pairs).map(|(a, b)| (&**a, &**b)).collect();
        assert_eq!(all.first().map(|device| &*device.number), Some("1"));
        assert_eq!(pairs, [("cs", "Connected"), ("ro", "A/B"), ("ns", "17"), ("nr", "10")]);
    }
}
