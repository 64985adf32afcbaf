//! The machine itself at one tick: processors, memory, disks, interfaces and what hangs on them.

use std::time::Duration;

use procyon_units::{Bytes, Celsius, Cores, CpuTime, Mono, PerSecond, Ratio, Reading, Wall};

use crate::process::NetRates;

/// How processors spent their time, by mode; `T` is a counter, cores in use or a share.
///
/// Guest time is counted in `guest` and `guest_nice` alone, taken out of the kernel's `user` and `nice`.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct CpuModes<T> {
    /// Programs.
    pub user: T,
    /// Programs with lowered priority.
    pub nice: T,
    /// The kernel for programs.
    pub system: T,
    /// Nothing to do.
    pub idle: T,
    /// Nothing to do while the disk works.
    pub iowait: T,
    /// Hardware interrupts.
    pub irq: T,
    /// Software interrupts.
    pub softirq: T,
    /// Taken by the hypervisor for others.
    pub steal: T,
    /// Virtual machines.
    pub guest: T,
    /// Virtual machines with lowered priority.
    pub guest_nice: T,
}

impl<T: Copy> CpuModes<T> {
    /// Turns each mode into another quantity.
    pub fn map<U>(self, mut turn: impl FnMut(T) -> U) -> CpuModes<U> {
        CpuModes {
            user: turn(self.user),
            nice: turn(self.nice),
            system: turn(self.system),
            idle: turn(self.idle),
            iowait: turn(self.iowait),
            irq: turn(self.irq),
            softirq: turn(self.softirq),
            steal: turn(self.steal),
            guest: turn(self.guest),
            guest_nice: turn(self.guest_nice),
        }
    }

    /// Pairs each mode with the same mode of `other`.
    pub fn zip<U: Copy, V>(self, other: CpuModes<U>, mut join: impl FnMut(T, U) -> V) -> CpuModes<V> {
        CpuModes {
            user: join(self.user, other.user),
            nice: join(self.nice, other.nice),
            system: join(self.system, other.system),
            idle: join(self.idle, other.idle),
            iowait: join(self.iowait, other.iowait),
            irq: join(self.irq, other.irq),
            softirq: join(self.softirq, other.softirq),
            steal: join(self.steal, other.steal),
            guest: join(self.guest, other.guest),
            guest_nice: join(self.guest_nice, other.guest_nice),
        }
    }
}

impl CpuModes<f64> {
    /// Every mode but idle, iowait and steal: the work that this machine did.
    pub fn busy(&self) -> f64 {
        self.user + self.nice + self.system + self.irq + self.softirq + self.guest + self.guest_nice
    }

    /// All modes.
    pub fn all(&self) -> f64 {
        self.busy() + self.idle + self.iowait + self.steal
    }
}

/// Figures of the whole machine.
#[derive(Debug, Clone, Default)]
pub struct Machine {
    /// Processor time since boot, all cores. Source: `/proc/stat` line `cpu`.
    pub cpu_time: CpuModes<CpuTime>,
    /// Processors in use by mode since the tick before.
    pub cpu: Reading<CpuModes<f64>>,
    /// Each core.
    pub cores: Vec<Core>,
    /// Runnable and uninterruptible tasks, averaged. Source: `/proc/loadavg`.
    pub load: Reading<Load>,
    /// Memory. Source: `/proc/meminfo`.
    pub memory: Reading<MemoryUse>,
    /// Swapping traffic.
    pub swapping: Reading<Swapping>,
    /// Pressure stall information, shares of the last 10 s. Source: `/proc/pressure/*`, since 4.20.
    pub pressure: Pressure,
    /// Events each second.
    pub events: Events,
    /// Processes now.
    pub processes: u64,
    /// Threads now.
    pub threads: u64,
    /// Runnable threads. Source: `/proc/stat` `procs_running`.
    pub running: Reading<u64>,
    /// Threads that wait for the disk. Source: `/proc/stat` `procs_blocked`.
    pub blocked: Reading<u64>,
    /// Whole disks.
    pub disks: Vec<Disk>,
    /// Network interfaces.
    pub interfaces: Vec<Interface>,
    /// Network payload by who moved it.
    pub payload: Payload,
    /// What processes did of what the machine did.
    pub attributed: Attributed,
    /// Temperature sensors.
    pub sensors: Vec<Sensor>,
    /// When they were read; none before the first time.
    pub sensors_taken: Option<Mono>,
    /// Temperature of the processor package.
    pub temperature: Reading<Celsius>,
    /// Time since boot. Source: `/proc/uptime`.
    pub uptime: Duration,
}

/// Network payload each second since the tick before, TCP and UDP in every network namespace. Source: eBPF
/// `sock_recv_length`, `sock_send_length`; `Unsupported` without.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Payload {
    /// Of all processes, those included that have ended.
    pub processes: Reading<NetRates>,
    /// Of the kernel itself: network file systems and others that use sockets without a process.
    pub kernel: Reading<NetRates>,
}

/// What all processes did since the tick before, those included that ended in it. An end that is told late counts in the tick in
/// which it is told.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Attributed {
    /// Processors in use.
    pub cpu: Reading<Cores>,
    /// Bytes each second that processes made disks read.
    pub read: Reading<PerSecond>,
    /// Bytes each second that processes wrote to be stored on disks; they get there later.
    pub written: Reading<PerSecond>,
    /// Processor time of all processes as a share of what the machine was busy, over the last minute.
    pub share: Reading<Ratio>,
}

/// One processor core.
#[derive(Debug, Clone, Default)]
pub struct Core {
    /// Its number.
    pub id: u32,
    /// Time since boot by mode.
    pub time: CpuModes<CpuTime>,
    /// Share of time by mode since the tick before.
    pub share: Reading<CpuModes<f64>>,
    /// Clock now, in hertz. Source: `/sys/devices/system/cpu/cpu*/cpufreq/scaling_cur_freq`.
    pub frequency: Reading<u64>,
}

/// Load averages.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Load {
    /// Over one minute.
    pub one: f64,
    /// Over five minutes.
    pub five: f64,
    /// Over fifteen minutes.
    pub fifteen: f64,
}

/// Memory and swap of the machine.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct MemoryUse {
    /// `MemTotal`.
    pub total: Bytes,
    /// `MemFree`.
    pub free: Bytes,
    /// `MemAvailable`; before 3.14 free, buffers and page cache together.
    pub available: Bytes,
    /// `Buffers`.
    pub buffers: Bytes,
    /// `Cached`.
    pub cached: Bytes,
    /// `Slab`.
    pub slab: Bytes,
    /// `Shmem`.
    pub shared: Bytes,
    /// `Dirty`.
    pub dirty: Bytes,
    /// `SwapTotal`.
    pub swap_total: Bytes,
    /// `SwapFree`.
    pub swap_free: Bytes,
}

impl MemoryUse {
    /// What cannot be had without taking it from somebody: total − available.
    #[must_use]
    pub const fn used(&self) -> Bytes {
        self.total.since(self.available)
    }

    /// Swap in use.
    #[must_use]
    pub const fn swap_used(&self) -> Bytes {
        self.swap_total.since(self.swap_free)
    }
}

/// Swapping traffic. Source: `/proc/vmstat` `pswpin`, `pswpout`.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Swapping {
    /// Bytes read back each second.
    pub read: PerSecond,
    /// Bytes written out each second.
    pub written: PerSecond,
}

/// Shares of the last ten seconds in which tasks stood still for want of a resource.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Pressure {
    /// Some task waited for a processor.
    pub cpu_some: Reading<Ratio>,
    /// Some task waited for memory.
    pub memory_some: Reading<Ratio>,
    /// All tasks waited for memory.
    pub memory_full: Reading<Ratio>,
    /// Some task waited for the disk.
    pub io_some: Reading<Ratio>,
    /// All tasks waited for the disk.
    pub io_full: Reading<Ratio>,
}

/// Events of the whole machine each second. Source: `/proc/stat`.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Events {
    /// New processes and threads, `processes`.
    pub forks: Reading<PerSecond>,
    /// Context switches, `ctxt`.
    pub context_switches: Reading<PerSecond>,
    /// Interrupts, `intr`.
    pub interrupts: Reading<PerSecond>,
}

/// One whole disk (not a partition). Source: `/proc/diskstats`, `/sys/block`.
#[derive(Debug, Clone, Default)]
pub struct Disk {
    /// Device name, as `sda`.
    pub name: Box<str>,
    /// Model, where the device tells.
    pub model: Box<str>,
    /// Size.
    pub size: Reading<Bytes>,
    /// Whether it belongs into sums: not stacked on other disks, whose traffic already contains its own.
    pub counts: bool,
    /// Bytes read since boot.
    pub read_total: Bytes,
    /// Bytes written since boot.
    pub written_total: Bytes,
    /// What happened since the tick before.
    pub rates: Reading<DiskRates>,
}

/// A disk's work each second.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct DiskRates {
    /// Bytes read.
    pub read: PerSecond,
    /// Bytes written.
    pub written: PerSecond,
    /// Reads finished.
    pub reads: PerSecond,
    /// Writes finished.
    pub writes: PerSecond,
    /// Share of time with work in hand.
    pub busy: Ratio,
    /// Mean time of a request from queueing to its end, in seconds; zero without requests.
    pub wait: f64,
    /// Mean number of requests in hand.
    pub queue: f64,
}

/// One network interface. Source: `/proc/net/dev`, `/sys/class/net`.
#[derive(Debug, Clone, Default)]
pub struct Interface {
    /// Name, as `eth0`.
    pub name: Box<str>,
    /// `up`, `down`, `unknown` … Source: `operstate`.
    pub state: Box<str>,
    /// `physical`, `virtual`, `loopback`, `bridge` …
    pub kind: Box<str>,
    /// Hardware address.
    pub address: Box<str>,
    /// Link speed in bits a second, where the driver tells.
    pub speed: Reading<u64>,
    /// Largest packet.
    pub mtu: Reading<u64>,
    /// Bytes received since the interface came up.
    pub received_total: Bytes,
    /// Bytes sent since the interface came up.
    pub sent_total: Bytes,
    /// What happened since the tick before.
    pub rates: Reading<InterfaceRates>,
}

impl Interface {
    /// Whether packets leave the machine here, so that sums over these count nothing twice.
    pub fn leaves_the_machine(&self) -> bool {
        matches!(&*self.kind, "physical" | "wireless")
    }

    /// Whether it leads from the machine to itself.
    pub fn is_loopback(&self) -> bool {
        &*self.kind == "loopback"
    }
}

/// An interface's traffic each second.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct InterfaceRates {
    /// Bytes received.
    pub received: PerSecond,
    /// Bytes sent.
    pub sent: PerSecond,
    /// Packets received.
    pub received_packets: PerSecond,
    /// Packets sent.
    pub sent_packets: PerSecond,
    /// Receive errors.
    pub receive_errors: PerSecond,
    /// Send errors.
    pub send_errors: PerSecond,
    /// Received and dropped.
    pub receive_drops: PerSecond,
    /// Dropped before sending.
    pub send_drops: PerSecond,
}

/// One temperature sensor. Source: `/sys/class/hwmon`, `/sys/class/thermal`.
#[derive(Debug, Clone, Default)]
pub struct Sensor {
    /// What it measures, as `Package id 0`.
    pub name: Box<str>,
    /// The chip, as `coretemp`.
    pub chip: Box<str>,
    /// Now.
    pub temperature: Celsius,
    /// Where the chip calls it high.
    pub high: Option<Celsius>,
    /// Where the chip calls it critical.
    pub critical: Option<Celsius>,
}

/// One mounted file system. Source: `/proc/self/mountinfo`, `statvfs(2)`.
#[derive(Debug, Clone, Default)]
pub struct Filesystem {
    /// Where it is mounted.
    pub mount: Box<str>,
    /// What is mounted there.
    pub device: Box<str>,
    /// Its type, as `ext4`.
    pub kind: Box<str>,
    /// Mounted read-only.
    pub read_only: bool,
    /// `ok`, `timeout` (it does not answer) or `error`.
    pub state: FilesystemState,
    /// Space; unknown while it does not answer.
    pub space: Reading<Space>,
}

/// Whether a file system answers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum FilesystemState {
    /// It answered.
    #[default]
    Ok,
    /// It did not answer in time; it is asked again in the background.
    Timeout,
    /// It answered with an error.
    Error,
}

impl FilesystemState {
    /// The word for it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Timeout => "timeout",
            Self::Error => "error",
        }
    }
}

/// Space of a file system.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Space {
    /// All of it.
    pub size: Bytes,
    /// Not used.
    pub free: Bytes,
    /// Not used and open to users without privilege.
    pub available: Bytes,
    /// Inodes; 0 where the file system has no fixed number.
    pub inodes: u64,
    /// Inodes not used.
    pub inodes_free: u64,
}

impl Space {
    /// In use: size − free.
    #[must_use]
    pub const fn used(&self) -> Bytes {
        self.size.since(self.free)
    }

    /// Share in use of what users may fill, as `df` rounds up: used ÷ (used + available).
    #[expect(clippy::cast_precision_loss, reason = "a share needs no more than 53 bits")]
    pub fn usage(&self) -> Option<Ratio> {
        let all = self.used().plus(self.available);
        (all.0 > 0).then(|| Ratio(self.used().0 as f64 / all.0 as f64))
    }

    /// Share of inodes in use; unknown where the file system has no fixed number.
    #[expect(clippy::cast_precision_loss, reason = "a share needs no more than 53 bits")]
    pub fn inode_usage(&self) -> Option<Ratio> {
        let used = self.inodes.saturating_sub(self.inodes_free);
        (self.inodes > 0).then(|| Ratio(used as f64 / self.inodes as f64))
    }
}

/// One logged-in user. Source: `/run/utmp`, `/run/systemd/sessions`.
#[derive(Debug, Clone, Default)]
pub struct UserSession {
    /// Name.
    pub name: Box<str>,
    /// Terminal.
    pub tty: Box<str>,
    /// Where from; empty when local.
    pub from: Box<str>,
    /// When they logged in.
    pub login: Wall,
    /// Time since the terminal was last used.
    pub idle: Option<Duration>,
    /// Leader of the session.
    pub pid: u32,
}

/// One container, from the control groups of its processes and, where it answers, its engine.
#[derive(Debug, Clone, Default)]
pub struct Container {
    /// Name; the short id where the engine does not answer.
    pub name: Box<str>,
    /// Full id.
    pub id: Box<str>,
    /// `docker`, `podman`, `containerd`, `kubernetes`, `lxc` …
    pub engine: Box<str>,
    /// Image, where the engine tells.
    pub image: Box<str>,
    /// Control group.
    pub cgroup: Box<str>,
    /// Processes in it.
    pub processes: u64,
    /// Processors that they use.
    pub cpu: Option<Cores>,
    /// Their resident memory, shared pages counted more than once.
    pub resident: Bytes,
    /// Bytes that they read from storage each second.
    pub read: Option<PerSecond>,
    /// Bytes that they write towards storage each second.
    pub written: Option<PerSecond>,
}
