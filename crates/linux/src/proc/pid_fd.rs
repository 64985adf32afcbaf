//! `/proc/PID/fd`: open file descriptors. Privilege: the count since 6.2 none, else same user with the process
//! dumpable or `CAP_SYS_PTRACE`. Absent for kernel threads (they have none: zero) and zombies (zero).

use std::mem::MaybeUninit;
use std::ops::ControlFlow;
use std::os::fd::AsFd;

use procyon_units::Reading;
use rustix::fs::{Mode, OFlags, openat};

use super::directory::{PidName, link, read_upto};
use super::pid_fdinfo::{self, FdInfo};
use super::{PidDir, Seen, each_number};

/// What an open file is, as far as its name tells; the file itself is never touched, since that may block.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FdKind {
    /// A file by its path.
    File,
    /// A directory.
    Directory,
    /// A device below `/dev`.
    Device,
    /// A socket.
    Socket,
    /// A pipe without a path.
    Pipe,
    /// A thing of the kernel: eventfd, epoll, timerfd, namespaces, memfd ...
    Anonymous,
}

impl FdKind {
    /// Its one-word name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::File => "file",
            Self::Directory => "dir",
            Self::Device => "device",
            Self::Socket => "socket",
            Self::Pipe => "pipe",
            Self::Anonymous => "anon",
        }
    }
}

/// One open descriptor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenFd {
    /// Its number.
    pub fd: u32,
    /// What it is.
    pub kind: FdKind,
    /// What the kernel calls it: a path, `socket:[17]`, `anon_inode:[eventpoll]`.
    pub target: Box<[u8]>,
    /// Inode of a socket or pipe.
    pub inode: Option<u64>,
    /// Position and flags.
    pub info: FdInfo,
}

/// Room for some hundred directory entries.
const ENTRIES: usize = 8 << 10;

/// Counts open descriptors: one `stat(2)` since 6.2, else by listing them.
pub fn count(process: &PidDir) -> Seen<u64> {
    match process.stat_entry(c"fd") {
        // Before 6.2 the size is always zero; a process without descriptors lists quickly.
        Ok(stat) => match u64::try_from(stat.st_size) {
            Ok(size) if size > 0 => Ok(Reading::Known(size)),
            _ => count_entries(process),
        },
        Err(error) => process.explain(c"fd", error),
    }
}

/// Counts open descriptors by listing them.
pub fn count_entries(process: &PidDir) -> Seen<u64> {
    let mut count = 0;
    let listed = process.open_directory(c"fd").and_then(|dir| {
        each_number(dir, &mut [MaybeUninit::uninit(); ENTRIES], |_| {
            count += 1;
            ControlFlow::Continue(())
        })
    });
    match listed {
        Ok(()) => Ok(Reading::Known(count)),
        Err(error) => process.explain(c"fd", error),
    }
}

/// Lists open descriptors, at most the first `most`.
pub fn list(process: &PidDir, buffer: &mut Vec<u8>, most: usize) -> Seen<Vec<OpenFd>> {
    let (dir, infos) = match process.open_directory(c"fd").and_then(|dir| Ok((dir, process.open_directory(c"fdinfo")?)))
    {
        Ok(directories) => directories,
        Err(error) => return process.explain(c"fd", error),
    };
    let mut found = Vec::new();
    let listed = each_number(&dir, &mut [MaybeUninit::uninit(); ENTRIES], |fd| {
        let name = PidName::new(fd);
        // A descriptor that was closed meanwhile is not an error.
        if let Ok(target) = link(dir.as_fd(), name.as_c_str()) {
            let info = openat(&infos, name.as_c_str(), OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())
                .and_then(|file| read_upto(file, buffer, INFO_LIMIT))
                .map_or(FdInfo::default(), |()| pid_fdinfo::parse(buffer));
            let (kind, inode) = classify(&target, info.flags);
            found.push(OpenFd { fd, kind, target: target.into(), inode, info });
        }
        if found.len() < most { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    });
    match listed {
        Ok(()) => Ok(Reading::Known(found)),
        Err(error) => process.explain(c"fd", error),
    }
}

/// An epoll descriptor names each of its members; the lines that matter come first.
const INFO_LIMIT: usize = 1 << 10;

/// Tells the kind and the inode by the kernel's name of a file and its flags.
pub fn classify(target: &[u8], flags: Option<u32>) -> (FdKind, Option<u64>) {
    let numbered = |prefix: &[u8]| {
        let inode = target.strip_prefix(prefix)?.strip_suffix(b"]")?;
        crate::text::number(inode)
    };
    if let Some(inode) = numbered(b"socket:[") {
        return (FdKind::Socket, Some(inode));
    }
    if let Some(inode) = numbered(b"pipe:[") {
        return (FdKind::Pipe, Some(inode));
    }
    let opened_as_directory = flags.is_some_and(|flags| flags & OFlags::DIRECTORY.bits() != 0);
    let kind = if !target.starts_with(b"/") || target.starts_with(b"/memfd:") {
        FdKind::Anonymous
    } else if opened_as_directory {
        FdKind::Directory
    } else if target.starts_with(b"/dev/") && !target.starts_with(b"/dev/shm/") {
        FdKind::Device
    } else {
        FdKind::File
    };
    (kind, None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_tell_the_kind() {
        let check =
            |target: &str, kind, inode| assert_eq!(classify(target.as_bytes(), Some(0)), (kind, inode), "{target}");
        check("socket:[4711]", FdKind::Socket, Some(4711));
        check("pipe:[815]", FdKind::Pipe, Some(815));
        check("anon_inode:[eventpoll]", FdKind::Anonymous, None);
        check("net:[4026531840]", FdKind::Anonymous, None);
        check("/memfd:x (deleted)", FdKind::Anonymous, None);
        check("/dev/null", FdKind::Device, None);
        check("/dev/shm/x", FdKind::File, None);
        check("/var/log/x (deleted)", FdKind::File, None);
        check("socket:[x]", FdKind::Anonymous, None);
        assert_eq!(classify(b"/proc", Some(OFlags::DIRECTORY.bits())).0, FdKind::Directory);
    }
}
