//! `filefd`: open files of the whole machine (`/proc/sys/fs/file-nr`).

use super::{Collector, Outcome, Places, number};
use crate::metric::Metrics;

#[derive(Default)]
pub(super) struct Filefd;

impl Collector for Filefd {
    fn update(&self, at: &Places, out: &mut Metrics) -> Outcome {
        const FILE: &str = "sys/fs/file-nr";
        let text = at.proc_text(FILE)?;
        let numbers: Vec<f64> = text.split_whitespace().filter_map(number).collect();
        let [allocated, _, maximum] = *numbers else { return Err(at.odd(FILE, "three numbers")) };
        out.gauge("node_filefd_allocated", "File descriptor statistics: allocated.", &[], allocated);
        out.gauge("node_filefd_maximum", "File descriptor statistics: maximum.", &[], maximum);
        Ok(())
    }
}
