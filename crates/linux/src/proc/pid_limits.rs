//! `/proc/PID/limits`: resource limits. Privilege: none (before 4.x: same user).

use super::{PidDir, Seen};

/// One row of the table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limit {
    /// What is limited, in the kernel's words: `Max open files`.
    pub name: Box<str>,
    /// Soft limit; none is unlimited.
    pub soft: Option<u64>,
    /// Hard limit; none is unlimited.
    pub hard: Option<u64>,
    /// What it counts, in the kernel's words; empty where there is no unit.
    pub unit: Box<str>,
}

impl Limit {
    /// The short name, as `prlimit(1)` and `ulimit` use it: `nofile` for `Max open files`.
    pub fn short_name(&self) -> Option<&'static str> {
        SHORT_NAMES.iter().find(|(long, _)| *long == &*self.name).map(|(_, short)| *short)
    }
}

/// Names of the kernel (fs/proc/base.c, `lnames`) and of `prlimit(1)`.
const SHORT_NAMES: [(&str, &str); 16] = [
    ("Max cpu time", "cpu"),
    ("Max file size", "fsize"),
    ("Max data size", "data"),
    ("Max stack size", "stack"),
    ("Max core file size", "core"),
    ("Max resident set", "rss"),
    ("Max processes", "nproc"),
    ("Max open files", "nofile"),
    ("Max locked memory", "memlock"),
    ("Max address space", "as"),
    ("Max file locks", "locks"),
    ("Max pending signals", "sigpending"),
    ("Max msgqueue size", "msgqueue"),
    ("Max nice priority", "nice"),
    ("Max realtime priority", "rtprio"),
    ("Max realtime timeout", "rttime"),
];

/// Reads all rows.
pub fn read(process: &PidDir, buffer: &mut Vec<u8>) -> Seen<Vec<Limit>> {
    process.read_with(c"limits", buffer, parse)
}

/// Reads the soft limit of open files; the inner none is unlimited.
pub fn open_files(process: &PidDir, buffer: &mut Vec<u8>) -> Seen<Option<u64>> {
    process.read_with(c"limits", buffer, |text| {
        let row = crate::text::lines(text).find(|line| line.starts_with(b"Max open files "))?;
        columns(row).map(|columns| columns.soft)
    })
}

/// Reads all rows. None without any.
pub fn parse(text: &[u8]) -> Option<Vec<Limit>> {
    let rows: Vec<Limit> = crate::text::lines(text).skip(1).filter_map(row).collect();
    (!rows.is_empty()).then_some(rows)
}

fn row(line: &[u8]) -> Option<Limit> {
    let Columns { name, soft, hard, unit } = columns(line)?;
    Some(Limit { name: crate::text::lossy(name), soft, hard, unit: crate::text::lossy(unit) })
}

struct Columns<'a> {
    name: &'a [u8],
    soft: Option<u64>,
    hard: Option<u64>,
    unit: &'a [u8],
}

/// Columns start at fixed places: "%-25s %-20s %-20s %-10s".
fn columns(line: &[u8]) -> Option<Columns<'_>> {
    let (name, rest) = line.split_at_checked(26)?;
    let mut words = crate::text::words(rest);
    let (soft, hard) = (bound(words.next()?).ok()?, bound(words.next()?).ok()?);
    Some(Columns { name: name.trim_ascii(), soft, hard, unit: words.next().unwrap_or_default() })
}

struct NotABound;

fn bound(word: &[u8]) -> Result<Option<u64>, NotABound> {
    match word {
        b"unlimited" => Ok(None),
        digits => crate::text::number(digits).map(Some).ok_or(NotABound),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &[u8] = b"Limit                     Soft Limit           Hard Limit           Units     \n\
        Max cpu time              unlimited            unlimited            seconds   \n\
        Max open files            1024                 524288               files     \n\
        Max nice priority         0                    0                    \n";

    #[test]
    fn every_row_is_taken() {
        let rows = parse(TEXT).unwrap();
        assert_eq!(rows.len(), 3);
        assert_eq!(rows[1].short_name(), Some("nofile"));
        assert_eq!((rows[1].soft, rows[1].hard, &*rows[1].unit), (Some(1024), Some(524_288), "files"));
        assert_eq!((rows[0].soft, rows[0].hard), (None, None));
        assert_eq!((rows[2].soft, &*rows[2].unit), (Some(0), ""));
        assert_eq!(parse(b""), None);
    }
}
