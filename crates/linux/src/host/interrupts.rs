//! `/proc/interrupts` and `/proc/softirqs`: interrupts by kind and processor.

use crate::text::{lines, lossy, number, split_once, words};

/// One kind of interrupt.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Interrupt {
    /// Number, or three letters as `NMI`; `NET_TX` and its like in `softirqs`.
    pub name: Box<str>,
    /// Count on each processor, in the order of the heading.
    pub counts: Vec<u64>,
    /// What stands behind the counts: controller, trigger, devices. Empty in `softirqs`.
    pub rest: Vec<Box<str>>,
}

/// Parses a file. Lines with fewer counts than there are processors, as `ERR` and `MIS`, are left out.
#[must_use]
pub fn parse(text: &[u8]) -> Vec<Interrupt> {
    let mut lines = lines(text);
    let cpus = lines.next().map_or(0, |heading| words(heading).count());
    let parse_line = |line: &[u8]| {
        let (name, rest) = split_once(line, b':')?;
        let mut words = words(rest);
        let counts: Vec<u64> = words.by_ref().take(cpus).map_while(number).collect();
        let rest = words.map(lossy).collect();
        (counts.len() == cpus).then(|| Interrupt { name: lossy(name.trim_ascii()), counts, rest })
    };
    lines.filter_map(parse_line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_and_what_is_behind_them_are_parted() {
        let text =
            b"      CPU0   CPU1\n  0:  18  0  IR-IO-APIC-edge  timer\nNMI: 47 5 Non-maskable interrupts\nERR: 0\n";
        let all = parse(text);
        let rest: Vec<_> = all.iter().map(|one| (&*one.name, one.counts.clone(), one.rest.join(" "))).collect();
        assert_eq!(
            rest,
            [
                ("0", vec![18, 0], "IR-IO-APIC-edge timer".to_owned()),
                ("NMI", vec![47, 5], "Non-maskable interrupts".to_owned()),
            ]
        );
        assert_eq!(parse(b""), []);
    }
}
