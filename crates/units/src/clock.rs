//! Points in time and where they come from.

use std::sync::OnceLock;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

/// A point in civil time: nanoseconds since 1970-01-01 UTC. Jumps when somebody sets the clock.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Wall(pub i64);

/// A point in monotonic time: nanoseconds since an arbitrary start. Never jumps; rates are computed from it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Mono(pub u64);

impl Wall {
    /// Milliseconds since 1970-01-01 UTC, rounded down.
    pub const fn unix_ms(self) -> i64 {
        self.0.div_euclid(1_000_000)
    }

    /// The last point of its millisecond: where instants are told in milliseconds, "up to" one of them means all of it.
    #[must_use]
    pub const fn end_of_ms(self) -> Self {
        Self(self.0.div_euclid(1_000_000).saturating_mul(1_000_000).saturating_add(999_999))
    }

    /// From milliseconds since 1970-01-01 UTC.
    pub const fn from_unix_ms(ms: i64) -> Self {
        Self(ms.saturating_mul(1_000_000))
    }
}

impl Mono {
    /// The time from `earlier` to this point; zero if `earlier` is later.
    #[must_use]
    pub const fn since(self, earlier: Self) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }
}

/// Where time comes from; tests step their own.
pub trait Clock: Send + Sync {
    /// Civil time now.
    fn wall(&self) -> Wall;
    /// Monotonic time now.
    fn mono(&self) -> Mono;
}

/// The machine's clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "the one place that asks the machine for the time")]
    fn wall(&self) -> Wall {
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Wall(i64::try_from(since_epoch.as_nanos()).unwrap_or(i64::MAX))
    }

    #[expect(clippy::disallowed_methods, reason = "the one place that asks the machine for the time")]
    fn mono(&self) -> Mono {
        static START: OnceLock<Instant> = OnceLock::new();
        let elapsed = START.get_or_init(Instant::now).elapsed();
        Mono(u64::try_from(elapsed.as_nanos()).unwrap_or(u64::MAX))
    }
}
