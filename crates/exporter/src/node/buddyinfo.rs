//! `buddyinfo`: free blocks of memory by size (`/proc/buddyinfo`).

use procyon_linux::host::buddyinfo;

use super::{Collector, Outcome, Places, float};
use crate::metric::Metrics;

#[derive(Default)]
pub(super) struct Buddyinfo;

impl Collector for Buddyinfo {
    fn update(&self, at: &Places, out: &mut Metrics) -> Outcome {
        for (node, zone, counts) in buddyinfo::parse(&at.proc("buddyinfo")?) {
            for (size, count) in counts.iter().enumerate() {
                let labels = [("node", &*node), ("zone", &*zone), ("size", &*size.to_string())];
                let help = "Count of free blocks according to size.";
                out.gauge("node_buddyinfo_blocks", help, &labels, float(*count));
            }
        }
        Ok(())
    }
}
