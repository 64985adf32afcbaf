//! Proportional memory, which costs the kernel a walk over all pages of a process: read under a budget of processor time,
//! on a thread of its own, never of a process that one reading would hold up for long.

use std::time::Duration;

use procyon_linux::proc::{PidDir, ProcDir, pid_smaps_rollup};
use procyon_linux::root::Root;
use procyon_model::key::ProcessKey;
use procyon_model::process::{ProcessRow, Pss};
use procyon_units::{CpuTime, Mono, Reading};

use crate::clock::thread_cpu;
use crate::guarded::{Answerer, Guarded, Outcome};
use crate::table::{Hold, Table, Tick, Tracked};

/// A process is not read again before this time has passed.
const REVISIT: Duration = Duration::from_secs(10);
/// What reading a page of resident memory takes at first guess; learned from then on.
const FIRST_GUESS_NS_PER_KIB: f64 = 5.0;
/// A process that a reading would keep busy for longer than this is skipped: the kernel holds its memory map meanwhile.
const LONGEST: Duration = Duration::from_millis(50);
/// The file that may block.
const FILE: &str = "smaps_rollup";

/// Reads proportional memory of one process after the other.
#[derive(Debug)]
pub(crate) struct PssLane {
    guarded: Guarded<ProcessKey, (Reading<Pss>, CpuTime)>,
    budget: f64,
    cursor: u32,
    ns_per_kib: f64,
    debt: f64,
}

impl PssLane {
    pub(crate) fn new(root: &Root, budget: f64) -> Self {
        let root = root.clone();
        let guarded = Guarded::new("pss", Box::new(move || answerer(&root)));
        Self { guarded, budget, cursor: 0, ns_per_kib: FIRST_GUESS_NS_PER_KIB, debt: 0.0 }
    }

    /// Takes answers in and hands out the next batch, as large as the budget of one interval allows.
    pub(crate) fn run(&mut self, table: &mut Table, rows: &mut [ProcessRow], tick: Tick, interval: Duration) {
        if self.budget <= 0.0 {
            return;
        }
        let allowance = interval.as_secs_f64() * 1e9 * self.budget;
        // Budget that was not used does not pile up.
        self.debt = (self.debt - allowance).max(-allowance);
        let outcome = self.guarded.poll(tick.now);
        for key in self.guarded.take_returned() {
            if let Some(tracked) = table.find_mut(&key) {
                tracked.release(FILE);
            }
        }
        match outcome {
            Outcome::Nothing => {}
            Outcome::Answers(answers) => self.take(answers, table, rows, tick.now),
            Outcome::Stuck(key) => {
                if let Some(tracked) = table.find_mut(&key) {
                    tracked.quarantined.get_or_insert(Hold { file: FILE, since: tick.wall });
                    tracing::warn!(
                        pid = key.pid,
                        "reading proportional memory of a process blocked; its memory is left alone until that reading returns"
                    );
                }
            }
        }
        if self.debt >= 0.0 || !self.guarded.is_idle(tick.now) {
            return;
        }
        let (batch, cursor) = next_batch(table.tracked_mut(), self.cursor, tick.now, -self.debt, self.ns_per_kib);
        self.cursor = cursor;
        if !batch.is_empty() {
            self.guarded.ask(batch, tick.now, Duration::ZERO);
        }
    }

    fn take(
        &mut self,
        answers: Vec<(ProcessKey, (Reading<Pss>, CpuTime))>,
        table: &mut Table,
        rows: &mut [ProcessRow],
        now: Mono,
    ) {
        for (key, (reading, took)) in answers {
            #[expect(clippy::cast_precision_loss, reason = "a cost estimate")]
            let took = took.0 as f64;
            self.debt += took;
            let Some(at) = table.position(&key) else { continue };
            let (Some(tracked), Some(row)) = (table.tracked_mut().get_mut(at), rows.get_mut(at)) else { continue };
            #[expect(clippy::cast_precision_loss, reason = "a cost estimate")]
            let kib = (tracked.resident >> 10) as f64;
            // Small processes tell nothing about the cost of a page.
            if kib > 4096.0 {
                self.ns_per_kib = self.ns_per_kib * 0.9 + took / kib * 0.1;
            }
            tracked.pss = reading.map(|pss| (pss, now));
            row.pss = reading;
        }
    }
}

/// The next processes in turn whose reading fits into `nanos`, and where to go on.
#[expect(clippy::cast_precision_loss, reason = "a cost estimate")]
fn next_batch(tracked: &mut [Tracked], cursor: u32, now: Mono, nanos: f64, ns_per_kib: f64) -> (Vec<ProcessKey>, u32) {
    let first = tracked.partition_point(|tracked| tracked.key.pid <= cursor);
    let (mut batch, mut left, mut last) = (Vec::new(), nanos, cursor);
    let (done, next) = tracked.split_at_mut(first.min(tracked.len()));
    for tracked in next.iter_mut().chain(done) {
        let read_lately = matches!(tracked.pss, Reading::Known((_, at)) if now.since(at) < REVISIT);
        if tracked.kernel_thread || tracked.quarantined.is_some() || read_lately {
            continue;
        }
        let cost = 20_000.0 + (tracked.resident >> 10) as f64 * ns_per_kib;
        if cost > LONGEST.as_nanos() as f64 {
            // What was read while it was smaller stays, with its age.
            if !tracked.pss.is_known() {
                tracked.pss = Reading::Skipped;
            }
            continue;
        }
        // One process is always read, so that a budget smaller than any process still gets somewhere.
        if cost > left && !batch.is_empty() {
            break;
        }
        left -= cost;
        last = tracked.key.pid;
        batch.push(tracked.key);
        if left <= 0.0 {
            break;
        }
    }
    (batch, last)
}

/// Reads on a thread of its own; without procfs, which was there at start, nothing is known.
fn answerer(root: &Root) -> Answerer<ProcessKey, (Reading<Pss>, CpuTime)> {
    let proc = ProcDir::open(root).ok();
    let mut buffer = Vec::new();
    Box::new(move |key| {
        let begin = thread_cpu();
        let reading = proc.as_ref().map_or(Reading::Pending, |proc| read_one(proc, *key, &mut buffer));
        (reading, thread_cpu().since(begin))
    })
}

fn read_one(proc: &ProcDir, key: ProcessKey, buffer: &mut Vec<u8>) -> Reading<Pss> {
    let Ok(dir) = PidDir::open(proc, key.pid) else { return Reading::Pending };
    match dir.start_time(buffer) {
        Ok(Reading::Known(start)) if start == key.start => {}
        _ => return Reading::Pending,
    }
    pid_smaps_rollup::read(&dir, buffer).unwrap_or(Reading::Pending).map(|rollup| Pss {
        proportional: rollup.proportional,
        unique: rollup.unique,
        swap: rollup.swap_proportional,
        age: Duration::ZERO,
    })
}
