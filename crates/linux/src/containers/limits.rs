//! How much memory and how many processors a control group may use.

use std::path::Path;

use procyon_units::{Bytes, Cores, Reading};

use super::paths::{CgroupPaths, Hierarchies};
use crate::file;
use crate::root::Root;
use crate::text::{number, words};

/// What the tightest of a group and the groups around it allows. None is no limit.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Limits {
    /// Memory. v2 `memory.max`, v1 `memory.limit_in_bytes`.
    pub memory: Option<Bytes>,
    /// Processors. v2 `cpu.max`, v1 `cpu.cfs_quota_us` ÷ `cpu.cfs_period_us`.
    pub cpu: Option<Cores>,
}

/// v1 says "no limit" with the largest multiple of a page: nothing near it is a limit.
const NO_LIMIT: u64 = 1 << 62;

/// Parses `memory.max` or `memory.limit_in_bytes`; none is no limit.
#[must_use]
pub fn parse_memory(text: &[u8]) -> Option<Bytes> {
    number(text.trim_ascii()).filter(|bytes| *bytes < NO_LIMIT).map(Bytes)
}

/// Parses `cpu.max`, as `150000 100000` or `max 100000`; none is no limit.
#[must_use]
pub fn parse_cpu_max(text: &[u8]) -> Option<Cores> {
    let mut words = words(text.trim_ascii());
    let quota = number(words.next()?)?;
    cores(quota, words.next().map_or(Some(100_000), number)?)
}

#[expect(clippy::cast_precision_loss, reason = "microseconds of a period are small")]
fn cores(quota: u64, period: u64) -> Option<Cores> {
    (period > 0).then(|| Cores(quota as f64 / period as f64))
}

fn v1_cpu(dir: &Path, buffer: &mut Vec<u8>) -> Option<Cores> {
    // −1 is no limit.
    let Reading::Known(quota) = file::read_number(&dir.join("cpu.cfs_quota_us"), buffer) else { return None };
    let Reading::Known(period) = file::read_number(&dir.join("cpu.cfs_period_us"), buffer) else { return None };
    cores(quota, period)
}

/// Reads the limits of the groups that a process is in. A group that is gone, or that we may not see, has none.
/// Privilege: none. One small file a level of nesting and resource.
#[must_use]
pub fn read(hierarchies: &Hierarchies, paths: &CgroupPaths, buffer: &mut Vec<u8>) -> Limits {
    let mut limits = Limits::default();
    let memory = |limit: &mut Option<Bytes>, found: Option<Bytes>| {
        if let Some(found) = found {
            *limit = Some(limit.map_or(found, |known| known.min(found)));
        }
    };
    let cpu = |limit: &mut Option<Cores>, found: Option<Cores>| {
        if let Some(found) = found {
            *limit = Some(limit.map_or(found, |known| if found.0 < known.0 { found } else { known }));
        }
    };
    if let (Some(hierarchy), Some(path)) = (&hierarchies.unified, &paths.unified) {
        for dir in hierarchy.ancestors(path) {
            memory(&mut limits.memory, file::read_with(&dir.join("memory.max"), buffer, parse_memory).get().copied());
            cpu(&mut limits.cpu, file::read_with(&dir.join("cpu.max"), buffer, parse_cpu_max).get().copied());
        }
    }
    if let (Some(hierarchy), Some(path)) = (&hierarchies.memory, &paths.memory) {
        for dir in hierarchy.ancestors(path) {
            let file = dir.join("memory.limit_in_bytes");
            memory(&mut limits.memory, file::read_with(&file, buffer, parse_memory).get().copied());
        }
    }
    if let (Some(hierarchy), Some(path)) = (&hierarchies.cpu, &paths.cpu) {
        for dir in hierarchy.ancestors(path) {
            cpu(&mut limits.cpu, v1_cpu(&dir, buffer));
        }
    }
    limits
}

/// Reads the limits of one process by its `/proc/PID/cgroup`. Privilege: none.
pub fn read_of(root: &Root, hierarchies: &Hierarchies, pid: u32, buffer: &mut Vec<u8>) -> Reading<Limits> {
    let path = root.proc(format!("{pid}/cgroup"));
    let paths = file::read_with(&path, buffer, |text| Some(super::paths::parse(text)));
    paths.map(|paths| read(hierarchies, &paths, buffer))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_limit_is_none_in_both_versions() {
        assert_eq!(parse_memory(b"max\n"), None);
        assert_eq!(parse_memory(b"9223372036854771712\n"), None);
        assert_eq!(parse_memory(b"268435456\n"), Some(Bytes(256 << 20)));
        assert_eq!(parse_cpu_max(b"max 100000\n"), None);
        assert_eq!(parse_cpu_max(b"150000 100000\n"), Some(Cores(1.5)));
        assert_eq!(parse_cpu_max(b"1 0\n"), None);
    }
}
