//! The process table: filtered, sorted, in groups, as a tree.

use std::sync::Arc;

use axum::Extension;
use axum::extract::{OriginalUri, State};
use axum::response::Response;
use procyon_diag::nearest;
use procyon_model::catalogue::{Figure, PROCESS};
use procyon_model::view::group::{Group, group};
use procyon_model::view::sort::{Order, sort_processes, top_processes};
use procyon_model::view::tree::tree;
use procyon_model::{ProcessRow, Value};
use procyon_wire::{List, Problem, ProblemKind};
use serde::ser::{Serialize, SerializeMap, Serializer};

use super::{At, json};
use crate::access::{Caller, Sight};
use crate::app::App;
use crate::failure::Failure;
use crate::limits::{DEFAULT_ROWS, MAX_ROWS};
use crate::past::Moment;
use crate::query::{self, Param, Query};
use crate::rows::{Columns, Extra, Json, RowJson, readable};
use crate::table::{self, Filter};

pub(super) const PARAMS: &[Param] = &[
    query::text("q", "Filter: an expression like `cpu >= 0.5 || rss >= 1.GiB`, or plain words."),
    query::text("sort", "Column, `-` first for descending; `-cpu` when absent."),
    query::count("limit", "How many items; 100 when absent, 0 for all."),
    query::text("next", "The `next` of the answer before, to go on."),
    query::text("columns", "Columns, comma-separated; `*` for all. `key` is always there."),
    query::text("group", "Groups by name, label, user, cgroup, container or unit."),
    query::text("view", "`tree`: in tree order, with the ancestors of what the filter chose."),
    query::AT,
];

/// Columns of a table that names none.
pub(crate) const USUAL: &[&str] = &[
    "pid",
    "ppid",
    "user",
    "name",
    "cmd",
    "label",
    "container",
    "unit",
    "state",
    "cpu",
    "rss",
    "pss",
    "swap",
    "read",
    "write",
    "rx",
    "tx",
    "threads",
    "fds",
    "fd_ratio",
    "start",
    "age",
    "kthread",
];

/// What processes can be grouped by.
const GROUPS: &[&str] = &["name", "label", "user", "cgroup", "container", "unit"];

struct Question {
    filter: Filter<ProcessRow>,
    order: Order<ProcessRow>,
    columns: Columns<ProcessRow>,
    limit: usize,
    next: Option<Cursor>,
}

pub(super) async fn answer(
    State(app): State<Arc<App>>,
    At(host): At<String>,
    Extension(caller): Extension<Caller>,
    OriginalUri(uri): OriginalUri,
) -> Result<Response, Failure> {
    let query = Query::read(&uri, PARAMS)?;
    let sight = caller.sight();
    let grouped = query.text("group").filter(|by| !by.is_empty()).map(|by| group_figure(by, sight)).transpose()?;
    let as_tree = match query.text("view") {
        None | Some("" | "flat" | "list") => false,
        Some("tree") => true,
        Some(other) => {
            return Err(Failure::bad_request(format!("there is no view `{other}`; there are flat and tree")));
        }
    };
    if as_tree && grouped.is_some() {
        return Err(Failure::bad_request("`view=tree` and `group` do not go together"));
    }
    let host = Arc::clone(app.host(&host)?);
    let moment = app.moment(&host, &query, sight).await?;
    app.blocking(move |_| {
        // A filter may take longer to compile than async code may.
        let question = read(&query, sight)?;
        match grouped {
            Some(by) => groups(&moment, &question, by),
            None if as_tree => branches(&moment, &question),
            None => flat(&moment, &question),
        }
    })
    .await
}

fn read(query: &Query, sight: Sight) -> Result<Question, Failure> {
    let limit = match query.count("limit", DEFAULT_ROWS, MAX_ROWS)? {
        0 => MAX_ROWS,
        limit => limit,
    };
    Ok(Question {
        filter: Filter::read(query.text("q").unwrap_or_default(), PROCESS, sight)?,
        order: table::order(query.text("sort").filter(|sort| !sort.is_empty()).unwrap_or("-cpu"), PROCESS, sight)?,
        columns: columns(&query.list("columns"), sight)?,
        limit,
        next: query.text("next").filter(|next| !next.is_empty()).map(Cursor::read).transpose()?,
    })
}

/// The columns that are asked for. `key` may be among them, as in `procyon ps --columns key,cmd`; every row has it anyway.
fn columns(asked: &[&str], sight: Sight) -> Result<Columns<ProcessRow>, Failure> {
    let figures: Vec<&str> = asked.iter().copied().filter(|id| *id != "key").collect();
    if figures.is_empty() && !asked.is_empty() {
        return Ok(Vec::new());
    }
    table::columns(&figures, USUAL, PROCESS, sight)
}

fn group_figure(by: &str, sight: Sight) -> Result<&'static Figure<ProcessRow>, Failure> {
    if !GROUPS.contains(&by) {
        let problem = Problem::new(
            ProblemKind::BadRequest,
            format!("processes are not grouped by `{by}`, but by {}", GROUPS.join(", ")),
        );
        return Err(problem.suggestion(nearest(by, GROUPS.iter().copied())).into());
    }
    table::figure(by, PROCESS, sight)
}

fn flat(moment: &Moment, question: &Question) -> Result<Response, Failure> {
    let frame = &*moment.frame;
    let mut rows: Vec<&ProcessRow> = frame.processes.iter().filter(|row| question.filter.matches(row)).collect();
    let matched = rows.len();
    let skip = if let Some(cursor) = &question.next {
        sort_processes(&mut rows, question.order);
        cursor.place(rows.iter().map(|row| row.key.to_string()))
    } else {
        rows = top_processes(rows, question.order, question.limit);
        0
    };
    let items: Vec<_> = rows
        .into_iter()
        .skip(skip)
        .take(question.limit)
        .map(|row| RowJson { extras: vec![("key", Extra::Text(row.key.to_string()))], columns: &question.columns, row })
        .collect();
    let next = items.last().and_then(|last| Cursor::after(skip + items.len(), matched, &last.row.key.to_string()));
    json(&List { at: frame.wall.unix_ms(), items, total: frame.processes.len(), matched, next, gap: moment.gap })
}

fn branches(moment: &Moment, question: &Question) -> Result<Response, Failure> {
    let frame = &*moment.frame;
    let mut all: Vec<&ProcessRow> = frame.processes.iter().collect();
    sort_processes(&mut all, question.order);
    let branches = tree(&all, |row| question.filter.matches(row));
    let matched = branches.iter().filter(|branch| branch.matched).count();
    let count = branches.len();
    let skip = question
        .next
        .as_ref()
        .map_or(0, |cursor| cursor.place(branches.iter().map(|branch| branch.row.key.to_string())));
    let items: Vec<_> = branches
        .into_iter()
        .skip(skip)
        .take(question.limit)
        .map(|branch| RowJson {
            extras: vec![
                ("key", Extra::Text(branch.row.key.to_string())),
                ("depth", Extra::Number(i64::from(branch.depth))),
                ("matched", Extra::Bool(branch.matched)),
            ],
            columns: &question.columns,
            row: branch.row,
        })
        .collect();
    let next = items.last().and_then(|last| Cursor::after(skip + items.len(), count, &last.row.key.to_string()));
    json(&List { at: frame.wall.unix_ms(), items, total: frame.processes.len(), matched, next, gap: moment.gap })
}

fn groups(moment: &Moment, question: &Question, by: &'static Figure<ProcessRow>) -> Result<Response, Failure> {
    let frame = &*moment.frame;
    let rows: Vec<&ProcessRow> = frame.processes.iter().filter(|row| question.filter.matches(row)).collect();
    let matched = rows.len();
    let groups = group(&rows, by);
    let mut keyed: Vec<(Value<'_>, Group<'_>)> =
        groups.into_iter().map(|group| (group.value_of(question.order.by), group)).collect();
    keyed.sort_by(|(a, x), (b, y)| compare(a, b, question.order.descending).then_with(|| x.value.cmp(&y.value)));
    let count = keyed.len();
    let skip =
        question.next.as_ref().map_or(0, |cursor| cursor.place(keyed.iter().map(|(_, group)| readable(&group.value))));
    let page: Vec<_> = keyed
        .iter()
        .skip(skip)
        .take(question.limit)
        .map(|(_, group)| GroupJson { group, columns: &question.columns })
        .collect();
    let next = page.last().and_then(|last| Cursor::after(skip + page.len(), count, &readable(&last.group.value)));
    json(&List { at: frame.wall.unix_ms(), items: page, total: frame.processes.len(), matched, next, gap: moment.gap })
}

fn compare(a: &Value<'_>, b: &Value<'_>, descending: bool) -> std::cmp::Ordering {
    let unknown = |value: &Value<'_>| matches!(value, Value::Unknown);
    unknown(a).cmp(&unknown(b)).then_with(|| if descending { b.order(a) } else { a.order(b) })
}

struct GroupJson<'a> {
    group: &'a Group<'a>,
    columns: &'a Columns<ProcessRow>,
}

impl Serialize for GroupJson<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut map = to.serialize_map(None)?;
        map.serialize_entry("group", &readable(&self.group.value))?;
        map.serialize_entry("count", &self.group.members.len())?;
        let keys: Vec<String> = self.group.members.iter().map(|row| row.key.to_string()).collect();
        map.serialize_entry("members", &keys)?;
        for figure in self.columns {
            map.serialize_entry(figure.meta.id, &Json(&self.group.value_of(figure)))?;
        }
        map.end()
    }
}

/// Where the page before ended: the number of items so far, and the last one, after which to go on where it still is.
#[derive(Debug, PartialEq, Eq)]
struct Cursor {
    count: usize,
    last: String,
}

impl Cursor {
    fn read(text: &str) -> Result<Self, Failure> {
        let parts = text.split_once('~').and_then(|(count, last)| Some((count.parse().ok()?, last)));
        let (count, last) =
            parts.ok_or_else(|| Failure::bad_request("`next` is what the answer before gave as `next`"))?;
        Ok(Self { count, last: last.to_owned() })
    }

    fn after(so_far: usize, of: usize, last: &str) -> Option<String> {
        (so_far < of).then(|| format!("{so_far}~{last}"))
    }

    /// How many items to leave out.
    fn place(&self, mut names: impl Iterator<Item = String>) -> usize {
        names.position(|name| name == self.last).map_or(self.count, |at| at + 1)
    }
}
