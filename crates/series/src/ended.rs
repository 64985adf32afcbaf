//! Processes that ended: in full as far as there is room, and those that are gone but whose end is not told yet.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use procyon_model::frame::{Death, EndedProcess};
use procyon_model::{Frame, ProcessKey, ProcessRow};
use procyon_units::{Reading, Wall};

/// How many at most; the oldest go first.
const MOST: usize = 4096;

/// Processes that ended, oldest first.
#[derive(Debug, Default)]
pub(crate) struct Ended {
    list: VecDeque<Arc<EndedProcess>>,
    /// Those whose end nobody has told yet, as they were last seen.
    untold: HashMap<ProcessKey, Arc<EndedProcess>>,
    /// The newest frame, to find out who is gone in the next one.
    newest: Option<Arc<Frame>>,
    /// How many went before their time.
    pub(crate) dropped: u64,
}

impl Ended {
    /// Takes up a frame; what ended longer ago than `window` goes.
    pub(crate) fn push(&mut self, frame: &Arc<Frame>, window: Duration) {
        let oldest = frame.wall.0.saturating_sub(i64::try_from(window.as_nanos()).unwrap_or(i64::MAX));
        while self.list.front().is_some_and(|process| process.at.0 < oldest) {
            self.list.pop_front();
        }
        self.untold.retain(|_, process| process.at.0 >= oldest);
        self.note_gone(frame);
        for process in &frame.ended {
            self.untold.remove(&process.row.key);
            if self.list.len() >= MOST {
                self.list.pop_front();
                self.dropped += 1;
            }
            self.list.push_back(Arc::new(process.clone()));
        }
        if self.list.capacity() > 4 * self.list.len() + 64 {
            self.list.shrink_to(self.list.len() * 2);
        }
        self.newest = Some(Arc::clone(frame));
    }

    fn note_gone(&mut self, frame: &Frame) {
        let Some(before) = &self.newest else { return };
        // Both lists stand in order of pid.
        let mut living = frame.processes.iter().peekable();
        for row in &before.processes {
            while living.next_if(|other| other.key.pid < row.key.pid).is_some() {}
            if living.peek().is_none_or(|other| other.key != row.key) && self.untold.len() < MOST {
                self.untold.insert(row.key, Arc::new(untold(row, frame.wall)));
            }
        }
    }

    /// Lets go half of those that are told, the oldest, to make room; no when there is nobody to let go.
    pub(crate) fn halve(&mut self) -> bool {
        let half = self.list.len().div_ceil(2);
        self.list.drain(..half);
        self.dropped += u64::try_from(half).unwrap_or(u64::MAX);
        half > 0
    }

    pub(crate) fn since(&self, from: Wall) -> Vec<Arc<EndedProcess>> {
        self.list.iter().filter(|process| process.at >= from).cloned().collect()
    }

    /// The end of a process that is in no frame any more. One that the newest frame of ours still holds has just gone.
    pub(crate) fn of(&self, key: &ProcessKey) -> Option<Arc<EndedProcess>> {
        let told = self.list.iter().rev().find(|process| process.row.key == *key);
        told.or_else(|| self.untold.get(key)).cloned().or_else(|| {
            let newest = self.newest.as_ref()?;
            newest.process(key).map(|row| Arc::new(untold(row, newest.wall)))
        })
    }

    pub(crate) fn bytes(&self) -> usize {
        let one = size_of::<EndedProcess>() + 2 * size_of::<usize>();
        let strings = self.list.iter().map(|process| process.row.descriptor.cmd.len()).sum::<usize>();
        (self.list.len() + self.untold.len()) * one + strings
    }
}

/// A process of which only that it is gone is known.
fn untold(row: &ProcessRow, at: Wall) -> EndedProcess {
    EndedProcess { row: row.clone(), at, exit: Reading::Pending, death: Death::default() }
}
