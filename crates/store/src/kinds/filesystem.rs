//! Mounted file systems.

use procyon_model::machine::{Filesystem, FilesystemState, Space};
use procyon_units::Bytes;

use crate::column::Shape::{Level, Text};
use crate::column::{Cells, Fill, columns};
use crate::kinds::{Key, Kind, Tick, near};
use crate::reading::{code, reading};
use crate::texts::Texts;

columns! {
    MOUNT = "filesystem_mount", Text;
    DEVICE = "filesystem_device", Text;
    ORDER = "filesystem_order", Level;
    TYPE = "filesystem_type", Text;
    FLAGS = "filesystem_flags", Level;
    STATE = "filesystem_state", Level;
    READINGS = "filesystem_readings", Level;
    SIZE = "filesystem_size_bytes", Level;
    FREE = "filesystem_free_bytes", Level;
    AVAILABLE = "filesystem_available_bytes", Level;
    INODES = "filesystem_inodes", Level;
    INODES_FREE = "filesystem_inodes_free", Level;
}

const STATES: [FilesystemState; 3] = [FilesystemState::Ok, FilesystemState::Timeout, FilesystemState::Error];

/// Mounted file systems.
pub(crate) struct Filesystems;

impl Kind for Filesystems {
    type Row = Filesystem;
    const AT: usize = 6;
    const ORDER: Option<usize> = Some(ORDER);

    fn key(row: &Filesystem, texts: &mut Texts) -> Key {
        [texts.number(0, row.mount.as_bytes()), texts.number(0, row.device.as_bytes()), 0, 0, 0, 0]
    }

    fn write(row: &Filesystem, _: &Tick, old: Option<Cells<'_>>, texts: &mut Texts, new: &mut Fill<'_>) -> i64 {
        new.set(MOUNT, texts.number(near(old, MOUNT), row.mount.as_bytes()));
        new.set(DEVICE, texts.number(near(old, DEVICE), row.device.as_bytes()));
        new.set(TYPE, texts.number(near(old, TYPE), row.kind.as_bytes()));
        new.flag(FLAGS, 0, row.read_only);
        new.set(STATE, STATES.iter().position(|s| *s == row.state).and_then(|at| at.try_into().ok()).unwrap_or(0));
        new.code(READINGS, 0, code(&row.space));
        if let Some(space) = row.space.get() {
            new.count(SIZE, space.size.0);
            new.count(FREE, space.free.0);
            new.count(AVAILABLE, space.available.0);
            new.count(INODES, space.inodes);
            new.count(INODES_FREE, space.inodes_free);
        }
        0
    }

    fn read(cells: Cells<'_>, _: Cells<'_>, _: &Tick, texts: &Texts) -> Filesystem {
        let state = usize::try_from(cells.get(STATE)).ok().and_then(|at| STATES.get(at));
        Filesystem {
            mount: texts.string(cells.get(MOUNT)),
            device: texts.string(cells.get(DEVICE)),
            kind: texts.string(cells.get(TYPE)),
            read_only: cells.flag(FLAGS, 0),
            state: state.copied().unwrap_or_default(),
            space: reading(cells.code(READINGS, 0), || Space {
                size: Bytes(cells.count(SIZE)),
                free: Bytes(cells.count(FREE)),
                available: Bytes(cells.count(AVAILABLE)),
                inodes: cells.count(INODES),
                inodes_free: cells.count(INODES_FREE),
            }),
        }
    }
}
