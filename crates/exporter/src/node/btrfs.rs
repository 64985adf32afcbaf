//! `btrfs`: space and devices of each file system (`/sys/fs/btrfs`).

use procyon_linux::attributes::Attributes;

use super::{Collector, Outcome, Places, float};
use crate::metric::Metrics;

#[derive(Default)]
pub(super) struct Btrfs;

impl Collector for Btrfs {
    fn update(&self, at: &Places, out: &mut Metrics) -> Outcome {
        for (uuid, folder) in at.devices("fs/btrfs")? {
            // Beside the file systems stands `features`.
            if folder.has("allocation") {
                system(("uuid", &uuid), &folder, out);
            }
        }
        Ok(())
    }
}

type Label<'a> = (&'static str, &'a str);

fn system(uuid: Label<'_>, folder: &Attributes, out: &mut Metrics) {
    let label = folder.text("label").unwrap_or_default();
    out.gauge("node_btrfs_info", "Filesystem information", &[uuid, ("label", &label)], 1.0);
    let reserve = folder.number("allocation/global_rsv_size").unwrap_or(0);
    out.gauge("node_btrfs_global_rsv_size_bytes", "Size of global reserve.", &[uuid], float(reserve));
    commits(uuid, folder, out);
    let devices = folder.below("devices");
    let names = devices.names();
    for device in &names {
        // A device that is missing has no size.
        let sectors = devices.below(&**device).number("size").unwrap_or(0);
        let labels = [uuid, ("device", &**device)];
        let help = "Size of a device that is part of the filesystem.";
        out.gauge("node_btrfs_device_size_bytes", help, &labels, float(sectors.saturating_mul(SECTOR)));
    }
    for kind in ["data", "metadata", "system"] {
        allocation(uuid, kind, &folder.below("allocation").below(kind), names.len(), out);
    }
}

const SECTOR: u64 = 512;

fn commits(uuid: Label<'_>, folder: &Attributes, out: &mut Metrics) {
    // Since 6.0: lines of a name and a number.
    let text = folder.text("commit_stats").unwrap_or_default();
    let get = |name: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(name));
        line.and_then(|rest| rest.trim().parse::<f64>().ok()).unwrap_or(0.0)
    };
    let name = "node_btrfs_commits_total";
    out.counter(name, "The total number of commits that have occurred.", &[uuid], get("commits "));
    let seconds = |name| get(name) / 1000.0;
    let help = "Duration of the most recent commit, in seconds.";
    out.gauge("node_btrfs_last_commit_seconds", help, &[uuid], seconds("last_commit_ms "));
    let help = "Duration of the slowest commit, in seconds.";
    out.gauge("node_btrfs_max_commit_seconds", help, &[uuid], seconds("max_commit_ms "));
    let help = "Sum of the duration of all commits, in seconds.";
    out.counter("node_btrfs_commit_seconds_total", help, &[uuid], seconds("total_commit_ms "));
}

fn allocation(uuid: Label<'_>, kind: &str, folder: &Attributes, devices: usize, out: &mut Metrics) {
    if !folder.is_present() {
        return;
    }
    let group = ("block_group_type", kind);
    let reserved = folder.number("bytes_reserved").unwrap_or(0);
    let help = "Amount of space reserved for a data type";
    out.gauge("node_btrfs_reserved_bytes", help, &[uuid, group], float(reserved));
    for mode in folder.names() {
        let layout = folder.below(&*mode);
        let (Some(total), Some(used)) = (layout.number("total_bytes"), layout.number("used_bytes")) else { continue };
        let labels = [uuid, group, ("mode", &*mode)];
        out.gauge("node_btrfs_used_bytes", "Amount of used space by a layout/data type", &labels, float(used));
        out.gauge("node_btrfs_size_bytes", "Amount of space allocated for a layout/data type", &labels, float(total));
        let help = "Data allocation ratio for a layout/data type";
        out.gauge("node_btrfs_allocation_ratio", help, &labels, ratio(&mode, devices));
    }
}

/// How many bytes on disks a byte of data takes.
fn ratio(mode: &str, devices: usize) -> f64 {
    let devices = float(u64::try_from(devices).unwrap_or(u64::MAX));
    match mode {
        "single" | "raid0" => 1.0,
        "dup" | "raid1" | "raid10" => 2.0,
        "raid1c3" => 3.0,
        "raid1c4" => 4.0,
        "raid5" if devices > 1.0 => devices / (devices - 1.0),
        "raid6" if devices > 2.0 => devices / (devices - 2.0),
        _ => 1.0,
    }
}
