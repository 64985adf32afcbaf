//! The past of a machine: which frame answers for an instant, and what to say when none does.

use std::sync::Arc;

use procyon_diag::nearest;
use procyon_history::{Extent, Gap, History, HistoryError, figures};
use procyon_model::Frame;
use procyon_units::Wall;
use procyon_wire::{Problem, ProblemKind, history as wire};

use crate::access::Sight;
use crate::app::{App, Host, Kept};
use crate::failure::Failure;
use crate::instant::Instant;
use crate::query::Query;
use crate::turns::{Length, Turn};

/// The frame that answers for an instant.
#[derive(Debug, Clone)]
pub(crate) struct Moment {
    /// The frame.
    pub(crate) frame: Arc<Frame>,
    /// The gap in which the instant lies.
    pub(crate) gap: Option<wire::Gap>,
    /// Whether it was asked for as an instant of the past.
    pub(crate) past: bool,
    /// The turn in which its frame was made: it lasts as long as the frame takes memory.
    _turn: Option<Arc<Turn>>,
}

impl Moment {
    /// The newest frame.
    pub(crate) fn live(host: &Host) -> Result<Self, Failure> {
        Ok(Self { frame: host.frame()?, gap: None, past: false, _turn: None })
    }
}

impl App {
    /// The frame that answers for the `at` of a request: the newest one, or one of the past.
    pub(crate) async fn moment(
        self: &Arc<Self>,
        host: &Arc<Host>,
        query: &Query,
        sight: Sight,
    ) -> Result<Moment, Failure> {
        let Some(at @ (Instant::Before(_) | Instant::At(_))) = query.instant("at")? else { return Moment::live(host) };
        let now = self.clock.wall();
        let at = at.resolve(now).end_of_ms();
        host.history()?;
        let turn = Arc::new(self.turns.take(sight, Length::Short).await?);
        self.consult(host, move |history| {
            if at > now.end_of_ms() {
                return Err(in_the_future(at, history));
            }
            let past = history.at(at).map_err(|error| failure(&error))?;
            Ok(Moment { frame: past.frame, gap: past.gap.map(wire_gap), past: true, _turn: Some(turn) })
        })
        .await
    }

    /// Asks the history of a machine, when it is this question's turn.
    pub(crate) async fn ask<T: Send + 'static>(
        self: &Arc<Self>,
        host: &Arc<Host>,
        (sight, length): (Sight, Length),
        question: impl FnOnce(&dyn History) -> Result<T, Failure> + Send + 'static,
    ) -> Result<T, Failure> {
        host.history()?;
        let turn = self.turns.take(sight, length).await?;
        // The turn goes along: a client that leaves does not stop the thread that answers it.
        self.consult(host, move |history| {
            let answer = question(history);
            drop(turn);
            answer
        })
        .await
    }

    /// Asks the history of a machine without waiting for a turn: for what costs next to nothing, or in a turn that one has.
    pub(crate) async fn consult<T: Send + 'static>(
        self: &Arc<Self>,
        host: &Arc<Host>,
        question: impl FnOnce(&dyn History) -> Result<T, Failure> + Send + 'static,
    ) -> Result<T, Failure> {
        let history = Arc::clone(host.history()?);
        self.blocking(move |_| question(&*history)).await
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
        HistoryError::Damaged { .. } | HistoryError::Foreign { .. } | HistoryError::NoSnapshot(_) => {
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
