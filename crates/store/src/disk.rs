//! The few things that a store does with files. A seam, so that tests can have a disk that fails.

use std::fmt::Debug;
use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind, Read, Seek, SeekFrom, Write};
use std::os::fd::AsFd;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::Path;

use rustix::fs::{FlockOperation, flock};

/// Files and folders.
pub(crate) trait Disk: Send + Sync + Debug {
    /// Makes a folder and the ones above it; fine when it is there.
    fn make_folder(&self, path: &Path) -> io::Result<()>;
    /// Names in a folder, in order; none when it is not there.
    fn list(&self, folder: &Path) -> io::Result<Vec<String>>;
    /// Makes a file, empty.
    fn create(&self, path: &Path) -> io::Result<Box<dyn Output>>;
    /// Cuts a file to a length and writes on from there.
    fn extend(&self, path: &Path, length: u64) -> io::Result<Box<dyn Output>>;
    /// Makes what was written to a file survive the loss of power.
    fn sync_file(&self, path: &Path) -> io::Result<()>;
    /// Opens a file to read from it.
    fn open(&self, path: &Path) -> io::Result<Box<dyn Input>>;
    /// Gives a file or folder another name.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;
    /// Removes a file.
    fn remove_file(&self, path: &Path) -> io::Result<()>;
    /// Removes a folder with all that is in it.
    fn remove_folder(&self, path: &Path) -> io::Result<()>;
    /// Makes names in a folder survive the loss of power.
    fn sync_folder(&self, path: &Path) -> io::Result<()>;
    /// Takes a lock that ends with what is returned; none when somebody else has it.
    fn lock(&self, path: &Path) -> io::Result<Option<Box<dyn Send + Debug>>>;
}

/// A file that is written.
pub(crate) trait Output: Write + Send + Debug {
    /// Makes what was written survive the loss of power.
    fn sync(&mut self) -> io::Result<()>;
}

/// A file that is read.
pub(crate) trait Input: Send + Sync + Debug {
    /// Its length now.
    fn length(&self) -> io::Result<u64>;
    /// Reads from a place; fewer bytes than asked for only at the end.
    fn read_at(&self, buffer: &mut [u8], at: u64) -> io::Result<usize>;
}

/// The machine's disk.
#[derive(Debug)]
pub(crate) struct RealDisk;

impl Disk for RealDisk {
    fn make_folder(&self, path: &Path) -> io::Result<()> {
        std::fs::create_dir_all(path)
    }

    fn list(&self, folder: &Path) -> io::Result<Vec<String>> {
        let entries = match std::fs::read_dir(folder) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries?,
        };
        let mut names = Vec::new();
        for entry in entries {
            names.extend(entry?.file_name().into_string().ok());
        }
        names.sort();
        Ok(names)
    }

    fn create(&self, path: &Path) -> io::Result<Box<dyn Output>> {
        let file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o640).open(path)?;
        Ok(Box::new(file))
    }

    fn extend(&self, path: &Path, length: u64) -> io::Result<Box<dyn Output>> {
        let mut file = OpenOptions::new().write(true).open(path)?;
        file.set_len(length)?;
        file.seek(SeekFrom::Start(length))?;
        Ok(Box::new(file))
    }

    fn sync_file(&self, path: &Path) -> io::Result<()> {
        File::open(path)?.sync_data()
    }

    fn open(&self, path: &Path) -> io::Result<Box<dyn Input>> {
        Ok(Box::new(File::open(path)?))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        std::fs::rename(from, to)
    }

    fn remove_file(&self, path: &Path) -> io::Result<()> {
        std::fs::remove_file(path)
    }

    fn remove_folder(&self, path: &Path) -> io::Result<()> {
        std::fs::remove_dir_all(path)
    }

    fn sync_folder(&self, path: &Path) -> io::Result<()> {
        File::open(path)?.sync_all()
    }

    fn lock(&self, path: &Path) -> io::Result<Option<Box<dyn Send + Debug>>> {
        let file = OpenOptions::new().write(true).create(true).truncate(false).mode(0o640).open(path)?;
        match flock(file.as_fd(), FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => Ok(Some(Box::new(file))),
            Err(rustix::io::Errno::WOULDBLOCK) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }
}

impl Output for File {
    fn sync(&mut self) -> io::Result<()> {
        self.sync_data()
    }
}

impl Input for File {
    fn length(&self) -> io::Result<u64> {
        Ok(self.metadata()?.len())
    }

    fn read_at(&self, buffer: &mut [u8], at: u64) -> io::Result<usize> {
        let mut done = 0;
        while let Some(rest) = buffer.get_mut(done..).filter(|rest| !rest.is_empty()) {
            match FileExt::read_at(self, rest, at + u64::try_from(done).unwrap_or(u64::MAX)) {
                Ok(0) => break,
                Ok(count) => done += count,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(done)
    }
}

/// Reads an input from a place on, as a stream.
#[derive(Debug)]
pub(crate) struct Stream<'a> {
    pub(crate) input: &'a dyn Input,
    pub(crate) at: u64,
}

impl Read for Stream<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.input.read_at(buffer, self.at)?;
        self.at += u64::try_from(count).unwrap_or(0);
        Ok(count)
    }
}
