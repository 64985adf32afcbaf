//! `mdadm`: arrays of software RAID (`/proc/mdstat`, `/sys/block/md*/md`).

use procyon_linux::storage::mdstat::{self, Activity};

use super::{Collector, Outcome, Places, flag, float};
use crate::metric::Metrics;

#[derive(Default)]
pub(super) struct Mdadm;

const STATES: [(&str, Activity); 5] = [
    ("active", Activity::Active),
    ("inactive", Activity::Inactive),
    ("recovering", Activity::Recovering),
    ("resync", Activity::Resyncing),
    ("check", Activity::Checking),
];

impl Collector for Mdadm {
    fn update(&self, at: &Places, out: &mut Metrics) -> Outcome {
        for array in mdstat::parse(&at.proc("mdstat")?) {
            let device = ("device", &*array.name);
            let help = "Total number of disks of device.";
            out.gauge("node_md_disks_required", help, &[device], float(array.required));
            for (state, count) in [("active", array.active), ("failed", array.failed), ("spare", array.spare)] {
                let help = "Number of active/failed/spare disks of device.";
                out.gauge("node_md_disks", help, &[device, ("state", state)], float(count));
            }
            for (state, activity) in STATES {
                let help = "Indicates the state of md-device.";
                out.gauge("node_md_state", help, &[device, ("state", state)], flag(array.activity == activity));
            }
            out.gauge("node_md_blocks", "Total number of blocks on device.", &[device], float(array.blocks));
            out.gauge("node_md_blocks_synced", "Number of blocks synced on device.", &[device], float(array.synced));
        }
        let folder = at.sys("block");
        for name in folder.names().iter().filter(|name| name.starts_with("md")) {
            let array = folder.below(&**name).below("md");
            if !array.is_present() {
                continue;
            }
            let device = ("device", &**name);
            let disks = array.text("raid_disks").unwrap_or_default();
            // While it grows: `5 (4)`.
            let disks = disks.split_whitespace().next().and_then(|word| word.parse().ok());
            if let Some(disks) = disks {
                out.gauge("node_md_raid_disks", "Number of raid disks on device.", &[device], float(disks));
            }
            // Levels without copies have no such file.
            let degraded = array.number("degraded").unwrap_or(0);
            out.gauge("node_md_degraded", "Number of degraded disks on device.", &[device], float(degraded));
        }
        Ok(())
    }
}
