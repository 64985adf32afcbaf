//! `diskstats`: what each block device did (`/proc/diskstats`), and what udev knows of it.

use std::collections::HashMap;
use std::path::Path;

use procyon_linux::attributes;
use procyon_linux::host::diskstats::{self, DiskCounters};

use super::{Collector, FlagError, Flags, Outcome, Places, float};
use crate::filter::Filter;
use crate::flags::Flag;
use crate::metric::{Kind, Metrics};

const INCLUDE: &str = "collector.diskstats.device-include";
const EXCLUDE: &str = "collector.diskstats.device-exclude";
const OLD_EXCLUDE: &str = "collector.diskstats.ignored-devices";

pub(super) const FLAGS: &[Flag] = &[
    Flag::word(
        EXCLUDE,
        "^(z?ram|loop|fd|(h|s|v|xv)d[a-z]|nvme\\d+n\\d+p)\\d+$",
        "Regexp of diskstats devices to exclude (mutually exclusive to device-include).",
    ),
    Flag::word(INCLUDE, "", "Regexp of diskstats devices to include (mutually exclusive to device-exclude)."),
    Flag::word(OLD_EXCLUDE, "", "DEPRECATED: Use collector.diskstats.device-exclude").hidden(),
];

struct Diskstats {
    filter: Filter,
}

pub(super) fn make(flags: &Flags, _: &Places) -> Result<Box<dyn Collector>, FlagError> {
    Ok(Box::new(Diskstats { filter: Filter::new(flags, INCLUDE, EXCLUDE)?.or_old(flags, OLD_EXCLUDE, EXCLUDE)? }))
}

impl Collector for Diskstats {
    fn update(&self, at: &Places, out: &mut Metrics) -> Outcome {
        let text = at.proc("diskstats")?;
        for disk in diskstats::parse(&text).unwrap_or_default() {
            if self.filter.ignores(&disk.name) {
                continue;
            }
            let (major, minor) = disk.device;
            let udev = Udev::read(&at.udev().join(format!("b{major}:{minor}")));
            info(at, &disk.name, disk.device, &udev, out);
            counters(&disk.name, &disk.counters, out);
            mapped(&disk.name, &udev, out);
            ata(&disk.name, &udev, out);
        }
        Ok(())
    }
}

/// Properties of a device. Source: lines `E:NAME=VALUE` of `/run/udev/data/bMAJOR:MINOR`.
struct Udev(HashMap<String, String>);

impl Udev {
    fn read(path: &Path) -> Self {
        let text = attributes::read(path).unwrap_or_default();
        let text = String::from_utf8_lossy(&text);
        let pairs = text.lines().filter_map(|line| line.strip_prefix("E:")?.split_once('='));
        Self(pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect())
    }

    fn get(&self, name: &str) -> &str {
        self.0.get(name).map_or("", String::as_str)
    }

    /// The first of these that has a value.
    fn first(&self, names: &[&str]) -> &str {
        names.iter().map(|name| self.get(name)).find(|value| !value.is_empty()).unwrap_or("")
    }
}

fn info(at: &Places, device: &str, (major, minor): (u32, u32), udev: &Udev, out: &mut Metrics) {
    let rotational = at.sys("block").below(device).number("queue/rotational").unwrap_or(0);
    let labels = [
        ("device", device),
        ("major", &major.to_string()),
        ("minor", &minor.to_string()),
        ("path", udev.get("ID_PATH")),
        ("wwn", udev.get("ID_WWN")),
        ("model", udev.get("ID_MODEL")),
        // What is printed on the disk; virtio devices have only the last one.
        ("serial", udev.first(&["SCSI_IDENT_SERIAL", "ID_SERIAL_SHORT", "ID_SERIAL"])),
        ("revision", udev.get("ID_REVISION")),
        ("rotational", &rotational.to_string()),
    ];
    out.gauge("node_disk_info", "Info of /sys/block/<block_device>.", &labels, 1.0);
}

fn counters(device: &str, counters: &DiskCounters, out: &mut Metrics) {
    let time = |ms: u32| f64::from(ms) * 0.001;
    // Kernels before 2.6.25 give partitions four numbers only.
    if counters.given < 11 {
        return;
    }
    let all = [
        (
            Kind::Counter,
            "node_disk_reads_completed_total",
            "The total number of reads completed successfully.",
            float(counters.reads),
        ),
        (
            Kind::Counter,
            "node_disk_reads_merged_total",
            "The total number of reads merged.",
            float(counters.reads_merged),
        ),
        (
            Kind::Counter,
            "node_disk_read_bytes_total",
            "The total number of bytes read successfully.",
            float(counters.read.0),
        ),
        (
            Kind::Counter,
            "node_disk_read_time_seconds_total",
            "The total number of seconds spent by all reads.",
            time(counters.read_ms),
        ),
        (
            Kind::Counter,
            "node_disk_writes_completed_total",
            "The total number of writes completed successfully.",
            float(counters.writes),
        ),
        (Kind::Counter, "node_disk_writes_merged_total", "The number of writes merged.", float(counters.writes_merged)),
        (
            Kind::Counter,
            "node_disk_written_bytes_total",
            "The total number of bytes written successfully.",
            float(counters.written.0),
        ),
        (
            Kind::Counter,
            "node_disk_write_time_seconds_total",
            "This is the total number of seconds spent by all writes.",
            time(counters.write_ms),
        ),
        (Kind::Gauge, "node_disk_io_now", "The number of I/Os currently in progress.", float(counters.in_flight)),
        (Kind::Counter, "node_disk_io_time_seconds_total", "Total seconds spent doing I/Os.", time(counters.busy_ms)),
        (
            Kind::Counter,
            "node_disk_io_time_weighted_seconds_total",
            "The weighted # of seconds spent doing I/Os.",
            time(counters.weighted_ms),
        ),
        (
            Kind::Counter,
            "node_disk_discards_completed_total",
            "The total number of discards completed successfully.",
            float(counters.discards),
        ),
        (
            Kind::Counter,
            "node_disk_discards_merged_total",
            "The total number of discards merged.",
            float(counters.discards_merged),
        ),
        (
            Kind::Counter,
            "node_disk_discarded_sectors_total",
            "The total number of sectors discarded successfully.",
            float(counters.discarded.0 / SECTOR),
        ),
        (
            Kind::Counter,
            "node_disk_discard_time_seconds_total",
            "This is the total number of seconds spent by all discards.",
            time(counters.discard_ms),
        ),
        (
            Kind::Counter,
            "node_disk_flush_requests_total",
            "The total number of flush requests completed successfully",
            float(counters.flushes),
        ),
        (
            Kind::Counter,
            "node_disk_flush_requests_time_seconds_total",
            "This is the total number of seconds spent by all flush requests.",
            time(counters.flush_ms),
        ),
    ];
    for (kind, name, help, value) in all.into_iter().take(counters.given.into()) {
        out.add(kind, name.into(), help.into(), &[("device", device)], value);
    }
}

const SECTOR: u64 = 512;

fn mapped(device: &str, udev: &Udev, out: &mut Metrics) {
    let kind = udev.get("ID_FS_TYPE");
    if !kind.is_empty() {
        let labels = [
            ("device", device),
            ("type", kind),
            ("usage", udev.get("ID_FS_USAGE")),
            ("uuid", udev.get("ID_FS_UUID")),
            ("version", udev.get("ID_FS_VERSION")),
        ];
        out.gauge("node_disk_filesystem_info", "Info about disk filesystem.", &labels, 1.0);
    }
    let name = udev.get("DM_NAME");
    if name.is_empty() {
        return;
    }
    let labels = [
        ("device", device),
        ("name", name),
        ("uuid", udev.get("DM_UUID")),
        ("vg_name", udev.get("DM_VG_NAME")),
        ("lv_name", udev.get("DM_LV_NAME")),
        ("lv_layer", udev.get("DM_LV_LAYER")),
    ];
    out.gauge("node_disk_device_mapper_info", "Info about disk device mapper.", &labels, 1.0);
}

fn ata(device: &str, udev: &Udev, out: &mut Metrics) {
    if udev.get("ID_ATA").is_empty() {
        return;
    }
    let all = [
        ("ID_ATA_WRITE_CACHE", "node_disk_ata_write_cache", "ATA disk has a write cache."),
        ("ID_ATA_WRITE_CACHE_ENABLED", "node_disk_ata_write_cache_enabled", "ATA disk has its write cache enabled."),
        ("ID_ATA_ROTATION_RATE_RPM", "node_disk_ata_rotation_rate_rpm", "ATA disk rotation rate in RPMs (0 for SSDs)."),
    ];
    for (property, name, help) in all {
        if let Ok(value) = udev.get(property).parse() {
            out.gauge(name, help, &[("device", device)], value);
        }
    }
}
