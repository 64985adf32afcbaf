//! A connection whose other end has to read: a write that waits too long ends it.

use std::io;
use std::pin::Pin;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpStream, UnixStream};
use tokio::time::{Instant, Sleep};
use tokio_rustls::server::TlsStream;

use super::Seat;
use crate::limits::READ_DEADLINE;

/// A connection of any kind.
pub(super) enum Socket {
    /// TCP.
    Tcp(TcpStream),
    /// TLS over TCP.
    Tls(Box<TlsStream<TcpStream>>),
    /// The local socket.
    Local(UnixStream),
}

impl Socket {
    /// Drops what waits to be sent, so that the kernel does not hold it for a client that is gone.
    fn abandon(&self) {
        let tcp = match self {
            Self::Tcp(stream) => stream,
            Self::Tls(stream) => stream.get_ref().0,
            Self::Local(_) => return,
        };
        if let Err(error) = rustix::net::sockopt::set_socket_linger(tcp, Some(Duration::ZERO)) {
            tracing::debug!(%error, "a connection that was cut off lingers");
        }
    }
}

/// A connection with a deadline on writes, holding its place among the connections.
pub(super) struct Patient {
    socket: Socket,
    seat: Seat,
    waiting: Option<Pin<Box<Sleep>>>,
}

impl Patient {
    pub(super) const fn new(socket: Socket, seat: Seat) -> Self {
        Self { socket, seat, waiting: None }
    }

    /// Passes on what came of a write; one that waits past the deadline fails.
    fn watch<T>(&mut self, cx: &mut Context<'_>, outcome: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if outcome.is_ready() {
            self.waiting = None;
            return outcome;
        }
        let waiting =
            self.waiting.get_or_insert_with(|| Box::pin(tokio::time::sleep_until(Instant::now() + READ_DEADLINE)));
        ready!(waiting.as_mut().poll(cx));
        self.waiting = None;
        self.seat.counters.cut_off.fetch_add(1, Ordering::Relaxed);
        self.socket.abandon();
        Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, "the client did not read")))
    }
}

macro_rules! each {
    ($self:ident, $method:ident($($argument:expr),*)) => {
        match &mut $self.socket {
            Socket::Tcp(stream) => Pin::new(stream).$method($($argument),*),
            Socket::Tls(stream) => Pin::new(stream.as_mut()).$method($($argument),*),
            Socket::Local(stream) => Pin::new(stream).$method($($argument),*),
        }
    };
}

impl AsyncRead for Patient {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        each!(self, poll_read(cx, buffer))
    }
}

impl AsyncWrite for Patient {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let outcome = each!(self, poll_write(cx, bytes));
        self.watch(cx, outcome)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let outcome = each!(self, poll_write_vectored(cx, parts));
        self.watch(cx, outcome)
    }

    fn is_write_vectored(&self) -> bool {
        match &self.socket {
            Socket::Tcp(stream) => stream.is_write_vectored(),
            Socket::Tls(stream) => stream.is_write_vectored(),
            Socket::Local(stream) => stream.is_write_vectored(),
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let outcome = each!(self, poll_flush(cx));
        self.watch(cx, outcome)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let outcome = each!(self, poll_shutdown(cx));
        self.watch(cx, outcome)
    }
}
