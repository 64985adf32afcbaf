//! `/proc/cpuinfo`: what processors these are.

use procyon_units::Reading;

use crate::file;
use crate::root::Root;
use crate::text::{fraction, lossy, number, split_once};

/// What the machine computes with.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Cpuinfo {
    /// Name of the processor; of the board on ARM, where the file has no model name. Empty where neither is told.
    pub model: Box<str>,
    /// Maker, as `GenuineIntel`; empty on ARM.
    pub vendor: Box<str>,
    /// Threads of execution that are online.
    pub logical: u32,
    /// Cores, threads of one core counted once; the same as `logical` where the file does not tell.
    pub cores: u32,
    /// Sockets; 1 where the file does not tell.
    pub sockets: u32,
    /// Clock of each logical processor now, in hertz, by its number. Field `cpu MHz`; empty on ARM.
    pub frequencies: Vec<(u32, u64)>,
}

/// One logical processor as the file tells it: its lines, names and values without blanks around them.
pub type Lines = Vec<(Box<str>, Box<str>)>;

/// Every logical processor with its lines. Source: blocks that begin with `processor`.
#[must_use]
pub fn processors(text: &[u8]) -> Vec<Lines> {
    let mut all: Vec<Lines> = Vec::new();
    for line in text.split(|byte| *byte == b'\n') {
        let Some((name, value)) = split_once(line, b':') else { continue };
        let (name, value) = (name.trim_ascii(), value.trim_ascii());
        if name == b"processor" && number(value).is_some() {
            all.push(Lines::new());
        }
        if let Some(current) = all.last_mut() {
            current.push((lossy(name), lossy(value)));
        }
    }
    all
}

/// Parses the file; none without a single processor.
#[must_use]
pub fn parse(text: &[u8]) -> Option<Cpuinfo> {
    let mut info = Cpuinfo::default();
    let mut current = 0_u32;
    let (mut socket, mut pairs, mut sockets) = (0_u64, Vec::new(), Vec::new());
    for line in text.split(|byte| *byte == b'\n') {
        let Some((name, value)) = split_once(line, b':') else { continue };
        let value = value.trim_ascii();
        match name.trim_ascii() {
            b"processor" => {
                // ARM kernels before 3.8 have a line `Processor` with a capital for the name instead.
                if let Some(id) = number(value) {
                    current = u32::try_from(id).unwrap_or(u32::MAX);
                    info.logical = info.logical.saturating_add(1);
                    socket = 0;
                }
            }
            b"model name" | b"Processor" | b"cpu model" | b"cpu" if info.model.is_empty() => info.model = lossy(value),
            b"Hardware" | b"Model" if info.model.is_empty() => info.model = lossy(value),
            b"vendor_id" if info.vendor.is_empty() => info.vendor = lossy(value),
            b"physical id" => {
                socket = number(value).unwrap_or(0);
                sockets.push(socket);
            }
            b"core id" => pairs.push((socket, number(value).unwrap_or(0))),
            b"cpu MHz" => info.frequencies.extend(fraction(value).and_then(hertz).map(|hz| (current, hz))),
            _ => {}
        }
    }
    let count = |distinct: usize, fallback: u32| match u32::try_from(distinct) {
        Ok(count) if count > 0 => count,
        _ => fallback,
    };
    pairs.sort_unstable();
    pairs.dedup();
    sockets.sort_unstable();
    sockets.dedup();
    info.cores = count(pairs.len(), info.logical);
    info.sockets = count(sockets.len(), 1);
    (info.logical > 0).then_some(info)
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked to be a small positive number")]
fn hertz(mhz: f64) -> Option<u64> {
    (0.0..1e6).contains(&mhz).then_some((mhz * 1e6).round() as u64)
}

/// Reads `/proc/cpuinfo`. Privilege: none. Costs much on machines with hundreds of processors: read it once.
pub fn read(root: &Root, buffer: &mut Vec<u8>) -> Reading<Cpuinfo> {
    file::read_with(&root.proc("cpuinfo"), buffer, parse)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_threads_of_one_core_are_one_core() {
        let text = b"processor\t: 0\nmodel name\t: X 9\ncpu MHz\t\t: 2000.5\nphysical id\t: 0\ncore id\t: 3\n\n\
            processor\t: 1\nmodel name\t: X 9\ncpu MHz\t\t: 800\nphysical id\t: 0\ncore id\t: 3\n\n";
        let info = parse(text).unwrap();
        assert_eq!((&*info.model, info.logical, info.cores, info.sockets), ("X 9", 2, 1, 1));
        assert_eq!(info.frequencies, [(0, 2_000_500_000), (1, 800_000_000)]);
    }

    #[test]
    fn arm_without_model_name_is_counted() {
        let info = parse(b"processor\t: 0\nBogoMIPS\t: 50\n\nprocessor\t: 1\nBogoMIPS\t: 50\n\nHardware\t: BCM2835\n")
            .unwrap();
        assert_eq!((&*info.model, info.logical, info.cores), ("BCM2835", 2, 2));
    }
}
