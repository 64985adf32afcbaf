//! `cpu`: time by mode, throttling, isolation, and with `--collector.cpu.info` what processors these are.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use procyon_linux::attributes::Attributes;
use procyon_linux::host::cpuinfo;
use procyon_linux::host::stat::{self, CpuTimes};
use procyon_units::CpuTime;
use regex::Regex;

use super::{Collector, FlagError, Flags, Outcome, Places, flag, float, read};
use crate::filter::compile;
use crate::flags::Flag;
use crate::metric::Metrics;

const FLAGS_INCLUDE: &str = "collector.cpu.info.flags-include";
const BUGS_INCLUDE: &str = "collector.cpu.info.bugs-include";

pub(super) const FLAGS: &[Flag] = &[
    Flag::on("collector.cpu.guest", "Enables metric node_cpu_guest_seconds_total"),
    Flag::off("collector.cpu.info", "Enables metric cpu_info"),
    Flag::word(FLAGS_INCLUDE, "", "Filter the `flags` field in cpuInfo with a value that must be a regular expression"),
    Flag::word(BUGS_INCLUDE, "", "Filter the `bugs` field in cpuInfo with a value that must be a regular expression"),
];

/// A counter that falls by this much or more starts anew: the processor was switched off and on.
const JUMP_BACK: CpuTime = CpuTime(3_000_000_000);

struct Cpu {
    guest: bool,
    info: bool,
    frequency: bool,
    flags: Option<Regex>,
    bugs: Option<Regex>,
    held: Mutex<BTreeMap<u32, CpuTimes>>,
}

pub(super) fn make(flags: &Flags, _: &Places) -> Result<Box<dyn Collector>, FlagError> {
    let (features, bugs) = (flags.text(FLAGS_INCLUDE), flags.text(BUGS_INCLUDE));
    Ok(Box::new(Cpu {
        guest: flags.is_on("collector.cpu.guest"),
        info: flags.is_on("collector.cpu.info") || !features.is_empty() || !bugs.is_empty(),
        frequency: flags.is_on("collector.cpufreq"),
        flags: compile(FLAGS_INCLUDE, features)?,
        bugs: compile(BUGS_INCLUDE, bugs)?,
        held: Mutex::default(),
    }))
}

impl Collector for Cpu {
    fn update(&self, at: &Places, out: &mut Metrics) -> Outcome {
        if self.info {
            self.info(at, out)?;
        }
        self.times(at, out)?;
        isolated(at, out);
        let folders = folders(at);
        throttles(&folders, out);
        online(&folders, out);
        Ok(())
    }
}

impl Cpu {
    fn times(&self, at: &Places, out: &mut Metrics) -> Outcome {
        let text = at.proc("stat")?;
        let stat = stat::parse(&text).ok_or_else(|| at.odd("stat", "processor times"))?;
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        // Processors that are switched off disappear.
        let before = std::mem::take(&mut *held);
        for core in &stat.cores {
            let times = hold(before.get(&core.id).copied().unwrap_or_default(), core.times);
            held.insert(core.id, times);
            self.one(core.id, &times, out);
        }
        Ok(())
    }

    fn one(&self, id: u32, times: &CpuTimes, out: &mut Metrics) {
        let cpu = id.to_string();
        let (name, help) = ("node_cpu_seconds_total", "Seconds the CPUs spent in each mode.");
        // Upstream's `user` and `nice` have the guests' time in them, as the kernel has it.
        let modes = [
            ("user", [times.user, times.guest].into_iter().sum()),
            ("nice", [times.nice, times.guest_nice].into_iter().sum()),
            ("system", times.system),
            ("idle", times.idle),
            ("iowait", times.iowait),
            ("irq", times.irq),
            ("softirq", times.softirq),
            ("steal", times.steal),
        ];
        for (mode, time) in modes {
            out.counter(name, help, &[("cpu", &cpu), ("mode", mode)], seconds(time));
        }
        if self.guest {
            let name = "node_cpu_guest_seconds_total";
            let help = "Seconds the CPUs spent in guests (VMs) for each mode.";
            out.counter(name, help, &[("cpu", &cpu), ("mode", "user")], seconds(times.guest));
            out.counter(name, help, &[("cpu", &cpu), ("mode", "nice")], seconds(times.guest_nice));
        }
    }

    fn info(&self, at: &Places, out: &mut Metrics) -> Outcome {
        // Before Linux 5.18 the frequency is measured when it is opened.
        let text = read(&at.root().proc("cpuinfo"))?;
        let processors = cpuinfo::processors(&text);
        for lines in &processors {
            let get = |name: &str| lines.iter().find(|(own, _)| &**own == name).map_or("", |(_, value)| value);
            let labels = [
                ("package", get("physical id")),
                ("core", get("core id")),
                ("cpu", get("processor")),
                ("vendor", get("vendor_id")),
                ("family", get("cpu family")),
                ("model", get("model")),
                ("model_name", get("model name")),
                ("microcode", get("microcode")),
                ("stepping", get("stepping")),
                ("cachesize", get("cache size")),
            ];
            out.gauge("node_cpu_info", "CPU information from /proc/cpuinfo.", &labels, 1.0);
            if self.frequency {
                let labels = [("package", get("physical id")), ("core", get("core id")), ("cpu", get("processor"))];
                let hertz = get("cpu MHz").parse::<f64>().unwrap_or(0.0) * 1e6;
                out.gauge("node_cpu_frequency_hertz", "CPU frequency in hertz from /proc/cpuinfo.", &labels, hertz);
            }
        }
        let Some(first) = processors.first() else { return Ok(()) };
        let words = |name: &str| {
            let line = first.iter().find(|(own, _)| &**own == name);
            line.map(|(_, value)| value.split_whitespace().map(str::to_owned).collect()).unwrap_or_else(Vec::new)
        };
        let chosen = |all: Vec<String>, filter: &Option<Regex>| -> Vec<String> {
            let Some(filter) = filter else { return Vec::new() };
            all.into_iter().filter(|word| filter.is_match(word)).collect()
        };
        let help = "The `flags` field of CPU information from /proc/cpuinfo taken from the first core.";
        for feature in chosen(words("flags"), &self.flags) {
            out.gauge("node_cpu_flag_info", help, &[("flag", &feature)], 1.0);
        }
        let help = "The `bugs` field of CPU information from /proc/cpuinfo taken from the first core.";
        for bug in chosen(words("bugs"), &self.bugs) {
            out.gauge("node_cpu_bug_info", help, &[("bug", &bug)], 1.0);
        }
        Ok(())
    }
}

/// Whole clock ticks over their rate: the way upstream rounds.
fn seconds(time: CpuTime) -> f64 {
    float(time.ticks().0) / float(procyon_linux::own::clock_ticks_per_second())
}

/// The kernel lets `idle` and `iowait` fall a little; counters are held then, not lowered.
fn hold(before: CpuTimes, now: CpuTimes) -> CpuTimes {
    if before.idle.0 >= now.idle.0.saturating_add(JUMP_BACK.0) {
        return now;
    }
    CpuTimes {
        user: before.user.max(now.user),
        nice: before.nice.max(now.nice),
        system: before.system.max(now.system),
        idle: before.idle.max(now.idle),
        iowait: before.iowait.max(now.iowait),
        irq: before.irq.max(now.irq),
        softirq: before.softirq.max(now.softirq),
        steal: before.steal.max(now.steal),
        guest: before.guest.max(now.guest),
        guest_nice: before.guest_nice.max(now.guest_nice),
    }
}

/// Numbers of a list as `1,3-5`.
pub(super) fn cpu_list(text: &str) -> Vec<u32> {
    let mut all = Vec::new();
    for part in text.trim().split(',').filter(|part| !part.is_empty()) {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        let (Ok(first), Ok(last)) = (first.parse::<u32>(), last.parse::<u32>()) else { continue };
        all.extend((first..=last).take(MOST_CPUS));
    }
    all
}

/// `NR_CPUS` is 8192 at most.
const MOST_CPUS: usize = 8192;

fn isolated(at: &Places, out: &mut Metrics) {
    let Some(list) = at.sys("devices/system/cpu").text("isolated") else { return };
    for cpu in cpu_list(&list) {
        let help = "Whether each core is isolated, information from /sys/devices/system/cpu/isolated.";
        out.gauge("node_cpu_isolated", help, &[("cpu", &cpu.to_string())], 1.0);
    }
}

/// The folders `cpu0`, `cpu1` and so on.
pub(super) fn folders(at: &Places) -> Vec<(u32, Attributes)> {
    let folder = at.sys("devices/system/cpu");
    let number = |name: &str| name.strip_prefix("cpu")?.parse::<u32>().ok();
    let mut all: Vec<_> =
        folder.names().iter().filter_map(|name| Some((number(name)?, folder.below(&**name)))).collect();
    all.sort_unstable_by_key(|(number, _)| *number);
    all
}

fn throttles(folders: &[(u32, Attributes)], out: &mut Metrics) {
    let (mut packages, mut cores) = (BTreeMap::new(), BTreeMap::new());
    for (_, folder) in folders {
        let Some(package) = folder.number("topology/physical_package_id") else { continue };
        let Some(core) = folder.number("topology/core_id") else { continue };
        if !cores.contains_key(&(package, core))
            && let Some(count) = folder.number("thermal_throttle/core_throttle_count")
        {
            cores.insert((package, core), count);
        }
        if !packages.contains_key(&package)
            && let Some(count) = folder.number("thermal_throttle/package_throttle_count")
        {
            packages.insert(package, count);
        }
    }
    for (package, count) in packages {
        let help = "Number of times this CPU package has been throttled.";
        out.counter("node_cpu_package_throttles_total", help, &[("package", &package.to_string())], float(count));
    }
    for ((package, core), count) in cores {
        let labels = [("package", &*package.to_string()), ("core", &*core.to_string())];
        let help = "Number of times this CPU core has been throttled.";
        out.counter("node_cpu_core_throttles_total", help, &labels, float(count));
    }
}

/// Only where the first processor can be switched off, as upstream has it.
fn online(folders: &[(u32, Attributes)], out: &mut Metrics) {
    if folders.first().is_none_or(|(_, folder)| !folder.has("online")) {
        return;
    }
    for (cpu, folder) in folders {
        let on = folder.number("online") == Some(1);
        let help = "CPUs that are online and being scheduled.";
        out.gauge("node_cpu_online", help, &[("cpu", &cpu.to_string())], flag(on));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn idle(seconds: u64) -> CpuTimes {
        CpuTimes { idle: CpuTime(seconds * 1_000_000_000), user: CpuTime(seconds), ..CpuTimes::default() }
    }

    #[test]
    fn a_small_step_back_is_held_and_a_large_one_starts_anew() {
        assert_eq!(hold(idle(10), idle(8)), idle(10));
        assert_eq!(hold(idle(10), idle(7)), idle(7));
        assert_eq!(hold(idle(10), idle(11)), idle(11));
    }

    #[test]
    fn lists_of_processors_have_ranges() {
        assert_eq!(cpu_list("1,3-5,9\n"), [1, 3, 4, 5, 9]);
        assert_eq!(cpu_list(""), [0_u32; 0]);
        assert_eq!(cpu_list("x,5-,2"), [2]);
        assert_eq!(cpu_list("0-4294967295").len(), MOST_CPUS);
    }
}
