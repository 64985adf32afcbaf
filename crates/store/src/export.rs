//! Writes rows of processes for other programs.

use std::io::{self, Write};
use std::sync::Arc;

use bytes::Bytes;
use parquet::data_type::{ByteArray, ByteArrayType, DoubleType, Int64Type};
use parquet::errors::ParquetError;
use parquet::file::writer::SerializedFileWriter;
use procyon_history::{History as _, HistoryError};
use procyon_model::descriptor::Descriptor;
use procyon_units::Wall;

use crate::answer::Stretch;
use crate::block::schema::{self, Physical};
use crate::block::write::cause;
use crate::column::Shape;
use crate::kinds::Kind;
use crate::kinds::process::{self, Process};
use crate::reader::{Reader, again, has_vanished};
use crate::row::{CARRIED, GONE};
use crate::texts::Texts;
use crate::utf8;

/// How rows are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Comma-separated, with names in the first line.
    Csv,
    /// One JSON object a line.
    Json,
    /// A Parquet file.
    Parquet,
}

/// Columns that are exported as they are kept.
const KEPT: &[usize] = &[
    process::PID,
    process::START,
    process::BOOT,
    process::PPID,
    process::UID,
    process::EUID,
    process::THREADS,
    process::NICE,
    process::CPU_USER,
    process::CPU_SYSTEM,
    process::MINOR,
    process::MAJOR,
    process::RESIDENT,
    process::SIZE,
    process::SWAP,
    process::PSS,
    process::USS,
    process::READ,
    process::WRITTEN,
    process::READ_CHARS,
    process::WRITTEN_CHARS,
    process::VOLUNTARY,
    process::INVOLUNTARY,
    process::RUN_DELAY,
    process::RECEIVED,
    process::SENT,
    process::FDS,
];

/// Texts that follow them.
const TEXTS: [&str; 7] = [
    "process_label",
    "process_name",
    "process_command_line",
    "process_user",
    "process_cgroup",
    "process_container",
    "process_systemd_unit",
];

/// One row.
struct Exported {
    at_ms: i64,
    /// Whether the process is gone in this frame.
    gone: bool,
    /// Whether growth is known; it is not in the first row of a process that was older.
    grown: bool,
    values: Vec<i64>,
    label: i64,
    descriptor: i64,
}

/// Writes rows between two instants, both included, in order of time; answers how many.
pub(crate) fn export(
    reader: &Reader,
    (from, to): (Wall, Wall),
    format: Format,
    out: &mut (dyn Write + Send),
) -> Result<u64, HistoryError> {
    let extent = reader.extent()?.ok_or(HistoryError::Empty)?;
    if from > extent.last || to < extent.first {
        return Err(HistoryError::Before { at: if from > extent.last { from } else { to }, extent });
    }
    let mut sink = match format {
        Format::Csv => Sink::csv(out).map_err(failed)?,
        Format::Json => Sink::Json(out),
        Format::Parquet => Sink::parquet(out).map_err(|error| failed(cause(error)))?,
    };
    let (mut count, mut from) = (0, from);
    // What was written stays written: where files were put together meanwhile it goes on behind that.
    loop {
        let before = from;
        let written = again_from(reader, (&mut from, to), &mut |rows, texts| {
            count += u64::try_from(rows.len()).unwrap_or(0);
            sink.put(rows, texts).map_err(|error| failed(cause(error)))
        });
        match written {
            Ok(()) => break,
            Err(error) if has_vanished(&error) && from > before => {}
            Err(error) => return Err(error),
        }
    }
    sink.finish().map_err(|error| failed(cause(error)))?;
    Ok(count)
}

/// Takes rows, and the texts that their numbers stand for.
type Tell<'a> = &'a mut dyn FnMut(&[Exported], &Texts) -> Result<(), HistoryError>;

/// Tells the rows from an instant on, which moves on behind what was told.
fn again_from(reader: &Reader, (from, to): (&mut Wall, Wall), tell: Tell<'_>) -> Result<(), HistoryError> {
    again(|| {
        let stretches = reader.stretches()?;
        for stretch in &stretches {
            if !stretch.touches(*from, to) {
                continue;
            }
            let (rows, texts) = rows(stretch, *from, to)?;
            tell(&rows, &texts)?;
            *from = Wall::from_unix_ms(stretch.last.unix_ms().saturating_add(1));
        }
        Ok(())
    })
}

fn failed(source: io::Error) -> HistoryError {
    HistoryError::Io { attempt: "write the rows".to_owned(), source }
}

fn rows(stretch: &Stretch, from: Wall, to: Wall) -> Result<(Vec<Exported>, Texts), HistoryError> {
    let mut columns = KEPT.to_vec();
    columns.extend([process::LABEL, process::DESCRIPTOR]);
    let mut rows = Vec::new();
    let from_ms = from.unix_ms();
    let texts = stretch.segment.visit(Process::AT, &columns, to.unix_ms(), &mut |row| {
        if row.has(CARRIED) || row.at_ms < from_ms {
            return;
        }
        let (values, names) = row.values.split_at(KEPT.len().min(row.values.len()));
        let [label, descriptor] = names else { return };
        rows.push(Exported {
            at_ms: row.at_ms,
            gone: row.has(GONE),
            grown: row.start == 0,
            values: values.to_vec(),
            label: *label,
            descriptor: *descriptor,
        });
    })?;
    rows.sort_by(|a, b| (a.at_ms, a.values.first()).cmp(&(b.at_ms, b.values.first())));
    Ok((rows, texts))
}

fn name(place: usize) -> &'static str {
    process::COLUMNS.get(place).map_or("", |column| column.name)
}

fn is_counter(place: usize) -> bool {
    process::COLUMNS.get(place).is_some_and(|column| matches!(column.shape, Shape::Counter(_)))
}

/// Growth that is not known has no value.
fn value(row: &Exported, place: usize, value: i64) -> Option<i64> {
    (row.grown || !is_counter(place)).then_some(value)
}

fn texts_of(row: &Exported, texts: &Texts) -> [Arc<[u8]>; 7] {
    let label = texts.word(row.label);
    let descriptor = texts.descriptor(row.descriptor);
    let Descriptor { name, cmd, user, cgroup, container, unit, .. } = &*descriptor;
    let [name, cmd, user, cgroup, container, unit] =
        [name, cmd, user, cgroup, container, unit].map(|text| Arc::from(&**text));
    [label, name, cmd, user, cgroup, container, unit]
}

/// Where rows go.
enum Sink<'a> {
    Csv(&'a mut (dyn Write + Send)),
    Json(&'a mut (dyn Write + Send)),
    Parquet(Box<SerializedFileWriter<&'a mut (dyn Write + Send)>>),
}

impl<'a> Sink<'a> {
    fn csv(out: &'a mut (dyn Write + Send)) -> io::Result<Self> {
        let mut names = vec!["time_unix_ms", "gone"];
        names.extend(KEPT.iter().map(|place| name(*place)));
        names.extend(TEXTS);
        writeln!(out, "{}", names.join(","))?;
        Ok(Self::Csv(out))
    }

    fn parquet(out: &'a mut (dyn Write + Send)) -> Result<Self, ParquetError> {
        let mut layout = vec![("time", Physical::Time), ("gone", Physical::Whole)];
        let physical = |place| if is_counter(place) { Physical::Float } else { Physical::Whole };
        layout.extend(KEPT.iter().map(|place| (name(*place), physical(*place))));
        layout.extend(TEXTS.map(|name| (name, Physical::Text)));
        let writer = SerializedFileWriter::new(out, schema::schema(&layout)?, schema::properties())?;
        Ok(Self::Parquet(Box::new(writer)))
    }

    fn put(&mut self, rows: &[Exported], texts: &Texts) -> Result<(), ParquetError> {
        match self {
            Self::Csv(out) => rows.iter().try_for_each(|row| csv(out, row, texts))?,
            Self::Json(out) => rows.iter().try_for_each(|row| json(out, row, texts))?,
            Self::Parquet(writer) => parquet(writer, rows, texts)?,
        }
        Ok(())
    }

    fn finish(self) -> Result<(), ParquetError> {
        match self {
            Self::Csv(out) | Self::Json(out) => out.flush()?,
            Self::Parquet(writer) => drop(writer.close()?),
        }
        Ok(())
    }
}

fn csv(out: &mut dyn Write, row: &Exported, texts: &Texts) -> io::Result<()> {
    write!(out, "{},{}", row.at_ms, u8::from(row.gone))?;
    for (place, number) in KEPT.iter().zip(&row.values) {
        match value(row, *place, *number) {
            Some(number) => write!(out, ",{number}")?,
            None => write!(out, ",")?,
        }
    }
    for text in texts_of(row, texts) {
        let text = String::from_utf8_lossy(&text);
        if text.contains([',', '"', '\n', '\r']) {
            write!(out, ",\"{}\"", text.replace('"', "\"\""))?;
        } else {
            write!(out, ",{text}")?;
        }
    }
    writeln!(out)
}

fn json(out: &mut dyn Write, row: &Exported, texts: &Texts) -> io::Result<()> {
    write!(out, "{{\"time_unix_ms\":{},\"gone\":{}", row.at_ms, row.gone)?;
    for (place, number) in KEPT.iter().zip(&row.values) {
        match value(row, *place, *number) {
            Some(number) => write!(out, ",\"{}\":{number}", name(*place))?,
            None => write!(out, ",\"{}\":null", name(*place))?,
        }
    }
    for (name, text) in TEXTS.iter().zip(texts_of(row, texts)) {
        write!(out, ",\"{name}\":")?;
        quoted(out, &String::from_utf8_lossy(&text))?;
    }
    writeln!(out, "}}")
}

fn quoted(out: &mut dyn Write, text: &str) -> io::Result<()> {
    write!(out, "\"")?;
    for character in text.chars() {
        match character {
            '"' | '\\' => write!(out, "\\{character}")?,
            '\u{0}'..='\u{1f}' => write!(out, "\\u{:04x}", u32::from(character))?,
            other => write!(out, "{other}")?,
        }
    }
    write!(out, "\"")
}

#[expect(clippy::cast_precision_loss, reason = "growth stays far below 2^53")]
fn parquet<W: Write + Send>(
    writer: &mut SerializedFileWriter<W>,
    rows: &[Exported],
    texts: &Texts,
) -> Result<(), ParquetError> {
    let missing = || ParquetError::General("a column is missing".to_owned());
    let mut group = writer.next_row_group()?;
    let mut whole = |values: Vec<i64>| -> Result<(), ParquetError> {
        let mut column = group.next_column()?.ok_or_else(missing)?;
        column.typed::<Int64Type>().write_batch(&values, None, None)?;
        column.close()
    };
    whole(rows.iter().map(|row| row.at_ms).collect())?;
    whole(rows.iter().map(|row| i64::from(row.gone)).collect())?;
    for (at, place) in KEPT.iter().enumerate() {
        let of = |row: &Exported| row.values.get(at).copied().unwrap_or(0);
        let mut column = group.next_column()?.ok_or_else(missing)?;
        if is_counter(*place) {
            let number = |row: &Exported| value(row, *place, of(row)).map_or(f64::NAN, |value| value as f64);
            let values: Vec<f64> = rows.iter().map(number).collect();
            column.typed::<DoubleType>().write_batch(&values, None, None)?;
        } else {
            column.typed::<Int64Type>().write_batch(&rows.iter().map(of).collect::<Vec<_>>(), None, None)?;
        }
        column.close()?;
    }
    for at in 0..TEXTS.len() {
        let text = |row: &Exported| {
            let text = texts_of(row, texts).get(at).cloned().unwrap_or_else(|| Arc::from([]));
            ByteArray::from(Bytes::copy_from_slice(utf8::encode(&text).as_bytes()))
        };
        let mut column = group.next_column()?.ok_or_else(missing)?;
        column.typed::<ByteArrayType>().write_batch(&rows.iter().map(text).collect::<Vec<_>>(), None, None)?;
        column.close()?;
    }
    group.close()?;
    Ok(())
}
