//! Who is logged in now, from whichever source tells.

use std::time::Duration;

use procyon_units::Wall;
use rustix::fs::stat;

use super::{logind, utmp};
use crate::file;
use crate::root::Root;

/// One logged-in user.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Session {
    /// Name.
    pub user: Box<str>,
    /// Terminal without `/dev/`; empty without.
    pub tty: Box<str>,
    /// Where from; empty when local.
    pub from: Box<str>,
    /// When they logged in.
    pub login: Wall,
    /// When somebody typed at the terminal last: its access time, kept to 8 s. None without a terminal.
    pub typed: Option<Wall>,
    /// The process that logged in; 0 where neither source tells.
    pub pid: u32,
}

impl Session {
    /// Time since somebody typed.
    #[must_use]
    pub fn idle(&self, now: Wall) -> Option<Duration> {
        let nanoseconds = now.0.saturating_sub(self.typed?.0);
        Some(Duration::from_nanos(u64::try_from(nanoseconds).unwrap_or(0)))
    }
}

/// Reads who is logged in: `/run/utmp` less the records whose process has ended, and what systemd-logind adds to it.
/// In order of their log-in. Privilege: none.
#[must_use]
pub fn read(root: &Root, buffer: &mut Vec<u8>) -> Vec<Session> {
    let alive = |pid: u32| pid != 0 && file::exists(&root.proc(pid.to_string()));
    let mut sessions: Vec<Session> = Vec::new();
    for record in utmp::read(root, buffer).get().into_iter().flatten() {
        if record.kind == utmp::USER_PROCESS && alive(record.pid) && !record.user.is_empty() {
            let utmp::Record { user, line, host, time, pid, .. } = record.clone();
            sessions.push(Session { user, tty: line, from: host, login: time, typed: None, pid });
        }
    }
    for one in logind::read(root, buffer) {
        let known = |session: &Session| session.pid == one.leader || (!one.tty.is_empty() && session.tty == one.tty);
        // A leader of 0 belongs to a session whose processes were moved; logind still counts it.
        if (one.leader == 0 || alive(one.leader)) && !sessions.iter().any(known) {
            let logind::LogindSession { user, tty, remote_host, leader, since, .. } = one;
            sessions.push(Session { user, tty, from: remote_host, login: since, typed: None, pid: leader });
        }
    }
    for session in &mut sessions {
        session.typed = typed(root, &session.tty);
    }
    sessions.sort_by(|one, other| one.login.cmp(&other.login).then_with(|| one.tty.cmp(&other.tty)));
    sessions
}

/// The access time of a terminal. Names that lead out of `/dev` are refused: utmp may be written by a group.
fn typed(root: &Root, tty: &str) -> Option<Wall> {
    let plain = !tty.is_empty() && !tty.starts_with(':') && tty.split('/').all(|part| !part.is_empty() && part != "..");
    let stat = stat(root.fs("dev").join(plain.then_some(tty)?)).ok()?;
    Some(Wall(stat.st_atime.saturating_mul(1_000_000_000)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_terminal_outside_dev_is_not_looked_at() {
        for tty in ["../etc/passwd", "/etc/passwd", "pts/../../etc", ":0", ""] {
            assert_eq!(typed(&Root::live(), tty), None, "{tty}");
        }
        assert!(typed(&Root::live(), "null").is_some());
    }
}
