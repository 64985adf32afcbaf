//! Processor cores.

use procyon_model::machine::{Core, CpuModes};
use procyon_units::{CpuTime, Reading};

use crate::column::Shape::{Counter, Float, Level};
use crate::column::{ALL_GROUPS, Cells, Fill, columns};
use crate::kinds::{Key, Kind, Tick};
use crate::reading::{EXPLICIT, code, reading};
use crate::texts::Texts;

columns! {
    ID = "core_id", Level;
    ORDER = "core_order", Level;
    READINGS = "core_readings", Level;
    FREQUENCY = "core_frequency_hertz", Level;
    USER = "core_user_nanoseconds", Counter(0);
    NICE = "core_nice_nanoseconds", Counter(0);
    SYSTEM = "core_system_nanoseconds", Counter(0);
    IDLE = "core_idle_nanoseconds", Counter(0);
    IOWAIT = "core_iowait_nanoseconds", Counter(0);
    IRQ = "core_irq_nanoseconds", Counter(0);
    SOFTIRQ = "core_softirq_nanoseconds", Counter(0);
    STEAL = "core_steal_nanoseconds", Counter(0);
    GUEST = "core_guest_nanoseconds", Counter(0);
    GUEST_NICE = "core_guest_nice_nanoseconds", Counter(0);
    SHARE_USER = "core_user_ratio", Float;
    SHARE_NICE = "core_nice_ratio", Float;
    SHARE_SYSTEM = "core_system_ratio", Float;
    SHARE_IDLE = "core_idle_ratio", Float;
    SHARE_IOWAIT = "core_iowait_ratio", Float;
    SHARE_IRQ = "core_irq_ratio", Float;
    SHARE_SOFTIRQ = "core_softirq_ratio", Float;
    SHARE_STEAL = "core_steal_ratio", Float;
    SHARE_GUEST = "core_guest_ratio", Float;
    SHARE_GUEST_NICE = "core_guest_nice_ratio", Float;
}

/// Code of the share in [`READINGS`]; that of the frequency is 1.
const SHARE: u32 = 0;

/// Processor cores.
pub(crate) struct Cores;

impl Kind for Cores {
    type Row = Core;
    const AT: usize = 3;
    const ORDER: Option<usize> = Some(ORDER);

    fn key(row: &Core, _: &mut Texts) -> Key {
        [i64::from(row.id), 0, 0, 0, 0, 0]
    }

    fn write(row: &Core, tick: &Tick, old: Option<Cells<'_>>, _: &mut Texts, new: &mut Fill<'_>) -> i64 {
        new.set(ID, i64::from(row.id));
        write_times(&row.time, USER, new);
        new.code(READINGS, 1, code(&row.frequency));
        new.count(FREQUENCY, row.frequency.get().copied().unwrap_or(0));
        let start = if old.is_some() && tick.follows { 0 } else { ALL_GROUPS };
        let derived = old.filter(|_| start == 0).and_then(|old| {
            let time = |place| CpuTime(u64::try_from(new.get(place).wrapping_sub(old.get(place))).unwrap_or(0));
            shares(&times(time, USER))
        });
        match row.share {
            Reading::Known(share) if derived == Some(share) => {}
            Reading::Known(share) => {
                new.code(READINGS, SHARE, EXPLICIT);
                write_floats(&share, SHARE_USER, new);
            }
            other => new.code(READINGS, SHARE, code(&other)),
        }
        start
    }

    fn read(cells: Cells<'_>, grown: Cells<'_>, _: &Tick, _: &Texts) -> Core {
        Core {
            id: cells.small(ID),
            time: times(|place| CpuTime(cells.count(place)), USER),
            share: match cells.code(READINGS, SHARE) {
                0 => {
                    let time = |place| CpuTime(u64::try_from(grown.get(place)).unwrap_or(0));
                    shares(&times(time, USER)).map_or(Reading::Pending, Reading::Known)
                }
                code => reading(code, || times(|place| cells.float(place), SHARE_USER)),
            },
            frequency: reading(cells.code(READINGS, 1), || cells.count(FREQUENCY)),
        }
    }
}

/// Shares of a core's own time, as the collector takes them.
fn shares(grown: &CpuModes<CpuTime>) -> Option<CpuModes<f64>> {
    let CpuModes { user, nice, system, idle, iowait, irq, softirq, steal, guest, guest_nice } = *grown;
    let all: CpuTime = [user, nice, system, idle, iowait, irq, softirq, steal, guest, guest_nice].into_iter().sum();
    (all.0 > 0).then(|| grown.map(|time| time.seconds() / all.seconds()))
}

/// Ten places from the first on, as modes.
pub(crate) fn times<T>(at: impl Fn(usize) -> T, first: usize) -> CpuModes<T> {
    CpuModes {
        user: at(first),
        nice: at(first + 1),
        system: at(first + 2),
        idle: at(first + 3),
        iowait: at(first + 4),
        irq: at(first + 5),
        softirq: at(first + 6),
        steal: at(first + 7),
        guest: at(first + 8),
        guest_nice: at(first + 9),
    }
}

pub(crate) fn write_times(modes: &CpuModes<CpuTime>, first: usize, new: &mut Fill<'_>) {
    let list = [
        modes.user,
        modes.nice,
        modes.system,
        modes.idle,
        modes.iowait,
        modes.irq,
        modes.softirq,
        modes.steal,
        modes.guest,
        modes.guest_nice,
    ];
    for (at, time) in list.into_iter().enumerate() {
        new.count(first + at, time.0);
    }
}

pub(crate) fn write_floats(modes: &CpuModes<f64>, first: usize, new: &mut Fill<'_>) {
    let list = [
        modes.user,
        modes.nice,
        modes.system,
        modes.idle,
        modes.iowait,
        modes.irq,
        modes.softirq,
        modes.steal,
        modes.guest,
        modes.guest_nice,
    ];
    for (at, value) in list.into_iter().enumerate() {
        new.float(first + at, value);
    }
}
