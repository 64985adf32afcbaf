//! Where the bytes of a history are: by kind of rows, and by column of the processes.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::Path;

use parquet::file::reader::{FileReader, SerializedFileReader};

/// What a column takes in all blocks.
#[derive(Debug, Default, Clone, Copy)]
struct Column {
    packed: i64,
    plain: i64,
}

/// Bytes of all files of a kind, in all blocks.
pub fn bytes_of(dir: &Path, kinds: &[&str]) -> std::io::Result<u64> {
    let mut bytes = 0;
    for block in std::fs::read_dir(dir.join("blocks"))? {
        for kind in kinds {
            let file = block.as_ref().map(|block| block.path().join(format!("{kind}.parquet")));
            bytes += file.ok().and_then(|file| file.metadata().ok()).map_or(0, |metadata| metadata.len());
        }
    }
    Ok(bytes)
}

/// Prints the bytes a row offered that each kind takes, and with `columns` each column of the processes.
pub fn print(dir: &Path, rows: u64, columns: bool) -> Result<(), Box<dyn std::error::Error>> {
    let mut kinds: BTreeMap<String, (u64, u64)> = BTreeMap::new();
    let mut of_columns: BTreeMap<(String, usize, String), Column> = BTreeMap::new();
    for block in std::fs::read_dir(dir.join("blocks"))? {
        for file in std::fs::read_dir(block?.path())? {
            let file = file?;
            let name = file.file_name().to_string_lossy().trim_end_matches(".parquet").to_owned();
            let kind = kinds.entry(name.clone()).or_default();
            kind.0 += file.metadata()?.len();
            if name == "manifest" {
                continue;
            }
            let reader = SerializedFileReader::new(File::open(file.path())?)?;
            for group in reader.metadata().row_groups() {
                kind.1 += group.num_rows() as u64;
                for (place, column) in group.columns().iter().enumerate() {
                    let key = (name.clone(), place, column.column_descr().name().to_owned());
                    let sum = of_columns.entry(key).or_default();
                    sum.packed += column.compressed_size();
                    sum.plain += column.uncompressed_size();
                }
            }
        }
    }
    for (name, (bytes, kept)) in &kinds {
        println!("  {name:20} {:6.3} bytes a row offered ({kept} rows kept)", *bytes as f64 / rows as f64);
    }
    let all: i64 = of_columns.values().map(|column| column.packed).sum();
    let files: u64 = kinds.iter().filter(|(name, _)| *name != "manifest").map(|(_, (bytes, _))| bytes).sum();
    println!("  of these footers     {:6.3}", (files as f64 - all as f64) / rows as f64);
    if columns {
        let mut sorted: Vec<_> = of_columns.into_iter().collect();
        sorted.sort_by_key(|(_, column)| -column.packed);
        for ((file, _, name), Column { packed, plain }) in sorted.iter().take(70) {
            let each = *packed as f64 / rows as f64;
            println!("    {file:12} {name:48} {each:7.4} ({packed} of {plain} bytes)");
        }
    }
    Ok(())
}
