//! Tries each thing that a monitor wants to do, once, and says what came of it.

use std::os::fd::AsFd;
use std::path::PathBuf;
use std::time::Duration;

use rustix::fs::{AtFlags, CWD, Mode, OFlags, openat, statat};
use rustix::io::Errno;
use rustix::net::netlink;
use rustix::process::{PidfdFlags, getpid, pidfd_open};
use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};

use super::bpf;
use super::held::Capability;
use crate::file;
use crate::net::namespaces::inode_of;
use crate::net::netlink::{Netlink, attributes, read_u16, read_u32};
use crate::net::sock_diag::{Detail, SockDiag};
use crate::net::socket::Protocol;
use crate::root::Root;

/// What came of an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Attempt {
    /// It worked.
    Granted,
    /// The kernel refused.
    Refused {
        /// The error's number.
        errno: i32,
        /// The capability that would do; none where no capability helps.
        needs: Option<Capability>,
    },
    /// This kernel does not have it.
    Unsupported,
    /// There is nothing to try it on: no process of another user runs.
    NoSubject,
}

impl Attempt {
    /// The error's text, as `Operation not permitted (os error 1)`.
    #[must_use]
    pub fn message(self) -> Option<String> {
        match self {
            Self::Refused { errno, .. } => Some(std::io::Error::from_raw_os_error(errno).to_string()),
            Self::Granted | Self::Unsupported | Self::NoSubject => None,
        }
    }

    fn of(result: Result<(), Errno>, needs: Capability) -> Self {
        match result {
            Ok(()) => Self::Granted,
            Err(Errno::NOSYS | Errno::NOENT | Errno::PROTONOSUPPORT | Errno::AFNOSUPPORT | Errno::OPNOTSUPP) => {
                Self::Unsupported
            }
            Err(error) => {
                let needs = matches!(error, Errno::PERM | Errno::ACCESS).then_some(needs);
                Self::Refused { errno: error.raw_os_error(), needs }
            }
        }
    }
}

/// A thing that a monitor wants to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Feature {
    /// Read `/proc/PID/io` of another user.
    ForeignIo,
    /// Read `/proc/PID/fd` of another user, and where its descriptors lead.
    ForeignDescriptors,
    /// Read `/proc/PID/smaps_rollup` of another user. Since 4.14.
    ForeignMemory,
    /// Read `/proc/PID/ns/net` of another user.
    ForeignNamespace,
    /// `pidfd_open(2)`. Since 5.3.
    Pidfd,
    /// List sockets by netlink.
    SockDiag,
    /// `setns(2)` into a network namespace.
    EnterNamespace,
    /// Ask taskstats for a process.
    Taskstats,
    /// Listen to births and deaths by the process connector.
    ProcessEvents,
    /// Load a BPF program that walks the kernel's processes. Whether the kernel takes that one, only loading it tells: the
    /// attempt is a smaller one of those that take the same capabilities.
    BpfIterator,
    /// Load a BPF program that looks at the kernel.
    BpfTracing,
    /// `perf_event_open(2)` for the whole machine.
    Perf,
}

impl Feature {
    /// All of them, in the order in which `doctor` shows them.
    pub const ALL: [Self; 12] = [
        Self::ForeignIo,
        Self::ForeignDescriptors,
        Self::ForeignMemory,
        Self::ForeignNamespace,
        Self::Pidfd,
        Self::SockDiag,
        Self::EnterNamespace,
        Self::Taskstats,
        Self::ProcessEvents,
        Self::BpfIterator,
        Self::BpfTracing,
        Self::Perf,
    ];

    /// A short id.
    #[must_use]
    pub const fn id(self) -> &'static str {
        match self {
            Self::ForeignIo => "process-io",
            Self::ForeignDescriptors => "process-files",
            Self::ForeignMemory => "process-pss",
            Self::ForeignNamespace => "process-namespaces",
            Self::Pidfd => "pidfd",
            Self::SockDiag => "sock-diag",
            Self::EnterNamespace => "enter-namespace",
            Self::Taskstats => "taskstats",
            Self::ProcessEvents => "process-events",
            Self::BpfIterator => "bpf",
            Self::BpfTracing => "bpf-tracing",
            Self::Perf => "perf",
        }
    }

    /// What was tried.
    #[must_use]
    pub const fn what(self) -> &'static str {
        match self {
            Self::ForeignIo => "read /proc/PID/io of another user",
            Self::ForeignDescriptors => "read /proc/PID/fd of another user",
            Self::ForeignMemory => "read /proc/PID/smaps_rollup of another user",
            Self::ForeignNamespace => "read /proc/PID/ns/net of another user",
            Self::Pidfd => "open a pidfd",
            Self::SockDiag => "list sockets by netlink",
            Self::EnterNamespace => "enter a network namespace",
            Self::Taskstats => "ask taskstats for a process",
            Self::ProcessEvents => "listen to the process connector",
            Self::BpfIterator => "load a BPF program that walks processes",
            Self::BpfTracing => "load a BPF tracing program",
            Self::Perf => "count events of the whole machine",
        }
    }

    /// What one gains by it.
    #[must_use]
    pub const fn gives(self) -> &'static str {
        match self {
            Self::ForeignIo => "disk bytes of every process",
            Self::ForeignDescriptors => "the process of every socket, open files",
            Self::ForeignMemory => "proportional memory (PSS, USS) of every process",
            Self::ForeignNamespace => "connections of every network namespace",
            Self::Pidfd => "signals that cannot hit another process with the same pid",
            Self::SockDiag => "connections ten times cheaper than from text",
            Self::EnterNamespace => "details of connections in other network namespaces",
            Self::Taskstats => "final totals of processes that end",
            Self::ProcessEvents => "births and deaths as they happen",
            Self::BpfIterator => "the process table at a twentieth of the cost",
            Self::BpfTracing => "network bytes of every process, births and deaths, system calls",
            Self::Perf => "nothing yet",
        }
    }

    /// Tries it. Changes nothing on the machine. May wait up to 200 ms.
    #[must_use]
    pub fn attempt(self, root: &Root) -> Attempt {
        match self {
            Self::ForeignIo => foreign(root, |dir| read_some(&dir.join("io"))),
            Self::ForeignDescriptors => foreign(root, |dir| follow_a_descriptor(&dir.join("fd"))),
            Self::ForeignMemory => foreign(root, |dir| read_some(&dir.join("smaps_rollup"))),
            Self::ForeignNamespace => foreign(root, |dir| file::read_link(&dir.join("ns/net")).map(|_| ())),
            Self::Pidfd => Attempt::of(pidfd_open(getpid(), PidfdFlags::empty()).map(|_| ()), Capability::SysPtrace),
            Self::SockDiag => Attempt::of(list_sockets(), Capability::NetAdmin),
            Self::EnterNamespace => Attempt::of(enter(root), Capability::SysAdmin),
            Self::Taskstats => Attempt::of(ask_taskstats(), Capability::NetAdmin),
            Self::ProcessEvents => Attempt::of(listen_to_processes(), Capability::NetAdmin),
            Self::BpfIterator | Self::BpfTracing => match bpf::load() {
                // Without CONFIG_BPF_EVENTS the kind is unknown.
                Err(Errno::INVAL) => Attempt::Unsupported,
                result => Attempt::of(result, Capability::Perfmon),
            },
            Self::Perf => Attempt::of(bpf::open_perf(), Capability::Perfmon),
        }
    }
}

/// Tries something on a few processes of other users; one that works is enough.
fn foreign(root: &Root, attempt: impl Fn(&PathBuf) -> Result<(), Errno>) -> Attempt {
    /// A process may end between being found and being tried, and security modules single some out.
    const TRIES: usize = 5;
    let own = rustix::process::geteuid().as_raw();
    let mut buffer = Vec::new();
    let mut is_foreign = |dir: &PathBuf| {
        let owner = statat(CWD, dir, AtFlags::empty()).map(|stat| stat.st_uid);
        // Kernel threads have no command line.
        owner.is_ok_and(|uid| uid != own)
            && file::read_into(&dir.join("cmdline"), &mut buffer).is_ok()
            && !buffer.is_empty()
    };
    let names = file::names(&root.proc(""));
    let dirs = names.iter().filter(|name| name.bytes().all(|byte| byte.is_ascii_digit())).map(|pid| root.proc(&**pid));
    let mut result = Attempt::NoSubject;
    for dir in dirs.filter(|dir| is_foreign(dir)).take(TRIES) {
        match attempt(&dir) {
            Err(Errno::SRCH) => {}
            outcome => result = Attempt::of(outcome, Capability::SysPtrace),
        }
        if result == Attempt::Granted {
            break;
        }
    }
    result
}

/// Asks where a descriptor leads: the permission that lists them (`proc_fd_permission`) is not the one that follows them
/// (`proc_fd_access_allowed`), and a monitor needs both.
fn follow_a_descriptor(dir: &std::path::Path) -> Result<(), Errno> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    openat(CWD, dir, flags, Mode::empty())?;
    // One that has none, or has just closed it, shows nothing.
    let name = file::names(dir).into_iter().next().ok_or(Errno::SRCH)?;
    match file::read_link(&dir.join(&*name)) {
        Err(Errno::NOENT) => Err(Errno::SRCH),
        followed => followed.map(|_| ()),
    }
}

fn read_some(path: &std::path::Path) -> Result<(), Errno> {
    file::read_into(path, &mut Vec::new())
}

fn list_sockets() -> Result<(), Errno> {
    SockDiag::open(0)?.list(Protocol::Tcp, Detail::Plain, &mut Vec::new())
}

/// Enters the namespace that we are in already, which takes the same permission as any other, in a thread that ends.
fn enter(root: &Root) -> Result<(), Errno> {
    let link = root.proc("self/ns/net");
    inode_of(&link).ok_or(Errno::NOENT)?;
    let file = openat(CWD, &link, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())?;
    let enter = || move_into_link_name_space(file.as_fd(), Some(LinkNameSpaceType::Network));
    std::thread::scope(|scope| scope.spawn(enter).join().unwrap_or(Err(Errno::INVAL)))
}

/// Numbers of `include/uapi/linux/genetlink.h` and `taskstats.h`.
mod generic {
    pub const CONTROL: u16 = 0x10;
    pub const GET_FAMILY: u8 = 3;
    pub const FAMILY_ID: u16 = 1;
    pub const FAMILY_NAME: u16 = 2;
    pub const TASKSTATS_GET: u8 = 1;
    pub const TASKSTATS_PID: u16 = 1;
}

/// A generic netlink request with one attribute.
fn generic_request(command: u8, attribute: u16, value: &[u8]) -> Vec<u8> {
    let mut request = vec![command, 1, 0, 0];
    let length = u16::try_from(4 + value.len()).unwrap_or(u16::MAX);
    request.extend(length.to_ne_bytes());
    request.extend(attribute.to_ne_bytes());
    request.extend(value);
    request.resize(request.len().next_multiple_of(4), 0);
    request
}

fn ask_taskstats() -> Result<(), Errno> {
    let mut netlink = Netlink::open(netlink::GENERIC, 0)?;
    let request = generic_request(generic::GET_FAMILY, generic::FAMILY_NAME, b"TASKSTATS\0");
    let family = netlink.ask(generic::CONTROL, &request, |message| {
        let rest = message.payload.get(4..).unwrap_or_default();
        attributes(rest).find(|(kind, _)| *kind == generic::FAMILY_ID).and_then(|(_, value)| read_u16(value, 0))
    })?;
    let pid = getpid().as_raw_nonzero().get().cast_unsigned().to_ne_bytes();
    let request = generic_request(generic::TASKSTATS_GET, generic::TASKSTATS_PID, &pid);
    netlink.ask(family.ok_or(Errno::NOENT)?, &request, |_| ())
}

/// Numbers of `include/uapi/linux/connector.h` and `cn_proc.h`.
mod connector {
    pub const PROCESSES: u32 = 1;
    pub const LISTEN: u32 = 1;
    pub const IGNORE: u32 = 2;
    /// Length of `struct cn_msg`.
    pub const HEADER: usize = 20;
    /// `nlmsg_type` that the connector wants.
    pub const DONE: u16 = 3;
}

fn listen_to_processes() -> Result<(), Errno> {
    /// The kernel acknowledges at once or, outside the first pid namespace, never.
    const PATIENCE: Duration = Duration::from_millis(200);
    let mut netlink = Netlink::open(netlink::CONNECTOR, connector::PROCESSES)?;
    let message = |operation: u32| {
        let mut bytes = Vec::with_capacity(24);
        for number in [connector::PROCESSES, 1, 0, 0] {
            bytes.extend(number.to_ne_bytes());
        }
        // Length of what follows, and flags.
        bytes.extend([4_u16.to_ne_bytes(), 0_u16.to_ne_bytes()].concat());
        bytes.extend(operation.to_ne_bytes());
        bytes
    };
    netlink.send(connector::DONE, 0, &message(connector::LISTEN))?;
    let answer = netlink.wait(PATIENCE, |answer| {
        let event = answer.payload.get(connector::HEADER..).unwrap_or_default();
        // Event 0 is the acknowledgement with an error number; any other shows that events come.
        if read_u32(event, 0) == Some(0) { read_u32(event, 16).unwrap_or(0) } else { 0 }
    });
    // Kernels before 6.5 count listeners and forget to count down when a socket is closed.
    netlink.send(connector::DONE, 0, &message(connector::IGNORE))?;
    match answer {
        Ok(0) => Ok(()),
        Ok(error) => Err(Errno::from_raw_os_error(error.cast_signed())),
        Err(Errno::AGAIN) => Err(Errno::NOSYS),
        Err(error) => Err(error),
    }
}
