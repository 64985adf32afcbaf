//! Where the kernel's files are: an argument of every reader, so that fixtures and containers use the same code.

use std::path::{Path, PathBuf};

/// The three places that readers look at: procfs, sysfs and the file system that belongs to them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Root {
    proc: PathBuf,
    sys: PathBuf,
    fs: PathBuf,
    live: bool,
}

impl Root {
    /// This machine as this process sees it: `/proc`, `/sys`, `/`.
    #[must_use]
    pub fn live() -> Self {
        Self { proc: "/proc".into(), sys: "/sys".into(), fs: "/".into(), live: true }
    }

    /// A copy of the files below `dir`: `dir/proc`, `dir/sys`, `dir`.
    #[must_use]
    pub fn at(dir: &Path) -> Self {
        Self::new(dir.join("proc"), dir.join("sys"), dir.to_path_buf())
    }

    /// Three places of their own, as a container has them (`/host/proc`, `/host/sys`, `/host`).
    #[must_use]
    pub fn new(proc: PathBuf, sys: PathBuf, fs: PathBuf) -> Self {
        let live = proc == Path::new("/proc");
        Self { proc, sys, fs, live }
    }

    /// Whether procfs is the one of this process at `/proc`, so that system calls speak of the same machine.
    #[must_use]
    pub const fn is_live(&self) -> bool {
        self.live
    }

    /// A path below procfs.
    #[must_use]
    pub fn proc(&self, path: impl AsRef<Path>) -> PathBuf {
        self.proc.join(path)
    }

    /// A path below sysfs.
    #[must_use]
    pub fn sys(&self, path: impl AsRef<Path>) -> PathBuf {
        self.sys.join(path)
    }

    /// A path below `/`; a leading slash in `path` is dropped.
    #[must_use]
    pub fn fs(&self, path: impl AsRef<Path>) -> PathBuf {
        let path = path.as_ref();
        self.fs.join(path.strip_prefix("/").unwrap_or(path))
    }
}
