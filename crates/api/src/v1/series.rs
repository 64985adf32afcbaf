//! Values over a range: from memory where it covers the range, else from history.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use axum::Extension;
use axum::extract::{OriginalUri, State};
use axum::response::Response;
use procyon_history::{Fold, History, Range};
use procyon_model::ProcessKey;
use procyon_model::catalogue::{HOST, PROCESS};
use procyon_series::COLUMNS;
use procyon_units::Wall;
use procyon_wire::history::Gap;
use procyon_wire::series::{Line, SeriesAnswer};
use procyon_wire::{Problem, ProblemKind};

use super::top::tracked;
use super::{At, json, key_of};
use crate::access::{Caller, Sight};
use crate::app::{App, Host};
use crate::failure::Failure;
use crate::instant;
use crate::limits::{MAX_LINES, MAX_POINTS, MAX_VALUES, USUAL_POINTS};
use crate::past::{failure, wire_gap};
use crate::query::{self, Param, Query};
use crate::rows::{self, readable};
use crate::table;
use crate::turns::Length;

pub(super) const PARAMS: &[Param] = &[
    query::text("scope", "`host` (default) or `process`."),
    query::text("keys", "Addresses of processes, comma-separated; every living process when absent (from `-2m` on)."),
    query::text("columns", "Columns, comma-separated; the usual ones when absent."),
    query::text("from", "First instant; `-15m` when absent."),
    query::text("to", "Last instant; now when absent."),
    query::text("step", "Distance of two instants, as `5s`; such that there are at most 600 when absent."),
    query::text("fold", "How frames of one instant become one value: mean (default), max or min."),
];

/// How far back all processes can be asked for at once.
const ALL_PROCESSES: Duration = Duration::from_mins(2);
/// Columns of the host when none are named.
const USUAL_HOST: &[&str] = &[
    "cpu_busy",
    "cpu_user",
    "cpu_system",
    "cpu_iowait",
    "cpu_steal",
    "mem_used",
    "mem_available",
    "swap_used",
    "disk_read",
    "disk_write",
    "net_rx",
    "net_tx",
];
/// Columns of a process when none are named.
const USUAL_PROCESS: &[&str] = &["cpu", "rss", "read", "write", "rx", "tx"];
/// Steps shorter than this say nothing that frames could answer.
const SHORTEST_STEP: Duration = Duration::from_millis(100);
/// Steps longer than this are mistakes.
const LONGEST_STEP: Duration = Duration::from_hours(24 * 31);
/// Steps, in seconds, of which one is chosen when nobody names one.
const STEPS: &[u64] = &[
    1, 2, 5, 10, 15, 20, 30, 60, 120, 300, 600, 900, 1200, 1800, 3600, 7200, 10_800, 21_600, 43_200, 86_400, 172_800,
    432_000, 864_000, 1_728_000, 2_592_000,
];

/// Of whom values are asked for.
enum Whose {
    Host,
    /// Of every living process.
    Everybody,
    /// Of these.
    Processes(Vec<ProcessKey>),
}

struct Question {
    whose: Whose,
    columns: Vec<String>,
    range: Range,
}

pub(super) async fn answer(
    State(app): State<Arc<App>>,
    At(host): At<String>,
    Extension(caller): Extension<Caller>,
    OriginalUri(uri): OriginalUri,
) -> Result<Response, Failure> {
    let query = Query::read(&uri, PARAMS)?;
    let now = app.clock.wall();
    let host = Arc::clone(app.host(&host)?);
    let interval = host.feed.latest().map_or(Duration::ZERO, |frame| frame.pace.actual);
    let question = read(&query, caller.sight(), now, interval)?;
    let remembered = question.range.fold == Fold::Mean && question.is_remembered();
    let everybody = matches!(question.whose, Whose::Everybody);
    let sight = caller.sight();
    let from_history = !everybody && (!remembered || app.reaches_back(&host, question.range.from).await?);
    let (from, to) = (question.range.from, question.range.to);
    if from_history {
        return app.ask(&host, (sight, Length::Long), move |history| of_history(history, &question, sight, now)).await;
    }
    // Memory knows no gaps; where there is history it is asked for them.
    let gaps = if host.history().is_ok() {
        app.ask(&host, (sight, Length::Short), move |history| gaps(history, from, to)).await?
    } else {
        Vec::new()
    };
    app.blocking(move |_| of_memory(&host, &question, sight, gaps, now)).await
}

impl Question {
    /// Whether all columns are kept in memory.
    fn is_remembered(&self) -> bool {
        match self.whose {
            Whose::Host => true,
            Whose::Everybody | Whose::Processes(_) => {
                self.columns.iter().all(|id| procyon_series::column(id).is_some())
            }
        }
    }
}

fn read(query: &Query, sight: Sight, now: Wall, interval: Duration) -> Result<Question, Failure> {
    let range = range(query, now, interval)?;
    let ids = query.list("columns");
    let (whose, columns) = match query.text("scope") {
        None | Some("" | "host") => (Whose::Host, host_columns(&ids, sight)?),
        Some("process") => {
            let keys = query.list("keys").into_iter().map(key_of).collect::<Result<Vec<_>, _>>()?;
            (whose(keys, &range, now)?, process_columns(&ids, sight)?)
        }
        Some(other) => {
            return Err(Failure::bad_request(format!("there is no scope `{other}`; there are host and process")));
        }
    };
    if matches!(whose, Whose::Everybody) && !columns.iter().all(|id| procyon_series::column(id).is_some()) {
        return Err(Failure::bad_request(format!("of all processes at once there are {}", COLUMNS.join(", "))));
    }
    let lines = match &whose {
        Whose::Processes(keys) => keys.len(),
        Whose::Host | Whose::Everybody => 1,
    };
    let values = points(&range).saturating_mul(lines.max(1)).saturating_mul(columns.len().max(1));
    if values > MAX_VALUES {
        let problem = Problem::new(
            ProblemKind::BadRequest,
            format!("this would be {values} values; at most {MAX_VALUES} are answered"),
        );
        return Err(problem.hint("ask for a longer `step`, or for fewer `keys` or `columns`").into());
    }
    Ok(Question { whose, columns, range })
}

fn whose(keys: Vec<ProcessKey>, range: &Range, now: Wall) -> Result<Whose, Failure> {
    if keys.len() > MAX_LINES {
        return Err(Failure::bad_request(format!("`keys` holds at most {MAX_LINES} addresses")));
    }
    if !keys.is_empty() {
        return Ok(Whose::Processes(keys));
    }
    let furthest = nanos(ALL_PROCESSES).saturating_add(nanos(range.step)).saturating_add(1_000_000_000);
    if now.0.saturating_sub(range.from.0) > furthest || range.fold != Fold::Mean {
        return Err(Failure::bad_request(
            "all processes at once can be asked from `-2m` on, for means; name `keys` for more",
        ));
    }
    Ok(Whose::Everybody)
}

fn nanos(duration: Duration) -> i64 {
    i64::try_from(duration.as_nanos()).unwrap_or(i64::MAX)
}

/// How many instants a range has.
fn points(range: &Range) -> usize {
    // Both ends may lie as far away as a number can say.
    let span = u128::try_from(i128::from(range.to.0) - i128::from(range.from.0)).unwrap_or(0);
    usize::try_from(span / range.step.as_nanos().max(1)).unwrap_or(usize::MAX)
}

fn range(query: &Query, now: Wall, interval: Duration) -> Result<Range, Failure> {
    let (from, to) = query.range(Duration::from_mins(15), now)?;
    let fold = match query.text("fold") {
        None | Some("" | "mean") => Fold::Mean,
        Some("max") => Fold::Max,
        Some("min") => Fold::Min,
        Some(other) => {
            return Err(Failure::bad_request(format!("there is no fold `{other}`; there are mean, max and min")));
        }
    };
    let step = match query.text("step").filter(|step| !step.is_empty()) {
        None => usual_step(from, to, interval),
        Some(text) => instant::duration(text)
            .filter(|step| (SHORTEST_STEP..=LONGEST_STEP).contains(step))
            .ok_or_else(|| Failure::bad_request(format!("`{text}` is no step; say `1s`, `5s`, `500ms`")))?,
    };
    let range = Range { from, to, step, fold };
    let points = points(&range);
    if points > MAX_POINTS {
        let problem = Problem::new(
            ProblemKind::BadRequest,
            format!("this range has {points} instants; at most {MAX_POINTS} are answered"),
        );
        return Err(problem.hint("ask for a longer `step`").into());
    }
    Ok(range)
}

/// The shortest step of those people count in that gives few instants and no empty ones.
fn usual_step(from: Wall, to: Wall, interval: Duration) -> Duration {
    let mut steps = STEPS.iter().map(|seconds| Duration::from_secs(*seconds));
    let fits = |step: &Duration| {
        let range = Range { from, to, step: *step, fold: Fold::Mean };
        *step >= interval && points(&range) <= USUAL_POINTS
    };
    steps.find(fits).unwrap_or(LONGEST_STEP)
}

fn host_columns(ids: &[&str], sight: Sight) -> Result<Vec<String>, Failure> {
    let ids = if ids.is_empty() { USUAL_HOST } else { ids };
    for id in ids {
        table::figure(id, HOST, sight)?;
        if procyon_series::host_column(id).is_none() {
            return Err(Failure::bad_request(format!("`{id}` is no number, so it has no series")));
        }
    }
    Ok(ids.iter().map(|id| (*id).to_owned()).collect())
}

/// Columns of processes. Hidden ones are left out when nobody named them.
fn process_columns(ids: &[&str], sight: Sight) -> Result<Vec<String>, Failure> {
    if ids.is_empty() {
        let seen = |id: &&&str| table::figure(id, PROCESS, sight).is_ok();
        return Ok(USUAL_PROCESS.iter().filter(seen).map(|id| (*id).to_owned()).collect());
    }
    ids.iter().map(|id| tracked(id, sight).map(|()| (*id).to_owned())).collect()
}

fn gaps(history: &dyn History, from: Wall, to: Wall) -> Result<Vec<Gap>, Failure> {
    let gaps = history.gaps(from, to).map_err(|error| failure(&error))?;
    // An end in milliseconds means all of its millisecond: a gap that begins with the frame at the end is not in the range.
    Ok(gaps.into_iter().filter(|gap| gap.from.unix_ms() < to.unix_ms()).map(wire_gap).collect())
}

fn line(key: Option<ProcessKey>, label: String, columns: &[String], values: Vec<Vec<Option<f64>>>) -> Line {
    Line {
        key: key.map(|key| key.to_string()),
        label,
        values: columns.iter().cloned().zip(values).collect::<BTreeMap<_, _>>(),
    }
}

fn of_history(history: &dyn History, question: &Question, sight: Sight, now: Wall) -> Result<Response, Failure> {
    let ids: Vec<&str> = question.columns.iter().map(String::as_str).collect();
    let range = &question.range;
    let (times, series) = match &question.whose {
        Whose::Processes(keys) => {
            let lines = history.process_series(range, keys, &ids).map_err(|error| failure(&error))?;
            let lines = lines.into_iter().map(|one| {
                let label = readable(rows::past_label(sight, &one.label));
                line(Some(one.key), label, &question.columns, one.values)
            });
            (range.times(), lines.collect())
        }
        Whose::Host | Whose::Everybody => {
            let lines = history.host_series(range, &ids).map_err(|error| failure(&error))?;
            let name = history.at(range.to).or_else(|_| history.at(now)).map(|past| past.frame.host.name.to_string());
            (lines.times, vec![line(None, name.unwrap_or_default(), &question.columns, lines.values)])
        }
    };
    let gaps = gaps(history, range.from, range.to)?;
    json(&SeriesAnswer { at: now.unix_ms(), step_ms: step_ms(range), times, series, gaps })
}

fn step_ms(range: &Range) -> u64 {
    u64::try_from(range.step_ms()).unwrap_or(0)
}

fn of_memory(host: &Host, question: &Question, sight: Sight, gaps: Vec<Gap>, now: Wall) -> Result<Response, Failure> {
    let range = &question.range;
    let grid = host.series.grid(procyon_series::Range { from: range.from, to: range.to, step: range.step });
    let columns = &question.columns;
    let places: Vec<usize> = columns.iter().filter_map(|id| procyon_series::column(id)).collect();
    let process = |one: procyon_series::ProcessLine| {
        let label = readable(rows::label(sight, &one.label, &one.title));
        line(Some(one.key), label, columns, one.values)
    };
    let series = match &question.whose {
        Whose::Host => {
            let figures: Vec<usize> = columns.iter().filter_map(|id| procyon_series::host_column(id)).collect();
            let label = host.feed.latest().map_or_else(String::new, |frame| frame.host.name.to_string());
            vec![line(None, label, columns, host.series.host(&grid, &figures))]
        }
        Whose::Everybody => host.series.all_processes(&grid, &places, MAX_LINES).into_iter().map(process).collect(),
        Whose::Processes(keys) => {
            keys.iter().filter_map(|key| host.series.process(&grid, key, &places)).map(process).collect()
        }
    };
    json(&SeriesAnswer { at: now.unix_ms(), step_ms: step_ms(range), times: grid.times, series, gaps })
}
