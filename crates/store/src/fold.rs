//! Values of several frames on their way to one.

use procyon_history::Fold;

#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Folding {
    weighted: f64,
    weight: f64,
    most: f64,
    least: f64,
}

impl Folding {
    /// Adds a value that stood for so many seconds.
    pub(crate) fn add(&mut self, value: f64, seconds: f64) {
        let first = self.weight <= 0.0;
        self.most = if first { value } else { self.most.max(value) };
        self.least = if first { value } else { self.least.min(value) };
        self.weighted += value * seconds;
        self.weight += seconds;
    }

    pub(crate) fn finish(&self, fold: Fold) -> Option<f64> {
        (self.weight > 0.0).then(|| match fold {
            Fold::Mean => self.weighted / self.weight,
            Fold::Max => self.most,
            Fold::Min => self.least,
        })
    }
}

/// The values of lines.
pub(crate) fn finish(lines: &[Vec<Folding>], fold: Fold) -> Vec<Vec<Option<f64>>> {
    lines.iter().map(|line| line.iter().map(|one| one.finish(fold)).collect()).collect()
}
