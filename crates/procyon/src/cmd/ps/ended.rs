//! `procyon ps --ended`: who ended in the minute before, and how.

use std::time::Duration;

use anyhow::Result;
use procyon_api::tell;
use procyon_client::{Client, query};
use procyon_diag::Fault;
use procyon_history::{EventKind, Events, History, late};
use procyon_model::catalogue::{self, Unit};
use procyon_model::frame::EndedProcess;
use procyon_units::Wall;
use procyon_wire::List;
use procyon_wire::history::{Ending, Gap};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::page::{self, Page};
use super::{Shown, cell};
use crate::ends;
use crate::format::{self, UNKNOWN};
use crate::output::Output;
use crate::past;
use crate::table::{self, Column};

/// Columns when nobody names any.
pub(super) const USUAL: &str = "pid,user,age,utime,stime,cmd";
/// How long before the instant ends are told.
const BEFORE: Duration = Duration::from_mins(1);

/// Asks a running procyon, for now or for an instant of the past.
pub(super) fn ask(client: &Client, at: Option<Wall>) -> Result<Page, Fault> {
    let at = at.map(|at| at.unix_ms().to_string()).unwrap_or_default();
    let list: List<Map<String, Value>> =
        client.get(&format!("/api/v1/hosts/local/ended{}", query(&[("at", at.as_str())])))?;
    Ok(Page { at: list.at, items: list.items, total: list.total, matched: list.matched, gap: list.gap })
}

/// Looks the instant up in a history.
pub(super) fn look_up(history: &dyn History, at: Wall) -> Result<Page, Fault> {
    let past = history.at(at).map_err(|error| past::fault(&error))?;
    let until = past.frame.wall;
    let nanos = |time: Duration| i64::try_from(time.as_nanos()).unwrap_or(i64::MAX);
    let from = Wall(until.0.saturating_sub(nanos(BEFORE)));
    // Some are told a little later.
    let to = Wall(until.0.saturating_add(nanos(late::PATIENCE)));
    let deaths = Events { from, to, kinds: vec![EventKind::Death], limit: usize::MAX };
    let deaths = history.events(&deaths).map_err(|error| past::fault(&error))?;
    let ended = deaths.into_iter().filter_map(|death| death.process);
    let items: Vec<_> =
        ended.filter(|process| process.at >= from && process.at <= until).map(|process| fields(&process)).collect();
    let gap = past.gap.filter(|_| at < Wall(i64::MAX));
    let gap = gap.map(|gap| Gap { from: gap.from.unix_ms(), to: gap.to.map(Wall::unix_ms) });
    Ok(Page { at: until.unix_ms(), total: items.len(), matched: items.len(), items, gap })
}

/// A process that ended, as the API tells of it.
fn fields(process: &EndedProcess) -> Map<String, Value> {
    let end = End { at: process.at.unix_ms(), ending: tell::ending(process) };
    let mut fields = match json!(end) {
        Value::Object(fields) => fields,
        _ => Map::new(),
    };
    fields.insert("key".to_owned(), json!(process.row.key.to_string()));
    for figure in catalogue::PROCESS {
        fields.insert(figure.meta.id.to_owned(), page::json(&(figure.value)(&process.row)));
    }
    fields
}

/// What a row says of an end.
#[derive(Serialize, Deserialize)]
struct End {
    at: i64,
    #[serde(flatten)]
    ending: Ending,
}

/// Writes the table, oldest first.
pub(super) fn print(out: &mut Output, columns: &[Shown], page: &Page) -> Result<()> {
    let column = |head: &str, right: bool| Column { head: head.to_owned(), right };
    let mut heads = vec![column("Ended", false), column("How", false)];
    heads.extend(columns.iter().map(|shown| match shown {
        Shown::Key => column("Key", false),
        Shown::Figure(meta) => column(meta.head.en, !matches!(meta.unit, Unit::Text | Unit::Bool)),
    }));
    let rows = page.items.iter().map(|item| {
        let end: End = serde_json::from_value(Value::Object(item.clone()))?;
        let how = ends::how(&end.ending);
        let how = if how.is_empty() { UNKNOWN.to_owned() } else { table::printable(&how) };
        let mut row = vec![format::time(end.at), how];
        row.extend(columns.iter().map(|shown| match shown {
            Shown::Key => item.get("key").and_then(Value::as_str).unwrap_or(UNKNOWN).to_owned(),
            Shown::Figure(meta) => cell(meta, item.get(meta.id)),
        }));
        Ok(row)
    });
    let rows = rows.collect::<Result<Vec<_>, serde_json::Error>>()?;
    table::write(out, &heads, &rows)?;
    Ok(())
}
