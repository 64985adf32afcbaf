//! The only crate that changes anything on a machine.
//!
//! [`Control::signal`] is the one way to a process: it decides by role, by `read_only` and by a list of what is never
//! signalled, makes sure that the process is the one that was meant, and writes the [`audit`] log before and after. What
//! cannot be written down is not done.
//!
//! - [`Signal`] reads `SIGTERM`, `TERM`, `15` and `SIGRTMIN+3`;
//! - [`Actor`] says who asks, and from where;
//! - [`Audit`] is the append-only log.

mod actor;
mod audit;
mod how;
mod refusals;
mod signal;
mod target;

use std::sync::Arc;

use procyon_diag::Kind;
use procyon_model::ProcessKey;
use procyon_units::Clock;

use refusals::Refusals;

pub use actor::{Actor, Role};
pub use audit::{Audit, AuditError};
pub use how::{Engine, How};
pub use signal::{NotASignal, SIGNALS, Signal};
pub use target::{Found, Gone};

/// Why something was not done.
#[derive(Debug, thiserror::Error)]
pub enum ControlError {
    /// Whoever asks is not an operator.
    #[error("this needs the role operator, and {name} is {role}")]
    Role {
        /// Who asks.
        name: String,
        /// What they are.
        role: Role,
    },
    /// The monitor was started to change nothing.
    #[error("this procyon is read-only")]
    ReadOnly,
    /// Such a process is never signalled.
    #[error("{0}")]
    Refused(Refusal),
    /// The process is not there any more, and nothing was sent.
    #[error("{0}; nothing was sent")]
    Gone(Gone),
    /// The audit log cannot be written, so nothing is done.
    #[error("could not write the audit log, so nothing was done")]
    Audit(#[from] AuditError),
    /// The kernel refused.
    #[error("could not send {signal} to process {key}")]
    Kernel {
        /// Which signal.
        signal: Signal,
        /// To which process.
        key: ProcessKey,
        /// What the kernel said.
        source: std::io::Error,
    },
}

// Not `#[from]`: that makes it a source, too, and the chain of causes would say it a second time.
impl From<Gone> for ControlError {
    fn from(gone: Gone) -> Self {
        Self::Gone(gone)
    }
}

/// Which processes are never signalled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// pid 1.
    #[error("process 1 keeps the machine running and is never signalled")]
    Init,
    /// A thread of the kernel.
    #[error("kernel threads do not take signals")]
    KernelThread,
    /// This program.
    #[error("procyon does not signal itself")]
    Ourselves,
}

impl ControlError {
    /// What sort of failure this is.
    pub fn kind(&self) -> Kind {
        match self {
            Self::Role { .. } | Self::ReadOnly | Self::Refused(_) => Kind::NotPermitted,
            Self::Gone(Gone::Ended { .. }) => Kind::NotFound,
            Self::Gone(Gone::Replaced { .. }) => Kind::Conflict,
            Self::Audit(_) => Kind::Failed,
            Self::Kernel { source, .. } if source.kind() == std::io::ErrorKind::PermissionDenied => Kind::NotPermitted,
            Self::Kernel { .. } => Kind::Failed,
        }
    }

    /// What to do about it; empty where there is nothing to do.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Role { .. } => "make a token with `procyon token new --role operator`",
            Self::ReadOnly => "start procyon without `--read-only`, or use `kill` on that machine",
            Self::Refused(Refusal::Ourselves) => "stop it with Ctrl-C where it runs, or `systemctl stop procyon`",
            Self::Refused(_) | Self::Gone(_) => "",
            Self::Audit(_) => "make room or fix the permissions of the state directory",
            Self::Kernel { source, .. } if source.kind() == std::io::ErrorKind::PermissionDenied => {
                "procyon needs CAP_KILL for processes of other users: run it as root or `setcap cap_kill+ep` its file"
            }
            Self::Kernel { .. } => "",
        }
    }
}

/// Changes things on this machine, for those who may.
pub struct Control {
    audit: Audit,
    read_only: bool,
    boot: u32,
    clock: Arc<dyn Clock>,
    refusals: Refusals,
}

/// A trace that is written down in the audit log, from its beginning to its end.
#[derive(Debug, Clone)]
pub struct Watched {
    actor: Actor,
    key: ProcessKey,
    how: How,
    id: String,
    found: Found,
}

impl std::fmt::Debug for Control {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Control")
            .field("audit", &self.audit)
            .field("read_only", &self.read_only)
            .finish_non_exhaustive()
    }
}

impl Control {
    /// Control of the machine whose boot has this short id ([`procyon_model::BootId::short`]).
    pub fn new(audit: Audit, boot: u32, clock: Arc<dyn Clock>) -> Self {
        Self { audit, read_only: false, boot, clock, refusals: Refusals::default() }
    }

    /// The same, changing nothing.
    #[must_use]
    pub const fn read_only(mut self) -> Self {
        self.read_only = true;
        self
    }

    /// Whether this changes nothing at all.
    pub const fn is_read_only(&self) -> bool {
        self.read_only
    }

    /// Whether [`Control::signal`] would go ahead, as far as can be told before; for screens.
    pub fn may_signal(&self, actor: &Actor, pid: u32, kernel_thread: bool) -> Result<(), ControlError> {
        if self.read_only {
            return Err(ControlError::ReadOnly);
        }
        if actor.role < Role::Operator {
            return Err(ControlError::Role { name: actor.name.clone(), role: actor.role });
        }
        target::refusal(pid, kernel_thread).map_or(Ok(()), |why| Err(ControlError::Refused(why)))
    }

    /// Sends a signal to the process that this key names, and to no other that has its pid now.
    ///
    /// The order makes it safe: the pidfd is opened first, then the start time of the pid is read. When it is the one of
    /// the key, the pid has belonged to that process all the time in between, so the pidfd is of that process. Kernels
    /// without pidfd (before 5.3) get the check right before `kill(2)`.
    pub fn signal(&self, actor: &Actor, key: &ProcessKey, signal: Signal) -> Result<Found, ControlError> {
        let entry = audit::Entry::signal(actor, key, signal);
        let attempt = self.aim(actor, key);
        let (found, aim) = match attempt {
            Ok(aimed) => aimed,
            Err(error) => {
                self.write_refusal(&entry, &error);
                return Err(error);
            }
        };
        let entry = entry.of(&found);
        self.audit.write(&entry.before(self.clock.wall()))?;
        let sent = aim.send(signal).map_err(|error| match error {
            target::SendError::Gone => Gone::ended(key).into(),
            target::SendError::Kernel(source) => ControlError::Kernel { signal, key: *key, source },
        });
        if let Err(problem) = self.audit.write(&entry.after(self.clock.wall(), sent.as_ref().err())) {
            // It is done and cannot be undone; the entry before it stands.
            tracing::error!(error = %procyon_diag::message_of(&problem), %key, "could not write the result to the audit log");
        }
        sent.map(|()| found)
    }

    /// Writes down that somebody begins to watch the system calls of the process that this key names, and of no other that
    /// has its pid now. Whoever may not is refused, and so is everybody where it cannot be written down.
    ///
    /// Who has begun ends, by [`Self::end_trace`] or [`Self::fail_trace`], whatever happens.
    pub fn begin_trace(&self, actor: &Actor, key: &ProcessKey, how: How) -> Result<Watched, ControlError> {
        let entry = audit::Entry::trace(actor, key, Some(how));
        let found = match self.may_watch(actor, key) {
            Ok(found) => found,
            Err(error) => {
                self.write_refusal(&entry, &error);
                return Err(error);
            }
        };
        let entry = entry.of(&found);
        self.audit.write(&entry.before(self.clock.wall()))?;
        Ok(Watched { actor: actor.clone(), key: *key, how, id: entry.id().to_owned(), found })
    }

    /// Writes down that somebody tried to watch system calls and may not; for those who refuse before it comes to that.
    /// `how` is none where it was not understood.
    pub fn note_trace_refusal(&self, actor: &Actor, key: &ProcessKey, how: Option<How>) {
        if let Err(error) = self.may_watch(actor, key) {
            self.write_refusal(&audit::Entry::trace(actor, key, how), &error);
        }
    }

    /// Writes down that it is over, and why.
    pub fn end_trace(&self, watched: &Watched, why: &str) {
        self.write_end(watched, "ended", why);
    }

    /// Writes down that it came to nothing, and why: nobody watched.
    pub fn fail_trace(&self, watched: &Watched, why: &str) {
        self.write_end(watched, "failed", why);
    }

    fn write_end(&self, watched: &Watched, result: &'static str, why: &str) {
        let Watched { actor, key, how, id, found } = watched;
        let entry = audit::Entry::trace(actor, key, Some(*how)).with_id(id).of(found);
        if let Err(problem) = self.audit.write(&entry.over(self.clock.wall(), result, why)) {
            tracing::error!(error = %procyon_diag::message_of(&problem), %key, "could not write the end of a trace to the audit log");
        }
    }

    fn may_watch(&self, actor: &Actor, key: &ProcessKey) -> Result<Found, ControlError> {
        if self.read_only {
            return Err(ControlError::ReadOnly);
        }
        if actor.role < Role::Operator {
            return Err(ControlError::Role { name: actor.name.clone(), role: actor.role });
        }
        let found = target::find(key.pid).ok_or_else(|| Gone::ended(key))?;
        if found.start != key.start || key.boot != self.boot {
            return Err(Gone::Replaced { key: *key, name: found.name }.into());
        }
        Ok(found)
    }

    /// Whether the process that this key names is still there.
    pub fn is_there(&self, key: &ProcessKey) -> bool {
        key.boot == self.boot && target::find(key.pid).is_some_and(|found| found.start == key.start)
    }

    /// Writes down that somebody tried to send a signal and may not; for those who refuse before it comes to a signal.
    /// `signal` is none where it was not said, or not understood.
    pub fn note_refusal(&self, actor: &Actor, key: &ProcessKey, signal: Option<Signal>) {
        if let Err(error) = self.may_signal(actor, key.pid, false) {
            self.write_refusal(&audit::Entry::attempt(actor, key, signal), &error);
        }
    }

    /// A refusal is worth a line; it changes nothing, so a log that cannot be written does not hide it.
    fn write_refusal(&self, entry: &audit::Entry<'_>, error: &ControlError) {
        let left_out = match error {
            // Anybody may try this as often as they like, and must not fill the disk with it.
            ControlError::Role { .. } | ControlError::ReadOnly => match self.refusals.admit(self.clock.mono()) {
                Some(left_out) => left_out,
                None => return,
            },
            _ => 0,
        };
        if let Err(problem) = self.audit.write(&entry.refused(self.clock.wall(), error, left_out)) {
            tracing::error!(error = %procyon_diag::message_of(&problem), "could not write the audit log");
        }
    }

    fn aim(&self, actor: &Actor, key: &ProcessKey) -> Result<(Found, target::Aim), ControlError> {
        self.may_signal(actor, key.pid, false)?;
        let aim = target::Aim::open(key)?;
        let found = target::find(key.pid).ok_or_else(|| Gone::ended(key))?;
        if found.start != key.start || key.boot != self.boot {
            return Err(Gone::Replaced { key: *key, name: found.name }.into());
        }
        self.may_signal(actor, key.pid, found.kernel_thread)?;
        Ok((found, aim))
    }
}

/// What is known of the process that has this pid now: for making a key of a pid that a person typed.
pub fn look_up(pid: u32, boot: u32) -> Option<(ProcessKey, Found)> {
    let found = target::find(pid)?;
    Some((ProcessKey { pid, start: found.start, boot }, found))
}
