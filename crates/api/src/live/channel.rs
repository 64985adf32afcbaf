//! One subscription: which rows it holds, what its clients know of them, and the messages that tell the difference.

use std::collections::HashMap;
use std::sync::Arc;

use axum::extract::ws::Utf8Bytes;
use procyon_model::catalogue::{self, HOST};
use procyon_model::frame::EndedProcess;
use procyon_model::view::sort::top_processes;
use procyon_model::view::tree::tree;
use procyon_model::{Frame, ProcessKey, ProcessRow, Value};
use serde::Serialize;

use super::cells;
use super::hub::Encoder;
use super::spec::{Column, Spec};
use super::top::Heaviest;
use crate::access::Sight;
use crate::limits::LIVE_TEXT;
use crate::rows::{self, Json, readable};
use crate::tell;
use crate::v1::millis;

/// What clients know of a row.
#[derive(Debug)]
struct Known {
    /// Its number in this subscription.
    row: u32,
    /// One print a column.
    prints: Vec<u64>,
    /// Tick in which it was last there.
    seen: u64,
}

/// One subscription.
#[derive(Debug)]
pub(crate) struct LiveChannel {
    spec: Spec,
    rows: HashMap<ProcessKey, Known>,
    /// Numbers of rows that went, to be used again.
    free: Vec<u32>,
    ticks: u64,
    heaviest: Option<Heaviest>,
    /// The newest frame, and what is sent of it apart from rows.
    frame: Option<Arc<Frame>>,
    matched: usize,
    top: Vec<u8>,
}

impl LiveChannel {
    pub(crate) fn new(spec: Spec) -> Self {
        let heaviest = spec.top.map(|(by, n)| Heaviest::new(by, n));
        Self {
            spec,
            rows: HashMap::new(),
            free: Vec::new(),
            ticks: 0,
            heaviest,
            frame: None,
            matched: 0,
            top: b"[]".to_vec(),
        }
    }

    /// Rows of this subscription in a frame, each with whether the filter chose it; and how many it chose in all.
    fn choose<'f>(&self, frame: &'f Frame) -> (Vec<(&'f ProcessRow, bool)>, usize) {
        let spec = &self.spec;
        if spec.tree {
            let all: Vec<&ProcessRow> = frame.processes.iter().collect();
            let branches = tree(&all, |row| spec.filter.matches(row));
            let matched = branches.iter().filter(|branch| branch.matched).count();
            let rows = branches.into_iter().take(spec.limit).map(|branch| (branch.row, branch.matched));
            return (rows.collect(), matched);
        }
        let chosen: Vec<&ProcessRow> = frame.processes.iter().filter(|row| spec.filter.matches(row)).collect();
        let matched = chosen.len();
        // Clients sort by themselves; only a limit needs an order.
        let chosen = if matched > spec.limit { top_processes(chosen, spec.order, spec.limit) } else { chosen };
        (chosen.into_iter().map(|row| (row, true)).collect(), matched)
    }

    /// Writes the rows that came, changed and went since the frame before.
    fn difference(&mut self, frame: &Frame) -> Difference {
        self.ticks += 1;
        let (chosen, matched) = self.choose(frame);
        self.matched = matched;
        let mut difference = Difference::default();
        let mut prints = Vec::with_capacity(self.spec.columns.len());
        let mut fresh = Vec::new();
        for (row, is_match) in chosen {
            prints.clear();
            prints.extend(self.spec.columns.iter().map(|column| print_of(*column, row, is_match)));
            match self.rows.get_mut(&row.key) {
                Some(known) => {
                    known.seen = self.ticks;
                    if known.prints != prints {
                        difference.set(known, &prints, &self.spec.columns, row, is_match);
                        std::mem::swap(&mut known.prints, &mut prints);
                    }
                }
                None => fresh.push((row, is_match, prints.clone())),
            }
        }
        let (ticks, free) = (self.ticks, &mut self.free);
        self.rows.retain(|_, known| {
            let stays = known.seen == ticks;
            if !stays {
                difference.gone.push(known.row);
                free.push(known.row);
            }
            stays
        });
        difference.gone.sort_unstable();
        // Numbers that went in this tick are not given out again in it: the order in a message would then matter.
        let held = free.split_off(free.len() - difference.gone.len());
        for (row, is_match, prints) in fresh {
            let number = self.free.pop().unwrap_or_else(|| {
                // Every number below the count is in use, held, or free.
                u32::try_from(self.rows.len() + held.len()).unwrap_or(u32::MAX)
            });
            difference.add(number, row, is_match, &self.spec.columns);
            self.rows.insert(row.key, Known { row: number, prints, seen: ticks });
        }
        self.free.extend(held);
        difference
    }

    fn tail(&self, out: &mut Vec<u8>, frame: &Frame, ended: &[u8]) {
        push(out, ",\"total\":");
        number(out, frame.processes.len());
        push(out, ",\"matched\":");
        number(out, self.matched);
        push(out, ",\"host\":{");
        for (at, figure) in HOST.iter().filter(|figure| rows::sees(self.spec.sight, &figure.meta)).enumerate() {
            push(out, if at == 0 { "\"" } else { ",\"" });
            push(out, figure.meta.id);
            push(out, "\":");
            value(out, &cells::rounded(&figure.meta, (figure.value)(frame)));
        }
        push(out, "},\"top\":");
        out.extend_from_slice(&self.top);
        push(out, ",\"ended\":[");
        out.extend_from_slice(ended);
        push(out, "],\"pace\":");
        write(out, &frame.pace.reason.as_deref());
        push(out, ",\"quarantined\":");
        number(out, frame.health.quarantined.len());
        push(out, "}");
    }
}

impl Encoder for LiveChannel {
    fn tick(&mut self, frames: &[Arc<Frame>]) -> Option<Utf8Bytes> {
        let base = self.frame.as_ref().map(|frame| frame.seq);
        // The frame that a channel starts from may come a second time.
        let new = frames.partition_point(|frame| base.is_some_and(|base| frame.seq <= base));
        let frames = frames.get(new..)?;
        let frame = Arc::clone(frames.last()?);
        let difference = self.difference(&frame);
        self.top = top_json(self.heaviest.as_mut(), &frame, self.spec.sight);
        self.frame = Some(Arc::clone(&frame));
        let mut out = Vec::with_capacity(4096 + difference.set.len() + difference.add.len());
        push(&mut out, "{\"type\":\"delta\",\"seq\":");
        number(&mut out, frame.seq);
        push(&mut out, ",\"base\":");
        write(&mut out, &base?);
        push(&mut out, ",\"at\":");
        write(&mut out, &frame.wall.unix_ms());
        push(&mut out, ",\"interval_ms\":");
        number(&mut out, millis(frame.pace.actual));
        push(&mut out, ",\"add\":[");
        out.extend_from_slice(&difference.add);
        push(&mut out, "],\"set\":[");
        out.extend_from_slice(&difference.set);
        push(&mut out, "],\"gone\":");
        write(&mut out, &difference.gone);
        self.tail(&mut out, &frame, &ended_json(frames.iter().flat_map(|frame| &frame.ended), self.spec.sight));
        text(out)
    }

    fn full(&mut self) -> Option<Utf8Bytes> {
        let frame = self.frame.clone()?;
        let mut out = Vec::with_capacity(16 * 1024);
        push(&mut out, "{\"type\":\"full\",\"seq\":");
        number(&mut out, frame.seq);
        push(&mut out, ",\"at\":");
        write(&mut out, &frame.wall.unix_ms());
        push(&mut out, ",\"interval_ms\":");
        number(&mut out, millis(frame.pace.actual));
        push(&mut out, ",\"columns\":");
        let ids: Vec<&str> = self.spec.columns.iter().map(|column| column.id()).collect();
        write(&mut out, &ids);
        push(&mut out, ",\"rows\":[");
        let mut rows = Difference::default();
        for (row, is_match) in self.choose(&frame).0 {
            if let Some(known) = self.rows.get(&row.key) {
                rows.add(known.row, row, is_match, &self.spec.columns);
            }
        }
        out.extend_from_slice(&rows.add);
        push(&mut out, "]");
        self.tail(&mut out, &frame, b"");
        text(out)
    }

    fn gap(&self, missed: u64) -> Option<Utf8Bytes> {
        Some(format!("{{\"type\":\"gap\",\"missed\":{missed}}}").into())
    }
}

/// Rows that came, changed and went, as the inside of JSON arrays.
#[derive(Debug, Default)]
struct Difference {
    add: Vec<u8>,
    set: Vec<u8>,
    gone: Vec<u32>,
}

impl Difference {
    fn add(&mut self, row_number: u32, row: &ProcessRow, is_match: bool, columns: &[Column]) {
        let out = &mut self.add;
        push(out, if out.is_empty() { "[" } else { ",[" });
        number(out, row_number);
        push(out, ",\"");
        push(out, &row.key.to_string());
        push(out, "\"");
        for column in columns {
            push(out, ",");
            cell(out, *column, row, is_match);
        }
        push(out, "]");
    }

    fn set(&mut self, known: &Known, prints: &[u64], columns: &[Column], row: &ProcessRow, is_match: bool) {
        let out = &mut self.set;
        push(out, if out.is_empty() { "[" } else { ",[" });
        number(out, known.row);
        let changed = known.prints.iter().zip(prints).enumerate().filter(|(_, (old, new))| old != new);
        for (at, _) in changed {
            let Some(column) = columns.get(at) else { continue };
            push(out, ",");
            number(out, at);
            push(out, ",");
            cell(out, *column, row, is_match);
        }
        push(out, "]");
    }
}

fn print_of(column: Column, row: &ProcessRow, is_match: bool) -> u64 {
    match column {
        Column::Figure(figure) => cells::print_of(&figure.meta, &cells::rounded(&figure.meta, (figure.value)(row))),
        Column::Matched => u64::from(is_match),
    }
}

fn cell(out: &mut Vec<u8>, column: Column, row: &ProcessRow, is_match: bool) {
    match column {
        Column::Figure(figure) => value(out, &cells::rounded(&figure.meta, (figure.value)(row))),
        Column::Matched => push(out, if is_match { "true" } else { "false" }),
    }
}

/// Columns of the heaviest that charts draw.
const TOP_COLUMNS: &[&str] = &["cpu", "rss", "read", "write", "rx", "tx"];

fn top_json(heaviest: Option<&mut Heaviest>, frame: &Frame, sight: Sight) -> Vec<u8> {
    let mut out = b"[".to_vec();
    for (at, row) in heaviest.map(|heaviest| heaviest.update(frame)).unwrap_or_default().into_iter().enumerate() {
        push(&mut out, if at == 0 { "{\"key\":\"" } else { ",{\"key\":\"" });
        push(&mut out, &row.key.to_string());
        push(&mut out, "\",\"label\":");
        write(&mut out, &readable(rows::label(sight, &row.label, &row.descriptor.title)));
        push(&mut out, ",\"values\":{");
        for (at, id) in TOP_COLUMNS.iter().enumerate() {
            push(&mut out, if at == 0 { "\"" } else { ",\"" });
            push(&mut out, id);
            push(&mut out, "\":");
            let figure = catalogue::process(id).filter(|figure| rows::sees(sight, &figure.meta));
            let known = figure.map_or(Value::Unknown, |figure| cells::rounded(&figure.meta, (figure.value)(row)));
            value(&mut out, &known);
        }
        push(&mut out, "}}");
    }
    push(&mut out, "]");
    out
}

/// Bytes of the command line of a process that ended: hundreds may end in a second.
const ENDED_TEXT: usize = 512;

fn ended_json<'a>(ended: impl Iterator<Item = &'a EndedProcess>, sight: Sight) -> Vec<u8> {
    let mut out = Vec::new();
    for process in ended {
        let row = &process.row;
        let ending = tell::ending_for(process, sight);
        let told = serde_json::json!({
            "key": row.key.to_string(),
            "pid": row.key.pid,
            "name": readable(&row.descriptor.name),
            "user": readable(&row.descriptor.user),
            "cmd": cells::cut(&row.descriptor.cmd, ENDED_TEXT).unwrap_or_else(|| readable(&row.descriptor.cmd)),
            "oom": ending.oom,
            "start": row.started.unix_ms(),
            "at": process.at.unix_ms(),
            "exit": ending.exit,
        });
        if !out.is_empty() {
            push(&mut out, ",");
        }
        write(&mut out, &told);
    }
    out
}

fn push(out: &mut Vec<u8>, text: &str) {
    out.extend_from_slice(text.as_bytes());
}

fn number(out: &mut Vec<u8>, number: impl itoa::Integer) {
    push(out, itoa::Buffer::new().format(number));
}

fn value(out: &mut Vec<u8>, value: &Value<'_>) {
    match value {
        Value::Text(bytes) if bytes.len() > LIVE_TEXT => write(out, &cells::cut(bytes, LIVE_TEXT)),
        value => write(out, &Json(value)),
    }
}

/// Writing into memory cannot fail for values that JSON can say, and these are.
fn write(out: &mut Vec<u8>, value: &impl Serialize) {
    if serde_json::to_writer(&mut *out, value).is_err() {
        push(out, "null");
    }
}

/// A message may wait for slow clients: it takes no more memory than it is long.
fn text(mut out: Vec<u8>) -> Option<Utf8Bytes> {
    out.shrink_to_fit();
    String::from_utf8(out).ok().map(Into::into)
}
