//! Keeps frames: encodes them and appends them to the log.

use std::fmt::Debug;
use std::sync::Arc;

use procyon_history::{HistoryError, Sink};
use procyon_model::Frame;

use crate::blocks::Blocks;
use crate::config::Config;
use crate::disk::{Disk, Output, RealDisk};
use crate::encoder::{Departed, Encoder};
use crate::failure::failed;
use crate::folder::Folder;
use crate::frames::{Packer, header};
use crate::log::Log;
use crate::replay::Replay;

/// A log that holds so many rows of processes is closed.
const MOST_ROWS: u64 = 128 << 10;
/// So is one that holds so many after less than half of the time that it may have: the larger a block is, the longer it takes to find an
/// instant in it.
const QUICK_ROWS: u64 = 64 << 10;
/// So is one in which there are so many bytes of names and command lines of processes that came and went: they are held until then.
const MOST_TEXTS: usize = 8 << 20;
/// A log of so many bytes is closed.
const MOST_BYTES: u64 = 16 << 20;
/// Where history may take little room, a log takes no more than this part of it, so that what is too much can go.
const PART_OF_ALL: u64 = 8;
/// But no log is closed before it has so many bytes.
const LEAST_BYTES: u64 = 256 << 10;
/// After so many bytes of log it is looked whether history takes too much room.
const LOOK_EVERY: u64 = 1 << 20;

/// Keeps frames in the folder that it has locked.
#[derive(Debug)]
pub struct Writer {
    folder: Folder,
    encoder: Encoder,
    packer: Packer,
    log: Option<Open>,
    /// Logs that ended with a failure and may not be safe yet.
    unsynced: Vec<Open>,
    blocks: Blocks,
    /// A log of so many bytes is closed.
    most_bytes: u64,
    /// A log holds no more than one stretch of so much time.
    block_ms: i64,
    /// The number of the last segment.
    seq: u64,
    /// Instant of the last frame that was written, in whichever log.
    newest_ms: Option<i64>,
    _lock: Box<dyn Send + Debug>,
}

/// The log that is written.
#[derive(Debug)]
struct Open {
    output: Box<dyn Output>,
    bytes: u64,
    first_ms: Option<i64>,
    synced: bool,
    /// How long it was when room was last looked after.
    looked: u64,
}

/// Opens the history of a folder for writing; nobody else can meanwhile.
pub fn open_writer(config: &Config) -> Result<Writer, HistoryError> {
    Writer::open(Arc::new(RealDisk), config)
}

impl Writer {
    pub(crate) fn open(disk: Arc<dyn Disk>, config: &Config) -> Result<Self, HistoryError> {
        let folder = Folder::new(disk, &config.dir);
        let lock = folder.take()?;
        folder.tidy()?;
        let blocks = Blocks::start(&folder, config)?;
        let packer = Packer::new().map_err(|error| failed("prepare to write to", &config.dir, error))?;
        let mut writer = Self {
            folder,
            encoder: Encoder::default(),
            packer,
            log: None,
            unsynced: Vec::new(),
            blocks,
            most_bytes: MOST_BYTES.min((config.max_size.0 / PART_OF_ALL).max(LEAST_BYTES)),
            block_ms: config.block_ms(),
            seq: 0,
            newest_ms: None,
            _lock: lock,
        };
        writer.seq = writer.folder.last_number()?;
        writer.resume()?;
        writer.hand_over();
        // Limits may be others than before, and time has gone by.
        writer.blocks.make_room(writer.last_closed());
        Ok(writer)
    }

    /// Closes the log and waits until it is a block.
    ///
    /// # Errors
    /// When it could not be made; then the log is still there, and the next attempt comes with the next log.
    pub fn seal(&mut self) -> Result<(), HistoryError> {
        self.close()?;
        self.settle();
        if self.folder.log_numbers()?.contains(&self.seq) {
            let why = self.blocks.trouble().unwrap_or_else(|| "it was not tried".to_owned());
            return Err(HistoryError::Io {
                attempt: format!("make a block of {}", self.folder.log(self.seq).display()),
                source: std::io::Error::other(why),
            });
        }
        Ok(())
    }

    /// Waits until what goes on in the background is done.
    pub fn settle(&self) {
        self.blocks.settle();
    }

    /// Has blocks made of the logs that are closed.
    fn hand_over(&self) {
        self.blocks.logs_closed(self.last_closed());
    }

    /// The number of the last log that is not written any more.
    fn last_closed(&self) -> u64 {
        if self.log.is_some() { self.seq.saturating_sub(1) } else { self.seq }
    }

    /// Goes on with the newest log, if it is sound.
    fn resume(&mut self) -> Result<(), HistoryError> {
        let Some(seq) = self.folder.log_numbers()?.last().copied().filter(|seq| *seq == self.seq) else {
            return Ok(());
        };
        let log = Log::new(Arc::clone(&self.folder.disk), self.folder.log(seq));
        let mut replay = Replay::default();
        let (mut rows, mut sound, mut first) = (0, true, None);
        let mut departed = Departed::default();
        let end = log.records(|record| {
            let applied = replay.apply(record, |kind, at_ms, told| {
                departed.take(kind, told.head.flags, told.new);
                if told.head.flags & crate::row::CARRIED == 0 {
                    rows += u64::from(kind == 1);
                    first = first.or(Some(at_ms));
                }
            });
            sound = applied.is_ok();
            sound
        })?;
        // What is damaged is not written on: the log that follows it leaves it whole, and it is set aside once it is a block.
        if !sound || end == 0 || first.is_none() || self.folder.is_damaged(&log, Some(end))? {
            return Ok(());
        }
        let output = self.folder.disk.extend(&log.path, end).map_err(|error| failed("write to", &log.path, error))?;
        self.newest_ms = replay.at_ms;
        self.log = Some(Open { output, bytes: end, first_ms: first, synced: false, looked: 0 });
        let before = replay.before();
        replay.texts.index();
        self.encoder = Encoder::resume(replay.kinds, replay.texts, before, (rows, departed));
        Ok(())
    }

    /// Whether a frame belongs into another log than the one that is open.
    fn is_due(&self, at_ms: i64) -> bool {
        let Some(log) = &self.log else { return true };
        let hour = |ms: i64| ms.div_euclid(self.block_ms);
        let young = |first: i64| at_ms.saturating_sub(first) < self.block_ms / 2;
        log.bytes >= self.most_bytes
            || self.encoder.rows() >= MOST_ROWS
            || self.encoder.new_texts() >= MOST_TEXTS
            || (self.encoder.rows() >= QUICK_ROWS && log.first_ms.is_some_and(young))
            || log.first_ms.is_some_and(|first| hour(first) != hour(at_ms))
            || self.is_back(at_ms)
    }

    /// Whether somebody set the clock back since the last frame.
    fn is_back(&self, at_ms: i64) -> bool {
        self.newest_ms.is_some_and(|newest| at_ms <= newest)
    }

    /// Closes the log and begins another one.
    fn roll(&mut self, at_ms: i64) -> Result<(), HistoryError> {
        self.close()?;
        let seq = self.seq + 1;
        let path = self.folder.log(seq);
        let carried = if self.is_back(at_ms) {
            // What was so before does not lead to what comes.
            self.encoder = Encoder::default();
            None
        } else {
            self.encoder.carry()
        };
        let fail = |error| failed("write to", &path, error);
        let mut output = self.folder.disk.create(&path).map_err(|error| failed("make", &path, error))?;
        self.seq = seq;
        let mut bytes = header().to_vec();
        if let Some(record) = carried {
            bytes.extend(self.packer.pack(&record).map_err(fail)?);
        }
        output.write_all(&bytes).map_err(fail)?;
        let logs = self.folder.logs();
        self.folder.disk.sync_folder(&logs).map_err(|error| failed("write to", &logs, error))?;
        let bytes = u64::try_from(bytes.len()).unwrap_or(0);
        self.log = Some(Open { output, bytes, first_ms: None, synced: false, looked: 0 });
        Ok(())
    }

    fn close(&mut self) -> Result<(), HistoryError> {
        self.sync_log()?;
        let written = self.log.take().is_some();
        self.hand_over();
        if written {
            self.blocks.make_room(self.seq);
        }
        Ok(())
    }

    fn sync_log(&mut self) -> Result<(), HistoryError> {
        let path = self.folder.log(self.seq);
        while let Some(log) = self.unsynced.last_mut() {
            log.output.sync().map_err(|error| failed("write to", &path, error))?;
            self.unsynced.pop();
        }
        let Some(log) = self.log.as_mut().filter(|log| !log.synced) else { return Ok(()) };
        log.output.sync().map_err(|error| failed("write to", &path, error))?;
        log.synced = true;
        Ok(())
    }

    fn append(&mut self, frame: &Frame) -> Result<(), HistoryError> {
        let at_ms = frame.wall.unix_ms();
        if self.is_due(at_ms) {
            self.roll(at_ms)?;
        }
        let path = self.folder.log(self.seq);
        let fail = |error| failed("write to", &path, error);
        let record = self.encoder.frame(frame);
        let packed = self.packer.pack(&record).map_err(fail)?;
        let Some(log) = &mut self.log else { return Ok(()) };
        log.output.write_all(&packed).map_err(fail)?;
        log.bytes += u64::try_from(packed.len()).unwrap_or(0);
        log.first_ms = log.first_ms.or(Some(at_ms));
        self.newest_ms = Some(at_ms);
        log.synced = false;
        if log.bytes >= log.looked + LOOK_EVERY {
            log.looked = log.bytes;
            self.blocks.make_room(self.last_closed());
        }
        Ok(())
    }
}

impl Sink for Writer {
    fn write(&mut self, frame: &Arc<Frame>) -> Result<(), HistoryError> {
        let written = self.append(frame);
        if written.is_err() {
            // What is in the file may be torn, and the encoder is ahead of it: go on with a new log and everything told anew.
            self.unsynced.extend(self.log.take());
            self.encoder = Encoder::default();
        }
        written
    }

    fn sync(&mut self) -> Result<(), HistoryError> {
        self.sync_log()
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        if let Err(error) = self.sync_log() {
            tracing::warn!(error = %crate::status::chain(&error), "the end of history may not survive a loss of power");
        }
    }
}
