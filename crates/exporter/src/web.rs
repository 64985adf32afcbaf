//! The HTTP server: `/metrics`, a landing page, a limit on requests, deadlines on clients; who may come in says [`guard`].

mod auth;
mod config;
mod guard;
mod gzip;
mod idle;
mod listener;
mod patient;
mod query;
mod tls;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::header::{self, HeaderValue};
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use procyon_diag::{Fault, Kind};
use procyon_model::feed::Feed;
use procyon_units::Clock;
use tokio::net::TcpStream;
use tokio::sync::{Semaphore, watch};

use crate::flags::{Flag, FlagError, Flags};
use crate::format::{self, Encoding, Form, Written};
use crate::metric::{Family, Metrics};
pub use crate::own::Face;
use crate::own::{self, Requests};
use crate::scrape::{Collectors, Own};
use guard::Guard;
use gzip::Gzip;
use idle::Activity;
pub use listener::Address;
use listener::Listener;
use patient::Patient;
use query::Query;

/// Flags of the server.
pub const FLAGS: &[Flag] = &[
    Flag::list("web.listen-address", "Addresses on which to expose metrics and web interface."),
    Flag::word("web.telemetry-path", "/metrics", "Path under which to expose metrics."),
    Flag::off(
        "web.disable-exporter-metrics",
        "Exclude metrics about the exporter itself (promhttp_*, process_*, go_*).",
    ),
    Flag::word("web.max-requests", "40", "Maximum number of parallel scrape requests. Use 0 to disable."),
    Flag::word("web.config.file", "", "Path to configuration file that can enable TLS or authentication."),
    Flag::off("web.systemd-socket", "Use systemd socket activation listeners instead of port listeners."),
];

/// The most connections at one time; further ones are closed at once.
const MAX_CONNECTIONS: usize = 512;
/// Time for a request's head.
const HEAD_DEADLINE: Duration = Duration::from_secs(10);
/// The largest head of a request.
const MAX_HEAD: usize = 16 << 10;
const MAX_HEAD_BYTES: u32 = 16 << 10;
/// The most headers of a request.
const MAX_HEADERS: usize = 64;
/// The most requests at one time on one connection of HTTP/2: as many as scrapes are answered at one time.
const MAX_STREAMS: u32 = 40;
/// Time for requests in hand when the server stops.
const STOP_DEADLINE: Duration = Duration::from_secs(3);
/// Answers smaller than this are not worth compressing.
const SMALL: usize = 512;
/// Text is compressed in parts of this size or somewhat more.
const PART: usize = 256 << 10;
/// Fast, and already smaller than gzip.
const ZSTD_LEVEL: i32 = 1;

/// What the server serves.
pub struct Exporter {
    face: Face,
    collectors: Collectors,
    version: String,
    path: String,
    own_metrics: bool,
    guard: Guard,
    gzip: Gzip,
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
    /// In node_exporter's place. `version` is told in `node_exporter_build_info`.
    pub fn new(flags: &Flags, version: &str, clock: Arc<dyn Clock>) -> Result<Self, Fault> {
        Self::of(Face::Node, Collectors::new(flags, Arc::clone(&clock))?, flags, version, clock)
    }

    /// In process-exporter's place.
    pub fn processes(flags: &Flags, version: &str, clock: Arc<dyn Clock>) -> Result<Self, Fault> {
        Self::of(Face::Process, Collectors::processes(flags, Arc::clone(&clock))?, flags, version, clock)
    }

    /// Beside a monitor that reads the processes anyway: they come from the newest frame of its feed. What it has to say of itself
    /// comes from collectors of its own.
    pub fn beside(
        flags: &Flags,
        version: &str,
        (feed, own): (Arc<Feed>, Vec<Own>),
        clock: Arc<dyn Clock>,
    ) -> Result<Self, Fault> {
        Self::of(Face::Node, Collectors::beside(flags, feed, own, Arc::clone(&clock))?, flags, version, clock)
    }

    fn of(
        face: Face,
        collectors: Collectors,
        flags: &Flags,
        version: &str,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, Fault> {
        let path = flags.text("web.telemetry-path");
        if !path.starts_with('/') {
            return Err(FlagError::value("web.telemetry-path", path, "does not begin with /").into());
        }
        let most = flags.number("web.max-requests")?;
        Ok(Self {
            face,
            collectors,
            version: version.to_owned(),
            path: path.to_owned(),
            gzip: Gzip::default(),
            guard: Guard::new(flags.text("web.config.file"), clock)?,
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

    /// One scrape of everything as text.
    pub fn text(&self) -> Vec<u8> {
        let families = self.families(&Query::Everything, None);
        let mut text = String::new();
        format::write_text(&families, &mut text);
        text.into_bytes()
    }

    fn families(&self, query: &Query, timeout: Option<Duration>) -> Vec<Family> {
        self.collectors.scrape(|name| query.wants(name), timeout, |out| self.report(query, out))
    }

    /// One scrape, written out and compressed.
    fn scrape(&self, query: &Query, timeout: Option<Duration>, form: Form, encoding: Encoding) -> (Bytes, Encoding) {
        let families = self.families(query, timeout);
        let mut written = Written::new(form);
        if encoding != Encoding::Gzip {
            // Each goes once it is written: of thousands of groups, samples and text are about as large.
            for family in families {
                written.write(std::slice::from_ref(&family));
            }
            written.end();
            return self.pack(written.into_bytes(), encoding);
        }
        self.zip(&families, written).unwrap_or_else(|error| {
            self.refused(&error);
            let mut written = Written::new(form);
            written.write(&families);
            written.end();
            (written.into_bytes().into(), Encoding::Identity)
        })
    }

    /// Compresses part by part: the whole text of thousands of groups would take more memory than all the rest.
    fn zip(&self, families: &[Family], mut written: Written) -> std::io::Result<(Bytes, Encoding)> {
        let mut stream = self.gzip.begin();
        for family in families {
            written.write(std::slice::from_ref(family));
            if written.bytes().len() >= PART {
                stream.take(written.bytes())?;
                written.clear();
            }
        }
        written.end();
        if stream.is_empty() && written.bytes().len() < SMALL {
            return Ok((written.into_bytes().into(), Encoding::Identity));
        }
        stream.take(written.bytes())?;
        Ok((stream.finish()?.into(), Encoding::Gzip))
    }

    fn refused(&self, error: &std::io::Error) {
        self.requests.encoding_errors.fetch_add(1, Ordering::Relaxed);
        tracing::warn!(%error, "could not compress an answer");
    }

    fn pack(&self, body: Vec<u8>, encoding: Encoding) -> (Bytes, Encoding) {
        if encoding != Encoding::Zstd || body.len() < SMALL {
            return (body.into(), Encoding::Identity);
        }
        match zstd::bulk::compress(&body, ZSTD_LEVEL) {
            Ok(compressed) => (compressed.into(), encoding),
            Err(error) => {
                self.refused(&error);
                (body.into(), Encoding::Identity)
            }
        }
    }

    fn report(&self, query: &Query, out: &mut Metrics) {
        own::build(self.face, &self.version, out);
        if self.own_metrics && query.is_everything() {
            own::process(self.collectors.files(), out);
            self.requests.report(self.collectors.mistakes(), out);
        }
    }
}

/// Where to listen: addresses as upstream spells them (`:9100`, `127.0.0.1:9100`, `[::1]:9100`, `localhost:9100`, `vsock://:9100`),
/// or the sockets that systemd has opened for us.
#[derive(Debug)]
pub struct Listen(Places);

#[derive(Debug)]
enum Places {
    Addresses(Vec<String>),
    Inherited(Vec<std::net::TcpListener>),
}

impl Listen {
    /// From the flags. Takes the sockets of systemd, which can be done once.
    pub fn new(flags: &Flags, face: Face) -> Result<Self, Fault> {
        if flags.is_on("web.systemd-socket") {
            let sockets = procyon_linux::inherited::listeners().map_err(|error| {
                Fault::new(Kind::Unavailable, "--web.systemd-socket: could not take the sockets of systemd")
                    .because(error)
            })?;
            if sockets.is_empty() {
                return Err(Fault::usage("--web.systemd-socket: systemd has handed over no sockets")
                    .hint("start the unit by its .socket, with LISTEN_FDS in the environment"));
            }
            return Ok(Self(Places::Inherited(sockets)));
        }
        let given = flags.list("web.listen-address");
        let addresses = if given.is_empty() { vec![face.address().to_owned()] } else { given.to_vec() };
        Ok(Self(Places::Addresses(addresses)))
    }

    async fn listeners(self) -> Result<Vec<Listener>, Fault> {
        let mut listeners = Vec::new();
        match self.0 {
            Places::Addresses(addresses) => {
                for address in &addresses {
                    listeners.push(Listener::bind(address).await?);
                }
            }
            Places::Inherited(sockets) => {
                for socket in sockets {
                    listeners.push(Listener::inherited(socket).map_err(|error| {
                        Fault::new(Kind::Unavailable, "--web.systemd-socket: a socket cannot be used").because(error)
                    })?);
                }
            }
        }
        Ok(listeners)
    }
}

/// A running server; it ends with [`Server::stop`].
#[derive(Debug)]
pub struct Server {
    addresses: Vec<Address>,
    stop: watch::Sender<bool>,
    connections: Arc<AtomicUsize>,
}

impl Server {
    /// Binds and serves; call it inside a tokio runtime.
    pub async fn start(exporter: Exporter, listen: Listen) -> Result<Self, Fault> {
        let exporter = Arc::new(exporter);
        let (stop, stopping) = watch::channel(false);
        let connections = Arc::new(AtomicUsize::new(0));
        let listeners = listen.listeners().await?;
        let addresses = listeners.iter().filter_map(Listener::address).collect();
        for listener in listeners {
            tokio::spawn(accept(listener, Arc::clone(&exporter), Arc::clone(&connections), stopping.clone()));
        }
        Ok(Self { addresses, stop, connections })
    }

    /// Where it listens.
    pub fn addresses(&self) -> &[Address] {
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

async fn accept(
    listener: Listener,
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
            Ok(stream) => stream,
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

async fn converse(stream: TcpStream, seat: Seat, exporter: Arc<Exporter>, stopping: watch::Receiver<bool>) {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "a connection keeps Nagle's algorithm");
    }
    let rules = exporter.guard.rules();
    let Some(acceptor) = rules.tls.clone() else {
        serve(TokioIo::new(Patient::new(stream)), exporter, stopping).await;
        drop(seat);
        return;
    };
    // How a handshake fails is its client's affair.
    match tokio::time::timeout(HEAD_DEADLINE, acceptor.accept(Patient::new(stream))).await {
        Ok(Ok(stream)) if stream.get_ref().1.alpn_protocol() == Some(tls::HTTP2) => {
            serve_http2(TokioIo::new(stream), exporter, stopping).await;
        }
        Ok(Ok(stream)) => serve(TokioIo::new(stream), exporter, stopping).await,
        Ok(Err(error)) => tracing::debug!(%error, "a TLS handshake failed"),
        Err(_) => tracing::debug!("a TLS handshake took too long"),
    }
    drop(seat);
}

/// Answers requests until one side has enough.
async fn serve(
    io: impl hyper::rt::Read + hyper::rt::Write + Unpin,
    exporter: Arc<Exporter>,
    mut stopping: watch::Receiver<bool>,
) {
    let service = hyper::service::service_fn(move |request: Request<Incoming>| {
        let exporter = Arc::clone(&exporter);
        async move { Ok::<_, std::convert::Infallible>(admit(exporter, &request).await) }
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
}

/// The same over HTTP/2. Where nobody asks anything for a while it ends: unlike the other it has no deadline for heads.
async fn serve_http2(
    io: impl hyper::rt::Read + hyper::rt::Write + Unpin,
    exporter: Arc<Exporter>,
    mut stopping: watch::Receiver<bool>,
) {
    let activity = Arc::new(Activity::default());
    let service = {
        let activity = Arc::clone(&activity);
        hyper::service::service_fn(move |request: Request<Incoming>| {
            let (exporter, busy) = (Arc::clone(&exporter), activity.begin());
            async move {
                let answer = admit(exporter, &request).await;
                drop(busy);
                Ok::<_, std::convert::Infallible>(answer)
            }
        })
    };
    let mut builder = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
    builder.timer(TokioTimer::new()).max_concurrent_streams(MAX_STREAMS).max_header_list_size(MAX_HEAD_BYTES);
    let connection = builder.serve_connection(io, service);
    tokio::pin!(connection);
    tokio::select! {
        _ended = connection.as_mut() => {}
        () = async { tokio::select! { _ = stopping.changed() => {}, () = activity.over(HEAD_DEADLINE) => {} } } => {
            connection.as_mut().graceful_shutdown();
            drop(tokio::time::timeout(STOP_DEADLINE, connection).await);
        }
    }
}

type Answer = Response<Full<Bytes>>;

/// Answers whoever may come in.
async fn admit(exporter: Arc<Exporter>, request: &Request<Incoming>) -> Answer {
    let rules = exporter.guard.rules();
    let authorization = request.headers().get(header::AUTHORIZATION).map(HeaderValue::as_bytes);
    let mut answer = if !exporter.guard.has_room(&rules) {
        plain(StatusCode::TOO_MANY_REQUESTS, "Too many requests\n".to_owned())
    } else if rules.passwords.admit(authorization).await {
        answer(exporter, request).await
    } else {
        let mut refusal = plain(StatusCode::UNAUTHORIZED, "Unauthorized\n".to_owned());
        refusal.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Basic"));
        refusal
    };
    for (name, value) in &rules.headers {
        answer.headers_mut().insert(name.clone(), value.clone());
    }
    answer
}

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
        "/" => landing(exporter.face.title(), &exporter.path),
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

/// What a scraper says with its request.
#[derive(Debug, Clone, Default)]
pub struct Asked {
    /// Behind the question mark.
    pub query: String,
    /// `Accept`.
    pub accept: String,
    /// `Accept-Encoding`.
    pub encodings: String,
    /// `X-Prometheus-Scrape-Timeout-Seconds`.
    pub timeout: String,
}

/// The answer to a scrape.
#[derive(Debug)]
pub struct Scraped {
    /// Status.
    pub status: u16,
    /// Content type.
    pub content_type: &'static str,
    /// Content encoding, where there is one.
    pub encoding: Option<&'static str>,
    /// The metrics, or why there are none.
    pub body: Bytes,
}

impl Scraped {
    fn refusal(status: u16, text: String) -> Self {
        Self { status, content_type: "text/plain; charset=utf-8", encoding: None, body: text.into() }
    }
}

impl Asked {
    /// From the headers of a request, by their names.
    pub fn new(query: &str, header: impl Fn(&str) -> String) -> Self {
        Self {
            query: query.to_owned(),
            accept: header("accept"),
            encodings: header("accept-encoding"),
            timeout: header("x-prometheus-scrape-timeout-seconds"),
        }
    }
}

impl Exporter {
    /// Answers a scrape. Takes its time: not for a thread that serves others.
    pub fn answer(self: &Arc<Self>, asked: &Asked) -> Scraped {
        // process-exporter knows no filters.
        let query = if self.face == Face::Process { "" } else { &asked.query };
        let query = match Query::parse(query, &self.collectors()) {
            Ok(query) => query,
            Err(error) => return Scraped::refusal(400, format!("{error}\n")),
        };
        let _seat = match self.seats.as_ref().map(Semaphore::try_acquire) {
            Some(Err(_)) => {
                self.requests.refused.fetch_add(1, Ordering::Relaxed);
                let text = format!("Limit of concurrent requests reached ({}), try again later.\n", self.most);
                return Scraped::refusal(503, text);
            }
            Some(Ok(seat)) => Some(seat),
            None => None,
        };
        let form = format::form(&asked.accept);
        let timeout = asked.timeout.trim().parse::<f64>().ok();
        let timeout =
            timeout.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok()).filter(|time| !time.is_zero());
        self.requests.in_flight.fetch_add(1, Ordering::Relaxed);
        let _in_flight = InFlight(Arc::clone(self));
        let (body, encoding) = self.scrape(&query, timeout, form, format::encoding(&asked.encodings));
        self.requests.ok.fetch_add(1, Ordering::Relaxed);
        let encoding = match encoding {
            Encoding::Identity => None,
            Encoding::Gzip => Some("gzip"),
            Encoding::Zstd => Some("zstd"),
        };
        Scraped { status: 200, content_type: form.content_type(), encoding, body }
    }
}

async fn metrics(exporter: Arc<Exporter>, request: &Request<Incoming>) -> Answer {
    let text_of = |name: &str| {
        let values = request.headers().get_all(name).iter().filter_map(|value| value.to_str().ok());
        values.collect::<Vec<_>>().join(",")
    };
    let asked = Asked::new(request.uri().query().unwrap_or_default(), text_of);
    let work = {
        let exporter = Arc::clone(&exporter);
        tokio::task::spawn_blocking(move || exporter.answer(&asked))
    };
    match work.await {
        Ok(scraped) => {
            let mut answer = Response::new(Full::new(scraped.body));
            *answer.status_mut() = StatusCode::from_u16(scraped.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
            let headers = answer.headers_mut();
            headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(scraped.content_type));
            headers.insert(header::VARY, HeaderValue::from_static("Accept, Accept-Encoding"));
            if let Some(encoding) = scraped.encoding {
                headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static(encoding));
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

fn plain(status: StatusCode, text: String) -> Answer {
    let mut answer = Response::new(Full::new(text.into()));
    *answer.status_mut() = status;
    let headers = answer.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    answer
}

fn landing(title: &str, path: &str) -> Answer {
    let path = path.replace('&', "&amp;").replace('<', "&lt;").replace('"', "&quot;");
    let page = format!(
        "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>{title}</title></head>\n\
         <body><h1>{title}</h1>\n<p>Prometheus {title}, served by procyon</p>\n\
         <ul><li><a href=\"{path}\">Metrics</a></li></ul></body></html>\n"
    );
    let mut answer = plain(StatusCode::OK, page);
    answer.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    answer
}
