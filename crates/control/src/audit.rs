//! The audit log: who did what to which process, when, with what result.
//!
//! A file of JSON lines, `audit.jsonl` in the state directory, mode 0600, only ever appended to. An action has two lines
//! with the same `id`: one before it (`"phase":"before"`), on disk before anything happens, and one after it with the
//! result; a refusal has one line. The result of a signal is `sent` or `failed`; that of a trace is `ended`, or `failed` when
//! nobody watched. Refusals for want of a role are written up to 60 times a minute; the next one says in
//! `left_out` how many were not. At 10 MiB the file is renamed to `audit.jsonl.1`, `.2` and so on; none is ever deleted.

use std::borrow::Cow;
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use procyon_model::ProcessKey;
use procyon_units::Wall;
use serde::Serialize;

use crate::{Actor, ControlError, Found, How, Signal};

/// Size at which the file is set aside.
const ROTATE_AT: u64 = 10 << 20;

/// How long to wait for another program that writes to the log.
const LOCK_DEADLINE: Duration = Duration::from_secs(5);
/// Pause between two attempts.
const LOCK_PAUSE: Duration = Duration::from_millis(2);

/// Most files set aside that are looked for.
const MAX_ASIDE: u32 = 100_000;

/// Why the log could not be written.
#[derive(Debug, thiserror::Error)]
#[error("could not {attempt} {}", .path.display())]
pub struct AuditError {
    attempt: &'static str,
    path: PathBuf,
    source: std::io::Error,
}

/// The log. Opened for every entry, so that whoever moves the file away gets a new one.
#[derive(Debug)]
pub struct Audit {
    path: PathBuf,
    rotate_at: u64,
    turn: Mutex<()>,
}

impl Audit {
    /// The log in this state directory.
    pub fn in_directory(state: &Path) -> Self {
        Self { path: state.join("audit.jsonl"), rotate_at: ROTATE_AT, turn: Mutex::new(()) }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn write(&self, entry: &Entry<'_>) -> Result<(), AuditError> {
        let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        let failed = |attempt| move |source| AuditError { attempt, path: self.path.clone(), source };
        // `procyon up` and `procyon signal` may write at the same time: setting aside must happen once, and not to a new file.
        let _lock = self.lock().map_err(failed("lock"))?;
        let mut line = serde_json::to_vec(entry).map_err(|error| failed("write")(error.into()))?;
        line.push(b'\n');
        let mut file = self.open().map_err(failed("open"))?;
        if file.metadata().map_err(failed("look at"))?.len() >= self.rotate_at {
            self.set_aside().map_err(failed("set aside"))?;
            file = self.open().map_err(failed("open"))?;
        }
        // One write, so that lines of two processes do not mix.
        file.write_all(&line).map_err(failed("write"))?;
        file.sync_data().map_err(failed("sync"))
    }

    /// Holds other programs off; released when dropped. A file of its own, because the log itself is renamed.
    fn lock(&self) -> std::io::Result<File> {
        let file = OpenOptions::new().create(true).append(true).mode(0o600).open(self.path.with_extension("lock"))?;
        let mut waited = Duration::ZERO;
        loop {
            match rustix::fs::flock(&file, rustix::fs::FlockOperation::NonBlockingLockExclusive) {
                Ok(()) => return Ok(file),
                // Somebody who was stopped while writing must not hold up everybody else for ever.
                Err(rustix::io::Errno::WOULDBLOCK) if waited < LOCK_DEADLINE => {
                    std::thread::park_timeout(LOCK_PAUSE);
                    waited += LOCK_PAUSE;
                }
                Err(rustix::io::Errno::INTR) => {}
                Err(errno) => return Err(errno.into()),
            }
        }
    }

    fn open(&self) -> std::io::Result<File> {
        OpenOptions::new().append(true).create(true).mode(0o600).open(&self.path)
    }

    fn set_aside(&self) -> std::io::Result<()> {
        let name = |number: u32| PathBuf::from(format!("{}.{number}", self.path.display()));
        let free = (1..=MAX_ASIDE).map(name).find(|path| path.symlink_metadata().is_err());
        free.map_or(Ok(()), |path| std::fs::rename(&self.path, path))
    }
}

/// One line of the log.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Entry<'a> {
    at: String,
    id: String,
    phase: &'static str,
    action: &'static str,
    role: &'static str,
    name: &'a str,
    from: &'a str,
    key: String,
    pid: u32,
    process: Option<String>,
    /// None where an attempt did not say which, or said nonsense.
    signal: Option<Cow<'static, str>>,
    /// How system calls are watched; not there for signals, nor where an attempt did not say.
    #[serde(skip_serializing_if = "Option::is_none")]
    how: Option<How>,
    #[serde(skip_serializing_if = "Option::is_none")]
    result: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    /// Refusals before this one that were not written down.
    #[serde(skip_serializing_if = "is_zero")]
    left_out: u64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
const fn is_zero(count: &u64) -> bool {
    *count == 0
}

impl<'a> Entry<'a> {
    pub(crate) fn signal(actor: &'a Actor, key: &ProcessKey, signal: Signal) -> Self {
        Self::attempt(actor, key, Some(signal))
    }

    /// Somebody watches the system calls of a process.
    pub(crate) fn trace(actor: &'a Actor, key: &ProcessKey, how: Option<How>) -> Self {
        Self { action: "trace", how, ..Self::attempt(actor, key, None) }
    }

    /// The same entry, with the number that the one before it had.
    pub(crate) fn with_id(self, id: &str) -> Self {
        Self { id: id.to_owned(), ..self }
    }

    pub(crate) fn id(&self) -> &str {
        &self.id
    }

    /// It is over, how it went, and why.
    pub(crate) fn over(&self, now: Wall, result: &'static str, why: &str) -> Self {
        Self { at: time(now), phase: "after", result: Some(result), reason: Some(why.to_owned()), ..self.clone() }
    }

    /// The same of an attempt that came to nothing.
    pub(crate) fn attempt(actor: &'a Actor, key: &ProcessKey, signal: Option<Signal>) -> Self {
        static COUNT: AtomicU64 = AtomicU64::new(1);
        Self {
            at: String::new(),
            id: format!("{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed)),
            phase: "before",
            action: "signal",
            role: actor.role.word(),
            name: &actor.name,
            from: &actor.from,
            key: key.to_string(),
            pid: key.pid,
            process: None,
            signal: signal.map(Signal::name),
            how: None,
            result: None,
            reason: None,
            left_out: 0,
        }
    }

    pub(crate) fn of(mut self, found: &Found) -> Self {
        self.process = Some(found.name.clone());
        self
    }

    pub(crate) fn before(&self, now: Wall) -> Self {
        Self { at: time(now), phase: "before", ..self.clone() }
    }

    pub(crate) fn after(&self, now: Wall, error: Option<&ControlError>) -> Self {
        let reason = error.map(|error| procyon_diag::message_of(error));
        let result = Some(if error.is_none() { "sent" } else { "failed" });
        Self { at: time(now), phase: "after", result, reason, ..self.clone() }
    }

    pub(crate) fn refused(&self, now: Wall, error: &ControlError, left_out: u64) -> Self {
        let reason = Some(procyon_diag::message_of(error));
        Self { at: time(now), phase: "after", result: Some("refused"), reason, left_out, ..self.clone() }
    }
}

/// RFC 3339 in UTC, to the millisecond.
fn time(now: Wall) -> String {
    match jiff::Timestamp::from_millisecond(now.unix_ms()) {
        Ok(time) => format!("{time:.3}"),
        Err(_) => now.unix_ms().to_string(),
    }
}

#[cfg(test)]
mod tests {
    use procyon_units::Ticks;

    use super::*;
    use crate::Role;

    #[test]
    fn a_full_log_is_set_aside_and_nothing_is_lost() {
        let dir = tempfile::tempdir().unwrap();
        let mut audit = Audit::in_directory(dir.path());
        audit.rotate_at = 1000;
        let actor = Actor { role: Role::Operator, name: "test".to_owned(), from: "here".to_owned() };
        let key = ProcessKey { pid: 7, start: Ticks(8), boot: 9 };
        for _ in 0..20 {
            audit.write(&Entry::signal(&actor, &key, Signal::TERM).before(Wall(0))).unwrap();
        }
        let files = std::fs::read_dir(dir.path()).unwrap().map(|entry| entry.unwrap().path());
        let mut files: Vec<PathBuf> = files.filter(|path| path.to_string_lossy().contains("audit.jsonl")).collect();
        files.sort();
        assert!(files.len() > 2, "{files:?}");
        let lines: usize = files.iter().map(|path| std::fs::read_to_string(path).unwrap().lines().count()).sum();
        assert_eq!(lines, 20);
    }

    #[test]
    fn two_programs_that_write_at_once_lose_no_line() {
        let dir = tempfile::tempdir().unwrap();
        let actor = Actor { role: Role::Operator, name: "test".to_owned(), from: "here".to_owned() };
        let key = ProcessKey { pid: 7, start: Ticks(8), boot: 9 };
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    // Each has a log of its own, as each program has.
                    let mut audit = Audit::in_directory(dir.path());
                    audit.rotate_at = 300;
                    for _ in 0..50 {
                        audit.write(&Entry::signal(&actor, &key, Signal::TERM).before(Wall(0))).unwrap();
                    }
                });
            }
        });
        let logs = std::fs::read_dir(dir.path()).unwrap().map(|entry| entry.unwrap().path());
        let logs = logs.filter(|path| path.to_string_lossy().contains("audit.jsonl"));
        let sizes: Vec<usize> = logs.map(|path| std::fs::read_to_string(path).unwrap().lines().count()).collect();
        assert_eq!(sizes.iter().sum::<usize>(), 200, "{sizes:?}");
        // None was set aside before it was full: two lines are.
        assert!(sizes.iter().filter(|lines| **lines < 2).count() <= 1, "{sizes:?}");
    }

    #[test]
    fn times_are_written_for_people_and_programs() {
        assert_eq!(time(Wall::from_unix_ms(1_700_000_000_123)), "2023-11-14T22:13:20.123Z");
    }
}
