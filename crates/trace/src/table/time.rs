//! Calls on clocks and timers.

#![cfg_attr(
    not(test),
    expect(clippy::wildcard_imports, clippy::enum_glob_use, reason = "a table reads best like this")
)]

use super::kind::*;
use super::*;
use crate::decode::words::time;
use crate::decode::words::*;
use crate::decode::{Answer::*, Form};
use crate::names::time::*;

const CLOCK_ID: Kind = Kind::As(Form::By(time::clock));
const TIMER: Kind = Kind::As(Form::One32(&ITIMER_WHICH));
const TIMER_FLAGS: Kind = Kind::As(Form::Flags32(&CLOCKFLAGS));
const DESCRIPTOR_FLAGS: Kind = Kind::As(Form::Flags32(&TIMERFDFLAGS));

#[rustfmt::skip]
pub(super) static CALLS: &[System] = &[
    call("nanosleep", 0, &[Kind::First(&TIMESPEC), Kind::By(&time::REMAINING)], Number),
    call("clock_nanosleep", 0, &[CLOCK_ID, TIMER_FLAGS, Kind::First(&TIMESPEC), Kind::By(&time::REMAINING)], Number),
    call("clock_gettime", CLOCK, &[CLOCK_ID, Kind::Out(&TIMESPEC)], Number),
    call("clock_getres", CLOCK, &[CLOCK_ID, Kind::Out(&TIMESPEC)], Number),
    call("clock_settime", CLOCK, &[CLOCK_ID, Kind::In(&TIMESPEC)], Number),
    call("clock_adjtime", CLOCK, &[CLOCK_ID, Kind::Out(&TIMEX)], By(time::clock_state)),
    call("adjtimex", CLOCK, &[Kind::Out(&TIMEX)], By(time::clock_state)),
    call("gettimeofday", CLOCK, &[Kind::Out(&TIMEVAL), Kind::Out(&TIMEZONE)], Number),
    call("settimeofday", CLOCK, &[Kind::In(&TIMEVAL), Kind::In(&TIMEZONE)], Number),
    call("time", CLOCK, &[Kind::By(&time::SECONDS)], By(time::date_result)),
    call("alarm", 0, &[U], Number),
    call("getitimer", 0, &[TIMER, Kind::Out(&ITIMERVAL)], Number),
    call("setitimer", 0, &[TIMER, Kind::In(&ITIMERVAL), Kind::Out(&ITIMERVAL)], Number),
    call("timer_create", 0, &[CLOCK_ID, Kind::By(&time::EVENT), Kind::OutBox(Form::D32)], Number),
    call("timer_settime", 0, &[D, TIMER_FLAGS, Kind::In(&ITIMERSPEC), Kind::Out(&ITIMERSPEC)], Number),
    call("timer_gettime", 0, &[D, Kind::Out(&ITIMERSPEC)], Number),
    call("timer_getoverrun", 0, &[D], Number),
    call("timer_delete", 0, &[D], Number),
    call("timerfd_create", DESC, &[CLOCK_ID, DESCRIPTOR_FLAGS], Descriptor),
    call("timerfd_settime", DESC, &[FD, DESCRIPTOR_FLAGS, Kind::In(&ITIMERSPEC), Kind::Out(&ITIMERSPEC)], Number),
    call("timerfd_gettime", DESC, &[FD, Kind::Out(&ITIMERSPEC)], Number),
];
