//! `procyon cpu`: load, use, temperature in one line.

use std::process::ExitCode;
use std::time::Duration;

use anyhow::Result;
use clap::Args;
use procyon_diag::Fault;
use procyon_linux::host::{loadavg, stat};
use procyon_linux::root::Root;
use procyon_linux::sys::temperature;
use procyon_units::Celsius;
use serde_json::json;

use crate::cli::Common;
use crate::pause::pause;
use crate::probe::{self, Answer, ProbeFlags};

/// Time between the two readings of /proc/stat.
const BETWEEN: Duration = Duration::from_millis(500);

/// Processors in one line: time, load over 1, 5 and 15 minutes, use, temperature, level
///
/// Use is measured over half a second. The temperature is `-` where there is no sensor. The level is normal below 50 °C,
/// note below 70 °C, warning from there.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  $ procyon cpu\n  2026-03-12__14:32:07 0.52 0.58 0.59 12.5% 48.3°C normal")]
pub(crate) struct Cpu {
    #[command(flatten)]
    probe: ProbeFlags,
}

impl Cpu {
    pub(crate) fn run(&self, common: &Common) -> Result<ExitCode> {
        probe::run(common, &self.probe, |_, root| ask(root))
    }
}

/// Temperature of the processor, where something measures it.
pub(crate) fn hottest(root: &Root) -> Option<Celsius> {
    temperature::of_cpu(&temperature::list(root, &mut Vec::new()))
}

fn ask(root: &Root) -> Result<Answer, Fault> {
    let mut buffer = Vec::new();
    let first = probe::need(&root.proc("stat"), stat::read(root, &mut buffer))?;
    pause(BETWEEN);
    let second = probe::need(&root.proc("stat"), stat::read(root, &mut buffer))?;
    let load = probe::need(&root.proc("loadavg"), loadavg::read(root, &mut buffer))?;
    let grown = second.total.since(&first.total);
    // Nothing grows in a fixture.
    let used = if grown.all().0 == 0 { 0.0 } else { grown.busy().seconds() / grown.all().seconds() };
    let temperature = hottest(root);
    let level = probe::temperature_level(temperature);
    let time = probe::stamp();
    let json = json!({
        "time": time, "load1": load.one, "load5": load.five, "load15": load.fifteen, "used": used,
        "temperature": temperature.map(|value| value.0), "level": level,
    });
    let line = vec![
        time,
        probe::load(load.one),
        probe::load(load.five),
        probe::load(load.fifteen),
        probe::percent(used),
        probe::temperature(temperature),
        level.to_owned(),
    ];
    Ok(Answer { lines: vec![line], json })
}
