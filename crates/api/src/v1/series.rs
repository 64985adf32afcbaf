//! Values over the last 15 minutes.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use axum::Extension;
use axum::extract::{OriginalUri, State};
use axum::response::Response;
use procyon_diag::nearest;
use procyon_model::ProcessKey;
use procyon_model::catalogue::{HOST, PROCESS};
use procyon_series::{COLUMNS, ProcessLine, Range};
use procyon_units::Wall;
use procyon_wire::series::{Line, SeriesAnswer};
use procyon_wire::{Problem, ProblemKind};

use super::{At, json, key_of};
use crate::access::{Caller, Sight};
use crate::app::{App, Host};
use crate::failure::Failure;
use crate::instant::{self, Instant};
use crate::limits::{MAX_LINES, MAX_POINTS};
use crate::query::{self, Param, Query};
use crate::rows::{self, readable};
use crate::table;

pub(super) const PARAMS: &[Param] = &[
    query::text("scope", "`host` (default) or `process`."),
    query::text("keys", "Addresses of processes, comma-separated; every living process when absent (from `-2m` on)."),
    query::text("columns", "Columns, comma-separated; the usual ones when absent."),
    query::text("from", "First instant; `-15m` when absent."),
    query::text("to", "Last instant; now when absent."),
    query::text("step", "Distance of two instants, as `5s`; 1 s when absent."),
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

pub(super) async fn answer(
    State(app): State<Arc<App>>,
    At(host): At<String>,
    Extension(caller): Extension<Caller>,
    OriginalUri(uri): OriginalUri,
) -> Result<Response, Failure> {
    let query = Query::read(&uri, PARAMS)?;
    let now = app.clock.wall();
    let range = range(&query, now)?;
    let host = Arc::clone(app.host(&host)?);
    let ids: Vec<String> = query.list("columns").into_iter().map(str::to_owned).collect();
    let sight = caller.sight();
    match query.text("scope") {
        None | Some("" | "host") => app.blocking(move |_| of_host(&host, range, &ids, sight, now)).await,
        Some("process") => {
            let keys = query.list("keys").into_iter().map(key_of).collect::<Result<Vec<_>, _>>()?;
            let columns = process_columns(&ids, sight)?;
            if keys.is_empty()
                && now.0.saturating_sub(range.from.0)
                    > nanos(ALL_PROCESSES).saturating_add(nanos(range.step)).saturating_add(1_000_000_000)
            {
                return Err(Failure::bad_request(
                    "all processes at once can be asked from `-2m` on; name `keys` for more",
                ));
            }
            if keys.len() > MAX_LINES {
                return Err(Failure::bad_request(format!("`keys` holds at most {MAX_LINES} addresses")));
            }
            app.blocking(move |_| of_processes(&host, range, &keys, &columns, sight, now)).await
        }
        Some(other) => Err(Failure::bad_request(format!("there is no scope `{other}`; there are host and process"))),
    }
}

/// Steps shorter than this say nothing that frames could answer.
const SHORTEST_STEP: Duration = Duration::from_millis(100);
/// Steps longer than this are mistakes.
const LONGEST_STEP: Duration = Duration::from_hours(24 * 31);

fn nanos(duration: Duration) -> i64 {
    i64::try_from(duration.as_nanos()).unwrap_or(i64::MAX)
}

fn range(query: &Query, now: Wall) -> Result<Range, Failure> {
    let from = query.instant("from")?.unwrap_or(Instant::Before(Duration::from_mins(15))).resolve(now);
    let to = query.instant("to")?.unwrap_or(Instant::Now).resolve(now);
    if from > to {
        return Err(Failure::bad_request("`from` is later than `to`"));
    }
    let step = match query.text("step").filter(|step| !step.is_empty()) {
        None => Duration::from_secs(1),
        Some(text) => instant::duration(text)
            .filter(|step| (SHORTEST_STEP..=LONGEST_STEP).contains(step))
            .ok_or_else(|| Failure::bad_request(format!("`{text}` is no step; say `1s`, `5s`, `500ms`")))?,
    };
    // Both ends may lie as far away as a number can say.
    let points = u128::try_from(i128::from(to.0) - i128::from(from.0)).unwrap_or(0) / step.as_nanos();
    if points > u128::try_from(MAX_POINTS).unwrap_or(u128::MAX) {
        let problem = Problem::new(
            ProblemKind::BadRequest,
            format!("this range has {points} instants; at most {MAX_POINTS} are answered"),
        );
        return Err(problem.hint("ask for a longer `step`").into());
    }
    Ok(Range { from, to, step })
}

fn of_host(host: &Host, range: Range, ids: &[String], sight: Sight, now: Wall) -> Result<Response, Failure> {
    let ids: Vec<&str> = if ids.is_empty() { USUAL_HOST.to_vec() } else { ids.iter().map(String::as_str).collect() };
    let mut figures = Vec::new();
    for id in &ids {
        table::figure(id, HOST, sight)?;
        let at = procyon_series::host_column(id);
        figures.push(at.ok_or_else(|| Failure::bad_request(format!("`{id}` is no number, so it has no series")))?);
    }
    let grid = host.series.grid(range);
    let values = host.series.host(&grid, &figures);
    let label = host.feed.latest().map_or_else(String::new, |frame| frame.host.name.to_string());
    let values: BTreeMap<String, _> = ids.iter().map(|id| (*id).to_owned()).zip(values).collect();
    let step_ms = u64::try_from(grid.step_ms).unwrap_or(0);
    json(&SeriesAnswer {
        at: now.unix_ms(),
        step_ms,
        times: grid.times,
        series: vec![Line { key: None, label, values }],
    })
}

/// Positions of columns that are kept of processes. Hidden ones are left out when nobody named them.
pub(super) fn process_columns(ids: &[String], sight: Sight) -> Result<Vec<usize>, Failure> {
    if ids.is_empty() {
        let seen = |id: &&&str| table::figure(id, PROCESS, sight).is_ok();
        return Ok(USUAL_PROCESS.iter().filter(seen).filter_map(|id| procyon_series::column(id)).collect());
    }
    ids.iter().map(|id| process_column(id, sight)).collect()
}

/// The position of one of them.
pub(super) fn process_column(id: &str, sight: Sight) -> Result<usize, Failure> {
    let Some(column) = procyon_series::column(id) else {
        let problem = Problem::new(
            ProblemKind::BadRequest,
            format!("no series of `{id}` is kept of processes; there are {}", COLUMNS.join(", ")),
        );
        return Err(problem.suggestion(nearest(id, COLUMNS.iter().copied())).into());
    };
    if procyon_model::catalogue::process(id).is_some_and(|figure| !rows::sees(sight, &figure.meta)) {
        table::figure(id, PROCESS, sight)?;
    }
    Ok(column)
}

fn of_processes(
    host: &Host,
    range: Range,
    keys: &[ProcessKey],
    columns: &[usize],
    sight: Sight,
    now: Wall,
) -> Result<Response, Failure> {
    let grid = host.series.grid(range);
    let lines = if keys.is_empty() {
        host.series.all_processes(&grid, columns, MAX_LINES)
    } else {
        keys.iter().filter_map(|key| host.series.process(&grid, key, columns)).collect()
    };
    let line = |line: ProcessLine| {
        let ids = columns.iter().filter_map(|column| COLUMNS.get(*column)).map(|id| (*id).to_owned());
        let label = readable(rows::label(sight, &line.label, &line.title));
        Line { key: Some(line.key.to_string()), label, values: ids.zip(line.values).collect() }
    };
    let step_ms = u64::try_from(grid.step_ms).unwrap_or(0);
    json(&SeriesAnswer { at: now.unix_ms(), step_ms, series: lines.into_iter().map(line).collect(), times: grid.times })
}
