//! A log as a segment.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use procyon_history::HistoryError;

use procyon_units::Wall;

use crate::column::{Cells, Shape};
use crate::disk::{Disk, Stream};
use crate::frames::{self, HEAD, HEADER, Records, header, whole};
use crate::kinds::host::Host;
use crate::kinds::{Kind, columns, width};
use crate::now::{Now, Until};
use crate::record;
use crate::row::{self, CARRIED, GONE, Head};
use crate::segment::{Mark, Row, Segment};
use crate::texts::Texts;
use crate::varint::{Cursor, Nonsense};

/// A log file.
#[derive(Debug, Clone)]
pub(crate) struct Log {
    disk: Arc<dyn Disk>,
    pub(crate) path: PathBuf,
    /// What of it is unpacked already.
    held: Option<Arc<Held>>,
}

/// Records of a log from its beginning on, unpacked.
#[derive(Debug, Default)]
struct Held {
    bytes: Vec<u8>,
    /// Where each of them ends.
    ends: Vec<usize>,
    /// Where those follow that are not held.
    rest: Place,
}

/// As much of a log is held unpacked; logs become blocks long before.
const MOST_HELD: usize = 16 << 20;

impl Held {
    fn records(&self) -> impl Iterator<Item = &[u8]> {
        let begins = [0].into_iter().chain(self.ends.iter().copied());
        begins.zip(&self.ends).filter_map(|(begin, end)| self.bytes.get(begin..*end))
    }
}

/// How far a log was read.
#[derive(Debug, Clone, Default)]
pub(crate) struct Place {
    /// Where the last whole record begins, and where it ends; 0 before the first one.
    last: u64,
    end: u64,
    /// What precedes the last record, by which it is known again.
    head: [u8; HEAD],
}

impl Place {
    /// Where the last whole record ends.
    #[cfg(test)]
    pub(crate) const fn end(&self) -> u64 {
        self.end
    }
}

impl Log {
    pub(crate) const fn new(disk: Arc<dyn Disk>, path: PathBuf) -> Self {
        Self { disk, path, held: None }
    }

    /// Reads every whole record; answers where the last one ends.
    pub(crate) fn records(&self, each: impl FnMut(&[u8]) -> bool) -> Result<u64, HistoryError> {
        let mut place = Place::default();
        self.records_after(&mut place, each)?;
        Ok(place.end)
    }

    /// Reads every whole record after a place, which moves on.
    pub(crate) fn records_after(
        &self,
        place: &mut Place,
        mut each: impl FnMut(&[u8]) -> bool,
    ) -> Result<(), HistoryError> {
        let mut read = || -> io::Result<()> {
            let input = self.disk.open(&self.path)?;
            let mut stream = Stream { input: &*input, at: place.end };
            if place.end == 0 {
                // A log of another version has other rows: it is left alone.
                let mut start = [0; HEADER];
                if !whole(&mut stream, &mut start)? || start != header() {
                    return Ok(());
                }
                place.end = HEADER.try_into().unwrap_or(u64::MAX);
            }
            let mut records = Records::new(stream, place.end)?;
            while let Some(record) = records.next()? {
                let goes_on = each(record);
                (place.last, place.head) = (place.end, records.head());
                place.end = records.end();
                if !goes_on {
                    break;
                }
            }
            Ok(())
        };
        read().map_err(|source| self.failed(source))
    }

    /// Whether the log still stands as it did when it was read to a place.
    pub(crate) fn goes_on(&self, place: &Place) -> Result<bool, HistoryError> {
        if place.last == 0 {
            return Ok(true);
        }
        let mut head = [0; HEAD];
        let read = self.disk.open(&self.path).and_then(|input| input.read_at(&mut head, place.last));
        Ok(read.map_err(|source| self.failed(source))? == HEAD && head == place.head)
    }

    fn failed(&self, source: io::Error) -> HistoryError {
        HistoryError::Io { attempt: format!("read {}", self.path.display()), source }
    }
}

impl Log {
    /// Whether what follows the last whole record is one that was being written when the program or the machine ended.
    pub(crate) fn is_torn(&self, end: u64) -> io::Result<bool> {
        let input = self.disk.open(&self.path)?;
        let length = input.length()?;
        let mut stream = Stream { input: &*input, at: end };
        Ok(frames::next_end(&mut stream, end)?.is_none_or(|next| next >= length))
    }

    /// Whether there is something in it that this version cannot read from its beginning.
    pub(crate) fn is_strange(&self) -> Result<bool, HistoryError> {
        let length = self.disk.open(&self.path).and_then(|input| input.length());
        let length = length.map_err(|source| self.failed(source))?;
        let header = u64::try_from(HEADER).unwrap_or(0);
        Ok(length > header && self.records(|_| false)? == 0)
    }
}

impl Log {
    /// Tells every record; those that are held need not be unpacked again.
    fn tell(&self, mut each: impl FnMut(&[u8]) -> bool) -> Result<(), HistoryError> {
        let mut rest = Place::default();
        if let Some(held) = &self.held {
            for record in held.records() {
                if !each(record) {
                    return Ok(());
                }
            }
            rest = held.rest.clone();
        }
        self.records_after(&mut rest, each)
    }

    /// Its frames in order, up to the first one after an instant. What was read for that is held for the questions that follow.
    pub(crate) fn marks(&mut self, until: Wall) -> Result<Vec<Mark>, HistoryError> {
        let mut cells = vec![0; width(Host::AT)];
        let mut marks: Vec<Mark> = Vec::new();
        let mut held = Held::default();
        let mut rest = Place::default();
        let mut fits = true;
        self.records_after(&mut rest, |record| {
            fits = fits && held.bytes.len() + record.len() <= MOST_HELD;
            if fits {
                held.bytes.extend_from_slice(record);
                held.ends.push(held.bytes.len());
            }
            let mut cursor = Cursor(record);
            let mut read = || -> Result<(), Nonsense> {
                let at_ms = record::skip_head(&mut cursor)?;
                // The machine is the first kind.
                let mut rows = record::kind(&mut cursor)?;
                while let Some((_, mut row)) = record::next_row(&mut rows)? {
                    let head = row::apply(&mut row, columns(Host::AT), &mut cells)?;
                    if head.flags & CARRIED == 0 {
                        marks.push(Mark::of(at_ms, Cells(&cells)));
                    }
                }
                Ok(())
            };
            read().is_ok() && marks.last().is_none_or(|mark| mark.wall <= until)
        })?;
        self.held = fits.then(|| Arc::new(Held { rest, ..held }));
        Ok(marks)
    }
}

/// What is wanted of a row of a kind, and what of it is so.
struct Picked {
    /// The places in the list of wanted columns of each column.
    places: Vec<Vec<usize>>,
    shapes: Vec<Shape>,
    /// The wanted columns of each thing.
    things: Vec<Option<Box<[i64]>>>,
}

impl Picked {
    fn new(kind: usize, wanted: &[usize]) -> Self {
        let mut places = vec![Vec::new(); width(kind)];
        for (place, column) in wanted.iter().enumerate() {
            if let Some(places) = places.get_mut(*column) {
                places.push(place);
            }
        }
        let shape = |column: &usize| columns(kind).get(*column).map_or(Shape::Level, |column| column.shape);
        Self { places, shapes: wanted.iter().map(shape).collect(), things: Vec::new() }
    }

    /// Takes in a row; `values` become its wanted columns.
    fn take(&mut self, kind: usize, thing: usize, row: &mut Cursor<'_>, values: &mut [i64]) -> Result<Head, Nonsense> {
        // Numbers are given one after the other.
        if self.things.len() == thing {
            self.things.push(None);
        }
        let Some(place) = self.things.get_mut(thing) else { return Err(Nonsense) };
        let cells = place.get_or_insert_with(|| vec![0; values.len()].into());
        values.copy_from_slice(cells);
        for (value, shape) in values.iter_mut().zip(&self.shapes) {
            if matches!(shape, Shape::Counter(_) | Shape::Passing) {
                *value = 0;
            }
        }
        let head = row::changes(row, columns(kind), |column, shape, difference| {
            for place in self.places.get(column).into_iter().flatten() {
                if let Some(value) = values.get_mut(*place) {
                    *value =
                        if matches!(shape, Shape::Counter(_)) { difference } else { shape.moved(*value, difference) };
                }
            }
        })?;
        cells.copy_from_slice(values);
        if head.flags & GONE != 0 {
            *place = None;
        }
        Ok(head)
    }
}

impl Segment for Log {
    fn visit(
        &self,
        kind: usize,
        wanted: &[usize],
        until_ms: i64,
        tell: &mut dyn FnMut(Row<'_>),
    ) -> Result<Texts, HistoryError> {
        let mut picked = Picked::new(kind, wanted);
        let mut texts = Texts::default();
        let mut values = vec![0; wanted.len()];
        self.tell(|record| {
            let mut cursor = Cursor(record);
            let mut read = || -> Result<bool, Nonsense> {
                if record::instant(record).is_none_or(|at| at > until_ms) {
                    return Ok(false);
                }
                let at_ms = record::head(&mut cursor, &mut texts)?;
                for of in 0..=kind {
                    let mut rows = record::kind(&mut cursor)?;
                    while of == kind
                        && let Some((thing, mut row)) = record::next_row(&mut rows)?
                    {
                        let Head { flags, start } = picked.take(kind, thing, &mut row, &mut values)?;
                        tell(Row { at_ms, thing, flags, start, values: &values });
                    }
                }
                Ok(true)
            };
            read().unwrap_or(false)
        })?;
        Ok(texts)
    }

    fn all_at(&self, at_ms: i64) -> Result<Option<(Now, Arc<Texts>)>, HistoryError> {
        let mut now = Now::default();
        let mut texts = Texts::default();
        self.tell(|record| {
            let mut cursor = Cursor(record);
            let mut read = || -> Result<bool, Nonsense> {
                let Some(at) = record::instant(record).filter(|at| *at <= at_ms) else { return Ok(false) };
                record::head(&mut cursor, &mut texts)?;
                now.take(at, &mut cursor, if at == at_ms { Until::Here } else { Until::Later })?;
                Ok(at < at_ms)
            };
            read().unwrap_or(false)
        })?;
        Ok(Some((now, Arc::new(texts))))
    }

    fn tells_names_anyway(&self) -> bool {
        true
    }
}
