//! Signals of a running procyon: end, or read the options again.

use std::collections::HashMap;
use std::io;
use std::time::Duration;

use procyon_settings::{Flag, Loaded};
use tokio::runtime::Runtime;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::Mutex;
use tokio::time::{Interval, MissedTickBehavior, interval};

use crate::cli::Common;
use crate::log::LogHandle;
use crate::options::Settings;

/// How often memory that is free goes back to the machine.
const GIVE_BACK: Duration = Duration::from_mins(1);

/// What a signal asks for.
pub(crate) enum Asked {
    /// To end, by this signal.
    End(&'static str),
    /// To read the options again.
    Reload,
}

/// The signals that we listen to.
pub(crate) struct Signals {
    runtime: Runtime,
    streams: Mutex<Streams>,
}

struct Streams {
    interrupt: Signal,
    terminate: Signal,
    hangup: Signal,
    give_back: Interval,
}

impl Signals {
    pub(crate) fn take() -> io::Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let _inside = runtime.enter();
        let mut give_back = interval(GIVE_BACK);
        give_back.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let streams = Streams {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            hangup: signal(SignalKind::hangup())?,
            give_back,
        };
        drop(_inside);
        Ok(Self { runtime, streams: Mutex::new(streams) })
    }

    /// Waits for the next one and meanwhile gives memory back.
    pub(crate) fn next(&self) -> Asked {
        self.runtime.block_on(async {
            let mut streams = self.streams.lock().await;
            let Streams { interrupt, terminate, hangup, give_back } = &mut *streams;
            loop {
                tokio::select! {
                    _ = interrupt.recv() => return Asked::End("SIGINT"),
                    _ = terminate.recv() => return Asked::End("SIGTERM"),
                    _ = hangup.recv() => return Asked::Reload,
                    _ = give_back.tick() => procyon_linux::allocator::give_back(),
                }
            }
        })
    }
}

/// Reads the options again. A bad file keeps the old ones in force. The log's level changes at once; what else changes is
/// given back, to start again with. The log keeps its file and format until procyon ends.
pub(crate) fn reload(
    common: &Common,
    flags: Vec<Flag>,
    log: &LogHandle,
    in_force: &Loaded<Settings>,
) -> Option<Loaded<Settings>> {
    let loaded = match procyon_settings::load::<Settings>(&common.sources(flags)) {
        Ok(loaded) => loaded,
        Err(mistakes) => {
            for mistake in &mistakes.0 {
                tracing::error!(%mistake, "the options have a mistake; the old ones stay in force");
            }
            return None;
        }
    };
    log.reload(loaded.settings.log.level);
    let before: HashMap<&str, &str> =
        in_force.effective.iter().map(|option| (option.declared.path.as_str(), option.value.as_str())).collect();
    let changed: Vec<&str> = loaded
        .effective
        .iter()
        .filter(|option| before.get(option.declared.path.as_str()) != Some(&option.value.as_str()))
        .map(|option| option.declared.path.as_str())
        .collect();
    let (waiting, anew) = changed
        .iter()
        .copied()
        .filter(|path| *path != "log.level")
        .partition::<Vec<&str>, _>(|path| path.starts_with("log."));
    tracing::info!(changed = changed.join(" "), "read the options again");
    if !waiting.is_empty() {
        tracing::warn!(waiting = waiting.join(" "), "where the log goes changes when procyon is started anew");
    }
    (!anew.is_empty()).then_some(loaded)
}
