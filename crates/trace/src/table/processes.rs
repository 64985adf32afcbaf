//! Calls on processes and threads, their rights, limits and schedules.

#![cfg_attr(
    not(test),
    expect(clippy::wildcard_imports, clippy::enum_glob_use, reason = "a table reads best like this")
)]

use super::kind::*;
use super::*;
use crate::decode::words::*;
use crate::decode::words::{futex, prctl, processes, rights, schedule, signals};
use crate::decode::{Answer::*, Form};
use crate::names::processes::*;

const RESOURCE: Kind = Kind::As(Form::One32(&RESOURCES));
const POLICY: Kind = Kind::As(Form::One32(&SCHEDULERS));
const WAIT: Kind = Kind::As(Form::Flags32(&WAIT4_OPTIONS));
const PRIORITY: Kind = Kind::As(Form::One32(&PRIORITIES));
const IO_PRIORITY: Kind = Kind::As(Form::One32(&IOPRIO_WHO));
const KEYRING: Kind = Kind::As(Form::By(processes::keyring));

#[rustfmt::skip]
pub(super) static CALLS: &[System] = &[
    // Beginning and end.
    call("clone", PROCESS, &[Kind::By(&processes::CLONE), Kind::With, Kind::With, Kind::With, Kind::With], Number),
    call("clone3", PROCESS, &[Kind::By(&processes::CLONE3), Kind::With], Number),
    call("fork", PROCESS, &[], Number),
    call("vfork", PROCESS, &[], Number),
    call("execve", FILE | PROCESS, &[Kind::Program, Kind::Texts, Kind::Environment], Number),
    call("execveat", DESC | FILE | PROCESS, &[Kind::Directory, Kind::Program, Kind::Texts, Kind::Environment, Kind::As(Form::Flags32(&crate::names::files::AT_FLAGS))], Number),
    call("exit", PROCESS, &[D], Never),
    call("exit_group", PROCESS, &[D], Never),
    call("wait4", PROCESS, &[D, Kind::By(&processes::STATUS), WAIT, Kind::By(&processes::CHILD_USAGE)], Number),
    call("waitid", PROCESS, &[Kind::By(&processes::WHOM), Kind::With, Kind::By(&signals::INFO_READ), WAIT, Kind::Out(&RUSAGE)], Number),
    call("unshare", 0, &[Kind::As(Form::Flags64(&UNSHARE_FLAGS))], Number),
    call("setns", DESC, &[FD, Kind::As(Form::Flags32(&SETNS_TYPES))], Number),
    call("pidfd_open", DESC, &[D, Kind::As(Form::Flags32(&PIDFD_OPEN_FLAGS))], Descriptor),
    call("pidfd_getfd", DESC, &[FD, D, X32], Descriptor),
    call("ptrace", 0, &[Kind::By(&processes::PTRACE), Kind::With, Kind::With, Kind::With], Number),
    // Who and where.
    call("getpid", PURE, &[], Always),
    call("getppid", PURE, &[], Always),
    call("gettid", PURE, &[], Always),
    call("getpgrp", PURE, &[], Always),
    call("getpgid", 0, &[D], Number),
    call("setpgid", 0, &[D, D], Number),
    call("getsid", 0, &[D], Number),
    call("setsid", 0, &[], Number),
    call("getuid", CREDS | PURE, &[], Always),
    call("geteuid", CREDS | PURE, &[], Always),
    call("getgid", CREDS | PURE, &[], Always),
    call("getegid", CREDS | PURE, &[], Always),
    call("setuid", CREDS, &[ID], Number),
    call("setgid", CREDS, &[ID], Number),
    call("setreuid", CREDS, &[ID, ID], Number),
    call("setregid", CREDS, &[ID, ID], Number),
    call("setresuid", CREDS, &[ID, ID, ID], Number),
    call("setresgid", CREDS, &[ID, ID, ID], Number),
    call("getresuid", CREDS, &[Kind::OutBox(Form::Id), Kind::OutBox(Form::Id), Kind::OutBox(Form::Id)], Number),
    call("getresgid", CREDS, &[Kind::OutBox(Form::Id), Kind::OutBox(Form::Id), Kind::OutBox(Form::Id)], Number),
    call("setfsuid", CREDS, &[ID], Always),
    call("setfsgid", CREDS, &[ID], Always),
    call("getgroups", CREDS, &[D, Kind::ReturnedArray(Form::Id)], Number),
    call("setgroups", CREDS, &[D, Kind::InArray(Form::Id, 0)], Number),
    call("capget", CREDS, &[Kind::In(&CAP_HEADER), Kind::By(&rights::CAPABILITIES_READ)], Number),
    call("capset", CREDS, &[Kind::In(&CAP_HEADER), Kind::By(&rights::CAPABILITIES)], Number),
    call("prctl", CREDS, &[Kind::By(&prctl::PRCTL), Kind::With, Kind::With, Kind::With, Kind::With], By(prctl::prctl_result)),
    call("arch_prctl", 0, &[Kind::By(&prctl::ARCH_PRCTL), Kind::With], Number),
    call("personality", 0, &[Kind::As(Form::By(processes::personality))], By(processes::personality_result)),
    call("seccomp", 0, &[Kind::By(&prctl::SECCOMP), Kind::With, Kind::With], Number),
    call("landlock_create_ruleset", DESC, &[POINTER, LU, Kind::As(Form::Flags32(&LANDLOCK_CREATE_RULESET_FLAGS))], Descriptor),
    call("landlock_add_rule", DESC, &[FD, Kind::As(Form::One32(&LANDLOCK_RULE_TYPES)), POINTER, X32], Number),
    call("landlock_restrict_self", DESC, &[FD, X32], Number),
    call("lsm_get_self_attr", 0, &[U, POINTER, POINTER, X32], Number),
    call("lsm_set_self_attr", 0, &[U, POINTER, U, X32], Number),
    call("lsm_list_modules", 0, &[POINTER, POINTER, X32], Number),
    // Limits and usage.
    call("getrlimit", 0, &[RESOURCE, Kind::Out(&RLIMIT)], Number),
    call("setrlimit", 0, &[RESOURCE, Kind::In(&RLIMIT)], Number),
    call("prlimit64", 0, &[D, RESOURCE, Kind::In(&RLIMIT), Kind::Out(&RLIMIT)], Number),
    call("getrusage", 0, &[Kind::As(Form::One32(&USAGEWHO)), Kind::Out(&RUSAGE)], Number),
    call("times", 0, &[Kind::Out(&TMS)], Number),
    // Schedules.
    call("sched_yield", 0, &[], Number),
    call("sched_setparam", 0, &[D, Kind::InBox(Form::D32)], Number),
    call("sched_getparam", 0, &[D, Kind::OutBox(Form::D32)], Number),
    call("sched_setscheduler", 0, &[D, POLICY, Kind::InBox(Form::D32)], Number),
    call("sched_getscheduler", 0, &[D], By(schedule::scheduler_result)),
    call("sched_get_priority_max", 0, &[POLICY], Number),
    call("sched_get_priority_min", 0, &[POLICY], Number),
    call("sched_rr_get_interval", 0, &[D, Kind::Out(&TIMESPEC)], Number),
    call("sched_setaffinity", 0, &[D, U, Kind::By(&schedule::PROCESSORS)], Number),
    call("sched_getaffinity", 0, &[D, U, Kind::By(&schedule::PROCESSORS_READ)], Number),
    call("sched_setattr", 0, &[D, Kind::In(&SCHED_ATTR), U], Number),
    call("sched_getattr", 0, &[D, Kind::Out(&SCHED_ATTR), U, U], Number),
    call("getpriority", 0, &[PRIORITY, D], Number),
    call("setpriority", 0, &[PRIORITY, D, D], Number),
    call("ioprio_get", 0, &[IO_PRIORITY, D], By(schedule::io_priority_result)),
    call("ioprio_set", 0, &[IO_PRIORITY, D, Kind::As(Form::By(schedule::io_priority))], Number),
    call("getcpu", 0, &[Kind::OutBox(Form::U32), Kind::OutBox(Form::U32), POINTER], Number),
    // Threads.
    call("futex", 0, &[POINTER, Kind::By(&futex::FUTEX), Kind::With, Kind::With, Kind::With, Kind::With], Number),
    call("futex_waitv", 0, &[POINTER, U, X32, Kind::In(&TIMESPEC), Kind::As(Form::One32(&crate::names::time::CLOCKNAMES))], Number),
    call("futex_wake", 0, &[POINTER, X, D, X32], Number),
    call("futex_wait", 0, &[POINTER, LU, X, X32, Kind::In(&TIMESPEC), Kind::As(Form::One32(&crate::names::time::CLOCKNAMES))], Number),
    call("futex_requeue", 0, &[POINTER, X32, D, D], Number),
    call("set_tid_address", 0, &[X], Number),
    call("set_robust_list", 0, &[POINTER, LU], Number),
    call("get_robust_list", 0, &[D, Kind::OutBox(Form::Address), Kind::OutBox(Form::U64)], Number),
    call("rseq", 0, &[X, X, X, X], Number),
    call("set_thread_area", 0, &[POINTER], Number),
    call("get_thread_area", 0, &[POINTER], Number),
    call("modify_ldt", 0, &[D, POINTER, LU], Number),
    // Keys.
    call("add_key", 0, &[Kind::Text, Kind::Text, Kind::Written(3), LU, KEYRING], Number),
    call("request_key", 0, &[Kind::Text, Kind::Text, Kind::Text, KEYRING], Number),
    call("keyctl", 0, &[Kind::As(Form::One32(&KEYCTL_COMMANDS)), X, X, X, X], Number),
];
