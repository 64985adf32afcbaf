//! Keeping the past: the recorder of `procyon up`, and what it may use.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{SyncSender, sync_channel};

use procyon_api::Kept;
use procyon_diag::{Fault, Kind};
use procyon_history::reduce::Reducer;
use procyon_history::{Extent, HistoryError};
use procyon_model::Frame;
use procyon_model::feed::{Consumer, Feed};
use procyon_store::{Config, Recorder};
use procyon_units::{Bytes, Wall};

use crate::options::{ProcessFilter, Settings};

/// The most that history takes when nobody says, where the file system is large.
const USUAL_SIZE: u64 = 10 << 30;

/// The folder of the history whose state lies in `folder`.
pub(crate) fn dir(settings: &Settings, folder: &Path) -> PathBuf {
    settings.history.dir.clone().unwrap_or_else(|| folder.join("history"))
}

/// What history may use.
pub(crate) fn config(settings: &Settings, folder: &Path) -> Config {
    let (history, dir) = (&settings.history, dir(settings, folder));
    let max_size = history.max_size.unwrap_or_else(|| usual_size(&dir));
    let (retention, sync_every, block) = (history.retention, history.sync_every, history.block);
    Config { dir, retention, max_size, sync_every, block }
}

/// 10 GiB, or a tenth of the file system, whichever is less.
fn usual_size(dir: &Path) -> Bytes {
    let mut ancestors = dir.ancestors().filter(|part| !part.as_os_str().is_empty());
    let space = ancestors.find_map(|part| rustix::fs::statvfs(part).ok());
    let all = space.map(|space| space.f_blocks.saturating_mul(space.f_frsize));
    Bytes(all.map_or(USUAL_SIZE, |all| USUAL_SIZE.min(all / 10)))
}

/// Keeps the frames of a feed until it ends.
#[derive(Debug)]
pub(crate) struct Keeping(Option<Arc<Recorder>>);

impl Keeping {
    /// Starts keeping, where that is wanted. A folder that cannot be used costs the past, not the monitor: it is said once, and the
    /// rest goes on.
    pub(crate) fn start(settings: &Settings, folder: &Path, feed: &Feed) -> (Self, Kept) {
        if !settings.history.enabled {
            return (Self(None), Kept::Off);
        }
        let config = config(settings, folder);
        match Recorder::start(&config) {
            Ok(recorder) => {
                let recorder = Arc::new(recorder);
                let history = Arc::new(recorder.history());
                let consumer = match &settings.history.filter {
                    None => Arc::clone(&recorder) as Arc<dyn Consumer>,
                    Some(filter) => match Filtering::start(filter.clone(), Arc::clone(&recorder)) {
                        Ok(filtering) => Arc::new(filtering),
                        Err(error) => {
                            return (Self(None), Kept::Failed(format!("could not start a thread: {error}").into()));
                        }
                    },
                };
                feed.attach(consumer);
                (Self(Some(recorder)), Kept::On(history))
            }
            Err(error) => {
                let fault = fault(&error);
                let hint = fault.hints().first().map(ToString::to_string).unwrap_or_default();
                let why = procyon_diag::message_of(&error);
                tracing::error!(why, hint, "history is off: nothing is kept of the past; everything else goes on");
                (Self(None), Kept::Failed(why.into()))
            }
        }
    }

    /// Keeps what still waits.
    pub(crate) fn finish(self) {
        if let Some(recorder) = self.0 {
            recorder.finish();
        }
    }
}

/// Frames that wait to be filtered; more are left out and counted.
const FILTER_QUEUE: usize = 4;

/// Leaves processes out of frames, on a thread of its own, before they are kept.
struct Filtering {
    sender: SyncSender<Arc<Frame>>,
    recorder: Arc<Recorder>,
}

impl Filtering {
    fn start(filter: ProcessFilter, recorder: Arc<Recorder>) -> std::io::Result<Self> {
        let (sender, receiver) = sync_channel::<Arc<Frame>>(FILTER_QUEUE);
        let behind = Arc::clone(&recorder);
        std::thread::Builder::new().name("procyon-filter".to_owned()).spawn(move || {
            let mut reducer = Reducer::new();
            while let Ok(frame) = receiver.recv() {
                behind.offer(&reducer.reduce(&frame, |row| filter.matches(row)));
            }
        })?;
        Ok(Self { sender, recorder })
    }
}

impl Consumer for Filtering {
    fn offer(&self, frame: &Arc<Frame>) {
        if self.sender.try_send(Arc::clone(frame)).is_err() {
            self.recorder.miss();
            tracing::warn!(seq = frame.seq, "a frame came faster than the filter of history took it");
        }
    }
}

/// Refuses a range that lies before or after everything that is kept.
pub(crate) fn touches(extent: &Extent, (from, to): (Wall, Wall)) -> Result<(), Fault> {
    let at = if from > extent.last {
        from
    } else if to < extent.first {
        to
    } else {
        return Ok(());
    };
    Err(fault(&HistoryError::Before { at, extent: *extent }))
}

/// Why the past cannot be kept or asked, and what to do about it.
pub(crate) fn fault(error: &HistoryError) -> Fault {
    let message = procyon_diag::message_of(error);
    match error {
        HistoryError::Empty => {
            Fault::new(Kind::NotFound, message).hint("`procyon up` keeps history from its first frame on")
        }
        HistoryError::Before { at, extent } => {
            let stamp = crate::when::stamp;
            let message = format!("nothing is kept of {}", stamp(*at));
            Fault::new(Kind::NotFound, message).hint(format!(
                "there is history from {} to {}",
                stamp(extent.first),
                stamp(extent.last)
            ))
        }
        HistoryError::NoFigure(id) => {
            let known = procyon_history::figures::PROCESS.iter().map(|figure| figure.id);
            let fault = Fault::usage(format!("no history is kept of `{id}`"));
            match procyon_diag::nearest(id, known.clone()) {
                Some(meant) => fault.hint(format!("did you mean `{meant}`?")),
                None => fault.hint(format!("there are {}", known.collect::<Vec<_>>().join(", "))),
            }
        }
        HistoryError::Io { source, .. } if source.kind() == std::io::ErrorKind::PermissionDenied => {
            Fault::new(Kind::NotPermitted, message)
                .hint("give the folder to the user who runs procyon, or name another one with `--set history.dir=DIR`")
        }
        HistoryError::Io { .. } => Fault::new(Kind::Failed, message),
        HistoryError::Full(_) => Fault::new(Kind::Failed, message)
            .hint("make room, or let history take less with `--set history.max_size=1GiB`"),
        HistoryError::Locked(_) => Fault::new(Kind::Failed, message)
            .hint("end that one, or name another folder with `--set history.dir=DIR`, or start with `--no-history`"),
        HistoryError::Damaged { .. } => {
            Fault::new(Kind::Failed, message).hint("`procyon store verify` looks through all of it")
        }
        HistoryError::Foreign { .. } => Fault::new(Kind::Failed, message)
            .hint("a newer procyon reads it; name another folder with `--set history.dir=DIR` to start anew"),
        HistoryError::NoSnapshot(_) => Fault::new(Kind::Failed, message)
            .hint("`procyon snapshot -o FILE` makes one; a folder of history is opened with `--data DIR`"),
    }
}
