//! `procyon rank`: who used the most of something over a range.

use std::io::Write;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Result;
use clap::Args;
use procyon_api::tell;
use procyon_client::query;
use procyon_diag::{Fault, Tone, nearest};
use procyon_history::{Extent, GroupBy, HistoryError, TopQuestion, figures};
use procyon_model::catalogue;
use procyon_units::{Clock as _, SystemClock, Wall};
use procyon_wire::history::HistoryState;
use procyon_wire::series::{TopAnswer, TopItem};
use serde_json::json;

use crate::asking::{Asked, PastFile};
use crate::cli::Common;
use crate::format;
use crate::output::Output;
use crate::table::{self, Column};
use crate::target::Target;
use crate::{past, when};

/// Who used the most of something over a range: processes, or users, containers, units
///
/// Means are over the time that was recorded; a process that lived for half of it counts half. Asks the procyon that runs
/// here, or --host; with --data DIR or --file FILE it reads history files itself.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  procyon rank                                        CPU, the last hour
  procyon rank --by rss --from -24h
  procyon rank --by write --group container --from 03:00 --to 03:20
  procyon rank --group user --from '2026-03-11 22:00' --to '2026-03-12 06:00' --json
  procyon rank --data /var/lib/procyon --by cpu

Times: -2h, 03:12 (local), '2026-03-12 03:12', RFC 3339, milliseconds since 1970, now.")]
pub(crate) struct Rank {
    /// Figure: cpu, rss, read, write, rx, tx, runq, majflt, fds, threads …
    #[arg(long, value_name = "METRIC", default_value = "cpu")]
    by: String,
    /// Where the range begins
    #[arg(long, value_name = "TIME", default_value = "-1h", allow_hyphen_values = true)]
    from: String,
    /// Where it ends
    #[arg(long, value_name = "TIME", default_value = "now", allow_hyphen_values = true)]
    to: String,
    /// What is put together: process, name, label, user, cgroup, container, unit
    #[arg(long, value_name = "BY", default_value = "process")]
    group: String,
    /// How many
    #[arg(long, short = 'n', value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u8).range(1..=100))]
    limit: u8,
    /// JSON for programs: numbers in base units
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    file: PastFile,
    #[command(flatten)]
    target: Target,
}

impl Rank {
    pub(crate) fn run(&self, common: &Common) -> Result<ExitCode> {
        let settings = common.settings()?;
        let range = range(&self.from, &self.to)?;
        let (from, to) = range;
        if figures::process(&self.by).is_none() {
            return Err(past::fault(&HistoryError::NoFigure(self.by.clone())).into());
        }
        let group = group(&self.group)?;
        let answer = match Asked::find(common, &settings, &self.target, &self.file)? {
            Asked::Procyon(client) => {
                let (from, to) = (from.unix_ms().to_string(), to.unix_ms().to_string());
                let n = self.limit.to_string();
                let pairs = [("by", self.by.as_str()), ("group", &self.group), ("n", &n), ("from", &from), ("to", &to)];
                let answer = client.get::<TopAnswer>(&format!("/api/v1/hosts/local/top{}", query(&pairs)))?;
                if answer.covered_s <= 0.0 {
                    let state: HistoryState = client.get("/api/v1/hosts/local/history")?;
                    if let (Some(first), Some(last)) = (state.from, state.to) {
                        let [first, last] = [first, last].map(Wall::from_unix_ms);
                        let interval = Duration::from_millis(state.interval_ms);
                        past::touches(&Extent { first, last, interval }, range)?;
                    }
                }
                answer
            }
            Asked::Files(history) => {
                let (from, to) = (from.end_of_ms(), to.end_of_ms());
                let question = TopQuestion { from, to, by: self.by.clone(), group, n: usize::from(self.limit) };
                let top = history.top(&question).map_err(|error| past::fault(&error))?;
                if top.covered.is_zero() {
                    let extent = history.extent().map_err(|error| past::fault(&error))?;
                    past::touches(&extent.ok_or_else(|| past::fault(&HistoryError::Empty))?, range)?;
                }
                tell::top(&top, SystemClock.wall())
            }
        };
        let mut out = Output::new();
        if self.json {
            out.json(&json!({
                "from": from.unix_ms(), "to": to.unix_ms(), "by": self.by, "group": self.group,
                "items": answer.items, "other": answer.other, "covered_s": answer.covered_s,
            }))?;
        } else {
            self.print(&mut out, group, &answer)?;
        }
        out.flush()?;
        Ok(ExitCode::SUCCESS)
    }

    fn print(&self, out: &mut Output, group: GroupBy, answer: &TopAnswer) -> Result<()> {
        if answer.covered_s <= 0.0 {
            writeln!(out, "Nothing was recorded in that time.")?;
            return Ok(());
        }
        let meta = catalogue::process(&self.by).map(|figure| &figure.meta);
        let amount =
            |value: f64| meta.map_or_else(|| value.to_string(), |meta| format::cell(meta.id, meta.unit, value));
        let left = |head: &str| Column { head: head.to_owned(), right: false };
        let right = |head: &str| Column { head: head.to_owned(), right: true };
        let figure = right(meta.map_or(self.by.as_str(), |meta| meta.head.en));
        let mut rows: Vec<Vec<String>> = Vec::new();
        let times = |item: &TopItem| [item.first, item.last].map(|at| at.map(format::time).unwrap_or_default());
        let text = |text: &Option<String>| text.as_deref().map_or_else(|| format::UNKNOWN.to_owned(), table::printable);
        let heads = if group == GroupBy::Process {
            for item in &answer.items {
                let [first, last] = times(item);
                let pid = item.key.split('-').next().unwrap_or_default().to_owned();
                rows.push(vec![
                    amount(item.value),
                    pid,
                    text(&item.user),
                    first,
                    last,
                    table::printable(&item.label),
                    text(&item.cmd),
                ]);
            }
            vec![figure, right("PID"), left("User"), left("First"), left("Last"), left("Label"), left("Command line")]
        } else {
            for item in &answer.items {
                let [first, last] = times(item);
                let word =
                    if item.group.is_empty() { format::UNKNOWN.to_owned() } else { table::printable(&item.group) };
                rows.push(vec![
                    amount(item.value),
                    item.processes.to_string(),
                    first,
                    last,
                    table::printable(&item.label),
                    word,
                ]);
            }
            vec![figure, right("Count"), left("First"), left("Last"), left("Largest"), left(&capital(&self.group))]
        };
        table::write(out, &heads, &rows)?;
        if answer.other.count > 0 {
            let others = format!("{} in {} others", amount(answer.other.value), answer.other.count);
            writeln!(out, "{}", out.palette.paint(Tone::Faint, others))?;
        }
        let covered = format!("mean over {} of recorded time", format::seconds(answer.covered_s));
        writeln!(out, "{}", out.palette.paint(Tone::Faint, covered))?;
        Ok(())
    }
}

fn capital(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// A range that makes sense.
pub(crate) fn range(from: &str, to: &str) -> Result<(Wall, Wall), Fault> {
    let (from, to) = (when::instant(from)?, when::instant(to)?);
    if from > to {
        return Err(Fault::usage(format!(
            "the range ends ({}) before it begins ({})",
            when::stamp(to),
            when::stamp(from)
        ))
        .hint("exchange `--from` and `--to`"));
    }
    Ok((from, to))
}

fn group(word: &str) -> Result<GroupBy, Fault> {
    let words = GroupBy::ALL.iter().map(|(word, _)| *word);
    GroupBy::ALL.iter().find(|(known, _)| *known == word).map(|(_, group)| *group).ok_or_else(|| {
        let list: Vec<&str> = words.clone().collect();
        let fault = Fault::usage(format!("processes are not put together by `{word}`, but by {}", list.join(", ")));
        match nearest(word, words) {
            Some(meant) => fault.hint(format!("did you mean `{meant}`?")),
            None => fault,
        }
    })
}
