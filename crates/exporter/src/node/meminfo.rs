//! `meminfo`: every line of `/proc/meminfo`, also those that upstream has no name for.

use procyon_linux::host::meminfo;

use super::{Collector, Outcome, Places, float};
use crate::metric::Metrics;

#[derive(Default)]
pub(super) struct Meminfo;

/// `Active(anon)` as `Active_anon`.
pub(super) fn metric_name(field: &[u8]) -> String {
    let letters = field.iter().filter(|byte| **byte != b')');
    letters.map(|byte| if byte.is_ascii_alphanumeric() { char::from(*byte) } else { '_' }).collect()
}

impl Collector for Meminfo {
    fn update(&self, at: &Places, out: &mut Metrics) -> Outcome {
        let text = at.proc("meminfo")?;
        for field in meminfo::fields(&text) {
            let mut name = metric_name(field.name);
            if field.is_bytes {
                name.push_str("_bytes");
            }
            let (help, name) = (["Memory information field ", &name, "."].concat(), ["node_memory_", &name].concat());
            out.gauge(name, help, &[], float(field.value));
        }
        Ok(())
    }
}
