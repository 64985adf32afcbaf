//! Processor time as `/proc/PID/stat` tells it, in steps of 10 µs instead of ticks of 10 ms.

use procyon_units::CpuTime;

/// Time in user mode and in the kernel.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Split {
    /// In user mode.
    pub user: CpuTime,
    /// In the kernel.
    pub system: CpuTime,
}

/// What the kernel counted: two times sampled at ticks, which tell the proportion, and the exact sum.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counted {
    /// Sampled in user mode (`utime`).
    pub user: CpuTime,
    /// Sampled in the kernel (`stime`).
    pub system: CpuTime,
    /// Time on a processor (`sum_exec_runtime`), exact.
    pub runtime: CpuTime,
}

impl Counted {
    /// Splits the exact sum in the sampled proportion; neither part falls below what it was `before`. Both are whole
    /// [steps](CpuTime::STEP) if they were before.
    ///
    /// The same as `cputime_adjust()` of [kernel/sched/cputime.c](https://github.com/torvalds/linux/blob/v6.12/kernel/sched/cputime.c#L560),
    /// which keeps `before` in the kernel for `/proc`.
    #[must_use]
    pub fn split(self, before: Split) -> Split {
        let Self { user, system, .. } = self;
        let runtime = self.runtime.stepped();
        if before.user.plus(before.system) >= runtime {
            return before;
        }
        let proportional = if system.0 == 0 {
            0
        } else if user.0 == 0 {
            runtime.0
        } else {
            let part = u128::from(system.0) * u128::from(runtime.0) / u128::from(user.plus(system).0);
            CpuTime(u64::try_from(part).unwrap_or(u64::MAX)).stepped().0.min(runtime.0)
        };
        let system = proportional.max(before.system.0);
        let user = runtime.0.saturating_sub(system);
        if user < before.user.0 {
            return Split { user: before.user, system: runtime.since(before.user) };
        }
        Split { user: CpuTime(user), system: CpuTime(system) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// In steps.
    fn counted(user: u64, system: u64, runtime: u64) -> Counted {
        let [user, system, runtime] = [user, system, runtime].map(|steps| CpuTime(steps * CpuTime::STEP.0));
        Counted { user, system, runtime }
    }

    /// In steps.
    fn split(user: u64, system: u64) -> Split {
        let [user, system] = [user, system].map(|steps| CpuTime(steps * CpuTime::STEP.0));
        Split { user, system }
    }

    #[test]
    fn the_exact_sum_is_split_in_the_sampled_proportion() {
        assert_eq!(counted(30, 10, 100).split(Split::default()), split(75, 25));
        assert_eq!(counted(30, 0, 100).split(Split::default()), split(100, 0));
        assert_eq!(counted(0, 30, 100).split(Split::default()), split(0, 100));
        assert_eq!(counted(0, 0, 100).split(Split::default()), split(100, 0));
    }

    #[test]
    fn neither_part_ever_falls() {
        let mut before = Split::default();
        let mut seed = 7_u64;
        let mut now = counted(0, 0, 0);
        for _ in 0..10_000 {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let (a, b, c) = (seed >> 60, (seed >> 40) & 15, (seed >> 20) & 31);
            // Not in whole steps.
            let more = |time: CpuTime, by: u64| CpuTime(time.0 + by * 3_001);
            now = Counted { user: more(now.user, a), system: more(now.system, b), runtime: more(now.runtime, c) };
            let after = now.split(before);
            assert!(after.user >= before.user && after.system >= before.system, "{before:?} {now:?} {after:?}");
            assert!(after.user.plus(after.system) == now.runtime.stepped() || after == before);
            assert_eq!((after.user.0 % CpuTime::STEP.0, after.system.0 % CpuTime::STEP.0), (0, 0), "{after:?}");
            before = after;
        }
    }

    #[test]
    fn a_sum_that_falls_changes_nothing() {
        assert_eq!(counted(1, 1, 50).split(split(40, 20)), split(40, 20));
    }

    #[test]
    fn a_century_does_not_overflow() {
        let century = 100 * 365 * 24 * 3600 * (1_000_000_000 / CpuTime::STEP.0);
        assert_eq!(counted(century, century, century).split(Split::default()), split(century / 2, century / 2));
    }
}
