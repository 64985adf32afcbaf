//! Processes in groups: `namedprocess_namegroup_*`, in place of process-exporter.
//!
//! A scrape, one stop a file:
//! - [`source`] is the seam to where processes come from: [`live`] reads this machine, [`frames`] takes what was read;
//! - [`rules`] says which group a process belongs to, by names that [`template`] writes;
//! - [`groups`] keeps which process is where, and adds up what [`counters`] counts;
//! - [`top`] chooses the largest where there is a limit;
//! - [`families`] writes upstream's families and ours.

mod blocking;
mod counters;
mod families;
mod frames;
mod groups;
mod live;
mod options;
mod rules;
mod source;
mod template;
mod top;

use std::sync::{Arc, Mutex, PoisonError};

use procyon_linux::root::Root;
use procyon_model::feed::Feed;
use procyon_units::{Clock, SystemClock};

pub use options::declare;

pub(crate) use options::Options;

use crate::flags::{FlagError, Flags};
use crate::metric::Metrics;
use crate::node::{CollectError, Collector, Outcome, Places};
use families::Served;
use frames::Frames;
use groups::Groups;
use live::Live;
use source::Source;

/// What stands before the flags where the node collectors are beside it.
pub(crate) const PREFIX: &str = "collector.process.";

/// Makes the collector that stands among those of node_exporter.
pub(crate) fn make(flags: &Flags, places: &Places) -> Result<Box<dyn Collector>, FlagError> {
    let options = Options::new(flags, PREFIX)?;
    Ok(Box::new(Processes::new(options, places.root(), Arc::new(SystemClock))?))
}

/// The collector of process groups.
pub(crate) struct Processes {
    clock: Arc<dyn Clock>,
    state: Mutex<State>,
}

/// What is kept from one scrape to the next.
struct State {
    source: Box<dyn Source>,
    groups: Groups,
    served: Served,
}

impl Processes {
    /// Reads the processes below `root`.
    pub(crate) fn new(options: Options, root: &Root, clock: Arc<dyn Clock>) -> Result<Self, FlagError> {
        let live = Live::new(root, options.from, Arc::clone(&clock));
        let live = live.map_err(|error| FlagError::Rules(format!("could not read processes: {error}")))?;
        Ok(Self::of(Box::new(live), options, clock))
    }

    /// Takes the processes of a feed's newest frame.
    pub(crate) fn of_feed(options: Options, feed: Arc<Feed>, clock: Arc<dyn Clock>) -> Self {
        Self::of(Box::new(Frames::new(feed)), options, clock)
    }

    /// Reads the processes of a source.
    fn of(source: Box<dyn Source>, options: Options, clock: Arc<dyn Clock>) -> Self {
        let served = Served::new(&options);
        let mut groups = Groups::new(options, source.up());
        let mut source = source;
        // What runs now is older than we are, also what is first asked for in an hour.
        if let Err(error) = groups.update(&mut *source, clock.mono()) {
            tracing::warn!(%error, "could not read the processes yet");
        }
        Self { clock, state: Mutex::new(State { source, groups, served }) }
    }
}

impl Collector for Processes {
    fn update(&self, _: &Places, out: &mut Metrics) -> Outcome {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let State { source, groups, served } = &mut *state;
        let now = self.clock.mono();
        let outcome: Result<(), CollectError> = groups.update(&mut **source, now);
        served.write(groups, &**source, now, out);
        outcome
    }
}
