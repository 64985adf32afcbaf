//! No collector panics on odd input: this machine's own files, cut and spoiled.

use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::exposition::{everything, read, scrape_anything};

/// Files that collectors read; those that are missing here get text of their own.
const PROC: &[(&str, &str)] = &[
    ("stat", ""),
    ("meminfo", ""),
    ("vmstat", ""),
    ("loadavg", ""),
    ("cpuinfo", ""),
    ("diskstats", ""),
    ("schedstat", ""),
    ("softirqs", ""),
    ("interrupts", ""),
    ("buddyinfo", ""),
    ("zoneinfo", ""),
    ("slabinfo", "slabinfo - version: 2.1\n# name\nx 1 2 3 4 5 : tunables 0\n"),
    ("cgroups", ""),
    ("swaps", "Filename Type Size Used Priority\n/dev/x partition 1 2 -2\n"),
    ("mdstat", "md6 : active raid1 a[2](F) b[0]\n  195310144 blocks [2/1] [U_]\n  [=>..]  recovery =  8.5% (1/2)\n\n"),
    ("drbd", " 1: cs:Connected ro:Primary/Primary ds:UpToDate/UpToDate C r-----\n    ns:1 nr:2\n"),
    ("net/netstat", ""),
    ("net/snmp", ""),
    ("net/snmp6", ""),
    ("net/sockstat", ""),
    ("net/sockstat6", ""),
    ("net/softnet_stat", ""),
    ("net/arp", ""),
    ("net/udp", ""),
    ("net/dev", ""),
    ("net/xfrm_stat", "XfrmInError 1\n"),
    ("net/ip_vs", "TCP  C0A80016:0CEA wlc\n  -> C0A85216:0CEA      Tunnel  100    248        2\n"),
    ("net/ip_vs_stats", "a\nb\n 1 2 3 4 5\n"),
    ("net/rpc/nfs", "net 1 2 3 4\nrpc 1 2 3\nproc3 22 1 2\n"),
    ("net/rpc/nfsd", "rc 0 6 18622\nth 8 0 0.0\nproc4ops 72 0 0\n"),
    ("net/stat/nf_conntrack", "entries searched\n0a ff\n"),
    ("net/stat/arp_cache", ""),
    ("spl/kstat/zfs/arcstats", "7 1\nname type data\nhits 4 1\n"),
    ("spl/kstat/zfs/p/io", "12 3\nnread nwritten\n1 2\n"),
    ("pressure/cpu", ""),
    ("pressure/io", ""),
    ("1/mountinfo", "24 29 8:1 / / rw shared:7 - ext4 /dev/x rw\n"),
    ("self/mountinfo", ""),
    ("self/mountstats", "device s:/e mounted on /m with fstype nfs4 statvers=1.1\n\tage:\t13\n\txprt:\ttcp 832 0 1\n"),
    ("7/stat", "7 (a b) S 1 1 1 0 -1 4 1 2 3 4 5 6 7 8 20 0 1 0 29 1 2\n"),
    ("sys/fs/file-nr", ""),
    ("sys/kernel/random/entropy_avail", ""),
    ("sys/kernel/random/poolsize", ""),
    ("sys/kernel/threads-max", ""),
    ("sys/kernel/pid_max", ""),
    ("sys/kernel/hung_task_detect_count", "1\n"),
    ("sys/net/netfilter/nf_conntrack_count", "1\n"),
    ("sys/net/netfilter/nf_conntrack_max", "2\n"),
];

const SYS: &[(&str, &str)] = &[
    ("class/hwmon/hwmon0/temp1_input", "12000\n"),
    ("class/hwmon/hwmon0/name", "chip\n"),
    ("class/net/eth0/operstate", "up\n"),
    ("class/net/eth0/flags", "0x1003\n"),
    ("class/net/eth0/speed", "-1\n"),
    ("class/net/bonding_masters", "bond0\n"),
    ("class/net/bond0/bonding/slaves", "eth0\n"),
    ("class/nvme/nvme0/nvme0n1/size", "10\n"),
    ("class/power_supply/BAT0/capacity", "81\n"),
    ("class/powercap/intel-rapl:0/name", "package-0\n"),
    ("class/powercap/intel-rapl:0/energy_uj", "1\n"),
    ("class/thermal/thermal_zone0/temp", "12376\n"),
    ("class/watchdog/watchdog0/timeout", "60\n"),
    ("class/infiniband/mlx4_0/ports/1/rate", "40 Gb/sec (4X QDR)\n"),
    ("class/infiniband/mlx4_0/ports/1/state", "4: ACTIVE\n"),
    ("class/fc_host/host0/statistics/rx_frames", "0x3\n"),
    ("class/scsi_tape/st0/stats/io_ns", "1\n"),
    ("class/drm/card0/device/uevent", "DRIVER=amdgpu\n"),
    ("class/drm/card0/device/gpu_busy_percent", "4\n"),
    ("class/dmi/id/bios_date", "04/12/2021\n"),
    ("fs/btrfs/u/allocation/data/raid5/total_bytes", "1\n"),
    ("fs/btrfs/u/allocation/data/raid5/used_bytes", "1\n"),
    ("fs/btrfs/u/commit_stats", "commits 1\nlast_commit_ms 2\n"),
    ("fs/bcache/u/bdev0/writeback_rate_debug", "rate: 1.1M/sec\nchange: -321.5k/sec\n"),
    ("fs/bcache/u/cache0/priority_stats", "Unused: 99%\n"),
    ("fs/bcachefs/u/compression_stats", "type a b c\nlz4 48.9G 71.2G 62.5k\n"),
    ("fs/bcachefs/u/dev-0/io_done", "read:\nsb : 1\n"),
    ("fs/bcachefs/u/dev-0/io_errors", "IO errors since filesystem creation\n read: 0\n"),
    ("fs/xfs/x/stats/stats", "rw 28 0\nvnodes 4\n"),
    ("block/md0/md/raid_disks", "2\n"),
    ("block/dm-0/dm/uuid", "mpath-1\n"),
    ("bus/pci/devices/0000:00:02.1/max_link_speed", "8.0 GT/s PCIe\n"),
    ("devices/system/edac/mc/mc0/csrow0/ch0_ce_count", "1\n"),
    ("devices/system/cpu/isolated", "1,3-5\n"),
    ("devices/system/cpu/cpu0/cpufreq/scaling_governor", "powersave\n"),
    ("devices/system/cpu/vulnerabilities/mds", "Mitigation: x\n"),
    ("devices/system/node/node0/meminfo", "Node 0 MemTotal: 1 kB\n"),
    ("devices/system/node/node0/numastat", "numa_hit 1\n"),
    ("devices/system/clocksource/clocksource0/current_clocksource", "tsc\n"),
    ("kernel/mm/ksm/run", "1\n"),
];

type Spoil = fn(&[u8], usize) -> Vec<u8>;

/// Ways to spoil a file.
const SPOILS: &[(&str, Spoil)] = &[
    ("as it is", |text, _| text.to_vec()),
    ("empty", |_, _| Vec::new()),
    ("cut", |text, seed| text[..text.len() * (seed % 7) / 7].to_vec()),
    ("no digits", |text, _| text.iter().map(|byte| if byte.is_ascii_digit() { b'x' } else { *byte }).collect()),
    ("all nines", |text, _| {
        text.iter().flat_map(|byte| if byte.is_ascii_digit() { vec![b'9'; 4] } else { vec![*byte] }).collect()
    }),
    ("minus", |text, _| {
        text.iter().flat_map(|byte| if *byte == b' ' { vec![b' ', b'-'] } else { vec![*byte] }).collect()
    }),
    ("no blanks", |text, _| text.iter().copied().filter(|byte| *byte != b' ').collect()),
    ("no UTF-8", |text, seed| {
        text.iter().enumerate().map(|(at, byte)| if at % 5 == seed % 5 { 0xff } else { *byte }).collect()
    }),
    ("no colons", |text, _| text.iter().map(|byte| if *byte == b':' { b' ' } else { *byte }).collect()),
];

fn lay_out(folder: &Path, spoil: Spoil) {
    let files = PROC.iter().map(|file| ("proc", file)).chain(SYS.iter().map(|file| ("sys", file)));
    for (seed, (base, (path, own))) in files.enumerate() {
        let text = match base {
            "proc" if own.is_empty() => std::fs::read(Path::new("/proc").join(path)).unwrap_or_default(),
            _ => own.as_bytes().to_vec(),
        };
        let path = folder.join(base).join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, spoil(&text, seed)).unwrap();
    }
}

#[test]
fn no_collector_panics_on_files_that_are_cut_or_spoiled() {
    static PANICS: AtomicUsize = AtomicUsize::new(0);
    std::panic::set_hook(Box::new(|panic| {
        PANICS.fetch_add(1, Ordering::SeqCst);
        eprintln!("{panic}");
    }));
    for (name, spoil) in SPOILS {
        let folder = tempfile::tempdir().unwrap();
        lay_out(folder.path(), *spoil);
        let place = |name: &str, below: &str| format!("--path.{name}={}", folder.path().join(below).display());
        let mut arguments = everything();
        arguments.extend([
            place("procfs", "proc"),
            place("sysfs", "sys"),
            place("rootfs", ""),
            "--collector.deadline=120s".to_owned(),
            "--no-collector.arp.netlink".to_owned(),
            "--no-collector.netdev.netlink".to_owned(),
            "--collector.cpu.info".to_owned(),
            "--collector.stat.softirq".to_owned(),
            "--collector.bcache.priorityStats".to_owned(),
            "--collector.sysctl.include=fs.file-nr".to_owned(),
        ]);
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let families = read(&scrape_anything(&arguments).0);
        let collectors = procyon_exporter::node::NODE.len();
        assert_eq!(families.get("node_scrape_collector_success"), Some(&collectors), "{name}");
        assert_eq!(PANICS.load(Ordering::SeqCst), 0, "{name}");
        if *name == "as it is" {
            assert!(families.len() > 300, "the files were not read: {} families", families.len());
        }
    }
    drop(std::panic::take_hook());
}
