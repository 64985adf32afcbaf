//! Where control groups are: `/proc/PID/cgroup` and the mounts of their hierarchies.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use procyon_units::Reading;

use crate::host::mountinfo::{self, Mount};
use crate::root::Root;
use crate::text::lines;

/// The control groups of one process: its path in the v2 hierarchy and in the v1 hierarchies that limit resources.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CgroupPaths {
    /// Line `0::`; none where only v1 is used.
    pub unified: Option<Box<[u8]>>,
    /// v1 controller `memory`.
    pub memory: Option<Box<[u8]>>,
    /// v1 controller `cpu`.
    pub cpu: Option<Box<[u8]>>,
}

/// Parses `/proc/PID/cgroup`: lines `number:controllers:path`. A path may contain colons.
#[must_use]
pub fn parse(text: &[u8]) -> CgroupPaths {
    let mut paths = CgroupPaths::default();
    for line in lines(text) {
        let mut fields = line.splitn(3, |byte| *byte == b':');
        let (Some(number), Some(controllers), Some(path)) = (fields.next(), fields.next(), fields.next()) else {
            continue;
        };
        let has = |name: &[u8]| controllers.split(|byte| *byte == b',').any(|controller| controller == name);
        if number == b"0" && controllers.is_empty() {
            paths.unified = Some(path.into());
        }
        if has(b"memory") {
            paths.memory = Some(path.into());
        }
        if has(b"cpu") {
            paths.cpu = Some(path.into());
        }
    }
    paths
}

/// A mounted hierarchy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hierarchy {
    /// Where it is mounted.
    pub(super) dir: PathBuf,
    /// The group that is mounted there; not `/` inside containers.
    pub(super) root: Box<[u8]>,
}

impl Hierarchy {
    fn of(root: &Root, mount: &Mount) -> Self {
        let point = Path::new(OsStr::from_bytes(&mount.mount_point));
        let dir = point.strip_prefix("/sys").map_or_else(|_| root.fs(point), |below| root.sys(below));
        Self { dir, root: mount.root.clone() }
    }

    /// The directories of a group and of those around it, innermost first.
    pub(super) fn ancestors(&self, path: &[u8]) -> Vec<PathBuf> {
        // A group outside of ours (`/../other`) and one that is not below what is mounted cannot be looked at.
        let below = match &*self.root {
            b"/" => Some(path),
            part => path.strip_prefix(part).filter(|rest| rest.is_empty() || rest.starts_with(b"/")),
        };
        let below = Path::new(OsStr::from_bytes(below.unwrap_or_default()));
        let below = below.strip_prefix("/").unwrap_or(below);
        if below.components().any(|part| part == std::path::Component::ParentDir) {
            return vec![self.dir.clone()];
        }
        below.ancestors().map(|part| self.dir.join(part)).collect()
    }
}

/// Where the hierarchies are mounted that limit memory and processors.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Hierarchies {
    pub(super) unified: Option<Hierarchy>,
    pub(super) memory: Option<Hierarchy>,
    pub(super) cpu: Option<Hierarchy>,
}

impl Hierarchies {
    /// Takes the hierarchies out of the mounts.
    #[must_use]
    pub fn find(root: &Root, mounts: &[Mount]) -> Self {
        let v1 = |controller: &str| {
            mounts.iter().find(|mount| &*mount.kind == "cgroup" && mount.super_option(controller).is_some())
        };
        let v2 = mounts.iter().find(|mount| &*mount.kind == "cgroup2");
        let hierarchy = |mount: Option<&Mount>| mount.map(|mount| Hierarchy::of(root, mount));
        Self { unified: hierarchy(v2), memory: hierarchy(v1("memory")), cpu: hierarchy(v1("cpu")) }
    }

    /// Reads the mounts and finds the hierarchies. They stay the same while the machine runs: read once.
    pub fn read(root: &Root, buffer: &mut Vec<u8>) -> Reading<Self> {
        mountinfo::read(root, buffer).map(|mounts| Self::find(root, &mounts))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_versions_are_read_from_one_file() {
        let paths = parse(b"5:cpu,cpuacct:/a\n4:memory:/b:c\n1:name=systemd:/x\n0::/d\n");
        assert_eq!(paths.cpu.as_deref(), Some(&b"/a"[..]));
        assert_eq!(paths.memory.as_deref(), Some(&b"/b:c"[..]));
        assert_eq!(paths.unified.as_deref(), Some(&b"/d"[..]));
        assert_eq!(parse(b"4:cpuacct:/a\n").cpu, None);
    }

    #[test]
    fn a_group_of_a_container_is_found_below_what_is_mounted() {
        let hierarchy = Hierarchy { dir: "/c".into(), root: (*b"/docker/1").into() };
        let dirs =
            |path: &[u8]| hierarchy.ancestors(path).iter().map(|dir| dir.display().to_string()).collect::<Vec<_>>();
        assert_eq!(dirs(b"/docker/1/x/y"), ["/c/x/y", "/c/x", "/c/"]);
        assert_eq!(dirs(b"/docker/12"), ["/c/"]);
        assert_eq!(dirs(b"/../other"), ["/c/"]);
    }
}
