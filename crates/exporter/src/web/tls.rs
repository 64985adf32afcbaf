//! TLS as `--web.config.file` wants it.

use std::sync::Arc;

use procyon_diag::{Fault, Kind};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::client::danger::HandshakeSignatureValid;
use tokio_rustls::rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use tokio_rustls::rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use tokio_rustls::rustls::server::{ParsedCertificate, WebPkiClientVerifier};
use tokio_rustls::rustls::{
    DigitallySignedStruct, DistinguishedName, Error, RootCertStore, ServerConfig, SignatureScheme, version,
};

use super::config::{Clients, Pem, Tls, Version};

/// What clients may choose from to speak over TLS (ALPN), the best first.
pub(super) const HTTP2_AND_1: &[&[u8]] = &[HTTP2, b"http/1.1"];
/// The same without HTTP/2.
pub(super) const HTTP1_ALONE: &[&[u8]] = &[b"http/1.1"];
/// How HTTP/2 is called there.
pub(super) const HTTP2: &[u8] = b"h2";

/// Reads the certificates and makes what speaks TLS, and then one of these protocols.
pub(super) fn acceptor(tls: &Tls, protocols: &[&[u8]]) -> Result<TlsAcceptor, Fault> {
    let wrong = |what: &str| Fault::usage(format!("--web.config.file: {what}"));
    let provider = provider(tls)?;
    let versions: &[_] = match (tls.min_version, tls.max_version) {
        (Version::Tls12, Version::Tls12) => &[&version::TLS12],
        (Version::Tls13, _) => &[&version::TLS13],
        (Version::Tls12, Version::Tls13) => &[&version::TLS12, &version::TLS13],
    };
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_protocol_versions(versions)
        .map_err(|error| wrong("cipher_suites leave nothing for these versions of TLS").because(error))?;
    let builder = match verifier(tls, &provider)? {
        None => builder.with_no_client_auth(),
        Some(verifier) => builder.with_client_cert_verifier(verifier),
    };
    let chain = certificates(&tls.certificate, "certificate")?;
    let key = match &tls.key {
        Pem::File(path) => PrivateKeyDer::from_pem_file(path)
            .map_err(|error| wrong(&format!("could not read a private key from {}", path.display())).because(error)),
        Pem::Text(text) => PrivateKeyDer::from_pem_slice(text.as_bytes())
            .map_err(|error| wrong("could not read the private key in `key`").because(error)),
    }?;
    let mut config = builder
        .with_single_cert(chain, key)
        .map_err(|error| wrong("the key does not fit the certificate").because(error))?;
    config.alpn_protocols = protocols.iter().map(|protocol| protocol.to_vec()).collect();
    Ok(TlsAcceptor::from(Arc::new(config)))
}

fn certificates(pem: &Pem, what: &str) -> Result<Vec<CertificateDer<'static>>, Fault> {
    let (found, place) = match pem {
        Pem::File(path) => {
            (CertificateDer::pem_file_iter(path).and_then(Iterator::collect), format!("from {}", path.display()))
        }
        Pem::Text(text) => (CertificateDer::pem_slice_iter(text.as_bytes()).collect(), "in the file".to_owned()),
    };
    let wrong = || {
        Fault::usage(format!("--web.config.file: could not read a {what} {place}"))
            .hint("it must be PEM: `-----BEGIN CERTIFICATE-----`")
    };
    let found: Vec<_> = found.map_err(|error| wrong().because(error))?;
    if found.is_empty() { Err(wrong()) } else { Ok(found) }
}

/// The cryptography, less what the file leaves out.
fn provider(tls: &Tls) -> Result<Arc<CryptoProvider>, Fault> {
    let mut provider = ring::default_provider();
    if !tls.ciphers.is_empty() {
        // Go spells suites of 1.3 as `TLS_AES…`, rustls as `TLS13_AES…`; those of 1.3 cannot be left out in Go.
        let named = |name: &str| tls.ciphers.iter().any(|cipher| cipher == name);
        provider.cipher_suites.retain(|suite| {
            let name = format!("{:?}", suite.suite());
            name.starts_with("TLS13_") || named(&name)
        });
    }
    if !tls.curves.is_empty() {
        let named = |name: &str| {
            tls.curves.iter().any(|curve| {
                matches!(
                    (&**curve, name),
                    ("X25519", "X25519") | ("CurveP256", "secp256r1") | ("CurveP384", "secp384r1")
                )
            })
        };
        provider.kx_groups.retain(|group| named(&format!("{:?}", group.name())));
        if provider.kx_groups.is_empty() {
            return Err(Fault::usage("--web.config.file: curve_preferences names no curve that there is")
                .hint("CurveP256, CurveP384 and X25519 are"));
        }
    }
    Ok(Arc::new(provider))
}

fn verifier(tls: &Tls, provider: &Arc<CryptoProvider>) -> Result<Option<Arc<dyn ClientCertVerifier>>, Fault> {
    let mandatory = matches!(tls.clients, Clients::RequireAny | Clients::RequireAndVerify);
    match tls.clients {
        Clients::Nothing => return Ok(None),
        Clients::Any | Clients::RequireAny => {
            return Ok(Some(Arc::new(Unverified { mandatory, provider: Arc::clone(provider) })));
        }
        Clients::VerifyIfGiven | Clients::RequireAndVerify => {}
    }
    let wrong = || Fault::new(Kind::Usage, "--web.config.file: could not read authorities of clients");
    let mut roots = RootCertStore::empty();
    for certificate in
        tls.authority.iter().map(|pem| certificates(pem, "certificate")).collect::<Result<Vec<_>, _>>()?
    {
        for certificate in certificate {
            roots.add(certificate).map_err(|error| wrong().because(error))?;
        }
    }
    let builder = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(provider));
    let builder = if mandatory { builder } else { builder.allow_unauthenticated() };
    let signed = builder.build().map_err(|error| wrong().because(error))?;
    if tls.allowed_names.is_empty() {
        return Ok(Some(signed));
    }
    let names: Result<Vec<_>, _> = tls.allowed_names.iter().map(|name| ServerName::try_from(name.clone())).collect();
    let names = names.map_err(|error| {
        Fault::usage("--web.config.file: client_allowed_sans takes host names and addresses").because(error)
    })?;
    Ok(Some(Arc::new(Named { signed, names })))
}

/// Takes a certificate from clients and believes none: who only wants to know that there is one.
#[derive(Debug)]
struct Unverified {
    mandatory: bool,
    provider: Arc<CryptoProvider>,
}

impl ClientCertVerifier for Unverified {
    fn client_auth_mandatory(&self) -> bool {
        self.mandatory
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        Ok(ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, certificate, signed, &self.provider.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, certificate, signed, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

/// Takes certificates that the authority signed for one of these names.
#[derive(Debug)]
struct Named {
    signed: Arc<dyn ClientCertVerifier>,
    names: Vec<ServerName<'static>>,
}

impl ClientCertVerifier for Named {
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        self.signed.root_hint_subjects()
    }

    fn verify_client_cert(
        &self,
        certificate: &CertificateDer<'_>,
        between: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        let verified = self.signed.verify_client_cert(certificate, between, now)?;
        let parsed = ParsedCertificate::try_from(certificate)?;
        let mut outcome =
            Err(Error::General("the certificate has none of the names in client_allowed_sans".to_owned()));
        for name in &self.names {
            let fits = tokio_rustls::rustls::client::verify_server_name(&parsed, name);
            if fits.is_ok() {
                outcome = Ok(verified);
                break;
            }
        }
        outcome
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.signed.verify_tls12_signature(message, certificate, signed)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.signed.verify_tls13_signature(message, certificate, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.signed.supported_verify_schemes()
    }
}
