//! Processes that ended in the last minute.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use procyon_model::frame::EndedProcess;
use procyon_units::Wall;

/// How long they are remembered.
const REMEMBERED: Duration = Duration::from_mins(1);
/// How many at most; the oldest go first.
const MOST: usize = 4096;

/// Processes that ended, oldest first.
#[derive(Debug, Default)]
pub(crate) struct Ended {
    list: VecDeque<Arc<EndedProcess>>,
    /// How many went before their time.
    pub(crate) dropped: u64,
}

impl Ended {
    pub(crate) fn push(&mut self, ended: &[EndedProcess], now: Wall) {
        let oldest = now.0.saturating_sub(i64::try_from(REMEMBERED.as_nanos()).unwrap_or(i64::MAX));
        while self.list.front().is_some_and(|process| process.at.0 < oldest) {
            self.list.pop_front();
        }
        for process in ended {
            if self.list.len() >= MOST {
                self.list.pop_front();
                self.dropped += 1;
            }
            self.list.push_back(Arc::new(process.clone()));
        }
        if self.list.capacity() > 4 * self.list.len() + 64 {
            self.list.shrink_to(self.list.len() * 2);
        }
    }

    pub(crate) fn since(&self, from: Wall) -> Vec<Arc<EndedProcess>> {
        self.list.iter().filter(|process| process.at >= from).cloned().collect()
    }

    pub(crate) fn bytes(&self) -> usize {
        self.list.len() * (size_of::<EndedProcess>() + 2 * size_of::<usize>())
            + self.list.iter().map(|process| process.row.descriptor.cmd.len()).sum::<usize>()
    }
}
