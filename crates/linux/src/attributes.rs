//! Whole files and folders of the kernel, for readers that want many small ones: a sysfs device is a folder of
//! attributes, one value a file.

use std::cell::{Cell, OnceCell};
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustix::fs::{CWD, FileType, Mode, OFlags, openat};
use rustix::io::{Errno, pread};

use crate::file;
use crate::held::{HeldFiles, Identity};

/// Reads a whole file, up to a limit that no kernel file reaches.
pub fn read(path: &Path) -> io::Result<Vec<u8>> {
    let mut buffer = Vec::new();
    read_into(path, &mut buffer)?;
    Ok(buffer)
}

/// Fills `buffer` with the whole file.
pub fn read_into(path: &Path, buffer: &mut Vec<u8>) -> io::Result<()> {
    file::read_into(path, buffer).map_err(io::Error::from)
}

/// Names in a folder, sorted.
pub fn names(path: &Path) -> io::Result<Vec<Box<str>>> {
    Ok(file::entries(path)?.into_iter().map(|(name, _)| name).collect())
}

/// The devices in a folder of sysfs, sorted by name. What they hold is read through `files`.
pub fn devices(folder: &Path, files: &Arc<HeldFiles>) -> io::Result<Vec<(Box<str>, Attributes)>> {
    let device = |(name, inode): (Box<str>, Identity)| {
        let below = Attributes { identity: inode, ..Attributes::held(folder.join(&*name), Arc::clone(files)) };
        (name, below)
    };
    Ok(file::entries(folder)?.into_iter().map(device).collect())
}

/// A page: the most that sysfs gives.
const ATTRIBUTE: usize = 4096;

/// A folder of attributes. Once a second one has to be opened it is held open: sysfs is deep, and each step of the way
/// costs.
#[derive(Debug)]
pub struct Attributes {
    folder: PathBuf,
    /// Which device it is of; those that change names have numbers.
    identity: Identity,
    files: Option<Arc<HeldFiles>>,
    opens: Cell<u32>,
    directory: OnceCell<Result<OwnedFd, Errno>>,
}

impl Attributes {
    /// The attributes in a folder, which may be absent.
    #[must_use]
    pub const fn at(folder: PathBuf) -> Self {
        Self { folder, identity: 0, files: None, opens: Cell::new(0), directory: OnceCell::new() }
    }

    /// The same, read from files that stay open.
    #[must_use]
    pub fn held(folder: PathBuf, files: Arc<HeldFiles>) -> Self {
        Self { files: Some(files), ..Self::at(folder) }
    }

    /// Where they are.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.folder
    }

    /// The folder below, or beside with `..`.
    #[must_use]
    pub fn below(&self, name: impl AsRef<Path>) -> Self {
        Self { identity: self.identity, files: self.files.clone(), ..Self::at(self.folder.join(name)) }
    }

    /// Whether the folder is there.
    #[must_use]
    pub fn is_present(&self) -> bool {
        rustix::fs::stat(&self.folder).is_ok_and(|stat| FileType::from_raw_mode(stat.st_mode).is_dir())
    }

    /// Whether it has an entry of this name.
    #[must_use]
    pub fn has(&self, name: impl AsRef<Path>) -> bool {
        file::exists(&self.folder.join(name))
    }

    /// Names of what is in it, sorted; none where it cannot be read.
    #[must_use]
    pub fn names(&self) -> Vec<Box<str>> {
        file::names(&self.folder)
    }

    /// An attribute as the kernel gives it.
    pub fn bytes(&self, name: impl AsRef<Path>) -> io::Result<Vec<u8>> {
        let name = name.as_ref();
        let path = self.folder.join(name);
        let text = match &self.files {
            Some(files) => files.read(&path, self.identity, || self.open(name), attribute)?,
            None => attribute(&self.open(name)?)?,
        };
        // sysfs gives all of an attribute at once, a page at most; what fills the room may be a larger file.
        if text.len() < ATTRIBUTE { Ok(text) } else { read(&path) }
    }

    fn open(&self, name: &Path) -> Result<OwnedFd, Errno> {
        let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NOCTTY;
        self.opens.set(self.opens.get().saturating_add(1));
        if self.opens.get() < 2 {
            return openat(CWD, self.folder.join(name), flags, Mode::empty());
        }
        // What is in a folder that is absent is absent.
        let directory = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let directory = self.directory.get_or_init(|| openat(CWD, &self.folder, directory, Mode::empty()));
        openat(directory.as_ref().map_err(|error| *error)?, name, flags, Mode::empty())
    }

    /// An attribute as text, without blanks around it; none where it cannot be read.
    #[must_use]
    pub fn text(&self, name: impl AsRef<Path>) -> Option<String> {
        let bytes = self.bytes(name).ok()?;
        Some(String::from_utf8_lossy(bytes.trim_ascii()).into_owned())
    }

    /// An attribute that is one whole number, decimal or hexadecimal with `0x`.
    #[must_use]
    pub fn number(&self, name: impl AsRef<Path>) -> Option<u64> {
        let bytes = self.bytes(name).ok()?;
        let word = bytes.trim_ascii();
        match word.strip_prefix(b"0x") {
            Some(digits) => crate::text::hex(digits),
            None => crate::text::number(word),
        }
    }

    /// An attribute that is one whole number, which may be negative.
    #[must_use]
    pub fn signed(&self, name: impl AsRef<Path>) -> Option<i64> {
        self.text(name)?.parse().ok()
    }

    /// An attribute that is one number with a fraction.
    #[must_use]
    pub fn fraction(&self, name: impl AsRef<Path>) -> Option<f64> {
        self.text(name)?.parse().ok()
    }

    /// The last part of where a link leads.
    #[must_use]
    pub fn link_name(&self, name: impl AsRef<Path>) -> Option<String> {
        let target = file::read_link(&self.folder.join(name)).ok()?;
        let last = target.rsplit(|byte| *byte == b'/').find(|part| !part.is_empty())?;
        Some(String::from_utf8_lossy(last).into_owned())
    }

    /// The folder with all links followed.
    pub fn real_path(&self) -> io::Result<PathBuf> {
        std::fs::canonicalize(&self.folder)
    }
}

/// What an attribute says now.
fn attribute(file: &OwnedFd) -> Result<Vec<u8>, Errno> {
    let mut room = [MaybeUninit::uninit(); ATTRIBUTE];
    rustix::io::retry_on_intr(|| pread(file, &mut room, 0).map(|(text, _)| text.to_vec()))
}
