//! Writes what is told, on a thread of its own: an output that stands still (Ctrl-S, a reader that does not read) holds up nobody.

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use procyon_diag::{Fault, Kind};

use crate::output::Output;

/// Bytes that may wait to be written before nothing more is taken from the engine.
const MOST_WAITING: usize = 1 << 20;

/// Where it is written to.
pub(super) enum Sink {
    Output,
    Error,
    File(File),
}

impl Sink {
    /// A file, or standard error beside a command whose output is standard output, or that.
    pub(super) fn open(file: Option<&Path>, beside_command: bool) -> Result<Self, Fault> {
        match file {
            Some(path) => File::create(path).map(Self::File).map_err(|error| {
                Fault::new(Kind::Failed, format!("could not write to {}", path.display())).because(error)
            }),
            None if beside_command => Ok(Self::Error),
            None => Ok(Self::Output),
        }
    }

    fn writer(self) -> Box<dyn Write> {
        match self {
            Self::Output => Box::new(Output::new()),
            Self::Error => Box::new(io::stderr()),
            Self::File(file) => Box::new(file),
        }
    }
}

#[derive(Default)]
struct Waiting {
    bytes: Vec<u8>,
    /// No more will come.
    closed: bool,
    /// Why nothing is written any more.
    failed: Option<io::Error>,
}

#[derive(Default)]
struct Shared {
    waiting: Mutex<Waiting>,
    changed: Condvar,
}

/// What waits to be written, and the thread that does.
pub(super) struct Writer {
    shared: Arc<Shared>,
    thread: JoinHandle<()>,
}

impl Writer {
    pub(super) fn start(sink: Sink) -> Result<Self, Fault> {
        let shared = Arc::<Shared>::default();
        let in_thread = Arc::clone(&shared);
        let thread = std::thread::Builder::new()
            .name("output".to_owned())
            .spawn(move || in_thread.write_to(&mut *sink.writer()))
            .map_err(|error| Fault::new(Kind::Failed, "could not start a thread to write").because(error))?;
        Ok(Self { shared, thread })
    }

    /// Whether more may come: so much has been written that there is room, or is within this time.
    pub(super) fn has_room(&self, at_most: Duration) -> io::Result<bool> {
        let is_full = |waiting: &mut Waiting| waiting.bytes.len() >= MOST_WAITING && waiting.failed.is_none();
        let waited = self.shared.changed.wait_timeout_while(self.shared.waiting(), at_most, is_full);
        let (mut waiting, _) = waited.unwrap_or_else(PoisonError::into_inner);
        match waiting.failed.take() {
            Some(error) => Err(error),
            None => Ok(waiting.bytes.len() < MOST_WAITING),
        }
    }

    /// Adds text to what waits, whether there is room or not.
    pub(super) fn put(&self, text: &str) {
        self.shared.waiting().bytes.extend_from_slice(text.as_bytes());
        self.shared.changed.notify_all();
    }

    /// Waits until all is written.
    pub(super) fn finish(self) -> io::Result<()> {
        self.shared.waiting().closed = true;
        self.shared.changed.notify_all();
        // What a panic said has been said.
        self.thread.join().ok();
        self.shared.waiting().failed.take().map_or(Ok(()), Err)
    }
}

impl Shared {
    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn write_to(&self, output: &mut dyn Write) {
        loop {
            let is_idle = |waiting: &mut Waiting| waiting.bytes.is_empty() && !waiting.closed;
            let waiting = self.changed.wait_while(self.waiting(), is_idle);
            let bytes = std::mem::take(&mut waiting.unwrap_or_else(PoisonError::into_inner).bytes);
            if bytes.is_empty() {
                return;
            }
            let written = output.write_all(&bytes).and_then(|()| output.flush());
            let has_failed = written.is_err();
            self.waiting().failed = written.err();
            self.changed.notify_all();
            if has_failed {
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An output that stands still until it is let go.
    struct Slow(Arc<Mutex<()>>, Arc<Mutex<Vec<u8>>>);

    impl Write for Slow {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let _held = self.0.lock();
            self.1.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn an_output_that_stands_still_holds_up_nobody() {
        let (gate, got) = (Arc::<Mutex<()>>::default(), Arc::<Mutex<Vec<u8>>>::default());
        let shared = Arc::<Shared>::default();
        let (in_thread, slow) = (Arc::clone(&shared), Slow(Arc::clone(&gate), Arc::clone(&got)));
        let held = gate.lock().unwrap();
        let thread = std::thread::spawn(move || {
            let mut slow = slow;
            in_thread.write_to(&mut slow);
        });
        let writer = Writer { shared, thread };
        let line = "x".repeat(MOST_WAITING);
        writer.put("begin");
        while !writer.shared.waiting().bytes.is_empty() {
            std::thread::yield_now();
        }
        writer.put(&line);
        writer.put("end");
        assert!(!writer.has_room(Duration::from_millis(20)).unwrap());
        drop(held);
        writer.finish().unwrap();
        assert_eq!(got.lock().unwrap().len(), MOST_WAITING + 8);
    }

    #[test]
    fn a_reader_that_has_left_is_told() {
        struct Closed;
        impl Write for Closed {
            fn write(&mut self, _: &[u8]) -> io::Result<usize> {
                Err(io::ErrorKind::BrokenPipe.into())
            }

            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        let shared = Arc::<Shared>::default();
        let in_thread = Arc::clone(&shared);
        let writer = Writer { shared, thread: std::thread::spawn(move || in_thread.write_to(&mut Closed)) };
        writer.put("x");
        assert_eq!(writer.finish().unwrap_err().kind(), io::ErrorKind::BrokenPipe);
    }
}
