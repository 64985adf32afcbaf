//! From a closed log to a block: reads the log back, sorts by thing and writes one column after the other.

use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use parquet::errors::ParquetError;
use parquet::file::writer::SerializedFileWriter;
use procyon_history::HistoryError;

use crate::answer::lives::{self, Life, Window};
use crate::block::manifest::{self, Group, Manifest, Sums};
use crate::block::schema::{self, DESCRIPTORS, Physical, SUMMARY};
use crate::block::write::{self, Target};
use crate::block::{Name, UNFINISHED};
use crate::column::{Column, Shape};
use crate::disk::Disk;
use crate::failure::failed;
use crate::figure::{FIGURES, Figure};
use crate::folder::Folder;
use crate::kinds::process::{self, Process};
use crate::kinds::{COUNT, Kind, columns, width};
use crate::log::Log;
use crate::row;
use crate::segment::marks;
use crate::texts::Texts;
use crate::varint::{self, Cursor, Nonsense};
use crate::{record, utf8};

/// Columns that are taken from the rows at a time, which bounds the memory that they take.
const AT_A_TIME: usize = 16;

/// Makes a block of a log and removes the log; none when there is no frame in it.
pub(crate) fn build(folder: &Folder, seq: u64) -> Result<Option<Name>, HistoryError> {
    let log = Log { disk: Arc::clone(&folder.disk), path: folder.log(seq) };
    let marks = marks(&log, i64::MAX)?;
    let name = match (marks.first(), marks.last()) {
        (Some(first), Some(last)) => {
            let name = Name { first: seq, last: seq, from_ms: first.at_ms, to_ms: last.at_ms };
            let group = Group {
                seq,
                first: first.wall,
                last: last.wall,
                frames: u64::try_from(marks.len()).unwrap_or(u64::MAX),
                covered: marks.iter().map(|mark| mark.covered).sum(),
                interval: last.interval,
                rows: 0,
            };
            finish(folder, name, |path| fill(folder, path, &log, group, &Window::new(marks)))?;
            Some(name)
        }
        // What cannot be read here, another version or the user may be able to.
        _ if log.is_strange()? => return Ok(None),
        _ => None,
    };
    folder.disk.remove_file(&log.path).map_err(|error| failed("remove", &log.path, error))?;
    Ok(name)
}

/// Makes a folder whose files `fill` writes, and gives it its name when it is whole.
pub(crate) fn finish(
    folder: &Folder,
    name: Name,
    fill: impl FnOnce(&Path) -> Result<Manifest, HistoryError>,
) -> Result<(), HistoryError> {
    let (disk, blocks) = (&*folder.disk, folder.blocks());
    let unfinished = blocks.join(format!("{name}{UNFINISHED}"));
    let path = blocks.join(name.to_string());
    // What an attempt that failed left behind.
    for old in [&unfinished, &path] {
        match disk.remove_folder(old) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(failed("remove", old, error)),
            _ => {}
        }
    }
    disk.make_folder(&unfinished).map_err(|error| failed("make", &unfinished, error))?;
    let manifest = fill(&unfinished)?;
    let file = unfinished.join(manifest::FILE);
    let save = || -> std::io::Result<()> {
        let mut output = disk.create(&file)?;
        output.write_all(manifest.text().as_bytes())?;
        output.sync()?;
        disk.sync_folder(&unfinished)?;
        disk.rename(&unfinished, &path)?;
        disk.sync_folder(&blocks)
    };
    save().map_err(|error| failed("write", &file, error))
}

fn fill(folder: &Folder, path: &Path, log: &Log, mut group: Group, window: &Window) -> Result<Manifest, HistoryError> {
    let disk = &*folder.disk;
    let mut manifest = Manifest::default();
    // Processes are most of a log; they and the rest are held in memory one after the other.
    for process in [true, false] {
        let kinds = Chains::read(log, |kind| (kind == Process::AT) == process)?;
        for (kind, chains) in kinds.kinds.iter().enumerate().filter(|(_, chains)| !chains.is_empty()) {
            let name = schema::kind_name(kind);
            manifest
                .files
                .insert(name.to_owned(), kind_file(disk, &write::path(path, name), kind, chains, &kinds.texts)?);
            if kind == Process::AT {
                group.rows = chains.iter().map(|chain| chain.rows).sum();
                let file = write::path(path, DESCRIPTORS);
                manifest.files.insert(DESCRIPTORS.to_owned(), descriptor_file(disk, &file, &kinds.texts)?);
            }
        }
    }
    let all: Vec<&Figure> = summed().collect();
    let (lives, texts) = lives::of_rows(log, window, &all, true)?;
    if !lives.is_empty() {
        let sums = summary_file(disk, &write::path(path, SUMMARY), &lives, &texts)?;
        manifest.files.insert(SUMMARY.to_owned(), sums);
    }
    manifest.groups.push(group);
    Ok(manifest)
}

/// The rows of each thing, as they stand in the log.
struct Chains {
    kinds: [Vec<Chain>; COUNT],
    texts: Texts,
}

#[derive(Default)]
struct Chain {
    /// For each row: time since the row before, length, bytes.
    bytes: Vec<u8>,
    rows: u64,
    last_ms: i64,
}

impl Chains {
    fn read(log: &Log, wanted: impl Fn(usize) -> bool) -> Result<Self, HistoryError> {
        let mut chains = Self { kinds: std::array::from_fn(|_| Vec::new()), texts: Texts::default() };
        log.records(|record| chains.take(record, &wanted).is_ok())?;
        Ok(chains)
    }

    fn take(&mut self, bytes: &[u8], wanted: &impl Fn(usize) -> bool) -> Result<(), Nonsense> {
        let mut cursor = Cursor(bytes);
        let at_ms = record::head(&mut cursor, &mut self.texts)?;
        for (kind, chains) in self.kinds.iter_mut().enumerate() {
            let mut rows = record::kind(&mut cursor)?;
            if !wanted(kind) {
                continue;
            }
            while let Some((thing, row)) = record::next_row(&mut rows)? {
                if chains.len() <= thing {
                    chains.resize_with(thing + 1, Chain::default);
                }
                let Some(chain) = chains.get_mut(thing) else { continue };
                varint::put_signed(&mut chain.bytes, at_ms.wrapping_sub(chain.last_ms));
                varint::put_len(&mut chain.bytes, row.0.len());
                chain.bytes.extend_from_slice(row.0);
                chain.last_ms = at_ms;
                chain.rows += 1;
            }
        }
        Ok(())
    }
}

impl Chain {
    /// Shows each row: its instant, what precedes its cells, the cells before and after.
    fn rows(&self, kind: usize, mut show: impl FnMut(i64, row::Head, &[i64], &[i64])) {
        let mut cursor = Cursor(&self.bytes);
        let mut at_ms: i64 = 0;
        let (mut old, mut new) = (vec![0; width(kind)], vec![0; width(kind)]);
        while !cursor.is_empty() {
            let mut next = || -> Result<row::Head, Nonsense> {
                at_ms = at_ms.wrapping_add(cursor.signed()?);
                let length = cursor.length()?;
                old.copy_from_slice(&new);
                row::apply(&mut Cursor(cursor.bytes(length)?), columns(kind), &mut new)
            };
            let Ok(head) = next() else { return };
            show(at_ms, head, &old, &new);
        }
    }
}

fn kind_file(disk: &dyn Disk, path: &Path, kind: usize, chains: &[Chain], texts: &Texts) -> Result<Sums, HistoryError> {
    let layout = schema::of_kind(columns(kind));
    let fail = |error| failed("write", path, write::cause(error));
    let (schema, properties) =
        (schema::schema(&layout).map_err(fail)?, schema::properties(true, &noisy(kind)).map_err(fail)?);
    write::file(disk, path, schema, properties, |writer| {
        let mut group = writer.next_row_group()?;
        let mut fixed: [Vec<i64>; 4] = std::array::from_fn(|_| Vec::new());
        for (thing, chain) in (0_i64..).zip(chains) {
            chain.rows(kind, |at_ms, head, _, _| {
                for (column, value) in fixed.iter_mut().zip([at_ms, thing, i64::from(head.flags), head.start]) {
                    column.push(value);
                }
            });
        }
        for column in fixed {
            write::whole(&mut group, &column)?;
        }
        let mut places: Vec<usize> = Vec::new();
        for (place, _) in columns(kind).iter().enumerate() {
            places.push(place);
            if places.len() == AT_A_TIME || place + 1 == width(kind) {
                some_columns(&mut group, kind, &places, chains, texts)?;
                places.clear();
            }
        }
        group.close()?;
        Ok(())
    })
}

/// Columns that seldom hold the same twice: floats, and counters that count much.
fn noisy(kind: usize) -> Vec<&'static str> {
    const BUSY: [usize; 7] = [
        process::READ_CHARS,
        process::WRITTEN_CHARS,
        process::READ_CALLS,
        process::WRITE_CALLS,
        process::VOLUNTARY,
        process::INVOLUNTARY,
        process::MINOR,
    ];
    let all = columns(kind).iter().enumerate();
    let is = |place, column: &Column| column.shape == Shape::Float || (kind == Process::AT && BUSY.contains(&place));
    all.filter(|(place, column)| is(*place, column)).map(|(_, column)| column.name).collect()
}

/// Writes a few columns.
fn some_columns(
    group: &mut write::Group<'_>,
    kind: usize,
    places: &[usize],
    chains: &[Chain],
    texts: &Texts,
) -> Result<(), ParquetError> {
    let rows = chains.iter().map(|chain| usize::try_from(chain.rows).unwrap_or(0)).sum();
    let mut taken: Vec<(usize, Shape, Vec<i64>)> = Vec::new();
    for place in places {
        if let Some(column) = columns(kind).get(*place) {
            taken.push((*place, column.shape, Vec::with_capacity(rows)));
        }
    }
    for chain in chains {
        chain.rows(kind, |_, _, old, new| {
            for (place, shape, values) in &mut taken {
                let value = new.get(*place).copied().unwrap_or(0);
                values.push(match shape {
                    Shape::Counter(_) => value.wrapping_sub(old.get(*place).copied().unwrap_or(0)),
                    _ => value,
                });
            }
        });
    }
    for (_, shape, values) in taken {
        match shape.physical() {
            Physical::Text => write_texts(group, &values, texts)?,
            Physical::Float => write::floats(group, &values)?,
            Physical::Whole | Physical::Time => write::whole(group, &values)?,
        }
    }
    Ok(())
}

/// Texts, given by their numbers.
fn write_texts(group: &mut write::Group<'_>, numbers: &[i64], texts: &Texts) -> Result<(), ParquetError> {
    let mut known: std::collections::HashMap<i64, Bytes> = std::collections::HashMap::new();
    let values =
        numbers.iter().map(|number| known.entry(*number).or_insert_with(|| plain(&texts.word(*number))).clone());
    write::texts(group, values)
}

/// Text as it stands in files.
fn plain(text: &[u8]) -> Bytes {
    Bytes::copy_from_slice(utf8::encode(text).as_bytes())
}

/// Columns of the file of descriptors.
pub(crate) const DESCRIPTOR_COLUMNS: &[(&str, Physical)] = &[
    ("process_descriptor", Physical::Whole),
    ("process_name", Physical::Text),
    ("process_command_line", Physical::Text),
    ("process_executable", Physical::Text),
    ("process_working_directory", Physical::Text),
    ("process_cgroup", Physical::Text),
    ("process_user", Physical::Text),
    ("process_container", Physical::Text),
    ("process_systemd_unit", Physical::Text),
    ("process_title", Physical::Text),
    ("process_command_line_truncated", Physical::Whole),
];

fn descriptor_file(disk: &dyn Disk, path: &Path, texts: &Texts) -> Result<Sums, HistoryError> {
    let fail = |error| failed("write", path, write::cause(error));
    let schema = schema::schema(DESCRIPTOR_COLUMNS).map_err(fail)?;
    let all = texts.descriptors();
    write::file(disk, path, schema, schema::properties(false, &[]).map_err(fail)?, |writer| {
        let mut group = writer.next_row_group()?;
        write::whole(&mut group, &(0..).take(all.len()).collect::<Vec<i64>>())?;
        write::texts(&mut group, all.iter().map(|d| plain(&d.name)))?;
        write::texts(&mut group, all.iter().map(|d| plain(&d.cmd)))?;
        write::texts(&mut group, all.iter().map(|d| plain(&d.exe)))?;
        write::texts(&mut group, all.iter().map(|d| plain(&d.cwd)))?;
        write::texts(&mut group, all.iter().map(|d| plain(&d.cgroup)))?;
        write::texts(&mut group, all.iter().map(|d| plain(&d.user)))?;
        write::texts(&mut group, all.iter().map(|d| plain(&d.container)))?;
        write::texts(&mut group, all.iter().map(|d| plain(&d.unit)))?;
        write::texts(&mut group, all.iter().map(|d| plain(&d.title)))?;
        write::whole(&mut group, &all.iter().map(|d| i64::from(d.cmd_truncated)).collect::<Vec<_>>())?;
        group.close()?;
        Ok(())
    })
}

/// Columns of the summary before those of figures.
pub(crate) const SUMMARY_COLUMNS: &[(&str, Physical)] = &[
    ("thing", Physical::Whole),
    ("process_pid", Physical::Whole),
    ("process_start_ticks", Physical::Whole),
    ("process_boot", Physical::Whole),
    ("process_descriptor", Physical::Whole),
    ("process_label", Physical::Text),
    ("process_start_timestamp_nanoseconds", Physical::Whole),
    ("first_nanoseconds", Physical::Whole),
    ("last_nanoseconds", Physical::Whole),
    ("ended_nanoseconds", Physical::Whole),
];

/// Figures that have a sum in the summary; the others are added up from rows.
fn summed() -> impl Iterator<Item = &'static Figure> {
    const NOT: [&str; 7] = ["runq", "rchar", "wchar", "vsize", "uss", "threads", "fds"];
    FIGURES.iter().filter(|figure| !NOT.contains(&figure.id))
}

/// An instant that there is none of.
pub(crate) const NEVER: i64 = i64::MIN;

fn summary_file(disk: &dyn Disk, path: &Path, lives: &[Life], texts: &Texts) -> Result<Sums, HistoryError> {
    let fail = |error| failed("write", path, write::cause(error));
    let mut layout = SUMMARY_COLUMNS.to_vec();
    layout.extend(summed().map(|figure| (figure.sum, Physical::Float)));
    let schema = schema::schema(&layout).map_err(fail)?;
    write::file(disk, path, schema, schema::properties(false, &[]).map_err(fail)?, |writer| {
        fill_summary(writer, lives, texts)
    })
}

fn fill_summary(writer: &mut SerializedFileWriter<Target>, lives: &[Life], texts: &Texts) -> Result<(), ParquetError> {
    let mut group = writer.next_row_group()?;
    let mut column =
        |take: &dyn Fn(&Life) -> i64| write::whole(&mut group, &lives.iter().map(take).collect::<Vec<_>>());
    column(&|life| i64::try_from(life.thing).unwrap_or(0))?;
    column(&|life| i64::from(life.key.pid))?;
    column(&|life| life.key.start.0.cast_signed())?;
    column(&|life| i64::from(life.key.boot))?;
    column(&|life| life.descriptor)?;
    write_texts(&mut group, &lives.iter().map(|life| life.label).collect::<Vec<_>>(), texts)?;
    let mut column =
        |take: &dyn Fn(&Life) -> i64| write::whole(&mut group, &lives.iter().map(take).collect::<Vec<_>>());
    column(&|life| life.started)?;
    column(&|life| life.seen.map_or(NEVER, |(first, _)| first.0))?;
    column(&|life| life.seen.map_or(NEVER, |(_, last)| last.0))?;
    column(&|life| life.ended.map_or(NEVER, |ended| ended.0))?;
    for (place, _) in summed().enumerate() {
        let bits = |life: &Life| life.used.get(place).copied().unwrap_or(0.0).to_bits().cast_signed();
        write::floats(&mut group, &lives.iter().map(bits).collect::<Vec<_>>())?;
    }
    group.close()?;
    Ok(())
}
