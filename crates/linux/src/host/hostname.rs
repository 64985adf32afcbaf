//! The machine's name and kernel, from `/proc/sys/kernel`.

use procyon_units::Reading;

use crate::file;
use crate::root::Root;

/// Reads the host name (`/proc/sys/kernel/hostname`, of the reader's UTS namespace). Privilege: none.
pub fn read(root: &Root, buffer: &mut Vec<u8>) -> Reading<Box<str>> {
    file::read_line(&root.proc("sys/kernel/hostname"), buffer)
}

/// Reads the kernel's release, as `6.18.44` (`/proc/sys/kernel/osrelease`). Privilege: none.
pub fn read_kernel_release(root: &Root, buffer: &mut Vec<u8>) -> Reading<Box<str>> {
    file::read_line(&root.proc("sys/kernel/osrelease"), buffer)
}

/// The architecture that the kernel runs on, as `x86_64` (`uname(2)` `machine`).
#[must_use]
pub fn architecture() -> Box<str> {
    rustix::system::uname().machine().to_string_lossy().into()
}

/// What `uname(2)` says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Uname {
    /// `Linux`.
    pub sysname: Box<str>,
    /// Host name.
    pub nodename: Box<str>,
    /// Release of the kernel, as `6.18.44`.
    pub release: Box<str>,
    /// When and how it was built.
    pub version: Box<str>,
    /// Architecture, as `x86_64`.
    pub machine: Box<str>,
    /// NIS domain; `(none)` without one.
    pub domainname: Box<str>,
}

/// Asks `uname(2)`.
#[must_use]
pub fn uname() -> Uname {
    let uname = rustix::system::uname();
    let text = |text: &std::ffi::CStr| text.to_string_lossy().into();
    Uname {
        sysname: text(uname.sysname()),
        nodename: text(uname.nodename()),
        release: text(uname.release()),
        version: text(uname.version()),
        machine: text(uname.machine()),
        domainname: text(uname.domainname()),
    }
}

/// A kernel's version, to be compared.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct KernelVersion {
    /// 6 of 6.18.44.
    pub major: u32,
    /// 18 of 6.18.44.
    pub minor: u32,
    /// 44 of 6.18.44.
    pub patch: u32,
}

impl KernelVersion {
    /// Takes the leading numbers of a release such as `3.10.0-1160.el7.x86_64`.
    #[must_use]
    pub fn parse(release: &str) -> Option<Self> {
        let mut numbers = release.split('.').map_while(|part| {
            let digits = part.find(|c: char| !c.is_ascii_digit()).unwrap_or(part.len());
            part.get(..digits)?.parse().ok()
        });
        let (major, minor) = (numbers.next()?, numbers.next()?);
        Some(Self { major, minor, patch: numbers.next().unwrap_or(0) })
    }

    /// Whether this is `major.minor` or newer. Distributions carry features back: only a hint, attempts decide.
    #[must_use]
    pub fn is_at_least(self, major: u32, minor: u32) -> bool {
        (self.major, self.minor) >= (major, minor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn releases_of_distributions_are_compared_by_their_numbers() {
        let old = KernelVersion::parse("3.10.0-1160.el7.x86_64").unwrap();
        assert_eq!(old, KernelVersion { major: 3, minor: 10, patch: 0 });
        assert!(old < KernelVersion::parse("6.8-rc1").unwrap());
        assert!(!old.is_at_least(3, 14));
        assert_eq!(KernelVersion::parse("linux"), None);
    }
}
