//! TLS: the same answers, and cookies that leave by TLS alone.

use std::net::TcpStream;
use std::path::PathBuf;
use std::sync::Arc;

use procyon_api::{Config, TlsFiles};
use serde_json::json;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::CertificateDer;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

use crate::client::{Ask, connect};
use crate::site::Site;

/// Made for these tests: `openssl req -x509 -newkey ec …`, for localhost and 127.0.0.1.
fn file(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(name)
}

fn files() -> TlsFiles {
    TlsFiles { certificate: file("localhost.crt"), key: file("localhost.key") }
}

fn open(site: &Site) -> StreamOwned<ClientConnection, TcpStream> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(file("localhost.crt")).unwrap()).unwrap();
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
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
        };
        let config = Config { listen: Some("127.0.0.1:0".parse().unwrap()), tls: Some(tls), ..Config::default() };
        procyon_api::Server::start(config, context).map(drop).unwrap_err().to_string()
    };
    let none = start(TlsFiles { certificate: file("none.crt"), ..files() });
    assert!(none.contains("none.crt"), "{none}");
    let swapped = start(TlsFiles { certificate: file("localhost.key"), key: file("localhost.crt") });
    assert!(swapped.contains("localhost.key"), "{swapped}");
}
