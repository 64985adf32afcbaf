//! The rows of the table, from a running procyon or read by ourselves: the same question, the same answer.

use std::time::Duration;

use anyhow::Result;
use procyon_client::{Client, query};
use procyon_diag::{Fault, Kind, nearest};
use procyon_expr::{Figures, PROCESS_WORDS, Query};
use procyon_history::History;
use procyon_model::catalogue::{self, Figure, PROCESS};
use procyon_model::view::group::{Group, group};
use procyon_model::view::sort::{Order, sort_processes};
use procyon_model::view::tree::tree;
use procyon_model::{Frame, ProcessRow, Value};
use procyon_units::Wall;
use procyon_wire::List;
use procyon_wire::history::Gap;
use serde_json::{Map, Value as Json};

use crate::collecting;
use crate::options::Settings;
use crate::{past, places};

/// What processes can be grouped by.
const GROUPS: &[&str] = &["name", "label", "user", "cgroup", "container", "unit"];

type Fields = Map<String, Json>;

/// What is asked.
#[derive(Debug)]
pub(crate) struct Question {
    pub(crate) filter: String,
    pub(crate) sort: String,
    pub(crate) columns: Vec<&'static str>,
    pub(crate) limit: usize,
    pub(crate) shape: Shape,
}

/// In which form.
#[derive(Debug)]
pub(crate) enum Shape {
    /// One row a process.
    Flat,
    /// Under their parents.
    Tree,
    /// One row a group.
    Groups(String),
}

/// The answer.
#[derive(Debug)]
pub(crate) struct Page {
    pub(crate) at: i64,
    pub(crate) items: Vec<Fields>,
    pub(crate) total: usize,
    pub(crate) matched: usize,
    pub(crate) gap: Option<Gap>,
}

impl Question {
    /// Asks a running procyon, for now or for an instant of the past.
    pub(crate) fn ask(&self, client: &Client, at: Option<Wall>) -> Result<Page, Fault> {
        let at = at.map(|at| at.unix_ms().to_string()).unwrap_or_default();
        let limit = self.limit.to_string();
        // A table without figures would be one with the usual ones.
        let columns = if self.columns.is_empty() { "pid".to_owned() } else { self.columns.join(",") };
        let (group, view) = match &self.shape {
            Shape::Flat => ("", ""),
            Shape::Tree => ("", "tree"),
            Shape::Groups(by) => (by.as_str(), ""),
        };
        let pairs = [
            ("q", self.filter.as_str()),
            ("sort", &self.sort),
            ("limit", &limit),
            ("columns", &columns),
            ("group", group),
            ("view", view),
            ("at", &at),
        ];
        let list: List<Fields> = client
            .get(&format!("/api/v1/hosts/local/processes{}", query(&pairs)))
            // A mistake that can be told here is shown in its place on the line, which the answer does not have.
            .map_err(|fault| match Plan::new(self) {
                Err(told) if fault.kind() == Kind::Usage => told,
                _ => fault,
            })?;
        Ok(Page { at: list.at, items: list.items, total: list.total, matched: list.matched, gap: list.gap })
    }

    /// Looks the instant up in a history.
    pub(crate) fn look_up(&self, history: &dyn History, at: Wall) -> Result<Page, Fault> {
        let plan = Plan::new(self)?;
        let past = history.at(at).map_err(|error| past::fault(&error))?;
        // Whoever asks for the newest there is asks for no gap.
        let gap = past.gap.filter(|_| at < Wall(i64::MAX));
        let gap = gap.map(|gap| Gap { from: gap.from.unix_ms(), to: gap.to.map(Wall::unix_ms) });
        Ok(Page { gap, ..plan.rows(&past.frame) })
    }

    /// Reads the machine, twice.
    pub(crate) fn answer(&self, settings: &Settings, apart: Duration) -> Result<Page, Fault> {
        let plan = Plan::new(self)?;
        let id = places::random_id()
            .map_err(|error| Fault::new(Kind::Failed, "could not read /dev/urandom").because(error))?;
        let mut collector = collecting::once(settings, id)?;
        let frame = collecting::twice(&mut collector, apart)?;
        Ok(plan.rows(&frame))
    }
}

/// A question that makes sense.
struct Plan<'q> {
    filter: Query,
    order: Order<ProcessRow>,
    columns: Vec<&'static Figure<ProcessRow>>,
    limit: usize,
    shape: &'q Shape,
    by: Option<&'static Figure<ProcessRow>>,
}

impl<'q> Plan<'q> {
    fn new(question: &'q Question) -> Result<Self, Fault> {
        let filter = Query::parse(&question.filter, &Figures(PROCESS), PROCESS_WORDS).map_err(|error| {
            Fault::new(Kind::Usage, format!("bad filter: {error}")).hint(point_at(&question.filter, error.column))
        })?;
        let (id, descending) = question.sort.strip_prefix('-').map_or((question.sort.as_str(), false), |id| (id, true));
        let by = catalogue::process(id).ok_or_else(|| Fault::usage(format!("there is no column `{id}`")))?;
        let columns = question.columns.iter().filter_map(|id| catalogue::process(id)).collect();
        let limit = if question.limit == 0 { usize::MAX } else { question.limit };
        let grouped = match &question.shape {
            Shape::Groups(by) => Some(group_figure(by)?),
            Shape::Flat | Shape::Tree => None,
        };
        Ok(Self { filter, order: Order { by, descending }, columns, limit, shape: &question.shape, by: grouped })
    }

    fn rows(&self, frame: &Frame) -> Page {
        let figures = Figures(PROCESS);
        let chosen = |row: &ProcessRow| self.filter.matches(&figures.row(row));
        let mut all: Vec<&ProcessRow> = frame.processes.iter().collect();
        sort_processes(&mut all, self.order);
        let matched = all.iter().filter(|row| chosen(row)).count();
        let mut items: Vec<Fields> = match (self.shape, self.by) {
            (Shape::Tree, _) => tree(&all, chosen)
                .iter()
                .map(|branch| {
                    let mut fields = self.fields(branch.row);
                    fields.insert("depth".to_owned(), branch.depth.into());
                    fields.insert("matched".to_owned(), branch.matched.into());
                    fields
                })
                .collect(),
            (_, Some(by)) => {
                all.retain(|row| chosen(row));
                self.groups(&all, by)
            }
            _ => all.iter().filter(|row| chosen(row)).take(self.limit).map(|row| self.fields(row)).collect(),
        };
        items.truncate(self.limit);
        Page { at: frame.wall.unix_ms(), items, total: frame.processes.len(), matched, gap: None }
    }

    fn fields(&self, row: &ProcessRow) -> Fields {
        let key = ("key".to_owned(), row.key.to_string().into());
        std::iter::once(key)
            .chain(self.columns.iter().map(|figure| (figure.meta.id.to_owned(), json(&(figure.value)(row)))))
            .collect()
    }

    fn groups(&self, rows: &[&ProcessRow], by: &'static Figure<ProcessRow>) -> Vec<Fields> {
        let mut groups: Vec<(Value<'_>, Group<'_>)> =
            group(rows, by).into_iter().map(|group| (group.value_of(self.order.by), group)).collect();
        groups.sort_by(|(a, x), (b, y)| {
            let unknown = |value: &Value<'_>| matches!(value, Value::Unknown);
            let order = if self.order.descending { b.order(a) } else { a.order(b) };
            unknown(a).cmp(&unknown(b)).then(order).then_with(|| x.value.cmp(&y.value))
        });
        groups
            .iter()
            .map(|(_, group)| {
                let mut fields = Fields::new();
                fields.insert("group".to_owned(), String::from_utf8_lossy(&group.value).into_owned().into());
                fields.insert("count".to_owned(), group.members.len().into());
                fields.insert(
                    "members".to_owned(),
                    group.members.iter().map(|row| row.key.to_string()).collect::<Vec<_>>().into(),
                );
                fields.extend(
                    self.columns.iter().map(|figure| (figure.meta.id.to_owned(), json(&group.value_of(figure)))),
                );
                fields
            })
            .collect()
    }
}

fn group_figure(by: &str) -> Result<&'static Figure<ProcessRow>, Fault> {
    catalogue::process(by).filter(|_| GROUPS.contains(&by)).ok_or_else(|| {
        let fault = Fault::usage(format!("processes are not grouped by `{by}`, but by {}", GROUPS.join(", ")));
        match nearest(by, GROUPS.iter().copied()) {
            Some(meant) => fault.hint(format!("did you mean `{meant}`?")),
            None => fault,
        }
    })
}

/// The filter with a mark below the mistake.
fn point_at(filter: &str, column: usize) -> String {
    format!("here:\n  {filter}\n  {}^", " ".repeat(column.saturating_sub(1)))
}

/// A value as JSON: unknown is null.
pub(super) fn json(value: &Value<'_>) -> Json {
    match value {
        Value::Unknown => Json::Null,
        Value::Bool(value) => (*value).into(),
        Value::Uint(value) => (*value).into(),
        Value::Int(value) => (*value).into(),
        Value::Float(value) => (*value).into(),
        Value::Text(bytes) => String::from_utf8_lossy(bytes).into_owned().into(),
    }
}
