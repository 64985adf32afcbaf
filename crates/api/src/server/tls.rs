//! TLS from a certificate and a key in PEM files.

use std::path::Path;
use std::sync::Arc;

use procyon_diag::{Fault, Kind};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::server::WebPkiClientVerifier;
use tokio_rustls::rustls::server::danger::ClientCertVerifier;
use tokio_rustls::rustls::{RootCertStore, ServerConfig};

use super::TlsFiles;

/// Reads the files.
pub(super) fn acceptor(files: &TlsFiles) -> Result<TlsAcceptor, Fault> {
    let wrong = |what: &str, path: &std::path::Path| {
        Fault::usage(format!("could not read a {what} from {}", path.display()))
            .hint("the file must be PEM: `-----BEGIN …-----`")
    };
    let chain: Vec<_> = CertificateDer::pem_file_iter(&files.certificate)
        .and_then(Iterator::collect)
        .map_err(|error| wrong("certificate", &files.certificate).because(error))?;
    if chain.is_empty() {
        return Err(wrong("certificate", &files.certificate));
    }
    let key =
        PrivateKeyDer::from_pem_file(&files.key).map_err(|error| wrong("private key", &files.key).because(error))?;
    let builder = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| Fault::new(Kind::Failed, "could not set up TLS").because(error))?;
    let builder = match &files.clients {
        None => builder.with_no_client_auth(),
        Some(clients) => builder.with_client_cert_verifier(verifier(&clients.authority)?),
    };
    let mut config = builder.with_single_cert(chain, key).map_err(|error| {
        Fault::usage(format!(
            "the key {} does not fit the certificate {}",
            files.key.display(),
            files.certificate.display()
        ))
        .because(error)
    })?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(TlsAcceptor::from(Arc::new(config)))
}

/// Verifies certificates of clients that show one. Those who show none may have a token.
fn verifier(authority: &Path) -> Result<Arc<dyn ClientCertVerifier>, Fault> {
    let wrong = || {
        Fault::usage(format!("could not read authorities of clients from {}", authority.display()))
            .hint("the file must be PEM: `-----BEGIN CERTIFICATE-----`")
    };
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(authority).map_err(|error| wrong().because(error))? {
        roots.add(certificate.map_err(|error| wrong().because(error))?).map_err(|error| wrong().because(error))?;
    }
    if roots.is_empty() {
        return Err(wrong());
    }
    WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::new(ring::default_provider()))
        .allow_unauthenticated()
        .build()
        .map_err(|error| wrong().because(error))
}
