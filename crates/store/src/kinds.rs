//! The kinds of rows. Each declares its columns and two functions, from a row of the model to numbers and back; everything
//! else is done alike for all.

pub(crate) mod connection;
pub(crate) mod container;
pub(crate) mod core;
pub(crate) mod disk;
pub(crate) mod filesystem;
pub(crate) mod host;
pub(crate) mod interface;
pub(crate) mod process;
pub(crate) mod sensor;
pub(crate) mod user;

use std::time::Duration;

use crate::column::{Cells, Column, Fill};
use crate::texts::Texts;

/// What the rows of a frame have in common.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Tick {
    /// Civil time, nanoseconds.
    pub(crate) wall: i64,
    /// Monotonic time, nanoseconds.
    pub(crate) mono: i64,
    /// Time since boot, nanoseconds.
    pub(crate) uptime: i64,
    /// The frame's own time since the tick before.
    pub(crate) elapsed: Option<Duration>,
    /// The time that the frame covers.
    pub(crate) covered: Duration,
    /// Whether counters grew since a frame that is kept, so that their growth means something.
    pub(crate) follows: bool,
}

/// What a thing is known by: at most five numbers, and one that tells twins apart.
pub(crate) type Key = [i64; 6];

/// A kind of rows.
pub(crate) trait Kind {
    /// What the model calls a row.
    type Row;
    /// Place in [`KINDS`].
    const AT: usize;
    /// Column that keeps the order of the rows in a frame; none where they are ordered by key.
    const ORDER: Option<usize>;

    /// What a thing is known by from frame to frame.
    fn key(row: &Self::Row, texts: &mut Texts) -> Key;

    /// Fills the numbers of a row, which are zero before. `old` is what stood there in the frame before; none for a new thing.
    /// Answers with the groups of counters whose numbers are no growth but a start.
    fn write(row: &Self::Row, tick: &Tick, old: Option<Cells<'_>>, texts: &mut Texts, new: &mut Fill<'_>) -> i64;

    /// The row of these numbers. `grown` holds what counters grew by in this very frame.
    fn read(cells: Cells<'_>, grown: Cells<'_>, tick: &Tick, texts: &Texts) -> Self::Row;
}

/// Name and columns of a kind.
#[derive(Debug)]
pub(crate) struct Layout {
    pub(crate) name: &'static str,
    pub(crate) columns: &'static [Column],
}

/// How many kinds there are.
pub(crate) const COUNT: usize = 10;

/// All kinds, in the order in which they stand in logs.
pub(crate) static KINDS: [Layout; COUNT] = [
    Layout { name: "host", columns: host::COLUMNS },
    Layout { name: "process", columns: process::COLUMNS },
    Layout { name: "connection", columns: connection::COLUMNS },
    Layout { name: "core", columns: core::COLUMNS },
    Layout { name: "disk", columns: disk::COLUMNS },
    Layout { name: "interface", columns: interface::COLUMNS },
    Layout { name: "filesystem", columns: filesystem::COLUMNS },
    Layout { name: "sensor", columns: sensor::COLUMNS },
    Layout { name: "user", columns: user::COLUMNS },
    Layout { name: "container", columns: container::COLUMNS },
];

/// Columns of a kind.
pub(crate) fn columns(kind: usize) -> &'static [Column] {
    KINDS.get(kind).map_or(&[], |layout| layout.columns)
}

/// How wide rows of a kind are.
pub(crate) fn width(kind: usize) -> usize {
    columns(kind).len()
}

/// Number before which a text is looked up.
pub(crate) fn near(old: Option<Cells<'_>>, place: usize) -> i64 {
    old.map_or(0, |old| old.get(place))
}
