//! `procyon sys`: the machine in one line.

use std::process::ExitCode;
use std::time::Duration;

use anyhow::Result;
use clap::Args;
use procyon_collect::Mounts;
use procyon_diag::Fault;
use procyon_linux::host::{hostname, loadavg, meminfo, os_release, uptime};
use procyon_linux::root::Root;
use serde_json::json;

use crate::cli::Common;
use crate::cmd::{cpu, disk};
use crate::collecting;
use crate::probe::{self, Answer, ProbeFlags};

/// The machine in one line
///
/// Fields: time, host name, system, kernel, uptime, load over 1, 5 and 15 minutes, disk total and used, memory total and
/// used, temperature of the processor (`-` without a sensor), levels of disk (note from 80 %, warning from 90 %), memory
/// (70 %, 80 %) and processor (50 °C, 70 °C).
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  $ procyon sys\n  2026-03-12__14:32:07 db1 Debian_GNU/Linux_12_(bookworm) 6.1.0-18-amd64 up_2_days,_3_hours,_5_minutes 0.52 0.58 0.59 29768M 15.3% 1023M 80.4% 48.3°C normal warning normal"
)]
pub(crate) struct Sys {
    #[command(flatten)]
    probe: ProbeFlags,
}

impl Sys {
    pub(crate) fn run(&self, common: &Common) -> Result<ExitCode> {
        probe::run(common, &self.probe, |settings, root| ask(root, &collecting::mounts(settings)))
    }
}

fn ask(root: &Root, wanted: &Mounts) -> Result<Answer, Fault> {
    let mut buffer = Vec::new();
    let memory = probe::need(&root.proc("meminfo"), meminfo::read(root, &mut buffer))?;
    let load = probe::need(&root.proc("loadavg"), loadavg::read(root, &mut buffer))?;
    let uptime = probe::need(&root.proc("uptime"), uptime::read(root, &mut buffer))?;
    let kernel = probe::need(&root.proc("sys/kernel/osrelease"), hostname::read_kernel_release(root, &mut buffer))?;
    let name = probe::need(&root.proc("sys/kernel/hostname"), hostname::read(root, &mut buffer))?;
    // A machine without /etc/os-release is still a machine.
    let os = os_release::read(root, &mut buffer)
        .get()
        .map(|os| os.pretty_name.to_string())
        .unwrap_or_else(|| "Linux".to_owned());
    let (size, free) = disk::whole(&disk::partitions(root, wanted)?);
    let disk_used = probe::share(size.since(free), size);
    let memory_used = probe::share(memory.total.since(memory.available), memory.total);
    let temperature = cpu::hottest(root);
    let levels = [
        probe::level(disk_used * 100.0, 80.0, 90.0),
        probe::level(memory_used * 100.0, 70.0, 80.0),
        probe::temperature_level(temperature),
    ];
    let time = probe::stamp();
    let [disk_level, memory_level, cpu_level] = levels;
    let json = json!({
        "time": time, "host": name, "os": os, "kernel": kernel, "uptime": uptime.as_secs_f64(),
        "load1": load.one, "load5": load.five, "load15": load.fifteen,
        "disk_total": size.0, "disk_used": disk_used, "memory_total": memory.total.0, "memory_used": memory_used,
        "temperature": temperature.map(|value| value.0),
        "disk_level": disk_level, "memory_level": memory_level, "cpu_level": cpu_level,
    });
    let mut line = vec![time, name.to_string(), os, kernel.to_string(), since(uptime)];
    line.extend([load.one, load.five, load.fifteen].map(probe::load));
    line.extend([
        probe::mebibytes(size),
        probe::percent(disk_used),
        probe::mebibytes(memory.total),
        probe::percent(memory_used),
    ]);
    line.push(probe::temperature(temperature));
    line.extend(levels.map(str::to_owned));
    Ok(Answer { lines: vec![line], json })
}

/// Uptime as `uptime -p` writes it.
fn since(uptime: Duration) -> String {
    let minutes = uptime.as_secs() / 60;
    let parts = [(minutes / 1440, "day"), (minutes / 60 % 24, "hour"), (minutes % 60, "minute")];
    let words: Vec<String> = parts
        .iter()
        .filter(|(count, unit)| *count > 0 || (*unit == "minute" && minutes == 0))
        .map(|(count, unit)| format!("{count} {unit}{}", if *count == 1 { "" } else { "s" }))
        .collect();
    format!("up {}", words.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uptime_reads_as_people_say_it() {
        for (seconds, text) in [
            (30, "up 0 minutes"),
            (60, "up 1 minute"),
            (3600, "up 1 hour"),
            (2 * 86400 + 3 * 3600 + 5 * 60, "up 2 days, 3 hours, 5 minutes"),
        ] {
            assert_eq!(since(Duration::from_secs(seconds)), text);
        }
    }
}
