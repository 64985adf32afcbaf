//! `zfs`: what ZFS counts, and its pools (`/proc/spl/kstat/zfs`).

use procyon_linux::attributes::{self, Attributes};
use procyon_linux::storage::kstat;

use super::{CollectError, Collector, Outcome, Places, flag, number};
use crate::metric::Metrics;

#[derive(Default)]
pub(super) struct Zfs;

/// Files, and what their families are called. Older and newer versions have some of them only.
const FILES: [(&str, &str); 11] = [
    ("abd", "abdstats"),
    ("arc", "arcstats"),
    ("dbuf", "dbufstats"),
    ("dmu_tx", "dmu_tx"),
    ("dnode", "dnodestats"),
    ("fm", "fm"),
    ("vdev_cache", "vdev_cache_stats"),
    ("vdev_mirror", "vdev_mirror_stats"),
    ("xuio", "xuio_stats"),
    ("zfetch", "zfetchstats"),
    ("zil", "zil"),
];

const STATES: [&str; 7] = ["online", "degraded", "faulted", "offline", "removed", "unavail", "suspended"];

/// `KSTAT_DATA_INT64` and `KSTAT_DATA_UINT64`.
const NUMBERS: [&str; 2] = ["3", "4"];

impl Collector for Zfs {
    fn update(&self, at: &Places, out: &mut Metrics) -> Outcome {
        let folder = Attributes::at(at.root().proc("spl/kstat/zfs"));
        if !folder.is_present() {
            return Err(CollectError::Nothing("ZFS is not loaded".to_owned()));
        }
        for (family, file) in FILES {
            let Ok(text) = whole(&folder, file) else { continue };
            let values = kstat::named(&text).ok_or_else(|| at.odd("spl/kstat/zfs", "named values"))?;
            for (name, kind, value) in values {
                if let Some(value) = number(&value).filter(|_| NUMBERS.contains(&&*kind)) {
                    let metric = format!("node_zfs_{family}_{}", name.replace('-', "_"));
                    out.untyped(metric, format!("kstat.zfs.misc.{file}.{name}"), &[], value);
                }
            }
        }
        for name in folder.names() {
            let below = folder.below(&*name);
            if below.is_present() {
                pool(&name, &below, out);
            }
        }
        Ok(())
    }
}

/// All of a file: those of ZFS are longer than a page, of which one reading gives whole lines only.
fn whole(folder: &Attributes, file: &str) -> std::io::Result<Vec<u8>> {
    attributes::read(&folder.path().join(file))
}

fn pool(pool: &str, folder: &Attributes, out: &mut Metrics) {
    let zpool = ("zpool", pool);
    for (name, value) in kstat::table(&whole(folder, "io").unwrap_or_default()) {
        if let Some(value) = number(&value) {
            let help = format!("kstat.zfs.misc.io.{name}");
            out.untyped(format!("node_zfs_zpool_{}", name.replace('-', "_")), help, &[zpool], value);
        }
    }
    for file in folder.names().iter().filter(|name| name.starts_with("objset-")) {
        let values = whole(folder, file).ok().and_then(|text| kstat::named(&text)).unwrap_or_default();
        let dataset = values.iter().find(|(name, ..)| &**name == "dataset_name").map_or("", |(_, _, value)| value);
        for (name, kind, value) in &values {
            if let Some(value) = number(value).filter(|_| **kind == *"4") {
                let metric = format!("node_zfs_zpool_dataset_{}", name.replace('-', "_"));
                out.untyped(metric, format!("kstat.zfs.misc.objset.{name}"), &[zpool, ("dataset", dataset)], value);
            }
        }
    }
    if let Some(current) = folder.text("state") {
        for state in STATES {
            let is_it = flag(current.eq_ignore_ascii_case(state));
            out.gauge("node_zfs_zpool_state", "kstat.zfs.misc.state", &[zpool, ("state", state)], is_it);
        }
    }
}
