//! Whether anybody still asks for something on a connection of HTTP/2.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

/// Requests of a connection.
#[derive(Debug, Default)]
pub(super) struct Activity {
    begun: AtomicU64,
    running: AtomicUsize,
}

/// A request that is being answered; it is over when dropped.
#[derive(Debug)]
pub(super) struct Busy(Arc<Activity>);

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.running.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Activity {
    /// Begins a request.
    pub(super) fn begin(self: &Arc<Self>) -> Busy {
        self.begun.fetch_add(1, Ordering::Relaxed);
        self.running.fetch_add(1, Ordering::Relaxed);
        Busy(Arc::clone(self))
    }

    /// Waits until so much time, or at most twice as much, has gone by without a request.
    pub(super) async fn over(&self, quiet: Duration) {
        let mut before = None;
        loop {
            let begun = self.begun.load(Ordering::Relaxed);
            if before == Some(begun) && self.running.load(Ordering::Relaxed) == 0 {
                return;
            }
            before = Some(begun);
            tokio::time::sleep(quiet).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connection_is_over_when_nobody_asked_and_nothing_is_answered() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        runtime.block_on(async {
            let activity = Arc::new(Activity::default());
            let busy = activity.begin();
            let quiet = Duration::from_millis(5);
            let held = tokio::time::timeout(Duration::from_millis(100), activity.over(quiet)).await;
            assert!(held.is_err(), "a request is still being answered");
            drop(busy);
            assert!(tokio::time::timeout(Duration::from_mins(1), activity.over(quiet)).await.is_ok());
        });
    }
}
