//! What is so after the records of a log so far.

use crate::answer::frame::State;
use crate::kinds::host::Host;
use crate::kinds::process::Process;
use crate::kinds::{COUNT, Kind};
use crate::record;
use crate::row::{CARRIED, ENDED, GONE};
use crate::segment::Mark;
use crate::varint::{Cursor, Nonsense};

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
                // Numbers are given one after the other.
                if things.len() == thing {
                    things.push(None);
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::column::Cells;
    use crate::kinds::{columns, width};
    use crate::row::{self, FRESH};
    use crate::texts::Texts;

    #[test]
    fn a_number_that_is_not_the_next_one_is_nonsense_and_takes_no_memory() {
        let record = |thing: u32| {
            let (mut out, cells) = (Vec::new(), vec![0; width(0)]);
            record::put_head(&mut out, 1000, &Texts::default(), (0, 0));
            for kind in 0..COUNT {
                let start = out.len();
                if kind == 0 {
                    let row = |out: &mut Vec<u8>| row::put(out, columns(0), (FRESH, 0), Cells(&cells), Cells(&cells));
                    assert!(record::put_row(&mut out, thing, row));
                }
                record::seal_kind(&mut out, start, usize::from(kind == 0));
            }
            out
        };
        for (thing, is_sound) in [(0, true), (1, false), (1 << 23, false)] {
            let (record, mut now) = (record(thing), Now::default());
            let mut cursor = Cursor(&record);
            let at_ms = record::skip_head(&mut cursor).unwrap();
            assert_eq!(now.take(at_ms, &mut cursor, Until::Here).is_ok(), is_sound, "{thing}");
            assert!(now.kinds.iter().map(Vec::len).sum::<usize>() <= 1);
        }
    }
}
