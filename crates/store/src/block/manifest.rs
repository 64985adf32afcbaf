//! What a block says of itself: what is in it, and checksums of everything, so that a damaged bit is found.
//!
//! ```text
//! procyon block 2
//! group SEQ FIRST LAST FRAMES COVERED INTERVAL ROWS      instants and times in nanoseconds
//! file NAME LENGTH FOOTER CRC GROUPS CRCS                one CRC a column of a row group
//! end CRC                                                of all lines above
//! ```

use std::collections::BTreeMap;
use std::fmt::Write;
use std::time::Duration;

use procyon_units::Wall;

/// Name of the file.
pub(crate) const FILE: &str = "manifest";
/// First line.
const TITLE: &str = "procyon block 2";
/// Longest that it can be.
pub(crate) const MOST: u64 = 4 << 20;

/// What is in a block.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Manifest {
    /// One for each log that went in.
    pub(crate) groups: Vec<Group>,
    /// By name without ending.
    pub(crate) files: BTreeMap<String, Sums>,
}

/// A stretch of a block: a row group of each of its files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Group {
    /// Number of the segment.
    pub(crate) seq: u64,
    /// Its first frame.
    pub(crate) first: Wall,
    /// Its last frame.
    pub(crate) last: Wall,
    /// How many frames.
    pub(crate) frames: u64,
    /// The time that they cover.
    pub(crate) covered: Duration,
    /// The interval of the last one.
    pub(crate) interval: Duration,
    /// Rows of processes.
    pub(crate) rows: u64,
}

/// Checksums of a file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Sums {
    /// Length in bytes.
    pub(crate) length: u64,
    /// Length of the footer, its length and the mark at the end included.
    pub(crate) footer: u64,
    /// CRC-32 of the footer.
    pub(crate) footer_crc: u32,
    /// Which group each row group of the file belongs to.
    pub(crate) groups: Vec<usize>,
    /// CRC-32 of each column of each row group.
    pub(crate) columns: Vec<u32>,
}

impl Manifest {
    /// As text.
    pub(crate) fn text(&self) -> String {
        let mut text = format!("{TITLE}\n");
        for Group { seq, first, last, frames, covered, interval, rows } in &self.groups {
            let (covered, interval) = (covered.as_nanos(), interval.as_nanos());
            put(&mut text, format_args!("group {seq} {} {} {frames} {covered} {interval} {rows}\n", first.0, last.0));
        }
        for (name, sums) in &self.files {
            let groups: Vec<String> = sums.groups.iter().map(ToString::to_string).collect();
            let groups = groups.join(",");
            let (length, footer, crc) = (sums.length, sums.footer, sums.footer_crc);
            put(&mut text, format_args!("file {name} {length} {footer} {crc:x} {groups}"));
            for crc in &sums.columns {
                put(&mut text, format_args!(" {crc:x}"));
            }
            text.push('\n');
        }
        let crc = crc32fast::hash(text.as_bytes());
        put(&mut text, format_args!("end {crc:x}\n"));
        text
    }

    /// From text; why not where it is damaged.
    pub(crate) fn parse(text: &str) -> Result<Self, &'static str> {
        let end = text.rfind("end ").ok_or("its end is missing")?;
        let (body, end) = text.split_at(end);
        let crc = end.strip_prefix("end ").and_then(|crc| u32::from_str_radix(crc.trim_end(), 16).ok());
        if crc != Some(crc32fast::hash(body.as_bytes())) {
            return Err("its checksum is wrong");
        }
        let mut lines = body.lines();
        if lines.next() != Some(TITLE) {
            return Err("it was not written by this version");
        }
        let mut manifest = Self::default();
        for line in lines {
            let mut words = line.split(' ');
            match words.next() {
                Some("group") => manifest.groups.push(group(&mut words).ok_or("a line makes no sense")?),
                Some("file") => {
                    let (name, sums) = file(&mut words).ok_or("a line makes no sense")?;
                    manifest.files.insert(name, sums);
                }
                // Lines that a later procyon of the same format adds.
                _ => {}
            }
        }
        Ok(manifest)
    }
}

fn put(text: &mut String, arguments: std::fmt::Arguments<'_>) {
    // Writing to a string does not fail.
    text.write_fmt(arguments).unwrap_or_default();
}

fn group<'a>(words: &mut impl Iterator<Item = &'a str>) -> Option<Group> {
    Some(Group {
        seq: words.next()?.parse().ok()?,
        first: Wall(words.next()?.parse().ok()?),
        last: Wall(words.next()?.parse().ok()?),
        // One without frames would not be there.
        frames: words.next()?.parse().ok().filter(|frames| *frames > 0)?,
        covered: Duration::from_nanos(words.next()?.parse().ok()?),
        interval: Duration::from_nanos(words.next()?.parse().ok()?),
        rows: words.next()?.parse().ok()?,
    })
}

fn file<'a>(words: &mut impl Iterator<Item = &'a str>) -> Option<(String, Sums)> {
    let name = words.next()?.to_owned();
    let length = words.next()?.parse().ok()?;
    let footer = words.next()?.parse().ok()?;
    let footer_crc = u32::from_str_radix(words.next()?, 16).ok()?;
    let groups = words.next()?.split(',').map(|group| group.parse().ok()).collect::<Option<Vec<_>>>()?;
    let columns = words.map(|crc| u32::from_str_radix(crc, 16).ok()).collect::<Option<Vec<_>>>()?;
    Some((name, Sums { length, footer, footer_crc, groups, columns }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn example() -> Manifest {
        let group = Group {
            seq: 7,
            first: Wall(-5),
            last: Wall(1_700_000_000_000_000_001),
            frames: 12,
            covered: Duration::from_nanos(12_000_000_001),
            interval: Duration::from_secs(1),
            rows: 99,
        };
        let sums = Sums { length: 100, footer: 20, footer_crc: 0xabc, groups: vec![0, 2], columns: vec![1, u32::MAX] };
        Manifest { groups: vec![group, group], files: BTreeMap::from([("host".to_owned(), sums)]) }
    }

    #[test]
    fn it_reads_back() {
        assert_eq!(Manifest::parse(&example().text()), Ok(example()));
    }

    #[test]
    fn a_stretch_without_frames_makes_no_sense() {
        let mut manifest = example();
        manifest.groups[1].frames = 0;
        assert_eq!(Manifest::parse(&manifest.text()), Err("a line makes no sense"));
    }

    #[test]
    fn every_changed_byte_is_found() {
        let text = example().text();
        for at in 0..text.len() - 1 {
            let mut bytes = text.clone().into_bytes();
            bytes[at] ^= 1;
            let Ok(changed) = String::from_utf8(bytes) else { continue };
            assert!(Manifest::parse(&changed).is_err(), "byte {at}");
        }
    }
}
