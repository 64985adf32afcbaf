//! Bytes of a file as the Parquet reader wants them: a part that was read and checked, at its place in the file.

use std::io::Read;

use bytes::{Buf, Bytes};
use parquet::errors::{ParquetError, Result};
use parquet::file::reader::{ChunkReader, Length};

/// A part of a file.
#[derive(Debug, Clone)]
pub(crate) struct Part {
    /// Where it begins in the file.
    pub(crate) at: u64,
    pub(crate) bytes: Bytes,
}

impl Part {
    fn slice(&self, start: u64, length: Option<usize>) -> Result<Bytes> {
        let outside = || ParquetError::EOF("a page lies outside of its column".to_owned());
        let from = start.checked_sub(self.at).and_then(|from| usize::try_from(from).ok()).ok_or_else(outside)?;
        let to = length.map_or(Some(self.bytes.len()), |length| from.checked_add(length)).ok_or_else(outside)?;
        if from > to || to > self.bytes.len() {
            return Err(outside());
        }
        Ok(self.bytes.slice(from..to))
    }
}

impl Length for Part {
    fn len(&self) -> u64 {
        self.at.saturating_add(u64::try_from(self.bytes.len()).unwrap_or(u64::MAX))
    }
}

impl ChunkReader for Part {
    type T = Box<dyn Read>;

    fn get_read(&self, start: u64) -> Result<Self::T> {
        Ok(Box::new(self.slice(start, None)?.reader()))
    }

    fn get_bytes(&self, start: u64, length: usize) -> Result<Bytes> {
        self.slice(start, Some(length))
    }
}
