//! The figures of what hangs on the machine: cores, disks, interfaces, file systems, sensors, users, containers, threads.

use procyon_units::{Bytes, PerSecond};

use super::figure::{Aggregate, Figure, Kind, Pace, Scope, Unit, figure};
use crate::inspect::Thread;
use crate::machine::{
    Container, Core, CpuModes, Disk, DiskRates, Filesystem, Interface, InterfaceRates, Sensor, Space, UserSession,
};
use crate::value::Value;

use Kind::{Counter, Gauge};

macro_rules! table {
    ($scope:ident of $row:ty) => {
        const fn fig(
            number: u16,
            id: &'static str,
            name: &'static str,
            unit: Unit,
            kind: Kind,
            title: [&'static str; 2],
            help: [&'static str; 2],
            source: &'static str,
            value: fn(&$row) -> Value<'_>,
        ) -> Figure<$row> {
            figure(Scope::$scope, number, id, name, unit, kind, title, help, source, value)
        }
    };
}

fn text(text: &str) -> Value<'_> {
    Value::text_or_unknown(text.as_bytes())
}

/// Figures of a core.
#[rustfmt::skip]
pub static CORE: &[Figure<Core>] = {
    table!(Core of Core);
    fn share(core: &Core, take: fn(&CpuModes<f64>) -> f64) -> Value<'static> { core.share.get().map(take).into() }
    &[
        fig(500, "id", "core_id", Unit::None, Kind::Text, ["Core", "核"], ["Number of the core.", "核的编号。"], "/proc/stat cpuN", |c| c.id.into()),
        fig(501, "usage", "core_usage_ratio", Unit::Ratio, Gauge, ["In use", "使用率"], ["Share of time at work.", "工作时间占比。"], "/proc/stat cpuN", |c| share(c, CpuModes::busy)),
        fig(502, "user", "core_user_ratio", Unit::Ratio, Gauge, ["user", "用户态"], ["Share of time in programs.", "程序占用的时间占比。"], "/proc/stat cpuN user", |c| share(c, |m| m.user)),
        fig(503, "nice", "core_nice_ratio", Unit::Ratio, Gauge, ["nice", "低优先"], ["Share of time in programs with lowered priority.", "低优先级程序的时间占比。"], "/proc/stat cpuN nice", |c| share(c, |m| m.nice)),
        fig(504, "system", "core_system_ratio", Unit::Ratio, Gauge, ["system", "内核态"], ["Share of time in the kernel for programs.", "内核为程序工作的时间占比。"], "/proc/stat cpuN system", |c| share(c, |m| m.system)),
        fig(505, "iowait", "core_iowait_ratio", Unit::Ratio, Gauge, ["I/O wait", "I/O 等待"], ["Share of time idle while the disk works.", "等待磁盘而空闲的时间占比。"], "/proc/stat cpuN iowait", |c| share(c, |m| m.iowait)),
        fig(506, "irq", "core_irq_ratio", Unit::Ratio, Gauge, ["interrupts", "硬中断"], ["Share of time in interrupts.", "处理硬中断的时间占比。"], "/proc/stat cpuN irq", |c| share(c, |m| m.irq)),
        fig(507, "softirq", "core_softirq_ratio", Unit::Ratio, Gauge, ["soft interrupts", "软中断"], ["Share of time in soft interrupts.", "处理软中断的时间占比。"], "/proc/stat cpuN softirq", |c| share(c, |m| m.softirq)),
        fig(508, "steal", "core_steal_ratio", Unit::Ratio, Gauge, ["steal", "被窃取"], ["Share of time taken by the hypervisor.", "被虚拟化平台取走的时间占比。"], "/proc/stat cpuN steal", |c| share(c, |m| m.steal)),
        fig(509, "idle", "core_idle_ratio", Unit::Ratio, Gauge, ["idle", "空闲"], ["Share of time with nothing to do.", "空闲的时间占比。"], "/proc/stat cpuN idle", |c| share(c, |m| m.idle)),
        fig(510, "freq", "core_frequency_hertz", Unit::Hertz, Gauge, ["Clock", "频率"], ["Clock now.", "当前频率。"], "/sys/devices/system/cpu/cpuN/cpufreq/scaling_cur_freq", |c| (&c.frequency).into()),
    ]
};

/// Figures of a disk.
#[rustfmt::skip]
pub static DISK: &[Figure<Disk>] = {
    table!(Disk of Disk);
    fn rate(disk: &Disk, take: fn(&DiskRates) -> PerSecond) -> Value<'static> { disk.rates.get().map(take).into() }
    &[
        fig(520, "name", "disk_name", Unit::Text, Kind::Text, ["Disk", "磁盘"], ["Device name.", "设备名。"], "/proc/diskstats", |d| text(&d.name)),
        fig(521, "model", "disk_model", Unit::Text, Kind::Text, ["Model", "型号"], ["Model of the device.", "设备型号。"], "/sys/block/*/device/model", |d| text(&d.model)),
        fig(522, "size", "disk_size_bytes", Unit::Bytes, Gauge, ["Size", "容量"], ["Size of the device.", "设备容量。"], "/sys/block/*/size", |d| (&d.size).into()),
        fig(523, "read", "disk_read_bytes_per_second", Unit::BytesPerSecond, Gauge, ["Read/s", "读/秒"], ["Bytes read each second.", "每秒读取的字节数。"], "/proc/diskstats field 6", |d| rate(d, |r| r.read)),
        fig(524, "write", "disk_write_bytes_per_second", Unit::BytesPerSecond, Gauge, ["Write/s", "写/秒"], ["Bytes written each second.", "每秒写入的字节数。"], "/proc/diskstats field 10", |d| rate(d, |r| r.written)),
        fig(525, "reads", "disk_reads_per_second", Unit::PerSecond, Gauge, ["Reads", "读次数"], ["Reads finished each second.", "每秒完成的读次数。"], "/proc/diskstats field 4", |d| rate(d, |r| r.reads)),
        fig(526, "writes", "disk_writes_per_second", Unit::PerSecond, Gauge, ["Writes", "写次数"], ["Writes finished each second.", "每秒完成的写次数。"], "/proc/diskstats field 8", |d| rate(d, |r| r.writes)),
        fig(527, "busy", "disk_busy_ratio", Unit::Ratio, Gauge, ["Busy", "繁忙"], ["Share of time with work in hand.", "处于工作状态的时间占比。"], "/proc/diskstats field 13", |d| d.rates.get().map(|r| r.busy).into()),
        fig(528, "await", "disk_request_wait_seconds", Unit::Seconds, Gauge, ["Await", "等待"], ["Mean time of a request from queueing to its end.", "请求从排队到完成的平均时间。"], "/proc/diskstats fields 7, 11", |d| d.rates.get().map(|r| r.wait).into()).group(Aggregate::Max),
        fig(529, "queue", "disk_queue_length", Unit::None, Gauge, ["Queue", "队列"], ["Mean number of requests in hand.", "平均在途请求数。"], "/proc/diskstats field 14", |d| d.rates.get().map(|r| r.queue).into()),
        fig(530, "read_total", "disk_read_bytes_total", Unit::Bytes, Counter, ["Read", "读累计"], ["Bytes read since boot.", "开机以来读取的字节数。"], "/proc/diskstats field 6", |d| d.read_total.into()),
        fig(531, "write_total", "disk_write_bytes_total", Unit::Bytes, Counter, ["Write", "写累计"], ["Bytes written since boot.", "开机以来写入的字节数。"], "/proc/diskstats field 10", |d| d.written_total.into()),
    ]
};

/// Figures of a network interface.
#[rustfmt::skip]
pub static INTERFACE: &[Figure<Interface>] = {
    table!(Interface of Interface);
    fn rate(interface: &Interface, take: fn(&InterfaceRates) -> PerSecond) -> Value<'static> { interface.rates.get().map(take).into() }
    &[
        fig(540, "name", "interface_name", Unit::Text, Kind::Text, ["Interface", "网卡"], ["Name of the interface.", "网卡名称。"], "/proc/net/dev", |i| text(&i.name)),
        fig(541, "state", "interface_state", Unit::Text, Kind::Text, ["State", "状态"], ["up, down or unknown.", "up、down 或 unknown。"], "/sys/class/net/*/operstate", |i| text(&i.state)),
        fig(542, "kind", "interface_kind", Unit::Text, Kind::Text, ["Kind", "类型"], ["physical, virtual, bridge, loopback.", "物理、虚拟、网桥或回环。"], "/sys/class/net", |i| text(&i.kind)),
        fig(543, "speed", "interface_speed_bits_per_second", Unit::BitsPerSecond, Gauge, ["Link speed", "链路速率"], ["Link speed, where the driver tells.", "链路速率（驱动可告知时）。"], "/sys/class/net/*/speed", |i| (&i.speed).into()).head("Speed", "速率"),
        fig(544, "rx", "interface_receive_bytes_per_second", Unit::BytesPerSecond, Gauge, ["Rx/s", "收/秒"], ["Bytes received each second.", "每秒收到的字节数。"], "/proc/net/dev", |i| rate(i, |r| r.received)),
        fig(545, "tx", "interface_transmit_bytes_per_second", Unit::BytesPerSecond, Gauge, ["Tx/s", "发/秒"], ["Bytes sent each second.", "每秒发出的字节数。"], "/proc/net/dev", |i| rate(i, |r| r.sent)),
        fig(546, "rx_packets", "interface_receive_packets_per_second", Unit::PerSecond, Gauge, ["Rx packets", "收包"], ["Packets received each second.", "每秒收到的包数。"], "/proc/net/dev", |i| rate(i, |r| r.received_packets)),
        fig(547, "tx_packets", "interface_transmit_packets_per_second", Unit::PerSecond, Gauge, ["Tx packets", "发包"], ["Packets sent each second.", "每秒发出的包数。"], "/proc/net/dev", |i| rate(i, |r| r.sent_packets)),
        fig(548, "rx_errors", "interface_receive_errors_per_second", Unit::PerSecond, Gauge, ["Rx errors", "收错误"], ["Receive errors each second.", "每秒接收错误数。"], "/proc/net/dev", |i| rate(i, |r| r.receive_errors)),
        fig(549, "tx_errors", "interface_transmit_errors_per_second", Unit::PerSecond, Gauge, ["Tx errors", "发错误"], ["Send errors each second.", "每秒发送错误数。"], "/proc/net/dev", |i| rate(i, |r| r.send_errors)),
        fig(550, "rx_drops", "interface_receive_drops_per_second", Unit::PerSecond, Gauge, ["Rx drops", "收丢弃"], ["Packets received and dropped each second.", "每秒收到后丢弃的包数。"], "/proc/net/dev", |i| rate(i, |r| r.receive_drops)),
        fig(551, "tx_drops", "interface_transmit_drops_per_second", Unit::PerSecond, Gauge, ["Tx drops", "发丢弃"], ["Packets dropped before sending each second.", "每秒发送前丢弃的包数。"], "/proc/net/dev", |i| rate(i, |r| r.send_drops)),
        fig(552, "mtu", "interface_mtu_bytes", Unit::Bytes, Gauge, ["MTU", "MTU"], ["Largest packet.", "最大包长。"], "/sys/class/net/*/mtu", |i| (&i.mtu).into()).group(Aggregate::Max),
        fig(553, "address", "interface_address", Unit::Text, Kind::Text, ["Address", "硬件地址"], ["Hardware address.", "硬件地址。"], "/sys/class/net/*/address", |i| text(&i.address)),
        fig(554, "rx_total", "interface_receive_bytes_total", Unit::Bytes, Counter, ["Rx", "收累计"], ["Bytes received since it came up.", "启用以来收到的字节数。"], "/proc/net/dev", |i| i.received_total.into()),
        fig(555, "tx_total", "interface_transmit_bytes_total", Unit::Bytes, Counter, ["Tx", "发累计"], ["Bytes sent since it came up.", "启用以来发出的字节数。"], "/proc/net/dev", |i| i.sent_total.into()),
    ]
};

/// Figures of a file system.
#[rustfmt::skip]
pub static FILESYSTEM: &[Figure<Filesystem>] = {
    table!(Filesystem of Filesystem);
    fn bytes(filesystem: &Filesystem, take: fn(&Space) -> Bytes) -> Value<'static> { filesystem.space.get().map(take).into() }
    fn inodes(filesystem: &Filesystem, take: fn(&Space) -> u64) -> Value<'static> { filesystem.space.get().filter(|s| s.inodes > 0).map(take).into() }
    const SLOW: Pace = Pace::Slow;
    &[
        fig(560, "mount", "filesystem_mount", Unit::Text, Kind::Text, ["Mounted on", "挂载点"], ["Where it is mounted.", "挂载位置。"], "/proc/self/mountinfo", |f| text(&f.mount)).pace(SLOW),
        fig(561, "device", "filesystem_device", Unit::Text, Kind::Text, ["Device", "设备"], ["What is mounted there.", "所挂载的设备。"], "/proc/self/mountinfo", |f| text(&f.device)).pace(SLOW),
        fig(562, "type", "filesystem_type", Unit::Text, Kind::Text, ["Type", "类型"], ["Type of the file system.", "文件系统类型。"], "/proc/self/mountinfo", |f| text(&f.kind)).pace(SLOW),
        fig(563, "size", "filesystem_size_bytes", Unit::Bytes, Gauge, ["Size", "容量"], ["Size of the file system.", "文件系统容量。"], "statvfs", |f| bytes(f, |s| s.size)).pace(SLOW),
        fig(564, "used", "filesystem_used_bytes", Unit::Bytes, Gauge, ["Used", "已用"], ["Space in use.", "已用空间。"], "statvfs", |f| bytes(f, Space::used)).pace(SLOW),
        fig(565, "free", "filesystem_free_bytes", Unit::Bytes, Gauge, ["Free", "空闲"], ["Space not in use.", "未用空间。"], "statvfs", |f| bytes(f, |s| s.free)).pace(SLOW),
        fig(566, "available", "filesystem_available_bytes", Unit::Bytes, Gauge, ["Available", "可用"], ["Space open to users without privilege.", "普通用户可用空间。"], "statvfs", |f| bytes(f, |s| s.available)).head("Avail", "可用").pace(SLOW),
        fig(567, "usage", "filesystem_usage_ratio", Unit::Ratio, Gauge, ["In use", "使用率"], ["Share in use of what users may fill.", "可填充空间的使用率。"], "statvfs", |f| f.space.get().and_then(Space::usage).into()).head("Use %", "使用率").pace(SLOW),
        fig(568, "inodes", "filesystem_inodes", Unit::Count, Gauge, ["Inodes", "Inode"], ["Inodes in all.", "inode 总数。"], "statvfs", |f| inodes(f, |s| s.inodes)).pace(SLOW),
        fig(569, "inodes_free", "filesystem_inodes_free", Unit::Count, Gauge, ["Inodes free", "空闲 inode"], ["Inodes not in use.", "未用的 inode 数。"], "statvfs", |f| inodes(f, |s| s.inodes_free)).pace(SLOW),
        fig(570, "inodes_usage", "filesystem_inodes_usage_ratio", Unit::Ratio, Gauge, ["Inodes in use", "inode 使用率"], ["Share of inodes in use.", "inode 的使用率。"], "statvfs", |f| f.space.get().and_then(Space::inode_usage).into()).head("IUse %", "inode 率").pace(SLOW),
        fig(571, "read_only", "filesystem_read_only", Unit::Bool, Kind::Text, ["Read-only", "只读"], ["Whether it is mounted read-only.", "是否以只读方式挂载。"], "/proc/self/mountinfo", |f| f.read_only.into()).pace(SLOW),
        fig(572, "state", "filesystem_state", Unit::Text, Kind::Text, ["State", "状态"], ["ok, timeout (does not answer) or error.", "ok、timeout（无响应）或 error。"], "statvfs", |f| text(f.state.word())).pace(SLOW),
    ]
};

/// Figures of a temperature sensor.
#[rustfmt::skip]
pub static SENSOR: &[Figure<Sensor>] = {
    table!(Sensor of Sensor);
    &[
        fig(580, "name", "sensor_name", Unit::Text, Kind::Text, ["Sensor", "传感器"], ["What it measures.", "测量对象。"], "/sys/class/hwmon/*/temp*_label", |s| text(&s.name)),
        fig(581, "chip", "sensor_chip", Unit::Text, Kind::Text, ["Chip", "芯片"], ["Chip that measures.", "测量芯片。"], "/sys/class/hwmon/*/name", |s| text(&s.chip)),
        fig(582, "temp", "sensor_temperature_celsius", Unit::Celsius, Gauge, ["Temperature", "温度"], ["Temperature now.", "当前温度。"], "/sys/class/hwmon/*/temp*_input", |s| s.temperature.into()),
        fig(583, "high", "sensor_high_celsius", Unit::Celsius, Gauge, ["High", "高温"], ["Where the chip calls it high.", "芯片认定的高温。"], "/sys/class/hwmon/*/temp*_max", |s| s.high.into()),
        fig(584, "critical", "sensor_critical_celsius", Unit::Celsius, Gauge, ["Critical", "临界"], ["Where the chip calls it critical.", "芯片认定的临界温度。"], "/sys/class/hwmon/*/temp*_crit", |s| s.critical.into()),
    ]
};

/// Figures of a logged-in user.
#[rustfmt::skip]
pub static USER: &[Figure<UserSession>] = {
    table!(User of UserSession);
    &[
        fig(590, "name", "user_name", Unit::Text, Kind::Text, ["User", "用户"], ["Name of the user.", "用户名。"], "/run/utmp", |u| text(&u.name)).pace(Pace::Slow),
        fig(591, "tty", "user_tty", Unit::Text, Kind::Text, ["Terminal", "终端"], ["Terminal of the session.", "会话的终端。"], "/run/utmp", |u| text(&u.tty)).pace(Pace::Slow),
        fig(592, "from", "user_from", Unit::Text, Kind::Text, ["From", "来自"], ["Where the user comes from.", "用户来源地址。"], "/run/utmp", |u| text(&u.from)).pace(Pace::Slow),
        fig(593, "login_time", "user_login_timestamp_seconds", Unit::UnixMs, Gauge, ["Logged in", "登录时间"], ["When the user logged in.", "登录时刻。"], "/run/utmp", |u| u.login.into()).pace(Pace::Slow),
        fig(594, "idle", "user_idle_seconds", Unit::Seconds, Gauge, ["Idle", "空闲"], ["Time since the terminal was last used.", "终端空闲时间。"], "/dev/TTY atime", |u| u.idle.into()).pace(Pace::Slow),
        fig(595, "pid", "user_pid", Unit::None, Kind::Text, ["PID", "进程号"], ["Leader of the session.", "会话首进程。"], "/run/utmp", |u| u.pid.into()).pace(Pace::Slow),
    ]
};

/// Figures of a container.
#[rustfmt::skip]
pub static CONTAINER: &[Figure<Container>] = {
    table!(Container of Container);
    &[
        fig(600, "name", "container_name", Unit::Text, Kind::Text, ["Container", "容器"], ["Name, else the short id.", "名称，否则为短 ID。"], "engine socket, /proc/PID/cgroup", |c| text(&c.name)),
        fig(601, "id", "container_id", Unit::Text, Kind::Text, ["Id", "ID"], ["Full id.", "完整 ID。"], "/proc/PID/cgroup", |c| text(&c.id)),
        fig(602, "engine", "container_engine", Unit::Text, Kind::Text, ["Engine", "引擎"], ["What runs it.", "运行它的引擎。"], "/proc/PID/cgroup", |c| text(&c.engine)),
        fig(603, "image", "container_image", Unit::Text, Kind::Text, ["Image", "镜像"], ["Image, where the engine tells.", "镜像（引擎可告知时）。"], "engine socket", |c| text(&c.image)),
        fig(604, "processes", "container_processes", Unit::Count, Gauge, ["Processes", "进程"], ["Processes in it.", "其中的进程数。"], "/proc/PID/cgroup", |c| c.processes.into()),
        fig(605, "cpu", "container_cpu_cores", Unit::Cores, Gauge, ["CPU", "CPU"], ["Processors that its processes use.", "其进程使用的核数。"], "/proc/PID/stat", |c| c.cpu.into()).head("CPU %", "CPU %"),
        fig(606, "rss", "container_resident_memory_bytes", Unit::Bytes, Gauge, ["Resident memory", "常驻内存"], ["Resident memory of its processes, shared pages counted more than once.", "其进程的常驻内存，共享页重复计入。"], "/proc/PID/status VmRSS", |c| c.resident.into()).head("RSS", "常驻内存"),
        fig(607, "read", "container_read_bytes_per_second", Unit::BytesPerSecond, Gauge, ["Read/s", "读/秒"], ["Bytes that its processes read from storage each second.", "其进程每秒从存储读取的字节数。"], "/proc/PID/io", |c| c.read.into()).private(),
        fig(608, "write", "container_write_bytes_per_second", Unit::BytesPerSecond, Gauge, ["Write/s", "写/秒"], ["Bytes that its processes write towards storage each second.", "其进程每秒写向存储的字节数。"], "/proc/PID/io", |c| c.written.into()).private(),
        fig(609, "cgroup", "container_cgroup", Unit::Text, Kind::Text, ["Cgroup", "控制组"], ["Control group.", "控制组。"], "/proc/PID/cgroup", |c| text(&c.cgroup)),
    ]
};

/// Figures of a thread.
#[rustfmt::skip]
pub static THREAD: &[Figure<Thread>] = {
    table!(Thread of Thread);
    const DEMAND: Pace = Pace::Demand;
    &[
        fig(620, "tid", "thread_id", Unit::None, Kind::Text, ["TID", "线程号"], ["Thread id.", "线程号。"], "/proc/PID/task", |t| t.tid.into()).pace(DEMAND),
        fig(621, "name", "thread_name", Unit::Text, Kind::Text, ["Name", "名称"], ["Name of the thread.", "线程名称。"], "/proc/PID/task/TID/stat field 2", |t| Value::text_or_unknown(&t.name)).pace(DEMAND),
        fig(622, "state", "thread_state", Unit::Text, Kind::Text, ["State", "状态"], ["State of the thread.", "线程状态。"], "/proc/PID/task/TID/stat field 3", |t| Value::text(std::slice::from_ref(&t.state.0))).head("S", "状态").pace(DEMAND),
        fig(623, "utime", "thread_cpu_user_seconds_total", Unit::Seconds, Counter, ["CPU time, user", "用户态时间"], ["Processor time in user mode.", "用户态 CPU 时间。"], "/proc/PID/task/TID/stat field 14", |t| t.user.into()).head("utime", "用户时间").pace(DEMAND),
        fig(624, "stime", "thread_cpu_system_seconds_total", Unit::Seconds, Counter, ["CPU time, system", "内核态时间"], ["Processor time in the kernel.", "内核态 CPU 时间。"], "/proc/PID/task/TID/stat field 15", |t| t.system.into()).head("stime", "内核时间").pace(DEMAND),
        fig(625, "processor", "thread_processor", Unit::None, Kind::Text, ["Core", "核"], ["Core it ran on last.", "最近运行所在的核。"], "/proc/PID/task/TID/stat field 39", |t| t.processor.into()).pace(DEMAND),
        fig(626, "nice", "thread_nice", Unit::None, Gauge, ["Nice", "优先级"], ["Nice value.", "nice 值。"], "/proc/PID/task/TID/stat field 19", |t| t.nice.into()).pace(DEMAND),
        fig(627, "wchan", "thread_wait_channel", Unit::Text, Kind::Text, ["Waiting in", "等待于"], ["Kernel function in which it waits.", "等待所在的内核函数。"], "/proc/PID/task/TID/wchan", |t| t.wchan.get().map_or(Value::Unknown, |text| Value::text_or_unknown(text))).pace(DEMAND),
        fig(628, "nvcsw_total", "thread_voluntary_switches_total", Unit::Count, Counter, ["Voluntary switches", "自愿切换"], ["Context switches because it waited.", "因等待发生的上下文切换。"], "/proc/PID/task/TID/status", |t| (&t.voluntary).into()).head("Vol sw", "自愿切换").pace(DEMAND),
        fig(629, "nivcsw_total", "thread_involuntary_switches_total", Unit::Count, Counter, ["Involuntary switches", "非自愿切换"], ["Context switches because its time was up.", "因时间片用尽发生的上下文切换。"], "/proc/PID/task/TID/status", |t| (&t.involuntary).into()).head("Inv sw", "被动切换").pace(DEMAND),
    ]
};
