//! How the keeping is doing.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// Shared by who writes and who is asked.
#[derive(Debug, Default)]
pub(crate) struct Status {
    /// Frames that came faster than they were kept.
    pub(crate) missed: AtomicU64,
    /// Frames that could not be kept.
    pub(crate) lost: AtomicU64,
    trouble: Mutex<Option<Arc<str>>>,
}

impl Status {
    /// Why nothing can be kept at the moment.
    pub(crate) fn trouble(&self) -> Option<Arc<str>> {
        self.trouble.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Notes why nothing can be kept, or that all is well again. Says whether it was otherwise before; while it lasts, the same
    /// trouble may show in one place and in another.
    pub(crate) fn set_trouble(&self, now: Option<&str>) -> bool {
        let mut trouble = self.trouble.lock().unwrap_or_else(PoisonError::into_inner);
        let news = trouble.is_some() != now.is_some();
        *trouble = now.map(Arc::from);
        news
    }

    pub(crate) fn lose(&self) {
        self.lost.fetch_add(1, Ordering::Relaxed);
    }
}

/// An error with its causes, in one line.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}
