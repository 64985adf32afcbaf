//! `slabinfo`: memory of the kernel by kind of object (`/proc/slabinfo`, for root alone).

use procyon_linux::host::slabinfo;

use super::{Collector, FlagError, Flags, Outcome, Places, float};
use crate::filter::Filter;
use crate::flags::Flag;
use crate::metric::Metrics;

const INCLUDE: &str = "collector.slabinfo.slabs-include";
const EXCLUDE: &str = "collector.slabinfo.slabs-exclude";

pub(super) const FLAGS: &[Flag] = &[
    Flag::word(INCLUDE, ".*", "Regexp of slabs to include in slabinfo collector."),
    Flag::word(EXCLUDE, "", "Regexp of slabs to exclude in slabinfo collector."),
];

struct Slabinfo {
    filter: Filter,
}

pub(super) fn make(flags: &Flags, _: &Places) -> Result<Box<dyn Collector>, FlagError> {
    Ok(Box::new(Slabinfo { filter: Filter::both(flags, INCLUDE, EXCLUDE)? }))
}

impl Collector for Slabinfo {
    fn update(&self, at: &Places, out: &mut Metrics) -> Outcome {
        for slab in slabinfo::parse(&at.proc("slabinfo")?) {
            if self.filter.ignores(&slab.name) {
                continue;
            }
            let labels = [("slab", &*slab.name)];
            let help = "The number of objects that are currently active (i.e., in use).";
            out.gauge("node_slabinfo_active_objects", help, &labels, float(slab.active));
            let help = "The total number of allocated objects (i.e., objects that are both in use and not in use).";
            out.gauge("node_slabinfo_objects", help, &labels, float(slab.objects));
            let help = "The size of objects in this slab, in bytes.";
            out.gauge("node_slabinfo_object_size_bytes", help, &labels, float(slab.size));
            let help = "The number of objects stored in each slab.";
            out.gauge("node_slabinfo_objects_per_slab", help, &labels, float(slab.per_slab));
            let help = "The number of pages allocated for each slab.";
            out.gauge("node_slabinfo_pages_per_slab", help, &labels, float(slab.pages));
        }
        Ok(())
    }
}
