//! A piece of history in one file: the files of its folder one after the other, and at the end a list of them.
//!
//! ```text
//! procyon snapshot 1 · content of files … · list: one line `OFFSET LENGTH CRC PATH` each · length of the list · its CRC · mark
//! ```

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs::File;
use std::io::{self, ErrorKind, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use procyon_history::HistoryError;
use procyon_units::Wall;

use crate::disk::{Disk, Input, Output};
use crate::failure::failed;
use crate::folder::Folder;

/// The first and the last bytes.
const MARK: &[u8; 20] = b"procyon snapshot 1\n\0";
/// Length of what stands at the end: length of the list, its CRC, the mark.
const TAIL: u64 = 8 + 4 + 20;
/// Longest list.
const MOST: u64 = 64 << 20;
/// Bytes that are copied at a time.
const PIECE: usize = 256 << 10;

/// Writes everything that holds frames between two instants.
pub(crate) fn write(folder: &Folder, (from, to): (Wall, Wall), out: &Path) -> Result<(), HistoryError> {
    let fail = |error| failed("write", out, error);
    let mut target = Target { file: File::create(out).map_err(fail)?, at: 0, list: String::new() };
    target.put(MARK).map_err(fail)?;
    let mut paths = vec![PathBuf::from("format")];
    for name in folder.block_names()? {
        if Wall::from_unix_ms(name.from_ms) <= to && Wall::from_unix_ms(name.to_ms.saturating_add(1)) >= from {
            let block = PathBuf::from("blocks").join(name.to_string());
            let files = folder.list(&folder.path.join(&block))?;
            paths.extend(files.iter().map(|file| block.join(file)));
        }
    }
    let logs = folder.log_numbers()?;
    paths.extend(logs.iter().map(|seq| PathBuf::from("log").join(format!("{seq:016}.log"))));
    for path in paths {
        target.copy(folder, &path)?;
    }
    target.finish().map_err(fail)
}

struct Target {
    file: File,
    at: u64,
    list: String,
}

impl Target {
    fn put(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all(bytes)?;
        self.at += u64::try_from(bytes.len()).unwrap_or(0);
        Ok(())
    }

    fn copy(&mut self, folder: &Folder, path: &Path) -> Result<(), HistoryError> {
        let source = folder.path.join(path);
        let mut copy = || -> io::Result<()> {
            let input = folder.disk.open(&source)?;
            let (start, length) = (self.at, input.length()?);
            let mut crc = crc32fast::Hasher::new();
            let mut buffer = vec![0; PIECE];
            let mut done = 0;
            while done < length {
                let count = input.read_at(&mut buffer, done)?;
                let left = usize::try_from(length - done).unwrap_or(usize::MAX);
                let Some(piece) = buffer.get(..count.min(left)).filter(|piece| !piece.is_empty()) else { break };
                crc.update(piece);
                self.put(piece)?;
                done += u64::try_from(piece.len()).unwrap_or(0);
            }
            let crc = crc.finalize();
            let length = self.at - start;
            // Writing to a string does not fail.
            writeln!(self.list, "{start} {length} {crc:x} {}", path.display()).map_err(io::Error::other)
        };
        copy().map_err(|error| failed("copy", &source, error))
    }

    fn finish(&mut self) -> io::Result<()> {
        let list = std::mem::take(&mut self.list).into_bytes();
        let length = u64::try_from(list.len()).unwrap_or(0);
        self.put(&list)?;
        self.put(&length.to_le_bytes())?;
        self.put(&crc32fast::hash(&list).to_le_bytes())?;
        self.put(MARK)?;
        self.file.sync_all()
    }
}

/// An open snapshot: a disk that can only be read.
#[derive(Debug)]
pub(crate) struct Archive {
    file: Arc<File>,
    entries: BTreeMap<PathBuf, (u64, u64)>,
}

impl Archive {
    pub(crate) fn open(path: &Path) -> Result<Self, HistoryError> {
        let fail = |error| failed("read", path, error);
        let damaged = |how: &str| HistoryError::Damaged { what: path.display().to_string(), how: how.to_owned() };
        let foreign =
            || HistoryError::Foreign { what: path.display().to_string(), how: "is no snapshot of procyon".to_owned() };
        let file = File::open(path).map_err(fail)?;
        let length = file.length().map_err(fail)?;
        let mut mark = [0; MARK.len()];
        if file.read_at(&mut mark, 0).map_err(fail)? != mark.len() || mark != *MARK {
            return Err(foreign());
        }
        let end = length.checked_sub(TAIL).ok_or_else(|| damaged("its end is missing"))?;
        let mut tail = [0; 32];
        if file.read_at(&mut tail, end).map_err(fail)? != tail.len() || !tail.ends_with(MARK) {
            return Err(damaged("its end is missing"));
        }
        let [size @ .., _, _, _, _] = tail.first_chunk::<12>().ok_or_else(|| damaged("its end is missing"))?;
        let size = u64::from_le_bytes(*size);
        let crc = tail.get(8..12).and_then(|bytes| bytes.try_into().ok()).map_or(0, u32::from_le_bytes);
        let at = end.checked_sub(size).filter(|_| size <= MOST).ok_or_else(|| damaged("its list makes no sense"))?;
        let mut list = vec![0; usize::try_from(size).unwrap_or(0)];
        file.read_at(&mut list, at).map_err(fail)?;
        if crc32fast::hash(&list) != crc {
            return Err(damaged("the checksum of its list is wrong"));
        }
        let entries = String::from_utf8_lossy(&list).lines().filter_map(entry).collect();
        Ok(Self { file: Arc::new(file), entries })
    }
}

fn entry(line: &str) -> Option<(PathBuf, (u64, u64))> {
    let mut words = line.splitn(4, ' ');
    let (offset, length, _crc, path) = (words.next()?, words.next()?, words.next()?, words.next()?);
    Some((PathBuf::from(path), (offset.parse().ok()?, length.parse().ok()?)))
}

fn read_only<T>() -> io::Result<T> {
    Err(io::Error::new(ErrorKind::ReadOnlyFilesystem, "a snapshot can only be read"))
}

impl Disk for Archive {
    fn make_folder(&self, _: &Path) -> io::Result<()> {
        read_only()
    }

    fn list(&self, folder: &Path) -> io::Result<Vec<String>> {
        let within = self.entries.keys().filter_map(|path| path.strip_prefix(folder).ok());
        let mut names: Vec<String> =
            within.filter_map(|path| path.components().next()?.as_os_str().to_str().map(str::to_owned)).collect();
        names.sort();
        names.dedup();
        Ok(names)
    }

    fn create(&self, _: &Path) -> io::Result<Box<dyn Output>> {
        read_only()
    }

    fn extend(&self, _: &Path, _: u64) -> io::Result<Box<dyn Output>> {
        read_only()
    }

    fn sync_file(&self, _: &Path) -> io::Result<()> {
        read_only()
    }

    fn open(&self, path: &Path) -> io::Result<Box<dyn Input>> {
        let (at, length) = *self.entries.get(path).ok_or(ErrorKind::NotFound)?;
        Ok(Box::new(Window { file: Arc::clone(&self.file), at, length }))
    }

    fn rename(&self, _: &Path, _: &Path) -> io::Result<()> {
        read_only()
    }

    fn remove_file(&self, _: &Path) -> io::Result<()> {
        read_only()
    }

    fn remove_folder(&self, _: &Path) -> io::Result<()> {
        read_only()
    }

    fn sync_folder(&self, _: &Path) -> io::Result<()> {
        read_only()
    }

    fn lock(&self, _: &Path) -> io::Result<Option<Box<dyn Send + std::fmt::Debug>>> {
        read_only()
    }
}

/// A file within a snapshot.
#[derive(Debug)]
struct Window {
    file: Arc<File>,
    at: u64,
    length: u64,
}

impl Input for Window {
    fn length(&self) -> io::Result<u64> {
        Ok(self.length)
    }

    fn read_at(&self, buffer: &mut [u8], at: u64) -> io::Result<usize> {
        let left = usize::try_from(self.length.saturating_sub(at)).unwrap_or(usize::MAX);
        let count = buffer.len().min(left);
        let Some(buffer) = buffer.get_mut(..count) else { return Ok(0) };
        Input::read_at(&*self.file, buffer, self.at.saturating_add(at))
    }
}
