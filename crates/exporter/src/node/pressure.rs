//! `pressure`: time in which tasks stood still for want of a resource (`/proc/pressure`).

use super::{CollectError, Collector, Outcome, Places, float};
use crate::metric::Metrics;

#[derive(Default)]
pub(super) struct Pressure;

/// Of which file, which line, as which family.
const FAMILIES: [(&str, &str, &str, &str); 6] = [
    (
        "cpu",
        "some",
        "node_pressure_cpu_waiting_seconds_total",
        "Total time in seconds that processes have waited for CPU time",
    ),
    (
        "io",
        "some",
        "node_pressure_io_waiting_seconds_total",
        "Total time in seconds that processes have waited due to IO congestion",
    ),
    (
        "io",
        "full",
        "node_pressure_io_stalled_seconds_total",
        "Total time in seconds no process could make progress due to IO congestion",
    ),
    (
        "memory",
        "some",
        "node_pressure_memory_waiting_seconds_total",
        "Total time in seconds that processes have waited for memory",
    ),
    (
        "memory",
        "full",
        "node_pressure_memory_stalled_seconds_total",
        "Total time in seconds no process could make progress due to memory congestion",
    ),
    (
        "irq",
        "full",
        "node_pressure_irq_stalled_seconds_total",
        "Total time in seconds no process could make progress due to IRQ congestion",
    ),
];

impl Collector for Pressure {
    fn update(&self, at: &Places, out: &mut Metrics) -> Outcome {
        let mut found = 0;
        let mut last = ("", String::new());
        for (resource, line, name, help) in FAMILIES {
            if last.0 != resource {
                // Kernels before 5.15 and some configurations have no `irq`; those without PSI have none at all.
                match at.proc_text(&format!("pressure/{resource}")) {
                    Ok(text) => last = (resource, text),
                    Err(error) if error.is_nothing() => last = (resource, String::new()),
                    Err(error) => return Err(error),
                }
            }
            let line = last.1.lines().find_map(|text| text.strip_prefix(line));
            let total = line.and_then(|text| text.rsplit_once("total="));
            if let Some(total) = total.and_then(|(_, total)| total.trim().parse().ok()) {
                found += 1;
                out.counter(name, help, &[], float(total) / 1000.0 / 1000.0);
            }
        }
        if found == 0 {
            return Err(CollectError::Nothing("pressure stall information is not there or switched off".to_owned()));
        }
        Ok(())
    }
}
