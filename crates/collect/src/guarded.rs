//! Reads that may block in the kernel for ever, each about one process: a thread of its own takes them in batches; one that
//! gets stuck is left behind, the process is named, and another thread goes on.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use procyon_model::key::ProcessKey;
use procyon_units::Mono;

use crate::background::Background;

/// A process that takes longer is stuck. It is about one process: a large batch on a busy machine may take its time.
const DEADLINE: Duration = Duration::from_secs(2);
/// Threads that may be left behind; with so many the reads are given up until one of them returns.
const MAX_STUCK: usize = 4;

/// A question about one process.
pub(crate) trait About {
    /// Which process.
    fn key(&self) -> ProcessKey;
}

impl About for ProcessKey {
    fn key(&self) -> ProcessKey {
        *self
    }
}

/// Answers one question; made anew for each thread.
pub(crate) type Answerer<Q, A> = Box<dyn FnMut(&Q) -> A + Send>;

/// What became of the batch in hand.
#[derive(Debug)]
pub(crate) enum Outcome<Q, A> {
    /// There is none, or it goes on.
    Nothing,
    /// Every question with its answer.
    Answers(Vec<(Q, A)>),
    /// It got stuck at this process; its other questions have to be asked again.
    Stuck(ProcessKey),
}

/// A thread for reads that may block, and those that were left behind.
pub(crate) struct Guarded<Q, A> {
    name: &'static str,
    make: Box<dyn Fn() -> Answerer<Q, A> + Send>,
    worker: Option<Worker<Q, A>>,
    left_behind: Vec<(Worker<Q, A>, ProcessKey)>,
    returned: Vec<ProcessKey>,
}

struct Worker<Q, A> {
    background: Background<Vec<Q>, Vec<(Q, A)>>,
    /// How many of the batch are answered, as the thread says.
    at: Arc<AtomicUsize>,
    /// What it said when it was last looked at, and since when.
    seen: (usize, Mono),
    batch: Vec<ProcessKey>,
}

impl<Q: About + Send + 'static, A: Send + 'static> Guarded<Q, A> {
    pub(crate) fn new(name: &'static str, make: Box<dyn Fn() -> Answerer<Q, A> + Send>) -> Self {
        Self { name, make, worker: None, left_behind: Vec::new(), returned: Vec::new() }
    }

    /// Looks what became of the batch in hand; never waits.
    pub(crate) fn poll(&mut self, now: Mono) -> Outcome<Q, A> {
        let returned = &mut self.returned;
        self.left_behind.retain_mut(|(worker, key)| {
            let stuck = worker.background.poll().is_none();
            if !stuck {
                returned.push(*key);
            }
            stuck
        });
        let Some(mut worker) = self.worker.take() else { return Outcome::Nothing };
        if let Some(answers) = worker.background.poll() {
            self.worker = Some(worker);
            return Outcome::Answers(answers);
        }
        let at = worker.at.load(Ordering::Relaxed);
        if worker.seen.0 != at {
            worker.seen = (at, now);
        }
        let stuck = now.since(worker.seen.1) > DEADLINE;
        if let Some(key) = worker.batch.get(at).copied().filter(|_| stuck) {
            self.left_behind.push((worker, key));
            return Outcome::Stuck(key);
        }
        self.worker = Some(worker);
        Outcome::Nothing
    }

    /// Processes whose reading came back after all since this was last asked.
    pub(crate) fn take_returned(&mut self) -> Vec<ProcessKey> {
        std::mem::take(&mut self.returned)
    }

    /// Whether a batch can be handed over.
    pub(crate) fn is_idle(&self, now: Mono) -> bool {
        match &self.worker {
            Some(worker) => worker.background.is_due(now),
            None => self.left_behind.len() < MAX_STUCK,
        }
    }

    /// Hands a batch over and gives it a moment, so that quick answers are there for the next [`Self::poll`].
    pub(crate) fn ask(&mut self, batch: Vec<Q>, now: Mono, patience: Duration) {
        if self.worker.is_none() {
            self.worker = self.start();
        }
        let Some(worker) = &mut self.worker else { return };
        worker.batch = batch.iter().map(About::key).collect();
        worker.at.store(0, Ordering::Relaxed);
        worker.seen = (0, now);
        worker.background.ask(batch, now);
        if !patience.is_zero() {
            worker.background.wait(patience);
        }
    }

    fn start(&self) -> Option<Worker<Q, A>> {
        let at = Arc::new(AtomicUsize::new(0));
        let (answered, mut answer) = (Arc::clone(&at), (self.make)());
        let all = move |batch: Vec<Q>| {
            let one = |question: Q| {
                let found = answer(&question);
                answered.fetch_add(1, Ordering::Relaxed);
                (question, found)
            };
            batch.into_iter().map(one).collect()
        };
        // A machine that can start no thread has other troubles; the next tick tries again.
        let background = Background::start(self.name, Duration::ZERO, DEADLINE, all).ok()?;
        Some(Worker { background, at, seen: (0, Mono(0)), batch: Vec::new() })
    }
}

impl<Q, A> std::fmt::Debug for Guarded<Q, A> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Guarded")
            .field("name", &self.name)
            .field("left_behind", &self.left_behind.len())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Condvar, Mutex};

    use procyon_units::Ticks;

    use super::*;

    fn key(pid: u32) -> ProcessKey {
        ProcessKey { pid, start: Ticks(1), boot: 1 }
    }

    type Gate = Arc<(Mutex<bool>, Condvar)>;

    /// A reader that hangs at process 7 until it is let go.
    fn hanging() -> (Guarded<ProcessKey, u32>, Gate) {
        let gate = Arc::new((Mutex::new(false), Condvar::new()));
        let shared = Arc::clone(&gate);
        let make = move || -> Answerer<ProcessKey, u32> {
            let gate = Arc::clone(&shared);
            Box::new(move |key: &ProcessKey| {
                if key.pid == 7 {
                    let open = gate.0.lock().unwrap();
                    drop(gate.1.wait_while(open, |open| !*open).unwrap());
                }
                key.pid * 2
            })
        };
        (Guarded::new("test", Box::new(make)), gate)
    }

    const SECOND: u64 = 1_000_000_000;
    const PATIENCE: Duration = Duration::from_secs(10);

    #[test]
    fn a_batch_that_hangs_names_its_process_and_the_next_batch_goes_on() {
        let (mut guarded, gate) = hanging();
        guarded.ask(vec![key(5), key(7), key(9)], Mono(0), Duration::from_millis(200));
        assert!(matches!(guarded.poll(Mono(SECOND)), Outcome::Nothing));
        assert!(matches!(guarded.poll(Mono(4 * SECOND)), Outcome::Stuck(stuck) if stuck == key(7)));
        assert!(guarded.is_idle(Mono(4 * SECOND)));
        guarded.ask(vec![key(5), key(9)], Mono(4 * SECOND), PATIENCE);
        let Outcome::Answers(answers) = guarded.poll(Mono(4 * SECOND)) else { panic!("the other two are answered") };
        assert_eq!(answers, [(key(5), 10), (key(9), 18)]);
        assert!(guarded.take_returned().is_empty());
        *gate.0.lock().unwrap() = true;
        gate.1.notify_all();
        procyon_testkit::eventually("the reading that hung comes back", PATIENCE, || {
            assert!(matches!(guarded.poll(Mono(5 * SECOND)), Outcome::Nothing));
            (guarded.take_returned() == [key(7)]).then_some(())
        });
    }

    #[test]
    fn a_long_batch_that_gets_on_is_not_stuck() {
        let (steps, next) = std::sync::mpsc::sync_channel::<()>(1);
        let next = Arc::new(Mutex::new(next));
        let make = move || -> Answerer<ProcessKey, ()> {
            let next = Arc::clone(&next);
            Box::new(move |_| next.lock().unwrap().recv().unwrap())
        };
        let mut guarded = Guarded::new("test", Box::new(make));
        guarded.ask((1..=4).map(key).collect(), Mono(0), Duration::ZERO);
        for done in 1..=3 {
            let now = Mono(done as u64 * 3 * SECOND / 2);
            steps.send(()).unwrap();
            procyon_testkit::eventually("one more is answered", PATIENCE, || {
                let worker = guarded.worker.as_ref().unwrap();
                (worker.at.load(Ordering::Relaxed) == done).then_some(())
            });
            assert!(matches!(guarded.poll(now), Outcome::Nothing), "4.5 s in all, 1.5 s each");
        }
        assert!(matches!(guarded.poll(Mono(7 * SECOND)), Outcome::Stuck(stuck) if stuck == key(4)));
        steps.send(()).unwrap();
    }

    #[test]
    fn no_more_than_four_threads_are_left_behind() {
        let (mut guarded, gate) = hanging();
        for round in 0..4 {
            let now = Mono(round * 10 * SECOND);
            assert!(guarded.is_idle(now));
            guarded.ask(vec![key(7)], now, Duration::ZERO);
            assert!(matches!(guarded.poll(Mono(now.0 + 3 * SECOND)), Outcome::Stuck(_)));
        }
        assert!(!guarded.is_idle(Mono(100 * SECOND)));
        *gate.0.lock().unwrap() = true;
        gate.1.notify_all();
    }
}
