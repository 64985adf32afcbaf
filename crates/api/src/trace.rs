//! System calls of a process, told over a WebSocket. Whoever watches the same process in the same way shares one trace.

mod encode;
pub(crate) mod socket;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use axum::extract::ws::WebSocketUpgrade;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::response::Response;
use procyon_control::{Control, ControlError, Watched};
use procyon_diag::Kind;
use procyon_model::ProcessKey;
use procyon_trace::engine::ebpf::Ebpf;
use procyon_trace::engine::ptrace::{Program, Ptrace};
use procyon_trace::engine::{Engine, EngineError, Plan};
use procyon_trace::session::{Limits, Session, Viewer};
use procyon_trace::{Filter, FilterError, Options, Style};
use procyon_units::Wall;
use procyon_wire::trace::Choose;
use procyon_wire::{Problem, ProblemKind};

use self::encode::Epoch;
use self::socket::Dialect;
use crate::access::Caller;
use crate::app::App;
use crate::failure::Failure;
use crate::query::{self, Param, Query};
use crate::v1::{allowed, wanted};
use crate::{limits, live};

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
    query::count("lines", "It ends after so many lines; a million when absent, which is the most."),
    query::count("bytes", "It ends after so many bytes of text; 256 MiB when absent, which is the most."),
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

/// What is asked for.
#[derive(Debug, Clone)]
pub(crate) struct Wish {
    subject: Subject,
    choice: Choose,
    filter: Filter,
    limits: Limits,
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
        Self { subject, choice: Choose::default(), filter: Filter::all(), limits }
    }

    /// Reads it from the parameters of a request.
    pub(crate) fn read(key: ProcessKey, query: &Query) -> Result<Self, Failure> {
        let by_ptrace = match query.text("engine").unwrap_or("ebpf") {
            "ebpf" => false,
            "ptrace" => true,
            other => return Err(Failure::bad_request(format!("`engine` is ebpf or ptrace, not `{other}`"))),
        };
        let slower = query.text("slower").filter(|text| !text.is_empty()).map(duration).transpose()?;
        let count = |name, usual, most: u64| {
            let most = usize::try_from(most).unwrap_or(usize::MAX);
            query.count(name, usize::try_from(usual).unwrap_or(usize::MAX).min(most), most)
        };
        let wide = |count: usize| u64::try_from(count).unwrap_or(u64::MAX);
        let seconds = count("seconds", limits::TRACE_TIME.as_secs(), limits::MAX_TRACE_TIME.as_secs())?;
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
                lines: wide(count("lines", limits::MAX_TRACE_LINES, limits::MAX_TRACE_LINES)?),
                bytes: wide(count("bytes", limits::MAX_TRACE_BYTES, limits::MAX_TRACE_BYTES)?),
            },
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

/// `10ms`, `1.5s`, `200us`.
fn duration(text: &str) -> Result<Duration, Failure> {
    let wrong = || Failure::bad_request(format!("`{text}` is no time; say it as 10ms, 1.5s or 200us"));
    let at = text.find(|c: char| c.is_ascii_alphabetic()).ok_or_else(wrong)?;
    let (number, unit) = text.split_at(at);
    let number: f64 = number.parse().map_err(|_| wrong())?;
    let unit = match unit {
        "us" => 1e-6,
        "ms" => 1e-3,
        "s" => 1.0,
        _ => return Err(wrong()),
    };
    Duration::try_from_secs_f64(number * unit).map_err(|_| wrong())
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

/// A trace that goes on.
#[derive(Debug)]
pub(crate) struct Running {
    subject: Subject,
    session: Session,
    limits: Limits,
    /// Its times as all of its viewers are told them.
    epoch: Epoch,
    choice: Mutex<Choose>,
}

impl Running {
    /// Which calls are told.
    fn choice(&self) -> Choose {
        self.choice.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Tells other calls from now on. Blocks for a moment.
    fn choose(&self, choice: Choose) -> Result<(), Failure> {
        let filter = chosen(&choice)?;
        // Held meanwhile, so that what is said of two who choose at once is what holds.
        let mut told = self.choice.lock().unwrap_or_else(PoisonError::into_inner);
        self.session.filter(filter).map_err(|error| not_traced(&error))?;
        *told = choice;
        Ok(())
    }
}

/// The traces that go on, and what it takes to begin one.
#[derive(Debug)]
pub(crate) struct Traces {
    /// How the program is started that traces by ptrace; none where it is not to be had.
    tracer: Option<Program>,
    running: Mutex<Vec<Weak<Running>>>,
}

/// A place before a trace, which is written down in the audit log as long as it is taken.
pub(crate) struct Place {
    running: Arc<Running>,
    viewer: Viewer,
    watched: Watched,
    control: Arc<Control>,
}

impl Traces {
    pub(crate) fn new(tracer: Option<Program>) -> Self {
        Self { tracer, running: Mutex::default() }
    }

    /// Takes a place before a trace, which begins if there is no such one. Blocks for a moment.
    pub(crate) fn watch(
        &self,
        control: &Arc<Control>,
        caller: &Caller,
        wish: &Wish,
        now: Wall,
    ) -> Result<Place, Failure> {
        let key = wish.subject.key;
        let watched = control.begin_trace(&caller.actor(), &key).map_err(|error| refused(&error))?;
        let taken = self.join(wish, now).and_then(|place| {
            // The pid may have come round while it began.
            if control.is_there(&key) {
                return Ok(place);
            }
            Err(Failure::not_found(format!("process {key} has ended; it is not watched")))
        });
        match taken {
            Ok((running, viewer)) => Ok(Place { running, viewer, watched, control: Arc::clone(control) }),
            Err(failure) => {
                control.end_trace(&watched, &failure.problem.detail);
                Err(failure)
            }
        }
    }

    fn running(&self) -> MutexGuard<'_, Vec<Weak<Running>>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn join(&self, wish: &Wish, now: Wall) -> Result<(Arc<Running>, Viewer), Failure> {
        // Held while one begins, so that two who come at once share it.
        let mut all = self.running();
        all.retain(|running| running.strong_count() > 0);
        let same = |running: &Arc<Running>| running.subject == wish.subject && !running.session.is_over();
        if let Some(running) = all.iter().filter_map(Weak::upgrade).find(same) {
            let viewer = running.session.view();
            return Ok((running, viewer));
        }
        if all.len() >= limits::MAX_TRACES {
            let detail = format!("{} traces go on; there is no room for more", limits::MAX_TRACES);
            return Err(Failure::new(ProblemKind::Unavailable, detail));
        }
        let (session, viewer) = self.begin(wish)?;
        let Wish { subject, choice, limits, .. } = wish.clone();
        let running = Arc::new(Running { subject, session, limits, epoch: Epoch::at(now), choice: Mutex::new(choice) });
        all.push(Arc::downgrade(&running));
        Ok((running, viewer))
    }

    fn begin(&self, wish: &Wish) -> Result<(Session, Viewer), Failure> {
        let Subject { key, by_ptrace, follow, size } = wish.subject;
        let plan = Plan {
            targets: vec![key.pid],
            filter: wish.filter.clone(),
            children: follow,
            content: size,
            telling: true,
        };
        let program = match (by_ptrace, &self.tracer) {
            (false, _) => None,
            (true, Some(program)) => Some(program.clone()),
            (true, None) => return Err(Failure::not_implemented("this procyon cannot trace by ptrace")),
        };
        let make = move || -> Result<Box<dyn Engine>, EngineError> {
            Ok(match &program {
                None => Box::new(Ebpf::start(&plan)?),
                Some(program) => Box::new(Ptrace::start(&plan, program)?),
            })
        };
        let style = Style { options: Options { limit: size, ..Options::default() }, ..Style::default() };
        Session::start(make, style, wish.limits).map_err(|error| not_traced(&error))
    }
}

/// What a viewer asks for, as far as it can be read.
pub(crate) struct Asked {
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
    let Asked { key, wish, dialect, refusal } = asked;
    let control = match allowed(app, &caller, "to watch system calls") {
        Ok(control) => control,
        Err(refusal) => {
            let (control, actor) = (app.control.clone(), caller.actor());
            let note = move |_: &App| {
                if let Some(control) = control {
                    control.note_trace_refusal(&actor, &key);
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
    let place = match wish {
        Ok(wish) => {
            let watcher = caller.clone();
            app.blocking(move |app| app.traces.watch(&control, &watcher, &wish, app.clock.wall())).await
        }
        Err(failure) => Err(failure),
    };
    let (shared, seated) = (Arc::clone(app), caller.clone());
    match (place, refusal) {
        (Ok(place), _) => live::socket::upgrade(app, &seated, upgrade, move |socket, seat| {
            socket::tell(socket, seat, shared, caller, place, dialect)
        }),
        (Err(failure), Refusal::Answer) => Err(failure),
        (Err(failure), Refusal::Message) => {
            live::socket::upgrade(app, &seated, upgrade, move |socket, seat| socket::refuse(socket, seat, failure))
        }
    }
}

fn refused(error: &ControlError) -> Failure {
    match error {
        ControlError::Gone(gone @ procyon_control::Gone::Ended { .. }) => Failure::not_found(gone.to_string()),
        ControlError::Gone(gone) => Failure::new(ProblemKind::Conflict, gone.to_string()),
        ControlError::Role { .. } | ControlError::ReadOnly => {
            Failure::new(ProblemKind::Forbidden, "watching system calls needs the role operator")
        }
        _ => Failure::new(ProblemKind::Internal, format!("nothing is watched: {}", procyon_diag::message_of(error))),
    }
}

fn not_traced(error: &EngineError) -> Failure {
    let kind = match error.kind() {
        Kind::Usage => ProblemKind::Refused,
        Kind::NotFound => ProblemKind::NotFound,
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
