//! The past: how much of it there is, frame by frame, who lived, what happened, and why.

use std::sync::Arc;
use std::time::Duration;

use axum::Extension;
use axum::extract::{OriginalUri, State};
use axum::response::Response;
use procyon_diag::nearest;
use procyon_history::why::{self, Metric, Question};
use procyon_history::{EventKind, Events, Found, Search};
use procyon_units::Wall;
use procyon_wire::{List, Problem, ProblemKind, Role, history as wire};

use super::{At, json, millis};
use crate::access::Caller;
use crate::app::{App, Host, Kept};
use crate::failure::Failure;
use crate::instant::Instant;
use crate::limits::{MAX_EVENTS, MAX_FOUND, MAX_TOP};
use crate::past::failure;
use crate::query::{self, Param, Query};
use crate::rows::readable;
use crate::tell;
use crate::turns::Length;

const FROM: Param = query::text("from", "First instant; `-1h` when absent.");
const TO: Param = query::text("to", "Last instant; now when absent.");

pub(super) const STEP_PARAMS: &[Param] = &[
    query::text("at", "The instant from which to go, as `-2h`, RFC 3339 or Unix ms; now when absent."),
    query::whole("by", "How many frames to go, backwards when negative; 0 when absent."),
];
pub(super) const SEARCH_PARAMS: &[Param] = &[
    query::text(
        "q",
        "Words, all of which have to be found in name, command line, user, label, control group, container or unit, or to be the pid.",
    ),
    FROM,
    TO,
    query::count("limit", "How many; 50 when absent."),
];
pub(super) const EVENTS_PARAMS: &[Param] = &[
    FROM,
    TO,
    query::text(
        "kinds",
        "Which kinds, comma-separated: birth, death, kill (deaths by SIGKILL, by a crash, over a limit or for want of memory), gap, boot; all when absent.",
    ),
    query::count("limit", "How many, the newest of them; 200 when absent."),
];
pub(super) const WHY_PARAMS: &[Param] = &[
    query::text("at", "The instant to explain, as `-2h`, RFC 3339 or Unix ms; now when absent."),
    query::text("metric", "cpu (default), mem, io, net or load."),
    query::count("n", "How many; 10 when absent."),
];

/// How far back it is looked when nobody says.
const USUAL_RANGE: Duration = Duration::from_hours(1);

/// How much history there is of a machine, for answers. May block.
pub(super) fn state(host: &Host, now: Wall) -> wire::HistoryState {
    let interval = host.feed.latest().map(|frame| millis(frame.pace.actual)).unwrap_or_default();
    let mut state = wire::HistoryState { interval_ms: interval, ..off(now) };
    let history = match &host.history {
        Kept::On(history) => history,
        Kept::Off => return state,
        Kept::Failed(why) => return wire::HistoryState { reason: Some(why.to_string()), ..state },
    };
    "on".clone_into(&mut state.state);
    let trouble = match (history.extent(), history.usage()) {
        (Ok(extent), Ok(usage)) => {
            state.from = extent.map(|extent| extent.first.unix_ms());
            state.to = extent.map(|extent| extent.last.unix_ms());
            state.bytes = usage.bytes.0;
            state.limit_bytes = usage.limit.map(|limit| limit.0);
            state.retention_s = usage.retention.map(|time| time.as_secs_f64());
            state.missed = usage.missed;
            state.lost = usage.lost;
            usage.trouble.as_deref().map(str::to_owned)
        }
        (Err(error), _) | (_, Err(error)) => Some(procyon_diag::message_of(&error)),
    };
    if trouble.is_some() {
        "trouble".clone_into(&mut state.state);
        state.reason = trouble;
    }
    state
}

/// What is said where nothing is kept.
pub(super) fn off(now: Wall) -> wire::HistoryState {
    wire::HistoryState {
        at: now.unix_ms(),
        state: "off".to_owned(),
        reason: None,
        from: None,
        to: None,
        interval_ms: 0,
        bytes: 0,
        limit_bytes: None,
        retention_s: None,
        missed: 0,
        lost: 0,
    }
}

pub(super) async fn answer(State(app): State<Arc<App>>, At(host): At<String>) -> Result<Response, Failure> {
    let host = Arc::clone(app.host(&host)?);
    app.blocking(move |app| json(&state(&host, app.clock.wall()))).await
}

pub(super) async fn step(
    State(app): State<Arc<App>>,
    At(host): At<String>,
    Extension(caller): Extension<Caller>,
    OriginalUri(uri): OriginalUri,
) -> Result<Response, Failure> {
    let query = Query::read(&uri, STEP_PARAMS)?;
    let host = Arc::clone(app.host(&host)?);
    let at = query.instant("at")?.unwrap_or(Instant::Now).resolve(app.clock.wall()).end_of_ms();
    let by = query.whole("by", 0)?;
    app.ask(&host, (caller.sight(), Length::Short), move |history| {
        let at = history.step(at, by).map_err(|error| failure(&error))?;
        json(&wire::Step { at: at.unix_ms() })
    })
    .await
}

pub(super) async fn search(
    State(app): State<Arc<App>>,
    At(host): At<String>,
    Extension(caller): Extension<Caller>,
    OriginalUri(uri): OriginalUri,
) -> Result<Response, Failure> {
    caller.needs(Role::Viewer, "to search the past")?;
    let query = Query::read(&uri, SEARCH_PARAMS)?;
    let now = app.clock.wall();
    let (from, to) = query.range(USUAL_RANGE, now)?;
    let words = query.text("q").unwrap_or_default().split_whitespace().map(str::to_owned).collect();
    let search = Search { from, to, words, limit: query.count("limit", 50, MAX_FOUND)? };
    let host = Arc::clone(app.host(&host)?);
    app.ask(&host, (caller.sight(), Length::Long), move |history| {
        let found = history.search(&search).map_err(|error| failure(&error))?;
        json(&List::whole(now.unix_ms(), found.iter().map(wire_found).collect()))
    })
    .await
}

fn wire_found(found: &Found) -> wire::Found {
    let texts = &found.descriptor;
    wire::Found {
        key: found.key.to_string(),
        pid: found.key.pid,
        name: readable(&texts.name),
        cmd: readable(&texts.cmd),
        user: readable(&texts.user),
        label: readable(&found.label),
        cgroup: readable(&texts.cgroup),
        started: found.started.unix_ms(),
        first: found.first.unix_ms(),
        last: found.last.unix_ms(),
        ended: found.ended,
    }
}

pub(super) async fn events(
    State(app): State<Arc<App>>,
    At(host): At<String>,
    Extension(caller): Extension<Caller>,
    OriginalUri(uri): OriginalUri,
) -> Result<Response, Failure> {
    let query = Query::read(&uri, EVENTS_PARAMS)?;
    let now = app.clock.wall();
    let (from, to) = query.range(USUAL_RANGE, now)?;
    let mut kinds = query.list("kinds").into_iter().map(kind).collect::<Result<Vec<_>, _>>()?;
    if caller.role < Some(Role::Viewer) {
        // What is nobody's in particular.
        let open = [EventKind::Gap, EventKind::Boot];
        kinds = open.into_iter().filter(|open| kinds.is_empty() || kinds.contains(open)).collect();
        if kinds.is_empty() {
            return json(&List::<wire::Event>::whole(now.unix_ms(), Vec::new()));
        }
    }
    let events = Events { from: from.end_of_ms(), to, kinds, limit: query.count("limit", 200, MAX_EVENTS)? };
    let host = Arc::clone(app.host(&host)?);
    app.ask(&host, (caller.sight(), Length::Long), move |history| {
        let events = history.events(&events).map_err(|error| failure(&error))?;
        json(&List::whole(now.unix_ms(), events.iter().map(tell::event).collect()))
    })
    .await
}

fn kind(word: &str) -> Result<EventKind, Failure> {
    let words = EventKind::ALL.iter().map(|(word, _)| *word);
    EventKind::ALL.iter().find(|(known, _)| *known == word).map(|(_, kind)| *kind).ok_or_else(|| {
        let list: Vec<&str> = words.clone().collect();
        let problem = Problem::new(
            ProblemKind::BadRequest,
            format!("there is no kind of event `{word}`; there are {}", list.join(", ")),
        );
        problem.suggestion(nearest(word, words)).into()
    })
}

pub(super) async fn why(
    State(app): State<Arc<App>>,
    At(host): At<String>,
    Extension(caller): Extension<Caller>,
    OriginalUri(uri): OriginalUri,
) -> Result<Response, Failure> {
    caller.needs(Role::Viewer, "to ask why")?;
    let query = Query::read(&uri, WHY_PARAMS)?;
    let metric = metric(query.text("metric").filter(|word| !word.is_empty()).unwrap_or("cpu"))?;
    let n = query.count("n", 10, MAX_TOP)?;
    let now = app.clock.wall();
    let at = query.instant("at")?.unwrap_or(Instant::Now).resolve(now).end_of_ms();
    let host = Arc::clone(app.host(&host)?);
    app.ask(&host, (caller.sight(), Length::Long), move |history| {
        if at > now.end_of_ms() {
            return Err(crate::past::in_the_future(at, history));
        }
        let why = why::why(history, &Question { at, metric, n }).map_err(|error| failure(&error))?;
        json(&tell::why(&why, metric))
    })
    .await
}

fn metric(word: &str) -> Result<Metric, Failure> {
    let words = Metric::ALL.iter().map(|(word, _)| *word);
    Metric::ALL.iter().find(|(known, _)| *known == word).map(|(_, metric)| *metric).ok_or_else(|| {
        let list: Vec<&str> = words.clone().collect();
        let problem = Problem::new(
            ProblemKind::BadRequest,
            format!("there is no metric `{word}`; there are {}", list.join(", ")),
        );
        problem.suggestion(nearest(word, words)).into()
    })
}
