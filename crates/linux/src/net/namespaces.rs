//! Which network namespaces there are, and a way into each.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};

use procyon_units::Ticks;
use rustix::fs::{CWD, stat};

use crate::file;
use crate::root::Root;
use crate::text::number;

/// Most namespaces that are kept; a machine with a thousand containers stays below. More are counted in
/// [`Namespaces::skipped`].
pub const MAX_NAMESPACES: usize = 2048;
/// Processes that are remembered for each namespace: the first may end before it is used.
const REPRESENTATIVES: usize = 3;
/// A process may change its namespace; how many rounds until it is looked at again once it has settled.
const LOOK_AGAIN: u32 = 32;

/// One network namespace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Namespace {
    /// Its inode, as in `net:[4026531840]`.
    pub inode: u64,
    /// Processes in it, a few at most; empty where only a mount keeps it.
    pub pids: Vec<u32>,
    /// The file that keeps it, as `/run/netns/blue`.
    pub mount: Option<PathBuf>,
    /// Name by `ip netns`.
    pub name: Option<Box<str>>,
    /// It is the one of the calling process.
    pub own: bool,
}

/// The network namespaces of the machine, kept from round to round.
#[derive(Debug, Default)]
pub struct Namespaces {
    processes: HashMap<u32, Seen>,
    list: Vec<Namespace>,
    round: u32,
    /// Processes whose namespace we may not see.
    pub forbidden: usize,
    /// Namespaces beyond [`MAX_NAMESPACES`].
    pub skipped: usize,
}

#[derive(Debug)]
struct Seen {
    start: Ticks,
    rounds: u32,
    /// Round in which it was last among the processes.
    round: u32,
    /// None where we may not see it.
    inode: Option<u64>,
}

impl Seen {
    /// Runtimes make a process first and its namespace a moment later: young ones are looked at often.
    fn is_due(&self, pid: u32) -> bool {
        self.rounds < 4 || self.rounds.is_power_of_two() || self.rounds % LOOK_AGAIN == pid % LOOK_AGAIN
    }
}

impl Namespaces {
    /// Looks at the namespaces of these processes (pid and start) and at `/run/netns`.
    ///
    /// One `readlink` for each process that is new or due again. Privilege: `CAP_SYS_PTRACE` for other users' processes;
    /// those that it may not see are taken to be in namespaces that others show.
    pub fn refresh(&mut self, root: &Root, processes: &[(u32, Ticks)]) {
        self.round = self.round.wrapping_add(1);
        let own = inode_of(&root.proc("self/ns/net"));
        let mut found: BTreeMap<u64, Namespace> = BTreeMap::new();
        self.forbidden = 0;
        for &(pid, start) in processes {
            let seen = self.look(root, pid, start);
            let Some(inode) = seen else {
                self.forbidden += 1;
                continue;
            };
            let namespace = found.entry(inode).or_insert_with(|| Namespace::new(inode));
            if namespace.pids.len() < REPRESENTATIVES {
                namespace.pids.push(pid);
            }
        }
        let round = self.round;
        self.processes.retain(|_, seen| seen.round == round);
        if let Some(own) = own {
            found.entry(own).or_insert_with(|| Namespace::new(own)).own = true;
        }
        add_mounted(root, &mut found);
        self.list = found.into_values().collect();
        self.list.sort_by_key(|namespace| (!namespace.own, namespace.inode));
        self.skipped = self.list.len().saturating_sub(MAX_NAMESPACES);
        self.list.truncate(MAX_NAMESPACES);
    }

    /// The namespaces of the last round: the own one first, then by inode.
    #[must_use]
    pub fn list(&self) -> &[Namespace] {
        &self.list
    }

    /// The namespace of a process of the last round.
    #[must_use]
    pub fn of(&self, pid: u32) -> Option<u64> {
        self.processes.get(&pid).and_then(|seen| seen.inode)
    }

    fn look(&mut self, root: &Root, pid: u32, start: Ticks) -> Option<u64> {
        let round = self.round;
        let read = || inode_of(&root.proc(format!("{pid}/ns/net")));
        match self.processes.get_mut(&pid) {
            Some(seen) if seen.start == start => {
                seen.rounds = seen.rounds.saturating_add(1);
                seen.round = round;
                if seen.is_due(pid) {
                    seen.inode = read();
                }
                seen.inode
            }
            _ => {
                let inode = read();
                self.processes.insert(pid, Seen { start, rounds: 0, round, inode });
                inode
            }
        }
    }
}

impl Namespace {
    fn new(inode: u64) -> Self {
        Self { inode, pids: Vec::new(), mount: None, name: None, own: false }
    }
}

/// Adds what `ip netns add` keeps, and names by it what was found already.
fn add_mounted(root: &Root, found: &mut BTreeMap<u64, Namespace>) {
    let dir = root.fs("run/netns");
    // The directory itself tells which device the files have that are no namespace (not mounted, or no longer).
    let Ok(outside) = stat(&dir) else { return };
    for name in file::names(&dir) {
        let path = dir.join(&*name);
        let Ok(inside) = stat(&path) else { continue };
        if inside.st_dev == outside.st_dev {
            continue;
        }
        let namespace = found.entry(inside.st_ino).or_insert_with(|| Namespace::new(inside.st_ino));
        (namespace.mount, namespace.name) = (Some(path), Some(name));
    }
}

/// Takes the number out of `net:[4026531840]`.
#[must_use]
pub fn parse_link(link: &[u8]) -> Option<u64> {
    number(link.strip_prefix(b"net:[")?.strip_suffix(b"]")?)
}

/// The inode of a namespace by its link.
pub(crate) fn inode_of(link: &Path) -> Option<u64> {
    let mut target = [0_u8; 64];
    let length = rustix::fs::readlinkat_raw(CWD, link, &mut target[..]).ok()?;
    parse_link(target.get(..length)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_links_of_network_namespaces_are_taken() {
        assert_eq!(parse_link(b"net:[4026531840]"), Some(4_026_531_840));
        assert_eq!(parse_link(b"mnt:[4026531840]"), None);
        assert_eq!(parse_link(b"net:[]"), None);
    }
}
