//! From a closed log to a block: reads the log back, sorts by thing and writes one column after the other.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use procyon_history::HistoryError;

use crate::answer::lives::{self, Life, Who, Window};
use crate::block::manifest::{self, Group, Manifest, Sums};
use crate::block::schema::{self, DESCRIPTORS, Physical, SUMMARY};
use crate::block::table::{Monos, Table, Tables, Told};
use crate::block::write;
use crate::block::{Name, UNFINISHED};
use crate::disk::Disk;
use crate::failure::failed;
use crate::figure::{self, FIGURES, Figure};
use crate::folder::Folder;
use crate::kinds::host::Host;
use crate::kinds::process::Process;
use crate::kinds::{Kind, columns};
use crate::log::Log;
use crate::segment::{Mark, marks};
use crate::texts::Texts;
use crate::{record, utf8};

/// Makes a block of a log and lets the log go; none when there is no frame in it.
pub(crate) fn build(folder: &Folder, seq: u64) -> Result<Option<Name>, HistoryError> {
    let log = Log::new(Arc::clone(&folder.disk), folder.log(seq));
    // Processes are most of a log; they and the rest are held in memory one after the other.
    let processes = Tables::read(&log, |kind| kind == Process::AT || kind == Host::AT)?;
    let end = processes.end;
    let marks = marks(&processes, i64::MAX)?;
    let name = match (marks.first(), marks.last()) {
        (Some(first), Some(last)) => {
            let name = Name { first: seq, last: seq, from_ms: first.at_ms, to_ms: last.at_ms };
            finish(folder, name, |path| fill(folder, path, (&log, seq), processes, marks))?;
            Some(name)
        }
        // What cannot be read here, another version or the user may be able to.
        _ if log.is_strange()? => return Ok(None),
        _ => None,
    };
    folder.let_go(seq, end)?;
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

fn fill(
    folder: &Folder,
    path: &Path,
    (log, seq): (&Log, u64),
    processes: Tables,
    marks: Vec<Mark>,
) -> Result<Manifest, HistoryError> {
    let disk = &*folder.disk;
    let mut manifest = Manifest::default();
    let (Some(first), Some(last)) = (marks.first(), marks.last()) else { return Err(HistoryError::Empty) };
    manifest.groups.push(Group {
        seq,
        first: first.wall,
        last: last.wall,
        frames: u64::try_from(marks.len()).unwrap_or(u64::MAX),
        covered: marks.iter().map(|mark| mark.covered).sum(),
        interval: last.interval,
        rows: processes.kinds.get(Process::AT).map_or(0, |table| u64::try_from(table.rows.len()).unwrap_or(0)),
    });
    let mut files = |name: &'static str, sums| drop(manifest.files.insert(name.to_owned(), sums));
    let monos = Monos::of(&processes, i64::MAX)?;
    for_each_kind(&processes, |kind, table, texts| {
        let name = schema::kind_name(kind);
        files(name, kind_file(disk, &write::path(path, name), (kind, seq), table, (texts, &monos))?);
        Ok(())
    })?;
    if processes.kinds.get(Process::AT).is_some_and(|table| !table.rows.is_empty()) {
        files(DESCRIPTORS, descriptor_file(disk, &write::path(path, DESCRIPTORS), seq, &processes.texts)?);
    }
    let all: Vec<&Figure> = summed().map(|(figure, _)| figure).collect();
    let (lives, texts) = lives::of_rows(&processes, &Window::new(marks), &all, Who::Named)?;
    if !lives.is_empty() {
        files(SUMMARY, summary_file(disk, &write::path(path, SUMMARY), seq, &lives, &texts)?);
    }
    drop((lives, texts, processes));
    let rest = Tables::read(log, |kind| kind != Process::AT && kind != Host::AT)?;
    for_each_kind(&rest, |kind, table, texts| {
        let name = schema::kind_name(kind);
        files(name, kind_file(disk, &write::path(path, name), (kind, seq), table, (texts, &monos))?);
        Ok(())
    })?;
    Ok(manifest)
}

/// Shows the kinds of which there are rows.
fn for_each_kind(
    tables: &Tables,
    mut show: impl FnMut(usize, &Table, &Texts) -> Result<(), HistoryError>,
) -> Result<(), HistoryError> {
    let kinds = tables.kinds.iter().enumerate().filter(|(_, table)| !table.rows.is_empty());
    kinds.into_iter().try_for_each(|(kind, table)| show(kind, table, &tables.texts))
}

fn kind_file(
    disk: &dyn Disk,
    path: &Path,
    (kind, seq): (usize, u64),
    table: &Table,
    (texts, monos): (&Texts, &Monos),
) -> Result<Sums, HistoryError> {
    let layout = schema::of_kind(columns(kind));
    let fail = |error| failed("write", path, write::cause(error));
    let schema = schema::schema(&layout).map_err(fail)?;
    let order = table.order();
    let ends = table.class_ends(kind);
    write::file(disk, path, schema, |writer| {
        let mut group = write::Group::new(writer, ends)?;
        let rows = order.len();
        group.same(seq.cast_signed(), rows)?;
        let fixed: [fn(&Told) -> i64; 4] =
            [|row| row.at_ms, |row| i64::from(row.thing), |row| i64::from(row.flags), |row| i64::from(row.start)];
        for take in fixed {
            let values: Vec<i64> = table.rows.iter().map(take).collect();
            group.numbers(&sorted(&values, &order))?;
        }
        for (place, column) in columns(kind).iter().enumerate() {
            let values = table.column(place, column, monos).map(|values| sorted(&values, &order));
            match (column.shape.physical(), values) {
                (Physical::Text, values) => {
                    let values = values.unwrap_or_else(|| vec![0; rows]);
                    group.texts(&values, |number| plain(&texts.word(number)))?;
                }
                (_, None) => group.same(0, rows)?,
                (_, Some(values)) => group.numbers(&values)?,
            }
        }
        group.close()
    })
}

/// Values in another order.
fn sorted(values: &[i64], order: &[u32]) -> Vec<i64> {
    let value = |place: &u32| usize::try_from(*place).ok().and_then(|place| values.get(place)).copied().unwrap_or(0);
    order.iter().map(value).collect()
}

/// Text as it stands in files.
fn plain(text: &[u8]) -> Bytes {
    Bytes::copy_from_slice(utf8::encode(text).as_bytes())
}

/// Columns of the file of descriptors.
pub(crate) const DESCRIPTOR_COLUMNS: &[(&str, Physical)] = &[
    ("segment", Physical::Whole),
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

fn descriptor_file(disk: &dyn Disk, path: &Path, seq: u64, texts: &Texts) -> Result<Sums, HistoryError> {
    let fail = |error| failed("write", path, write::cause(error));
    let schema = schema::schema(DESCRIPTOR_COLUMNS).map_err(fail)?;
    let all = texts.descriptors();
    write::file(disk, path, schema, |writer| {
        let mut group = write::Group::new(writer, [all.len()])?;
        group.same(seq.cast_signed(), all.len())?;
        group.numbers(&(0..).take(all.len()).collect::<Vec<i64>>())?;
        for text in record::STRINGS {
            // The same text is the same number.
            let mut words: HashMap<&[u8], i64> = HashMap::new();
            let mut listed: Vec<&[u8]> = Vec::new();
            let mut numbers = Vec::with_capacity(all.len());
            for descriptor in all {
                let word = text(descriptor);
                numbers.push(*words.entry(word).or_insert_with(|| {
                    listed.push(word);
                    i64::try_from(listed.len() - 1).unwrap_or(0)
                }));
            }
            let word = |number| usize::try_from(number).ok().and_then(|number| listed.get(number));
            group.texts(&numbers, |number| word(number).map_or_else(Bytes::new, |word| plain(word)))?;
        }
        group.numbers(&all.iter().map(|d| i64::from(d.cmd_truncated)).collect::<Vec<_>>())?;
        group.close()
    })
}

/// Columns of the summary before those of figures.
pub(crate) const SUMMARY_COLUMNS: &[(&str, Physical)] = &[
    ("segment", Physical::Whole),
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
    ("lived_seconds", Physical::Float),
];

/// Figures of one column, which have one in the summary; others are their sums.
fn summed() -> impl Iterator<Item = (&'static Figure, usize)> {
    FIGURES.iter().filter_map(|figure| match figure.columns {
        [place] => Some((figure, *place)),
        _ => None,
    })
}

/// Bits of a float that are not kept in means: what is left tells one from another in 10^11.
const BLUR: u32 = 16;

/// The bits of a mean over the time that a process lived.
fn mean(life: &Life, place: usize) -> i64 {
    let used = life.used.get(place).copied().unwrap_or(0.0);
    let mean = if life.lived > 0.0 { used / life.lived } else { 0.0 };
    // Rounded: what never changed is a whole number.
    ((mean.to_bits() + (1 << (BLUR - 1))) >> BLUR << BLUR).cast_signed()
}

/// What a counter grew by.
#[expect(clippy::cast_possible_truncation, reason = "growth is a whole number far below 2^53")]
fn growth(life: &Life, place: usize) -> i64 {
    life.used.get(place).map_or(0, |used| *used as i64)
}

/// An instant that there is none of.
pub(crate) const NEVER: i64 = i64::MIN;

fn summary_file(disk: &dyn Disk, path: &Path, seq: u64, lives: &[Life], texts: &Texts) -> Result<Sums, HistoryError> {
    let fail = |error| failed("write", path, write::cause(error));
    let physical = |figure: &Figure| if figure.is_level() { Physical::Float } else { Physical::Whole };
    let mut layout: Vec<(String, Physical)> =
        SUMMARY_COLUMNS.iter().map(|(name, physical)| ((*name).to_owned(), *physical)).collect();
    layout.extend(summed().map(|(figure, place)| (figure::summed(place), physical(figure))));
    let schema = schema::schema(&layout).map_err(fail)?;
    write::file(disk, path, schema, |writer| {
        let mut group = write::Group::new(writer, [lives.len()])?;
        group.same(seq.cast_signed(), lives.len())?;
        let whole: [fn(&Life) -> i64; 5] = [
            |life| i64::try_from(life.thing).unwrap_or(0),
            |life| i64::from(life.key.pid),
            |life| life.key.start.0.cast_signed(),
            |life| i64::from(life.key.boot),
            |life| life.descriptor,
        ];
        for take in whole {
            group.numbers(&lives.iter().map(take).collect::<Vec<_>>())?;
        }
        let labels: Vec<i64> = lives.iter().map(|life| life.label).collect();
        group.texts(&labels, |number| plain(&texts.word(number)))?;
        let instants: [fn(&Life) -> i64; 4] = [
            |life| life.started,
            |life| life.seen.map_or(NEVER, |(first, _)| first.0),
            |life| life.seen.map_or(NEVER, |(_, last)| last.0),
            |life| life.ended.map_or(NEVER, |ended| ended.0),
        ];
        for take in instants {
            group.numbers(&lives.iter().map(take).collect::<Vec<_>>())?;
        }
        group.numbers(&lives.iter().map(|life| life.lived.to_bits().cast_signed()).collect::<Vec<_>>())?;
        for (place, (figure, _)) in summed().enumerate() {
            let take = if figure.is_level() { mean } else { growth };
            group.numbers(&lives.iter().map(|life| take(life, place)).collect::<Vec<_>>())?;
        }
        group.close()
    })
}
