//! The columns of one process: points where a value changed.

use std::sync::Arc;

use procyon_model::descriptor::Descriptor;
use procyon_model::{ProcessRow, Value, catalogue};

use crate::grid::{Grid, Mean};

/// Columns that are kept of each process.
pub const COLUMNS: &[&str] =
    &["cpu", "cpu_user", "cpu_sys", "rss", "read", "write", "rx", "tx", "runq", "majflt", "minflt", "threads", "fds"];

/// The position of a column.
pub fn column(id: &str) -> Option<usize> {
    COLUMNS.iter().position(|known| *known == id)
}

/// How many.
pub(crate) const WIDTH: usize = COLUMNS.len();

/// One row's values, in the order of [`COLUMNS`].
pub(crate) type Sample = [f32; WIDTH];

/// Takes samples from rows; looks the figures up once.
#[derive(Debug)]
pub(crate) struct Sampler(Vec<fn(&ProcessRow) -> Value<'_>>);

impl Sampler {
    pub(crate) fn new() -> Self {
        let unknown: fn(&ProcessRow) -> Value<'_> = |_| Value::Unknown;
        Self(COLUMNS.iter().map(|id| catalogue::process(id).map_or(unknown, |figure| figure.value)).collect())
    }

    pub(crate) fn take(&self, row: &ProcessRow) -> Sample {
        let mut sample = [f32::NAN; WIDTH];
        for (place, value) in sample.iter_mut().zip(&self.0) {
            *place = small(&value(row));
        }
        sample
    }
}

/// A value in 32 bits; what is not known, or no number, is NaN. Shares of cores are rounded to 1/10,000, so that noise
/// does not count as change.
#[expect(clippy::cast_possible_truncation, reason = "charts need no more than 24 bits")]
pub(crate) fn small(value: &Value<'_>) -> f32 {
    match value {
        Value::Float(value) if value.abs() < 1000.0 => ((value * 10_000.0).round() / 10_000.0) as f32,
        value => value.number().map_or(f32::NAN, |value| value as f32),
    }
}

/// A change: the frame's number in the high 28 bits, the column in the low 4.
#[derive(Debug, Clone, Copy)]
struct Point {
    place: u32,
    value: f32,
}

impl Point {
    const fn frame(self) -> u32 {
        self.place >> 4
    }

    const fn column(self) -> usize {
        (self.place & 15) as usize
    }
}

/// What is kept of one process.
#[derive(Debug)]
pub(crate) struct Ring {
    pub(crate) label: Arc<[u8]>,
    pub(crate) descriptor: Arc<Descriptor>,
    /// Number of the first frame that holds the process, or of the first that is still kept.
    pub(crate) first: u32,
    /// Number of the last frame that held it.
    pub(crate) last: u32,
    /// Values at `first`.
    base: Sample,
    /// Values at `last`.
    newest: Sample,
    points: Vec<Point>,
}

impl Ring {
    pub(crate) fn new(number: u32, row: &ProcessRow, sample: Sample) -> Self {
        Self {
            label: Arc::clone(&row.label),
            descriptor: Arc::clone(&row.descriptor),
            first: number,
            last: number,
            base: sample,
            newest: sample,
            points: Vec::new(),
        }
    }

    pub(crate) fn push(&mut self, number: u32, row: &ProcessRow, sample: Sample) {
        self.last = number;
        if !Arc::ptr_eq(&self.label, &row.label) && self.label != row.label {
            self.label = Arc::clone(&row.label);
        }
        if !Arc::ptr_eq(&self.descriptor, &row.descriptor) {
            self.descriptor = Arc::clone(&row.descriptor);
        }
        for (column, (new, old)) in (0_u32..).zip(sample.iter().zip(self.newest)) {
            if new.to_bits() != old.to_bits() && !(new.is_nan() && old.is_nan()) {
                self.points.push(Point { place: (number << 4) | column, value: *new });
            }
        }
        self.newest = sample;
    }

    /// Forgets what is older than this frame. Returns how many changes went.
    pub(crate) fn forget_before(&mut self, number: u32) -> usize {
        if number <= self.first {
            return 0;
        }
        let gone = self.points.partition_point(|point| point.frame() <= number);
        for point in self.points.iter().take(gone) {
            if let Some(base) = self.base.get_mut(point.column()) {
                *base = point.value;
            }
        }
        self.points.drain(..gone);
        if self.points.capacity() > 2 * self.points.len() + 16 {
            self.points.shrink_to(self.points.len() + 8);
        }
        self.first = number;
        gone
    }

    /// Strings are shared with the newest frame while the process lives in it.
    pub(crate) fn bytes(&self, newest: u32) -> usize {
        let strings = if self.last == newest { 0 } else { size_of::<Descriptor>() + self.descriptor.cmd.len() };
        self.points.capacity() * size_of::<Point>() + strings
    }

    /// Calls `take` with each frame of the grid that held the process and the value of the column there.
    fn walk(&self, grid: &Grid, column: usize, mut take: impl FnMut(usize, f32)) {
        let mut points = self.points.iter().filter(|point| point.column() == column).peekable();
        let mut value = self.base.get(column).copied().unwrap_or(f32::NAN);
        for (number, place) in &grid.frames {
            if *number < self.first || *number > self.last {
                continue;
            }
            while let Some(point) = points.next_if(|point| point.frame() <= *number) {
                value = point.value;
            }
            take(*place, value);
        }
    }

    pub(crate) fn read(&self, grid: &Grid, column: usize) -> Vec<Option<f64>> {
        let mut mean = Mean::on(grid);
        self.walk(grid, column, |place, value| mean.add(place, value));
        mean.finish()
    }

    /// The sum of a column over the frames of the grid; unknown values count as nothing.
    pub(crate) fn sum(&self, grid: &Grid, column: usize) -> Option<f64> {
        let mut sum = None;
        self.walk(grid, column, |_, value| {
            if !value.is_nan() {
                *sum.get_or_insert(0.0) += f64::from(value);
            }
        });
        sum
    }
}
