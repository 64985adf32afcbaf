//! From records back to what was so.

use crate::column::Cells;
use crate::kinds::host::{self, Host};
use crate::kinds::{COUNT, Kind, columns, width};
use crate::record;
use crate::row::{self, GONE, Head};
use crate::texts::Texts;
use crate::varint::{Cursor, Nonsense};

/// Everything that is so at the point to which records were applied.
#[derive(Debug, Default)]
pub(crate) struct Replay {
    /// The living things of each kind, by number.
    pub(crate) kinds: [Vec<Option<Box<[i64]>>>; COUNT],
    pub(crate) texts: Texts,
    /// Instant of the last record, Unix ms.
    pub(crate) at_ms: Option<i64>,
}

/// A row that a record told.
#[derive(Debug)]
pub(crate) struct Told<'a> {
    pub(crate) head: Head,
    pub(crate) new: &'a [i64],
}

impl Replay {
    /// Applies a record and tells its rows.
    pub(crate) fn apply(&mut self, bytes: &[u8], mut tell: impl FnMut(usize, i64, Told<'_>)) -> Result<i64, Nonsense> {
        let mut cursor = Cursor(bytes);
        let at_ms = record::head(&mut cursor, &mut self.texts)?;
        for (kind, things) in self.kinds.iter_mut().enumerate() {
            let mut rows = record::kind(&mut cursor)?;
            while let Some((thing, mut bytes)) = record::next_row(&mut rows)? {
                // Numbers are given one after the other.
                if things.len() == thing {
                    things.push(None);
                }
                let Some(place) = things.get_mut(thing) else { return Err(Nonsense) };
                let cells = place.get_or_insert_with(|| vec![0; width(kind)].into());
                let head = row::apply(&mut bytes, columns(kind), cells)?;
                tell(kind, at_ms, Told { head, new: cells });
                if head.flags & GONE != 0 {
                    *place = None;
                }
            }
        }
        self.at_ms = Some(at_ms);
        Ok(at_ms)
    }

    /// The frame that was kept last.
    pub(crate) fn before(&self) -> Option<host::Before> {
        let row = self.kinds.get(Host::AT)?.first()?.as_deref()?;
        Some(host::before(Cells(row)))
    }
}
