//! Reads the columns that [`encode`](super::encode) packed. Numbers stand on whole bytes there, so that a page that is unpacked can be asked
//! for any row, and only the rows that are asked for are ever looked at.

use std::cell::RefCell;
use std::ops::Range;

use bytes::{Buf, Bytes};
use parquet::basic::Encoding;
use parquet::column::page::{Page, PageReader};
use parquet::errors::ParquetError;
use zstd::bulk::Decompressor;

use crate::varint::Cursor;

/// A column of numbers, or of texts by their numbers.
#[derive(Debug)]
pub(crate) enum Numbers {
    /// The same in every row.
    One(i64),
    /// Page by page.
    Pages(Pages),
}

/// The pages of a column.
#[derive(Debug, Default)]
pub(crate) struct Pages {
    /// What the numbers of a dictionary stand for.
    dictionary: Vec<i64>,
    rows: Vec<Rows>,
    /// Where they begin.
    begins: Vec<usize>,
    count: usize,
}

/// The rows of a page.
#[derive(Debug)]
enum Rows {
    /// All are the same.
    Same(i64),
    /// Places in the dictionary, one byte each.
    Byte(Bytes),
    /// Places in the dictionary, so many bytes each.
    Wide(usize, Bytes),
    /// The first bytes of all, then the second ones, and so on to the eighth ones.
    Split(usize, Bytes),
    /// Rows that nobody asked for.
    Skipped,
}

/// Gives a text a number.
pub(crate) type Word<'a> = &'a mut dyn FnMut(&[u8]) -> i64;

/// A page that was not written by [`encode`](super::encode).
pub(crate) type Foreign = &'static str;

/// No page is longer than this.
const MOST: usize = 64 << 20;
/// What a page holds that is none of ours.
const FOREIGN: Foreign = "a page is packed in a way that is not ours";

impl Numbers {
    /// The number of a row.
    pub(crate) fn at(&self, row: usize) -> i64 {
        match self {
            Self::One(value) => *value,
            Self::Pages(pages) => pages.at(row),
        }
    }

    /// The rows in which a number stands, in a column that ascends within each page.
    pub(crate) fn rows_of(&self, value: i64, rows: usize) -> Vec<Range<usize>> {
        let pages = match self {
            Self::One(one) => return (*one == value).then_some(0..rows).into_iter().collect(),
            Self::Pages(pages) => pages,
        };
        let ends = pages.begins.iter().skip(1).copied().chain([pages.count]);
        let within = pages.begins.iter().zip(ends).map(|(begin, end)| {
            let first = |most: i64| first(*begin..end, |row| pages.at(row) >= most);
            first(value)..first(value.saturating_add(1))
        });
        within.filter(|range| !range.is_empty()).collect()
    }

    /// Whether it is zero in every row.
    pub(crate) const fn is_zero(&self) -> bool {
        matches!(self, Self::One(0))
    }
}

impl Pages {
    /// Reads a column of so many rows, as far as they are wanted, from pages that are still packed; `word` turns the texts of a dictionary into numbers, where it
    /// is one of texts.
    pub(crate) fn read(
        reader: &mut dyn PageReader,
        rows: usize,
        wanted: Wanted<'_>,
        mut word: Option<Word<'_>>,
    ) -> Result<Self, String> {
        let mut pages = Self::default();
        let fail = |error: ParquetError| error.to_string();
        while let Some(next) = reader.peek_next_page().map_err(fail)? {
            let count = next.num_levels.unwrap_or(0);
            if !next.is_dict && !wanted.any_of(pages.count..pages.count + count) {
                reader.skip_next_page().map_err(fail)?;
                pages.put(Rows::Skipped, count);
                continue;
            }
            match reader.get_next_page().map_err(fail)? {
                Some(Page::DictionaryPage { buf, num_values, .. }) => {
                    let (buf, values) = (unpacked(&buf)?, usize::try_from(num_values).map_err(|_| FOREIGN)?);
                    pages.dictionary = match &mut word {
                        Some(word) => texts(&buf, values, word)?,
                        None => whole(&buf, values)?,
                    };
                }
                Some(Page::DataPage { buf, num_values, encoding, .. }) => {
                    let count = usize::try_from(num_values).map_err(|_| FOREIGN)?;
                    let rows = pages.data(&unpacked(&buf)?, count, encoding)?;
                    pages.put(rows, count);
                }
                Some(Page::DataPageV2 { .. }) | None => return Err(FOREIGN.to_owned()),
            }
        }
        if pages.count == rows { Ok(pages) } else { Err("a column is shorter than its row group".to_owned()) }
    }

    fn put(&mut self, rows: Rows, count: usize) {
        self.begins.push(self.count);
        self.rows.push(rows);
        self.count += count;
    }

    fn data(&self, buf: &Bytes, count: usize, encoding: Encoding) -> Result<Rows, Foreign> {
        if encoding == Encoding::BYTE_STREAM_SPLIT {
            return if buf.len() == count * 8 { Ok(Rows::Split(count, buf.clone())) } else { Err(FOREIGN) };
        }
        if encoding != Encoding::RLE_DICTIONARY {
            return Err(FOREIGN);
        }
        let mut cursor = Cursor(buf);
        let width = usize::from(cursor.byte().map_err(|_| FOREIGN)?) / 8;
        let run = cursor.length().map_err(|_| FOREIGN)?;
        let values = buf.slice(buf.len() - cursor.0.len()..);
        if !matches!(width, 1 | 2 | 4) {
            return Err(FOREIGN);
        }
        if run & 1 == 0 && run >> 1 == count {
            let value = place(&values, 0, width).and_then(|place| self.dictionary.get(place));
            return value.map(|value| Rows::Same(*value)).ok_or(FOREIGN);
        }
        match width {
            _ if run & 1 == 0 || (run >> 1) * 8 < count || values.len() < count * width => Err(FOREIGN),
            1 => Ok(Rows::Byte(values)),
            _ => Ok(Rows::Wide(width, values)),
        }
    }

    fn at(&self, row: usize) -> i64 {
        let page = self.begins.partition_point(|begin| *begin <= row).saturating_sub(1);
        let row = row - self.begins.get(page).copied().unwrap_or(0);
        let named = |place: usize| self.dictionary.get(place).copied();
        let value = match self.rows.get(page) {
            Some(Rows::Same(value)) => Some(*value),
            Some(Rows::Byte(bytes)) => bytes.get(row).and_then(|place| named(usize::from(*place))),
            Some(Rows::Wide(width, bytes)) => place(bytes, row, *width).and_then(named),
            Some(Rows::Split(count, bytes)) => Some(joined(bytes, row, *count)),
            Some(Rows::Skipped) | None => None,
        };
        value.unwrap_or(0)
    }
}

/// Which rows are wanted.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Wanted<'a> {
    All,
    /// These alone, in ascending order.
    Rows(&'a [u32]),
}

impl Wanted<'_> {
    fn any_of(self, range: Range<usize>) -> bool {
        let Self::Rows(rows) = self else { return true };
        let row = |row: &u32| usize::try_from(*row).unwrap_or(usize::MAX);
        let next = rows.partition_point(|wanted| row(wanted) < range.start);
        rows.get(next).is_some_and(|wanted| row(wanted) < range.end)
    }
}

/// The first row from which on something is so.
fn first(rows: Range<usize>, is_so: impl Fn(usize) -> bool) -> usize {
    let (mut from, mut to) = (rows.start, rows.end);
    while from < to {
        let middle = from + (to - from) / 2;
        if is_so(middle) { to = middle } else { from = middle + 1 }
    }
    from
}

thread_local! {
    /// What unpacks pages. To make one takes longer than to unpack most pages.
    static UNPACKER: RefCell<Option<Decompressor<'static>>> = const { RefCell::new(None) };
}

/// The bytes of a page.
fn unpacked(packed: &[u8]) -> Result<Bytes, String> {
    let size = Decompressor::upper_bound(packed).filter(|size| *size <= MOST).ok_or(FOREIGN)?;
    let bytes = UNPACKER.with_borrow_mut(|kept| {
        let unpacker = match kept {
            Some(unpacker) => unpacker,
            None => kept.insert(Decompressor::new()?),
        };
        unpacker.decompress(packed, size)
    });
    bytes.map(Bytes::from).map_err(|error| error.to_string())
}

/// The place in the dictionary that stands in a row.
fn place(bytes: &[u8], row: usize, width: usize) -> Option<usize> {
    let bytes = bytes.get(row * width..(row + 1) * width)?;
    Some(bytes.iter().rev().fold(0, |place, byte| place << 8 | usize::from(*byte)))
}

/// A number from its eight bytes, which lie far from each other.
fn joined(bytes: &[u8], row: usize, count: usize) -> i64 {
    let mut value = [0; 8];
    for (stream, byte) in value.iter_mut().enumerate() {
        *byte = bytes.get(stream * count + row).copied().unwrap_or(0);
    }
    i64::from_le_bytes(value)
}

fn whole(bytes: &[u8], values: usize) -> Result<Vec<i64>, Foreign> {
    let (words, rest) = bytes.as_chunks::<8>();
    if words.len() != values || !rest.is_empty() {
        return Err(FOREIGN);
    }
    Ok(words.iter().map(|word| i64::from_le_bytes(*word)).collect())
}

fn texts(mut bytes: &[u8], values: usize, word: Word<'_>) -> Result<Vec<i64>, Foreign> {
    let mut numbers = Vec::new();
    for _ in 0..values {
        let length = bytes.try_get_u32_le().ok().and_then(|length| usize::try_from(length).ok()).ok_or(FOREIGN)?;
        let (text, rest) = bytes.split_at_checked(length).ok_or(FOREIGN)?;
        numbers.push(word(text));
        bytes = rest;
    }
    Ok(numbers)
}
