//! How many calls a viewer is told: what is beyond a rate is left out and counted.

use std::time::Duration;

use procyon_units::Mono;

/// The time for which calls are counted: short enough that what is told is spread over each second.
const WINDOW: Duration = Duration::from_millis(100);
/// Windows in a second.
const WINDOWS: u64 = 10;

/// The rate of one viewer.
#[derive(Debug)]
pub(super) struct Pace {
    /// Calls in a window; none where all are told.
    most: Option<u64>,
    since: Mono,
    told: u64,
    skipped: u64,
}

impl Pace {
    /// So many calls a second.
    pub(super) const fn new(rate: Option<u64>, now: Mono) -> Self {
        let most = match rate {
            Some(rate) => Some(rate.div_ceil(WINDOWS)),
            None => None,
        };
        Self { most, since: now, told: 0, skipped: 0 }
    }

    /// Time passes. Says how many calls were left out, once there is room for calls again.
    pub(super) fn advance(&mut self, now: Mono) -> u64 {
        if now.since(self.since) < WINDOW {
            return 0;
        }
        self.since = now;
        self.told = 0;
        std::mem::take(&mut self.skipped)
    }

    /// Whether one more call is told.
    pub(super) const fn admit(&mut self) -> bool {
        match self.most {
            Some(most) if self.told >= most => {
                self.skipped += 1;
                false
            }
            _ => {
                self.told += 1;
                true
            }
        }
    }

    /// How many were left out and not spoken of yet.
    pub(super) const fn skipped(&self) -> u64 {
        self.skipped
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_beyond_the_rate_is_counted_and_nothing_without_one() {
        let mut pace = Pace::new(Some(50), Mono(0));
        let told = (0..1000).filter(|_| pace.admit()).count();
        assert_eq!((told, pace.advance(Mono(99_000_000)), pace.skipped()), (5, 0, 995));
        assert!(!pace.admit());
        assert_eq!(pace.advance(Mono(100_000_000)), 996);
        assert!(pace.admit());
        assert_eq!((pace.advance(Mono(300_000_000)), pace.skipped()), (0, 0));
        let mut all = Pace::new(None, Mono(0));
        assert!((0..1_000_000).all(|_| all.admit()));
    }
}
