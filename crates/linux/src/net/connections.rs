//! The sockets of all network namespaces.

use std::os::fd::AsFd;
use std::path::{Path, PathBuf};

use procyon_units::Reading;
use rustix::fs::{CWD, Mode, OFlags, openat};
use rustix::io::Errno;
use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};

use super::namespaces::Namespace;
use super::proc_net;
use super::sock_diag::{Detail, SockDiag};
use super::socket::{Protocol, Socket};
use crate::file;
use crate::root::Root;

/// Most sockets in one list; more are counted as cut off.
pub const MAX_SOCKETS: usize = 1 << 20;

/// How the sockets of a namespace were read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Means {
    /// By netlink: complete, TCP details where asked for.
    SockDiag,
    /// From `/proc/PID/net`, since netlink or entering the namespace was refused.
    Text,
}

/// What came of one namespace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Visit {
    /// Inode of the namespace.
    pub namespace: u64,
    /// How it was read, or why not.
    pub means: Reading<Means>,
}

/// Lists sockets; keeps its netlink socket and buffer from round to round.
#[derive(Debug, Default)]
pub struct Connections {
    own: Option<(u64, SockDiag)>,
    buffer: Vec<u8>,
    /// Sockets beyond [`MAX_SOCKETS`] in the last round.
    pub cut_off: usize,
}

impl Connections {
    /// Appends the sockets of these namespaces to `out` and says how each was read.
    ///
    /// The own namespace is asked from the calling thread; a thread that lives for this call enters the others, so the
    /// caller's thread never leaves its own. Privilege: none for the own namespace; `CAP_SYS_ADMIN` to enter others;
    /// without it `/proc/PID/net` of their processes is read, which needs nothing.
    pub fn list(&mut self, root: &Root, namespaces: &[Namespace], detail: Detail, out: &mut Vec<Socket>) -> Vec<Visit> {
        let mut visits = Vec::with_capacity(namespaces.len());
        let (own, others): (Vec<&Namespace>, Vec<&Namespace>) =
            namespaces.iter().partition(|namespace| namespace.own && root.is_live());
        for namespace in own {
            let means = self.list_own(root, namespace, detail, out);
            visits.push(Visit { namespace: namespace.inode, means });
        }
        if !others.is_empty() {
            let buffer = &mut self.buffer;
            let visit_all = || visit_others(root, &others, detail, buffer, out);
            // A thread that cannot be made is a machine out of memory: its next tick will do.
            let visited = std::thread::scope(|scope| {
                let name = std::thread::Builder::new().name("netns".to_owned());
                name.spawn_scoped(scope, visit_all).ok().and_then(|thread| thread.join().ok())
            });
            visits.extend(visited.unwrap_or_default());
        }
        self.cut_off = out.len().saturating_sub(MAX_SOCKETS);
        out.truncate(MAX_SOCKETS);
        visits
    }

    fn list_own(
        &mut self,
        root: &Root,
        namespace: &Namespace,
        detail: Detail,
        out: &mut Vec<Socket>,
    ) -> Reading<Means> {
        let inode = namespace.inode;
        if self.own.as_ref().is_none_or(|(known, _)| *known != inode) {
            self.own = SockDiag::open(inode).ok().map(|diag| (inode, diag));
        }
        let before = out.len();
        if let Some((_, diag)) = &mut self.own {
            if list_all(diag, detail, out).is_ok() {
                return Reading::Known(Means::SockDiag);
            }
            self.own = None;
            out.truncate(before);
        }
        read_text(&[root.proc("thread-self/net"), root.proc("self/net")], inode, &mut self.buffer, out)
    }
}

fn list_all(diag: &mut SockDiag, detail: Detail, out: &mut Vec<Socket>) -> Result<(), Errno> {
    Protocol::ALL.into_iter().try_for_each(|protocol| match diag.list(protocol, detail, out) {
        // Without IPv6 the kernel has no list of it.
        Err(Errno::NOENT) if matches!(protocol, Protocol::Tcp6 | Protocol::Udp6) => Ok(()),
        result => result,
    })
}

fn visit_others(
    root: &Root,
    namespaces: &[&Namespace],
    detail: Detail,
    buffer: &mut Vec<u8>,
    out: &mut Vec<Socket>,
) -> Vec<Visit> {
    let mut visits = Vec::with_capacity(namespaces.len());
    for namespace in namespaces {
        let before = out.len();
        let means = if enter(root, namespace, detail, out).is_ok() {
            Reading::Known(Means::SockDiag)
        } else {
            out.truncate(before);
            let dirs: Vec<PathBuf> = namespace.pids.iter().map(|pid| root.proc(format!("{pid}/net"))).collect();
            read_text(&dirs, namespace.inode, buffer, out)
        };
        visits.push(Visit { namespace: namespace.inode, means });
    }
    visits
}

/// Moves this thread into the namespace and lists its sockets. Must run in a thread that ends afterwards.
fn enter(root: &Root, namespace: &Namespace, detail: Detail, out: &mut Vec<Socket>) -> Result<(), Errno> {
    // Numbers in captured files mean nothing to this kernel.
    if !root.is_live() {
        return Err(Errno::NOSYS);
    }
    let links = namespace.pids.iter().map(|pid| root.proc(format!("{pid}/ns/net"))).chain(namespace.mount.clone());
    let mut result = Err(Errno::NOENT);
    for link in links {
        result = enter_link(&link, namespace.inode);
        if result.is_ok() {
            break;
        }
    }
    result?;
    let mut diag = SockDiag::open(namespace.inode)?;
    list_all(&mut diag, detail, out)
}

fn enter_link(link: &Path, inode: u64) -> Result<(), Errno> {
    let file = openat(CWD, link, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())?;
    // The pid may belong to another process by now.
    if rustix::fs::fstat(&file)?.st_ino != inode {
        return Err(Errno::SRCH);
    }
    move_into_link_name_space(file.as_fd(), Some(LinkNameSpaceType::Network))
}

/// Reads the first of these directories that answers.
fn read_text(dirs: &[PathBuf], inode: u64, buffer: &mut Vec<u8>, out: &mut Vec<Socket>) -> Reading<Means> {
    let mut last = Reading::Forbidden;
    for dir in dirs {
        let before = out.len();
        match proc_net::read(dir, Protocol::Tcp, inode, buffer, out) {
            Ok(()) => {
                for protocol in [Protocol::Tcp6, Protocol::Udp, Protocol::Udp6] {
                    // Without IPv6 there are no such files; a process that ended meanwhile leaves what it showed.
                    proc_net::read(dir, protocol, inode, buffer, out).unwrap_or_default();
                }
                return Reading::Known(Means::Text);
            }
            Err(error) => {
                out.truncate(before);
                last = file::reason(error);
            }
        }
    }
    last
}
