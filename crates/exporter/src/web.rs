//! The HTTP server: `/metrics`, a landing page, a limit on requests, deadlines on clients.

mod patient;
mod query;

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::header::{self, HeaderValue};
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use procyon_diag::{Fault, Kind};
use procyon_units::Clock;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};

use crate::flags::{Flag, FlagError, Flags};
use crate::format::{self, Encoding, Form};
use crate::metric::Metrics;
use crate::own::{self, Requests};
use crate::scrape::Collectors;
use patient::Patient;
use query::Query;

/// Flags of the server.
pub const FLAGS: &[Flag] = &[
    Flag::list("web.listen-address", "Addresses on which to expose metrics and web interface [default: :9100]."),
    Flag::word("web.telemetry-path", "/metrics", "Path under which to expose metrics."),
    Flag::off(
        "web.disable-exporter-metrics",
        "Exclude metrics about the exporter itself (promhttp_*, process_*, go_*).",
    ),
    Flag::word("web.max-requests", "40", "Maximum number of parallel scrape requests. Use 0 to disable."),
    Flag::word("web.config.file", "", "Path to a file with TLS and authentication (not there yet)."),
    Flag::off("web.systemd-socket", "Use systemd socket activation listeners (not there yet)."),
];

/// The most connections at one time; further ones are closed at once.
const MAX_CONNECTIONS: usize = 512;
/// Time for a request's head.
const HEAD_DEADLINE: Duration = Duration::from_secs(10);
/// The largest head of a request.
const MAX_HEAD: usize = 16 << 10;
/// The most headers of a request.
const MAX_HEADERS: usize = 64;
/// Time for requests in hand when the server stops.
const STOP_DEADLINE: Duration = Duration::from_secs(3);
/// Answers smaller than this are not worth compressing.
const SMALL: usize = 512;

/// What the server serves.
pub struct Exporter {
    collectors: Collectors,
    version: String,
    path: String,
    own_metrics: bool,
    requests: Requests,
    seats: Option<Semaphore>,
    most: usize,
}

impl std::fmt::Debug for Exporter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Exporter").field("collectors", &self.collectors).finish_non_exhaustive()
    }
}

impl Exporter {
    /// From the flags. `version` is told in `node_exporter_build_info`.
    pub fn new(flags: &Flags, version: &str, clock: Arc<dyn Clock>) -> Result<Self, Fault> {
        for missing in ["web.config.file", "web.systemd-socket"] {
            if flags.is_on(missing) || !flags.text(missing).is_empty() {
                return Err(Fault::new(Kind::NotImplemented, format!("--{missing} is not there yet"))
                    .hint("put a proxy with TLS and passwords in front, and listen on 127.0.0.1"));
            }
        }
        let path = flags.text("web.telemetry-path");
        if !path.starts_with('/') {
            return Err(FlagError::value("web.telemetry-path", path, "does not begin with /").into());
        }
        let most = flags.number("web.max-requests")?;
        Ok(Self {
            collectors: Collectors::new(flags, clock)?,
            version: version.to_owned(),
            path: path.to_owned(),
            own_metrics: !flags.is_on("web.disable-exporter-metrics"),
            requests: Requests::default(),
            seats: (most > 0).then(|| Semaphore::new(most)),
            most,
        })
    }

    /// Names of the enabled collectors.
    pub fn collectors(&self) -> Vec<&'static str> {
        self.collectors.names().collect()
    }

    /// One scrape, written out.
    fn scrape(&self, query: &Query, timeout: Option<Duration>, form: Form) -> String {
        let families = self.collectors.scrape(|name| query.wants(name), timeout, |out| self.report(query, out));
        let mut text = String::with_capacity(64 << 10);
        match form {
            Form::Text => format::write_text(&families, &mut text),
            Form::OpenMetrics => format::write_openmetrics(&families, &mut text),
        }
        text
    }

    fn report(&self, query: &Query, out: &mut Metrics) {
        own::build(&self.version, out);
        if self.own_metrics && query.is_everything() {
            own::process(out);
            self.requests.report(self.collectors.mistakes(), out);
        }
    }
}

/// Where to listen, as upstream spells it: `:9100`, `127.0.0.1:9100`, `[::1]:9100`, `localhost:9100`.
#[derive(Debug, Clone)]
pub struct Listen(Vec<String>);

impl Listen {
    /// From the flags.
    pub fn new(flags: &Flags) -> Self {
        let given = flags.list("web.listen-address");
        Self(if given.is_empty() { vec![":9100".to_owned()] } else { given.to_vec() })
    }
}

/// A running server; it ends with [`Server::stop`].
#[derive(Debug)]
pub struct Server {
    addresses: Vec<SocketAddr>,
    stop: watch::Sender<bool>,
    connections: Arc<AtomicUsize>,
}

impl Server {
    /// Binds and serves; call it inside a tokio runtime.
    pub async fn start(exporter: Exporter, listen: &Listen) -> Result<Self, Fault> {
        let exporter = Arc::new(exporter);
        let (stop, stopping) = watch::channel(false);
        let connections = Arc::new(AtomicUsize::new(0));
        let mut listeners = Vec::new();
        for address in &listen.0 {
            listeners.push(bind(address).await?);
        }
        let addresses = listeners.iter().filter_map(|listener| listener.local_addr().ok()).collect();
        for listener in listeners {
            tokio::spawn(accept(listener, Arc::clone(&exporter), Arc::clone(&connections), stopping.clone()));
        }
        Ok(Self { addresses, stop, connections })
    }

    /// Where it listens.
    pub fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// Takes no more clients and lets requests in hand end, for some seconds.
    pub async fn stop(self) {
        self.stop.send_replace(true);
        let drained = async {
            while self.connections.load(Ordering::Relaxed) > 0 {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        if tokio::time::timeout(STOP_DEADLINE, drained).await.is_err() {
            tracing::warn!("stopped while clients were still connected");
        }
    }
}

async fn bind(address: &str) -> Result<TcpListener, Fault> {
    if address.starts_with("vsock://") {
        return Err(Fault::new(
            Kind::NotImplemented,
            format!("--web.listen-address={address}: vsock is not there yet"),
        )
        .hint("give an address and a port, as 127.0.0.1:9100"));
    }
    let Some((host, port)) = address.rsplit_once(':').filter(|(_, port)| port.parse::<u16>().is_ok()) else {
        return Err(Fault::usage(format!("--web.listen-address: '{address}' is no address and port"))
            .hint("as in :9100, 127.0.0.1:9100 or [::1]:9100"));
    };
    let result = if host.is_empty() {
        let port = port.parse().unwrap_or(0);
        match TcpListener::bind(SocketAddr::from((Ipv6Addr::UNSPECIFIED, port))).await {
            // No IPv6 on this machine.
            Err(error) if error.kind() != std::io::ErrorKind::AddrInUse => {
                TcpListener::bind(SocketAddr::from((Ipv4Addr::UNSPECIFIED, port))).await
            }
            bound => bound,
        }
    } else {
        TcpListener::bind(address).await
    };
    result.map_err(|error| {
        let fault = Fault::new(Kind::Unavailable, format!("could not listen on {address}"));
        let fault = if error.kind() == std::io::ErrorKind::AddrInUse {
            fault.hint(format!(
                "another program has port {port}, node_exporter perhaps: `ss -ltnp 'sport = :{port}'` names it; or choose another with --web.listen-address"
            ))
        } else {
            fault
        };
        fault.because(error)
    })
}

async fn accept(
    listener: TcpListener,
    exporter: Arc<Exporter>,
    connections: Arc<AtomicUsize>,
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
                // Out of descriptors or memory: trying again at once would only burn time.
                tracing::warn!(%error, "could not accept a connection");
                tokio::time::sleep(Duration::from_millis(100)).await;
                continue;
            }
        };
        let Some(seat) = Seat::take(&connections) else {
            tracing::debug!("refused a connection: there are too many");
            continue;
        };
        tokio::spawn(converse(stream, seat, Arc::clone(&exporter), stopping.clone()));
    }
}

/// A place among the connections; given back when dropped.
struct Seat(Arc<AtomicUsize>);

impl Seat {
    fn take(connections: &Arc<AtomicUsize>) -> Option<Self> {
        let before = connections.fetch_add(1, Ordering::Relaxed);
        let seat = Self(Arc::clone(connections));
        (before < MAX_CONNECTIONS).then_some(seat)
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

async fn converse(stream: TcpStream, seat: Seat, exporter: Arc<Exporter>, mut stopping: watch::Receiver<bool>) {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "a connection keeps Nagle's algorithm");
    }
    let io = TokioIo::new(Patient::new(stream));
    let service = hyper::service::service_fn(move |request: Request<Incoming>| {
        let exporter = Arc::clone(&exporter);
        async move { Ok::<_, std::convert::Infallible>(answer(exporter, &request).await) }
    });
    let mut builder = hyper::server::conn::http1::Builder::new();
    // Some scripts look for `Content-Type` as it is written in books.
    builder
        .timer(TokioTimer::new())
        .title_case_headers(true)
        .header_read_timeout(HEAD_DEADLINE)
        .max_buf_size(MAX_HEAD)
        .max_headers(MAX_HEADERS);
    let connection = builder.serve_connection(io, service);
    tokio::pin!(connection);
    // How a connection ends is its client's affair: it closed, spoke no HTTP, or did not read.
    tokio::select! {
        _ended = connection.as_mut() => {}
        _ = stopping.changed() => {
            connection.as_mut().graceful_shutdown();
            drop(tokio::time::timeout(STOP_DEADLINE, connection).await);
        }
    }
    drop(seat);
}

type Answer = Response<Full<Bytes>>;

async fn answer(exporter: Arc<Exporter>, request: &Request<Incoming>) -> Answer {
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        let mut answer = plain(StatusCode::METHOD_NOT_ALLOWED, "only GET and HEAD are answered\n".to_owned());
        answer.headers_mut().insert(header::ALLOW, HeaderValue::from_static("GET, HEAD"));
        return answer;
    }
    let path = request.uri().path();
    if path == exporter.path {
        return metrics(exporter, request).await;
    }
    match path {
        "/" => landing(&exporter.path),
        _ => plain(StatusCode::NOT_FOUND, format!("nothing here; metrics are at {}\n", exporter.path)),
    }
}

/// Gives back its count when dropped, also when the client has gone away.
struct InFlight(Arc<Exporter>);

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.requests.in_flight.fetch_sub(1, Ordering::Relaxed);
    }
}

async fn metrics(exporter: Arc<Exporter>, request: &Request<Incoming>) -> Answer {
    let query = match Query::parse(request.uri().query().unwrap_or_default(), &exporter.collectors()) {
        Ok(query) => query,
        Err(error) => return plain(StatusCode::BAD_REQUEST, format!("{error}\n")),
    };
    let _seat = match exporter.seats.as_ref().map(Semaphore::try_acquire) {
        Some(Err(_)) => {
            exporter.requests.refused.fetch_add(1, Ordering::Relaxed);
            let text = format!("Limit of concurrent requests reached ({}), try again later.\n", exporter.most);
            return plain(StatusCode::SERVICE_UNAVAILABLE, text);
        }
        Some(Ok(seat)) => Some(seat),
        None => None,
    };
    let text_of = |name: &str| {
        let values = request.headers().get_all(name).iter().filter_map(|value| value.to_str().ok());
        values.collect::<Vec<_>>().join(",")
    };
    let form = format::form(&text_of("accept"));
    let encoding = format::encoding(&text_of("accept-encoding"));
    let timeout = text_of("x-prometheus-scrape-timeout-seconds").trim().parse::<f64>().ok();
    let timeout = timeout.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok()).filter(|time| !time.is_zero());
    exporter.requests.in_flight.fetch_add(1, Ordering::Relaxed);
    let in_flight = InFlight(Arc::clone(&exporter));
    let work = tokio::task::spawn_blocking(move || {
        let exporter = &in_flight.0;
        let text = exporter.scrape(&query, timeout, form);
        compress(exporter, text, encoding)
    });
    match work.await {
        Ok((body, encoding)) => {
            exporter.requests.ok.fetch_add(1, Ordering::Relaxed);
            let mut answer = Response::new(Full::new(body));
            let headers = answer.headers_mut();
            headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(form.content_type()));
            headers.insert(header::VARY, HeaderValue::from_static("Accept, Accept-Encoding"));
            if encoding == Encoding::Gzip {
                headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
            }
            answer
        }
        Err(error) => {
            exporter.requests.failed.fetch_add(1, Ordering::Relaxed);
            tracing::error!(%error, "a scrape failed");
            plain(StatusCode::INTERNAL_SERVER_ERROR, "the scrape failed; the exporter's log tells more\n".to_owned())
        }
    }
}

fn compress(exporter: &Exporter, text: String, encoding: Encoding) -> (Bytes, Encoding) {
    use std::io::Write;
    if encoding == Encoding::Identity || text.len() < SMALL {
        return (text.into(), Encoding::Identity);
    }
    let room = Vec::with_capacity(text.len() / 4);
    let mut encoder = flate2::write::GzEncoder::new(room, flate2::Compression::fast());
    match encoder.write_all(text.as_bytes()).and_then(|()| encoder.finish()) {
        Ok(body) => (body.into(), Encoding::Gzip),
        Err(error) => {
            exporter.requests.encoding_errors.fetch_add(1, Ordering::Relaxed);
            tracing::warn!(%error, "could not compress an answer");
            (text.into(), Encoding::Identity)
        }
    }
}

fn plain(status: StatusCode, text: String) -> Answer {
    let mut answer = Response::new(Full::new(text.into()));
    *answer.status_mut() = status;
    let headers = answer.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    answer
}

fn landing(path: &str) -> Answer {
    let path = path.replace('&', "&amp;").replace('<', "&lt;").replace('"', "&quot;");
    let page = format!(
        "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>Node Exporter</title></head>\n\
         <body><h1>Node Exporter</h1>\n<p>Prometheus Node Exporter, served by procyon</p>\n\
         <ul><li><a href=\"{path}\">Metrics</a></li></ul></body></html>\n"
    );
    let mut answer = plain(StatusCode::OK, page);
    answer.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    answer
}
