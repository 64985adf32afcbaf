//! `filesystem`: how full the mounts are. A mount that does not answer is given up and shown with `device_error`.

use std::collections::{HashMap, HashSet};
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use procyon_linux::host::filesystems::{self, Space};
use procyon_linux::host::mountinfo::{self, Mount};
use procyon_units::{Clock, Mono, SystemClock};

use super::{CollectError, Collector, FlagError, Flags, Outcome, Places, flag, float, read};
use crate::filter::Filter;
use crate::flags::Flag;
use crate::metric::Metrics;
use crate::resident::Resident;

const MOUNTS_EXCLUDE: &str = "collector.filesystem.mount-points-exclude";
const MOUNTS_INCLUDE: &str = "collector.filesystem.mount-points-include";
const TYPES_EXCLUDE: &str = "collector.filesystem.fs-types-exclude";
const TYPES_INCLUDE: &str = "collector.filesystem.fs-types-include";
const OLD_MOUNTS: &str = "collector.filesystem.ignored-mount-points";
const OLD_TYPES: &str = "collector.filesystem.ignored-fs-types";
const TIMEOUT: &str = "collector.filesystem.mount-timeout";
const WORKERS: &str = "collector.filesystem.stat-workers";

pub(super) const FLAGS: &[Flag] = &[
    Flag::word(
        MOUNTS_EXCLUDE,
        "^/(dev|proc|run/credentials/.+|sys|var/lib/docker/.+|var/lib/containers/storage/.+)($|/)",
        "Regexp of mount points to exclude for filesystem collector. (mutually exclusive to mount-points-include)",
    ),
    Flag::word(
        MOUNTS_INCLUDE,
        "",
        "Regexp of mount points to include for filesystem collector. (mutually exclusive to mount-points-exclude)",
    ),
    Flag::word(
        TYPES_EXCLUDE,
        "^(autofs|binfmt_misc|bpf|cgroup2?|configfs|debugfs|devpts|devtmpfs|fusectl|hugetlbfs|iso9660|mqueue|nsfs|overlay|proc|procfs|pstore|rpc_pipefs|securityfs|selinuxfs|squashfs|erofs|sysfs|tracefs)$",
        "Regexp of filesystem types to exclude for filesystem collector. (mutually exclusive to fs-types-include)",
    ),
    Flag::word(
        TYPES_INCLUDE,
        "",
        "Regexp of filesystem types to exclude for filesystem collector. (mutually exclusive to fs-types-exclude)",
    ),
    Flag::word(OLD_MOUNTS, "", "Regexp of mount points to ignore for filesystem collector.").hidden(),
    Flag::word(OLD_TYPES, "", "Regexp of filesystem types to ignore for filesystem collector.").hidden(),
    Flag::word(TIMEOUT, "5s", "how long to wait for a mount to respond before marking it as stale").hidden(),
    Flag::word(WORKERS, "4", "how many stat calls to process simultaneously").hidden(),
];

/// The most threads that wait for mounts, whatever the flag says.
const MOST_WORKERS: usize = 32;
/// After this time without an answer another thread steps in.
const PATIENCE: Duration = Duration::from_millis(50);

struct Filesystem {
    mounts: Filter,
    types: Filter,
    /// How long a scrape waits for a mount.
    patience: Duration,
    workers: usize,
    threads: Resident,
    /// Mount points that are being asked and have not answered.
    stuck: Arc<Mutex<HashSet<Box<[u8]>>>>,
}

pub(super) fn make(flags: &Flags, _: &Places) -> Result<Box<dyn Collector>, FlagError> {
    // Mounts have to be given up before the collector is.
    let patience = flags.duration(TIMEOUT)?.min(flags.duration("collector.deadline")? / 2);
    Ok(Box::new(Filesystem {
        mounts: Filter::new(flags, MOUNTS_INCLUDE, MOUNTS_EXCLUDE)?.or_old(flags, OLD_MOUNTS, MOUNTS_EXCLUDE)?,
        types: Filter::new(flags, TYPES_INCLUDE, TYPES_EXCLUDE)?.or_old(flags, OLD_TYPES, TYPES_EXCLUDE)?,
        patience,
        workers: flags.number(WORKERS)?.clamp(1, MOST_WORKERS),
        threads: Resident::new("procyon-statfs"),
        stuck: Arc::default(),
    }))
}

impl Collector for Filesystem {
    fn update(&self, at: &Places, out: &mut Metrics) -> Outcome {
        let mut seen = HashSet::new();
        let mut chosen = Vec::new();
        for mount in mounts(at)? {
            let point = shown_point(at, &mount);
            if self.mounts.ignores(&point) || self.types.ignores(&mount.kind) {
                continue;
            }
            if seen.insert((mount.source.clone(), point.clone(), mount.kind.clone())) {
                chosen.push((mount, point));
            }
        }
        let answers = self.ask(at, chosen.iter().map(|(mount, _)| mount));
        for (mount, point) in &chosen {
            let answer = answers.get(&*mount.mount_point).cloned().unwrap_or_else(|| Err("mountpoint timeout".into()));
            report(mount, point, &answer, out);
        }
        Ok(())
    }
}

/// Mounts of pid 1: of the host also from within a container. Where it hides, our own.
pub(super) fn mounts(at: &Places) -> Result<Vec<Mount>, CollectError> {
    // Not held open: that would hold the mounts.
    let mountinfo = |of: &str| read(&at.root().proc(of).join("mountinfo"));
    let text = mountinfo("1").or_else(|_| mountinfo("self"))?;
    Ok(mountinfo::parse(&text).unwrap_or_default())
}

/// The mount point without the prefix under which the host's files are seen here.
fn shown_point(at: &Places, mount: &Mount) -> String {
    let point = String::from_utf8_lossy(&mount.mount_point).into_owned();
    let root = at.rootfs().to_string_lossy();
    if root == "/" {
        return point;
    }
    match point.strip_prefix(&*root) {
        Some("") => "/".to_owned(),
        Some(rest) => rest.to_owned(),
        None => point,
    }
}

type Answer = Result<Space, Box<str>>;

impl Filesystem {
    /// Asks every mount how full it is. Those that do not answer in time are missing.
    fn ask<'a>(&self, at: &Places, mounts: impl Iterator<Item = &'a Mount>) -> HashMap<Box<[u8]>, Answer> {
        let stuck = self.stuck.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let mut waiting: Vec<Box<[u8]>> =
            mounts.map(|mount| mount.mount_point.clone()).filter(|point| !stuck.contains(point)).collect();
        waiting.sort_unstable();
        waiting.dedup();
        let count = waiting.len();
        let rootfs = at.rootfs().to_owned();
        let queue = Arc::new(Mutex::new(waiting));
        let (sender, receiver) = sync_channel(count.max(1));
        let mut answers = HashMap::with_capacity(count);
        let (start, mut started) = (SystemClock.mono(), 0);
        let mut step_in = || {
            let is_left = !queue.lock().unwrap_or_else(PoisonError::into_inner).is_empty();
            if is_left && started < self.workers {
                started += 1;
                self.start_worker(rootfs.clone(), Arc::clone(&queue), sender.clone());
            }
        };
        step_in();
        while answers.len() < count {
            let left = self.patience.saturating_sub(SystemClock.mono().since(start));
            if left.is_zero() {
                break;
            }
            match receiver.recv_timeout(left.min(PATIENCE)) {
                Ok((point, answer)) => {
                    answers.insert(point, answer);
                }
                Err(RecvTimeoutError::Timeout) => step_in(),
                Err(RecvTimeoutError::Disconnected) => break,
            }
        }
        queue.lock().unwrap_or_else(PoisonError::into_inner).clear();
        answers
    }

    fn start_worker(
        &self,
        rootfs: PathBuf,
        queue: Arc<Mutex<Vec<Box<[u8]>>>>,
        sender: SyncSender<(Box<[u8]>, Answer)>,
    ) {
        let stuck = Arc::clone(&self.stuck);
        let work = move || {
            // On its own: in the head of the loop the lock would be held until the mount has answered.
            let next = || queue.lock().unwrap_or_else(PoisonError::into_inner).pop();
            while let Some(point) = next() {
                stuck.lock().unwrap_or_else(PoisonError::into_inner).insert(point.clone());
                let began = SystemClock.mono();
                let answer = space(&rootfs, &point);
                stuck.lock().unwrap_or_else(PoisonError::into_inner).remove(&point);
                note_return(&point, began);
                if sender.try_send((point, answer)).is_err() {
                    return;
                }
            }
        };
        if let Err(error) = self.threads.run(work) {
            tracing::warn!(%error, "could not start a thread that asks mounts");
        }
    }
}

/// A mount that took this long to answer is worth a line in the log.
const LONG: Duration = Duration::from_secs(1);

fn note_return(point: &[u8], began: Mono) {
    let took = SystemClock.mono().since(began);
    if took >= LONG {
        tracing::info!(mount = %String::from_utf8_lossy(point), seconds = took.as_secs(), "a slow mount has answered");
    }
}

/// Where a mount point is reached from here.
pub(super) fn reached(rootfs: &Path, point: &[u8]) -> PathBuf {
    let point = Path::new(OsStr::from_bytes(point));
    // A host's mounts may be listed with the prefix under which they are seen here, or without it.
    if point.starts_with(rootfs) { point.to_owned() } else { rootfs.join(point.strip_prefix("/").unwrap_or(point)) }
}

fn space(rootfs: &Path, point: &[u8]) -> Answer {
    filesystems::space(&reached(rootfs, point)).map_err(|error| error_text(&error).into())
}

/// The error as Go words it: `permission denied`.
fn error_text(error: &std::io::Error) -> String {
    let text = error.to_string();
    text.split(" (os error").next().unwrap_or_default().to_lowercase()
}

fn report(mount: &Mount, point: &str, answer: &Answer, out: &mut Metrics) {
    let error = answer.as_ref().err().map_or("", |error| error);
    let labels = [("device", &*mount.source), ("mountpoint", point), ("fstype", &mount.kind), ("device_error", error)];
    let help = "Whether an error occurred while getting statistics for the given device.";
    out.gauge("node_filesystem_device_error", help, &labels, flag(answer.is_err()));
    let read_only = mount.is_read_only() || mount.super_option("emergency_ro").is_some();
    out.gauge("node_filesystem_readonly", "Filesystem read-only status.", &labels, flag(read_only));
    let Ok(space) = answer else { return };
    let bytes = |blocks: u64| float(blocks) * float(space.block);
    out.gauge("node_filesystem_size_bytes", "Filesystem size in bytes.", &labels, bytes(space.blocks));
    out.gauge("node_filesystem_free_bytes", "Filesystem free space in bytes.", &labels, bytes(space.free));
    let help = "Filesystem space available to non-root users in bytes.";
    out.gauge("node_filesystem_avail_bytes", help, &labels, bytes(space.available));
    out.gauge("node_filesystem_files", "Filesystem total file nodes.", &labels, float(space.inodes));
    out.gauge("node_filesystem_files_free", "Filesystem total free file nodes.", &labels, float(space.inodes_free));
    let (major, minor) = mount.device;
    let labels = [
        ("device", &*mount.source),
        ("major", &*major.to_string()),
        ("minor", &*minor.to_string()),
        ("mountpoint", point),
    ];
    out.gauge("node_filesystem_mount_info", "Filesystem mount information.", &labels, 1.0);
}
