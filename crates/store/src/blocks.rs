//! The thread that makes blocks of closed logs, puts the blocks of an hour together and lets the oldest ones go.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use procyon_history::HistoryError;

use crate::block::build::build;
use crate::block::merge::{due, merge};
use crate::config::Config;
use crate::folder::Folder;
use crate::status::chain;

/// Jobs that wait; closing logs waits when there are more.
const QUEUE: usize = 64;

/// Works on blocks in the background.
#[derive(Debug)]
pub(crate) struct Blocks {
    jobs: Option<SyncSender<Job>>,
    /// Why the last attempt failed; none when it did not.
    trouble: Arc<Mutex<Option<String>>>,
    thread: Option<JoinHandle<()>>,
}

enum Job {
    /// Make blocks of all logs up to the one of this number. Later ones may be open.
    Logs { last: u64 },
    /// Make room.
    Room { newest_ms: i64 },
    /// Say when all before is done.
    Done(SyncSender<()>),
}

impl Blocks {
    pub(crate) fn start(folder: &Folder, config: &Config) -> Result<Self, HistoryError> {
        let (jobs, receiver) = sync_channel(QUEUE);
        let (folder, config) = (folder.clone(), config.clone());
        let trouble = Arc::default();
        let told = Arc::clone(&trouble);
        let thread = std::thread::Builder::new()
            .name("procyon-blocks".to_owned())
            .spawn(move || work(&receiver, &folder, &config, &told))
            .map_err(|source| HistoryError::Io { attempt: "start a thread for history".to_owned(), source })?;
        Ok(Self { jobs: Some(jobs), trouble, thread: Some(thread) })
    }

    /// Has blocks made of all logs up to this one.
    pub(crate) fn logs_closed(&self, last: u64) {
        self.send(Job::Logs { last });
    }

    /// Has the oldest frames go as far as age and size want it.
    pub(crate) fn make_room(&self, newest_ms: i64) {
        self.send(Job::Room { newest_ms });
    }

    /// Waits until everything so far is done.
    pub(crate) fn settle(&self) {
        let (done, wait) = sync_channel(1);
        self.send(Job::Done(done));
        // An error means that the thread is gone, and then there is nothing to wait for.
        wait.recv().unwrap_or_default();
    }

    /// Why the last attempt to make blocks failed.
    pub(crate) fn trouble(&self) -> Option<String> {
        self.trouble.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn send(&self, job: Job) {
        if self.jobs.as_ref().is_some_and(|jobs| jobs.send(job).is_err()) {
            tracing::error!("the thread that makes blocks of history is gone; logs stay logs until the next start");
        }
    }
}

impl Drop for Blocks {
    fn drop(&mut self) {
        self.jobs = None;
        if self.thread.take().is_some_and(|thread| thread.join().is_err()) {
            tracing::error!("the thread that makes blocks of history ended by a panic");
        }
    }
}

fn work(jobs: &Receiver<Job>, folder: &Folder, config: &Config, trouble: &Mutex<Option<String>>) {
    while let Ok(job) = jobs.recv() {
        let done = catch_unwind(AssertUnwindSafe(|| match job {
            Job::Logs { last } => Some(make_blocks(folder, config, last)),
            Job::Room { newest_ms } => Some(make_room(folder, config, newest_ms)),
            Job::Done(done) => {
                // Nobody waits any more when this cannot be told.
                done.send(()).unwrap_or_default();
                None
            }
        }));
        let now = match done {
            Ok(None) => continue,
            Ok(Some(result)) => result.err().map(|error| chain(&error)),
            Err(_) => Some("it failed inside".to_owned()),
        };
        let mut before = trouble.lock().unwrap_or_else(PoisonError::into_inner);
        // The log stays and can be asked; the next attempt comes with the next log.
        if let Some(why) = now.as_ref().filter(|_| *before != now) {
            tracing::warn!(why, "making blocks of history failed; it is tried again");
        }
        *before = now;
    }
}

/// Makes blocks of all closed logs and puts together what can be.
fn make_blocks(folder: &Folder, config: &Config, last: u64) -> Result<(), HistoryError> {
    let mut result = Ok(());
    for seq in folder.log_numbers()? {
        if seq <= last {
            // One that fails leaves the others their turn.
            result = build(folder, seq).map(drop).and(result);
        }
    }
    for parts in due(&folder.block_names()?, config.block_ms()) {
        result = merge(folder, &parts).map(drop).and(result);
    }
    result
}

/// Removes the oldest blocks as far as age and size want it.
fn make_room(folder: &Folder, config: &Config, newest_ms: i64) -> Result<(), HistoryError> {
    let age = i64::try_from(config.retention.as_millis()).unwrap_or(i64::MAX);
    let oldest_ms = newest_ms.saturating_sub(age);
    let mut names = folder.block_names()?;
    let mut bytes = folder.bytes()?;
    names.sort_by_key(|name| (name.to_ms, name.first));
    for name in names {
        if name.to_ms >= oldest_ms && bytes <= config.max_size.0 {
            break;
        }
        bytes = bytes.saturating_sub(folder.block_bytes(name)?);
        folder.remove_block(name)?;
    }
    Ok(())
}
