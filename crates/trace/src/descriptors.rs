//! What descriptors stand for, followed through the calls that are told.
//!
//! `/proc/PID/fd` says what a descriptor is now; a call that is told a moment later may have meant something else. So it is read
//! once for each process and program, and what the process opens, copies and closes from then on is followed. `/proc` is asked
//! again only for what cannot be known otherwise: descriptors that came in a message, numbers of new sockets and pipes.
//!
//! That holds as long as every call that changes descriptors is told. Where a filter leaves some out, nothing is remembered and
//! `/proc` is asked each time; where calls were lost, it is read anew.

use std::borrow::Cow;
use std::collections::HashMap;
use std::os::fd::AsRawFd;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use rustix::fs::{CWD, Mode, OFlags, ResolveFlags, openat2};

use crate::call::Call;
use crate::capture::When;
use crate::decode::{AT_FDCWD, Answer, Descriptors, Form};
use crate::filter::Filter;
use crate::table::{self, Kind};

/// Processes that are remembered; more are not, and `/proc` is asked for them.
const MAX_PROCESSES: usize = 1024;
/// Descriptors that are remembered of all of them together.
const MAX_DESCRIPTORS: usize = 65_536;
/// Descriptors that are asked for when a process is met: each takes a call.
const MOST_MET: usize = 4096;

/// The calls that change what descriptors stand for, as far as they are followed.
const CHANGING: [&str; 32] = [
    "execve",
    "execveat",
    "chdir",
    "fchdir",
    "close",
    "close_range",
    "dup",
    "dup2",
    "dup3",
    "fcntl",
    "pipe",
    "pipe2",
    "socketpair",
    "open",
    "creat",
    "openat",
    "openat2",
    "socket",
    "accept",
    "accept4",
    "epoll_create",
    "epoll_create1",
    "eventfd",
    "eventfd2",
    "timerfd_create",
    "signalfd4",
    "inotify_init",
    "inotify_init1",
    "io_uring_setup",
    "perf_event_open",
    "pidfd_open",
    "userfaultfd",
];

/// What is known of descriptors.
#[derive(Debug, Default)]
pub struct Followed {
    processes: HashMap<u32, HashMap<i32, Arc<str>>>,
    /// How many names there are of all processes.
    count: usize,
    /// What the last call changed: not yet part of what was before it.
    changes: Vec<(u32, i32, Option<Arc<str>>)>,
    /// A process that the last call made another program.
    replaced: Option<u32>,
    /// Not every change is told: nothing is remembered.
    partial: bool,
    /// What came back before changes nothing, ns since boot: of it, not every change was told.
    since: u64,
}

impl Followed {
    /// From now on, calls are told that this filter tells.
    pub fn heed(&mut self, filter: &Filter, now: u64) {
        let told = |name: &&str| table::number(name).is_none_or(|number| filter.contains(number));
        self.clear();
        self.partial = filter.failed || filter.slower.is_some() || !CHANGING.iter().all(told);
        self.since = now;
    }

    /// Forgets everything: calls are missing among those that were told.
    pub fn clear(&mut self) {
        self.processes.clear();
        self.count = 0;
        self.changes.clear();
        self.replaced = None;
    }

    /// Takes in a call that is about to be told.
    pub fn follow(&mut self, call: &Call) {
        self.settle();
        let returned = call.returned.filter(|returned| returned.at >= self.since);
        let Some(result) = returned.map(|returned| returned.result).filter(|result| *result >= 0) else { return };
        let Some(name) = table::name(call.number) else { return };
        let process = call.process;
        self.meet(process);
        match name {
            // Which of its descriptors that closed is not asked for: `fdinfo` may wait for locks that the process holds.
            "execve" | "execveat" => self.replaced = Some(process),
            "chdir" => {
                let directory = self.opened(call, AT_FDCWD, 0);
                self.change(process, AT_FDCWD, directory);
            }
            "fchdir" => {
                let directory = self.known(process, descriptor(call, 0));
                self.change(process, AT_FDCWD, directory);
            }
            "close" => self.change::<Arc<str>>(process, descriptor(call, 0), None),
            "close_range" => self.close_range(call),
            "dup" | "dup2" | "dup3" | "fcntl" => self.duplicate(call, name, result),
            "pipe" | "pipe2" => self.pair(call, 0, "pipe:["),
            "socketpair" => self.pair(call, 3, "socket:["),
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
        self.forget(child);
        // Where nothing is known of the parent, the child is asked when it is met.
        if let Some(open) = self.processes.get(&parent)
            && self.count + open.len() <= MAX_DESCRIPTORS
        {
            let open = open.clone();
            self.count += open.len();
            self.processes.insert(child, open);
        }
    }

    /// What the last call changed is how things are now.
    fn settle(&mut self) {
        let changes = std::mem::take(&mut self.changes);
        if self.partial {
            return;
        }
        for (process, descriptor, open) in changes {
            self.set(process, descriptor, open);
        }
        if let Some(process) = self.replaced.take() {
            self.forget(process);
        }
    }

    /// Forgets a process that has ended.
    pub fn forget(&mut self, process: u32) {
        if let Some(open) = self.processes.remove(&process) {
            self.count -= open.len();
        }
    }

    /// Reads what a process has open, the first time that it is seen.
    fn meet(&mut self, process: u32) {
        if self.partial || self.processes.contains_key(&process) || self.processes.len() >= MAX_PROCESSES {
            return;
        }
        let entries = std::fs::read_dir(format!("/proc/{process}/fd")).into_iter().flatten().flatten();
        let numbers = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
        let open = |number: i32| Some((number, live(process, number)?.into()));
        let room = MAX_DESCRIPTORS.saturating_sub(self.count).min(MOST_MET);
        let known: HashMap<i32, Arc<str>> = [AT_FDCWD].into_iter().chain(numbers).take(room).filter_map(open).collect();
        self.count += known.len();
        self.processes.insert(process, known);
    }

    fn set(&mut self, process: u32, descriptor: i32, open: Option<Arc<str>>) {
        let Some(open) = open else {
            if self.processes.get_mut(&process).and_then(|known| known.remove(&descriptor)).is_some() {
                self.count -= 1;
            }
            return;
        };
        if self.processes.len() >= MAX_PROCESSES && !self.processes.contains_key(&process) {
            return;
        }
        let known = self.processes.entry(process).or_default();
        if let Some(known) = known.get_mut(&descriptor) {
            *known = open;
        } else if self.count < MAX_DESCRIPTORS {
            known.insert(descriptor, open);
            self.count += 1;
        }
    }

    fn change<T: Into<Arc<str>>>(&mut self, process: u32, descriptor: i32, open: Option<T>) {
        self.changes.push((process, descriptor, open.map(Into::into)));
    }

    fn known(&self, process: u32, descriptor: i32) -> Option<Arc<str>> {
        self.processes.get(&process)?.get(&descriptor).cloned()
    }

    fn close_range(&mut self, call: &Call) {
        const CLOEXEC: u64 = 4;
        let Some(known) = self.processes.get(&call.process).filter(|_| argument(call, 2) & CLOEXEC == 0) else {
            return;
        };
        let range = argument(call, 0)..=argument(call, 1) & 0xffff_ffff;
        let inside: Vec<i32> =
            known.keys().copied().filter(|number| u64::try_from(*number).is_ok_and(|n| range.contains(&n))).collect();
        for number in inside {
            self.change::<Arc<str>>(call.process, number, None);
        }
    }

    fn duplicate(&mut self, call: &Call, name: &str, result: i64) {
        const F_DUPFD: u64 = 0;
        const F_DUPFD_CLOEXEC: u64 = 1030;
        if name == "fcntl" && !matches!(argument(call, 1), F_DUPFD | F_DUPFD_CLOEXEC) {
            return;
        }
        let from = descriptor(call, 0);
        if let Ok(to) = i32::try_from(result) {
            let open = self.known(call.process, from);
            self.change(call.process, to, open);
        }
    }

    /// Two ends of a pipe or a pair of sockets, whose names only `/proc` knows.
    fn pair(&mut self, call: &Call, index: usize, kind: &str) {
        let Some(bytes) = call.memory.at(When::Exit, argument(call, index)) else { return };
        for chunk in bytes.chunks_exact(4).take(2) {
            let number = chunk.first_chunk().map_or(-1, |bytes| i32::from_ne_bytes(*bytes));
            let text = live(call.process, number).filter(|text| text.starts_with(kind));
            self.change(call.process, number, text);
        }
    }

    /// Calls that return a descriptor for something new.
    fn made(&mut self, call: &Call, name: &str, result: i64) {
        let special = |kind: &str| Some(format!("anon_inode:{kind}"));
        let Ok(number) = i32::try_from(result) else { return };
        let text = match name {
            "open" | "creat" => self.file(call, AT_FDCWD, 0, number),
            "openat" | "openat2" => self.file(call, descriptor(call, 0), 1, number),
            "socket" | "accept" | "accept4" => live(call.process, number).filter(|text| text.starts_with("socket:[")),
            "epoll_create" | "epoll_create1" => special("[eventpoll]"),
            "eventfd" | "eventfd2" => special("[eventfd]"),
            "timerfd_create" => special("[timerfd]"),
            "signalfd4" => special("[signalfd]"),
            "inotify_init" | "inotify_init1" => special("inotify"),
            "io_uring_setup" => special("[io_uring]"),
            "perf_event_open" => special("[perf_event]"),
            "pidfd_open" => special("[pidfd]"),
            "userfaultfd" => special("[userfaultfd]"),
            _ => return,
        };
        self.change(call.process, number, text);
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
            return open.as_ref().map(|open| Cow::from(&**open)).or_else(|| live(process, descriptor).map(Cow::from));
        }
        let changed = self.changes.iter().any(|(of, number, _)| (*of, *number) == (process, descriptor));
        match self.processes.get(&process).and_then(|known| known.get(&descriptor)) {
            Some(open) => Some(Cow::from(&**open)),
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
        followed.follow(&call("openat", [here, 0x1000, 0], b"../etc/./passwd\0", 3));
        assert_eq!(known(&followed, 3, When::Enter), None);
        assert_eq!(known(&followed, 3, When::Exit).as_deref(), Some("/etc/passwd"));
        assert_eq!(known(&followed, AT_FDCWD, When::Enter).as_deref(), Some("/tmp"));
        followed.follow(&call("dup2", [3, 7, 0], b"", 7));
        assert_eq!(known(&followed, 3, When::Enter).as_deref(), Some("/etc/passwd"));
        assert_eq!(known(&followed, 7, When::Exit).as_deref(), Some("/etc/passwd"));
        followed.follow(&call("epoll_create1", [0, 0, 0], b"", 8));
        followed.follow(&call("getpid", [0, 0, 0], b"", 1));
        assert_eq!(known(&followed, 8, When::Enter).as_deref(), Some("anon_inode:[eventpoll]"));
        followed.follow(&call("close", [7, 0, 0], b"", 0));
        assert_eq!(known(&followed, 7, When::Enter).as_deref(), Some("/etc/passwd"));
        followed.follow(&call("close_range", [8, 0xffff_ffff, 0], b"", 0));
        assert_eq!(known(&followed, 7, When::Enter), None);
        followed.follow(&call("getpid", [0, 0, 0], b"", 1));
        assert_eq!(known(&followed, 8, When::Enter), None);
        assert_eq!(followed.count, followed.processes[&PROCESS].len());
    }

    #[test]
    fn another_program_is_met_anew() {
        let mut followed = Followed::default();
        followed.follow(&call("epoll_create1", [0, 0, 0], b"", 8));
        followed.follow(&call("execve", [0, 0, 0], b"", 0));
        assert_eq!(known(&followed, 8, When::Enter).as_deref(), Some("anon_inode:[eventpoll]"));
        followed.follow(&call("getpid", [0, 0, 0], b"", 1));
        assert_eq!((known(&followed, 8, When::Enter), followed.count), (None, 0));
    }

    #[test]
    fn where_not_every_change_is_told_it_is_asked_each_time() {
        let own = |name, result, at| Call {
            process: std::process::id(),
            returned: Some(Return { result, at }),
            ..call(name, [0, 0, 0], b"", result)
        };
        let [mut file, other] = ["/proc/self/status", "/proc/self/stat"]
            .map(|name| std::os::fd::OwnedFd::from(std::fs::File::open(name).unwrap()));
        let number = file.as_raw_fd();
        let told = |followed: &Followed| {
            followed.describe(std::process::id(), number, When::Enter).map(Cow::into_owned).unwrap_or_default()
        };
        let mut followed = Followed::default();
        followed.follow(&own("read", 1, 0));
        followed.heed(&Filter::parse("read").unwrap(), 5);
        followed.follow(&own("read", 1, 5));
        assert!(told(&followed).ends_with("/status"), "{}", told(&followed));
        // Not told: another file has the number.
        rustix::io::dup2(&other, &mut file).unwrap();
        followed.follow(&own("read", 1, 6));
        assert!(told(&followed).ends_with("/stat"), "{}", told(&followed));
        assert_eq!(followed.count, 0);
        // From now on every change is told, but what is older says nothing of now.
        followed.heed(&Filter::parse("!futex").unwrap(), 10);
        followed.follow(&own("epoll_create1", number.into(), 9));
        followed.follow(&own("read", 1, 10));
        assert!(told(&followed).ends_with("/stat") && followed.count > 0, "{}", told(&followed));
        followed.clear();
        assert_eq!((followed.count, followed.processes.len()), (0, 0));
        let (mut failed, mut slower) = (Filter::all(), Filter::all());
        failed.failed = true;
        slower.slower = Some(std::time::Duration::from_micros(1));
        for filter in [failed, slower, Filter::parse("!close").unwrap()] {
            followed.heed(&filter, 0);
            assert!(followed.partial, "{filter:?}");
        }
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
