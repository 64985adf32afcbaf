//! A row group of a block as a segment.

use std::collections::{HashMap, HashSet};
use std::io::{ErrorKind, Read};
use std::ops::Range;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use parquet::basic::{Compression, Type};
use parquet::column::page::PageReader;
use parquet::file::metadata::{ColumnChunkMetaData, ParquetMetaData, RowGroupMetaData};
use parquet::file::serialized_reader::SerializedPageReader;
use parquet::file::statistics::Statistics;
use parquet::schema::types::TypePtr;
use procyon_history::HistoryError;
use procyon_model::ProcessKey;
use procyon_model::descriptor::Descriptor;
use procyon_units::{Ticks, Wall};

use crate::answer::frame::{State, Things};
use crate::answer::lives::{Life, Who};
use crate::block::build::{DESCRIPTOR_COLUMNS, NEVER, SUMMARY_COLUMNS};
use crate::block::decode::{Numbers, Pages, Wanted, Word, first};
use crate::block::manifest::{self, Manifest, Sums};
use crate::block::schema::{self, DESCRIPTORS, FIXED, SUMMARY};
use crate::block::table::Monos;
use crate::block::{Name, write};
use crate::column::Shape;
use crate::disk::{Disk, Input, Stream};
use crate::failure::failed;
use crate::figure::{self, Figure};
use crate::folder::Folder;
use crate::kinds::process::Process;
use crate::kinds::{Kind, columns};
use crate::row::{CARRIED, ENDED, GONE};
use crate::segment::{Row, Segment};
use crate::texts::Texts;
use crate::utf8;

/// A block that is open.
#[derive(Debug)]
pub(crate) struct Block {
    disk: Arc<dyn Disk>,
    path: PathBuf,
    pub(crate) manifest: Manifest,
    files: Mutex<HashMap<&'static str, Arc<File>>>,
}

/// An open file of a block.
#[derive(Debug)]
pub(crate) struct File {
    path: PathBuf,
    input: Box<dyn Input>,
    metadata: ParquetMetaData,
    sums: Sums,
}

impl Block {
    pub(crate) fn open(folder: &Folder, name: Name) -> Result<Self, HistoryError> {
        let path = folder.blocks().join(name.to_string());
        let file = path.join(manifest::FILE);
        let read = || -> std::io::Result<String> {
            let input = folder.disk.open(&file)?;
            let mut text = Vec::new();
            Stream { input: &*input, at: 0 }.take(manifest::MOST).read_to_end(&mut text)?;
            Ok(String::from_utf8_lossy(&text).into_owned())
        };
        let text = read().map_err(|error| failed("read", &file, error))?;
        let manifest = Manifest::parse(&text)
            .map_err(|how| HistoryError::Damaged { what: file.display().to_string(), how: how.to_owned() })?;
        Ok(Self { disk: Arc::clone(&folder.disk), path, manifest, files: Mutex::default() })
    }

    /// A file of the block; none when it had no rows.
    fn file(&self, name: &'static str) -> Result<Option<Arc<File>>, HistoryError> {
        let Some(sums) = self.manifest.files.get(name) else { return Ok(None) };
        let mut files = self.files.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(file) = files.get(name) {
            return Ok(Some(Arc::clone(file)));
        }
        let path = write::path(&self.path, name);
        let input = self.disk.open(&path).map_err(|error| failed("read", &path, error))?;
        let damaged = |how: &str| HistoryError::Damaged { what: path.display().to_string(), how: how.to_owned() };
        let length = input.length().map_err(|error| failed("read", &path, error))?;
        if length != sums.length {
            return Err(damaged("it has another length than when it was written"));
        }
        let (metadata, footer, bytes) = match write::footer(&*input, length) {
            Ok(footer) => footer,
            Err(error)
                if matches!(error.kind(), ErrorKind::Other | ErrorKind::UnexpectedEof | ErrorKind::InvalidData) =>
            {
                return Err(damaged("its footer makes no sense"));
            }
            Err(error) => return Err(failed("read", &path, error)),
        };
        if footer != sums.footer || crc32fast::hash(&bytes) != sums.footer_crc {
            return Err(damaged("the checksum of its footer is wrong"));
        }
        let file = Arc::new(File { path, input, metadata, sums: sums.clone() });
        files.insert(name, Arc::clone(&file));
        Ok(Some(file))
    }

    /// A file to copy from; none when it had no rows.
    pub(crate) fn source(&self, name: &'static str) -> Result<Option<Arc<File>>, HistoryError> {
        self.file(name)
    }

    /// Reads everything and says what is damaged.
    pub(crate) fn verify(&self, name: &'static str) -> Result<(), HistoryError> {
        let Some(file) = self.file(name)? else { return Ok(()) };
        for (group, metadata) in file.metadata.row_groups().iter().enumerate() {
            for column in 0..metadata.num_columns() {
                file.part(group, column)?;
            }
        }
        Ok(())
    }
}

impl File {
    pub(crate) fn schema(&self) -> TypePtr {
        self.metadata.file_metadata().schema_descr().root_schema_ptr()
    }

    pub(crate) fn row_groups(&self) -> &[RowGroupMetaData] {
        self.metadata.row_groups()
    }

    /// Which group of its block each row group belongs to.
    pub(crate) fn groups(&self) -> &[usize] {
        &self.sums.groups
    }

    fn damaged(&self, how: impl Into<String>) -> HistoryError {
        HistoryError::Damaged { what: self.path.display().to_string(), how: how.into() }
    }

    /// How many columns it has.
    fn width(&self) -> usize {
        self.row_groups().first().map_or(0, RowGroupMetaData::num_columns)
    }

    /// The row group that belongs to a group of the block.
    fn row_group(&self, group: usize) -> Option<usize> {
        self.sums.groups.iter().position(|of| *of == group)
    }

    fn rows(&self, row_group: usize) -> usize {
        let group = self.metadata.row_groups().get(row_group);
        group.and_then(|group| usize::try_from(group.num_rows()).ok()).unwrap_or(0)
    }

    fn chunk(&self, row_group: usize, column: usize) -> Result<&ColumnChunkMetaData, HistoryError> {
        let group = self.metadata.row_groups().get(row_group);
        let chunk = group.and_then(|group| group.columns().get(column));
        chunk.ok_or_else(|| self.damaged("a column is missing"))
    }

    /// The bytes of a column, checked.
    pub(crate) fn part(&self, row_group: usize, column: usize) -> Result<crate::block::chunk::Part, HistoryError> {
        let chunk = self.chunk(row_group, column)?;
        let (at, length) = chunk.byte_range();
        let part = write::part(&*self.input, at, length).map_err(|error| failed("read", &self.path, error))?;
        let expected = self.sums.columns.get(row_group * self.width() + column);
        if expected != Some(&crc32fast::hash(&part.bytes)) {
            return Err(self.damaged(format!("the checksum of column {column} of row group {row_group} is wrong")));
        }
        Ok(part)
    }

    /// The pages of a column, as they are packed.
    fn pages(&self, row_group: usize, column: usize) -> Result<Box<dyn PageReader>, HistoryError> {
        let part = self.part(row_group, column)?;
        let (chunk, rows) = (self.chunk(row_group, column)?, self.rows(row_group));
        // The reader of `parquet` would make a decompressor for each column.
        let chunk = chunk.clone().into_builder().set_compression(Compression::UNCOMPRESSED).build();
        let pages = chunk.and_then(|chunk| SerializedPageReader::new(Arc::new(part), &chunk, rows, None));
        Ok(Box::new(pages.map_err(|error| self.damaged(error.to_string()))?))
    }

    /// The one value of a whole column, if it has only one.
    fn only_value(&self, row_group: usize, column: usize) -> Result<Option<i64>, HistoryError> {
        Ok(match self.chunk(row_group, column)?.statistics() {
            Some(Statistics::Int64(statistics)) => {
                statistics.min_opt().filter(|least| statistics.max_opt() == Some(*least)).copied()
            }
            // A column that has more than one zero has no statistics.
            Some(Statistics::Double(statistics)) => {
                let one = statistics.min_opt().filter(|least| statistics.max_opt() == Some(*least));
                one.map(|value| (*value + 0.0).to_bits().cast_signed())
            }
            _ => None,
        })
    }

    /// Whole numbers and bits of floats.
    fn numbers(&self, row_group: usize, column: usize) -> Result<Numbers, HistoryError> {
        self.some_numbers(row_group, column, Wanted::All)
    }

    /// The same, of which only the wanted rows are read.
    fn some_numbers(&self, row_group: usize, column: usize, wanted: Wanted<'_>) -> Result<Numbers, HistoryError> {
        if let Some(value) = self.only_value(row_group, column)? {
            return Ok(Numbers::One(value));
        }
        if self.chunk(row_group, column)?.column_type() == Type::BYTE_ARRAY {
            return Err(self.damaged(format!("column {column} is of another type")));
        }
        let pages = Pages::read(&mut *self.pages(row_group, column)?, self.rows(row_group), wanted, None);
        pages.map(Numbers::Pages).map_err(|error| self.damaged(error))
    }

    /// Texts, each as the number that `word` gives it.
    fn texts(
        &self,
        row_group: usize,
        column: usize,
        wanted: Wanted<'_>,
        word: Word<'_>,
    ) -> Result<Numbers, HistoryError> {
        if self.chunk(row_group, column)?.column_type() != Type::BYTE_ARRAY {
            return Err(self.damaged(format!("column {column} is of another type")));
        }
        let pages = Pages::read(&mut *self.pages(row_group, column)?, self.rows(row_group), wanted, Some(word));
        pages.map(Numbers::Pages).map_err(|error| self.damaged(error))
    }

    /// A column of a shape. One that an older procyon did not know is zero.
    fn column(
        &self,
        (row_group, column): (usize, usize),
        shape: Shape,
        wanted: Wanted<'_>,
        texts: &mut Texts,
    ) -> Result<Numbers, HistoryError> {
        match shape {
            _ if column >= self.width() => Ok(Numbers::One(0)),
            Shape::Text => self.texts(row_group, column, wanted, &mut |text| texts.read(&utf8::decode(text))),
            _ => self.some_numbers(row_group, column, wanted),
        }
    }
}

/// A row group of a block.
#[derive(Debug, Clone)]
pub(crate) struct Stretched {
    pub(crate) block: Arc<Block>,
    pub(crate) group: usize,
}

impl Stretched {
    fn file(&self, name: &'static str) -> Result<Option<(Arc<File>, usize)>, HistoryError> {
        let Some(file) = self.block.file(name)? else { return Ok(None) };
        Ok(file.row_group(self.group).map(|row_group| (Arc::clone(&file), row_group)))
    }

    /// The descriptors that rows refer to, as far as they are wanted; others are empty.
    fn descriptors(&self, texts: &mut Texts, wanted: impl Fn(usize) -> bool) -> Result<(), HistoryError> {
        let Some((file, row_group)) = self.file(DESCRIPTORS)? else { return Ok(()) };
        let mut columns = Vec::new();
        // As they stand in the file, one behind the other, and where they lie: most of them are of others.
        let (mut bytes, mut words) = (Vec::new(), Vec::new());
        for (column, _) in DESCRIPTOR_COLUMNS.iter().enumerate().skip(2).take(9) {
            columns.push(file.texts(row_group, column, Wanted::All, &mut |text| {
                words.push(bytes.len()..bytes.len() + text.len());
                bytes.extend_from_slice(text);
                i64::try_from(words.len() - 1).unwrap_or(0)
            })?);
        }
        let truncated = file.numbers(row_group, DESCRIPTOR_COLUMNS.len() - 1)?;
        let text = |column: usize, row: usize| -> Box<[u8]> {
            let number = columns.get(column).and_then(|column: &Numbers| usize::try_from(column.at(row)).ok());
            let word = number.and_then(|number| words.get(number)).and_then(|word| bytes.get(word.clone()));
            word.map(|word| Box::from(&*utf8::decode(word))).unwrap_or_default()
        };
        // The first one is the empty one, which every list has.
        let none: Arc<Descriptor> = Arc::default();
        for row in 1..file.rows(row_group) {
            if !wanted(row) {
                texts.push_descriptor(Arc::clone(&none));
                continue;
            }
            texts.push_descriptor(Arc::new(Descriptor {
                name: text(0, row),
                cmd: text(1, row),
                exe: text(2, row),
                cwd: text(3, row),
                cgroup: text(4, row),
                user: text(5, row),
                container: text(6, row),
                unit: text(7, row),
                title: text(8, row),
                cmd_truncated: truncated.at(row) != 0,
            }));
        }
        Ok(())
    }
}

impl Segment for Stretched {
    fn visit(
        &self,
        kind: usize,
        wanted: &[usize],
        until_ms: i64,
        tell: &mut dyn FnMut(Row<'_>),
    ) -> Result<Texts, HistoryError> {
        let Some((file, row_group)) = self.file(schema::kind_name(kind))? else { return Ok(Texts::default()) };
        let rows = Rows::all(&file, row_group, until_ms)?;
        self.visit_rows(kind, wanted, (&file, row_group), &rows, tell)
    }

    fn visit_things(
        &self,
        kind: usize,
        things: &[usize],
        wanted: &[usize],
        until_ms: i64,
        tell: &mut dyn FnMut(Row<'_>),
    ) -> Result<Texts, HistoryError> {
        if kind != Process::AT {
            return self.visit(kind, wanted, until_ms, tell);
        }
        let Some((file, row_group)) = self.file(schema::kind_name(kind))? else { return Ok(Texts::default()) };
        let rows = Rows::of(&file, row_group, until_ms, things)?;
        self.visit_rows(kind, wanted, (&file, row_group), &rows, tell)
    }

    fn visit_ends(&self, wanted: &[usize], until_ms: i64, tell: &mut dyn FnMut(Row<'_>)) -> Result<(), HistoryError> {
        let Some((file, row_group)) = self.file(schema::kind_name(Process::AT))? else { return Ok(()) };
        let mut places = Vec::new();
        file.numbers(row_group, FLAGS)?.each(0..file.rows(row_group), |row, flags| {
            if flags & i64::from(ENDED) != 0 {
                places.extend(u32::try_from(row));
            }
        });
        if places.is_empty() {
            return Ok(());
        }
        let rows = Rows::at(&file, row_group, until_ms, places)?;
        self.visit_rows(Process::AT, wanted, (&file, row_group), &rows, tell).map(drop)
    }

    fn things_at(&self, kind: usize, at_ms: i64) -> Result<Option<Things>, HistoryError> {
        let Some((file, row_group)) = self.file(schema::kind_name(kind))? else { return Ok(None) };
        let [time, thing, flags, start] = fixed(&file, row_group, Wanted::All)?;
        let runs = runs(&time, &thing, file.rows(row_group), at_ms);
        // The last row of each thing up to the instant says whether it is there.
        let mut last: Vec<Option<(i64, usize)>> = Vec::new();
        for run in &runs {
            let (place, row) = (run.thing, run.rows.end - 1);
            if last.len() <= place {
                last.resize(place + 1, None);
            }
            if let Some(last) = last.get_mut(place) {
                *last = (*last).max(Some((time.at(row), row)));
            }
        }
        let mut found = Vec::new();
        let mut of_thing: Vec<Option<usize>> = vec![None; last.len()];
        for (last, of) in last.iter().zip(&mut of_thing) {
            let Some((at, row)) = *last else { continue };
            let flags = u8::try_from(flags.at(row)).unwrap_or(0);
            let told_now = at == at_ms && flags & CARRIED == 0;
            if flags & GONE == 0 || (flags & ENDED != 0 && told_now) {
                *of = Some(found.len());
                let since = if flags & CARRIED == 0 { at } else { i64::MIN };
                found.push((row, flags & GONE != 0, State::at(kind, since)));
            }
        }
        // Rows that lie together and belong to one of them.
        let of: Vec<(Run, usize)> =
            runs.into_iter().filter_map(|run| of_thing.get(run.thing).copied().flatten().map(|of| (run, of))).collect();
        let mut texts = Texts::default();
        for (place, about) in columns(kind).iter().enumerate() {
            let values = file.column((row_group, FIXED.len() + place), about.shape, Wanted::All, &mut texts)?;
            if values.is_zero() {
                continue;
            }
            match about.shape {
                Shape::Counter(_) | Shape::Change => {
                    for (run, of) in &of {
                        if let Some((_, _, state)) = found.get_mut(*of) {
                            state.add(place, values.sum_in(run.page, run.rows.clone()));
                        }
                    }
                }
                Shape::Moment => {
                    let monos = Monos::of(self, i64::MAX)?;
                    let mut newest = vec![i64::MIN; found.len()];
                    for (run, of) in &of {
                        let (Some((_, _, state)), Some(newest)) = (found.get_mut(*of), newest.get_mut(*of)) else {
                            continue;
                        };
                        let told = run.rows.clone().rev().find(|row| values.at_in(run.page, *row) != 0);
                        if let Some(row) = told.filter(|row| time.at(*row) >= *newest) {
                            *newest = time.at(row);
                            state.set(place, monos.read(time.at(row), values.at(row)));
                        }
                    }
                }
                _ => found.iter_mut().for_each(|(row, _, state)| state.set(place, values.at(*row))),
            }
            if let Shape::Counter(group) = about.shape {
                for (row, _, state) in &mut found {
                    let starts = start.at(*row) >> group & 1 == 1;
                    state.grew(place, if starts { 0 } else { values.at(*row) });
                }
            }
        }
        if let Some(strings) = columns(kind).iter().position(|column| column.shape == Shape::Strings) {
            let named = found.iter().map(|(_, _, state)| state.cells().get(strings));
            let named: HashSet<usize> = named.filter_map(|number| usize::try_from(number).ok()).collect();
            self.descriptors(&mut texts, |number| named.contains(&number))?;
        }
        let (mut living, mut ended) = (Vec::new(), Vec::new());
        for (_, gone, state) in found {
            if gone { ended.push(state) } else { living.push(state) }
        }
        Ok(Some(Things { living, ended, texts: Arc::new(texts) }))
    }

    fn find(&self, keys: &[ProcessKey]) -> Result<Option<Vec<(usize, ProcessKey)>>, HistoryError> {
        let Some((file, row_group)) = self.file(SUMMARY)? else { return Ok(Some(Vec::new())) };
        let mut columns = Vec::new();
        for column in 1..5 {
            columns.push(file.numbers(row_group, column)?);
        }
        let [thing, pid, start, boot] = columns.as_slice() else { return Ok(None) };
        let found = (0..file.rows(row_group)).filter_map(|row| {
            let key = ProcessKey {
                pid: u32::try_from(pid.at(row)).unwrap_or(0),
                start: Ticks(start.at(row).cast_unsigned()),
                boot: u32::try_from(boot.at(row)).unwrap_or(0),
            };
            keys.contains(&key).then(|| (usize::try_from(thing.at(row)).unwrap_or(0), key))
        });
        Ok(Some(found.collect()))
    }

    fn summary(&self, figures: &[&Figure], who: Who<'_>) -> Result<Option<(Vec<Life>, Texts)>, HistoryError> {
        let named = who.named();
        let mut texts = Texts::default();
        let Some((file, row_group)) = self.file(SUMMARY)? else { return Ok(Some((Vec::new(), texts))) };
        let mut columns = Vec::new();
        for (column, _) in SUMMARY_COLUMNS.iter().enumerate() {
            columns.push(match column {
                6 if named => file.column((row_group, column), Shape::Text, Wanted::All, &mut texts)?,
                // Only what is shown with a name.
                1 | 5..8 if !named => Numbers::One(0),
                _ => file.numbers(row_group, column)?,
            });
        }
        let names = file.metadata.file_metadata().schema_descr();
        let mut used = Vec::new();
        for figure in figures {
            let mut columns = Vec::new();
            for place in figure.columns {
                let name = figure::summed(*place);
                let Some(column) = names.columns().iter().position(|column| column.name() == name) else {
                    return Ok(None);
                };
                columns.push(file.numbers(row_group, column)?);
            }
            used.push((figure.is_level(), columns));
        }
        let at = |column: usize, row| columns.get(column).map_or(0, |column: &Numbers| column.at(row));
        let instant = |value: i64| (value != NEVER).then_some(Wall(value));
        let key = |row| ProcessKey {
            pid: u32::try_from(at(2, row)).unwrap_or(0),
            start: Ticks(at(3, row).cast_unsigned()),
            boot: u32::try_from(at(4, row)).unwrap_or(0),
        };
        let rows = (0..file.rows(row_group)).map(|row| (row, key(row))).filter(|(_, key)| who.wants(key));
        let lives = rows.map(|(row, key)| Life {
            thing: usize::try_from(at(1, row)).unwrap_or(0),
            key,
            descriptor: at(5, row),
            label: at(6, row),
            started: at(7, row),
            lived: float(at(11, row)),
            used: used
                .iter()
                .map(|(level, columns)| {
                    let sum = |value: fn(i64) -> f64| columns.iter().map(|column| value(column.at(row))).sum::<f64>();
                    if *level { sum(float) * float(at(11, row)) } else { sum(figure::plain) }
                })
                .collect(),
            seen: instant(at(8, row)).zip(instant(at(9, row))),
            ended: instant(at(10, row)),
        });
        let lives: Vec<Life> = lives.collect();
        if named {
            let strings: HashSet<i64> = lives.iter().map(|life| life.descriptor).collect();
            self.descriptors(&mut texts, |number| i64::try_from(number).is_ok_and(|number| strings.contains(&number)))?;
        }
        Ok(Some((lives, texts)))
    }
}

/// Places of the columns that precede those of every kind.
const TIME: usize = 1;
const THING: usize = 2;
const FLAGS: usize = 3;
const START: usize = 4;

/// The float of these bits.
fn float(bits: i64) -> f64 {
    f64::from_bits(bits.cast_unsigned())
}

/// Time, thing, flags and start of the rows of a row group.
fn fixed(file: &File, row_group: usize, wanted: Wanted<'_>) -> Result<[Numbers; 4], HistoryError> {
    let [time, thing, flags, start] = [TIME, THING, FLAGS, START].map(|it| file.some_numbers(row_group, it, wanted));
    Ok([time?, thing?, flags?, start?])
}

/// Rows of one thing that lie together, in order of time.
struct Run {
    thing: usize,
    page: usize,
    rows: Range<usize>,
}

/// The rows of a row group up to an instant. Within a page rows stand by thing, and those of a thing by time.
fn runs(time: &Numbers, thing: &Numbers, count: usize, at_ms: i64) -> Vec<Run> {
    let mut runs: Vec<Run> = Vec::new();
    let mut begin = 0;
    // A column of only one value has no pages, though others have.
    let ends = if thing.is_one() { time.page_ends(count) } else { thing.page_ends(count) };
    for (page, end) in ends.into_iter().enumerate() {
        let mut last = None;
        thing.each(begin..end, |row, number| {
            if last.replace(number) == Some(number) {
                if let Some(run) = runs.last_mut() {
                    run.rows.end = row + 1;
                }
                return;
            }
            // Each thing has a row, so that there are no more numbers than rows. What makes no sense belongs to nobody.
            let thing = usize::try_from(number).ok().filter(|thing| *thing < count).unwrap_or(usize::MAX);
            runs.push(Run { thing, page, rows: row..row + 1 });
        });
        begin = end;
    }
    for run in &mut runs {
        run.rows.end = first(run.rows.clone(), |row| time.at(row) > at_ms);
    }
    runs.retain(|run| run.thing != usize::MAX && !run.rows.is_empty());
    runs
}

/// Rows of a row group.
struct Rows {
    /// Places in the file, in the order of the file.
    places: Option<Vec<u32>>,
    /// The same, those of one thing in order of time.
    sorted: Vec<u32>,
    time: Numbers,
    thing: Numbers,
    flags: Numbers,
    start: Numbers,
}

impl Rows {
    /// All rows up to an instant.
    fn all(file: &File, row_group: usize, until_ms: i64) -> Result<Self, HistoryError> {
        let fixed = fixed(file, row_group, Wanted::All)?;
        Ok(Self::sort((0_u32..).take(file.rows(row_group)), None, fixed, until_ms))
    }

    /// The rows of some things up to an instant.
    fn of(file: &File, row_group: usize, until_ms: i64, things: &[usize]) -> Result<Self, HistoryError> {
        let of = file.numbers(row_group, THING)?;
        let mut places = Vec::new();
        for thing in things.iter().filter_map(|thing| i64::try_from(*thing).ok()) {
            // Within a page rows stand by thing.
            for rows in of.rows_of(thing, file.rows(row_group)) {
                places.extend(rows.filter_map(|row| u32::try_from(row).ok()));
            }
        }
        places.sort_unstable();
        Self::at(file, row_group, until_ms, places)
    }

    /// The rows at these places up to an instant; places ascend.
    fn at(file: &File, row_group: usize, until_ms: i64, places: Vec<u32>) -> Result<Self, HistoryError> {
        let fixed = fixed(file, row_group, Wanted::Rows(&places))?;
        Ok(Self::sort(places.clone().into_iter(), Some(places), fixed, until_ms))
    }

    fn sort(
        rows: impl Iterator<Item = u32>,
        places: Option<Vec<u32>>,
        [time, thing, flags, start]: [Numbers; 4],
        until_ms: i64,
    ) -> Self {
        let key = |place: u32| {
            let row = usize::try_from(place).unwrap_or(0);
            let page = thing.page_of(row);
            (thing.at_in(page, row), time.at_in(page, row), place)
        };
        let mut sorted: Vec<(i64, i64, u32)> = rows.map(key).filter(|(_, time, _)| *time <= until_ms).collect();
        // Those of one class stand in order already, which makes this quick.
        sorted.sort_by_key(|(thing, time, _)| (*thing, *time));
        let sorted = sorted.into_iter().map(|(_, _, place)| place).collect();
        Self { places, sorted, time, thing, flags, start }
    }

    /// What has to be read of columns.
    fn wanted(&self) -> Wanted<'_> {
        self.places.as_deref().map_or(Wanted::All, Wanted::Rows)
    }
}

impl Stretched {
    fn visit_rows(
        &self,
        kind: usize,
        wanted: &[usize],
        (file, row_group): (&File, usize),
        rows: &Rows,
        tell: &mut dyn FnMut(Row<'_>),
    ) -> Result<Texts, HistoryError> {
        let mut texts = Texts::default();
        // Everything is read before anything is told: what is damaged is left out as a whole.
        let shape = |place: &usize| columns(kind).get(*place).map_or(Shape::Level, |column| column.shape);
        if wanted.iter().any(|place| shape(place) == Shape::Strings) {
            self.descriptors(&mut texts, |_| true)?;
        }
        let mut read = Vec::with_capacity(wanted.len());
        for place in wanted {
            let column = (row_group, FIXED.len() + place);
            read.push((shape(place), file.column(column, shape(place), rows.wanted(), &mut texts)?));
        }
        let moments = read.iter().any(|(shape, values)| *shape == Shape::Moment && !values.is_zero());
        let monos = if moments { Monos::of(self, i64::MAX)? } else { Monos::default() };
        let mut values = vec![0_i64; wanted.len()];
        let mut before = None;
        for place in &rows.sorted {
            let row = usize::try_from(*place).unwrap_or(0);
            let page = rows.thing.page_of(row);
            let (at_ms, thing) = (rows.time.at_in(page, row), rows.thing.at_in(page, row));
            if before.replace(thing) != Some(thing) {
                values.fill(0);
            }
            for (value, (shape, column)) in values.iter_mut().zip(&read) {
                let told = column.at_in(page, row);
                match shape {
                    Shape::Change => *value = value.wrapping_add(told),
                    Shape::Moment if told == 0 => {}
                    Shape::Moment => *value = monos.read(at_ms, told),
                    _ => *value = told,
                }
            }
            tell(Row {
                at_ms,
                thing: usize::try_from(thing).unwrap_or(0),
                flags: u8::try_from(rows.flags.at_in(page, row)).unwrap_or(0),
                start: rows.start.at_in(page, row),
                values: &values,
            });
        }
        Ok(texts)
    }
}
