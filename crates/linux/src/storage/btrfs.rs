//! What btrfs says of the devices of a mounted file system: `ioctl(BTRFS_IOC_DEV_INFO)` and `ioctl(BTRFS_IOC_GET_DEV_STATS)`,
//! as in `btrfs filesystem show` and `btrfs device stats`. Privilege: none but to open the mount point.

#![expect(unsafe_code, reason = "these calls have no safe wrapper")]

use std::os::fd::OwnedFd;
use std::path::Path;

use rustix::fs::{CWD, Mode, OFlags, openat};
use rustix::io::Errno;
use rustix::ioctl::{Opcode, Updater, ioctl, opcode};

/// `struct btrfs_ioctl_fs_info_args`, `…_dev_info_args` and `…_get_dev_stats` of `include/uapi/linux/btrfs.h`, as words.
type FsInfo = [u64; 128];
type DevInfo = [u64; 512];
type DevStats = [u64; 129];

const MAGIC: u8 = 0x94;
const FS_INFO: Opcode = opcode::read::<FsInfo>(MAGIC, 31);
const DEV_INFO: Opcode = opcode::read_write::<DevInfo>(MAGIC, 30);
const GET_DEV_STATS: Opcode = opcode::read_write::<DevStats>(MAGIC, 52);

/// Where the path begins in [`DevInfo`], in words.
const PATH: usize = 384;
/// `BTRFS_DEV_STAT_VALUES_MAX`.
const ERRORS: usize = 5;
/// The most numbers of devices that are tried: each device that is added takes the next one, and they are not used again.
const MOST_NUMBERS: u64 = 65_536;

/// What the errors are of, in the order of [`Device::errors`].
pub const ERROR_KINDS: [&str; ERRORS] = ["write", "read", "flush", "corruption", "generation"];

/// A mounted file system.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileSystem {
    /// Its UUID, as sysfs spells it.
    pub uuid: Box<str>,
    /// Its devices.
    pub devices: Vec<Device>,
}

/// A device of a file system.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Device {
    /// UUID of the device.
    pub uuid: Box<str>,
    /// Path of the device, as `/dev/sda`; empty for one that is missing.
    pub path: Box<str>,
    /// Size, bytes.
    pub size: u64,
    /// Allocated to groups of blocks, bytes.
    pub used: u64,
    /// Errors since they were last set to zero; they survive mounting anew.
    pub errors: [u64; ERRORS],
}

/// Asks the file system that is mounted here.
pub fn read(mount_point: &Path) -> Result<FileSystem, Errno> {
    let folder = openat(CWD, mount_point, OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())?;
    let mut info: FsInfo = [0; 128];
    // SAFETY: the kernel writes a `struct btrfs_ioctl_fs_info_args`, which is as long as the array, and any bits are words.
    unsafe { ioctl(&folder, Updater::<FS_INFO, FsInfo>::new(&mut info)) }?;
    let [last, count, high, low, ..] = info;
    let mut devices = Vec::new();
    // Numbers begin anywhere and have gaps.
    for number in 0..=last.min(MOST_NUMBERS) {
        if u64::try_from(devices.len()).is_ok_and(|found| found >= count) {
            break;
        }
        match device(&folder, number) {
            Ok(device) => devices.push(device),
            Err(Errno::NODEV) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(FileSystem { uuid: uuid([high, low]), devices })
}

fn device(folder: &OwnedFd, number: u64) -> Result<Device, Errno> {
    let mut info: DevInfo = [0; 512];
    let [wanted, ..] = &mut info;
    *wanted = number;
    // SAFETY: the kernel reads and writes a `struct btrfs_ioctl_dev_info_args`, which is as long as the array.
    unsafe { ioctl(folder, Updater::<DEV_INFO, DevInfo>::new(&mut info)) }?;
    let mut stats: DevStats = [0; 129];
    let [wanted, room, ..] = &mut stats;
    (*wanted, *room) = (number, ERROR_KINDS.len().try_into().unwrap_or(0));
    // SAFETY: the kernel reads and writes a `struct btrfs_ioctl_get_dev_stats`, which is as long as the array.
    unsafe { ioctl(folder, Updater::<GET_DEV_STATS, DevStats>::new(&mut stats)) }?;
    Ok(told(&info, &stats))
}

fn told(info: &DevInfo, stats: &DevStats) -> Device {
    let [_, high, low, used, size, ..] = *info;
    let path: Vec<u8> =
        info.iter().skip(PATH).flat_map(|word| word.to_ne_bytes()).take_while(|byte| *byte != 0).collect();
    let [_, _, _, write, read, flush, corruption, generation, ..] = *stats;
    Device {
        uuid: uuid([high, low]),
        path: String::from_utf8_lossy(&path).into(),
        size,
        used,
        errors: [write, read, flush, corruption, generation],
    }
}

/// `7f07c59f-6136-449c-ab87-e1cf2328731b`: the words hold its bytes as they stand.
fn uuid(words: [u64; 2]) -> Box<str> {
    let mut text = String::with_capacity(36);
    for (place, byte) in words.into_iter().flat_map(u64::to_ne_bytes).enumerate() {
        if matches!(place, 4 | 6 | 8 | 10) {
            text.push('-');
        }
        for half in [byte >> 4, byte & 15] {
            text.push(char::from_digit(u32::from(half), 16).unwrap_or('0'));
        }
    }
    text.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_kernel_writes_is_told() {
        let uuid: [u8; 16] = std::array::from_fn(|place| u8::try_from(place).unwrap() * 17);
        let word = |at: usize| u64::from_ne_bytes(uuid[at..at + 8].try_into().unwrap());
        let (mut info, mut stats): (DevInfo, DevStats) = ([0; 512], [0; 129]);
        info[..5].copy_from_slice(&[7, word(0), word(8), 30, 100]);
        (info[PATH], info[PATH + 1]) = (u64::from_ne_bytes(*b"/dev/map"), u64::from_ne_bytes(*b"per/a\0xx"));
        stats[..8].copy_from_slice(&[7, 5, 0, 1, 2, 3, 4, 5]);
        let expected = Device {
            uuid: "00112233-4455-6677-8899-aabbccddeeff".into(),
            path: "/dev/mapper/a".into(),
            size: 100,
            used: 30,
            errors: [1, 2, 3, 4, 5],
        };
        assert_eq!(told(&info, &stats), expected);
        assert_eq!((size_of::<FsInfo>(), size_of::<DevInfo>(), size_of::<DevStats>()), (1024, 4096, 1032));
    }

    #[test]
    fn another_file_system_does_not_answer() {
        assert!(matches!(read(Path::new("/proc")), Err(Errno::NOTTY)));
        assert!(matches!(read(Path::new("/nowhere/at/all")), Err(Errno::NOENT)));
    }
}
