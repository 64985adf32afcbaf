//! Records of `c/processes.bpf.c`: the same layout, taken from bytes.

use procyon_units::{Bytes, CpuTime, Pages};

use crate::counts::Counts;
use crate::fields::Fields;

/// Longest name: that of a kernel thread.
const NAME: usize = 64;
const PF_KTHREAD: u32 = 0x0020_0000;
const PAGE_COUNTS: usize = 8;
/// `struct thread`.
const THREAD_SIZE: usize = 120;
/// `struct process` with the short name.
const PROCESS_SIZE: usize = 320;
const KIND_THREAD: u32 = 1;
const KIND_PROCESS: u32 = 2;

/// Memory of a process, the same figures as in `/proc/PID/status`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Memory {
    /// `VmPeak`.
    pub peak: Bytes,
    /// `VmSize`.
    pub size: Bytes,
    /// `VmLck`.
    pub locked: Bytes,
    /// `VmPin`.
    pub pinned: Bytes,
    /// `VmHWM`.
    pub high_water: Bytes,
    /// `VmRSS`.
    pub resident: Bytes,
    /// `VmData`.
    pub data: Bytes,
    /// `VmStk`.
    pub stack: Bytes,
    /// `VmExe`.
    pub text: Bytes,
    /// `VmLib`.
    pub library: Bytes,
    /// `VmPTE`.
    pub page_tables: Bytes,
    /// `VmSwap`.
    pub swap: Bytes,
}

/// A process as its main thread's record tells it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Process {
    /// Process id in the first pid namespace.
    pub pid: u32,
    /// Parent; 0 for those that have none.
    pub ppid: u32,
    /// Real user.
    pub uid: u32,
    /// Effective user.
    pub euid: u32,
    /// Real group.
    pub gid: u32,
    /// Threads, as the process counts them.
    pub threads: u32,
    /// State letter of the main thread, as in `/proc/PID/stat`.
    pub state: u8,
    /// Whether it is a thread of the kernel.
    pub kernel_thread: bool,
    /// Nice value.
    pub nice: i32,
    /// Scheduling policy.
    pub policy: u32,
    /// Start after boot.
    pub start: procyon_units::Ticks,
    /// Changes at each exec.
    pub exec_id: u64,
    /// The control group of version 2, by the inode of its directory.
    pub cgroup: u64,
    /// Memory; none for kernel threads and zombies.
    pub memory: Option<Memory>,
    name: [u8; NAME],
}

impl Process {
    /// Its command name.
    #[must_use]
    pub fn name(&self) -> &[u8] {
        let end = self.name.iter().position(|byte| *byte == 0).unwrap_or(NAME);
        self.name.get(..end).unwrap_or_default()
    }
}

/// One record.
#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "taken apart at once and never kept")]
pub(super) enum Record {
    /// The main thread's: the process, with the totals of ended threads.
    Process(super::Counted),
    /// Another thread's.
    Thread {
        /// Its process.
        pid: u32,
        counts: Counts,
    },
}

impl Record {
    /// Takes the first record; none when it is not whole.
    #[inline]
    pub(super) fn take(bytes: &[u8], page: u64) -> Option<(Self, &[u8])> {
        let size = usize::try_from(u32::from_ne_bytes(*bytes.first_chunk()?)).ok()?;
        let (record, rest) = bytes.split_at_checked(size)?;
        let mut fields = Fields::new(record.get(4..)?);
        let kind = fields.u32();
        fields.u32(); // tid
        let pid = fields.u32();
        let record = match kind {
            KIND_THREAD if size >= THREAD_SIZE => Self::Thread { pid, counts: fields.counts() },
            KIND_PROCESS if size >= PROCESS_SIZE => {
                let counts = fields.counts();
                Self::Process(super::Counted { process: fields.process(pid, page), counts, records: 1 })
            }
            _ => return None,
        };
        Some((record, rest))
    }
}

impl Fields<'_> {
    #[inline]
    fn process(&mut self, pid: u32, page: u64) -> Process {
        let [ppid, uid, euid, gid, threads, state, flags, policy, priority, has_memory] =
            std::array::from_fn(|_| self.u32());
        let (start, exec_id, cgroup) = (self.u64(), self.u64(), self.u64());
        let memory = self.memory(page);
        let mut name = [0; NAME];
        for (to, from) in name.iter_mut().zip(self.rest()) {
            *to = *from;
        }
        Process {
            pid,
            ppid,
            uid,
            euid,
            gid,
            threads,
            state: state_letter(state),
            kernel_thread: flags & PF_KTHREAD != 0,
            nice: priority.cast_signed().saturating_sub(DEFAULT_PRIORITY),
            policy,
            start: CpuTime(start).ticks(),
            exec_id,
            cgroup,
            memory: (has_memory != 0).then_some(memory),
            name,
        }
    }

    /// The same sums as `task_mem()` of fs/proc/task_mmu.c.
    #[inline]
    fn memory(&mut self, page: u64) -> Memory {
        let bytes = |pages: u64| Pages(pages).bytes(page);
        let [size, peak, locked, pinned, data, stack, exec, peak_resident]: [u64; PAGE_COUNTS] =
            std::array::from_fn(|_| self.u64());
        let (start_code, end_code, page_tables) = (self.u64(), self.u64(), self.u64());
        let [files, anonymous, swap, shared]: [u64; 4] = std::array::from_fn(|_| self.u64());
        let resident = files.saturating_add(anonymous).saturating_add(shared);
        let executable = bytes(exec);
        let text_end = end_code.checked_next_multiple_of(page).unwrap_or(end_code);
        let text = Bytes(text_end.saturating_sub(start_code - start_code % page)).min(executable);
        Memory {
            peak: bytes(peak.max(size)),
            size: bytes(size),
            locked: bytes(locked),
            pinned: bytes(pinned),
            high_water: bytes(peak_resident.max(resident)),
            resident: bytes(resident),
            data: bytes(data),
            stack: bytes(stack),
            text: Bytes::from_kib(text.kib()),
            library: Bytes::from_kib(executable.since(text).kib()),
            page_tables: Bytes::from_kib(Bytes(page_tables).kib()),
            swap: bytes(swap),
        }
    }
}

/// `static_prio` of nice 0.
const DEFAULT_PRIORITY: i32 = 120;

/// Bits of a thread's state, include/linux/sched.h.
mod bits {
    pub(super) const UNINTERRUPTIBLE: u32 = 0x2;
    /// What `/proc` tells apart.
    pub(super) const REPORTED: u32 = 0x7f;
    pub(super) const NO_LOAD: u32 = 0x400;
    pub(super) const LOCK_WAIT: u32 = 0x1000;
    pub(super) const FROZEN: u32 = 0x8000;
}

/// The letter that `/proc/PID/stat` shows, as `__task_state_index()` of include/linux/sched.h finds it.
fn state_letter(state: u32) -> u8 {
    const IDLE: u32 = bits::UNINTERRUPTIBLE | bits::NO_LOAD;
    if state & IDLE == IDLE {
        return b'I';
    }
    if state & (bits::LOCK_WAIT | bits::FROZEN) != 0 {
        return b'D';
    }
    match (state & bits::REPORTED).checked_ilog2() {
        None => b'R',
        Some(0) => b'S',
        Some(1) => b'D',
        Some(2) => b'T',
        Some(3) => b't',
        Some(4) => b'X',
        Some(5) => b'Z',
        Some(_) => b'P',
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn states_are_those_of_procfs() {
        let letters: Vec<(u32, char)> = vec![
            (0, 'R'),
            (1, 'S'),
            (2, 'D'),
            (4, 'T'),
            (8, 't'),
            (0x20, 'Z'),
            (0x402, 'I'),
            (0x8000, 'D'),
            (0x1000, 'D'),
            (0x101, 'S'),
            // TASK_DEAD with the exit state of a zombie.
            (0xa0, 'Z'),
        ];
        for (state, letter) in letters {
            assert_eq!(char::from(state_letter(state)), letter, "{state:#x}");
        }
    }

    fn thread(size: u32, pid: u32) -> Vec<u8> {
        let mut bytes: Vec<u8> = [size, KIND_THREAD, pid + 1, pid].into_iter().flat_map(u32::to_ne_bytes).collect();
        bytes.extend((1..=14_u64).flat_map(u64::to_ne_bytes));
        bytes.resize(usize::try_from(size).unwrap(), 0);
        bytes
    }

    #[test]
    fn a_record_that_is_cut_is_left_and_one_that_grew_is_read() {
        let whole = [thread(128, 7), thread(120, 8)].concat();
        let (Record::Thread { pid, counts }, rest) = Record::take(&whole, 4096).unwrap() else { panic!("a thread") };
        assert_eq!((pid, counts.user, counts.run_delay, rest.len()), (7, CpuTime(1), CpuTime(14), 120));
        for end in 0..120 {
            assert!(Record::take(&rest[..end], 4096).is_none(), "{end}");
        }
        assert!(Record::take(&[0; 64], 4096).is_none());
    }
}
