//! Puts the built web UI (`web/dist`) into the program: a table of files, compressed where that helps.
//!
//! Without a built UI the table is empty and the server says how to build it.

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

fn main() -> io::Result<()> {
    let manifest = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").ok_or_else(|| io::Error::other("cargo sets it"))?);
    let out = PathBuf::from(env::var_os("OUT_DIR").ok_or_else(|| io::Error::other("cargo sets it"))?);
    let dist = manifest.join("../../web/dist");
    // A path that does not exist would make cargo run this again each time.
    if dist.parent().is_some_and(Path::is_dir) {
        fs::create_dir_all(&dist)?;
        println!("cargo::rerun-if-changed={}", dist.display());
    }
    println!("cargo::rerun-if-changed=build.rs");
    let mut files = Vec::new();
    if dist.is_dir() {
        walk(&dist, &mut files)?;
    }
    files.sort();
    let mut table = String::from("&[\n");
    for (number, file) in files.iter().enumerate() {
        let name = file.strip_prefix(&dist).map_err(io::Error::other)?.to_string_lossy().replace('\\', "/");
        let bytes = fs::read(file)?;
        let packed = gzip(&bytes)?;
        let small = if packed.len() < bytes.len() * 9 / 10 {
            let at = out.join(format!("{number}.gz"));
            fs::write(&at, &packed)?;
            format!("Some(include_bytes!({:?}))", at.display().to_string())
        } else {
            "None".to_owned()
        };
        // A copy, so that building the UI anew between this and the compiler takes nothing away from it.
        let whole = out.join(format!("{number}.raw"));
        fs::write(&whole, &bytes)?;
        let _ = writeln!(
            table,
            "    File {{ path: {name:?}, bytes: include_bytes!({:?}), gzip: {small} }},",
            whole.display().to_string()
        );
    }
    table.push_str("]\n");
    fs::write(out.join("web.rs"), table)
}

fn walk(folder: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            walk(&path, files)?;
        } else if !path.extension().is_some_and(|end| end == "map" || end == "br" || end == "gz") {
            files.push(path);
        }
    }
    Ok(())
}

fn gzip(bytes: &[u8]) -> io::Result<Vec<u8>> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(bytes)?;
    encoder.finish()
}
