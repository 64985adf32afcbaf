//! Answers to questions about the past, from segments.

pub(crate) mod frame;
pub(crate) mod happened;
pub(crate) mod lives;
pub(crate) mod series;

use std::sync::Arc;

use procyon_history::HistoryError;

use crate::segment::{Mark, Segment, marks};

/// A segment and the time that it tells of.
#[derive(Clone)]
pub(crate) struct Stretch {
    /// Instant of its first frame, Unix ms.
    pub(crate) first_ms: i64,
    /// Instant of its last frame, Unix ms.
    pub(crate) last_ms: i64,
    pub(crate) segment: Arc<dyn Segment>,
}

impl Stretch {
    /// All frames.
    pub(crate) fn marks(&self) -> Result<Vec<Mark>, HistoryError> {
        marks(&*self.segment, i64::MAX)
    }

    /// Whether it has frames between two instants, both included.
    pub(crate) const fn touches(&self, from_ms: i64, to_ms: i64) -> bool {
        self.first_ms <= to_ms && self.last_ms >= from_ms
    }
}
