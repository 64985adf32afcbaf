//! Capabilities and limits of this process.

use procyon_units::Reading;
use rustix::process::{Resource, getrlimit};

use crate::file;
use crate::root::Root;
use crate::text::{hex, lines, split_once};

/// A capability of capabilities(7) that Procyon makes use of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Capability {
    /// `CAP_DAC_READ_SEARCH`: read every file.
    DacReadSearch,
    /// `CAP_KILL`: signal every process.
    Kill,
    /// `CAP_NET_ADMIN`: taskstats, process events, cgroup programs.
    NetAdmin,
    /// `CAP_SYS_PTRACE`: see memory, I/O and descriptors of every process.
    SysPtrace,
    /// `CAP_SYS_ADMIN`: enter namespaces; BPF and perf before 5.8.
    SysAdmin,
    /// `CAP_SYS_NICE`: change priorities of every process.
    SysNice,
    /// `CAP_SYS_RESOURCE`: exceed limits.
    SysResource,
    /// `CAP_PERFMON`: BPF programs that look at the kernel. Since 5.8.
    Perfmon,
    /// `CAP_BPF`: load BPF programs. Since 5.8.
    Bpf,
}

impl Capability {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::DacReadSearch,
        Self::Kill,
        Self::NetAdmin,
        Self::SysPtrace,
        Self::SysAdmin,
        Self::SysNice,
        Self::SysResource,
        Self::Perfmon,
        Self::Bpf,
    ];

    /// Its name, as `CAP_BPF`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::DacReadSearch => "CAP_DAC_READ_SEARCH",
            Self::Kill => "CAP_KILL",
            Self::NetAdmin => "CAP_NET_ADMIN",
            Self::SysPtrace => "CAP_SYS_PTRACE",
            Self::SysAdmin => "CAP_SYS_ADMIN",
            Self::SysNice => "CAP_SYS_NICE",
            Self::SysResource => "CAP_SYS_RESOURCE",
            Self::Perfmon => "CAP_PERFMON",
            Self::Bpf => "CAP_BPF",
        }
    }

    /// Its number in `include/uapi/linux/capability.h`.
    const fn bit(self) -> u32 {
        match self {
            Self::DacReadSearch => 2,
            Self::Kill => 5,
            Self::NetAdmin => 12,
            Self::SysPtrace => 19,
            Self::SysAdmin => 21,
            Self::SysNice => 23,
            Self::SysResource => 24,
            Self::Perfmon => 38,
            Self::Bpf => 39,
        }
    }
}

/// The effective set of a process.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Capabilities(u64);

impl Capabilities {
    /// Whether the capability is in the set. `CAP_SYS_ADMIN` stands in for those that were split off it in 5.8.
    #[must_use]
    pub const fn has(self, capability: Capability) -> bool {
        let admin = self.0 >> Capability::SysAdmin.bit() & 1 == 1;
        let split_off = matches!(capability, Capability::Perfmon | Capability::Bpf);
        self.0 >> capability.bit() & 1 == 1 || (split_off && admin)
    }
}

/// Takes `CapEff` out of `/proc/PID/status`.
#[must_use]
pub fn parse(status: &[u8]) -> Option<Capabilities> {
    lines(status).find_map(|line| match split_once(line, b':')? {
        (b"CapEff", set) => hex(set.trim_ascii()).map(Capabilities),
        _ => None,
    })
}

/// Reads the effective capabilities of the calling thread's process. They count within its user namespace only: root of
/// a container has them all, and attempts fail all the same. Privilege: none.
pub fn read(root: &Root, buffer: &mut Vec<u8>) -> Reading<Capabilities> {
    file::read_with(&root.proc("self/status"), buffer, parse)
}

/// A limit of this process; none is unlimited.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ResourceLimit {
    /// What holds now.
    pub soft: Option<u64>,
    /// How far it may be raised.
    pub hard: Option<u64>,
}

/// Limits of this process that Procyon may run into.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ResourceLimits {
    /// Open files (`RLIMIT_NOFILE`).
    pub open_files: ResourceLimit,
    /// Locked memory in bytes (`RLIMIT_MEMLOCK`), which BPF maps count against before 5.11.
    pub locked_memory: ResourceLimit,
}

/// Asks for the limits of this process.
#[must_use]
pub fn limits() -> ResourceLimits {
    let limit = |resource| {
        let limit = getrlimit(resource);
        ResourceLimit { soft: limit.current, hard: limit.maximum }
    };
    ResourceLimits { open_files: limit(Resource::Nofile), locked_memory: limit(Resource::Memlock) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn capabilities_are_bits() {
        let set = parse(b"Name:\tx\nCapEff:\t0000000000081000\n").unwrap();
        let held: Vec<Capability> = Capability::ALL.into_iter().filter(|one| set.has(*one)).collect();
        assert_eq!(held, [Capability::NetAdmin, Capability::SysPtrace]);
    }

    #[test]
    fn sys_admin_stands_in_for_what_was_split_off() {
        let set = parse(b"CapEff:\t0000000000200000\n").unwrap();
        assert!(set.has(Capability::Bpf) && set.has(Capability::Perfmon) && !set.has(Capability::NetAdmin));
    }
}
