//! Where procyon keeps things: state, socket, options.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{Read, Seek, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use procyon_diag::{Fault, Kind};
use procyon_model::HostId;
use rustix::fs::FlockOperation;
use rustix::io::Errno;

use crate::options::Settings;
use crate::pause::pause;

/// The options file that is read when nobody names one.
pub(crate) const USUAL_CONFIG: &str = "/etc/procyon/procyon.toml";

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

fn from_environment(name: &str) -> Option<PathBuf> {
    std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from).filter(|path| path.is_absolute())
}

/// The state folder that the options name, or the usual one.
pub(crate) fn state_folder(settings: &Settings) -> PathBuf {
    settings.data.clone().unwrap_or_else(usual_state_folder)
}

fn usual_state_folder() -> PathBuf {
    if is_root() {
        return "/var/lib/procyon".into();
    }
    from_environment("XDG_STATE_HOME")
        .or_else(|| from_environment("HOME").map(|home| home.join(".local/state")))
        .map_or_else(last_resort, |base| base.join("procyon"))
}

/// For users without a home, such as nobody.
fn last_resort() -> PathBuf {
    std::env::temp_dir().join(format!("procyon-{}", rustix::process::geteuid().as_raw()))
}

/// The state folder, made when it is missing. Without a home that can be written to, a folder of our own in /tmp.
pub(crate) fn make_state_folder(settings: &Settings) -> Result<PathBuf, Fault> {
    let folder = state_folder(settings);
    match make(&folder) {
        Ok(()) if others_may_write(&folder) => Err(Fault::new(
            Kind::NotPermitted,
            format!("the state folder {} is not ours alone", folder.display()),
        )
        .because("whoever can write there could make tokens")
        .hint("name another folder with `--data DIR`, or give this one to the user who runs procyon, with mode 0700")),
        Ok(()) => Ok(folder),
        Err(_) if settings.data.is_none() && !is_root() && is_ours(&last_resort()) => {
            let resort = last_resort();
            tracing::warn!(wanted = %folder.display(), folder = %resort.display(), "could not make the state folder; another one is used, and it may not survive a restart of the machine");
            Ok(resort)
        }
        Err(error) => {
            let kind =
                if error.kind() == std::io::ErrorKind::PermissionDenied { Kind::NotPermitted } else { Kind::Failed };
            Err(Fault::new(kind, format!("could not make the state folder {}", folder.display()))
                .because(error)
                .hint("name another folder with `--data DIR`"))
        }
    }
}

fn make(folder: &Path) -> std::io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    // A folder that somebody else made may not let us write.
    rustix::fs::access(folder, rustix::fs::Access::WRITE_OK | rustix::fs::Access::EXEC_OK)?;
    Ok(())
}

/// Whether somebody else than we and root could put files into the folder.
fn others_may_write(folder: &Path) -> bool {
    std::fs::metadata(folder).is_ok_and(|seen| {
        let owner = seen.uid();
        (owner != 0 && owner != rustix::process::geteuid().as_raw()) || seen.mode() & 0o002 != 0
    })
}

/// Makes the folder, and trusts it only if it belongs to us alone: /tmp is open to all.
fn is_ours(folder: &Path) -> bool {
    make(folder).is_ok()
        && std::fs::symlink_metadata(folder).is_ok_and(|seen| {
            seen.is_dir() && seen.uid() == rustix::process::geteuid().as_raw() && seen.mode().trailing_zeros() >= 6
        })
}

/// The local socket of the procyon that keeps its state in `folder`.
pub(crate) fn socket(settings: &Settings, folder: &Path) -> PathBuf {
    if let Some(socket) = &settings.socket {
        return socket.clone();
    }
    if settings.data.is_some() {
        return folder.join("procyon.sock");
    }
    if is_root() {
        return "/run/procyon/procyon.sock".into();
    }
    let runtime = from_environment("XDG_RUNTIME_DIR")
        .filter(|folder| std::fs::metadata(folder).is_ok_and(|seen| seen.uid() == rustix::process::geteuid().as_raw()));
    runtime.map_or_else(|| folder.join("procyon.sock"), |runtime| runtime.join("procyon/procyon.sock"))
}

/// Makes the folder of the local socket. Everybody may look into it: who may do what, the socket asks the kernel.
pub(crate) fn make_socket_folder(folder: &Path) -> Result<(), Fault> {
    DirBuilder::new().recursive(true).mode(0o755).create(folder).map_err(|error| {
        Fault::new(Kind::Failed, format!("could not make the folder {} of the local socket", folder.display()))
            .because(error)
            .hint("name another place with `--socket PATH`")
    })
}

/// Where a client looks for a running procyon: that of the same user first, then the machine's.
pub(crate) fn sockets(settings: &Settings) -> Vec<PathBuf> {
    let mut places = vec![socket(settings, &state_folder(settings))];
    if settings.socket.is_none() && settings.data.is_none() {
        places.push(socket(settings, &last_resort()));
        places.push("/run/procyon/procyon.sock".into());
    }
    places.dedup();
    places
}

/// Held as long as this procyon uses a state folder; another one that wants it is told.
#[derive(Debug)]
pub(crate) struct Lock {
    file: File,
    path: PathBuf,
}

impl Lock {
    /// Writes beside the pid where the web page is, for `procyon token`.
    pub(crate) fn serves_at(&mut self, base: &str) -> Result<(), Fault> {
        writeln!(self.file, "{base}").map_err(|error| {
            Fault::new(Kind::Failed, format!("could not write {}", self.path.display())).because(error)
        })
    }
}

/// Where the procyon that uses this state folder serves its web page; none where none runs.
pub(crate) fn served_at(folder: &Path) -> Option<String> {
    let mut file = File::open(folder.join(LOCK)).ok()?;
    // One that was killed leaves its address behind, but holds no lock.
    if rustix::fs::flock(&file, FlockOperation::NonBlockingLockShared) != Err(Errno::WOULDBLOCK) {
        return None;
    }
    let mut lines = String::new();
    file.read_to_string(&mut lines).ok()?;
    lines.lines().nth(1).map(str::to_owned)
}

/// File of a state folder that is locked by who uses it: a line with its pid, and one with the address of its web page.
const LOCK: &str = "procyon.lock";

/// Takes the state folder for this process alone.
pub(crate) fn lock(folder: &Path) -> Result<Lock, Fault> {
    let path = folder.join(LOCK);
    let failed =
        |error: std::io::Error| Fault::new(Kind::Failed, format!("could not open {}", path.display())).because(error);
    let mut file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(&path)
        .map_err(failed)?;
    if let Err(error) = hold(&file) {
        if error != Errno::WOULDBLOCK {
            return Err(failed(error.into()));
        }
        let mut text = String::new();
        // The pid only helps the message.
        let holder = match file.read_to_string(&mut text).ok().and(text.lines().next()) {
            Some(pid) if !pid.is_empty() => format!("another procyon (pid {pid})"),
            _ => "another procyon".to_owned(),
        };
        return Err(Fault::new(Kind::Unavailable, format!("{holder} uses the state folder {}", folder.display()))
            .hint("look at it with `procyon ps`, or name another folder with `--data DIR` and another port with `--listen`"));
    }
    let write = |file: &mut File| -> std::io::Result<()> {
        file.set_len(0)?;
        file.rewind()?;
        writeln!(file, "{}", std::process::id())
    };
    write(&mut file).map_err(failed)?;
    Ok(Lock { file, path })
}

/// Takes the lock. Who only looks whether it is held, as `procyon token`, holds it for a moment: that is waited for.
fn hold(file: &File) -> Result<(), Errno> {
    let take = || rustix::fs::flock(file, FlockOperation::NonBlockingLockExclusive);
    for _ in 0..5 {
        match take() {
            Err(Errno::WOULDBLOCK) => pause(Duration::from_millis(10)),
            taken => return taken,
        }
    }
    take()
}

/// The id of this machine: 128 random bits, made once.
pub(crate) fn host_id(folder: &Path) -> Result<HostId, Fault> {
    let path = folder.join("host-id");
    match std::fs::read_to_string(&path) {
        Ok(text) => u128::from_str_radix(text.trim(), 16).map(HostId).map_err(|error| {
            Fault::new(Kind::Failed, format!("{} is damaged", path.display()))
                .because(error)
                .hint(format!("remove it to get a new id: `rm {}`", path.display()))
        }),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => make_host_id(&path),
        Err(error) => Err(Fault::new(Kind::Failed, format!("could not read {}", path.display())).because(error)),
    }
}

fn make_host_id(path: &Path) -> Result<HostId, Fault> {
    let failed =
        |error: std::io::Error| Fault::new(Kind::Failed, format!("could not make {}", path.display())).because(error);
    let id = random_id().map_err(failed)?;
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path).map_err(failed)?;
    writeln!(file, "{id}").and_then(|()| file.sync_all()).map_err(failed)?;
    Ok(id)
}

/// Makes a folder for us alone; it must not be there yet.
pub(crate) fn make_private(folder: &Path) -> std::io::Result<()> {
    DirBuilder::new().mode(0o700).create(folder)
}

/// A host id that is not kept, for a command that collects by itself once.
pub(crate) fn random_id() -> std::io::Result<HostId> {
    let mut bytes = [0; 16];
    File::open("/dev/urandom")?.read_exact(&mut bytes)?;
    Ok(HostId(u128::from_le_bytes(bytes)))
}
