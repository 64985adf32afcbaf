//! Netlink messages: a request goes out, a list of messages comes back.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::Duration;

use rustix::io::Errno;
use rustix::net::netlink::SocketAddrNetlink;
use rustix::net::sockopt::{Timeout, set_socket_timeout};
use rustix::net::{
    AddressFamily, Protocol, RecvFlags, SendFlags, SocketFlags, SocketType, bind, recv, sendto, socket_with,
};

/// Largest datagram of a dump: the kernel makes them at most 32 KiB (`netlink_dump`, net/netlink/af_netlink.c).
const DATAGRAM: usize = 64 << 10;
/// The kernel answers within microseconds; this only keeps a monitor from waiting for ever on a broken one.
const ANSWER_WITHIN: Duration = Duration::from_secs(2);

const HEADER: usize = 16;
const REQUEST: u16 = 0x1;
const DUMP: u16 = 0x300;
const MESSAGE_ERROR: u16 = 2;
const MESSAGE_DONE: u16 = 3;

/// A netlink socket. It belongs to the network namespace that its thread was in when it was opened, and keeps that
/// namespace alive.
#[derive(Debug)]
pub struct Netlink {
    socket: OwnedFd,
    buffer: Vec<u8>,
    sequence: u32,
}

/// One message of an answer.
#[derive(Debug, Clone, Copy)]
pub struct Message<'a> {
    /// What it is about (`nlmsg_type`).
    pub kind: u16,
    /// What follows the header.
    pub payload: &'a [u8],
}

impl Netlink {
    /// Opens a socket of this netlink family, subscribed to `groups` (a bit each).
    pub fn open(family: Protocol, groups: u32) -> Result<Self, Errno> {
        Self::open_family(Some(family), groups)
    }

    /// Opens a socket of the family for interfaces, addresses and neighbours (`NETLINK_ROUTE`, which is zero).
    pub fn open_route() -> Result<Self, Errno> {
        Self::open_family(None, 0)
    }

    fn open_family(family: Option<Protocol>, groups: u32) -> Result<Self, Errno> {
        let socket = socket_with(AddressFamily::NETLINK, SocketType::DGRAM, SocketFlags::CLOEXEC, family)?;
        bind(&socket, &SocketAddrNetlink::new(0, groups))?;
        set_socket_timeout(&socket, Timeout::Recv, Some(ANSWER_WITHIN))?;
        Ok(Self { socket, buffer: vec![0; DATAGRAM], sequence: 0 })
    }

    /// The socket, for calls that any socket answers.
    pub(crate) fn fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }

    /// Sends a request and hands every message of the dump to `each`, until the kernel says that it is done.
    pub fn dump(&mut self, kind: u16, payload: &[u8], each: &mut dyn FnMut(Message<'_>)) -> Result<(), Errno> {
        self.send(kind, REQUEST | DUMP, payload)?;
        loop {
            let length = self.receive()?;
            let mut rest = self.buffer.get(..length).unwrap_or_default();
            while let Some((message, sequence, after)) = split(rest) {
                rest = after;
                // An answer to a request that timed out earlier.
                if sequence != self.sequence {
                    continue;
                }
                match message.kind {
                    MESSAGE_DONE => return failure(message.payload),
                    MESSAGE_ERROR => return failure(message.payload),
                    _ => each(message),
                }
            }
        }
    }

    /// Sends a request and hands its one answer to `take`.
    pub fn ask<T>(&mut self, kind: u16, payload: &[u8], take: impl FnOnce(Message<'_>) -> T) -> Result<T, Errno> {
        self.send(kind, REQUEST, payload)?;
        loop {
            let length = self.receive()?;
            let mut rest = self.buffer.get(..length).unwrap_or_default();
            while let Some((message, sequence, after)) = split(rest) {
                rest = after;
                if sequence != self.sequence {
                    continue;
                }
                if message.kind == MESSAGE_ERROR {
                    failure(message.payload)?;
                }
                return Ok(take(message));
            }
        }
    }

    /// Sends a message whose answer, if any, is read with [`Netlink::wait`].
    pub fn send(&mut self, kind: u16, flags: u16, payload: &[u8]) -> Result<(), Errno> {
        self.sequence = self.sequence.wrapping_add(1);
        let length = u32::try_from(HEADER + payload.len()).map_err(|_| Errno::INVAL)?;
        let mut message = Vec::with_capacity(HEADER + payload.len());
        message.extend(length.to_ne_bytes());
        message.extend(kind.to_ne_bytes());
        message.extend(flags.to_ne_bytes());
        message.extend(self.sequence.to_ne_bytes());
        message.extend(0_u32.to_ne_bytes());
        message.extend(payload);
        sendto(&self.socket, &message, SendFlags::empty(), &SocketAddrNetlink::new(0, 0)).map(|_| ())
    }

    /// Waits at most `patience` for one datagram and hands its first message to `take`; [`Errno::AGAIN`] when none comes.
    pub fn wait<T>(&mut self, patience: Duration, take: impl FnOnce(Message<'_>) -> T) -> Result<T, Errno> {
        set_socket_timeout(&self.socket, Timeout::Recv, Some(patience))?;
        let length = self.receive()?;
        let (message, _, _) = split(self.buffer.get(..length).unwrap_or_default()).ok_or(Errno::BADMSG)?;
        Ok(take(message))
    }

    fn receive(&mut self) -> Result<usize, Errno> {
        loop {
            match recv(&self.socket, self.buffer.as_mut_slice(), RecvFlags::empty()) {
                Ok((_, 0)) => return Err(Errno::BADMSG),
                Ok((_, length)) => return Ok(length.min(DATAGRAM)),
                Err(Errno::INTR) => {}
                Err(error) => return Err(error),
            }
        }
    }
}

/// Takes the first message off a datagram: the message, its sequence number, what is left.
#[must_use]
pub fn split(datagram: &[u8]) -> Option<(Message<'_>, u32, &[u8])> {
    let length = usize::try_from(read_u32(datagram, 0)?).ok()?;
    let payload = datagram.get(HEADER..length)?;
    let message = Message { kind: read_u16(datagram, 4)?, payload };
    let rest = datagram.get(length.next_multiple_of(4)..).unwrap_or_default();
    Some((message, read_u32(datagram, 8)?, rest))
}

/// Walks attributes (`struct nlattr`): type without its flags, and value.
pub fn attributes(mut bytes: &[u8]) -> impl Iterator<Item = (u16, &[u8])> {
    std::iter::from_fn(move || {
        let length = usize::from(read_u16(bytes, 0)?);
        let kind = read_u16(bytes, 2)? & 0x3fff;
        let value = bytes.get(4..length)?;
        bytes = bytes.get(length.next_multiple_of(4)..).unwrap_or_default();
        Some((kind, value))
    })
}

/// The error that a message carries as a negative number; zero is success.
fn failure(payload: &[u8]) -> Result<(), Errno> {
    let code = read_u32(payload, 0).map_or(0, u32::cast_signed);
    if code < 0 { Err(Errno::from_raw_os_error(code.wrapping_neg())) } else { Ok(()) }
}

/// A number of the machine's byte order at an offset.
pub(crate) fn read_u16(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_ne_bytes(*bytes.get(at..)?.first_chunk()?))
}

/// A number of the machine's byte order at an offset.
pub(crate) fn read_u32(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_ne_bytes(*bytes.get(at..)?.first_chunk()?))
}

/// A number of the machine's byte order at an offset.
pub(crate) fn read_u64(bytes: &[u8], at: usize) -> Option<u64> {
    Some(u64::from_ne_bytes(*bytes.get(at..)?.first_chunk()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_that_claims_more_than_came_is_refused() {
        let mut datagram = vec![0_u8; 20];
        datagram.splice(0..4, 24_u32.to_ne_bytes());
        assert!(split(&datagram).is_none());
        datagram.splice(0..4, 8_u32.to_ne_bytes());
        assert!(split(&datagram).is_none(), "shorter than its own header");
    }

    #[test]
    fn an_attribute_of_no_length_ends_the_walk() {
        assert_eq!(attributes(&[0; 64]).count(), 0);
    }
}
