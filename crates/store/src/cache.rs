//! What a reader remembers of blocks, within limits.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use procyon_history::HistoryError;

use crate::block::Name;
use crate::block::manifest::Group;
use crate::block::open::Block;
use crate::head::Head;
use crate::log::Log;

/// Blocks that stay open, the ones asked last: the hours of a day and the ends of it.
const MOST_OPEN: usize = 26;
/// Blocks of which it is remembered what they hold: more than a year of hours.
const MOST_KNOWN: usize = 10_000;
/// Kinds of damage that are remembered as said.
const MOST_SAID: usize = 1000;

/// What a reader remembers.
#[derive(Debug, Default)]
pub(crate) struct Cache {
    held: Mutex<Held>,
    questions: AtomicUsize,
}

#[derive(Debug, Default)]
struct Held {
    open: VecDeque<(Name, Arc<Block>)>,
    known: HashMap<Name, Arc<[Group]>>,
    said: HashSet<String>,
    head: Option<Arc<Head>>,
}

impl Cache {
    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A block, opened if it is not.
    pub(crate) fn block(
        &self,
        name: Name,
        open: impl FnOnce() -> Result<Block, HistoryError>,
    ) -> Result<Arc<Block>, HistoryError> {
        {
            let mut held = self.held();
            if let Some(place) = held.open.iter().position(|(other, _)| *other == name) {
                if let Some(found) = held.open.remove(place) {
                    let block = Arc::clone(&found.1);
                    held.open.push_back(found);
                    return Ok(block);
                }
            }
        }
        let block = Arc::new(open()?);
        let mut held = self.held();
        held.open.push_back((name, Arc::clone(&block)));
        if held.open.len() > MOST_OPEN {
            held.open.pop_front();
        }
        Ok(block)
    }

    pub(crate) fn groups(&self, name: Name) -> Option<Arc<[Group]>> {
        self.held().known.get(&name).cloned()
    }

    pub(crate) fn keep_groups(&self, name: Name, groups: &[Group]) -> Arc<[Group]> {
        let mut held = self.held();
        if held.known.len() >= MOST_KNOWN {
            held.known.clear();
        }
        let groups: Arc<[Group]> = groups.into();
        held.known.insert(name, Arc::clone(&groups));
        groups
    }

    /// A question is asked.
    pub(crate) fn asked(&self) {
        self.questions.fetch_add(1, Ordering::Relaxed);
    }

    /// Whether it is not the first question: what is read of the newest log is then kept for those that follow. A command that asks once
    /// reads only what it needs.
    pub(crate) fn is_asked_again(&self) -> bool {
        self.questions.load(Ordering::Relaxed) > 1
    }

    /// What was read of the newest log.
    pub(crate) fn head(&self, log: &Log) -> Arc<Head> {
        let mut held = self.held();
        match &held.head {
            Some(head) if head.is_of(log) => Arc::clone(head),
            _ => Arc::clone(held.head.insert(Arc::new(Head::new(log.clone())))),
        }
    }

    /// Says once that something is damaged.
    pub(crate) fn complain(&self, error: &HistoryError) {
        let text = error.to_string();
        let mut held = self.held();
        if held.said.len() < MOST_SAID && held.said.insert(text.clone()) {
            tracing::warn!(error = text, "a part of history is left out; `procyon store verify` tells more");
        }
    }
}
