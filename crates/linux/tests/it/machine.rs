//! Figures of the machine, from captured files of two kernels and against what the test reads itself.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use procyon_linux::host::{
    cpuinfo, diskstats, filesystems, hostname, loadavg, meminfo, net_dev, os_release, pressure, stat, swaps, uptime,
    vmstat,
};
use procyon_linux::root::Root;
use procyon_linux::sys::block::{self, BlockKind};
use procyon_linux::sys::class_net::{self, InterfaceKind};
use procyon_linux::sys::{cpufreq, temperature};
use procyon_units::{Bytes, Celsius, Pages, Ratio, Reading, Ticks};

fn fixture(name: &str) -> Root {
    Root::at(&PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/linux").join(name))
}

fn known<T>(reading: Reading<T>) -> T {
    match reading {
        Reading::Known(value) => value,
        _ => panic!("the figure is there"),
    }
}

#[test]
fn an_old_server_is_read() {
    let (root, buffer) = (fixture("server-3.10"), &mut Vec::new());
    let times = known(stat::read(&root, buffer));
    assert_eq!(times.total.user, Ticks(10_132_153 - 50_000).cpu_time());
    assert_eq!(times.cores.iter().map(|core| core.id).collect::<Vec<_>>(), [0, 2], "core 1 is switched off");
    assert_eq!((times.forks, times.blocked), (Reading::Known(26_442), Reading::Known(1)));

    let memory = known(meminfo::read(&root, buffer));
    assert!(memory.available_is_estimate);
    assert_eq!(memory.available, Bytes::from_kib(801_232 + 102_400 + 4_096_000 - 300_000));
    assert_eq!(memory.huge_pages, Bytes(4 << 20));

    let disks = known(diskstats::read(&root, buffer));
    assert_eq!(disks.len(), 7);
    assert_eq!((&*disks[3].name, disks[3].counters.read), ("cciss/c0d0", Bytes(40 * 512)));
    assert_eq!(disks[0].counters.busy_ms, 4_294_967_290);

    let interfaces = known(net_dev::read(&root, buffer));
    assert_eq!(interfaces[0].counters.received.bytes, Bytes(98_765_432_101));
    assert_eq!(known(swaps::read(&root, buffer))[0].used, Bytes::from_kib(388_604));
    assert_eq!(known(vmstat::read(&root, buffer)).swapped_out, Reading::Known(Pages(99_000)));
    assert_eq!(&*known(os_release::read(&root, buffer)).pretty_name, "CentOS Linux 7 (Core)");
    assert_eq!(known(uptime::read(&root, buffer)), Duration::from_millis(123_456_780));
    assert_eq!(known(loadavg::read(&root, buffer)).tasks, 1203);
}

#[test]
fn what_a_kernel_lacks_is_unsupported_and_nothing_fails() {
    let (root, buffer) = (fixture("server-3.10"), &mut Vec::new());
    let pressure = pressure::read(&root, buffer);
    assert_eq!((pressure.cpu.some, pressure.io.full), (Reading::Unsupported, Reading::Unsupported));
    let empty = Root::at(Path::new("/nonexistent"));
    assert_eq!(stat::read(&empty, buffer), Reading::Unsupported);
    assert_eq!(meminfo::read(&empty, buffer), Reading::Unsupported);
    assert_eq!(filesystems::list(&empty, buffer), Reading::Unsupported);
    assert!(temperature::list(&empty, buffer).is_empty());
    assert!(block::list(&empty, buffer).is_empty() && class_net::list(&empty, buffer).is_empty());
}

#[test]
fn disks_that_lie_on_others_do_not_count_twice() {
    let disks = block::list(&fixture("server-3.10"), &mut Vec::new());
    let counting: Vec<&str> = disks.iter().filter(|disk| disk.counts()).map(|disk| &*disk.name).collect();
    // sdb is an empty drive, dm-0 lies on sda2, loop0 on a file.
    assert_eq!(counting, ["cciss/c0d0", "sda", "sr0"]);
    let find = |name: &str| disks.iter().find(|disk| &*disk.name == name).unwrap();
    assert_eq!(
        (&*find("sda").model, find("sda").size),
        ("ST1000NM0033-9ZM", Reading::Known(Bytes(1_953_525_168 * 512)))
    );
    assert_eq!((&*find("dm-0").model, find("dm-0").kind), ("centos-root", BlockKind::Mapper));
}

#[test]
fn interfaces_say_what_they_are() {
    let mut all = class_net::list(&fixture("server-3.10"), &mut Vec::new());
    all.extend(class_net::list(&fixture("workstation-6.8"), &mut Vec::new()));
    let kinds: Vec<_> = all.iter().map(|one| (&*one.name, one.kind, one.speed)).collect();
    let expected = [
        ("bond0", InterfaceKind::Bond, Reading::Absent),
        ("eth0", InterfaceKind::Physical, Reading::Known(1_000_000_000)),
        ("lo", InterfaceKind::Loopback, Reading::Unsupported),
        ("wlp2s0", InterfaceKind::Wireless, Reading::Unsupported),
    ];
    assert_eq!(kinds, expected);
}

#[test]
fn the_processors_temperature_is_chosen_among_all() {
    let old = temperature::list(&fixture("server-3.10"), &mut Vec::new());
    assert_eq!(temperature::of_cpu(&old), Some(Celsius(48.0)));
    assert_eq!((old[0].high, old[0].critical), (Some(Celsius(80.0)), Some(Celsius(98.0))));
    let new = temperature::list(&fixture("workstation-6.8"), &mut Vec::new());
    assert_eq!(temperature::of_cpu(&new), Some(Celsius(61.125)));
    assert_eq!(new.len(), 4, "a sensor of −62 °C is not connected");
    let zone = new.last().unwrap();
    assert_eq!((&*zone.chip, zone.critical), ("acpitz", Some(Celsius(20.8))));
}

#[test]
fn pressure_is_a_share() {
    let pressure = pressure::read(&fixture("workstation-6.8"), &mut Vec::new());
    assert_eq!(known(pressure.io.some).avg10, Ratio(0.25));
    assert_eq!(known(pressure.io.full).avg10, Ratio(0.125));
}

#[test]
fn subvolumes_and_bind_mounts_are_one_file_system() {
    let points = |name: &str| {
        let mounts = known(filesystems::list(&fixture(name), &mut Vec::new()));
        mounts.iter().map(|one| String::from_utf8_lossy(&one.mount_point).into_owned()).collect::<Vec<_>>()
    };
    assert_eq!(points("workstation-6.8"), ["/", "/data"]);
    assert_eq!(points("server-3.10"), ["/", "/boot", "/mnt/backup disk"]);
}

/// The value of a line of `/proc/meminfo`, found by the test itself.
fn meminfo_line(name: &str) -> u64 {
    let text = std::fs::read_to_string("/proc/meminfo").unwrap();
    let line = text.lines().find(|line| line.starts_with(&format!("{name}:"))).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

#[test]
fn live_memory_is_what_the_file_says() {
    let memory = known(meminfo::read(&Root::live(), &mut Vec::new()));
    assert_eq!(memory.total.kib(), meminfo_line("MemTotal"));
    assert_eq!(memory.swap_total.kib(), meminfo_line("SwapTotal"));
    // Other processes move between the two readings.
    assert!(memory.available.kib().abs_diff(meminfo_line("MemAvailable")) < memory.total.kib() / 5);
    assert!(memory.free <= memory.total && memory.available <= memory.total);
}

#[test]
fn live_processor_time_grows_as_fast_as_the_clock() {
    let (root, buffer) = (Root::live(), &mut Vec::new());
    let cores = known(cpufreq::read_online(&root, buffer));
    assert_eq!(
        usize::try_from(cores).unwrap(),
        std::thread::available_parallelism().unwrap().get().max(cores as usize)
    );
    // From before the first reading to after it, and the same at the second: whatever comes between, the truth lies within.
    let mut moment = || {
        let before = std::time::Instant::now();
        let read = known(stat::read(&root, buffer));
        (before, read, std::time::Instant::now())
    };
    let (start, first, first_read) = moment();
    assert_eq!(first.cores.len(), cores as usize);
    std::thread::sleep(Duration::from_secs(1));
    let (second_read, second, end) = moment();
    let (least, most) = (second_read - first_read, end - start);
    let grown = second.total.since(&first.total);
    let all = grown.all().seconds() / f64::from(cores);
    // Ticks of an idle core are counted late and a virtual machine loses some; a quarter is far more than that.
    assert!(all > least.as_secs_f64() * 0.75 && all < most.as_secs_f64() * 1.25, "{all} of {least:?} to {most:?}");
    let busy = stat::busy_cores(&grown, cores as usize, least).0;
    assert!((0.0..=f64::from(cores)).contains(&busy), "{busy} cores");
}

#[test]
fn live_disks_and_interfaces_are_those_of_sysfs() {
    let (root, buffer) = (Root::live(), &mut Vec::new());
    let counters = known(diskstats::read(&root, buffer));
    for disk in block::list(&root, buffer) {
        let size: u64 = std::fs::read_to_string(format!("/sys/block/{}/size", disk.name.replace('/', "!")))
            .unwrap()
            .trim()
            .parse()
            .unwrap();
        assert_eq!(disk.size, Reading::Known(Bytes(size * 512)));
        assert!(counters.iter().any(|one| one.name == disk.name), "{}", disk.name);
    }
    let counters = known(net_dev::read(&root, buffer));
    let interfaces = class_net::list(&root, buffer);
    let lo = interfaces.iter().find(|one| &*one.name == "lo").unwrap();
    assert_eq!((lo.kind, lo.speed), (InterfaceKind::Loopback, Reading::Absent));
    assert_eq!(interfaces.len(), counters.len());
}

#[test]
fn traffic_over_loopback_is_counted() {
    let (root, buffer) = (Root::live(), &mut Vec::new());
    let mut lo = || known(net_dev::read(&root, buffer)).into_iter().find(|one| &*one.name == "lo").unwrap().counters;
    let before = lo();
    let receiver = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    let sender = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    for _ in 0..100 {
        sender.send_to(&[0; 1000], receiver.local_addr().unwrap()).unwrap();
    }
    let grown = lo().since(&before).unwrap();
    assert!(grown.sent.packets >= 100 && grown.sent.bytes.0 >= 100 * 1028, "{grown:?}");
    assert!(grown.received.bytes.0 >= 100 * 1028, "{grown:?}");
}

#[test]
fn live_file_systems_are_as_large_as_df_says() {
    let (root, buffer) = (Root::live(), &mut Vec::new());
    let mounts = known(filesystems::list(&root, buffer));
    let whole = mounts.iter().find(|mount| &*mount.mount_point == b"/").unwrap();
    let space = known(filesystems::read_one(&root, whole));
    let df = Command::new("df").args(["-B1", "--output=size", "/"]).output().unwrap();
    let size: u64 = String::from_utf8_lossy(&df.stdout).lines().nth(1).unwrap().trim().parse().unwrap();
    assert_eq!(space.size, Bytes(size));
    assert!(space.is_countable() && space.free <= space.size && space.inodes_free <= space.inodes);
    assert!(mounts.iter().all(|mount| !matches!(&*mount.kind, "proc" | "sysfs" | "cgroup2")));
}

#[test]
fn live_names_are_those_of_uname() {
    let (root, buffer) = (Root::live(), &mut Vec::new());
    let uname = |flag: &str| String::from_utf8(Command::new("uname").arg(flag).output().unwrap().stdout).unwrap();
    assert_eq!(*known(hostname::read(&root, buffer)), *uname("-n").trim());
    assert_eq!(*known(hostname::read_kernel_release(&root, buffer)), *uname("-r").trim());
    assert_eq!(*hostname::architecture(), *uname("-m").trim());
    let info = known(cpuinfo::read(&root, buffer));
    assert_eq!(info.logical, known(cpufreq::read_online(&root, buffer)));
    let seconds = known(uptime::read(&root, buffer)).as_secs_f64();
    let text = std::fs::read_to_string("/proc/uptime").unwrap();
    let again: f64 = text.split(' ').next().unwrap().parse().unwrap();
    assert!((0.0..5.0).contains(&(again - seconds)));
    assert!(uptime::read_boot_id(&root, buffer).is_known());
}
