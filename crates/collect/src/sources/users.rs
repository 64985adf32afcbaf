//! Who is logged in.

use std::time::Duration;

use procyon_linux::root::Root;
use procyon_linux::users::sessions;
use procyon_model::frame::{Aged, SourceHealth};
use procyon_model::machine::UserSession;
use procyon_units::{Clock, Mono, SystemClock};

use crate::background::Background;

/// An answer later than this is shown as late.
const DEADLINE: Duration = Duration::from_secs(5);

/// Reads sessions on a thread of its own.
#[derive(Debug)]
pub(crate) struct UsersSource {
    background: Background<(), Vec<UserSession>>,
    latest: Aged<UserSession>,
}

impl UsersSource {
    pub(crate) fn new(root: &Root, interval: Duration) -> std::io::Result<Self> {
        let root = root.clone();
        let mut buffer = Vec::new();
        let answer = move |()| {
            let now = SystemClock.wall();
            let found = sessions::read(&root, &mut buffer);
            found
                .into_iter()
                .map(|session| UserSession {
                    idle: session.idle(now),
                    name: session.user,
                    tty: session.tty,
                    from: session.from,
                    login: session.login,
                    pid: session.pid,
                })
                .collect()
        };
        Ok(Self { background: Background::start("users", interval, DEADLINE, answer)?, latest: Aged::default() })
    }

    pub(crate) fn run(&mut self, now: Mono) {
        if let Some(items) = self.background.poll() {
            self.latest = Aged { items: items.into(), taken: Some(now) };
        }
        if self.background.is_due(now) {
            self.background.ask((), now);
        }
    }

    pub(crate) fn latest(&self) -> Aged<UserSession> {
        self.latest.clone()
    }

    pub(crate) fn health(&self, now: Mono) -> SourceHealth {
        SourceHealth {
            id: "users",
            state: self.background.state(now),
            interval: self.background.interval(),
            took: self.background.took(),
        }
    }
}
