//! Reads the columns that [`encode`](super::encode) packed. Numbers stand on whole bytes there, so that a page that is unpacked can be asked
//! for any row, and only the rows that are asked for are ever looked at.

use std::cell::RefCell;
use std::ops::{Deref, Range};

use bytes::Buf;
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
    Byte(Unpacked),
    /// Places in the dictionary, so many bytes each.
    Wide(usize, Unpacked),
    /// The first bytes of all, then the second ones, and so on to the eighth ones.
    Split(usize, Unpacked),
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

    /// The page in which a row lies, for [`Self::at_in`].
    pub(crate) fn page_of(&self, row: usize) -> usize {
        match self {
            Self::One(_) => 0,
            Self::Pages(pages) => pages.page_of(row),
        }
    }

    /// The number of a row that lies in this page, as a rule: most columns of a file have the same pages.
    pub(crate) fn at_in(&self, page: usize, row: usize) -> i64 {
        match self {
            Self::One(value) => *value,
            Self::Pages(pages) => pages.at_in(page, row),
        }
    }

    /// The sum over rows that lie in this page, as a rule; it wraps.
    pub(crate) fn sum_in(&self, page: usize, rows: Range<usize>) -> i64 {
        match self {
            Self::One(value) => times(*value, rows.len()),
            Self::Pages(pages) => pages.sum_in(page, rows),
        }
    }

    /// Tells the number of each row.
    pub(crate) fn each(&self, rows: Range<usize>, mut tell: impl FnMut(usize, i64)) {
        match self {
            Self::One(value) => rows.for_each(|row| tell(row, *value)),
            Self::Pages(pages) => pages.each(rows, tell),
        }
    }

    /// Where pages end.
    pub(crate) fn page_ends(&self, rows: usize) -> Vec<usize> {
        match self {
            Self::One(_) => vec![rows],
            Self::Pages(pages) => pages.begins.iter().skip(1).copied().chain([pages.count]).collect(),
        }
    }

    /// Whether it is the same in every row.
    pub(crate) const fn is_one(&self) -> bool {
        matches!(self, Self::One(_))
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
                    let rows = pages.data(unpacked(&buf)?, count, encoding)?;
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

    fn data(&self, mut buf: Unpacked, count: usize, encoding: Encoding) -> Result<Rows, Foreign> {
        if encoding == Encoding::BYTE_STREAM_SPLIT {
            return if buf.len() == count * 8 { Ok(Rows::Split(count, buf)) } else { Err(FOREIGN) };
        }
        if encoding != Encoding::RLE_DICTIONARY {
            return Err(FOREIGN);
        }
        let mut cursor = Cursor(&buf);
        let width = usize::from(cursor.byte().map_err(|_| FOREIGN)?) / 8;
        let run = cursor.length().map_err(|_| FOREIGN)?;
        buf.from = buf.len() - cursor.0.len();
        let values = buf;
        if !matches!(width, 1 | 2 | 4) {
            return Err(FOREIGN);
        }
        if run & 1 == 0 && run >> 1 == count {
            let value = place(&values, 0, width).and_then(|place| self.dictionary.get(place));
            return value.map(|value| Rows::Same(*value)).ok_or(FOREIGN);
        }
        match width {
            _ if run & 1 == 0 || (run >> 1).saturating_mul(8) < count || values.len() < count * width => Err(FOREIGN),
            1 => Ok(Rows::Byte(values)),
            _ => Ok(Rows::Wide(width, values)),
        }
    }

    /// The pages that some rows lie in, and which of their rows they are.
    fn parts(&self, rows: Range<usize>) -> impl Iterator<Item = (usize, &Rows, Range<usize>)> {
        let first = self.begins.partition_point(|begin| *begin <= rows.start).saturating_sub(1);
        let ends = self.begins.iter().skip(1).copied().chain([self.count]);
        let pages = self.begins.iter().zip(ends).zip(&self.rows).skip(first);
        pages
            .take_while(move |((begin, _), _)| **begin < rows.end)
            .map(move |((begin, end), page)| (*begin, page, rows.start.max(*begin) - begin..rows.end.min(end) - begin))
    }

    fn sum_in(&self, page: usize, rows: Range<usize>) -> i64 {
        let begin = self.begins.get(page).copied().unwrap_or(usize::MAX);
        let end = self.begins.get(page + 1).copied().unwrap_or(self.count);
        if begin <= rows.start && rows.end <= end {
            return self.rows.get(page).map_or(0, |page| self.sum(page, rows.start - begin..rows.end - begin));
        }
        self.parts(rows).fold(0, |sum, (_, page, rows)| sum.wrapping_add(self.sum(page, rows)))
    }

    /// The sum over rows of a page.
    fn sum(&self, page: &Rows, rows: Range<usize>) -> i64 {
        let named = |place: usize| self.dictionary.get(place).copied().unwrap_or(0);
        match page {
            Rows::Same(value) => times(*value, rows.len()),
            Rows::Byte(bytes) => {
                let places = bytes.get(rows).unwrap_or_default();
                places.iter().fold(0_i64, |sum, place| sum.wrapping_add(named(usize::from(*place))))
            }
            Rows::Wide(width, bytes) => {
                let places = rows.filter_map(|row| place(bytes, row, *width));
                places.fold(0_i64, |sum, place| sum.wrapping_add(named(place)))
            }
            // Byte by byte: how often each power of 256 is there.
            Rows::Split(count, bytes) => (0..8).fold(0_i64, |sum, stream| {
                let begin = stream * count;
                let bytes = bytes.get(begin + rows.start..begin + rows.end).unwrap_or_default();
                let digits: u64 = bytes.iter().map(|byte| u64::from(*byte)).sum();
                sum.wrapping_add((digits << (8 * stream)).cast_signed())
            }),
            Rows::Skipped => 0,
        }
    }

    fn each(&self, rows: Range<usize>, mut tell: impl FnMut(usize, i64)) {
        let named = |place: usize| self.dictionary.get(place).copied().unwrap_or(0);
        for (begin, page, rows) in self.parts(rows) {
            match page {
                Rows::Same(value) => rows.for_each(|row| tell(begin + row, *value)),
                Rows::Byte(bytes) => {
                    let places = bytes.get(rows.clone()).unwrap_or_default();
                    rows.zip(places).for_each(|(row, place)| tell(begin + row, named(usize::from(*place))));
                }
                Rows::Wide(width, bytes) => {
                    rows.for_each(|row| tell(begin + row, place(bytes, row, *width).map_or(0, named)));
                }
                Rows::Split(count, bytes) => rows.for_each(|row| tell(begin + row, joined(bytes, row, *count))),
                Rows::Skipped => rows.for_each(|row| tell(begin + row, 0)),
            }
        }
    }

    fn page_of(&self, row: usize) -> usize {
        self.begins.partition_point(|begin| *begin <= row).saturating_sub(1)
    }

    fn at(&self, row: usize) -> i64 {
        self.at_place(self.page_of(row), row)
    }

    fn at_in(&self, page: usize, row: usize) -> i64 {
        let begins = self.begins.get(page).is_some_and(|begin| *begin <= row);
        let here = begins && self.begins.get(page + 1).is_none_or(|next| row < *next);
        self.at_place(if here { page } else { self.page_of(row) }, row)
    }

    fn at_place(&self, page: usize, row: usize) -> i64 {
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

/// The sum of the same value in so many rows; it wraps.
fn times(value: i64, rows: usize) -> i64 {
    value.wrapping_mul(i64::try_from(rows).unwrap_or(0))
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
pub(crate) fn first(rows: Range<usize>, is_so: impl Fn(usize) -> bool) -> usize {
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
    /// Memory of pages that nobody looks at any more. To get it from the system anew takes longer than to unpack most pages.
    static SPARE: RefCell<Vec<Vec<u8>>> = const { RefCell::new(Vec::new()) };
}

/// So much memory is kept for the next pages: a few of them, ...
const SPARE_PAGES: usize = 8;
/// ... none larger than this.
const SPARE_BYTES: usize = 256 << 10;

/// The bytes of a page, from a place on.
#[derive(Debug, Default)]
struct Unpacked {
    bytes: Vec<u8>,
    from: usize,
}

impl Deref for Unpacked {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        self.bytes.get(self.from..).unwrap_or_default()
    }
}

impl Drop for Unpacked {
    fn drop(&mut self) {
        let bytes = std::mem::take(&mut self.bytes);
        if bytes.capacity() > 0 && bytes.capacity() <= SPARE_BYTES {
            // A thread that ends has no use for it.
            let _ended = SPARE.try_with(|spare| {
                if let Ok(mut spare) = spare.try_borrow_mut()
                    && spare.len() < SPARE_PAGES
                {
                    spare.push(bytes);
                }
            });
        }
    }
}

/// The bytes of a page.
fn unpacked(packed: &[u8]) -> Result<Unpacked, String> {
    let size = Decompressor::upper_bound(packed).filter(|size| *size <= MOST).ok_or(FOREIGN)?;
    let mut bytes = SPARE.with_borrow_mut(Vec::pop).unwrap_or_default();
    bytes.clear();
    bytes.reserve(size);
    let unpacked = UNPACKER.with_borrow_mut(|kept| {
        let unpacker = match kept {
            Some(unpacker) => unpacker,
            None => kept.insert(Decompressor::new()?),
        };
        unpacker.decompress_to_buffer(packed, &mut bytes)
    });
    unpacked.map_err(|error| error.to_string())?;
    Ok(Unpacked { bytes, from: 0 })
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

#[cfg(test)]
mod tests {
    use super::*;

    fn page(bytes: impl IntoIterator<Item = u8>) -> Unpacked {
        Unpacked { bytes: bytes.into_iter().collect(), from: 0 }
    }

    /// A column with a page of each sort, and its numbers.
    fn column() -> (Numbers, Vec<i64>) {
        let mut pages = Pages { dictionary: vec![0, i64::MAX, -3, 40_000], ..Pages::default() };
        pages.put(Rows::Same(-7), 5);
        pages.put(Rows::Byte(page([1, 0, 3, 2])), 4);
        pages.put(Rows::Wide(2, page([3, 0, 1, 0, 2, 0])), 3);
        let split = [i64::MIN, -1, 0x0102_0304_0506_0708, 250];
        let streams = (0..8).flat_map(|stream| split.map(|value| value.to_le_bytes()[stream]));
        pages.put(Rows::Split(4, page(streams)), 4);
        pages.put(Rows::Skipped, 2);
        let values =
            [vec![-7; 5], vec![i64::MAX, 0, 40_000, -3], vec![40_000, i64::MAX, -3], split.to_vec(), vec![0; 2]];
        (Numbers::Pages(pages), values.concat())
    }

    #[test]
    fn a_row_a_sum_and_a_walk_tell_the_same_whichever_page_is_named() {
        let (column, values) = column();
        for (row, value) in values.iter().enumerate() {
            assert_eq!(column.at(row), *value);
            for page in 0..7 {
                assert_eq!(column.at_in(page, row), *value, "row {row}, page {page}");
            }
        }
        for begin in 0..values.len() {
            for end in begin..=values.len() {
                let wanted = values[begin..end].iter().fold(0, |sum: i64, value| sum.wrapping_add(*value));
                for page in 0..7 {
                    assert_eq!(column.sum_in(page, begin..end), wanted, "{begin}..{end}, page {page}");
                }
                let mut told = Vec::new();
                column.each(begin..end, |row, value| told.push((row, value)));
                let listed: Vec<(usize, i64)> = (begin..end).map(|row| (row, values[row])).collect();
                assert_eq!(told, listed, "{begin}..{end}");
            }
        }
    }

    #[test]
    fn memory_of_pages_is_used_again_and_holds_nothing_of_before() {
        let pack = |bytes: &[u8]| zstd::bulk::compress(bytes, 1).unwrap();
        drop(unpacked(&pack(&[9; 1000])).unwrap());
        let spare = SPARE.with_borrow(Vec::len);
        let next = unpacked(&pack(&[1, 2, 3])).unwrap();
        assert_eq!((&*next, SPARE.with_borrow(Vec::len)), (&[1_u8, 2, 3][..], spare - 1));
        let many: Vec<Unpacked> = (0..3 * SPARE_PAGES).map(|_| unpacked(&pack(&[0; 10])).unwrap()).collect();
        drop((many, next));
        assert_eq!(SPARE.with_borrow(Vec::len), SPARE_PAGES);
    }
}
