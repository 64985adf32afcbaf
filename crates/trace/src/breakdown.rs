//! Who calls, on which files, and with which errors: of the calls that were told one by one, however few of them anybody sees.

use std::borrow::{Borrow, Cow};
use std::collections::HashMap;
use std::hash::Hash;

use crate::call::Call;
use crate::event::Who;
use crate::names::errors;
use crate::summary::kept_as;
use crate::table;
use crate::target;

/// Threads, files and errors that are kept apart. Where there are more, those with the fewest calls are counted together.
const MOST: usize = 2048;
/// Bytes of a file's name that are kept, the last ones.
const LONGEST_NAME: usize = 1024;
/// What was counted of some calls.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Share {
    /// Calls that came back.
    pub calls: u64,
    /// Those of them that failed.
    pub errors: u64,
    /// Nanoseconds of those whose time is known.
    pub total: u64,
}

impl Share {
    fn add(&mut self, other: Self) {
        self.calls = self.calls.saturating_add(other.calls);
        self.errors = self.errors.saturating_add(other.errors);
        self.total = self.total.saturating_add(other.total);
    }
}

/// Calls by what they have in common.
#[derive(Debug)]
struct Ledger<K> {
    shares: HashMap<K, Share>,
    /// Those that are not kept apart any more.
    rest: Share,
}

impl<K> Default for Ledger<K> {
    fn default() -> Self {
        Self { shares: HashMap::new(), rest: Share::default() }
    }
}

impl<K: Hash + Ord + Clone> Ledger<K> {
    fn add<Q>(&mut self, key: &Q, share: Share)
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ToOwned<Owned = K> + ?Sized,
    {
        if let Some(known) = self.shares.get_mut(key) {
            return known.add(share);
        }
        if self.shares.len() >= MOST {
            self.thin_out();
        }
        self.shares.insert(key.to_owned(), share);
    }

    /// Makes room for those that come: the half with the fewest calls is counted together from now on.
    fn thin_out(&mut self) {
        for (key, share) in self.ranked().split_off(MOST / 2) {
            self.shares.remove(&key);
            self.rest.add(share);
        }
    }

    /// Those with the most calls come first.
    fn ranked(&self) -> Vec<(K, Share)> {
        let mut all: Vec<(K, Share)> = self.shares.iter().map(|(key, share)| (key.clone(), *share)).collect();
        all.sort_by(|(a, one), (b, other)| {
            (other.calls, other.total).cmp(&(one.calls, one.total)).then_with(|| a.cmp(b))
        });
        all
    }

    /// The first so many of them, and all others together.
    fn first(&self, most: usize) -> (Vec<(K, Share)>, Share) {
        let (mut first, mut rest) = (self.ranked(), self.rest);
        for (_, share) in first.split_off(most.min(first.len())) {
            rest.add(share);
        }
        (first, rest)
    }
}

/// A list of those with the most calls.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ranked<T> {
    /// Each with its share.
    pub first: Vec<(T, Share)>,
    /// All others together.
    pub rest: Share,
}

/// A thread, and what it is called.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Caller {
    /// Which one.
    pub who: Who,
    /// Its name; none where it had ended before anybody asked.
    pub name: Option<String>,
}

/// An error of a call.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Failure {
    /// Its name, as `ENOENT`; `errno 600` where it has none.
    pub error: Cow<'static, str>,
    /// What it means; empty where it has no name.
    pub words: &'static str,
    /// The call that failed; `(others)` for all that are not in the table.
    pub call: &'static str,
}

/// Everything that was counted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Breakdown {
    /// By thread.
    pub threads: Ranked<Caller>,
    /// By file, socket or whatever else a descriptor stands for. A call that is about none is not here.
    pub files: Ranked<String>,
    /// Those that failed, by error and call.
    pub errors: Ranked<Failure>,
}

/// Counts calls as they are told.
#[derive(Debug, Default)]
pub(crate) struct Counter {
    threads: Ledger<Who>,
    names: HashMap<Who, String>,
    files: Ledger<String>,
    errors: Ledger<(u64, u32)>,
}

impl Counter {
    /// Counts a call, if it came back, and the file that it was about.
    pub(crate) fn count(&mut self, call: &Call, file: Option<&str>) {
        let Some(returned) = call.returned else { return };
        let error = Some(returned.result).filter(|result| (-4095..0).contains(result)).map(i64::unsigned_abs);
        let share = Share { calls: 1, errors: error.is_some().into(), total: call.took().unwrap_or(0) };
        self.threads.add(&Who { thread: call.thread, process: call.process }, share);
        if let Some(file) = file {
            self.files.add(shortened(file), share);
        }
        if let Some(error) = error {
            self.errors.add(&(error, kept_as(call.number)), share);
        }
    }

    /// What was counted; so many of each kind by themselves.
    pub(crate) fn breakdown(&mut self, most: usize) -> Breakdown {
        let (threads, rest) = self.threads.first(most);
        // Names of threads that are no more are kept while those are told.
        let names: HashMap<Who, String> = threads
            .iter()
            .filter_map(|(who, _)| Some((*who, target::thread_name(*who).or_else(|| self.names.remove(who))?)))
            .collect();
        let caller = |who| Caller { who, name: names.get(&who).cloned() };
        let threads = Ranked { first: threads.into_iter().map(|(who, share)| (caller(who), share)).collect(), rest };
        self.names = names;
        let (files, rest) = self.files.first(most);
        let files = Ranked { first: files, rest };
        let (errors, rest) = self.errors.first(most);
        let errors = errors.into_iter().map(|((error, number), share)| (failure(error, number), share)).collect();
        Breakdown { threads, files, errors: Ranked { first: errors, rest } }
    }
}

fn failure(error: u64, number: u32) -> Failure {
    let (error, words) = match errors::restart(error).or_else(|| errors::error(error)) {
        Some((name, words)) => (name.into(), words),
        None => (format!("errno {error}").into(), ""),
    };
    Failure { error, words, call: table::name(number).unwrap_or("(others)") }
}

/// A name without what is too long of it: its end says which one it is.
fn shortened(name: &str) -> &str {
    let mut start = name.len().saturating_sub(LONGEST_NAME);
    while !name.is_char_boundary(start) {
        start += 1;
    }
    name.get(start..).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::call::Return;

    fn call(thread: u32, name: &str, result: i64) -> Call {
        let number = table::number(name).unwrap();
        Call { thread, process: 7, number, entered: 10, returned: Some(Return { result, at: 15 }), ..Call::default() }
    }

    #[test]
    fn calls_are_counted_by_thread_file_and_error() {
        let mut counter = Counter::default();
        counter.count(&call(8, "read", 5), Some("/a"));
        counter.count(&call(8, "read", -11), Some("/a"));
        counter.count(&call(9, "openat", -2), Some("/b"));
        counter.count(&call(9, "getppid", 1), None);
        counter.count(&call(9, "getppid", 1), None);
        counter.count(&Call { returned: None, ..call(9, "getppid", 1) }, None);
        let Breakdown { threads, files, errors } = counter.breakdown(10);
        let of = |calls, errors| Share { calls, errors, total: 5 * calls };
        let threads: Vec<_> = threads.first.iter().map(|(caller, share)| (caller.who.thread, *share)).collect();
        assert_eq!(threads, [(9, of(3, 1)), (8, of(2, 1))]);
        assert_eq!(files.first, [("/a".to_owned(), of(2, 1)), ("/b".to_owned(), of(1, 1))]);
        let errors: Vec<_> =
            errors.first.iter().map(|(failure, share)| (failure.error.as_ref(), failure.call, *share)).collect();
        assert_eq!(errors, [("ENOENT", "openat", of(1, 1)), ("EAGAIN", "read", of(1, 1))]);
    }

    #[test]
    fn what_has_no_name_is_told_apart_by_its_error_alone() {
        let mut counter = Counter::default();
        for (number, error) in [(Call::FOREIGN_TABLE | 5, -600), (Call::FOREIGN_TABLE | 6, -600), (9999, -601)] {
            counter.count(&Call { number, ..call(8, "read", error) }, None);
        }
        let errors = counter.breakdown(10).errors.first;
        let errors: Vec<_> =
            errors.iter().map(|(failure, share)| (failure.error.as_ref(), failure.call, share.calls)).collect();
        assert_eq!(errors, [("errno 600", "(others)", 2), ("errno 601", "(others)", 1)]);
    }

    #[test]
    fn what_is_not_told_by_itself_is_told_together() {
        let mut counter = Counter::default();
        for thread in 0..5 {
            for _ in 0..=thread {
                counter.count(&call(thread, "getppid", -1), None);
            }
        }
        let threads = counter.breakdown(2).threads;
        let first: Vec<_> = threads.first.iter().map(|(caller, share)| (caller.who.thread, share.calls)).collect();
        assert_eq!((first, threads.rest), (vec![(4, 5), (3, 4)], Share { calls: 6, errors: 6, total: 30 }));
    }

    #[test]
    fn more_files_than_are_kept_are_counted_together_and_the_busy_ones_stay() {
        let mut counter = Counter::default();
        for number in 0..3 * MOST {
            counter.count(&call(1, "read", 1), Some("/busy"));
            counter.count(&call(1, "read", 1), Some(&format!("/{number}")));
        }
        assert!(counter.files.shares.len() <= MOST, "{}", counter.files.shares.len());
        let files = counter.breakdown(1).files;
        assert_eq!((files.first[0].0.as_str(), files.first[0].1.calls), ("/busy", 3 * MOST as u64));
        assert_eq!(files.rest.calls, 3 * MOST as u64, "every call is somewhere");
    }

    #[test]
    fn a_long_name_is_cut_between_two_letters() {
        let name = format!("/{}/", "é".repeat(LONGEST_NAME));
        let short = shortened(&name);
        assert!(name.ends_with(short) && short.len() == LONGEST_NAME - 1, "{}", short.len());
    }

    #[test]
    fn the_name_of_a_thread_outlives_it_while_it_is_told() {
        let mut counter = Counter::default();
        let (tell, told) = std::sync::mpsc::sync_channel(1);
        let (end, ended) = std::sync::mpsc::sync_channel::<()>(1);
        let thread = std::thread::Builder::new().name("brief".to_owned());
        let thread = thread.spawn(move || {
            tell.send(rustix::thread::gettid().as_raw_pid().cast_unsigned()).unwrap();
            ended.recv().ok();
        });
        let number = told.recv().unwrap();
        counter.count(&Call { process: std::process::id(), ..call(number, "getppid", 1) }, None);
        let name = |counter: &mut Counter| counter.breakdown(1).threads.first[0].0.name.clone();
        assert_eq!(name(&mut counter).as_deref(), Some("brief"));
        drop(end);
        thread.unwrap().join().unwrap();
        procyon_testkit::eventually("it is gone", std::time::Duration::from_secs(10), || {
            (!std::path::Path::new(&format!("/proc/{number}/comm")).try_exists().unwrap()).then_some(())
        });
        assert_eq!(name(&mut counter).as_deref(), Some("brief"));
    }
}
