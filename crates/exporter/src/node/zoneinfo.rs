//! `zoneinfo`: pages by zone of memory (`/proc/zoneinfo`).

use procyon_linux::host::zoneinfo;

use super::{Collector, Outcome, Places, float};
use crate::metric::{Kind, Metrics};

#[derive(Default)]
pub(super) struct Zoneinfo;

type Row = (&'static str, Kind, &'static str, &'static str);

/// Lines of the file that are served.
const ROWS: &[Row] = &[
    ("nr_free_pages", Kind::Gauge, "node_zoneinfo_nr_free_pages", "Total number of free pages in the zone"),
    ("min", Kind::Gauge, "node_zoneinfo_min_pages", "Zone watermark pages_min"),
    ("low", Kind::Gauge, "node_zoneinfo_low_pages", "Zone watermark pages_low"),
    ("high", Kind::Gauge, "node_zoneinfo_high_pages", "Zone watermark pages_high"),
    ("scanned", Kind::Gauge, "node_zoneinfo_scanned_pages", "Pages scanned since last reclaim"),
    ("spanned", Kind::Gauge, "node_zoneinfo_spanned_pages", "Total pages spanned by the zone, including holes"),
    ("present", Kind::Gauge, "node_zoneinfo_present_pages", "Physical pages existing within the zone"),
    ("managed", Kind::Gauge, "node_zoneinfo_managed_pages", "Present pages managed by the buddy system"),
    (
        "nr_active_anon",
        Kind::Gauge,
        "node_zoneinfo_nr_active_anon_pages",
        "Number of anonymous pages recently more used",
    ),
    (
        "nr_inactive_anon",
        Kind::Gauge,
        "node_zoneinfo_nr_inactive_anon_pages",
        "Number of anonymous pages recently less used",
    ),
    ("nr_isolated_anon", Kind::Gauge, "node_zoneinfo_nr_isolated_anon_pages", "Temporary isolated pages from anon lru"),
    (
        "nr_anon_pages",
        Kind::Gauge,
        "node_zoneinfo_nr_anon_pages",
        "Number of anonymous pages currently used by the system",
    ),
    (
        "nr_anon_transparent_hugepages",
        Kind::Gauge,
        "node_zoneinfo_nr_anon_transparent_hugepages",
        "Number of anonymous transparent huge pages currently used by the system",
    ),
    ("nr_active_file", Kind::Gauge, "node_zoneinfo_nr_active_file_pages", "Number of active pages with file-backing"),
    (
        "nr_inactive_file",
        Kind::Gauge,
        "node_zoneinfo_nr_inactive_file_pages",
        "Number of inactive pages with file-backing",
    ),
    ("nr_isolated_file", Kind::Gauge, "node_zoneinfo_nr_isolated_file_pages", "Temporary isolated pages from file lru"),
    ("nr_file_pages", Kind::Gauge, "node_zoneinfo_nr_file_pages", "Number of file pages"),
    ("nr_slab_reclaimable", Kind::Gauge, "node_zoneinfo_nr_slab_reclaimable_pages", "Number of reclaimable slab pages"),
    (
        "nr_slab_unreclaimable",
        Kind::Gauge,
        "node_zoneinfo_nr_slab_unreclaimable_pages",
        "Number of unreclaimable slab pages",
    ),
    ("nr_mlock_stack", Kind::Gauge, "node_zoneinfo_nr_mlock_stack_pages", "mlock()ed pages found and moved off LRU"),
    ("nr_kernel_stack", Kind::Gauge, "node_zoneinfo_nr_kernel_stacks", "Number of kernel stacks"),
    ("nr_mapped", Kind::Gauge, "node_zoneinfo_nr_mapped_pages", "Number of mapped pages"),
    ("nr_dirty", Kind::Gauge, "node_zoneinfo_nr_dirty_pages", "Number of dirty pages"),
    ("nr_writeback", Kind::Gauge, "node_zoneinfo_nr_writeback_pages", "Number of writeback pages"),
    ("nr_unevictable", Kind::Gauge, "node_zoneinfo_nr_unevictable_pages", "Number of unevictable pages"),
    ("nr_shmem", Kind::Gauge, "node_zoneinfo_nr_shmem_pages", "Number of shmem pages (included tmpfs/GEM pages)"),
    ("nr_dirtied", Kind::Counter, "node_zoneinfo_nr_dirtied_total", "Page dirtyings since bootup"),
    ("nr_written", Kind::Counter, "node_zoneinfo_nr_written_total", "Page writings since bootup"),
    ("numa_hit", Kind::Counter, "node_zoneinfo_numa_hit_total", "Allocated in intended node"),
    ("numa_miss", Kind::Counter, "node_zoneinfo_numa_miss_total", "Allocated in non intended node"),
    ("numa_foreign", Kind::Counter, "node_zoneinfo_numa_foreign_total", "Was intended here, hit elsewhere"),
    ("numa_interleave", Kind::Counter, "node_zoneinfo_numa_interleave_total", "Interleaver preferred this zone"),
    ("numa_local", Kind::Counter, "node_zoneinfo_numa_local_total", "Allocation from local node"),
    ("numa_other", Kind::Counter, "node_zoneinfo_numa_other_total", "Allocation from other node"),
];

impl Collector for Zoneinfo {
    fn update(&self, at: &Places, out: &mut Metrics) -> Outcome {
        for zone in zoneinfo::parse(&at.proc("zoneinfo")?) {
            let labels = [("node", &*zone.node), ("zone", &*zone.name)];
            for (line, kind, name, help) in ROWS {
                if let Some((_, value)) = zone.values.iter().find(|(own, _)| &**own == *line) {
                    out.add(*kind, (*name).into(), (*help).into(), &labels, float(*value));
                }
            }
            for (number, value) in zone.protection.iter().enumerate() {
                let (name, help) =
                    (format!("node_zoneinfo_protection_{number}"), format!("Protection array {number}. field"));
                out.gauge(name, help, &labels, float(*value));
            }
        }
        Ok(())
    }
}
