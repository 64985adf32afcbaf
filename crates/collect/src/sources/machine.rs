//! The machine itself: counters every tick. A rate is divided by the time between the two readings of its own file.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use procyon_linux::host::diskstats::{self, DiskCounters, DiskGrowth};
use procyon_linux::host::net_dev::{self, InterfaceCounters};
use procyon_linux::host::stat::{self, CpuTimes, Stat};
use procyon_linux::host::{loadavg, meminfo, pressure, uptime, vmstat};
use procyon_linux::root::Root;
use procyon_linux::sys::temperature;
use procyon_model::frame::SourceHealth;
use procyon_model::machine::{
    Core, CpuModes, Disk, DiskRates, Events, Interface, InterfaceRates, Load, Machine, MemoryUse, Pressure, Sensor,
    Swapping,
};
use procyon_model::rates::per_second;
use procyon_units::{Clock, CpuTime, Mono, PerSecond, Ratio, Reading};

use super::devices::DevicesSource;

/// What was read, and when.
#[derive(Debug)]
struct Read<T> {
    what: T,
    at: Mono,
}

/// Reads the machine and remembers the counters of the tick before.
pub(crate) struct MachineSource {
    root: Root,
    clock: Arc<dyn Clock>,
    buffer: Vec<u8>,
    stat: Option<Read<Stat>>,
    swap: Option<Read<(u64, u64)>>,
    disks: Option<Read<HashMap<Box<str>, DiskCounters>>>,
    interfaces: Option<Read<HashMap<Box<str>, InterfaceCounters>>>,
    devices: DevicesSource,
    page_size: u64,
}

impl MachineSource {
    pub(crate) fn new(root: &Root, clock: Arc<dyn Clock>) -> std::io::Result<Self> {
        Ok(Self {
            root: root.clone(),
            clock,
            buffer: Vec::new(),
            stat: None,
            swap: None,
            disks: None,
            interfaces: None,
            devices: DevicesSource::new(root)?,
            page_size: vmstat::page_size(),
        })
    }

    /// How the slower readings are doing.
    pub(crate) fn health(&self, now: Mono) -> [SourceHealth; 3] {
        self.devices.health(now)
    }

    /// Reads all.
    pub(crate) fn read(&mut self, now: Mono) -> Machine {
        let cores = || self.stat.iter().flat_map(|stat| &stat.what.cores).map(|core| core.id).collect();
        self.devices.run(now, cores);
        let mut machine = Machine {
            load: loadavg::read(&self.root, &mut self.buffer).map(|load| Load {
                one: load.one,
                five: load.five,
                fifteen: load.fifteen,
            }),
            memory: self.memory(),
            swapping: self.swapping(),
            pressure: self.pressure(),
            disks: self.disks(),
            interfaces: self.interfaces(),
            sensors: self.devices.sensors().iter().map(sensor).collect(),
            sensors_taken: self.devices.sensors_taken(),
            temperature: temperature::of_cpu(self.devices.sensors()).map_or(Reading::Absent, Reading::Known),
            uptime: uptime::read(&self.root, &mut self.buffer).get().copied().unwrap_or_default(),
            ..Machine::default()
        };
        self.processors(&mut machine);
        machine
    }

    fn processors(&mut self, machine: &mut Machine) {
        let at = self.clock.mono();
        let Reading::Known(now) = stat::read(&self.root, &mut self.buffer) else { return };
        let before = self.stat.take();
        let elapsed = before.as_ref().map(|before| at.since(before.at));
        let before = before.map(|before| before.what);
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
                frequency: self.devices.frequencies().get(at).copied().unwrap_or_default(),
            })
            .collect();
        self.stat = Some(Read { what: now, at });
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

    fn swapping(&mut self) -> Reading<Swapping> {
        let at = self.clock.mono();
        let reading = vmstat::read(&self.root, &mut self.buffer);
        let Some(vmstat) = reading.get() else { return reading.map(|_| Swapping::default()) };
        let (Some(read), Some(written)) = (vmstat.swapped_in.get(), vmstat.swapped_out.get()) else {
            return Reading::Unsupported;
        };
        let now = (read.bytes(self.page_size).0, written.bytes(self.page_size).0);
        let Some(before) = self.swap.replace(Read { what: now, at }) else { return Reading::Pending };
        let rate = |a, b| per_second(a, b, at.since(before.at)).unwrap_or_default();
        Reading::Known(Swapping { read: rate(before.what.0, now.0), written: rate(before.what.1, now.1) })
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
    fn disks(&mut self) -> Vec<Disk> {
        let at = self.clock.mono();
        let Reading::Known(stats) = diskstats::read(&self.root, &mut self.buffer) else { return Vec::new() };
        let before = self.disks.take();
        let (mut disks, mut counters) = (Vec::new(), HashMap::with_capacity(stats.len()));
        for stat in stats {
            let Some(device) = self.devices.disks().iter().find(|device| device.name == stat.name) else { continue };
            let unused = stat.counters.reads == 0 && stat.counters.writes == 0;
            if unused && (matches!(device.size, Reading::Known(size) if size.0 == 0) || !device.counts()) {
                continue;
            }
            let growth = before
                .as_ref()
                .and_then(|before| Some((stat.counters.since(before.what.get(&stat.name)?)?, at.since(before.at))));
            disks.push(Disk {
                name: stat.name.clone(),
                model: device.model.clone(),
                size: device.size,
                counts: device.counts(),
                read_total: stat.counters.read,
                written_total: stat.counters.written,
                rates: growth.map_or(Reading::Pending, |(growth, elapsed)| disk_rates(&growth, elapsed)),
            });
            counters.insert(stat.name, stat.counters);
        }
        self.disks = Some(Read { what: counters, at });
        disks
    }

    fn interfaces(&mut self) -> Vec<Interface> {
        let at = self.clock.mono();
        let Reading::Known(stats) = net_dev::read(&self.root, &mut self.buffer) else { return Vec::new() };
        let before = self.interfaces.take();
        let (mut interfaces, mut counters) = (Vec::with_capacity(stats.len()), HashMap::with_capacity(stats.len()));
        for stat in stats {
            let device = self.devices.interfaces().iter().find(|device| device.name == stat.name);
            let growth = before
                .as_ref()
                .and_then(|before| Some((stat.counters.since(before.what.get(&stat.name)?)?, at.since(before.at))));
            interfaces.push(Interface {
                name: stat.name.clone(),
                state: device.map(|device| device.state.clone()).unwrap_or_default(),
                kind: device.map(|device| device.kind.word().into()).unwrap_or_default(),
                address: device.map(|device| device.address.clone()).unwrap_or_default(),
                speed: device.map(|device| device.speed).unwrap_or_default(),
                mtu: device.map(|device| device.mtu).unwrap_or_default(),
                received_total: stat.counters.received.bytes,
                sent_total: stat.counters.sent.bytes,
                rates: growth.map_or(Reading::Pending, |(growth, elapsed)| interface_rates(&growth, elapsed)),
            });
            counters.insert(stat.name, stat.counters);
        }
        self.interfaces = Some(Read { what: counters, at });
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

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};

    use procyon_units::Wall;

    use super::*;

    /// A clock that goes 1 s on at the first question, 2 s at the second, 3 s at the third and so on.
    struct Faster(AtomicU64);

    impl Clock for Faster {
        fn wall(&self) -> Wall {
            Wall(0)
        }

        fn mono(&self) -> Mono {
            let asked = self.0.fetch_add(1, Ordering::Relaxed) + 1;
            Mono(asked * (asked + 1) / 2 * 1_000_000_000)
        }
    }

    #[test]
    fn a_rate_is_divided_by_the_time_between_the_two_readings_of_its_file() {
        let dir = tempfile::tempdir().unwrap();
        let proc = dir.path().join("proc");
        std::fs::create_dir_all(proc.join("net")).unwrap();
        let write = |forks: u64, idle: u64, bytes: u64| {
            let stat = format!("cpu 0 0 0 {idle} 0 0 0 0 0 0\ncpu0 0 0 0 {idle} 0 0 0 0 0 0\nprocesses {forks}\n");
            std::fs::write(proc.join("stat"), stat).unwrap();
            let line = format!("  eth0: {bytes} 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0");
            std::fs::write(proc.join("net/dev"), format!("Inter-|\n face |\n{line}\n")).unwrap();
        };
        let mut source = MachineSource::new(&Root::at(dir.path()), Arc::new(Faster(AtomicU64::new(0)))).unwrap();
        write(0, 0, 0);
        assert_eq!(source.read(Mono(0)).events.forks, Reading::Pending);
        // Questions 1 to 4 are for vmstat, diskstats, net/dev and stat; 5 to 8 the same. Stat: 10 s, then 36 s.
        write(2600, 1300, 6600);
        let machine = source.read(Mono(0));
        assert_eq!(machine.events.forks, Reading::Known(PerSecond(100.0)));
        // 13 of 26 seconds were idle.
        let busy = machine.cpu.get().unwrap();
        assert!((busy.idle - 0.5).abs() < 1e-9, "{busy:?}");
        let rates = machine.interfaces.first().unwrap().rates;
        assert_eq!(rates.get().unwrap().received, PerSecond(6600.0 / 22.0));
    }
}
