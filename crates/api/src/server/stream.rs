//! A connection whose other end has to read: a write that waits too long ends it. One that is turned away is read a moment longer.

use std::io;
use std::pin::Pin;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::net::{TcpStream, UnixStream};
use tokio::runtime::Handle;
use tokio::time::{Instant, Sleep};
use tokio_rustls::server::TlsStream;

use super::{Connection, Seat};
use crate::limits::{PARTING, READ_DEADLINE};

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
    /// Until it is dropped.
    held: Option<(Socket, Seat)>,
    connection: Connection,
    waiting: Option<Pin<Box<Sleep>>>,
}

impl Patient {
    pub(super) const fn new(socket: Socket, seat: Seat, connection: Connection) -> Self {
        Self { held: Some((socket, seat)), connection, waiting: None }
    }

    fn on_socket<T>(&mut self, write: impl FnOnce(Pin<&mut Socket>) -> Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        match &mut self.held {
            Some((socket, _)) => write(Pin::new(socket)),
            None => Poll::Ready(Err(io::ErrorKind::NotConnected.into())),
        }
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
        if let Some((socket, seat)) = &self.held {
            seat.counters.cut_off.fetch_add(1, Ordering::Relaxed);
            socket.abandon();
        }
        Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, "the client did not read")))
    }
}

/// One that was turned away with more to come from it is read for a moment: closed with something unread it would be reset,
/// and the answer lost on its way.
impl Drop for Patient {
    fn drop(&mut self) {
        let parting = self.held.take().filter(|_| self.connection.is_parting());
        if let (Some((socket, seat)), Ok(runtime)) = (parting, Handle::try_current()) {
            runtime.spawn(async move {
                // Its place is taken until then.
                let _seat = seat;
                drop(tokio::time::timeout(PARTING, read_out(socket)).await);
            });
        }
    }
}

async fn read_out(mut socket: Socket) -> io::Result<()> {
    socket.shutdown().await?;
    let mut unread = [0; 4096];
    while socket.read(&mut unread).await? > 0 {}
    Ok(())
}

impl AsyncRead for Patient {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match &mut self.held {
            Some((socket, _)) => Pin::new(socket).poll_read(cx, buffer),
            None => Poll::Ready(Ok(())),
        }
    }
}

impl AsyncWrite for Patient {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let outcome = self.on_socket(|socket| socket.poll_write(cx, bytes));
        self.watch(cx, outcome)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let outcome = self.on_socket(|socket| socket.poll_write_vectored(cx, parts));
        self.watch(cx, outcome)
    }

    fn is_write_vectored(&self) -> bool {
        self.held.as_ref().is_some_and(|(socket, _)| socket.is_write_vectored())
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let outcome = self.on_socket(|socket| socket.poll_flush(cx));
        self.watch(cx, outcome)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let outcome = self.on_socket(|socket| socket.poll_shutdown(cx));
        self.watch(cx, outcome)
    }
}

macro_rules! each {
    ($self:ident, $method:ident($($argument:expr),*)) => {
        match $self.get_mut() {
            Socket::Tcp(stream) => Pin::new(stream).$method($($argument),*),
            Socket::Tls(stream) => Pin::new(stream.as_mut()).$method($($argument),*),
            Socket::Local(stream) => Pin::new(stream).$method($($argument),*),
        }
    };
}

impl AsyncRead for Socket {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        each!(self, poll_read(cx, buffer))
    }
}

impl AsyncWrite for Socket {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        each!(self, poll_write(cx, bytes))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        each!(self, poll_write_vectored(cx, parts))
    }

    fn is_write_vectored(&self) -> bool {
        match self {
            Self::Tcp(stream) => stream.is_write_vectored(),
            Self::Tls(stream) => stream.is_write_vectored(),
            Self::Local(stream) => stream.is_write_vectored(),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        each!(self, poll_flush(cx))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        each!(self, poll_shutdown(cx))
    }
}
