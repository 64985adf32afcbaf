//! Files of procfs and sysfs that stay open from one reading to the next: to find and open a file costs several times as
//! much as to read it again.
//!
//! What is read is what opening anew would give. A file is held for its path and for the device that the path meant, since
//! devices change names; the kernel says of a file whose device has gone that it is gone, and then the path is opened
//! again. Only files of procfs and sysfs themselves are held: what is mounted over one of them may be anything. Who reads
//! has the file for itself, so that parts of two readings never meet.

use std::collections::HashMap;
use std::ffi::OsString;
use std::io;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rustix::fs::{Mode, OFlags, fstat, open, statfs};
use rustix::io::{Errno, pread};

use crate::file;
use crate::root::Root;

/// Each held file costs the kernel about 5 KiB.
const MOST_HELD: usize = 1024;
/// Files that were not read in so many rounds are let go.
const ROUNDS: u64 = 16;
/// `PROC_SUPER_MAGIC`, `SYSFS_MAGIC` (include/uapi/linux/magic.h).
const PROCFS: u64 = 0x9fa0;
const SYSFS: u64 = 0x6265_6572;

/// Which of several devices that may have had a path at one time; zero where paths keep their meaning.
pub type Identity = u64;

/// Holds files.
#[derive(Debug, Default)]
pub struct HeldFiles {
    /// Device numbers of the file systems whose files are held.
    systems: Vec<u64>,
    most: usize,
    round: AtomicU64,
    files: Mutex<HashMap<OsString, Arc<Held>>>,
}

#[derive(Debug)]
struct Held {
    identity: Identity,
    /// Locked by who reads.
    file: Mutex<OwnedFd>,
    /// When it was last read.
    round: AtomicU64,
}

impl HeldFiles {
    /// Holds files of procfs and sysfs where these stand in the places of `root`; copies of them are opened each time.
    #[must_use]
    pub fn new(root: &Root) -> Self {
        let system = |folder: PathBuf, magic: u64| -> Option<u64> {
            let is_it = u64::try_from(statfs(&folder).ok()?.f_type) == Ok(magic);
            let folder = open(&folder, OFlags::PATH | OFlags::CLOEXEC, Mode::empty()).ok()?;
            fstat(&folder).ok().filter(|_| is_it).map(|stat| stat.st_dev)
        };
        let limit = usize::try_from(crate::own::descriptor_limit()).unwrap_or(usize::MAX);
        Self {
            systems: [system(root.proc(""), PROCFS), system(root.sys(""), SYSFS)].into_iter().flatten().collect(),
            // The rest is for connections and everything else.
            most: (limit / 4).min(MOST_HELD),
            round: AtomicU64::new(0),
            files: Mutex::default(),
        }
    }

    /// Fills `buffer` with the whole file.
    pub fn read_into(&self, path: &Path, buffer: &mut Vec<u8>) -> io::Result<()> {
        let opened = || open(path, OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NOCTTY, Mode::empty());
        self.read(path, 0, opened, |file| fill(file, buffer)).map_err(io::Error::from)
    }

    /// Reads by `read`, twice where a held file turns out to be gone. `opened` opens what is not held.
    pub(crate) fn read<T>(
        &self,
        path: &Path,
        identity: Identity,
        opened: impl FnOnce() -> Result<OwnedFd, Errno>,
        mut read: impl FnMut(&OwnedFd) -> Result<T, Errno>,
    ) -> Result<T, Errno> {
        let held = self.lock().get(path.as_os_str()).filter(|held| held.identity == identity).map(Arc::clone);
        if let Some(held) = held
            && let Ok(file) = held.file.try_lock()
        {
            let outcome = read(&file);
            if !is_gone(&outcome) {
                held.round.store(self.round.load(Ordering::Relaxed), Ordering::Relaxed);
                return outcome;
            }
            self.forget(path, &held);
        }
        let file = opened()?;
        let outcome = read(&file);
        if !is_gone(&outcome) {
            self.keep(path, identity, file);
        }
        outcome
    }

    /// Lets go of what has not been read for some rounds; a round is over.
    pub fn end_round(&self) {
        let round = self.round.fetch_add(1, Ordering::Relaxed) + 1;
        if round.is_multiple_of(ROUNDS) {
            let unread = |held: &Held| round - held.round.load(Ordering::Relaxed).min(round) > ROUNDS;
            // Closed when others may look for theirs again.
            let gone: Vec<_> = self.lock().extract_if(|_, held| unread(held)).collect();
            drop(gone);
        }
    }

    /// How many files are held.
    #[must_use]
    pub fn count(&self) -> usize {
        self.lock().len()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<OsString, Arc<Held>>> {
        self.files.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets go of a file whose path means something else by now, or nothing.
    fn forget(&self, path: &Path, gone: &Arc<Held>) {
        let mut files = self.lock();
        let is_it = files.get(path.as_os_str()).is_some_and(|held| Arc::ptr_eq(held, gone));
        let gone = if is_it { files.remove(path.as_os_str()) } else { None };
        drop(files);
        drop(gone);
    }

    /// Holds a file that was opened, if it is one of those that are held and there is room.
    fn keep(&self, path: &Path, identity: Identity, file: OwnedFd) {
        let path = path.as_os_str();
        let has_room = |files: &HashMap<OsString, _>| files.len() < self.most || files.contains_key(path);
        if self.systems.is_empty() || !has_room(&self.lock()) {
            return;
        }
        if !fstat(&file).is_ok_and(|stat| self.systems.contains(&stat.st_dev)) {
            return;
        }
        let round = AtomicU64::new(self.round.load(Ordering::Relaxed));
        let mut files = self.lock();
        if has_room(&files) {
            let held = Held { identity, file: Mutex::new(file), round };
            let before = files.insert(path.to_owned(), Arc::new(held));
            drop(files);
            drop(before);
        }
    }
}

/// Whether the kernel says that what a file told of has gone: sysfs of devices, procfs of modules and processes.
const fn is_gone<T>(outcome: &Result<T, Errno>) -> bool {
    matches!(outcome, Err(Errno::NODEV | Errno::IO | Errno::SRCH | Errno::NOENT))
}

/// Fills `buffer` with the whole file.
fn fill(file: &OwnedFd, buffer: &mut Vec<u8>) -> Result<(), Errno> {
    buffer.clear();
    buffer.reserve(4096);
    loop {
        if buffer.capacity() - buffer.len() < 1024 {
            buffer.reserve(buffer.capacity());
        }
        let at = u64::try_from(buffer.len()).unwrap_or(u64::MAX);
        match pread(file, rustix::buffer::spare_capacity(buffer), at) {
            Ok(0) => return Ok(()),
            Ok(_) if buffer.len() >= file::LIMIT => return Ok(()),
            Ok(_) | Err(Errno::INTR) => {}
            Err(error) => return Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use procyon_testkit::Workload;

    use super::*;

    fn text(files: &HeldFiles, path: &Path) -> io::Result<String> {
        let mut buffer = Vec::new();
        files.read_into(path, &mut buffer).map(|()| String::from_utf8(buffer).unwrap())
    }

    #[test]
    fn a_file_stays_open_and_says_what_is_so_now() {
        let files = HeldFiles::new(&Root::live());
        let path = Path::new("/proc/self/stat");
        let ticks = |text: &str| -> u64 {
            let fields: Vec<&str> = text.rsplit_once(')').unwrap().1.split_whitespace().collect();
            fields[11].parse().unwrap()
        };
        let first = ticks(&text(&files, path).unwrap());
        assert_eq!(files.count(), 1);
        // Processor time of our own goes on, and is read from the same file.
        while ticks(&text(&files, path).unwrap()) < first + 3 {
            std::hint::black_box((0..100_000_u64).sum::<u64>());
        }
        assert_eq!(files.count(), 1);
    }

    #[test]
    fn files_larger_than_a_buffer_are_read_whole() {
        let files = HeldFiles::new(&Root::live());
        for _ in 0..3 {
            let kept = text(&files, Path::new("/proc/kallsyms")).unwrap();
            assert!(kept.len() > 100_000 && kept.ends_with('\n'), "{} bytes", kept.len());
        }
    }

    #[test]
    fn what_has_gone_is_opened_again_and_then_is_absent() {
        let files = HeldFiles::new(&Root::live());
        let child = Workload::start(&["idle"]);
        let path = PathBuf::from(format!("/proc/{}/stat", child.pid()));
        assert!(text(&files, &path).is_ok());
        drop(child);
        let error = text(&files, &path).unwrap_err();
        assert_eq!((error.kind(), files.count()), (io::ErrorKind::NotFound, 0));
    }

    #[test]
    fn another_device_with_the_same_path_is_opened_anew() {
        let files = HeldFiles::new(&Root::live());
        let path = Path::new("/proc/uptime");
        let mut opens = 0;
        for identity in [1, 1, 2, 2, 1] {
            let opened = || {
                opens += 1;
                open(path, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())
            };
            files.read(path, identity, opened, |_| Ok(())).unwrap();
        }
        assert_eq!(opens, 3);
    }

    #[test]
    fn copies_and_what_nobody_reads_are_not_held() {
        let folder = std::env::temp_dir().join(format!("procyon-held-{}", std::process::id()));
        std::fs::create_dir_all(folder.join("proc")).unwrap();
        let copy = folder.join("proc/loadavg");
        std::fs::write(&copy, "1").unwrap();
        let files = HeldFiles::new(&Root::at(&folder));
        assert_eq!(text(&files, &copy).unwrap(), "1");
        std::fs::remove_file(&copy).unwrap();
        std::fs::write(&copy, "2").unwrap();
        assert_eq!((text(&files, &copy).unwrap().as_str(), files.count()), ("2", 0));
        std::fs::remove_dir_all(&folder).unwrap();

        let files = HeldFiles::new(&Root::live());
        text(&files, Path::new("/proc/loadavg")).unwrap();
        // A file of another file system, as one that is mounted over a file of procfs.
        text(&files, Path::new("/etc/hostname")).unwrap();
        assert_eq!(files.count(), 1);
        for _ in 0..3 * ROUNDS {
            text(&files, Path::new("/proc/uptime")).unwrap();
            files.end_round();
        }
        assert_eq!(files.count(), 1);
    }

    #[test]
    fn who_reads_at_the_same_time_opens_a_file_of_its_own() {
        let files = HeldFiles::new(&Root::live());
        let path = Path::new("/proc/uptime");
        text(&files, path).unwrap();
        let mut inner = String::new();
        let opened = || open(path, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty());
        files
            .read(path, 0, opened, |_| {
                inner = text(&files, path).map_err(|_| Errno::INVAL)?;
                Ok(())
            })
            .unwrap();
        assert!(!inner.is_empty());
        assert_eq!(files.count(), 1);
    }

    #[test]
    fn no_more_files_are_held_than_there_is_room_for() {
        let files = HeldFiles { most: 2, ..HeldFiles::new(&Root::live()) };
        for file in ["uptime", "loadavg", "stat", "meminfo", "vmstat"] {
            text(&files, &Path::new("/proc").join(file)).unwrap();
        }
        assert_eq!(files.count(), 2);
    }
}
