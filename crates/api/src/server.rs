//! Listening: TCP and the local socket, TLS, one task a connection, a time limit on everything.

mod stream;
mod tls;

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::Request;
use axum::response::Response;
use hyper::body::Incoming;
use hyper_util::rt::{TokioIo, TokioTimer};
use procyon_diag::{Fault, Kind};
use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};
use tokio::runtime::Runtime;
use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;
use tower_service::Service;

use crate::access::Peer;
use crate::access::caller::is_ours;
use crate::access::certificate::{ClientCertificates, Holder};
use crate::app::{App, Context, Counters, Host};
use crate::limits;
use crate::live::Hub;
use crate::trace::Places;
use stream::{Patient, Socket};

/// Where and how to listen.
#[derive(Debug, Clone)]
pub struct Config {
    /// TCP address; port 0 takes any free one. None: no TCP.
    pub listen: Option<SocketAddr>,
    /// Path of the local socket; its folder must exist. None: no local socket.
    pub socket: Option<PathBuf>,
    /// Certificate and key.
    pub tls: Option<TlsFiles>,
    /// Listen off loopback without TLS: tokens and figures are then readable on the way.
    pub insecure: bool,
    /// Take every control away.
    pub read_only: bool,
    /// Let clients on this machine without a token see what every local user may see anyway.
    pub anonymous: bool,
    /// Further names that the `Host` header may hold.
    pub allowed_hosts: Vec<String>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            listen: Some(SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 9300)),
            socket: None,
            tls: None,
            insecure: false,
            read_only: false,
            anonymous: true,
            allowed_hosts: Vec::new(),
        }
    }
}

/// PEM files.
#[derive(Debug, Clone)]
pub struct TlsFiles {
    /// Certificate chain.
    pub certificate: PathBuf,
    /// Private key.
    pub key: PathBuf,
    /// Whether certificates of clients sign them in.
    pub clients: Option<ClientCertificates>,
}

/// The connection of a request. Whoever turns its client away with more to come from it says so, that the answer arrives: a
/// connection that is closed with something unread is reset, and what was on its way is lost.
#[derive(Debug, Clone, Default)]
pub(crate) struct Connection(Arc<AtomicBool>);

impl Connection {
    /// Goes on reading for a moment when the server is done with it.
    pub(crate) fn part(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    fn is_parting(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// Who showed a certificate on the connection of a request.
#[derive(Debug, Clone)]
pub(crate) struct Certified(pub(crate) Option<Holder>);

/// A running server.
pub struct Server {
    address: Option<SocketAddr>,
    tls: bool,
    socket: Option<PathBuf>,
    stop: watch::Sender<bool>,
    counters: Arc<Counters>,
    hubs: Vec<Arc<Hub>>,
    places: Arc<Places>,
    runtime: Option<Runtime>,
}

impl std::fmt::Debug for Server {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Server").field("address", &self.address).finish_non_exhaustive()
    }
}

impl Server {
    /// Binds, starts threads of its own, and returns once clients are taken.
    pub fn start(config: Config, context: Context) -> Result<Self, Fault> {
        check(&config)?;
        let acceptor = config.tls.as_ref().map(tls::acceptor).transpose()?;
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .max_blocking_threads(limits::BLOCKING_THREADS)
            .thread_name("procyon-api")
            .enable_io()
            .enable_time()
            .build()
            .map_err(|error| Fault::new(Kind::Failed, "could not start the server's threads").because(error))?;
        let _inside = runtime.enter();
        let tcp = config.listen.map(bind_tcp).transpose()?;
        let local = config.socket.as_deref().map(bind_local).transpose()?;
        let address = tcp.as_ref().and_then(|listener| listener.local_addr().ok());
        let (stop, stopping) = watch::channel(false);
        let counters = Arc::new(Counters::default());
        let app = app(&config, context, &counters, stopping.clone(), acceptor.is_some())
            .map_err(|error| Fault::new(Kind::Failed, "could not start the server's threads").because(error))?;
        let app = Arc::new(app);
        let hubs = app.hosts.iter().map(|host| Arc::clone(&host.hub)).collect();
        let places = Arc::clone(&app.traces.places);
        let router = crate::router(app);
        if let Some(listener) = tcp {
            let clients = config.tls.as_ref().and_then(|tls| tls.clients.clone()).map(Arc::new);
            let (router, counters) = (router.clone(), Arc::clone(&counters));
            runtime.spawn(accept_tcp(listener, acceptor, clients, router, counters, stopping.clone()));
        }
        if let Some(listener) = local {
            runtime.spawn(accept_local(listener, router, Arc::clone(&counters), stopping));
        }
        drop(_inside);
        Ok(Self {
            address,
            tls: config.tls.is_some(),
            socket: config.socket,
            stop,
            counters,
            hubs,
            places,
            runtime: Some(runtime),
        })
    }

    /// The TCP address in use.
    pub const fn address(&self) -> Option<SocketAddr> {
        self.address
    }

    /// What to type into a browser; empty without TCP.
    pub fn url(&self) -> String {
        let scheme = if self.tls { "https" } else { "http" };
        self.address.map_or_else(String::new, |address| {
            let reachable = match address.ip() {
                ip if !ip.is_unspecified() => ip,
                IpAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
                IpAddr::V6(_) => std::net::Ipv6Addr::LOCALHOST.into(),
            };
            format!("{scheme}://{}", SocketAddr::new(reachable, address.port()))
        })
    }

    /// Takes no more clients, lets requests in hand end (for 3 s at most), then stops. Traces end with it, and the audit log has
    /// their ends (for that it waits 3 s at most); those that have not begun yet are given up.
    pub fn stop(mut self) {
        self.shut();
    }

    fn shut(&mut self) {
        let Some(runtime) = self.runtime.take() else { return };
        self.stop.send_replace(true);
        self.hubs.iter().for_each(|hub| hub.stop());
        let counters = Arc::clone(&self.counters);
        let drained = async move {
            while counters.connections.load(Ordering::Relaxed) > 0 {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        let waited = runtime.block_on(async { tokio::time::timeout(limits::STOP_DEADLINE, drained).await });
        if waited.is_err() {
            tracing::warn!("stopped while clients were still connected");
        }
        runtime.shutdown_timeout(Duration::from_millis(200));
        if !self.places.wait_until_free(limits::STOP_DEADLINE) {
            tracing::warn!("stopped before the end of every trace was in the audit log");
        }
        if let Some(path) = &self.socket {
            if let Err(error) = std::fs::remove_file(path) {
                tracing::warn!(%error, path = %path.display(), "could not remove the local socket");
            }
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.shut();
    }
}

fn app(
    config: &Config,
    context: Context,
    counters: &Arc<Counters>,
    stopping: watch::Receiver<bool>,
    tls: bool,
) -> std::io::Result<App> {
    let hostname = rustix::system::uname().nodename().to_str().ok().map(str::to_owned);
    let beyond_loopback = config.listen.is_some_and(|address| !address.ip().is_loopback());
    let hosts = context.hosts.into_iter().map(|host| {
        let hub = Hub::start(&host.feed, Arc::clone(&context.clock))?;
        let threads = crate::v1::threads::Before::default();
        Ok(Arc::new(Host {
            feed: host.feed,
            series: host.series,
            inspect: host.inspect,
            history: host.history,
            hub,
            threads,
        }))
    });
    Ok(App {
        hosts: hosts.collect::<std::io::Result<_>>()?,
        control: context.control,
        tokens: context.tokens,
        sessions_ended: watch::Sender::new(0),
        attempts: crate::access::attempts::Attempts::default(),
        turns: crate::turns::Turns::default(),
        names: crate::access::origin::Names::new(&config.allowed_hosts, hostname.as_deref(), beyond_loopback),
        started: context.clock.mono(),
        clock: context.clock,
        capabilities: context.capabilities,
        metrics: context.metrics,
        traces: crate::trace::Traces::new(context.tracer, stopping.clone()),
        read_only: config.read_only,
        anonymous: config.anonymous,
        tls,
        counters: Arc::clone(counters),
        stopping,
    })
}

/// Off loopback there must be TLS, or the word that there shall be none.
fn check(config: &Config) -> Result<(), Fault> {
    let Some(address) = config.listen else { return Ok(()) };
    if address.ip().is_loopback() || config.tls.is_some() {
        return Ok(());
    }
    if !config.insecure {
        return Err(Fault::usage(format!("{address} can be reached from other machines, and there is no TLS")).hint(
            "give a certificate with `--tls-cert FILE --tls-key FILE`, listen on 127.0.0.1, or say `--insecure`",
        ));
    }
    tracing::warn!(%address, "INSECURE: reachable from other machines without TLS; tokens and figures can be read on the way");
    Ok(())
}

fn bind_tcp(address: SocketAddr) -> Result<TcpListener, Fault> {
    let bind = || {
        let listener = std::net::TcpListener::bind(address)?;
        listener.set_nonblocking(true)?;
        TcpListener::from_std(listener)
    };
    bind().map_err(|error| {
        let fault = Fault::new(Kind::Unavailable, format!("could not listen on {address}"));
        let fault = match error.kind() {
            std::io::ErrorKind::AddrInUse => fault.hint(format!(
                "another program has port {}: `ss -ltnp 'sport = :{0}'` names it; or choose another with `--listen {}:0`",
                address.port(),
                address.ip()
            )),
            std::io::ErrorKind::PermissionDenied => fault.hint("ports below 1024 need CAP_NET_BIND_SERVICE"),
            std::io::ErrorKind::AddrNotAvailable => fault.hint("this machine does not have that address: `ip addr` lists the ones it has"),
            _ => fault,
        };
        fault.because(error)
    })
}

fn bind_local(path: &Path) -> Result<UnixListener, Fault> {
    let failed = |attempt: &str, error: std::io::Error| {
        Fault::new(Kind::Failed, format!("could not {attempt} the local socket {}", path.display())).because(error)
    };
    if std::os::unix::net::UnixStream::connect(path).is_ok() {
        return Err(Fault::new(Kind::Unavailable, format!("another procyon answers at {}", path.display()))
            .hint("stop it first, or give this one a socket of its own with `--socket PATH`"));
    }
    // What a procyon left behind is a socket; anything else at this path was meant to stay.
    if std::fs::symlink_metadata(path).is_ok_and(|seen| !seen.file_type().is_socket()) {
        return Err(Fault::new(Kind::Failed, format!("{} is there and is no socket", path.display()))
            .hint("name another place with `--socket PATH`"));
    }
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(failed("replace", error)),
        _ => {}
    }
    let listener = UnixListener::bind(path).map_err(|error| failed("make", error))?;
    // Everybody may connect; the kernel says who it is, and that decides.
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o666))
        .map_err(|error| failed("open to local users", error))?;
    Ok(listener)
}

async fn accept_tcp(
    listener: TcpListener,
    acceptor: Option<TlsAcceptor>,
    clients: Option<Arc<ClientCertificates>>,
    router: Router,
    counters: Arc<Counters>,
    mut stopping: watch::Receiver<bool>,
) {
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            _ = stopping.changed() => return,
        };
        let (stream, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                pause_after(&error).await;
                continue;
            }
        };
        let Some(seat) = Seat::take(&counters, Peer::Tcp(peer)) else { continue };
        tune(&stream);
        let (router, stopping, acceptor, clients) =
            (router.clone(), stopping.clone(), acceptor.clone(), clients.clone());
        tokio::spawn(async move {
            let (socket, holder) = match acceptor {
                None => (Socket::Tcp(stream), None),
                Some(acceptor) => match tokio::time::timeout(limits::HANDSHAKE_DEADLINE, acceptor.accept(stream)).await
                {
                    Ok(Ok(stream)) => {
                        let shown = stream.get_ref().1.peer_certificates().and_then(<[_]>::first);
                        let holder = clients.as_ref().zip(shown).and_then(|(clients, shown)| clients.holder(shown));
                        (Socket::Tls(Box::new(stream)), holder)
                    }
                    // Somebody who speaks no TLS, does not trust us, or whom we do not trust: theirs to see.
                    Ok(Err(_)) | Err(_) => return,
                },
            };
            converse(socket, Peer::Tcp(peer), Certified(holder), router, seat, stopping).await;
        });
    }
}

async fn accept_local(
    listener: UnixListener,
    router: Router,
    counters: Arc<Counters>,
    mut stopping: watch::Receiver<bool>,
) {
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            _ = stopping.changed() => return,
        };
        let stream = match accepted {
            Ok((stream, _)) => stream,
            Err(error) => {
                pause_after(&error).await;
                continue;
            }
        };
        let Some(uid) = uid_of(&stream) else { continue };
        let Some(seat) = Seat::take(&counters, Peer::Local { uid }) else { continue };
        tokio::spawn(converse(
            Socket::Local(stream),
            Peer::Local { uid },
            Certified(None),
            router.clone(),
            seat,
            stopping.clone(),
        ));
    }
}

fn uid_of(stream: &UnixStream) -> Option<u32> {
    stream.peer_cred().ok().map(|credentials| credentials.uid())
}

/// Out of descriptors or memory: trying again at once would only burn time.
async fn pause_after(error: &std::io::Error) {
    tracing::warn!(%error, "could not accept a connection");
    tokio::time::sleep(Duration::from_millis(100)).await;
}

fn tune(stream: &TcpStream) {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "a connection keeps Nagle's algorithm");
    }
    if let Err(error) = rustix::net::sockopt::set_socket_send_buffer_size(stream, limits::SEND_BUFFER) {
        tracing::debug!(%error, "a connection keeps the usual send buffer");
    }
}

/// A place among the connections; given back when dropped.
struct Seat {
    counters: Arc<Counters>,
    peer: Peer,
}

impl Seat {
    /// Over TCP and over the local socket there are places apart, so that neither can take those of the other.
    fn take(counters: &Arc<Counters>, peer: Peer) -> Option<Self> {
        let seat = Self { counters: Arc::clone(counters), peer };
        counters.connections.fetch_add(1, Ordering::Relaxed);
        let open = seat.kind().fetch_add(1, Ordering::Relaxed);
        let most = match peer {
            Peer::Tcp(_) => limits::MAX_CONNECTIONS,
            Peer::Local { uid } if is_ours(uid) => limits::MAX_LOCAL_CONNECTIONS,
            Peer::Local { .. } => limits::MAX_OTHER_USERS_CONNECTIONS,
        };
        if open < most {
            return Some(seat);
        }
        counters.refused_connections.fetch_add(1, Ordering::Relaxed);
        None
    }

    fn kind(&self) -> &AtomicUsize {
        match self.peer {
            Peer::Tcp(_) => &self.counters.tcp,
            Peer::Local { .. } => &self.counters.local,
        }
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.kind().fetch_sub(1, Ordering::Relaxed);
        self.counters.connections.fetch_sub(1, Ordering::Relaxed);
    }
}

async fn converse(
    socket: Socket,
    peer: Peer,
    certified: Certified,
    router: Router,
    seat: Seat,
    mut stopping: watch::Receiver<bool>,
) {
    let itself = Connection::default();
    let io = TokioIo::new(Patient::new(socket, seat, itself.clone()));
    let service = hyper::service::service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(peer);
        request.extensions_mut().insert(certified.clone());
        request.extensions_mut().insert(itself.clone());
        let mut router = router.clone();
        async move { Service::call(&mut router, request.map(Body::new)).await as Result<Response, _> }
    });
    let mut builder = hyper::server::conn::http1::Builder::new();
    builder
        .timer(TokioTimer::new())
        .header_read_timeout(limits::HEAD_DEADLINE)
        .max_buf_size(limits::MAX_HEAD)
        .max_headers(limits::MAX_HEADERS);
    let connection = builder.serve_connection(io, service).with_upgrades();
    tokio::pin!(connection);
    // How a connection ends is its client's affair: it closed, spoke no HTTP, or did not read.
    tokio::select! {
        _ended = connection.as_mut() => {}
        _ = stopping.changed() => {
            connection.as_mut().graceful_shutdown();
            drop(tokio::time::timeout(limits::STOP_DEADLINE, connection).await);
        }
    }
}
