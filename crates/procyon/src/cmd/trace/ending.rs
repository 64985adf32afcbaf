//! How a trace ends: keys and signals, and the command's own end.

use std::io;
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, ExitCode};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use procyon_diag::{Fault, Kind};
use rustix::process::{DumpableBehavior, Signal, getpid, kill_process, set_dumpable_behavior};
use tokio::signal::unix::{SignalKind, signal};

/// So many requests to stop end this program at once, whatever it still has to write.
const MOST_REQUESTS: u32 = 3;

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
                    let (counter, number) = tokio::select! {
                        _ = interrupt.recv() => (&counted.interrupts, 2),
                        _ = terminate.recv() => (&counted.terminations, 15),
                        _ = hangup.recv() => (&counted.terminations, 1),
                    };
                    counter.fetch_add(1, Ordering::Relaxed);
                    let requests = [&counted.interrupts, &counted.terminations].map(|one| one.load(Ordering::Relaxed));
                    if requests.iter().sum::<u32>() >= MOST_REQUESTS {
                        // The kernel lets go of everybody.
                        std::process::exit(128 + number);
                    }
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
            // The command has left what memory it had to leave; ours is of no use to anybody. Where the kernel does not obey, it
            // is left.
            set_dumpable_behavior(DumpableBehavior::NotDumpable).ok();
            // Where even that does not end us, the code below says the same.
            kill_process(getpid(), signal).ok();
        }
        Ok(ExitCode::from(u8::try_from(128 + number).unwrap_or(1)))
    }
}
