//! Everything that is kept, behind one lock.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use procyon_model::frame::EndedProcess;
use procyon_model::{Frame, ProcessKey};
use procyon_units::Wall;

use crate::ended::Ended;
use crate::grid::{Grid, Range};
use crate::host::HostRing;
use crate::ring::{Ring, Sampler};
use crate::top::{Memory, Top, TopEntry};
use crate::{Limits, ProcessLine, Usage};

/// How many frames pass between two times of tidying up.
const TIDY_EVERY: u32 = 10;

#[derive(Debug)]
pub(crate) struct State {
    limits: Limits,
    /// Number and civil time (Unix ms) of each frame that is kept.
    times: VecDeque<(u32, i64)>,
    next: u32,
    host: HostRing,
    rings: HashMap<ProcessKey, Ring>,
    ended: Ended,
    sampler: Sampler,
    memory: Memory,
    dropped: u64,
    bytes: usize,
}

impl State {
    pub(crate) fn new(limits: Limits) -> Self {
        Self {
            limits,
            times: VecDeque::new(),
            next: 0,
            host: HostRing::default(),
            rings: HashMap::new(),
            ended: Ended::default(),
            sampler: Sampler::new(),
            memory: Memory::default(),
            dropped: 0,
            bytes: 0,
        }
    }

    pub(crate) fn record(&mut self, frame: &Arc<Frame>) {
        let number = self.next;
        // 28 bits of frames are 8 years at one a second; the wrap would start over.
        self.next = (number + 1) & 0x0fff_ffff;
        if self.next == 0 {
            self.start_over();
            return;
        }
        self.times.push_back((number, frame.wall.unix_ms()));
        self.host.push(number, frame);
        for row in &frame.processes {
            let sample = self.sampler.take(row);
            match self.rings.get_mut(&row.key) {
                Some(ring) => ring.push(number, row, sample),
                None => drop(self.rings.insert(row.key, Ring::new(number, row, sample))),
            }
        }
        self.ended.push(frame, self.limits.window);
        if number.is_multiple_of(TIDY_EVERY) {
            self.tidy(frame.wall);
        }
    }

    /// Forgets everything.
    pub(crate) fn start_over(&mut self) {
        *self = Self::new(self.limits);
    }

    fn tidy(&mut self, now: Wall) {
        let window = i64::try_from(self.limits.window.as_millis()).unwrap_or(i64::MAX);
        let oldest = now.unix_ms().saturating_sub(window);
        // By count as well: a clock that was set back must not keep everything.
        let most = usize::try_from(self.limits.window.as_secs()).unwrap_or(usize::MAX).saturating_mul(2).max(16);
        while self.times.front().is_some_and(|(_, at)| *at < oldest) || self.times.len() > most {
            self.times.pop_front();
        }
        self.forget();
        self.count();
        // Who ended long ago is missed less than what the living did.
        while self.bytes > self.limits.bytes && self.ended.bytes() > self.limits.bytes / 8 && self.ended.halve() {
            self.count();
        }
        while self.bytes > self.limits.bytes && self.times.len() > 16 {
            let tenth = (self.times.len() / 10).max(1);
            self.times.drain(..tenth);
            self.dropped += self.forget();
            self.count();
        }
        if self.bytes > self.limits.bytes {
            self.drop_dead();
            self.count();
        }
    }

    /// Forgets what is older than the first frame that is kept. Returns how many values went.
    fn forget(&mut self) -> u64 {
        let Some((first, _)) = self.times.front().copied() else { return 0 };
        self.host.forget_before(first);
        let mut gone = 0;
        self.rings.retain(|_, ring| {
            if ring.last < first {
                gone += 1;
                return false;
            }
            gone += ring.forget_before(first);
            true
        });
        if self.rings.capacity() > 4 * self.rings.len() + 256 {
            self.rings.shrink_to(self.rings.len() * 2);
        }
        u64::try_from(gone).unwrap_or(u64::MAX)
    }

    /// The last resort: processes that ended go before their time, oldest first.
    fn drop_dead(&mut self) {
        let newest = self.newest();
        let mut dead: Vec<(u32, ProcessKey)> =
            self.rings.iter().filter(|(_, ring)| ring.last < newest).map(|(key, ring)| (ring.last, *key)).collect();
        dead.sort_unstable();
        for (_, key) in dead.into_iter().take(self.rings.len() / 2 + 1) {
            self.rings.remove(&key);
            self.dropped += 1;
        }
    }

    fn count(&mut self) {
        let entry = size_of::<ProcessKey>() + size_of::<Ring>() + 1;
        self.bytes = self.host.bytes()
            + self.times.capacity() * size_of::<(u32, i64)>()
            + self.rings.capacity() * entry
            + self.rings.values().map(|ring| ring.bytes(self.newest())).sum::<usize>()
            + self.ended.bytes();
    }

    /// Instant of the oldest frame that is kept.
    pub(crate) fn since(&self) -> Option<Wall> {
        self.times.front().map(|(_, at)| Wall::from_unix_ms(*at))
    }

    fn newest(&self) -> u32 {
        self.times.back().map_or(0, |(number, _)| *number)
    }

    pub(crate) fn grid(&self, range: Range) -> Grid {
        Grid::new(range, self.times.iter().copied())
    }

    pub(crate) fn host(&self, grid: &Grid, figures: &[usize]) -> Vec<Vec<Option<f64>>> {
        figures.iter().map(|figure| self.host.read(grid, *figure)).collect()
    }

    pub(crate) fn process(&self, grid: &Grid, key: &ProcessKey, columns: &[usize]) -> Option<ProcessLine> {
        self.rings.get(key).map(|ring| line(grid, *key, ring, columns))
    }

    pub(crate) fn all_processes(&self, grid: &Grid, columns: &[usize], most: usize) -> Vec<ProcessLine> {
        let newest = self.newest();
        let mut alive: Vec<_> = self.rings.iter().filter(|(_, ring)| ring.last == newest).collect();
        alive.sort_unstable_by_key(|(key, _)| **key);
        alive.into_iter().take(most).map(|(key, ring)| line(grid, *key, ring, columns)).collect()
    }

    pub(crate) fn top(&mut self, from: Wall, to: Wall, column: usize, n: usize) -> Top {
        let grid = self.grid(Range { from, to, step: Duration::from_hours(1) });
        let Ok(frames) = u32::try_from(grid.frames.len()) else { return Top::default() };
        let entries = self.rings.iter().filter_map(|(key, ring)| {
            let mean = ring.sum(&grid, column)? / f64::from(frames.max(1));
            (mean > 0.0).then(|| TopEntry {
                key: *key,
                label: Arc::clone(&ring.label),
                descriptor: Arc::clone(&ring.descriptor),
                mean,
                first: 0,
                last: 0,
            })
        });
        let entries = entries.collect();
        let mut top = Top { frames: grid.frames.len(), ..self.memory.choose((column, n), entries) };
        for entry in &mut top.entries {
            let Some(ring) = self.rings.get(&entry.key) else { continue };
            let mut times = self.times.iter().filter(|(number, at)| {
                (ring.first..=ring.last).contains(number) && (from.unix_ms()..=to.unix_ms()).contains(at)
            });
            entry.first = times.next().map_or(0, |(_, at)| *at);
            entry.last = times.next_back().map_or(entry.first, |(_, at)| *at);
        }
        top
    }

    pub(crate) fn ended(&self, from: Wall) -> Vec<Arc<EndedProcess>> {
        self.ended.since(from)
    }

    pub(crate) fn end_of(&self, key: &ProcessKey) -> Option<Arc<EndedProcess>> {
        self.ended.of(key)
    }

    pub(crate) fn usage(&self) -> Usage {
        Usage { bytes: self.bytes, limit: self.limits.bytes, dropped: self.dropped + self.ended.dropped, missed: 0 }
    }
}

fn line(grid: &Grid, key: ProcessKey, ring: &Ring, columns: &[usize]) -> ProcessLine {
    let values = columns.iter().map(|column| ring.read(grid, *column)).collect();
    ProcessLine { key, label: Arc::clone(&ring.label), title: ring.descriptor.title.clone(), values }
}
