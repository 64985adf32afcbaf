//! `/proc/pressure/{cpu,memory,io}`: time in which tasks stood still for want of a resource.

use procyon_units::{CpuTime, Ratio, Reading};

use crate::file;
use crate::root::Root;
use crate::text::{fraction, lines, number, split_once, words};

/// One line of a pressure file.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Stall {
    /// Share of the last 10 s.
    pub avg10: Ratio,
    /// Share of the last 60 s.
    pub avg60: Ratio,
    /// Share of the last 300 s.
    pub avg300: Ratio,
    /// All of it since boot.
    pub total: CpuTime,
}

/// One resource.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Stalls {
    /// At least one task stood still.
    pub some: Reading<Stall>,
    /// All tasks stood still. Of the CPU only since 5.13, and always zero for the whole machine.
    pub full: Reading<Stall>,
}

/// All three resources.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Pressure {
    /// Waiting for a processor.
    pub cpu: Stalls,
    /// Waiting for memory.
    pub memory: Stalls,
    /// Waiting for a disk.
    pub io: Stalls,
}

fn parse_line<'a>(words: impl Iterator<Item = &'a [u8]>) -> Option<Stall> {
    let mut stall = Stall::default();
    let mut seen = false;
    for word in words {
        let (name, value) = split_once(word, b'=')?;
        let share = || fraction(value).map(|percent| Ratio(percent / 100.0));
        match name {
            b"avg10" => (stall.avg10, seen) = (share()?, true),
            b"avg60" => stall.avg60 = share()?,
            b"avg300" => stall.avg300 = share()?,
            b"total" => stall.total = CpuTime(number(value)?.saturating_mul(1000)),
            _ => {}
        }
    }
    seen.then_some(stall)
}

/// Parses one file.
#[must_use]
pub fn parse(text: &[u8]) -> Option<Stalls> {
    let mut stalls = Stalls { some: Reading::Unsupported, full: Reading::Unsupported };
    for line in lines(text) {
        let mut words = words(line);
        let slot = match words.next() {
            Some(b"some") => &mut stalls.some,
            Some(b"full") => &mut stalls.full,
            _ => continue,
        };
        if let Some(stall) = parse_line(words) {
            *slot = Reading::Known(stall);
        }
    }
    (stalls.some.is_known() || stalls.full.is_known()).then_some(stalls)
}

/// Reads the three files. Since 4.20 with `CONFIG_PSI`, and not switched off by `psi=0`; unsupported otherwise.
/// Privilege: none.
pub fn read(root: &Root, buffer: &mut Vec<u8>) -> Pressure {
    let mut one = |name: &str| match file::read_with(&root.proc("pressure").join(name), buffer, parse) {
        Reading::Known(stalls) => stalls,
        missing => {
            let why = missing.map(|_| Stall::default());
            Stalls { some: why, full: why }
        }
    };
    Pressure { cpu: one("cpu"), memory: one("memory"), io: one("io") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cpu_pressure_without_a_full_line_is_read() {
        let stalls = parse(b"some avg10=12.50 avg60=0.12 avg300=0.00 total=391926\n").unwrap();
        assert_eq!(stalls.full, Reading::Unsupported);
        let some = stalls.some.get().unwrap();
        assert_eq!((some.avg10, some.total), (Ratio(0.125), CpuTime(391_926_000)));
    }
}
