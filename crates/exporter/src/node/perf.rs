//! `perf`: counters of processors and kernel, processor by processor (`perf_event_open`).
//!
//! They are opened once and count from then on. Where more are open than a processor has room for, the kernel lets them
//! take turns; what one missed is reckoned from what it saw, scrape by scrape.

use std::sync::{Mutex, PoisonError};

use procyon_linux::attributes;
use procyon_linux::perf::{Count, Counter, Event};
use rustix::io::Errno;

use super::{CollectError, Collector, FlagError, Flags, Outcome, Places, clean, float};
use crate::flags::Flag;
use crate::metric::{Kind, Metrics};

const PROCESSORS: &str = "collector.perf.cpus";
const TRACEPOINT: &str = "collector.perf.tracepoint";

/// A kind of counters: the flag that turns them off, the flag that names the ones to have, and what there is.
struct Group {
    off: &'static str,
    only: &'static str,
    rows: &'static [Row],
}

const GROUPS: [Group; 3] = [
    Group {
        off: "collector.perf.disable-hardware-profilers",
        only: "collector.perf.hardware-profilers",
        rows: HARDWARE,
    },
    Group {
        off: "collector.perf.disable-software-profilers",
        only: "collector.perf.software-profilers",
        rows: SOFTWARE,
    },
    Group { off: "collector.perf.disable-cache-profilers", only: "collector.perf.cache-profilers", rows: CACHE },
];

pub(super) const FLAGS: &[Flag] = &[
    Flag::word(PROCESSORS, "", "List of CPUs from which perf metrics should be collected"),
    Flag::list(TRACEPOINT, "perf tracepoint that should be collected"),
    Flag::off("collector.perf.disable-hardware-profilers", "disable perf hardware profilers"),
    Flag::list("collector.perf.hardware-profilers", "perf hardware profilers that should be collected"),
    Flag::off("collector.perf.disable-software-profilers", "disable perf software profilers"),
    Flag::list("collector.perf.software-profilers", "perf software profilers that should be collected"),
    Flag::off("collector.perf.disable-cache-profilers", "disable perf cache profilers"),
    Flag::list("collector.perf.cache-profilers", "perf cache profilers that should be collected"),
];

/// A counter: how flags name it, what is asked of the kernel, and the family that serves it.
struct Row {
    flag: &'static str,
    event: Event,
    name: &'static str,
    help: &'static str,
}

const fn row(flag: &'static str, event: Event, name: &'static str, help: &'static str) -> Row {
    Row { flag, event, name, help }
}

/// By `enum perf_hw_id` of include/uapi/linux/perf_event.h.
const HARDWARE: &[Row] = &[
    row("CpuCycles", Event::hardware(0), "cpucycles_total", "Number of CPU cycles (frequency scaled)"),
    row("CpuInstr", Event::hardware(1), "instructions_total", "Number of CPU instructions"),
    row("CacheRef", Event::hardware(2), "cache_refs_total", "Number of cache references (non frequency scaled)"),
    row("CacheMisses", Event::hardware(3), "cache_misses_total", "Number of cache misses"),
    row("BranchInstr", Event::hardware(4), "branch_instructions_total", "Number of CPU branch instructions"),
    row("BranchMisses", Event::hardware(5), "branch_misses_total", "Number of CPU branch misses"),
    row(
        "StalledCyclesFrontend",
        Event::hardware(7),
        "stalled_cycles_frontend_total",
        "Number of stalled frontend CPU cycles",
    ),
    row(
        "StalledCyclesBackend",
        Event::hardware(8),
        "stalled_cycles_backend_total",
        "Number of stalled backend CPU cycles",
    ),
    row("RefCpuCycles", Event::hardware(9), "ref_cpucycles_total", "Number of CPU cycles"),
];

/// By `enum perf_sw_ids`.
const SOFTWARE: &[Row] = &[
    row("PageFault", Event::software(2), "page_faults_total", "Number of page faults"),
    row("ContextSwitch", Event::software(3), "context_switches_total", "Number of context switches"),
    row("CpuMigration", Event::software(4), "cpu_migrations_total", "Number of CPU process migrations"),
    row("MinorFault", Event::software(5), "minor_faults_total", "Number of minor page faults"),
    row("MajorFault", Event::software(6), "major_faults_total", "Number of major page faults"),
];

/// By `enum perf_hw_cache_id`, `…_op_id` and `…_op_result_id`.
const CACHE: &[Row] = {
    const L1_DATA: u64 = 0;
    const L1_INSTRUCTIONS: u64 = 1;
    const LAST_LEVEL: u64 = 2;
    const TLB_DATA: u64 = 3;
    const TLB_INSTRUCTIONS: u64 = 4;
    const BRANCHES: u64 = 5;
    const READ: u64 = 0;
    const WRITE: u64 = 1;
    const ACCESS: u64 = 0;
    const MISS: u64 = 1;
    const fn cache(flag: &'static str, of: [u64; 3], name: &'static str, help: &'static str) -> Row {
        let [cache, operation, result] = of;
        row(flag, Event::cache(cache, operation, result), name, help)
    }
    &[
        cache("L1DataReadHit", [L1_DATA, READ, ACCESS], "cache_l1d_read_hits_total", "Number L1 data cache read hits"),
        cache(
            "L1DataReadMiss",
            [L1_DATA, READ, MISS],
            "cache_l1d_read_misses_total",
            "Number L1 data cache read misses",
        ),
        cache(
            "L1DataWriteHit",
            [L1_DATA, WRITE, ACCESS],
            "cache_l1d_write_hits_total",
            "Number L1 data cache write hits",
        ),
        cache(
            "L1InstrReadMiss",
            [L1_INSTRUCTIONS, READ, MISS],
            "cache_l1_instr_read_misses_total",
            "Number instruction L1 instruction read misses",
        ),
        cache(
            "InstrTLBReadHit",
            [TLB_INSTRUCTIONS, READ, ACCESS],
            "cache_tlb_instr_read_hits_total",
            "Number instruction TLB read hits",
        ),
        cache(
            "InstrTLBReadMiss",
            [TLB_INSTRUCTIONS, READ, MISS],
            "cache_tlb_instr_read_misses_total",
            "Number instruction TLB read misses",
        ),
        cache(
            "DataTLBReadHit",
            [TLB_DATA, READ, ACCESS],
            "cache_tlb_data_read_hits_total",
            "Number of data TLB read hits",
        ),
        cache(
            "DataTLBReadMiss",
            [TLB_DATA, READ, MISS],
            "cache_tlb_data_read_misses_total",
            "Number of data TLB read misses",
        ),
        cache(
            "DataTLBWriteHit",
            [TLB_DATA, WRITE, ACCESS],
            "cache_tlb_data_write_hits_total",
            "Number of data TLB write hits",
        ),
        cache(
            "DataTLBWriteMiss",
            [TLB_DATA, WRITE, MISS],
            "cache_tlb_data_write_misses_total",
            "Number of data TLB write misses",
        ),
        cache("LLReadHit", [LAST_LEVEL, READ, ACCESS], "cache_ll_read_hits_total", "Number last level read hits"),
        cache("LLReadMiss", [LAST_LEVEL, READ, MISS], "cache_ll_read_misses_total", "Number last level read misses"),
        cache("LLWriteHit", [LAST_LEVEL, WRITE, ACCESS], "cache_ll_write_hits_total", "Number last level write hits"),
        cache(
            "LLWriteMiss",
            [LAST_LEVEL, WRITE, MISS],
            "cache_ll_write_misses_total",
            "Number last level write misses",
        ),
        cache("BPUReadHit", [BRANCHES, READ, ACCESS], "cache_bpu_read_hits_total", "Number BPU read hits"),
        cache("BPUReadMiss", [BRANCHES, READ, MISS], "cache_bpu_read_misses_total", "Number BPU read misses"),
    ]
};

/// A counter that is open, and what it came to.
struct Open {
    counter: Counter,
    processor: String,
    name: String,
    help: String,
    sum: Mutex<Sum>,
}

/// What a counter that takes turns comes to.
#[derive(Debug, Default)]
struct Sum {
    last: Count,
    total: f64,
}

impl Sum {
    /// Adds what came since the last time, for all of the time that it stands for.
    fn add(&mut self, count: Count) -> f64 {
        let enabled = count.enabled.saturating_sub(self.last.enabled);
        let running = count.running.saturating_sub(self.last.running);
        // As long as it had no turn, what it missed is unknown; the next turn stands for that time, too.
        if running > 0 {
            let value = float(count.value.saturating_sub(self.last.value));
            self.total += if running < enabled { (value * (float(enabled) / float(running))).round() } else { value };
            self.last = count;
        }
        self.total
    }
}

struct Perf {
    counters: Vec<Open>,
    /// What could not be opened although it should.
    trouble: Option<(&'static str, std::io::ErrorKind, String)>,
}

pub(super) fn make(flags: &Flags, at: &Places) -> Result<Box<dyn Collector>, FlagError> {
    let processors = match flags.text(PROCESSORS) {
        "" => {
            let text = attributes::read(&at.root().sys("devices/system/cpu/online")).unwrap_or_default();
            // Without sysfs there is at least the first one.
            processors(String::from_utf8_lossy(&text).trim()).unwrap_or_else(|| vec![0])
        }
        list => processors(list).ok_or_else(|| FlagError::value(PROCESSORS, list, "is no list such as 0-3,8"))?,
    };
    let mut perf = Perf { counters: Vec::new(), trouble: None };
    for (event, name, help) in tracepoints(flags, at, &mut perf)? {
        perf.open(event, &processors, &name, &help, true);
    }
    for group in GROUPS.iter().filter(|group| !flags.is_on(group.off)) {
        let only = flags.list(group.only);
        for row in group.rows.iter().filter(|row| only.is_empty() || only.iter().any(|name| name == row.flag)) {
            perf.open(row.event, &processors, row.name, row.help, false);
        }
    }
    Ok(Box::new(perf))
}

/// Numbers of processors: `0-3,8`, or every fifth with `0-20:5`.
fn processors(list: &str) -> Option<Vec<u32>> {
    /// More than any machine has.
    const MOST: usize = 65_536;
    let mut all = Vec::new();
    for part in list.split(',') {
        let (range, step) = part.split_once(':').unwrap_or((part, "1"));
        let (first, last) = range.split_once('-').unwrap_or((range, range));
        let step: usize = step.parse().ok().filter(|step| *step > 0)?;
        let (first, last): (u32, u32) = (first.parse().ok()?, last.parse().ok()?);
        all.extend((first..=last).step_by(step).take(MOST + 1));
        if all.len() > MOST {
            return None;
        }
    }
    all.sort_unstable();
    all.dedup();
    Some(all)
}

/// The tracepoints that flags name as `subsystem:event`: what to open, and name and help of their families.
fn tracepoints(flags: &Flags, at: &Places, perf: &mut Perf) -> Result<Vec<(Event, String, String)>, FlagError> {
    let mut all = Vec::new();
    for text in flags.list(TRACEPOINT) {
        let pair = text.split_once(':').filter(|(_, event)| !event.contains(':'));
        let (subsystem, event) = pair.ok_or_else(|| FlagError::value(TRACEPOINT, text, "is not subsystem:event"))?;
        match Event::tracepoint(at.root(), subsystem, event) {
            Ok(found) => {
                let name = format!("{}_{}", clean(subsystem), clean(event));
                all.push((found, name, format!("Perf tracepoint {text}")));
            }
            Err(error) => {
                perf.trouble.get_or_insert(("reading tracefs", error.kind(), format!("{text}: {error}")));
            }
        }
    }
    Ok(all)
}

impl Perf {
    fn open(&mut self, event: Event, processors: &[u32], name: &str, help: &str, is_asked_for: bool) {
        for processor in processors {
            match Counter::open(event, *processor) {
                Ok(counter) => self.counters.push(Open {
                    counter,
                    processor: processor.to_string(),
                    name: format!("node_perf_{name}"),
                    help: help.to_owned(),
                    sum: Mutex::default(),
                }),
                // Few processors have all of them, virtual ones none.
                Err(error @ (Errno::NOENT | Errno::OPNOTSUPP | Errno::NODEV | Errno::INVAL)) if !is_asked_for => {
                    tracing::debug!(counter = name, processor, %error, "there is no such counter");
                }
                Err(error) => {
                    self.trouble.get_or_insert(("perf_event_open", error.kind(), format!("{name}: {error}")));
                }
            }
        }
    }
}

impl Collector for Perf {
    fn update(&self, _: &Places, out: &mut Metrics) -> Outcome {
        for open in &self.counters {
            // A processor that was taken away has nothing to say.
            let Ok(count) = open.counter.read() else { continue };
            let total = open.sum.lock().unwrap_or_else(PoisonError::into_inner).add(count);
            let labels = [("cpu", &*open.processor)];
            out.add(Kind::Counter, open.name.clone().into(), open.help.clone().into(), &labels, total);
        }
        match &self.trouble {
            Some((call, kind, text)) => {
                Err(CollectError::Call { call, source: std::io::Error::new(*kind, text.clone()) })
            }
            None if self.counters.is_empty() => Err(CollectError::Nothing("no counter could be opened".to_owned())),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_of_processors_are_read_with_their_steps() {
        for (list, expected) in [
            ("0", Some(vec![0])),
            ("1,3-5", Some(vec![1, 3, 4, 5])),
            ("1-11:5", Some(vec![1, 6, 11])),
            ("3,0-3", Some(vec![0, 1, 2, 3])),
            ("", None),
            ("x", None),
            ("1-2:0", None),
            ("0-4294967295", None),
        ] {
            assert_eq!(processors(list), expected, "{list}");
        }
    }

    #[test]
    fn a_counter_that_takes_turns_stands_for_the_time_that_it_missed_and_never_falls() {
        let count = |value, enabled, running| Count { value, enabled, running };
        let mut sum = Sum::default();
        let totals: Vec<f64> = [
            count(100, 10, 10),
            // Half of the time.
            count(150, 20, 15),
            // No turn.
            count(150, 30, 15),
            // A third of the time since.
            count(250, 50, 25),
            count(250, 50, 25),
        ]
        .map(|count| sum.add(count))
        .to_vec();
        assert_eq!(totals, [100.0, 200.0, 200.0, 500.0, 500.0]);
    }
}
