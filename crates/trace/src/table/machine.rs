//! Calls on the machine as a whole, on the kernel's modules and programs, and those that are no longer there.

#![cfg_attr(
    not(test),
    expect(clippy::wildcard_imports, clippy::enum_glob_use, reason = "a table reads best like this")
)]

use super::kind::*;
use super::*;
use crate::decode::words::processes;
use crate::decode::words::*;
use crate::decode::{Answer::*, Form};
use crate::names::processes::*;

#[rustfmt::skip]
pub(super) static CALLS: &[System] = &[
    call("uname", 0, &[Kind::Out(&UTSNAME)], Number),
    call("sysinfo", 0, &[Kind::Out(&SYSINFO)], Number),
    call("sethostname", 0, &[Kind::Written(1), LU], Number),
    call("setdomainname", 0, &[Kind::Written(1), LU], Number),
    call("syslog", 0, &[Kind::By(&processes::LOG), Kind::With, Kind::With], Number),
    call("getrandom", 0, &[Kind::ReturnedHex, LU, Kind::As(Form::Flags32(&GETRANDOM_FLAGS))], Number),
    call("reboot", 0, &[X32, X32, Kind::As(Form::One32(&BOOTFLAGS3)), POINTER], Number),
    call("vhangup", 0, &[], Number),
    call("iopl", 0, &[D], Number),
    call("ioperm", 0, &[X, X, D], Number),
    call("init_module", 0, &[POINTER, LU, Kind::Text], Number),
    call("finit_module", DESC, &[FD, Kind::Text, Kind::As(Form::Flags32(&MODULE_INIT_FLAGS))], Number),
    call("delete_module", 0, &[Kind::Text, Kind::As(Form::Flags32(&DELETE_MODULE_FLAGS))], Number),
    call("kexec_load", 0, &[POINTER, LU, POINTER, X], Number),
    call("kexec_file_load", DESC, &[FD, FD, LU, Kind::Text, X], Number),
    call("bpf", DESC, &[Kind::As(Form::One32(&BPF_COMMANDS)), POINTER, U], Number),
    call("perf_event_open", DESC, &[POINTER, D, D, FD, Kind::As(Form::Flags64(&PERF_EVENT_OPEN_FLAGS))], Descriptor),
    call("uretprobe", 0, &[], Number),
    call("uprobe", 0, &[], Number),
    // Not there any more, or never there.
    call("_sysctl", 0, &[X], Number),
    call("create_module", 0, &[X, X], Number),
    call("get_kernel_syms", 0, &[X], Number),
    call("query_module", 0, &[X, X, X, X, X], Number),
    call("nfsservctl", 0, &[X, X, X], Number),
    call("afs_syscall", 0, &[X, X, X, X, X], Number),
    call("tuxcall", 0, &[X, X, X], Number),
    call("security", 0, &[X, X, X], Number),
    call("vserver", 0, &[X, X, X, X, X], Number),
];
