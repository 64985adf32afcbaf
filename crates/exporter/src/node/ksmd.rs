//! `ksmd`: memory pages that are alike and kept once (`/sys/kernel/mm/ksm`).

use super::row::Row;
use super::{CollectError, Collector, Outcome, Places, float};
use crate::metric::Metrics;

#[derive(Default)]
pub(super) struct Ksmd;

const ROWS: [Row; 9] = [
    Row::counter("full_scans", "node_ksmd_full_scans_total", "How many times all mergeable areas have been scanned."),
    Row::gauge(
        "general_profit",
        "node_ksmd_general_profit_bytes",
        "How effective is KSM. ksm_saved_pages * sizeof(page) - (all_rmap_items) * sizeof(rmap_item)",
    ),
    Row::gauge(
        "merge_across_nodes",
        "node_ksmd_merge_across_nodes",
        "Specifies if pages from different NUMA nodes can be merged.",
    ),
    Row::gauge("pages_shared", "node_ksmd_pages_shared", "How many shared pages are being used."),
    Row::gauge("pages_sharing", "node_ksmd_pages_sharing", "How many more sites are sharing them i.e. how much saved."),
    Row::gauge("pages_to_scan", "node_ksmd_pages_to_scan", "How many pages to scan before ksmd goes to sleep."),
    Row::gauge(
        "pages_unshared",
        "node_ksmd_pages_unshared",
        "How many pages unique but repeatedly checked for merging.",
    ),
    Row::gauge(
        "pages_volatile",
        "node_ksmd_pages_volatile",
        "How many pages changing too fast to be placed in a tree.",
    ),
    Row::gauge("run", "node_ksmd_run", "The status of ksmd. stopped = 0, running = 1"),
];

impl Collector for Ksmd {
    fn update(&self, at: &Places, out: &mut Metrics) -> Outcome {
        let folder = at.sys("kernel/mm/ksm");
        if !folder.is_present() {
            return Err(CollectError::Nothing("this kernel does not merge pages".to_owned()));
        }
        for row in ROWS {
            if let Some(value) = folder.fraction(row.source) {
                row.put(&[], value, out);
            }
        }
        if let Some(milliseconds) = folder.number("sleep_millisecs") {
            let help = "How many seconds ksmd should sleep before next scan.";
            out.gauge("node_ksmd_sleep_seconds", help, &[], float(milliseconds) / 1000.0);
        }
        Ok(())
    }
}
