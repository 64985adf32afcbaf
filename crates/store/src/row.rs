//! One stored row: what changed of a thing from one frame to the next.

use crate::column::{Cells, Column, Shape};
use crate::varint::{self, Cursor, Nonsense};

/// The thing is not there any more.
pub(crate) const GONE: u8 = 1;
/// It is gone, and the frame told so, with its last figures.
pub(crate) const ENDED: u8 = 2;
/// Some counters start here: which groups, follows.
pub(crate) const STARTS: u8 = 4;
/// The row is no news but what was so before: when the segment began, or when a process was last seen whose end comes late.
pub(crate) const CARRIED: u8 = 8;

/// Appends the difference of two rows. Says whether there is any.
pub(crate) fn put(
    out: &mut Vec<u8>,
    columns: &[Column],
    (flags, start): (u8, i64),
    old: Cells<'_>,
    new: Cells<'_>,
) -> bool {
    if flags == 0 && start == 0 && old.0 == new.0 {
        return false;
    }
    let flags = if start == 0 { flags } else { flags | STARTS };
    out.push(flags);
    if start != 0 {
        varint::put(out, start.cast_unsigned());
    }
    let map = out.len();
    out.resize(map + columns.len().div_ceil(8), 0);
    let mut any = flags & !STARTS != 0;
    for (place, column) in columns.iter().enumerate() {
        let (before, after) = (if column.shape == Shape::Passing { 0 } else { old.get(place) }, new.get(place));
        if before == after {
            continue;
        }
        any = true;
        if let Some(byte) = out.get_mut(map + place / 8) {
            *byte |= 1 << (place % 8);
        }
        match column.shape {
            Shape::Float => varint::put(out, (before ^ after).cast_unsigned().swap_bytes()),
            _ => varint::put_signed(out, after.wrapping_sub(before)),
        }
    }
    any
}

/// Columns that belong to one row alone stand among the last so many.
const PASSING_WITHIN: usize = 24;

/// It is the first row of its thing, which is told even if every cell is zero.
pub(crate) const FRESH: u8 = 16;

/// What precedes the cells of a row.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Head {
    pub(crate) flags: u8,
    /// Groups of counters that start here.
    pub(crate) start: i64,
}

/// Applies a row to what was there before.
pub(crate) fn apply(cursor: &mut Cursor<'_>, columns: &[Column], cells: &mut [i64]) -> Result<Head, Nonsense> {
    for (column, cell) in columns.iter().zip(cells.iter_mut()).rev().take(PASSING_WITHIN) {
        if column.shape == Shape::Passing {
            *cell = 0;
        }
    }
    changes(cursor, columns, |place, shape, difference| {
        if let Some(cell) = cells.get_mut(place) {
            *cell = shape.moved(*cell, difference);
        }
    })
}

/// Tells the columns that a row changes, with the difference.
pub(crate) fn changes(
    cursor: &mut Cursor<'_>,
    columns: &[Column],
    mut tell: impl FnMut(usize, Shape, i64),
) -> Result<Head, Nonsense> {
    let flags = cursor.byte()?;
    let start = if flags & STARTS == 0 { 0 } else { cursor.number()?.cast_signed() };
    let map = cursor.bytes(columns.len().div_ceil(8))?;
    for (at, byte) in map.iter().enumerate() {
        let mut left = *byte;
        while left != 0 {
            let place = at * 8 + usize::try_from(left.trailing_zeros()).unwrap_or(0);
            left &= left - 1;
            let column = columns.get(place).ok_or(Nonsense)?;
            let difference = match column.shape {
                Shape::Float => cursor.number()?.swap_bytes().cast_signed(),
                _ => cursor.signed()?,
            };
            tell(place, column.shape, difference);
        }
    }
    Ok(Head { flags, start })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kinds::KINDS;

    #[test]
    fn columns_of_one_row_alone_stand_near_the_end() {
        for layout in &KINDS {
            let count = layout.columns.len();
            let first = layout.columns.iter().position(|column| column.shape == Shape::Passing).unwrap_or(count);
            assert!(count - first <= PASSING_WITHIN, "{}", layout.name);
        }
    }
}
