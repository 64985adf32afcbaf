//! Events of `c/lifecycle.bpf.c`: the same layout, taken from bytes.

use procyon_units::{CpuTime, Ticks};

use crate::counts::Counts;
use crate::fields::Fields;

const KIND_EXECUTED: u32 = 1;
const KIND_EXITED: u32 = 2;
const KIND_FREED: u32 = 3;
const LONGEST_FILE: usize = 128;
const LONGEST_ARGUMENTS: usize = 511;
const NAME: usize = 16;
const PF_KTHREAD: u32 = 0x0020_0000;
/// `static_prio` of nice 0.
const DEFAULT_PRIORITY: i32 = 120;

/// Which process: its pid in the first namespace, and its start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Id {
    /// Process id.
    pub pid: u32,
    /// Start after boot.
    pub start: Ticks,
}

/// What happened.
#[derive(Debug)]
pub enum Event<'a> {
    /// A process runs another program.
    Executed(Executed<'a>),
    /// The last thread of a process ends. Its counters are not final: the last stretch on the processor is missing.
    Exited(Exited<'a>),
    /// The kernel lets a process go, after its parent has collected it: the totals are final.
    Freed(Freed),
}

/// A process runs another program.
#[derive(Debug, Clone, Copy)]
pub struct Executed<'a> {
    /// Which one.
    pub id: Id,
    /// The file, as it was asked for; at most 127 bytes.
    pub file: &'a [u8],
    /// Its arguments, each ended by NUL; at most 511 bytes.
    pub arguments: &'a [u8],
    /// Whether there were more.
    pub truncated: bool,
}

/// The last thread of a process ends.
#[derive(Debug, Clone, Copy)]
pub struct Exited<'a> {
    /// Which one.
    pub id: Id,
    /// Parent.
    pub ppid: u32,
    /// When, after boot, in nanoseconds; time in suspend counts.
    pub at: CpuTime,
    /// Real user.
    pub uid: u32,
    /// Effective user.
    pub euid: u32,
    /// Real group.
    pub gid: u32,
    /// How it ended.
    pub status: WaitStatus,
    /// Whether it is a thread of the kernel.
    pub kernel_thread: bool,
    /// Scheduling policy.
    pub policy: u32,
    /// Nice value.
    pub nice: i32,
    /// Whether the out-of-memory killer chose it.
    pub oom: bool,
    /// The control group of version 2.
    pub cgroup: u64,
    /// Who sent the signal that ended it; none for the kernel and for processes that ended by themselves.
    pub sender: Option<Sender<'a>>,
    /// What its threads did so far.
    pub counts: Counts,
    /// Its command name.
    pub name: &'a [u8],
}

/// Who sent a signal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sender<'a> {
    /// Its process.
    pub pid: u32,
    /// Its real user.
    pub uid: u32,
    /// Name of its thread.
    pub name: &'a [u8],
}

/// The kernel lets a process go.
#[derive(Debug, Clone, Copy)]
pub struct Freed {
    /// Which one.
    pub id: Id,
    /// How it ended.
    pub status: WaitStatus,
    /// What its threads did in all; run-queue delay is that of none.
    pub counts: Counts,
}

/// What `wait(2)` tells of an end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WaitStatus(pub u32);

impl WaitStatus {
    /// The signal that ended it.
    #[must_use]
    pub fn signal(self) -> Option<u8> {
        u8::try_from(self.0 & 0x7f).ok().filter(|signal| *signal != 0)
    }

    /// The code that it ended with, where no signal did.
    #[must_use]
    pub fn code(self) -> u8 {
        u8::try_from(self.0 >> 8 & 0xff).unwrap_or(0)
    }

    /// Whether its memory was written to a core file.
    #[must_use]
    pub const fn core_dumped(self) -> bool {
        self.0 & 0x80 != 0
    }
}

impl<'a> Event<'a> {
    /// Reads one event; none when it is not understood.
    pub(super) fn parse(bytes: &'a [u8]) -> Option<Self> {
        let mut fields = Fields::new(bytes);
        let size = usize::try_from(fields.u32()).ok()?;
        // Whole in any case: the kernel commits events as a whole.
        if bytes.len() < size {
            return None;
        }
        match fields.u32() {
            KIND_EXECUTED => Some(Self::Executed(executed(&mut fields))),
            KIND_EXITED => Some(Self::Exited(exited(&mut fields))),
            KIND_FREED => {
                let (pid, status) = (fields.u32(), WaitStatus(fields.u32()));
                let id = Id { pid, start: CpuTime(fields.u64()).ticks() };
                Some(Self::Freed(Freed { id, status, counts: fields.counts() }))
            }
            _ => None,
        }
    }
}

fn executed<'a>(fields: &mut Fields<'a>) -> Executed<'a> {
    let (pid, length) = (fields.u32(), fields.u32());
    let id = Id { pid, start: CpuTime(fields.u64()).ticks() };
    let file = until_nul(fields.bytes(LONGEST_FILE));
    let arguments = fields.bytes(usize::try_from(length).unwrap_or(0));
    Executed { id, file, arguments, truncated: arguments.len() >= LONGEST_ARGUMENTS }
}

fn exited<'a>(fields: &mut Fields<'a>) -> Exited<'a> {
    let (pid, ppid) = (fields.u32(), fields.u32());
    let (start, at) = (fields.u64(), fields.u64());
    let [uid, euid, gid, code, flags, policy, priority, oom] = std::array::from_fn(|_| fields.u32());
    let cgroup = fields.u64();
    let (known, sender, sender_uid, _) = (fields.u32(), fields.u32(), fields.u32(), fields.u32());
    let sender_name = until_nul(fields.bytes(NAME));
    let counts = fields.counts();
    Exited {
        id: Id { pid, start: CpuTime(start).ticks() },
        ppid,
        at: CpuTime(at),
        uid,
        euid,
        gid,
        status: WaitStatus(code),
        kernel_thread: flags & PF_KTHREAD != 0,
        policy,
        nice: priority.cast_signed().saturating_sub(DEFAULT_PRIORITY),
        oom: oom != 0,
        cgroup,
        sender: (known != 0).then_some(Sender { pid: sender, uid: sender_uid, name: sender_name }),
        counts,
        name: until_nul(fields.bytes(NAME)),
    }
}

fn until_nul(bytes: &[u8]) -> &[u8] {
    let end = bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len());
    bytes.get(..end).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_is_read_as_wait_reads_it() {
        assert_eq!((WaitStatus(3 << 8).signal(), WaitStatus(3 << 8).code()), (None, 3));
        assert_eq!((WaitStatus(9).signal(), WaitStatus(9).core_dumped()), (Some(9), false));
        assert_eq!((WaitStatus(0x86).signal(), WaitStatus(0x86).core_dumped()), (Some(6), true));
    }

    #[test]
    fn bytes_that_are_cut_or_unheard_of_give_nothing() {
        assert!(Event::parse(&[]).is_none());
        assert!(Event::parse(&[0; 7]).is_none());
        let unheard: Vec<u8> = [8_u32, 77].into_iter().flat_map(u32::to_ne_bytes).collect();
        assert!(Event::parse(&unheard).is_none());
        let cut: Vec<u8> = [300_u32, KIND_EXITED].into_iter().flat_map(u32::to_ne_bytes).collect();
        assert!(Event::parse(&cut).is_none());
    }
}
