//! Processes from the kernel's own list, read by a program of ours: twenty times cheaper than procfs, processor time to the
//! nanosecond, switches and run-queue delay summed over threads at every tick.
//!
//! Two kinds of processes are still read from procfs: those that procfs lists and the kernel's iterator does not show
//! (security modules single some out), and those that lost or got a thread in the middle of the pass, whose sums may
//! therefore have missed or doubled one.

mod memories;
mod row;

use procyon_bpf::processes::{Counted, ProcessTable};
use procyon_bpf::{Kernel, LoadError};
use procyon_linux::own;
use procyon_linux::root::Root;
use procyon_linux::walk::{Descriptors, Miss, ProcessWalk};

use memories::Memories;

use super::{PassCounts, ProcessProvider, ProviderError, RawProcess, procfs};

/// Passes between two comparisons with the list of procfs.
const COMPARE_EVERY: u32 = 10;

/// Why the process table is not read by a program in the kernel.
#[derive(Debug, thiserror::Error)]
pub enum Unavailable {
    /// The program is not in the kernel.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// Another procfs than this machine's own was named; our program would tell about this machine.
    #[error("the files of another procfs than /proc are wanted, and programs in the kernel tell about this machine")]
    OtherRoot,
    /// The kernel counts pids in another way than we see them.
    #[error(
        "procyon runs in a pid namespace or time namespace of its own, and programs in the kernel tell of the first one"
    )]
    OtherNamespace,
    /// Loaded, but it does not work.
    #[error(transparent)]
    Provider(#[from] ProviderError),
}

/// Reads the kernel's list of threads.
#[derive(Debug)]
pub struct Ebpf {
    table: ProcessTable,
    walk: ProcessWalk,
    passes: u32,
    listed: Vec<u32>,
    /// Processes that procfs lists and the iterator does not show, in order of pid.
    hidden: Vec<u32>,
    before: Memories,
}

impl Unavailable {
    /// Whether capabilities would help.
    #[must_use]
    pub const fn is_refusal(&self) -> bool {
        matches!(self, Self::Load(error) if error.is_refusal())
    }
}

impl Ebpf {
    /// Its name.
    pub const ID: &'static str = "ebpf";

    /// The kernel that procfs below `root` tells of. It takes some MiB; let it go once everything is loaded.
    pub fn kernel(root: &Root) -> Result<Kernel, Unavailable> {
        if root.is_live() { Ok(Kernel::open(&root.sys(""))?) } else { Err(Unavailable::OtherRoot) }
    }

    /// Loads the program and sees that it tells of the same processes as procfs below `root`.
    pub fn new(root: &Root, kernel: &Kernel) -> Result<Self, Unavailable> {
        let table = ProcessTable::load(kernel)?;
        let walk = ProcessWalk::new(root, Descriptors::Reopen).map_err(|error| ProviderError(error.to_string()))?;
        let (listed, hidden, before) = (Vec::new(), Vec::new(), Memories::default());
        let mut provider = Self { table, walk, passes: 0, listed, hidden, before };
        if provider.sees_us()? { Ok(provider) } else { Err(Unavailable::OtherNamespace) }
    }

    /// Whether the process with our pid is us: pids and starts are told as in procfs.
    fn sees_us(&mut self) -> Result<bool, ProviderError> {
        let pid = own::pid();
        let mut start = None;
        // Without our own files in procfs there is nothing to compare with, which is an answer as well.
        if self.walk.visit(pid, |files| start = Some(files.stat.start)).is_err() {
            return Ok(false);
        }
        let processes = self.table.read().map_err(failed)?;
        let at = processes.binary_search_by_key(&pid, |counted| counted.process.pid);
        Ok(at.ok().and_then(|at| processes.get(at)).map(|counted| counted.process.start) == start)
    }
}

fn failed(error: procyon_bpf::processes::ReadError) -> ProviderError {
    let cause = std::error::Error::source(&error).map(ToString::to_string).unwrap_or_default();
    ProviderError(format!("{error}: {cause}"))
}

impl ProcessProvider for Ebpf {
    fn id(&self) -> &'static str {
        Self::ID
    }

    fn pass(&mut self, each: &mut dyn FnMut(&RawProcess<'_>)) -> Result<PassCounts, ProviderError> {
        let Self { table, walk, passes, listed, hidden, before } = self;
        let processes = table.read().map_err(failed)?;
        if passes.is_multiple_of(COMPARE_EVERY) {
            walk.list(listed).map_err(|error| ProviderError(error.to_string()))?;
            find_hidden(listed, processes, hidden);
        }
        *passes = passes.wrapping_add(1);
        before.begin();
        let mut pass = Pass { walk, before, each, counts: PassCounts::default() };
        let mut hidden = hidden.iter().copied().peekable();
        for counted in processes {
            let pid = counted.process.pid;
            while let Some(pid) = hidden.next_if(|hidden| *hidden < pid) {
                pass.hidden(pid);
            }
            // One that is shown by now is not hidden: it was born between the pass and the comparison.
            hidden.next_if_eq(&pid);
            pass.shown(counted);
        }
        hidden.for_each(|pid| pass.hidden(pid));
        Ok(pass.counts)
    }
}

/// Puts the pids that are listed and not shown into `hidden`.
fn find_hidden(listed: &[u32], shown: &[Counted], hidden: &mut Vec<u32>) {
    hidden.clear();
    let mut shown = shown.iter().map(|counted| counted.process.pid).peekable();
    for pid in listed {
        while shown.next_if(|shown| shown < pid).is_some() {}
        if shown.next_if_eq(pid).is_none() {
            hidden.push(*pid);
        }
    }
}

/// One pass: processes in order of pid, from whichever source.
struct Pass<'a> {
    walk: &'a mut ProcessWalk,
    before: &'a mut Memories,
    each: &'a mut dyn FnMut(&RawProcess<'_>),
    counts: PassCounts,
}

impl Pass<'_> {
    fn shown(&mut self, counted: &Counted) {
        let before = self.before.of(counted.process.pid, counted.process.start);
        let mut raw = row::of(counted, &before);
        if counted.is_torn() {
            // Whatever procfs does not tell stays as it was found.
            let corrected = self.walk.visit(raw.pid, |files| row::correct(&mut raw, &procfs::raw(&files), &before));
            self.counts.vanished += u64::from(corrected == Err(Miss::Vanished));
        }
        self.give(&raw);
    }

    fn hidden(&mut self, pid: u32) {
        let Self { walk, before, each, counts } = self;
        let outcome = walk.visit(pid, |files| {
            let mut raw = procfs::raw(&files);
            raw.cpu = before.of(pid, raw.start).at_least(raw.cpu);
            before.keep(&raw);
            each(&raw);
        });
        match outcome {
            Ok(()) => counts.found += 1,
            // It may have ended at any time since the comparison.
            Err(Miss::Vanished) => {}
            Err(Miss::Forbidden | Miss::Failed) => counts.forbidden += 1,
        }
    }

    fn give(&mut self, raw: &RawProcess<'_>) {
        self.before.keep(raw);
        self.counts.found += 1;
        (self.each)(raw);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_listed_and_not_shown_is_hidden() {
        let mut hidden = vec![99];
        find_hidden(&[1, 2, 30, 31], &[], &mut hidden);
        assert_eq!(hidden, [1, 2, 30, 31]);
        find_hidden(&[], &[], &mut hidden);
        assert!(hidden.is_empty());
    }
}
