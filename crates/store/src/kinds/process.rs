//! Processes.

use std::time::Duration;

use procyon_model::ProcessKey;
use procyon_model::frame::{Death, EndedProcess, Exit, Sender};
use procyon_model::process::{
    CpuCounters, Faults, Fds, Io, IoRates, Memory, Net, NetRates, Oom, ProcessRow, ProcessState, Pss, Rates, Switches,
};
use procyon_model::rates::{cores, per_second};
use procyon_units::{Bytes, Cores, CpuTime, PerSecond, Reading, Ticks, Wall};

use crate::column::Shape::{self, Change, Counter, Float, Level, Moment, Passing, Strings, Text};
use crate::column::{ALL_GROUPS, Cells, Fill, columns, duration, nanos};
use crate::kinds::{Key, Kind, Tick, near};
use crate::reading::{EXPLICIT, code, reading};
use crate::texts::Texts;

columns! {
    PID = "process_pid", Level;
    START = "process_start_ticks", Change;
    BOOT = "process_boot", Level;
    PPID = "process_parent_pid", Change;
    /// Less the pid.
    TGID = "process_thread_group_difference", Change;
    STATE = "process_state", Change;
    FLAGS = "process_flags", Change;
    STARTED = "process_start_timestamp_nanoseconds", Change;
    /// Less the ticks at which it started, which is the same in most cases.
    SINCE_BOOT = "process_start_difference_nanoseconds", Change;
    UID = "process_uid", Change;
    EUID = "process_effective_uid", Change;
    GID = "process_gid", Change;
    THREADS = "process_threads", Change;
    NICE = "process_nice", Change;
    POLICY = "process_scheduling_policy", Change;
    DESCRIPTOR = "process_descriptor", Strings;
    LABEL = "process_label", Text;
    WCHAN = "process_wait_channel", Text;
    READINGS = "process_readings", Level;
    CPU_USER = "process_cpu_user_nanoseconds", Counter(0);
    CPU_SYSTEM = "process_cpu_system_nanoseconds", Counter(0);
    MINOR = "process_minor_faults", Counter(0);
    MAJOR = "process_major_faults", Counter(0);
    SIZE = "process_virtual_memory_bytes", Change;
    PEAK = "process_virtual_memory_peak_bytes", Change;
    LOCKED = "process_locked_memory_bytes", Change;
    PINNED = "process_pinned_memory_bytes", Change;
    HIGH_WATER = "process_resident_memory_peak_bytes", Change;
    RESIDENT = "process_resident_memory_bytes", Change;
    DATA = "process_data_memory_bytes", Change;
    STACK = "process_stack_memory_bytes", Change;
    TEXT = "process_text_memory_bytes", Change;
    LIBRARY = "process_library_memory_bytes", Change;
    PAGE_TABLES = "process_page_table_bytes", Change;
    SWAP = "process_swap_bytes", Change;
    READ = "process_read_bytes", Counter(1);
    WRITTEN = "process_write_bytes", Counter(1);
    READ_CHARS = "process_read_chars_bytes", Counter(1);
    WRITTEN_CHARS = "process_write_chars_bytes", Counter(1);
    READ_CALLS = "process_read_calls", Counter(1);
    WRITE_CALLS = "process_write_calls", Counter(1);
    VOLUNTARY = "process_voluntary_switches", Counter(2);
    INVOLUNTARY = "process_involuntary_switches", Counter(2);
    RUN_DELAY = "process_run_delay_nanoseconds", Counter(3);
    RECEIVED = "process_network_receive_bytes", Counter(4);
    SENT = "process_network_transmit_bytes", Counter(4);
    RECEIVE_CALLS = "process_network_receive_calls", Counter(4);
    SEND_CALLS = "process_network_transmit_calls", Counter(4);
    PSS = "process_proportional_memory_bytes", Change;
    USS = "process_unique_memory_bytes", Change;
    SWAP_PSS = "process_proportional_swap_bytes", Change;
    PSS_TAKEN = "process_proportional_memory_read_nanoseconds", Moment;
    FDS = "process_open_fds", Change;
    FD_LIMIT = "process_max_fds", Change;
    OOM_SCORE = "process_oom_score", Change;
    OOM_ADJUSTMENT = "process_oom_score_adjustment", Change;
    RATES = "process_rates", Change;
    RATE_CPU_USER = "process_cpu_user_cores", Float;
    RATE_CPU_SYSTEM = "process_cpu_system_cores", Float;
    RATE_MINOR = "process_minor_faults_per_second", Float;
    RATE_MAJOR = "process_major_faults_per_second", Float;
    RATE_READ = "process_read_bytes_per_second", Float;
    RATE_WRITTEN = "process_write_bytes_per_second", Float;
    RATE_READ_CHARS = "process_read_chars_bytes_per_second", Float;
    RATE_WRITTEN_CHARS = "process_write_chars_bytes_per_second", Float;
    RATE_VOLUNTARY = "process_voluntary_switches_per_second", Float;
    RATE_INVOLUNTARY = "process_involuntary_switches_per_second", Float;
    RATE_RUN_DELAY = "process_run_delay_cores", Float;
    RATE_RECEIVED = "process_network_receive_bytes_per_second", Float;
    RATE_SENT = "process_network_transmit_bytes_per_second", Float;
    /// 0 while alive, 1 ended unknown how, 2 + code, 258 + signal, 1000 + why it is not known.
    EXIT = "process_exit", Passing;
    /// From the instant of the frame to the one at which it was found gone.
    ENDED_AT = "process_ended_offset_nanoseconds", Passing;
    /// What else the kernel told of an end, a bit each: [`told`].
    DEATH = "process_death", Passing;
    /// Who sent the signal that ended it.
    SENDER_PID = "process_ended_by_pid", Passing;
    SENDER_UID = "process_ended_by_uid", Passing;
    /// Empty while alive, so that it needs no passing.
    SENDER_NAME = "process_ended_by_name", Text;
}

/// Bits of [`DEATH`].
mod told {
    pub(super) const SENDER: u32 = 0;
    pub(super) const OOM: u32 = 1;
    pub(super) const CORE: u32 = 2;
    pub(super) const FINAL: u32 = 3;
}

/// Readings, three bits each, in [`READINGS`].
pub(crate) mod readings {
    pub(crate) const MEMORY: u32 = 0;
    pub(crate) const IO: u32 = 1;
    pub(crate) const SWITCHES: u32 = 2;
    pub(crate) const RUN_DELAY: u32 = 3;
    pub(crate) const NET: u32 = 4;
    pub(crate) const PSS: u32 = 5;
    pub(crate) const FDS: u32 = 6;
    pub(crate) const OOM: u32 = 7;
    pub(crate) const WCHAN: u32 = 8;
    /// A bit: whether the limit of open files is known.
    pub(crate) const FD_LIMIT_BIT: u32 = 27;
}

/// Tolerance with which the collector calls a process new.
const NEWBORN: Duration = Duration::from_millis(20);

/// Processes.
pub(crate) struct Process;

/// Counters that become known together: their group, their reading, and where they stand.
const GROUPS: &[(u8, u32, &[usize])] = &[
    (1, readings::IO, &[READ, WRITTEN, READ_CHARS, WRITTEN_CHARS, READ_CALLS, WRITE_CALLS]),
    (2, readings::SWITCHES, &[VOLUNTARY, INVOLUNTARY]),
    (3, readings::RUN_DELAY, &[RUN_DELAY]),
    (4, readings::NET, &[RECEIVED, SENT, RECEIVE_CALLS, SEND_CALLS]),
];

impl Kind for Process {
    type Row = ProcessRow;
    const AT: usize = 1;
    const ORDER: Option<usize> = None;

    fn key(row: &ProcessRow, _: &mut Texts) -> Key {
        [i64::from(row.key.pid), row.key.start.0.cast_signed(), i64::from(row.key.boot), 0, 0, 0]
    }

    fn write(row: &ProcessRow, tick: &Tick, old: Option<Cells<'_>>, texts: &mut Texts, new: &mut Fill<'_>) -> i64 {
        new.set(PID, i64::from(row.key.pid));
        new.count(START, row.key.start.0);
        new.set(BOOT, i64::from(row.key.boot));
        new.set(PPID, i64::from(row.ppid));
        new.set(TGID, i64::from(row.tgid) - i64::from(row.key.pid));
        new.set(STATE, i64::from(row.state.0));
        new.flag(FLAGS, 0, row.kernel_thread);
        new.flag(FLAGS, 1, row.quarantined);
        new.set(STARTED, row.started.0);
        new.set(SINCE_BOOT, tick.uptime.saturating_sub(nanos(row.age)).wrapping_sub(by_ticks(row.key.start)));
        new.set(UID, i64::from(row.uid));
        new.set(EUID, i64::from(row.euid));
        new.set(GID, i64::from(row.gid));
        new.set(THREADS, i64::from(row.threads));
        new.set(NICE, i64::from(row.nice));
        new.set(POLICY, i64::from(row.policy));
        new.set(DESCRIPTOR, texts.strings(near(old, DESCRIPTOR), &row.descriptor));
        new.set(LABEL, texts.number(near(old, LABEL), &row.label));
        if let Reading::Known(wchan) = &row.wchan {
            new.set(WCHAN, texts.number(near(old, WCHAN), wchan));
        }
        levels(row, tick, new);
        counters(row, new);
        let start = starts(row, tick, old, new);
        write_rates(row, tick, old, start, new);
        start
    }

    fn read(cells: Cells<'_>, grown: Cells<'_>, tick: &Tick, texts: &Texts) -> ProcessRow {
        let known = |at| cells.code(READINGS, at);
        let bytes = |place| Bytes(cells.count(place));
        ProcessRow {
            key: key(cells),
            ppid: cells.small(PPID),
            tgid: u32::try_from(cells.get(PID).wrapping_add(cells.get(TGID))).unwrap_or(0),
            state: ProcessState(u8::try_from(cells.get(STATE)).unwrap_or(0)),
            kernel_thread: cells.flag(FLAGS, 0),
            quarantined: cells.flag(FLAGS, 1),
            started: Wall(cells.get(STARTED)),
            age: duration(
                tick.uptime.saturating_sub(cells.get(SINCE_BOOT).wrapping_add(by_ticks(Ticks(cells.count(START))))),
            ),
            uid: cells.small(UID),
            euid: cells.small(EUID),
            gid: cells.small(GID),
            threads: cells.small(THREADS),
            nice: i32::try_from(cells.get(NICE)).unwrap_or(0),
            policy: cells.small(POLICY),
            descriptor: texts.descriptor(cells.get(DESCRIPTOR)),
            label: texts.word(cells.get(LABEL)),
            cpu: CpuCounters { user: CpuTime(cells.count(CPU_USER)), system: CpuTime(cells.count(CPU_SYSTEM)) },
            faults: Faults { minor: cells.count(MINOR), major: cells.count(MAJOR) },
            memory: reading(known(readings::MEMORY), || Memory {
                size: bytes(SIZE),
                peak: bytes(PEAK),
                locked: bytes(LOCKED),
                pinned: bytes(PINNED),
                high_water: bytes(HIGH_WATER),
                resident: bytes(RESIDENT),
                data: bytes(DATA),
                stack: bytes(STACK),
                text: bytes(TEXT),
                library: bytes(LIBRARY),
                page_tables: bytes(PAGE_TABLES),
                swap: bytes(SWAP),
            }),
            io: reading(known(readings::IO), || Io {
                read: bytes(READ),
                written: bytes(WRITTEN),
                read_chars: bytes(READ_CHARS),
                written_chars: bytes(WRITTEN_CHARS),
                read_calls: cells.count(READ_CALLS),
                write_calls: cells.count(WRITE_CALLS),
            }),
            switches: reading(known(readings::SWITCHES), || Switches {
                voluntary: cells.count(VOLUNTARY),
                involuntary: cells.count(INVOLUNTARY),
            }),
            run_delay: reading(known(readings::RUN_DELAY), || CpuTime(cells.count(RUN_DELAY))),
            net: reading(known(readings::NET), || Net {
                received: bytes(RECEIVED),
                sent: bytes(SENT),
                receive_calls: cells.count(RECEIVE_CALLS),
                send_calls: cells.count(SEND_CALLS),
            }),
            pss: reading(known(readings::PSS), || Pss {
                proportional: bytes(PSS),
                unique: bytes(USS),
                swap: bytes(SWAP_PSS),
                age: duration(tick.mono.saturating_sub(cells.get(PSS_TAKEN))),
            }),
            fds: reading(known(readings::FDS), || Fds {
                open: cells.count(FDS),
                limit: cells.flag(READINGS, readings::FD_LIMIT_BIT).then(|| cells.count(FD_LIMIT)),
            }),
            oom: reading(known(readings::OOM), || Oom {
                score: cells.small(OOM_SCORE),
                adjustment: i32::try_from(cells.get(OOM_ADJUSTMENT)).unwrap_or(0),
            }),
            wchan: reading(known(readings::WCHAN), || texts.word(cells.get(WCHAN))),
            rates: read_rates(cells, grown, tick),
        }
    }
}

/// The key of a row.
pub(crate) fn key(cells: Cells<'_>) -> ProcessKey {
    ProcessKey { pid: cells.small(PID), start: Ticks(cells.count(START)), boot: cells.small(BOOT) }
}

/// Nanoseconds since boot of ticks.
const fn by_ticks(ticks: Ticks) -> i64 {
    ticks.cpu_time().0.cast_signed()
}

/// Everything that is what it is.
fn levels(row: &ProcessRow, tick: &Tick, new: &mut Fill<'_>) {
    let codes = [
        (readings::MEMORY, code(&row.memory)),
        (readings::IO, code(&row.io)),
        (readings::SWITCHES, code(&row.switches)),
        (readings::RUN_DELAY, code(&row.run_delay)),
        (readings::NET, code(&row.net)),
        (readings::PSS, code(&row.pss)),
        (readings::FDS, code(&row.fds)),
        (readings::OOM, code(&row.oom)),
        (readings::WCHAN, code(&row.wchan)),
    ];
    for (at, code) in codes {
        new.code(READINGS, at, code);
    }
    if let Reading::Known(memory) = &row.memory {
        for (place, bytes) in [
            (SIZE, memory.size),
            (PEAK, memory.peak),
            (LOCKED, memory.locked),
            (PINNED, memory.pinned),
            (HIGH_WATER, memory.high_water),
            (RESIDENT, memory.resident),
            (DATA, memory.data),
            (STACK, memory.stack),
            (TEXT, memory.text),
            (LIBRARY, memory.library),
            (PAGE_TABLES, memory.page_tables),
            (SWAP, memory.swap),
        ] {
            new.count(place, bytes.0);
        }
    }
    if let Reading::Known(pss) = &row.pss {
        new.count(PSS, pss.proportional.0);
        new.count(USS, pss.unique.0);
        new.count(SWAP_PSS, pss.swap.0);
        new.set(PSS_TAKEN, tick.mono.saturating_sub(nanos(pss.age)));
    }
    if let Reading::Known(fds) = &row.fds {
        new.count(FDS, fds.open);
        new.flag(READINGS, readings::FD_LIMIT_BIT, fds.limit.is_some());
        new.count(FD_LIMIT, fds.limit.unwrap_or(0));
    }
    if let Reading::Known(oom) = &row.oom {
        new.set(OOM_SCORE, i64::from(oom.score));
        new.set(OOM_ADJUSTMENT, i64::from(oom.adjustment));
    }
}

/// Everything that only grows.
fn counters(row: &ProcessRow, new: &mut Fill<'_>) {
    new.count(CPU_USER, row.cpu.user.0);
    new.count(CPU_SYSTEM, row.cpu.system.0);
    new.count(MINOR, row.faults.minor);
    new.count(MAJOR, row.faults.major);
    if let Reading::Known(io) = &row.io {
        new.count(READ, io.read.0);
        new.count(WRITTEN, io.written.0);
        new.count(READ_CHARS, io.read_chars.0);
        new.count(WRITTEN_CHARS, io.written_chars.0);
        new.count(READ_CALLS, io.read_calls);
        new.count(WRITE_CALLS, io.write_calls);
    }
    if let Reading::Known(switches) = &row.switches {
        new.count(VOLUNTARY, switches.voluntary);
        new.count(INVOLUNTARY, switches.involuntary);
    }
    if let Reading::Known(delay) = &row.run_delay {
        new.count(RUN_DELAY, delay.0);
    }
    if let Reading::Known(net) = &row.net {
        new.count(RECEIVED, net.received.0);
        new.count(SENT, net.sent.0);
        new.count(RECEIVE_CALLS, net.receive_calls);
        new.count(SEND_CALLS, net.send_calls);
    }
}

/// Which groups of counters start in this row. Counters that are not known stay where they were.
fn starts(row: &ProcessRow, tick: &Tick, old: Option<Cells<'_>>, new: &mut Fill<'_>) -> i64 {
    let Some(old) = old else {
        let born = tick.follows && row.age <= tick.covered.saturating_add(NEWBORN);
        return if born { 0 } else { ALL_GROUPS };
    };
    let mut start = if tick.follows { 0 } else { ALL_GROUPS };
    for (group, at, places) in GROUPS {
        if Cells(new.0).code(READINGS, *at) != 0 {
            places.iter().for_each(|place| new.set(*place, old.get(*place)));
        } else if old.code(READINGS, *at) != 0 {
            start |= 1 << group;
        }
    }
    start
}

/// How the rates of a frame are kept, three bits each, in [`RATES`].
mod rates {
    pub(super) const CPU_USER: u32 = 0;
    pub(super) const CPU_SYSTEM: u32 = 1;
    pub(super) const MINOR: u32 = 2;
    pub(super) const MAJOR: u32 = 3;
    pub(super) const IO: u32 = 4;
    pub(super) const VOLUNTARY: u32 = 5;
    pub(super) const INVOLUNTARY: u32 = 6;
    pub(super) const RUN_DELAY: u32 = 7;
    pub(super) const NET: u32 = 8;
}

/// Rates that follow from growth and time are not kept, only that they do.
fn write_rates(row: &ProcessRow, tick: &Tick, old: Option<Cells<'_>>, start: i64, new: &mut Fill<'_>) {
    let rates = &row.rates;
    let mut grown = [0; GROWN];
    for (place, cell) in (CPU_USER..).zip(grown.iter_mut()) {
        if let Some(Shape::Counter(group)) = COLUMNS.get(place).map(|column| column.shape) {
            let before = old.map_or(0, |old| old.get(place));
            *cell = if start >> group & 1 == 1 { 0 } else { new.get(place).wrapping_sub(before) };
        }
    }
    let grown = Grown(&grown);
    one(new, rates::CPU_USER, RATE_CPU_USER, rates.cpu_user.map(|rate| rate.0), || core_rate(grown, CPU_USER, tick));
    one(new, rates::CPU_SYSTEM, RATE_CPU_SYSTEM, rates.cpu_system.map(|rate| rate.0), || {
        core_rate(grown, CPU_SYSTEM, tick)
    });
    one(new, rates::MINOR, RATE_MINOR, rates.minor_faults.map(|rate| rate.0), || count_rate(grown, MINOR, tick));
    one(new, rates::MAJOR, RATE_MAJOR, rates.major_faults.map(|rate| rate.0), || count_rate(grown, MAJOR, tick));
    one(new, rates::VOLUNTARY, RATE_VOLUNTARY, rates.voluntary_switches.map(|rate| rate.0), || {
        count_rate(grown, VOLUNTARY, tick)
    });
    one(new, rates::INVOLUNTARY, RATE_INVOLUNTARY, rates.involuntary_switches.map(|rate| rate.0), || {
        count_rate(grown, INVOLUNTARY, tick)
    });
    one(new, rates::RUN_DELAY, RATE_RUN_DELAY, rates.run_delay.map(|rate| rate.0), || {
        core_rate(grown, RUN_DELAY, tick)
    });
    let follows = rates.io.is_known() && io_rates(grown, tick) == rates.io.get().copied();
    new.code(RATES, rates::IO, if rates.io.is_known() && !follows { EXPLICIT } else { code(&rates.io) });
    if let (Reading::Known(io), false) = (&rates.io, follows) {
        new.float(RATE_READ, io.read.0);
        new.float(RATE_WRITTEN, io.written.0);
        new.float(RATE_READ_CHARS, io.read_chars.0);
        new.float(RATE_WRITTEN_CHARS, io.written_chars.0);
    }
    let follows = rates.net.is_known() && net_rates(grown, tick) == rates.net.get().copied();
    new.code(RATES, rates::NET, if rates.net.is_known() && !follows { EXPLICIT } else { code(&rates.net) });
    if let (Reading::Known(net), false) = (&rates.net, follows) {
        new.float(RATE_RECEIVED, net.received.0);
        new.float(RATE_SENT, net.sent.0);
    }
}

fn one(new: &mut Fill<'_>, at: u32, place: usize, rate: Reading<f64>, derived: impl FnOnce() -> Option<f64>) {
    let Reading::Known(value) = rate else { return new.code(RATES, at, code(&rate)) };
    if derived() == Some(value) {
        return;
    }
    new.code(RATES, at, EXPLICIT);
    new.float(place, value);
}

/// Counters lie between these places.
const GROWN: usize = SEND_CALLS + 1 - CPU_USER;

/// What counters grew by, from the first of them on.
#[derive(Clone, Copy)]
struct Grown<'a>(&'a [i64]);

impl Grown<'_> {
    fn by(self, place: usize) -> u64 {
        let grown = place.checked_sub(CPU_USER).and_then(|place| self.0.get(place)).copied();
        grown.and_then(|grown| u64::try_from(grown).ok()).unwrap_or(0)
    }
}

/// What did not grow, which is most, needs no division.
fn none(tick: &Tick) -> Option<f64> {
    tick.elapsed.filter(|elapsed| !elapsed.is_zero()).map(|_| 0.0)
}

fn core_rate(grown: Grown<'_>, place: usize, tick: &Tick) -> Option<f64> {
    if grown.by(place) == 0 {
        return none(tick);
    }
    cores(CpuTime(0), CpuTime(grown.by(place)), tick.elapsed?).map(|rate| rate.0)
}

fn count_rate(grown: Grown<'_>, place: usize, tick: &Tick) -> Option<f64> {
    if grown.by(place) == 0 {
        return none(tick);
    }
    per_second(0, grown.by(place), tick.elapsed?).map(|rate| rate.0)
}

fn io_rates(grown: Grown<'_>, tick: &Tick) -> Option<IoRates> {
    let rate = |place| count_rate(grown, place, tick).map(PerSecond);
    Some(IoRates {
        read: rate(READ)?,
        written: rate(WRITTEN)?,
        read_chars: rate(READ_CHARS)?,
        written_chars: rate(WRITTEN_CHARS)?,
    })
}

fn net_rates(grown: Grown<'_>, tick: &Tick) -> Option<NetRates> {
    let rate = |place| count_rate(grown, place, tick).map(PerSecond);
    Some(NetRates { received: rate(RECEIVED)?, sent: rate(SENT)? })
}

fn read_rates(cells: Cells<'_>, grown: Cells<'_>, tick: &Tick) -> Rates {
    let grown = Grown(grown.0.get(CPU_USER..).unwrap_or_default());
    let one = |at, place, derived: fn(Grown<'_>, usize, &Tick) -> Option<f64>, counter| match cells.code(RATES, at) {
        0 => derived(grown, counter, tick).map_or(Reading::Pending, Reading::Known),
        code => reading(code, || cells.float(place)),
    };
    let count = |at, place, counter| one(at, place, count_rate, counter).map(PerSecond);
    let time = |at, place, counter| one(at, place, core_rate, counter).map(Cores);
    let float = |place| PerSecond(cells.float(place));
    Rates {
        cpu_user: time(rates::CPU_USER, RATE_CPU_USER, CPU_USER),
        cpu_system: time(rates::CPU_SYSTEM, RATE_CPU_SYSTEM, CPU_SYSTEM),
        minor_faults: count(rates::MINOR, RATE_MINOR, MINOR),
        major_faults: count(rates::MAJOR, RATE_MAJOR, MAJOR),
        io: match cells.code(RATES, rates::IO) {
            0 => io_rates(grown, tick).map_or(Reading::Pending, Reading::Known),
            code => reading(code, || IoRates {
                read: float(RATE_READ),
                written: float(RATE_WRITTEN),
                read_chars: float(RATE_READ_CHARS),
                written_chars: float(RATE_WRITTEN_CHARS),
            }),
        },
        voluntary_switches: count(rates::VOLUNTARY, RATE_VOLUNTARY, VOLUNTARY),
        involuntary_switches: count(rates::INVOLUNTARY, RATE_INVOLUNTARY, INVOLUNTARY),
        run_delay: time(rates::RUN_DELAY, RATE_RUN_DELAY, RUN_DELAY),
        net: match cells.code(RATES, rates::NET) {
            0 => net_rates(grown, tick).map_or(Reading::Pending, Reading::Known),
            code => reading(code, || NetRates { received: float(RATE_RECEIVED), sent: float(RATE_SENT) }),
        },
    }
}

/// Writes how a process ended into its last row.
pub(crate) fn write_end(ended: &EndedProcess, tick: &Tick, texts: &mut Texts, new: &mut Fill<'_>) {
    new.set(EXIT, exit_number(ended.exit));
    new.set(ENDED_AT, ended.at.0.saturating_sub(tick.wall));
    let death = &ended.death;
    for (bit, so) in [
        (told::SENDER, death.sender.is_some()),
        (told::OOM, death.oom),
        (told::CORE, death.core_dumped),
        (told::FINAL, death.is_final),
    ] {
        new.flag(DEATH, bit, so);
    }
    if let Some(sender) = &death.sender {
        new.set(SENDER_PID, i64::from(sender.pid));
        new.set(SENDER_UID, i64::from(sender.uid));
        new.set(SENDER_NAME, texts.number(0, &sender.name));
    }
}

/// The end of a process, told by the last row of it.
pub(crate) fn read_end(row: ProcessRow, cells: Cells<'_>, tick: &Tick, texts: &Texts) -> EndedProcess {
    let sender = || Sender {
        pid: cells.small(SENDER_PID),
        uid: cells.small(SENDER_UID),
        name: texts.word(cells.get(SENDER_NAME)),
    };
    EndedProcess {
        row,
        at: Wall(tick.wall.saturating_add(cells.get(ENDED_AT))),
        exit: exit(cells.get(EXIT)),
        death: Death {
            sender: cells.flag(DEATH, told::SENDER).then(sender),
            oom: cells.flag(DEATH, told::OOM),
            core_dumped: cells.flag(DEATH, told::CORE),
            is_final: cells.flag(DEATH, told::FINAL),
        },
    }
}

/// Whether a process was ended against its will, by what stands in [`EXIT`] and [`DEATH`].
pub(crate) fn is_kill(number: i64, death: i64) -> bool {
    death >> told::OOM & 1 == 1 || exit(number).get().is_some_and(|exit| exit.is_kill())
}

/// How a process ended, as a number.
fn exit_number(exit: Reading<Exit>) -> i64 {
    match exit {
        Reading::Known(Exit::Code(code)) => 2 + i64::from(code),
        Reading::Known(Exit::Signal(signal)) => 258 + i64::from(signal),
        other => 1000 + code(&other),
    }
}

/// How a process ended.
fn exit(number: i64) -> Reading<Exit> {
    match number {
        2..=257 => Reading::Known(Exit::Code(u8::try_from(number - 2).unwrap_or(0))),
        258..=513 => Reading::Known(Exit::Signal(u8::try_from(number - 258).unwrap_or(0))),
        _ => reading((number - 1000).max(1), || Exit::Code(0)),
    }
}
