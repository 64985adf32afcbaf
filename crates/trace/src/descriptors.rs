//! What descriptors stand for, followed through the calls that are told.
//!
//! `/proc/PID/fd` says what a descriptor is now; a call that is told a moment later may have meant something else. So it is read
//! once for each process, and what the process opens, copies and closes from then on is followed. `/proc` is asked again only for
//! what cannot be known otherwise: descriptors that came in a message, numbers of new sockets and pipes.

use std::borrow::Cow;
use std::collections::HashMap;
use std::os::fd::AsRawFd;
use std::path::{Component, Path, PathBuf};

use rustix::fs::{CWD, Mode, OFlags, ResolveFlags, openat2};

use crate::call::Call;
use crate::capture::When;
use crate::decode::{AT_FDCWD, Answer, Descriptors, Form};
use crate::table::{self, Kind};

/// Processes that are remembered; more are not, and `/proc` is asked for them.
const MAX_PROCESSES: usize = 1024;
/// Descriptors that are remembered for each.
const MAX_DESCRIPTORS: usize = 4096;

const O_CLOEXEC: u64 = 0x8_0000;

/// Something that is open.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Open {
    text: String,
    closed_by_exec: bool,
}

/// What is known of descriptors.
#[derive(Debug, Default)]
pub struct Followed {
    processes: HashMap<u32, HashMap<i32, Open>>,
    /// What the last call changed: not yet part of what was before it.
    changes: Vec<(u32, i32, Option<Open>)>,
}

impl Followed {
    /// Takes in a call that is about to be told.
    pub fn follow(&mut self, call: &Call) {
        self.settle();
        let Some(result) = call.returned.map(|returned| returned.result).filter(|result| *result >= 0) else { return };
        let Some(name) = table::name(call.number) else { return };
        let process = call.process;
        self.meet(process);
        match name {
            "execve" | "execveat" => {
                if let Some(open) = self.processes.get_mut(&process) {
                    open.retain(|_, open| !open.closed_by_exec);
                }
            }
            "chdir" => {
                let directory = self.opened(call, AT_FDCWD, 0);
                self.change(process, AT_FDCWD, directory.map(|text| Open { text, closed_by_exec: false }));
            }
            "fchdir" => {
                let directory = self.known(process, descriptor(call, 0));
                self.change(process, AT_FDCWD, directory.map(|open| Open { closed_by_exec: false, ..open }));
            }
            "close" => self.change(process, descriptor(call, 0), None),
            "close_range" => self.close_range(call),
            "dup" | "dup2" | "dup3" | "fcntl" => self.duplicate(call, name, result),
            "pipe" | "pipe2" => self.pair(call, 0, "pipe:[", argument(call, 1) & O_CLOEXEC != 0),
            "socketpair" => self.pair(call, 3, "socket:[", argument(call, 1) & O_CLOEXEC != 0),
            _ => self.made(call, name, result),
        }
    }

    /// The file that a call which was just followed opened or names, or else what the first of its descriptors stands for.
    pub fn subject(&self, call: &Call) -> Option<Cow<'_, str>> {
        let system = table::system(call.number)?;
        let find = |wanted: fn(&Kind) -> bool| system.arguments.iter().position(wanted);
        let Some(path) = find(|kind| matches!(kind, Kind::Path | Kind::Program)) else {
            let number = descriptor(call, find(|kind| matches!(kind, Kind::As(Form::Descriptor)))?);
            return (number >= 0).then(|| self.describe(call.process, number, When::Enter)).flatten();
        };
        let opened = call.returned.and_then(|returned| i32::try_from(returned.result).ok());
        let opened = opened.filter(|number| *number >= 0 && matches!(system.answer, Answer::Descriptor));
        if let Some(file) = opened.and_then(|number| self.describe(call.process, number, When::Exit)) {
            return Some(file);
        }
        let before =
            path.checked_sub(1).filter(|before| matches!(system.arguments.get(*before), Some(Kind::Directory)));
        let directory = before.map_or(AT_FDCWD, |before| descriptor(call, before));
        self.opened(call, directory, path).map(Cow::from)
    }

    /// A process that was just made starts with what its parent has open. What it opens and closes itself comes later.
    pub fn inherit(&mut self, parent: u32, child: u32) {
        self.settle();
        if parent == child || self.processes.len() >= MAX_PROCESSES {
            return;
        }
        // Where nothing is known of the parent, the child is asked when it is met.
        if let Some(open) = self.processes.get(&parent).cloned() {
            self.processes.insert(child, open);
        }
    }

    /// What the last call changed is how things are now.
    fn settle(&mut self) {
        for (process, descriptor, open) in std::mem::take(&mut self.changes) {
            self.set(process, descriptor, open);
        }
    }

    /// Forgets a process that has ended.
    pub fn forget(&mut self, process: u32) {
        self.processes.remove(&process);
    }

    /// Reads what a process has open, the first time that it is seen.
    fn meet(&mut self, process: u32) {
        if self.processes.contains_key(&process) || self.processes.len() >= MAX_PROCESSES {
            return;
        }
        let entries = std::fs::read_dir(format!("/proc/{process}/fd")).into_iter().flatten().flatten();
        let numbers = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).take(MAX_DESCRIPTORS);
        let open = |number: i32| {
            let text = live(process, number)?;
            Some((number, Open { text, closed_by_exec: is_closed_by_exec(process, number) }))
        };
        let known = numbers.chain([AT_FDCWD]).filter_map(open).collect();
        self.processes.insert(process, known);
    }

    fn set(&mut self, process: u32, descriptor: i32, open: Option<Open>) {
        let Some(open) = open else {
            if let Some(known) = self.processes.get_mut(&process) {
                known.remove(&descriptor);
            }
            return;
        };
        if self.processes.len() >= MAX_PROCESSES && !self.processes.contains_key(&process) {
            return;
        }
        let known = self.processes.entry(process).or_default();
        if known.len() < MAX_DESCRIPTORS || known.contains_key(&descriptor) {
            known.insert(descriptor, open);
        }
    }

    fn change(&mut self, process: u32, descriptor: i32, open: Option<Open>) {
        self.changes.push((process, descriptor, open));
    }

    fn known(&self, process: u32, descriptor: i32) -> Option<Open> {
        self.processes.get(&process)?.get(&descriptor).cloned()
    }

    fn close_range(&mut self, call: &Call) {
        const CLOEXEC: u64 = 4;
        let Some(known) = self.processes.get(&call.process) else { return };
        let range = argument(call, 0)..=argument(call, 1) & 0xffff_ffff;
        let inside: Vec<i32> =
            known.keys().copied().filter(|number| u64::try_from(*number).is_ok_and(|n| range.contains(&n))).collect();
        for number in inside {
            let kept = (argument(call, 2) & CLOEXEC != 0).then(|| self.known(call.process, number)).flatten();
            self.change(call.process, number, kept.map(|open| Open { closed_by_exec: true, ..open }));
        }
    }

    fn duplicate(&mut self, call: &Call, name: &str, result: i64) {
        const F_DUPFD: u64 = 0;
        const F_SETFD: u64 = 2;
        const F_DUPFD_CLOEXEC: u64 = 1030;
        let from = descriptor(call, 0);
        let (to, closed_by_exec) = match (name, argument(call, 1)) {
            ("fcntl", F_SETFD) => (i64::from(from), argument(call, 2) & 1 == 1),
            ("fcntl", command @ (F_DUPFD | F_DUPFD_CLOEXEC)) => (result, command == F_DUPFD_CLOEXEC),
            ("fcntl", _) => return,
            ("dup3", _) => (result, argument(call, 2) & O_CLOEXEC != 0),
            _ => (result, false),
        };
        if let Ok(to) = i32::try_from(to) {
            let open = self.known(call.process, from);
            self.change(call.process, to, open.map(|open| Open { closed_by_exec, ..open }));
        }
    }

    /// Two ends of a pipe or a pair of sockets, whose names only `/proc` knows.
    fn pair(&mut self, call: &Call, index: usize, kind: &str, closed_by_exec: bool) {
        let Some(bytes) = call.memory.at(When::Exit, argument(call, index)) else { return };
        for chunk in bytes.chunks_exact(4).take(2) {
            let number = chunk.first_chunk().map_or(-1, |bytes| i32::from_ne_bytes(*bytes));
            let text = live(call.process, number).filter(|text| text.starts_with(kind));
            self.change(call.process, number, text.map(|text| Open { text, closed_by_exec }));
        }
    }

    /// Calls that return a descriptor for something new.
    fn made(&mut self, call: &Call, name: &str, result: i64) {
        let flag = |index: usize| argument(call, index) & O_CLOEXEC != 0;
        let special = |kind: &str| Some(format!("anon_inode:{kind}"));
        let Ok(number) = i32::try_from(result) else { return };
        let socket = || live(call.process, number).filter(|text| text.starts_with("socket:["));
        let (text, closed_by_exec) = match name {
            "open" => (self.file(call, AT_FDCWD, 0, number), flag(1)),
            "creat" => (self.file(call, AT_FDCWD, 0, number), false),
            "openat" => (self.file(call, descriptor(call, 0), 1, number), flag(2)),
            "openat2" => (self.file(call, descriptor(call, 0), 1, number), false),
            "socket" => (socket(), flag(1)),
            "accept" => (socket(), false),
            "accept4" => (socket(), flag(3)),
            "epoll_create" => (special("[eventpoll]"), false),
            "epoll_create1" => (special("[eventpoll]"), flag(0)),
            "eventfd" => (special("[eventfd]"), false),
            "eventfd2" => (special("[eventfd]"), flag(1)),
            "timerfd_create" => (special("[timerfd]"), flag(1)),
            "signalfd4" => (special("[signalfd]"), flag(3)),
            "inotify_init" => (special("inotify"), false),
            "inotify_init1" => (special("inotify"), flag(0)),
            "io_uring_setup" => (special("[io_uring]"), true),
            "perf_event_open" => (special("[perf_event]"), argument(call, 4) & 8 != 0),
            "pidfd_open" => (special("[pidfd]"), true),
            "userfaultfd" => (special("[userfaultfd]"), flag(0)),
            _ => return,
        };
        self.change(call.process, number, text.map(|text| Open { text, closed_by_exec }));
    }

    /// A file that was opened: without the links on the way to it, as `/proc` would tell it.
    fn file(&self, call: &Call, directory: i32, path: usize, number: i32) -> Option<String> {
        let Some(opened) = self.opened(call, directory, path) else { return live(call.process, number) };
        resolved(call.process, &opened).or(Some(opened))
    }

    /// The whole path of a call's argument.
    fn opened(&self, call: &Call, directory: i32, path: usize) -> Option<String> {
        let address = argument(call, path);
        // Of a program that was replaced, only what there was before is known.
        let bytes = call.memory.at(When::Exit, address).or_else(|| call.memory.at(When::Enter, address))?;
        let end = bytes.iter().position(|byte| *byte == 0)?;
        let path = String::from_utf8_lossy(bytes.get(..end)?);
        let start = if path.starts_with('/') {
            PathBuf::from("/")
        } else {
            PathBuf::from(self.describe(call.process, directory, When::Enter)?.as_ref())
        };
        Some(joined(start, &path))
    }
}

impl Descriptors for Followed {
    fn describe(&self, process: u32, descriptor: i32, when: When) -> Option<Cow<'_, str>> {
        if when == When::Exit
            && let Some((_, _, open)) =
                self.changes.iter().rev().find(|(of, number, _)| (*of, *number) == (process, descriptor))
        {
            return open
                .as_ref()
                .map(|open| Cow::from(&open.text))
                .or_else(|| live(process, descriptor).map(Cow::from));
        }
        let changed = self.changes.iter().any(|(of, number, _)| (*of, *number) == (process, descriptor));
        match self.processes.get(&process).and_then(|known| known.get(&descriptor)) {
            Some(open) => Some(Cow::from(&open.text)),
            None if changed => None,
            None => live(process, descriptor).map(Cow::from),
        }
    }
}

/// A path from a directory on, without `.`, `..` and double slashes.
fn joined(mut start: PathBuf, path: &str) -> String {
    for part in Path::new(path).components() {
        match part {
            Component::Normal(name) => start.push(name),
            Component::ParentDir => {
                start.pop();
            }
            _ => {}
        }
    }
    start.to_string_lossy().into_owned()
}

/// A path without links, if the process sees the same files as we do: elsewhere the same path is another file.
fn resolved(process: u32, path: &str) -> Option<String> {
    let mounts = |process: &str| std::fs::read_link(format!("/proc/{process}/ns/mnt")).ok();
    let same = mounts(&process.to_string())? == mounts("self")?
        && std::fs::read_link(format!("/proc/{process}/root")).ok()? == Path::new("/");
    if !same {
        return None;
    }
    without_links(path)
}

/// A path without links, as far as the kernel knows it by heart: asking a file system for the rest can take for ever, where it
/// is one in user space or at the other end of a cable. The file was just opened, so it is mostly known. Since 5.12; from no
/// kernel before, and none where something is not known.
fn without_links(path: &str) -> Option<String> {
    let found = openat2(CWD, path, OFlags::PATH | OFlags::CLOEXEC, Mode::empty(), ResolveFlags::CACHED).ok()?;
    let path = std::fs::read_link(format!("/proc/self/fd/{}", found.as_raw_fd())).ok()?;
    let path = path.to_string_lossy().into_owned();
    // Of a file without a name, the name is no path.
    (path.starts_with('/') && !path.ends_with(" (deleted)")).then_some(path)
}

/// Whether a descriptor is closed when another program starts. Source: `flags` of `/proc/PID/fdinfo/FD`, in base 8.
fn is_closed_by_exec(process: u32, number: i32) -> bool {
    let text = std::fs::read_to_string(format!("/proc/{process}/fdinfo/{number}")).unwrap_or_default();
    let flags = text.lines().find_map(|line| line.strip_prefix("flags:"));
    flags.and_then(|flags| u64::from_str_radix(flags.trim(), 8).ok()).is_some_and(|flags| flags & O_CLOEXEC != 0)
}

/// What a descriptor is now.
fn live(process: u32, descriptor: i32) -> Option<String> {
    let link = match descriptor {
        AT_FDCWD => format!("/proc/{process}/cwd"),
        number => format!("/proc/{process}/fd/{number}"),
    };
    std::fs::read_link(link).ok().map(|path| path.to_string_lossy().into_owned())
}

fn argument(call: &Call, index: usize) -> u64 {
    call.arguments.get(index).copied().unwrap_or(0)
}

fn descriptor(call: &Call, index: usize) -> i32 {
    u32::try_from(argument(call, index) & 0xffff_ffff).unwrap_or(u32::MAX).cast_signed()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::call::Return;
    use crate::memory::{Memory, Piece};

    /// No such process: `/proc` has no say.
    const PROCESS: u32 = u32::MAX;

    fn call(name: &str, arguments: [u64; 3], text: &[u8], result: i64) -> Call {
        let mut memory = Memory::default();
        memory.push(Piece { address: 0x1000, when: When::Exit, bytes: text.to_vec() });
        let [a, b, c] = arguments;
        Call {
            process: PROCESS,
            number: table::number(name).unwrap(),
            arguments: [a, b, c, 0, 0, 0],
            returned: Some(Return { result, at: 0 }),
            memory,
            ..Call::default()
        }
    }

    fn known(followed: &Followed, descriptor: i32, when: When) -> Option<String> {
        followed.describe(PROCESS, descriptor, when).map(Cow::into_owned)
    }

    #[test]
    fn descriptors_are_followed_from_open_to_close() {
        let here = u64::from(AT_FDCWD.cast_unsigned());
        let mut followed = Followed::default();
        followed.follow(&call("chdir", [0x1000, 0, 0], b"/tmp\0", 0));
        followed.follow(&call("openat", [here, 0x1000, O_CLOEXEC], b"../etc/./passwd\0", 3));
        assert_eq!(known(&followed, 3, When::Enter), None);
        assert_eq!(known(&followed, 3, When::Exit).as_deref(), Some("/etc/passwd"));
        assert_eq!(known(&followed, AT_FDCWD, When::Enter).as_deref(), Some("/tmp"));
        followed.follow(&call("dup2", [3, 7, 0], b"", 7));
        assert_eq!(known(&followed, 3, When::Enter).as_deref(), Some("/etc/passwd"));
        assert_eq!(known(&followed, 7, When::Exit).as_deref(), Some("/etc/passwd"));
        followed.follow(&call("epoll_create1", [0, 0, 0], b"", 8));
        followed.follow(&call("execve", [0, 0, 0], b"", 0));
        assert_eq!(known(&followed, 3, When::Enter), None);
        assert_eq!(known(&followed, 7, When::Enter).as_deref(), Some("/etc/passwd"));
        assert_eq!(known(&followed, 8, When::Enter).as_deref(), Some("anon_inode:[eventpoll]"));
        followed.follow(&call("close", [7, 0, 0], b"", 0));
        assert_eq!(known(&followed, 7, When::Enter).as_deref(), Some("/etc/passwd"));
        followed.follow(&call("close_range", [8, 0xffff_ffff, 0], b"", 0));
        assert_eq!(known(&followed, 7, When::Enter), None);
        followed.follow(&call("getpid", [0, 0, 0], b"", 1));
        assert_eq!(known(&followed, 8, When::Enter), None);
    }

    #[test]
    fn what_failed_changes_nothing() {
        let mut followed = Followed::default();
        followed.follow(&call("epoll_create1", [0, 0, 0], b"", -24));
        followed.follow(&call("getpid", [0, 0, 0], b"", 1));
        assert_eq!(known(&followed, -24, When::Enter), None);
        assert!(followed.processes.values().all(HashMap::is_empty));
    }

    #[test]
    fn a_child_inherits_what_is_open_when_it_is_made() {
        const CHILD: u32 = PROCESS - 1;
        let mut followed = Followed::default();
        followed.follow(&call("epoll_create1", [0, 0, 0], b"", 8));
        followed.inherit(PROCESS, CHILD);
        // The parent goes on before its own clone has come back.
        followed.follow(&call("close", [8, 0, 0], b"", 0));
        followed.follow(&call("clone", [0, 0, 0], b"", i64::from(CHILD)));
        assert_eq!(known(&followed, 8, When::Enter), None);
        let open = followed.describe(CHILD, 8, When::Enter).map(Cow::into_owned);
        assert_eq!(open.as_deref(), Some("anon_inode:[eventpoll]"));
    }

    #[test]
    fn links_on_the_way_to_a_file_are_resolved() {
        let folder = std::env::temp_dir().join(format!("procyon-links-{}", std::process::id()));
        std::fs::create_dir_all(folder.join("real")).unwrap();
        std::fs::write(folder.join("real/file"), "").unwrap();
        std::os::unix::fs::symlink("real", folder.join("link")).unwrap();
        // As whoever is traced does it.
        std::fs::File::open(folder.join("link/file")).unwrap();
        let path = folder.join("link/file");
        let told = resolved(std::process::id(), path.to_str().unwrap());
        let real = std::fs::canonicalize(&path).unwrap();
        assert_eq!(resolved(std::process::id(), "/nonexistent/of/procyon"), None);
        std::fs::remove_dir_all(&folder).unwrap();
        // Kernels before 5.12 do not say what they know by heart.
        let knows = openat2(CWD, "/", OFlags::PATH, Mode::empty(), ResolveFlags::CACHED).is_ok();
        assert!(!knows || told.as_deref().map(Path::new) == Some(&*real), "{told:?}");
    }

    /// Makes a file system that never answers, in a mount namespace of the thread's own: nothing, where that is not permitted.
    #[expect(unsafe_code, reason = "a mount namespace of a thread has no safe wrapper")]
    fn dead_mount(folder: &std::ffi::CStr) -> Option<std::fs::File> {
        let server = std::fs::File::options().read(true).write(true).open("/dev/fuse").ok()?;
        let options = format!("fd={},rootmode=40000,user_id=0,group_id=0\0", server.as_raw_fd());
        // SAFETY: passes numbers.
        if unsafe { libc::unshare(libc::CLONE_FS | libc::CLONE_NEWNS) } != 0 {
            return None;
        }
        let (none, private) = (std::ptr::null(), libc::MS_REC | libc::MS_PRIVATE);
        // SAFETY: texts that end with a zero byte, or nothing.
        let mounted = unsafe {
            libc::mount(none, c"/".as_ptr(), none, private, std::ptr::null()) == 0
                && libc::mount(c"dead".as_ptr(), folder.as_ptr(), c"fuse".as_ptr(), 0, options.as_ptr().cast()) == 0
        };
        mounted.then_some(server)
    }

    #[test]
    fn a_file_system_that_never_answers_is_not_waited_for() {
        let folder = std::env::temp_dir().join(format!("procyon-dead-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let path = folder.to_str().unwrap().to_owned();
        let (tell, told) = std::sync::mpsc::sync_channel(2);
        std::thread::spawn(move || {
            let name = std::ffi::CString::new(path.clone()).unwrap();
            let Some(server) = dead_mount(&name) else { return tell.send(None).unwrap() };
            tell.send(Some(server)).unwrap();
            assert_eq!(without_links(&format!("{path}/file")), None);
            tell.send(None).unwrap();
        });
        let server = told.recv().unwrap();
        if server.is_none() {
            eprintln!("skipped: not permitted to mount");
        } else {
            let answer = told.recv_timeout(std::time::Duration::from_secs(10));
            // Frees whoever waits.
            drop(server);
            assert!(answer.is_ok(), "it waits for ever");
        }
        std::fs::remove_dir(&folder).unwrap();
    }

    #[test]
    fn our_own_descriptors_are_asked_for() {
        let file = std::fs::File::open("/proc/self/status").unwrap();
        let number = std::os::fd::AsRawFd::as_raw_fd(&file);
        let text = Followed::default().describe(std::process::id(), number, When::Enter).unwrap().into_owned();
        assert!(text.ends_with("/status"), "{text}");
    }
}
