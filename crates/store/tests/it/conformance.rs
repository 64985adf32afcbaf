//! Every claim about histories holds for this one, wherever frames stand.

use std::sync::Arc;

use procyon_history::conformance::{self, Subject};
use procyon_history::{HistoryError, Sink};
use procyon_model::Frame;
use procyon_store::{Config, Writer, open_reader, open_writer};

/// How often a log is closed, which is enough and does not take for ever on a slow disk.
const TIMES: u64 = 3;

/// Closes its log now and then.
struct Sealing {
    config: Config,
    writer: Option<Writer>,
    every: u64,
    reopens: bool,
    count: u64,
}

impl Sink for Sealing {
    fn write(&mut self, frame: &Arc<Frame>) -> Result<(), HistoryError> {
        if self.count.is_multiple_of(self.every) && self.count / self.every <= TIMES {
            if self.reopens {
                drop(self.writer.take());
            } else if let Some(writer) = &mut self.writer {
                writer.seal()?;
            }
        }
        self.count += 1;
        if self.writer.is_none() {
            self.writer = Some(open_writer(&self.config)?);
        }
        self.writer.as_mut().map_or(Ok(()), |writer| writer.write(frame))
    }

    fn sync(&mut self) -> Result<(), HistoryError> {
        match &mut self.writer {
            Some(writer) if self.every == u64::MAX => writer.seal(),
            Some(writer) => writer.sync(),
            None => Ok(()),
        }
    }
}

fn check(every: u64, reopens: bool) {
    conformance::run(|| {
        let folder = tempfile::tempdir().expect("a folder can be made");
        let config = Config::new(folder.path().join("history"));
        let sink = Sealing { config: config.clone(), writer: None, every, reopens, count: 0 };
        let history = open_reader(&config.dir).expect("a folder that is not there yet can be read");
        Subject { sink: Box::new(sink), history: Arc::new(history), keep: Box::new(folder) }
    });
}

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

#[test]
fn one_block_passes_the_conformance_suite() {
    check(u64::MAX, false);
}

#[test]
fn blocks_and_a_log_pass_the_conformance_suite() {
    check(7, false);
}

#[test]
fn a_log_that_is_opened_again_and_again_passes_the_conformance_suite() {
    check(3, true);
}
