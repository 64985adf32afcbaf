//! The heaviest processes from tick to tick: smoothed, and whoever is among them stays until another is clearly heavier,
//! so that colours in charts keep still.

use std::collections::HashMap;

use procyon_model::catalogue::Figure;
use procyon_model::{Frame, ProcessKey, ProcessRow};

/// Weight of the newest tick.
const NEWEST: f64 = 0.25;
/// How much heavier somebody has to be to take another's place.
const CLEARLY: f64 = 1.2;

/// The heaviest by one figure.
#[derive(Debug)]
pub(super) struct Heaviest {
    by: &'static Figure<ProcessRow>,
    n: usize,
    means: HashMap<ProcessKey, f64>,
    chosen: Vec<ProcessKey>,
}

impl Heaviest {
    pub(super) fn new(by: &'static Figure<ProcessRow>, n: usize) -> Self {
        Self { by, n, means: HashMap::new(), chosen: Vec::new() }
    }

    /// Takes a frame and names the heaviest, heaviest first.
    pub(super) fn update<'f>(&mut self, frame: &'f Frame) -> Vec<&'f ProcessRow> {
        let before = std::mem::take(&mut self.means);
        let mut weights: Vec<(f64, f64, &ProcessRow)> = Vec::with_capacity(frame.processes.len());
        for row in &frame.processes {
            let now = (self.by.value)(row).number().unwrap_or(0.0);
            let mean = before.get(&row.key).map_or(now, |mean| mean + NEWEST * (now - mean));
            if mean > 0.0 {
                self.means.insert(row.key, mean);
                let favour = if self.chosen.contains(&row.key) { CLEARLY } else { 1.0 };
                weights.push((mean * favour, mean, row));
            }
        }
        weights.sort_by(|a, b| {
            b.0.total_cmp(&a.0).then_with(|| a.2.key.start.cmp(&b.2.key.start)).then_with(|| a.2.key.cmp(&b.2.key))
        });
        weights.truncate(self.n);
        weights.sort_by(|a, b| b.1.total_cmp(&a.1).then_with(|| a.2.key.cmp(&b.2.key)));
        let rows: Vec<&ProcessRow> = weights.into_iter().map(|(_, _, row)| row).collect();
        self.chosen = rows.iter().map(|row| row.key).collect();
        rows
    }
}
