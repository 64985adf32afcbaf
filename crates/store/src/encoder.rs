//! From frames to records: remembers every living thing and writes down what changed.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

use procyon_history::late;
use procyon_model::Frame;
use procyon_model::frame::{Aged, EndedProcess};
use procyon_units::Mono;

use crate::column::{ALL_GROUPS, Cells, Fill, nanos};
use crate::kinds::connection::Connections;
use crate::kinds::container::Containers;
use crate::kinds::core::Cores;
use crate::kinds::disk::Disks;
use crate::kinds::filesystem::Filesystems;
use crate::kinds::host::{self, Before, Host};
use crate::kinds::interface::Interfaces;
use crate::kinds::process::{self, Process};
use crate::kinds::sensor::Sensors;
use crate::kinds::user::Users;
use crate::kinds::{COUNT, Key, Kind, Tick, columns, width};
use crate::order;
use crate::record;
use crate::row::{self, CARRIED, ENDED, FRESH, GONE};
use crate::texts::Texts;

/// Writes down what changed from frame to frame.
#[derive(Debug, Default)]
pub(crate) struct Encoder {
    kinds: [Things; COUNT],
    texts: Texts,
    words_told: usize,
    descriptors_told: usize,
    before: Option<Before>,
    /// Lists that are read at their own pace, to know them again without looking.
    lists: [Option<(usize, Mono)>; COUNT],
    /// Rows of processes since the segment began.
    rows: u64,
    /// How long the texts were with which it began.
    carried: usize,
    body: Vec<u8>,
}

/// The living things of a kind.
#[derive(Debug, Default)]
struct Things {
    by_key: HashMap<Key, u32, BuildHasherDefault<Spread>>,
    /// Things get numbers in the order in which they appear; one that is gone leaves its place empty.
    cells: Vec<Option<Living>>,
    living: Vec<u32>,
    turn: u64,
    /// Processes that are gone and whose end may still be told: their cells, and when they went (monotonic).
    departed: HashMap<Key, (Box<[i64]>, i64)>,
}

/// Finds out from rows that are read back which processes are gone without an end.
#[derive(Debug, Default)]
pub(crate) struct Departed(HashMap<Key, (Box<[i64]>, i64)>, i64);

impl Departed {
    /// Takes note of a row; those of the machine precede those of processes.
    pub(crate) fn take(&mut self, kind: usize, flags: u8, cells: &[i64]) {
        if kind == Host::AT {
            self.1 = Cells(cells).get(host::MONO);
        } else if kind == Process::AT && flags & ENDED != 0 {
            self.0.remove(&key_of(kind, Cells(cells)));
        } else if kind == Process::AT && flags & GONE != 0 {
            self.0.insert(key_of(kind, Cells(cells)), (cells.into(), self.1));
        }
    }
}

/// Spreads keys over a table. They are numbers that the kernel gives out, looked up for every row of every frame.
#[derive(Debug, Default)]
struct Spread(u64);

impl Hasher for Spread {
    fn write(&mut self, bytes: &[u8]) {
        let (words, rest) = bytes.as_chunks::<8>();
        for word in words {
            self.write_u64(u64::from_le_bytes(*word));
        }
        for byte in rest {
            self.write_u64(u64::from(*byte));
        }
    }

    fn write_u64(&mut self, word: u64) {
        self.0 = (self.0.rotate_left(23) ^ word).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    }

    fn finish(&self) -> u64 {
        self.0 ^ self.0 >> 29
    }
}

#[derive(Debug)]
struct Living {
    cells: Box<[i64]>,
    key: Key,
    /// The turn in which it was last seen.
    seen: u64,
    /// Whether no row told of it yet.
    fresh: bool,
}

impl Encoder {
    /// Continues where a segment that was read back ends.
    pub(crate) fn resume(
        kinds: [Vec<Option<Box<[i64]>>>; COUNT],
        texts: Texts,
        before: Option<Before>,
        (rows, departed): (u64, Departed),
    ) -> Self {
        let mut encoder = Self {
            words_told: texts.words().len(),
            descriptors_told: texts.descriptors().len(),
            texts,
            before,
            rows,
            ..Self::default()
        };
        if let Some(things) = encoder.kinds.get_mut(Process::AT) {
            things.departed = departed.0;
        }
        for (kind, (things, cells)) in encoder.kinds.iter_mut().zip(kinds).enumerate() {
            for (number, cells) in (0_u32..).zip(cells) {
                let key = cells.as_ref().map(|cells| things.free_key(key_of(kind, Cells(cells))));
                if let Some(key) = key {
                    things.by_key.insert(key, number);
                    things.living.push(number);
                }
                things.cells.push(cells.zip(key).map(|(cells, key)| Living { cells, key, seen: 0, fresh: false }));
            }
        }
        encoder
    }

    /// Rows of processes since the segment began.
    pub(crate) const fn rows(&self) -> u64 {
        self.rows
    }

    /// How long the texts are that came since the segment began.
    pub(crate) const fn new_texts(&self) -> usize {
        self.texts.bytes().saturating_sub(self.carried)
    }

    /// Begins a new segment: a record that holds everything that lives, as it was last seen. None when nothing was.
    pub(crate) fn carry(&mut self) -> Option<Vec<u8>> {
        let before = self.before?;
        let old = std::mem::take(self);
        self.before = Some(before);
        let mut out = Vec::new();
        let mut body = Vec::new();
        for (kind, things) in old.kinds.into_iter().enumerate() {
            let start = body.len();
            let mut count = 0_usize;
            let Some(new) = self.kinds.get_mut(kind) else { continue };
            let mut cells_of = things.cells;
            for number in things.living {
                let place = usize::try_from(number).ok();
                let Some(mut living) = place.and_then(|place| cells_of.get_mut(place)).and_then(Option::take) else {
                    continue;
                };
                renumber(kind, &mut living.cells, &old.texts, &mut self.texts);
                living.key = new.free_key(key_of(kind, Cells(&living.cells)));
                living.seen = 0;
                let number = u32::try_from(new.cells.len()).unwrap_or(u32::MAX);
                record::put_row(&mut body, number, |out| {
                    row::put(out, columns(kind), (CARRIED, ALL_GROUPS), Cells(&[]), Cells(&living.cells))
                });
                new.by_key.insert(living.key, number);
                new.living.push(number);
                new.cells.push(Some(living));
                count += 1;
            }
            for (key, (mut cells, since)) in things.departed {
                renumber(kind, &mut cells, &old.texts, &mut self.texts);
                new.departed.insert(key, (cells, since));
            }
            record::seal_kind(&mut body, start, count);
        }
        record::put_head(&mut out, before.wall.unix_ms(), &self.texts, (0, 0));
        self.carried = self.texts.bytes();
        self.words_told = self.texts.words().len();
        self.descriptors_told = self.texts.descriptors().len();
        out.extend_from_slice(&body);
        Some(out)
    }

    /// The record of a frame.
    pub(crate) fn frame(&mut self, frame: &Frame) -> Vec<u8> {
        let tick = host::tick_of(frame, self.before.as_ref());
        self.body.clear();
        self.put_all::<Host>(std::slice::from_ref(frame), &tick);
        let rows = self.put_processes(frame, &tick);
        self.rows += rows;
        self.put_aged::<Connections>(&frame.connections, &tick);
        self.put_all::<Cores>(&frame.machine.cores, &tick);
        self.put_all::<Disks>(&frame.machine.disks, &tick);
        self.put_all::<Interfaces>(&frame.machine.interfaces, &tick);
        self.put_aged::<Filesystems>(&frame.filesystems, &tick);
        self.put_all::<Sensors>(&frame.machine.sensors, &tick);
        self.put_aged::<Users>(&frame.users, &tick);
        self.put_all::<Containers>(&frame.containers, &tick);
        self.before = Some(Before::of(frame));
        let mut out = Vec::with_capacity(self.body.len() + 64);
        record::put_head(&mut out, frame.wall.unix_ms(), &self.texts, (self.words_told, self.descriptors_told));
        self.words_told = self.texts.words().len();
        self.descriptors_told = self.texts.descriptors().len();
        out.extend_from_slice(&self.body);
        out
    }

    fn put_all<K: Kind>(&mut self, rows: &[K::Row], tick: &Tick) {
        let start = self.body.len();
        let Some(things) = self.kinds.get_mut(K::AT) else { return };
        let mut count = things.put_list::<K>(rows, tick, &mut self.texts, &mut self.body);
        count += things.bury(K::AT, &mut self.body, drop);
        record::seal_kind(&mut self.body, start, count);
    }

    /// Lists that are shared by frames until they are read again cost nothing until then.
    fn put_aged<K: Kind>(&mut self, list: &Aged<K::Row>, tick: &Tick) {
        // An address may be used again for another list; so the time of the reading has to agree as well.
        let now = list.taken.map(|taken| (list.items.as_ptr().addr(), taken));
        let before = self.lists.get_mut(K::AT).and_then(|before| std::mem::replace(before, now));
        if now.is_some() && before == now {
            let end = self.body.len();
            record::seal_kind(&mut self.body, end, 0);
            return;
        }
        self.put_all::<K>(&list.items, tick);
    }

    fn put_processes(&mut self, frame: &Frame, tick: &Tick) -> u64 {
        let start = self.body.len();
        let Some(things) = self.kinds.get_mut(Process::AT) else { return 0 };
        let longest = nanos(late::patience(frame.pace.actual));
        things.departed.retain(|_, (_, since)| tick.follows && tick.mono.saturating_sub(*since) <= longest);
        let mut count = things.put_list::<Process>(&frame.processes, tick, &mut self.texts, &mut self.body);
        for ended in &frame.ended {
            count += things.put_ended(ended, tick, &mut self.texts, &mut self.body);
        }
        let mut departed = Vec::new();
        count += things.bury(Process::AT, &mut self.body, |gone| departed.push((gone.key, (gone.cells, tick.mono))));
        things.departed.extend(departed);
        record::seal_kind(&mut self.body, start, count);
        u64::try_from(count).unwrap_or(u64::MAX)
    }
}

impl Things {
    /// The key, or the first twin of it that nobody has.
    fn free_key(&self, mut key: Key) -> Key {
        while self.by_key.contains_key(&key) {
            let [.., twin] = &mut key;
            *twin += 1;
        }
        key
    }

    /// The thing of this key that was not seen in this turn; none where it is new. The key becomes that of its twin.
    fn find(&self, key: &mut Key) -> Option<u32> {
        while let Some(number) = self.by_key.get(key) {
            if self.living(*number).is_some_and(|living| living.seen != self.turn) {
                return Some(*number);
            }
            let [.., twin] = key;
            *twin += 1;
        }
        None
    }

    fn living(&self, number: u32) -> Option<&Living> {
        self.cells.get(usize::try_from(number).ok()?)?.as_ref()
    }

    fn living_mut(&mut self, number: u32) -> Option<&mut Living> {
        self.cells.get_mut(usize::try_from(number).ok()?)?.as_mut()
    }

    /// Writes the rows of a list that changed; answers how many.
    fn put_list<K: Kind>(&mut self, rows: &[K::Row], tick: &Tick, texts: &mut Texts, body: &mut Vec<u8>) -> usize {
        self.turn += 1;
        let mut found = Vec::with_capacity(rows.len());
        for row in rows {
            let mut key = K::key(row, texts);
            let number = self.find(&mut key);
            let number = number.unwrap_or_else(|| self.add(K::AT, key));
            let turn = self.turn;
            let before = self.living_mut(number).and_then(|living| {
                living.seen = turn;
                K::ORDER.filter(|_| !living.fresh).map(|place| Cells(&living.cells).get(place))
            });
            found.push((number, before));
        }
        let orders = K::ORDER.map(|_| order::assign(&found.iter().map(|(_, before)| *before).collect::<Vec<_>>()));
        let mut count = 0;
        let mut new = vec![0; width(K::AT)];
        for (at, (row, (number, _))) in rows.iter().zip(&found).enumerate() {
            let place = K::ORDER.zip(orders.as_ref().and_then(|orders| orders.get(at).copied()));
            count += usize::from(self.put::<K>(row, (*number, 0), tick, texts, &mut new, body, |fill, _| {
                if let Some((place, order)) = place {
                    fill.set(place, order);
                }
            }));
        }
        count
    }

    /// A new thing, whose cells are empty until its first row.
    fn add(&mut self, kind: usize, key: Key) -> u32 {
        let number = u32::try_from(self.cells.len()).unwrap_or(u32::MAX);
        self.by_key.insert(key, number);
        self.living.push(number);
        self.cells.push(Some(Living { cells: vec![0; width(kind)].into(), key, seen: 0, fresh: true }));
        number
    }

    /// Writes one row if it changed.
    fn put<K: Kind>(
        &mut self,
        row: &K::Row,
        (number, flags): (u32, u8),
        tick: &Tick,
        texts: &mut Texts,
        new: &mut [i64],
        body: &mut Vec<u8>,
        finish: impl FnOnce(&mut Fill<'_>, &mut Texts),
    ) -> bool {
        let Some(living) = self.living_mut(number) else { return false };
        new.fill(0);
        let born = std::mem::take(&mut living.fresh);
        let old = Some(Cells(&living.cells)).filter(|_| !born);
        let mut fill = Fill(new);
        let start = K::write(row, tick, old, texts, &mut fill);
        finish(&mut fill, texts);
        let changed = record::put_row(body, number, |out| {
            row::put(out, columns(K::AT), (flags | (u8::from(born) * FRESH), start), Cells(&living.cells), Cells(new))
        });
        if changed {
            living.cells.copy_from_slice(new);
        }
        changed
    }

    /// Writes the last row of a process; answers how many rows that took.
    fn put_ended(&mut self, ended: &EndedProcess, tick: &Tick, texts: &mut Texts, body: &mut Vec<u8>) -> usize {
        let mut key = Process::key(&ended.row, texts);
        let found = self.find(&mut key);
        let late = if found.is_none() { self.departed.remove(&key) } else { None };
        let rows = 1 + usize::from(late.is_some());
        let number = found.unwrap_or_else(|| self.add(Process::AT, key));
        if let (Some((cells, _)), Some(living)) = (late, self.living_mut(number)) {
            // What was so when it was last seen is no news, but what its last figures grew from.
            record::put_row(body, number, |out| {
                row::put(out, columns(Process::AT), (CARRIED, ALL_GROUPS), Cells(&[]), Cells(&cells))
            });
            (living.cells, living.fresh) = (cells, false);
        }
        let mut new = vec![0; width(Process::AT)];
        self.put::<Process>(&ended.row, (number, GONE | ENDED), tick, texts, &mut new, body, |fill, texts| {
            process::write_end(ended, tick, texts, fill);
        });
        self.remove(number);
        rows
    }

    fn remove(&mut self, number: u32) -> Option<Living> {
        let living = self.cells.get_mut(usize::try_from(number).ok()?)?.take()?;
        self.by_key.remove(&living.key);
        Some(living)
    }

    /// Writes that what was not seen in this turn is gone, and hands it over; answers how many.
    fn bury(&mut self, kind: usize, body: &mut Vec<u8>, mut gone: impl FnMut(Living)) -> usize {
        let turn = self.turn;
        let mut count = 0;
        let living = std::mem::take(&mut self.living);
        for number in living {
            match self.living(number) {
                Some(thing) if thing.seen == turn => self.living.push(number),
                Some(thing) => {
                    let cells = Cells(&thing.cells);
                    record::put_row(body, number, |out| row::put(out, columns(kind), (GONE, 0), cells, cells));
                    count += 1;
                    self.remove(number).map(&mut gone).unwrap_or_default();
                }
                None => {}
            }
        }
        count
    }
}

/// The key of a thing that was read back, without what tells twins apart.
fn key_of(kind: usize, cells: Cells<'_>) -> Key {
    use crate::kinds::{connection, container, core, disk, filesystem, interface, sensor, user};
    let places: &[usize] = match kind {
        Process::AT => &[process::PID, process::START, process::BOOT],
        Connections::AT => {
            &[connection::PROTOCOL, connection::LOCAL, connection::REMOTE, connection::INODE, connection::NAMESPACE]
        }
        Cores::AT => &[core::ID],
        Disks::AT => &[disk::NAME],
        Interfaces::AT => &[interface::NAME],
        Filesystems::AT => &[filesystem::MOUNT, filesystem::DEVICE],
        Sensors::AT => &[sensor::CHIP, sensor::NAME],
        Users::AT => &[user::NAME, user::TTY, user::PID, user::LOGIN],
        Containers::AT => &[container::ID, container::NAME],
        _ => &[],
    };
    let mut key = [0; 6];
    for (number, place) in key.iter_mut().zip(places) {
        *number = cells.get(*place);
    }
    if kind == Connections::AT {
        let [protocol, ..] = &mut key;
        *protocol = i64::from(*protocol >= 2);
    }
    key
}

/// Gives the texts of a row the numbers of another list.
fn renumber(kind: usize, cells: &mut [i64], old: &Texts, new: &mut Texts) {
    for (column, cell) in columns(kind).iter().zip(cells) {
        match column.shape {
            crate::column::Shape::Text => *cell = new.number(0, &old.word(*cell)),
            crate::column::Shape::Strings => *cell = new.strings(0, &old.descriptor(*cell)),
            crate::column::Shape::Passing => *cell = 0,
            _ => {}
        }
    }
}
