//! TLS: the same answers, and cookies that leave by TLS alone.

use std::net::TcpStream;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use procyon_api::access::tokens::Role;
use procyon_api::{ClientCertificates, Config, TlsFiles};
use procyon_testkit::certificate::{Authority, Certified};
use serde_json::{Value, json};
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

use tungstenite::client::IntoClientRequest;

use crate::client::{Ask, connect};
use crate::site::Site;

/// Made for these tests: `openssl req -x509 -newkey ec …`, for localhost and 127.0.0.1.
fn file(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(name)
}

fn files() -> TlsFiles {
    TlsFiles { certificate: file("localhost.crt"), key: file("localhost.key"), clients: None }
}

fn open(site: &Site) -> StreamOwned<ClientConnection, TcpStream> {
    open_as(site, None)
}

/// A connection that shows this certificate.
fn open_as(site: &Site, shown: Option<&Certified>) -> StreamOwned<ClientConnection, TcpStream> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(file("localhost.crt")).unwrap()).unwrap();
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots);
    let config = match shown {
        None => config.with_no_client_auth(),
        Some(shown) => {
            let certificate = CertificateDer::from_pem_slice(shown.certificate.as_bytes()).unwrap();
            let key = PrivateKeyDer::from_pem_slice(shown.key.as_bytes()).unwrap();
            config.with_client_auth_cert(vec![certificate], key).unwrap()
        }
    };
    let connection = ClientConnection::new(Arc::new(config), "localhost".try_into().unwrap()).unwrap();
    StreamOwned::new(connection, connect(site.address))
}

#[test]
fn answers_come_by_tls_and_cookies_stay_there() {
    let site = Site::with(|config| Config { tls: Some(files()), ..config });
    assert!(site.server.as_ref().unwrap().url().starts_with("https://127.0.0.1:"));
    let sign_in = Ask::post("/api/v1/session", &json!({ "token": site.viewer }));
    let reply = sign_in.over(open(&site), "localhost");
    assert_eq!(reply.status, 200, "{}", reply.text());
    assert!(reply.header("set-cookie").unwrap().contains("; Secure"));
    let reply = Ask::get("/api/v1/hosts").token(&site.viewer).over(open(&site), "localhost");
    assert_eq!(reply.status, 200);
}

#[test]
fn off_loopback_there_is_tls_and_nobody_without_a_token() {
    let site = Site::with(|config| Config { listen: Some("0.0.0.0:0".parse().unwrap()), tls: Some(files()), ..config });
    let reply = Ask::get("/api/v1/hosts").over(open(&site), "localhost");
    assert_eq!(reply.status, 200, "this client is on loopback all the same");
    let reply = Ask::get("/api/v1/hosts").with("x-forwarded-for", "192.0.2.1").over(open(&site), "localhost");
    assert_eq!(reply.status, 401);
}

/// A site whose clients may show certificates of this authority; the folder holds its file.
fn site_of(authority: &Authority, folder: &tempfile::TempDir) -> Site {
    let path = folder.path().join("clients.pem");
    std::fs::write(&path, &authority.certificate).unwrap();
    let clients = ClientCertificates { authority: path, role: Role::Viewer, operators: vec!["alice".to_owned()] };
    Site::with(|config| Config { tls: Some(TlsFiles { clients: Some(clients), ..files() }), ..config })
}

fn session(site: &Site, shown: Option<&Certified>, ask: &Ask<'_>) -> (u16, Value) {
    let reply = ask.over(open_as(site, shown), "localhost");
    (reply.status, reply.json())
}

#[test]
fn a_client_certificate_of_a_known_authority_signs_in() {
    let (authority, folder) = (Authority::new("clients"), tempfile::tempdir().unwrap());
    let site = site_of(&authority, &folder);
    let ask = Ask::get("/api/v1/session");
    let who = |shown: Option<&Certified>, ask: &Ask<'_>| {
        let (status, body) = session(&site, shown, ask);
        assert_eq!(status, 200, "{body}");
        (body["role"].as_str().unwrap().to_owned(), body["name"].as_str().unwrap().to_owned())
    };
    let named = |role: &str, name: &str| (role.to_owned(), name.to_owned());
    let (alice, bob) = (authority.client("alice"), authority.client("bob"));
    assert_eq!(who(Some(&alice), &ask), named("operator", "alice"));
    assert_eq!(who(Some(&bob), &ask), named("viewer", "bob"));
    assert_eq!(who(None, &ask), named("anonymous", "anonymous"), "a certificate is not asked of anybody");
    // A token says more than the certificate, and a wrong one is still wrong.
    assert_eq!(who(Some(&bob), &ask.clone().token(&site.operator)), named("operator", "operator"));
    assert_eq!(session(&site, Some(&bob), &ask.clone().token("procyon_wrong")).0, 401);
    // Private columns for viewers, signals for operators alone; both are written down by name.
    let list = Ask::get("/api/v1/hosts/local/processes?columns=exe&limit=1");
    assert_eq!((session(&site, None, &list).0, session(&site, Some(&bob), &list).0), (401, 200));
    let mut child = std::process::Command::new("sleep").arg("1000").spawn().unwrap();
    site.tick();
    let path = format!("/api/v1/hosts/local/processes/{}/signal", site.key(child.id()));
    let kill = Ask { path: &path, ..Ask::post(&path, &json!({ "signal": "KILL" })) };
    assert_eq!(session(&site, Some(&bob), &kill).0, 403);
    assert!(child.try_wait().unwrap().is_none());
    assert_eq!(session(&site, Some(&alice), &kill).0, 200);
    child.wait().unwrap();
    let log = std::fs::read_to_string(site.state.path().join("audit.jsonl")).unwrap();
    assert!(log.contains("\"bob\"") && log.contains("\"alice\"") && log.contains("by a client certificate"), "{log}");
    // A browser sends the certificate along with whatever a page of another site asks for.
    let foreign = kill.clone().with("origin", "https://evil.example");
    assert_eq!(session(&site, Some(&alice), &foreign).0, 403);
    let image = format!("/monitor/process/kill/{}", std::process::id());
    assert_eq!(session(&site, Some(&alice), &Ask::get(&image)).0, 403);
}

#[test]
fn a_certificate_of_somebody_else_or_of_yesterday_is_refused() {
    let (authority, folder) = (Authority::new("clients"), tempfile::tempdir().unwrap());
    let site = site_of(&authority, &folder);
    // Another authority of the same name.
    let forged = Authority::new("clients").client("alice");
    let old = authority.client_until("alice", "20210101000000Z");
    for shown in [&forged, &old] {
        let mut stream = open_as(&site, Some(shown));
        let refused =
            std::io::Write::write_all(&mut stream, b"GET /api/v1/session HTTP/1.1\r\nhost: localhost\r\n\r\n")
                .and_then(|()| std::io::Read::read_to_end(&mut stream, &mut Vec::new()));
        assert!(refused.is_err(), "the handshake fails");
    }
    // Signed by the authority, but good for a few seconds only: a live stream ends with it.
    let mut socket = procyon_testkit::eventually("a handshake within these seconds", Duration::from_mins(2), || {
        let ends = jiff::Timestamp::now() + jiff::SignedDuration::from_secs(4);
        let short = authority.client_until("bob", &ends.strftime("%Y%m%d%H%M%SZ").to_string());
        let request = "wss://localhost/api/v1/hosts/local/live".into_client_request().unwrap();
        tungstenite::client(request, open_as(&site, Some(&short))).ok().map(|(socket, _)| socket)
    });
    let closed = loop {
        match socket.read().unwrap() {
            tungstenite::Message::Close(frame) => break frame.unwrap(),
            tungstenite::Message::Text(_) => {}
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(closed.reason.as_str(), "the client certificate has run out");
}

#[test]
fn wrong_files_are_named() {
    let start = |tls: TlsFiles| {
        let state = tempfile::tempdir().unwrap();
        let context = procyon_api::Context {
            hosts: Vec::new(),
            control: None,
            tokens: Arc::new(procyon_api::access::tokens::Tokens::open(state.path()).unwrap()),
            clock: Arc::new(procyon_units::SystemClock),
            capabilities: Box::new(Vec::new),
            metrics: None,
            tracer: None,
        };
        let config = Config { listen: Some("127.0.0.1:0".parse().unwrap()), tls: Some(tls), ..Config::default() };
        procyon_api::Server::start(config, context).map(drop).unwrap_err().to_string()
    };
    let none = start(TlsFiles { certificate: file("none.crt"), ..files() });
    assert!(none.contains("none.crt"), "{none}");
    let swapped = start(TlsFiles { certificate: file("localhost.key"), key: file("localhost.crt"), ..files() });
    assert!(swapped.contains("localhost.key"), "{swapped}");
    let clients = |name: &str| ClientCertificates { authority: file(name), role: Role::Viewer, operators: Vec::new() };
    for name in ["no-clients.pem", "localhost.key"] {
        let said = start(TlsFiles { clients: Some(clients(name)), ..files() });
        assert!(said.contains(name), "{said}");
    }
}
