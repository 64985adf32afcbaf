//! A command that is followed from its first call on: it waits before it runs until somebody follows it.

#![expect(unsafe_code, reason = "what a new process does before it runs its program has no safe wrapper")]

use std::ffi::{OsStr, OsString};
use std::io::{self, PipeReader, Read, Write};
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command};
use std::thread::JoinHandle;

/// A process that waits to become a command. When this is dropped it ends without having run anything.
#[derive(Debug)]
pub struct Launch {
    pid: u32,
    /// A byte lets it go.
    go: io::PipeWriter,
    /// Starting a program returns once it runs, hence a thread.
    starter: JoinHandle<io::Result<Child>>,
}

impl Launch {
    /// Makes the process. `ptrace` allows the processes that this one makes to trace it, where the kernel otherwise only allows
    /// its parents.
    #[expect(clippy::disallowed_methods, reason = "the user asks for this command to be run")]
    pub fn prepare(command: &[OsString], ptrace: bool) -> io::Result<Self> {
        let (program, arguments) = command.split_first().ok_or(io::ErrorKind::InvalidInput)?;
        let (wait, go) = io::pipe()?;
        let (mut told, tell) = io::pipe()?;
        // Found here, so that what is told begins with the one call that runs it.
        let mut command = Command::new(find(program)?);
        command.arg0(program).args(arguments);
        let (held, go_number) = (Held { wait, tell: tell.into() }, go.as_raw_fd());
        let tracer = ptrace.then(std::process::id);
        // SAFETY: between fork and exec it makes system calls only, on memory of its own.
        unsafe { command.pre_exec(move || held.before_running(go_number, tracer)) };
        let starter = std::thread::Builder::new().name("launch".to_owned()).spawn(move || command.spawn())?;
        let mut pid = [0; 4];
        if told.read_exact(&mut pid).is_err() {
            // It could not even be made; the starter says why.
            return match join(starter) {
                Ok(_) => Err(io::ErrorKind::UnexpectedEof.into()),
                Err(error) => Err(error),
            };
        }
        Ok(Self { pid: u32::from_ne_bytes(pid), go, starter })
    }

    /// Its process id, also after it runs the command.
    #[must_use]
    pub const fn pid(&self) -> u32 {
        self.pid
    }

    /// Lets it run the command.
    pub fn go(mut self) -> io::Result<Child> {
        self.go.write_all(&[1])?;
        drop(self.go);
        join(self.starter)
    }
}

/// The file of a program, by its name or its path.
fn find(program: &OsStr) -> io::Result<PathBuf> {
    if program.as_bytes().contains(&b'/') {
        return Ok(program.into());
    }
    let folders = std::env::var_os("PATH").unwrap_or_else(|| "/usr/local/bin:/usr/bin:/bin".into());
    let mut found = std::env::split_paths(&folders).map(|folder| folder.join(program));
    let runs =
        |file: &PathBuf| file.metadata().is_ok_and(|about| about.is_file() && about.permissions().mode() & 0o111 != 0);
    found.find(runs).ok_or_else(|| io::Error::from_raw_os_error(libc::ENOENT))
}

fn join(starter: JoinHandle<io::Result<Child>>) -> io::Result<Child> {
    starter.join().map_err(|_| io::Error::other("the thread that starts it broke off"))?
}

/// What the new process holds.
struct Held {
    wait: PipeReader,
    tell: OwnedFd,
}

impl Held {
    fn before_running(&self, go: i32, tracer: Option<u32>) -> io::Result<()> {
        // SAFETY: asks for a number.
        let pid = unsafe { libc::getpid() }.to_ne_bytes();
        // SAFETY: closes our copy of the end that is held by whoever lets us go, so that its end is seen here; nothing uses it.
        unsafe { libc::close(go) };
        if let Some(tracer) = tracer {
            // The command keeps it: nobody but whoever started it may trace it. Where the kernel does not know it (no Yama)
            // nothing has to be allowed.
            // SAFETY: passes numbers.
            unsafe { libc::prctl(libc::PR_SET_PTRACER, libc::c_ulong::from(tracer), 0, 0, 0) };
        }
        // SAFETY: the kernel reads as many bytes as there are.
        if unsafe { libc::write(self.tell.as_raw_fd(), pid.as_ptr().cast(), pid.len()) } != 4 {
            return Err(io::Error::last_os_error());
        }
        let mut byte = 0_u8;
        loop {
            // SAFETY: the kernel writes one byte.
            match unsafe { libc::read(self.wait.as_raw_fd(), (&raw mut byte).cast(), 1) } {
                1 => return Ok(()),
                0 => return Err(io::ErrorKind::Interrupted.into()),
                _ if io::Error::last_os_error().kind() == io::ErrorKind::Interrupted => {}
                _ => return Err(io::Error::last_os_error()),
            }
        }
    }
}
