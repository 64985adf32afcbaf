//! The server: forms, filters, refusals.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use procyon_exporter::web::{Address, Exporter, Face, Listen, Server};
use procyon_units::SystemClock;

use crate::exposition::{flags, read};

/// An answer.
struct Answer {
    status: u16,
    head: String,
    body: Vec<u8>,
}

impl Answer {
    fn text(&self) -> String {
        String::from_utf8(self.body.clone()).unwrap()
    }

    fn header(&self, name: &str) -> Option<&str> {
        let lines = self.head.lines().skip(1).filter_map(|line| line.split_once(": "));
        lines.filter(|(own, _)| own.eq_ignore_ascii_case(name)).map(|(_, value)| value).next()
    }
}

fn ask(address: SocketAddr, request: &str) -> Answer {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_mins(2))).unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).unwrap();
    let end = bytes.windows(4).position(|window| window == b"\r\n\r\n").expect("an answer with a head");
    let head = String::from_utf8(bytes[..end].to_vec()).unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    Answer { status, head, body: bytes[end + 4..].to_vec() }
}

fn get(address: SocketAddr, path: &str, headers: &str) -> Answer {
    ask(address, &format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{headers}\r\n"))
}

/// Runs `test` against a server with these flags.
fn with_server(arguments: &[&str], test: impl FnOnce(SocketAddr)) {
    with_servers(&[&["--web.listen-address=127.0.0.1:0"], arguments].concat(), |addresses| test(addresses[0]));
}

/// Runs `test` against a server that listens where the flags say.
fn with_servers(arguments: &[&str], test: impl FnOnce(&[SocketAddr])) {
    let mut all = vec!["--collector.deadline=60s"];
    all.extend(arguments);
    let flags = flags(&all);
    let exporter = Exporter::new(&flags, "1.2.3", Arc::new(SystemClock)).unwrap();
    let (tell, told) = std::sync::mpsc::sync_channel(1);
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let serving = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let server = Server::start(exporter, Listen::new(&flags, Face::Node).unwrap()).await.unwrap();
            let of =
                |address: &Address| if let Address::Tcp(address) = address { *address } else { panic!("{address}") };
            tell.send(server.addresses().iter().map(of).collect::<Vec<SocketAddr>>()).unwrap();
            // Also when the test ends early.
            drop(stopped.await);
            server.stop().await;
        });
    });
    test(&told.recv().unwrap());
    stop.send(()).unwrap();
    serving.join().unwrap();
}

const FEW: &[&str] = &["--collector.disable-defaults", "--collector.loadavg", "--collector.stat"];

#[test]
fn metrics_come_as_text_or_openmetrics_and_compressed_when_asked() {
    with_server(FEW, |address| {
        let plain = get(address, "/metrics", "");
        assert_eq!(
            (plain.status, plain.header("content-type")),
            (200, Some("text/plain; version=0.0.4; charset=utf-8"))
        );
        let families = read(&plain.text());
        for name in [
            "node_load1",
            "node_exporter_build_info",
            "process_cpu_seconds_total",
            "promhttp_metric_handler_requests_total",
        ] {
            assert!(families.contains_key(name), "{name} is missing");
        }
        assert!(plain.text().contains("version=\"1.2.3\""));
        let open = get(address, "/metrics", "Accept: application/openmetrics-text;version=1.0.0\r\n");
        assert_eq!(open.header("content-type"), Some("application/openmetrics-text; version=1.0.0; charset=utf-8"));
        assert!(open.text().ends_with("# EOF\n") && open.text().contains("# TYPE node_forks counter\n"));
        let small = get(address, "/metrics", "Accept-Encoding: gzip\r\n");
        assert_eq!(small.header("content-encoding"), Some("gzip"));
        let mut text = String::new();
        flate2::read::GzDecoder::new(&*small.body).read_to_string(&mut text).unwrap();
        assert!(read(&text).contains_key("node_load1") && small.body.len() < text.len());
    });
}

#[test]
fn filters_choose_collectors_and_mistakes_are_told() {
    with_server(FEW, |address| {
        let one = get(address, "/metrics?collect[]=loadavg", "").text();
        assert!(one.contains("node_load1 ") && !one.contains("node_forks_total") && !one.contains("promhttp_"));
        let rest = get(address, "/metrics?exclude[]=loadavg", "").text();
        assert!(!rest.contains("node_load1 ") && rest.contains("node_forks_total"));
        for query in ["collect[]=nothing", "collect[]=stat&exclude[]=loadavg", "exclude[]=cpu"] {
            assert_eq!(get(address, &format!("/metrics?{query}"), "").status, 400, "{query}");
        }
    });
}

#[test]
fn other_paths_and_methods_are_refused_and_the_first_page_leads_on() {
    with_server(&["--web.telemetry-path=/m", "--collector.disable-defaults"], |address| {
        assert_eq!(get(address, "/m", "").status, 200);
        assert_eq!(get(address, "/metrics", "").status, 404);
        let page = get(address, "/", "");
        assert!(page.status == 200 && page.text().contains("<a href=\"/m\">"));
        let post = ask(address, "POST /m HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
        assert_eq!((post.status, post.header("allow")), (405, Some("GET, HEAD")));
        let head = ask(address, "HEAD /m HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
        assert!(head.status == 200 && head.body.is_empty());
        assert_eq!(ask(address, "nonsense\r\n\r\n").status, 400);
    });
}

#[test]
fn it_listens_on_every_address_that_was_given() {
    let both = ["--web.listen-address=127.0.0.1:0", "--web.listen-address=127.0.0.2:0"];
    with_servers(&[FEW, &both].concat(), |addresses| {
        let hosts: Vec<String> = addresses.iter().map(|address| address.ip().to_string()).collect();
        assert_eq!(hosts, ["127.0.0.1", "127.0.0.2"]);
        for address in addresses {
            assert!(get(*address, "/metrics", "").text().contains("\nnode_load1 "), "{address}");
        }
    });
}

#[test]
fn scrapes_beyond_the_limit_are_refused_until_one_has_ended() {
    // A collector that waits for as long as the test likes.
    let supervisor = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("--collector.supervisord.url=http://{}/RPC2", supervisor.local_addr().unwrap());
    let flags = ["--collector.disable-defaults", "--collector.supervisord", &url, "--web.max-requests=1"];
    with_server(&flags, move |address| {
        let first = std::thread::spawn(move || get(address, "/metrics", "").status);
        let held = supervisor.accept().unwrap();
        let second = get(address, "/metrics", "");
        assert_eq!(second.status, 503);
        assert_eq!(second.text(), "Limit of concurrent requests reached (1), try again later.\n");
        // The first page takes no seat.
        assert_eq!(get(address, "/", "").status, 200);
        drop(held);
        assert_eq!(first.join().unwrap(), 200);
        drop(supervisor);
        let third = get(address, "/metrics", "");
        assert_eq!(third.status, 200);
        assert!(
            third.text().contains("\npromhttp_metric_handler_requests_total{code=\"503\"} 1\n"),
            "{}",
            third.text()
        );
    });
}

#[test]
fn a_client_that_does_not_end_its_question_is_let_go_and_holds_nobody() {
    with_server(FEW, |address| {
        let mut slow = TcpStream::connect(address).unwrap();
        slow.write_all(b"GET /metrics HTTP/1.1\r\nHost: x\r\nX-").unwrap();
        assert_eq!(get(address, "/metrics", "").status, 200);
        // Longer than the deadline for heads; without one it would wait for ever.
        slow.set_read_timeout(Some(Duration::from_mins(1))).unwrap();
        let mut answer = Vec::new();
        slow.read_to_end(&mut answer).unwrap();
        assert!(!String::from_utf8_lossy(&answer).contains("node_load1"));
    });
}

/// The kernel's state of a connection, seen from the server's side.
fn state(server: SocketAddr, client: SocketAddr) -> Option<String> {
    let ports = [format!(":{:04X}", server.port()), format!(":{:04X}", client.port())];
    let table = std::fs::read_to_string("/proc/net/tcp").unwrap();
    table.lines().find_map(|line| {
        let words: Vec<&str> = line.split_whitespace().collect();
        (words[1].ends_with(&ports[0]) && words[2].ends_with(&ports[1])).then(|| words[3].to_owned())
    })
}

#[test]
fn a_client_that_does_not_read_is_cut_off_and_holds_nobody() {
    const ESTABLISHED: &str = "01";
    let folder = tempfile::tempdir().unwrap();
    // More than the kernel takes for a connection.
    let lines: Vec<String> = (0..100_000).map(|number| format!("m{{x=\"{number:0100}\"}} 1\n")).collect();
    std::fs::write(folder.path().join("large.prom"), lines.concat()).unwrap();
    let flag = format!("--collector.textfile.directory={}", folder.path().display());
    with_server(&["--collector.disable-defaults", "--collector.textfile", &flag], |address| {
        let mut slow = TcpStream::connect(address).unwrap();
        let own = slow.local_addr().unwrap();
        slow.write_all(b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
        slow.peek(&mut [0]).unwrap();
        assert_eq!(state(address, own).as_deref(), Some(ESTABLISHED));
        assert_eq!(get(address, "/", "").status, 200);
        procyon_testkit::eventually("the end of the connection", Duration::from_mins(2), || {
            (state(address, own).as_deref() != Some(ESTABLISHED)).then_some(())
        });
        slow.shutdown(Shutdown::Both).unwrap();
    });
}

#[test]
fn what_the_exporter_says_of_itself_can_be_left_out() {
    with_server(
        &["--web.disable-exporter-metrics", "--collector.disable-defaults", "--collector.loadavg"],
        |address| {
            let text = get(address, "/metrics", "X-Prometheus-Scrape-Timeout-Seconds: 30\r\n").text();
            assert!(text.contains("node_load1 ") && !text.contains("promhttp_") && !text.contains("process_"));
        },
    );
}

#[test]
fn protocol_buffers_and_zstandard_are_for_those_who_ask() {
    with_server(FEW, |address| {
        let accept = "Accept: application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited;q=0.6,text/plain;q=0.5\r\n";
        let answer = get(address, "/metrics", accept);
        assert!(answer.header("content-type").is_some_and(|kind| kind.starts_with("application/vnd.google.protobuf")));
        assert!(
            answer.body.windows(12).any(|window| window == b"\x0a\x0anode_load1") && answer.body.first() != Some(&b'#')
        );
        let small = get(address, "/metrics", "Accept-Encoding: gzip, zstd\r\n");
        assert_eq!(small.header("content-encoding"), Some("zstd"));
        let text = zstd::bulk::decompress(&small.body, 1 << 20).unwrap();
        assert!(read(&String::from_utf8(text).unwrap()).contains_key("node_load1"));
    });
}

/// `ada` with `secret`.
fn users() -> String {
    let hash = bcrypt::hash_with_salt("secret", 4, [7; 16]).unwrap();
    format!("basic_auth_users:\n  ada: {hash}\n")
}

#[test]
fn with_users_only_they_come_in() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("web.yml");
    let headers = "http_server_config:\n  headers:\n    X-Frame-Options: deny\n";
    std::fs::write(&file, users() + headers).unwrap();
    let flag = format!("--web.config.file={}", file.display());
    with_server(&[FEW, &[&flag]].concat(), |address| {
        let refused = get(address, "/metrics", "");
        assert_eq!((refused.status, refused.header("www-authenticate")), (401, Some("Basic")));
        assert_eq!(refused.header("x-frame-options"), Some("deny"));
        // ada:secret, ada:wrong, bob:secret
        for (pair, status) in [("YWRhOnNlY3JldA==", 200), ("YWRhOndyb25n", 401), ("Ym9iOnNlY3JldA==", 401)] {
            let answer = get(address, "/metrics", &format!("Authorization: Basic {pair}\r\n"));
            assert_eq!(answer.status, status, "{pair}");
        }
        // Nobody gets to see even the first page.
        assert_eq!(get(address, "/", "").status, 401);
        std::fs::write(&file, "rate_limit:\n  interval: 1h\n  burst: 2\n").unwrap();
        let codes: Vec<u16> = (0..4).map(|_| get(address, "/", "").status).collect();
        assert_eq!(codes, [200, 200, 429, 429]);
    });
}

#[test]
fn with_certificates_it_speaks_tls_and_wants_those_of_clients() {
    use tokio_rustls::rustls::pki_types::pem::PemObject;
    use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
    use tokio_rustls::rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

    let folder = tempfile::tempdir().unwrap();
    let authority = procyon_testkit::certificate::Authority::new("authority");
    let server = authority.server("localhost");
    let client = authority.client("prometheus");
    let stranger = procyon_testkit::certificate::Authority::new("authority").client("stranger");
    for (name, text) in
        [("ca.pem", &authority.certificate), ("cert.pem", &server.certificate), ("key.pem", &server.key)]
    {
        std::fs::write(folder.path().join(name), text).unwrap();
    }
    let file = folder.path().join("web.yml");
    let tls = "tls_server_config:\n  cert_file: cert.pem\n  key_file: key.pem\n  client_auth_type: RequireAndVerifyClientCert\n  client_ca_file: ca.pem\n";
    std::fs::write(&file, tls).unwrap();
    let flag = format!("--web.config.file={}", file.display());
    let ask = |address, own: Option<&procyon_testkit::certificate::Certified>| -> std::io::Result<String> {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(authority.certificate.as_bytes()).unwrap()).unwrap();
        let provider = std::sync::Arc::new(tokio_rustls::rustls::crypto::ring::default_provider());
        let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
        let builder = builder.with_root_certificates(roots);
        let config = match own {
            None => builder.with_no_client_auth(),
            Some(own) => {
                let chain = vec![CertificateDer::from_pem_slice(own.certificate.as_bytes()).unwrap()];
                let key = PrivateKeyDer::from_pem_slice(own.key.as_bytes()).unwrap();
                builder.with_client_auth_cert(chain, key).unwrap()
            }
        };
        let connection = ClientConnection::new(Arc::new(config), "localhost".try_into().unwrap()).unwrap();
        let mut stream = StreamOwned::new(connection, TcpStream::connect::<SocketAddr>(address)?);
        stream.write_all(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")?;
        let mut text = String::new();
        stream.read_to_string(&mut text)?;
        Ok(text)
    };
    with_server(&[FEW, &[&flag]].concat(), |address| {
        assert!(ask(address, Some(&client)).unwrap().contains("node_load1 "));
        assert!(ask(address, None).is_err() && ask(address, Some(&stranger)).is_err());
        // Certificates are read again: from now on nobody has to show one.
        std::fs::write(&file, tls.split("  client_auth").next().unwrap()).unwrap();
        assert!(ask(address, None).unwrap().contains("node_load1 "));
    });
}

/// One frame of HTTP/2: kind, flags, stream, content.
fn frame(kind: u8, flags: u8, stream: u8, content: &[u8]) -> Vec<u8> {
    let length = u8::try_from(content.len()).unwrap();
    [&[0, 0, length, kind, flags, 0, 0, 0, stream], content].concat()
}

/// Asks for `/metrics` over HTTP/2 and reads until the answer is whole: its headers, packed, and its body.
fn ask_http2(stream: &mut (impl Read + Write)) -> (Vec<u8>, String) {
    const DATA: u8 = 0;
    const HEADERS: u8 = 1;
    const SETTINGS: u8 = 4;
    // GET, https, /metrics, localhost; of the table that RFC 7541 has in its appendix A.
    let head = [&[0x82, 0x87, 0x04, 8][..], b"/metrics", &[0x41, 9], b"localhost"].concat();
    let start = [b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec(), frame(SETTINGS, 0, 0, &[]), frame(HEADERS, 5, 1, &head)];
    stream.write_all(&start.concat()).unwrap();
    let (mut headers, mut body) = (Vec::new(), Vec::new());
    loop {
        let mut head = [0; 9];
        stream.read_exact(&mut head).unwrap();
        let length = u32::from_be_bytes([0, head[0], head[1], head[2]]);
        let mut content = vec![0; usize::try_from(length).unwrap()];
        stream.read_exact(&mut content).unwrap();
        match head[3] {
            DATA => body.extend(content),
            HEADERS => headers.extend(content),
            _ => {}
        }
        // The end of the one stream.
        if matches!(head[3], DATA | HEADERS) && head[4] & 1 != 0 {
            return (headers, String::from_utf8(body).unwrap());
        }
    }
}

#[test]
fn over_tls_clients_may_have_http2_unless_the_file_keeps_them_from_it() {
    use tokio_rustls::rustls::pki_types::CertificateDer;
    use tokio_rustls::rustls::pki_types::pem::PemObject;
    use tokio_rustls::rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

    let folder = tempfile::tempdir().unwrap();
    let authority = procyon_testkit::certificate::Authority::new("authority");
    let server = authority.server("localhost");
    std::fs::write(folder.path().join("cert.pem"), &server.certificate).unwrap();
    std::fs::write(folder.path().join("key.pem"), &server.key).unwrap();
    let file = folder.path().join("web.yml");
    let tls = "tls_server_config:\n  cert_file: cert.pem\n  key_file: key.pem\n";
    std::fs::write(&file, tls).unwrap();
    let connect = |address: SocketAddr, protocols: &[&[u8]]| {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(authority.certificate.as_bytes()).unwrap()).unwrap();
        let provider = Arc::new(tokio_rustls::rustls::crypto::ring::default_provider());
        let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
        let mut config = builder.with_root_certificates(roots).with_no_client_auth();
        config.alpn_protocols = protocols.iter().map(|protocol| protocol.to_vec()).collect();
        let connection = ClientConnection::new(Arc::new(config), "localhost".try_into().unwrap()).unwrap();
        let socket = TcpStream::connect(address).unwrap();
        socket.set_read_timeout(Some(Duration::from_mins(2))).unwrap();
        let mut stream = StreamOwned::new(connection, socket);
        stream.conn.complete_io(&mut stream.sock).unwrap();
        stream
    };
    let flag = format!("--web.config.file={}", file.display());
    with_server(&[FEW, &[&flag]].concat(), |address| {
        let mut stream = connect(address, &[b"h2", b"http/1.1"]);
        assert_eq!(stream.conn.alpn_protocol(), Some(&b"h2"[..]));
        let (headers, body) = ask_http2(&mut stream);
        // Status 200 has a number of its own.
        assert_eq!(headers.first(), Some(&0x88), "{body}");
        assert!(read(&body).contains_key("node_load1"), "{body}");
        // Where nobody asks anything any more the server ends it.
        let mut rest = Vec::new();
        drop(stream.read_to_end(&mut rest));
        assert!(rest.windows(4).any(|four| four[3] == 7), "it says that it goes away: {rest:?}");
        let stream = connect(address, &[b"http/1.1"]);
        assert_eq!(stream.conn.alpn_protocol(), Some(&b"http/1.1"[..]));
        std::fs::write(&file, format!("{tls}http_server_config:\n  http2: false\n")).unwrap();
        let mut stream = connect(address, &[b"h2", b"http/1.1"]);
        assert_eq!(stream.conn.alpn_protocol(), Some(&b"http/1.1"[..]));
        stream.write_all(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").unwrap();
        let mut text = String::new();
        stream.read_to_string(&mut text).unwrap();
        assert!(text.contains("\nnode_load1 "), "{text}");
    });
}

#[test]
fn flags_that_cannot_be_kept_are_refused_at_the_start() {
    for arguments in [
        &["--web.config.file=/nowhere/x"][..],
        &["--web.telemetry-path=metrics"],
        &["--web.max-requests=many"],
        &["--collector.deadline=5"],
    ] {
        assert!(Exporter::new(&flags(arguments), "1", Arc::new(SystemClock)).is_err(), "{arguments:?}");
    }
    for address in ["vsock://", "vsock://9100", "nonsense", "127.0.0.1:99999", ":"] {
        let flags = flags(&["--collector.disable-defaults", &format!("--web.listen-address={address}")]);
        let exporter = Exporter::new(&flags, "1", Arc::new(SystemClock)).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        assert!(
            runtime.block_on(Server::start(exporter, Listen::new(&flags, Face::Node).unwrap())).is_err(),
            "{address}"
        );
    }
}

#[test]
fn a_port_of_vsock_is_listened_on_where_the_kernel_has_it() {
    let has_vsock = procyon_linux::net::vsock::listen(0).is_ok();
    let flags = flags(&["--collector.disable-defaults", "--web.listen-address=vsock://:0"]);
    let exporter = Exporter::new(&flags, "1", Arc::new(SystemClock)).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let started = Server::start(exporter, Listen::new(&flags, Face::Node).unwrap()).await;
        assert_eq!(started.is_ok(), has_vsock, "{started:?}");
        let Ok(server) = started else { return };
        let [Address::Vsock(port)] = *server.addresses() else { panic!("{:?}", server.addresses()) };
        assert!(port > 0 && server.addresses()[0].to_string() == format!("vsock://:{port}"));
        // It is taken now, and given back with the server.
        assert_eq!(procyon_linux::net::vsock::listen(port).unwrap_err().kind(), std::io::ErrorKind::AddrInUse);
        server.stop().await;
    });
    drop(runtime);
}
