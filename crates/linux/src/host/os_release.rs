//! `/etc/os-release`: which distribution this is.

use procyon_units::Reading;

use crate::file;
use crate::root::Root;
use crate::text::{lines, lossy, split_once};

/// Names of the operating system; empty where the file does not tell.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OsRelease {
    /// `PRETTY_NAME`, else name and version; for people.
    pub pretty_name: Box<str>,
    /// `NAME`.
    pub name: Box<str>,
    /// `ID`, as `debian`.
    pub id: Box<str>,
    /// `VERSION_ID`, as `12`.
    pub version_id: Box<str>,
}

/// Parses the file; none when nothing in it has a name that we know.
#[must_use]
pub fn parse(text: &[u8]) -> Option<OsRelease> {
    let mut os = OsRelease::default();
    for line in lines(text) {
        let Some((name, value)) = split_once(line.trim_ascii(), b'=') else { continue };
        let slot = match name {
            b"PRETTY_NAME" => &mut os.pretty_name,
            b"NAME" => &mut os.name,
            b"ID" => &mut os.id,
            b"VERSION_ID" => &mut os.version_id,
            _ => continue,
        };
        *slot = lossy(&unquote(value));
    }
    if os.pretty_name.is_empty() {
        os.pretty_name = format!("{} {}", os.name, os.version_id).trim().into();
    }
    (os != OsRelease::default()).then_some(os)
}

/// The value of an assignment in shell syntax.
fn unquote(value: &[u8]) -> Vec<u8> {
    let value = match value {
        [b'"', inner @ .., b'"'] | [b'\'', inner @ .., b'\''] => inner,
        _ => value,
    };
    let mut out = Vec::with_capacity(value.len());
    let mut bytes = value.iter().copied();
    while let Some(byte) = bytes.next() {
        out.push(if byte == b'\\' { bytes.next().unwrap_or(byte) } else { byte });
    }
    out
}

/// Every assignment of the file: name and value without quotes.
pub fn assignments(text: &[u8]) -> impl Iterator<Item = (Box<str>, Box<str>)> {
    lines(text).filter_map(|line| {
        let line = line.trim_ascii();
        let (name, value) = split_once(line, b'=').filter(|_| !line.starts_with(b"#"))?;
        Some((lossy(name), lossy(&unquote(value))))
    })
}

/// Reads `/etc/os-release`, else `/usr/lib/os-release`. Privilege: none.
pub fn read(root: &Root, buffer: &mut Vec<u8>) -> Reading<OsRelease> {
    match file::read_with(&root.fs("etc/os-release"), buffer, parse) {
        Reading::Unsupported => file::read_with(&root.fs("usr/lib/os-release"), buffer, parse),
        reading => reading,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_and_escapes_are_taken_away() {
        let os = parse(b"# x\nNAME='A B'\nVERSION_ID=\"12\"\nID=ab\nX=y\n").unwrap();
        assert_eq!((&*os.pretty_name, &*os.id), ("A B 12", "ab"));
        assert_eq!(&*parse(b"PRETTY_NAME=\"a \\\"b\\\"\"\n").unwrap().pretty_name, "a \"b\"");
    }
}
