//! Calls on signals.

#![cfg_attr(
    not(test),
    expect(clippy::wildcard_imports, clippy::enum_glob_use, reason = "a table reads best like this")
)]

use super::kind::*;
use super::*;
use crate::decode::words::signals;
use crate::decode::words::*;
use crate::decode::{Answer::*, Form};
use crate::names::signals::*;

#[rustfmt::skip]
pub(super) static CALLS: &[System] = &[
    call("kill", PROCESS | SIGNAL, &[D, SIGNAL_NUMBER], Number),
    call("tkill", PROCESS | SIGNAL, &[D, SIGNAL_NUMBER], Number),
    call("tgkill", PROCESS | SIGNAL, &[D, D, SIGNAL_NUMBER], Number),
    call("pidfd_send_signal", DESC | PROCESS | SIGNAL, &[FD, SIGNAL_NUMBER, Kind::By(&signals::INFO), X32], Number),
    call("rt_sigqueueinfo", PROCESS | SIGNAL, &[D, SIGNAL_NUMBER, Kind::By(&signals::INFO)], Number),
    call("rt_tgsigqueueinfo", PROCESS | SIGNAL, &[D, D, SIGNAL_NUMBER, Kind::By(&signals::INFO)], Number),
    call("rt_sigaction", SIGNAL, &[SIGNAL_NUMBER, Kind::By(&signals::ACTION), Kind::By(&signals::OLD_ACTION), LU], Number),
    call("rt_sigprocmask", SIGNAL, &[Kind::As(Form::One32(&SIGPROCMASKCMDS)), Kind::Signals(3), Kind::OldSignals(3), LU], Number),
    call("rt_sigreturn", SIGNAL, &[], Number),
    call("rt_sigpending", SIGNAL, &[Kind::OldSignals(1), LU], Number),
    call("rt_sigtimedwait", SIGNAL, &[Kind::Signals(3), Kind::By(&signals::INFO_READ), Kind::In(&TIMESPEC), LU], By(signals::signal_result)),
    call("rt_sigsuspend", SIGNAL, &[Kind::Signals(1), LU], Number),
    call("sigaltstack", SIGNAL, &[Kind::In(&STACK), Kind::Out(&STACK)], Number),
    call("signalfd", DESC | SIGNAL, &[FD, Kind::Signals(2), LU], Descriptor),
    call("signalfd4", DESC | SIGNAL, &[FD, Kind::Signals(2), LU, Kind::As(Form::Flags32(&crate::names::files::SFD_FLAGS))], Descriptor),
    call("pause", SIGNAL, &[], Number),
    call("restart_syscall", 0, &[], Number),
];
