//! `/sys/block`: whole disks (partitions are below them), their model and size.

use procyon_units::{Bytes, Reading};

use crate::file;
use crate::root::Root;
use crate::text::number;

/// A block device that is no partition.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BlockDevice {
    /// Name as in `/proc/diskstats`, as `sda`, `nvme0n1`, `dm-0`.
    pub name: Box<str>,
    /// What people call it: the model, or the volume's name for device mapper; empty where the device does not tell.
    pub model: Box<str>,
    /// Size. `/sys/block/NAME/size`, sectors of 512 bytes.
    pub size: Reading<Bytes>,
    /// Spins. `queue/rotational`; virtual disks of clouds say yes at times.
    pub rotational: Reading<bool>,
    /// What it is made of.
    pub kind: BlockKind,
    /// It lies on other block devices (`slaves/` is not empty), whose traffic already contains its own.
    pub stacked: bool,
}

/// What a block device is made of.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum BlockKind {
    /// Hardware, or a disk of a hypervisor.
    #[default]
    Disk,
    /// Volume of the device mapper: LVM, LUKS, multipath.
    Mapper,
    /// Software RAID.
    Raid,
    /// Optical drive.
    Optical,
    /// File, memory or another program: loop, zram, ram, nbd.
    Virtual,
}

impl BlockDevice {
    /// Whether its traffic belongs into the sum over the machine: neither stacked on others nor empty, no loop device
    /// (its file lies on another disk) and no memory.
    #[must_use]
    pub fn counts(&self) -> bool {
        let empty = matches!(self.size, Reading::Known(Bytes(0)));
        !self.stacked && !empty && matches!(self.kind, BlockKind::Disk | BlockKind::Optical)
    }
}

fn kind_of(name: &str) -> BlockKind {
    let is =
        |prefix: &str| name.strip_prefix(prefix).is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()));
    match name {
        _ if name.starts_with("dm-") => BlockKind::Mapper,
        _ if name.starts_with("md") => BlockKind::Raid,
        _ if is("sr") => BlockKind::Optical,
        _ if is("loop") || is("ram") || is("zram") || is("nbd") => BlockKind::Virtual,
        _ => BlockKind::Disk,
    }
}

fn read_one(root: &Root, entry: &str, buffer: &mut Vec<u8>) -> BlockDevice {
    let dir = root.sys("block").join(entry);
    // sysfs writes `!` for the slash in names such as `cciss/c0d0`.
    let name = entry.replace('!', "/");
    let size = file::read_number(&dir.join("size"), buffer).map(|sectors| Bytes(sectors.saturating_mul(512)));
    let rotational =
        file::read_with(&dir.join("queue/rotational"), buffer, |text| Some(number(text.trim_ascii())? != 0));
    let mut model = Box::default();
    for attribute in ["device/model", "dm/name", "device/name"] {
        if let Reading::Known(text) = file::read_line(&dir.join(attribute), buffer) {
            model = text;
            break;
        }
    }
    let stacked = !file::names(&dir.join("slaves")).is_empty();
    BlockDevice { kind: kind_of(&name), name: name.into(), model, size, rotational, stacked }
}

/// Lists whole disks by name. Empty without sysfs. Privilege: none. Several small files a disk: not for every tick.
#[must_use]
pub fn list(root: &Root, buffer: &mut Vec<u8>) -> Vec<BlockDevice> {
    file::names(&root.sys("block")).iter().map(|entry| read_one(root, entry, buffer)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_tell_the_kind() {
        for (name, kind) in [
            ("sda", BlockKind::Disk),
            ("nvme0n1", BlockKind::Disk),
            ("dm-3", BlockKind::Mapper),
            ("md127", BlockKind::Raid),
            ("sr0", BlockKind::Optical),
            ("loop10", BlockKind::Virtual),
            ("zram0", BlockKind::Virtual),
        ] {
            assert_eq!(kind_of(name), kind, "{name}");
        }
    }
}
