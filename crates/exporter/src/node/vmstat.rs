//! `vmstat`: chosen lines of `/proc/vmstat`.

use procyon_linux::host::vmstat;

use super::{Collector, FlagError, Flags, Outcome, Places, float};
use crate::filter::Selection;
use crate::flags::Flag;
use crate::metric::Metrics;

const FIELDS: &str = "collector.vmstat.fields";

pub(super) const FLAGS: &[Flag] =
    &[Flag::word(FIELDS, "^(oom_kill|pgpg|pswp|pg.*fault).*", "Regexp of fields to return for vmstat collector.")];

struct Vmstat {
    fields: Selection,
}

pub(super) fn make(flags: &Flags, _: &Places) -> Result<Box<dyn Collector>, FlagError> {
    Ok(Box::new(Vmstat { fields: Selection::new(flags, FIELDS)? }))
}

impl Collector for Vmstat {
    fn update(&self, at: &Places, out: &mut Metrics) -> Outcome {
        let text = at.proc("vmstat")?;
        let mut wants = self.fields.begin();
        for (name, value) in vmstat::counters(&text) {
            if wants(name) {
                let help = format!("/proc/vmstat information field {name}.");
                out.untyped(format!("node_vmstat_{name}"), help, &[], float(value));
            }
        }
        Ok(())
    }
}
