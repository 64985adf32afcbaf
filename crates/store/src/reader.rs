//! Answers questions from the files of a folder. Needs no lock: files are only ever added whole, or grow at their end.

use std::path::Path;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use procyon_history::{
    Event, Events, Extent, Found, Gap, History, HistoryError, HostLines, Line, Past, Range, Search, Seen, Top,
    TopQuestion, Usage,
};
use procyon_model::ProcessKey;
use procyon_units::{Bytes, Wall};

use crate::answer::frame::Things;
use crate::answer::lives::{Life, Who};
use crate::answer::{self, Stretch};
use crate::block::Name;
use crate::block::manifest::Group;
use crate::block::open::{Block, Stretched};
use crate::cache::Cache;
use crate::config::Config;
use crate::disk::{Disk, RealDisk};
use crate::figure::Figure;
use crate::folder::Folder;
use crate::log::Log;
use crate::segment::{Mark, Row, Segment};
use crate::status::Status;
use crate::texts::Texts;

/// How often a question is asked again when files were put together meanwhile.
const ATTEMPTS: usize = 5;
/// Later than any frame.
const FOR_EVER: Wall = Wall(i64::MAX);

/// Answers questions about the past.
#[derive(Debug, Clone)]
pub struct Reader {
    folder: Folder,
    status: Arc<Status>,
    limits: Option<(Bytes, Duration)>,
    cache: Arc<Cache>,
}

/// Opens the history of a folder to ask it. The folder need not be there yet.
pub fn open_reader(dir: &Path) -> Result<Reader, HistoryError> {
    let reader = Reader::new(Arc::new(RealDisk), dir);
    reader.check()?;
    Ok(reader)
}

impl Reader {
    pub(crate) fn new(disk: Arc<dyn Disk>, dir: &Path) -> Self {
        Self { folder: Folder::new(disk, dir), status: Arc::default(), limits: None, cache: Arc::default() }
    }

    /// Whether this version can read it.
    pub(crate) fn check(&self) -> Result<(), HistoryError> {
        self.folder.check().map(drop)
    }

    /// A reader that knows how the writing is doing.
    pub(crate) fn beside(disk: Arc<dyn Disk>, config: &Config, status: Arc<Status>) -> Self {
        let limits = Some((config.max_size, config.retention));
        Self { folder: Folder::new(disk, &config.dir), status, limits, cache: Arc::default() }
    }

    /// Everything there is, in order of time.
    pub(crate) fn stretches(&self) -> Result<Vec<Stretch>, HistoryError> {
        answer::overlap::resolve(self.pieces()?.into_iter().map(|piece| piece.stretch).collect())
    }

    /// The same, as far as it may matter for what was up to an instant: of logs that is up to the first frame after it.
    fn stretches_until(&self, until: Wall) -> Result<Vec<Stretch>, HistoryError> {
        answer::overlap::resolve(
            self.pieces_until(until, self.cache.is_asked_again())?.into_iter().map(|piece| piece.stretch).collect(),
        )
    }

    /// Everything there is, in the order in which it was written, and where it stands.
    pub(crate) fn pieces(&self) -> Result<Vec<Piece>, HistoryError> {
        // Who reads all of it reads for long: the newest log is held as it is now.
        self.pieces_until(FOR_EVER, true)
    }

    /// Either what is read of the newest log is kept, or no log is read further than to the first frame after an instant.
    fn pieces_until(&self, until: Wall, keeps: bool) -> Result<Vec<Piece>, HistoryError> {
        // Logs first: one that becomes a block meanwhile is then found as a log that is gone, or as both.
        let logs = self.folder.log_numbers()?;
        let names = self.folder.block_names()?;
        let mut pieces = Vec::new();
        for name in &names {
            let Some(groups) = self.groups(*name)? else { continue };
            for (number, group) in groups.iter().enumerate() {
                let segment = Lazy { reader: self.clone(), name: *name, group: number, damage: Mutex::default() };
                let stretch = Stretch::of_group(group, Arc::new(segment));
                pieces.push(Piece { seq: group.seq, block: Some(*name), stretch });
            }
        }
        let newest = logs.last().copied();
        for seq in logs.into_iter().filter(|seq| !names.iter().any(|name| name.first <= *seq && *seq <= name.last)) {
            let mut log = Log::new(Arc::clone(&self.folder.disk), self.folder.log(seq));
            let stretch = if newest == Some(seq) && keeps {
                let head = self.cache.head(&log);
                Stretch::of_log(head.catch_up()?, head)
            } else {
                Stretch::of_log(log.marks(until)?, Arc::new(log))
            };
            pieces.extend(stretch.map(|stretch| Piece { seq, block: None, stretch }));
        }
        pieces.sort_by_key(|piece| piece.seq);
        Ok(pieces)
    }

    /// What a block holds; none when it is damaged, which is said once.
    fn groups(&self, name: Name) -> Result<Option<Arc<[Group]>>, HistoryError> {
        if let Some(groups) = self.cache.groups(name) {
            return Ok(Some(groups));
        }
        match self.block(name) {
            Ok(block) => Ok(Some(self.cache.keep_groups(name, &block.manifest.groups))),
            Err(error @ HistoryError::Damaged { .. }) => {
                self.cache.complain(&error);
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    fn block(&self, name: Name) -> Result<Arc<Block>, HistoryError> {
        self.cache.block(name, || Block::open(&self.folder, name))
    }

    /// Asks, and asks again if a file vanished because it became part of another one.
    fn ask<T>(&self, question: impl Fn(&[Stretch]) -> Result<T, HistoryError>) -> Result<T, HistoryError> {
        self.ask_until(FOR_EVER, question)
    }

    /// The same about what was up to an instant.
    fn ask_until<T>(
        &self,
        until: Wall,
        question: impl Fn(&[Stretch]) -> Result<T, HistoryError>,
    ) -> Result<T, HistoryError> {
        self.cache.asked();
        again(|| self.stretches_until(until).and_then(|stretches| question(&stretches)))
    }
}

/// Does what reads files, and does it again if a file vanished because it became part of another one, or went with its age.
pub(crate) fn again<T>(mut read: impl FnMut() -> Result<T, HistoryError>) -> Result<T, HistoryError> {
    let mut attempt = 1;
    loop {
        match read() {
            Err(error) if has_vanished(&error) && attempt < ATTEMPTS => attempt += 1,
            answer => return answer,
        }
    }
}

/// Whether a file was not there.
pub(crate) fn has_vanished(error: &HistoryError) -> bool {
    matches!(error, HistoryError::Io { source, .. } if source.kind() == std::io::ErrorKind::NotFound)
}

/// A stretch, and where it stands.
pub(crate) struct Piece {
    /// Its number.
    pub(crate) seq: u64,
    /// The block that holds it; none of a log.
    pub(crate) block: Option<Name>,
    pub(crate) stretch: Stretch,
}

/// A row group of a block that is opened when it is asked.
#[derive(Debug)]
struct Lazy {
    reader: Reader,
    name: Name,
    group: usize,
    /// What is damaged, and how.
    damage: Mutex<Option<(String, String)>>,
}

impl Lazy {
    /// Asks; a part that is damaged is left out, which is said once.
    fn ask<T: Default>(&self, question: impl FnOnce(&Stretched) -> Result<T, HistoryError>) -> Result<T, HistoryError> {
        let answer = self.reader.block(self.name).and_then(|block| question(&Stretched { block, group: self.group }));
        match answer {
            Err(HistoryError::Damaged { what, how }) => {
                *self.damage.lock().unwrap_or_else(PoisonError::into_inner) = Some((what.clone(), how.clone()));
                self.reader.cache.complain(&HistoryError::Damaged { what, how });
                Ok(T::default())
            }
            answer => answer,
        }
    }
}

impl Segment for Lazy {
    fn visit(
        &self,
        kind: usize,
        columns: &[usize],
        until_ms: i64,
        tell: &mut dyn FnMut(Row<'_>),
    ) -> Result<Texts, HistoryError> {
        self.ask(|segment| segment.visit(kind, columns, until_ms, tell))
    }

    fn visit_things(
        &self,
        kind: usize,
        things: &[usize],
        columns: &[usize],
        until_ms: i64,
        tell: &mut dyn FnMut(Row<'_>),
    ) -> Result<Texts, HistoryError> {
        self.ask(|segment| segment.visit_things(kind, things, columns, until_ms, tell))
    }

    fn visit_ends(&self, columns: &[usize], until_ms: i64, tell: &mut dyn FnMut(Row<'_>)) -> Result<(), HistoryError> {
        self.ask(|segment| segment.visit_ends(columns, until_ms, tell))
    }

    fn things_at(&self, kind: usize, at_ms: i64) -> Result<Option<Things>, HistoryError> {
        self.ask(|segment| segment.things_at(kind, at_ms))
    }

    fn find(&self, keys: &[ProcessKey]) -> Result<Option<Vec<(usize, ProcessKey)>>, HistoryError> {
        self.ask(|segment| segment.find(keys))
    }

    fn damage(&self) -> Option<HistoryError> {
        let damage = self.damage.lock().unwrap_or_else(PoisonError::into_inner);
        damage.clone().map(|(what, how)| HistoryError::Damaged { what, how })
    }

    fn summary(&self, figures: &[&Figure], who: Who<'_>) -> Result<Option<(Vec<Life>, Texts)>, HistoryError> {
        self.ask(|segment| segment.summary(figures, who))
    }
}

fn extent(stretches: &[Stretch]) -> Option<Extent> {
    let first = stretches.iter().map(|stretch| stretch.first).min()?;
    let last = stretches.iter().max_by_key(|stretch| stretch.last)?;
    Some(Extent { first, last: last.last, interval: last.interval })
}

/// The newest frame at or before an instant, with the place of its stretch, and the frame after it.
fn place(stretches: &[Stretch], at: Wall) -> Result<Option<(usize, Mark, Option<Wall>)>, HistoryError> {
    // One that is damaged has no frames; then the one before it answers.
    for (number, stretch) in stretches.iter().enumerate().rev().filter(|(_, stretch)| stretch.first <= at) {
        let marks = stretch.marks()?;
        let count = marks.partition_point(|mark| mark.wall <= at);
        let Some(mark) = count.checked_sub(1).and_then(|place| marks.get(place)) else { continue };
        let next = marks.get(count).map(|next| next.wall);
        let next = next.or_else(|| stretches.get(number + 1).map(|next| next.first));
        return Ok(Some((number, *mark, next)));
    }
    Ok(None)
}

impl History for Reader {
    fn extent(&self) -> Result<Option<Extent>, HistoryError> {
        self.ask(|stretches| Ok(extent(stretches)))
    }

    fn at(&self, at: Wall) -> Result<Past, HistoryError> {
        self.ask_until(at, |stretches| {
            let Some((number, mark, next)) = place(stretches, at)? else {
                let extent = self.extent()?.ok_or(HistoryError::Empty)?;
                return Err(HistoryError::Before { at, extent });
            };
            let stretch = stretches.get(number).ok_or(HistoryError::Empty)?;
            let frame = answer::frame::frame(&*stretch.segment, mark.at_ms)?.ok_or(HistoryError::Empty)?;
            // Without its processes it would say that there were none.
            if let Some(damage) = stretch.segment.damage().filter(|_| frame.processes.is_empty()) {
                return Err(damage);
            }
            let gap = mark.far_from(at).then_some(Gap { from: mark.wall, to: next });
            Ok(Past { frame: Arc::new(frame), gap })
        })
    }

    fn step(&self, at: Wall, by: i64) -> Result<Wall, HistoryError> {
        self.ask(|stretches| {
            let (mut number, mut place) = match place(stretches, at)? {
                Some((number, mark, _)) => {
                    let marks = stretches.get(number).map(Stretch::marks).transpose()?.unwrap_or_default();
                    let place = marks.partition_point(|other| other.at_ms < mark.at_ms);
                    (number, i64::try_from(place).unwrap_or(0).saturating_add(by))
                }
                None => (0, by.saturating_sub(1)),
            };
            loop {
                let stretch = stretches.get(number).ok_or(HistoryError::Empty)?;
                let count = i64::try_from(stretch.frames).unwrap_or(i64::MAX);
                if place < 0 && number > 0 {
                    number -= 1;
                    let before = stretches.get(number).map_or(0, |stretch| stretch.frames);
                    place = place.saturating_add(i64::try_from(before).unwrap_or(i64::MAX));
                } else if place >= count && number + 1 < stretches.len() {
                    number += 1;
                    place -= count;
                } else {
                    let place = usize::try_from(place.clamp(0, count - 1)).unwrap_or(0);
                    return stretch.marks()?.get(place).map(|mark| mark.wall).ok_or(HistoryError::Empty);
                }
            }
        })
    }

    fn gaps(&self, from: Wall, to: Wall) -> Result<Vec<Gap>, HistoryError> {
        self.ask(|stretches| {
            let mut gaps = Vec::new();
            let mut last: Option<Mark> = None;
            for stretch in with_neighbours(stretches, from, to) {
                for mark in stretch.marks()?.iter() {
                    if let Some(before) = last.filter(|last| last.far_from(mark.wall)) {
                        gaps.push(Gap { from: before.wall, to: Some(mark.wall) });
                    }
                    last = Some(*mark);
                }
            }
            gaps.retain(|gap| gap.from < to && gap.to.is_none_or(|end| end > from));
            Ok(gaps)
        })
    }

    fn host_series(&self, range: &Range, figures: &[&str]) -> Result<HostLines, HistoryError> {
        self.ask(|stretches| answer::series::host(stretches, range, figures))
    }

    fn process_series(&self, range: &Range, keys: &[ProcessKey], figures: &[&str]) -> Result<Vec<Line>, HistoryError> {
        self.ask(|stretches| answer::series::processes(stretches, range, keys, figures))
    }

    fn process_rows(&self, range: &Range, key: &ProcessKey) -> Result<Vec<Seen>, HistoryError> {
        self.ask(|stretches| answer::rows::rows(stretches, range, key))
    }

    fn top(&self, question: &TopQuestion) -> Result<Top, HistoryError> {
        self.ask_until(question.to, |stretches| answer::lives::top(stretches, question))
    }

    fn search(&self, search: &Search) -> Result<Vec<Found>, HistoryError> {
        self.ask(|stretches| answer::lives::search(stretches, search))
    }

    fn events(&self, events: &Events) -> Result<Vec<Event>, HistoryError> {
        self.ask(|stretches| {
            let touched = with_neighbours(stretches, events.from, events.to);
            answer::happened::events(touched, None, events)
        })
    }

    fn usage(&self) -> Result<Usage, HistoryError> {
        Ok(Usage {
            bytes: Bytes(self.folder.bytes()?),
            limit: self.limits.map(|(bytes, _)| bytes),
            retention: self.limits.map(|(_, time)| time),
            missed: self.status.missed.load(Ordering::Relaxed),
            lost: self.status.lost.load(Ordering::Relaxed),
            trouble: self.status.trouble(),
        })
    }
}

/// The stretches that a range touches, with the one before them and the one after them.
fn with_neighbours(stretches: &[Stretch], from: Wall, to: Wall) -> &[Stretch] {
    let touched = |stretch: &Stretch| stretch.touches(from, to);
    let first = stretches.iter().position(|stretch| touched(stretch) || stretch.first > from);
    let first = first.unwrap_or(stretches.len()).saturating_sub(1);
    let last = stretches.iter().rposition(|stretch| touched(stretch) || stretch.last < to);
    let last = last.map_or(0, |last| (last + 2).min(stretches.len()));
    stretches.get(first..last.max(first)).unwrap_or_default()
}
