//! Calls on sockets.

#![cfg_attr(
    not(test),
    expect(clippy::wildcard_imports, clippy::enum_glob_use, reason = "a table reads best like this")
)]

use super::kind::*;
use super::*;
use crate::decode::words::*;
use crate::decode::words::{network, waits};
use crate::decode::{Answer::*, Form};
use crate::names::network::*;

const FLAGS: Kind = Kind::As(Form::Flags32(&MSG_FLAGS));
const TYPE_FLAGS: Kind = Kind::As(Form::Flags32(&SOCK_TYPE_FLAGS));

#[rustfmt::skip]
pub(super) static CALLS: &[System] = &[
    call("socket", NETWORK, &[Kind::By(&network::SOCKET), Kind::With, Kind::With], Descriptor),
    call("socketpair", NETWORK, &[Kind::By(&network::SOCKET_PAIR), Kind::With, Kind::With, Kind::Pair(Form::Descriptor)], Number),
    call("bind", NETWORK, &[FD, Kind::Address(2), D], Number),
    call("connect", NETWORK, &[FD, Kind::Address(2), D], Number),
    call("listen", NETWORK, &[FD, D], Number),
    call("accept", NETWORK, &[FD, Kind::AddressOut, Kind::With], Descriptor),
    call("accept4", NETWORK, &[FD, Kind::AddressOut, Kind::With, TYPE_FLAGS], Descriptor),
    call("getsockname", NETWORK, &[FD, Kind::AddressOut, Kind::With], Number),
    call("getpeername", NETWORK, &[FD, Kind::AddressOut, Kind::With], Number),
    call("sendto", NETWORK, &[FD, Kind::Written(2), LU, FLAGS, Kind::Address(5), D], Number),
    call("recvfrom", NETWORK, &[FD, Kind::Returned, LU, FLAGS, Kind::AddressOut, Kind::With], Number),
    call("sendmsg", NETWORK, &[FD, Kind::Sent, FLAGS], Number),
    call("recvmsg", NETWORK, &[FD, Kind::Received, FLAGS], Number),
    call("sendmmsg", NETWORK, &[FD, Kind::SentMany(2), U, FLAGS], Number),
    call("recvmmsg", NETWORK, &[FD, Kind::ReceivedMany(2), U, FLAGS, Kind::First(&TIMESPEC)], By(waits::messages_result)),
    call("shutdown", NETWORK, &[FD, Kind::As(Form::One32(&SHUTDOWN_MODES))], Number),
    call("setsockopt", NETWORK, &[FD, Kind::By(&network::SET_OPTION), Kind::With, Kind::With, Kind::With], Number),
    call("getsockopt", NETWORK, &[FD, Kind::By(&network::GET_OPTION), Kind::With, Kind::With, Kind::With], Number),
    call("getpmsg", NETWORK, &[X, X, X, X, X], Number),
    call("putpmsg", NETWORK, &[X, X, X, X, X], Number),
];
