//! One process in full.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use axum::Extension;
use axum::extract::{OriginalUri, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use procyon_history::{EventKind, Events, History};
use procyon_model::catalogue::PROCESS;
use procyon_model::connection::SocketState;
use procyon_model::frame::EndedProcess;
use procyon_model::inspect::{InspectError, Limit};
use procyon_model::{Frame, ProcessKey, ProcessRow, Value};
use procyon_units::{Reading, Wall};
use procyon_wire::history::{Ending, Gap};
use procyon_wire::process::{self as wire, Relative};
use procyon_wire::{Problem, ProblemKind};
use serde::Serialize;

use super::{At, json, key_of};
use crate::access::{Caller, Sight};
use crate::app::{App, Host};
use crate::failure::Failure;
use crate::instant::Instant;
use crate::past::{self, Moment, stamp};
use crate::query::{self, Param, Query};
use crate::rows::{self, RowJson, readable};
use crate::tell;
use crate::turns::Length;

pub(super) const PARAMS: &[Param] = &[query::AT];

/// Ancestors that are listed at most.
const MAX_PARENTS: usize = 256;

#[derive(Serialize)]
struct DetailJson<'a> {
    at: i64,
    key: String,
    state: &'static str,
    ended_at: Option<i64>,
    #[serde(flatten)]
    ending: Ending,
    values: RowJson<'a, ProcessRow>,
    absent: BTreeMap<&'static str, String>,
    parents: Vec<Relative>,
    children: Vec<Relative>,
    limits: Vec<wire::Limit>,
    cgroup_limits: wire::CgroupLimits,
    listening: Option<Vec<u16>>,
    connections: Option<usize>,
    signal: wire::MaySignal,
    #[serde(skip_serializing_if = "Option::is_none")]
    gap: Option<Gap>,
}

pub(super) async fn answer(
    State(app): State<Arc<App>>,
    At((host, key)): At<(String, String)>,
    Extension(caller): Extension<Caller>,
    OriginalUri(uri): OriginalUri,
) -> Result<Response, Failure> {
    let query = Query::read(&uri, PARAMS)?;
    let found = Arc::clone(app.host(&host)?);
    let moment = app.moment(&found, &query, caller.sight()).await?;
    if let Ok(pid) = key.parse::<u32>() {
        return redirect(&moment, &host, pid);
    }
    let key = key_of(&key)?;
    let sight = caller.sight();
    let ended =
        if moment.frame.process(&key).is_none() { app.end_of(&found, &moment, key, sight).await? } else { None };
    app.blocking(move |app| match (moment.frame.process(&key), ended) {
        (Some(row), _) => json(&detail(app, &found, &moment, row, &caller, None)),
        (None, Some(process)) => json(&detail(app, &found, &moment, &process.row, &caller, Some(&process))),
        (None, None) => Err(missing_then(&moment, &key)),
    })
    .await
}

/// How long before an instant the end of a process is looked for.
const BURIED: Duration = Duration::from_hours(1);

impl App {
    /// The end of a process that is not there at a moment: from memory for now, else from history.
    async fn end_of(
        self: &Arc<Self>,
        host: &Arc<Host>,
        moment: &Moment,
        key: ProcessKey,
        sight: Sight,
    ) -> Result<Option<Arc<EndedProcess>>, Failure> {
        if !moment.past {
            let remembered = host.series.end_of(&key);
            if remembered.is_some() || host.history().is_err() {
                return Ok(remembered);
            }
        }
        let at = moment.frame.wall;
        let question = move |history: &dyn History| buried(history, &key, at);
        // A moment of the past has its turn already.
        if moment.past {
            self.consult(host, question).await
        } else {
            self.ask(host, (sight, Length::Long), question).await
        }
    }
}

/// A process that ended in the hour before an instant.
fn buried(history: &dyn History, key: &ProcessKey, at: Wall) -> Result<Option<Arc<EndedProcess>>, Failure> {
    let from = Instant::Before(BURIED).resolve(at);
    let deaths = Events { from, to: at, kinds: vec![EventKind::Death], limit: usize::MAX };
    let deaths = history.events(&deaths).map_err(|error| past::failure(&error))?;
    Ok(deaths.into_iter().rev().filter_map(|death| death.process).find(|process| process.row.key == *key))
}

/// A bare pid is no address, but leads to one.
fn redirect(moment: &Moment, host: &str, pid: u32) -> Result<Response, Failure> {
    let row = moment.frame.process_by_pid(pid).ok_or_else(|| {
        let when = if moment.past { format!(" at {}", stamp(moment.frame.wall)) } else { String::new() };
        Failure::not_found(format!("no process has the pid {pid}{when}"))
    })?;
    let host: String = form_urlencoded::byte_serialize(host.as_bytes()).collect();
    let at = if moment.past { format!("?at={}", moment.frame.wall.unix_ms()) } else { String::new() };
    let place = format!("/api/v1/hosts/{host}/processes/{}{at}", row.key);
    Ok((StatusCode::TEMPORARY_REDIRECT, [(header::LOCATION, place)]).into_response())
}

/// Why there is no process with this key at an instant.
pub(super) fn missing_then(moment: &Moment, key: &ProcessKey) -> Failure {
    if moment.past {
        let at = stamp(moment.frame.wall);
        return Failure::not_found(format!("process {key} was not there at {at}, and did not end in the hour before"));
    }
    missing(&moment.frame, key)
}

/// Why there is no process with this key: 409 when its pid belongs to another one now, else 404.
pub(crate) fn missing(frame: &Frame, key: &ProcessKey) -> Failure {
    match frame.process_by_pid(key.pid) {
        Some(other) => Problem::new(
            ProblemKind::Conflict,
            format!(
                "process {key} has ended, and its pid now belongs to {} ({})",
                readable(&other.descriptor.name),
                other.key
            ),
        )
        .hint(format!("ask for {} if that is the one you mean", other.key))
        .into(),
        None => Failure::not_found(format!(
            "process {key} is not there; it may have ended long ago: ask for an instant at which it was, with `at`"
        )),
    }
}

fn detail<'a>(
    app: &App,
    host: &Host,
    moment: &Moment,
    row: &'a ProcessRow,
    caller: &Caller,
    ended: Option<&EndedProcess>,
) -> DetailJson<'a> {
    let frame = &*moment.frame;
    let sight = caller.sight();
    let running = ended.is_none();
    // What is read only on demand is that of now, and says nothing about the past.
    let here = running && !moment.past;
    let columns: &'static [&'static procyon_model::catalogue::Figure<ProcessRow>] = match sight {
        Sight::All => &ALL,
        Sight::Public => &PUBLIC,
    };
    let sockets = (sight == Sight::All && frame.connections.taken.is_some()).then(|| sockets(frame, &row.key));
    let looked = here && sight == Sight::All;
    DetailJson {
        at: frame.wall.unix_ms(),
        key: row.key.to_string(),
        state: if running { "running" } else { "ended" },
        ended_at: ended.map(|process| process.at.unix_ms()),
        ending: ended.map(|process| tell::ending_for(process, sight)).unwrap_or_default(),
        values: RowJson::plain(columns, row),
        absent: absent(row, sight),
        parents: parents(frame, row),
        children: children(frame, row),
        limits: if here { host.inspect.limits(&row.key).map(wire_limits).unwrap_or_default() } else { Vec::new() },
        cgroup_limits: if looked { cgroup_limits(host, &row.key) } else { wire::CgroupLimits::default() },
        listening: sockets.as_ref().map(|(ports, _)| ports.iter().copied().collect()),
        connections: sockets.map(|(_, count)| count),
        signal: if moment.past { not_then() } else { may_signal(app, row, caller, running) },
        gap: moment.gap,
    }
}

static ALL: std::sync::LazyLock<rows::Columns<ProcessRow>> =
    std::sync::LazyLock::new(|| rows::all(PROCESS, Sight::All));
static PUBLIC: std::sync::LazyLock<rows::Columns<ProcessRow>> =
    std::sync::LazyLock::new(|| rows::all(PROCESS, Sight::Public));

fn not_then() -> wire::MaySignal {
    wire::MaySignal { allowed: false, reason: Some("this is a past instant".to_owned()) }
}

fn may_signal(app: &App, row: &ProcessRow, caller: &Caller, running: bool) -> wire::MaySignal {
    let reason = match &app.control {
        _ if !running => Some("the process has ended".to_owned()),
        None => Some("this procyon cannot send signals".to_owned()),
        Some(control) => {
            control.may_signal(&caller.actor(), row.key.pid, row.kernel_thread).err().map(|error| error.to_string())
        }
    };
    wire::MaySignal { allowed: reason.is_none(), reason }
}

fn relative(row: &ProcessRow) -> Relative {
    Relative { key: row.key.to_string(), pid: row.key.pid, name: readable(&row.descriptor.name) }
}

fn parents(frame: &Frame, row: &ProcessRow) -> Vec<Relative> {
    let mut list = Vec::new();
    let mut child = row;
    while let Some(parent) = frame.process_by_pid(child.ppid) {
        // One that started later took over the pid of the real parent.
        if parent.key.start > child.key.start || parent.key == child.key || list.len() >= MAX_PARENTS {
            break;
        }
        list.push(relative(parent));
        child = parent;
    }
    list.reverse();
    list
}

fn children(frame: &Frame, row: &ProcessRow) -> Vec<Relative> {
    let mine = frame.processes.iter().filter(|child| child.ppid == row.key.pid && child.key.start >= row.key.start);
    mine.filter(|child| child.key != row.key).map(relative).collect()
}

fn sockets(frame: &Frame, key: &ProcessKey) -> (BTreeSet<u16>, usize) {
    let mine = frame.connections.items.iter().filter(|socket| socket.owner.as_ref().is_some_and(|o| o.key == *key));
    let (mut ports, mut count) = (BTreeSet::new(), 0);
    for socket in mine {
        count += 1;
        if socket.state == SocketState::LISTEN {
            ports.insert(socket.local.port());
        }
    }
    (ports, count)
}

fn wire_limits(limits: Vec<Limit>) -> Vec<wire::Limit> {
    let one = |limit: Limit| wire::Limit {
        name: limit.name.into(),
        soft: limit.soft,
        hard: limit.hard,
        unit: limit.unit.into(),
        used: limit.used,
    };
    limits.into_iter().map(one).collect()
}

fn cgroup_limits(host: &Host, key: &ProcessKey) -> wire::CgroupLimits {
    host.inspect.cgroup_limits(key).map_or_else(
        |_| wire::CgroupLimits::default(),
        |limits| wire::CgroupLimits { memory: limits.memory.map(|memory| memory.0), cpu: limits.cpu },
    )
}

/// Why figures have no value.
fn absent(row: &ProcessRow, sight: Sight) -> BTreeMap<&'static str, String> {
    let mut reasons = BTreeMap::new();
    for figure in PROCESS {
        let id = figure.meta.id;
        if !rows::sees(sight, &figure.meta) {
            reasons.insert(id, "forbidden: shown to those who have a token".to_owned());
        } else if matches!((figure.value)(row), Value::Unknown) {
            reasons.insert(id, reason(row, id, figure.meta.privilege.word()));
        }
    }
    reasons
}

fn reason(row: &ProcessRow, id: &str, privilege: &str) -> String {
    match why(row, id) {
        Why::Forbidden => format!("forbidden: reading it needs {privilege}"),
        Why::Unsupported => "unsupported: this kernel, or this way of collecting, does not give it".to_owned(),
        Why::Absent => "absent: it has no meaning for this process".to_owned(),
        Why::Skipped => "skipped: reading it would hold the process up for too long".to_owned(),
        Why::Pending => "pending: not read yet".to_owned(),
    }
}

enum Why {
    Forbidden,
    Unsupported,
    Absent,
    Skipped,
    Pending,
}

fn of<T>(reading: &Reading<T>) -> Why {
    match reading {
        Reading::Forbidden => Why::Forbidden,
        Reading::Unsupported => Why::Unsupported,
        Reading::Absent | Reading::Known(_) => Why::Absent,
        Reading::Skipped => Why::Skipped,
        Reading::Pending => Why::Pending,
    }
}

fn why(row: &ProcessRow, id: &str) -> Why {
    match id {
        "cpu" | "cpu_user" | "cpu_sys" => of(&row.rates.cpu_user),
        "runq" => of(&row.rates.run_delay),
        "runq_total" => of(&row.run_delay),
        "pss" | "uss" | "swap_pss" | "pss_age" => of(&row.pss),
        "read" | "write" | "rchar" | "wchar" => of(&row.rates.io),
        "read_total" | "write_total" | "rchar_total" | "wchar_total" => of(&row.io),
        "rx" | "tx" => of(&row.rates.net),
        "rx_total" | "tx_total" => of(&row.net),
        "minflt" | "majflt" => of(&row.rates.minor_faults),
        "nvcsw" | "nivcsw" => of(&row.rates.voluntary_switches),
        "nvcsw_total" | "nivcsw_total" => of(&row.switches),
        "fds" | "fd_limit" | "fd_ratio" => of(&row.fds),
        "oom_score" | "oom_adj" => of(&row.oom),
        "wchan" => of(&row.wchan),
        "exe" | "cwd" if !row.kernel_thread => Why::Forbidden,
        _ => of(&row.memory),
    }
}

/// The name of a signal, as `SIGKILL`.
pub(crate) fn signal_name(number: u8) -> String {
    let name = number.to_string().parse::<procyon_control::Signal>();
    name.map_or_else(|_| format!("SIG{number}"), |signal| signal.name().into_owned())
}

/// An error of inspecting as an answer.
pub(super) fn inspect_failure(error: &InspectError) -> Failure {
    let kind = match error {
        InspectError::Ended(_) => ProblemKind::NotFound,
        InspectError::Forbidden { .. } => ProblemKind::Forbidden,
        InspectError::TimedOut { .. } => ProblemKind::Unavailable,
        InspectError::Failed { .. } => ProblemKind::Internal,
    };
    let problem = Problem::new(kind, error.to_string());
    match error {
        InspectError::Forbidden { needs, .. } => {
            problem.hint(format!("run procyon as root, or grant it {needs}: `procyon doctor` says how")).into()
        }
        _ => problem.into(),
    }
}
