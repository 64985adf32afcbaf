//! Answers to questions about the past, from segments.

pub(crate) mod frame;
pub(crate) mod happened;
pub(crate) mod lives;
pub(crate) mod overlap;
pub(crate) mod rows;
pub(crate) mod series;
pub(crate) mod stream;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use procyon_history::HistoryError;
use procyon_units::Wall;

use crate::block::manifest::Group;
use crate::kinds::host::{self, Host};
use crate::kinds::{Kind, Tick};
use crate::segment::{Mark, Segment, marks};

/// A segment and the time that it tells of.
#[derive(Clone)]
pub(crate) struct Stretch {
    /// Instant of its first frame.
    pub(crate) first: Wall,
    /// Instant of its last frame.
    pub(crate) last: Wall,
    /// How many frames.
    pub(crate) frames: u64,
    /// The time that they cover.
    pub(crate) covered: Duration,
    /// The interval of the last frame.
    pub(crate) interval: Duration,
    pub(crate) segment: Arc<dyn Segment>,
    /// Its frames, where they are known already.
    known: Option<Arc<[Mark]>>,
}

impl Stretch {
    /// A stretch of these frames; none when there are none.
    pub(crate) fn of(marks: &[Mark], segment: Arc<dyn Segment>) -> Option<Self> {
        let (first, last) = (marks.first()?, marks.last()?);
        Some(Self {
            first: first.wall,
            last: last.wall,
            frames: u64::try_from(marks.len()).unwrap_or(u64::MAX),
            covered: marks.iter().map(|mark| mark.covered).sum(),
            interval: last.interval,
            segment,
            known: None,
        })
    }

    /// A stretch of a log, all of whose frames had to be looked at.
    pub(crate) fn of_log(marks: Vec<Mark>, segment: Arc<dyn Segment>) -> Option<Self> {
        let stretch = Self::of(&marks, segment)?;
        Some(Self { known: Some(marks.into()), ..stretch })
    }

    /// A stretch of a row group of a block.
    pub(crate) fn of_group(group: &Group, segment: Arc<dyn Segment>) -> Self {
        let Group { first, last, frames, covered, interval, .. } = *group;
        Self { first, last, frames, covered, interval, segment, known: None }
    }

    /// All frames.
    pub(crate) fn marks(&self) -> Result<Arc<[Mark]>, HistoryError> {
        match &self.known {
            Some(marks) => Ok(Arc::clone(marks)),
            None => Ok(marks(&*self.segment, i64::MAX)?.into()),
        }
    }

    /// What frames have in common with their rows, by instant.
    pub(crate) fn ticks(&self, until_ms: i64) -> Result<HashMap<i64, Tick>, HistoryError> {
        let mut ticks = HashMap::new();
        self.segment.visit(Host::AT, host::TICK, until_ms, &mut |row| {
            ticks.insert(row.at_ms, host::tick_from(row.values));
        })?;
        Ok(ticks)
    }

    /// Whether it has frames between two instants, both included.
    pub(crate) fn touches(&self, from: Wall, to: Wall) -> bool {
        self.first <= to && self.last >= from
    }

    /// Whether all its frames lie between two instants, both included.
    pub(crate) fn within(&self, from: Wall, to: Wall) -> bool {
        self.first >= from && self.last <= to
    }
}
