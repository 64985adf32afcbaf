//! `interrupts`: interrupts by kind and processor (`/proc/interrupts`).

use procyon_linux::host::interrupts;

use super::{Collector, FlagError, Flags, Outcome, Places, float};
use crate::filter::Filter;
use crate::flags::Flag;
use crate::metric::Metrics;

const INCLUDE: &str = "collector.interrupts.name-include";
const EXCLUDE: &str = "collector.interrupts.name-exclude";
const ZEROS: &str = "collector.interrupts.include-zeros";

pub(super) const FLAGS: &[Flag] = &[
    Flag::word(
        INCLUDE,
        "",
        "Regexp of interrupts name to include (mutually exclusive to --collector.interrupts.name-exclude).",
    ),
    Flag::word(
        EXCLUDE,
        "",
        "Regexp of interrupts name to exclude (mutually exclusive to --collector.interrupts.name-include).",
    ),
    Flag::on(ZEROS, "Include interrupts that have a zero value"),
];

struct Interrupts {
    filter: Filter,
    zeros: bool,
}

pub(super) fn make(flags: &Flags, _: &Places) -> Result<Box<dyn Collector>, FlagError> {
    Ok(Box::new(Interrupts { filter: Filter::new(flags, INCLUDE, EXCLUDE)?, zeros: flags.is_on(ZEROS) }))
}

impl Collector for Interrupts {
    fn update(&self, at: &Places, out: &mut Metrics) -> Outcome {
        for interrupt in interrupts::parse(&at.proc("interrupts")?) {
            let (info, devices) = if interrupt.name.bytes().all(|byte| byte.is_ascii_digit()) {
                let mut rest = interrupt.rest.iter();
                let info = rest.next().map_or("", |word| word).to_owned();
                (info, rest.map(|word| &**word).collect::<Vec<_>>().join(" "))
            } else {
                (interrupt.rest.join(" "), String::new())
            };
            if self.filter.ignores(&format!("{};{info};{devices}", interrupt.name)) {
                continue;
            }
            for (cpu, count) in interrupt.counts.iter().enumerate().filter(|(_, count)| self.zeros || **count > 0) {
                let labels =
                    [("cpu", &*cpu.to_string()), ("type", &interrupt.name), ("info", &*info), ("devices", &*devices)];
                out.counter("node_interrupts_total", "Interrupt details.", &labels, float(*count));
            }
        }
        Ok(())
    }
}
