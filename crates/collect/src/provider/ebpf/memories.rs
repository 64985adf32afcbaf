//! What must not fall from pass to pass: the kernel keeps it for procfs, we keep it for ourselves.

use procyon_model::process::{CpuCounters, Switches};
use procyon_units::{Reading, Ticks};

use crate::provider::RawProcess;

/// The processes of the last pass and of this one, in order of pid.
#[derive(Debug, Default)]
pub(super) struct Memories {
    last: Vec<Before>,
    next: Vec<Before>,
    at: usize,
}

/// One process as it was told last.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Before {
    pid: u32,
    start: Ticks,
    pub(super) cpu: CpuCounters,
    pub(super) switches: Switches,
}

impl Memories {
    /// Starts a pass.
    pub(super) fn begin(&mut self) {
        std::mem::swap(&mut self.last, &mut self.next);
        self.next.clear();
        self.at = 0;
    }

    /// What was told of a process last; to be asked in order of pid.
    #[inline]
    pub(super) fn of(&mut self, pid: u32, start: Ticks) -> Before {
        while let Some(one) = self.last.get(self.at) {
            if one.pid > pid {
                break;
            }
            self.at += 1;
            if one.pid == pid && one.start == start {
                return *one;
            }
        }
        Before::default()
    }

    /// Takes note of what is told now.
    #[inline]
    pub(super) fn keep(&mut self, raw: &RawProcess<'_>) {
        let switches = match raw.switches {
            Reading::Known(switches) => switches,
            _ => Switches::default(),
        };
        self.next.push(Before { pid: raw.pid, start: raw.start, cpu: raw.cpu, switches });
    }
}

impl Before {
    /// Processor time that is not below what was told last.
    pub(super) fn at_least(&self, cpu: CpuCounters) -> CpuCounters {
        CpuCounters { user: cpu.user.max(self.cpu.user), system: cpu.system.max(self.cpu.system) }
    }
}
