//! The slow lane: figures that cost a file each and change little. Every process is visited in turn, as many each tick as
//! a budget of processor time allows; the newborn come first.

use std::sync::Arc;
use std::time::Duration;

use procyon_linux::proc::{
    Lost, PidDir, ProcDir, Seen, pid_fd, pid_limits, pid_oom, pid_schedstat, pid_task, pid_wchan,
};
use procyon_linux::root::Root;
use procyon_linux::taskstats::TaskStatsSocket;
use procyon_model::process::{Fds, Oom, ProcessRow, Switches};
use procyon_model::rates::{cores, per_second};
use procyon_units::{CpuTime, Mono, Reading};

use crate::clock::thread_cpu;
use crate::provider::ProviderError;
use crate::table::{Slow, Table, Told, Tracked};

/// A process is not visited again before this time has passed, however much budget is left.
const REVISIT: Duration = Duration::from_secs(5);
/// The newborn may use this many times the budget of a tick, so that their figures are there at first sight.
const NEWBORN_BUDGET: u64 = 4;
/// What the first tick may use, in which everything is new.
const FIRST_BUDGET: CpuTime = CpuTime(250_000_000);
/// Threads beyond which run-queue delay and switches, which cost a file each thread, are left out.
const MAX_THREADS: u32 = 2000;

/// What decides which files of a process are read.
#[derive(Debug, Clone, Copy)]
struct About {
    kernel_thread: bool,
    threads: u32,
    /// These come with every tick.
    told: Told,
}

/// Visits processes in turn.
#[derive(Debug)]
pub(crate) struct SlowLane {
    proc: ProcDir,
    /// Sums over threads with one question; without it each thread is asked.
    taskstats: Option<TaskStatsSocket>,
    budget: f64,
    cursor: u32,
    first: bool,
    buffer: Vec<u8>,
}

impl SlowLane {
    pub(crate) fn new(root: &Root, budget: f64) -> Result<Self, ProviderError> {
        let proc = ProcDir::open(root).map_err(|error| ProviderError(error.to_string()))?;
        // The kernel's accounting speaks of this machine, not of a copy of its files.
        let taskstats = if root.is_live() { TaskStatsSocket::open() } else { Reading::Absent };
        let taskstats = match taskstats {
            Reading::Known(socket) => Some(socket),
            _ => None,
        };
        Ok(Self { proc, taskstats, budget, cursor: 0, first: true, buffer: Vec::new() })
    }

    /// Visits the newborn, then goes on where the last tick stopped, until the budget is used up.
    pub(crate) fn run(&mut self, table: &mut Table, rows: &mut [ProcessRow], now: Mono, interval: Duration) {
        let budget = CpuTime(nanos(interval.mul_f64(self.budget)));
        let begin = thread_cpu();
        let first = std::mem::replace(&mut self.first, false) && self.budget > 0.0;
        let newborn = if first { FIRST_BUDGET } else { CpuTime(budget.0.saturating_mul(NEWBORN_BUDGET)) };
        for (tracked, row) in table.tracked_mut().iter_mut().zip(rows.iter_mut()) {
            if tracked.slow.visited.is_none() {
                self.visit(tracked, row, now);
                if thread_cpu().since(begin) > newborn {
                    return;
                }
            }
        }
        let first = table.tracked().partition_point(|tracked| tracked.key.pid <= self.cursor);
        let count = rows.len();
        for at in (first..count).chain(0..first) {
            if thread_cpu().since(begin) > budget {
                return;
            }
            let (Some(tracked), Some(row)) = (table.tracked_mut().get_mut(at), rows.get_mut(at)) else { continue };
            self.cursor = tracked.key.pid;
            if tracked.slow.visited.is_some_and(|at| now.since(at) < REVISIT) {
                continue;
            }
            self.visit(tracked, row, now);
        }
    }

    fn visit(&mut self, tracked: &mut Tracked, row: &mut ProcessRow, now: Mono) {
        let before = tracked.slow.visited.replace(now).map(|at| now.since(at));
        // A process that ends meanwhile keeps what was known; the next tick finds it gone.
        if let Ok(dir) = PidDir::open(&self.proc, tracked.key.pid)
            && matches!(dir.start_time(&mut self.buffer), Ok(Reading::Known(start)) if start == tracked.key.start)
        {
            let about = About { kernel_thread: tracked.kernel_thread, threads: tracked.threads, told: tracked.told };
            if self.read(&dir, &mut tracked.slow, about, before).is_err() {
                return;
            }
        }
        let slow = &tracked.slow;
        row.fds = slow.fds;
        row.oom = slow.oom;
        row.wchan.clone_from(&slow.wchan);
        if !tracked.told.run_delay {
            row.run_delay = slow.run_delay;
            row.rates.run_delay = slow.run_delay_rate;
        }
        if !tracked.told.switches {
            row.switches = slow.switches;
            row.rates.voluntary_switches = slow.switch_rates.map(|(voluntary, _)| voluntary);
            row.rates.involuntary_switches = slow.switch_rates.map(|(_, involuntary)| involuntary);
        }
    }

    fn read(&mut self, dir: &PidDir, slow: &mut Slow, about: About, elapsed: Option<Duration>) -> Result<(), Lost> {
        let buffer = &mut self.buffer;
        if about.kernel_thread {
            (slow.fds, slow.oom) = (Reading::Absent, Reading::Absent);
        } else {
            let limit = pid_limits::open_files(dir, buffer)?.get().copied().flatten();
            slow.fds = pid_fd::count(dir)?.map(|open| Fds { open, limit });
            slow.oom = pid_oom::read(dir, buffer)?.map(|oom| Oom { score: oom.score, adjustment: oom.adjustment });
        }
        slow.wchan = wait_channel(pid_wchan::read(dir, buffer), &slow.wchan)?;
        if about.threads > MAX_THREADS {
            return Ok(());
        }
        if !about.told.run_delay {
            Self::read_delay(dir, buffer, slow, elapsed)?;
        }
        if !about.told.switches {
            let switches = sum_of_switches(self.taskstats.as_mut(), dir, buffer)?;
            slow.switch_rates = match (slow.switches, switches, elapsed) {
                (Reading::Known(a), Reading::Known(b), Some(elapsed)) => {
                    known(per_second(a.voluntary, b.voluntary, elapsed).zip(per_second(
                        a.involuntary,
                        b.involuntary,
                        elapsed,
                    )))
                }
                _ => Reading::Pending,
            };
            slow.switches = switches;
        }
        Ok(())
    }

    fn read_delay(dir: &PidDir, buffer: &mut Vec<u8>, slow: &mut Slow, elapsed: Option<Duration>) -> Result<(), Lost> {
        let delay = pid_schedstat::run_delay(dir, buffer, MAX_THREADS)?.map(CpuTime::stepped);
        slow.run_delay_rate = match (slow.run_delay, delay, elapsed) {
            (Reading::Known(a), Reading::Known(b), Some(elapsed)) => known(cores(a, b, elapsed)),
            (_, Reading::Known(_), _) => Reading::Pending,
            (_, other, _) => other.map(|_| procyon_units::Cores(0.0)),
        };
        slow.run_delay = delay;
        Ok(())
    }
}

/// Context switches of all threads, those that have ended included where the kernel's accounting answers.
fn sum_of_switches(
    taskstats: Option<&mut TaskStatsSocket>,
    dir: &PidDir,
    buffer: &mut Vec<u8>,
) -> Result<Reading<Switches>, Lost> {
    if let Some(socket) = taskstats
        && let Reading::Known(sums) = socket.read(dir)?
    {
        return Ok(Reading::Known(Switches { voluntary: sums.voluntary, involuntary: sums.involuntary }));
    }
    let sums = pid_task::switches(dir, buffer, MAX_THREADS)?;
    Ok(sums.map(|sums| Switches { voluntary: sums.voluntary, involuntary: sums.involuntary }))
}

fn known<T>(value: Option<T>) -> Reading<T> {
    value.map_or(Reading::Pending, Reading::Known)
}

/// Keeps the text that is there already when nothing changed, so that nothing is allocated.
fn wait_channel(seen: Seen<Box<[u8]>>, before: &Reading<Arc<[u8]>>) -> Result<Reading<Arc<[u8]>>, Lost> {
    Ok(match (seen?, before) {
        (Reading::Known(now), Reading::Known(before)) if **before == *now => Reading::Known(Arc::clone(before)),
        (now, _) => now.map(Arc::from),
    })
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}
