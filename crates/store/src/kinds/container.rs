//! Containers.

use procyon_model::machine::Container;
use procyon_units::{Bytes, Cores, PerSecond};

use crate::column::Shape::{Float, Level, Text};
use crate::column::{Cells, Fill, columns};
use crate::kinds::{Key, Kind, Tick, near};
use crate::texts::Texts;

columns! {
    ID = "container_id", Text;
    NAME = "container_name", Text;
    ORDER = "container_order", Level;
    ENGINE = "container_engine", Text;
    IMAGE = "container_image", Text;
    CGROUP = "container_cgroup", Text;
    FLAGS = "container_flags", Level;
    PROCESSES = "container_processes", Level;
    RESIDENT = "container_resident_memory_bytes", Level;
    CPU = "container_cpu_cores", Float;
    READ = "container_read_bytes_per_second", Float;
    WRITTEN = "container_write_bytes_per_second", Float;
}

/// Containers.
pub(crate) struct Containers;

impl Kind for Containers {
    type Row = Container;
    const AT: usize = 9;
    const ORDER: Option<usize> = Some(ORDER);

    fn key(row: &Container, texts: &mut Texts) -> Key {
        [texts.number(0, row.id.as_bytes()), texts.number(0, row.name.as_bytes()), 0, 0, 0, 0]
    }

    fn write(row: &Container, _: &Tick, old: Option<Cells<'_>>, texts: &mut Texts, new: &mut Fill<'_>) -> i64 {
        new.set(ID, texts.number(near(old, ID), row.id.as_bytes()));
        new.set(NAME, texts.number(near(old, NAME), row.name.as_bytes()));
        new.set(ENGINE, texts.number(near(old, ENGINE), row.engine.as_bytes()));
        new.set(IMAGE, texts.number(near(old, IMAGE), row.image.as_bytes()));
        new.set(CGROUP, texts.number(near(old, CGROUP), row.cgroup.as_bytes()));
        new.flag(FLAGS, 0, row.cpu.is_some());
        new.flag(FLAGS, 1, row.read.is_some());
        new.flag(FLAGS, 2, row.written.is_some());
        new.count(PROCESSES, row.processes);
        new.count(RESIDENT, row.resident.0);
        new.float(CPU, row.cpu.map_or(0.0, |cpu| cpu.0));
        new.float(READ, row.read.map_or(0.0, |read| read.0));
        new.float(WRITTEN, row.written.map_or(0.0, |written| written.0));
        0
    }

    fn read(cells: Cells<'_>, _: Cells<'_>, _: &Tick, texts: &Texts) -> Container {
        Container {
            name: texts.string(cells.get(NAME)),
            id: texts.string(cells.get(ID)),
            engine: texts.string(cells.get(ENGINE)),
            image: texts.string(cells.get(IMAGE)),
            cgroup: texts.string(cells.get(CGROUP)),
            processes: cells.count(PROCESSES),
            cpu: cells.flag(FLAGS, 0).then(|| Cores(cells.float(CPU))),
            resident: Bytes(cells.count(RESIDENT)),
            read: cells.flag(FLAGS, 1).then(|| PerSecond(cells.float(READ))),
            written: cells.flag(FLAGS, 2).then(|| PerSecond(cells.float(WRITTEN))),
        }
    }
}
