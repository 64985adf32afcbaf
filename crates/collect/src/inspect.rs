//! Reads details of one process of this machine when somebody looks at it.

use procyon_linux::containers::limits;
use procyon_linux::containers::paths::Hierarchies;
use procyon_linux::proc::{Lost, PidDir, ProcDir, Seen, pid_fd, pid_limits, pid_status, pid_task};
use procyon_linux::root::Root;
use procyon_model::inspect::{CgroupLimits, Inspect, InspectError, Limit, OpenFile, Thread};
use procyon_model::key::ProcessKey;
use procyon_model::process::ProcessState;
use procyon_units::Reading;

use crate::provider::ProviderError;

/// Most threads that are listed.
const MAX_THREADS: usize = 65_536;
/// Most open files that are listed.
const MAX_FILES: usize = 65_536;

/// Inspects processes of this machine. None of the files it reads can block on a stuck process.
#[derive(Debug)]
pub struct LocalInspect {
    root: Root,
    proc: ProcDir,
    hierarchies: Reading<Hierarchies>,
}

impl LocalInspect {
    /// Opens procfs below `root`.
    pub fn new(root: &Root) -> Result<Self, ProviderError> {
        let proc = ProcDir::open(root).map_err(|error| ProviderError(error.to_string()))?;
        Ok(Self { root: root.clone(), proc, hierarchies: Hierarchies::read(root, &mut Vec::new()) })
    }

    /// The directory of exactly this process.
    fn open(&self, key: &ProcessKey, buffer: &mut Vec<u8>) -> Result<PidDir, InspectError> {
        let dir = PidDir::open(&self.proc, key.pid).map_err(|lost| explain(key, "stat", lost))?;
        match dir.start_time(buffer) {
            Ok(Reading::Known(start)) if start == key.start => Ok(dir),
            Ok(_) => Err(InspectError::Ended(*key)),
            Err(lost) => Err(explain(key, "stat", lost)),
        }
    }
}

impl Inspect for LocalInspect {
    fn threads(&self, key: &ProcessKey) -> Result<Vec<Thread>, InspectError> {
        let mut buffer = Vec::new();
        let dir = self.open(key, &mut buffer)?;
        let threads = known(key, "task", pid_task::list(&dir, &mut buffer, MAX_THREADS))?;
        let count = |value: Option<u64>| value.map_or(Reading::Unsupported, Reading::Known);
        let thread = |thread: pid_task::Thread| Thread {
            tid: thread.tid,
            start: thread.start,
            name: thread.comm,
            state: ProcessState(thread.state),
            user: thread.user.cpu_time(),
            system: thread.system.cpu_time(),
            processor: thread.processor,
            nice: thread.nice,
            policy: thread.policy,
            wchan: thread.wchan,
            voluntary: count(thread.voluntary),
            involuntary: count(thread.involuntary),
        };
        Ok(threads.into_iter().map(thread).collect())
    }

    fn files(&self, key: &ProcessKey) -> Result<Vec<OpenFile>, InspectError> {
        let mut buffer = Vec::new();
        let dir = self.open(key, &mut buffer)?;
        let files = known(key, "fd", pid_fd::list(&dir, &mut buffer, MAX_FILES))?;
        let file = |file: pid_fd::OpenFd| OpenFile {
            fd: file.fd,
            kind: file.kind.name(),
            target: file.target,
            position: file.info.position,
            flags: file.info.flags,
            inode: file.inode,
        };
        Ok(files.into_iter().map(file).collect())
    }

    fn limits(&self, key: &ProcessKey) -> Result<Vec<Limit>, InspectError> {
        let mut buffer = Vec::new();
        let dir = self.open(key, &mut buffer)?;
        let limits = known(key, "limits", pid_limits::read(&dir, &mut buffer))?;
        let files = pid_fd::count(&dir).ok().and_then(|count| count.get().copied());
        let status = pid_status::read(&dir, &mut buffer).ok().and_then(|status| status.get().copied());
        let memory = status.and_then(|status| status.memory);
        // Threads of the kernel share a table of descriptors that is not theirs.
        let files = memory.and(files);
        let limit = |limit: pid_limits::Limit| {
            let name = limit.short_name().map_or_else(|| limit.name.clone(), Box::from);
            let used = match &*name {
                "nofile" => files,
                "memlock" => memory.map(|memory| memory.locked.0),
                "as" => memory.map(|memory| memory.size.0),
                "data" => memory.map(|memory| memory.data.0),
                "stack" => memory.map(|memory| memory.stack.0),
                _ => None,
            };
            Limit { name, soft: limit.soft, hard: limit.hard, unit: limit.unit, used }
        };
        Ok(limits.into_iter().map(limit).collect())
    }

    fn cgroup_limits(&self, key: &ProcessKey) -> Result<CgroupLimits, InspectError> {
        let mut buffer = Vec::new();
        let dir = self.open(key, &mut buffer)?;
        let Reading::Known(hierarchies) = &self.hierarchies else { return Ok(CgroupLimits::default()) };
        let limits = limits::read_of(&self.root, hierarchies, key.pid, &mut buffer);
        // These were read by pid alone: had the process ended before, they would be those of another.
        known(key, "stat", dir.start_time(&mut buffer))?;
        let limits = limits.get();
        Ok(CgroupLimits {
            memory: limits.and_then(|limits| limits.memory),
            cpu: limits.and_then(|limits| limits.cpu).map(|cores| cores.0),
        })
    }
}

fn known<T>(key: &ProcessKey, file: &'static str, seen: Seen<T>) -> Result<T, InspectError> {
    let failed = |message: &str| InspectError::Failed { key: *key, file, message: message.to_owned() };
    match seen {
        Ok(Reading::Known(value)) => Ok(value),
        Ok(Reading::Forbidden) => Err(InspectError::Forbidden { key: *key, file, needs: "CAP_SYS_PTRACE" }),
        Ok(Reading::Unsupported) => Err(failed("this kernel does not have it")),
        Ok(Reading::Absent | Reading::Skipped | Reading::Pending) => Err(failed("it has none")),
        Err(lost) => Err(explain(key, file, lost)),
    }
}

fn explain(key: &ProcessKey, file: &'static str, lost: Lost) -> InspectError {
    match lost {
        Lost::Vanished => InspectError::Ended(*key),
        Lost::Failed { source, .. } => InspectError::Failed { key: *key, file, message: source.to_string() },
    }
}
