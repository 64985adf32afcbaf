//! `vmstat`: chosen lines of `/proc/vmstat`.

use procyon_linux::host::vmstat;
use regex::Regex;

use super::{Collector, FlagError, Flags, Outcome, Places, float};
use crate::filter::compile;
use crate::flags::Flag;
use crate::metric::Metrics;

const FIELDS: &str = "collector.vmstat.fields";

pub(super) const FLAGS: &[Flag] =
    &[Flag::word(FIELDS, "^(oom_kill|pgpg|pswp|pg.*fault).*", "Regexp of fields to return for vmstat collector.")];

struct Vmstat {
    fields: Option<Regex>,
}

pub(super) fn make(flags: &Flags, _: &Places) -> Result<Box<dyn Collector>, FlagError> {
    Ok(Box::new(Vmstat { fields: compile(FIELDS, flags.text(FIELDS))? }))
}

impl Collector for Vmstat {
    fn update(&self, at: &Places, out: &mut Metrics) -> Outcome {
        let text = at.proc("vmstat")?;
        for (name, value) in vmstat::counters(&text) {
            if self.fields.as_ref().is_none_or(|fields| fields.is_match(name)) {
                let help = format!("/proc/vmstat information field {name}.");
                out.untyped(format!("node_vmstat_{name}"), help, &[], float(value));
            }
        }
        Ok(())
    }
}
