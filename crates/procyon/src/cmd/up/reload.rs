//! Signals of a running procyon: end, or read the options again.

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
pub(crate) fn reload(common: &Common, flags: Vec<Flag>, log: &LogHandle, settings: &mut Settings) {
    match procyon_settings::load::<Settings>(&common.sources(flags)) {
        Ok(loaded) => {
            log.reload(loaded.settings.log.level);
            let mut same = settings.clone();
            same.log.level = loaded.settings.log.level;
            if same == loaded.settings {
                tracing::info!("read the options again");
            } else {
                tracing::warn!("read the options again; some of the changes take a restart, which was not done");
            }
            settings.log.level = loaded.settings.log.level;
        }
        Err(mistakes) => {
            for mistake in &mistakes.0 {
                tracing::error!(%mistake, "the options have a mistake; the old ones stay in force");
            }
        }
    }
}
