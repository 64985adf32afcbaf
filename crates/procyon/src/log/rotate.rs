//! A log file that is set aside when it is full: FILE, FILE.1, FILE.2 … the oldest goes.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use procyon_units::Bytes;

/// A file rotated by size.
#[derive(Debug)]
pub(crate) struct Rotated {
    path: PathBuf,
    max_size: u64,
    keep: u32,
    open: Mutex<Open>,
}

#[derive(Debug)]
struct Open {
    file: File,
    size: u64,
}

fn open(path: &Path) -> io::Result<Open> {
    let file = OpenOptions::new().append(true).create(true).mode(0o640).open(path)?;
    let size = file.metadata()?.len();
    Ok(Open { file, size })
}

impl Rotated {
    /// Opens the file, appending to what is there. `keep` counts it too.
    pub(crate) fn open(path: &Path, max_size: Bytes, keep: u32) -> io::Result<Self> {
        if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            std::fs::create_dir_all(folder)?;
        }
        Ok(Self {
            path: path.to_owned(),
            max_size: max_size.0.max(1),
            keep: keep.max(1),
            open: Mutex::new(open(path)?),
        })
    }

    /// Appends a line, after setting the file aside if it would grow too large. A disk that is full costs lines, not
    /// the monitor.
    pub(crate) fn write(&self, line: &[u8]) -> io::Result<usize> {
        let mut held = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let length = u64::try_from(line.len()).unwrap_or(u64::MAX);
        if held.size > 0 && held.size.saturating_add(length) > self.max_size {
            self.set_aside();
            if let Ok(fresh) = open(&self.path) {
                *held = fresh;
            }
        }
        held.file.write_all(line)?;
        held.size = held.size.saturating_add(length);
        Ok(line.len())
    }

    /// Opens the file again, in case somebody moved it away.
    pub(crate) fn reopen(&self) {
        let mut held = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        // Where that fails the old file is as good as any.
        if let Ok(fresh) = open(&self.path) {
            *held = fresh;
        }
    }

    fn set_aside(&self) {
        let aside = |number: u32| PathBuf::from(format!("{}.{number}", self.path.display()));
        // A step that fails leaves a gap in the numbers, or a file that grows on: neither is worth stopping for.
        let result = match self.keep {
            1 => std::fs::remove_file(&self.path),
            keep => {
                for number in (1..keep - 1).rev() {
                    let _gap = std::fs::rename(aside(number), aside(number + 1));
                }
                std::fs::rename(&self.path, aside(1))
            }
        };
        drop(result);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_files_are_kept_and_no_line_is_cut() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("logs/procyon.log");
        let log = Rotated::open(&path, Bytes(100), 3).unwrap();
        for number in 0..100 {
            log.write(format!("line number {number:03}\n").as_bytes()).unwrap();
        }
        let mut names: Vec<String> = std::fs::read_dir(dir.path().join("logs"))
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        assert_eq!(names, ["procyon.log", "procyon.log.1", "procyon.log.2"]);
        let mut lines = Vec::new();
        for name in ["procyon.log.2", "procyon.log.1", "procyon.log"] {
            let text = std::fs::read_to_string(dir.path().join("logs").join(name)).unwrap();
            assert!(text.len() <= 100, "{name}: {}", text.len());
            lines.extend(text.lines().map(str::to_owned));
        }
        let expected: Vec<String> = (100 - lines.len()..100).map(|number| format!("line number {number:03}")).collect();
        assert_eq!(lines, expected);
    }

    #[test]
    fn a_file_that_was_moved_away_is_made_again() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.log");
        let log = Rotated::open(&path, Bytes(1000), 5).unwrap();
        log.write(b"one\n").unwrap();
        std::fs::rename(&path, dir.path().join("b.log")).unwrap();
        log.reopen();
        log.write(b"two\n").unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "two\n");
    }
}
