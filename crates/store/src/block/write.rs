//! Writes one Parquet file, a column at a time, and takes its checksums.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use bytes::Bytes;
use parquet::errors::ParquetError;
use parquet::file::metadata::ParquetMetaData;
use parquet::file::writer::{SerializedFileWriter, SerializedRowGroupWriter};
use parquet::schema::types::{ColumnDescPtr, TypePtr};
use procyon_history::HistoryError;

use crate::block::chunk::Part;
use crate::block::encode::{Packer, page_ends};
use crate::block::manifest::Sums;
use crate::block::schema;
use crate::disk::{Disk, Output};
use crate::failure::failed;

/// Ending of the names of files.
pub(crate) const ENDING: &str = ".parquet";

/// Where the bytes of a file go. The Parquet writer drops it on the way, so errors are passed on as they come.
#[derive(Debug)]
pub(crate) struct Target(pub(crate) Box<dyn Output>);

impl Write for Target {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

/// A row group that is written column by column.
pub(crate) struct Group<'a> {
    rows: SerializedRowGroupWriter<'a, Target>,
    columns: std::vec::IntoIter<ColumnDescPtr>,
    packer: Packer,
    /// Where pages end.
    ends: Vec<usize>,
}

impl<'a> Group<'a> {
    /// The next row group of a file; rows that end at the same one of `ends` have something in common.
    pub(crate) fn new(
        writer: &'a mut SerializedFileWriter<Target>,
        ends: impl IntoIterator<Item = usize>,
    ) -> Result<Self, ParquetError> {
        let columns = writer.schema_descr().columns().to_vec().into_iter();
        Ok(Self { rows: writer.next_row_group()?, columns, packer: Packer::new()?, ends: page_ends(ends) })
    }

    /// Whole numbers, or floats given as their bits, as the next column.
    pub(crate) fn numbers(&mut self, values: &[i64]) -> Result<(), ParquetError> {
        let packed = self.packer.numbers(self.columns.next().ok_or_else(too_many)?, values, &self.ends)?;
        self.rows.append_column(&packed.bytes, packed.close)
    }

    /// The same number in every row, as the next column.
    pub(crate) fn same(&mut self, value: i64, rows: usize) -> Result<(), ParquetError> {
        let packed = self.packer.same(self.columns.next().ok_or_else(too_many)?, value, rows)?;
        self.rows.append_column(&packed.bytes, packed.close)
    }

    /// Texts as the next column, each given by a number that `text` knows.
    pub(crate) fn texts(&mut self, numbers: &[i64], text: impl FnMut(i64) -> Bytes) -> Result<(), ParquetError> {
        let packed = self.packer.texts(self.columns.next().ok_or_else(too_many)?, numbers, &self.ends, text)?;
        self.rows.append_column(&packed.bytes, packed.close)
    }

    /// Ends the row group.
    pub(crate) fn close(self) -> Result<(), ParquetError> {
        self.rows.close().map(drop)
    }
}

/// Writes a file with what `fill` puts in; its footer and checksums.
pub(crate) fn file(
    disk: &dyn Disk,
    path: &Path,
    schema: TypePtr,
    fill: impl FnOnce(&mut SerializedFileWriter<Target>) -> Result<(), ParquetError>,
) -> Result<Sums, HistoryError> {
    let write = || -> Result<(), ParquetError> {
        let mut writer = SerializedFileWriter::new(Target(disk.create(path)?), schema, schema::properties())?;
        fill(&mut writer)?;
        // What is buffered goes first, so that an error of the disk comes as what it is.
        writer.flush()?;
        let Target(mut output) = writer.into_inner()?;
        output.sync()?;
        Ok(())
    };
    write().map_err(|error| failed("write", path, cause(error)))?;
    sums(disk, path)
}

/// The error of the disk within an error of Parquet.
pub(crate) fn cause(error: ParquetError) -> io::Error {
    match error {
        ParquetError::External(source) => match source.downcast::<io::Error>() {
            Ok(error) => *error,
            Err(other) => io::Error::other(other),
        },
        other => io::Error::other(other),
    }
}

fn too_many() -> ParquetError {
    ParquetError::General("a row has more columns than its schema".to_owned())
}

/// Reads a file back and sums it up.
fn sums(disk: &dyn Disk, path: &Path) -> Result<Sums, HistoryError> {
    let read = || -> io::Result<Sums> {
        let input = disk.open(path)?;
        let length = input.length()?;
        let (metadata, footer, bytes) = footer(&*input, length)?;
        let mut sums = Sums { length, footer, footer_crc: crc32fast::hash(&bytes), ..Sums::default() };
        for (number, group) in metadata.row_groups().iter().enumerate() {
            sums.groups.push(number);
            for column in group.columns() {
                let (at, length) = column.byte_range();
                sums.columns.push(crc32fast::hash(&part(&*input, at, length)?.bytes));
            }
        }
        Ok(sums)
    };
    read().map_err(|error| failed("read back", path, error))
}

/// The most that a footer or a column can take.
const MOST: u64 = 256 << 20;

/// A part of a file.
pub(crate) fn part(input: &dyn crate::disk::Input, at: u64, length: u64) -> io::Result<Part> {
    let size = usize::try_from(length).ok().filter(|_| length <= MOST);
    let size = size.ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "a part of impossible length"))?;
    let mut bytes = vec![0; size];
    if input.read_at(&mut bytes, at)? != size {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(Part { at, bytes: bytes.into() })
}

/// The footer of a file: what it says, its length and its bytes.
pub(crate) fn footer(input: &dyn crate::disk::Input, length: u64) -> io::Result<(ParquetMetaData, u64, Bytes)> {
    let tail = part(input, length.checked_sub(8).ok_or(io::ErrorKind::UnexpectedEof)?, 8)?;
    let size = tail.bytes.get(..4).and_then(|bytes| bytes.try_into().ok()).map_or(0, u32::from_le_bytes);
    let footer = u64::from(size) + 8;
    let at = length.checked_sub(footer).ok_or(io::ErrorKind::UnexpectedEof)?;
    let bytes = part(input, at, footer)?.bytes;
    let end = bytes.len().saturating_sub(8);
    let metadata =
        parquet::file::metadata::ParquetMetaDataReader::decode_metadata(bytes.get(..end).unwrap_or_default());
    Ok((metadata.map_err(io::Error::other)?, footer, bytes))
}

/// The path of a file of a block.
pub(crate) fn path(folder: &Path, name: &str) -> PathBuf {
    folder.join(format!("{name}{ENDING}"))
}
