//! `btrfs`: space of each file system (`/sys/fs/btrfs`), and its devices, of which those tell more that are mounted.

use std::collections::HashSet;

use procyon_linux::attributes::Attributes;
use procyon_linux::storage::btrfs::{self, Device, ERROR_KINDS, FileSystem};

use super::{Collector, Outcome, Places, filesystem, float};
use crate::metric::Metrics;

#[derive(Default)]
pub(super) struct Btrfs;

impl Collector for Btrfs {
    fn update(&self, at: &Places, out: &mut Metrics) -> Outcome {
        let mut systems = at.devices("fs/btrfs")?;
        // Beside the file systems stands `features`.
        systems.retain(|(_, folder)| folder.has("allocation"));
        let mounted = if systems.is_empty() { Vec::new() } else { mounted(at) };
        for (uuid, folder) in &systems {
            let known = mounted.iter().find(|system| system.uuid == *uuid);
            system(("uuid", uuid), folder, known.map(|system| &*system.devices), out);
        }
        Ok(())
    }
}

/// What mounted file systems say of themselves; those that we may not ask are missing.
fn mounted(at: &Places) -> Vec<FileSystem> {
    let mounts = filesystem::mounts(at).unwrap_or_default();
    let (mut found, mut asked): (Vec<FileSystem>, HashSet<&str>) = (Vec::new(), HashSet::new());
    for mount in mounts.iter().filter(|mount| &*mount.kind == "btrfs") {
        if asked.contains(&*mount.source) {
            continue;
        }
        // Another mount of it may let us.
        match btrfs::read(&filesystem::reached(at.rootfs(), &mount.mount_point)) {
            Ok(system) => {
                asked.insert(&mount.source);
                found.push(system);
            }
            Err(error) => tracing::debug!(device = %mount.source, %error, "could not ask a btrfs of its devices"),
        }
    }
    found
}

type Label<'a> = (&'static str, &'a str);

fn system(uuid: Label<'_>, folder: &Attributes, known: Option<&[Device]>, out: &mut Metrics) {
    let label = folder.text("label").unwrap_or_default();
    out.gauge("node_btrfs_info", "Filesystem information", &[uuid, ("label", &label)], 1.0);
    let reserve = folder.number("allocation/global_rsv_size").unwrap_or(0);
    out.gauge("node_btrfs_global_rsv_size_bytes", "Size of global reserve.", &[uuid], float(reserve));
    commits(uuid, folder, out);
    let devices = folder.below("devices");
    let names = devices.names();
    match known {
        Some(known) => known.iter().for_each(|one| device(uuid, one, out)),
        None => {
            for name in &names {
                // A device that is missing has no size.
                let sectors = devices.below(&**name).number("size").unwrap_or(0);
                let bytes = float(sectors.saturating_mul(SECTOR));
                out.gauge(DEVICE_SIZE.0, DEVICE_SIZE.1, &[uuid, ("device", &**name)], bytes);
            }
        }
    }
    for kind in ["data", "metadata", "system"] {
        allocation(uuid, kind, &folder.below("allocation").below(kind), names.len(), out);
    }
}

const SECTOR: u64 = 512;
const DEVICE_SIZE: (&str, &str) = ("node_btrfs_device_size_bytes", "Size of a device that is part of the filesystem.");

fn device(uuid: Label<'_>, device: &Device, out: &mut Metrics) {
    let name = device.path.rsplit('/').next().unwrap_or_default();
    let labels = [uuid, ("device", name), ("btrfs_dev_uuid", &*device.uuid)];
    out.gauge(DEVICE_SIZE.0, DEVICE_SIZE.1, &labels, float(device.size));
    let help = "Unused bytes unused on a device that is part of the filesystem.";
    let unused = device.size.saturating_sub(device.used);
    out.gauge("node_btrfs_device_unused_bytes", help, &labels, float(unused));
    let [uuid, name, own] = labels;
    for (kind, count) in ERROR_KINDS.iter().zip(device.errors) {
        let labels = [uuid, name, own, ("type", *kind)];
        out.counter("node_btrfs_device_errors_total", "Errors reported for the device", &labels, float(count));
    }
}

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_device_tells_its_size_what_is_unused_and_its_errors() {
        let one =
            Device { uuid: "d".into(), path: "/dev/mapper/a".into(), size: 100, used: 30, errors: [1, 2, 3, 4, 5] };
        let mut out = Metrics::default();
        device(("uuid", "u"), &one, &mut out);
        let mut text = String::new();
        crate::format::write_text(&out.sorted(&mut 0), &mut text);
        let lines: Vec<&str> = text.lines().filter(|line| !line.starts_with('#')).collect();
        assert_eq!(
            lines,
            [
                "node_btrfs_device_errors_total{btrfs_dev_uuid=\"d\",device=\"a\",type=\"corruption\",uuid=\"u\"} 4",
                "node_btrfs_device_errors_total{btrfs_dev_uuid=\"d\",device=\"a\",type=\"flush\",uuid=\"u\"} 3",
                "node_btrfs_device_errors_total{btrfs_dev_uuid=\"d\",device=\"a\",type=\"generation\",uuid=\"u\"} 5",
                "node_btrfs_device_errors_total{btrfs_dev_uuid=\"d\",device=\"a\",type=\"read\",uuid=\"u\"} 2",
                "node_btrfs_device_errors_total{btrfs_dev_uuid=\"d\",device=\"a\",type=\"write\",uuid=\"u\"} 1",
                "node_btrfs_device_size_bytes{btrfs_dev_uuid=\"d\",device=\"a\",uuid=\"u\"} 100",
                "node_btrfs_device_unused_bytes{btrfs_dev_uuid=\"d\",device=\"a\",uuid=\"u\"} 70",
            ]
        );
    }
}
