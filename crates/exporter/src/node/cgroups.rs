//! `cgroups`: controllers of control groups (`/proc/cgroups`).

use super::{Collector, Outcome, Places, number};
use crate::metric::Metrics;

#[derive(Default)]
pub(super) struct Cgroups;

impl Collector for Cgroups {
    fn update(&self, at: &Places, out: &mut Metrics) -> Outcome {
        let text = at.proc_text("cgroups")?;
        for line in text.lines().filter(|line| !line.starts_with('#')) {
            let words: Vec<&str> = line.split_whitespace().collect();
            let [name, _, groups, enabled] = *words else { continue };
            let (Some(groups), Some(enabled)) = (number(groups), number(enabled)) else { continue };
            let labels = [("subsys_name", name)];
            // Upstream gives both the same help text.
            let help = "Current cgroup number of the subsystem.";
            out.gauge("node_cgroups_cgroups", help, &labels, groups);
            out.gauge("node_cgroups_enabled", help, &labels, enabled);
        }
        Ok(())
    }
}
