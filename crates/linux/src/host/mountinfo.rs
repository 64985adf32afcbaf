//! `/proc/PID/mountinfo`: what is mounted where.

use procyon_units::Reading;

use crate::file;
use crate::root::Root;
use crate::text::{lines, lossy, number, split_once, words};

/// One mount.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Mount {
    /// Number of the mount; used again after unmounting.
    pub id: u64,
    /// The mount below which it hangs.
    pub parent: u64,
    /// Device number (`st_dev`) of the file system; the same for all mounts of one file system.
    pub device: (u32, u32),
    /// The directory of the file system that is mounted; not `/` for bind mounts and subvolumes.
    pub root: Box<[u8]>,
    /// Where it is mounted, seen from the reader's root.
    pub mount_point: Box<[u8]>,
    /// Options of the mount, as `rw,relatime`.
    pub options: Box<str>,
    /// Type, as `ext4`, `fuse.sshfs`.
    pub kind: Box<str>,
    /// What is mounted, as `/dev/sda1` or `server:/export`.
    pub source: Box<str>,
    /// Options of the file system.
    pub super_options: Box<str>,
}

impl Mount {
    /// Whether the mount or its file system is read-only.
    #[must_use]
    pub fn is_read_only(&self) -> bool {
        self.option("ro").is_some() || self.super_option("ro").is_some()
    }

    /// The value of an option of the mount; empty for one without a value.
    #[must_use]
    pub fn option(&self, name: &str) -> Option<&str> {
        find(&self.options, name)
    }

    /// The value of an option of the file system; empty for one without a value.
    #[must_use]
    pub fn super_option(&self, name: &str) -> Option<&str> {
        find(&self.super_options, name)
    }
}

fn find<'a>(options: &'a str, name: &str) -> Option<&'a str> {
    options.split(',').find_map(|option| match option.split_once('=') {
        Some((key, value)) => (key == name).then_some(value),
        None => (option == name).then_some(""),
    })
}

/// Parses the file; lines that do not parse are left out.
#[must_use]
pub fn parse(text: &[u8]) -> Option<Vec<Mount>> {
    Some(lines(text).filter_map(parse_line).collect())
}

fn parse_line(line: &[u8]) -> Option<Mount> {
    // Fields are parted by single blanks and a source may be empty: `- tmpfs  rw`.
    let mut fields = line.split(|byte| *byte == b' ');
    let (id, parent) = (number(fields.next()?)?, number(fields.next()?)?);
    let (major, minor) = split_once(fields.next()?, b':')?;
    let device = (u32::try_from(number(major)?).ok()?, u32::try_from(number(minor)?).ok()?);
    let (root, mount_point) = (unescape(fields.next()?).into(), unescape(fields.next()?).into());
    let options = lossy(fields.next()?);
    // Any number of optional fields, ended by a dash.
    fields.by_ref().find(|field| *field == b"-")?;
    let (kind, source) = (lossy(&unescape(fields.next()?)), lossy(&unescape(fields.next()?)));
    let super_options = lossy(&unescape(words(fields.next().unwrap_or_default()).next().unwrap_or_default()));
    Some(Mount { id, parent, device, root, mount_point, options, kind, source, super_options })
}

/// Turns `\040` and its like back into bytes (`mangle_path`, fs/seq_file.c).
#[must_use]
pub fn unescape(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let [first, tail @ ..] = rest {
        if let (b'\\', [a @ b'0'..=b'3', b @ b'0'..=b'7', c @ b'0'..=b'7', after @ ..]) = (first, tail) {
            out.push((a - b'0') << 6 | (b - b'0') << 3 | (c - b'0'));
            rest = after;
        } else {
            out.push(*first);
            rest = tail;
        }
    }
    out
}

/// Reads the mounts of this process, or of pid 1 where procfs is not our own. Privilege: none for one's own;
/// `CAP_SYS_PTRACE` for those of pid 1.
pub fn read(root: &Root, buffer: &mut Vec<u8>) -> Reading<Vec<Mount>> {
    if !root.is_live() {
        let reading = file::read_with(&root.proc("1/mountinfo"), buffer, parse);
        if reading.is_known() {
            return reading;
        }
    }
    file::read_with(&root.proc("self/mountinfo"), buffer, parse)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn optional_fields_empty_sources_and_blanks_are_read() {
        let text =
            b"36 35 98:0 /mnt1 /mnt\\0402\\134x rw,noatime master:1 shared:7 - ext3 /dev/root rw,errors=continue\n\
            37 35 0:44 / /run ro - tmpfs  rw,size=4k\nnonsense\n";
        let mounts = parse(text).unwrap();
        assert_eq!(mounts.len(), 2);
        let first = mounts.first().unwrap();
        assert_eq!((first.device, &*first.root, &*first.mount_point), ((98, 0), &b"/mnt1"[..], &b"/mnt 2\\x"[..]));
        assert_eq!(
            (&*first.kind, first.super_option("errors"), first.is_read_only()),
            ("ext3", Some("continue"), false)
        );
        let second = mounts.last().unwrap();
        assert_eq!((&*second.source, second.super_option("size"), second.is_read_only()), ("", Some("4k"), true));
    }

    #[test]
    fn a_backslash_that_escapes_nothing_stays() {
        assert_eq!(unescape(b"a\\9\\04"), b"a\\9\\04");
    }
}
