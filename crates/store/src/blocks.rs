//! The thread that makes blocks of closed logs, puts the blocks of an hour together and lets the oldest ones go.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use procyon_history::HistoryError;
use procyon_units::Wall;

use crate::block::Name;
use crate::block::build::build;
use crate::block::merge::{due, merge};
use crate::config::Config;
use crate::folder::Folder;
use crate::log::Log;
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
    /// Make room, of blocks and of all logs up to the one of this number.
    Room { last: u64 },
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

    /// Has the oldest frames go as far as age and size want it; those of later logs than this one stay.
    pub(crate) fn make_room(&self, last: u64) {
        self.send(Job::Room { last });
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
            Job::Room { last } => Some(make_room(folder, config, last)),
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

/// This part of the time that history is kept has to be recorded before an instant says how old the rest is.
const PART_OF_AGE: i64 = 100;

/// The instant by which age is told: the newest one before which enough was recorded. A clock that is wrong for a while, in a far
/// future, makes nothing old.
fn now_ms(names: &[Name], age: i64) -> Option<i64> {
    let recorded = |until: i64| -> i64 {
        let within = names.iter().filter(|name| name.to_ms <= until && name.to_ms > until.saturating_sub(age));
        within.map(|name| name.to_ms.saturating_sub(name.from_ms)).fold(0, i64::saturating_add)
    };
    let mut ends: Vec<i64> = names.iter().map(|name| name.to_ms).collect();
    ends.sort_unstable();
    ends.into_iter().rev().find(|end| recorded(*end) >= age / PART_OF_AGE)
}

/// What can go.
#[derive(Debug, Clone, Copy)]
enum Part {
    Block(Name),
    /// A log that did not become a block.
    Log(u64),
    /// One that was set aside.
    Damaged(u64),
}

impl Part {
    fn bytes(self, folder: &Folder) -> Result<u64, HistoryError> {
        match self {
            Self::Block(name) => folder.block_bytes(name),
            Self::Log(seq) => folder.file_bytes(&folder.log(seq)),
            Self::Damaged(seq) => folder.file_bytes(&folder.damaged_log(seq)),
        }
    }

    fn remove(self, folder: &Folder) -> Result<(), HistoryError> {
        match self {
            Self::Block(name) => folder.remove_block(name),
            Self::Log(seq) => folder.remove_file(&folder.log(seq)),
            Self::Damaged(seq) => folder.remove_file(&folder.damaged_log(seq)),
        }
    }
}

/// Everything that can go, the oldest first, with the instant of its last frame.
fn parts(folder: &Folder, names: &[Name], last: u64) -> Result<Vec<(i64, Part)>, HistoryError> {
    let mut parts: Vec<(i64, u64, Part)> =
        names.iter().map(|name| (name.to_ms, name.first, Part::Block(*name))).collect();
    // A log that is no block is as old as the block that holds some of it, or else follows it; where there is none, its frames tell.
    let beside = |seq: u64| {
        let block = names.iter().filter(|name| name.last >= seq).min_by_key(|name| name.first)?;
        Some(if block.first <= seq { block.to_ms } else { block.from_ms })
    };
    let end = |seq: u64, path: PathBuf| {
        if let Some(end) = beside(seq) {
            return Ok(end);
        }
        let marks = Log::new(Arc::clone(&folder.disk), path).marks(Wall(i64::MAX))?;
        Ok::<i64, HistoryError>(marks.last().map_or(i64::MAX, |mark| mark.at_ms))
    };
    for seq in folder.log_numbers()?.into_iter().filter(|seq| *seq <= last) {
        parts.push((end(seq, folder.log(seq))?, seq, Part::Log(seq)));
    }
    for seq in folder.damaged_numbers()? {
        parts.push((end(seq, folder.damaged_log(seq))?, seq, Part::Damaged(seq)));
    }
    parts.sort_by_key(|(to_ms, first, _)| (*to_ms, *first));
    Ok(parts.into_iter().map(|(to_ms, _, part)| (to_ms, part)).collect())
}

/// Removes the oldest parts as far as age and size want it.
fn make_room(folder: &Folder, config: &Config, last: u64) -> Result<(), HistoryError> {
    let age = i64::try_from(config.retention.as_millis()).unwrap_or(i64::MAX);
    let names = folder.block_names()?;
    let oldest_ms = now_ms(&names, age).map_or(i64::MIN, |now| now.saturating_sub(age));
    let mut bytes = folder.bytes()?;
    for (to_ms, part) in parts(folder, &names, last)? {
        if to_ms >= oldest_ms && bytes <= config.max_size.0 {
            break;
        }
        bytes = bytes.saturating_sub(part.bytes(folder)?);
        part.remove(folder)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn age_is_told_by_a_clock_that_was_right_for_a_while() {
        let hour = |first: u64, hour: i64| Name { first, last: first, from_ms: hour * 100, to_ms: hour * 100 + 100 };
        let kept: Vec<Name> = (1..=48).zip(0..).map(|(number, at)| hour(number, at)).collect();
        let with = |more: &[Name]| now_ms(&[&kept, more].concat(), 20_000);
        assert_eq!(with(&[]), Some(4800));
        // The next hour; after weeks off, once enough was recorded again.
        assert_eq!(with(&[hour(49, 48)]), Some(4900));
        assert_eq!(with(&[hour(49, 900)]), Some(4800));
        assert_eq!(with(&[hour(49, 900), hour(50, 901)]), Some(90_200));
        // A clock far ahead for a while, and right again.
        assert_eq!(with(&[hour(49, 90_000), hour(50, 48)]), Some(4900));
        assert_eq!(now_ms(&[], 20_000), None);
    }
}
