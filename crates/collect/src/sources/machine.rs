//! The machine itself: counters every tick, what sysfs says at a slower pace.

use std::collections::HashMap;
use std::time::Duration;

use procyon_linux::host::diskstats::{self, DiskCounters, DiskGrowth};
use procyon_linux::host::net_dev::{self, InterfaceCounters};
use procyon_linux::host::stat::{self, CpuTimes, Stat};
use procyon_linux::host::{loadavg, meminfo, pressure, uptime, vmstat};
use procyon_linux::root::Root;
use procyon_linux::sys::block::{self, BlockDevice};
use procyon_linux::sys::class_net::{self, NetInterface};
use procyon_linux::sys::{cpufreq, temperature};
use procyon_model::machine::{
    Core, CpuModes, Disk, DiskRates, Events, Interface, InterfaceRates, Load, Machine, MemoryUse, Pressure, Sensor,
    Swapping,
};
use procyon_model::rates::per_second;
use procyon_units::{CpuTime, PerSecond, Ratio, Reading};

/// Ticks between two looks at what devices are and at their sensors.
const DEVICES_EVERY: u32 = 15;
/// Ticks between two looks at sensors and clocks.
const SENSORS_EVERY: u32 = 5;

/// Reads the machine and remembers the counters of the tick before.
pub(crate) struct MachineSource {
    root: Root,
    buffer: Vec<u8>,
    ticks: u32,
    stat: Option<Stat>,
    swap: Option<(u64, u64)>,
    disks: HashMap<Box<str>, DiskCounters>,
    interfaces: HashMap<Box<str>, InterfaceCounters>,
    block_devices: Vec<BlockDevice>,
    net_devices: Vec<NetInterface>,
    sensors: Vec<temperature::Sensor>,
    frequencies: Vec<Reading<u64>>,
    page_size: u64,
}

impl MachineSource {
    pub(crate) fn new(root: &Root) -> Self {
        Self {
            root: root.clone(),
            buffer: Vec::new(),
            ticks: 0,
            stat: None,
            swap: None,
            disks: HashMap::new(),
            interfaces: HashMap::new(),
            block_devices: Vec::new(),
            net_devices: Vec::new(),
            sensors: Vec::new(),
            frequencies: Vec::new(),
            page_size: vmstat::page_size(),
        }
    }

    /// Reads all; `elapsed` is the time since the tick before.
    pub(crate) fn read(&mut self, elapsed: Option<Duration>) -> Machine {
        self.look_at_devices();
        let mut machine = Machine {
            load: loadavg::read(&self.root, &mut self.buffer).map(|load| Load {
                one: load.one,
                five: load.five,
                fifteen: load.fifteen,
            }),
            memory: self.memory(),
            swapping: self.swapping(elapsed),
            pressure: self.pressure(),
            disks: self.disks(elapsed),
            interfaces: self.interfaces(elapsed),
            sensors: self.sensors.iter().map(sensor).collect(),
            temperature: temperature::of_cpu(&self.sensors).map_or(Reading::Absent, Reading::Known),
            uptime: uptime::read(&self.root, &mut self.buffer).get().copied().unwrap_or_default(),
            ..Machine::default()
        };
        self.processors(&mut machine, elapsed);
        machine
    }

    fn look_at_devices(&mut self) {
        if self.ticks.is_multiple_of(DEVICES_EVERY) {
            self.block_devices = block::list(&self.root, &mut self.buffer);
            self.net_devices = class_net::list(&self.root, &mut self.buffer);
        }
        if self.ticks.is_multiple_of(SENSORS_EVERY) {
            self.sensors = temperature::list(&self.root, &mut self.buffer);
            let cores = self.stat.as_ref().map_or(&[][..], |stat| &stat.cores);
            self.frequencies = cores.iter().map(|core| cpufreq::read(&self.root, core.id, &mut self.buffer)).collect();
        }
        self.ticks = self.ticks.wrapping_add(1);
    }

    fn processors(&mut self, machine: &mut Machine, elapsed: Option<Duration>) {
        let Reading::Known(now) = stat::read(&self.root, &mut self.buffer) else { return };
        let before = self.stat.take();
        let rate = |pick: fn(&Stat) -> Reading<u64>| -> Reading<PerSecond> {
            let (Some(before), Some(elapsed)) = (&before, elapsed) else { return Reading::Pending };
            match (pick(before), pick(&now)) {
                (Reading::Known(a), Reading::Known(b)) => known(per_second(a, b, elapsed)),
                (_, later) => later.map(|_| PerSecond(0.0)),
            }
        };
        machine.events = Events {
            forks: rate(|stat| stat.forks),
            context_switches: rate(|stat| stat.context_switches),
            interrupts: rate(|stat| stat.interrupts),
        };
        machine.running = now.running;
        machine.blocked = now.blocked;
        machine.cpu_time = modes(&now.total);
        machine.cpu = match (&before, elapsed) {
            (Some(before), Some(elapsed)) => in_use(&before.total, &now.total, now.cores.len(), elapsed),
            _ => Reading::Pending,
        };
        machine.cores = now
            .cores
            .iter()
            .enumerate()
            .map(|(at, core)| Core {
                id: core.id,
                time: modes(&core.times),
                share: before
                    .as_ref()
                    .and_then(|stat| stat.cores.iter().find(|earlier| earlier.id == core.id))
                    .map_or(Reading::Pending, |earlier| shares(&earlier.times, &core.times)),
                frequency: self.frequencies.get(at).copied().unwrap_or_default(),
            })
            .collect();
        self.stat = Some(now);
    }

    fn memory(&mut self) -> Reading<MemoryUse> {
        meminfo::read(&self.root, &mut self.buffer).map(|memory| MemoryUse {
            total: memory.total,
            free: memory.free,
            available: memory.available,
            buffers: memory.buffers,
            cached: memory.cached,
            slab: memory.slab,
            shared: memory.shared,
            dirty: memory.dirty,
            swap_total: memory.swap_total,
            swap_free: memory.swap_free,
        })
    }

    fn swapping(&mut self, elapsed: Option<Duration>) -> Reading<Swapping> {
        let reading = vmstat::read(&self.root, &mut self.buffer);
        let Some(vmstat) = reading.get() else { return reading.map(|_| Swapping::default()) };
        let (Some(read), Some(written)) = (vmstat.swapped_in.get(), vmstat.swapped_out.get()) else {
            return Reading::Unsupported;
        };
        let now = (read.bytes(self.page_size).0, written.bytes(self.page_size).0);
        let (Some(before), Some(elapsed)) = (self.swap.replace(now), elapsed) else { return Reading::Pending };
        let rate = |a, b| per_second(a, b, elapsed).unwrap_or_default();
        Reading::Known(Swapping { read: rate(before.0, now.0), written: rate(before.1, now.1) })
    }

    fn pressure(&mut self) -> Pressure {
        let pressure = pressure::read(&self.root, &mut self.buffer);
        Pressure {
            cpu_some: pressure.cpu.some.map(|stall| stall.avg10),
            memory_some: pressure.memory.some.map(|stall| stall.avg10),
            memory_full: pressure.memory.full.map(|stall| stall.avg10),
            io_some: pressure.io.some.map(|stall| stall.avg10),
            io_full: pressure.io.full.map(|stall| stall.avg10),
        }
    }

    /// Whole disks that hold something, in the order of the kernel.
    fn disks(&mut self, elapsed: Option<Duration>) -> Vec<Disk> {
        let Reading::Known(stats) = diskstats::read(&self.root, &mut self.buffer) else { return Vec::new() };
        let before = std::mem::take(&mut self.disks);
        let mut disks = Vec::new();
        for stat in stats {
            let Some(device) = self.block_devices.iter().find(|device| device.name == stat.name) else { continue };
            let unused = stat.counters.reads == 0 && stat.counters.writes == 0;
            if unused && (matches!(device.size, Reading::Known(size) if size.0 == 0) || !device.counts()) {
                continue;
            }
            let growth = before.get(&stat.name).and_then(|earlier| stat.counters.since(earlier));
            disks.push(Disk {
                name: stat.name.clone(),
                model: device.model.clone(),
                size: device.size,
                counts: device.counts(),
                read_total: stat.counters.read,
                written_total: stat.counters.written,
                rates: match (growth, elapsed) {
                    (Some(growth), Some(elapsed)) => disk_rates(&growth, elapsed),
                    _ => Reading::Pending,
                },
            });
            self.disks.insert(stat.name, stat.counters);
        }
        disks
    }

    fn interfaces(&mut self, elapsed: Option<Duration>) -> Vec<Interface> {
        let Reading::Known(stats) = net_dev::read(&self.root, &mut self.buffer) else { return Vec::new() };
        let before = std::mem::take(&mut self.interfaces);
        let mut interfaces = Vec::with_capacity(stats.len());
        for stat in stats {
            let device = self.net_devices.iter().find(|device| device.name == stat.name);
            let growth = before.get(&stat.name).and_then(|earlier| stat.counters.since(earlier));
            interfaces.push(Interface {
                name: stat.name.clone(),
                state: device.map(|device| device.state.clone()).unwrap_or_default(),
                kind: device.map(|device| device.kind.word().into()).unwrap_or_default(),
                address: device.map(|device| device.address.clone()).unwrap_or_default(),
                speed: device.map(|device| device.speed).unwrap_or_default(),
                mtu: device.map(|device| device.mtu).unwrap_or_default(),
                received_total: stat.counters.received.bytes,
                sent_total: stat.counters.sent.bytes,
                rates: match (growth, elapsed) {
                    (Some(growth), Some(elapsed)) => interface_rates(&growth, elapsed),
                    _ => Reading::Pending,
                },
            });
            self.interfaces.insert(stat.name, stat.counters);
        }
        interfaces
    }
}

fn known<T>(value: Option<T>) -> Reading<T> {
    value.map_or(Reading::Pending, Reading::Known)
}

fn modes(times: &CpuTimes) -> CpuModes<CpuTime> {
    CpuModes {
        user: times.user,
        nice: times.nice,
        system: times.system,
        idle: times.idle,
        iowait: times.iowait,
        irq: times.irq,
        softirq: times.softirq,
        steal: times.steal,
        guest: times.guest,
        guest_nice: times.guest_nice,
    }
}

/// Processors in use by mode. The kernel's modes need not add up to cores × wall (ticks get lost while a core sleeps);
/// what is neither idle, nor I/O wait, nor steal was busy, and the busy modes are scaled to that.
fn in_use(before: &CpuTimes, now: &CpuTimes, cores: usize, elapsed: Duration) -> Reading<CpuModes<f64>> {
    let wall = elapsed.as_secs_f64();
    if wall <= 0.0 {
        return Reading::Pending;
    }
    let grown = modes(&now.since(before)).map(|time| time.seconds() / wall);
    let busy = stat::busy_cores(&now.since(before), cores, elapsed).0;
    let counted = grown.busy();
    // Below a tick a core the kernel's resolution says nothing about the difference.
    if counted <= 0.0 {
        return Reading::Known(grown);
    }
    let scale = busy / counted;
    let CpuModes { idle, iowait, steal, .. } = grown;
    Reading::Known(CpuModes { idle, iowait, steal, ..grown.map(|mode| mode * scale) })
}

/// Shares of one core's own time.
fn shares(before: &CpuTimes, now: &CpuTimes) -> Reading<CpuModes<f64>> {
    let grown = now.since(before);
    let all = grown.all().seconds();
    if all <= 0.0 {
        return Reading::Pending;
    }
    Reading::Known(modes(&grown).map(|time| time.seconds() / all))
}

#[expect(clippy::cast_precision_loss, reason = "requests between two ticks are few")]
fn disk_rates(growth: &DiskGrowth, elapsed: Duration) -> Reading<DiskRates> {
    let rate = |count| per_second(0, count, elapsed);
    let requests = growth.reads + growth.writes;
    let waited = (growth.read_time + growth.write_time).as_secs_f64();
    let wall = elapsed.as_secs_f64();
    known(rate(0).and_then(|_| {
        Some(DiskRates {
            read: rate(growth.read.0)?,
            written: rate(growth.written.0)?,
            reads: rate(growth.reads)?,
            writes: rate(growth.writes)?,
            busy: Ratio((growth.busy.as_secs_f64() / wall).min(1.0)),
            wait: if requests > 0 { waited / requests as f64 } else { 0.0 },
            queue: growth.weighted.as_secs_f64() / wall,
        })
    }))
}

fn interface_rates(growth: &InterfaceCounters, elapsed: Duration) -> Reading<InterfaceRates> {
    let rate = |count| per_second(0, count, elapsed);
    let rates = || {
        Some(InterfaceRates {
            received: rate(growth.received.bytes.0)?,
            sent: rate(growth.sent.bytes.0)?,
            received_packets: rate(growth.received.packets)?,
            sent_packets: rate(growth.sent.packets)?,
            receive_errors: rate(growth.received.errors)?,
            send_errors: rate(growth.sent.errors)?,
            receive_drops: rate(growth.received.dropped)?,
            send_drops: rate(growth.sent.dropped)?,
        })
    };
    known(rates())
}

fn sensor(sensor: &temperature::Sensor) -> Sensor {
    Sensor {
        name: sensor.name.clone(),
        chip: sensor.chip.clone(),
        temperature: sensor.temperature,
        high: sensor.high,
        critical: sensor.critical,
    }
}
