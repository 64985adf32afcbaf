//! The claims that every [`History`] has to pass, on scripted frames. A crate with a history of its own calls [`run`] in its tests.

pub mod script;

mod alike;
mod happened;
mod instant;
mod range;
mod top;
mod whole;

use std::any::Any;
use std::error::Error;
use std::fmt;
use std::sync::Arc;

use script::Script;

use crate::{History, Sink};

/// An empty history under test.
pub struct Subject {
    /// Where frames go in.
    pub sink: Box<dyn Sink>,
    /// Where questions are asked.
    pub history: Arc<dyn History>,
    /// What has to live as long, as a folder.
    pub keep: Box<dyn Any>,
}

impl fmt::Debug for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subject").field("history", &self.history).finish_non_exhaustive()
    }
}

/// What came of a claim.
type Outcome = Result<(), Box<dyn Error>>;

/// Something that every history has to do.
#[derive(Debug, Clone, Copy)]
pub struct Claim {
    /// The claim, as a test would be called.
    pub name: &'static str,
    check: fn(&Bench<'_>) -> Outcome,
}

/// All of them.
pub fn claims() -> impl Iterator<Item = &'static Claim> {
    [whole::CLAIMS, instant::CLAIMS, range::CLAIMS, top::CLAIMS, happened::CLAIMS].into_iter().flatten()
}

/// Checks every claim, each on a history of its own that `make` makes.
///
/// # Panics
/// When one does not hold, with the names of all that do not.
pub fn run(make: impl Fn() -> Subject) {
    let bench = Bench { make: &make };
    let failed: Vec<String> = claims()
        .filter_map(|claim| (claim.check)(&bench).err().map(|error| format!("{}: {error}", claim.name)))
        .collect();
    assert!(failed.is_empty(), "{} of {} claims do not hold:\n{}", failed.len(), claims().count(), failed.join("\n"));
}

/// Where claims get their histories from.
struct Bench<'a> {
    make: &'a dyn Fn() -> Subject,
}

impl Bench<'_> {
    fn empty(&self) -> Subject {
        (self.make)()
    }

    /// A history that holds the frames of a script.
    fn record(&self, script: &Script) -> Result<Subject, Box<dyn Error>> {
        let mut subject = self.empty();
        for frame in &script.frames {
            subject.sink.write(frame)?;
        }
        subject.sink.sync()?;
        Ok(subject)
    }
}

/// Two values that have to be the same.
fn same<T: fmt::Debug>(what: &str, got: &T, wanted: &T) -> Outcome {
    alike::texts(&format!("{got:?}"), &format!("{wanted:?}")).map_err(|how| format!("{what}: {how}").into())
}

/// Something that has to be so.
fn holds(what: &str, so: bool) -> Outcome {
    if so { Ok(()) } else { Err(what.into()) }
}
