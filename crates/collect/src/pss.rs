//! Proportional memory, which costs the kernel a walk over all pages of a process: read under a budget of processor time,
//! on a thread of its own, never of a process that one reading would hold up for long.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use procyon_linux::proc::{PidDir, ProcDir, pid_smaps_rollup};
use procyon_linux::root::Root;
use procyon_model::key::ProcessKey;
use procyon_model::process::{ProcessRow, Pss};
use procyon_units::{CpuTime, Mono, Reading, Wall};

use crate::background::Background;
use crate::clock::thread_cpu;
use crate::table::{Hold, Table, Tick, Tracked};

/// A process is not read again before this time has passed.
const REVISIT: Duration = Duration::from_secs(10);
/// What reading a page of resident memory takes at first guess; learned from then on.
const FIRST_GUESS_NS_PER_KIB: f64 = 5.0;
/// A process that a reading would keep busy for longer than this is skipped: the kernel holds its memory map meanwhile.
const LONGEST: Duration = Duration::from_millis(50);
/// A batch that takes this much longer than planned is stuck in the process that it is at.
const DEADLINE: Duration = Duration::from_secs(2);
/// Threads that may wait for processes that are stuck; then proportional memory is given up.
const MAX_STUCK: usize = 4;

type Answer = Vec<(ProcessKey, Reading<Pss>, CpuTime)>;

/// Reads proportional memory of one process after the other.
#[derive(Debug)]
pub(crate) struct PssLane {
    root: Root,
    budget: f64,
    cursor: u32,
    ns_per_kib: f64,
    debt: f64,
    reader: Option<Reader>,
    stuck: Vec<Reader>,
}

/// A thread and the pid that it is at.
#[derive(Debug)]
struct Reader {
    background: Background<Vec<ProcessKey>, Answer>,
    at: Arc<AtomicU32>,
    batch: Vec<ProcessKey>,
}

impl Reader {
    fn start(root: &Root) -> Option<Self> {
        let proc = ProcDir::open(root).ok()?;
        let at = Arc::new(AtomicU32::new(0));
        let current = Arc::clone(&at);
        let mut buffer = Vec::new();
        let read = move |keys: Vec<ProcessKey>| -> Answer {
            keys.into_iter()
                .map(|key| {
                    current.store(key.pid, Ordering::Relaxed);
                    let begin = thread_cpu();
                    let reading = read_one(&proc, key, &mut buffer);
                    (key, reading, thread_cpu().since(begin))
                })
                .collect()
        };
        let background = Background::start("pss", Duration::ZERO, DEADLINE, read).ok()?;
        Some(Self { background, at, batch: Vec::new() })
    }
}

impl PssLane {
    pub(crate) fn new(root: &Root, budget: f64) -> Self {
        Self {
            root: root.clone(),
            budget,
            cursor: 0,
            ns_per_kib: FIRST_GUESS_NS_PER_KIB,
            debt: 0.0,
            reader: None,
            stuck: Vec::new(),
        }
    }

    /// Takes answers in and hands out the next batch, as large as the budget of one interval allows.
    pub(crate) fn run(&mut self, table: &mut Table, rows: &mut [ProcessRow], tick: Tick, interval: Duration) {
        let now = tick.now;
        if self.budget <= 0.0 {
            return;
        }
        self.stuck.retain_mut(|reader| reader.background.poll().is_none());
        let allowance = interval.as_secs_f64() * 1e9 * self.budget;
        // Budget that was not used does not pile up.
        self.debt = (self.debt - allowance).max(-allowance);
        if let Some(mut reader) = self.reader.take() {
            if let Some(answer) = reader.background.poll() {
                self.take(answer, table, rows, now);
            } else if reader.background.is_late(now) {
                return self.quarantine(reader, table, tick.wall);
            }
            self.reader = Some(reader);
        }
        if self.reader.is_none() && self.stuck.len() < MAX_STUCK {
            self.reader = Reader::start(&self.root);
        }
        let Some(reader) = &mut self.reader else { return };
        if self.debt >= 0.0 || !reader.background.is_due(now) {
            return;
        }
        let (batch, cursor) = next_batch(table.tracked(), self.cursor, now, -self.debt, self.ns_per_kib);
        self.cursor = cursor;
        if !batch.is_empty() {
            reader.batch.clone_from(&batch);
            reader.background.ask(batch, now);
        }
    }

    fn take(&mut self, answer: Answer, table: &mut Table, rows: &mut [ProcessRow], now: Mono) {
        let row_of: HashMap<u32, usize> = rows.iter().enumerate().map(|(at, row)| (row.key.pid, at)).collect();
        for (key, reading, took) in answer {
            #[expect(clippy::cast_precision_loss, reason = "a cost estimate")]
            let took = took.0 as f64;
            self.debt += took;
            let Some(tracked) = table.find_mut(&key) else { continue };
            #[expect(clippy::cast_precision_loss, reason = "a cost estimate")]
            let kib = (tracked.resident >> 10) as f64;
            // Small processes tell nothing about the cost of a page.
            if kib > 4096.0 {
                self.ns_per_kib = self.ns_per_kib * 0.9 + took / kib * 0.1;
            }
            tracked.pss = reading.map(|pss| (pss, now));
            if let Some(row) = row_of.get(&key.pid).and_then(|at| rows.get_mut(*at)) {
                row.pss = reading;
            }
        }
    }

    fn quarantine(&mut self, reader: Reader, table: &mut Table, wall: Wall) {
        let pid = reader.at.load(Ordering::Relaxed);
        let Some(key) = reader.batch.iter().find(|key| key.pid == pid).copied() else { return };
        if let Some(tracked) = table.find_mut(&key) {
            tracked.quarantined = Some(Hold { file: "smaps_rollup", since: wall });
        }
        tracing::warn!(
            pid,
            "reading proportional memory of a process blocked; its memory map is left alone from now on"
        );
        self.stuck.push(reader);
    }
}

/// The next processes in turn whose reading fits into `nanos`, and where to go on.
#[expect(clippy::cast_precision_loss, reason = "a cost estimate")]
fn next_batch(tracked: &[Tracked], cursor: u32, now: Mono, nanos: f64, ns_per_kib: f64) -> (Vec<ProcessKey>, u32) {
    let first = tracked.partition_point(|tracked| tracked.key.pid <= cursor);
    let (mut batch, mut left, mut last) = (Vec::new(), nanos, cursor);
    let (done, next) = tracked.split_at(first.min(tracked.len()));
    for tracked in next.iter().chain(done) {
        let read_lately = matches!(tracked.pss, Reading::Known((_, at)) if now.since(at) < REVISIT);
        if tracked.kernel_thread || tracked.quarantined.is_some() || read_lately {
            continue;
        }
        let cost = 20_000.0 + (tracked.resident >> 10) as f64 * ns_per_kib;
        if cost > LONGEST.as_nanos() as f64 {
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
