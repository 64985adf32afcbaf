//! A slow source on a thread of its own: the collector hands over a question, goes on, and finds the answer at a later tick.

use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::Duration;

use procyon_model::frame::SourceState;
use procyon_units::{Clock, Mono, SystemClock};

use crate::clock::{book_background, thread_cpu};

/// One thread that answers one question at a time. Dropping it ends the thread after the question in hand, which nobody
/// waits for.
#[derive(Debug)]
pub(crate) struct Background<Q, A> {
    questions: SyncSender<Q>,
    answers: Receiver<(A, Duration)>,
    early: Option<(A, Duration)>,
    asked: Option<Mono>,
    last: Option<Mono>,
    took: Option<Duration>,
    interval: Duration,
    deadline: Duration,
}

impl<Q: Send + 'static, A: Send + 'static> Background<Q, A> {
    /// Starts the thread. Answers are asked for every `interval`; later than `deadline` counts as late.
    pub(crate) fn start(
        name: &str,
        interval: Duration,
        deadline: Duration,
        mut answer: impl FnMut(Q) -> A + Send + 'static,
    ) -> std::io::Result<Self> {
        let (questions, asked) = sync_channel::<Q>(1);
        let (send, answers) = sync_channel(1);
        std::thread::Builder::new().name(name.to_owned()).spawn(move || {
            while let Ok(question) = asked.recv() {
                let (begin, cpu) = (SystemClock.mono(), thread_cpu());
                let found = answer(question);
                book_background(thread_cpu().since(cpu));
                if send.send((found, SystemClock.mono().since(begin))).is_err() {
                    return;
                }
            }
        })?;
        Ok(Self { questions, answers, early: None, asked: None, last: None, took: None, interval, deadline })
    }

    /// Whether it is time to ask and nobody is being asked.
    pub(crate) fn is_due(&self, now: Mono) -> bool {
        self.asked.is_none() && self.last.is_none_or(|last| now.since(last) >= self.interval)
    }

    /// Whether nobody was asked yet.
    pub(crate) const fn is_first(&self) -> bool {
        self.last.is_none()
    }

    /// Hands over a question; to be called when [`Self::is_due`].
    pub(crate) fn ask(&mut self, question: Q, now: Mono) {
        if self.questions.try_send(question).is_ok() {
            self.asked = Some(now);
            self.last = Some(now);
        }
    }

    /// The answer, if it is there.
    pub(crate) fn poll(&mut self) -> Option<A> {
        let (answer, took) = self.early.take().or_else(|| self.answers.try_recv().ok())?;
        self.asked = None;
        self.took = Some(took);
        Some(answer)
    }

    /// Gives the thread a moment to answer, so that quick answers are there for the next [`Self::poll`].
    pub(crate) fn wait(&mut self, patience: Duration) {
        if self.early.is_none() {
            self.early = self.answers.recv_timeout(patience).ok();
        }
    }

    /// Whether the question in hand is past its deadline.
    pub(crate) fn is_late(&self, now: Mono) -> bool {
        self.asked.is_some_and(|asked| now.since(asked) > self.deadline)
    }

    /// How it is doing.
    pub(crate) fn state(&self, now: Mono) -> SourceState {
        if self.is_late(now) { SourceState::Late } else { SourceState::Ok }
    }

    /// How often it is asked.
    pub(crate) const fn interval(&self) -> Duration {
        self.interval
    }

    /// How long the last answer took.
    pub(crate) const fn took(&self) -> Option<Duration> {
        self.took
    }
}
