//! `buddyinfo`: free blocks of memory by size (`/proc/buddyinfo`).

use procyon_linux::host::buddyinfo;

use super::{Collector, FlagError, Flags, Outcome, Places, float};
use crate::metric::Metrics;

struct Buddyinfo;

pub(super) fn make(_: &Flags, _: &Places) -> Result<Box<dyn Collector>, FlagError> {
    Ok(Box::new(Buddyinfo))
}

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
