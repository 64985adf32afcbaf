//! `bcache`: block caches (`/sys/fs/bcache`).

use procyon_linux::attributes::Attributes;
use procyon_linux::storage::bcache::size;

use super::{CollectError, Collector, FlagError, Flags, Outcome, Places, float, number};
use crate::flags::Flag;
use crate::metric::{Kind, Metrics};

pub(super) const FLAGS: &[Flag] = &[Flag::off("collector.bcache.priorityStats", "Expose expensive priority stats.")];

struct Bcache {
    priority: bool,
}

#[expect(clippy::unnecessary_wraps, reason = "collectors are all made alike")]
pub(super) fn make(flags: &Flags, _: &Places) -> Result<Box<dyn Collector>, FlagError> {
    Ok(Box::new(Bcache { priority: flags.is_on("collector.bcache.priorityStats") }))
}

type Row = (&'static str, Kind, &'static str, &'static str, f64);

/// Attributes of a set of caches.
const SET: &[Row] = &[
    (
        "average_key_size",
        Kind::Gauge,
        "node_bcache_average_key_size_sectors",
        "Average data per key in the btree (sectors).",
        1.0,
    ),
    (
        "btree_cache_size",
        Kind::Gauge,
        "node_bcache_btree_cache_size_bytes",
        "Amount of memory currently used by the btree cache.",
        1.0,
    ),
    (
        "cache_available_percent",
        Kind::Gauge,
        "node_bcache_cache_available_percent",
        "Percentage of cache device without dirty data, usable for writeback (may contain clean cached data).",
        1.0,
    ),
    ("congested", Kind::Gauge, "node_bcache_congested", "Congestion.", 1.0),
    (
        "root_usage_percent",
        Kind::Gauge,
        "node_bcache_root_usage_percent",
        "Percentage of the root btree node in use (tree depth increases if too high).",
        1.0,
    ),
    ("tree_depth", Kind::Gauge, "node_bcache_tree_depth", "Depth of the btree.", 1.0),
    (
        "internal/active_journal_entries",
        Kind::Gauge,
        "node_bcache_active_journal_entries",
        "Number of journal entries that are newer than the index.",
        1.0,
    ),
    ("internal/btree_nodes", Kind::Gauge, "node_bcache_btree_nodes", "Total nodes in the btree.", 1.0),
    (
        "internal/btree_read_average_duration_us",
        Kind::Gauge,
        "node_bcache_btree_read_average_duration_seconds",
        "Average btree read duration.",
        1e-9,
    ),
    (
        "internal/cache_read_races",
        Kind::Counter,
        "node_bcache_cache_read_races_total",
        "Counts instances where while data was being read from the cache, the bucket was reused and invalidated - i.e. where the pointer was stale after the read completed.",
        1.0,
    ),
];

/// Attributes of a device that is cached.
const BACKING: &[Row] = &[
    (
        "dirty_data",
        Kind::Gauge,
        "node_bcache_dirty_data_bytes",
        "Amount of dirty data for this backing device in the cache.",
        1.0,
    ),
    (
        "stats_total/bypassed",
        Kind::Counter,
        "node_bcache_bypassed_bytes_total",
        "Amount of IO (both reads and writes) that has bypassed the cache.",
        1.0,
    ),
    (
        "stats_total/cache_bypass_hits",
        Kind::Counter,
        "node_bcache_cache_bypass_hits_total",
        "Hits for IO intended to skip the cache.",
        1.0,
    ),
    (
        "stats_total/cache_bypass_misses",
        Kind::Counter,
        "node_bcache_cache_bypass_misses_total",
        "Misses for IO intended to skip the cache.",
        1.0,
    ),
    (
        "stats_total/cache_hits",
        Kind::Counter,
        "node_bcache_cache_hits_total",
        "Hits counted per individual IO as bcache sees them.",
        1.0,
    ),
    (
        "stats_total/cache_miss_collisions",
        Kind::Counter,
        "node_bcache_cache_miss_collisions_total",
        "Instances where data insertion from cache miss raced with write (data already present).",
        1.0,
    ),
    (
        "stats_total/cache_misses",
        Kind::Counter,
        "node_bcache_cache_misses_total",
        "Misses counted per individual IO as bcache sees them.",
        1.0,
    ),
    (
        "stats_total/cache_readaheads",
        Kind::Counter,
        "node_bcache_cache_readaheads_total",
        "Count of times readahead occurred.",
        1.0,
    ),
];

/// Attributes of a device that caches.
const CACHE: &[Row] = &[
    (
        "io_errors",
        Kind::Gauge,
        "node_bcache_io_errors",
        "Number of errors that have occurred, decayed by io_error_halflife.",
        1.0,
    ),
    (
        "metadata_written",
        Kind::Counter,
        "node_bcache_metadata_written_bytes_total",
        "Sum of all non data writes (btree writes and all other metadata).",
        1.0,
    ),
    (
        "written",
        Kind::Counter,
        "node_bcache_written_bytes_total",
        "Sum of all data that has been written to the cache.",
        1.0,
    ),
];

/// Lines of `writeback_rate_debug`.
const WRITEBACK: &[Row] = &[
    (
        "rate",
        Kind::Gauge,
        "node_bcache_writeback_rate",
        "Current writeback rate for this backing device in bytes.",
        1.0,
    ),
    (
        "proportional",
        Kind::Gauge,
        "node_bcache_writeback_rate_proportional_term",
        "Current result of proportional controller, part of writeback rate",
        1.0,
    ),
    (
        "integral",
        Kind::Gauge,
        "node_bcache_writeback_rate_integral_term",
        "Current result of integral controller, part of writeback rate",
        1.0,
    ),
    (
        "change",
        Kind::Gauge,
        "node_bcache_writeback_change",
        "Last writeback rate change step for this backing device.",
        1.0,
    ),
    (
        "target",
        Kind::Gauge,
        "node_bcache_dirty_target_bytes",
        "Current dirty data target threshold for this backing device in bytes.",
        1.0,
    ),
];

impl Collector for Bcache {
    fn update(&self, at: &Places, out: &mut Metrics) -> Outcome {
        // Beside the sets stand files such as `register`.
        let sets = at.devices("fs/bcache")?.into_iter().filter(|(_, folder)| folder.is_present());
        let mut found = false;
        for (uuid, folder) in sets {
            found = true;
            let uuid = ("uuid", &*uuid);
            rows(SET, &folder, &[uuid], out);
            for name in folder.names() {
                let below = folder.below(&*name);
                if name.starts_with("bdev") {
                    backing(&below, &[uuid, ("backing_device", &name)], out);
                } else if name.starts_with("cache") && below.is_present() {
                    self.cache(&below, &[uuid, ("cache_device", &name)], out);
                }
            }
        }
        if found { Ok(()) } else { Err(CollectError::Nothing("no block is cached".to_owned())) }
    }
}

type Labels<'a> = [(&'static str, &'a str)];

fn rows(rows: &[Row], folder: &Attributes, labels: &Labels<'_>, out: &mut Metrics) {
    for (file, kind, name, help, scale) in rows {
        // `0` and `1.3k`: sizes for people.
        let value = folder.bytes(file).ok().and_then(|text| size(text.trim_ascii()));
        if let Some(value) = value {
            let value = float(value);
            let value = if *scale < 1.0 { value / 1e9 } else { value };
            out.add(*kind, (*name).into(), (*help).into(), labels, value);
        }
    }
}

fn backing(folder: &Attributes, labels: &Labels<'_>, out: &mut Metrics) {
    rows(BACKING, folder, labels, out);
    let text = folder.text("writeback_rate_debug").unwrap_or_default();
    for line in text.lines() {
        let Some((key, value)) = line.split_once(':') else { continue };
        let value = value.trim().trim_end_matches("/sec");
        let (sign, digits) = value.strip_prefix('-').map_or((1.0, value), |digits| (-1.0, digits));
        if let Some((_, kind, name, help, _)) = WRITEBACK.iter().find(|(own, ..)| *own == key.trim())
            && let Some(value) = size(digits.as_bytes())
        {
            out.add(*kind, (*name).into(), (*help).into(), labels, sign * float(value));
        }
    }
}

impl Bcache {
    fn cache(&self, folder: &Attributes, labels: &Labels<'_>, out: &mut Metrics) {
        rows(CACHE, folder, labels, out);
        if !self.priority {
            return;
        }
        let text = folder.text("priority_stats").unwrap_or_default();
        let percent = |name: &str| {
            let line = text.lines().find_map(|line| line.strip_prefix(name))?;
            number(line.trim().trim_end_matches('%'))
        };
        if let Some(value) = percent("Unused:") {
            let help = "The percentage of the cache that doesn't contain any data.";
            out.gauge("node_bcache_priority_stats_unused_percent", help, labels, value);
        }
        if let Some(value) = percent("Metadata:") {
            let help = "Bcache's metadata overhead.";
            out.gauge("node_bcache_priority_stats_metadata_percent", help, labels, value);
        }
    }
}
