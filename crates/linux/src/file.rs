//! Reads whole small files into buffers that are used again.

use std::mem::MaybeUninit;
use std::path::Path;

use procyon_units::Reading;
use rustix::fs::{CWD, Mode, OFlags, RawDir, openat, readlinkat};
use rustix::io::{Errno, read};

/// The most that one kernel file may hold; `/proc/stat` of the largest machines and `mountinfo` with ten thousand
/// containers stay far below.
pub(crate) const LIMIT: usize = 32 << 20;

/// What an error of the kernel says about a figure.
pub(crate) fn reason<T>(error: Errno) -> Reading<T> {
    match error {
        Errno::ACCESS | Errno::PERM => Reading::Forbidden,
        Errno::NOENT | Errno::NOTDIR | Errno::OPNOTSUPP | Errno::NOSYS => Reading::Unsupported,
        // Drivers answer EINVAL, EIO or ENODATA where a sensor or link has nothing to say.
        _ => Reading::Absent,
    }
}

/// Fills `buffer` with the file's content.
pub(crate) fn read_into(path: &Path, buffer: &mut Vec<u8>) -> Result<(), Errno> {
    buffer.clear();
    let file = openat(CWD, path, OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NOCTTY, Mode::empty())?;
    buffer.reserve(4096);
    loop {
        if buffer.capacity() - buffer.len() < 1024 {
            buffer.reserve(buffer.capacity());
        }
        match read(&file, rustix::buffer::spare_capacity(buffer)) {
            Ok(0) => return Ok(()),
            Ok(_) if buffer.len() >= LIMIT => return Ok(()),
            Ok(_) | Err(Errno::INTR) => {}
            Err(error) => return Err(error),
        }
    }
}

/// Reads a file and parses it; text that does not parse counts as unsupported.
pub(crate) fn read_with<T>(path: &Path, buffer: &mut Vec<u8>, parse: impl FnOnce(&[u8]) -> Option<T>) -> Reading<T> {
    match read_into(path, buffer) {
        Ok(()) => parse(buffer).map_or(Reading::Unsupported, Reading::Known),
        Err(error) => reason(error),
    }
}

/// One line without its end and blanks around it; for sysfs attributes.
pub(crate) fn read_line(path: &Path, buffer: &mut Vec<u8>) -> Reading<Box<str>> {
    read_with(path, buffer, |text| Some(String::from_utf8_lossy(text.trim_ascii()).into()))
}

/// One number; for sysfs attributes.
pub(crate) fn read_number(path: &Path, buffer: &mut Vec<u8>) -> Reading<u64> {
    read_with(path, buffer, |text| crate::text::number(text.trim_ascii()))
}

/// Where a symbolic link points.
pub(crate) fn read_link(path: &Path) -> Result<Vec<u8>, Errno> {
    readlinkat(CWD, path, Vec::new()).map(std::ffi::CString::into_bytes)
}

/// Names in a directory, sorted; empty where it cannot be read.
pub(crate) fn names(path: &Path) -> Vec<Box<str>> {
    entries(path).unwrap_or_default().into_iter().map(|(name, _)| name).collect()
}

/// Names in a directory with their inodes, sorted.
pub(crate) fn entries(path: &Path) -> Result<Vec<(Box<str>, u64)>, Errno> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let directory = openat(CWD, path, flags, Mode::empty())?;
    let mut room = [MaybeUninit::uninit(); ENTRIES];
    let mut listed = RawDir::new(directory, &mut room);
    let mut entries = Vec::new();
    // What was found before an error counts.
    while let Some(Ok(entry)) = listed.next() {
        if let Ok(name) = entry.file_name().to_str()
            && !matches!(name, "." | "..")
        {
            entries.push((Box::from(name), entry.ino()));
        }
    }
    entries.sort_unstable();
    Ok(entries)
}

/// Room for what the kernel lists in one call.
const ENTRIES: usize = 8 << 10;

/// Whether something is there (a link that leads nowhere counts).
pub(crate) fn exists(path: &Path) -> bool {
    rustix::fs::lstat(path).is_ok()
}
