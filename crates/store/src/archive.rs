//! A piece of history in one file: the files of its folder one after the other, and at the end a list of them. Blocks that
//! reach beyond the range are cut: their frames in it stand in a log.
//!
//! ```text
//! procyon snapshot 1 · content of files … · list: one line `OFFSET LENGTH CRC PATH` each · length of the list · its CRC · mark
//! ```

use std::collections::{BTreeMap, HashSet};
use std::fmt::Write as _;
use std::fs::File;
use std::io::{self, BufWriter, ErrorKind, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use procyon_history::{History as _, HistoryError};
use procyon_model::Frame;
use procyon_units::Wall;

use crate::answer::frame::frame;
use crate::answer::stream;
use crate::block::Name;
use crate::disk::{Disk, Input, Output};
use crate::encoder::Encoder;
use crate::failure::failed;
use crate::folder::Folder;
use crate::frames::{Packer, header};
use crate::reader::{Piece, Reader, again};
use crate::segment::Segment;

/// The first and the last bytes.
const MARK: &[u8; 20] = b"procyon snapshot 1\n\0";
/// Length of what stands at the end: length of the list, its CRC, the mark.
const TAIL: u64 = 8 + 4 + 20;
/// Longest list.
const MOST: u64 = 64 << 20;
/// Bytes that are copied at a time.
const PIECE: usize = 256 << 10;

/// Writes the frames between two instants, both included.
pub(crate) fn write(folder: &Folder, range: (Wall, Wall), out: &Path) -> Result<(), HistoryError> {
    // It has its name once it is whole.
    let mut unfinished = out.as_os_str().to_owned();
    unfinished.push(".part");
    let unfinished = PathBuf::from(unfinished);
    // Blocks may be put together, or go with their age, meanwhile.
    let written = again(|| write_once(folder, range, &unfinished));
    let named = written.and_then(|()| std::fs::rename(&unfinished, out).map_err(|error| failed("write", out, error)));
    if named.is_err()
        && let Err(error) = std::fs::remove_file(&unfinished)
    {
        tracing::debug!(%error, file = %unfinished.display(), "could not remove what was begun");
    }
    named
}

fn write_once(folder: &Folder, (from, to): (Wall, Wall), out: &Path) -> Result<(), HistoryError> {
    let reader = Reader::new(Arc::clone(&folder.disk), &folder.path);
    let mut pieces = reader.pieces()?;
    let extent = reader.extent()?.ok_or(HistoryError::Empty)?;
    let whole: HashSet<Name> = pieces.iter().filter_map(|piece| piece.block).collect();
    let within = |name: &Name| {
        pieces.iter().filter(|piece| piece.block == Some(*name)).all(|piece| piece.stretch.within(from, to))
    };
    let whole: HashSet<Name> = whole.into_iter().filter(within).collect();
    pieces.retain(|piece| piece.stretch.touches(from, to));
    if pieces.is_empty() {
        let at = if from > extent.last { from } else { to };
        return Err(HistoryError::Before { at, extent });
    }
    fill(Target::create(out)?, folder, (&pieces, &whole), (from, to))
}

fn fill(
    mut target: Target,
    folder: &Folder,
    (pieces, whole): (&[Piece], &HashSet<Name>),
    range: (Wall, Wall),
) -> Result<(), HistoryError> {
    target.put(MARK)?;
    target.copy(folder, Path::new("format"))?;
    let mut copied = HashSet::new();
    let before = std::iter::once(None).chain(pieces.iter().map(Some));
    for (Piece { seq, block, stretch }, before) in pieces.iter().zip(before) {
        match block {
            Some(name) if whole.contains(name) => {
                if copied.insert(name) {
                    let block = PathBuf::from("blocks").join(name.to_string());
                    let path = folder.path.join(&block);
                    let files = folder.list(&path)?;
                    if files.is_empty() {
                        return Err(failed("list", &path, ErrorKind::NotFound.into()));
                    }
                    for file in files {
                        target.copy(folder, &block.join(file))?;
                    }
                }
            }
            // What reaches beyond the range is written anew, as a log that goes on from the last frame before it.
            _ => {
                // Where the clock was set back, what was so before does not lead to what comes.
                let before = before.filter(|piece| piece.stretch.last < stretch.first);
                let before = before.map(|piece| frame(&*piece.stretch.segment, piece.stretch.last.unix_ms()));
                target.cut(&*stretch.segment, *seq, range, before.transpose()?.flatten())?;
            }
        }
    }
    target.finish()
}

struct Target {
    path: PathBuf,
    file: BufWriter<File>,
    at: u64,
    /// Of what was put since the last entry.
    crc: crc32fast::Hasher,
    list: String,
}

impl Target {
    fn create(path: &Path) -> Result<Self, HistoryError> {
        let file = File::create(path).map_err(|error| failed("write", path, error))?;
        let (file, crc) = (BufWriter::with_capacity(PIECE, file), crc32fast::Hasher::new());
        Ok(Self { path: path.to_owned(), file, at: 0, crc, list: String::new() })
    }

    fn put(&mut self, bytes: &[u8]) -> Result<(), HistoryError> {
        self.file.write_all(bytes).map_err(|error| failed("write", &self.path, error))?;
        self.crc.update(bytes);
        self.at += u64::try_from(bytes.len()).unwrap_or(0);
        Ok(())
    }

    /// Begins a file; answers where.
    fn begin(&mut self) -> u64 {
        self.crc = crc32fast::Hasher::new();
        self.at
    }

    /// Lists the file that was begun.
    fn end(&mut self, start: u64, path: &Path) -> Result<(), HistoryError> {
        let (length, crc) = (self.at - start, self.crc.clone().finalize());
        let line = writeln!(self.list, "{start} {length} {crc:x} {}", path.display());
        line.map_err(|error| failed("write", &self.path, io::Error::other(error)))
    }

    fn copy(&mut self, folder: &Folder, path: &Path) -> Result<(), HistoryError> {
        let source = folder.path.join(path);
        let fail = |error| failed("copy", &source, error);
        let input = folder.disk.open(&source).map_err(fail)?;
        let length = input.length().map_err(fail)?;
        let start = self.begin();
        let mut buffer = vec![0; PIECE];
        let mut done = 0;
        while done < length {
            let count = input.read_at(&mut buffer, done).map_err(fail)?;
            let left = usize::try_from(length - done).unwrap_or(usize::MAX);
            let Some(piece) = buffer.get(..count.min(left)).filter(|piece| !piece.is_empty()) else { break };
            self.put(piece)?;
            done += u64::try_from(piece.len()).unwrap_or(0);
        }
        self.end(start, path)
    }

    fn cut(
        &mut self,
        segment: &dyn Segment,
        seq: u64,
        range: (Wall, Wall),
        before: Option<Frame>,
    ) -> Result<(), HistoryError> {
        let out = self.path.clone();
        let fail = |error| failed("write", &out, error);
        let mut packer = Packer::new().map_err(fail)?;
        let mut encoder = Encoder::default();
        let start = self.begin();
        self.put(&header())?;
        if let Some(before) = before {
            drop(encoder.frame(&before));
            if let Some(carried) = encoder.carry() {
                self.put(&packer.pack(&carried).map_err(fail)?)?;
            }
        }
        stream::frames(segment, range, |frame| self.put(&packer.pack(&encoder.frame(&frame)).map_err(fail)?))?;
        self.end(start, &PathBuf::from("log").join(format!("{seq:016}.log")))
    }

    fn finish(mut self) -> Result<(), HistoryError> {
        let list = std::mem::take(&mut self.list).into_bytes();
        let length = u64::try_from(list.len()).unwrap_or(0);
        self.put(&list)?;
        self.put(&length.to_le_bytes())?;
        self.put(&crc32fast::hash(&list).to_le_bytes())?;
        self.put(MARK)?;
        let synced = self.file.flush().and_then(|()| self.file.get_ref().sync_all());
        synced.map_err(|error| failed("write", &self.path, error))
    }
}

/// An open snapshot: a disk that can only be read.
#[derive(Debug)]
pub(crate) struct Archive {
    file: Arc<File>,
    entries: BTreeMap<PathBuf, Entry>,
}

/// Where a file stands in a snapshot.
#[derive(Debug, Clone, Copy)]
struct Entry {
    at: u64,
    length: u64,
    crc: u32,
}

impl Archive {
    pub(crate) fn open(path: &Path) -> Result<Self, HistoryError> {
        let fail = |error| failed("read", path, error);
        let damaged = |how: &str| HistoryError::Damaged { what: path.display().to_string(), how: how.to_owned() };
        let file = File::open(path).map_err(fail)?;
        let length = file.length().map_err(fail)?;
        let mut mark = [0; MARK.len()];
        if file.read_at(&mut mark, 0).map_err(fail)? != mark.len() || mark != *MARK {
            return Err(HistoryError::NoSnapshot(path.display().to_string()));
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

    /// Reads everything; answers with the files whose content is not what was written.
    pub(crate) fn damaged(&self) -> Vec<String> {
        let wrong = |entry: &&Entry| self.crc(entry).ok() != Some(entry.crc);
        let files = self.entries.iter().filter(|(_, entry)| wrong(entry));
        files.map(|(path, _)| path.display().to_string()).collect()
    }

    fn crc(&self, entry: &Entry) -> io::Result<u32> {
        let mut crc = crc32fast::Hasher::new();
        let mut buffer = vec![0; PIECE];
        let mut done = 0;
        while done < entry.length {
            let left = usize::try_from(entry.length - done).unwrap_or(usize::MAX).min(buffer.len());
            let Some(room) = buffer.get_mut(..left) else { break };
            let count = Input::read_at(&*self.file, room, entry.at.saturating_add(done))?;
            let Some(piece) = room.get(..count).filter(|piece| !piece.is_empty()) else { break };
            crc.update(piece);
            done += u64::try_from(count).unwrap_or(0);
        }
        Ok(crc.finalize())
    }
}

fn entry(line: &str) -> Option<(PathBuf, Entry)> {
    let mut words = line.splitn(4, ' ');
    let (offset, length, crc, path) = (words.next()?, words.next()?, words.next()?, words.next()?);
    let crc = u32::from_str_radix(crc, 16).ok()?;
    Some((PathBuf::from(path), Entry { at: offset.parse().ok()?, length: length.parse().ok()?, crc }))
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
        let Entry { at, length, .. } = *self.entries.get(path).ok_or(ErrorKind::NotFound)?;
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
