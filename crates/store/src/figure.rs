//! Figures of processes, by the columns that they are had from.

use crate::column::{Cells, Shape};
use crate::kinds::process::{self, readings};

/// How a figure is had from columns.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Figure {
    pub(crate) id: &'static str,
    /// Name in the summary of a block: growth over the block, or level times seconds.
    pub(crate) sum: &'static str,
    /// Columns whose values add up.
    pub(crate) columns: &'static [usize],
    /// Reading in [`process::READINGS`] that has to be known; none where it always is.
    reading: Option<u32>,
    /// What growth is multiplied with; none for a level.
    factor: Option<f64>,
}

const fn grown(id: &'static str, sum: &'static str, columns: &'static [usize], reading: Option<u32>) -> Figure {
    Figure { id, sum, columns, reading, factor: Some(1.0) }
}

const fn time(id: &'static str, sum: &'static str, columns: &'static [usize], reading: Option<u32>) -> Figure {
    Figure { id, sum, columns, reading, factor: Some(1e-9) }
}

const fn level(id: &'static str, sum: &'static str, columns: &'static [usize], reading: Option<u32>) -> Figure {
    Figure { id, sum, columns, reading, factor: None }
}

/// All of [`procyon_history::figures::PROCESS`].
pub(crate) static FIGURES: &[Figure] = &[
    time("cpu", "process_cpu_seconds_sum", &[process::CPU_USER, process::CPU_SYSTEM], None),
    time("cpu_user", "process_cpu_user_seconds_sum", &[process::CPU_USER], None),
    time("cpu_sys", "process_cpu_system_seconds_sum", &[process::CPU_SYSTEM], None),
    time("runq", "process_run_delay_seconds_sum", &[process::RUN_DELAY], Some(readings::RUN_DELAY)),
    grown("minflt", "process_minor_faults_sum", &[process::MINOR], None),
    grown("majflt", "process_major_faults_sum", &[process::MAJOR], None),
    grown("read", "process_read_bytes_sum", &[process::READ], Some(readings::IO)),
    grown("write", "process_write_bytes_sum", &[process::WRITTEN], Some(readings::IO)),
    grown("rchar", "process_read_chars_bytes_sum", &[process::READ_CHARS], Some(readings::IO)),
    grown("wchar", "process_write_chars_bytes_sum", &[process::WRITTEN_CHARS], Some(readings::IO)),
    grown("rx", "process_network_receive_bytes_sum", &[process::RECEIVED], Some(readings::NET)),
    grown("tx", "process_network_transmit_bytes_sum", &[process::SENT], Some(readings::NET)),
    grown("nvcsw", "process_voluntary_switches_sum", &[process::VOLUNTARY], Some(readings::SWITCHES)),
    grown("nivcsw", "process_involuntary_switches_sum", &[process::INVOLUNTARY], Some(readings::SWITCHES)),
    level("rss", "process_resident_memory_byte_seconds_sum", &[process::RESIDENT], Some(readings::MEMORY)),
    level("vsize", "process_virtual_memory_byte_seconds_sum", &[process::SIZE], Some(readings::MEMORY)),
    level("swap", "process_swap_byte_seconds_sum", &[process::SWAP], Some(readings::MEMORY)),
    level("pss", "process_proportional_memory_byte_seconds_sum", &[process::PSS], Some(readings::PSS)),
    level("uss", "process_unique_memory_byte_seconds_sum", &[process::USS], Some(readings::PSS)),
    level("threads", "process_thread_seconds_sum", &[process::THREADS], None),
    level("fds", "process_open_fd_seconds_sum", &[process::FDS], Some(readings::FDS)),
];

/// The figure with this id.
pub(crate) fn find(id: &str) -> Option<&'static Figure> {
    FIGURES.iter().find(|figure| figure.id == id)
}

impl Figure {
    pub(crate) const fn is_level(&self) -> bool {
        self.factor.is_none()
    }

    /// Whether the reading is known in these readings.
    pub(crate) fn known(&self, readings: i64) -> bool {
        self.reading.is_none_or(|at| Cells(&[readings]).code(0, at) == 0)
    }

    /// Whether the counters of it start in a row, so that their numbers are no growth.
    pub(crate) fn starts(&self, start: i64) -> bool {
        self.columns.iter().any(|place| match process::COLUMNS.get(*place).map(|column| column.shape) {
            Some(Shape::Counter(group)) => start >> group & 1 == 1,
            _ => false,
        })
    }

    /// The value of added-up columns, of growth in all and not yet each second.
    #[expect(clippy::cast_precision_loss, reason = "growth and levels stay far below 2^53")]
    pub(crate) fn value(&self, sum: i64) -> f64 {
        sum.max(0) as f64 * self.factor.unwrap_or(1.0)
    }
}

#[cfg(test)]
mod tests {
    use procyon_history::figures;

    use super::*;

    #[test]
    fn every_figure_of_history_is_had_from_columns() {
        for tracked in figures::PROCESS {
            let figure = find(tracked.id).unwrap_or_else(|| panic!("{} is missing", tracked.id));
            assert_eq!(figure.is_level(), matches!(tracked.source, figures::Source::Level(_)), "{}", tracked.id);
        }
        assert_eq!(FIGURES.len(), figures::PROCESS.len());
    }
}
