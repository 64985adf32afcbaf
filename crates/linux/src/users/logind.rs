//! `/run/systemd/sessions`: log-ins as systemd-logind keeps them.

use procyon_units::Wall;

use crate::file;
use crate::root::Root;
use crate::text::{lines, lossy, number, split_once};

/// One session.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LogindSession {
    /// User.
    pub user: Box<str>,
    /// Number of the user.
    pub uid: u32,
    /// Terminal without `/dev/`, or the display; empty without.
    pub tty: Box<str>,
    /// Where from; empty when local.
    pub remote_host: Box<str>,
    /// The process that logged in.
    pub leader: u32,
    /// When.
    pub since: Wall,
}

/// Parses a session's file; none for sessions that are no people (log-in screens, service managers, lingering) or that
/// are closing.
#[must_use]
pub fn parse(text: &[u8]) -> Option<LogindSession> {
    let mut session = LogindSession::default();
    let (mut class, mut state, mut display) = (None, None, Box::default());
    for line in lines(text) {
        let Some((name, value)) = split_once(line, b'=') else { continue };
        let small = || number(value).and_then(|number| u32::try_from(number).ok());
        match name {
            b"USER" => session.user = lossy(value),
            b"UID" => session.uid = small()?,
            b"TTY" => session.tty = lossy(value.strip_prefix(b"/dev/").unwrap_or(value)),
            b"DISPLAY" => display = lossy(value),
            b"REMOTE_HOST" => session.remote_host = lossy(value),
            b"LEADER" => session.leader = small()?,
            // Microseconds since 1970.
            b"REALTIME" => session.since = Wall(i64::try_from(number(value)?).ok()?.saturating_mul(1000)),
            b"CLASS" => class = Some(value),
            b"STATE" => state = Some(value),
            _ => {}
        }
    }
    if session.tty.is_empty() {
        session.tty = display;
    }
    let person = class.is_none_or(|class| class.starts_with(b"user"));
    (person && state != Some(b"closing") && !session.user.is_empty()).then_some(session)
}

/// Reads all sessions; empty without systemd-logind. Privilege: none.
#[must_use]
pub fn read(root: &Root, buffer: &mut Vec<u8>) -> Vec<LogindSession> {
    let dir = root.fs("run/systemd/sessions");
    let names = file::names(&dir);
    // Beside each session lies a fifo `ID.ref`, which must not be opened.
    let files = names.iter().filter(|name| !name.contains('.'));
    files.filter_map(|name| file::read_with(&dir.join(&**name), buffer, parse).get().cloned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_are_kept_and_greeters_are_not() {
        let text = b"# This is private data. Do not parse.\nUID=1000\nUSER=ada\nACTIVE=1\nSTATE=active\nREMOTE=1\n\
            CLASS=user\nTTY=pts/0\nREMOTE_HOST=192.0.2.7\nLEADER=4084\nREALTIME=1700000000123456\n";
        let session = parse(text).unwrap();
        assert_eq!((&*session.user, &*session.tty, session.leader), ("ada", "pts/0", 4084));
        assert_eq!(session.since, Wall(1_700_000_000_123_456_000));
        assert_eq!(parse(b"UID=42\nUSER=gdm\nCLASS=greeter\n"), None);
        assert_eq!(parse(b"UID=0\nUSER=root\nCLASS=manager-early\n"), None);
    }
}
