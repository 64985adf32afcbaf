//! Ends that are told some frames after the process is gone: the kernel says its last word when it has time for it.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use procyon_model::{Frame, ProcessKey, ProcessRow};

/// For how long after its last frame the end of a process may be told.
pub const PATIENCE: Duration = Duration::from_secs(5);

/// The same for frames this far apart.
pub fn patience(interval: Duration) -> Duration {
    PATIENCE.max(interval.saturating_mul(4))
}

/// Processes that are gone and whose end was not told yet: the last frame that held each.
#[derive(Debug, Clone, Default)]
pub struct Departed(HashMap<ProcessKey, Arc<Frame>>);

impl Departed {
    /// Nobody.
    pub fn new() -> Self {
        Self::default()
    }

    /// The row that a process had when it was last seen.
    pub fn row(&self, key: &ProcessKey) -> Option<&ProcessRow> {
        self.0.get(key).and_then(|frame| frame.process(key))
    }

    /// Takes note of who is gone in a frame; `before` is the frame before it, none where it starts anew.
    pub fn follow(&mut self, before: Option<&Arc<Frame>>, frame: &Frame) {
        let Some(before) = before else {
            self.0.clear();
            return;
        };
        let longest = patience(frame.pace.actual);
        self.0.retain(|_, last| frame.mono.since(last.mono) <= longest);
        for ended in &frame.ended {
            self.0.remove(&ended.row.key);
        }
        // Both lists stand in order of pid.
        let mut living = frame.processes.iter().peekable();
        for row in &before.processes {
            while living.next_if(|other| other.key.pid < row.key.pid).is_some() {}
            let stays = living.peek().is_some_and(|other| other.key == row.key);
            if !stays && !frame.ended.iter().any(|ended| ended.row.key == row.key) {
                self.0.insert(row.key, Arc::clone(before));
            }
        }
    }
}
