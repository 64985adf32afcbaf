//! Logged-in users.

use procyon_model::machine::UserSession;
use procyon_units::Wall;

use crate::column::Shape::{Level, Text};
use crate::column::{Cells, Fill, columns, duration, nanos};
use crate::kinds::{Key, Kind, Tick, near};
use crate::texts::Texts;

columns! {
    NAME = "user_name", Text;
    TTY = "user_terminal", Text;
    PID = "user_session_pid", Level;
    LOGIN = "user_login_timestamp_nanoseconds", Level;
    ORDER = "user_order", Level;
    FROM = "user_from", Text;
    FLAGS = "user_flags", Level;
    IDLE = "user_idle_nanoseconds", Level;
}

/// Logged-in users.
pub(crate) struct Users;

impl Kind for Users {
    type Row = UserSession;
    const AT: usize = 8;
    const ORDER: Option<usize> = Some(ORDER);

    fn key(row: &UserSession, texts: &mut Texts) -> Key {
        let (name, tty) = (texts.number(0, row.name.as_bytes()), texts.number(0, row.tty.as_bytes()));
        [name, tty, i64::from(row.pid), row.login.0, 0, 0]
    }

    fn write(row: &UserSession, _: &Tick, old: Option<Cells<'_>>, texts: &mut Texts, new: &mut Fill<'_>) -> i64 {
        new.set(NAME, texts.number(near(old, NAME), row.name.as_bytes()));
        new.set(TTY, texts.number(near(old, TTY), row.tty.as_bytes()));
        new.set(PID, i64::from(row.pid));
        new.set(LOGIN, row.login.0);
        new.set(FROM, texts.number(near(old, FROM), row.from.as_bytes()));
        new.flag(FLAGS, 0, row.idle.is_some());
        new.set(IDLE, row.idle.map_or(0, nanos));
        0
    }

    fn read(cells: Cells<'_>, _: Cells<'_>, _: &Tick, texts: &Texts) -> UserSession {
        UserSession {
            name: texts.string(cells.get(NAME)),
            tty: texts.string(cells.get(TTY)),
            from: texts.string(cells.get(FROM)),
            login: Wall(cells.get(LOGIN)),
            idle: cells.flag(FLAGS, 0).then(|| duration(cells.get(IDLE))),
            pid: cells.small(PID),
        }
    }
}
