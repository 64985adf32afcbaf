//! `/proc/PID/stat`: one line with state, parents, times. Privilege: none.

use procyon_units::{Bytes, CpuTime, Pages, Ticks};

use super::scan::Scan;

/// The flag of threads that belong to the kernel. Source: include/linux/sched.h.
const PF_KTHREAD: u64 = 0x0020_0000;
/// The flag of workers of `io_uring`. Since 5.12 they are threads of the process that they work for. Source: include/linux/sched.h.
const PF_IO_WORKER: u64 = 0x10;

/// What `stat` says. Times include ended threads of the process, not its children.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PidStat<'a> {
    /// Process id.
    pub pid: u32,
    /// Name of the main thread as it is: any bytes, at most 15 for user processes and 64 for kernel threads.
    pub comm: &'a [u8],
    /// State letter of the main thread: `R` running, `S` sleeping, `D` uninterruptible, `Z` zombie, `T` stopped, `t` traced, `I` idle, `X` dead.
    pub state: u8,
    /// Parent process; 0 if it has none here.
    pub ppid: u32,
    /// Process group.
    pub pgrp: i32,
    /// Session.
    pub session: i32,
    /// Controlling terminal as a device number; 0 for none.
    pub tty: i32,
    /// Whether it is a thread of the kernel.
    pub kernel_thread: bool,
    /// Whether it is a worker of `io_uring`, which never leaves the kernel.
    pub io_worker: bool,
    /// Minor faults so far.
    pub minor_faults: u64,
    /// Major faults so far.
    pub major_faults: u64,
    /// Processor time in user mode.
    pub user: Ticks,
    /// Processor time in the kernel.
    pub system: Ticks,
    /// Priority as the kernel sees it.
    pub priority: i32,
    /// Nice value, -20 to 19.
    pub nice: i32,
    /// Threads; 0 for a process that is being taken down.
    pub threads: u32,
    /// Start after boot.
    pub start: Ticks,
    /// Address space.
    pub size: Bytes,
    /// Resident pages; lags behind by up to some hundred pages per processor, `status` is exact.
    pub resident: Pages,
    /// Processor it ran on last.
    pub processor: u32,
    /// Real-time priority, 1 to 99; 0 for others.
    pub realtime_priority: u32,
    /// Scheduling policy, as `SCHED_FIFO` = 1.
    pub policy: u32,
    /// Waiting for block devices; stays zero unless the kernel runs with `delayacct`.
    pub block_delay: CpuTime,
}

/// Reads the line. None if a field that every kernel since 2.6 writes is missing or cut.
pub fn parse(text: &[u8]) -> Option<PidStat<'_>> {
    // comm may hold anything, also `) R 1 (`; what follows it never holds a bracket.
    let open = text.iter().position(|byte| *byte == b'(')?;
    let close = text.iter().rposition(|byte| *byte == b')')?;
    let comm = text.get(open + 1..close)?;
    let pid = Scan::new(text.get(..open)?).unsigned32()?;
    let [b' ', state, rest @ ..] = text.get(close + 1..)? else { return None };

    let mut scan = Scan::new(rest);
    let ppid = scan.unsigned32()?;
    let pgrp = scan.signed32()?;
    let session = scan.signed32()?;
    let tty = scan.signed32()?;
    scan.skip(1); // tpgid
    let flags = scan.unsigned()?;
    let minor_faults = scan.unsigned()?;
    scan.skip(1); // cminflt
    let major_faults = scan.unsigned()?;
    scan.skip(1); // cmajflt
    let user = Ticks(scan.unsigned()?);
    let system = Ticks(scan.unsigned()?);
    scan.skip(2); // cutime cstime
    let priority = scan.signed32()?;
    let nice = scan.signed32()?;
    let threads = scan.unsigned32()?;
    scan.skip(1); // itrealvalue
    let start = Ticks(scan.unsigned()?);
    let size = Bytes(scan.unsigned()?);
    // The counter may be below zero for a moment on kernels that sum it per processor.
    let resident = Pages(u64::try_from(scan.signed()?).unwrap_or(0));
    scan.skip(14); // rsslim to exit_signal
    let processor = scan.unsigned32().unwrap_or(0);
    let realtime_priority = scan.unsigned32().unwrap_or(0);
    let policy = scan.unsigned32().unwrap_or(0);
    let block_delay = Ticks(scan.unsigned().unwrap_or(0)).cpu_time();
    Some(PidStat {
        pid,
        comm,
        state: *state,
        ppid,
        pgrp,
        session,
        tty,
        kernel_thread: flags & PF_KTHREAD != 0,
        io_worker: flags & PF_IO_WORKER != 0,
        minor_faults,
        major_faults,
        user,
        system,
        priority,
        nice,
        threads,
        start,
        size,
        resident,
        processor,
        realtime_priority,
        policy,
        block_delay,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const REST: &str = "S 1 4084 4084 34816 4084 4194304 2411 88 3 4 175 93 1 2 20 0 7 0 91822 123456789 2048 \
        18446744073709551615 1 2 3 4 5 0 0 0 0 0 0 0 17 1 0 0 42 0 0 1 2 3 4 5 6 7 0\n";

    fn with_comm(comm: &[u8]) -> Vec<u8> {
        [b"4084 (", comm, b") ", REST.as_bytes()].concat()
    }

    #[test]
    fn every_field_is_in_its_place() {
        let text = with_comm(b"mysqld");
        let stat = parse(&text).unwrap();
        assert_eq!(
            stat,
            PidStat {
                pid: 4084,
                comm: b"mysqld",
                state: b'S',
                ppid: 1,
                pgrp: 4084,
                session: 4084,
                tty: 34816,
                kernel_thread: false,
                io_worker: false,
                minor_faults: 2411,
                major_faults: 3,
                user: Ticks(175),
                system: Ticks(93),
                priority: 20,
                nice: 0,
                threads: 7,
                start: Ticks(91_822),
                size: Bytes(123_456_789),
                resident: Pages(2048),
                processor: 1,
                realtime_priority: 0,
                policy: 0,
                block_delay: CpuTime(420_000_000),
            }
        );
    }

    #[test]
    fn comm_may_hold_anything() {
        for comm in [
            &b"a) R 1 ("[..],
            b")",
            b"((",
            b"two\nlines",
            b"",
            b"\xff\xfe) Z 9",
            b"kworker/u257:12-events_unbound_and_longer",
        ] {
            let text = with_comm(comm);
            let stat = parse(&text).unwrap();
            assert_eq!((stat.comm, stat.state, stat.ppid), (comm, b'S', 1));
        }
    }

    #[test]
    fn a_kernel_thread_is_told_by_its_flag() {
        let text = b"2 (kthreadd) S 0 0 0 0 -1 2129984 0 0 0 0 0 1 0 0 20 -5 1 0 3 0 0 18446744073709551615 0 0 0 0 0 0 0 2147483647 0 0 0 0 17 1 0 0 0 0 0 0 0 0 0 0 0 0 0\n";
        let stat = parse(text).unwrap();
        assert!(stat.kernel_thread);
        assert_eq!((stat.nice, stat.tty, stat.start), (-5, 0, Ticks(3)));
    }

    #[test]
    fn cut_text_gives_nothing_rather_than_a_wrong_number() {
        let text = with_comm(b"x");
        let whole = parse(&text).unwrap();
        for end in 0..text.len() {
            let cut = text.get(..end).unwrap();
            if let Some(stat) = parse(cut) {
                assert_eq!((stat.start, stat.size, stat.resident), (whole.start, whole.size, whole.resident), "{end}");
            }
        }
    }
}
