//! The machines.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::response::Response;
use procyon_model::Frame;
use procyon_units::{Clock, Mono};
use procyon_wire as wire;

use super::json;
use crate::app::App;
use crate::failure::Failure;

/// A machine whose newest frame is older than this is late.
const LATE_AFTER: Duration = Duration::from_secs(10);

pub(super) async fn answer(State(app): State<Arc<App>>) -> Result<Response, Failure> {
    let frames = app.hosts.iter().filter_map(|host| host.feed.latest());
    let items: Vec<_> = frames.map(|frame| wire_host(&frame, &*app.clock)).collect();
    json(&wire::host::Hosts { at: app.clock.wall().unix_ms(), total: items.len(), items, next: None })
}

/// A machine as clients see it.
pub(crate) fn wire_host(frame: &Frame, clock: &dyn Clock) -> wire::Host {
    let allowed = LATE_AFTER.max(frame.pace.actual.saturating_mul(3));
    let state = if age(frame, clock.mono()) > allowed { "late" } else { "up" };
    wire::Host { state: state.to_owned(), ..describe(frame) }
}

fn describe(frame: &Frame) -> wire::Host {
    let host = &frame.host;
    wire::Host {
        id: host.id.to_string(),
        name: host.name.to_string(),
        aliases: vec!["local".to_owned()],
        os: host.os.to_string(),
        kernel: host.kernel.to_string(),
        arch: host.arch.to_string(),
        cpus: host.cpus,
        cpu_model: host.cpu_model.to_string(),
        boot_id: host.boot.to_string(),
        boot_time: host.boot_time.unix_ms(),
        state: String::new(),
        at: frame.wall.unix_ms(),
        interval_ms: millis(frame.pace.actual),
        version: host.version.to_string(),
    }
}

/// A machine as it was: whether it is late now says nothing about then.
pub(crate) fn past_host(frame: &Frame) -> wire::Host {
    wire::Host { state: "up".to_owned(), ..describe(frame) }
}

fn age(frame: &Frame, now: Mono) -> Duration {
    now.since(frame.mono)
}

/// Whole milliseconds.
pub(crate) fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
