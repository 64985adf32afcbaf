//! `meminfo`: every line of `/proc/meminfo`, also those that upstream has no name for.

use procyon_linux::host::meminfo;

use super::{Collector, Outcome, Places, float};
use crate::metric::Metrics;

#[derive(Default)]
pub(super) struct Meminfo;

/// `Active(anon)` as `Active_anon`.
pub(super) fn metric_name(field: &[u8]) -> String {
    let name = String::from_utf8_lossy(field).replace('(', "_").replace(')', "");
    name.chars().map(|letter| if letter.is_ascii_alphanumeric() || letter == '_' { letter } else { '_' }).collect()
}

impl Collector for Meminfo {
    fn update(&self, at: &Places, out: &mut Metrics) -> Outcome {
        let text = at.proc("meminfo")?;
        for field in meminfo::fields(&text) {
            let unit = if field.is_bytes { "_bytes" } else { "" };
            let name = format!("{}{unit}", metric_name(field.name));
            let help = format!("Memory information field {name}.");
            out.gauge(format!("node_memory_{name}"), help, &[], float(field.value));
        }
        Ok(())
    }
}
