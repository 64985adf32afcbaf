//! How full the file systems are. A mount that does not answer is given up for the time being and never delays the others.

use std::time::Duration;

use procyon_linux::host::filesystems::{self, Statvfs};
use procyon_linux::host::mountinfo::Mount;
use procyon_linux::root::Root;
use procyon_model::frame::{Aged, SourceHealth, SourceState};
use procyon_model::machine::{Filesystem, FilesystemState, Space};
use procyon_units::{Mono, Reading};

use crate::background::Background;
use crate::mounts::Mounts;

/// A mount that has not answered after this time counts as not answering.
const DEADLINE: Duration = Duration::from_secs(2);
/// Threads that may wait for mounts that do not answer; beyond, further such mounts are not asked.
const MAX_STUCK: usize = 4;

type Asker = Background<Mount, Reading<Statvfs>>;

/// Asks one mount after the other on a thread of its own.
#[derive(Debug)]
pub(crate) struct FilesystemsSource {
    root: Root,
    interval: Duration,
    wanted: Mounts,
    /// Asks the mounts that answer.
    asker: Option<Asker>,
    /// Threads that wait for mounts that do not answer.
    stuck: Vec<(Mount, Asker)>,
    round: Option<Round>,
    began: Option<Mono>,
    latest: Aged<Filesystem>,
    took: Option<Duration>,
}

/// One pass over the mounts.
#[derive(Debug)]
struct Round {
    waiting: Vec<Mount>,
    asked: Option<Mount>,
    found: Vec<Filesystem>,
}

impl FilesystemsSource {
    pub(crate) fn new(root: &Root, interval: Duration, wanted: &Mounts) -> Self {
        Self {
            root: root.clone(),
            interval,
            wanted: wanted.clone(),
            asker: None,
            stuck: Vec::new(),
            round: None,
            began: None,
            latest: Aged::default(),
            took: None,
        }
    }

    /// Goes on with the pass in hand, or begins one when it is time. Never waits.
    pub(crate) fn run(&mut self, now: Mono) {
        if self.interval == Duration::MAX {
            return;
        }
        self.stuck.retain_mut(|(_, asker)| asker.poll().is_none());
        if self.round.is_none() && self.began.is_none_or(|began| now.since(began) >= self.interval) {
            let mut mounts = filesystems::list(&self.root, &mut Vec::new()).get().cloned().unwrap_or_default();
            mounts.retain(|mount| self.wanted.want(&mount.mount_point));
            // The last one is asked first.
            mounts.reverse();
            self.round = Some(Round { waiting: mounts, asked: None, found: Vec::new() });
            self.began = Some(now);
        }
        let Some(mut round) = self.round.take() else { return };
        if self.advance(&mut round, now) {
            self.took = self.began.map(|began| now.since(began));
            let shown = |found: &Filesystem| found.space.get().is_none_or(|space| self.wanted.want_size(space.size));
            self.latest = Aged { items: round.found.into_iter().filter(shown).collect(), taken: Some(now) };
        } else {
            self.round = Some(round);
        }
    }

    /// Returns whether the pass is done.
    fn advance(&mut self, round: &mut Round, now: Mono) -> bool {
        loop {
            if let (Some(mount), Some(asker)) = (&round.asked, &mut self.asker) {
                if let Some(reading) = asker.poll() {
                    round.found.extend(described(mount, Some(reading)));
                    round.asked = None;
                } else if asker.is_late(now) {
                    round.found.extend(described(mount, None));
                    self.stuck.extend(round.asked.take().zip(self.asker.take()));
                } else {
                    return false;
                }
            }
            let Some(mount) = round.waiting.pop() else { return true };
            let hopeless =
                self.stuck.len() >= MAX_STUCK || self.stuck.iter().any(|(stuck, _)| stuck.device == mount.device);
            if hopeless {
                round.found.extend(described(&mount, None));
                continue;
            }
            if self.asker.is_none() {
                let root = self.root.clone();
                let answer = move |mount: Mount| filesystems::read_one(&root, &mount);
                self.asker = Background::start("filesystems", Duration::ZERO, DEADLINE, answer).ok();
            }
            let Some(asker) = &mut self.asker else { return true };
            asker.ask(mount.clone(), now);
            round.asked = Some(mount);
            // Most answer at once; those are not worth a tick each.
            asker.wait(PATIENCE);
        }
    }

    pub(crate) fn latest(&self) -> Aged<Filesystem> {
        self.latest.clone()
    }

    pub(crate) fn health(&self) -> SourceHealth {
        SourceHealth {
            id: "filesystems",
            state: if self.stuck.is_empty() { SourceState::Ok } else { SourceState::Late },
            interval: self.interval,
            took: self.took,
        }
    }
}

/// How long the collector gives a mount to answer within the tick.
const PATIENCE: Duration = Duration::from_micros(300);

/// The row of a mount; none for one that holds nothing. Without a reading it did not answer.
fn described(mount: &Mount, reading: Option<Reading<Statvfs>>) -> Option<Filesystem> {
    let (state, space) = match reading {
        None => (FilesystemState::Timeout, Reading::Pending),
        Some(Reading::Known(space)) if !space.is_countable() => return None,
        Some(Reading::Known(space)) => (FilesystemState::Ok, Reading::Known(space_of(&space))),
        Some(other) => (FilesystemState::Error, other.map(|space| space_of(&space))),
    };
    Some(Filesystem {
        mount: String::from_utf8_lossy(&mount.mount_point).into(),
        device: mount.source.clone(),
        kind: mount.kind.clone(),
        read_only: mount.is_read_only(),
        state,
        space,
    })
}

fn space_of(space: &Statvfs) -> Space {
    Space {
        size: space.size,
        free: space.free,
        available: space.available,
        inodes: space.inodes,
        inodes_free: space.inodes_free,
    }
}
