//! The figures of the host: every numeric one, every frame.

use procyon_model::Frame;
use procyon_model::catalogue::{self, Unit};

use crate::grid::{Grid, Mean};

/// The position of a host figure that is kept; none for ids that do not exist and for what is not a number.
pub fn host_column(id: &str) -> Option<usize> {
    catalogue::HOST.iter().position(|figure| figure.meta.id == id && kept(figure.meta.unit))
}

const fn kept(unit: Unit) -> bool {
    !matches!(unit, Unit::Text | Unit::Bool | Unit::UnixMs)
}

/// Values of the host, frame after frame, each as wide as the catalogue.
#[derive(Debug, Default)]
pub(crate) struct HostRing {
    /// Number of the first frame.
    first: u32,
    values: std::collections::VecDeque<f32>,
}

const WIDTH: usize = {
    let figures: &[catalogue::Figure<Frame>] = catalogue::HOST;
    figures.len()
};

impl HostRing {
    pub(crate) fn push(&mut self, number: u32, frame: &Frame) {
        if self.values.is_empty() {
            self.first = number;
        }
        self.values.extend(catalogue::HOST.iter().map(|figure| crate::ring::small(&(figure.value)(frame))));
    }

    /// Forgets what is older than this frame.
    pub(crate) fn forget_before(&mut self, number: u32) {
        let rows = usize::try_from(number.saturating_sub(self.first)).unwrap_or(usize::MAX);
        let count = rows.saturating_mul(WIDTH).min(self.values.len());
        self.values.drain(..count);
        self.first = self.first.max(number);
    }

    pub(crate) fn bytes(&self) -> usize {
        self.values.capacity() * size_of::<f32>()
    }

    pub(crate) fn read(&self, grid: &Grid, figure: usize) -> Vec<Option<f64>> {
        let mut mean = Mean::on(grid);
        for (number, place) in &grid.frames {
            let row = number.checked_sub(self.first).and_then(|row| usize::try_from(row).ok());
            if let Some(value) = row.and_then(|row| self.values.get(row * WIDTH + figure)) {
                mean.add(*place, *value);
            }
        }
        mean.finish()
    }
}
