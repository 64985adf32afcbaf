//! `/monitor`: the compatibility API. Its envelope, names and units are frozen; they neither shape nor follow the rest.

mod host;
mod process;

use std::sync::Arc;
use std::time::Duration;

use axum::Extension;
use axum::Router;
use axum::body::Body;
use axum::extract::ws::WebSocketUpgrade;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::extract::{OriginalUri, State};
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get};
use procyon_control::Signal;
use procyon_history::{Fold, History, HistoryError, Range, Search};
use procyon_model::ProcessKey;
use procyon_units::Wall;
use procyon_wire::{Problem, ProblemKind};
use serde::Serialize;

use crate::access::Caller;
use crate::app::{App, Host};
use crate::failure::Failure;
use crate::limits::{MAX_STATUS, MAX_STATUS_MINUTES};
use crate::live::Encoder;
use crate::live::socket::{self, Listener};
use crate::past;
use crate::query::{self, Param, Query};
use crate::trace;
use crate::turns::Length;
use crate::v1::{At, allowed, send, wanted, write_down};

/// All addresses under `/monitor`.
pub(crate) fn router() -> Router<Arc<App>> {
    Router::new()
        .route("/process/stream", get(process_stream))
        .route("/process/snapshot/{pid}", get(process_snapshot))
        .route("/process/kill/{pid}", get(process_kill).post(process_kill))
        .route("/process/status/{pid}", get(process_status))
        .route("/process/ptrace/{pid}", get(process_ptrace))
        .route("/process/alarm/register", any(later_alarms))
        .route("/process/alarm/list", any(later_alarms))
        .route("/process/alarm/{id}", any(later_alarms))
        .route("/host/snapshot", get(host_snapshot))
        .route("/host/stream", get(host_stream))
}

#[derive(Serialize)]
struct Envelope<'a, T> {
    code: u16,
    message: &'a str,
    data: T,
}

fn success<T: Serialize>(data: T) -> Response {
    envelope(StatusCode::OK, &Envelope { code: 200, message: "success", data })
}

fn envelope<T: Serialize>(status: StatusCode, content: &Envelope<'_, T>) -> Response {
    let body = serde_json::to_vec(content).unwrap_or_default();
    let mut response = (status, Body::from(body)).into_response();
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

/// A problem in the envelope of this API.
pub(crate) fn envelope_of(problem: &Problem) -> Response {
    let status = StatusCode::from_u16(problem.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    envelope(status, &Envelope::<Option<()>> { code: status.as_u16(), message: &problem.detail, data: None })
}

/// This API knows one host.
fn local(app: &App) -> Result<Arc<Host>, Failure> {
    app.host("local").cloned()
}

fn pid_of(text: &str) -> Result<u32, Failure> {
    text.parse().map_err(|_| Failure::bad_request(format!("`{text}` is no process id")))
}

async fn process_snapshot(State(app): State<Arc<App>>, At(pid): At<String>) -> Result<Response, Failure> {
    let pid = pid_of(&pid)?;
    let frame = local(&app)?.frame()?;
    let row = frame.process_by_pid(pid).ok_or_else(|| Failure::not_found(format!("no process has the pid {pid}")))?;
    Ok(success([process::snapshot(frame.wall, row)]))
}

async fn process_kill(
    State(app): State<Arc<App>>,
    method: Method,
    At(pid): At<String>,
    Extension(caller): Extension<Caller>,
) -> Result<Response, Failure> {
    // A question for the head of the answer must not do what the answer would have done.
    if method == Method::HEAD {
        return Err(Failure::new(ProblemKind::MethodNotAllowed, "this takes GET and POST"));
    }
    let control = match allowed(&app, &caller, "to end a process") {
        Ok(control) => control,
        Err(refused) => {
            if let (Ok(pid), Ok(host)) = (pid_of(&pid), local(&app))
                && let Ok(key) = meant(&host, pid, UNSENT)
            {
                write_down(&app, &caller, key, Some(Signal::KILL)).await;
            }
            return Err(refused);
        }
    };
    let pid = pid_of(&pid)?;
    let host = local(&app)?;
    app.blocking(move |_| {
        let key = meant(&host, pid, UNSENT)?;
        send(&control, &caller, &key, Signal::KILL)?;
        Ok(success(()))
    })
    .await
}

/// What comes of a signal to nobody.
const UNSENT: &str = "nothing was sent";

/// The process that a pid names: the one that the newest frame shows; only a pid that the frame does not know yet is looked
/// up in the kernel. Whoever has taken over a pid since is not hit: `send` compares the start. `therefore` is what comes of there
/// being none.
fn meant(host: &Host, pid: u32, therefore: &str) -> Result<ProcessKey, Failure> {
    let frame = host.frame()?;
    match frame.process_by_pid(pid) {
        Some(row) => Ok(row.key),
        None => procyon_control::look_up(pid, frame.host.boot.short())
            .map(|(key, _)| key)
            .ok_or_else(|| Failure::not_found(format!("no process has the pid {pid}; {therefore}"))),
    }
}

async fn host_snapshot(State(app): State<Arc<App>>) -> Result<Response, Failure> {
    let frame = local(&app)?.frame()?;
    Ok(success(host::snapshot(&frame)))
}

async fn process_stream(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Result<Response, Failure> {
    stream(&app, caller, upgrade, "monitor/process", Box::new(process::Stream::default()))
}

async fn host_stream(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Result<Response, Failure> {
    stream(&app, caller, upgrade, "monitor/host", Box::new(host::Stream::default()))
}

fn stream(
    app: &Arc<App>,
    caller: Caller,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
    name: &'static str,
    encoder: Box<dyn Encoder>,
) -> Result<Response, Failure> {
    let host = local(app)?;
    let upgrade = wanted(upgrade)?;
    let caller_of_seat = caller.clone();
    let listener = Listener { app: Arc::clone(app), host, caller, name, encoder };
    socket::upgrade(app, &caller_of_seat, upgrade, move |socket, seat| socket::listen(socket, seat, listener))
}

/// Minutes of history when nobody says how many.
const USUAL_MINUTES: usize = 10;

const STATUS_PARAMS: &[Param] = &[query::count("minutes", "How far back; 10 when absent.")];

/// The recent history of the process that has a pid, or had it last: the same objects, oldest first.
async fn process_status(
    State(app): State<Arc<App>>,
    At(pid): At<String>,
    Extension(caller): Extension<Caller>,
    OriginalUri(uri): OriginalUri,
) -> Result<Response, Failure> {
    let query = Query::read(&uri, STATUS_PARAMS)?;
    let minutes = query.count("minutes", USUAL_MINUTES, MAX_STATUS_MINUTES)?;
    let pid = pid_of(&pid)?;
    let host = local(&app)?;
    let now = app.clock.wall();
    let minutes = i64::try_from(minutes).unwrap_or(i64::MAX).saturating_mul(60_000_000_000);
    let from = Wall(now.0.saturating_sub(minutes));
    let living = host.frame()?.process_by_pid(pid).map(|row| row.key);
    app.ask(&host, (caller.sight(), Length::Long), move |history| {
        let objects = recent(history, pid, living, (from, now)).map_err(|error| past::failure(&error))?;
        if objects.is_empty() {
            return Err(Failure::not_found(format!("no process had the pid {pid} in that time")));
        }
        Ok(success(objects))
    })
    .await
}

/// The last one who had a pid in a range.
fn last_with(history: &dyn History, pid: u32, (from, to): (Wall, Wall)) -> Result<Option<ProcessKey>, HistoryError> {
    let search = Search { from, to, words: vec![pid.to_string()], limit: usize::MAX };
    let mut found = history.search(&search)?;
    found.retain(|found| found.key.pid == pid);
    Ok(found.iter().max_by_key(|found| (found.last, found.key)).map(|found| found.key))
}

/// One process at many instants, evenly spread.
fn recent(
    history: &dyn History,
    pid: u32,
    living: Option<ProcessKey>,
    (from, to): (Wall, Wall),
) -> Result<Vec<process::Process>, HistoryError> {
    let Some(key) = living.map_or_else(|| last_with(history, pid, (from, to)), |key| Ok(Some(key)))? else {
        return Ok(Vec::new());
    };
    let time = u64::try_from(to.0.saturating_sub(from.0)).unwrap_or(0);
    let step = Duration::from_nanos(time / MAX_STATUS).max(Duration::from_millis(1));
    // The instants stand on multiples of their distance: one more than fit may be touched, and the first begins before the range.
    let rows = history.process_rows(&Range { from, to, step, fold: Fold::default() }, &key)?;
    let mut objects: Vec<_> = rows.iter().filter(|seen| seen.at >= from).collect();
    let surplus = objects.len().saturating_sub(usize::try_from(MAX_STATUS).unwrap_or(usize::MAX));
    Ok(objects.drain(surplus..).map(|seen| process::snapshot(seen.at, &seen.row)).collect())
}

/// System calls of a process; the name is the one that the first of these interfaces had, the process is not stopped.
async fn process_ptrace(
    State(app): State<Arc<App>>,
    At(pid): At<String>,
    Extension(caller): Extension<Caller>,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Result<Response, Failure> {
    let host = local(&app)?;
    let key = meant(&host, pid_of(&pid)?, "nothing is watched")?;
    let wish = Ok(trace::Wish::usual(key));
    let asked =
        trace::Asked { host, key, wish, dialect: trace::socket::Dialect::Arrays, refusal: trace::Refusal::Answer };
    trace::open(&app, caller, upgrade, asked).await
}

async fn later_alarms() -> Failure {
    Failure::not_implemented("alarms come with alerting")
}
