//! A figure as the kernel names it, and the family that serves it: the shape of collectors that serve a list of them.

use crate::metric::{Kind, Metrics};

/// One of a list of figures.
#[derive(Debug, Clone, Copy)]
pub(super) struct Row {
    /// What the kernel calls it: a file, a column, the beginning of a line.
    pub(super) source: &'static str,
    kind: Kind,
    name: &'static str,
    help: &'static str,
}

impl Row {
    pub(super) const fn counter(source: &'static str, name: &'static str, help: &'static str) -> Self {
        Self { source, kind: Kind::Counter, name, help }
    }

    pub(super) const fn gauge(source: &'static str, name: &'static str, help: &'static str) -> Self {
        Self { source, kind: Kind::Gauge, name, help }
    }

    /// Adds its value.
    pub(super) fn put(&self, labels: &[(&'static str, &str)], value: f64, out: &mut Metrics) {
        out.add(self.kind, self.name.into(), self.help.into(), labels, value);
    }
}
