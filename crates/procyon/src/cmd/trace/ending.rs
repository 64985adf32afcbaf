//! How a trace ends: keys and signals, and the command's own end.

use std::io;
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, ExitCode};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use procyon_diag::{Fault, Kind};
use rustix::process::{Signal, getpid, kill_process};
use tokio::signal::unix::{SignalKind, signal};

/// Counts requests to stop.
#[derive(Debug, Clone)]
pub(super) struct Stop {
    interrupts: Arc<AtomicU32>,
    terminations: Arc<AtomicU32>,
}

impl Stop {
    /// Listens from now on, instead of being ended by them.
    pub(super) fn listen() -> Result<Self, Fault> {
        let failed = |error: io::Error| Fault::new(Kind::Failed, "could not listen for signals").because(error);
        let stop = Self { interrupts: Arc::default(), terminations: Arc::default() };
        let counted = stop.clone();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build().map_err(failed)?;
        let guard = runtime.enter();
        let mut interrupt = signal(SignalKind::interrupt()).map_err(failed)?;
        let mut terminate = signal(SignalKind::terminate()).map_err(failed)?;
        let mut hangup = signal(SignalKind::hangup()).map_err(failed)?;
        drop(guard);
        let count = move || {
            runtime.block_on(async {
                loop {
                    let counter = tokio::select! {
                        _ = interrupt.recv() => &counted.interrupts,
                        _ = terminate.recv() => &counted.terminations,
                        _ = hangup.recv() => &counted.terminations,
                    };
                    counter.fetch_add(1, Ordering::Relaxed);
                }
            });
        };
        std::thread::Builder::new().name("signals".to_owned()).spawn(count).map_err(failed)?;
        Ok(stop)
    }

    /// Whether it was asked for, Ctrl-C so many times: a command that runs in the same terminal got the first one itself.
    pub(super) fn is_asked_for(&self, keys: u32) -> bool {
        self.terminations.load(Ordering::Relaxed) > 0 || self.interrupts.load(Ordering::Relaxed) >= keys
    }
}

/// The end of a command, which becomes ours.
pub(super) struct Ending;

impl Ending {
    /// Waits for the command and ends as it did: with its code, or by its signal.
    pub(super) fn of(mut child: Child) -> Result<ExitCode, Fault> {
        let status =
            child.wait().map_err(|error| Fault::new(Kind::Failed, "could not wait for the command").because(error))?;
        if let Some(code) = status.code() {
            return Ok(ExitCode::from(u8::try_from(code).unwrap_or(1)));
        }
        let number = status.signal().unwrap_or(0);
        // Those that we listen for would not end us.
        if let Some(signal) = Signal::from_named_raw(number).filter(|_| !matches!(number, 1 | 2 | 15)) {
            // Where even that does not end us, the code below says the same.
            kill_process(getpid(), signal).ok();
        }
        Ok(ExitCode::from(u8::try_from(128 + number).unwrap_or(1)))
    }
}
