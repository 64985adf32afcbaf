//! `/proc/PID/task/TID`: the threads of a process. Privilege: none.

use std::ffi::CStr;
use std::mem::MaybeUninit;
use std::ops::ControlFlow;
use std::os::fd::OwnedFd;

use procyon_units::{Reading, Ticks};
use rustix::fs::{Mode, OFlags, openat};
use rustix::io::Errno;

use super::directory::{PidName, read_upto};
use super::pid_io::{self, PidIo};
use super::pid_schedstat::{self, SchedStat};
use super::pid_stat::PidStat;
use super::{PidDir, Seen, each_number, pid_stat, pid_status, pid_wchan};

/// One thread.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Thread {
    /// Thread id.
    pub tid: u32,
    /// Name.
    pub comm: Box<[u8]>,
    /// State letter, as in [`pid_stat::PidStat::state`].
    pub state: u8,
    /// Processor time in user mode.
    pub user: Ticks,
    /// Processor time in the kernel.
    pub system: Ticks,
    /// Processor it ran on last.
    pub processor: u32,
    /// Nice value.
    pub nice: i32,
    /// Scheduling policy.
    pub policy: u32,
    /// Start after boot.
    pub start: Ticks,
    /// Kernel function in which it waits; empty where it does not.
    pub wchan: Reading<Box<[u8]>>,
    /// Voluntary switches.
    pub voluntary: Option<u64>,
    /// Involuntary switches.
    pub involuntary: Option<u64>,
}

/// Context switches summed over the threads that live now.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SwitchSum {
    /// Voluntary.
    pub voluntary: u64,
    /// Involuntary.
    pub involuntary: u64,
}

/// Room for some hundred directory entries.
const ENTRIES: usize = 8 << 10;

/// The longest file of a thread: `status` with many groups.
const FILE_LIMIT: usize = 256 << 10;

/// Lists the threads, at most the first `most`; those that end meanwhile are left out.
pub fn list(process: &PidDir, buffer: &mut Vec<u8>, most: usize) -> Seen<Vec<Thread>> {
    let mut threads = Vec::new();
    let listed = process.open_directory(c"task").and_then(|task| {
        each_number(&task, &mut [MaybeUninit::uninit(); ENTRIES], |tid| {
            threads.extend(open_thread(&task, tid).and_then(|dir| thread(&dir, tid, buffer)));
            if threads.len() < most { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        })
    });
    match listed {
        Ok(()) if threads.is_empty() && !process.is_alive() => Err(super::Lost::Vanished),
        Ok(()) => Ok(Reading::Known(threads)),
        Err(error) => process.explain(c"task", error),
    }
}

/// Sums context switches over the threads that live now, of which there may be `most`; with more it is unsupported.
///
/// The sum falls when a thread ends. [`crate::taskstats`] knows better where it is permitted.
pub fn switches(process: &PidDir, buffer: &mut Vec<u8>, most: u32) -> Seen<SwitchSum> {
    let mut sum = SwitchSum::default();
    let read = sum_over_threads(process, c"status", buffer, most, |text| {
        let status = pid_status::parse(text)?;
        sum.voluntary = sum.voluntary.saturating_add(status.voluntary?);
        sum.involuntary = sum.involuntary.saturating_add(status.involuntary?);
        Some(())
    })?;
    Ok(read.map(|()| sum))
}

/// Hands one file of every thread to `take`, which says whether it understood. Unsupported if a thread's file was not
/// understood or cannot be had, or if there are more threads than `most`.
pub(crate) fn sum_over_threads(
    process: &PidDir,
    file: &'static CStr,
    buffer: &mut Vec<u8>,
    most: u32,
    mut take: impl FnMut(&[u8]) -> Option<()>,
) -> Seen<()> {
    let mut seen = 0_u32;
    let mut understood = 0_u32;
    let mut failure = None;
    let listed = process.open_directory(c"task").and_then(|task| {
        each_number(&task, &mut [MaybeUninit::uninit(); ENTRIES], |tid| {
            seen += 1;
            if seen > most {
                return ControlFlow::Break(());
            }
            match open_thread(&task, tid).map(|dir| read_file(&dir, file, buffer)) {
                Some(Ok(())) if take(buffer).is_some() => understood += 1,
                Some(Ok(())) => failure = Some(Errno::NOENT),
                // The thread ended meanwhile.
                Some(Err(Errno::SRCH)) | None => {}
                Some(Err(error)) => failure = Some(error),
            }
            ControlFlow::Continue(())
        })
    });
    match (listed, failure) {
        (Ok(()), _) if seen > most => Ok(Reading::Unsupported),
        // One thread that ended between its directory and its file also says ENOENT.
        (Ok(()), None | Some(Errno::NOENT)) if understood > 0 => Ok(Reading::Known(())),
        (Ok(()), None) => process.explain(file, Errno::SRCH),
        (Ok(()), Some(error)) | (Err(error), _) => process.explain(file, error),
    }
}

/// What the files of one thread say.
#[derive(Debug)]
pub struct ThreadFiles<'a> {
    /// Thread id.
    pub tid: u32,
    /// `stat`.
    pub stat: PidStat<'a>,
    /// Voluntary switches.
    pub voluntary: Option<u64>,
    /// Involuntary switches.
    pub involuntary: Option<u64>,
    /// `io`. Privilege: same user with the process dumpable, or `CAP_SYS_PTRACE`.
    pub io: Reading<PidIo>,
    /// Kernel function in which it waits; empty where it does not or the kernel does not tell.
    pub wchan: &'a [u8],
}

/// Buffers for [`visit`], used again.
#[derive(Debug, Default)]
pub struct ThreadRoom {
    stat: Vec<u8>,
    other: Vec<u8>,
    wchan: Vec<u8>,
}

/// Shows every thread to `each`, at most the first `most`. A thread of which `is_known` says that it has not run since its
/// files were read is passed over: its files still say the same. Threads that end meanwhile are left out.
pub fn visit(
    process: &PidDir,
    room: &mut ThreadRoom,
    most: usize,
    mut is_known: impl FnMut(u32, SchedStat) -> bool,
    mut each: impl FnMut(&ThreadFiles<'_>, Option<SchedStat>),
) -> Seen<()> {
    let mut seen = 0;
    let listed = process.open_directory(c"task").and_then(|task| {
        each_number(&task, &mut [MaybeUninit::uninit(); ENTRIES], |tid| {
            seen += 1;
            if let Some(dir) = open_thread(&task, tid) {
                let turns = read_file(&dir, c"schedstat", &mut room.other).ok();
                let turns = turns.and_then(|()| pid_schedstat::parse(&room.other));
                if !turns.is_some_and(|turns| is_known(tid, turns))
                    && let Some(files) = read_thread(&dir, tid, room)
                {
                    each(&files, turns);
                }
            }
            if seen < most { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        })
    });
    match listed {
        Ok(()) => Ok(Reading::Known(())),
        Err(error) => process.explain(c"task", error),
    }
}

fn read_thread<'a>(dir: &OwnedFd, tid: u32, room: &'a mut ThreadRoom) -> Option<ThreadFiles<'a>> {
    let ThreadRoom { stat, other, wchan } = room;
    read_file(dir, c"status", other).ok()?;
    let status = pid_status::parse(other)?;
    let io = match read_file(dir, c"io", other) {
        Ok(()) => pid_io::parse(other).map_or(Reading::Unsupported, Reading::Known),
        Err(error) => crate::file::reason(error),
    };
    if read_file(dir, c"wchan", wchan).is_err() {
        wchan.clear();
    }
    read_file(dir, c"stat", stat).ok()?;
    let (voluntary, involuntary) = (status.voluntary, status.involuntary);
    Some(ThreadFiles { tid, stat: pid_stat::parse(stat)?, voluntary, involuntary, io, wchan: pid_wchan::parse(wchan) })
}

fn open_thread(task: &OwnedFd, tid: u32) -> Option<OwnedFd> {
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    openat(task, PidName::new(tid).as_c_str(), flags, Mode::empty()).ok()
}

fn read_file(dir: &OwnedFd, file: &CStr, buffer: &mut Vec<u8>) -> Result<(), Errno> {
    read_upto(openat(dir, file, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())?, buffer, FILE_LIMIT)
}

fn thread(dir: &OwnedFd, tid: u32, buffer: &mut Vec<u8>) -> Option<Thread> {
    read_file(dir, c"status", buffer).ok()?;
    let status = pid_status::parse(buffer)?;
    let wchan = match read_file(dir, c"wchan", buffer) {
        Ok(()) => Reading::Known(pid_wchan::parse(buffer).into()),
        Err(error) => crate::file::reason(error),
    };
    read_file(dir, c"stat", buffer).ok()?;
    let stat = pid_stat::parse(buffer)?;
    Some(Thread {
        tid,
        comm: stat.comm.into(),
        state: stat.state,
        user: stat.user,
        system: stat.system,
        processor: stat.processor,
        nice: stat.nice,
        policy: stat.policy,
        start: stat.start,
        wchan,
        voluntary: status.voluntary,
        involuntary: status.involuntary,
    })
}
