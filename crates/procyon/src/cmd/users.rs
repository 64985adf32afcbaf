//! `procyon users`: who may and does use this machine, in one line.

use std::process::ExitCode;

use anyhow::Result;
use clap::Args;
use procyon_diag::{Fault, Kind};
use procyon_linux::root::Root;
use procyon_linux::users::accounts::Accounts;
use procyon_linux::users::sessions::Session;
use procyon_linux::users::{activity, sessions};
use serde_json::json;

use crate::cli::Common;
use crate::probe::{self, Answer, ProbeFlags};

/// How many of the most recently active users are named.
const RECENT: usize = 3;

/// Users in one line: time, number of people, recently active, with root rights, on line
///
/// People are the accounts from UID_MIN of /etc/login.defs on, without nobody. Then in brackets: the three most recently
/// active users; those with root rights (number 0, or in a group sudo, wheel or admin); those on line as name_IP_TTY.
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  $ procyon users\n  2026-03-12__14:32:07 2 [alice,root,bob] [root,alice] [alice_192.0.2.7_pts/0]"
)]
pub(crate) struct Users {
    #[command(flatten)]
    probe: ProbeFlags,
}

impl Users {
    pub(crate) fn run(&self, common: &Common) -> Result<ExitCode> {
        probe::run(common, &self.probe, |_, root| ask(root))
    }
}

fn ask(root: &Root) -> Result<Answer, Fault> {
    let mut accounts = Accounts::default();
    accounts.refresh(root);
    if accounts.all().is_empty() {
        return Err(Fault::new(Kind::Failed, format!("could not read {}", root.fs("etc/passwd").display()))
            .because("it is not there, or names nobody"));
    }
    let sessions = sessions::read(root, &mut Vec::new());
    let people = accounts.people().count();
    let recent = activity::recent(root, &accounts, &sessions);
    let recent: Vec<&str> = recent.iter().take(RECENT).map(|(name, _)| &**name).collect();
    let privileged: Vec<&str> = accounts.with_root_rights().map(|account| &*account.name).collect();
    let online: Vec<String> = sessions.iter().map(presence).collect();
    let time = probe::stamp();
    let json = json!({
        "time": time, "people": people, "recent": recent, "root_rights": privileged,
        "online": sessions.iter().map(|session| json!({"name": session.user, "from": session.from, "tty": session.tty})).collect::<Vec<_>>(),
    });
    let list = |names: &[&str]| format!("[{}]", names.join(","));
    let online: Vec<&str> = online.iter().map(String::as_str).collect();
    let line = vec![time, people.to_string(), list(&recent), list(&privileged), list(&online)];
    Ok(Answer { lines: vec![line], json })
}

/// `name_IP_TTY`; somebody at the machine itself comes from `local`.
fn presence(session: &Session) -> String {
    let or = |text: &str, other: &str| if text.is_empty() { other.to_owned() } else { text.to_owned() };
    format!("{}_{}_{}", session.user, or(&session.from, "local"), or(&session.tty, "-"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn somebody_at_the_machine_itself_is_local() {
        let session = Session { user: "alice".into(), tty: "tty1".into(), ..Session::default() };
        assert_eq!(presence(&session), "alice_local_tty1");
        let session =
            Session { user: "bob".into(), tty: "pts/0".into(), from: "192.0.2.7".into(), ..Session::default() };
        assert_eq!(presence(&session), "bob_192.0.2.7_pts/0");
    }
}
