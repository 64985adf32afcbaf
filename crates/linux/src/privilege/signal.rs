//! Tries whether this process may signal those of other users.

use rustix::io::Errno;
use rustix::process::{Pid, geteuid, getuid, test_kill_process};

use super::attempt::Attempt;
use super::held::{self, Capability};
use crate::file;
use crate::proc::{PidDir, ProcDir, pid_status};
use crate::root::Root;

/// Processes that are tried at most: one may end between being found and being tried, and security modules single some out.
const TRIES: usize = 5;

/// What an answer rests on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Evidence {
    /// The kernel was asked about a process of another user.
    Tried,
    /// No process of another user runs, so the effective capabilities have to tell.
    CapabilitySet,
}

/// Signal 0, which is delivered to nobody but takes the permission, to processes of other users. A process of the own user
/// would tell nothing: root may signal pid 1 without `CAP_KILL`, for both are root's. Where no other user runs anything there
/// is nothing to try, and the effective set of capabilities(7) decides.
#[must_use]
pub fn attempt() -> (Attempt, Evidence) {
    let live = Root::live();
    let may = held::read(&live, &mut Vec::new()).get().is_some_and(|held| held.has(Capability::Kill));
    let outcomes = foreign(&live).map(test_kill_process).filter(|outcome| *outcome != Err(Errno::SRCH));
    decide(outcomes.take(TRIES).collect::<Vec<_>>().as_slice(), may)
}

fn decide(outcomes: &[Result<(), Errno>], may: bool) -> (Attempt, Evidence) {
    let refused = |errno: Errno| Attempt::Refused { errno: errno.raw_os_error(), needs: Some(Capability::Kill) };
    let refusal = outcomes.iter().find_map(|outcome| outcome.err());
    let attempt = match refusal {
        None if outcomes.is_empty() => {
            let attempt = if may { Attempt::Granted } else { refused(Errno::PERM) };
            return (attempt, Evidence::CapabilitySet);
        }
        None => Attempt::Granted,
        // A security module may guard some; a process that kept an id of ours may be signalled without the capability.
        Some(_) if may && outcomes.contains(&Ok(())) => Attempt::Granted,
        Some(errno) => refused(errno),
    };
    (attempt, Evidence::Tried)
}

/// Processes none of whose users is ours, whatever owner their folder shows.
fn foreign(live: &Root) -> impl Iterator<Item = Pid> + use<> {
    let ours = [getuid().as_raw(), geteuid().as_raw()];
    let names = file::names(&live.proc(""));
    let proc = ProcDir::open(live).ok();
    let mut buffer = Vec::new();
    names.into_iter().filter_map(move |name| {
        let pid: i32 = name.parse().ok()?;
        let dir = PidDir::open(proc.as_ref()?, pid.cast_unsigned()).ok()?;
        let seen = pid_status::read(&dir, &mut buffer).ok()?;
        let status = seen.get()?;
        let is_foreign = !ours.contains(&status.uid) && !ours.contains(&status.euid);
        Pid::from_raw(pid).filter(|_| is_foreign)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_of_another_user_tells_and_without_one_the_capabilities_do() {
        let refused = Attempt::Refused { errno: Errno::PERM.raw_os_error(), needs: Some(Capability::Kill) };
        for (outcomes, may, expected) in [
            (&[][..], true, (Attempt::Granted, Evidence::CapabilitySet)),
            (&[], false, (refused, Evidence::CapabilitySet)),
            (&[Ok(())], true, (Attempt::Granted, Evidence::Tried)),
            (&[Err(Errno::PERM)], true, (refused, Evidence::Tried)),
            (&[Err(Errno::PERM), Ok(())], true, (Attempt::Granted, Evidence::Tried)),
            (&[Ok(()), Err(Errno::PERM)], false, (refused, Evidence::Tried)),
        ] {
            assert_eq!(decide(outcomes, may), expected, "{outcomes:?} {may}");
        }
    }
}
