//! A whole frame.

use std::collections::HashMap;
use std::sync::Arc;

use procyon_history::HistoryError;
use procyon_model::Frame;
use procyon_model::frame::EndedProcess;

use crate::column::{Cells, Shape};
use crate::kinds::connection::Connections;
use crate::kinds::container::Containers;
use crate::kinds::core::Cores;
use crate::kinds::disk::Disks;
use crate::kinds::filesystem::Filesystems;
use crate::kinds::host::{self, Host};
use crate::kinds::interface::Interfaces;
use crate::kinds::process::{self, Process};
use crate::kinds::sensor::Sensors;
use crate::kinds::user::Users;
use crate::kinds::{Kind, Tick, columns, width};
use crate::now::Until;
use crate::row::{self, CARRIED, ENDED, GONE};
use crate::segment::{Row, Segment};
use crate::texts::Texts;
use crate::varint::{Cursor, Nonsense};

/// The state of a thing at an instant.
#[derive(Debug, Clone)]
pub(crate) struct State {
    /// Instant of the last row.
    at_ms: i64,
    cells: Box<[i64]>,
    grown: Box<[i64]>,
}

impl State {
    pub(crate) fn new(kind: usize) -> Self {
        Self { at_ms: i64::MIN, cells: vec![0; width(kind)].into(), grown: vec![0; width(kind)].into() }
    }

    /// Takes in a row that has all columns.
    pub(crate) fn take(&mut self, kind: usize, row: &Row<'_>) {
        self.at_ms = if row.has(CARRIED) { i64::MIN } else { row.at_ms };
        let cells = self.cells.iter_mut().zip(&mut self.grown);
        for ((column, value), (cell, grown)) in columns(kind).iter().zip(row.values).zip(cells) {
            match column.shape {
                Shape::Counter(group) => {
                    *cell = cell.wrapping_add(*value);
                    *grown = if row.start >> group & 1 == 1 { 0 } else { *value };
                }
                _ => *cell = *value,
            }
        }
    }

    /// Takes in a row of a log; answers its flags.
    pub(crate) fn apply(
        &mut self,
        kind: usize,
        at_ms: i64,
        row: &mut Cursor<'_>,
        until: Until,
    ) -> Result<u8, Nonsense> {
        if until == Until::Later {
            // What it grew by is of no interest, and is not asked for: the frame is another one.
            let head = row::apply(row, columns(kind), &mut self.cells)?;
            self.at_ms = i64::MIN;
            return Ok(head.flags);
        }
        self.grown.copy_from_slice(&self.cells);
        let head = row::apply(row, columns(kind), &mut self.cells)?;
        self.at_ms = if head.flags & CARRIED == 0 { at_ms } else { i64::MIN };
        for ((column, grown), cell) in columns(kind).iter().zip(&mut self.grown).zip(&self.cells) {
            *grown = match column.shape {
                Shape::Counter(group) if head.start >> group & 1 == 0 => cell.wrapping_sub(*grown),
                _ => 0,
            };
        }
        Ok(head.flags)
    }

    /// A state whose cells are filled one after the other; its last row is of this instant.
    pub(crate) fn at(kind: usize, at_ms: i64) -> Self {
        Self { at_ms, ..Self::new(kind) }
    }

    /// Sets a cell.
    pub(crate) fn set(&mut self, place: usize, value: i64) {
        if let Some(cell) = self.cells.get_mut(place) {
            *cell = value;
        }
    }

    /// Adds to a cell.
    pub(crate) fn add(&mut self, place: usize, difference: i64) {
        if let Some(cell) = self.cells.get_mut(place) {
            *cell = cell.wrapping_add(difference);
        }
    }

    /// Sets what a cell grew by in the last row.
    pub(crate) fn grew(&mut self, place: usize, by: i64) {
        if let Some(growth) = self.grown.get_mut(place) {
            *growth = by;
        }
    }

    pub(crate) fn cells(&self) -> Cells<'_> {
        Cells(&self.cells)
    }

    /// The row of the model at the instant of a frame.
    pub(crate) fn row<K: Kind>(&self, at_ms: i64, tick: &Tick, texts: &Texts) -> K::Row {
        let grown: &[i64] = if self.at_ms == at_ms { &self.grown } else { &[] };
        K::read(self.cells(), Cells(grown), tick, texts)
    }

    /// The end of a process, told by the frame at this instant.
    pub(crate) fn ended(&self, at_ms: i64, tick: &Tick, texts: &Texts) -> EndedProcess {
        process::read_end(self.row::<Process>(at_ms, tick, texts), self.cells(), tick, texts)
    }
}

/// Things of one kind at an instant: those that live, and those whose end its frame tells.
#[derive(Debug)]
pub(crate) struct Things {
    /// In order of their numbers.
    pub(crate) living: Vec<State>,
    pub(crate) ended: Vec<State>,
    pub(crate) texts: Arc<Texts>,
}

fn things(segment: &dyn Segment, kind: usize, at_ms: i64) -> Result<Things, HistoryError> {
    if let Some(things) = segment.things_at(kind, at_ms)? {
        return Ok(things);
    }
    let all: Vec<usize> = (0..width(kind)).collect();
    let mut living: HashMap<usize, State> = HashMap::new();
    let mut ended = Vec::new();
    let texts = segment.visit(kind, &all, at_ms, &mut |row| {
        living.entry(row.thing).or_insert_with(|| State::new(kind)).take(kind, &row);
        if row.has(GONE) {
            let state = living.remove(&row.thing);
            ended.extend(state.filter(|_| row.has(ENDED) && row.at_ms == at_ms));
        }
    })?;
    let mut living: Vec<_> = living.into_iter().collect();
    living.sort_unstable_by_key(|(thing, _)| *thing);
    let living = living.into_iter().map(|(_, state)| state).collect();
    Ok(Things { living, ended, texts: Arc::new(texts) })
}

/// The living things of a kind, in their order in the frame.
fn list<K: Kind>(mut things: Things, at_ms: i64, tick: &Tick) -> Vec<K::Row> {
    if let Some(order) = K::ORDER {
        things.living.sort_by_key(|state| state.cells().get(order));
    }
    things.living.iter().map(|state| state.row::<K>(at_ms, tick, &things.texts)).collect()
}

/// The frame at an instant; none when the segment has none then.
pub(crate) fn frame(segment: &dyn Segment, at_ms: i64) -> Result<Option<Frame>, HistoryError> {
    if let Some((mut now, texts)) = segment.all_at(at_ms)? {
        let mut ended = Some(std::mem::take(&mut now.ended));
        return assemble(at_ms, |kind| {
            let things = now.kinds.get_mut(kind).map(std::mem::take).unwrap_or_default();
            let ended = if kind == Process::AT { ended.take().unwrap_or_default() } else { Vec::new() };
            Ok(Things { living: things.into_iter().flatten().collect(), ended, texts: Arc::clone(&texts) })
        });
    }
    assemble(at_ms, |kind| things(segment, kind, at_ms))
}

/// Puts a frame together from the things of its kinds.
pub(crate) fn assemble(
    at_ms: i64,
    mut things: impl FnMut(usize) -> Result<Things, HistoryError>,
) -> Result<Option<Frame>, HistoryError> {
    let host = things(Host::AT)?;
    let Some(state) = host.living.first() else { return Ok(None) };
    let tick = host::tick(state.cells());
    let mut frame = state.row::<Host>(at_ms, &tick, &host.texts);
    let processes = things(Process::AT)?;
    frame.processes =
        processes.living.iter().map(|state| state.row::<Process>(at_ms, &tick, &processes.texts)).collect();
    frame.processes.sort_by_key(|row| row.key.pid);
    frame.ended = processes.ended.iter().map(|state| state.ended(at_ms, &tick, &processes.texts)).collect();
    frame.ended.sort_by_key(|ended| ended.row.key);
    frame.connections.items = list::<Connections>(things(Connections::AT)?, at_ms, &tick).into();
    frame.machine.cores = list::<Cores>(things(Cores::AT)?, at_ms, &tick);
    frame.machine.disks = list::<Disks>(things(Disks::AT)?, at_ms, &tick);
    frame.machine.interfaces = list::<Interfaces>(things(Interfaces::AT)?, at_ms, &tick);
    frame.filesystems.items = list::<Filesystems>(things(Filesystems::AT)?, at_ms, &tick).into();
    frame.machine.sensors = list::<Sensors>(things(Sensors::AT)?, at_ms, &tick);
    frame.users.items = list::<Users>(things(Users::AT)?, at_ms, &tick).into();
    frame.containers = Arc::from(list::<Containers>(things(Containers::AT)?, at_ms, &tick));
    Ok(Some(frame))
}
