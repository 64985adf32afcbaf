//! The last 15 minutes of one machine, in memory: what the charts show and what survives a reload of the page.
//!
//! [`Series`] takes frames from a feed on a thread of its own and answers for a range: the figures of the host, the
//! columns of a process ([`COLUMNS`]), the heaviest processes. Values are kept as 32-bit floats; a value that does not
//! change is not stored again; the whole stays under a limit of bytes, and what has to go for it is counted.
//! Processes that ended keep their values, and how they ended, until the window has passed them.

mod ended;
mod grid;
mod host;
mod ring;
mod state;
mod top;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use procyon_model::feed::Consumer;
use procyon_model::frame::EndedProcess;
use procyon_model::{Frame, ProcessKey};
use procyon_units::Wall;

pub use grid::{Grid, Range};
pub use host::host_column;
pub use ring::{COLUMNS, column};
pub use top::{Top, TopEntry};

use state::State;

/// Frames that wait to be taken up; more are left out and counted.
const QUEUE: usize = 4;

/// What may be kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// How far back.
    pub window: Duration,
    /// How many bytes in all.
    pub bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { window: Duration::from_mins(15), bytes: 12 << 20 }
    }
}

/// How much is kept.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Usage {
    /// Bytes in use.
    pub bytes: usize,
    /// Bytes that may be used.
    pub limit: usize,
    /// Values that had to go before their time.
    pub dropped: u64,
    /// Frames that came faster than they were taken up.
    pub missed: u64,
}

/// Values of one process on a grid.
#[derive(Debug, Clone, PartialEq)]
pub struct ProcessLine {
    /// Which process.
    pub key: ProcessKey,
    /// What people call it.
    pub label: Arc<[u8]>,
    /// Its label without the port, for those who may not see that.
    pub title: Box<[u8]>,
    /// One list a column that was asked for, in that order.
    pub values: Vec<Vec<Option<f64>>>,
}

/// The last minutes of one machine.
#[derive(Debug)]
pub struct Series {
    state: Arc<Mutex<State>>,
    missed: Arc<AtomicU64>,
}

impl Series {
    /// Nothing yet.
    pub fn new(limits: Limits) -> Self {
        Self { state: Arc::new(Mutex::new(State::new(limits))), missed: Arc::default() }
    }

    /// What to attach to a feed: frames are taken up on a thread that ends with the feed.
    pub fn consumer(&self) -> std::io::Result<Arc<dyn Consumer>> {
        let (sender, receiver) = sync_channel::<Arc<Frame>>(QUEUE);
        let state = Arc::clone(&self.state);
        std::thread::Builder::new().name("procyon-series".to_owned()).spawn(move || {
            while let Ok(frame) = receiver.recv() {
                // A panic costs what was kept, not the charts of the future.
                let taken = catch_unwind(AssertUnwindSafe(|| {
                    state.lock().unwrap_or_else(PoisonError::into_inner).record(&frame);
                }));
                if taken.is_err() {
                    tracing::error!(seq = frame.seq, "keeping the values of a frame failed inside; starting over");
                    state.lock().unwrap_or_else(PoisonError::into_inner).start_over();
                }
            }
        })?;
        Ok(Arc::new(Intake { sender, missed: Arc::clone(&self.missed) }))
    }

    /// Takes up a frame at once.
    pub fn record(&self, frame: &Arc<Frame>) {
        self.lock().record(frame);
    }

    /// The points of the grid that answers for a range, given when now is.
    pub fn grid(&self, range: Range) -> Grid {
        self.lock().grid(range)
    }

    /// Figures of the host, by their position in [`procyon_model::catalogue::HOST`]; a list for each.
    pub fn host(&self, grid: &Grid, figures: &[usize]) -> Vec<Vec<Option<f64>>> {
        self.lock().host(grid, figures)
    }

    /// Columns of a process, by their position in [`COLUMNS`]; none where the process is not known.
    pub fn process(&self, grid: &Grid, key: &ProcessKey, columns: &[usize]) -> Option<ProcessLine> {
        self.lock().process(grid, key, columns)
    }

    /// Columns of every process that lived in the newest frame.
    pub fn all_processes(&self, grid: &Grid, columns: &[usize], most: usize) -> Vec<ProcessLine> {
        self.lock().all_processes(grid, columns, most)
    }

    /// The processes with the largest mean of a column (position in [`COLUMNS`]) over a range. Somebody who was among
    /// them when this was last asked stays until another one is clearly heavier.
    pub fn top(&self, from: Wall, to: Wall, column: usize, n: usize) -> Top {
        self.lock().top(from, to, column, n)
    }

    /// Processes whose end was told and that ended at or after `from`, oldest first.
    pub fn ended(&self, from: Wall) -> Vec<Arc<EndedProcess>> {
        self.lock().ended(from)
    }

    /// The end of a process that is not in the newest frame; pending how while nobody has told that yet.
    pub fn end_of(&self, key: &ProcessKey) -> Option<Arc<EndedProcess>> {
        self.lock().end_of(key)
    }

    /// Instant of the oldest frame that is kept; none before the first.
    pub fn since(&self) -> Option<Wall> {
        self.lock().since()
    }

    /// How much is kept.
    pub fn usage(&self) -> Usage {
        Usage { missed: self.missed.load(Ordering::Relaxed), ..self.lock().usage() }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Puts frames into the queue of the thread.
struct Intake {
    sender: SyncSender<Arc<Frame>>,
    missed: Arc<AtomicU64>,
}

impl Consumer for Intake {
    fn offer(&self, frame: &Arc<Frame>) {
        if let Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) = self.sender.try_send(Arc::clone(frame)) {
            self.missed.fetch_add(1, Ordering::Relaxed);
        }
    }
}
