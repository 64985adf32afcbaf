//! Names of numbers: flags, kinds, errors, signals, as the kernel's headers call them, in the order in which strace tells
//! them (which is where it matters: of two names that fit, the first is told).

pub(crate) mod errors;
pub(crate) mod files;
pub(crate) mod memory;
pub(crate) mod network;
pub(crate) mod processes;
pub(crate) mod requests;
pub(crate) mod signals;
pub(crate) mod terminals;
pub(crate) mod time;

/// Names of the values of one kind of number.
#[derive(Debug)]
pub(crate) struct Names {
    /// What stands beside a number that has no name, like `O_???`; nothing if it is empty.
    pub unknown: &'static str,
    /// Value and name.
    pub names: &'static [(u64, &'static str)],
}

impl Names {
    /// The name of exactly this value.
    pub(crate) fn find(&self, value: u64) -> Option<&'static str> {
        self.names.iter().find(|(known, _)| *known == value).map(|(_, name)| *name)
    }
}

/// Makes a list of names out of `NAME = value`; `A | B = value` is one name of a value that has no word of its own.
macro_rules! names {
    ($(#[$about:meta])* $list:ident, $unknown:literal: $($first:ident $(| $more:ident)* = $value:literal),* $(,)?) => {
        $(#[$about])*
        pub(crate) static $list: Names = Names {
            unknown: $unknown,
            names: &[$(($value, concat!(stringify!($first) $(, "|", stringify!($more))*))),*],
        };
    };
}
use names;

/// Signals that have a name of their own; the first is number 1, the last the first of the real-time ones.
const SIGNALS: [&str; 32] = [
    "SIGHUP",
    "SIGINT",
    "SIGQUIT",
    "SIGILL",
    "SIGTRAP",
    "SIGABRT",
    "SIGBUS",
    "SIGFPE",
    "SIGKILL",
    "SIGUSR1",
    "SIGSEGV",
    "SIGUSR2",
    "SIGPIPE",
    "SIGALRM",
    "SIGTERM",
    "SIGSTKFLT",
    "SIGCHLD",
    "SIGCONT",
    "SIGSTOP",
    "SIGTSTP",
    "SIGTTIN",
    "SIGTTOU",
    "SIGURG",
    "SIGXCPU",
    "SIGXFSZ",
    "SIGVTALRM",
    "SIGPROF",
    "SIGWINCH",
    "SIGIO",
    "SIGPWR",
    "SIGSYS",
    "SIGRTMIN",
];

/// The first real-time signal; those after it are `SIGRT_1` and so on. Source: include/uapi/asm-generic/signal.h.
pub(crate) const SIGRTMIN: u64 = 32;

/// The last one.
pub(crate) const SIGRTMAX: u64 = 64;

/// The name of a signal that has one of its own.
pub(crate) fn signal(number: u64) -> Option<&'static str> {
    SIGNALS.get(usize::try_from(number.checked_sub(1)?).ok()?).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_say_what_the_c_library_says() {
        let checks: [(&Names, &str, i64); 10] = [
            (&files::OPEN_MODE_FLAGS, "O_CLOEXEC", libc::O_CLOEXEC.into()),
            (&files::OPEN_MODE_FLAGS, "O_DIRECTORY", libc::O_DIRECTORY.into()),
            (&files::FCNTLCMDS, "F_DUPFD_CLOEXEC", libc::F_DUPFD_CLOEXEC.into()),
            (&memory::MMAP_FLAGS, "MAP_ANONYMOUS", libc::MAP_ANONYMOUS.into()),
            (&memory::MADVISE_CMDS, "MADV_FREE", libc::MADV_FREE.into()),
            (&network::ADDRFAMS, "AF_NETLINK", libc::AF_NETLINK.into()),
            (&network::SOCK_TCP_OPTIONS, "TCP_NODELAY", libc::TCP_NODELAY.into()),
            (&processes::CLONE_FLAGS, "CLONE_VFORK", libc::CLONE_VFORK.into()),
            (&processes::PRCTL_OPTIONS, "PR_SET_NAME", libc::PR_SET_NAME.into()),
            (&signals::SIGACT_FLAGS, "SA_RESTART", libc::SA_RESTART.into()),
        ];
        for (list, name, value) in checks {
            let found = list.names.iter().find(|(_, known)| *known == name);
            assert_eq!(found.map(|(value, _)| i64::try_from(*value).ok()), Some(Some(value)), "{name}");
        }
    }

    #[test]
    fn signals_and_errors_have_names() {
        assert_eq!(signal(17), Some("SIGCHLD"));
        assert_eq!(signal(0), None);
        assert_eq!(signal(32), Some("SIGRTMIN"));
        assert_eq!(signal(33), None);
        assert_eq!(errors::error(2), Some(("ENOENT", "No such file or directory")));
        assert_eq!(errors::error(133), Some(("EHWPOISON", "Memory page has hardware error")));
        assert_eq!(errors::error(41), None);
    }

    #[test]
    fn requests_can_be_searched() {
        assert!(requests::REQUESTS.is_sorted_by(|a, b| a.0 < b.0));
    }
}
