//! `procyon procs`: suspicious processes.

use std::collections::HashSet;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Result;
use clap::Args;
use procyon_diag::{Fault, Kind};
use procyon_model::{Frame, ProcessKey, ProcessRow};
use serde_json::json;

use crate::cli::Common;
use crate::options::Settings;
use crate::probe::{self, Answer, ProbeFlags};
use crate::{collecting, pause, places};

/// Time from the first check to the second.
const BETWEEN_CHECKS: Duration = Duration::from_secs(5);

/// Time over which a check measures.
const CHECK: Duration = Duration::from_secs(1);

/// Share of one core, or of memory, above which a process is suspicious.
const TOO_MUCH: f64 = 0.5;

/// Suspicious processes, a line each: over half a core or half the memory at two checks five seconds apart
///
/// Fields: time, name, pid, user, processor in percent of one core, memory in percent of the machine's, both of the
/// second check. No line means that there is none.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  $ procyon procs\n  2026-03-12__14:32:07 stress 24817 alice 99.7% 0.1%")]
pub(crate) struct Procs {
    #[command(flatten)]
    probe: ProbeFlags,
}

impl Procs {
    pub(crate) fn run(&self, common: &Common) -> Result<ExitCode> {
        probe::run(common, &self.probe, |settings, _| ask(settings))
    }
}

/// What one process uses: shares of a core and of the machine's memory.
fn shares(row: &ProcessRow, frame: &Frame) -> (f64, f64) {
    let cpu = row.rates.cpu().map_or(0.0, |cores| cores.0);
    let total = frame.machine.memory.get().map(|memory| memory.total).unwrap_or_default();
    let resident = row.memory.get().map(|memory| memory.resident).unwrap_or_default();
    (cpu, probe::share(resident, total))
}

fn suspects(frame: &Frame) -> HashSet<ProcessKey> {
    let is_suspect = |row: &&ProcessRow| {
        let (cpu, memory) = shares(row, frame);
        cpu > TOO_MUCH || memory > TOO_MUCH
    };
    frame.processes.iter().filter(is_suspect).map(|row| row.key).collect()
}

fn ask(settings: &Settings) -> Result<Answer, Fault> {
    let id =
        places::random_id().map_err(|error| Fault::new(Kind::Failed, "could not read /dev/urandom").because(error))?;
    let mut collector = collecting::once(settings, id)?;
    let began = pause::now();
    let first = suspects(&*collecting::twice(&mut collector, CHECK)?);
    pause::rest(began, BETWEEN_CHECKS);
    let frame = collecting::twice(&mut collector, CHECK)?;
    let second = suspects(&frame);
    let time = probe::stamp();
    let mut lines = Vec::new();
    let mut items = Vec::new();
    for row in frame.processes.iter().filter(|row| first.contains(&row.key) && second.contains(&row.key)) {
        let (cpu, memory) = shares(row, &frame);
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let (name, user) = (text(&row.descriptor.name), text(&row.descriptor.user));
        items.push(json!({"name": name, "pid": row.key.pid, "key": row.key.to_string(), "user": user, "cpu": cpu, "memory": memory}));
        lines.push(vec![
            time.clone(),
            name,
            row.key.pid.to_string(),
            user,
            probe::percent(cpu),
            probe::percent(memory),
        ]);
    }
    Ok(Answer { lines, json: json!({"time": time, "processes": items}) })
}
