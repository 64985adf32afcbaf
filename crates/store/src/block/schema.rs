//! Schemas of the files of a block.

use std::sync::Arc;

use parquet::basic::{Compression, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::properties::{EnabledStatistics, WriterProperties, WriterPropertiesPtr};
use parquet::schema::parser::parse_message_type;
use parquet::schema::types::TypePtr;

use crate::column::{Column, Shape};
use crate::kinds::KINDS;

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
pub(crate) const FIXED: [(&str, Physical); 5] = [
    ("segment", Physical::Whole),
    ("time", Physical::Time),
    ("thing", Physical::Whole),
    ("flags", Physical::Whole),
    ("start", Physical::Whole),
];

/// The files beside those of the kinds.
pub(crate) const DESCRIPTORS: &str = "descriptor";
pub(crate) const SUMMARY: &str = "summary";

impl Shape {
    pub(crate) const fn physical(self) -> Physical {
        match self {
            Self::Counter(_) | Self::Level | Self::Change | Self::Moment | Self::Strings | Self::Passing => {
                Physical::Whole
            }
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
pub(crate) fn schema<Name: std::fmt::Display>(columns: &[(Name, Physical)]) -> Result<TypePtr, ParquetError> {
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

/// How files are written. Columns of blocks come packed; those of exports are packed so.
pub(crate) fn properties() -> WriterPropertiesPtr {
    let properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::default()))
        .set_offset_index_disabled(true)
        .set_statistics_enabled(EnabledStatistics::Chunk)
        .set_created_by(concat!("procyon ", env!("CARGO_PKG_VERSION")).to_owned());
    Arc::new(properties.build())
}

/// The names of the files of kinds, without their ending.
pub(crate) fn kind_name(kind: usize) -> &'static str {
    KINDS.get(kind).map_or("", |layout| layout.name)
}
