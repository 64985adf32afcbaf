//! Reads that touch the memory of a process, and wait for as long as the process is stuck in the kernel: its arguments and
//! `smaps_rollup`. A thread of its own takes them; one that gets stuck is left behind with its process, which is then read
//! without these files until it comes back.

use std::collections::HashSet;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use procyon_linux::proc::{PidDir, ProcDir, pid_cgroup, pid_cmdline, pid_smaps_rollup, pid_status};
use procyon_linux::root::Root;
use procyon_units::{Clock, Reading};

use super::source::Key;

/// Time between two looks at what has come.
const LOOK: Duration = Duration::from_millis(100);
/// Threads that may be left behind; with so many, nothing is asked before one has come back.
const MOST_STUCK: usize = 4;

/// What is asked of a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Question {
    /// Arguments, control groups, effective user.
    Facts,
    /// Proportional memory.
    Proportional,
}

impl Question {
    /// A process that takes longer is stuck. The pages of 100 GiB are walked in about two seconds.
    const fn patience(self) -> Duration {
        match self {
            Self::Facts => Duration::from_millis(500),
            Self::Proportional => Duration::from_secs(3),
        }
    }
}

/// What came of it.
#[derive(Debug)]
pub(super) enum Answer {
    Facts {
        arguments: Vec<String>,
        cgroups: Vec<String>,
        euid: u32,
    },
    /// Resident and swapped; none where we may not see it, or there is none.
    Proportional(Option<(u64, u64)>),
    /// It has ended.
    Nothing,
}

/// Asks, and leaves behind what does not answer.
pub(super) struct Blocking {
    root: Root,
    stuck: Vec<Stuck>,
}

/// A thread that was left behind, and the process that it waits for.
struct Stuck {
    key: Key,
    board: Arc<Board>,
}

/// Where a thread puts what it found.
struct Board {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    answers: Vec<(Key, Answer)>,
    over: bool,
}

impl Board {
    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Blocking {
    pub(super) fn new(root: &Root) -> Self {
        Self { root: root.clone(), stuck: Vec::new() }
    }

    /// Asks all of this. Who does not answer in time is missing.
    pub(super) fn ask(&mut self, questions: Vec<(Key, Question)>, clock: &dyn Clock) -> Vec<(Key, Answer)> {
        self.stuck.retain(|stuck| !stuck.board.lock().over);
        let blocked: HashSet<Key> = self.stuck.iter().map(|stuck| stuck.key).collect();
        let mut left: Vec<(Key, Question)> = questions.into_iter().filter(|(key, _)| !blocked.contains(key)).collect();
        let mut answers = Vec::with_capacity(left.len());
        while !left.is_empty() && self.stuck.len() < MOST_STUCK {
            let board = Arc::new(Board { state: Mutex::default(), changed: Condvar::new() });
            if !start(&self.root, left.clone(), Arc::clone(&board)) {
                break;
            }
            let patience = left.iter().map(|(_, question)| question.patience()).max().unwrap_or_default();
            let got = wait(&board, left.len(), patience, clock);
            let done = got.len();
            answers.extend(got);
            if let Some((key, _)) = left.get(done) {
                tracing::warn!(
                    pid = key.pid,
                    "reading the memory of a process blocks; it goes without until that returns"
                );
                self.stuck.push(Stuck { key: *key, board });
            }
            left.drain(..left.len().min(done + 1));
        }
        answers
    }
}

/// Waits until all answers are there, or none has come for too long.
fn wait(board: &Board, expected: usize, patience: Duration, clock: &dyn Clock) -> Vec<(Key, Answer)> {
    let mut state = board.lock();
    let (mut seen, mut since) = (0, clock.mono());
    while !state.over && state.answers.len() < expected {
        let waited = board.changed.wait_timeout(state, LOOK);
        state = waited.unwrap_or_else(PoisonError::into_inner).0;
        let now = clock.mono();
        if state.answers.len() > seen {
            (seen, since) = (state.answers.len(), now);
        } else if now.since(since) >= patience {
            break;
        }
    }
    std::mem::take(&mut state.answers)
}

/// Starts a thread that answers.
fn start(root: &Root, questions: Vec<(Key, Question)>, board: Arc<Board>) -> bool {
    let root = root.clone();
    let work = move || {
        if let Ok(proc) = ProcDir::open(&root) {
            let mut buffer = Vec::new();
            for (key, question) in questions {
                let answer = answer(&proc, key, question, &mut buffer).unwrap_or(Answer::Nothing);
                board.lock().answers.push((key, answer));
            }
        }
        board.lock().over = true;
        board.changed.notify_all();
    };
    let started = std::thread::Builder::new().name("procyon-memory".into()).spawn(work);
    if let Err(error) = &started {
        tracing::warn!(%error, "could not start a thread that reads the memory of processes");
    }
    started.is_ok()
}

fn answer(proc: &ProcDir, key: Key, question: Question, buffer: &mut Vec<u8>) -> Option<Answer> {
    let dir = PidDir::open(proc, key.pid).ok()?;
    if !matches!(dir.start_time(buffer), Ok(Reading::Known(start)) if start == key.start) {
        return None;
    }
    if question == Question::Proportional {
        let rollup = pid_smaps_rollup::read(&dir, buffer).ok()?;
        return Some(Answer::Proportional(
            rollup.get().map(|rollup| (rollup.proportional.0, rollup.swap_proportional.0)),
        ));
    }
    let status = pid_status::read(&dir, buffer).ok()?;
    let euid = status.get()?.euid;
    let cgroups = match pid_cgroup::read(&dir, buffer).ok()? {
        Reading::Known(groups) => paths(&groups),
        _ => Vec::new(),
    };
    let arguments = match pid_cmdline::read(&dir, buffer).ok()? {
        Reading::Known(line) => line.arguments().map(lossy).collect(),
        _ => Vec::new(),
    };
    Some(Answer::Facts { arguments, cgroups, euid })
}

fn paths(groups: &pid_cgroup::PidCgroup) -> Vec<String> {
    let named = groups.hierarchies.iter().map(|hierarchy| &*hierarchy.path);
    named.chain(groups.unified.as_deref()).map(lossy).collect()
}

fn lossy(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use procyon_units::SystemClock;

    use super::*;

    #[test]
    fn we_are_told_of_ourselves_and_who_has_ended_is_nothing() {
        let root = Root::live();
        let proc = ProcDir::open(&root).unwrap();
        let pid = procyon_linux::own::pid();
        let start = PidDir::open(&proc, pid).unwrap().start_time(&mut Vec::new()).unwrap();
        let own = Key { pid, start: *start.get().unwrap() };
        let gone = Key { start: procyon_units::Ticks(u64::MAX), ..own };
        let mut blocking = Blocking::new(&root);
        let questions = vec![(own, Question::Facts), (gone, Question::Facts), (own, Question::Proportional)];
        let answers = blocking.ask(questions, &SystemClock);
        let [(_, Answer::Facts { arguments, cgroups, .. }), (_, Answer::Nothing), (_, Answer::Proportional(memory))] =
            &*answers
        else {
            panic!("{answers:?}");
        };
        assert!(arguments[0].contains("procyon_exporter") && !cgroups.is_empty());
        assert!(memory.is_some_and(|(resident, _)| resident > 0));
    }
}
