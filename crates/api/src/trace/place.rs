//! A place before a trace: from the line in the audit log that says that somebody watches to the one that says that it is over,
//! which is written whatever happens in between.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use procyon_control::{Control, ControlError, How, Watched};
use procyon_model::ProcessKey;
use procyon_trace::session::Viewer;

use super::running::{Voice, Watcher};
use crate::access::Caller;

/// How many places are taken. Whoever stops waits until there are none, so that the log has the end of each.
#[derive(Debug, Default)]
pub(crate) struct Places {
    taken: Mutex<usize>,
    left: Condvar,
}

impl Places {
    fn taken(&self) -> MutexGuard<'_, usize> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn count(self: &Arc<Self>) -> Counted {
        *self.taken() += 1;
        Counted(Arc::clone(self))
    }

    /// Waits until none is taken, at most so long; says whether none is.
    pub(crate) fn wait_until_free(&self, at_most: Duration) -> bool {
        let waited = self.left.wait_timeout_while(self.taken(), at_most, |taken| *taken > 0);
        let (taken, _) = waited.unwrap_or_else(PoisonError::into_inner);
        *taken == 0
    }
}

#[derive(Debug)]
struct Counted(Arc<Places>);

impl Drop for Counted {
    fn drop(&mut self) {
        *self.0.taken() -= 1;
        self.0.left.notify_all();
    }
}

/// Why a viewer's trace is over; who says it first is believed.
#[derive(Debug, Clone, Default)]
pub(super) struct Why(Arc<OnceLock<String>>);

impl Why {
    pub(super) fn say(&self, why: impl Into<String>) {
        // Another one knew before.
        self.0.set(why.into()).ok();
    }
}

/// What the audit log says of a viewer. The last line is written when this is dropped, which waits for the disk.
pub(super) struct Entry {
    control: Arc<Control>,
    watched: Watched,
    why: Why,
    has_begun: bool,
    /// Given back after that.
    _counted: Counted,
}

impl Entry {
    /// Writes the first line.
    pub(super) fn begin(
        places: &Arc<Places>,
        control: &Arc<Control>,
        caller: &Caller,
        key: &ProcessKey,
        how: How,
    ) -> Result<Self, ControlError> {
        let counted = places.count();
        let watched = control.begin_trace(&caller.actor(), key, how)?;
        Ok(Self { control: Arc::clone(control), watched, why: Why::default(), has_begun: false, _counted: counted })
    }

    /// It came to nothing.
    pub(super) fn fail(self, why: &str) {
        self.why.say(why);
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        let usual = if std::thread::panicking() { "procyon failed inside" } else { "the viewer left" };
        let why = self.why.0.get().map_or(usual, String::as_str);
        if self.has_begun {
            self.control.end_trace(&self.watched, why);
        } else {
            self.control.fail_trace(&self.watched, why);
        }
    }
}

/// A place before a trace.
pub(crate) struct Place(Option<Taken>);

/// What belongs to a place, in the order in which it is let go of: the trace itself ends with its last viewer, and then it is
/// written down that it has. That takes a moment.
pub(super) struct Taken {
    pub(super) viewer: Viewer,
    pub(super) watcher: Watcher,
    entry: Entry,
}

impl Taken {
    pub(super) fn why(&self) -> Why {
        self.entry.why.clone()
    }
}

impl Place {
    pub(super) fn new(viewer: Viewer, watcher: Watcher, mut entry: Entry) -> Self {
        entry.has_begun = true;
        Self(Some(Taken { viewer, watcher, entry }))
    }

    /// By which its viewer is heard, and to say why it is over.
    pub(super) fn voice(&self) -> Option<(Voice, Why)> {
        self.0.as_ref().map(|taken| (taken.watcher.voice(taken.viewer.allowance()), taken.why()))
    }

    /// For a thread that may wait.
    pub(super) fn take(mut self) -> Option<Taken> {
        self.0.take()
    }
}

impl Drop for Place {
    /// Nobody came to sit there, or what was to begin there did not.
    fn drop(&mut self) {
        let Some(taken) = self.0.take() else { return };
        // Not on this thread, which serves others; only where there is no other one.
        let leave = std::thread::Builder::new().name("trace ends".to_owned()).spawn(move || drop(taken));
        if let Err(error) = leave {
            tracing::warn!(%error, "the end of a trace had no thread of its own");
        }
    }
}

#[cfg(test)]
mod tests {
    use procyon_control::{Actor, Audit, Engine, Role, look_up};
    use procyon_units::SystemClock;

    use super::*;

    fn entry(folder: &std::path::Path, places: &Arc<Places>) -> Entry {
        let (key, _) = look_up(std::process::id(), 7).unwrap();
        let control = Arc::new(Control::new(Audit::in_directory(folder), 7, Arc::new(SystemClock)));
        let actor = Actor { role: Role::Operator, name: "test".to_owned(), from: "here".to_owned() };
        let how = How { engine: Engine::Ebpf, follow: false };
        let watched = control.begin_trace(&actor, &key, how).unwrap();
        Entry { control, watched, why: Why::default(), has_begun: true, _counted: places.count() }
    }

    fn last_line(folder: &std::path::Path) -> serde_json::Value {
        let log = std::fs::read_to_string(folder.join("audit.jsonl")).unwrap();
        serde_json::from_str(log.lines().last().unwrap()).unwrap()
    }

    #[test]
    fn a_thread_that_breaks_off_leaves_the_end_in_the_log() {
        let (folder, places) = (tempfile::tempdir().unwrap(), Arc::default());
        let entry = entry(folder.path(), &places);
        let broken = std::thread::spawn(move || {
            let _entry = entry;
            panic!("as a test wants it");
        });
        assert!(broken.join().is_err());
        let line = last_line(folder.path());
        assert_eq!((&line["result"], &line["reason"]), (&"ended".into(), &"procyon failed inside".into()), "{line}");
    }

    #[test]
    fn who_says_first_why_it_is_over_is_believed_and_a_stop_waits_for_the_line() {
        let (folder, places) = (tempfile::tempdir().unwrap(), Arc::default());
        let entry = entry(folder.path(), &places);
        entry.why.say("procyon stops");
        entry.why.say("the viewer left");
        assert!(!places.wait_until_free(Duration::from_millis(1)));
        let writer = std::thread::spawn(move || drop(entry));
        assert!(places.wait_until_free(Duration::from_mins(1)));
        assert_eq!(last_line(folder.path())["reason"], "procyon stops");
        writer.join().unwrap();
    }
}
