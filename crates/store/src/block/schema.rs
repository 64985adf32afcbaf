//! Schemas of the files of a block.

use std::sync::Arc;

use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::metadata::SortingColumn;
use parquet::file::properties::{EnabledStatistics, WriterProperties, WriterPropertiesPtr};
use parquet::schema::parser::parse_message_type;
use parquet::schema::types::{ColumnPath, TypePtr};

use crate::column::{Column, Shape};
use crate::kinds::{KINDS, host};

/// What a column of a file holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Physical {
    /// Instants, Unix ms.
    Time,
    /// Whole numbers.
    Whole,
    /// 64-bit floats.
    Float,
    /// Text.
    Text,
}

/// Columns that precede those of every kind.
pub(crate) const FIXED: [(&str, Physical); 4] =
    [("time", Physical::Time), ("thing", Physical::Whole), ("flags", Physical::Whole), ("start", Physical::Whole)];

/// The files beside those of the kinds.
pub(crate) const DESCRIPTORS: &str = "descriptor";
pub(crate) const SUMMARY: &str = "summary";

/// Data pages hold no more rows than this.
const PAGE_ROWS: usize = 20_000;
/// Level of compression: higher ones take longer and hardly save anything.
const LEVEL: i32 = 3;

impl Shape {
    pub(crate) const fn physical(self) -> Physical {
        match self {
            Self::Counter(_) | Self::Level | Self::Strings | Self::Passing => Physical::Whole,
            Self::Float => Physical::Float,
            Self::Text => Physical::Text,
        }
    }
}

/// All columns of the file of a kind.
pub(crate) fn of_kind(columns: &[Column]) -> Vec<(&'static str, Physical)> {
    FIXED.into_iter().chain(columns.iter().map(|column| (column.name, column.shape.physical()))).collect()
}

/// The schema of these columns.
pub(crate) fn schema(columns: &[(&'static str, Physical)]) -> Result<TypePtr, ParquetError> {
    let mut text = String::from("message history {\n");
    for (number, (name, physical)) in (1..).zip(columns) {
        let line = match physical {
            Physical::Time => format!("REQUIRED INT64 {name} (TIMESTAMP(MILLIS,true)) = {number};\n"),
            Physical::Whole => format!("REQUIRED INT64 {name} = {number};\n"),
            Physical::Float => format!("REQUIRED DOUBLE {name} = {number};\n"),
            Physical::Text => format!("REQUIRED BYTE_ARRAY {name} (STRING) = {number};\n"),
        };
        text.push_str(&line);
    }
    text.push('}');
    Ok(Arc::new(parse_message_type(&text)?))
}

/// Columns of the machine that move on by nearly the same in every frame.
const STEADY: &[usize] = &[host::WALL, host::SEQ, host::MONO, host::UPTIME];

/// How files are written; columns that are `noisy` seldom hold the same twice, and pack better byte by byte.
pub(crate) fn properties(sorted_by_thing: bool, noisy: &[&str]) -> Result<WriterPropertiesPtr, ParquetError> {
    let mut properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::try_new(LEVEL)?))
        .set_data_page_row_count_limit(PAGE_ROWS)
        .set_write_batch_size(PAGE_ROWS)
        .set_statistics_enabled(EnabledStatistics::Chunk)
        .set_offset_index_disabled(true)
        .set_max_row_group_row_count(None)
        .set_max_row_group_bytes(None)
        .set_created_by(concat!("procyon ", env!("CARGO_PKG_VERSION")).to_owned());
    let steady = STEADY.iter().filter_map(|place| host::COLUMNS.get(*place)).map(|column| column.name);
    for name in steady.chain(["time"]) {
        let path = ColumnPath::from(name);
        properties = properties
            .set_column_dictionary_enabled(path.clone(), false)
            .set_column_encoding(path, Encoding::DELTA_BINARY_PACKED);
    }
    for name in noisy {
        let path = ColumnPath::from(*name);
        properties = properties
            .set_column_dictionary_enabled(path.clone(), false)
            .set_column_encoding(path, Encoding::BYTE_STREAM_SPLIT);
    }
    if sorted_by_thing {
        let ascending = |column_idx| SortingColumn { column_idx, descending: false, nulls_first: false };
        properties = properties.set_sorting_columns(Some(vec![ascending(1), ascending(0)]));
    }
    Ok(Arc::new(properties.build()))
}

/// The names of the files of kinds, without their ending.
pub(crate) fn kind_name(kind: usize) -> &'static str {
    KINDS.get(kind).map_or("", |layout| layout.name)
}
