//! Figures of processes, by the columns that they are had from.

use crate::column::{Cells, Shape};
use crate::kinds::process::{self, readings};

/// How a figure is had from columns.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Figure {
    pub(crate) id: &'static str,
    /// Columns whose values add up.
    pub(crate) columns: &'static [usize],
    /// Reading in [`process::READINGS`] that has to be known; none where it always is.
    reading: Option<u32>,
    /// What growth is multiplied with; none for a level.
    factor: Option<f64>,
}

const fn grown(id: &'static str, columns: &'static [usize], reading: Option<u32>) -> Figure {
    Figure { id, columns, reading, factor: Some(1.0) }
}

const fn time(id: &'static str, columns: &'static [usize], reading: Option<u32>) -> Figure {
    Figure { id, columns, reading, factor: Some(1e-9) }
}

const fn level(id: &'static str, columns: &'static [usize], reading: Option<u32>) -> Figure {
    Figure { id, columns, reading, factor: None }
}

/// All of [`procyon_history::figures::PROCESS`].
pub(crate) static FIGURES: &[Figure] = &[
    time("cpu", &[process::CPU_USER, process::CPU_SYSTEM], None),
    time("cpu_user", &[process::CPU_USER], None),
    time("cpu_sys", &[process::CPU_SYSTEM], None),
    time("runq", &[process::RUN_DELAY], Some(readings::RUN_DELAY)),
    grown("minflt", &[process::MINOR], None),
    grown("majflt", &[process::MAJOR], None),
    grown("read", &[process::READ], Some(readings::IO)),
    grown("write", &[process::WRITTEN], Some(readings::IO)),
    grown("rchar", &[process::READ_CHARS], Some(readings::IO)),
    grown("wchar", &[process::WRITTEN_CHARS], Some(readings::IO)),
    grown("rx", &[process::RECEIVED], Some(readings::NET)),
    grown("tx", &[process::SENT], Some(readings::NET)),
    grown("nvcsw", &[process::VOLUNTARY], Some(readings::SWITCHES)),
    grown("nivcsw", &[process::INVOLUNTARY], Some(readings::SWITCHES)),
    level("rss", &[process::RESIDENT], Some(readings::MEMORY)),
    level("vsize", &[process::SIZE], Some(readings::MEMORY)),
    level("swap", &[process::SWAP], Some(readings::MEMORY)),
    level("pss", &[process::PSS], Some(readings::PSS)),
    level("uss", &[process::USS], Some(readings::PSS)),
    level("threads", &[process::THREADS], None),
    level("fds", &[process::FDS], Some(readings::FDS)),
];

/// The figure with this id.
pub(crate) fn find(id: &str) -> Option<&'static Figure> {
    FIGURES.iter().find(|figure| figure.id == id)
}

/// A number of a column, as what can be added up; none is negative.
#[expect(clippy::cast_precision_loss, reason = "growth and levels stay far below 2^53")]
pub(crate) fn plain(value: i64) -> f64 {
    value.max(0) as f64
}

/// Name in the summary of a block for a column of processes: what it grew by in all, or its mean over the time that the process lived.
pub(crate) fn summed(place: usize) -> String {
    let column = process::COLUMNS.get(place);
    let ending = if column.is_some_and(|column| matches!(column.shape, Shape::Counter(_))) { "sum" } else { "mean" };
    format!("{}_{ending}", column.map_or("", |column| column.name))
}

impl Figure {
    /// Whether it is what it is, and not growth.
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
    pub(crate) fn value(&self, sum: i64) -> f64 {
        self.scaled(plain(sum))
    }

    /// The value of what was added up as it stands in columns.
    pub(crate) fn scaled(&self, sum: f64) -> f64 {
        sum * self.factor.unwrap_or(1.0)
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
