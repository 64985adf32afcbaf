//! Which process holds which socket: the links in `/proc/PID/fd`.
//!
//! Reading a link costs about 6 µs, so a machine with 100,000 descriptors must not be read every second. Owners are
//! kept; a round looks only at processes whose number of descriptors changed, and searches the others only while there
//! are sockets without an owner.

use std::collections::{HashMap, HashSet};
use std::fmt::Write as _;
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;

use procyon_units::Ticks;
use rustix::fs::{AtFlags, CWD, Mode, OFlags, RawDir, openat, readlinkat_raw, statat};
use rustix::io::Errno;

use crate::root::Root;
use crate::text::number;

/// Socket holders are read again after so many rounds even if their number of descriptors stayed the same: one may
/// have been closed and another opened.
const READ_AGAIN: u64 = 30;
/// Longest pause, in rounds, between two searches for the owner of a socket that nobody seems to hold.
const LONGEST_PAUSE: u64 = 64;
/// Bytes for one `getdents64(2)`.
const DIRECTORY_BUFFER: usize = 32 << 10;

/// Who holds a socket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Holder {
    /// This process; of several the one that started first.
    Process(u32),
    /// No process: the kernel's own (NFS, tunnels), or one that was passed on and is not yet received.
    Kernel,
    /// None that we may see, and there are processes whose descriptors we may not see.
    Hidden,
    /// No process can hold it any more (inode 0: `TIME_WAIT` and other remains).
    Nobody,
    /// Not looked for yet.
    Pending,
}

/// What a round did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Round {
    /// Processes whose descriptors were read.
    pub scanned: usize,
    /// Processes whose descriptors we may not read.
    pub forbidden: usize,
    /// Sockets that nobody seems to hold.
    pub unresolved: usize,
}

/// The map from sockets to processes, kept from round to round.
#[derive(Debug, Default)]
pub struct SocketOwners {
    processes: HashMap<u32, Scanned>,
    owners: HashMap<u64, u32>,
    missing: HashMap<u64, Missing>,
    round: u64,
    forbidden: usize,
    path: String,
    directory: Vec<MaybeUninit<u8>>,
    found: Vec<u64>,
}

#[derive(Debug, Default)]
struct Scanned {
    start: Ticks,
    /// Round in which it was last among the processes.
    present: u64,
    /// Round in which its descriptors were read; 0 is never.
    read: u64,
    /// Number of descriptors then, where the kernel tells (since 6.2).
    descriptors: Option<u64>,
    /// Sockets that it held, sorted.
    sockets: Vec<u64>,
    forbidden: bool,
}

#[derive(Debug, Clone, Copy)]
struct Missing {
    next: u64,
    pause: u64,
    /// Round in which it was last wanted.
    wanted: u64,
}

impl SocketOwners {
    /// Brings the map up to date for these processes (pid and start) and looks for the holders of `wanted` inodes.
    ///
    /// Privilege: `CAP_SYS_PTRACE` for other users' processes, which otherwise count as forbidden.
    pub fn resolve(&mut self, root: &Root, processes: &[(u32, Ticks)], wanted: &[u64]) -> Round {
        self.resolve_among(root, processes, wanted, &|_| true)
    }

    /// The same for who knows which processes have run since the last round: the others hold what they held then.
    pub fn resolve_among(
        &mut self,
        root: &Root,
        processes: &[(u32, Ticks)],
        wanted: &[u64],
        has_run: &dyn Fn(u32) -> bool,
    ) -> Round {
        self.round += 1;
        let mut round = Round::default();
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let Ok(proc) = openat(CWD, root.proc("."), flags, Mode::empty()) else { return round };
        self.forget_ended(processes);
        self.refresh_holders(&proc, &mut round, has_run);
        let unknown = self.take_unknown(wanted);
        let searched = !unknown.is_empty();
        if searched {
            self.search(&proc, unknown, &mut round, has_run);
        }
        self.note_missing(wanted, searched);
        self.forbidden = self.processes.values().filter(|process| process.forbidden).count();
        round.forbidden = self.forbidden;
        round.unresolved = self.missing.len();
        round
    }

    /// Who holds the socket with this inode, as of the last round.
    #[must_use]
    pub fn holder(&self, inode: u64) -> Holder {
        match self.owners.get(&inode) {
            Some(pid) => Holder::Process(*pid),
            None if inode == 0 => Holder::Nobody,
            None if !self.missing.contains_key(&inode) => Holder::Pending,
            None if self.forbidden > 0 => Holder::Hidden,
            None => Holder::Kernel,
        }
    }

    /// Whether this process held that socket when its descriptors were read last; none when they never were.
    #[must_use]
    pub fn holds(&self, pid: u32, inode: u64) -> Option<bool> {
        let process = self.processes.get(&pid).filter(|process| process.read > 0)?;
        Some(process.sockets.binary_search(&inode).is_ok())
    }

    fn forget_ended(&mut self, processes: &[(u32, Ticks)]) {
        let round = self.round;
        for &(pid, start) in processes {
            let known = self.processes.entry(pid).or_insert_with(|| Scanned { start, ..Scanned::default() });
            if known.start != start {
                release(&mut self.owners, pid, &known.sockets);
                *known = Scanned { start, ..Scanned::default() };
            }
            known.present = round;
        }
        let owners = &mut self.owners;
        self.processes.retain(|pid, process| {
            let present = process.present == round;
            if !present {
                release(owners, *pid, &process.sockets);
            }
            present
        });
    }

    /// Reads holders of sockets again whose descriptors changed, so that what was closed is let go.
    fn refresh_holders(&mut self, proc: &OwnedFd, round: &mut Round, has_run: &dyn Fn(u32) -> bool) {
        let mut due = Vec::new();
        for (pid, process) in &self.processes {
            if process.sockets.is_empty() || !has_run(*pid) {
                continue;
            }
            let now = count_descriptors(proc, *pid, &mut self.path);
            let old = self.round - process.read;
            let changed = now.is_some() && now != process.descriptors;
            // Before 6.2 the kernel does not tell the number: look more often.
            if changed || old >= READ_AGAIN || (now.is_none() && old >= READ_AGAIN / 4) {
                due.push((process.start, *pid));
            }
        }
        due.sort_unstable();
        for (_, pid) in due {
            self.scan(proc, pid, round);
        }
    }

    /// The wanted inodes that have no holder and are due for a search.
    fn take_unknown(&mut self, wanted: &[u64]) -> HashSet<u64> {
        let mut unknown = HashSet::new();
        for inode in wanted.iter().filter(|inode| **inode != 0) {
            if self.owners.contains_key(inode) {
                self.missing.remove(inode);
                continue;
            }
            if let Some(missing) = self.missing.get_mut(inode) {
                missing.wanted = self.round;
                if missing.next > self.round {
                    continue;
                }
            }
            unknown.insert(*inode);
        }
        unknown
    }

    /// Reads processes, the likeliest first, until all are found.
    fn search(&mut self, proc: &OwnedFd, mut unknown: HashSet<u64>, round: &mut Round, has_run: &dyn Fn(u32) -> bool) {
        let mut candidates: Vec<(u8, Ticks, u32)> = Vec::with_capacity(self.processes.len());
        for (pid, process) in &self.processes {
            let likely = match process {
                Scanned { read, .. } if *read == self.round => continue,
                Scanned { read: 0, .. } => 0,
                _ if !has_run(*pid) => continue,
                Scanned { sockets, .. } if !sockets.is_empty() => 1,
                _ if count_descriptors(proc, *pid, &mut self.path) != process.descriptors => 2,
                _ => 3,
            };
            candidates.push((likely, process.start, *pid));
        }
        candidates.sort_unstable();
        for (_, _, pid) in candidates {
            self.scan(proc, pid, round);
            for inode in &self.found {
                unknown.remove(inode);
            }
            if unknown.is_empty() {
                return;
            }
        }
    }

    /// Remembers what was not found, and looks for it less and less often.
    fn note_missing(&mut self, wanted: &[u64], searched: bool) {
        let round = self.round;
        for inode in wanted.iter().filter(|inode| **inode != 0 && !self.owners.contains_key(inode)) {
            let missing = self.missing.entry(*inode).or_insert(Missing { next: round, pause: 1, wanted: round });
            if searched && missing.next <= round {
                // The longest pauses end together, so that one search serves all.
                missing.next = (round + missing.pause).next_multiple_of(missing.pause);
                missing.pause = (missing.pause * 2).min(LONGEST_PAUSE);
            }
        }
        let owners = &self.owners;
        self.missing.retain(|inode, missing| missing.wanted == round && !owners.contains_key(inode));
    }

    /// Reads the descriptors of one process; `self.found` holds its sockets afterwards.
    fn scan(&mut self, proc: &OwnedFd, pid: u32, round: &mut Round) {
        self.found.clear();
        let descriptors = count_descriptors(proc, pid, &mut self.path);
        self.directory.resize(DIRECTORY_BUFFER, MaybeUninit::uninit());
        let result = read_sockets(proc, pid, &mut self.path, &mut self.directory, &mut self.found);
        let Some(process) = self.processes.get_mut(&pid) else { return };
        round.scanned += 1;
        process.read = self.round;
        process.descriptors = descriptors;
        process.forbidden = matches!(result, Err(Errno::ACCESS | Errno::PERM));
        self.found.sort_unstable();
        self.found.dedup();
        release(&mut self.owners, pid, &process.sockets);
        process.sockets.clone_from(&self.found);
        let start = process.start;
        for inode in &self.found {
            let kept = self.owners.get(inode).and_then(|other| Some((self.processes.get(other)?.start, *other)));
            if kept.is_none_or(|kept| (start, pid) < kept) {
                self.owners.insert(*inode, pid);
            }
        }
    }
}

fn release(owners: &mut HashMap<u64, u32>, pid: u32, sockets: &[u64]) {
    for inode in sockets {
        if owners.get(inode) == Some(&pid) {
            owners.remove(inode);
        }
    }
}

fn fd_path(pid: u32, path: &mut String) -> &str {
    path.clear();
    // Writing to a string cannot fail.
    write!(path, "{pid}/fd").unwrap_or_default();
    path
}

/// The number of open descriptors by the size of `/proc/PID/fd`; none before 6.2, where it is 0. Privilege: none.
fn count_descriptors(proc: &OwnedFd, pid: u32, path: &mut String) -> Option<u64> {
    let stat = statat(proc, fd_path(pid, path), AtFlags::empty()).ok()?;
    u64::try_from(stat.st_size).ok().filter(|count| *count > 0)
}

fn read_sockets(
    proc: &OwnedFd,
    pid: u32,
    path: &mut String,
    buffer: &mut [MaybeUninit<u8>],
    out: &mut Vec<u64>,
) -> Result<(), Errno> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let dir = openat(proc, fd_path(pid, path), flags, Mode::empty())?;
    let mut entries = RawDir::new(&dir, buffer);
    while let Some(entry) = entries.next() {
        let entry = entry?;
        if entry.file_name().to_bytes().starts_with(b".") {
            continue;
        }
        // Links to files are cut off here; those of sockets are short.
        let mut link = [0_u8; 40];
        if let Ok(length) = readlinkat_raw(&dir, entry.file_name(), &mut link[..]) {
            out.extend(link.get(..length).and_then(parse_link));
        }
    }
    Ok(())
}

/// Takes the number out of `socket:[12345]`.
#[must_use]
pub fn parse_link(link: &[u8]) -> Option<u64> {
    number(link.strip_prefix(b"socket:[")?.strip_suffix(b"]")?)
}
