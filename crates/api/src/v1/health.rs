//! How the monitor itself is doing.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use axum::Extension;
use axum::extract::State;
use axum::response::Response;
use procyon_model::ProcessRow;
use procyon_model::frame::{CollectHealth, FeatureHealth, SourceState};
use procyon_wire::health as wire;

use super::hosts::millis;
use super::json;
use crate::access::{Caller, Sight};
use crate::app::{App, Kept};
use crate::failure::Failure;
use crate::rows::readable;

pub(super) async fn answer(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
) -> Result<Response, Failure> {
    app.blocking(move |app| json(&health(app, &caller))).await
}

fn health(app: &App, caller: &Caller) -> wire::Health {
    let host = app.hosts.first();
    let frame = host.and_then(|host| host.feed.latest());
    let collect = frame.as_ref().map(|frame| Arc::clone(&frame.health)).unwrap_or_default();
    let pace = frame.as_ref().map(|frame| frame.pace.clone()).unwrap_or_default();
    let usage = host.map(|host| host.series.usage()).unwrap_or_default();
    let own = frame.as_ref().and_then(|frame| frame.process_by_pid(std::process::id()));
    let failing =
        collect.sources.iter().any(|source| matches!(source.state, SourceState::Late | SourceState::Failed(_)));
    let history = host.map(|host| super::history::state(host, app.clock.wall()));
    let forgetting = host.is_some_and(|host| matches!(host.history, Kept::Failed(_)))
        || history.as_ref().is_some_and(|history| history.state == "trouble");
    let degraded = frame.is_none() || failing || !collect.quarantined.is_empty() || pace.reason.is_some() || forgetting;
    wire::Health {
        status: if degraded { "degraded" } else { "ok" }.to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        at: app.clock.wall().unix_ms(),
        uptime: app.clock.mono().since(app.started).as_secs_f64(),
        role: caller.role(),
        read_only: app.read_only,
        sources: sources(&collect),
        features: features(&collect),
        lost_events: collect.lost_events,
        capabilities: if caller.sight() == Sight::All { (app.capabilities)() } else { Vec::new() },
        pace: wire::Pace {
            nominal_ms: millis(pace.nominal),
            actual_ms: millis(pace.actual),
            reason: pace.reason.as_deref().map(str::to_owned),
        },
        own: own.map(of_self).unwrap_or_default(),
        quarantined: quarantined(&collect),
        series: wire::SeriesMemory { bytes: usage.bytes, limit: usage.limit },
        history: history.unwrap_or_else(|| super::history::off(app.clock.wall())),
        clients: wire::Clients {
            live: app.counters.live.load(Ordering::Relaxed),
            cut_off: app.counters.cut_off.load(Ordering::Relaxed),
        },
    }
}

fn of_self(row: &ProcessRow) -> wire::Own {
    let memory = row.memory.get();
    wire::Own {
        cpu: row.rates.cpu().map(|cores| cores.0),
        rss: memory.map(|memory| memory.resident.0),
        hwm: memory.map(|memory| memory.high_water.0),
    }
}

fn sources(collect: &CollectHealth) -> Vec<wire::Source> {
    let one = |source: &procyon_model::frame::SourceHealth| {
        let (state, error) = match &source.state {
            SourceState::Ok => ("ok", None),
            SourceState::Late => ("late", None),
            SourceState::Failed(why) => ("failed", Some(why.to_string())),
            SourceState::Absent => ("absent", None),
        };
        wire::Source {
            id: source.id.to_owned(),
            title: source.id.replace('_', " "),
            state: state.to_owned(),
            interval_ms: millis(source.interval),
            took_ms: source.took.map(|took| took.as_secs_f64() * 1e3),
            error,
        }
    };
    collect.sources.iter().map(one).collect()
}

fn features(collect: &CollectHealth) -> Vec<wire::Feature> {
    let one = |feature: &FeatureHealth| wire::Feature {
        id: feature.id.to_owned(),
        source: feature.source.to_owned(),
        reason: feature.reason.as_deref().map(str::to_owned),
    };
    collect.features.iter().map(one).collect()
}

fn quarantined(collect: &CollectHealth) -> Vec<wire::Quarantined> {
    let one = |held: &procyon_model::frame::Quarantined| wire::Quarantined {
        key: held.key.to_string(),
        pid: held.key.pid,
        name: readable(&held.name),
        file: held.file.to_owned(),
        since: held.since.unix_ms(),
    };
    collect.quarantined.iter().map(one).collect()
}
