//! Hands sealed frames of one host to whoever wants them. The collector never waits: publishing is one pointer swap
//! and one call of each consumer, which must only take note.

use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::ArcSwapOption;

use crate::frame::Frame;

/// Takes note of a new frame in constant time: swaps a pointer, fills a bounded queue, wakes a task. Never blocks.
pub trait Consumer: Send + Sync {
    /// Called on the collector's thread for every frame.
    fn offer(&self, frame: &Arc<Frame>);
}

/// The frames of one host.
#[derive(Default)]
pub struct Feed {
    latest: ArcSwapOption<Frame>,
    consumers: Mutex<Arc<[Arc<dyn Consumer>]>>,
}

impl std::fmt::Debug for Feed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Feed").field("seq", &self.latest().map(|frame| frame.seq)).finish_non_exhaustive()
    }
}

impl Feed {
    /// A feed without frames.
    pub fn new() -> Self {
        Self::default()
    }

    /// The newest frame; none before the first tick.
    pub fn latest(&self) -> Option<Arc<Frame>> {
        self.latest.load_full()
    }

    /// Every later frame is offered to `consumer`.
    pub fn attach(&self, consumer: Arc<dyn Consumer>) {
        let mut list = self.consumers.lock().unwrap_or_else(PoisonError::into_inner);
        *list = list.iter().cloned().chain([consumer]).collect();
    }

    /// Makes `frame` the newest one and offers it to every consumer.
    pub fn publish(&self, frame: &Arc<Frame>) {
        self.latest.store(Some(Arc::clone(frame)));
        let list = Arc::clone(&self.consumers.lock().unwrap_or_else(PoisonError::into_inner));
        for consumer in list.iter() {
            consumer.offer(frame);
        }
    }
}
