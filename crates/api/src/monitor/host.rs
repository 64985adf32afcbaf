//! The host object of the compatibility API. Fields and units are frozen: kB for memory, shares 0 to 1 for processor modes.

use std::sync::Arc;

use axum::extract::ws::Utf8Bytes;
use procyon_model::Frame;
use procyon_model::machine::{CpuModes, MemoryUse};
use procyon_units::Bytes;
use serde::Serialize;

use crate::live::Encoder;

#[derive(Debug, Serialize)]
pub(super) struct Host {
    hostname: String,
    os: String,
    kernel: String,
    uptime: u64,
    time: i64,
    cpu: Cpu,
    memory: Memory,
    disks: Vec<Disk>,
    filesystems: Vec<Filesystem>,
    networks: Vec<Network>,
    processes: u64,
    threads: u64,
}

#[derive(Debug, Serialize)]
struct Cpu {
    cores: u32,
    usage: f64,
    user: f64,
    system: f64,
    iowait: f64,
    idle: f64,
    steal: f64,
    load1: f64,
    load5: f64,
    load15: f64,
    temperature: Option<f64>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Memory {
    total: u64,
    free: u64,
    available: u64,
    used: u64,
    buffers: u64,
    cached: u64,
    swap_total: u64,
    swap_free: u64,
}

#[derive(Debug, Serialize)]
struct Disk {
    name: String,
    read: f64,
    write: f64,
    busy: f64,
}

#[derive(Debug, Serialize)]
struct Filesystem {
    mount: String,
    device: String,
    #[serde(rename = "type")]
    kind: String,
    total: u64,
    free: u64,
    used: u64,
    usage: f64,
}

#[derive(Debug, Serialize)]
struct Network {
    name: String,
    state: String,
    rx: f64,
    tx: f64,
}

/// The machine. What is not known is 0 here: apart from the temperature, the fields of this API have no null.
pub(super) fn snapshot(frame: &Frame) -> Host {
    let machine = &frame.machine;
    Host {
        hostname: frame.host.name.to_string(),
        os: frame.host.os.to_string(),
        kernel: frame.host.kernel.to_string(),
        uptime: machine.uptime.as_secs(),
        time: frame.wall.unix_ms(),
        cpu: cpu(frame),
        memory: memory(&machine.memory.get().copied().unwrap_or_default()),
        disks: disks(frame),
        filesystems: filesystems(frame),
        networks: networks(frame),
        processes: machine.processes,
        threads: machine.threads,
    }
}

fn cpu(frame: &Frame) -> Cpu {
    let modes = frame.machine.cpu.get().copied().unwrap_or_default();
    let all = modes.all();
    let share = |part: f64| if all > 0.0 { part / all } else { 0.0 };
    let load = frame.machine.load.get().copied().unwrap_or_default();
    let CpuModes { user, nice, system, idle, iowait, steal, .. } = modes;
    Cpu {
        cores: frame.host.cpus,
        usage: share(modes.busy()),
        user: share(user + nice),
        system: share(system),
        iowait: share(iowait),
        idle: share(idle),
        steal: share(steal),
        load1: load.one,
        load5: load.five,
        load15: load.fifteen,
        temperature: frame.machine.temperature.get().map(|degrees| degrees.0),
    }
}

fn memory(memory: &MemoryUse) -> Memory {
    let kb = Bytes::kib;
    Memory {
        total: kb(memory.total),
        free: kb(memory.free),
        available: kb(memory.available),
        used: kb(memory.used()),
        buffers: kb(memory.buffers),
        cached: kb(memory.cached),
        swap_total: kb(memory.swap_total),
        swap_free: kb(memory.swap_free),
    }
}

fn disks(frame: &Frame) -> Vec<Disk> {
    let one = |disk: &procyon_model::machine::Disk| {
        let rates = disk.rates.get().copied().unwrap_or_default();
        Disk { name: disk.name.to_string(), read: rates.read.0, write: rates.written.0, busy: rates.busy.0 }
    };
    frame.machine.disks.iter().map(one).collect()
}

fn filesystems(frame: &Frame) -> Vec<Filesystem> {
    let one = |filesystem: &procyon_model::machine::Filesystem| {
        let space = filesystem.space.get().copied().unwrap_or_default();
        Filesystem {
            mount: filesystem.mount.to_string(),
            device: filesystem.device.to_string(),
            kind: filesystem.kind.to_string(),
            total: space.size.kib(),
            free: space.available.kib(),
            used: space.used().kib(),
            usage: space.usage().map_or(0.0, |usage| usage.0),
        }
    };
    frame.filesystems.items.iter().map(one).collect()
}

fn networks(frame: &Frame) -> Vec<Network> {
    let one = |interface: &procyon_model::machine::Interface| {
        let rates = interface.rates.get().copied().unwrap_or_default();
        Network {
            name: interface.name.to_string(),
            state: interface.state.to_string(),
            rx: rates.received.0,
            tx: rates.sent.0,
        }
    };
    frame.machine.interfaces.iter().map(one).collect()
}

/// The stream: the host each tick.
#[derive(Debug, Default)]
pub(super) struct Stream(Option<Utf8Bytes>);

impl Encoder for Stream {
    fn tick(&mut self, frames: &[Arc<Frame>]) -> Option<Utf8Bytes> {
        self.0 = serde_json::to_string(&snapshot(frames.last()?)).ok().map(Into::into);
        self.0.clone()
    }

    fn full(&mut self) -> Option<Utf8Bytes> {
        self.0.clone()
    }

    fn gap(&self, _missed: u64) -> Option<Utf8Bytes> {
        None
    }
}
