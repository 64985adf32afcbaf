//! The figures of the whole machine. Their row is the frame, because some stand beside the machine in it.

use procyon_units::{Bytes, PerSecond, Ratio, Reading};

use super::figure::{Figure, Kind, Pace, Scope, Unit, figure};
use crate::frame::Frame;
use crate::machine::{CpuModes, Disk, DiskRates, Interface, InterfaceRates, Machine, MemoryUse};
use crate::process::NetRates;
use crate::value::Value;

use Kind::Gauge;

const fn fig(
    number: u16,
    id: &'static str,
    name: &'static str,
    unit: Unit,
    title: [&'static str; 2],
    help: [&'static str; 2],
    source: &'static str,
    value: fn(&Frame) -> Value<'_>,
) -> Figure<Frame> {
    figure(Scope::Host, number, id, name, unit, Gauge, title, help, source, value)
}

fn cpu(frame: &Frame, take: fn(&CpuModes<f64>) -> f64) -> Value<'static> {
    frame.machine.cpu.get().map(take).into()
}

fn memory(frame: &Frame, take: fn(&MemoryUse) -> Bytes) -> Value<'static> {
    frame.machine.memory.get().map(take).into()
}

fn counted(frame: &Frame) -> impl Iterator<Item = &Disk> {
    frame.machine.disks.iter().filter(|disk| disk.counts)
}

/// Sums a rate over disks; unknown until the second tick, zero on a machine without disks.
fn disks(frame: &Frame, take: fn(&DiskRates) -> PerSecond) -> Value<'static> {
    counted(frame).map(|disk| disk.rates.get().map(take)).sum::<Option<PerSecond>>().into()
}

/// Sums a rate over the interfaces that lead out of the machine: neither loopback nor virtual ones, which would count twice.
fn interfaces(frame: &Frame, take: fn(&InterfaceRates) -> PerSecond) -> Value<'static> {
    let outward = frame.machine.interfaces.iter().filter(|interface| interface.leaves_the_machine());
    outward.map(|interface| interface.rates.get().map(take)).sum::<Option<PerSecond>>().into()
}

fn payload(reading: Reading<NetRates>, take: fn(&NetRates) -> PerSecond) -> Value<'static> {
    reading.get().map(take).into()
}

/// What interfaces moved beyond payload: headers, acknowledgements, what is sent again, packets that only pass through. Loopback is
/// in it, since processes that talk to each other there are in the payload.
fn beyond_payload(
    frame: &Frame,
    moved: fn(&InterfaceRates) -> PerSecond,
    take: fn(&NetRates) -> PerSecond,
) -> Value<'static> {
    let ends = |interface: &&Interface| interface.leaves_the_machine() || interface.is_loopback();
    let all = frame.machine.interfaces.iter().filter(ends);
    let all = all.map(|interface| interface.rates.get().map(moved)).sum::<Option<PerSecond>>();
    let known = |reading: Reading<NetRates>| reading.get().map(take);
    let (processes, kernel) = (known(frame.machine.payload.processes), known(frame.machine.payload.kernel));
    let rest = |all: PerSecond| Some(PerSecond((all.0 - processes?.0 - kernel?.0).max(0.0)));
    all.and_then(rest).into()
}

/// What disks moved beyond what processes made them move.
fn beyond_processes(
    frame: &Frame,
    moved: fn(&DiskRates) -> PerSecond,
    by_processes: Reading<PerSecond>,
) -> Value<'static> {
    let all = counted(frame).map(|disk| disk.rates.get().map(moved)).sum::<Option<PerSecond>>();
    let rest = |all: PerSecond| by_processes.get().map(|processes| PerSecond((all.0 - processes.0).max(0.0)));
    all.and_then(rest).into()
}

/// Time at work that no process accounts for.
fn cpu_rest(frame: &Frame) -> Value<'static> {
    let Machine { cpu, attributed, .. } = &frame.machine;
    let rest = |modes: &CpuModes<f64>| attributed.cpu.get().map(|processes| (modes.busy() - processes.0).max(0.0));
    cpu.get().and_then(rest).into()
}

fn speed(frame: &Frame) -> Value<'static> {
    let outward = frame.machine.interfaces.iter().filter(|interface| interface.leaves_the_machine());
    let known = outward.filter_map(|interface| interface.speed.get().copied()).fold(0_u64, u64::saturating_add);
    (known > 0).then_some(known).into()
}

fn pressure(reading: &Reading<Ratio>) -> Value<'static> {
    reading.into()
}

/// Figures of the machine, in the order in which documents list them.
#[rustfmt::skip]
pub static HOST: &[Figure<Frame>] = &[
    fig(200, "cpu_busy", "host_cpu_busy_cores", Unit::Cores, ["CPU", "CPU"], ["Processors at work: all modes but idle, I/O wait and steal.", "工作中的核数：除空闲、I/O 等待与被窃取外的所有模式。"], "/proc/stat cpu", |f| cpu(f, CpuModes::busy)),
    fig(201, "cpu_usage", "host_cpu_usage_ratio", Unit::Ratio, ["CPU in use", "CPU 使用率"], ["Processors at work as a share of all.", "工作中的核数占比。"], "/proc/stat cpu", |f| f.machine.cpu.get().filter(|c| c.all() > 0.0).map(|c| c.busy() / c.all()).into()).head("CPU in use", "使用率"),
    fig(202, "cpu_user", "host_cpu_user_cores", Unit::Cores, ["user", "用户态"], ["Processors running programs.", "运行程序的核数。"], "/proc/stat cpu user", |f| cpu(f, |c| c.user)),
    fig(203, "cpu_nice", "host_cpu_nice_cores", Unit::Cores, ["nice", "低优先级"], ["Processors running programs with lowered priority.", "运行低优先级程序的核数。"], "/proc/stat cpu nice", |f| cpu(f, |c| c.nice)).head("nice", "低优先"),
    fig(204, "cpu_system", "host_cpu_system_cores", Unit::Cores, ["system", "内核态"], ["Processors running the kernel for programs.", "为程序运行内核的核数。"], "/proc/stat cpu system", |f| cpu(f, |c| c.system)),
    fig(205, "cpu_idle", "host_cpu_idle_cores", Unit::Cores, ["idle", "空闲"], ["Processors with nothing to do.", "空闲的核数。"], "/proc/stat cpu idle", |f| cpu(f, |c| c.idle)),
    fig(206, "cpu_iowait", "host_cpu_iowait_cores", Unit::Cores, ["I/O wait", "I/O 等待"], ["Processors with nothing to do while the disk works.", "等待磁盘而空闲的核数。"], "/proc/stat cpu iowait", |f| cpu(f, |c| c.iowait)),
    fig(207, "cpu_irq", "host_cpu_irq_cores", Unit::Cores, ["interrupts", "硬中断"], ["Processors handling interrupts.", "处理硬中断的核数。"], "/proc/stat cpu irq", |f| cpu(f, |c| c.irq)),
    fig(208, "cpu_softirq", "host_cpu_softirq_cores", Unit::Cores, ["soft interrupts", "软中断"], ["Processors handling soft interrupts.", "处理软中断的核数。"], "/proc/stat cpu softirq", |f| cpu(f, |c| c.softirq)),
    fig(209, "cpu_steal", "host_cpu_steal_cores", Unit::Cores, ["steal", "被窃取"], ["Processors taken by the hypervisor for others.", "被虚拟化平台分给他人的核数。"], "/proc/stat cpu steal", |f| cpu(f, |c| c.steal)),
    fig(210, "cpu_guest", "host_cpu_guest_cores", Unit::Cores, ["guests", "虚拟机"], ["Processors running virtual machines.", "运行虚拟机的核数。"], "/proc/stat cpu guest, guest_nice", |f| cpu(f, |c| c.guest + c.guest_nice)),
    fig(211, "cpus", "host_cpus", Unit::Count, ["Processors", "CPU 数"], ["Processors online.", "在线的处理器数。"], "/proc/stat cpuN", |f| f.host.cpus.into()),
    fig(212, "load1", "host_load_1m", Unit::None, ["Load, 1 min", "1 分钟负载"], ["Runnable and uninterruptible threads, averaged over 1 minute.", "可运行与不可中断线程数，1 分钟平均。"], "/proc/loadavg", |f| f.machine.load.get().map(|l| l.one).into()).head("Load 1", "负载 1"),
    fig(213, "load5", "host_load_5m", Unit::None, ["Load, 5 min", "5 分钟负载"], ["Runnable and uninterruptible threads, averaged over 5 minutes.", "可运行与不可中断线程数，5 分钟平均。"], "/proc/loadavg", |f| f.machine.load.get().map(|l| l.five).into()).head("Load 5", "负载 5"),
    fig(214, "load15", "host_load_15m", Unit::None, ["Load, 15 min", "15 分钟负载"], ["Runnable and uninterruptible threads, averaged over 15 minutes.", "可运行与不可中断线程数，15 分钟平均。"], "/proc/loadavg", |f| f.machine.load.get().map(|l| l.fifteen).into()).head("Load 15", "负载 15"),
    fig(215, "temp", "host_cpu_temperature_celsius", Unit::Celsius, ["CPU temp", "CPU 温度"], ["Temperature of the processor package.", "处理器封装温度。"], "/sys/class/hwmon, /sys/class/thermal", |f| (&f.machine.temperature).into()),
    fig(220, "mem_total", "host_memory_total_bytes", Unit::Bytes, ["Memory", "内存总量"], ["Memory of the machine.", "机器内存总量。"], "/proc/meminfo MemTotal", |f| memory(f, |m| m.total)),
    fig(221, "mem_used", "host_memory_used_bytes", Unit::Bytes, ["Memory in use", "已用内存"], ["What cannot be had without taking it from somebody: total − available.", "总量减可用量。"], "/proc/meminfo MemTotal − MemAvailable", |f| memory(f, MemoryUse::used)),
    fig(222, "mem_available", "host_memory_available_bytes", Unit::Bytes, ["Memory available", "可用内存"], ["What programs can get without swapping.", "无需换出即可分配的内存。"], "/proc/meminfo MemAvailable", |f| memory(f, |m| m.available)).since("3.14"),
    fig(223, "mem_free", "host_memory_free_bytes", Unit::Bytes, ["Memory free", "空闲内存"], ["Memory that nothing uses.", "完全未用的内存。"], "/proc/meminfo MemFree", |f| memory(f, |m| m.free)),
    fig(224, "mem_buffers", "host_memory_buffers_bytes", Unit::Bytes, ["Buffers", "缓冲区"], ["Memory that caches raw disks.", "缓存裸设备的内存。"], "/proc/meminfo Buffers", |f| memory(f, |m| m.buffers)),
    fig(225, "mem_cached", "host_memory_cached_bytes", Unit::Bytes, ["Page cache", "页缓存"], ["Memory that caches files.", "缓存文件的内存。"], "/proc/meminfo Cached", |f| memory(f, |m| m.cached)),
    fig(226, "mem_slab", "host_memory_slab_bytes", Unit::Bytes, ["Slab", "Slab"], ["Memory of kernel objects.", "内核对象占用的内存。"], "/proc/meminfo Slab", |f| memory(f, |m| m.slab)),
    fig(227, "mem_shared", "host_memory_shared_bytes", Unit::Bytes, ["Shared memory", "共享内存"], ["Shared memory and tmpfs.", "共享内存与 tmpfs。"], "/proc/meminfo Shmem", |f| memory(f, |m| m.shared)),
    fig(228, "mem_dirty", "host_memory_dirty_bytes", Unit::Bytes, ["Dirty pages", "脏页"], ["Memory that waits to be written to disk.", "等待写回磁盘的内存。"], "/proc/meminfo Dirty", |f| memory(f, |m| m.dirty)),
    fig(229, "swap_total", "host_swap_total_bytes", Unit::Bytes, ["Swap", "交换区总量"], ["Swap space.", "交换空间总量。"], "/proc/meminfo SwapTotal", |f| memory(f, |m| m.swap_total)).head("Swap", "交换区"),
    fig(230, "swap_used", "host_swap_used_bytes", Unit::Bytes, ["Swap in use", "已用交换区"], ["Swap space in use.", "已用的交换空间。"], "/proc/meminfo SwapTotal − SwapFree", |f| memory(f, MemoryUse::swap_used)).head("Swap used", "已用交换"),
    fig(231, "swap_free", "host_swap_free_bytes", Unit::Bytes, ["Swap free", "空闲交换区"], ["Swap space not in use.", "未用的交换空间。"], "/proc/meminfo SwapFree", |f| memory(f, |m| m.swap_free)).head("Swap free", "空闲交换"),
    fig(232, "swap_in", "host_swap_in_bytes_per_second", Unit::BytesPerSecond, ["Swapped in", "换入"], ["Bytes read back from swap each second.", "每秒从交换区换入的字节数。"], "/proc/vmstat pswpin", |f| f.machine.swapping.get().map(|s| s.read).into()),
    fig(233, "swap_out", "host_swap_out_bytes_per_second", Unit::BytesPerSecond, ["Swapped out", "换出"], ["Bytes written to swap each second.", "每秒换出到交换区的字节数。"], "/proc/vmstat pswpout", |f| f.machine.swapping.get().map(|s| s.written).into()),
    fig(240, "psi_cpu_some", "host_pressure_cpu_some_ratio", Unit::Ratio, ["CPU pressure", "CPU 压力"], ["Share of the last 10 s in which some task waited for a processor.", "最近 10 秒内有任务等待 CPU 的时间占比。"], "/proc/pressure/cpu some avg10", |f| pressure(&f.machine.pressure.cpu_some)).since("4.20"),
    fig(241, "psi_mem_some", "host_pressure_memory_some_ratio", Unit::Ratio, ["Memory pressure", "内存压力"], ["Share of the last 10 s in which some task waited for memory.", "最近 10 秒内有任务等待内存的时间占比。"], "/proc/pressure/memory some avg10", |f| pressure(&f.machine.pressure.memory_some)).since("4.20"),
    fig(242, "psi_mem_full", "host_pressure_memory_full_ratio", Unit::Ratio, ["Memory pressure, all", "内存压力（全部）"], ["Share of the last 10 s in which all tasks waited for memory.", "最近 10 秒内所有任务都在等待内存的时间占比。"], "/proc/pressure/memory full avg10", |f| pressure(&f.machine.pressure.memory_full)).head("Memory full", "内存全压").since("4.20"),
    fig(243, "psi_io_some", "host_pressure_io_some_ratio", Unit::Ratio, ["I/O pressure", "I/O 压力"], ["Share of the last 10 s in which some task waited for the disk.", "最近 10 秒内有任务等待磁盘的时间占比。"], "/proc/pressure/io some avg10", |f| pressure(&f.machine.pressure.io_some)).since("4.20"),
    fig(244, "psi_io_full", "host_pressure_io_full_ratio", Unit::Ratio, ["I/O pressure, all", "I/O 压力（全部）"], ["Share of the last 10 s in which all tasks waited for the disk.", "最近 10 秒内所有任务都在等待磁盘的时间占比。"], "/proc/pressure/io full avg10", |f| pressure(&f.machine.pressure.io_full)).head("I/O full", "I/O 全压").since("4.20"),
    fig(250, "disk_read", "host_disk_read_bytes_per_second", Unit::BytesPerSecond, ["Disk read", "磁盘读"], ["Bytes read from all disks each second.", "每秒从所有磁盘读取的字节数。"], "/proc/diskstats", |f| disks(f, |d| d.read)),
    fig(251, "disk_write", "host_disk_write_bytes_per_second", Unit::BytesPerSecond, ["Disk write", "磁盘写"], ["Bytes written to all disks each second.", "每秒写入所有磁盘的字节数。"], "/proc/diskstats", |f| disks(f, |d| d.written)),
    fig(252, "disk_busy", "host_disk_busy_ratio", Unit::Ratio, ["Busiest disk", "最忙磁盘"], ["Share of time in which the busiest disk had work in hand.", "最忙磁盘处于工作状态的时间占比。"], "/proc/diskstats io_ticks", |f| counted(f).filter_map(|d| d.rates.get()).map(|r| r.busy.0).max_by(f64::total_cmp).into()),
    fig(253, "net_rx", "host_network_receive_bytes_per_second", Unit::BytesPerSecond, ["Received", "接收"], ["Bytes received each second by the physical interfaces.", "物理网卡每秒收到的字节数。"], "/proc/net/dev", |f| interfaces(f, |i| i.received)),
    fig(254, "net_tx", "host_network_transmit_bytes_per_second", Unit::BytesPerSecond, ["Sent", "发送"], ["Bytes sent each second by the physical interfaces.", "物理网卡每秒发出的字节数。"], "/proc/net/dev", |f| interfaces(f, |i| i.sent)),
    fig(255, "net_speed", "host_network_speed_bits_per_second", Unit::BitsPerSecond, ["Link speed", "链路速率"], ["Link speed of the physical interfaces together, where drivers tell.", "物理网卡链路速率合计（驱动可告知时）。"], "/sys/class/net/*/speed", speed),
    fig(270, "net_proc_rx", "host_network_process_receive_bytes_per_second", Unit::BytesPerSecond, ["Received by processes", "进程接收"], ["Network payload received each second by all processes, those included that have ended.", "所有进程（含已结束的）每秒收到的网络载荷。"], "eBPF sock_recv_length", |f| payload(f.machine.payload.processes, |n| n.received)).head("Proc rx", "进程收"),
    fig(271, "net_proc_tx", "host_network_process_transmit_bytes_per_second", Unit::BytesPerSecond, ["Sent by processes", "进程发送"], ["Network payload sent each second by all processes, those included that have ended.", "所有进程（含已结束的）每秒发出的网络载荷。"], "eBPF sock_send_length", |f| payload(f.machine.payload.processes, |n| n.sent)).head("Proc tx", "进程发"),
    fig(272, "net_kernel_rx", "host_network_kernel_receive_bytes_per_second", Unit::BytesPerSecond, ["Received by the kernel", "内核接收"], ["Network payload received each second by the kernel itself, as for network file systems.", "内核自身（如网络文件系统）每秒收到的网络载荷。"], "eBPF sock_recv_length", |f| payload(f.machine.payload.kernel, |n| n.received)).head("Kernel rx", "内核收"),
    fig(273, "net_kernel_tx", "host_network_kernel_transmit_bytes_per_second", Unit::BytesPerSecond, ["Sent by the kernel", "内核发送"], ["Network payload sent each second by the kernel itself, as for network file systems.", "内核自身（如网络文件系统）每秒发出的网络载荷。"], "eBPF sock_send_length", |f| payload(f.machine.payload.kernel, |n| n.sent)).head("Kernel tx", "内核发"),
    fig(274, "net_rest_rx", "host_network_unattributed_receive_bytes_per_second", Unit::BytesPerSecond, ["Received, unattributed", "未归属接收"], ["What physical and loopback interfaces received each second beyond the payload of processes and the kernel: headers, acknowledgements, packets passing through.", "物理网卡与回环每秒收到的、超出进程与内核载荷的字节：包头、确认、转发的包。"], "/proc/net/dev less eBPF sock_recv_length", |f| beyond_payload(f, |i| i.received, |n| n.received)).head("Rest rx", "未归属收"),
    fig(275, "net_rest_tx", "host_network_unattributed_transmit_bytes_per_second", Unit::BytesPerSecond, ["Sent, unattributed", "未归属发送"], ["What physical and loopback interfaces sent each second beyond the payload of processes and the kernel: headers, acknowledgements, packets passing through.", "物理网卡与回环每秒发出的、超出进程与内核载荷的字节：包头、确认、转发的包。"], "/proc/net/dev less eBPF sock_send_length", |f| beyond_payload(f, |i| i.sent, |n| n.sent)).head("Rest tx", "未归属发"),
    fig(276, "cpu_proc", "host_cpu_process_cores", Unit::Cores, ["CPU of processes", "进程 CPU"], ["Processors used by all processes, those included that have ended since the tick before.", "所有进程（含已结束的）使用的核数。"], "eBPF iter/task, sched_process_free; /proc/PID/stat", |f| (&f.machine.attributed.cpu).into()).head("Proc CPU", "进程 CPU"),
    fig(277, "cpu_rest", "host_cpu_unattributed_cores", Unit::Cores, ["CPU, unattributed", "未归属 CPU"], ["Processors at work beyond what processes used: interrupts on an idle processor, and ends of processes that the kernel tells later.", "超出进程用量的工作核数：空闲处理器上的中断，以及内核稍后才告知的已结束进程。"], "/proc/stat cpu less eBPF iter/task, sched_process_free", cpu_rest).head("Rest CPU", "未归属 CPU"),
    fig(278, "cpu_attributed", "host_cpu_attributed_ratio", Unit::Ratio, ["CPU attributed", "CPU 归属率"], ["Processor time of all processes, living and ended, as a share of what the machine was busy in the last minute: whether the books balance.", "最近一分钟所有进程（含已结束的）的处理器时间占机器忙碌时间的比例：账目是否相符。"], "eBPF iter/task, sched_process_free; /proc/stat cpu", |f| (&f.machine.attributed.share).into()).head("Attributed", "归属率"),
    fig(279, "disk_proc_read", "host_disk_process_read_bytes_per_second", Unit::BytesPerSecond, ["Read by processes", "进程读盘"], ["Bytes each second that all processes made disks read, those included that have ended since the tick before.", "所有进程（含已结束的）每秒让磁盘读取的字节数。"], "eBPF iter/task, sched_process_free; /proc/PID/io", |f| (&f.machine.attributed.read).into()).head("Proc read", "进程读"),
    fig(280, "disk_proc_write", "host_disk_process_write_bytes_per_second", Unit::BytesPerSecond, ["Written by processes", "进程写盘"], ["Bytes each second that all processes wrote to be stored on disks, those included that have ended since the tick before; they get there later.", "所有进程（含已结束的）每秒写入待存盘的字节数；稍后才到达磁盘。"], "eBPF iter/task, sched_process_free; /proc/PID/io", |f| (&f.machine.attributed.written).into()).head("Proc write", "进程写"),
    fig(281, "disk_rest_read", "host_disk_unattributed_read_bytes_per_second", Unit::BytesPerSecond, ["Disk read, unattributed", "未归属磁盘读"], ["What disks read each second beyond what processes made them read: metadata of file systems, checks, raids that rebuild.", "磁盘每秒读取的、超出进程所致的字节：文件系统元数据、校验、阵列重建。"], "/proc/diskstats less eBPF iter/task", |f| beyond_processes(f, |d| d.read, f.machine.attributed.read)).head("Rest read", "未归属读"),
    fig(282, "disk_rest_write", "host_disk_unattributed_write_bytes_per_second", Unit::BytesPerSecond, ["Disk write, unattributed", "未归属磁盘写"], ["What disks wrote each second beyond what processes wrote meanwhile: what they had written before, journals and metadata.", "磁盘每秒写入的、超出进程同时写入的字节：此前写入的数据、日志与元数据。"], "/proc/diskstats less eBPF iter/task", |f| beyond_processes(f, |d| d.written, f.machine.attributed.written)).head("Rest write", "未归属写"),
    fig(260, "forks", "host_forks_per_second", Unit::PerSecond, ["Forks", "创建进程"], ["Processes and threads made each second.", "每秒创建的进程与线程数。"], "/proc/stat processes", |f| (&f.machine.events.forks).into()),
    fig(261, "ctxt", "host_context_switches_per_second", Unit::PerSecond, ["Context switches", "上下文切换"], ["Context switches each second.", "每秒上下文切换次数。"], "/proc/stat ctxt", |f| (&f.machine.events.context_switches).into()).head("Switches", "切换"),
    fig(262, "intr", "host_interrupts_per_second", Unit::PerSecond, ["Interrupts", "中断"], ["Interrupts each second.", "每秒中断次数。"], "/proc/stat intr", |f| (&f.machine.events.interrupts).into()),
    fig(263, "processes", "host_processes", Unit::Count, ["Processes", "进程"], ["Processes, kernel threads included.", "进程数，含内核线程。"], "/proc", |f| f.machine.processes.into()),
    fig(264, "threads", "host_threads", Unit::Count, ["Threads", "线程"], ["Threads of all processes.", "所有进程的线程数。"], "/proc/PID/stat field 20", |f| f.machine.threads.into()),
    fig(265, "running", "host_running_threads", Unit::Count, ["Running", "运行中"], ["Threads on a processor or waiting for one.", "正在运行或等待 CPU 的线程数。"], "/proc/stat procs_running", |f| (&f.machine.running).into()),
    fig(266, "blocked", "host_blocked_threads", Unit::Count, ["Blocked", "阻塞"], ["Threads that wait for the disk.", "等待磁盘的线程数。"], "/proc/stat procs_blocked", |f| (&f.machine.blocked).into()),
    fig(267, "users", "host_users", Unit::Count, ["Users", "用户"], ["Logged-in users.", "已登录的用户数。"], "/run/utmp, /run/systemd/sessions", |f| f.users.taken.map(|_| f.users.items.len() as u64).into()).pace(Pace::Slow),
    fig(268, "uptime", "host_uptime_seconds", Unit::Seconds, ["Uptime", "运行时间"], ["Time since boot.", "开机以来的时间。"], "/proc/uptime", |f| f.machine.uptime.into()),
    fig(269, "boot_time", "host_boot_timestamp_seconds", Unit::UnixMs, ["Booted", "开机时间"], ["When it booted.", "开机时刻。"], "/proc/stat btime", |f| f.host.boot_time.into()),
];
