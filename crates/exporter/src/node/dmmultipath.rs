//! `dmmultipath`: disks that are reached over several paths (`/sys/block/dm-*`).

use super::{Collector, Outcome, Places, flag, float};
use crate::metric::Metrics;

#[derive(Default)]
pub(super) struct Dmmultipath;

const SECTOR: u64 = 512;

impl Collector for Dmmultipath {
    fn update(&self, at: &Places, out: &mut Metrics) -> Outcome {
        for (sysfs, folder) in at.devices("block")? {
            if !sysfs.starts_with("dm-") {
                continue;
            }
            let uuid = folder.text("dm/uuid").unwrap_or_default();
            if !uuid.starts_with("mpath-") {
                continue;
            }
            let name = folder.text("dm/name").unwrap_or_default();
            let (device, sysfs_name) = (("device", &*name), ("sysfs_name", &*sysfs));
            let both = [device, sysfs_name];
            let help = "Non-numeric information about a DM-multipath device.";
            out.gauge("node_dmmultipath_device_info", help, &[device, sysfs_name, ("uuid", &uuid)], 1.0);
            let help = "Whether the multipath device-mapper device is active (1) or suspended (0).";
            let active = folder.number("dm/suspended") == Some(0);
            out.gauge("node_dmmultipath_device_active", help, &both, flag(active));
            let help = "Size of the multipath device in bytes, read from /sys/block/<dm>/size.";
            let size = folder.number("size").unwrap_or(0).saturating_mul(SECTOR);
            out.gauge("node_dmmultipath_device_size_bytes", help, &both, float(size));
            let (mut good, mut bad) = (0_u64, 0_u64);
            for path in folder.below("slaves").names() {
                let state = at.sys("block").below(&*path).text("device/state");
                let state = state.unwrap_or_else(|| "unknown".to_owned());
                // SCSI says one, NVMe the other.
                if matches!(&*state, "running" | "live") {
                    good += 1;
                } else {
                    bad += 1;
                }
                let help = "Reports the underlying device state for a multipath path, as read from /sys/block/<dev>/device/state.";
                out.gauge("node_dmmultipath_path_state", help, &[device, ("path", &path), ("state", &state)], 1.0);
            }
            let help = "Number of paths for a multipath device.";
            out.gauge("node_dmmultipath_device_paths", help, &both, float(good + bad));
            let help = "Number of paths in active state (SCSI running or NVMe live) for a multipath device.";
            out.gauge("node_dmmultipath_device_paths_active", help, &both, float(good));
            let help = "Number of paths not in active state for a multipath device.";
            out.gauge("node_dmmultipath_device_paths_failed", help, &both, float(bad));
        }
        Ok(())
    }
}
