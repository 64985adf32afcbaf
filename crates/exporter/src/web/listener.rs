//! Where clients come in: TCP, or vsock from the host of a virtual machine.

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};

use procyon_diag::{Fault, Kind};
use procyon_linux::net::vsock;
use rustix::net::SocketFlags;
use tokio::io::Interest;
use tokio::net::{TcpListener, TcpStream};

/// An address that a server listens on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Address {
    /// TCP.
    Tcp(SocketAddr),
    /// A port of vsock.
    Vsock(u32),
}

impl std::fmt::Display for Address {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Tcp(address) => write!(f, "{address}"),
            Self::Vsock(port) => write!(f, "{VSOCK}:{port}"),
        }
    }
}

/// What stands before the host, which nobody reads, and the port.
const VSOCK: &str = "vsock://";

/// A listening socket.
#[derive(Debug)]
pub(super) enum Listener {
    Tcp(TcpListener),
    /// The socket is registered as a stream, of which nothing is used but that it tells when it is ready.
    Vsock {
        socket: TcpStream,
        port: u32,
    },
}

impl Listener {
    /// By an address as upstream spells it; call it inside a tokio runtime.
    pub(super) async fn bind(address: &str) -> Result<Self, Fault> {
        if address.starts_with(VSOCK) {
            return bind_vsock(address);
        }
        let Some((host, port)) = address.rsplit_once(':').filter(|(_, port)| port.parse::<u16>().is_ok()) else {
            return Err(Fault::usage(format!("--web.listen-address: '{address}' is no address and port"))
                .hint("as in :9100, 127.0.0.1:9100, [::1]:9100 or vsock://:9100"));
        };
        let result = if host.is_empty() {
            let port = port.parse().unwrap_or(0);
            match TcpListener::bind(SocketAddr::from((Ipv6Addr::UNSPECIFIED, port))).await {
                // No IPv6 on this machine.
                Err(error) if error.kind() != io::ErrorKind::AddrInUse => {
                    TcpListener::bind(SocketAddr::from((Ipv4Addr::UNSPECIFIED, port))).await
                }
                bound => bound,
            }
        } else {
            TcpListener::bind(address).await
        };
        result.map(Self::Tcp).map_err(|error| {
            let fault = Fault::new(Kind::Unavailable, format!("could not listen on {address}"));
            let fault = if error.kind() == io::ErrorKind::AddrInUse {
                fault.hint(format!(
                    "another program has port {port}, node_exporter perhaps: `ss -ltnp 'sport = :{port}'` names it; or choose another with --web.listen-address"
                ))
            } else {
                fault
            };
            fault.because(error)
        })
    }

    /// A socket that listens already.
    pub(super) fn inherited(socket: std::net::TcpListener) -> io::Result<Self> {
        socket.set_nonblocking(true)?;
        TcpListener::from_std(socket).map(Self::Tcp)
    }

    pub(super) fn address(&self) -> Option<Address> {
        match self {
            Self::Tcp(listener) => listener.local_addr().ok().map(Address::Tcp),
            Self::Vsock { port, .. } => Some(Address::Vsock(*port)),
        }
    }

    /// The next client.
    pub(super) async fn accept(&self) -> io::Result<TcpStream> {
        match self {
            Self::Tcp(listener) => listener.accept().await.map(|(stream, _)| stream),
            Self::Vsock { socket, .. } => {
                let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
                let accept = || Ok(rustix::net::accept_with(socket, flags)?);
                let stream = socket.async_io(Interest::READABLE, accept).await?;
                // A stream is read, written and shut down by the same calls, whatever its family.
                TcpStream::from_std(stream.into())
            }
        }
    }
}

fn bind_vsock(address: &str) -> Result<Listener, Fault> {
    let port = vsock_port(address).ok_or_else(|| {
        Fault::usage(format!("--web.listen-address: '{address}' is no port of vsock")).hint("as in vsock://:9100")
    })?;
    let bound = vsock::listen(port).and_then(|(socket, port)| {
        let socket = TcpStream::from_std(socket.into())?;
        Ok(Listener::Vsock { socket, port })
    });
    bound.map_err(|error| vsock_fault(address, error))
}

/// The port in `vsock://:9100`; a host before it, and what comes behind, do not count.
fn vsock_port(address: &str) -> Option<u32> {
    let rest = address.strip_prefix(VSOCK)?;
    let authority = rest.split(['/', '?', '#']).next()?;
    let (_host, port) = authority.rsplit_once(':')?;
    port.bytes().all(|digit| digit.is_ascii_digit()).then(|| port.parse().ok()).flatten()
}

fn vsock_fault(address: &str, error: io::Error) -> Fault {
    let hint = match error.kind() {
        io::ErrorKind::AddrInUse => "another program listens there: choose another port with --web.listen-address",
        io::ErrorKind::PermissionDenied => "ports of vsock below 1024 need CAP_NET_BIND_SERVICE: choose a larger one",
        _ if rustix::io::Errno::from_io_error(&error) == Some(rustix::io::Errno::AFNOSUPPORT) => {
            "this kernel has no vsock: try `modprobe vmw_vsock_virtio_transport`, or listen on an address and a port, as :9100"
        }
        _ => "listen on an address and a port, as :9100",
    };
    Fault::new(Kind::Unavailable, format!("could not listen on {address}")).hint(hint).because(error)
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::os::fd::OwnedFd;
    use std::os::unix::net::{UnixListener, UnixStream};

    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    #[test]
    fn ports_of_vsock_are_read_as_upstream_reads_them() {
        for (address, port) in [
            ("vsock://:9100", Some(9100)),
            ("vsock://2:9100", Some(9100)),
            ("vsock://:9100/metrics", Some(9100)),
            ("vsock://:4294967295", Some(u32::MAX)),
            ("vsock://:4294967296", None),
            ("vsock://:+1", None),
            ("vsock://:", None),
            ("vsock://9100", None),
            ("vsock://", None),
        ] {
            assert_eq!(vsock_port(address), port, "{address}");
        }
    }

    #[test]
    fn where_the_kernel_has_no_vsock_the_fault_says_so() {
        let error = io::Error::from(rustix::io::Errno::AFNOSUPPORT);
        let fault = vsock_fault("vsock://:9100", error);
        assert_eq!(fault.to_string(), "could not listen on vsock://:9100");
        assert!(fault.hints().iter().any(|hint| hint.0.starts_with("this kernel has no vsock")), "{fault:?}");
    }

    #[test]
    fn a_stream_of_another_family_is_read_and_written() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("socket");
        let listening = UnixListener::bind(&path).unwrap();
        listening.set_nonblocking(true).unwrap();
        let client = std::thread::spawn(move || {
            let mut stream = UnixStream::connect(path).unwrap();
            stream.write_all(b"ask").unwrap();
            stream.shutdown(std::net::Shutdown::Write).unwrap();
            let mut answer = String::new();
            stream.read_to_string(&mut answer).unwrap();
            answer
        });
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let asked = runtime.block_on(async {
            let socket = TcpStream::from_std(OwnedFd::from(listening).into()).unwrap();
            let listener = Listener::Vsock { socket, port: 1 };
            let mut stream = listener.accept().await.unwrap();
            let mut asked = String::new();
            stream.read_to_string(&mut asked).await.unwrap();
            stream.write_all(b"answer").await.unwrap();
            stream.shutdown().await.unwrap();
            asked
        });
        assert_eq!((&*asked, &*client.join().unwrap()), ("ask", "answer"));
    }
}
