//! Which users were active last.

use std::collections::BTreeMap;

use procyon_units::Wall;

use super::accounts::Accounts;
use super::sessions::Session;
use super::utmp;
use crate::root::Root;

/// Users of `accounts` by their last activity, the latest first: typing at a terminal, logging in now or earlier
/// (`wtmp`, `lastlog`). Users who never did anything are left out. Privilege: none on most systems.
#[must_use]
pub fn recent(root: &Root, accounts: &Accounts, sessions: &[Session]) -> Vec<(Box<str>, Wall)> {
    let mut latest: BTreeMap<Box<str>, Wall> = BTreeMap::new();
    let mut note = |name: &str, time: Wall| {
        let known = latest.entry(name.into()).or_default();
        *known = time.max(*known);
    };
    for session in sessions {
        note(&session.user, session.typed.unwrap_or_default().max(session.login));
    }
    for record in utmp::read_recent(root).get().into_iter().flatten() {
        if record.kind == utmp::USER_PROCESS {
            note(&record.user, record.time);
        }
    }
    let uids: Vec<u32> = accounts.all().iter().map(|account| account.uid).collect();
    for (uid, time) in utmp::read_lastlog(root, &uids).get().into_iter().flatten() {
        if let Some(name) = accounts.name(*uid) {
            note(name, *time);
        }
    }
    // Records outlive accounts, and programs write records for users that never were (`reboot`, `LOGIN`).
    let is_account = |name: &str| accounts.all().iter().any(|account| &*account.name == name);
    let mut users: Vec<(Box<str>, Wall)> = latest.into_iter().filter(|(name, _)| is_account(name)).collect();
    users.sort_by(|one, other| other.1.cmp(&one.1).then_with(|| one.0.cmp(&other.0)));
    users
}
