//! Turns at the past: an answer about it takes memory and a processor, so few are made at one time, and the other questions wait.

use std::sync::Arc;
use std::time::Duration;

use procyon_wire::{Problem, ProblemKind};
use tokio::sync::{AcquireError, OwnedSemaphorePermit, Semaphore};

use crate::access::Sight;
use crate::failure::Failure;
use crate::limits::{HISTORY_QUESTIONS, LONG_QUESTIONS, PUBLIC_QUESTIONS, TURN_AGAIN, TURN_DEADLINE};

/// How much a question asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Length {
    /// One instant, or a few minutes.
    Short,
    /// A range.
    Long,
}

/// How many more questions may be answered.
#[derive(Debug)]
pub(crate) struct Turns {
    all: Arc<Semaphore>,
    long: Arc<Semaphore>,
    /// Callers without a token wait among themselves, and never take every place.
    public: Arc<Semaphore>,
    patience: Duration,
}

/// A turn; it lasts until what was made of the past is no more.
#[derive(Debug)]
pub(crate) struct Turn {
    _places: [Option<OwnedSemaphorePermit>; 3],
}

impl Default for Turns {
    fn default() -> Self {
        let places = |count| Arc::new(Semaphore::new(count));
        Self {
            all: places(HISTORY_QUESTIONS),
            long: places(LONG_QUESTIONS),
            public: places(PUBLIC_QUESTIONS),
            patience: TURN_DEADLINE,
        }
    }
}

impl Turns {
    /// Waits for a turn, but not for ever.
    pub(crate) async fn take(&self, sight: Sight, length: Length) -> Result<Turn, Failure> {
        match tokio::time::timeout(self.patience, self.wait(sight, length)).await {
            Ok(Ok(turn)) => Ok(turn),
            Ok(Err(_closed)) => Err(Failure::new(ProblemKind::Internal, "nothing is answered about the past any more")),
            Err(_late) => {
                let seconds = self.patience.as_secs();
                let detail =
                    format!("so many questions about the past are asked that this one had no turn within {seconds} s");
                Err(Failure::wait(Problem::new(ProblemKind::Unavailable, detail), TURN_AGAIN))
            }
        }
    }

    /// The narrowest place first: whoever waits for it must not hold what others could use.
    async fn wait(&self, sight: Sight, length: Length) -> Result<Turn, AcquireError> {
        let weight = if length == Length::Long { 2 } else { 1 };
        let public = match sight {
            Sight::Public => Some(Arc::clone(&self.public).acquire_many_owned(weight).await?),
            Sight::All => None,
        };
        let long = match length {
            Length::Long => Some(Arc::clone(&self.long).acquire_owned().await?),
            Length::Short => None,
        };
        let all = Arc::clone(&self.all).acquire_owned().await?;
        Ok(Turn { _places: [public, long, Some(all)] })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(test: impl Future<Output = ()>) {
        tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(test);
    }

    /// As many turns as are given without waiting.
    async fn given(turns: &Turns, sight: Sight, length: Length) -> Vec<Turn> {
        let mut given = Vec::new();
        while let Ok(turn) = tokio::time::timeout(Duration::from_millis(1), turns.take(sight, length)).await {
            given.push(turn.unwrap());
            assert!(given.len() <= HISTORY_QUESTIONS, "more than there are");
        }
        given
    }

    #[test]
    fn callers_without_a_token_leave_a_place_to_others() {
        run(async {
            for (length, most) in [(Length::Short, 2), (Length::Long, 1)] {
                let turns = Turns::default();
                let public = given(&turns, Sight::Public, length).await;
                assert_eq!(public.len(), most);
                assert_eq!(given(&turns, Sight::All, Length::Short).await.len(), HISTORY_QUESTIONS - most);
            }
        });
    }

    #[test]
    fn long_questions_leave_a_place_to_short_ones() {
        run(async {
            let turns = Turns::default();
            let long = given(&turns, Sight::All, Length::Long).await;
            assert_eq!(long.len(), LONG_QUESTIONS);
            let short = given(&turns, Sight::All, Length::Short).await;
            assert_eq!(short.len(), HISTORY_QUESTIONS - LONG_QUESTIONS);
            drop((long, short));
            assert_eq!(given(&turns, Sight::All, Length::Short).await.len(), HISTORY_QUESTIONS, "they are given back");
        });
    }

    #[test]
    fn who_waits_too_long_is_told_when_to_come_again() {
        run(async {
            let turns = Turns { patience: Duration::from_millis(20), ..Turns::default() };
            let held = given(&turns, Sight::All, Length::Short).await;
            let failure = turns.take(Sight::All, Length::Short).await.unwrap_err();
            assert_eq!(failure.problem.status, 503);
            let response = axum::response::IntoResponse::into_response(failure);
            assert_eq!(response.headers()["retry-after"], TURN_AGAIN.as_secs().to_string());
            drop(held);
        });
    }
}
