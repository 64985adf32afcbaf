//! Evenly spaced instants on which a range is answered.

use std::time::Duration;

use procyon_units::Wall;

/// What is asked for.
#[derive(Debug, Clone, Copy)]
pub struct Range {
    /// First instant.
    pub from: Wall,
    /// Last instant.
    pub to: Wall,
    /// Distance of two instants.
    pub step: Duration,
}

/// Instants, and the frames that belong to each: those from it until the next instant.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Grid {
    /// Distance of two instants in milliseconds.
    pub step_ms: i64,
    /// The instants, multiples of the step, so that asking again gives the same ones. Unix ms.
    pub times: Vec<i64>,
    /// For each frame of the range: its number and the position of its instant.
    pub(crate) frames: Vec<(u32, usize)>,
}

/// Instants of a grid are no more than this, whatever range and step are asked for.
const MOST_INSTANTS: usize = 100_000;

impl Grid {
    pub(crate) fn new(range: Range, frames: impl Iterator<Item = (u32, i64)>) -> Self {
        let step_ms = i64::try_from(range.step.as_millis()).unwrap_or(i64::MAX).max(1);
        let first = range.from.unix_ms().div_euclid(step_ms) * step_ms;
        let last = range.to.unix_ms();
        if last < first {
            return Self { step_ms, ..Self::default() };
        }
        let count = usize::try_from(last.saturating_sub(first) / step_ms).unwrap_or(0).min(MOST_INSTANTS - 1) + 1;
        let times = (0_i64..).take(count).map(|at| first.saturating_add(at.saturating_mul(step_ms))).collect();
        let frames = frames
            .filter(|(_, at)| (first..=last).contains(at))
            .filter_map(|(number, at)| Some((number, usize::try_from((at - first) / step_ms).ok()?)))
            .filter(|(_, place)| *place < count)
            .collect();
        Self { step_ms, times, frames }
    }
}

/// Puts values of frames on the grid: each instant gets the mean of its known values.
#[derive(Debug)]
pub(crate) struct Mean {
    sums: Vec<(f64, u32)>,
}

impl Mean {
    pub(crate) fn on(grid: &Grid) -> Self {
        Self { sums: vec![(0.0, 0); grid.times.len()] }
    }

    pub(crate) fn add(&mut self, place: usize, value: f32) {
        if value.is_nan() {
            return;
        }
        if let Some((sum, count)) = self.sums.get_mut(place) {
            *sum += f64::from(value);
            *count += 1;
        }
    }

    pub(crate) fn finish(self) -> Vec<Option<f64>> {
        self.sums.into_iter().map(|(sum, count)| (count > 0).then(|| sum / f64::from(count))).collect()
    }
}
