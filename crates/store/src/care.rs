//! What people do with a history at a desk: look at it, check it, carry it away.

use std::io::Write;
use std::path::Path;
use std::sync::Arc;

use procyon_history::HistoryError;
use procyon_units::{Bytes, Wall};

use crate::archive;
use crate::block::manifest;
use crate::block::merge::file_names;
use crate::block::open::Block;
use crate::disk::{Disk, RealDisk};
use crate::export::{self, Format};
use crate::failure::failed;
use crate::folder::Folder;
use crate::log::Log;
use crate::reader::{Reader, again, has_vanished};

/// What a history holds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Info {
    /// Instant of the first frame.
    pub from: Option<Wall>,
    /// Instant of the last frame.
    pub to: Option<Wall>,
    /// Blocks, each a folder of Parquet files.
    pub folders: usize,
    /// Logs, whose content is not in blocks yet.
    pub logs: usize,
    /// Frames.
    pub frames: u64,
    /// Rows of processes in blocks: only what changed is a row.
    pub process_rows: u64,
    /// Room on disk.
    pub bytes: Bytes,
}

/// Something that is wrong with a history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The file, within the folder of the history.
    pub file: String,
    /// What is wrong with it.
    pub what: String,
    /// The time that is concerned, where the file tells.
    pub from: Option<Wall>,
    /// Its end.
    pub to: Option<Wall>,
}

/// The files of a history.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Files<'a> {
    /// Those of a folder.
    Folder(&'a Path),
    /// Those in a file that [`snapshot`] wrote.
    Snapshot(&'a Path),
}

impl Files<'_> {
    fn open(&self) -> Result<(Arc<dyn Disk>, &Path), HistoryError> {
        Ok(match self {
            Self::Folder(path) => (Arc::new(RealDisk), path),
            Self::Snapshot(file) => (Arc::new(archive::Archive::open(file)?), Path::new("")),
        })
    }
}

/// What a history holds.
pub fn info(files: Files<'_>) -> Result<Info, HistoryError> {
    let (disk, dir) = files.open()?;
    info_on(disk, dir)
}

pub(crate) fn info_on(disk: Arc<dyn Disk>, dir: &Path) -> Result<Info, HistoryError> {
    let folder = Folder::new(Arc::clone(&disk), dir);
    folder.check()?;
    let mut info = Info { bytes: Bytes(folder.bytes()?), logs: folder.log_numbers()?.len(), ..Info::default() };
    for name in folder.block_names()? {
        info.folders += 1;
        // What is damaged is for `verify` to tell.
        if let Ok(block) = Block::open(&folder, name) {
            info.process_rows += block.manifest.groups.iter().map(|group| group.rows).sum::<u64>();
        }
    }
    let reader = Reader::new(disk, dir);
    for stretch in again(|| reader.stretches())? {
        info.frames += stretch.frames;
        info.from = Some(info.from.map_or(stretch.first, |from| from.min(stretch.first)));
        info.to = Some(info.to.map_or(stretch.last, |to| to.max(stretch.last)));
    }
    Ok(info)
}

/// Reads everything and compares it with its checksums; `progress` is told how many parts of how many are done.
pub fn verify(files: Files<'_>, progress: &mut dyn FnMut(usize, usize)) -> Result<Vec<Problem>, HistoryError> {
    let Files::Snapshot(file) = files else {
        let (disk, dir) = files.open()?;
        return verify_on(disk, dir, progress);
    };
    let archive = archive::Archive::open(file)?;
    let damaged = archive.damaged();
    let mut problems = verify_on(Arc::new(archive), Path::new(""), progress)?;
    for file in damaged {
        // What is wrong within is told already.
        if !problems.iter().any(|problem| problem.file == file) {
            problems.push(Problem { file, what: "its checksum is wrong".to_owned(), from: None, to: None });
        }
    }
    Ok(problems)
}

pub(crate) fn verify_on(
    disk: Arc<dyn Disk>,
    dir: &Path,
    progress: &mut dyn FnMut(usize, usize),
) -> Result<Vec<Problem>, HistoryError> {
    let folder = Folder::new(disk, dir);
    folder.check()?;
    let (names, logs) = (folder.block_names()?, folder.log_numbers()?);
    let count = names.len() + logs.len();
    let mut problems = Vec::new();
    for (done, name) in names.iter().enumerate() {
        progress(done, count);
        let (from, to) = (Some(Wall::from_unix_ms(name.from_ms)), Some(Wall::from_unix_ms(name.to_ms)));
        let mut note = |file: &str, error: HistoryError| match error {
            // It became part of another one, or went with its age.
            error if has_vanished(&error) && !folder.block_names()?.contains(name) => Ok(()),
            HistoryError::Damaged { how, .. } => {
                problems.push(Problem { file: format!("blocks/{name}/{file}"), what: how, from, to });
                Ok(())
            }
            HistoryError::Io { attempt, source } => {
                problems.push(Problem {
                    file: format!("blocks/{name}/{file}"),
                    what: format!("could not {attempt}: {source}"),
                    from,
                    to,
                });
                Ok(())
            }
            other => Err(other),
        };
        match Block::open(&folder, *name) {
            Err(error) => note(manifest::FILE, error)?,
            Ok(block) => {
                for file in file_names() {
                    if let Err(error) = block.verify(file) {
                        note(&format!("{file}.parquet"), error)?;
                    }
                }
            }
        }
    }
    for (at, seq) in logs.iter().enumerate() {
        progress(names.len() + at, count);
        match verify_log(&folder, *seq, logs.last() == Some(seq)) {
            // It became a block.
            Err(error) if has_vanished(&error) => {}
            problem => problems.extend(problem?),
        }
    }
    for seq in folder.damaged_numbers()? {
        let what = "a part of it could not be read; what could is in a block. Keep a copy if that part matters, then remove it";
        let file = folder.damaged_log(seq);
        let file = file.strip_prefix(dir).unwrap_or(&file).display().to_string();
        problems.push(Problem { file, what: what.to_owned(), from: None, to: None });
    }
    progress(count, count);
    Ok(problems)
}

/// What is wrong with a log. The newest one may end in the middle of a record, because it is being written.
fn verify_log(folder: &Folder, seq: u64, newest: bool) -> Result<Option<Problem>, HistoryError> {
    let log = Log::new(Arc::clone(&folder.disk), folder.log(seq));
    let mut last = None;
    let mut sound = true;
    let mut replay = crate::replay::Replay::default();
    let end = log.records(|record| {
        match replay.apply(record, |_, _, _| {}) {
            Ok(at_ms) => last = Some(Wall::from_unix_ms(at_ms)),
            Err(_) => sound = false,
        }
        sound
    })?;
    let length = folder.disk.open(&log.path).and_then(|input| input.length());
    let length = length.map_err(|error| failed("read", &log.path, error))?;
    let torn = || log.is_torn(end).map_err(|error| failed("read", &log.path, error));
    if sound && (end == length || (newest && torn()?)) {
        return Ok(None);
    }
    let what = format!("cannot be read beyond byte {end} of {length}");
    Ok(Some(Problem { file: format!("log/{seq:016}.log"), what, from: last, to: None }))
}

/// Writes what processes did between two instants, both included: a row for each process and frame in which something of it changed.
/// Answers how many rows.
pub fn export(
    files: Files<'_>,
    from: Wall,
    to: Wall,
    format: Format,
    out: &mut (dyn Write + Send),
) -> Result<u64, HistoryError> {
    let (disk, dir) = files.open()?;
    let folder = Folder::new(disk, dir);
    folder.check()?;
    export::export(&Reader::new(folder.disk, dir), (from, to), format, out)
}

/// Copies the frames between two instants, both included, into one file, which [`open_file`] reads.
pub fn snapshot(dir: &Path, from: Wall, to: Wall, out: &Path) -> Result<Info, HistoryError> {
    let folder = Folder::new(Arc::new(RealDisk), dir);
    if !folder.check()? {
        return Err(HistoryError::Empty);
    }
    archive::write(&folder, (from, to), out)?;
    info_on(Arc::new(archive::Archive::open(out)?), Path::new(""))
}

/// Opens a file that [`snapshot`] wrote, to ask it. Reads all of it once: the second half of the answer names the files in it
/// that are damaged; what they hold is left out of answers.
pub fn open_file(path: &Path) -> Result<(Reader, Vec<String>), HistoryError> {
    let archive = archive::Archive::open(path)?;
    let damaged = archive.damaged();
    let reader = Reader::new(Arc::new(archive), Path::new(""));
    reader.check()?;
    Ok((reader, damaged))
}
