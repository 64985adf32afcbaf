//! How the keeping of the past is doing: `procyon_history_*`.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use procyon_api::Kept;
use procyon_exporter::metric::Metrics;
use procyon_exporter::node::{CollectError, Collector, Outcome, Places};
use procyon_history::{HistoryError, Usage};
use procyon_units::{Clock as _, Mono, SystemClock, Wall};

/// How long an answer is good for: to find out how much room history takes, all of its files are looked at.
const AGE: Duration = Duration::from_mins(1);

/// What is kept of the past. Nothing is told where nobody wants it kept.
pub(super) struct History {
    kept: Kept,
    /// The last answer, and when it was had.
    last: Mutex<Option<(Mono, Usage, Option<Wall>)>>,
}

impl History {
    pub(super) fn new(kept: Kept) -> Self {
        Self { kept, last: Mutex::default() }
    }
}

impl Collector for History {
    fn update(&self, _: &Places, out: &mut Metrics) -> Outcome {
        let history = match &self.kept {
            Kept::Off => return Ok(()),
            Kept::Failed(_) => {
                up(false, out);
                return Ok(());
            }
            Kept::On(history) => history,
        };
        let failed = |error: HistoryError| CollectError::History(Box::new(error));
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let now = SystemClock.mono();
        let (_, usage, newest) = match &mut *last {
            Some(last) if now.since(last.0) < AGE => last,
            _ => {
                let newest = history.extent().map_err(failed)?.map(|extent| extent.last);
                last.insert((now, history.usage().map_err(failed)?, newest))
            }
        };
        tell(usage, *newest, out);
        Ok(())
    }
}

fn up(is_kept: bool, out: &mut Metrics) {
    let help = "Whether history is kept at the moment: 0 while its disk is full or does not work.";
    out.gauge("procyon_history_up", help, &[], if is_kept { 1.0 } else { 0.0 });
}

#[expect(clippy::cast_precision_loss, reason = "the values of Prometheus are floats")]
fn tell(usage: &Usage, newest: Option<Wall>, out: &mut Metrics) {
    up(usage.trouble.is_none(), out);
    let help = "Bytes that history takes on disk.";
    out.gauge("procyon_history_size_bytes", help, &[], usage.bytes.0 as f64);
    if let Some(limit) = usage.limit {
        let help = "Bytes that history may take on disk.";
        out.gauge("procyon_history_max_size_bytes", help, &[], limit.0 as f64);
    }
    if let Some(retention) = usage.retention {
        let help = "How long frames are kept.";
        out.gauge("procyon_history_retention_seconds", help, &[], retention.as_secs_f64());
    }
    if let Some(newest) = newest {
        let help = "When the newest frame of history was made, in seconds since 1970.";
        out.gauge("procyon_history_newest_frame_timestamp_seconds", help, &[], newest.0 as f64 / 1e9);
    }
    let help = "Frames that history has not: they came faster than they were kept (reason=queue), or could not be written (reason=disk).";
    for (reason, frames) in [("disk", usage.lost), ("queue", usage.missed)] {
        out.counter("procyon_history_lost_frames_total", help, &[("reason", reason)], frames as f64);
    }
}
