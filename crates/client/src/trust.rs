//! Which certificates of a server are believed: those that the system or `--cacert` vouch for, and the very ones that
//! `--cacert` names. The latter is how people use a certificate that they signed themselves.

use std::path::Path;
use std::sync::Arc;

use procyon_diag::{Fault, Kind};
use tokio_rustls::rustls::client::WebPkiServerVerifier;
use tokio_rustls::rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use tokio_rustls::rustls::{ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme};

use crate::{Credentials, Identity};

/// Believes the system's certificates and those in the files, and shows our own where the server asks for one.
pub(crate) fn trust(credentials: &Credentials) -> Result<ClientConfig, Fault> {
    let mut roots = RootCertStore::empty();
    // What the system has and cannot be read is missed only if the server needs it, and then the handshake says so.
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    let mut named = Vec::new();
    for path in &credentials.certificates {
        let failed = || Fault::new(Kind::Usage, format!("could not read certificates from {}", path.display()));
        for certificate in CertificateDer::pem_file_iter(path).map_err(|error| failed().because(error))? {
            named.push(certificate.map_err(|error| failed().because(error))?);
        }
    }
    roots.add_parsable_certificates(named.iter().cloned());
    let failed = || Fault::new(Kind::Failed, "no certificate can be trusted on this machine");
    if roots.is_empty() {
        return Err(
            failed().hint("install the package ca-certificates, or name the server's certificate with `--cacert FILE`")
        );
    }
    let usual = WebPkiServerVerifier::builder(Arc::new(roots)).build().map_err(|error| failed().because(error))?;
    let believer = Believer { usual, named };
    let builder = ClientConfig::builder().dangerous().with_custom_certificate_verifier(Arc::new(believer));
    let Some(Identity { certificate, key }) = &credentials.identity else { return Ok(builder.with_no_client_auth()) };
    let wrong =
        |what: &str, path: &Path| Fault::new(Kind::Usage, format!("could not read {what} from {}", path.display()));
    let chain: Vec<_> = CertificateDer::pem_file_iter(certificate)
        .and_then(Iterator::collect)
        .map_err(|error| wrong("a certificate", certificate).because(error))?;
    if chain.is_empty() {
        return Err(wrong("a certificate", certificate).hint("the file must be PEM: `-----BEGIN CERTIFICATE-----`"));
    }
    let private = PrivateKeyDer::from_pem_file(key).map_err(|error| wrong("a private key", key).because(error))?;
    builder.with_client_auth_cert(chain, private).map_err(|error| {
        let what = format!("the key {} does not fit the certificate {}", key.display(), certificate.display());
        Fault::new(Kind::Usage, what).because(error)
    })
}

#[derive(Debug)]
struct Believer {
    usual: Arc<WebPkiServerVerifier>,
    named: Vec<CertificateDer<'static>>,
}

impl ServerCertVerifier for Believer {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        // The handshake's signature, checked below, shows that the server has its key.
        if self.named.iter().any(|named| named == end_entity) {
            return Ok(ServerCertVerified::assertion());
        }
        self.usual.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.usual.verify_tls12_signature(message, cert, dss)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.usual.verify_tls13_signature(message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.usual.supported_verify_schemes()
    }
}
