//! Frames by script: a machine whose processes do what the claim says.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use procyon_model::connection::{Owner, Protocol, SocketState};
use procyon_model::descriptor::Descriptor;
use procyon_model::frame::{Aged, Death, EndedProcess, Exit, HostIdentity, Pace};
use procyon_model::machine::{
    Attributed, Container, Core, CpuModes, Disk, DiskRates, Filesystem, FilesystemState, Interface, InterfaceRates,
    Load, MemoryUse, Payload, Sensor, Space, Swapping, UserSession,
};
use procyon_model::process::{
    CpuCounters, Faults, Fds, Io, Memory, Net, NetRates, Oom, ProcessState, Pss, Rates, Switches,
};
use procyon_model::{BootId, Connection, Frame, HostId, Machine, ProcessKey, ProcessRow, rates};
use procyon_units::{Bytes, Celsius, Cores, CpuTime, Mono, PerSecond, Ratio, Reading, Ticks, Wall};

/// The instant of the first frame: a full minute, 2023-11-14T22:14:00Z.
pub const BEGIN: i64 = 1_700_000_040_000;
/// How long the machine had been up at that instant, in milliseconds.
const UPTIME: i64 = 1_000_000;

/// A machine that makes frames when it is told to.
#[derive(Debug)]
pub struct Script {
    /// The frames so far.
    pub frames: Vec<Arc<Frame>>,
    /// Processes as the next frame will show them, in order of pid.
    pub processes: Vec<ProcessRow>,
    /// The machine as the next frame will show it.
    pub machine: Machine,
    /// Sockets as the next frame will show them.
    pub connections: Aged<Connection>,
    /// File systems as the next frame will show them.
    pub filesystems: Aged<Filesystem>,
    /// Users as the next frame will show them.
    pub users: Aged<UserSession>,
    /// Containers as the next frame will show them.
    pub containers: Arc<[Container]>,
    /// How fast frames are made.
    pub interval: Duration,
    host: HostIdentity,
    ended: Vec<EndedProcess>,
    now: i64,
    mono: u64,
    seq: u64,
    /// Whether the next frame is its collector's first.
    fresh: bool,
}

impl Default for Script {
    fn default() -> Self {
        Self::new()
    }
}

impl Script {
    /// A machine without processes, one second between two frames.
    pub fn new() -> Self {
        let boot = BootId(0x3f9a_1c07_0000_4000_8000_0000_0000_0001);
        let host = HostIdentity {
            id: HostId(0x1234_5678_9abc_def0),
            name: "scripted".into(),
            os: "Debian GNU/Linux 12 (bookworm)".into(),
            kernel: "6.8.0".into(),
            arch: "x86_64".into(),
            cpu_model: "Scripted CPU".into(),
            cpus: 4,
            boot,
            boot_time: Wall::from_unix_ms(BEGIN - UPTIME),
            version: "0.1.0".into(),
        };
        Self {
            frames: Vec::new(),
            processes: Vec::new(),
            machine: Machine::default(),
            connections: Aged::default(),
            filesystems: Aged::default(),
            users: Aged::default(),
            containers: Arc::from([]),
            interval: Duration::from_secs(1),
            host,
            ended: Vec::new(),
            now: BEGIN,
            mono: 5_000_000_000,
            seq: 0,
            fresh: true,
        }
    }

    /// The instant of the next frame.
    pub fn now(&self) -> Wall {
        Wall::from_unix_ms(self.now)
    }

    /// The instant of a frame that was made, from 0.
    pub fn at(&self, frame: usize) -> Wall {
        self.frames.get(frame).map_or(Wall(i64::MIN), |frame| frame.wall)
    }

    /// Starts a process half an interval before the next frame; a living one with this pid has to be ended first.
    pub fn start(&mut self, pid: u32, name: &str) -> ProcessKey {
        let half = i64::try_from(self.interval.as_millis()).unwrap_or(0) / 2;
        self.start_earlier(pid, name, half)
    }

    /// Starts a process so many milliseconds before the next frame.
    pub fn start_earlier(&mut self, pid: u32, name: &str, ms: i64) -> ProcessKey {
        let boot = self.host.boot_time.unix_ms();
        let ticks = u64::try_from((self.now - ms - boot) / 10).unwrap_or(0);
        let key = ProcessKey { pid, start: Ticks(ticks), boot: self.host.boot.short() };
        let mut row = quiet(key, name);
        row.started = Wall::from_unix_ms(boot + i64::try_from(ticks).unwrap_or(0) * 10);
        let place = self.processes.partition_point(|row| row.key.pid < pid);
        self.processes.insert(place, row);
        key
    }

    /// A living process.
    ///
    /// # Panics
    /// When there is none.
    pub fn process(&mut self, key: ProcessKey) -> &mut ProcessRow {
        self.processes.iter_mut().find(|row| row.key == key).expect("the script has started it")
    }

    /// Ends a process as it stands: the next frame tells it.
    pub fn end(&mut self, key: ProcessKey, exit: Reading<Exit>) {
        self.die(key, exit, Death::default());
    }

    /// Ends a process of which the kernel told more.
    pub fn die(&mut self, key: ProcessKey, exit: Reading<Exit>, death: Death) {
        let Some(place) = self.processes.iter().position(|row| row.key == key) else { return };
        let row = self.processes.remove(place);
        self.ended.push(EndedProcess { row, at: self.now(), exit, death });
        self.ended.sort_by_key(|ended| ended.row.key);
    }

    /// Tells the end of a process that is hidden with the next frame, as a kernel does that takes its time.
    pub fn die_late(&mut self, row: ProcessRow, exit: Reading<Exit>, death: Death) {
        let key = row.key;
        self.show(row);
        self.die(key, exit, death);
    }

    /// Hides a process without an end, as `hidepid` would; gives it back.
    pub fn hide(&mut self, key: ProcessKey) -> Option<ProcessRow> {
        let place = self.processes.iter().position(|row| row.key == key)?;
        Some(self.processes.remove(place))
    }

    /// Shows a hidden process again.
    pub fn show(&mut self, row: ProcessRow) {
        let place = self.processes.partition_point(|other| other.key.pid < row.key.pid);
        self.processes.insert(place, row);
    }

    /// Lets processor time pass for a process: so many milliseconds in user mode.
    pub fn burn(&mut self, key: ProcessKey, ms: u64) {
        let row = self.process(key);
        row.cpu.user = row.cpu.user.plus(CpuTime(ms * 1_000_000));
    }

    /// Lets the time pass without a frame, and the collector go on afterwards as if it had been started anew.
    pub fn away(&mut self, time: Duration) {
        self.skip(time);
        self.fresh = true;
    }

    /// Starts the machine again after some time: all processes are gone.
    pub fn reboot(&mut self, time: Duration) {
        self.away(time);
        self.processes.clear();
        self.host.boot = BootId(self.host.boot.0 ^ (0xff << 96));
        self.host.boot_time = Wall::from_unix_ms(self.now - 20_000);
    }

    fn skip(&mut self, time: Duration) {
        self.now += i64::try_from(time.as_millis()).unwrap_or(0);
        self.mono += u64::try_from(time.as_nanos()).unwrap_or(0);
    }

    /// Sets the clock back; the machine and its processes go on.
    pub fn set_back(&mut self, time: Duration) {
        let ms = i64::try_from(time.as_millis()).unwrap_or(0);
        self.now -= ms;
        self.host.boot_time = Wall::from_unix_ms(self.host.boot_time.unix_ms() - ms);
        for row in &mut self.processes {
            row.started = Wall::from_unix_ms(row.started.unix_ms() - ms);
        }
    }

    /// Makes a frame of what is so now, and lets one interval pass. Gives its place in the list.
    pub fn tick(&mut self) -> usize {
        let before = self.frames.last().filter(|_| !self.fresh);
        let mono = Mono(self.mono);
        let elapsed = before.map(|before| mono.since(before.mono));
        let wall = self.now();
        let uptime = duration(self.now - self.host.boot_time.unix_ms());
        self.seq = if self.fresh { 1 } else { self.seq + 1 };
        for row in self.processes.iter_mut().chain(self.ended.iter_mut().map(|ended| &mut ended.row)) {
            row.age = duration(wall.unix_ms() - row.started.unix_ms());
        }
        let mut processes = self.processes.clone();
        for row in &mut processes {
            let kept = row.rates;
            row.rates = match (before.and_then(|before| before.process(&row.key)), elapsed) {
                (Some(earlier), Some(elapsed)) => rates::between(earlier, row, elapsed),
                (None, Some(elapsed)) if row.age <= elapsed + Duration::from_millis(20) => {
                    rates::since_birth(row, elapsed)
                }
                _ => Rates {
                    voluntary_switches: kept.voluntary_switches,
                    involuntary_switches: kept.involuntary_switches,
                    run_delay: kept.run_delay,
                    ..Rates::PENDING
                },
            };
        }
        let mut machine = self.machine.clone();
        machine.processes = u64::try_from(processes.len()).unwrap_or(0);
        machine.threads = processes.iter().map(|row| u64::from(row.threads)).sum();
        machine.uptime = uptime;
        // The last rows that a collector has of those that ended are those of the frame before.
        let mut ended = std::mem::take(&mut self.ended);
        for one in &mut ended {
            if let Some(earlier) = before.and_then(|before| before.process(&one.row.key)) {
                one.row.rates = earlier.rates;
            }
        }
        self.frames.push(Arc::new(Frame {
            host: Arc::new(self.host.clone()),
            seq: self.seq,
            wall,
            mono,
            elapsed,
            pace: Pace { nominal: Duration::from_secs(1), actual: self.interval, reason: None },
            machine,
            processes,
            ended,
            connections: self.connections.clone(),
            filesystems: self.filesystems.clone(),
            users: self.users.clone(),
            containers: Arc::clone(&self.containers),
            health: Arc::default(),
        }));
        self.fresh = false;
        self.skip(self.interval);
        self.frames.len() - 1
    }

    /// The same so many times.
    pub fn ticks(&mut self, count: usize) {
        for _ in 0..count {
            self.tick();
        }
    }
}

fn duration(ms: i64) -> Duration {
    Duration::from_millis(u64::try_from(ms).unwrap_or(0))
}

/// A process that has done nothing.
pub fn quiet(key: ProcessKey, name: &str) -> ProcessRow {
    let descriptor = Descriptor {
        name: name.as_bytes().into(),
        cmd: format!("/usr/bin/{name} --serve").into_bytes().into(),
        user: (*b"www").into(),
        cgroup: (*b"/system.slice/web.service").into(),
        unit: (*b"web.service").into(),
        title: name.as_bytes().into(),
        ..Descriptor::default()
    };
    ProcessRow {
        key,
        ppid: 1,
        tgid: key.pid,
        state: ProcessState(b'S'),
        kernel_thread: false,
        quarantined: false,
        started: Wall(0),
        age: Duration::ZERO,
        uid: 33,
        euid: 33,
        gid: 33,
        threads: 1,
        nice: 0,
        policy: 0,
        descriptor: Arc::new(descriptor),
        label: Arc::from(name.as_bytes()),
        cpu: CpuCounters::default(),
        faults: Faults::default(),
        memory: Reading::Known(Memory { resident: Bytes(1 << 20), size: Bytes(8 << 20), ..Memory::default() }),
        io: Reading::Known(Io::default()),
        switches: Reading::Known(Switches::default()),
        run_delay: Reading::Known(CpuTime(0)),
        net: Reading::Unsupported,
        pss: Reading::Pending,
        fds: Reading::Known(Fds { open: 4, limit: Some(1024) }),
        oom: Reading::Known(Oom { score: 666, adjustment: 0 }),
        wchan: Reading::Known(Arc::from(&b"do_epoll_wait"[..])),
        rates: Rates::PENDING,
    }
}

/// A process every field of which holds something of its own.
pub fn full(mut row: ProcessRow) -> ProcessRow {
    row.ppid = 77;
    row.state = ProcessState::UNINTERRUPTIBLE;
    row.quarantined = true;
    (row.uid, row.euid, row.gid) = (1000, 0, 4_294_967_294);
    (row.threads, row.nice, row.policy) = (17, -20, 5);
    row.cpu = CpuCounters { user: CpuTime(123_450_000_000), system: CpuTime(6_780_000_000) };
    row.faults = Faults { minor: 11, major: 12 };
    let memory = [21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32].map(|n| Bytes(n << 12));
    let [size, peak, locked, pinned, high_water, resident, data, stack, text, library, page_tables, swap] = memory;
    row.memory = Reading::Known(Memory {
        size,
        peak,
        locked,
        pinned,
        high_water,
        resident,
        data,
        stack,
        text,
        library,
        page_tables,
        swap,
    });
    row.io = Reading::Known(Io {
        read: Bytes(41),
        written: Bytes(42),
        read_chars: Bytes(43),
        written_chars: Bytes(44),
        read_calls: 45,
        write_calls: 46,
    });
    row.switches = Reading::Known(Switches { voluntary: 51, involuntary: 52 });
    row.run_delay = Reading::Known(CpuTime(53_000_001));
    row.net = Reading::Known(Net { received: Bytes(61), sent: Bytes(62), receive_calls: 63, send_calls: 64 });
    row.pss = Reading::Known(Pss {
        proportional: Bytes(71),
        unique: Bytes(72),
        swap: Bytes(73),
        age: Duration::from_millis(7400),
    });
    row.fds = Reading::Known(Fds { open: 81, limit: None });
    row.oom = Reading::Known(Oom { score: 900, adjustment: -500 });
    row.wchan = Reading::Known(Arc::from(&b""[..]));
    row.rates.voluntary_switches = Reading::Known(PerSecond(91.5));
    row.rates.involuntary_switches = Reading::Known(PerSecond(92.25));
    row.rates.run_delay = Reading::Known(Cores(0.125));
    row.descriptor = Arc::new(Descriptor {
        name: (*b"a) b\nc").into(),
        cmd: [&b"\xff\xfe python3 -c 'import os' "[..], &[b'x'; 3000][..]].concat().into(),
        cmd_truncated: true,
        exe: (*b"/usr/bin/python3.11 (deleted)").into(),
        cwd: (*b"/srv/\xe4\xb8\xad").into(),
        cgroup: (*b"/system.slice/docker-0123.scope").into(),
        user: (*b"root").into(),
        container: (*b"web-1").into(),
        unit: (*b"docker.service").into(),
        title: (*b"web-1").into(),
    });
    row.label = Arc::from(&b"web-1:8080"[..]);
    row
}

/// A machine every field of which holds something of its own.
pub fn full_machine() -> Machine {
    let mut n = 0.0;
    let mut next = || {
        n += 0.062_5;
        n
    };
    let modes = CpuModes::<()>::default().map(|()| next());
    let time = modes.map(|share| CpuTime(whole(share * 1e12)));
    let rate = PerSecond;
    Machine {
        cpu_time: time,
        cpu: Reading::Known(modes),
        cores: vec![
            Core { id: 0, time, share: Reading::Known(modes), frequency: Reading::Known(2_400_000_000) },
            Core { id: 3, time, share: Reading::Pending, frequency: Reading::Unsupported },
        ],
        payload: Payload {
            processes: Reading::Known(NetRates { received: rate(1.5), sent: rate(2.5) }),
            kernel: Reading::Pending,
        },
        attributed: Attributed {
            cpu: Reading::Known(Cores(1.25)),
            read: Reading::Pending,
            written: Reading::Known(rate(3.5)),
            share: Reading::Known(Ratio(0.99)),
        },
        load: Reading::Known(Load { one: 1.25, five: 0.5, fifteen: 0.1 }),
        memory: Reading::Known(MemoryUse {
            total: Bytes(16 << 30),
            free: Bytes(1 << 30),
            available: Bytes(8 << 30),
            buffers: Bytes(101),
            cached: Bytes(102),
            slab: Bytes(103),
            shared: Bytes(104),
            dirty: Bytes(105),
            swap_total: Bytes(106),
            swap_free: Bytes(100),
        }),
        swapping: Reading::Known(Swapping { read: rate(1.5), written: rate(2.5) }),
        pressure: procyon_model::machine::Pressure {
            cpu_some: Reading::Known(Ratio(0.01)),
            memory_some: Reading::Known(Ratio(0.02)),
            memory_full: Reading::Unsupported,
            io_some: Reading::Known(Ratio(0.04)),
            io_full: Reading::Forbidden,
        },
        events: procyon_model::machine::Events {
            forks: Reading::Known(rate(12.0)),
            context_switches: Reading::Known(rate(3000.5)),
            interrupts: Reading::Pending,
        },
        processes: 0,
        threads: 0,
        running: Reading::Known(3),
        blocked: Reading::Known(1),
        disks: vec![
            Disk {
                name: "sda".into(),
                model: "Scripted Disk".into(),
                size: Reading::Known(Bytes(1 << 40)),
                counts: true,
                read_total: Bytes(1001),
                written_total: Bytes(1002),
                rates: Reading::Known(DiskRates {
                    read: rate(1.0),
                    written: rate(2.0),
                    reads: rate(3.0),
                    writes: rate(4.0),
                    busy: Ratio(0.5),
                    wait: 0.006,
                    queue: 7.0,
                }),
            },
            Disk { name: "dm-0".into(), counts: false, ..Disk::default() },
        ],
        interfaces: vec![
            Interface {
                name: "eth0".into(),
                state: "up".into(),
                kind: "physical".into(),
                address: "02:00:00:00:00:01".into(),
                speed: Reading::Known(1_000_000_000),
                mtu: Reading::Known(1500),
                received_total: Bytes(2001),
                sent_total: Bytes(2002),
                rates: Reading::Known(InterfaceRates {
                    received: rate(1.0),
                    sent: rate(2.0),
                    received_packets: rate(3.0),
                    sent_packets: rate(4.0),
                    receive_errors: rate(5.0),
                    send_errors: rate(6.0),
                    receive_drops: rate(7.0),
                    send_drops: rate(8.0),
                }),
            },
            Interface { name: "lo".into(), kind: "loopback".into(), ..Interface::default() },
        ],
        sensors_taken: None,
        sensors: vec![
            Sensor {
                name: "Package id 0".into(),
                chip: "coretemp".into(),
                temperature: Celsius(48.5),
                high: Some(Celsius(80.0)),
                critical: None,
            },
            Sensor { name: "Core 0".into(), chip: "coretemp".into(), temperature: Celsius(-3.0), ..Sensor::default() },
        ],
        temperature: Reading::Known(Celsius(48.5)),
        uptime: Duration::ZERO,
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "small numbers of a script")]
fn whole(value: f64) -> u64 {
    value as u64
}

/// Sockets of all kinds.
pub fn sockets(owner: &ProcessRow) -> Vec<Connection> {
    let holder = Owner {
        key: owner.key,
        name: Arc::from(&*owner.descriptor.name),
        user: Arc::from(&*owner.descriptor.user),
        label: Arc::clone(&owner.label),
    };
    let listening = Connection {
        protocol: Protocol::Tcp,
        local: SocketAddr::from((Ipv4Addr::UNSPECIFIED, 8080)),
        remote: None,
        state: SocketState::LISTEN,
        owner: Some(holder.clone()),
        uid: 33,
        inode: 4711,
        receive_queue: Bytes(1),
        send_queue: Bytes(4096),
        net: Reading::Known(Net { received: Bytes(9_000), sent: Bytes(70), receive_calls: 8, send_calls: 2 }),
        rates: Reading::Known(NetRates { received: PerSecond(12.5), sent: PerSecond(0.0) }),
        round_trip: Reading::Absent,
        retransmits: Reading::Absent,
        namespace: 4_026_531_840,
        own_namespace: true,
    };
    let v6 = Connection {
        protocol: Protocol::Tcp6,
        local: SocketAddr::from((Ipv6Addr::LOCALHOST, 8080)),
        remote: Some(SocketAddr::from((Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 7), 50_000))),
        state: SocketState::ESTABLISHED,
        receive_queue: Bytes(0),
        rates: Reading::Pending,
        round_trip: Reading::Known(Duration::from_micros(1_234)),
        retransmits: Reading::Known(3),
        ..listening.clone()
    };
    let orphan = Connection {
        protocol: Protocol::Tcp,
        remote: Some(SocketAddr::from((Ipv4Addr::new(192, 0, 2, 7), 443))),
        state: SocketState(6),
        owner: None,
        uid: 0,
        inode: 0,
        send_queue: Bytes(0),
        net: Reading::Absent,
        rates: Reading::Absent,
        namespace: 4_026_532_000,
        own_namespace: false,
        ..listening.clone()
    };
    let udp = Connection {
        protocol: Protocol::Udp,
        state: SocketState(7),
        inode: 4712,
        net: Reading::Unsupported,
        ..listening.clone()
    };
    let udp6 = Connection { protocol: Protocol::Udp6, state: SocketState::ESTABLISHED, inode: 4713, ..v6.clone() };
    vec![listening, v6, orphan, udp, udp6]
}

/// File systems, users and containers of all kinds.
pub fn lists() -> (Vec<Filesystem>, Vec<UserSession>, Vec<Container>) {
    let filesystems = vec![
        Filesystem {
            mount: "/".into(),
            device: "/dev/sda1".into(),
            kind: "ext4".into(),
            read_only: true,
            state: FilesystemState::Ok,
            space: Reading::Known(Space {
                size: Bytes(301),
                free: Bytes(302),
                available: Bytes(303),
                inodes: 304,
                inodes_free: 305,
            }),
        },
        Filesystem {
            mount: "/mnt/nfs".into(),
            device: "server:/x".into(),
            kind: "nfs4".into(),
            read_only: false,
            state: FilesystemState::Timeout,
            space: Reading::Pending,
        },
    ];
    let users = vec![
        UserSession {
            name: "ada".into(),
            tty: "pts/0".into(),
            from: "192.0.2.1".into(),
            login: Wall::from_unix_ms(BEGIN - 60_000),
            idle: Some(Duration::from_secs(5)),
            pid: 900,
        },
        UserSession { name: "bob".into(), tty: "tty1".into(), idle: None, ..UserSession::default() },
    ];
    let containers = vec![
        Container {
            name: "web-1".into(),
            id: "0123".into(),
            engine: "docker".into(),
            image: "nginx:1".into(),
            cgroup: "/system.slice/docker-0123.scope".into(),
            processes: 3,
            cpu: Some(Cores(0.75)),
            resident: Bytes(401),
            read: Some(PerSecond(1.5)),
            written: None,
        },
        Container { name: "idle".into(), ..Container::default() },
    ];
    (filesystems, users, containers)
}
