//! Signals of a running procyon: end, or read the options again.

use std::collections::HashMap;
use std::io;

use procyon_settings::Flag;
use tokio::runtime::Runtime;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::Mutex;

use crate::cli::Common;
use crate::log::LogHandle;
use crate::options::Settings;

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
}

impl Signals {
    pub(crate) fn take() -> io::Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build()?;
        let _inside = runtime.enter();
        let streams = Streams {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            hangup: signal(SignalKind::hangup())?,
        };
        drop(_inside);
        Ok(Self { runtime, streams: Mutex::new(streams) })
    }

    /// Waits for the next one.
    pub(crate) fn next(&self) -> Asked {
        self.runtime.block_on(async {
            let mut streams = self.streams.lock().await;
            let Streams { interrupt, terminate, hangup } = &mut *streams;
            tokio::select! {
                _ = interrupt.recv() => Asked::End("SIGINT"),
                _ = terminate.recv() => Asked::End("SIGTERM"),
                _ = hangup.recv() => Asked::Reload,
            }
        })
    }
}

/// Reads the options again. A bad file keeps the old ones running. What can be changed while running is the log's level;
/// the log file is opened again. For the rest it says that a restart is needed.
pub(crate) fn reload(common: &Common, flags: Vec<Flag>, log: &LogHandle, in_force: &HashMap<String, String>) {
    match procyon_settings::load::<Settings>(&common.sources(flags)) {
        Ok(loaded) => {
            log.reload(loaded.settings.log.level);
            let changed: Vec<&str> = loaded
                .effective
                .iter()
                .filter(|option| in_force.get(&option.declared.path).is_some_and(|value| *value != option.value))
                .map(|option| option.declared.path.as_str())
                .collect();
            let waiting: Vec<&str> = changed.iter().copied().filter(|path| *path != "log.level").collect();
            if waiting.is_empty() {
                tracing::info!(changed = changed.join(" "), "read the options again");
            } else {
                let waiting = waiting.join(" ");
                tracing::warn!(
                    changed = changed.join(" "),
                    waiting,
                    "read the options again; those that wait take a restart"
                );
            }
        }
        Err(mistakes) => {
            for mistake in &mistakes.0 {
                tracing::error!(%mistake, "the options have a mistake; the old ones stay in force");
            }
        }
    }
}
