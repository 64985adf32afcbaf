//! Stands between a feed and a writer: takes frames without ever making the collector wait, and gets over a disk that fails.

use std::io::ErrorKind;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use procyon_history::{HistoryError, Sink};
use procyon_model::Frame;
use procyon_model::feed::Consumer;
use procyon_units::{Clock, Mono, SystemClock};

use crate::config::Config;
use crate::disk::{Disk, RealDisk};
use crate::reader::Reader;
use crate::status::{Status, chain};
use crate::writer::Writer;

/// Frames that wait to be kept; more are left out and counted.
const QUEUE: usize = 16;
/// How long after a failure the next attempt is made.
const RETRY: Duration = Duration::from_secs(5);

/// Keeps the frames of a feed in a store, on a thread of its own.
#[derive(Debug)]
pub struct Recorder {
    sender: SyncSender<Message>,
    status: Arc<Status>,
    reader: Reader,
    thread: Mutex<Option<JoinHandle<()>>>,
}

enum Message {
    Frame(Arc<Frame>),
    Finish,
}

impl Recorder {
    /// Opens the store and starts its thread.
    ///
    /// # Errors
    /// When the folder belongs to somebody else, is locked, or is not to be used by this user. A disk that fails is got over, also when
    /// it does so now.
    pub fn start(config: &Config) -> Result<Self, HistoryError> {
        Self::start_on(Arc::new(RealDisk), config, Arc::new(SystemClock))
    }

    pub(crate) fn start_on(disk: Arc<dyn Disk>, config: &Config, clock: Arc<dyn Clock>) -> Result<Self, HistoryError> {
        let (writer, trouble) = match Writer::open(Arc::clone(&disk), config) {
            Ok(writer) => (Some(writer), None),
            Err(error) if may_heal(&error) => (None, Some(chain(&error))),
            Err(error) => return Err(error),
        };
        let status = Arc::new(Status::default());
        let reader = Reader::beside(Arc::clone(&disk), config, Arc::clone(&status));
        let (sender, receiver) = sync_channel(QUEUE);
        let mut keeper = Keeper {
            disk,
            config: config.clone(),
            status: Arc::clone(&status),
            clock,
            writer,
            retry_at: Mono(0),
            sync_at: None,
        };
        if let Some(why) = trouble {
            keeper.trouble(&why);
        }
        let thread = std::thread::Builder::new()
            .name("procyon-history".to_owned())
            .spawn(move || keeper.run(&receiver))
            .map_err(|source| HistoryError::Io { attempt: "start a thread for history".to_owned(), source })?;
        Ok(Self { sender, status, reader, thread: Mutex::new(Some(thread)) })
    }

    /// Answers questions about what is kept.
    pub fn history(&self) -> Reader {
        self.reader.clone()
    }

    /// Counts a frame that came too fast for who stands before the recorder.
    pub fn miss(&self) {
        self.status.missed.fetch_add(1, Ordering::Relaxed);
    }

    /// Keeps what still waits, makes it survive, and gives the folder free. Frames that come later are counted as lost.
    pub fn finish(&self) {
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(thread) = thread else { return };
        // A full queue is emptied by the thread, so this waits for it and not for ever.
        if self.sender.send(Message::Finish).is_ok() && thread.join().is_err() {
            tracing::error!("the thread of history ended by a panic");
        }
    }
}

impl Consumer for Recorder {
    fn offer(&self, frame: &Arc<Frame>) {
        match self.sender.try_send(Message::Frame(Arc::clone(frame))) {
            Ok(()) => {}
            Err(TrySendError::Full(_)) => self.miss(),
            Err(TrySendError::Disconnected(_)) => self.status.lose(),
        }
    }
}

impl Drop for Recorder {
    fn drop(&mut self) {
        self.finish();
    }
}

/// What the thread works with.
struct Keeper {
    disk: Arc<dyn Disk>,
    config: Config,
    status: Arc<Status>,
    clock: Arc<dyn Clock>,
    /// None after a failure, until the next attempt.
    writer: Option<Writer>,
    retry_at: Mono,
    /// When what was written has to be made to survive; none while all of it does.
    sync_at: Option<Mono>,
}

impl Keeper {
    fn run(&mut self, messages: &Receiver<Message>) {
        loop {
            let wait = self.sync_at.map_or(RETRY, |at| at.since(self.clock.mono()));
            match messages.recv_timeout(wait) {
                Ok(Message::Frame(frame)) => self.keep(&frame),
                Err(RecvTimeoutError::Timeout) => {}
                Ok(Message::Finish) | Err(RecvTimeoutError::Disconnected) => break,
            }
            if self.sync_at.is_some_and(|at| at <= self.clock.mono()) {
                self.sync();
            }
        }
        self.sync();
        self.writer = None;
    }

    fn keep(&mut self, frame: &Arc<Frame>) {
        if self.writer.is_none() && self.clock.mono() >= self.retry_at {
            self.reopen();
        }
        let Some(writer) = &mut self.writer else { return self.status.lose() };
        // A panic costs a frame, not the history of the future.
        let kept = catch_unwind(AssertUnwindSafe(|| writer.write(frame)));
        match kept {
            Ok(Ok(())) => {
                if self.status.set_trouble(None) {
                    tracing::info!("history is kept again");
                }
                let due = self.clock.mono().0.saturating_add(nanos(self.config.sync_every));
                self.sync_at.get_or_insert(Mono(due));
            }
            Ok(Err(error)) => self.fail(&chain(&error)),
            Err(_) => self.fail("writing a frame failed inside"),
        }
    }

    fn sync(&mut self) {
        self.sync_at = None;
        let synced = self.writer.as_mut().map_or(Ok(()), Sink::sync);
        if let Err(error) = synced {
            self.writer = None;
            self.trouble(&chain(&error));
        }
    }

    fn fail(&mut self, why: &str) {
        self.status.lose();
        self.writer = None;
        self.trouble(why);
    }

    fn trouble(&mut self, why: &str) {
        self.retry_at = Mono(self.clock.mono().0.saturating_add(nanos(RETRY)));
        if self.status.set_trouble(Some(why)) {
            tracing::error!(why, "history is not kept at the moment; it goes on by itself when it can");
        }
    }

    fn reopen(&mut self) {
        match Writer::open(Arc::clone(&self.disk), &self.config) {
            Ok(writer) => self.writer = Some(writer),
            Err(error) => self.trouble(&chain(&error)),
        }
    }
}

/// Whether what keeps a store from being opened may go away by itself.
fn may_heal(error: &HistoryError) -> bool {
    match error {
        HistoryError::Full(_) => true,
        // Somebody has to do something about these.
        HistoryError::Io { source, .. } => {
            !matches!(source.kind(), ErrorKind::PermissionDenied | ErrorKind::NotADirectory | ErrorKind::AlreadyExists)
        }
        _ => false,
    }
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}
