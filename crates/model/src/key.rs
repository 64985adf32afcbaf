//! Identities. A process is (host, boot, pid, start), never a pid alone: pids are used again.

use std::fmt;
use std::str::FromStr;

use procyon_units::Ticks;

/// A machine: 128 random bits made once in the state directory.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HostId(pub u128);

impl fmt::Display for HostId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

/// One boot of a machine. Source: `/proc/sys/kernel/random/boot_id`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BootId(pub u128);

impl BootId {
    /// Reads the kernel's text form, with or without dashes.
    pub fn parse(text: &str) -> Option<Self> {
        let digits: String = text.trim().chars().filter(|c| *c != '-').collect();
        (digits.len() == 32).then(|| u128::from_str_radix(&digits, 16).ok().map(Self)).flatten()
    }

    /// The first eight hexadecimal digits, enough to tell the boots of one machine apart.
    pub const fn short(self) -> u32 {
        (self.0 >> 96) as u32
    }
}

impl fmt::Display for BootId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

/// A process on one host: written `{pid}-{start in clock ticks}-{first 8 hex digits of the boot id}` everywhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ProcessKey {
    /// Process id in the collector's pid namespace.
    pub pid: u32,
    /// Start in clock ticks after boot. Source: `/proc/PID/stat` field 22.
    pub start: Ticks,
    /// [`BootId::short`] of the boot in which it runs.
    pub boot: u32,
}

impl fmt::Display for ProcessKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}-{:08x}", self.pid, self.start.0, self.boot)
    }
}

/// Text that is no process address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a process address; it looks like 4084-91822-3f9a1c07 (pid, start in clock ticks, boot)")]
pub struct NotAKey(pub String);

impl FromStr for ProcessKey {
    type Err = NotAKey;

    fn from_str(text: &str) -> Result<Self, NotAKey> {
        let parse = || {
            let mut parts = text.split('-');
            let pid = parts.next()?.parse().ok()?;
            let start = parts.next()?.parse().ok()?;
            let boot = parts.next().filter(|hex| hex.len() == 8)?;
            let boot = u32::from_str_radix(boot, 16).ok()?;
            parts.next().is_none().then_some(Self { pid, start: Ticks(start), boot })
        };
        parse().ok_or_else(|| NotAKey(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_reads_back_what_it_wrote() {
        let boot = BootId::parse("3f9a1c07-0000-4000-8000-000000000001").unwrap();
        let key = ProcessKey { pid: 4084, start: Ticks(91_822), boot: boot.short() };
        assert_eq!(key.to_string(), "4084-91822-3f9a1c07");
        assert_eq!("4084-91822-3f9a1c07".parse(), Ok(key));
    }

    #[test]
    fn a_pid_alone_is_no_key() {
        for text in ["4084", "4084-1", "4084-1-abc", "4084-1-3f9a1c07-2", "x-1-3f9a1c07", ""] {
            assert!(text.parse::<ProcessKey>().is_err(), "{text}");
        }
    }
}
