//! `conntrack`: flows that the firewall follows.

use procyon_linux::net::cache_stat;

use super::row::Row;
use super::{Collector, Outcome, Places, float};
use crate::metric::Metrics;

#[derive(Default)]
pub(super) struct Conntrack;

/// Columns of `/proc/net/stat/nf_conntrack` that are served.
const COLUMNS: [Row; 8] = [
    Row::gauge("found", "node_nf_conntrack_stat_found", "Number of searched entries which were successful."),
    Row::gauge("invalid", "node_nf_conntrack_stat_invalid", "Number of packets seen which can not be tracked."),
    Row::gauge(
        "ignore",
        "node_nf_conntrack_stat_ignore",
        "Number of packets seen which are already connected to a conntrack entry.",
    ),
    Row::gauge("insert", "node_nf_conntrack_stat_insert", "Number of entries inserted into the list."),
    Row::gauge(
        "insert_failed",
        "node_nf_conntrack_stat_insert_failed",
        "Number of entries for which list insertion was attempted but failed.",
    ),
    Row::gauge("drop", "node_nf_conntrack_stat_drop", "Number of packets dropped due to conntrack failure."),
    Row::gauge(
        "early_drop",
        "node_nf_conntrack_stat_early_drop",
        "Number of dropped conntrack entries to make room for new ones, if maximum table size was reached.",
    ),
    Row::gauge(
        "search_restart",
        "node_nf_conntrack_stat_search_restart",
        "Number of conntrack table lookups which had to be restarted due to hashtable resizes.",
    ),
];

impl Collector for Conntrack {
    fn update(&self, at: &Places, out: &mut Metrics) -> Outcome {
        let count = at.proc_number("sys/net/netfilter/nf_conntrack_count")?;
        let help = "Number of currently allocated flow entries for connection tracking.";
        out.gauge("node_nf_conntrack_entries", help, &[], count);
        let most = at.proc_number("sys/net/netfilter/nf_conntrack_max")?;
        out.gauge("node_nf_conntrack_entries_limit", "Maximum size of connection tracking table.", &[], most);
        let columns = cache_stat::parse(&at.proc("net/stat/nf_conntrack")?);
        for row in COLUMNS {
            let values = columns.iter().find(|(name, _)| &**name == row.source);
            let sum =
                values.map_or(0, |(_, values)| values.iter().fold(0, |sum: u64, value| sum.saturating_add(*value)));
            row.put(&[], float(sum), out);
        }
        Ok(())
    }
}
