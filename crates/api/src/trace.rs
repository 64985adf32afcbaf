//! System calls of a process, told over a WebSocket. Whoever watches the same process in the same way shares one trace.
//!
//! - [`running`] are the traces that go on, and how one begins;
//! - [`place`] is a viewer's place before one, with its lines in the audit log;
//! - [`socket`] is a viewer's WebSocket, [`pace`] how much of a trace it is told;
//! - [`encode`] says in JSON what happened.

mod encode;
mod pace;
mod place;
mod running;
pub(crate) mod socket;

use std::sync::Arc;
use std::time::Duration;

use axum::extract::ws::WebSocketUpgrade;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::response::Response;
use procyon_control::{Control, ControlError, Gone, How};
use procyon_diag::Kind;
use procyon_model::ProcessKey;
use procyon_model::inspect::InspectError;
use procyon_trace::engine::EngineError;
use procyon_trace::session::Limits;
use procyon_trace::{Filter, FilterError};
use procyon_wire::trace::Choose;
use procyon_wire::{Problem, ProblemKind};
use tokio::sync::oneshot;

pub(crate) use self::place::{Place, Places};
pub(crate) use self::running::Traces;
use self::socket::Dialect;
use crate::access::Caller;
use crate::app::{App, Host};
use crate::failure::Failure;
use crate::live::socket::{Seat, upgrade_seated};
use crate::query::{self, Param, Query};
use crate::v1::{allowed, missing, wanted};
use crate::{instant, limits};

/// What a trace of the versioned API takes.
pub(crate) const PARAMS: &[Param] = &[
    query::text(
        "engine",
        "`ebpf` watches and stops nobody; `ptrace` stops every thread at each call. `ebpf` when absent.",
    ),
    query::text("follow", "`true`: processes that it makes are followed too."),
    query::text(
        "filter",
        "Calls: names and classes with commas between, as `openat,%network`; `!futex` for all but one.",
    ),
    query::text("failed", "`true`: only calls that failed."),
    query::text("slower", "Only calls that took at least so long, as `10ms`."),
    query::count("size", "Bytes of strings and data that are told; 32 when absent, at most 4096."),
    query::count("seconds", "It ends after so many seconds; 300 when absent, at most 3600."),
    query::count("lines", "It ends after so many lines; a million when absent, which is the most without `rate`."),
    query::count(
        "bytes",
        "It ends after so many bytes of text; 256 MiB when absent, which is the most without `rate`.",
    ),
    query::count(
        "rate",
        "At most so many calls are told a second; more are left out, and `skipped` says how many. The trace then does not end for its lines or bytes, unless it is said when.",
    ),
    query::text(
        "parts",
        "`true`: calls come by name, arguments and result alone, without `line`, which says the same again.",
    ),
    query::text(
        "refusal",
        "`message`: what an operator is refused comes as a message `error`, for pages, which do not see the answer to an upgrade.",
    ),
];

/// What makes two traces the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Subject {
    key: ProcessKey,
    by_ptrace: bool,
    follow: bool,
    size: usize,
}

impl Subject {
    const fn how(&self) -> How {
        let engine = if self.by_ptrace { procyon_control::Engine::Ptrace } else { procyon_control::Engine::Ebpf };
        How { engine, follow: self.follow }
    }
}

/// What is asked for.
#[derive(Debug, Clone)]
pub(crate) struct Wish {
    subject: Subject,
    choice: Choose,
    filter: Filter,
    limits: Limits,
    telling: Telling,
}

/// How much of what happens one viewer is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Telling {
    /// Calls come by their parts alone.
    parts_alone: bool,
    /// So many calls a second at most.
    rate: Option<u64>,
}

/// How a viewer is told that nothing is watched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// By the answer to its request.
    Answer,
    /// Over the WebSocket, where the request itself is in order.
    Message,
}

impl Refusal {
    /// Reads it from the parameters of a request.
    pub(crate) fn read(query: &Query) -> Result<Self, Failure> {
        match query.text("refusal") {
            None | Some("") => Ok(Self::Answer),
            Some("message") => Ok(Self::Message),
            Some(other) => Err(Failure::bad_request(format!("`refusal` is message or absent, not `{other}`"))),
        }
    }
}

impl Wish {
    /// The usual one.
    pub(crate) fn usual(key: ProcessKey) -> Self {
        let subject = Subject { key, by_ptrace: false, follow: false, size: limits::TRACE_SIZE };
        let limits =
            Limits { time: limits::TRACE_TIME, lines: limits::MAX_TRACE_LINES, bytes: limits::MAX_TRACE_BYTES };
        Self { subject, choice: Choose::default(), filter: Filter::all(), limits, telling: Telling::default() }
    }

    /// Reads it from the parameters of a request.
    pub(crate) fn read(key: ProcessKey, query: &Query) -> Result<Self, Failure> {
        let by_ptrace = match query.text("engine").unwrap_or("ebpf") {
            "ebpf" => false,
            "ptrace" => true,
            other => return Err(Failure::bad_request(format!("`engine` is ebpf or ptrace, not `{other}`"))),
        };
        let slower = query.text("slower").filter(|text| !text.is_empty()).map(slowness).transpose()?;
        let count = |name, usual, most: u64| {
            let most = usize::try_from(most).unwrap_or(usize::MAX);
            query.count(name, usize::try_from(usual).unwrap_or(usize::MAX).min(most), most)
        };
        let wide = |count: usize| u64::try_from(count).unwrap_or(u64::MAX);
        let seconds = count("seconds", limits::TRACE_TIME.as_secs(), limits::MAX_TRACE_TIME.as_secs())?;
        let rate = match query.text("rate") {
            None | Some("") => None,
            Some(_) => Some(wide(query.count("rate", 0, limits::MAX_TRACE_RATE)?)),
        };
        // What is told is bounded by the rate then, however much happens.
        let (lines, bytes) = match rate {
            None => (limits::MAX_TRACE_LINES, limits::MAX_TRACE_BYTES),
            Some(_) => (limits::MAX_PACED_LINES, limits::MAX_PACED_BYTES),
        };
        let choice = Choose {
            filter: query.text("filter").unwrap_or_default().to_owned(),
            failed: is_true(query, "failed")?,
            slower: slower.unwrap_or_default().as_secs_f64(),
        };
        Ok(Self {
            subject: Subject {
                key,
                by_ptrace,
                follow: is_true(query, "follow")?,
                size: query.count("size", limits::TRACE_SIZE, limits::MAX_TRACE_SIZE)?,
            },
            filter: chosen(&choice)?,
            choice,
            limits: Limits {
                time: Duration::from_secs(wide(seconds)),
                lines: wide(count("lines", lines, lines)?),
                bytes: wide(count("bytes", bytes, bytes)?),
            },
            telling: Telling { parts_alone: is_true(query, "parts")?, rate },
        })
    }
}

fn is_true(query: &Query, name: &str) -> Result<bool, Failure> {
    match query.text(name) {
        None | Some("false" | "") => Ok(false),
        Some("true") => Ok(true),
        Some(other) => Err(Failure::bad_request(format!("`{name}` is true or false, not `{other}`"))),
    }
}

fn slowness(text: &str) -> Result<Duration, Failure> {
    instant::duration(text)
        .ok_or_else(|| Failure::bad_request(format!("`slower` is a time, as 10ms, 1.5s or 200us, not `{text}`")))
}

/// The filter that is asked for.
fn chosen(choose: &Choose) -> Result<Filter, Failure> {
    let slower = Duration::try_from_secs_f64(choose.slower)
        .map_err(|_| Failure::bad_request(format!("`slower` is a number of seconds, not {}", choose.slower)))?;
    let filter = if choose.filter.trim().is_empty() { Ok(Filter::all()) } else { Filter::parse(&choose.filter) };
    let mut filter = filter.map_err(|error: FilterError| {
        Failure::from(Problem::new(ProblemKind::BadFilter, procyon_diag::message_of(&error)))
    })?;
    filter.failed = choose.failed;
    filter.slower = (!slower.is_zero()).then_some(slower);
    Ok(filter)
}

/// What a viewer asks for, as far as it can be read.
pub(crate) struct Asked {
    pub(crate) host: Arc<Host>,
    pub(crate) key: ProcessKey,
    pub(crate) wish: Result<Wish, Failure>,
    pub(crate) dialect: Dialect,
    pub(crate) refusal: Refusal,
}

/// Begins to tell a trace over a WebSocket, or says why not.
pub(crate) async fn open(
    app: &Arc<App>,
    caller: Caller,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
    asked: Asked,
) -> Result<Response, Failure> {
    let Asked { host, key, wish, dialect, refusal } = asked;
    let control = match allowed(app, &caller, "to watch system calls") {
        Ok(control) => control,
        Err(refusal) => {
            let (control, actor) = (app.control.clone(), caller.actor());
            let how = wish.ok().map(|wish| wish.subject.how());
            let note = move |_: &App| {
                if let Some(control) = control {
                    control.note_trace_refusal(&actor, &key, how);
                }
                Ok(())
            };
            app.blocking(note).await?;
            return Err(refusal);
        }
    };
    let wish = match (wish, refusal) {
        (Err(failure), Refusal::Answer) => return Err(failure),
        (wish, _) => wish,
    };
    let upgrade = wanted(upgrade)?;
    // Before anything begins that nobody would see.
    let seat = Seat::take(app, caller.is_local())?;
    let begun = match wish {
        Ok(wish) => {
            let telling = wish.telling;
            begin(app, host, control, &caller, wish).await.map(|place| (place, telling))
        }
        Err(failure) => Err(failure),
    };
    match (begun, refusal) {
        (Ok((place, telling)), _) => {
            let shared = Arc::clone(app);
            let told = move |socket, seat| socket::tell(socket, seat, shared, caller, place, (dialect, telling));
            Ok(upgrade_seated(seat, upgrade, told))
        }
        (Err(failure), Refusal::Answer) => Err(failure),
        (Err(failure), Refusal::Message) => {
            Ok(upgrade_seated(seat, upgrade, move |socket, seat| socket::refuse(socket, seat, failure)))
        }
    }
}

/// Takes a place before a trace. It may take seconds, so it has a thread of its own: those that serve everybody are few.
async fn begin(
    app: &Arc<App>,
    host: Arc<Host>,
    control: Arc<Control>,
    caller: &Caller,
    wish: Wish,
) -> Result<Place, Failure> {
    let failed = |why: &str| Failure::new(ProblemKind::Internal, format!("the trace could not begin: {why}"));
    let turn = Arc::clone(&app.traces.turns).acquire_owned().await.map_err(|_| failed("procyon stops"))?;
    let (tell, told) = oneshot::channel();
    let (shared, caller) = (Arc::clone(app), caller.clone());
    let work = move || {
        let place = shared.traces.watch(&host, &control, &caller, &wish, shared.clock.wall());
        drop(turn);
        // A viewer that has left meanwhile gives its place back.
        drop(tell.send(place));
    };
    let thread = std::thread::Builder::new().name("trace begins".to_owned()).spawn(work);
    thread.map_err(|error| failed(&format!("there is no thread for it ({error})")))?;
    told.await.map_err(|_| failed("its thread broke off"))?
}

/// Why a process is not watched, in the words of the other addresses.
fn refused(error: &ControlError, host: &Host, key: &ProcessKey) -> Failure {
    let kind = match error {
        ControlError::Gone(Gone::Ended { .. }) => return ended(key),
        ControlError::Gone(gone) => {
            let frame = host.feed.latest();
            let known = frame.filter(|frame| frame.process_by_pid(key.pid).is_some_and(|other| other.key != *key));
            let words = || Failure::new(ProblemKind::Conflict, gone.to_string());
            return known.map_or_else(words, |frame| missing(&frame, key));
        }
        ControlError::Role { .. } | ControlError::ReadOnly => ProblemKind::Forbidden,
        _ => ProblemKind::Internal,
    };
    let problem = Problem::new(kind, procyon_diag::message_of(error));
    if error.hint().is_empty() { problem.into() } else { problem.hint(error.hint()).into() }
}

/// There is nothing to watch any more.
fn ended(key: &ProcessKey) -> Failure {
    Failure::not_found(InspectError::Ended(*key).to_string())
}

fn not_traced(error: &EngineError, key: &ProcessKey) -> Failure {
    let kind = match error.kind() {
        Kind::NotFound => return ended(key),
        Kind::Usage => ProblemKind::Refused,
        Kind::NotPermitted => ProblemKind::Forbidden,
        Kind::Conflict => ProblemKind::Conflict,
        _ => ProblemKind::Unavailable,
    };
    let problem = Problem::new(kind, procyon_diag::message_of(error));
    match error {
        // What to type in a shell does not help here.
        EngineError::NoEbpf(_) => problem.hint("ptrace does without eBPF, but stops the process at each call").into(),
        _ => problem.into(),
    }
}
