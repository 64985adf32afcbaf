//! Answers questions from the files of a folder. Needs no lock: files are only ever added whole, or grow at their end.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use procyon_history::{
    Event, Events, Extent, Found, Gap, History, HistoryError, HostLines, Line, Past, Range, Search, Top, TopQuestion,
    Usage,
};
use procyon_model::ProcessKey;
use procyon_units::{Bytes, Wall};

use crate::answer::{self, Stretch};
use crate::config::Config;
use crate::disk::{Disk, RealDisk};
use crate::folder::Folder;
use crate::log::Log;
use crate::segment::{Mark, marks};
use crate::status::Status;

/// How often a question is asked again when files were put together meanwhile.
const ATTEMPTS: usize = 5;

/// Answers questions about the past.
#[derive(Debug, Clone)]
pub struct Reader {
    folder: Folder,
    status: Arc<Status>,
    limits: Option<(Bytes, Duration)>,
}

/// Opens the history of a folder to ask it. The folder need not be there yet.
pub fn open_reader(dir: &Path) -> Result<Reader, HistoryError> {
    let reader = Reader::new(Arc::new(RealDisk), dir);
    reader.folder.check()?;
    Ok(reader)
}

impl Reader {
    pub(crate) fn new(disk: Arc<dyn Disk>, dir: &Path) -> Self {
        Self { folder: Folder::new(disk, dir), status: Arc::default(), limits: None }
    }

    /// A reader that knows how the writing is doing.
    pub(crate) fn beside(disk: Arc<dyn Disk>, config: &Config, status: Arc<Status>) -> Self {
        let limits = Some((config.max_size, config.retention));
        Self { folder: Folder::new(disk, &config.dir), status, limits }
    }

    /// Everything there is, in the order in which it was written.
    fn stretches(&self) -> Result<Vec<Stretch>, HistoryError> {
        let mut stretches = Vec::new();
        for seq in self.folder.log_numbers()? {
            let log = Log { disk: Arc::clone(&self.folder.disk), path: self.folder.log(seq) };
            let marks = marks(&log, i64::MAX)?;
            if let (Some(first), Some(last)) = (marks.first(), marks.last()) {
                stretches.push(Stretch { first_ms: first.at_ms, last_ms: last.at_ms, segment: Arc::new(log) });
            }
        }
        Ok(stretches)
    }

    /// Asks, and asks again if a file vanished because it became part of another one.
    fn ask<T>(&self, question: impl Fn(&[Stretch]) -> Result<T, HistoryError>) -> Result<T, HistoryError> {
        let mut attempt = 1;
        loop {
            match self.stretches().and_then(|stretches| question(&stretches)) {
                Err(HistoryError::Io { source, .. })
                    if source.kind() == std::io::ErrorKind::NotFound && attempt < ATTEMPTS =>
                {
                    attempt += 1;
                }
                answer => return answer,
            }
        }
    }
}

fn extent(stretches: &[Stretch]) -> Result<Option<Extent>, HistoryError> {
    let (Some(first), Some(last)) = (
        stretches.iter().min_by_key(|stretch| stretch.first_ms),
        stretches.iter().max_by_key(|stretch| stretch.last_ms),
    ) else {
        return Ok(None);
    };
    let (first, last) = (first.marks()?, last.marks()?);
    Ok(first.first().zip(last.last()).map(|(first, last)| Extent {
        first: first.wall,
        last: last.wall,
        interval: last.interval,
    }))
}

/// The newest frame at or before an instant, with the place of its stretch, and the frame after it.
fn place(stretches: &[Stretch], at: Wall) -> Result<Option<(usize, Mark, Option<Mark>)>, HistoryError> {
    let at_ms = at.unix_ms();
    let reach = |stretch: &Stretch| stretch.last_ms.min(at_ms);
    let candidates = stretches.iter().enumerate().filter(|(_, stretch)| stretch.first_ms <= at_ms);
    let mut candidates: Vec<_> = candidates.collect();
    candidates.sort_by_key(|(number, stretch)| std::cmp::Reverse((reach(stretch), *number)));
    for (number, stretch) in candidates {
        let marks = stretch.marks()?;
        let count = marks.partition_point(|mark| mark.wall <= at);
        let Some(mark) = count.checked_sub(1).and_then(|place| marks.get(place)) else { continue };
        let next = match marks.get(count) {
            Some(next) => Some(*next),
            None => match stretches.get(number + 1) {
                Some(next) => next.marks()?.first().copied(),
                None => None,
            },
        };
        return Ok(Some((number, *mark, next)));
    }
    Ok(None)
}

impl History for Reader {
    fn extent(&self) -> Result<Option<Extent>, HistoryError> {
        self.ask(extent)
    }

    fn at(&self, at: Wall) -> Result<Past, HistoryError> {
        self.ask(|stretches| {
            let Some((number, mark, next)) = place(stretches, at)? else {
                let extent = extent(stretches)?.ok_or(HistoryError::Empty)?;
                return Err(HistoryError::Before { at, extent });
            };
            let stretch = stretches.get(number).ok_or(HistoryError::Empty)?;
            let frame = answer::frame::frame(&*stretch.segment, mark.at_ms)?.ok_or(HistoryError::Empty)?;
            let gap = mark.far_from(at).then(|| Gap { from: mark.wall, to: next.map(|next| next.wall) });
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
                let marks = stretch.marks()?;
                let count = i64::try_from(marks.len()).unwrap_or(i64::MAX);
                if place < 0 && number > 0 {
                    number -= 1;
                    let before = stretches.get(number).map(Stretch::marks).transpose()?.unwrap_or_default();
                    place = place.saturating_add(i64::try_from(before.len()).unwrap_or(i64::MAX));
                } else if place >= count && number + 1 < stretches.len() {
                    number += 1;
                    place -= count;
                } else {
                    let place = usize::try_from(place.clamp(0, count - 1)).unwrap_or(0);
                    return marks.get(place).map(|mark| mark.wall).ok_or(HistoryError::Empty);
                }
            }
        })
    }

    fn gaps(&self, from: Wall, to: Wall) -> Result<Vec<Gap>, HistoryError> {
        self.ask(|stretches| {
            let mut gaps = Vec::new();
            let mut last: Option<Mark> = None;
            for stretch in with_neighbours(stretches, from.unix_ms(), to.unix_ms()) {
                for mark in stretch.marks()? {
                    if let Some(before) = last.filter(|last| last.far_from(mark.wall)) {
                        gaps.push(Gap { from: before.wall, to: Some(mark.wall) });
                    }
                    last = Some(mark);
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

    fn top(&self, question: &TopQuestion) -> Result<Top, HistoryError> {
        self.ask(|stretches| answer::lives::top(stretches, question))
    }

    fn search(&self, search: &Search) -> Result<Vec<Found>, HistoryError> {
        self.ask(|stretches| answer::lives::search(stretches, search))
    }

    fn events(&self, events: &Events) -> Result<Vec<Event>, HistoryError> {
        self.ask(|stretches| {
            let touched = with_neighbours(stretches, events.from.unix_ms(), events.to.unix_ms());
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
fn with_neighbours(stretches: &[Stretch], from_ms: i64, to_ms: i64) -> &[Stretch] {
    let touched = |stretch: &Stretch| stretch.touches(from_ms, to_ms);
    let first = stretches.iter().position(|stretch| touched(stretch) || stretch.first_ms > from_ms);
    let first = first.unwrap_or(stretches.len()).saturating_sub(1);
    let last = stretches.iter().rposition(|stretch| touched(stretch) || stretch.last_ms < to_ms);
    let last = last.map_or(0, |last| (last + 2).min(stretches.len()));
    stretches.get(first..last.max(first)).unwrap_or_default()
}
