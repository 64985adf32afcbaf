//! `logind`: how many sessions there are of each kind, as systemd-logind tells them over D-Bus.

use std::collections::HashMap;
use std::time::Duration;

use super::{CollectError, Collector, FlagError, Flags, Outcome, Places};
use crate::dbus::{Call, Connection, DbusError, End, Message, Value};
use crate::metric::Metrics;

const LOGIND: &str = "org.freedesktop.login1";
const MANAGER: &str = "org.freedesktop.login1.Manager";
const SESSION: &str = "org.freedesktop.login1.Session";
const OBJECT: &str = "/org/freedesktop/login1";

/// The most seats and sessions that are taken: a seat has seventy series.
const MOST_SEATS: usize = 1000;
const MOST_SESSIONS: usize = 50_000;

/// What is asked of a session.
const PROPERTIES: [&str; 3] = ["Remote", "Type", "Class"];
/// What upstream calls a kind or class that it does not know.
const OTHER: &str = "other";
const KINDS: [&str; 7] = [OTHER, "unspecified", "tty", "x11", "wayland", "mir", "web"];
const CLASSES: [&str; 5] = [OTHER, "user", "greeter", "lock-screen", "background"];

struct Logind {
    patience: Duration,
}

pub(super) fn make(flags: &Flags, _: &Places) -> Result<Box<dyn Collector>, FlagError> {
    Ok(Box::new(Logind { patience: super::patience(flags)? }))
}

impl Collector for Logind {
    fn update(&self, _: &Places, out: &mut Metrics) -> Outcome {
        let mut logind = Connection::system(End::after(self.patience)).map_err(CollectError::Dbus)?;
        tell(&mut logind, out).map_err(CollectError::Dbus)
    }
}

/// A session: where it is, and what has been told of it.
#[derive(Debug, PartialEq, Eq)]
struct Session {
    seat: Box<str>,
    path: Box<str>,
    remote: Option<bool>,
    kind: Option<&'static str>,
    class: Option<&'static str>,
}

fn tell(logind: &mut Connection, out: &mut Metrics) -> Result<(), DbusError> {
    let seats = logind.one(&Call::plain(LOGIND, OBJECT, MANAGER, "ListSeats"))?;
    let seats = seats_of(&seats).ok_or(DbusError::Odd("a list of seats that cannot be read, or is too long"))?;
    let sessions = logind.one(&Call::plain(LOGIND, OBJECT, MANAGER, "ListSessions"))?;
    let mut sessions =
        sessions_of(&sessions).ok_or(DbusError::Odd("a list of sessions that cannot be read, or is too long"))?;
    let paths: Vec<Box<str>> = sessions.iter().map(|session| session.path.clone()).collect();
    let questions = paths.iter().enumerate().flat_map(|(at, path)| {
        PROPERTIES.map(|property| ((at, property), Call::property(LOGIND, path, SESSION, property)))
    });
    // A session that has ended meanwhile has no properties, and does not count.
    logind.ask(questions, |(at, property), told| {
        let Some(session) = sessions.get_mut(at) else { return };
        match (property, told.ok().as_ref().and_then(Message::property)) {
            ("Remote", Some(Value::Flag(remote))) => session.remote = Some(remote),
            ("Type", Some(Value::Text(kind))) => session.kind = Some(known(&kind, &KINDS)),
            ("Class", Some(Value::Text(class))) => session.class = Some(known(&class, &CLASSES)),
            _ => {}
        }
    })?;
    write(&seats, &sessions, out);
    Ok(())
}

fn known(value: &str, all: &[&'static str]) -> &'static str {
    all.iter().find(|known| **known == value).copied().unwrap_or(OTHER)
}

fn seats_of(answer: &Message) -> Option<Vec<Box<str>>> {
    let mut seats = Vec::new();
    answer.body("a(so)")?.structures(MOST_SEATS, |seat| {
        seats.push(seat.text()?.into());
        seat.text().map(drop)
    })?;
    Some(seats)
}

fn sessions_of(answer: &Message) -> Option<Vec<Session>> {
    let mut sessions = Vec::new();
    answer.body("a(susso)")?.structures(MOST_SESSIONS, |session| {
        let (_id, _user, _name) = (session.text()?, session.u32()?, session.text()?);
        let (seat, path) = (session.text()?.into(), session.text()?.into());
        sessions.push(Session { seat, path, remote: None, kind: None, class: None });
        Some(())
    })?;
    Some(sessions)
}

/// Every kind on every seat, and on none, where remote sessions are; most of them are zero.
fn write(seats: &[Box<str>], sessions: &[Session], out: &mut Metrics) {
    let mut counts: HashMap<(&str, bool, &str, &str), f64> = HashMap::new();
    for session in sessions {
        let Session { seat, remote: Some(remote), kind: Some(kind), class: Some(class), .. } = session else {
            continue;
        };
        *counts.entry((seat, *remote, kind, class)).or_default() += 1.0;
    }
    for seat in seats.iter().map(|seat| &**seat).chain([""]) {
        for (remote, word) in [(true, "true"), (false, "false")] {
            for (kind, class) in KINDS.iter().flat_map(|kind| CLASSES.map(|class| (*kind, class))) {
                let count = counts.get(&(seat, remote, kind, class)).copied().unwrap_or(0.0);
                let labels = [("seat", seat), ("remote", word), ("type", kind), ("class", class)];
                out.gauge("node_logind_sessions", "Number of sessions registered in logind.", &labels, count);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sessions_count_by_what_they_are_and_those_that_ended_do_not() {
        let session = |seat: &str, remote, kind, class| {
            let (remote, kind, class) = (Some(remote), Some(known(kind, &KINDS)), Some(known(class, &CLASSES)));
            Session { seat: seat.into(), path: "/".into(), remote, kind, class }
        };
        let sessions = [
            session("seat0", false, "wayland", "user"),
            session("", true, "tty", "user"),
            session("", true, "tty", "user"),
            session("", false, "hologram", "manager"),
            Session { class: None, ..session("seat0", false, "wayland", "user") },
        ];
        let mut out = Metrics::default();
        write(&["seat0".into()], &sessions, &mut out);
        let [family] = &*out.sorted(&mut 0) else { panic!("one family") };
        // Two seats, two sides, seven kinds, five classes.
        assert_eq!(family.samples.len(), 2 * 2 * 7 * 5);
        let values = |wanted: [(&str, &str); 4]| {
            let fits = |sample: &&crate::metric::Sample| {
                wanted
                    .iter()
                    .all(|(name, value)| sample.labels.iter().any(|label| label.0 == *name && &*label.1 == *value))
            };
            family.samples.iter().filter(fits).map(|sample| sample.value).collect::<Vec<_>>()
        };
        let of =
            |seat, remote, kind, class| values([("seat", seat), ("remote", remote), ("type", kind), ("class", class)]);
        assert_eq!(of("seat0", "false", "wayland", "user"), [1.0]);
        assert_eq!(of("", "true", "tty", "user"), [2.0]);
        assert_eq!(of("", "false", "other", "other"), [1.0]);
        assert_eq!(family.samples.iter().filter(|sample| sample.value > 0.0).count(), 3);
    }
}
