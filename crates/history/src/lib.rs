//! The seams of history: [`History`] is asked about the past, [`Sink`] keeps frames. Every store answers the same questions in
//! the same words, so that a screen, a command or a rule does not know which one it asks.
//!
//! What a frame tells about the time before it:
//! - A frame covers the time since the frame before it ([`covered`]); one that starts anew covers one interval.
//! - Two frames further apart than two intervals of the earlier one have a **gap** between them. Nothing is known there: series have no
//!   value, means leave it out, `at` says that it answers from before the gap.
//! - A frame **starts anew** when a gap lies before it, or when its collector had just started and does not know the time since the frame
//!   before (`elapsed` is none): [`anew`]. What grew since then is unknown there, and nobody is told as born.
//! - The value of a figure that grows is, at a frame, the growth of its counter since the frame before over the time that the frame
//!   covers: [`figures::growth`]. A process that is new in a frame brings its whole counter if it was born in that time; otherwise its
//!   growth is unknown until the next frame. A counter that ran backwards grew by nothing.
//! - A process that is not in a frame used nothing in the time that the frame covers. What it used between its last frame and its
//!   end is in the row of its end, and belongs to the frame that tells it. That may be some frames after its last one ([`late`]);
//!   the frames between neither hold it nor tell that it was born again.
//! - Series fold the known values of the frames of each instant; an instant without one has none. Means over a range
//!   ([`History::top`]) take what is unknown as nothing and divide by the time that all frames of the range cover.

mod answer;
mod ask;
#[cfg(any(test, feature = "conformance"))]
pub mod conformance;
mod error;
pub mod figures;
pub mod late;
pub mod memory;
pub mod reduce;
pub mod why;

use std::sync::Arc;
use std::time::Duration;

use procyon_model::{Frame, ProcessKey};
use procyon_units::Wall;

pub use answer::{
    Event, EventKind, Extent, Found, Gap, HostLines, Line, Others, Past, Seen, Top, TopEntry, Usage, largest,
};
pub use ask::{Events, Fold, GroupBy, Range, Search, TopQuestion};
pub use error::HistoryError;

/// What can be asked of the past of one machine. Answers come from whatever is kept at the moment of asking, the newest
/// frame that was acknowledged included. Every question may block on files or on the network; none runs longer than
/// its range makes necessary.
pub trait History: Send + Sync + std::fmt::Debug {
    /// What is there; none when nothing was kept yet.
    fn extent(&self) -> Result<Option<Extent>, HistoryError>;

    /// The newest frame at or before an instant.
    ///
    /// # Errors
    /// [`HistoryError::Before`] and [`HistoryError::Empty`] when there is none.
    fn at(&self, at: Wall) -> Result<Past, HistoryError>;

    /// The instant of the frame that lies `by` frames after (before, when negative) the newest one at or before `at`; the first or
    /// last one when there are not as many.
    fn step(&self, at: Wall, by: i64) -> Result<Wall, HistoryError>;

    /// Where nothing is known between two instants, oldest first. Time before the first and after the last frame is no gap.
    fn gaps(&self, from: Wall, to: Wall) -> Result<Vec<Gap>, HistoryError>;

    /// Figures of the machine over a range, by their ids in [`procyon_model::catalogue::HOST`]; a list for each.
    fn host_series(&self, range: &Range, figures: &[&str]) -> Result<HostLines, HistoryError>;

    /// Figures of processes over a range, by their ids in [`figures::PROCESS`]. Processes that did not live then are left out.
    fn process_series(&self, range: &Range, keys: &[ProcessKey], figures: &[&str]) -> Result<Vec<Line>, HistoryError>;

    /// One process as the last frame of each instant of a range shows it; instants in whose last frame it did not live are left out.
    fn process_rows(&self, range: &Range, key: &ProcessKey) -> Result<Vec<Seen>, HistoryError>;

    /// Who used the most of something over a range.
    fn top(&self, question: &TopQuestion) -> Result<Top, HistoryError>;

    /// Processes that lived in a range and whose words match.
    fn search(&self, search: &Search) -> Result<Vec<Found>, HistoryError>;

    /// What happened in a range, oldest first.
    fn events(&self, events: &Events) -> Result<Vec<Event>, HistoryError>;

    /// How much room it takes, and how it is doing.
    fn usage(&self) -> Result<Usage, HistoryError>;
}

/// What keeps frames. Frames of one machine arrive in the order of their making.
pub trait Sink: Send {
    /// Keeps a frame. When it returns, the frame survives the end of this program; it survives the end of the machine once
    /// [`Sink::sync`] returned.
    fn write(&mut self, frame: &Arc<Frame>) -> Result<(), HistoryError>;

    /// Makes everything that was written survive the loss of power.
    fn sync(&mut self) -> Result<(), HistoryError>;
}

/// The time that a frame covers: since the frame before it, or one interval when it is the first or starts anew.
pub fn covered(before: Option<&Frame>, frame: &Frame) -> Duration {
    let known = before.filter(|before| !anew(before, frame)).and(frame.elapsed);
    known.unwrap_or(frame.pace.actual).max(Duration::from_millis(1))
}

/// Whether nothing is known about the time between two frames that follow each other: the later one starts anew.
pub fn anew(before: &Frame, after: &Frame) -> bool {
    let apart = after.wall.0.saturating_sub(before.wall.0);
    after.elapsed.is_none() || u64::try_from(apart).map_or(true, |apart| Duration::from_nanos(apart) > patience(before))
}

/// The longest time between a frame and the next one that is no gap.
pub fn patience(frame: &Frame) -> Duration {
    frame.pace.actual.max(Duration::from_millis(1)).saturating_mul(2)
}
