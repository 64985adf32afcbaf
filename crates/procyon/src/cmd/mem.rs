//! `procyon mem`: memory in one line.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use clap::Args;
use procyon_diag::{Fault, Kind};
use procyon_linux::host::meminfo;
use procyon_linux::root::Root;
use serde_json::json;

use crate::cli::Common;
use crate::options::Settings;
use crate::places;
use crate::probe::{self, Answer, ProbeFlags};

/// How much the value before counts in the moving average.
const WEIGHT_BEFORE: f64 = 0.3;

/// Memory in one line: time, total, free, used, moving average of used
///
/// Free is what programs can still get (MemAvailable). The moving average is 0.3 × the one before + 0.7 × used now; the
/// one before is kept in the state folder, or given with --previous.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  $ procyon mem\n  2026-03-12__14:32:07 1023M 200M 80.4% 60.8%")]
pub(crate) struct Mem {
    /// The moving average before this one, in percent
    #[arg(long, value_name = "PERCENT", value_parser = percent)]
    previous: Option<f64>,
    #[command(flatten)]
    probe: ProbeFlags,
}

fn percent(text: &str) -> Result<f64, String> {
    let number = text.trim().trim_end_matches('%');
    match number.parse::<f64>() {
        Ok(value) if (0.0..=100.0).contains(&value) => Ok(value / 100.0),
        _ => Err(format!("`{text}` is no percentage from 0 to 100")),
    }
}

impl Mem {
    pub(crate) fn run(&self, common: &Common) -> Result<ExitCode> {
        let mut previous = self.previous;
        let given = self.previous.is_some();
        probe::run(common, &self.probe, |settings, root| {
            let before = previous.or_else(|| Kept::of(settings).read());
            let (answer, average) = ask(root, before)?;
            previous = Some(average);
            match Kept::write(settings, average) {
                // Whoever brings the average along does not need it kept.
                Err(_) if given => Ok(answer),
                Err(error) => Err(error),
                Ok(()) => Ok(answer),
            }
        })
    }
}

fn ask(root: &Root, before: Option<f64>) -> Result<(Answer, f64), Fault> {
    let memory = probe::need(&root.proc("meminfo"), meminfo::read(root, &mut Vec::new()))?;
    let used = probe::share(memory.total.since(memory.available), memory.total);
    let average = before.map_or(used, |before| WEIGHT_BEFORE * before + (1.0 - WEIGHT_BEFORE) * used);
    let time = probe::stamp();
    let json = json!({
        "time": time, "total": memory.total.0, "free": memory.available.0, "used": used, "average": average,
    });
    let line = vec![
        time,
        probe::mebibytes(memory.total),
        probe::mebibytes(memory.available),
        probe::percent(used),
        probe::percent(average),
    ];
    Ok((Answer { lines: vec![line], json }, average))
}

/// The average that the run before left in the state folder.
struct Kept(PathBuf);

impl Kept {
    fn of(settings: &Settings) -> Self {
        Self(places::state_folder(settings).join("probe-mem"))
    }

    fn read(&self) -> Option<f64> {
        // Missing at first, and not worth more than starting afresh when somebody damaged it.
        std::fs::read_to_string(&self.0).ok()?.trim().parse().ok().filter(|value| (0.0..=1.0).contains(value))
    }

    fn write(settings: &Settings, average: f64) -> Result<(), Fault> {
        let folder = places::make_state_folder(settings)?;
        let path = folder.join("probe-mem");
        std::fs::write(&path, format!("{average}\n")).map_err(|error| {
            Fault::new(Kind::Failed, format!("could not keep the moving average in {}", path.display()))
                .because(error)
                .hint("give the one before with `--previous PERCENT`, or another folder with `--data DIR`")
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_average_leans_on_the_one_before() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join("proc")).unwrap();
        // 1023 MiB in all, 200 MiB free.
        let text = "MemTotal: 1047552 kB\nMemFree: 1 kB\nMemAvailable: 204800 kB\nBuffers: 0 kB\nCached: 0 kB\n";
        std::fs::write(dir.path().join("proc/meminfo"), text).unwrap();
        let root = Root::at(dir.path());
        let (answer, _) = ask(&root, None).unwrap();
        assert_eq!(answer.lines[0][1..], ["1023M", "200M", "80.4%", "80.4%"]);
        let (answer, average) = ask(&root, Some(0.15)).unwrap();
        assert_eq!(answer.lines[0][4], "60.8%");
        assert!((average - (0.3 * 0.15 + 0.7 * 823.0 / 1023.0)).abs() < 1e-9);
    }

    #[test]
    fn a_previous_value_is_a_percentage() {
        assert_eq!(percent("60.8"), Ok(0.608));
        assert_eq!(percent("60.8%"), Ok(0.608));
        assert!(percent("101").is_err() && percent("x").is_err());
    }
}
