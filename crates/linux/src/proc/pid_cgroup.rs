//! `/proc/PID/cgroup`: control groups of a process, version 1 and 2. Privilege: none.

use super::{PidDir, Seen};

/// Where a process stands in the trees of control groups.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PidCgroup {
    /// Path in the one tree of version 2 (`0::/path`); none on machines that have version 1 only.
    pub unified: Option<Box<[u8]>>,
    /// Version 1: one entry a hierarchy.
    pub hierarchies: Vec<Hierarchy>,
}

/// One hierarchy of version 1.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hierarchy {
    /// Its controllers, as `cpu,cpuacct`, or its name, as `name=systemd`.
    pub controllers: Box<[u8]>,
    /// Path below where the hierarchy is mounted.
    pub path: Box<[u8]>,
}

impl PidCgroup {
    /// The path in the hierarchy of one version 1 controller.
    pub fn controller(&self, name: &[u8]) -> Option<&[u8]> {
        self.hierarchies
            .iter()
            .find(|hierarchy| hierarchy.controllers.split(|byte| *byte == b',').any(|controller| controller == name))
            .map(|hierarchy| &*hierarchy.path)
    }

    /// The path that tells most about the process: where systemd or a container engine put it.
    ///
    /// On machines with both versions the tree of version 2 may be empty of meaning (`/`), so a longer path of
    /// version 1 is preferred: systemd's own, then memory, pids, cpu.
    pub fn main_path(&self) -> &[u8] {
        let unified = self.unified.as_deref().filter(|path| *path != b"/");
        let known = || {
            [&b"name=systemd"[..], b"memory", b"pids", b"cpu"]
                .iter()
                .find_map(|name| self.controller(name).filter(|path| *path != b"/"))
        };
        unified.or_else(known).or(self.unified.as_deref()).unwrap_or(b"/")
    }
}

/// Reads the file.
pub fn read(process: &PidDir, buffer: &mut Vec<u8>) -> Seen<PidCgroup> {
    process.read_with(c"cgroup", buffer, parse)
}

/// Reads lines of `number:controllers:path`; the path may hold colons. None without any such line.
pub fn parse(text: &[u8]) -> Option<PidCgroup> {
    let mut cgroup = PidCgroup::default();
    for line in crate::text::lines(text) {
        let Some((number, rest)) = crate::text::split_once(line, b':') else { continue };
        let Some((controllers, path)) = crate::text::split_once(rest, b':') else { continue };
        if number == b"0" && controllers.is_empty() {
            cgroup.unified = Some(path.into());
        } else {
            cgroup.hierarchies.push(Hierarchy { controllers: controllers.into(), path: path.into() });
        }
    }
    (cgroup.unified.is_some() || !cgroup.hierarchies.is_empty()).then_some(cgroup)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn version_2_is_one_line() {
        let cgroup = parse(b"0::/system.slice/docker-3f9a:b.scope\n").unwrap();
        assert_eq!(cgroup.main_path(), b"/system.slice/docker-3f9a:b.scope");
        assert!(cgroup.hierarchies.is_empty());
    }

    #[test]
    fn version_1_has_a_path_for_each_hierarchy() {
        let cgroup = parse(b"12:cpu,cpuacct:/a\n11:memory:/docker/3f9a\n1:name=systemd:/user.slice\n0::/\n").unwrap();
        assert_eq!(cgroup.controller(b"cpuacct"), Some(&b"/a"[..]));
        assert_eq!(cgroup.controller(b"memory"), Some(&b"/docker/3f9a"[..]));
        assert_eq!(cgroup.controller(b"pids"), None);
        assert_eq!(cgroup.main_path(), b"/user.slice");
    }

    #[test]
    fn text_of_another_form_is_nothing() {
        assert_eq!(parse(b""), None);
        assert_eq!(parse(b"garbage\n"), None);
        assert_eq!(parse(b"0::/\n").unwrap().main_path(), b"/");
    }
}
