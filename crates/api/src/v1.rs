//! `/api/v1`: one file a resource; [`endpoints`] lists every address with what it takes and gives.

mod catalogue;
mod connections;
mod ended;
mod figures;
mod files;
mod frame;
mod health;
mod history;
mod hosts;
mod live;
mod process;
mod processes;
mod series;
mod session;
mod signal;
pub(crate) mod threads;
mod top;
mod trace;

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{FromRequestParts, OriginalUri, Path, Request};
use axum::http::request::Parts;
use axum::http::{HeaderValue, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, delete, get, post};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use procyon_model::ProcessKey;
use procyon_wire as wire;
use serde::Serialize;
use serde::de::DeserializeOwned;
use utoipa::openapi::HttpMethod;

pub(crate) use hosts::{millis, past_host, wire_host};
pub(crate) use live::wanted;
pub(crate) use process::{missing, signal_name};
pub(crate) use processes::USUAL;
pub(crate) use signal::{allowed, send, write_down};

use crate::app::App;
use crate::failure::Failure;
use crate::openapi::{Schemas, list_of, schema_of};
use crate::query::{Param, Query};
use crate::{gate, limits};

/// One address and what it takes and gives.
pub(crate) struct Endpoint {
    pub(crate) method: HttpMethod,
    pub(crate) path: &'static str,
    pub(crate) id: &'static str,
    pub(crate) about: &'static str,
    pub(crate) params: &'static [Param],
    pub(crate) takes: Option<fn(&mut Schemas) -> String>,
    pub(crate) gives: Option<fn(&mut Schemas) -> String>,
    handler: MethodRouter<Arc<App>>,
}

type Gives = Option<fn(&mut Schemas) -> String>;

fn ask(
    path: &'static str,
    id: &'static str,
    about: &'static str,
    params: &'static [Param],
    gives: Gives,
    handler: MethodRouter<Arc<App>>,
) -> Endpoint {
    Endpoint { method: HttpMethod::Get, path, id, about, params, takes: None, gives, handler }
}

/// Every address under `/api/v1`.
#[rustfmt::skip]
pub(crate) fn endpoints() -> Vec<Endpoint> {
    use wire::row;
    vec![
        ask("/openapi.json", "openapi", "This document.", &[], None, get(crate::openapi::answer)),
        ask("/catalogue", "catalogue", "What every figure means.", &[], Some(schema_of::<wire::Catalogue>), get(catalogue::answer)),
        ask("/health", "health", "How the monitor itself is doing.", &[], Some(schema_of::<wire::Health>), get(health::answer)),
        ask("/session", "session", "Who the caller is.", &[], Some(schema_of::<wire::Session>), get(session::answer)),
        Endpoint { method: HttpMethod::Post, takes: Some(schema_of::<wire::SignIn>), handler: post(session::begin), ..ask("/session", "signIn", "Exchanges a token for a session cookie.", &[], Some(schema_of::<wire::Session>), MethodRouter::new()) },
        Endpoint { method: HttpMethod::Delete, handler: delete(session::end), ..ask("/session", "signOut", "Ends the session.", &[], Some(schema_of::<wire::Session>), MethodRouter::new()) },
        ask("/hosts", "hosts", "The machines.", &[], Some(schema_of::<wire::host::Hosts>), get(hosts::answer)),
        ask("/hosts/{host}/figures", "figures", "Figures of the machine, its cores, disks, interfaces, file systems, sensors, users, containers.", figures::PARAMS, Some(schema_of::<wire::Figures>), get(figures::answer)),
        ask("/hosts/{host}/frame", "frame", "Everything at one tick.", frame::PARAMS, Some(schema_of::<wire::host::Frame>), get(frame::answer)),
        ask("/hosts/{host}/processes", "processes", "The process table: filtered, sorted, grouped, as a tree.", processes::PARAMS, Some(list_of::<row::Process>), get(processes::answer)),
        ask("/hosts/{host}/processes/{key}", "process", "One process in full. A bare pid redirects to the process that has it now.", process::PARAMS, Some(schema_of::<wire::process::Detail>), get(process::answer)),
        ask("/hosts/{host}/processes/{key}/threads", "threads", "Threads of a process.", &[], Some(list_of::<wire::process::Thread>), get(threads::answer)),
        ask("/hosts/{host}/processes/{key}/files", "files", "Open files of a process. Role: viewer.", &[], Some(list_of::<wire::process::OpenFile>), get(files::answer)),
        ask("/hosts/{host}/processes/{key}/connections", "processConnections", "Connections of a process. Role: viewer.", connections::PROCESS_PARAMS, Some(list_of::<row::Connection>), get(connections::of_process)),
        Endpoint { method: HttpMethod::Post, takes: Some(schema_of::<wire::process::SendSignal>), handler: post(signal::answer), ..ask("/hosts/{host}/processes/{key}/signal", "signal", "Sends a signal to a process. Role: operator.", &[], Some(schema_of::<wire::process::SignalSent>), MethodRouter::new()) },
        ask("/hosts/{host}/processes/{key}/trace", "trace", "WebSocket: system calls of a process as they happen, as TraceMessage. The client sends TraceClientMessage. Role: operator.", crate::trace::PARAMS, Some(schema_of::<wire::trace::TraceSocket>), get(trace::answer)),
        ask("/hosts/{host}/connections", "connections", "Sockets of every network namespace.", connections::PARAMS, Some(list_of::<row::Connection>), get(connections::answer)),
        ask("/hosts/{host}/ended", "ended", "Processes that ended in the last minute.", ended::PARAMS, Some(list_of::<row::Ended>), get(ended::answer)),
        ask("/hosts/{host}/series", "series", "Values over a range: from memory for the last 15 minutes, else from history.", series::PARAMS, Some(schema_of::<wire::series::SeriesAnswer>), get(series::answer)),
        ask("/hosts/{host}/top", "top", "The heaviest processes of a range, or groups of them.", top::PARAMS, Some(schema_of::<wire::series::TopAnswer>), get(top::answer)),
        ask("/hosts/{host}/history", "history", "How much history there is, and how it is doing.", &[], Some(schema_of::<wire::history::HistoryState>), get(history::answer)),
        ask("/hosts/{host}/step", "step", "The instant of a frame, so many frames after or before another.", history::STEP_PARAMS, Some(schema_of::<wire::history::Step>), get(history::step)),
        ask("/hosts/{host}/search", "search", "Processes that lived in a range, by words; newest first. Role: viewer.", history::SEARCH_PARAMS, Some(list_of::<wire::history::Found>), get(history::search)),
        ask("/hosts/{host}/events", "events", "Births, deaths, gaps and boots of a range, oldest first. Births and deaths need the role viewer.", history::EVENTS_PARAMS, Some(list_of::<wire::history::Event>), get(history::events)),
        ask("/hosts/{host}/why", "why", "What changed the most around an instant, against the hour before. Role: viewer.", history::WHY_PARAMS, Some(schema_of::<wire::history::Why>), get(history::why)),
        ask("/hosts/{host}/live", "live", "WebSocket: rows as they change. The client sends LiveClientMessage.", &[], Some(schema_of::<wire::live::ClientMessage>), get(live::answer)),
    ]
}

/// The router of all of them.
pub(crate) fn router() -> Router<Arc<App>> {
    endpoints().into_iter().fold(Router::new(), |router, endpoint| {
        let params = endpoint.params;
        let check = move |uri: OriginalUri, request: Request, next: Next| async move {
            match Query::read(&uri, params) {
                Ok(_) => next.run(request).await,
                Err(failure) => failure.into_response(),
            }
        };
        router.route(endpoint.path, endpoint.handler.layer(axum::middleware::from_fn(check)))
    })
}

/// What the pattern of the path holds: the host, or host and process.
pub(crate) struct At<T>(pub(crate) T);

impl<T: DeserializeOwned + Send> FromRequestParts<Arc<App>> for At<T> {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Failure> {
        let Path(held) = Path::from_request_parts(parts, app)
            .await
            .map_err(|error| Failure::bad_request(format!("the address cannot be read: {error}")))?;
        Ok(Self(held))
    }
}

/// An answer as JSON.
pub(crate) fn json<T: Serialize>(answer: &T) -> Result<Response, Failure> {
    let body = serde_json::to_vec(answer)
        .map_err(|error| Failure::new(wire::ProblemKind::Internal, format!("the answer cannot be written: {error}")))?;
    let mut response = Body::from(body).into_response();
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    Ok(response)
}

/// Reads a request's body.
pub(crate) async fn read_json<T: DeserializeOwned>(request: Request) -> Result<T, Failure> {
    let kind = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    // A page of another site can send other kinds without asking first.
    if !kind.split(';').next().is_some_and(|kind| kind.trim().eq_ignore_ascii_case("application/json")) {
        return Err(Failure::bad_request("the body must be JSON, and `content-type: application/json` must say so"));
    }
    let arriving = Limited::new(request.into_body(), limits::MAX_BODY).collect();
    let body = match tokio::time::timeout(limits::BODY_DEADLINE, arriving).await {
        Ok(Ok(body)) => body.to_bytes(),
        Err(_late) => {
            let seconds = limits::BODY_DEADLINE.as_secs();
            let detail = format!("the body did not arrive within {seconds} s");
            return Err(Failure::new(wire::ProblemKind::TooSlow, detail));
        }
        Ok(Err(error)) if error.is::<LengthLimitError>() => return Err(gate::too_large()),
        Ok(Err(error)) => return Err(Failure::bad_request(format!("the body did not arrive: {error}"))),
    };
    serde_json::from_slice(&body).map_err(|error| Failure::bad_request(format!("the body cannot be read: {error}")))
}

/// Reads a process address. A bare pid is none.
pub(crate) fn key_of(text: &str) -> Result<ProcessKey, Failure> {
    text.parse().map_err(|error: procyon_model::key::NotAKey| Failure::bad_request(error.to_string()))
}
