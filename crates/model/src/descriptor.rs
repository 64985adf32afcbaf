//! The strings that describe a process: stored once, referred to by a 128-bit hash.

use std::fmt;

/// Hash over all strings of a [`Descriptor`], taken after secrets were masked.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DescriptorId(pub u128);

impl fmt::Display for DescriptorId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

/// What a process is called. Kernel text is kept as bytes; empty means unknown or none.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Descriptor {
    /// Command name, at most 15 bytes (kernel threads: more). Source: `/proc/PID/stat` field 2. Privilege: none.
    pub name: Box<[u8]>,
    /// Command line, NULs turned to spaces, secrets masked, at most 64 KiB. Source: `/proc/PID/cmdline`. Privilege: none.
    /// Kernel threads: the name in brackets.
    pub cmd: Box<[u8]>,
    /// Whether the command line was longer than what is kept.
    pub cmd_truncated: bool,
    /// Path of the program. Source: `/proc/PID/exe`. Privilege: owner or `CAP_SYS_PTRACE`.
    pub exe: Box<[u8]>,
    /// Working directory. Source: `/proc/PID/cwd`. Privilege: owner or `CAP_SYS_PTRACE`.
    pub cwd: Box<[u8]>,
    /// Control group: the v2 path, or on a v1 machine the path of the most telling controller. Source: `/proc/PID/cgroup`.
    pub cgroup: Box<[u8]>,
    /// Effective user's name; the number in decimal when the user database does not know it.
    pub user: Box<[u8]>,
    /// Container by name where its engine answers, else the short id from the cgroup path.
    pub container: Box<[u8]>,
    /// systemd unit from the cgroup path.
    pub unit: Box<[u8]>,
    /// What people call the process before a listening port is added: unit, container or script name, else the name.
    pub title: Box<[u8]>,
}

impl Descriptor {
    /// The hash over all strings; two descriptors with one id are equal.
    pub fn id(&self) -> DescriptorId {
        let mut hasher = blake3::Hasher::new();
        for text in [
            &self.name,
            &self.cmd,
            &self.exe,
            &self.cwd,
            &self.cgroup,
            &self.user,
            &self.container,
            &self.unit,
            &self.title,
        ] {
            hasher.update(&u64::try_from(text.len()).unwrap_or(u64::MAX).to_le_bytes());
            hasher.update(text);
        }
        hasher.update(&[u8::from(self.cmd_truncated)]);
        let mut id = [0; 16];
        hasher.finalize_xof().fill(&mut id);
        DescriptorId(u128::from_le_bytes(id))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_that_moves_between_fields_changes_the_id() {
        let a = Descriptor { name: (*b"ab").into(), cmd: (*b"c").into(), ..Descriptor::default() };
        let b = Descriptor { name: (*b"a").into(), cmd: (*b"bc").into(), ..Descriptor::default() };
        assert_ne!(a.id(), b.id());
        assert_eq!(a.id(), a.clone().id());
    }
}
