//! Keeps the monitor's own cost below its ceiling: past it the pace widens, says so, and recovers.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use procyon_model::frame;
use procyon_units::{CpuTime, Mono};

/// Time over which the cost is averaged.
const WINDOW: Duration = Duration::from_secs(30);
/// Shortest span that says anything about the cost.
const MIN_SPAN: Duration = Duration::from_secs(5);
/// The pace is never widened further than this.
const WIDEST: Duration = Duration::from_mins(1);
/// The pace narrows again when the cost at the narrower pace would stay below this share of the ceiling.
const RELAX: f64 = 0.8;

/// Watches the cost and decides the interval.
#[derive(Debug)]
pub(crate) struct Pace {
    nominal: Duration,
    actual: Duration,
    ceiling: f64,
    samples: VecDeque<(Mono, CpuTime)>,
    reason: Option<Arc<str>>,
}

impl Pace {
    pub(crate) fn new(nominal: Duration, ceiling: f64) -> Self {
        Self { nominal, actual: nominal, ceiling, samples: VecDeque::with_capacity(64), reason: None }
    }

    /// The interval in force.
    pub(crate) const fn interval(&self) -> Duration {
        self.actual
    }

    /// What a frame says about it.
    pub(crate) fn describe(&self) -> frame::Pace {
        frame::Pace { nominal: self.nominal, actual: self.actual, reason: self.reason.clone() }
    }

    /// Processor time used each second over the window, in cores.
    pub(crate) fn cost(&self) -> Option<f64> {
        let ((since, first), (until, last)) = (self.samples.front()?, self.samples.back()?);
        let span = until.since(*since);
        (span >= MIN_SPAN).then(|| last.since(*first).seconds() / span.as_secs_f64())
    }

    /// Takes note of the processor time used so far and widens or narrows the pace. Returns whether it changed.
    pub(crate) fn observe(&mut self, now: Mono, used: CpuTime) -> bool {
        self.samples.push_back((now, used));
        while self.samples.front().is_some_and(|(at, _)| now.since(*at) > WINDOW) {
            self.samples.pop_front();
        }
        let Some(cost) = self.cost() else { return false };
        let narrower = (self.actual / 2).max(self.nominal);
        let next = if cost > self.ceiling {
            (self.actual * 2).min(WIDEST)
        } else if self.actual > self.nominal && cost * ratio(self.actual, narrower) < self.ceiling * RELAX {
            narrower
        } else {
            return false;
        };
        if next == self.actual {
            return false;
        }
        self.reason = (next > self.nominal).then(|| {
            let (cost, ceiling) = (cost * 100.0, self.ceiling * 100.0);
            let seconds = next.as_secs_f64();
            format!(
                "watching took {cost:.1} % of a core, more than the ceiling of {ceiling:.0} %: now every {seconds} s"
            )
            .into()
        });
        if next < self.actual && next > self.nominal {
            self.reason = Some(format!("recovering from a high cost: now every {} s", next.as_secs_f64()).into());
        }
        self.actual = next;
        // What was measured at the old pace says nothing about the new one.
        self.samples.clear();
        self.samples.push_back((now, used));
        true
    }
}

fn ratio(a: Duration, b: Duration) -> f64 {
    a.as_secs_f64() / b.as_secs_f64()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Runs `seconds` of ticks that each take `per_tick` of processor time.
    fn run(pace: &mut Pace, from: &mut (u64, u64), seconds: u64, per_tick: Duration) {
        let end = from.0 + seconds * 1_000_000_000;
        while from.0 < end {
            from.0 += u64::try_from(pace.interval().as_nanos()).unwrap();
            from.1 += u64::try_from(per_tick.as_nanos()).unwrap();
            pace.observe(Mono(from.0), CpuTime(from.1));
        }
    }

    #[test]
    fn a_costly_tick_widens_the_pace_until_the_ceiling_holds_and_a_cheap_one_narrows_it_again() {
        let mut pace = Pace::new(Duration::from_secs(1), 0.10);
        let mut now = (0, 0);
        run(&mut pace, &mut now, 60, Duration::from_millis(300));
        assert_eq!(pace.interval(), Duration::from_secs(4));
        assert!(pace.describe().reason.unwrap().contains("ceiling"));
        assert!(pace.cost().is_none_or(|cost| cost <= 0.10));
        run(&mut pace, &mut now, 120, Duration::from_millis(5));
        assert_eq!(pace.interval(), Duration::from_secs(1));
        assert_eq!(pace.describe().reason, None);
    }

    #[test]
    fn a_cheap_tick_keeps_the_pace() {
        let mut pace = Pace::new(Duration::from_secs(1), 0.10);
        run(&mut pace, &mut (0, 0), 120, Duration::from_millis(40));
        assert_eq!(pace.interval(), Duration::from_secs(1));
    }
}
