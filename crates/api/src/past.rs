//! The past of a machine: which frame answers for an instant, and what to say when none does.

use std::sync::Arc;

use procyon_diag::nearest;
use procyon_history::{Extent, Gap, History, HistoryError, figures};
use procyon_model::Frame;
use procyon_units::Wall;
use procyon_wire::{Problem, ProblemKind, history as wire};

use crate::app::{App, Host, Kept};
use crate::failure::Failure;
use crate::instant::Instant;
use crate::limits::HISTORY_QUESTIONS;
use crate::query::Query;

/// The frame that answers for an instant.
#[derive(Debug, Clone)]
pub(crate) struct Moment {
    /// The frame.
    pub(crate) frame: Arc<Frame>,
    /// The gap in which the instant lies.
    pub(crate) gap: Option<wire::Gap>,
    /// Whether it was asked for as an instant of the past.
    pub(crate) past: bool,
}

impl Moment {
    /// The newest frame.
    pub(crate) fn live(host: &Host) -> Result<Self, Failure> {
        Ok(Self { frame: host.frame()?, gap: None, past: false })
    }
}

impl App {
    /// The frame that answers for the `at` of a request: the newest one, or one of the past.
    pub(crate) async fn moment(self: &Arc<Self>, host: &Arc<Host>, query: &Query) -> Result<Moment, Failure> {
        let Some(at @ (Instant::Before(_) | Instant::At(_))) = query.instant("at")? else { return Moment::live(host) };
        let now = self.clock.wall();
        let at = at.resolve(now).end_of_ms();
        self.ask(host, move |history| {
            if at > now.end_of_ms() {
                return Err(in_the_future(at, history));
            }
            let past = history.at(at).map_err(|error| failure(&error))?;
            Ok(Moment { frame: past.frame, gap: past.gap.map(wire_gap), past: true })
        })
        .await
    }

    /// Asks the history of a machine what it answers soon: about one instant, or about a few minutes.
    pub(crate) async fn ask<T: Send + 'static>(
        self: &Arc<Self>,
        host: &Arc<Host>,
        question: impl FnOnce(&dyn History) -> Result<T, Failure> + Send + 'static,
    ) -> Result<T, Failure> {
        let history = Arc::clone(host.history()?);
        self.blocking(move |_| question(&*history)).await
    }

    /// Asks for what may take long. Few such questions are answered at one time, so that they leave threads for others.
    pub(crate) async fn ask_for_long<T: Send + 'static>(
        self: &Arc<Self>,
        host: &Arc<Host>,
        question: impl FnOnce(&dyn History) -> Result<T, Failure> + Send + 'static,
    ) -> Result<T, Failure> {
        host.history()?;
        let seat = self.history_questions.acquire().await;
        let answer = self.ask(host, question).await;
        drop(seat);
        answer
    }

    /// As many questions as are answered at one time.
    pub(crate) fn history_questions() -> tokio::sync::Semaphore {
        tokio::sync::Semaphore::new(HISTORY_QUESTIONS)
    }
}

impl Host {
    /// Its history, where it is kept.
    pub(crate) fn history(&self) -> Result<&Arc<dyn History>, Failure> {
        match &self.history {
            Kept::On(history) => Ok(history),
            Kept::Off => Err(Problem::new(ProblemKind::HistoryOff, "history is off: nothing is kept of the past")
                .hint("start `procyon up` without `--no-history`, and with `history.enabled = true`")
                .into()),
            Kept::Failed(why) => Err(Problem::new(ProblemKind::HistoryOff, format!("history is off: {why}"))
                .hint("put it right and start `procyon up` again")
                .into()),
        }
    }
}

/// A gap as clients see it.
pub(crate) fn wire_gap(gap: Gap) -> wire::Gap {
    wire::Gap { from: gap.from.unix_ms(), to: gap.to.map(Wall::unix_ms) }
}

/// An instant for people.
pub(crate) fn stamp(at: Wall) -> String {
    jiff::Timestamp::from_millisecond(at.unix_ms()).map_or_else(|_| format!("{} ms", at.unix_ms()), |at| at.to_string())
}

fn span(extent: &Extent) -> String {
    format!("there is history from {} to {}", stamp(extent.first), stamp(extent.last))
}

/// There is no history of the future.
pub(crate) fn in_the_future(at: Wall, history: &dyn History) -> Failure {
    let there_is = match history.extent() {
        Ok(Some(extent)) => span(&extent),
        Ok(None) => "nothing has been kept yet".to_owned(),
        Err(error) => return failure(&error),
    };
    Failure::bad_request(format!("{} lies in the future; {there_is}", stamp(at)))
}

/// Why a question about the past has no answer.
pub(crate) fn failure(error: &HistoryError) -> Failure {
    match error {
        HistoryError::Empty => Failure::not_found("nothing has been kept yet; the first frame comes within seconds"),
        HistoryError::Before { at, extent } => {
            Failure::not_found(format!("nothing is kept of {}; {}", stamp(*at), span(extent)))
        }
        HistoryError::NoFigure(id) => no_figure(id),
        HistoryError::Io { .. } | HistoryError::Full(_) | HistoryError::Locked(_) => {
            Failure::new(ProblemKind::Unavailable, procyon_diag::message_of(error))
        }
        HistoryError::Damaged { .. } | HistoryError::Foreign { .. } => {
            Failure::new(ProblemKind::Internal, procyon_diag::message_of(error))
        }
    }
}

/// No history is kept of a figure.
pub(crate) fn no_figure(id: &str) -> Failure {
    let known = figures::PROCESS.iter().map(|figure| figure.id);
    let list: Vec<&str> = known.clone().collect();
    let problem = Problem::new(
        ProblemKind::BadRequest,
        format!("no series of `{id}` is kept of processes; there are {}", list.join(", ")),
    );
    problem.suggestion(nearest(id, known)).into()
}
