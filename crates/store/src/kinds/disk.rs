//! Whole disks.

use procyon_model::machine::{Disk, DiskRates};
use procyon_model::rates::per_second;
use procyon_units::{Bytes, PerSecond, Ratio, Reading};

use crate::column::Shape::{Counter, Float, Level, Text};
use crate::column::{ALL_GROUPS, Cells, Fill, columns};
use crate::kinds::{Key, Kind, Tick, near};
use crate::reading::{code, reading};
use crate::texts::Texts;

columns! {
    NAME = "disk_name", Text;
    ORDER = "disk_order", Level;
    MODEL = "disk_model", Text;
    READINGS = "disk_readings", Level;
    SIZE = "disk_size_bytes", Level;
    COUNTS = "disk_counts", Level;
    READ = "disk_read_bytes", Counter(0);
    WRITTEN = "disk_write_bytes", Counter(0);
    RATE_READ = "disk_read_bytes_per_second", Float;
    RATE_WRITTEN = "disk_write_bytes_per_second", Float;
    READS = "disk_reads_per_second", Float;
    WRITES = "disk_writes_per_second", Float;
    BUSY = "disk_busy_ratio", Float;
    WAIT = "disk_request_wait_seconds", Float;
    QUEUE = "disk_queue_length", Float;
    /// Which of the five before hold what came in the frame, and not what comes each second.
    COUNTS_OF = "disk_counted", Level;
}

/// Codes in [`READINGS`]: size, rates, and whether bytes each second follow from growth (0) or stand for themselves (1).
const RATES: u32 = 1;
const BYTES: u32 = 2;

/// Whole disks.
pub(crate) struct Disks;

impl Kind for Disks {
    type Row = Disk;
    const AT: usize = 4;
    const ORDER: Option<usize> = Some(ORDER);

    fn key(row: &Disk, texts: &mut Texts) -> Key {
        [texts.number(0, row.name.as_bytes()), 0, 0, 0, 0, 0]
    }

    fn write(row: &Disk, tick: &Tick, old: Option<Cells<'_>>, texts: &mut Texts, new: &mut Fill<'_>) -> i64 {
        new.set(NAME, texts.number(near(old, NAME), row.name.as_bytes()));
        new.set(MODEL, texts.number(near(old, MODEL), row.model.as_bytes()));
        new.code(READINGS, 0, code(&row.size));
        new.code(READINGS, RATES, code(&row.rates));
        new.count(SIZE, row.size.get().map_or(0, |size| size.0));
        new.set(COUNTS, i64::from(row.counts));
        new.count(READ, row.read_total.0);
        new.count(WRITTEN, row.written_total.0);
        let start = if old.is_some() && tick.follows { 0 } else { ALL_GROUPS };
        if let Reading::Known(rates) = &row.rates {
            new.rate(READS, (COUNTS_OF, 0), rates.reads.0, (1.0, tick));
            new.rate(WRITES, (COUNTS_OF, 1), rates.writes.0, (1.0, tick));
            new.rate(BUSY, (COUNTS_OF, 2), rates.busy.0, (1e3, tick));
            new.float(WAIT, rates.wait);
            new.rate(QUEUE, (COUNTS_OF, 3), rates.queue, (1e3, tick));
            let derived = old.filter(|_| start == 0).map(|old| {
                let rate = |place| rate(new.get(place).wrapping_sub(old.get(place)), tick);
                (rate(READ), rate(WRITTEN))
            });
            if derived != Some((Some(rates.read), Some(rates.written))) {
                new.code(READINGS, BYTES, 1);
                new.float(RATE_READ, rates.read.0);
                new.float(RATE_WRITTEN, rates.written.0);
            }
        }
        start
    }

    fn read(cells: Cells<'_>, grown: Cells<'_>, tick: &Tick, texts: &Texts) -> Disk {
        let bytes = |counter, place| match cells.code(READINGS, BYTES) {
            0 => rate(grown.get(counter), tick).unwrap_or_default(),
            _ => PerSecond(cells.float(place)),
        };
        Disk {
            name: texts.string(cells.get(NAME)),
            model: texts.string(cells.get(MODEL)),
            size: reading(cells.code(READINGS, 0), || Bytes(cells.count(SIZE))),
            counts: cells.flag(COUNTS, 0),
            read_total: Bytes(cells.count(READ)),
            written_total: Bytes(cells.count(WRITTEN)),
            rates: reading(cells.code(READINGS, RATES), || DiskRates {
                read: bytes(READ, RATE_READ),
                written: bytes(WRITTEN, RATE_WRITTEN),
                reads: PerSecond(cells.rate(READS, (COUNTS_OF, 0), (1.0, tick))),
                writes: PerSecond(cells.rate(WRITES, (COUNTS_OF, 1), (1.0, tick))),
                busy: Ratio(cells.rate(BUSY, (COUNTS_OF, 2), (1e3, tick))),
                wait: cells.float(WAIT),
                queue: cells.rate(QUEUE, (COUNTS_OF, 3), (1e3, tick)),
            }),
        }
    }
}

/// Growth each second.
pub(crate) fn rate(grown: i64, tick: &Tick) -> Option<PerSecond> {
    per_second(0, u64::try_from(grown).unwrap_or(0), tick.elapsed?)
}
