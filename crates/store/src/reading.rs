//! Readings in three bits: whether there is a value, else why not.

use procyon_units::Reading;

/// The code of a reading without its value.
pub(crate) const fn code<T>(reading: &Reading<T>) -> i64 {
    match reading {
        Reading::Known(_) => 0,
        Reading::Forbidden => 1,
        Reading::Unsupported => 2,
        Reading::Absent => 3,
        Reading::Pending => 4,
        Reading::Skipped => 6,
    }
}

/// A value that is known and stands in places of its own, because it does not follow from anything.
pub(crate) const EXPLICIT: i64 = 5;

/// The reading that a code stands for.
pub(crate) fn reading<T>(code: i64, value: impl FnOnce() -> T) -> Reading<T> {
    match code {
        0 | EXPLICIT => Reading::Known(value()),
        1 => Reading::Forbidden,
        2 => Reading::Unsupported,
        3 => Reading::Absent,
        6 => Reading::Skipped,
        _ => Reading::Pending,
    }
}
