//! `procyon why`: what changed around an instant.

use std::io::Write;
use std::process::ExitCode;

use anyhow::Result;
use clap::Args;
use procyon_api::tell;
use procyon_client::query;
use procyon_diag::{Fault, Tone};
use procyon_history::History;
use procyon_history::why::{self, Metric, Question};
use procyon_units::{Clock as _, SystemClock, Wall};
use procyon_wire::history as wire;

use crate::asking::{Asked, PastFile};
use crate::cli::Common;
use crate::ends;
use crate::format;
use crate::output::Output;
use crate::table::{self, Column};
use crate::target::Target;
use crate::{past, when};

/// Why the machine was as it was at an instant: which processes and groups changed the most against the hour before
///
/// Looks at the minutes around the instant, compares each process and group with its own usual ups and downs in the hour
/// before, and names births, ends and restarts nearby.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  procyon why                                  CPU, now
  procyon why --at 03:12
  procyon why --at -2h --metric mem
  procyon why --at '2026-03-12 03:12' --metric load --json
  procyon why --at 03:12 --file incident.snapshot")]
pub(crate) struct Why {
    /// The instant: -2h, 03:12 (local), '2026-03-12 03:12', RFC 3339, milliseconds since 1970, now
    #[arg(long, value_name = "TIME", default_value = "now", allow_hyphen_values = true)]
    at: String,
    /// What is compared
    #[arg(long, value_name = "METRIC", default_value = "cpu", value_parser = ["cpu", "mem", "io", "net", "load"])]
    metric: String,
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

impl Why {
    pub(crate) fn run(&self, common: &Common) -> Result<ExitCode> {
        let settings = common.settings()?;
        let at = when::instant(&self.at)?;
        let metric = Metric::ALL.iter().find(|(word, _)| *word == self.metric).map(|(_, metric)| *metric);
        let metric = metric.unwrap_or_default();
        let answer = match Asked::find(common, &settings, &self.target, &self.file)? {
            Asked::Procyon(client) => {
                let (at, n) = (at.unix_ms().to_string(), self.limit.to_string());
                let pairs = [("at", at.as_str()), ("metric", &self.metric), ("n", &n)];
                client.get::<wire::Why>(&format!("/api/v1/hosts/local/why{}", query(&pairs)))?
            }
            Asked::Files(history) => {
                past_only(&*history, at)?;
                let question = Question { at: at.end_of_ms(), metric, n: usize::from(self.limit) };
                let why = why::why(&*history, &question).map_err(|error| past::fault(&error))?;
                tell::why(&why, metric)
            }
        };
        let mut out = Output::new();
        if self.json {
            out.json(&serde_json::to_value(&answer)?)?;
        } else {
            print(&mut out, &answer)?;
        }
        out.flush()?;
        Ok(ExitCode::SUCCESS)
    }
}

/// Nothing is known of the future. A running procyon says so itself.
pub(crate) fn past_only(history: &dyn History, at: Wall) -> Result<(), Fault> {
    if at <= SystemClock.wall().end_of_ms() {
        return Ok(());
    }
    let fault = Fault::usage(format!("{} lies in the future", when::stamp(at)));
    Err(match history.extent() {
        Ok(Some(extent)) => {
            fault.hint(format!("there is history from {} to {}", when::stamp(extent.first), when::stamp(extent.last)))
        }
        Ok(None) | Err(_) => fault.hint("say `-2h`, or `03:12` for the last time it was that late"),
    })
}

fn print(out: &mut Output, answer: &wire::Why) -> Result<()> {
    let head = format!("{} around {}", answer.metric, when::stamp(Wall::from_unix_ms(answer.at)));
    writeln!(out, "{}", out.palette.paint(Tone::Strong, head))?;
    if !answer.known_before {
        writeln!(out, "Nothing is known of the hour before, so these are the largest.")?;
    }
    if answer.items.is_empty() {
        writeln!(out, "Nothing changed more than usual.")?;
    }
    let amount = |value: f64| match answer.metric.as_str() {
        "mem" => format::bytes(value),
        "io" | "net" => format!("{}/s", format::bytes(value)),
        "cpu" => format!("{}%", format::percent_of_core(value)),
        _ => format!("{value:.2}"),
    };
    let signed = |value: f64| format!("{}{}", if value < 0.0 { "-" } else { "+" }, amount(value.abs()));
    let column = |head: &str, right: bool| Column { head: head.to_owned(), right };
    let heads = [column("Change", true), column("Share", true), column("", false)];
    let rows: Vec<Vec<String>> = answer
        .items
        .iter()
        .map(|item| vec![signed(item.change), format!("{:.0}%", item.share * 100.0), table::printable(&item.text)])
        .collect();
    if !rows.is_empty() {
        table::write(out, &heads, &rows)?;
    }
    if !answer.events.is_empty() {
        writeln!(out, "\n{}", out.palette.paint(Tone::Strong, "Nearby".to_owned()))?;
        for event in &answer.events {
            writeln!(out, "{}  {}", format::time(event.at), table::printable(&told(event)))?;
        }
    }
    Ok(())
}

fn told(event: &wire::Event) -> String {
    let pid = event.key.as_deref().and_then(|key| key.split('-').next()).unwrap_or_default();
    let who = format!("{} (pid {pid})", event.label.as_deref().unwrap_or_default());
    match event.kind.as_str() {
        "birth" => format!("{who} was born"),
        "death" => {
            let how = ends::how(&event.ending);
            if how.is_empty() { format!("{who} ended") } else { format!("{who} ended {how}") }
        }
        "boot" => "the machine was started again".to_owned(),
        _ => match event.since {
            Some(since) => format!("nothing is known since {}", format::time(since)),
            None => "recording began".to_owned(),
        },
    }
}
