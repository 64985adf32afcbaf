//! Structures that calls read and write, on 64-bit Linux. Sources: include/uapi/linux, include/uapi/asm-generic,
//! arch/x86/include/uapi/asm.

use super::layout::{End, Form, Layout};
use super::printer::{Printer, u32_at, u64_at};
use super::{files, network, time};
use crate::names::{files as file_names, memory, processes, signals, time as time_names};

/// A structure of which all fields are told.
const fn all(size: u16, fields: &'static [(&'static str, u16, Form)]) -> Layout {
    Layout { size, fields, end: End::All }
}

/// `struct timespec`.
pub(crate) static TIMESPEC: Layout = all(16, &[("tv_sec", 0, Form::D64), ("tv_nsec", 8, Form::U64)]);
/// `struct timeval`.
pub(crate) static TIMEVAL: Layout = all(16, &[("tv_sec", 0, Form::D64), ("tv_usec", 8, Form::U64)]);
/// `struct timezone`.
pub(crate) static TIMEZONE: Layout = all(8, &[("tz_minuteswest", 0, Form::D32), ("tz_dsttime", 4, Form::D32)]);
/// `struct itimerspec`.
pub(crate) static ITIMERSPEC: Layout =
    all(32, &[("it_interval", 0, Form::Inside(&TIMESPEC)), ("it_value", 16, Form::Inside(&TIMESPEC))]);
/// `struct itimerval`.
pub(crate) static ITIMERVAL: Layout =
    all(32, &[("it_interval", 0, Form::Inside(&TIMEVAL)), ("it_value", 16, Form::Inside(&TIMEVAL))]);
/// `struct utimbuf`.
pub(crate) static UTIMBUF: Layout =
    all(16, &[("actime", 0, Form::By(time::dated_seconds)), ("modtime", 8, Form::By(time::dated_seconds))]);
/// `struct timex`.
pub(crate) static TIMEX: Layout = all(
    208,
    &[
        ("modes", 0, Form::Flags32(&time_names::ADJTIMEX_MODES)),
        ("offset", 8, Form::D64),
        ("freq", 16, Form::D64),
        ("maxerror", 24, Form::U64),
        ("esterror", 32, Form::U64),
        ("status", 40, Form::Flags32(&time_names::ADJTIMEX_STATUS)),
        ("constant", 48, Form::D64),
        ("precision", 56, Form::U64),
        ("tolerance", 64, Form::D64),
        ("time", 72, Form::Inside(&TIMEVAL)),
        ("tick", 88, Form::D64),
        ("ppsfreq", 96, Form::D64),
        ("jitter", 104, Form::D64),
        ("shift", 112, Form::D32),
        ("stabil", 120, Form::D64),
        ("jitcnt", 128, Form::D64),
        ("calcnt", 136, Form::D64),
        ("errcnt", 144, Form::D64),
        ("stbcnt", 152, Form::D64),
        ("tai", 160, Form::D32),
    ],
);
/// `struct tms`.
pub(crate) static TMS: Layout = all(
    32,
    &[
        ("tms_utime", 0, Form::Ticks),
        ("tms_stime", 8, Form::Ticks),
        ("tms_cutime", 16, Form::Ticks),
        ("tms_cstime", 24, Form::Ticks),
    ],
);
/// `struct rusage`.
pub(crate) static RUSAGE: Layout = Layout {
    size: 32,
    fields: &[("ru_utime", 0, Form::Inside(&TIMEVAL)), ("ru_stime", 16, Form::Inside(&TIMEVAL))],
    end: End::More,
};
/// `struct rlimit`.
pub(crate) static RLIMIT: Layout = all(16, &[("rlim_cur", 0, Form::Limit), ("rlim_max", 8, Form::Limit)]);
/// `struct sysinfo`.
pub(crate) static SYSINFO: Layout = all(
    112,
    &[
        ("uptime", 0, Form::U64),
        ("loads", 8, Form::Array(3, 8, &Form::U64)),
        ("totalram", 32, Form::U64),
        ("freeram", 40, Form::U64),
        ("sharedram", 48, Form::U64),
        ("bufferram", 56, Form::U64),
        ("totalswap", 64, Form::U64),
        ("freeswap", 72, Form::U64),
        ("procs", 80, Form::U16),
        ("totalhigh", 88, Form::U64),
        ("freehigh", 96, Form::U64),
        ("mem_unit", 104, Form::U32),
    ],
);
/// `struct new_utsname`.
pub(crate) static UTSNAME: Layout =
    Layout { size: 130, fields: &[("sysname", 0, Form::Text(65)), ("nodename", 65, Form::Text(65))], end: End::More };

/// `struct stat`.
pub(crate) static FILE_STAT: Layout =
    Layout { size: 56, fields: &[("st_mode", 24, Form::By(files::mode))], end: End::By(stat_end) };

fn stat_end(printer: &mut Printer<'_>, bytes: &[u8]) {
    let kind = u32_at(bytes, 24).unwrap_or(0) & 0o170_000;
    match kind {
        0o020_000 | 0o060_000 => printer.field("st_rdev", &Form::By(files::device), bytes, 40),
        _ => printer.field("st_size", &Form::U64, bytes, 48),
    }
    printer.put(", ...");
}

/// `struct statx`.
pub(crate) static FILE_STATX: Layout = Layout {
    size: 48,
    fields: &[
        ("stx_mask", 0, Form::Flags32(&file_names::STATX_MASKS)),
        ("stx_attributes", 8, Form::Flags64(&file_names::STATX_ATTRS)),
    ],
    end: End::By(statx_end),
};

fn statx_end(printer: &mut Printer<'_>, bytes: &[u8]) {
    const TYPE_OR_MODE: u32 = 3;
    const SIZE: u32 = 0x200;
    let mask = u32_at(bytes, 0).unwrap_or(0);
    if mask & TYPE_OR_MODE != 0 {
        printer.field("stx_mode", &Form::By(files::mode16), bytes, 28);
    }
    if mask & SIZE != 0 {
        printer.field("stx_size", &Form::U64, bytes, 40);
    }
    printer.put(", ...");
}

/// `struct statfs`.
pub(crate) static SYSTEM_STAT: Layout = Layout {
    size: 88,
    fields: &[
        ("f_type", 0, Form::One64(&file_names::FSMAGIC)),
        ("f_bsize", 8, Form::U64),
        ("f_blocks", 16, Form::U64),
        ("f_bfree", 24, Form::U64),
        ("f_bavail", 32, Form::U64),
        ("f_files", 40, Form::U64),
        ("f_ffree", 48, Form::U64),
        ("f_fsid", 56, Form::Inside(&FSID)),
        ("f_namelen", 64, Form::U64),
        ("f_frsize", 72, Form::U64),
    ],
    end: End::By(statfs_end),
};

static FSID: Layout = all(8, &[("val", 0, Form::Array(2, 4, &Form::X32))]);

fn statfs_end(printer: &mut Printer<'_>, bytes: &[u8]) {
    const ST_VALID: u64 = 0x20;
    if u64_at(bytes, 80).is_some_and(|flags| flags & ST_VALID != 0) {
        printer.field("f_flags", &Form::Flags64(&file_names::STATFS_FLAGS), bytes, 80);
    }
}

/// `struct flock` of a lock to be set.
pub(crate) static FLOCK: Layout = all(
    24,
    &[
        ("l_type", 0, Form::One16(&file_names::LOCKFCMDS)),
        ("l_whence", 2, Form::One16(&file_names::WHENCE_CODES)),
        ("l_start", 8, Form::D64),
        ("l_len", 16, Form::D64),
    ],
);
/// `struct flock` of a lock that was found.
pub(crate) static FLOCK_FOUND: Layout = all(
    28,
    &[
        ("l_type", 0, Form::One16(&file_names::LOCKFCMDS)),
        ("l_whence", 2, Form::One16(&file_names::WHENCE_CODES)),
        ("l_start", 8, Form::D64),
        ("l_len", 16, Form::D64),
        ("l_pid", 24, Form::D32),
    ],
);
/// `struct f_owner_ex`.
pub(crate) static OWNER: Layout =
    all(8, &[("type", 0, Form::One32(&file_names::F_OWNER_TYPES)), ("pid", 4, Form::D32)]);

/// `struct epoll_event`, which is packed on x86-64.
pub(crate) static EPOLL_EVENT: Layout =
    all(12, &[("events", 0, Form::Flags32(&file_names::EPOLLEVENTS)), ("data", 4, Form::Inside(&EPOLL_DATA))]);
static EPOLL_DATA: Layout = all(8, &[("u32", 0, Form::U32), ("u64", 0, Form::U64)]);

/// `struct sembuf`.
pub(crate) static SEMBUF: Layout =
    all(6, &[("sem_num", 0, Form::U16), ("sem_op", 2, Form::D16), ("sem_flg", 4, Form::Flags16(&memory::SEMOP_FLAGS))]);

/// `struct shmid64_ds`.
pub(crate) static SHMID: Layout = all(
    96,
    &[
        ("shm_perm", 0, Form::Inside(&IPC_PERM)),
        ("shm_segsz", 48, Form::U64),
        ("shm_cpid", 80, Form::D32),
        ("shm_lpid", 84, Form::D32),
        ("shm_nattch", 88, Form::U64),
        ("shm_atime", 56, Form::U64),
        ("shm_dtime", 64, Form::U64),
        ("shm_ctime", 72, Form::U64),
    ],
);
static IPC_PERM: Layout = all(
    48,
    &[
        ("uid", 4, Form::Id),
        ("gid", 8, Form::Id),
        ("mode", 20, Form::Octal32),
        ("key", 0, Form::U32),
        ("cuid", 12, Form::Id),
        ("cgid", 16, Form::Id),
    ],
);

/// `struct mq_attr` of a new queue.
pub(crate) static MQ_NEW: Layout = all(
    32,
    &[
        ("mq_flags", 0, Form::X64),
        ("mq_maxmsg", 8, Form::D64),
        ("mq_msgsize", 16, Form::D64),
        ("mq_curmsgs", 24, Form::D64),
    ],
);
/// `struct mq_attr` of one that is there.
pub(crate) static MQ_ATTR: Layout = all(
    32,
    &[
        ("mq_flags", 0, Form::Flags64(&memory::MQ_ATTR_FLAGS)),
        ("mq_maxmsg", 8, Form::D64),
        ("mq_msgsize", 16, Form::D64),
        ("mq_curmsgs", 24, Form::D64),
    ],
);

/// `stack_t`.
pub(crate) static STACK: Layout = all(
    24,
    &[
        ("ss_sp", 0, Form::Address),
        ("ss_flags", 8, Form::Flags32(&signals::SIGALTSTACK_FLAGS)),
        ("ss_size", 16, Form::U64),
    ],
);

/// `struct sock_fprog`.
pub(crate) static PROGRAM: Layout = all(16, &[("len", 0, Form::U16), ("filter", 8, Form::Address)]);
/// `struct linger`.
pub(crate) static LINGER: Layout = all(8, &[("l_onoff", 0, Form::D32), ("l_linger", 4, Form::D32)]);
/// `struct ucred`.
pub(crate) static UCRED: Layout = all(12, &[("pid", 0, Form::D32), ("uid", 4, Form::Id), ("gid", 8, Form::Id)]);
/// `struct ip_mreq`.
pub(crate) static IP_MREQ: Layout =
    all(8, &[("imr_multiaddr", 0, Form::By(network::inet)), ("imr_interface", 4, Form::By(network::inet))]);
/// `struct in_pktinfo`.
pub(crate) static PKTINFO: Layout = all(
    12,
    &[
        ("ipi_ifindex", 0, Form::By(network::interface)),
        ("ipi_spec_dst", 4, Form::By(network::inet)),
        ("ipi_addr", 8, Form::By(network::inet)),
    ],
);

/// `struct winsize`.
pub(crate) static WINSIZE: Layout = all(
    8,
    &[("ws_row", 0, Form::U16), ("ws_col", 2, Form::U16), ("ws_xpixel", 4, Form::U16), ("ws_ypixel", 6, Form::U16)],
);

/// `struct file_clone_range`.
pub(crate) static CLONE_RANGE: Layout = all(
    32,
    &[
        ("src_fd", 0, Form::Descriptor),
        ("src_offset", 8, Form::U64),
        ("src_length", 16, Form::U64),
        ("dest_offset", 24, Form::U64),
    ],
);

/// `struct sched_attr` up to what every kernel has.
pub(crate) static SCHED_ATTR: Layout = Layout {
    size: 48,
    fields: &[
        ("size", 0, Form::U32),
        ("sched_policy", 4, Form::One32(&processes::SCHEDULERS)),
        ("sched_flags", 8, Form::Flags64(&processes::SCHED_FLAGS)),
        ("sched_nice", 16, Form::D32),
        ("sched_priority", 20, Form::U32),
        ("sched_runtime", 24, Form::U64),
        ("sched_deadline", 32, Form::U64),
        ("sched_period", 40, Form::U64),
    ],
    end: End::By(sched_attr_end),
};

fn sched_attr_end(printer: &mut Printer<'_>, bytes: &[u8]) {
    if u32_at(bytes, 0).is_some_and(|size| size >= 56) && bytes.len() >= 56 {
        printer.field("sched_util_min", &Form::U32, bytes, 48);
        printer.field("sched_util_max", &Form::U32, bytes, 52);
    }
}

/// `struct __user_cap_header_struct`.
pub(crate) static CAP_HEADER: Layout =
    all(8, &[("version", 0, Form::One32(&processes::CAP_VERSION)), ("pid", 4, Form::D32)]);

/// `struct io_uring_params`.
pub(crate) static URING_PARAMS: Layout = all(
    120,
    &[
        ("flags", 8, Form::Flags32(&file_names::URING_SETUP_FLAGS)),
        ("sq_thread_cpu", 12, Form::X32),
        ("sq_thread_idle", 16, Form::U32),
        ("sq_entries", 0, Form::U32),
        ("cq_entries", 4, Form::U32),
        ("features", 20, Form::Flags32(&file_names::URING_SETUP_FEATURES)),
        ("sq_off", 40, Form::Inside(&URING_SUBMIT)),
        ("cq_off", 80, Form::Inside(&URING_COMPLETE)),
    ],
);
static URING_SUBMIT: Layout = all(
    40,
    &[
        ("head", 0, Form::U32),
        ("tail", 4, Form::U32),
        ("ring_mask", 8, Form::U32),
        ("ring_entries", 12, Form::U32),
        ("flags", 16, Form::U32),
        ("dropped", 20, Form::U32),
        ("array", 24, Form::U32),
    ],
);
static URING_COMPLETE: Layout = all(
    40,
    &[
        ("head", 0, Form::U32),
        ("tail", 4, Form::U32),
        ("ring_mask", 8, Form::U32),
        ("ring_entries", 12, Form::U32),
        ("overflow", 16, Form::U32),
        ("cqes", 20, Form::U32),
        ("flags", 24, Form::U32),
    ],
);

/// What `pselect6` takes as its last argument.
pub(crate) static SIGNAL_SET: Layout = all(16, &[("sigmask", 0, Form::Address), ("sigsetsize", 8, Form::U64)]);
