//! What a row of history is made of: whole numbers in fixed places. Texts are numbers of a list, floats are their bits.

use crate::kinds::Tick;

/// A column of a kind of rows. Its place in the list of its kind is its permanent number: columns are only ever added at the end.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Column {
    /// Name in files, with the unit as suffix.
    pub(crate) name: &'static str,
    pub(crate) shape: Shape,
}

/// How a column moves and what its numbers mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shape {
    /// Only grows; blocks keep the growth. The group (0 to 5) tells which counters become known together.
    Counter(u8),
    /// Is what it is.
    Level,
    /// Is what it is; blocks keep by how much it changed.
    Change,
    /// Monotonic time of something that is done again now and then; blocks keep how long before its frame it was, where it changed.
    Moment,
    /// The bits of a 64-bit float.
    Float,
    /// The number of a text.
    Text,
    /// The number of a descriptor.
    Strings,
    /// Belongs to one row alone and is zero in the next.
    Passing,
}

impl Shape {
    /// Whether the numbers of a column in blocks are by how much it changed, so that what is so is their sum.
    pub(crate) const fn is_difference(self) -> bool {
        matches!(self, Self::Counter(_) | Self::Change | Self::Passing)
    }

    /// What is so after a difference.
    pub(crate) const fn moved(self, before: i64, difference: i64) -> i64 {
        match self {
            Self::Float => before ^ difference,
            Self::Passing => difference,
            _ => before.wrapping_add(difference),
        }
    }
}

/// Every group of counters.
pub(crate) const ALL_GROUPS: i64 = 0x3f;

/// Names the places of columns and lists them.
macro_rules! columns {
    (@ $at:expr;) => {};
    (@ $at:expr; $(#[$doc:meta])* $place:ident, $($rest:tt)*) => {
        $(#[$doc])* pub(crate) const $place: usize = $at;
        $crate::column::columns!(@ $at + 1; $($rest)*);
    };
    ($($(#[$doc:meta])* $place:ident = $name:literal, $shape:expr;)*) => {
        $crate::column::columns!(@ 0; $($(#[$doc])* $place,)*);
        /// The columns in their order.
        pub(crate) static COLUMNS: &[$crate::column::Column] =
            &[$($crate::column::Column { name: $name, shape: $shape }),*];
        /// Some places are only ever reached by counting on from another one.
        const _: &[usize] = &[$($place),*];
    };
}
pub(crate) use columns;

/// Reads places of a row; a place that an older procyon did not know is zero.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cells<'a>(pub(crate) &'a [i64]);

impl Cells<'_> {
    pub(crate) fn get(self, place: usize) -> i64 {
        self.0.get(place).copied().unwrap_or(0)
    }

    /// A count, which is kept as its bits.
    pub(crate) fn count(self, place: usize) -> u64 {
        self.get(place).cast_unsigned()
    }

    /// A number of 32 bits.
    pub(crate) fn small(self, place: usize) -> u32 {
        u32::try_from(self.get(place)).unwrap_or(0)
    }

    pub(crate) fn float(self, place: usize) -> f64 {
        f64::from_bits(self.count(place))
    }

    pub(crate) fn flag(self, place: usize, bit: u32) -> bool {
        self.get(place) >> bit & 1 == 1
    }

    /// Three bits of a place.
    pub(crate) fn code(self, place: usize, at: u32) -> i64 {
        self.get(place) >> (at * 3) & 7
    }
}

/// Fills places of a row.
#[derive(Debug)]
pub(crate) struct Fill<'a>(pub(crate) &'a mut [i64]);

impl Fill<'_> {
    pub(crate) fn get(&self, place: usize) -> i64 {
        Cells(self.0).get(place)
    }

    pub(crate) fn set(&mut self, place: usize, value: i64) {
        if let Some(cell) = self.0.get_mut(place) {
            *cell = value;
        }
    }

    pub(crate) fn count(&mut self, place: usize, value: u64) {
        self.set(place, value.cast_signed());
    }

    pub(crate) fn float(&mut self, place: usize, value: f64) {
        self.count(place, value.to_bits());
    }

    pub(crate) fn flag(&mut self, place: usize, bit: u32, set: bool) {
        self.set(place, self.get(place) | i64::from(set) << bit);
    }

    pub(crate) fn code(&mut self, place: usize, at: u32, code: i64) {
        self.set(place, self.get(place) | code << (at * 3));
    }
}

/// Rates are most often a whole number divided by the time of the frame, and whole numbers take less room: where a rate is exactly that,
/// the number stands in its place, and a bit of a column says so.
impl Fill<'_> {
    /// A rate; `per` is how many of the number make one unit.
    pub(crate) fn rate(&mut self, place: usize, (counts, bit): (usize, u32), value: f64, (per, tick): (f64, &Tick)) {
        let seconds = tick.elapsed.map_or(0.0, |elapsed| elapsed.as_secs_f64());
        let number = (value * seconds * per).round();
        let exact = seconds > 0.0 && (number / per / seconds).to_bits() == value.to_bits();
        self.flag(counts, bit, exact);
        self.float(place, if exact { number } else { value });
    }
}

impl Cells<'_> {
    /// A rate that was written so.
    pub(crate) fn rate(self, place: usize, (counts, bit): (usize, u32), (per, tick): (f64, &Tick)) -> f64 {
        let seconds = tick.elapsed.map_or(0.0, |elapsed| elapsed.as_secs_f64());
        if self.flag(counts, bit) { self.float(place) / per / seconds } else { self.float(place) }
    }
}

/// Nanoseconds of a duration.
pub(crate) fn nanos(duration: std::time::Duration) -> i64 {
    i64::try_from(duration.as_nanos()).unwrap_or(i64::MAX)
}

/// A duration of nanoseconds; none is negative.
pub(crate) fn duration(nanos: i64) -> std::time::Duration {
    std::time::Duration::from_nanos(u64::try_from(nanos).unwrap_or(0))
}
