//! How many refusals for want of a role are written down: anybody can cause them, and none of them does anything.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use procyon_units::Mono;

/// Refusals that are written down in one [`WINDOW`]; of more, the next line that is written tells how many they were.
pub(crate) const WRITTEN: u32 = 60;
/// Time after which counting starts anew.
const WINDOW: Duration = Duration::from_mins(1);

#[derive(Debug, Default)]
struct Count {
    since: Option<Mono>,
    written: u32,
    left_out: u64,
}

/// Counts refusals.
#[derive(Debug, Default)]
pub(crate) struct Refusals(Mutex<Count>);

impl Refusals {
    /// Whether a refusal is written down now, and then how many before it were not.
    pub(crate) fn admit(&self, now: Mono) -> Option<u64> {
        let mut count = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if count.since.is_none_or(|since| now.since(since) >= WINDOW) {
            count.since = Some(now);
            count.written = 0;
        }
        if count.written >= WRITTEN {
            count.left_out += 1;
            return None;
        }
        count.written += 1;
        Some(std::mem::take(&mut count.left_out))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_is_counted_and_written_once_a_minute() {
        let refusals = Refusals::default();
        let written = (0..1000).filter(|_| refusals.admit(Mono(5)).is_some()).count();
        assert_eq!(written, 60);
        assert_eq!(refusals.admit(Mono(60_000_000_005)), Some(940));
        assert_eq!(refusals.admit(Mono(60_000_000_006)), Some(0));
    }
}
