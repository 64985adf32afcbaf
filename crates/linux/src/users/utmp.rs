//! `/run/utmp`, `/var/log/wtmp`, `/var/log/lastlog`: records of log-ins. See utmp(5).

use procyon_units::{Reading, Wall};
use rustix::fs::{CWD, Mode, OFlags, fstat, openat};
use rustix::io::pread;

use crate::file;
use crate::net::netlink::{read_u16, read_u32};
use crate::root::Root;
use crate::text::lossy;

/// `USER_PROCESS`: somebody is logged in.
pub const USER_PROCESS: u16 = 7;

/// Where fields are. The time is 32 bits on x86-64, where 32-bit programs share the file, and 64 bits on AArch64.
#[cfg(not(target_arch = "aarch64"))]
mod layout {
    pub const SIZE: usize = 384;
    pub const SECONDS: usize = 340;
}
#[cfg(target_arch = "aarch64")]
mod layout {
    pub const SIZE: usize = 400;
    pub const SECONDS: usize = 344;
}

/// Size of a record of `/var/log/lastlog`: 32-bit time, 32 bytes of terminal, 256 of host.
const LASTLOG_SIZE: u64 = 292;
/// How much of the end of `/var/log/wtmp` is looked at; the file may be years old.
const WTMP_TAIL: u64 = 384 * 1024;

/// One record.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Record {
    /// What it says: [`USER_PROCESS`] and others of `utmp.h`.
    pub kind: u16,
    /// The process that logged in, or 0.
    pub pid: u32,
    /// Terminal without `/dev/`, as `pts/0`.
    pub line: Box<str>,
    /// User.
    pub user: Box<str>,
    /// Where from; empty when local.
    pub host: Box<str>,
    /// When.
    pub time: Wall,
}

/// Parses whole records; a piece at the end is left out.
#[must_use]
pub fn parse(bytes: &[u8]) -> Vec<Record> {
    bytes.chunks_exact(layout::SIZE).filter_map(parse_one).collect()
}

fn parse_one(bytes: &[u8]) -> Option<Record> {
    let text = |at: usize, length: usize| {
        let field = bytes.get(at..at + length)?;
        Some(lossy(field.split(|byte| *byte == 0).next()?))
    };
    Some(Record {
        kind: read_u16(bytes, 0)?,
        pid: read_u32(bytes, 4)?,
        line: text(8, 32)?,
        user: text(44, 32)?,
        host: text(76, 256)?,
        // Taken as unsigned, 32 bits last until 2106; the low half of 64 bits comes first on little-endian machines.
        time: seconds(read_u32(bytes, layout::SECONDS)?),
    })
}

fn seconds(seconds: u32) -> Wall {
    Wall(i64::from(seconds).saturating_mul(1_000_000_000))
}

/// Reads `/run/utmp`: who is logged in, stale records included. Absent on systems without utmp (Debian 13, Alpine): see
/// [`super::logind`]. Privilege: none.
pub fn read(root: &Root, buffer: &mut Vec<u8>) -> Reading<Vec<Record>> {
    match file::read_with(&root.fs("run/utmp"), buffer, |bytes| Some(parse(bytes))) {
        Reading::Unsupported => file::read_with(&root.fs("var/run/utmp"), buffer, |bytes| Some(parse(bytes))),
        reading => reading,
    }
}

/// Reads the newest records of `/var/log/wtmp`, about a thousand at most. Privilege: none on most systems.
pub fn read_recent(root: &Root) -> Reading<Vec<Record>> {
    let path = root.fs("var/log/wtmp");
    let read = || {
        let file = openat(CWD, &path, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())?;
        let size = u64::try_from(fstat(&file)?.st_size).unwrap_or(0);
        let record = layout::SIZE as u64;
        let start = (size.saturating_sub(WTMP_TAIL)).next_multiple_of(record);
        let mut bytes = vec![0; usize::try_from(size.saturating_sub(start)).unwrap_or(0)];
        let length = pread(&file, bytes.as_mut_slice(), start)?;
        bytes.truncate(length);
        Ok(parse(&bytes))
    };
    read().map_or_else(file::reason, Reading::Known)
}

/// Reads when these users logged in last from `/var/log/lastlog`, a sparse file with a record for each number. Users
/// who never did are left out. Privilege: none on most systems.
pub fn read_lastlog(root: &Root, uids: &[u32]) -> Reading<Vec<(u32, Wall)>> {
    let path = root.fs("var/log/lastlog");
    let file = match openat(CWD, &path, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty()) {
        Ok(file) => file,
        Err(error) => return file::reason(error),
    };
    let last = |uid: u32| {
        let mut time = [0_u8; 4];
        let length = pread(&file, &mut time[..], u64::from(uid) * LASTLOG_SIZE).ok()?;
        let time = u32::from_ne_bytes(time);
        (length == 4 && time > 0).then(|| (uid, seconds(time)))
    };
    Reading::Known(uids.iter().filter_map(|uid| last(*uid)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(kind: u16, pid: u32, line: &str, user: &str, host: &str, time: u32) -> Vec<u8> {
        let mut bytes = vec![0; layout::SIZE];
        let mut put = |at: usize, value: &[u8]| bytes[at..at + value.len()].copy_from_slice(value);
        put(0, &kind.to_ne_bytes());
        put(4, &pid.to_ne_bytes());
        put(8, line.as_bytes());
        put(44, user.as_bytes());
        put(76, host.as_bytes());
        put(layout::SECONDS, &time.to_ne_bytes());
        bytes
    }

    #[test]
    fn a_record_is_taken_apart_and_a_piece_is_left_out() {
        let mut bytes =
            record(USER_PROCESS, 4084, "pts/0", "a-user-name-of-just-thirty-two-b", "192.0.2.7", 1_700_000_000);
        bytes.extend([7; 100]);
        let records = parse(&bytes);
        assert_eq!(records.len(), 1);
        let one = &records[0];
        assert_eq!((one.kind, one.pid, &*one.line, &*one.host), (USER_PROCESS, 4084, "pts/0", "192.0.2.7"));
        assert_eq!(&*one.user, "a-user-name-of-just-thirty-two-b", "a full field has no NUL");
        assert_eq!(one.time, Wall(1_700_000_000_000_000_000));
    }
}
