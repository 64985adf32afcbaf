//! Every claim about histories holds for this one.

use std::sync::Arc;

use procyon_history::conformance::{self, Subject};
use procyon_store::{Config, open_reader, open_writer};

#[test]
fn a_log_passes_the_conformance_suite() {
    conformance::run(|| {
        let folder = tempfile::tempdir().unwrap();
        let config = Config::new(folder.path().join("history"));
        let sink = open_writer(&config).unwrap();
        let history = open_reader(&config.dir).unwrap();
        Subject { sink: Box::new(sink), history: Arc::new(history), keep: Box::new(folder) }
    });
}
