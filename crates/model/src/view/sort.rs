//! Order of rows by any figure.

use std::cmp::Ordering;

use crate::catalogue::Figure;
use crate::process::ProcessRow;

/// By which figure rows are ordered, and which way.
#[derive(Debug)]
pub struct Order<R: 'static> {
    /// The figure.
    pub by: &'static Figure<R>,
    /// Largest first.
    pub descending: bool,
}

impl<R> Clone for Order<R> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<R> Copy for Order<R> {}

impl<R> Order<R> {
    /// Compares two rows. Unknown values stand last, whichever way the order goes.
    pub fn compare(&self, a: &R, b: &R) -> Ordering {
        let (a, b) = ((self.by.value)(a), (self.by.value)(b));
        let unknown = |value: &crate::Value<'_>| matches!(value, crate::Value::Unknown);
        match (unknown(&a), unknown(&b)) {
            (true, true) => Ordering::Equal,
            (true, false) => Ordering::Greater,
            (false, true) => Ordering::Less,
            (false, false) if self.descending => b.order(&a),
            (false, false) => a.order(&b),
        }
    }
}

/// Sorts processes; ties by start, then pid, so that equal rows keep still.
pub fn sort_processes(rows: &mut [&ProcessRow], order: Order<ProcessRow>) {
    rows.sort_by(|a, b| {
        order.compare(a, b).then_with(|| a.key.start.cmp(&b.key.start)).then_with(|| a.key.pid.cmp(&b.key.pid))
    });
}

/// The first `limit` processes in this order, cheaper than sorting all of them.
pub fn top_processes(mut rows: Vec<&ProcessRow>, order: Order<ProcessRow>, limit: usize) -> Vec<&ProcessRow> {
    let by = |a: &&ProcessRow, b: &&ProcessRow| {
        order.compare(a, b).then_with(|| a.key.start.cmp(&b.key.start)).then_with(|| a.key.pid.cmp(&b.key.pid))
    };
    if limit < rows.len() && limit > 0 {
        rows.select_nth_unstable_by(limit - 1, by);
    }
    rows.truncate(limit);
    rows.sort_by(by);
    rows
}
