//! `procyon ps`: the process table, once.

mod ended;
mod page;

use std::io::Write;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use clap::Args;
use procyon_client::Client;
use procyon_diag::{Fault, Kind, nearest};
use procyon_history::History;
use procyon_model::catalogue::{self, Meta, Unit};
use procyon_units::Wall;
use serde_json::{Value, json};

use crate::asking::{Asked, PastFile};
use crate::cli::Common;
use crate::cmd::why::past_only;
use crate::format::{self, UNKNOWN};
use crate::options::Settings;
use crate::output::Output;
use crate::table::{self, Column};
use crate::target::Target;
use crate::when;
use page::{Page, Question, Shape};

/// Columns when nobody names any.
const USUAL: &str = "pid,user,cpu,rss,read,write,threads,age,state,cmd";

/// Columns of groups when nobody names any.
const USUAL_OF_GROUPS: &str = "cpu,rss,read,write,threads";

/// The process table, once: busiest first
///
/// Asks the procyon that runs here, or --host; without one it reads the machine itself, twice, a second apart. CPU is in
/// percent of one core, memory in K, M, G (base 1024). `—` is what is not known, or not yours to see.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  procyon ps --limit 10
  procyon ps --filter 'user == \"mysql\" && rss > 1.GiB' --sort -rss
  procyon ps --filter nginx                      plain words are looked for in name, command line, user, pid and label
  procyon ps --columns pid,name,pss,fds,container
  procyon ps --group label --sort -cpu
  procyon ps --tree
  procyon ps --json --columns '*' | jq '.items[0]'
  procyon ps --at 03:12 --sort -rss              as it was
  procyon ps --at -2h --data /var/lib/procyon    read from the files of a history
  procyon ps --ended --at 03:12                  who ended in the minute before, and how

`procyon ps --columns help` lists every column.")]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of its own")]
pub(crate) struct Ps {
    /// Only what this chooses: an expression like `cpu >= 0.5 || rss >= 1.GiB`, or plain words
    #[arg(long, short, value_name = "FILTER", default_value = "")]
    filter: String,
    /// Column to sort by, `-` first for largest first
    #[arg(long, short, value_name = "COLUMN", default_value = "-cpu", allow_hyphen_values = true)]
    sort: String,
    /// Columns, separated by commas; `*` for all, `help` for a list of them
    #[arg(long, short, value_name = "COLUMNS")]
    columns: Option<String>,
    /// Most rows; 0 for all
    #[arg(long, short = 'n', value_name = "N", default_value_t = 0)]
    limit: usize,
    /// Under their parents
    #[arg(long, conflicts_with = "group")]
    tree: bool,
    /// One row for each name, label, user, cgroup, container or unit
    #[arg(long, value_name = "BY")]
    group: Option<String>,
    /// Those that ended in the minute before, and how: code, signal and its sender, out of memory, core file
    #[arg(long, conflicts_with_all = ["tree", "group", "filter", "sort", "direct"])]
    ended: bool,
    /// JSON for programs: numbers in base units
    #[arg(long)]
    json: bool,
    /// The table as it was: -2h, 03:12 (local), '2026-03-12 03:12', RFC 3339, milliseconds since 1970
    #[arg(long, value_name = "TIME", allow_hyphen_values = true, conflicts_with = "direct")]
    at: Option<String>,
    /// Reads the machine itself, even where a procyon runs
    #[arg(long, conflicts_with_all = ["host", "socket"])]
    direct: bool,
    /// Time between the two readings when it reads the machine itself
    #[arg(long, value_name = "DURATION", default_value = "1s", value_parser = duration, hide_short_help = true)]
    apart: Duration,
    #[command(flatten)]
    file: PastFile,
    #[command(flatten)]
    target: Target,
}

fn duration(text: &str) -> Result<Duration, String> {
    use procyon_settings::{Raw, Setting};
    Duration::parse(&Raw::Text(text.to_owned()))
}

impl Ps {
    pub(crate) fn run(&self, common: &Common) -> Result<ExitCode> {
        let mut out = Output::new();
        if self.columns.as_deref() == Some("help") {
            list_columns(&mut out)?;
            return Ok(ExitCode::SUCCESS);
        }
        let settings = common.settings()?;
        let columns = self.columns()?;
        let shape = match (&self.group, self.tree) {
            (Some(by), _) => Shape::Groups(by.clone()),
            (None, true) => Shape::Tree,
            (None, false) => Shape::Flat,
        };
        let sort_by = self.sort.trim_start_matches('-');
        find(sort_by)?;
        let question = Question {
            filter: self.filter.clone(),
            sort: self.sort.clone(),
            columns: ids(&columns),
            limit: self.limit,
            shape,
        };
        let mut columns = columns;
        let mut question = question;
        if self.ended {
            return self.tell_ended(common, &settings, &columns, out);
        }
        let page = match self.answering(common, &settings)? {
            Answering::Procyon(client, at) => match question.ask(&client, at) {
                // Somebody without a token who named no columns gets those that everybody may see.
                Err(error) if error.kind() == Kind::Unauthorized && self.columns.is_none() => {
                    columns.retain(|column| matches!(column, Shown::Figure(meta) if meta.public));
                    question.columns = ids(&columns);
                    question.ask(&client, at)?
                }
                outcome => outcome?,
            },
            Answering::Files(history, at) => question.look_up(&*history, at)?,
            Answering::Machine => question.answer(&settings, self.apart)?,
        };
        self.write(&mut out, &page, |out| print(out, &columns, &question.shape, &page))?;
        Ok(ExitCode::SUCCESS)
    }

    fn write(&self, out: &mut Output, page: &Page, print: impl FnOnce(&mut Output) -> Result<()>) -> Result<()> {
        if self.json {
            let mut answer = json!({"at": page.at, "items": page.items, "total": page.total, "matched": page.matched});
            if let (Some(gap), Some(fields)) = (page.gap, answer.as_object_mut()) {
                fields.insert("gap".to_owned(), json!(gap));
            }
            out.json(&answer)?;
        } else {
            if self.at.is_some() || self.file.file.is_some() {
                say_when(out, page)?;
            }
            print(out)?;
        }
        out.flush()?;
        Ok(())
    }

    fn tell_ended(&self, common: &Common, settings: &Settings, columns: &[Shown], mut out: Output) -> Result<ExitCode> {
        let mut page = match self.answering(common, settings)? {
            Answering::Procyon(client, at) => ended::ask(&client, at)?,
            Answering::Files(history, at) => ended::look_up(&*history, at)?,
            Answering::Machine => {
                return Err(Fault::new(Kind::Unavailable, "nobody watched who ended")
                    .hint("`procyon up` watches; `--data DIR` reads the files of a history")
                    .into());
            }
        };
        if self.limit > 0 {
            let surplus = page.items.len().saturating_sub(self.limit);
            page.items.drain(..surplus);
        }
        self.write(&mut out, &page, |out| ended::print(out, columns, &page))?;
        Ok(ExitCode::SUCCESS)
    }

    /// Who answers: files or a procyon for the past, a procyon or the machine itself for now.
    fn answering(&self, common: &Common, settings: &Settings) -> Result<Answering, Fault> {
        if self.at.is_none() && self.file.file.is_none() {
            let client = if self.direct { None } else { self.target.find(settings)? };
            return Ok(client.map_or(Answering::Machine, |client| Answering::Procyon(client, None)));
        }
        let at = match &self.at {
            Some(text) => when::instant(text)?.end_of_ms(),
            // The newest of what the file holds.
            None => Wall(i64::MAX),
        };
        Ok(match Asked::find(common, settings, &self.target, &self.file)? {
            Asked::Procyon(client) => Answering::Procyon(client, Some(at)),
            Asked::Files(history) => {
                if self.at.is_some() {
                    past_only(&*history, at)?;
                }
                Answering::Files(history, at)
            }
        })
    }

    fn columns(&self) -> Result<Vec<Shown>, Fault> {
        let usual = match (&self.group, self.ended) {
            (Some(_), _) => USUAL_OF_GROUPS,
            (None, true) => ended::USUAL,
            (None, false) => USUAL,
        };
        match self.columns.as_deref().unwrap_or(usual) {
            "*" => Ok(catalogue::PROCESS.iter().map(|figure| Shown::Figure(&figure.meta)).collect()),
            text => text.split(',').map(str::trim).filter(|id| !id.is_empty()).map(shown).collect(),
        }
    }
}

/// Who answers, and for which instant.
enum Answering {
    Procyon(Client, Option<Wall>),
    Files(Arc<dyn History>, Wall),
    Machine,
}

/// Says of which instant the table is.
fn say_when(out: &mut Output, page: &Page) -> Result<()> {
    let mut line = when::stamp(Wall::from_unix_ms(page.at));
    if let Some(gap) = page.gap {
        let until =
            gap.to.map_or_else(|| "since".to_owned(), |to| format!("until {}", when::stamp(Wall::from_unix_ms(to))));
        line = format!("{line}, the last before a gap: nothing is known {until}");
    }
    writeln!(out, "{}", out.palette.paint(procyon_diag::Tone::Faint, line))?;
    Ok(())
}

/// A column on the screen.
#[derive(Debug, Clone, Copy)]
enum Shown {
    /// The address of the process.
    Key,
    /// A figure.
    Figure(&'static Meta),
}

fn shown(id: &str) -> Result<Shown, Fault> {
    if id == "key" { Ok(Shown::Key) } else { find(id).map(Shown::Figure) }
}

/// Ids of the figures, which are all that is asked for: keys come along.
fn ids(columns: &[Shown]) -> Vec<&'static str> {
    columns
        .iter()
        .filter_map(|column| match column {
            Shown::Figure(meta) => Some(meta.id),
            Shown::Key => None,
        })
        .collect()
}

/// The figure with this id, or what was probably meant.
fn find(id: &str) -> Result<&'static Meta, Fault> {
    catalogue::process(id).map(|figure| &figure.meta).ok_or_else(|| {
        let fault = Fault::usage(format!("there is no column `{id}`"));
        match nearest(id, catalogue::PROCESS.iter().map(|figure| figure.meta.id)) {
            Some(meant) => fault.hint(format!("did you mean `{meant}`? `procyon ps --columns help` lists all of them")),
            None => fault.hint("`procyon ps --columns help` lists all of them"),
        }
    })
}

fn print(out: &mut Output, columns: &[Shown], shape: &Shape, page: &Page) -> Result<()> {
    let mut heads = Vec::new();
    if let Shape::Groups(by) = shape {
        heads.push(Column {
            head: catalogue::process(by).map_or(by.as_str(), |figure| figure.meta.head.en).to_owned(),
            right: false,
        });
        heads.push(Column { head: "Count".to_owned(), right: true });
    }
    heads.extend(columns.iter().map(|column| match column {
        Shown::Key => Column { head: "Key".to_owned(), right: false },
        Shown::Figure(meta) => {
            Column { head: meta.head.en.to_owned(), right: !matches!(meta.unit, Unit::Text | Unit::Bool) }
        }
    }));
    let rows: Vec<Vec<String>> = page
        .items
        .iter()
        .map(|item| {
            let mut row = Vec::with_capacity(heads.len());
            if matches!(shape, Shape::Groups(_)) {
                let name = item.get("group").and_then(Value::as_str).filter(|name| !name.is_empty());
                row.push(name.map_or_else(|| UNKNOWN.to_owned(), table::printable));
                row.push(item.get("count").map(ToString::to_string).unwrap_or_default());
            }
            let depth = item.get("depth").and_then(Value::as_u64).unwrap_or(0);
            let tree_column = columns.iter().rposition(
                |column| matches!(column, Shown::Figure(meta) if matches!(meta.id, "cmd" | "name" | "label")),
            );
            for (at, column) in columns.iter().enumerate() {
                let text = match column {
                    Shown::Key => item.get("key").and_then(Value::as_str).unwrap_or(UNKNOWN).to_owned(),
                    Shown::Figure(meta) => cell(meta, item.get(meta.id)),
                };
                let indent = if Some(at) == tree_column {
                    "  ".repeat(usize::try_from(depth.min(40)).unwrap_or(0))
                } else {
                    String::new()
                };
                row.push(indent + &text);
            }
            row
        })
        .collect();
    table::write(out, &heads, &rows)?;
    let listed = page.items.len();
    let whole = if matches!(shape, Shape::Groups(_)) { page.matched } else { listed };
    if listed < page.matched && whole < page.total && out.width.is_some() {
        writeln!(
            out,
            "{}",
            out.palette.paint(
                procyon_diag::Tone::Faint,
                format!("{listed} of {} matching, {} in all", page.matched, page.total)
            )
        )?;
    }
    Ok(())
}

fn cell(meta: &Meta, value: Option<&Value>) -> String {
    match value {
        None | Some(Value::Null) => UNKNOWN.to_owned(),
        Some(Value::Bool(yes)) => if *yes { "yes" } else { "no" }.to_owned(),
        Some(Value::String(text)) => table::printable(text),
        Some(Value::Number(number)) => match (meta.unit, number.as_i64()) {
            (Unit::None | Unit::Count, Some(whole)) => whole.to_string(),
            _ => format::cell(meta.id, meta.unit, number.as_f64().unwrap_or(0.0)),
        },
        Some(other) => other.to_string(),
    }
}

fn list_columns(out: &mut Output) -> Result<()> {
    let heads = ["Column", "Unit", "Meaning"].map(|head| Column { head: head.to_owned(), right: false });
    let rows: Vec<Vec<String>> = catalogue::PROCESS
        .iter()
        .map(|figure| {
            vec![figure.meta.id.to_owned(), figure.meta.unit.word().to_owned(), figure.meta.help.en.to_owned()]
        })
        .collect();
    table::write(out, &heads, &rows)?;
    out.flush()?;
    Ok(())
}
