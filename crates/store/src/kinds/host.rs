//! The machine, and the frame itself: one row a frame, always, so that these rows are the list of instants.

use std::sync::Arc;
use std::time::Duration;

use procyon_model::frame::{Aged, Frame, HostIdentity, Pace};
use procyon_model::key::{BootId, HostId};
use procyon_model::machine::{Attributed, Events, Load, Machine, MemoryUse, Payload, Pressure, Swapping};
use procyon_model::process::NetRates;
use procyon_units::{Bytes, Celsius, Cores, Mono, PerSecond, Ratio, Reading, Wall};

use crate::column::Shape::{Counter, Float, Level, Text};
use crate::column::{ALL_GROUPS, Cells, Fill, columns, duration, nanos};
use crate::kinds::core::{times, write_floats, write_times};
use crate::kinds::{Key, Kind, Tick, near};
use crate::reading::{EXPLICIT, code, reading};
use crate::texts::Texts;

columns! {
    WALL = "host_timestamp_nanoseconds", Level;
    SEQ = "host_frame", Level;
    MONO = "host_monotonic_nanoseconds", Level;
    ELAPSED = "host_elapsed_nanoseconds", Level;
    COVERED = "host_covered_nanoseconds", Level;
    FLAGS = "host_flags", Level;
    NOMINAL = "host_interval_nominal_nanoseconds", Level;
    ACTUAL = "host_interval_nanoseconds", Level;
    REASON = "host_interval_reason", Text;
    ID_HIGH = "host_id_high", Level;
    ID_LOW = "host_id_low", Level;
    NAME = "host_name", Text;
    OS = "host_os", Text;
    KERNEL = "host_kernel", Text;
    ARCH = "host_arch", Text;
    CPU_MODEL = "host_cpu_model", Text;
    VERSION = "host_procyon_version", Text;
    CPUS = "host_cpus", Level;
    BOOT_HIGH = "host_boot_high", Level;
    BOOT_LOW = "host_boot_low", Level;
    BOOT_TIME = "host_boot_timestamp_nanoseconds", Level;
    READINGS = "host_readings", Level;
    PROCESSES = "host_processes", Level;
    THREADS = "host_threads", Level;
    RUNNING = "host_running_threads", Level;
    BLOCKED = "host_blocked_threads", Level;
    UPTIME = "host_uptime_nanoseconds", Level;
    TIME_USER = "host_cpu_user_nanoseconds", Counter(0);
    TIME_NICE = "host_cpu_nice_nanoseconds", Counter(0);
    TIME_SYSTEM = "host_cpu_system_nanoseconds", Counter(0);
    TIME_IDLE = "host_cpu_idle_nanoseconds", Counter(0);
    TIME_IOWAIT = "host_cpu_iowait_nanoseconds", Counter(0);
    TIME_IRQ = "host_cpu_irq_nanoseconds", Counter(0);
    TIME_SOFTIRQ = "host_cpu_softirq_nanoseconds", Counter(0);
    TIME_STEAL = "host_cpu_steal_nanoseconds", Counter(0);
    TIME_GUEST = "host_cpu_guest_nanoseconds", Counter(0);
    TIME_GUEST_NICE = "host_cpu_guest_nice_nanoseconds", Counter(0);
    CPU_USER = "host_cpu_user_cores", Float;
    CPU_NICE = "host_cpu_nice_cores", Float;
    CPU_SYSTEM = "host_cpu_system_cores", Float;
    CPU_IDLE = "host_cpu_idle_cores", Float;
    CPU_IOWAIT = "host_cpu_iowait_cores", Float;
    CPU_IRQ = "host_cpu_irq_cores", Float;
    CPU_SOFTIRQ = "host_cpu_softirq_cores", Float;
    CPU_STEAL = "host_cpu_steal_cores", Float;
    CPU_GUEST = "host_cpu_guest_cores", Float;
    CPU_GUEST_NICE = "host_cpu_guest_nice_cores", Float;
    LOAD_ONE = "host_load_1m", Float;
    LOAD_FIVE = "host_load_5m", Float;
    LOAD_FIFTEEN = "host_load_15m", Float;
    MEMORY_TOTAL = "host_memory_total_bytes", Level;
    MEMORY_FREE = "host_memory_free_bytes", Level;
    MEMORY_AVAILABLE = "host_memory_available_bytes", Level;
    MEMORY_BUFFERS = "host_memory_buffers_bytes", Level;
    MEMORY_CACHED = "host_memory_cached_bytes", Level;
    MEMORY_SLAB = "host_memory_slab_bytes", Level;
    MEMORY_SHARED = "host_memory_shared_bytes", Level;
    MEMORY_DIRTY = "host_memory_dirty_bytes", Level;
    SWAP_TOTAL = "host_swap_total_bytes", Level;
    SWAP_FREE = "host_swap_free_bytes", Level;
    SWAP_READ = "host_swap_read_bytes_per_second", Float;
    SWAP_WRITTEN = "host_swap_write_bytes_per_second", Float;
    PRESSURE_CPU_SOME = "host_pressure_cpu_some_ratio", Float;
    PRESSURE_MEMORY_SOME = "host_pressure_memory_some_ratio", Float;
    PRESSURE_MEMORY_FULL = "host_pressure_memory_full_ratio", Float;
    PRESSURE_IO_SOME = "host_pressure_io_some_ratio", Float;
    PRESSURE_IO_FULL = "host_pressure_io_full_ratio", Float;
    FORKS = "host_forks_per_second", Float;
    CONTEXT_SWITCHES = "host_context_switches_per_second", Float;
    INTERRUPTS = "host_interrupts_per_second", Float;
    TEMPERATURE = "host_cpu_temperature_celsius", Float;
    CONNECTIONS_TAKEN = "host_connections_read_nanoseconds", Level;
    FILESYSTEMS_TAKEN = "host_filesystems_read_nanoseconds", Level;
    USERS_TAKEN = "host_users_read_nanoseconds", Level;
    SENSORS_TAKEN = "host_sensors_read_nanoseconds", Level;
    /// Which of forks, context switches and interrupts hold what came in the frame, and not what comes each second.
    COUNTS_OF = "host_counted", Level;
    /// Readings of the payload, three bits each; zero where the row is older than these columns.
    PAYLOAD = "host_network_payload_readings", Level;
    PROCESSES_RECEIVED = "host_network_process_receive_bytes_per_second", Float;
    PROCESSES_SENT = "host_network_process_transmit_bytes_per_second", Float;
    KERNEL_RECEIVED = "host_network_kernel_receive_bytes_per_second", Float;
    KERNEL_SENT = "host_network_kernel_transmit_bytes_per_second", Float;
    /// Readings of what processes did, three bits each; zero where the row is older than these columns.
    ATTRIBUTED = "host_attributed_readings", Level;
    PROCESSES_CPU = "host_cpu_process_cores", Float;
    PROCESSES_READ = "host_disk_process_read_bytes_per_second", Float;
    PROCESSES_WRITTEN = "host_disk_process_write_bytes_per_second", Float;
    CPU_SHARE = "host_cpu_attributed_ratio", Float;
}

/// Bits of [`FLAGS`].
const HAS_ELAPSED: u32 = 0;
/// Whether the frame follows the one before it in history without a gap.
const FOLLOWS: u32 = 1;

/// The machine. Its row is the frame without what hangs on it.
pub(crate) struct Host;

impl Kind for Host {
    type Row = Frame;
    const AT: usize = 0;
    const ORDER: Option<usize> = None;

    fn key(_: &Frame, _: &mut Texts) -> Key {
        [0; 6]
    }

    fn write(row: &Frame, tick: &Tick, old: Option<Cells<'_>>, texts: &mut Texts, new: &mut Fill<'_>) -> i64 {
        new.set(WALL, row.wall.0);
        new.count(SEQ, row.seq);
        new.count(MONO, row.mono.0);
        new.set(ELAPSED, row.elapsed.map_or(0, nanos));
        new.set(COVERED, nanos(tick.covered));
        new.flag(FLAGS, HAS_ELAPSED, row.elapsed.is_some());
        new.flag(FLAGS, FOLLOWS, tick.follows);
        new.set(NOMINAL, nanos(row.pace.nominal));
        new.set(ACTUAL, nanos(row.pace.actual));
        if let Some(reason) = &row.pace.reason {
            new.set(REASON, texts.number(near(old, REASON), reason.as_bytes()));
        }
        identity(&row.host, old, texts, new);
        machine(&row.machine, tick, new);
        new.set(CONNECTIONS_TAKEN, taken(row.connections.taken));
        new.set(FILESYSTEMS_TAKEN, taken(row.filesystems.taken));
        new.set(USERS_TAKEN, taken(row.users.taken));
        new.set(SENSORS_TAKEN, taken(row.machine.sensors_taken));
        if old.is_some() && tick.follows { 0 } else { ALL_GROUPS }
    }

    fn read(cells: Cells<'_>, _: Cells<'_>, tick: &Tick, texts: &Texts) -> Frame {
        let reason = texts.string(cells.get(REASON));
        Frame {
            host: Arc::new(read_identity(cells, texts)),
            seq: cells.count(SEQ),
            wall: Wall(cells.get(WALL)),
            mono: Mono(cells.count(MONO)),
            elapsed: elapsed(cells),
            pace: Pace {
                nominal: duration(cells.get(NOMINAL)),
                actual: duration(cells.get(ACTUAL)),
                reason: (!reason.is_empty()).then(|| Arc::from(reason)),
            },
            machine: read_machine(cells, tick),
            processes: Vec::new(),
            ended: Vec::new(),
            connections: aged(cells.get(CONNECTIONS_TAKEN)),
            filesystems: aged(cells.get(FILESYSTEMS_TAKEN)),
            users: aged(cells.get(USERS_TAKEN)),
            containers: Arc::from([]),
            health: Arc::default(),
        }
    }
}

/// What the other rows of a frame need to know of it.
pub(crate) fn tick(cells: Cells<'_>) -> Tick {
    Tick {
        wall: cells.get(WALL),
        mono: cells.get(MONO),
        uptime: cells.get(UPTIME),
        elapsed: elapsed(cells),
        covered: duration(cells.get(COVERED)),
        follows: cells.flag(FLAGS, FOLLOWS),
    }
}

/// Columns from which [`tick_from`] makes its answer.
pub(crate) const TICK: &[usize] = &[WALL, MONO, UPTIME, ELAPSED, COVERED, FLAGS];

/// What the other rows of a frame need to know of it, from the columns of [`TICK`].
pub(crate) fn tick_from(values: &[i64]) -> Tick {
    let mut cells = [0; COLUMNS.len()];
    for (place, value) in TICK.iter().zip(values) {
        if let Some(cell) = cells.get_mut(*place) {
            *cell = *value;
        }
    }
    tick(Cells(&cells))
}

/// What a frame tells before it is kept; `last` is the frame that was kept before it.
pub(crate) fn tick_of(frame: &Frame, last: Option<&Before>) -> Tick {
    let follows = last.is_some_and(|last| {
        let apart = frame.wall.0.saturating_sub(last.wall.0);
        frame.elapsed.is_some() && last.boot == frame.host.boot && apart > 0 && apart <= nanos(last.patience)
    });
    // A frame that got lost leaves its time to the next one.
    let since = last.filter(|_| follows).map(|last| frame.mono.since(last.mono)).filter(|since| !since.is_zero());
    let in_a_row = last.is_some_and(|last| last.seq.wrapping_add(1) == frame.seq);
    let known = if in_a_row { frame.elapsed.filter(|_| follows) } else { since };
    let covered = known.unwrap_or(frame.pace.actual).max(Duration::from_millis(1));
    Tick {
        wall: frame.wall.0,
        mono: frame.mono.0.cast_signed(),
        uptime: nanos(frame.machine.uptime),
        elapsed: frame.elapsed,
        covered,
        follows,
    }
}

/// What has to be known of the frame that was kept before.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Before {
    pub(crate) wall: Wall,
    pub(crate) mono: Mono,
    pub(crate) seq: u64,
    pub(crate) boot: BootId,
    pub(crate) patience: Duration,
}

impl Before {
    pub(crate) fn of(frame: &Frame) -> Self {
        Self {
            wall: frame.wall,
            mono: frame.mono,
            seq: frame.seq,
            boot: frame.host.boot,
            patience: procyon_history::patience(frame),
        }
    }
}

/// The interval in force when a frame was made.
pub(crate) fn interval(cells: Cells<'_>) -> Duration {
    duration(cells.get(ACTUAL))
}

/// The frame of a row, as what precedes the next one.
pub(crate) fn before(cells: Cells<'_>) -> Before {
    Before {
        wall: Wall(cells.get(WALL)),
        mono: Mono(cells.count(MONO)),
        seq: cells.count(SEQ),
        boot: boot(cells),
        patience: duration(cells.get(ACTUAL)).max(Duration::from_millis(1)).saturating_mul(2),
    }
}

fn elapsed(cells: Cells<'_>) -> Option<Duration> {
    cells.flag(FLAGS, HAS_ELAPSED).then(|| duration(cells.get(ELAPSED)))
}

fn taken(at: Option<Mono>) -> i64 {
    at.map_or(-1, |at| at.0.cast_signed())
}

fn aged<T>(taken: i64) -> Aged<T> {
    Aged { items: Arc::from([]), taken: instant(taken) }
}

/// When something was read.
fn instant(taken: i64) -> Option<Mono> {
    (taken >= 0).then(|| Mono(taken.cast_unsigned()))
}

fn identity(host: &HostIdentity, old: Option<Cells<'_>>, texts: &mut Texts, new: &mut Fill<'_>) {
    let halves = |id: u128| (halves_high(id), halves_low(id));
    let (high, low) = halves(host.id.0);
    new.set(ID_HIGH, high);
    new.set(ID_LOW, low);
    let (high, low) = halves(host.boot.0);
    new.set(BOOT_HIGH, high);
    new.set(BOOT_LOW, low);
    for (place, text) in [
        (NAME, &host.name),
        (OS, &host.os),
        (KERNEL, &host.kernel),
        (ARCH, &host.arch),
        (CPU_MODEL, &host.cpu_model),
        (VERSION, &host.version),
    ] {
        new.set(place, texts.number(near(old, place), text.as_bytes()));
    }
    new.set(CPUS, i64::from(host.cpus));
    new.set(BOOT_TIME, host.boot_time.0);
}

const fn halves_high(id: u128) -> i64 {
    ((id >> 64) as u64).cast_signed()
}

#[expect(clippy::cast_possible_truncation, reason = "the lower half of 128 bits")]
const fn halves_low(id: u128) -> i64 {
    (id as u64).cast_signed()
}

fn whole(high: i64, low: i64) -> u128 {
    u128::from(high.cast_unsigned()) << 64 | u128::from(low.cast_unsigned())
}

/// The boot in which a frame was made.
pub(crate) fn boot(cells: Cells<'_>) -> BootId {
    BootId(whole(cells.get(BOOT_HIGH), cells.get(BOOT_LOW)))
}

fn read_identity(cells: Cells<'_>, texts: &Texts) -> HostIdentity {
    let text = |place| texts.string(cells.get(place));
    HostIdentity {
        id: HostId(whole(cells.get(ID_HIGH), cells.get(ID_LOW))),
        name: text(NAME),
        os: text(OS),
        kernel: text(KERNEL),
        arch: text(ARCH),
        cpu_model: text(CPU_MODEL),
        cpus: cells.small(CPUS),
        boot: boot(cells),
        boot_time: Wall(cells.get(BOOT_TIME)),
        version: text(VERSION),
    }
}

/// Codes in [`READINGS`].
mod readings {
    pub(super) const CPU: u32 = 0;
    pub(super) const LOAD: u32 = 1;
    pub(super) const MEMORY: u32 = 2;
    pub(super) const SWAPPING: u32 = 3;
    pub(super) const RUNNING: u32 = 4;
    pub(super) const BLOCKED: u32 = 5;
    pub(super) const TEMPERATURE: u32 = 6;
    /// The first of five.
    pub(super) const PRESSURE: u32 = 7;
    /// The first of three.
    pub(super) const EVENTS: u32 = 12;
}

const PRESSURES: [usize; 5] =
    [PRESSURE_CPU_SOME, PRESSURE_MEMORY_SOME, PRESSURE_MEMORY_FULL, PRESSURE_IO_SOME, PRESSURE_IO_FULL];
const EVENTS: [usize; 3] = [FORKS, CONTEXT_SWITCHES, INTERRUPTS];

fn machine(machine: &Machine, tick: &Tick, new: &mut Fill<'_>) {
    write_times(&machine.cpu_time, TIME_USER, new);
    let codes = [
        (readings::CPU, code(&machine.cpu)),
        (readings::LOAD, code(&machine.load)),
        (readings::MEMORY, code(&machine.memory)),
        (readings::SWAPPING, code(&machine.swapping)),
        (readings::RUNNING, code(&machine.running)),
        (readings::BLOCKED, code(&machine.blocked)),
        (readings::TEMPERATURE, code(&machine.temperature)),
    ];
    for (at, code) in codes {
        new.code(READINGS, at, code);
    }
    if let Some(cpu) = machine.cpu.get() {
        write_floats(cpu, CPU_USER, new);
    }
    if let Some(load) = machine.load.get() {
        new.float(LOAD_ONE, load.one);
        new.float(LOAD_FIVE, load.five);
        new.float(LOAD_FIFTEEN, load.fifteen);
    }
    if let Some(memory) = machine.memory.get() {
        memory_use(memory, new);
    }
    if let Some(swapping) = machine.swapping.get() {
        new.float(SWAP_READ, swapping.read.0);
        new.float(SWAP_WRITTEN, swapping.written.0);
    }
    let Pressure { cpu_some, memory_some, memory_full, io_some, io_full } = machine.pressure;
    let pressures = [cpu_some, memory_some, memory_full, io_some, io_full];
    for ((at, reading), place) in (readings::PRESSURE..).zip(pressures).zip(PRESSURES) {
        new.code(READINGS, at, code(&reading));
        new.float(place, reading.get().map_or(0.0, |ratio| ratio.0));
    }
    let events = [machine.events.forks, machine.events.context_switches, machine.events.interrupts];
    for ((at, reading), place) in (readings::EVENTS..).zip(events).zip(EVENTS) {
        new.code(READINGS, at, code(&reading));
        let value = reading.get().map_or(0.0, |rate| rate.0);
        new.rate(place, (COUNTS_OF, at - readings::EVENTS), value, (1.0, tick));
    }
    new.count(PROCESSES, machine.processes);
    new.count(THREADS, machine.threads);
    new.count(RUNNING, machine.running.get().copied().unwrap_or(0));
    new.count(BLOCKED, machine.blocked.get().copied().unwrap_or(0));
    new.float(TEMPERATURE, machine.temperature.get().map_or(0.0, |celsius| celsius.0));
    new.set(UPTIME, nanos(machine.uptime));
    for (at, reading, [received, sent]) in
        [(0, machine.payload.processes, OF_PROCESSES), (1, machine.payload.kernel, OF_KERNEL)]
    {
        new.code(PAYLOAD, at, if reading.is_known() { EXPLICIT } else { code(&reading) });
        if let Reading::Known(rates) = reading {
            new.float(received, rates.received.0);
            new.float(sent, rates.sent.0);
        }
    }
    attributed(&machine.attributed, new);
}

fn attributed(what: &Attributed, new: &mut Fill<'_>) {
    let figures = [
        (PROCESSES_CPU, what.cpu.map(|cores| cores.0)),
        (PROCESSES_READ, what.read.map(|rate| rate.0)),
        (PROCESSES_WRITTEN, what.written.map(|rate| rate.0)),
        (CPU_SHARE, what.share.map(|share| share.0)),
    ];
    for (at, (place, reading)) in (0..).zip(figures) {
        new.code(ATTRIBUTED, at, if reading.is_known() { EXPLICIT } else { code(&reading) });
        if let Reading::Known(value) = reading {
            new.float(place, value);
        }
    }
}

fn memory_use(memory: &MemoryUse, new: &mut Fill<'_>) {
    for (place, bytes) in [
        (MEMORY_TOTAL, memory.total),
        (MEMORY_FREE, memory.free),
        (MEMORY_AVAILABLE, memory.available),
        (MEMORY_BUFFERS, memory.buffers),
        (MEMORY_CACHED, memory.cached),
        (MEMORY_SLAB, memory.slab),
        (MEMORY_SHARED, memory.shared),
        (MEMORY_DIRTY, memory.dirty),
        (SWAP_TOTAL, memory.swap_total),
        (SWAP_FREE, memory.swap_free),
    ] {
        new.count(place, bytes.0);
    }
}

/// Payload received and sent, by whom.
const OF_PROCESSES: [usize; 2] = [PROCESSES_RECEIVED, PROCESSES_SENT];
const OF_KERNEL: [usize; 2] = [KERNEL_RECEIVED, KERNEL_SENT];

fn payload(cells: Cells<'_>, at: u32, [received, sent]: [usize; 2]) -> Reading<NetRates> {
    let rates = || NetRates { received: PerSecond(cells.float(received)), sent: PerSecond(cells.float(sent)) };
    match cells.code(PAYLOAD, at) {
        0 => Reading::Unsupported,
        code => reading(code, rates),
    }
}

fn read_attributed(cells: Cells<'_>) -> Attributed {
    fn figure<T>(cells: Cells<'_>, at: u32, place: usize, make: fn(f64) -> T) -> Reading<T> {
        match cells.code(ATTRIBUTED, at) {
            0 => Reading::Unsupported,
            code => reading(code, || make(cells.float(place))),
        }
    }
    Attributed {
        cpu: figure(cells, 0, PROCESSES_CPU, Cores),
        read: figure(cells, 1, PROCESSES_READ, PerSecond),
        written: figure(cells, 2, PROCESSES_WRITTEN, PerSecond),
        share: figure(cells, 3, CPU_SHARE, Ratio),
    }
}

fn read_machine(cells: Cells<'_>, tick: &Tick) -> Machine {
    let known = |at| cells.code(READINGS, at);
    let bytes = |place| Bytes(cells.count(place));
    let rate = |at: u32, place| {
        reading(known(readings::EVENTS + at), || PerSecond(cells.rate(place, (COUNTS_OF, at), (1.0, tick))))
    };
    let ratio = |at: u32, place| reading(known(readings::PRESSURE + at), || Ratio(cells.float(place)));
    let count = |at, place| -> Reading<u64> { reading(known(at), || cells.count(place)) };
    Machine {
        cpu_time: times(|place| procyon_units::CpuTime(cells.count(place)), TIME_USER),
        cpu: reading(known(readings::CPU), || times(|place| cells.float(place), CPU_USER)),
        load: reading(known(readings::LOAD), || Load {
            one: cells.float(LOAD_ONE),
            five: cells.float(LOAD_FIVE),
            fifteen: cells.float(LOAD_FIFTEEN),
        }),
        memory: reading(known(readings::MEMORY), || MemoryUse {
            total: bytes(MEMORY_TOTAL),
            free: bytes(MEMORY_FREE),
            available: bytes(MEMORY_AVAILABLE),
            buffers: bytes(MEMORY_BUFFERS),
            cached: bytes(MEMORY_CACHED),
            slab: bytes(MEMORY_SLAB),
            shared: bytes(MEMORY_SHARED),
            dirty: bytes(MEMORY_DIRTY),
            swap_total: bytes(SWAP_TOTAL),
            swap_free: bytes(SWAP_FREE),
        }),
        swapping: reading(known(readings::SWAPPING), || Swapping {
            read: PerSecond(cells.float(SWAP_READ)),
            written: PerSecond(cells.float(SWAP_WRITTEN)),
        }),
        pressure: Pressure {
            cpu_some: ratio(0, PRESSURE_CPU_SOME),
            memory_some: ratio(1, PRESSURE_MEMORY_SOME),
            memory_full: ratio(2, PRESSURE_MEMORY_FULL),
            io_some: ratio(3, PRESSURE_IO_SOME),
            io_full: ratio(4, PRESSURE_IO_FULL),
        },
        events: Events {
            forks: rate(0, FORKS),
            context_switches: rate(1, CONTEXT_SWITCHES),
            interrupts: rate(2, INTERRUPTS),
        },
        processes: cells.count(PROCESSES),
        threads: cells.count(THREADS),
        running: count(readings::RUNNING, RUNNING),
        blocked: count(readings::BLOCKED, BLOCKED),
        payload: Payload { processes: payload(cells, 0, OF_PROCESSES), kernel: payload(cells, 1, OF_KERNEL) },
        attributed: read_attributed(cells),
        temperature: reading(known(readings::TEMPERATURE), || Celsius(cells.float(TEMPERATURE))),
        uptime: duration(cells.get(UPTIME)),
        sensors_taken: instant(cells.get(SENSORS_TAKEN)),
        ..Machine::default()
    }
}
