//! `swap`: each swap device (`/proc/swaps`).

use super::{Collector, Outcome, Places, number};
use crate::metric::Metrics;

#[derive(Default)]
pub(super) struct Swap;

impl Collector for Swap {
    fn update(&self, at: &Places, out: &mut Metrics) -> Outcome {
        let text = at.proc_text("swaps")?;
        for line in text.lines().skip(1) {
            let words: Vec<&str> = line.split_whitespace().collect();
            let [device, kind, size, used, priority] = *words else { continue };
            let (Some(size), Some(used), Some(priority)) = (number(size), number(used), number(priority)) else {
                continue;
            };
            let labels = [("device", device), ("swap_type", kind)];
            out.gauge("node_swap_size_bytes", "Swap device size in bytes.", &labels, size * 1024.0);
            out.gauge("node_swap_used_bytes", "Swap device used in bytes.", &labels, used * 1024.0);
            out.gauge("node_swap_priority", "Swap device priority.", &labels, priority);
        }
        Ok(())
    }
}
