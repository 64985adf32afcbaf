//! Several blocks become one: row groups are copied byte for byte.

use std::path::Path;

use parquet::column::writer::ColumnCloseResult;
use parquet::errors::ParquetError;
use procyon_history::HistoryError;

use crate::block::build::finish;
use crate::block::manifest::{Manifest, Sums};
use crate::block::open::Block;
use crate::block::{Name, schema, write};
use crate::disk::Disk;
use crate::folder::Folder;

/// Puts blocks that follow each other into one, and removes them.
pub(crate) fn merge(folder: &Folder, parts: &[Name]) -> Result<Name, HistoryError> {
    let (Some(first), Some(last)) = (parts.first(), parts.last()) else {
        return Err(HistoryError::Empty);
    };
    let name = Name { first: first.first, last: last.last, from_ms: first.from_ms, to_ms: last.to_ms };
    let blocks = parts.iter().map(|part| Block::open(folder, *part)).collect::<Result<Vec<_>, _>>()?;
    finish(folder, name, |path| {
        let mut manifest = Manifest::default();
        for block in &blocks {
            manifest.groups.extend_from_slice(&block.manifest.groups);
        }
        for file in file_names() {
            if let Some(sums) = concat(&*folder.disk, path, file, &blocks)? {
                manifest.files.insert(file.to_owned(), sums);
            }
        }
        Ok(manifest)
    })?;
    for part in parts {
        folder.remove_block(*part)?;
    }
    Ok(name)
}

/// All files that a block can have.
pub(crate) fn file_names() -> impl Iterator<Item = &'static str> {
    (0..crate::kinds::COUNT).map(schema::kind_name).chain([schema::DESCRIPTORS, schema::SUMMARY])
}

/// One file of the row groups of several; none when no block has it.
fn concat(disk: &dyn Disk, path: &Path, name: &'static str, blocks: &[Block]) -> Result<Option<Sums>, HistoryError> {
    let path = write::path(path, name);
    let mut sources = Vec::new();
    let mut before = 0;
    for block in blocks {
        if let Some(file) = block.source(name)? {
            sources.push((file, before));
        }
        before += block.manifest.groups.len();
    }
    let Some((first, _)) = sources.first() else { return Ok(None) };
    let schema = first.schema();
    let mut problem = None;
    let sums = write::file(disk, &path, schema, |writer| {
        for (file, _) in &sources {
            for (number, metadata) in file.row_groups().iter().enumerate() {
                let mut group = writer.next_row_group()?;
                for (column, chunk) in metadata.columns().iter().enumerate() {
                    let part = match file.part(number, column) {
                        Ok(part) => part,
                        Err(error) => {
                            problem = Some(error);
                            return Err(ParquetError::General("a part is damaged".to_owned()));
                        }
                    };
                    let rows = u64::try_from(metadata.num_rows()).unwrap_or(0);
                    let length = u64::try_from(chunk.compressed_size()).unwrap_or(0);
                    group.append_column(
                        &part,
                        ColumnCloseResult {
                            bytes_written: length,
                            rows_written: rows,
                            metadata: chunk.clone(),
                            bloom_filter: None,
                            column_index: None,
                            offset_index: None,
                        },
                    )?;
                }
                group.close()?;
            }
        }
        Ok(())
    });
    if let Some(problem) = problem {
        return Err(problem);
    }
    let mut sums = sums?;
    sums.groups =
        sources.iter().flat_map(|(file, before)| file.groups().iter().map(move |group| group + before)).collect();
    Ok(Some(sums))
}

/// Blocks that lie in one hour each, where the hour is over: what to put together.
pub(crate) fn due(names: &[Name], hour_ms: i64) -> Vec<Vec<Name>> {
    let hour = |name: &Name| name.from_ms.div_euclid(hour_ms);
    let newest = names.iter().map(hour).max();
    let mut hours: Vec<Vec<Name>> = Vec::new();
    for name in names.iter().filter(|name| Some(hour(name)) != newest) {
        match hours.last_mut() {
            Some(parts)
                if parts.last().is_some_and(|last| {
                    hour(last) == hour(name) && last.last + 1 == name.first && last.to_ms < name.from_ms
                }) =>
            {
                parts.push(*name);
            }
            _ => hours.push(vec![*name]),
        }
    }
    hours.retain(|parts| parts.len() > 1);
    hours
}
