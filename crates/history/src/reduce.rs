//! Keeps fewer processes: what is left out of a frame is summed into one row, so that sums over all processes stay what they were.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use procyon_model::descriptor::Descriptor;
use procyon_model::frame::EndedProcess;
use procyon_model::process::{CpuCounters, Faults, Fds, Io, Memory, Net, ProcessState, Pss, Rates, Switches};
use procyon_model::{Frame, ProcessKey, ProcessRow, rates};
use procyon_units::{Bytes, CpuTime, Reading, Ticks, Wall};

use crate::figures::AGE_BLUR;
use crate::late::Departed;
use crate::{anew, covered};

/// What the row is called into which everything is summed that is left out. Its pid is 0, which no process has.
pub const OTHER: &str = "other";

/// Reduces the frames of one machine, one after the other.
#[derive(Debug)]
pub struct Reducer {
    /// The frame before, whole.
    before: Option<Arc<Frame>>,
    /// Which of its processes were kept, and of those whose end is not told yet.
    kept: HashSet<ProcessKey>,
    departed: Departed,
    /// The row of the others, whose counters only grow.
    other: ProcessRow,
    descriptor: Arc<Descriptor>,
}

impl Default for Reducer {
    fn default() -> Self {
        Self::new()
    }
}

impl Reducer {
    /// Nothing seen yet.
    pub fn new() -> Self {
        let descriptor = Arc::new(Descriptor {
            name: OTHER.as_bytes().into(),
            cmd: (*b"[what the filter of history leaves out]").into(),
            title: OTHER.as_bytes().into(),
            ..Descriptor::default()
        });
        let key = ProcessKey { pid: 0, start: Ticks(0), boot: 0 };
        Self {
            before: None,
            kept: HashSet::new(),
            departed: Departed::new(),
            other: empty(key, &descriptor),
            descriptor,
        }
    }

    /// The frame with those processes that `keep` chooses, and a row for all others.
    pub fn reduce(&mut self, frame: &Arc<Frame>, keep: impl Fn(&ProcessRow) -> bool) -> Arc<Frame> {
        let before = self.before.take().filter(|before| !anew(before, frame));
        let time = covered(before.as_deref(), frame);
        let earlier = self.other.clone();
        let mut other = self.begin(&earlier, frame);
        let (mut kept, mut rows) = (HashSet::new(), Vec::new());
        let mut ended: Vec<EndedProcess> = Vec::new();
        for row in &frame.processes {
            let chosen = keep(row);
            // Of a process that was left out before, what it did since then stands in no row of its own.
            let told = chosen && (self.kept.contains(&row.key) || is_born(row, time));
            if let Some(before) = before.as_deref().filter(|_| !told) {
                grow(&mut other, before.process(&row.key), row, time);
            }
            if chosen {
                kept.insert(row.key);
                rows.push(row.clone());
            } else {
                add_levels(&mut other, row);
            }
        }
        for one in &frame.ended {
            let earlier = before.as_deref().and_then(|before| before.process(&one.row.key));
            let known = earlier.or_else(|| self.departed.row(&one.row.key).filter(|_| before.is_some()));
            let told = if known.is_some() { self.kept.contains(&one.row.key) } else { keep(&one.row) };
            if told {
                ended.push(one.clone());
            } else if before.is_some() {
                grow(&mut other, known, &one.row, time);
            }
        }
        if let Some(elapsed) = frame.elapsed.filter(|_| before.is_some()) {
            other.rates = rates::between(&earlier, &other, elapsed);
        }
        rows.insert(0, other.clone());
        self.departed.follow(before.as_ref(), frame);
        kept.extend(self.kept.iter().filter(|key| self.departed.row(key).is_some()));
        self.kept = kept;
        self.other = other;
        self.before = Some(Arc::clone(frame));
        Arc::new(Frame { processes: rows, ended, ..Frame::clone(frame) })
    }

    /// The row of the others with the counters so far and no levels yet.
    fn begin(&self, earlier: &ProcessRow, frame: &Frame) -> ProcessRow {
        let key = ProcessKey { boot: frame.host.boot.short(), ..earlier.key };
        let started = frame.host.boot_time;
        let age = u64::try_from(frame.wall.0.saturating_sub(started.0)).unwrap_or(0);
        ProcessRow {
            cpu: earlier.cpu,
            faults: earlier.faults,
            io: earlier.io,
            switches: earlier.switches,
            run_delay: earlier.run_delay,
            net: earlier.net,
            started,
            age: Duration::from_nanos(age),
            ..empty(key, &self.descriptor)
        }
    }
}

fn is_born(row: &ProcessRow, time: Duration) -> bool {
    row.age <= time + AGE_BLUR
}

fn empty(key: ProcessKey, descriptor: &Arc<Descriptor>) -> ProcessRow {
    ProcessRow {
        key,
        ppid: 0,
        tgid: 0,
        state: ProcessState(b'S'),
        kernel_thread: false,
        quarantined: false,
        started: Wall(0),
        age: Duration::ZERO,
        uid: 0,
        euid: 0,
        gid: 0,
        threads: 0,
        nice: 0,
        policy: 0,
        descriptor: Arc::clone(descriptor),
        label: Arc::from(OTHER.as_bytes()),
        cpu: CpuCounters::default(),
        faults: Faults::default(),
        memory: Reading::Known(Memory::default()),
        io: Reading::Known(Io::default()),
        switches: Reading::Known(Switches::default()),
        run_delay: Reading::Known(CpuTime(0)),
        net: Reading::Known(Net::default()),
        pss: Reading::Pending,
        fds: Reading::Known(Fds::default()),
        oom: Reading::Absent,
        wchan: Reading::Absent,
        rates: Rates::PENDING,
    }
}

/// Adds to the counters what a process did since the frame before.
fn grow(other: &mut ProcessRow, before: Option<&ProcessRow>, row: &ProcessRow, time: Duration) {
    if before.is_none() && !is_born(row, time) {
        return;
    }
    let since = |now: u64, before: Option<u64>| now.saturating_sub(before.unwrap_or(0));
    let time_since = |now: CpuTime, before: Option<CpuTime>| CpuTime(since(now.0, before.map(|time| time.0)));
    let bytes_since = |now: Bytes, before: Option<Bytes>| Bytes(since(now.0, before.map(|bytes| bytes.0)));
    other.cpu.user = other.cpu.user.plus(time_since(row.cpu.user, before.map(|row| row.cpu.user)));
    other.cpu.system = other.cpu.system.plus(time_since(row.cpu.system, before.map(|row| row.cpu.system)));
    add(&mut other.faults.minor, since(row.faults.minor, before.map(|row| row.faults.minor)));
    add(&mut other.faults.major, since(row.faults.major, before.map(|row| row.faults.major)));
    if let (Reading::Known(sum), Some((now, then))) = (&mut other.io, both(before, row, |row| &row.io)) {
        sum.read = sum.read.plus(bytes_since(now.read, then.map(|io| io.read)));
        sum.written = sum.written.plus(bytes_since(now.written, then.map(|io| io.written)));
        sum.read_chars = sum.read_chars.plus(bytes_since(now.read_chars, then.map(|io| io.read_chars)));
        sum.written_chars = sum.written_chars.plus(bytes_since(now.written_chars, then.map(|io| io.written_chars)));
        add(&mut sum.read_calls, since(now.read_calls, then.map(|io| io.read_calls)));
        add(&mut sum.write_calls, since(now.write_calls, then.map(|io| io.write_calls)));
    }
    if let (Reading::Known(sum), Some((now, then))) = (&mut other.switches, both(before, row, |row| &row.switches)) {
        add(&mut sum.voluntary, since(now.voluntary, then.map(|switches| switches.voluntary)));
        add(&mut sum.involuntary, since(now.involuntary, then.map(|switches| switches.involuntary)));
    }
    if let (Reading::Known(sum), Some((now, then))) = (&mut other.run_delay, both(before, row, |row| &row.run_delay)) {
        *sum = sum.plus(time_since(*now, then.copied()));
    }
    if let (Reading::Known(sum), Some((now, then))) = (&mut other.net, both(before, row, |row| &row.net)) {
        sum.received = sum.received.plus(bytes_since(now.received, then.map(|net| net.received)));
        sum.sent = sum.sent.plus(bytes_since(now.sent, then.map(|net| net.sent)));
        add(&mut sum.receive_calls, since(now.receive_calls, then.map(|net| net.receive_calls)));
        add(&mut sum.send_calls, since(now.send_calls, then.map(|net| net.send_calls)));
    }
}

/// Both readings where both are known, or the later one of a process that was just born.
fn both<'a, T>(
    before: Option<&'a ProcessRow>,
    row: &'a ProcessRow,
    take: fn(&ProcessRow) -> &Reading<T>,
) -> Option<(&'a T, Option<&'a T>)> {
    let now = take(row).get()?;
    match before {
        None => Some((now, None)),
        Some(before) => take(before).get().map(|before| (now, Some(before))),
    }
}

fn add(sum: &mut u64, more: u64) {
    *sum = sum.saturating_add(more);
}

/// Adds what a process holds now.
fn add_levels(other: &mut ProcessRow, row: &ProcessRow) {
    other.threads = other.threads.saturating_add(row.threads);
    if let (Reading::Known(sum), Some(more)) = (&mut other.memory, row.memory.get()) {
        for (sum, more) in [
            (&mut sum.size, more.size),
            (&mut sum.peak, more.peak),
            (&mut sum.locked, more.locked),
            (&mut sum.pinned, more.pinned),
            (&mut sum.high_water, more.high_water),
            (&mut sum.resident, more.resident),
            (&mut sum.data, more.data),
            (&mut sum.stack, more.stack),
            (&mut sum.text, more.text),
            (&mut sum.library, more.library),
            (&mut sum.page_tables, more.page_tables),
            (&mut sum.swap, more.swap),
        ] {
            *sum = sum.plus(more);
        }
    }
    if let Some(more) = row.pss.get() {
        let sum = other.pss.get().copied().unwrap_or_default();
        other.pss = Reading::Known(Pss {
            proportional: sum.proportional.plus(more.proportional),
            unique: sum.unique.plus(more.unique),
            swap: sum.swap.plus(more.swap),
            age: sum.age.max(more.age),
        });
    }
    if let (Reading::Known(sum), Some(more)) = (&mut other.fds, row.fds.get()) {
        add(&mut sum.open, more.open);
    }
}

#[cfg(test)]
mod tests {
    use procyon_units::Wall;

    use super::*;
    use crate::conformance::script::Script;
    use crate::memory::Memory as Kept;
    use crate::{GroupBy, History, TopQuestion};

    /// Processes that come, go, and cross every threshold, again and again.
    fn restless() -> Script {
        let mut script = Script::new();
        let mut keys: Vec<_> = (10..40).map(|pid| script.start_earlier(pid, "app", 60_000)).collect();
        script.tick();
        for round in 0_u64..60 {
            for (n, key) in (0_u64..).zip(&keys) {
                script.burn(*key, (round * 7 + n * 13) % 90 * n);
                let row = script.process(*key);
                row.faults.minor += n * round;
                if let Reading::Known(io) = &mut row.io {
                    io.written.0 += 1000 * ((round + n) % 5);
                }
                if let Reading::Known(memory) = &mut row.memory {
                    memory.resident = Bytes(1 + (round * n) % 50);
                }
            }
            if round % 4 == 1 {
                let gone = keys.remove(usize::try_from(round % 11).unwrap());
                script.end(gone, Reading::Unsupported);
                keys.push(script.start(gone.pid + 100, "app"));
            }
            let brief = script.start(5, "brief");
            script.burn(brief, 30 + round);
            script.end(brief, Reading::Unsupported);
            if round == 30 {
                script.away(Duration::from_mins(1));
            }
            script.tick();
        }
        script
    }

    fn sum(history: &Kept, script: &Script, by: &str) -> f64 {
        let (from, to) = (Wall(script.at(0).0 - 1), script.now());
        let question = TopQuestion { from, to, by: by.to_owned(), group: GroupBy::Process, n: 0 };
        history.top(&question).unwrap().other_mean
    }

    #[test]
    fn sums_over_all_processes_stay_whatever_is_left_out() {
        let script = restless();
        let whole = Kept::new(1000);
        script.frames.iter().for_each(|frame| whole.push(frame));
        let busy: fn(&ProcessRow) -> bool = |row| row.rates.cpu().is_some_and(|cores| cores.0 > 0.5);
        let filters: [fn(&ProcessRow) -> bool; 5] =
            [busy, |_| true, |_| false, |row| row.key.pid % 2 == 0, |row| row.age.as_secs() > 62];
        for (number, filter) in filters.into_iter().enumerate() {
            let (mut reducer, reduced) = (Reducer::new(), Kept::new(1000));
            for frame in &script.frames {
                reduced.push(&reducer.reduce(frame, filter));
            }
            for by in ["cpu", "write", "minflt", "rss", "threads"] {
                let (got, wanted) = (sum(&reduced, &script, by), sum(&whole, &script, by));
                assert!((got - wanted).abs() <= 1e-9 * wanted, "filter {number}, {by}: {got}, not {wanted}");
            }
        }
    }

    #[test]
    fn what_is_left_out_is_one_row_in_front() {
        let script = restless();
        let mut reducer = Reducer::new();
        let frames: Vec<_> = script.frames.iter().map(|frame| reducer.reduce(frame, |row| row.key.pid == 12)).collect();
        for frame in &frames {
            assert!(frame.processes.is_sorted_by_key(|row| row.key.pid));
            assert!(frame.processes.len() <= 2);
            assert_eq!((&*frame.processes[0].label, frame.processes[0].key.pid), (&b"other"[..], 0));
        }
        let cores = frames[5].processes[0].rates.cpu().unwrap().0;
        let whole: f64 = script.frames[5].processes.iter().filter_map(|row| row.rates.cpu()).map(|cores| cores.0).sum();
        assert!(cores > whole - 1.0, "{cores} {whole}");
        assert!(frames.windows(2).all(|pair| pair[0].processes[0].cpu.user <= pair[1].processes[0].cpu.user));
    }
}
