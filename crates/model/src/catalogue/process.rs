//! The figures of a process.

use super::figure::{Aggregate, Figure, Kind, Pace, Privilege, Scope, Unit, figure};
use crate::process::{Io, IoRates, Memory, NetRates, ProcessRow};
use crate::value::Value;

use Kind::{Counter, Gauge};

const fn fig(
    number: u16,
    id: &'static str,
    name: &'static str,
    unit: Unit,
    kind: Kind,
    title: [&'static str; 2],
    help: [&'static str; 2],
    source: &'static str,
    value: fn(&ProcessRow) -> Value<'_>,
) -> Figure<ProcessRow> {
    figure(Scope::Process, number, id, name, unit, kind, title, help, source, value)
}

fn memory(row: &ProcessRow, take: fn(&Memory) -> procyon_units::Bytes) -> Value<'static> {
    row.memory.get().map(take).into()
}

fn io(row: &ProcessRow, take: fn(&Io) -> procyon_units::Bytes) -> Value<'static> {
    row.io.get().map(take).into()
}

fn io_rate(row: &ProcessRow, take: fn(&IoRates) -> procyon_units::PerSecond) -> Value<'static> {
    row.rates.io.get().map(take).into()
}

fn net_rate(row: &ProcessRow, take: fn(&NetRates) -> procyon_units::PerSecond) -> Value<'static> {
    row.rates.net.get().map(take).into()
}

const PTRACE: Privilege = Privilege::OwnerOrPtrace;

/// The port was found with the collector's privilege, and nobody sees the sockets of others without one: those who have
/// no token see the title alone.
#[rustfmt::skip]
static LABEL_WITHOUT_PORT: Figure<ProcessRow> =
    fig(15, "label", "process_label", Unit::Text, Kind::Text, LABEL, LABEL_HELP, LABEL_SOURCE, |p| Value::text_or_unknown(&p.descriptor.title));

const LABEL: [&str; 2] = ["Label", "标签"];
const LABEL_HELP: [&str; 2] = [
    "What people call it: unit, container, script or name, with the lowest listening port; the port is for those who have a token.",
    "通称：单元、容器、脚本或名称，加最小监听端口；端口仅对持有令牌者显示。",
];
const LABEL_SOURCE: &str = "unit, container, cmdline, listening sockets";

/// Figures of a process, in the order in which documents list them.
#[rustfmt::skip]
pub static PROCESS: &[Figure<ProcessRow>] = &[
    // Who it is.
    fig(1, "pid", "process_pid", Unit::None, Kind::Text, ["PID", "进程号"], ["Process id in the collector's pid namespace.", "采集器所在 pid 命名空间中的进程号。"], "/proc/PID", |p| p.key.pid.into()).group(Aggregate::Min),
    fig(2, "ppid", "process_parent_pid", Unit::None, Kind::Text, ["Parent", "父进程"], ["Process id of the parent.", "父进程的进程号。"], "/proc/PID/stat field 4", |p| p.ppid.into()).head("PPID", "父进程"),
    fig(3, "tgid", "process_thread_group_id", Unit::None, Kind::Text, ["Thread group", "线程组"], ["Thread group id; the same as the process id.", "线程组号，与进程号相同。"], "/proc/PID/status Tgid", |p| p.tgid.into()).head("TGID", "线程组"),
    fig(4, "user", "process_user", Unit::Text, Kind::Text, ["User", "用户"], ["Name of the effective user.", "有效用户名。"], "/proc/PID/status Uid, /etc/passwd", |p| Value::text_or_unknown(&p.descriptor.user)).pace(Pace::Once),
    fig(5, "uid", "process_uid", Unit::None, Kind::Text, ["User id", "用户 ID"], ["Real user id.", "真实用户 ID。"], "/proc/PID/status Uid", |p| p.uid.into()).head("UID", "UID"),
    fig(6, "euid", "process_effective_uid", Unit::None, Kind::Text, ["Effective user id", "有效用户 ID"], ["Effective user id.", "有效用户 ID。"], "/proc/PID/status Uid", |p| p.euid.into()).head("EUID", "EUID"),
    fig(7, "gid", "process_gid", Unit::None, Kind::Text, ["Group id", "组 ID"], ["Real group id.", "真实组 ID。"], "/proc/PID/status Gid", |p| p.gid.into()).head("GID", "GID"),
    fig(8, "name", "process_name", Unit::Text, Kind::Text, ["Name", "名称"], ["Command name, at most 15 bytes.", "命令名，最多 15 字节。"], "/proc/PID/stat field 2", |p| Value::text_or_unknown(&p.descriptor.name)),
    fig(9, "cmd", "process_command_line", Unit::Text, Kind::Text, ["Command line", "命令行"], ["Command line with secrets masked; kernel threads in brackets.", "命令行，密钥已掩盖；内核线程加方括号。"], "/proc/PID/cmdline", |p| Value::text_or_unknown(&p.descriptor.cmd)).head("Command", "命令").pace(Pace::Once),
    fig(10, "exe", "process_executable", Unit::Text, Kind::Text, ["Executable", "可执行文件"], ["Path of the program.", "程序路径。"], "/proc/PID/exe", |p| Value::text_or_unknown(&p.descriptor.exe)).head("Exe", "程序").pace(Pace::Once).needs(PTRACE),
    fig(11, "cwd", "process_working_directory", Unit::Text, Kind::Text, ["Working directory", "工作目录"], ["Current working directory.", "当前工作目录。"], "/proc/PID/cwd", |p| Value::text_or_unknown(&p.descriptor.cwd)).head("Cwd", "工作目录").pace(Pace::Slow).needs(PTRACE),
    fig(12, "cgroup", "process_cgroup", Unit::Text, Kind::Text, ["Cgroup", "控制组"], ["Control group path.", "控制组路径。"], "/proc/PID/cgroup", |p| Value::text_or_unknown(&p.descriptor.cgroup)).pace(Pace::Once),
    fig(13, "container", "process_container", Unit::Text, Kind::Text, ["Container", "容器"], ["Container by name, else its short id.", "容器名称，否则为短 ID。"], "/proc/PID/cgroup, engine socket", |p| Value::text_or_unknown(&p.descriptor.container)).pace(Pace::Once),
    fig(14, "unit", "process_systemd_unit", Unit::Text, Kind::Text, ["Systemd unit", "systemd 单元"], ["systemd unit from the control group path.", "由控制组路径得到的 systemd 单元。"], "/proc/PID/cgroup", |p| Value::text_or_unknown(&p.descriptor.unit)).head("Unit", "单元").pace(Pace::Once),
    fig(15, "label", "process_label", Unit::Text, Kind::Text, LABEL, LABEL_HELP, LABEL_SOURCE, |p| Value::text_or_unknown(&p.label)).without_token(&LABEL_WITHOUT_PORT),
    fig(16, "kthread", "process_kernel_thread", Unit::Bool, Kind::Text, ["Kernel thread", "内核线程"], ["Whether it is a thread of the kernel.", "是否为内核线程。"], "/proc/PID/stat field 9 PF_KTHREAD", |p| p.kernel_thread.into()).head("Kernel", "内核线程"),
    fig(17, "state", "process_state", Unit::Text, Kind::Text, ["State", "状态"], ["R running, S sleeping, D waiting for the disk, T stopped, Z ended and not collected, I idle.", "R 运行、S 睡眠、D 不可中断、T 已停止、Z 僵尸、I 空闲。"], "/proc/PID/stat field 3", |p| Value::text(std::slice::from_ref(&p.state.0))).head("S", "状态"),
    fig(18, "start", "process_start_timestamp_seconds", Unit::UnixMs, Gauge, ["Started", "启动时间"], ["When it started.", "启动时刻。"], "/proc/PID/stat field 22", |p| p.started.into()).group(Aggregate::Min),
    fig(19, "age", "process_age_seconds", Unit::Seconds, Gauge, ["Age", "时长"], ["Time since it started.", "自启动以来的时间。"], "/proc/PID/stat field 22", |p| p.age.into()).group(Aggregate::Max),
    // Processor.
    fig(20, "cpu", "process_cpu_cores", Unit::Cores, Gauge, ["CPU", "CPU"], ["Processors in use since the last tick; 1 is one whole core.", "自上次采样以来使用的核数；1 表示一个整核。"], "/proc/PID/stat fields 14, 15", |p| p.rates.cpu().into()).head("CPU %", "CPU %"),
    fig(21, "cpu_user", "process_cpu_user_cores", Unit::Cores, Gauge, ["CPU, user", "CPU 用户态"], ["Processors in use in user mode.", "用户态使用的核数。"], "/proc/PID/stat field 14", |p| (&p.rates.cpu_user).into()).head("usr %", "用户态 %"),
    fig(22, "cpu_sys", "process_cpu_system_cores", Unit::Cores, Gauge, ["CPU, system", "CPU 内核态"], ["Processors in use in the kernel.", "内核态使用的核数。"], "/proc/PID/stat field 15", |p| (&p.rates.cpu_system).into()).head("sys %", "内核态 %"),
    fig(23, "utime", "process_cpu_user_seconds_total", Unit::Seconds, Counter, ["CPU time, user", "用户态时间"], ["Processor time in user mode since it started.", "启动以来的用户态 CPU 时间。"], "/proc/PID/stat field 14", |p| p.cpu.user.into()).head("utime", "用户时间"),
    fig(24, "stime", "process_cpu_system_seconds_total", Unit::Seconds, Counter, ["CPU time, system", "内核态时间"], ["Processor time in the kernel since it started.", "启动以来的内核态 CPU 时间。"], "/proc/PID/stat field 15", |p| p.cpu.system.into()).head("stime", "内核时间"),
    fig(25, "runq", "process_run_delay_cores", Unit::Cores, Gauge, ["Run-queue delay", "排队延迟"], ["Seconds of waiting for a processor each second, all threads together.", "每秒等待 CPU 的秒数，所有线程合计。"], "/proc/PID/task/*/schedstat field 2", |p| (&p.rates.run_delay).into()).head("Runq", "排队延迟").pace(Pace::Slow).since("2.6.23"),
    fig(26, "runq_total", "process_run_delay_seconds_total", Unit::Seconds, Counter, ["Run-queue delay, total", "累计排队延迟"], ["Time spent waiting for a processor since it started.", "启动以来等待 CPU 的时间。"], "/proc/PID/task/*/schedstat field 2", |p| (&p.run_delay).into()).head("Runq total", "累计排队").pace(Pace::Slow),
    fig(27, "threads", "process_threads", Unit::Count, Gauge, ["Threads", "线程"], ["Number of threads.", "线程数。"], "/proc/PID/stat field 20", |p| p.threads.into()).head("Thr", "线程"),
    fig(28, "nice", "process_nice", Unit::None, Gauge, ["Nice", "优先级 (nice)"], ["Nice value, -20 to 19.", "nice 值，-20 至 19。"], "/proc/PID/stat field 19", |p| p.nice.into()).head("Nice", "优先级"),
    fig(29, "policy", "process_scheduling_policy", Unit::Text, Kind::Text, ["Scheduling", "调度策略"], ["Scheduling policy.", "调度策略。"], "/proc/PID/stat field 41", |p| Value::text(policy_word(p.policy).as_bytes())).head("Policy", "调度策略"),
    fig(30, "wchan", "process_wait_channel", Unit::Text, Kind::Text, ["Waiting in", "等待于"], ["Kernel function in which the main thread waits.", "主线程等待所在的内核函数。"], "/proc/PID/wchan", |p| p.wchan.get().map_or(Value::Unknown, |text| Value::text_or_unknown(text))).head("Wchan", "等待于").pace(Pace::Slow).needs(PTRACE),
    // Memory.
    fig(40, "rss", "process_resident_memory_bytes", Unit::Bytes, Gauge, ["Resident memory", "常驻内存"], ["Physical memory in use; counts shared pages in full.", "占用的物理内存；共享页全额计入。"], "/proc/PID/status VmRSS", |p| memory(p, |m| m.resident)).head("RSS", "常驻内存"),
    fig(41, "pss", "process_proportional_memory_bytes", Unit::Bytes, Gauge, ["Proportional memory", "分摊内存"], ["Physical memory with shared pages divided by their users.", "物理内存，共享页按使用者均摊。"], "/proc/PID/smaps_rollup Pss", |p| p.pss.get().map(|s| s.proportional).into()).head("PSS", "分摊内存").pace(Pace::Budget).since("4.14").needs(PTRACE),
    fig(42, "uss", "process_unique_memory_bytes", Unit::Bytes, Gauge, ["Unique memory", "独占内存"], ["Physical memory that nobody else maps.", "仅被本进程映射的物理内存。"], "/proc/PID/smaps_rollup Private_Clean + Private_Dirty", |p| p.pss.get().map(|s| s.unique).into()).head("USS", "独占内存").pace(Pace::Budget).since("4.14").needs(PTRACE),
    fig(43, "swap_pss", "process_proportional_swap_bytes", Unit::Bytes, Gauge, ["Proportional swap", "分摊交换区"], ["Swapped memory with shared pages divided by their users.", "换出的内存，共享页按使用者均摊。"], "/proc/PID/smaps_rollup SwapPss", |p| p.pss.get().map(|s| s.swap).into()).head("Swap PSS", "分摊交换").pace(Pace::Budget).since("4.14").needs(PTRACE),
    fig(44, "pss_age", "process_proportional_memory_age_seconds", Unit::Seconds, Gauge, ["Age of PSS", "PSS 读取时间"], ["Time since proportional memory was read.", "距上次读取分摊内存的时间。"], "collector", |p| p.pss.get().map(|s| s.age).into()).head("PSS age", "读取时间").pace(Pace::Budget).since("4.14").needs(PTRACE).group(Aggregate::Max),
    fig(45, "swap", "process_swap_bytes", Unit::Bytes, Gauge, ["Swap", "交换区"], ["Memory swapped out.", "换出的内存。"], "/proc/PID/status VmSwap", |p| memory(p, |m| m.swap)),
    fig(46, "vsize", "process_virtual_memory_bytes", Unit::Bytes, Gauge, ["Address space", "虚拟内存"], ["Size of the address space.", "地址空间大小。"], "/proc/PID/status VmSize", |p| memory(p, |m| m.size)).head("VSize", "虚拟内存"),
    fig(47, "vmpeak", "process_virtual_memory_peak_bytes", Unit::Bytes, Gauge, ["Largest address space", "虚拟内存峰值"], ["Largest address space so far.", "地址空间的历史峰值。"], "/proc/PID/status VmPeak", |p| memory(p, |m| m.peak)).head("VmPeak", "虚存峰值"),
    fig(48, "vmhwm", "process_resident_memory_peak_bytes", Unit::Bytes, Gauge, ["Largest resident memory", "常驻内存峰值"], ["Largest resident memory so far.", "常驻内存的历史峰值。"], "/proc/PID/status VmHWM", |p| memory(p, |m| m.high_water)).head("VmHWM", "常驻峰值"),
    fig(49, "vmlck", "process_locked_memory_bytes", Unit::Bytes, Gauge, ["Locked memory", "锁定内存"], ["Memory locked by mlock.", "由 mlock 锁定的内存。"], "/proc/PID/status VmLck", |p| memory(p, |m| m.locked)).head("VmLck", "锁定内存"),
    fig(50, "vmpin", "process_pinned_memory_bytes", Unit::Bytes, Gauge, ["Pinned memory", "固定内存"], ["Memory that cannot be moved.", "不可移动的内存。"], "/proc/PID/status VmPin", |p| memory(p, |m| m.pinned)).head("VmPin", "固定内存"),
    fig(51, "vmdata", "process_data_memory_bytes", Unit::Bytes, Gauge, ["Data", "数据段"], ["Size of private writable mappings.", "私有可写映射的大小。"], "/proc/PID/status VmData", |p| memory(p, |m| m.data)).head("VmData", "数据段"),
    fig(52, "vmstk", "process_stack_memory_bytes", Unit::Bytes, Gauge, ["Stack", "栈"], ["Size of the main stack.", "主栈大小。"], "/proc/PID/status VmStk", |p| memory(p, |m| m.stack)).head("VmStk", "栈"),
    fig(53, "vmexe", "process_text_memory_bytes", Unit::Bytes, Gauge, ["Program text", "代码段"], ["Size of the program text.", "程序代码段大小。"], "/proc/PID/status VmExe", |p| memory(p, |m| m.text)).head("VmExe", "代码段"),
    fig(54, "vmlib", "process_library_memory_bytes", Unit::Bytes, Gauge, ["Shared libraries", "共享库"], ["Size of shared library text.", "共享库代码的大小。"], "/proc/PID/status VmLib", |p| memory(p, |m| m.library)).head("VmLib", "共享库"),
    fig(55, "vmpte", "process_page_table_bytes", Unit::Bytes, Gauge, ["Page tables", "页表"], ["Size of the page tables.", "页表大小。"], "/proc/PID/status VmPTE", |p| memory(p, |m| m.page_tables)).head("VmPTE", "页表"),
    fig(56, "minflt", "process_minor_faults_per_second", Unit::PerSecond, Gauge, ["Minor faults", "次缺页"], ["Page faults each second that needed no disk.", "每秒无需磁盘的缺页次数。"], "/proc/PID/stat field 10", |p| (&p.rates.minor_faults).into()).head("Minflt", "次缺页"),
    fig(57, "majflt", "process_major_faults_per_second", Unit::PerSecond, Gauge, ["Major faults", "主缺页"], ["Page faults each second that needed the disk.", "每秒需要磁盘的缺页次数。"], "/proc/PID/stat field 12", |p| (&p.rates.major_faults).into()).head("Majflt", "主缺页"),
    fig(58, "minflt_total", "process_minor_faults_total", Unit::Count, Counter, ["Minor faults, total", "次缺页累计"], ["Page faults since it started that needed no disk.", "启动以来无需磁盘的缺页次数。"], "/proc/PID/stat field 10", |p| p.faults.minor.into()).head("Minflt total", "次缺页计"),
    fig(59, "majflt_total", "process_major_faults_total", Unit::Count, Counter, ["Major faults, total", "主缺页累计"], ["Page faults since it started that needed the disk.", "启动以来需要磁盘的缺页次数。"], "/proc/PID/stat field 12", |p| p.faults.major.into()).head("Majflt total", "主缺页计"),
    // Disk.
    fig(60, "read", "process_read_bytes_per_second", Unit::BytesPerSecond, Gauge, ["Read", "读"], ["Bytes fetched from storage each second.", "每秒从存储读取的字节数。"], "/proc/PID/io read_bytes", |p| io_rate(p, |r| r.read)).head("Read/s", "读/秒").needs(PTRACE),
    fig(61, "write", "process_write_bytes_per_second", Unit::BytesPerSecond, Gauge, ["Write", "写"], ["Bytes sent towards storage each second.", "每秒写向存储的字节数。"], "/proc/PID/io write_bytes", |p| io_rate(p, |r| r.written)).head("Write/s", "写/秒").needs(PTRACE),
    fig(62, "rchar", "process_read_chars_bytes_per_second", Unit::BytesPerSecond, Gauge, ["Read calls, bytes", "读调用字节"], ["Bytes that passed through read calls each second, caches and pipes included.", "每秒经读调用的字节数，含缓存与管道。"], "/proc/PID/io rchar", |p| io_rate(p, |r| r.read_chars)).head("rchar/s", "读调用/秒").needs(PTRACE),
    fig(63, "wchar", "process_write_chars_bytes_per_second", Unit::BytesPerSecond, Gauge, ["Write calls, bytes", "写调用字节"], ["Bytes that passed through write calls each second.", "每秒经写调用的字节数。"], "/proc/PID/io wchar", |p| io_rate(p, |r| r.written_chars)).head("wchar/s", "写调用/秒").needs(PTRACE),
    fig(64, "read_total", "process_read_bytes_total", Unit::Bytes, Counter, ["Read, total", "读累计"], ["Bytes fetched from storage since it started.", "启动以来从存储读取的字节数。"], "/proc/PID/io read_bytes", |p| io(p, |i| i.read)).head("Read", "读累计").needs(PTRACE),
    fig(65, "write_total", "process_write_bytes_total", Unit::Bytes, Counter, ["Write, total", "写累计"], ["Bytes sent towards storage since it started.", "启动以来写向存储的字节数。"], "/proc/PID/io write_bytes", |p| io(p, |i| i.written)).head("Write", "写累计").needs(PTRACE),
    fig(66, "rchar_total", "process_read_chars_bytes_total", Unit::Bytes, Counter, ["Read calls, bytes in all", "读调用字节累计"], ["Bytes that passed through read calls since it started.", "启动以来经读调用的字节数。"], "/proc/PID/io rchar", |p| io(p, |i| i.read_chars)).head("rchar", "读调用计").needs(PTRACE),
    fig(67, "wchar_total", "process_write_chars_bytes_total", Unit::Bytes, Counter, ["Write calls, bytes in all", "写调用字节累计"], ["Bytes that passed through write calls since it started.", "启动以来经写调用的字节数。"], "/proc/PID/io wchar", |p| io(p, |i| i.written_chars)).head("wchar", "写调用计").needs(PTRACE),
    // Network.
    fig(70, "rx", "process_network_receive_bytes_per_second", Unit::BytesPerSecond, Gauge, ["Received", "接收"], ["Network payload received each second, TCP and UDP.", "每秒收到的网络载荷，TCP 与 UDP。"], "eBPF sock_recv_length", |p| net_rate(p, |r| r.received)).head("Rx/s", "收/秒").private(),
    fig(71, "tx", "process_network_transmit_bytes_per_second", Unit::BytesPerSecond, Gauge, ["Sent", "发送"], ["Network payload sent each second, TCP and UDP.", "每秒发出的网络载荷，TCP 与 UDP。"], "eBPF sock_send_length", |p| net_rate(p, |r| r.sent)).head("Tx/s", "发/秒").private(),
    fig(72, "rx_total", "process_network_receive_bytes_total", Unit::Bytes, Counter, ["Received, total", "接收累计"], ["Network payload received since it started or since watching began.", "启动或开始观测以来收到的网络载荷。"], "eBPF sock_recv_length", |p| p.net.get().map(|n| n.received).into()).head("Rx", "收累计").private(),
    fig(73, "tx_total", "process_network_transmit_bytes_total", Unit::Bytes, Counter, ["Sent, total", "发送累计"], ["Network payload sent since it started or since watching began.", "启动或开始观测以来发出的网络载荷。"], "eBPF sock_send_length", |p| p.net.get().map(|n| n.sent).into()).head("Tx", "发累计").private(),
    // The rest.
    fig(80, "fds", "process_open_fds", Unit::Count, Gauge, ["Open files", "打开的文件"], ["Open file descriptors.", "打开的文件描述符数。"], "/proc/PID/fd", |p| p.fds.get().map(|f| f.open).into()).head("FDs", "句柄").pace(Pace::Slow),
    fig(81, "fd_limit", "process_max_fds", Unit::Count, Gauge, ["Limit of open files", "文件数上限"], ["How many files it may open (soft limit).", "可打开的文件数（软限制）。"], "/proc/PID/limits Max open files", |p| p.fds.get().and_then(|f| f.limit).into()).head("FD limit", "句柄上限").pace(Pace::Slow).group(Aggregate::Min),
    fig(82, "fd_ratio", "process_fd_ratio", Unit::Ratio, Gauge, ["Open files of limit", "文件数占比"], ["Open file descriptors as a share of the limit.", "打开的文件描述符占上限的比例。"], "/proc/PID/fd, /proc/PID/limits", |p| p.fds.get().and_then(|f| f.ratio()).into()).head("FD %", "句柄占比").pace(Pace::Slow),
    fig(83, "nvcsw", "process_voluntary_switches_per_second", Unit::PerSecond, Gauge, ["Voluntary switches", "自愿切换"], ["Context switches each second because it waited.", "每秒因等待发生的上下文切换。"], "/proc/PID/task/*/status voluntary_ctxt_switches", |p| (&p.rates.voluntary_switches).into()).head("Vol sw/s", "自愿切换").pace(Pace::Slow),
    fig(84, "nivcsw", "process_involuntary_switches_per_second", Unit::PerSecond, Gauge, ["Involuntary switches", "非自愿切换"], ["Context switches each second because its time was up.", "每秒因时间片用尽发生的上下文切换。"], "/proc/PID/task/*/status nonvoluntary_ctxt_switches", |p| (&p.rates.involuntary_switches).into()).head("Inv sw/s", "被动切换").pace(Pace::Slow),
    fig(85, "nvcsw_total", "process_voluntary_switches_total", Unit::Count, Counter, ["Voluntary switches, total", "自愿切换累计"], ["Context switches because it waited, since it started.", "启动以来因等待发生的上下文切换。"], "/proc/PID/task/*/status voluntary_ctxt_switches", |p| p.switches.get().map(|s| s.voluntary).into()).head("Vol sw", "自愿累计").pace(Pace::Slow),
    fig(86, "nivcsw_total", "process_involuntary_switches_total", Unit::Count, Counter, ["Involuntary switches, total", "非自愿切换累计"], ["Context switches because its time was up, since it started.", "启动以来因时间片用尽发生的上下文切换。"], "/proc/PID/task/*/status nonvoluntary_ctxt_switches", |p| p.switches.get().map(|s| s.involuntary).into()).head("Inv sw", "被动累计").pace(Pace::Slow),
    fig(87, "oom_score", "process_oom_score", Unit::None, Gauge, ["OOM score", "OOM 评分"], ["The process with the highest score dies first when memory runs out.", "内存耗尽时分数最高的进程先被终止。"], "/proc/PID/oom_score", |p| p.oom.get().map(|o| o.score).into()).head("OOM", "OOM 评分").pace(Pace::Slow).group(Aggregate::Max),
    fig(88, "oom_adj", "process_oom_score_adjustment", Unit::None, Gauge, ["OOM adjustment", "OOM 调整"], ["Added to the OOM score, -1000 to 1000.", "对 OOM 评分的调整，-1000 至 1000。"], "/proc/PID/oom_score_adj", |p| p.oom.get().map(|o| o.adjustment).into()).head("OOM adj", "OOM 调整").pace(Pace::Slow).group(Aggregate::Max),
    fig(89, "quarantined", "process_quarantined", Unit::Bool, Kind::Text, ["Quarantined", "已隔离"], ["Whether reading it blocked, so that its blocking files are left alone.", "读取曾被阻塞，故不再读取其会阻塞的文件。"], "collector", |p| p.quarantined.into()).head("Held", "已隔离"),
];

/// The name of a scheduling policy. Source: `sched(7)`.
const fn policy_word(policy: u32) -> &'static str {
    match policy {
        0 => "SCHED_OTHER",
        1 => "SCHED_FIFO",
        2 => "SCHED_RR",
        3 => "SCHED_BATCH",
        5 => "SCHED_IDLE",
        6 => "SCHED_DEADLINE",
        7 => "SCHED_EXT",
        _ => "unknown",
    }
}
