//! `entropy`: bits of randomness that the kernel has (`/proc/sys/kernel/random`).

use super::{Collector, Outcome, Places};
use crate::metric::Metrics;

#[derive(Default)]
pub(super) struct Entropy;

impl Collector for Entropy {
    fn update(&self, at: &Places, out: &mut Metrics) -> Outcome {
        let available = at.proc_number("sys/kernel/random/entropy_avail")?;
        out.gauge("node_entropy_available_bits", "Bits of available entropy.", &[], available);
        let size = at.proc_number("sys/kernel/random/poolsize")?;
        out.gauge("node_entropy_pool_size_bits", "Bits of entropy pool.", &[], size);
        Ok(())
    }
}
