//! What counters grew by from one row to the next.

use crate::column::{Cells, Column, Shape};

/// Fills `grown` with the growth of each counter; zero for what is no counter and for counters that start here.
pub(crate) fn between(columns: &[Column], old: Cells<'_>, new: Cells<'_>, start: i64, grown: &mut [i64]) {
    for (place, (column, cell)) in columns.iter().zip(grown.iter_mut()).enumerate() {
        if let Shape::Counter(group) = column.shape {
            let starts = start >> group & 1 == 1;
            *cell = if starts { 0 } else { new.get(place).wrapping_sub(old.get(place)) };
        }
    }
}
