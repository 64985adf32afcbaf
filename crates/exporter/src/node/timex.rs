//! `timex`: how the clock is kept, by `adjtimex(2)`.

use std::sync::atomic::{AtomicU64, Ordering};

use procyon_linux::host::clock;

use super::{CollectError, Collector, Outcome, Places, flag, float};
use crate::metric::{Kind, Metrics};

/// Offsets beyond this are overflows of the kernel, not offsets.
const OVERFLOW_SECONDS: f64 = 4.0;

#[derive(Default)]
pub(super) struct Timex {
    overflows: AtomicU64,
}

impl Collector for Timex {
    fn update(&self, _: &Places, out: &mut Metrics) -> Outcome {
        let timex = clock::adjustment().map_err(|source| CollectError::Call { call: "adjtimex", source })?;
        if timex.offset.abs() > OVERFLOW_SECONDS {
            self.overflows.fetch_add(1, Ordering::Relaxed);
        }
        let overflows = float(self.overflows.load(Ordering::Relaxed));
        let all = [
            (
                Kind::Gauge,
                "node_timex_sync_status",
                "Is clock synchronized to a reliable server (1 = yes, 0 = no).",
                flag(timex.synchronized),
            ),
            (
                Kind::Gauge,
                "node_timex_offset_seconds",
                "Time offset in between local system and reference clock.",
                timex.offset,
            ),
            (
                Kind::Counter,
                "node_timex_offset_overflow_total",
                "Count of adjtimex() offset readings indicating kernel overflow (|offset| > 4s). See https://github.com/prometheus/node_exporter/issues/3764",
                overflows,
            ),
            (
                Kind::Gauge,
                "node_timex_frequency_adjustment_ratio",
                "Local clock frequency adjustment.",
                timex.frequency_ratio,
            ),
            (Kind::Gauge, "node_timex_maxerror_seconds", "Maximum error in seconds.", timex.most_error),
            (Kind::Gauge, "node_timex_estimated_error_seconds", "Estimated error in seconds.", timex.estimated_error),
            (Kind::Gauge, "node_timex_status", "Value of the status array bits.", timex.status),
            (Kind::Gauge, "node_timex_loop_time_constant", "Phase-locked loop time constant.", timex.constant),
            (Kind::Gauge, "node_timex_tick_seconds", "Seconds between clock ticks.", timex.tick),
            (Kind::Gauge, "node_timex_pps_frequency_hertz", "Pulse per second frequency.", timex.pps_frequency),
            (Kind::Gauge, "node_timex_pps_jitter_seconds", "Pulse per second jitter.", timex.pps_jitter),
            (Kind::Gauge, "node_timex_pps_shift_seconds", "Pulse per second interval duration.", timex.pps_shift),
            (
                Kind::Gauge,
                "node_timex_pps_stability_hertz",
                "Pulse per second stability, average of recent frequency changes.",
                timex.pps_stability,
            ),
            (
                Kind::Counter,
                "node_timex_pps_jitter_total",
                "Pulse per second count of jitter limit exceeded events.",
                timex.pps_jitters,
            ),
            (
                Kind::Counter,
                "node_timex_pps_calibration_total",
                "Pulse per second count of calibration intervals.",
                timex.pps_calibrations,
            ),
            (
                Kind::Counter,
                "node_timex_pps_error_total",
                "Pulse per second count of calibration errors.",
                timex.pps_errors,
            ),
            (
                Kind::Counter,
                "node_timex_pps_stability_exceeded_total",
                "Pulse per second count of stability limit exceeded events.",
                timex.pps_instabilities,
            ),
            (Kind::Gauge, "node_timex_tai_offset_seconds", "International Atomic Time (TAI) offset.", timex.tai_offset),
        ];
        for (kind, name, help, value) in all {
            out.add(kind, name.into(), help.into(), &[], value);
        }
        Ok(())
    }
}
