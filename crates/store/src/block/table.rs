//! Rows of a log, turned into columns. Only what changed is held, in as few bytes as the log takes for it.

use procyon_history::HistoryError;

use crate::column::{Column, Shape};
use crate::kinds::host::{self, Host};
use crate::kinds::process::Process;
use crate::kinds::{COUNT, Kind, columns, width};
use crate::log::Log;
use crate::row::{self, CARRIED, FRESH};
use crate::segment::{Row, Segment};
use crate::texts::Texts;
use crate::varint::{self, Cursor, Nonsense};
use crate::{column, record};

/// The rows of some kinds.
#[derive(Debug)]
pub(crate) struct Tables {
    pub(crate) kinds: [Table; COUNT],
    pub(crate) texts: Texts,
    /// Where the last whole record ends; none when one makes no sense.
    pub(crate) end: Option<u64>,
}

/// The rows of a kind, in the order in which they were told.
#[derive(Debug, Default)]
pub(crate) struct Table {
    pub(crate) rows: Vec<Told>,
    /// What changed, a list for each column.
    changes: Vec<Changes>,
    /// One more than the highest number of a thing.
    pub(crate) things: usize,
}

/// What precedes the cells of a row.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Told {
    pub(crate) at_ms: i64,
    pub(crate) thing: u32,
    pub(crate) flags: u8,
    pub(crate) start: u8,
    /// Rows that changed in the same way lie together, see [`class`].
    pub(crate) class: u8,
}

/// What changed of a column: for each row that changed it, how many rows after the last one, and the difference.
#[derive(Debug, Default)]
struct Changes {
    bytes: Vec<u8>,
    last: usize,
}

/// Reads the changes of a column row by row.
struct Following<'a> {
    cursor: Cursor<'a>,
    next: Option<(usize, i64)>,
    at: usize,
    /// Bits of floats stand with their last byte first, because the last ones are mostly zero.
    float: bool,
}

impl Default for Tables {
    fn default() -> Self {
        let kinds = std::array::from_fn(|kind| Table {
            changes: (0..width(kind)).map(|_| Changes::default()).collect(),
            ..Table::default()
        });
        Self { kinds, texts: Texts::default(), end: None }
    }
}

impl Tables {
    /// Reads the rows of some kinds back.
    pub(crate) fn read(log: &Log, wanted: impl Fn(usize) -> bool) -> Result<Self, HistoryError> {
        let mut tables = Self::default();
        let mut sense = true;
        let end = log.records(|record| {
            sense = tables.take(record, &wanted).is_ok();
            sense
        })?;
        tables.end = sense.then_some(end);
        Ok(tables)
    }

    /// Takes in a record.
    pub(crate) fn take(&mut self, bytes: &[u8], wanted: &impl Fn(usize) -> bool) -> Result<(), Nonsense> {
        let mut cursor = Cursor(bytes);
        let at_ms = record::head(&mut cursor, &mut self.texts)?;
        for (kind, table) in self.kinds.iter_mut().enumerate() {
            let mut rows = record::kind(&mut cursor)?;
            if !wanted(kind) {
                continue;
            }
            while let Some((thing, row)) = record::next_row(&mut rows)? {
                table.take(kind, at_ms, thing, row)?;
            }
        }
        Ok(())
    }
}

impl Table {
    fn take(&mut self, kind: usize, at_ms: i64, thing: usize, mut row: Cursor<'_>) -> Result<(), Nonsense> {
        // Numbers are given one after the other.
        if thing > self.things {
            return Err(Nonsense);
        }
        let at = self.rows.len();
        let mut seen = 0;
        let changes = &mut self.changes;
        let head = row::changes(&mut row, columns(kind), |place, shape, difference| {
            seen |= sort_of(kind, place);
            if let Some(changes) = changes.get_mut(place) {
                changes.push(at, if shape == Shape::Float { difference.swap_bytes() } else { difference });
            }
        })?;
        self.things = self.things.max(thing + 1);
        self.rows.push(Told {
            at_ms,
            thing: u32::try_from(thing).map_err(|_| Nonsense)?,
            flags: head.flags,
            start: u8::try_from(head.start & column::ALL_GROUPS).map_err(|_| Nonsense)?,
            class: if head.flags & (FRESH | CARRIED) != 0 { FIRST } else { FIRST + 1 + seen },
        });
        Ok(())
    }

    /// The places of rows in the order of files: by class, then by thing, then by time.
    pub(crate) fn order(&self) -> Vec<u32> {
        let mut order: Vec<u32> = (0..).take(self.rows.len()).collect();
        let row = |place: &u32| usize::try_from(*place).ok().and_then(|place| self.rows.get(place));
        order.sort_by_key(|place| row(place).map(|row| (row.class, row.thing)));
        order
    }

    /// Where the rows of each class end in files. Those of other kinds than processes repeat each other from class to class, and stand
    /// together.
    pub(crate) fn class_ends(&self, kind: usize) -> Vec<usize> {
        if kind != Process::AT {
            return vec![self.rows.len()];
        }
        let classes = FIRST..=FIRST + 1 + (RAN | WORKED);
        classes.map(|class| self.rows.iter().filter(|row| row.class <= class).count()).collect()
    }

    /// The numbers of a column as they stand in files, in the order of the log; none when all are zero.
    pub(crate) fn column(&self, place: usize, column: &Column, monos: &Monos) -> Option<Vec<i64>> {
        let changes = self.changes.get(place).filter(|changes| !changes.bytes.is_empty())?;
        let mut following = changes.follow(column.shape);
        let mut values = vec![0; self.rows.len()];
        let mut so_far = if column.shape.is_difference() { Vec::new() } else { vec![0; self.things] };
        for (row, value) in self.rows.iter().zip(&mut values) {
            let difference = following.step();
            if let (Shape::Counter(_) | Shape::Change | Shape::Passing, Some(difference)) = (column.shape, difference) {
                *value = difference;
            }
            let thing = usize::try_from(row.thing).ok().and_then(|thing| so_far.get_mut(thing));
            let Some(cell) = thing else { continue };
            if let Some(difference) = difference {
                *cell = column.shape.moved(*cell, difference);
            }
            *value = match column.shape {
                Shape::Moment => difference.map_or(0, |_| monos.told(row, *cell)),
                _ => *cell,
            };
        }
        Some(values)
    }
}

impl Segment for Tables {
    fn visit(
        &self,
        kind: usize,
        wanted: &[usize],
        until_ms: i64,
        tell: &mut dyn FnMut(Row<'_>),
    ) -> Result<Texts, HistoryError> {
        let Some(table) = self.kinds.get(kind) else { return Ok(Texts::default()) };
        let mut read = Vec::with_capacity(wanted.len());
        for place in wanted {
            if let (Some(column), Some(changes)) = (columns(kind).get(*place), table.changes.get(*place)) {
                read.push((column.shape, changes.follow(column.shape), vec![0; table.things]));
            }
        }
        let mut values = vec![0; read.len()];
        for row in table.rows.iter().take_while(|row| row.at_ms <= until_ms) {
            let thing = usize::try_from(row.thing).unwrap_or(0);
            for ((shape, following, so_far), value) in read.iter_mut().zip(&mut values) {
                let difference = following.step();
                let Some(cell) = so_far.get_mut(thing) else { continue };
                if let Some(difference) = difference {
                    *cell = shape.moved(*cell, difference);
                }
                *value = match shape {
                    Shape::Counter(_) | Shape::Passing => difference.unwrap_or(0),
                    _ => *cell,
                };
            }
            tell(Row { at_ms: row.at_ms, thing, flags: row.flags, start: i64::from(row.start), values: &values });
        }
        Ok(self.texts.clone())
    }
}

impl Changes {
    fn push(&mut self, row: usize, difference: i64) {
        varint::put_len(&mut self.bytes, row - self.last);
        varint::put_signed(&mut self.bytes, difference);
        self.last = row;
    }

    fn follow(&self, shape: Shape) -> Following<'_> {
        let mut following = Following { cursor: Cursor(&self.bytes), next: None, at: 0, float: shape == Shape::Float };
        following.read(0);
        following
    }
}

impl Following<'_> {
    fn read(&mut self, after: usize) {
        let mut next =
            || -> Result<(usize, i64), Nonsense> { Ok((after + self.cursor.length()?, self.cursor.signed()?)) };
        self.next = next().ok();
    }

    /// What changed in the next row.
    fn step(&mut self) -> Option<i64> {
        let at = self.at;
        self.at += 1;
        let (row, difference) = self.next?;
        if row != at {
            return None;
        }
        self.read(row);
        Some(if self.float { difference.swap_bytes() } else { difference })
    }
}

/// First rows of things come first.
const FIRST: u8 = 0;
/// Bits of the class: counters moved that say that something ran, and counters of what it did.
const RAN: u8 = 1;
const WORKED: u8 = 2;

/// What a changed column says about the class of its row. In rows of one class the same columns are zero, which then takes no room.
fn sort_of(kind: usize, place: usize) -> u8 {
    use crate::kinds::process;
    if kind != Process::AT {
        return 0;
    }
    match place {
        process::CPU_USER | process::CPU_SYSTEM | process::VOLUNTARY | process::INVOLUNTARY | process::RUN_DELAY => RAN,
        process::MINOR
        | process::READ_CHARS
        | process::WRITTEN_CHARS
        | process::READ_CALLS
        | process::WRITE_CALLS
        | process::READ
        | process::WRITTEN => WORKED,
        _ => 0,
    }
}

/// Monotonic time of each frame.
#[derive(Debug, Default)]
pub(crate) struct Monos(Vec<(i64, i64)>);

impl Monos {
    /// Of a segment, up to an instant.
    pub(crate) fn of(segment: &dyn Segment, until_ms: i64) -> Result<Self, HistoryError> {
        let mut monos = Self::default();
        segment.visit(Host::AT, &[host::MONO], until_ms, &mut |row| {
            if let (Some(mono), false) = (row.values.first(), row.has(CARRIED)) {
                monos.0.push((row.at_ms, *mono));
            }
        })?;
        monos.0.sort_unstable();
        Ok(monos)
    }

    fn at(&self, at_ms: i64) -> Option<i64> {
        let place = self.0.binary_search_by_key(&at_ms, |(at, _)| *at).ok()?;
        self.0.get(place).map(|(_, mono)| *mono)
    }

    /// The monotonic time of a frame; of the first one where the frame is not in the segment.
    fn near(&self, at_ms: i64) -> i64 {
        self.at(at_ms).or_else(|| self.0.first().map(|(_, mono)| *mono)).unwrap_or(0)
    }

    /// A moment as it stands in files: the time from it to the frame, and one more if it is not later, so that it is never zero.
    fn told(&self, row: &Told, moment: i64) -> i64 {
        let before = self.near(row.at_ms).wrapping_sub(moment);
        if before < 0 { before } else { before.saturating_add(1) }
    }

    /// The moment that stands for something in a row of a file.
    pub(crate) fn read(&self, at_ms: i64, told: i64) -> i64 {
        self.near(at_ms).wrapping_sub(if told > 0 { told - 1 } else { told })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_thing_has_the_next_number_or_one_that_was_given() {
        let row = [0; 16];
        for (thing, fine) in [(0, true), (1, false), (1 << 24, false)] {
            let mut tables = Tables::default();
            let taken = tables.kinds[Host::AT].take(Host::AT, 1, thing, Cursor(&row));
            assert_eq!(taken.is_ok(), fine, "{thing}");
        }
    }

    proptest! {
        #[test]
        fn moments_read_back_and_are_never_nothing(frames: Vec<(i64, i64)>, at_ms: i64, moment: i64) {
            let mut monos = Monos(frames);
            monos.0.sort_unstable();
            let row = Told { at_ms, thing: 0, flags: 0, start: 0, class: 0 };
            let told = monos.told(&row, moment);
            prop_assert_eq!(monos.read(at_ms, told), moment);
            prop_assert!(told != 0);
        }
    }
}
