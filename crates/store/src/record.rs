//! What a record of the log holds, uncompressed: its instant, texts that are new, and for each kind the rows that changed.
//!
//! ```text
//! instant (Unix ms) · texts · descriptors · 10 × (rows · bytes · row …)
//! row: thing · length · flags · [groups that start] · bitmap of columns · differences
//! ```

use std::sync::Arc;

use procyon_model::descriptor::Descriptor;

use crate::texts::Texts;
use crate::varint::{self, Cursor, Nonsense};

/// Appends what precedes the rows; texts that were told before are left out.
pub(crate) fn put_head(out: &mut Vec<u8>, at_ms: i64, texts: &Texts, (words, descriptors): (usize, usize)) {
    varint::put_signed(out, at_ms);
    let new = texts.words().get(words.max(1)..).unwrap_or_default();
    varint::put_len(out, new.len());
    for word in new {
        put_text(out, word);
    }
    let new = texts.descriptors().get(descriptors.max(1)..).unwrap_or_default();
    varint::put_len(out, new.len());
    for descriptor in new {
        out.push(u8::from(descriptor.cmd_truncated));
        for text in STRINGS {
            put_text(out, text(descriptor));
        }
    }
}

/// A string of a descriptor.
type Take = fn(&Descriptor) -> &[u8];

/// The strings of a descriptor, in their order on disk.
pub(crate) const STRINGS: [Take; 9] = [
    |descriptor| &descriptor.name,
    |descriptor| &descriptor.cmd,
    |descriptor| &descriptor.exe,
    |descriptor| &descriptor.cwd,
    |descriptor| &descriptor.cgroup,
    |descriptor| &descriptor.user,
    |descriptor| &descriptor.container,
    |descriptor| &descriptor.unit,
    |descriptor| &descriptor.title,
];

fn put_text(out: &mut Vec<u8>, text: &[u8]) {
    varint::put_len(out, text.len());
    out.extend_from_slice(text);
}

/// Reads what precedes the rows into the list of texts; answers the instant.
pub(crate) fn head(cursor: &mut Cursor<'_>, texts: &mut Texts) -> Result<i64, Nonsense> {
    let at_ms = cursor.signed()?;
    for _ in 0..cursor.number()? {
        texts.push_word(Arc::from(text(cursor)?));
    }
    for _ in 0..cursor.number()? {
        let cmd_truncated = cursor.byte()? != 0;
        let mut text = || -> Result<Box<[u8]>, Nonsense> { Ok(text(cursor)?.into()) };
        texts.push_descriptor(Arc::new(Descriptor {
            name: text()?,
            cmd: text()?,
            cmd_truncated,
            exe: text()?,
            cwd: text()?,
            cgroup: text()?,
            user: text()?,
            container: text()?,
            unit: text()?,
            title: text()?,
        }));
    }
    Ok(at_ms)
}

/// Leaves out what precedes the rows; answers the instant.
pub(crate) fn skip_head(cursor: &mut Cursor<'_>) -> Result<i64, Nonsense> {
    let at_ms = cursor.signed()?;
    for _ in 0..cursor.number()? {
        text(cursor)?;
    }
    for _ in 0..cursor.number()? {
        cursor.byte()?;
        for _ in STRINGS {
            text(cursor)?;
        }
    }
    Ok(at_ms)
}

fn text<'a>(cursor: &mut Cursor<'a>) -> Result<&'a [u8], Nonsense> {
    let length = cursor.length()?;
    cursor.bytes(length)
}

/// The instant of a record.
pub(crate) fn instant(record: &[u8]) -> Option<i64> {
    Cursor(record).signed().ok()
}

/// Appends a row with the number of its thing and its length; takes it back and says no when there is nothing to tell.
pub(crate) fn put_row(out: &mut Vec<u8>, thing: u32, write: impl FnOnce(&mut Vec<u8>) -> bool) -> bool {
    let start = out.len();
    varint::put(out, u64::from(thing));
    // Lengths are below 2^14: two bytes are kept for them.
    let length_at = out.len();
    out.extend_from_slice(&[0x80, 0]);
    if !write(out) {
        out.truncate(start);
        return false;
    }
    let length = out.len() - length_at - 2;
    let bytes = [u8::try_from(length & 0x7f).unwrap_or(0) | 0x80, u8::try_from(length >> 7 & 0x7f).unwrap_or(0)];
    if let Some(place) = out.get_mut(length_at..length_at + 2) {
        place.copy_from_slice(&bytes);
    }
    true
}

/// Puts the count and the length of the rows of a kind before them; they begin at `start`.
pub(crate) fn seal_kind(out: &mut Vec<u8>, start: usize, rows: usize) {
    let mut head = Vec::with_capacity(12);
    varint::put_len(&mut head, rows);
    varint::put_len(&mut head, out.len() - start);
    out.splice(start..start, head);
}

/// The rows of one kind: how many, and their bytes.
pub(crate) fn kind<'a>(cursor: &mut Cursor<'a>) -> Result<Cursor<'a>, Nonsense> {
    let _rows = cursor.number()?;
    let length = cursor.length()?;
    Ok(Cursor(cursor.bytes(length)?))
}

/// The next row: its thing and its bytes.
pub(crate) fn next_row<'a>(rows: &mut Cursor<'a>) -> Result<Option<(usize, Cursor<'a>)>, Nonsense> {
    if rows.is_empty() {
        return Ok(None);
    }
    let thing = rows.length()?;
    let length = rows.length()?;
    Ok(Some((thing, Cursor(rows.bytes(length)?))))
}
