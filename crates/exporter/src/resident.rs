//! A thread that stays between scrapes: to start one costs as much as some collectors.

use std::io;
use std::sync::mpsc::{SendError, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};

type Work = Box<dyn FnOnce() + Send>;

/// Runs work on a thread that stays. Where it is at work, or lost, another one is started.
pub(crate) struct Resident {
    /// What its threads are called.
    name: &'static str,
    idle: Arc<Mutex<Option<SyncSender<Work>>>>,
}

impl Resident {
    pub(crate) fn new(name: &'static str) -> Self {
        Self { name, idle: Arc::default() }
    }

    pub(crate) fn run(&self, work: impl FnOnce() + Send + 'static) -> io::Result<()> {
        let work: Work = Box::new(work);
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).take();
        let work = match idle {
            None => work,
            Some(idle) => match idle.send(work) {
                Ok(()) => return Ok(()),
                Err(SendError(work)) => work,
            },
        };
        let place = Arc::downgrade(&self.idle);
        let live = move || {
            let mut work = work;
            loop {
                work();
                let (sender, receiver) = sync_channel(1);
                // Nobody scrapes any more.
                let Some(place) = place.upgrade() else { return };
                {
                    let mut idle = place.lock().unwrap_or_else(PoisonError::into_inner);
                    // Another one stays already.
                    if idle.is_some() {
                        return;
                    }
                    *idle = Some(sender);
                }
                drop(place);
                match receiver.recv() {
                    Ok(next) => work = next,
                    Err(_) => return,
                }
            }
        };
        std::thread::Builder::new().name(self.name.into()).spawn(live).map(drop)
    }
}
