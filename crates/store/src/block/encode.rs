//! Packs a column into pages of Parquet, with the encoding that its values ask for.
//!
//! Everything stands on whole bytes, which zstd can look through: the numbers of a dictionary take one byte or two and are not squeezed
//! into bits, and what makes no dictionary is split into one stream for each byte.

use std::collections::HashMap;

use bytes::Bytes;
use parquet::basic::{Compression, Encoding, Type, ZstdLevel};
use parquet::column::page::{CompressedPage, Page, PageWriter};
use parquet::column::writer::ColumnCloseResult;
use parquet::errors::{ParquetError, Result};
use parquet::file::metadata::ColumnChunkMetaData;
use parquet::file::statistics::Statistics;
use parquet::file::writer::{SerializedPageWriter, TrackedWrite};
use parquet::schema::types::ColumnDescPtr;
use zstd::bulk::Compressor;

use crate::varint;

/// Data pages hold no more rows than this.
const PAGE_ROWS: usize = 32 << 10;

/// Where pages end, when they hold the rows of one class each and no more than pages can: `ends` are where classes end.
pub(crate) fn page_ends(ends: impl IntoIterator<Item = usize>) -> Vec<usize> {
    let mut pages = Vec::new();
    let mut begin = 0;
    for end in ends {
        while end > begin {
            begin = end.min(begin + PAGE_ROWS);
            pages.push(begin);
        }
    }
    pages
}

/// The pages of a column.
fn pages<'a, T>(values: &'a [T], ends: &'a [usize]) -> impl Iterator<Item = &'a [T]> {
    let begins = std::iter::once(0).chain(ends.iter().copied());
    begins.zip(ends).map(|(begin, end)| values.get(begin..*end).unwrap_or_default())
}

/// The value that a page holds in every row.
fn same<T: PartialEq + Copy>(page: &[T]) -> Option<T> {
    let first = *page.first()?;
    page.iter().all(|value| *value == first).then_some(first)
}
/// Level of compression.
const LEVEL: i32 = 6;
/// Numbers of a dictionary have one byte up to this many values, and then two.
const BYTE: usize = 1 << 8;

/// Bits that a value of a dictionary takes by itself, as a rule.
const VALUE: f64 = 20.0;

/// Packs columns, one after the other.
pub(crate) struct Packer {
    compressor: Compressor<'static>,
    plain: Vec<u8>,
    numbers: Vec<u32>,
    distinct: Distinct,
}

/// A column that is packed.
pub(crate) struct Packed {
    pub(crate) bytes: Bytes,
    pub(crate) close: ColumnCloseResult,
}

impl std::fmt::Debug for Packer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Packer")
    }
}

impl Packer {
    pub(crate) fn new() -> Result<Self> {
        Ok(Self {
            compressor: Compressor::new(LEVEL)?,
            plain: Vec::new(),
            numbers: Vec::new(),
            distinct: Distinct::default(),
        })
    }

    /// Whole numbers, or the bits of floats, in pages that end at these rows.
    pub(crate) fn numbers(&mut self, column: ColumnDescPtr, values: &[i64], ends: &[usize]) -> Result<Packed> {
        let mut chunk = Chunk::new(column, values.len());
        chunk.statistics = statistics(chunk.column.physical_type(), values);
        if self.distinct.take(values, &mut self.numbers) && self.distinct.pays(values) {
            self.rank();
            let count = self.distinct.values.len();
            self.plain.clear();
            for (value, _) in &self.distinct.values {
                self.plain.extend_from_slice(&value.to_le_bytes());
            }
            chunk.dictionary(&mut self.compressor, &self.plain, count)?;
            self.number_pages(&mut chunk, ends)?;
        } else {
            self.split_pages(&mut chunk, values, ends)?;
        }
        chunk.finish()
    }

    /// Pages of streams of bytes; a page that holds only one value is a run of it.
    fn split_pages(&mut self, chunk: &mut Chunk, values: &[i64], ends: &[usize]) -> Result<()> {
        let mut runs: Vec<i64> = pages(values, ends).filter_map(same).collect();
        runs.sort_unstable();
        runs.dedup();
        if !runs.is_empty() {
            self.plain.clear();
            self.plain.extend(runs.iter().flat_map(|value| value.to_le_bytes()));
            chunk.dictionary(&mut self.compressor, &self.plain, runs.len())?;
        }
        for page in pages(values, ends) {
            let run = same(page).and_then(|value| runs.binary_search(&value).ok());
            if let Some(number) = run.and_then(|number| u32::try_from(number).ok()) {
                self.run(number, 4, page.len());
                chunk.data(&mut self.compressor, &self.plain, page.len(), Encoding::RLE_DICTIONARY)?;
                continue;
            }
            self.plain.clear();
            for byte in 0..8 {
                let of = |value: &i64| value.to_le_bytes().get(byte).copied().unwrap_or(0);
                self.plain.extend(page.iter().map(of));
            }
            chunk.data(&mut self.compressor, &self.plain, page.len(), Encoding::BYTE_STREAM_SPLIT)?;
        }
        Ok(())
    }

    /// The same number in every row.
    pub(crate) fn same(&mut self, column: ColumnDescPtr, value: i64, rows: usize) -> Result<Packed> {
        let mut chunk = Chunk::new(column, rows);
        chunk.statistics = statistics(chunk.column.physical_type(), &[value]);
        chunk.dictionary(&mut self.compressor, &value.to_le_bytes(), 1)?;
        self.run(0, 1, rows);
        chunk.data(&mut self.compressor, &self.plain, rows, Encoding::RLE_DICTIONARY)?;
        chunk.finish()
    }

    /// A page of one number of a dictionary.
    fn run(&mut self, number: u32, width: u8, rows: usize) {
        self.plain.clear();
        self.plain.push(width * 8);
        varint::put_len(&mut self.plain, rows << 1);
        self.plain.extend(number.to_le_bytes().into_iter().take(usize::from(width)));
    }

    /// Texts, each given by a number; `text` tells what it stands for.
    pub(crate) fn texts(
        &mut self,
        column: ColumnDescPtr,
        numbers: &[i64],
        ends: &[usize],
        mut text: impl FnMut(i64) -> Bytes,
    ) -> Result<Packed> {
        let mut chunk = Chunk::new(column, numbers.len());
        let mut known: HashMap<i64, u32> = HashMap::new();
        self.plain.clear();
        self.numbers.clear();
        let mut last = None;
        for number in numbers {
            if let Some((before, place)) = last {
                if before == *number {
                    self.numbers.push(place);
                    continue;
                }
            }
            let next = u32::try_from(known.len()).map_err(|_| too_many())?;
            let place = *known.entry(*number).or_insert_with(|| {
                let text = text(*number);
                self.plain.extend_from_slice(&u32::try_from(text.len()).unwrap_or(0).to_le_bytes());
                self.plain.extend_from_slice(&text);
                next
            });
            last = Some((*number, place));
            self.numbers.push(place);
        }
        chunk.dictionary(&mut self.compressor, &self.plain, known.len())?;
        self.number_pages(&mut chunk, ends)?;
        chunk.finish()
    }

    /// Gives frequent values the small numbers, so that the upper byte of the numbers is mostly zero.
    fn rank(&mut self) {
        let values = &mut self.distinct.values;
        if values.len() <= BYTE {
            return;
        }
        let mut order: Vec<u32> = (0..).take(values.len()).collect();
        let count = |place: &u32| usize::try_from(*place).ok().and_then(|place| values.get(place)).map_or(0, |v| v.1);
        order.sort_by_key(|place| std::cmp::Reverse(count(place)));
        let mut rank = vec![0; values.len()];
        let mut ranked = Vec::with_capacity(values.len());
        for (number, place) in (0_u32..).zip(order) {
            let Ok(place) = usize::try_from(place) else { continue };
            if let (Some(rank), Some(value)) = (rank.get_mut(place), values.get(place)) {
                *rank = number;
                ranked.push(*value);
            }
        }
        *values = ranked;
        for number in &mut self.numbers {
            let place = usize::try_from(*number).ok();
            *number = place.and_then(|place| rank.get(place)).copied().unwrap_or(0);
        }
    }

    /// The pages of numbers of a dictionary.
    fn number_pages(&mut self, chunk: &mut Chunk, ends: &[usize]) -> Result<()> {
        let numbers = std::mem::take(&mut self.numbers);
        for page in pages(&numbers, ends) {
            let width: u8 = match page.iter().max().copied().unwrap_or(0) {
                0..0x100 => 1,
                0x100..0x1_0000 => 2,
                _ => 4,
            };
            if let Some(number) = same(page) {
                self.run(number, width, page.len());
            } else {
                self.plain.clear();
                self.plain.push(width * 8);
                // Groups of eight.
                let groups = page.len().div_ceil(8);
                varint::put_len(&mut self.plain, groups << 1 | 1);
                let padding = std::iter::repeat_n(&0, groups * 8 - page.len());
                for number in page.iter().chain(padding) {
                    self.plain.extend(number.to_le_bytes().into_iter().take(usize::from(width)));
                }
            }
            chunk.data(&mut self.compressor, &self.plain, page.len(), Encoding::RLE_DICTIONARY)?;
        }
        self.numbers = numbers;
        Ok(())
    }
}

/// A column on its way.
struct Chunk {
    column: ColumnDescPtr,
    rows: usize,
    out: TrackedWrite<Vec<u8>>,
    plain: usize,
    dictionary_at: Option<usize>,
    data_at: Option<usize>,
    encodings: Vec<Encoding>,
    statistics: Option<Statistics>,
}

impl Chunk {
    fn new(column: ColumnDescPtr, rows: usize) -> Self {
        Self {
            column,
            rows,
            out: TrackedWrite::new(Vec::new()),
            plain: 0,
            dictionary_at: None,
            data_at: None,
            encodings: Vec::new(),
            statistics: None,
        }
    }

    fn dictionary(&mut self, compressor: &mut Compressor<'_>, plain: &[u8], values: usize) -> Result<()> {
        self.dictionary_at = Some(self.out.bytes_written());
        self.encodings.push(Encoding::PLAIN);
        let buf = Bytes::from(compressor.compress(plain)?);
        let num_values = u32::try_from(values).map_err(|_| too_many())?;
        self.put(Page::DictionaryPage { buf, num_values, encoding: Encoding::PLAIN, is_sorted: false }, plain.len())
    }

    fn data(&mut self, compressor: &mut Compressor<'_>, plain: &[u8], rows: usize, encoding: Encoding) -> Result<()> {
        self.data_at.get_or_insert(self.out.bytes_written());
        if !self.encodings.contains(&encoding) {
            self.encodings.push(encoding);
        }
        let page = Page::DataPage {
            buf: Bytes::from(compressor.compress(plain)?),
            num_values: u32::try_from(rows).map_err(|_| too_many())?,
            encoding,
            def_level_encoding: Encoding::RLE,
            rep_level_encoding: Encoding::RLE,
            statistics: None,
        };
        self.put(page, plain.len())
    }

    fn put(&mut self, page: Page, plain: usize) -> Result<()> {
        let spec = SerializedPageWriter::new(&mut self.out).write_page(CompressedPage::new(page, plain))?;
        self.plain += spec.uncompressed_size;
        Ok(())
    }

    fn finish(self) -> Result<Packed> {
        let length = self.out.bytes_written();
        let number = |value: usize| i64::try_from(value).map_err(|_| too_many());
        let mut metadata = ColumnChunkMetaData::builder(self.column)
            .set_encodings(self.encodings)
            .set_compression(Compression::ZSTD(ZstdLevel::try_new(LEVEL)?))
            .set_num_values(number(self.rows)?)
            .set_total_compressed_size(number(length)?)
            .set_total_uncompressed_size(number(self.plain)?)
            .set_data_page_offset(number(self.data_at.unwrap_or(0))?)
            .set_dictionary_page_offset(self.dictionary_at.map(number).transpose()?);
        if let Some(statistics) = self.statistics {
            metadata = metadata.set_statistics(statistics);
        }
        let close = ColumnCloseResult {
            bytes_written: u64::try_from(length).map_err(|_| too_many())?,
            rows_written: u64::try_from(self.rows).map_err(|_| too_many())?,
            metadata: metadata.build()?,
            bloom_filter: None,
            column_index: None,
            offset_index: None,
        };
        Ok(Packed { bytes: self.out.into_inner()?.into(), close })
    }
}

fn too_many() -> ParquetError {
    ParquetError::General("a column is too long".to_owned())
}

/// The least and the most of a column; none where a float has no place in an order or more than one zero.
fn statistics(of: Type, values: &[i64]) -> Option<Statistics> {
    if of == Type::INT64 {
        let (least, most) = (values.iter().min()?, values.iter().max()?);
        return Some(Statistics::int64(Some(*least), Some(*most), None, Some(0), false));
    }
    let floats = values.iter().map(|bits| f64::from_bits(bits.cast_unsigned()));
    let (mut least, mut most) = (f64::INFINITY, f64::NEG_INFINITY);
    for value in floats {
        if value.is_nan() || value.to_bits() == (-0.0_f64).to_bits() {
            return None;
        }
        least = least.min(value);
        most = most.max(value);
    }
    (least <= most).then(|| Statistics::double(Some(least), Some(most), None, Some(0), false))
}

/// The distinct values of a column, with how often each is there.
#[derive(Debug, Default)]
struct Distinct {
    values: Vec<(i64, u32)>,
    /// Places in `values`, plus one; found by the value.
    table: Vec<u32>,
}

impl Distinct {
    /// Numbers the values by their first appearance; no when there are too many to make a dictionary.
    fn take(&mut self, values: &[i64], numbers: &mut Vec<u32>) -> bool {
        let most = (values.len() / 3).max(BYTE);
        self.values.clear();
        self.table.clear();
        self.table.resize(BYTE * 4, 0);
        numbers.clear();
        let mut last = None;
        for value in values {
            let number = match last {
                Some((before, number)) if before == *value => number,
                _ => match self.find(*value) {
                    Some(number) if self.values.len() <= most => number,
                    _ => return false,
                },
            };
            last = Some((*value, number));
            if let Some((_, count)) = usize::try_from(number).ok().and_then(|number| self.values.get_mut(number)) {
                *count += 1;
            }
            numbers.push(number);
        }
        true
    }

    fn find(&mut self, value: i64) -> Option<u32> {
        if self.values.len() * 2 > self.table.len() {
            self.grow();
        }
        let mask = self.table.len() - 1;
        let mut slot = spread(value) & mask;
        loop {
            let place = self.table.get_mut(slot)?;
            if *place == 0 {
                self.values.push((value, 0));
                *place = u32::try_from(self.values.len()).ok()?;
                return Some(*place - 1);
            }
            let number = *place - 1;
            if self.values.get(usize::try_from(number).ok()?).is_some_and(|(other, _)| *other == value) {
                return Some(number);
            }
            slot = (slot + 1) & mask;
        }
    }

    fn grow(&mut self) {
        let size = self.table.len() * 4;
        self.table.clear();
        self.table.resize(size, 0);
        for (number, (value, _)) in (1_u32..).zip(&self.values) {
            let mut slot = spread(*value) & (size - 1);
            while self.table.get(slot).is_some_and(|place| *place != 0) {
                slot = (slot + 1) & (size - 1);
            }
            if let Some(place) = self.table.get_mut(slot) {
                *place = number;
            }
        }
    }

    /// Whether numbers of a dictionary, and the dictionary, will take less room than the values byte by byte.
    fn pays(&self, values: &[i64]) -> bool {
        if self.values.len() <= BYTE {
            return true;
        }
        let dictionary = entropy(self.values.iter().map(|(_, count)| *count));
        let mut split = 0.0;
        for byte in 0..8 {
            let mut counts = [0_u32; BYTE];
            for value in values {
                let place = value.to_le_bytes().get(byte).copied().unwrap_or(0);
                if let Some(count) = counts.get_mut(usize::from(place)) {
                    *count += 1;
                }
            }
            split += entropy(counts.into_iter());
        }
        dictionary + f64::from(u32::try_from(self.values.len()).unwrap_or(u32::MAX)) * VALUE < split
    }
}

/// Where to look for a value.
fn spread(value: i64) -> usize {
    let mixed = value.cast_unsigned().wrapping_mul(0x9E37_79B9_7F4A_7C15);
    usize::try_from(mixed >> 32).unwrap_or(0)
}

/// Bits that things of which there are so many take at least.
fn entropy(counts: impl Iterator<Item = u32> + Clone) -> f64 {
    let all: f64 = counts.clone().map(f64::from).sum();
    counts.filter(|count| *count > 0).map(|count| f64::from(count) * (all / f64::from(count)).log2()).sum()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use parquet::column::reader::ColumnReader;
    use parquet::file::properties::WriterProperties;
    use parquet::file::reader::{FileReader, SerializedFileReader};
    use parquet::file::writer::SerializedFileWriter;
    use proptest::prelude::*;

    use super::*;
    use crate::block::schema::{self, Physical};

    /// A file of one column, as another program reads it.
    fn through_a_file(
        physical: Physical,
        rows: usize,
        pack: impl FnOnce(&mut Packer, ColumnDescPtr) -> Packed,
    ) -> (ColumnReader, Option<Statistics>) {
        let schema = schema::schema(&[("it", physical)]).unwrap();
        let properties = Arc::new(WriterProperties::builder().build());
        let mut writer = SerializedFileWriter::new(Vec::new(), schema, properties).unwrap();
        let packed = pack(&mut Packer::new().unwrap(), writer.schema_descr().column(0));
        let mut group = writer.next_row_group().unwrap();
        group.append_column(&packed.bytes, packed.close).unwrap();
        assert_eq!(usize::try_from(group.close().unwrap().num_rows()).unwrap(), rows);
        let reader = SerializedFileReader::new(Bytes::from(writer.into_inner().unwrap())).unwrap();
        let group = reader.get_row_group(0).unwrap();
        (group.get_column_reader(0).unwrap(), group.metadata().column(0).statistics().cloned())
    }

    /// Pages of two classes of rows.
    fn ends(rows: usize) -> Vec<usize> {
        page_ends([rows / 3, rows])
    }

    fn whole(values: &[i64]) -> (Vec<i64>, Option<Statistics>) {
        let (reader, statistics) = through_a_file(Physical::Whole, values.len(), |packer, column| {
            packer.numbers(column, values, &ends(values.len())).unwrap()
        });
        let ColumnReader::Int64ColumnReader(mut reader) = reader else { panic!("another type") };
        let mut read = Vec::new();
        reader.read_records(values.len() + 1, None, None, &mut read).unwrap();
        (read, statistics)
    }

    #[test]
    fn numbers_read_back_whatever_their_distribution() {
        let spread = |count: usize, of: fn(i64) -> i64| (0..).take(count).map(of).collect::<Vec<i64>>();
        for values in [
            vec![7],
            vec![0; 70_000],
            spread(70_000, |at| at % 200),
            spread(70_000, |at| at * at % 3000 * 10_000_000),
            spread(70_000, |at| at.wrapping_mul(0x9E37_79B9_7F4A_7C15_u64.cast_signed())),
            spread(300, |at| at),
            // The first class of rows is all zero.
            spread(90_000, |at| (at - 30_000).max(0).wrapping_mul(0x9E37_79B9_7F4A_7C15_u64.cast_signed())),
            spread(3, |at| i64::MAX - at),
        ] {
            let (read, statistics) = whole(&values);
            assert!(read == values, "{:?} and {} more", &values[..1], values.len());
            let Some(Statistics::Int64(statistics)) = statistics else { panic!("no statistics") };
            assert_eq!((statistics.min_opt(), statistics.max_opt()), (values.iter().min(), values.iter().max()));
        }
    }

    #[test]
    fn numbers_that_count_in_ticks_take_a_byte_or_two() {
        let values: Vec<i64> = (0..40_000_i64).map(|at| (at * 7919 % 601) * (at * 104_729 % 3) * 10_000_000).collect();
        let packer = &mut Packer::new().unwrap();
        let schema = Arc::new(schema::schema(&[("it", Physical::Whole)]).unwrap());
        let column = parquet::schema::types::SchemaDescriptor::new((*schema).clone()).column(0);
        let packed = packer.numbers(column, &values, &ends(values.len())).unwrap();
        assert!(packed.bytes.len() < 75_000, "{}", packed.bytes.len());
    }

    #[test]
    fn two_zeros_are_not_taken_for_one() {
        for (values, has) in [(vec![0.0, 0.0], true), (vec![0.0, -0.0], false), (vec![f64::NAN; 2], false)] {
            let bits: Vec<i64> = values.iter().map(|value: &f64| value.to_bits().cast_signed()).collect();
            let (reader, statistics) =
                through_a_file(Physical::Float, 2, |packer, column| packer.numbers(column, &bits, &ends(2)).unwrap());
            let ColumnReader::DoubleColumnReader(mut reader) = reader else { panic!("another type") };
            let mut read = Vec::new();
            reader.read_records(3, None, None, &mut read).unwrap();
            assert_eq!(read.iter().map(|value| value.to_bits().cast_signed()).collect::<Vec<_>>(), bits);
            assert_eq!(statistics.is_some(), has, "{values:?}");
        }
    }

    #[test]
    fn texts_read_back() {
        let numbers = [3, 3, 0, 9, 3];
        let text = |number: i64| Bytes::from(format!("text {number}"));
        let (reader, _) =
            through_a_file(Physical::Text, 5, |packer, column| packer.texts(column, &numbers, &ends(5), text).unwrap());
        let ColumnReader::ByteArrayColumnReader(mut reader) = reader else { panic!("another type") };
        let mut read = Vec::new();
        reader.read_records(9, None, None, &mut read).unwrap();
        let read: Vec<_> = read.iter().map(|value| value.data().to_vec()).collect();
        assert_eq!(read, numbers.map(|number| text(number).to_vec()));
    }

    proptest! {
        #[test]
        fn any_numbers_read_back(values in prop::collection::vec(any::<i64>(), 1..2000), few: u8) {
            let values: Vec<i64> = values.into_iter().map(|value| value % (i64::from(few) + 1).pow(2)).collect();
            prop_assert!(whole(&values).0 == values);
        }
    }
}
