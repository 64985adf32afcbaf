//! What is so after the records of a log so far.

use crate::answer::frame::State;
use crate::kinds::host::Host;
use crate::kinds::process::Process;
use crate::kinds::{COUNT, Kind};
use crate::record;
use crate::row::{CARRIED, ENDED, GONE};
use crate::segment::Mark;
use crate::varint::{Cursor, Nonsense};

/// More things than this in a segment are no segment of ours.
pub(crate) const MOST_THINGS: usize = 1 << 24;

/// The things of every kind.
#[derive(Debug, Default, Clone)]
pub(crate) struct Now {
    /// The living ones, by their numbers.
    pub(crate) kinds: [Vec<Option<State>>; COUNT],
    /// Processes whose end the last record told.
    pub(crate) ended: Vec<State>,
}

/// What is wanted of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Until {
    /// What is so, and what counters grew by.
    Here,
    /// Only what is so: another record follows.
    Later,
}

impl Now {
    /// Takes in what follows the head of a record; answers its frame, unless it only carried what was so before.
    pub(crate) fn take(&mut self, at_ms: i64, cursor: &mut Cursor<'_>, until: Until) -> Result<Option<Mark>, Nonsense> {
        self.ended.clear();
        let mut mark = None;
        for (kind, things) in self.kinds.iter_mut().enumerate() {
            let mut rows = record::kind(cursor)?;
            while let Some((thing, mut row)) = record::next_row(&mut rows)? {
                if thing > MOST_THINGS {
                    return Err(Nonsense);
                }
                if things.len() <= thing {
                    things.resize_with(thing + 1, || None);
                }
                let Some(place) = things.get_mut(thing) else { return Err(Nonsense) };
                let state = place.get_or_insert_with(|| State::new(kind));
                let flags = state.apply(kind, at_ms, &mut row, until)?;
                if kind == Host::AT && flags & CARRIED == 0 {
                    mark = Some(Mark::of(at_ms, state.cells()));
                }
                if flags & GONE != 0 {
                    self.ended.extend(place.take().filter(|_| kind == Process::AT && flags & ENDED != 0));
                }
            }
        }
        Ok(mark)
    }
}
