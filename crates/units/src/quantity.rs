//! Quantities: a number and its unit in one type.

use serde::{Deserialize, Serialize};

macro_rules! counted {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub u64);

        impl $name {
            /// The bare number, in the unit of the type.
            pub const fn get(self) -> u64 {
                self.0
            }

            /// How much this counter grew since `earlier`; zero when it went backwards.
            #[must_use]
            pub const fn since(self, earlier: Self) -> Self {
                Self(self.0.saturating_sub(earlier.0))
            }

            /// The sum, held at the largest value instead of wrapping.
            #[must_use]
            pub const fn plus(self, other: Self) -> Self {
                Self(self.0.saturating_add(other.0))
            }
        }

        impl std::iter::Sum for $name {
            fn sum<I: Iterator<Item = Self>>(iter: I) -> Self {
                iter.fold(Self(0), Self::plus)
            }
        }
    };
}

macro_rules! measured {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, Default, PartialEq, PartialOrd, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub f64);

        impl $name {
            /// The bare number, in the unit of the type.
            pub const fn get(self) -> f64 {
                self.0
            }
        }

        impl std::iter::Sum for $name {
            fn sum<I: Iterator<Item = Self>>(iter: I) -> Self {
                Self(iter.map(|value| value.0).sum())
            }
        }
    };
}

counted!(
    /// Bytes.
    Bytes
);
counted!(
    /// Clock ticks of `USER_HZ` (100 a second on every Linux architecture that Procyon runs on).
    Ticks
);
counted!(
    /// Memory pages, as large as `sysconf(_SC_PAGESIZE)` says.
    Pages
);
counted!(
    /// Processor time in nanoseconds.
    CpuTime
);

measured!(
    /// Processors in use: 0.18 is 18 % of one core, 11.84 nearly twelve of them.
    Cores
);
measured!(
    /// Events or units a second.
    PerSecond
);
measured!(
    /// A share, 0 to 1.
    Ratio
);
measured!(
    /// Degrees Celsius.
    Celsius
);

/// Ticks of `USER_HZ` in a second: fixed at 100 in the kernel's user interface.
pub const TICKS_PER_SECOND: u64 = 100;

impl Ticks {
    /// The same time in nanoseconds.
    pub const fn cpu_time(self) -> CpuTime {
        CpuTime(self.0.saturating_mul(1_000_000_000 / TICKS_PER_SECOND))
    }
}

impl CpuTime {
    /// The steps in which the time of a process is told: 10 µs, a thousandth of a percent of one core over a second. What is finer is
    /// noise of the measurement, and took most of the room of history.
    pub const STEP: Self = Self(10_000);

    /// The nearest whole [`STEP`](Self::STEP). Of times that only grow it only grows.
    #[must_use]
    pub const fn stepped(self) -> Self {
        Self(self.0.saturating_add(Self::STEP.0 / 2) / Self::STEP.0 * Self::STEP.0)
    }

    /// Whole clock ticks, rounded down.
    pub const fn ticks(self) -> Ticks {
        Ticks(self.0 / (1_000_000_000 / TICKS_PER_SECOND))
    }

    /// Seconds.
    #[expect(clippy::cast_precision_loss, reason = "53 bits of nanoseconds are 104 days to the nanosecond")]
    pub fn seconds(self) -> f64 {
        self.0 as f64 / 1e9
    }
}

impl Pages {
    /// The same amount in bytes.
    pub const fn bytes(self, page_size: u64) -> Bytes {
        Bytes(self.0.saturating_mul(page_size))
    }
}

impl Bytes {
    /// From the kernel's "kB", which are units of 1024 bytes.
    pub const fn from_kib(kib: u64) -> Self {
        Self(kib.saturating_mul(1024))
    }

    /// Whole units of 1024 bytes, rounded down.
    pub const fn kib(self) -> u64 {
        self.0 / 1024
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_in_steps_is_at_most_half_a_step_off_and_never_falls() {
        let mut before = CpuTime(0);
        for time in (0..100_000).step_by(7) {
            let stepped = CpuTime(time).stepped();
            assert_eq!(stepped.0 % CpuTime::STEP.0, 0);
            assert!(stepped.0.abs_diff(time) <= CpuTime::STEP.0 / 2, "{time} {stepped:?}");
            assert!(stepped >= before);
            assert_eq!(stepped.stepped(), stepped);
            before = stepped;
        }
        assert_eq!(Ticks(7).cpu_time().stepped(), Ticks(7).cpu_time(), "what counts in ticks stays as it is");
    }
}
