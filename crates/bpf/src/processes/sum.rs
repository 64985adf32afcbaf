//! Sums records of threads by process.

use super::record::Process;
use crate::counts::Counts;

/// A process with the sums over its threads, those that have ended included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Counted {
    /// The process.
    pub process: Process,
    /// What its threads did.
    pub counts: Counts,
    /// How many threads were met.
    pub records: u32,
}

impl Counted {
    /// Whether a thread was born or ended while the table was read, so that the sums may have missed or doubled one.
    #[must_use]
    pub const fn is_torn(&self) -> bool {
        self.records != self.process.threads
    }
}

/// Processes in ascending order of pid, and threads that came before their process.
#[derive(Debug, Default)]
pub(super) struct Sums {
    processes: Vec<Counted>,
    early: Vec<(u32, Counts)>,
}

impl Sums {
    pub(super) fn clear(&mut self) {
        self.processes.clear();
        self.early.clear();
    }

    #[inline]
    pub(super) fn process(&mut self, process: &Counted) {
        // The kernel lists ids in order; whatever is not would break the search below.
        if self.processes.last().is_none_or(|last| last.process.pid < process.process.pid) {
            self.processes.push(*process);
        }
    }

    #[inline]
    pub(super) fn thread(&mut self, pid: u32, counts: &Counts) {
        let at = match self.processes.last() {
            Some(last) if last.process.pid == pid => Some(self.processes.len() - 1),
            _ => self.position(pid),
        };
        match at.and_then(|at| self.processes.get_mut(at)) {
            Some(process) => process.add(counts),
            // Ids are used again, so that a thread may have a smaller one than its process.
            None => self.early.push((pid, *counts)),
        }
    }

    pub(super) fn finish(&mut self) -> &[Counted] {
        let early = std::mem::take(&mut self.early);
        for (pid, counts) in &early {
            // A process may have ended since.
            if let Some(process) = self.position(*pid).and_then(|at| self.processes.get_mut(at)) {
                process.add(counts);
            }
        }
        self.early = early;
        &self.processes
    }

    fn position(&self, pid: u32) -> Option<usize> {
        self.processes.binary_search_by_key(&pid, |process| process.process.pid).ok()
    }
}

impl Counted {
    fn add(&mut self, counts: &Counts) {
        self.counts.add(counts);
        self.records += 1;
    }
}
