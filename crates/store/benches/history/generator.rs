//! A machine that is made up, always in the same way: mostly idle processes, some light, bursty and heavy ones, and short-lived ones
//! that come and go; 8 cores, 2 disks, 3 interfaces, 150 sockets. Counters grow in steps of the kernel's clock ticks.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use procyon_model::connection::{Owner, Protocol, SocketState};
use procyon_model::descriptor::Descriptor;
use procyon_model::frame::{Aged, Death, EndedProcess, Frame, HostIdentity, Pace};
use procyon_model::machine::{
    Core, CpuModes, Disk, DiskRates, Filesystem, FilesystemState, Interface, InterfaceRates, Load, Machine, MemoryUse,
    Sensor, Space, UserSession,
};
use procyon_model::process::{
    CpuCounters, Faults, Fds, Io, Memory, Net, NetRates, Oom, ProcessRow, ProcessState, Pss, Rates, Switches,
};
use procyon_model::rates::{self, per_second};
use procyon_model::{BootId, Connection, HostId, ProcessKey};
use procyon_units::{Bytes, Celsius, Cores, CpuTime, Mono, PerSecond, Ratio, Reading, Ticks, Wall};

/// The instant of the first frame, Unix ms: a full hour.
const BEGIN: i64 = 1_700_000_000_000 - 1_700_000_000_000 % 3_600_000;
/// The machine's boot before it.
const UPTIME: i64 = 9 * 86_400_000;

/// Numbers that look random and are always the same.
#[derive(Debug)]
struct Dice(u64);

impl Dice {
    fn roll(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 16
    }

    fn below(&mut self, end: u64) -> u64 {
        self.roll() % end.max(1)
    }

    /// True so many times in a thousand.
    fn often(&mut self, per_mille: u64) -> bool {
        self.below(1000) < per_mille
    }

    /// Mostly small, seldom large, with this mean.
    fn skewed(&mut self, mean: u64) -> u64 {
        let unit = self.below(1 << 32) as f64 / f64::from(1_u32 << 31) / 2.0;
        (-(1.0 - unit).ln() * mean as f64) as u64
    }
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Habit {
    Idle,
    Light,
    Bursty,
    Heavy,
}

#[derive(Debug)]
struct Actor {
    row: ProcessRow,
    habit: Habit,
    /// Frames left to live.
    left: u64,
    burst: u64,
    kernel: bool,
    /// When its proportional memory was read.
    pss_at: u64,
}

const NAMES: [(&str, &str, &str); 24] = [
    ("postgres", "postgres: 15/main: worker {} appdb idle in transaction", "postgres"),
    ("nginx", "nginx: worker process {}", "www-data"),
    (
        "java",
        "/usr/lib/jvm/java-17/bin/java -Xms2g -Xmx8g -XX:+UseG1GC -Dapp.id={} -jar /srv/orders/orders.jar",
        "orders",
    ),
    ("python3", "/usr/bin/python3 /opt/etl/worker.py --queue=ingest-{} --concurrency 4", "etl"),
    ("node", "node /srv/web/server.js --port {}", "web"),
    ("kworker/u16:0", "", "root"),
    ("ksoftirqd/1", "", "root"),
    ("systemd-journal", "/lib/systemd/systemd-journald", "root"),
    ("sshd", "sshd: deploy@pts/{}", "root"),
    ("bash", "-bash", "deploy"),
    ("containerd-shim", "/usr/bin/containerd-shim-runc-v2 -namespace moby -id 3f9a{}c0de", "root"),
    ("dockerd", "/usr/bin/dockerd -H fd:// --containerd=/run/containerd/containerd.sock", "root"),
    ("redis-server", "redis-server 127.0.0.1:{}", "redis"),
    ("mysqld", "/usr/sbin/mysqld --basedir=/usr --datadir=/var/lib/mysql --port={}", "mysql"),
    ("php-fpm8.2", "php-fpm: pool www{}", "www-data"),
    ("celery", "/srv/app/venv/bin/python /srv/app/venv/bin/celery -A app worker -n w{}@%h", "app"),
    ("cron", "/usr/sbin/cron -f", "root"),
    ("rcu_preempt", "", "root"),
    ("jbd2/vda1-8", "", "root"),
    ("prometheus-node", "/usr/bin/prometheus-node-exporter --web.listen-address=:{}", "prometheus"),
    ("chrome", "/opt/google/chrome/chrome --type=renderer --lang=en-US --renderer-client-id={}", "alice"),
    ("gunicorn", "gunicorn: worker [api-{}]", "api"),
    ("rsyslogd", "/usr/sbin/rsyslogd -n -iNONE", "syslog"),
    ("agetty", "/sbin/agetty -o -p -- \\u --noclear tty{} linux", "root"),
];
const SHORT: [(&str, &str, &str); 6] = [
    ("sh", "sh -c /usr/lib/sysstat/sa1 1 {}", "root"),
    ("curl", "curl -fsS http://127.0.0.1:{}/health", "app"),
    ("git", "git fetch --prune origin +refs/heads/feature-{}", "deploy"),
    ("cc1", "/usr/lib/gcc/x86_64-linux-gnu/12/cc1 -quiet -I. src/mod_{}.c -O2 -o /tmp/cc.s", "ci"),
    ("pg_dump", "pg_dump -Fc -d appdb -t part_{}", "postgres"),
    ("run-parts", "run-parts --report /etc/cron.hourly {}", "root"),
];

/// Makes frames.
#[derive(Debug)]
pub struct Generator {
    dice: Dice,
    actors: Vec<Actor>,
    count: usize,
    step: Duration,
    seq: u64,
    wall: i64,
    mono: u64,
    next_pid: u32,
    host: Arc<HostIdentity>,
    machine: Machine,
    connections: Aged<Connection>,
    filesystems: Aged<Filesystem>,
    users: Aged<UserSession>,
    last_rows: Vec<ProcessRow>,
}

impl Generator {
    /// So many processes, a frame each `step`.
    pub fn new(count: usize, step: Duration) -> Self {
        let boot = BootId(0x3f9a_1c07_0000_4000_8000_0000_0000_0001);
        let host = HostIdentity {
            id: HostId(7),
            name: "made-up".into(),
            os: "Debian GNU/Linux 12 (bookworm)".into(),
            kernel: "6.1.0-18-amd64".into(),
            arch: "x86_64".into(),
            cpu_model: "Made Up CPU".into(),
            cpus: 8,
            boot,
            boot_time: Wall::from_unix_ms(BEGIN - UPTIME),
            version: "0.1.0".into(),
        };
        let mut generator = Self {
            dice: Dice(0x9E37_79B9_7F4A_7C15),
            actors: Vec::new(),
            count,
            step,
            seq: 0,
            wall: BEGIN * 1_000_000,
            mono: 5_000_000_000,
            next_pid: 300,
            host: Arc::new(host),
            machine: Machine::default(),
            connections: Aged::default(),
            filesystems: Aged::default(),
            users: Aged::default(),
            last_rows: Vec::new(),
        };
        for _ in 0..count {
            generator.spawn(&NAMES, false);
        }
        generator.furnish();
        generator
    }

    fn furnish(&mut self) {
        let disk = |name: &str| Disk { name: name.into(), model: "QEMU".into(), counts: true, ..Disk::default() };
        let interface = |name: &str, kind: &str| Interface {
            name: name.into(),
            state: "up".into(),
            kind: kind.into(),
            address: "02:00:00:00:00:01".into(),
            speed: Reading::Known(10_000_000_000),
            mtu: Reading::Known(1500),
            ..Interface::default()
        };
        self.machine.cores = (0..8).map(|id| Core { id, frequency: Reading::Unsupported, ..Core::default() }).collect();
        self.machine.disks = vec![disk("vda"), disk("vdb")];
        self.machine.interfaces =
            vec![interface("eth0", "physical"), interface("docker0", "bridge"), interface("lo", "loopback")];
        self.machine.sensors = ["Package id 0", "Core 0", "Core 1"]
            .map(|name| Sensor { name: name.into(), chip: "coretemp".into(), ..Sensor::default() })
            .into();
    }

    fn spawn(&mut self, names: &[(&str, &str, &str)], short: bool) {
        let uptime = UPTIME as u64 + self.since_begin_ms();
        let dice = &mut self.dice;
        let place = usize::try_from(dice.below(names.len() as u64)).unwrap_or(0);
        let (name, cmd, user) = names[place];
        let kernel = cmd.is_empty();
        let sleepy = kernel || matches!(name, "agetty" | "bash" | "cron" | "sshd");
        let kind = dice.below(100);
        let habit = match kind {
            _ if short => Habit::Heavy,
            _ if sleepy => Habit::Idle,
            0..60 => Habit::Idle,
            60..88 => Habit::Light,
            88..96 => Habit::Bursty,
            _ => Habit::Heavy,
        };
        self.next_pid = if self.next_pid > 4_000_000 { 300 } else { self.next_pid + 1 + dice.below(6) as u32 };
        let before = if self.seq == 0 { dice.below(8 * 86_400_000) } else { dice.below(self.step.as_millis() as u64) };
        let start = Ticks((uptime - before) / 10);
        let started = Wall::from_unix_ms(BEGIN - UPTIME + i64::try_from(start.0 * 10).unwrap_or(0));
        let number = (dice.below(900) + 100).to_string();
        let cmd = cmd.replace("{}", &number);
        let descriptor = Descriptor {
            name: name.as_bytes().into(),
            exe: cmd.split(' ').next().unwrap_or("").as_bytes().into(),
            cmd: cmd.into_bytes().into(),
            cwd: (*b"/").into(),
            cgroup: if kernel { (*b"/").into() } else { format!("/system.slice/{name}.service").into_bytes().into() },
            user: user.as_bytes().into(),
            unit: if kernel { (*b"").into() } else { format!("{name}.service").into_bytes().into() },
            title: name.as_bytes().into(),
            ..Descriptor::default()
        };
        let resident = (500 + dice.skewed(if short { 2000 } else { 15_000 })) << 12;
        let memory = Memory {
            size: Bytes(resident * 3 + (dice.below(100_000) << 12)),
            peak: Bytes(resident * 4),
            high_water: Bytes(resident),
            resident: Bytes(resident),
            data: Bytes(resident / 2),
            stack: Bytes(132 << 10),
            text: Bytes(2 << 20),
            library: Bytes(8 << 20),
            page_tables: Bytes(resident >> 9),
            swap: if dice.often(150) { Bytes(dice.below(2000) << 12) } else { Bytes(0) },
            ..Memory::default()
        };
        let known = |value| if kernel { Reading::Absent } else { Reading::Known(value) };
        let left = if short { 1 + dice.below(12) } else { 1 + dice.skewed(17_280 * 6) };
        let row = ProcessRow {
            key: ProcessKey { pid: self.next_pid, start, boot: self.host.boot.short() },
            ppid: if kernel { 2 } else { 1 + dice.below(400) as u32 },
            tgid: self.next_pid,
            state: ProcessState(if kernel { b'I' } else { b'S' }),
            kernel_thread: kernel,
            quarantined: false,
            started,
            age: Duration::ZERO,
            uid: 100,
            euid: 100,
            gid: 100,
            threads: if dice.often(300) { 1 + dice.below(20) as u32 } else { 1 },
            nice: if name.starts_with("kworker") { -20 } else { 0 },
            policy: 0,
            label: Arc::from(name.as_bytes()),
            descriptor: Arc::new(descriptor),
            cpu: CpuCounters::default(),
            faults: Faults::default(),
            memory: known(memory),
            io: Reading::Known(Io::default()),
            switches: Reading::Known(Switches::default()),
            run_delay: Reading::Known(CpuTime(0)),
            net: Reading::Unsupported,
            pss: if kernel {
                Reading::Absent
            } else {
                Reading::Known(Pss { proportional: Bytes(resident * 3 / 4), ..Pss::default() })
            },
            fds: Reading::Known(Fds { open: if kernel { 0 } else { 4 + dice.skewed(30) }, limit: Some(1024) }),
            oom: Reading::Known(Oom { score: 666, adjustment: 0 }),
            wchan: Reading::Known(Arc::from(&b"do_epoll_wait"[..])),
            rates: Rates::PENDING,
        };
        let place = self.actors.partition_point(|actor| actor.row.key.pid < row.key.pid);
        self.actors.insert(place, Actor { row, habit, left, burst: 0, kernel, pss_at: self.mono });
    }

    fn since_begin_ms(&self) -> u64 {
        u64::try_from(self.wall / 1_000_000 - BEGIN).unwrap_or(0)
    }

    /// The next frame.
    pub fn next(&mut self) -> Arc<Frame> {
        let jitter = self.dice.below(4_000_000);
        let elapsed =
            (self.seq > 0).then(|| self.step.saturating_sub(Duration::from_millis(2)) + Duration::from_nanos(jitter));
        if let Some(elapsed) = elapsed {
            self.wall += elapsed.as_nanos() as i64;
            self.mono += elapsed.as_nanos() as u64;
        }
        let ended = self.live();
        // Two in a hundred each minute come and go.
        let births = self.count as u64 * 20 * self.step.as_millis() as u64 / 60_000;
        for _ in 0..births / 1000 + u64::from(self.dice.often(births % 1000)) {
            self.spawn(&SHORT, true);
        }
        while self.actors.len() < self.count {
            self.spawn(&NAMES, false);
        }
        self.act(elapsed);
        self.read_machine(elapsed);
        self.read_lists();
        self.seq += 1;
        let processes: Vec<ProcessRow> = self.actors.iter().map(|actor| actor.row.clone()).collect();
        self.last_rows.clone_from(&processes);
        let mut machine = self.machine.clone();
        machine.processes = processes.len() as u64;
        machine.threads = processes.iter().map(|row| u64::from(row.threads)).sum();
        Arc::new(Frame {
            host: Arc::clone(&self.host),
            seq: self.seq,
            wall: Wall(self.wall),
            mono: Mono(self.mono),
            elapsed,
            pace: Pace { nominal: self.step, actual: self.step, reason: None },
            machine,
            processes,
            ended,
            connections: self.connections.clone(),
            filesystems: self.filesystems.clone(),
            users: self.users.clone(),
            containers: Arc::from([]),
            health: Arc::default(),
        })
    }

    fn live(&mut self) -> Vec<EndedProcess> {
        let at = Wall(self.wall);
        let mut ended = Vec::new();
        self.actors.retain_mut(|actor| {
            actor.left -= 1;
            if actor.left == 0 && actor.row.age > Duration::ZERO {
                ended.push(EndedProcess {
                    row: ProcessRow { rates: Rates::PENDING, ..actor.row.clone() },
                    at,
                    exit: Reading::Unsupported,
                    death: Death::default(),
                });
            }
            actor.left > 0
        });
        ended
    }

    fn act(&mut self, elapsed: Option<Duration>) {
        let uptime =
            Duration::from_millis(UPTIME as u64) + Duration::from_nanos((self.wall - BEGIN * 1_000_000) as u64);
        let (seq, mono) = (self.seq, self.mono);
        let mut last = self.last_rows.iter().peekable();
        for actor in &mut self.actors {
            let dice = &mut self.dice;
            let effort = match actor.habit {
                Habit::Idle => u64::from(dice.often(15)),
                Habit::Light if dice.often(350) => 1 + dice.below(4),
                Habit::Light => 0,
                Habit::Bursty if actor.burst > 0 => {
                    actor.burst -= 1;
                    30 + dice.below(200)
                }
                Habit::Bursty => {
                    if dice.often(8) {
                        actor.burst = 6 + dice.below(60);
                    }
                    u64::from(dice.often(100))
                }
                Habit::Heavy => 20 + dice.below(300),
            };
            work(&mut actor.row, effort, actor.kernel, dice);
            let row = &mut actor.row;
            row.age = uptime.saturating_sub(Duration::from_millis(row.key.start.0 * 10));
            if let Reading::Known(pss) = &mut row.pss {
                // Read once a minute.
                if (u64::from(row.key.pid) + seq).is_multiple_of(12) {
                    actor.pss_at = mono;
                    pss.proportional = Bytes(row.memory.get().map_or(0, |memory| memory.resident.0) * 3 / 4);
                }
                pss.age = Duration::from_nanos(mono - actor.pss_at);
            }
            while last.next_if(|other| other.key.pid < row.key.pid).is_some() {}
            let earlier = last.next_if(|other| other.key == row.key);
            row.rates = match (earlier, elapsed) {
                (Some(earlier), Some(elapsed)) => {
                    let rates = rates::between(earlier, row, elapsed);
                    let (a, b) = (
                        earlier.switches.get().copied().unwrap_or_default(),
                        row.switches.get().copied().unwrap_or_default(),
                    );
                    let rate = |a, b| per_second(a, b, elapsed).map_or(Reading::Pending, Reading::Known);
                    Rates {
                        voluntary_switches: rate(a.voluntary, b.voluntary),
                        involuntary_switches: rate(a.involuntary, b.involuntary),
                        run_delay: Reading::Known(Cores(0.0)),
                        ..rates
                    }
                }
                (None, Some(elapsed)) if row.age <= elapsed => rates::since_birth(row, elapsed),
                _ => Rates::PENDING,
            };
        }
    }

    fn read_machine(&mut self, elapsed: Option<Duration>) {
        let dice = &mut self.dice;
        let machine = &mut self.machine;
        machine.uptime =
            Duration::from_millis(UPTIME as u64) + Duration::from_nanos((self.wall - BEGIN * 1_000_000) as u64);
        let seconds = elapsed.map_or(1.0, |elapsed| elapsed.as_secs_f64());
        let mut sum = CpuModes::<CpuTime>::default();
        for core in &mut machine.cores {
            let before = core.time;
            let ticks = |count: u64| CpuTime(count * 10_000_000);
            core.time.user = core.time.user.plus(ticks(dice.skewed(60)));
            core.time.system = core.time.system.plus(ticks(dice.skewed(20)));
            core.time.softirq = core.time.softirq.plus(ticks(dice.below(3)));
            core.time.iowait = core.time.iowait.plus(ticks(dice.below(5)));
            core.time.idle = core.time.idle.plus(ticks(380 + dice.below(40)));
            let grown = core.time.zip(before, CpuTime::since);
            let all: u64 =
                [grown.user, grown.system, grown.softirq, grown.iowait, grown.idle].iter().map(|t| t.0).sum();
            core.share = match elapsed {
                Some(_) => Reading::Known(grown.map(|time| time.seconds() / CpuTime(all).seconds())),
                None => Reading::Pending,
            };
            sum = sum.zip(core.time, CpuTime::plus);
        }
        let grown = sum.zip(machine.cpu_time, CpuTime::since);
        machine.cpu_time = sum;
        machine.cpu = match elapsed {
            Some(_) => Reading::Known(grown.map(|time| time.seconds() / seconds * 1.003)),
            None => Reading::Pending,
        };
        let cents = |dice: &mut Dice, most| dice.below(most) as f64 / 100.0;
        machine.load =
            Reading::Known(Load { one: cents(dice, 400), five: cents(dice, 300), fifteen: cents(dice, 200) });
        let pages = |dice: &mut Dice, gib: u64, spread: u64| Bytes((gib << 30) + (dice.below(spread) << 12));
        machine.memory = Reading::Known(MemoryUse {
            total: Bytes(32 << 30),
            free: pages(dice, 4, 50_000),
            available: pages(dice, 20, 50_000),
            buffers: pages(dice, 1, 1000),
            cached: pages(dice, 14, 50_000),
            slab: pages(dice, 1, 5000),
            shared: pages(dice, 1, 100),
            dirty: pages(dice, 0, 20_000),
            swap_total: Bytes(4 << 30),
            swap_free: Bytes(4 << 30),
        });
        machine.running = Reading::Known(1 + dice.below(5));
        machine.blocked = Reading::Known(dice.below(2));
        let rate = |dice: &mut Dice, mean| Reading::Known(PerSecond(dice.skewed(mean) as f64 / seconds));
        machine.events.forks = rate(dice, 30);
        machine.events.context_switches = rate(dice, 40_000);
        machine.events.interrupts = rate(dice, 20_000);
        machine.pressure.cpu_some = Reading::Known(Ratio(cents(dice, 300) / 100.0));
        machine.temperature = Reading::Known(Celsius((40 + dice.below(20)) as f64));
        for disk in &mut machine.disks {
            let (read, written) = (dice.skewed(20) << 12, dice.skewed(200) << 12);
            disk.read_total.0 += read;
            disk.written_total.0 += written;
            let per = |count: u64| PerSecond(count as f64 / seconds);
            disk.rates = Reading::Known(DiskRates {
                read: per_second(0, read, elapsed.unwrap_or(Duration::from_secs(1))).unwrap_or_default(),
                written: per_second(0, written, elapsed.unwrap_or(Duration::from_secs(1))).unwrap_or_default(),
                reads: per(dice.skewed(10)),
                writes: per(dice.skewed(60)),
                busy: Ratio(dice.below(400) as f64 / 1000.0 / seconds),
                wait: dice.below(3000) as f64 / 1e6,
                queue: dice.below(1000) as f64 / 1000.0 / seconds,
            });
        }
        for interface in &mut machine.interfaces {
            let (received, sent) = (dice.skewed(400_000), dice.skewed(300_000));
            interface.received_total.0 += received;
            interface.sent_total.0 += sent;
            let per = |count: u64| PerSecond(count as f64 / seconds);
            interface.rates = Reading::Known(InterfaceRates {
                received: per_second(0, received, elapsed.unwrap_or(Duration::from_secs(1))).unwrap_or_default(),
                sent: per_second(0, sent, elapsed.unwrap_or(Duration::from_secs(1))).unwrap_or_default(),
                received_packets: per(received / 700),
                sent_packets: per(sent / 700),
                ..InterfaceRates::default()
            });
        }
        for sensor in &mut machine.sensors {
            if dice.often(200) {
                sensor.temperature = Celsius((40 + dice.below(20)) as f64);
            }
        }
    }

    fn read_lists(&mut self) {
        let taken = Some(Mono(self.mono - 1_000_000));
        if self.seq.is_multiple_of(3) {
            let mut sockets = Vec::new();
            let owners: Vec<&Actor> = self.actors.iter().filter(|actor| !actor.kernel).take(50).collect();
            for (number, actor) in owners.iter().cycle().take(150).enumerate() {
                let changing = number % 10 == 0;
                let port = if changing { 20_000 + self.dice.below(20_000) } else { 1000 + number as u64 };
                let local = SocketAddr::new(IpAddr::V4(Ipv4Addr::new(10, 0, 0, 1)), port as u16);
                let row = &actor.row;
                sockets.push(Connection {
                    protocol: Protocol::Tcp,
                    local,
                    remote: Some(SocketAddr::new(IpAddr::V4(Ipv4Addr::new(10, 0, 1, (number % 200) as u8)), 443)),
                    state: SocketState::ESTABLISHED,
                    owner: Some(Owner {
                        key: row.key,
                        name: Arc::from(&*row.descriptor.name),
                        user: Arc::from(&*row.descriptor.user),
                        label: Arc::clone(&row.label),
                    }),
                    uid: 100,
                    inode: if changing { 1_000_000 + self.dice.below(1_000_000) } else { 10_000 + number as u64 },
                    receive_queue: Bytes(0),
                    send_queue: Bytes(if self.dice.often(30) { self.dice.below(5000) } else { 0 }),
                    // One in ten moves bytes.
                    net: Reading::Known(Net {
                        received: Bytes(if changing { self.mono / 1_000_000 } else { 4096 }),
                        sent: Bytes(if changing { self.mono / 4_000_000 } else { 512 }),
                        receive_calls: if changing { self.seq } else { 4 },
                        send_calls: if changing { self.seq } else { 4 },
                    }),
                    rates: Reading::Known(NetRates {
                        received: PerSecond(if changing { self.dice.below(100_000) as f64 } else { 0.0 }),
                        sent: PerSecond(if changing { self.dice.below(25_000) as f64 } else { 0.0 }),
                    }),
                    round_trip: Reading::Known(Duration::from_micros(if changing {
                        300 + self.dice.below(100)
                    } else {
                        250 + number as u64
                    })),
                    retransmits: Reading::Known(0),
                    namespace: 4_026_531_840,
                    own_namespace: true,
                });
            }
            self.connections = Aged { items: sockets.into(), taken };
        }
        if self.seq.is_multiple_of(6) {
            let filesystem = |mount: &str, used: u64| Filesystem {
                mount: mount.into(),
                device: "/dev/vda1".into(),
                kind: "ext4".into(),
                read_only: false,
                state: FilesystemState::Ok,
                space: Reading::Known(Space {
                    size: Bytes(100 << 30),
                    free: Bytes((50 << 30) - used),
                    available: Bytes((45 << 30) - used),
                    inodes: 6_000_000,
                    inodes_free: 5_000_000,
                }),
            };
            let used = self.seq << 12;
            self.filesystems = Aged {
                items: vec![filesystem("/", used), filesystem("/var", used * 3), filesystem("/boot", 0)].into(),
                taken,
            };
            self.users = Aged {
                items: vec![UserSession { name: "ada".into(), tty: "pts/0".into(), ..UserSession::default() }].into(),
                taken,
            };
        }
    }
}

/// What a process does in a frame.
fn work(row: &mut ProcessRow, effort: u64, kernel: bool, dice: &mut Dice) {
    if effort == 0 {
        return;
    }
    row.cpu.user = row.cpu.user.plus(CpuTime(dice.skewed(effort * 7 / 10) * 10_000_000));
    row.cpu.system = row.cpu.system.plus(CpuTime(dice.skewed(effort * 3 / 10) * 10_000_000));
    if let Reading::Known(switches) = &mut row.switches {
        switches.voluntary += dice.skewed(effort * 20);
        switches.involuntary += dice.skewed(effort * 2);
    }
    if kernel || effort == 1 {
        return;
    }
    row.faults.minor += dice.skewed(effort * 8);
    row.faults.major += if dice.often(10) { dice.skewed(3) } else { 0 };
    if let Reading::Known(memory) = &mut row.memory {
        if dice.often(300) {
            memory.resident =
                Bytes((memory.resident.0 + (dice.below(200) << 12)).saturating_sub(99 << 12).max(400 << 12));
            memory.high_water = memory.high_water.max(memory.resident);
        }
        if dice.often(30) {
            memory.size.0 += 132 << 10;
            memory.peak = memory.peak.max(memory.size);
        }
    }
    if let Reading::Known(io) = &mut row.io {
        io.read_chars.0 += dice.skewed(effort * 3000);
        io.written_chars.0 += dice.skewed(effort * 1500);
        io.read_calls += dice.skewed(effort);
        io.write_calls += dice.skewed(effort);
        if dice.often(200) {
            io.read.0 += dice.skewed(effort) << 12;
            io.written.0 += dice.skewed(effort * 2) << 12;
        }
    }
    if let Reading::Known(fds) = &mut row.fds {
        if dice.often(100) {
            fds.open = (fds.open + dice.below(5)).saturating_sub(2).max(3);
        }
    }
    if dice.often(20) {
        row.threads = (row.threads + u32::from(dice.often(500))).max(1);
    }
    row.state = ProcessState(if dice.often(300) { b'R' } else { b'S' });
}
