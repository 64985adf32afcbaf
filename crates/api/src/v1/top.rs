//! The heaviest processes of a range: from memory where it covers the range, else from history.

use std::sync::Arc;
use std::time::Duration;

use axum::Extension;
use axum::extract::{OriginalUri, State};
use axum::response::Response;
use procyon_diag::nearest;
use procyon_history::{GroupBy, TopQuestion};
use procyon_model::catalogue::PROCESS;
use procyon_units::Wall;
use procyon_wire::series::{Other, TopAnswer, TopItem};
use procyon_wire::{Problem, ProblemKind};

use super::{At, json};
use crate::access::{Caller, Sight};
use crate::app::{App, Host};
use crate::failure::Failure;
use crate::limits::MAX_TOP;
use crate::past;
use crate::query::{self, Param, Query};
use crate::rows::{self, readable};
use crate::turns::Length;
use crate::{table, tell};

pub(super) const PARAMS: &[Param] = &[
    query::text("by", "By which column; `cpu` when absent."),
    query::count("n", "How many; 6 when absent."),
    query::text("from", "First instant; `-15m` when absent."),
    query::text("to", "Last instant; now when absent."),
    query::text("group", "What is put together: process (default), name, label, user, cgroup, container or unit."),
];

pub(super) async fn answer(
    State(app): State<Arc<App>>,
    At(host): At<String>,
    Extension(caller): Extension<Caller>,
    OriginalUri(uri): OriginalUri,
) -> Result<Response, Failure> {
    let query = Query::read(&uri, PARAMS)?;
    let sight = caller.sight();
    let by = query.text("by").filter(|by| !by.is_empty()).unwrap_or("cpu").to_owned();
    tracked(&by, sight)?;
    let group = query.text("group").filter(|group| !group.is_empty()).map(|word| group_by(word, sight)).transpose()?;
    let n = query.count("n", 6, MAX_TOP)?;
    let now = app.clock.wall();
    let (from, to) = query.range(Duration::from_mins(15), now)?;
    let host = Arc::clone(app.host(&host)?);
    let column = procyon_series::column(&by).filter(|_| group.is_none());
    let column = if column.is_some() && app.reaches_back(&host, from).await? { None } else { column };
    if let Some(column) = column {
        return app.blocking(move |_| of_memory(&host, (from, to), column, n, sight, now)).await;
    }
    let question = TopQuestion { from: from.end_of_ms(), to, by, group: group.unwrap_or_default(), n };
    app.ask(&host, (sight, Length::Long), move |history| of_history(history, &question, sight, now)).await
}

impl App {
    /// Whether history has to answer for a range that begins there: memory does not reach back so far, and history does.
    pub(super) async fn reaches_back(self: &Arc<Self>, host: &Arc<Host>, from: Wall) -> Result<bool, Failure> {
        let since = host.series.since();
        if since.is_some_and(|since| since <= from) || host.history().is_err() {
            return Ok(false);
        }
        self.consult(host, move |history| {
            let extent = history.extent().map_err(|error| past::failure(&error))?;
            Ok(extent.is_some_and(|extent| since.is_none_or(|since| extent.first < since)))
        })
        .await
    }
}

/// A figure of which history is kept, and which may be seen.
pub(super) fn tracked(id: &str, sight: Sight) -> Result<(), Failure> {
    if procyon_history::figures::process(id).is_none() {
        return Err(past::no_figure(id));
    }
    table::figure(id, PROCESS, sight).map(drop)
}

fn group_by(word: &str, sight: Sight) -> Result<GroupBy, Failure> {
    let words = GroupBy::ALL.iter().map(|(word, _)| *word);
    let Some((_, group)) = GroupBy::ALL.iter().find(|(known, _)| *known == word) else {
        let list: Vec<&str> = words.clone().collect();
        let problem = Problem::new(
            ProblemKind::BadRequest,
            format!("processes are not put together by `{word}`, but by {}", list.join(", ")),
        );
        return Err(problem.suggestion(nearest(word, words)).into());
    };
    if *group != GroupBy::Process {
        table::figure(word, PROCESS, sight)?;
    }
    Ok(*group)
}

fn of_memory(
    host: &Host,
    (from, to): (Wall, Wall),
    column: usize,
    n: usize,
    sight: Sight,
    now: Wall,
) -> Result<Response, Failure> {
    let top = host.series.top(from, to, column, n);
    let frame = host.frame()?;
    let item = |entry: &procyon_series::TopEntry| TopItem {
        key: entry.key.to_string(),
        label: readable(rows::label(sight, &entry.label, &entry.descriptor.title)),
        name: readable(&entry.descriptor.name),
        value: entry.mean,
        group: readable(rows::label(sight, &entry.label, &entry.descriptor.title)),
        processes: 1,
        user: sees("user", sight).then(|| readable(&entry.descriptor.user)),
        cmd: sees("cmd", sight).then(|| readable(&entry.descriptor.cmd)),
        first: Some(entry.first),
        last: Some(entry.last),
    };
    let frames = f64::from(u32::try_from(top.frames).unwrap_or(u32::MAX));
    json(&TopAnswer {
        at: now.unix_ms(),
        items: top.entries.iter().map(item).collect(),
        other: Other { count: top.other_count, value: top.other_value },
        covered_s: frames * frame.pace.actual.as_secs_f64(),
    })
}

fn of_history(
    history: &dyn procyon_history::History,
    question: &TopQuestion,
    sight: Sight,
    now: Wall,
) -> Result<Response, Failure> {
    let top = history.top(question).map_err(|error| past::failure(&error))?;
    json(&tell::top_for(&top, question.group, sight, now))
}

fn sees(id: &str, sight: Sight) -> bool {
    table::figure(id, PROCESS, sight).is_ok()
}
