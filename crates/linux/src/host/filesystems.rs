//! Which mounts hold files that people count, and how full they are.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

use procyon_units::{Bytes, Reading};

use super::mountinfo::{self, Mount};
use crate::file;
use crate::root::Root;

/// File systems that the kernel makes up; `df` leaves them out as well. `tmpfs`, `overlay` and `ramfs`-like ones that
/// hold files of programs stay: see [`Statvfs::is_countable`].
const MADE_UP: &[&str] = &[
    "autofs",
    "binder",
    "binfmt_misc",
    "bpf",
    "cgroup",
    "cgroup2",
    "configfs",
    "debugfs",
    "devpts",
    "devtmpfs",
    "efivarfs",
    "fusectl",
    "hugetlbfs",
    "mqueue",
    "nsfs",
    "pipefs",
    "proc",
    "pstore",
    "rootfs",
    "rpc_pipefs",
    "securityfs",
    "selinuxfs",
    "sockfs",
    "squashfs",
    "sysfs",
    "tracefs",
    "fuse.lxcfs",
    "fuse.gvfsd-fuse",
    "fuse.portal",
    "nfsd",
    "resctrl",
    "functionfs",
    "usbfs",
    "fuse.snapfuse",
];

/// Whether a mount is part of the kernel's own trees, as the tmpfs at `/sys/fs/cgroup`; `/dev/shm` is for programs.
fn is_internal(mount_point: &[u8]) -> bool {
    let below =
        |dir: &[u8]| mount_point.strip_prefix(dir).is_some_and(|rest| rest.is_empty() || rest.starts_with(b"/"));
    (below(b"/proc") || below(b"/sys") || below(b"/dev")) && mount_point != b"/dev/shm"
}

/// The mounts that [`read_one`] is worth asking about, in order of their mount points: file systems that the kernel
/// makes up are left out, mounts that another one covers as well, and each file system stands once, at its shortest
/// mount point and rather whole than as a bind mount of a part.
#[must_use]
pub fn select(mounts: &[Mount]) -> Vec<&Mount> {
    // Of several mounts on one point the last is the one that is seen.
    let mut seen: BTreeMap<&[u8], &Mount> = BTreeMap::new();
    for mount in mounts {
        seen.insert(&mount.mount_point, mount);
    }
    let mut by_device: BTreeMap<(u32, u32), &Mount> = BTreeMap::new();
    let worth = |mount: &&Mount| !MADE_UP.contains(&&*mount.kind) && !is_internal(&mount.mount_point);
    for mount in seen.into_values().filter(worth) {
        let rank = |mount: &Mount| (&*mount.root != b"/", mount.mount_point.len());
        let best = by_device.entry(mount.device).or_insert(mount);
        if rank(mount) < rank(best) {
            *best = mount;
        }
    }
    let mut mounts: Vec<&Mount> = by_device.into_values().collect();
    mounts.sort_unstable_by(|one, other| one.mount_point.cmp(&other.mount_point));
    mounts
}

/// Reads `/proc/self/mountinfo` and keeps what [`select`] keeps. Asks no file system: never blocks.
pub fn list(root: &Root, buffer: &mut Vec<u8>) -> Reading<Vec<Mount>> {
    mountinfo::read(root, buffer).map(|mounts| select(&mounts).into_iter().cloned().collect())
}

/// Space of one file system. Source: `statvfs(2)`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Statvfs {
    /// All of it: `f_blocks` × `f_frsize`.
    pub size: Bytes,
    /// Not used: `f_bfree`.
    pub free: Bytes,
    /// Not used and open to users without privilege: `f_bavail`.
    pub available: Bytes,
    /// Inodes: `f_files`; 0 where the file system has no fixed number.
    pub inodes: u64,
    /// Inodes not used: `f_ffree`.
    pub inodes_free: u64,
    /// It refuses writes (`ST_RDONLY`).
    pub read_only: bool,
}

impl Statvfs {
    /// Whether `df` would show it: file systems of size zero hold nothing that fills up.
    #[must_use]
    pub const fn is_countable(&self) -> bool {
        self.size.0 > 0
    }
}

/// Asks one file system how full it is.
///
/// **Blocks for ever** on a network file system whose server is away (state D, deaf to signals): call it in a bounded
/// thread of its own, never in the collector's. Privilege: search permission on the path.
pub fn read_one(root: &Root, mount: &Mount) -> Reading<Statvfs> {
    let path = root.fs(OsStr::from_bytes(&mount.mount_point));
    match rustix::fs::statvfs(&path) {
        Ok(stat) => {
            let bytes = |blocks: u64| Bytes(blocks.saturating_mul(stat.f_frsize));
            Reading::Known(Statvfs {
                size: bytes(stat.f_blocks),
                free: bytes(stat.f_bfree),
                available: bytes(stat.f_bavail),
                inodes: stat.f_files,
                inodes_free: stat.f_ffree,
                read_only: stat.f_flag.contains(rustix::fs::StatVfsMountFlags::RDONLY),
            })
        }
        Err(error) => file::reason(error),
    }
}

/// Space as `statfs(2)` counts it: in blocks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Space {
    /// Bytes of a block: `f_bsize`.
    pub block: u64,
    /// All blocks.
    pub blocks: u64,
    /// Blocks not used.
    pub free: u64,
    /// Blocks not used and open to users without privilege.
    pub available: u64,
    /// Inodes.
    pub inodes: u64,
    /// Inodes not used.
    pub inodes_free: u64,
}

/// Asks the file system at a path. **Blocks for ever** where a server is away, as [`read_one`] does.
pub fn space(path: &std::path::Path) -> std::io::Result<Space> {
    let stat = rustix::fs::statfs(path)?;
    Ok(Space {
        block: u64::try_from(stat.f_bsize).unwrap_or(0),
        blocks: stat.f_blocks,
        free: stat.f_bfree,
        available: stat.f_bavail,
        inodes: stat.f_files,
        inodes_free: stat.f_ffree,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn points(text: &str) -> Vec<String> {
        let mounts = mountinfo::parse(text.as_bytes()).unwrap();
        select(&mounts).into_iter().map(|mount| String::from_utf8_lossy(&mount.mount_point).into_owned()).collect()
    }

    #[test]
    fn bind_mounts_and_made_up_file_systems_are_left_out() {
        let text = "1 0 8:1 / / rw - ext4 /dev/sda1 rw\n2 1 0:5 / /proc rw - proc proc rw\n\
            3 1 8:1 /var/lib/x /a rw - ext4 /dev/sda1 rw\n4 1 0:7 / /dev/shm rw - tmpfs shm rw\n\
            5 1 0:9 / /mnt/nas rw - nfs4 nas:/ rw\n6 1 0:31 / /var/lib/docker/overlay2/m rw - overlay overlay rw\n";
        assert_eq!(points(text), ["/", "/dev/shm", "/mnt/nas", "/var/lib/docker/overlay2/m"]);
    }

    #[test]
    fn a_covered_mount_is_not_shown() {
        let text = "1 0 8:1 / / rw - ext4 a rw\n2 1 8:2 / /mnt rw - ext4 b rw\n3 2 8:3 / /mnt rw - ext4 c rw\n";
        let mounts = mountinfo::parse(text.as_bytes()).unwrap();
        let sources: Vec<&str> = select(&mounts).into_iter().map(|mount| &*mount.source).collect();
        assert_eq!(sources, ["a", "c"]);
    }

    #[test]
    fn the_whole_file_system_is_preferred_to_a_part() {
        let text = "1 0 8:1 /sub /a rw - ext4 a rw\n2 1 8:1 / /data/long rw - ext4 a rw\n";
        assert_eq!(points(text), ["/data/long"]);
    }
}
