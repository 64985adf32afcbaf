//! Containers and units: from the path of a control group, and by name from the engine's socket.

mod engine;
mod http;
mod place;

pub(crate) use engine::{EngineSource, Names};
pub(crate) use place::place;

use std::collections::BTreeMap;
use std::sync::Arc;

use procyon_model::machine::Container;
use procyon_model::process::ProcessRow;
use procyon_units::{Bytes, Cores, PerSecond};

/// Sums the processes of each container.
pub(crate) fn sums(rows: &[ProcessRow], names: &Names) -> Arc<[Container]> {
    let mut containers: BTreeMap<&[u8], Container> = BTreeMap::new();
    for row in rows.iter().filter(|row| !row.descriptor.container.is_empty()) {
        let container = containers.entry(&row.descriptor.container).or_insert_with(|| start(row, names));
        container.processes += 1;
        container.resident = container.resident.plus(row.memory.get().map_or(Bytes(0), |memory| memory.resident));
        add(&mut container.cpu, row.rates.cpu(), |a, b| Cores(a.0 + b.0));
        let io = row.rates.io.get();
        add(&mut container.read, io.map(|io| io.read), |a, b| PerSecond(a.0 + b.0));
        add(&mut container.written, io.map(|io| io.written), |a, b| PerSecond(a.0 + b.0));
    }
    containers.into_values().collect()
}

fn start(row: &ProcessRow, names: &Names) -> Container {
    let text = |bytes: &[u8]| -> Box<str> { String::from_utf8_lossy(bytes).into() };
    let found = place(&row.descriptor.cgroup).container;
    let id = found.map_or(&b""[..], |found| found.id);
    Container {
        name: text(&row.descriptor.container),
        id: text(id),
        engine: found.map_or("", |found| found.engine).into(),
        image: names.image(id).into(),
        cgroup: text(&row.descriptor.cgroup),
        ..Container::default()
    }
}

fn add<T: Copy>(sum: &mut Option<T>, value: Option<T>, plus: fn(T, T) -> T) {
    if let Some(value) = value {
        *sum = Some(sum.map_or(value, |sum| plus(sum, value)));
    }
}
