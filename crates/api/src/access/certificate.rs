//! Client certificates: whom one names and until when it is good. TLS has verified it before anything here reads it.
//!
//! Of the certificate (RFC 5280) only the validity and the common name of the subject are read, by a reader of DER that
//! fits a page: names are shown, logged and compared, and never decide without the signature of the authority.

use std::sync::Arc;

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use procyon_units::Wall;
use procyon_wire::Role;

/// What client certificates are good for.
#[derive(Debug, Clone)]
pub struct ClientCertificates {
    /// PEM file of the authorities that sign them.
    pub authority: std::path::PathBuf,
    /// What the holder of one may do.
    pub role: Role,
    /// Common names of those who are operators, whatever the role of the others.
    pub operators: Vec<String>,
}

/// The holder of a certificate that TLS has verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Holder {
    /// Common name of the subject.
    pub(crate) name: Arc<str>,
    /// What they may do.
    pub(crate) role: Role,
    /// From when on the certificate is void.
    pub(crate) until: Wall,
}

impl ClientCertificates {
    /// The holder of this certificate; none when it names nobody.
    pub(crate) fn holder(&self, certificate: &[u8]) -> Option<Holder> {
        let (name, until) = read(certificate)?;
        let role = if self.operators.contains(&name) { Role::Operator } else { self.role };
        Some(Holder { name: name.into(), role, until })
    }
}

/// Longest name, in characters.
const MAX_NAME: usize = 64;

/// Tags of DER (X.690) that certificates are made of.
mod tag {
    pub(super) const INTEGER: u8 = 0x02;
    pub(super) const OID: u8 = 0x06;
    pub(super) const UTF8: u8 = 0x0c;
    pub(super) const PRINTABLE: u8 = 0x13;
    pub(super) const UTC_TIME: u8 = 0x17;
    pub(super) const GENERALIZED_TIME: u8 = 0x18;
    pub(super) const SEQUENCE: u8 = 0x30;
    pub(super) const SET: u8 = 0x31;
    pub(super) const VERSION: u8 = 0xa0;
}

/// `id-at-commonName`.
const COMMON_NAME: &[u8] = &[0x55, 0x04, 0x03];

/// Common name of the subject, and the end of validity.
pub(crate) fn read(certificate: &[u8]) -> Option<(String, Wall)> {
    let (_, certificate, _) = take(certificate).filter(|(found, ..)| *found == tag::SEQUENCE)?;
    let (_, body, _) = take(certificate).filter(|(found, ..)| *found == tag::SEQUENCE)?;
    let mut rest = body;
    let mut next = |wanted: u8| {
        let (found, content, after) = take(rest)?;
        if found != wanted {
            return None;
        }
        rest = after;
        Some(content)
    };
    // The version is left out in the first one.
    let _version = next(tag::VERSION);
    let _serial = next(tag::INTEGER)?;
    let _algorithm = next(tag::SEQUENCE)?;
    let _issuer = next(tag::SEQUENCE)?;
    let validity = next(tag::SEQUENCE)?;
    let subject = next(tag::SEQUENCE)?;
    let (.., after_begin) = take(validity)?;
    let (kind, end, _) = take(after_begin)?;
    Some((common_name(subject)?, time(kind, end)?))
}

/// The last common name, which is the most specific one.
fn common_name(mut subject: &[u8]) -> Option<String> {
    let mut name = None;
    while let Some((tag::SET, mut set, after)) = take(subject) {
        subject = after;
        while let Some((tag::SEQUENCE, attribute, after)) = take(set) {
            set = after;
            if let Some((tag::OID, COMMON_NAME, value)) = take(attribute)
                && let Some((tag::UTF8 | tag::PRINTABLE, text, _)) = take(value)
            {
                name = std::str::from_utf8(text).ok();
            }
        }
    }
    let fit = |name: &&str| !name.is_empty() && name.chars().count() <= MAX_NAME && !name.chars().any(char::is_control);
    name.filter(fit).map(str::to_owned)
}

/// `YYMMDDHHMMSSZ` or `YYYYMMDDHHMMSSZ`.
fn time(kind: u8, text: &[u8]) -> Option<Wall> {
    let text = std::str::from_utf8(text).ok()?.strip_suffix('Z')?;
    let (year, rest) = match kind {
        tag::UTC_TIME => (number(text.get(..2)?)?, text.get(2..)?),
        tag::GENERALIZED_TIME => (number(text.get(..4)?)?, text.get(4..)?),
        _ => return None,
    };
    // RFC 5280, 4.1.2.5.1: two digits are of 1950 to 2049.
    let year = match kind {
        tag::UTC_TIME if year < 50 => 2000 + year,
        tag::UTC_TIME => 1900 + year,
        _ => year,
    };
    let mut parts = (0..5).map(|at| i8::try_from(number(rest.get(2 * at..2 * at + 2)?)?).ok());
    let mut part = || parts.next().flatten();
    let time = DateTime::new(year, part()?, part()?, part()?, part()?, part()?, 0).ok()?;
    Some(Wall::from_unix_ms(TimeZone::UTC.to_timestamp(time).ok()?.as_millisecond()))
}

fn number(digits: &str) -> Option<i16> {
    if digits.bytes().all(|byte| byte.is_ascii_digit()) { digits.parse().ok() } else { None }
}

/// The first value: its tag, its content, and what follows it.
fn take(der: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (kind, rest) = der.split_first()?;
    let (first, mut rest) = rest.split_first()?;
    let mut length = usize::from(*first);
    if *first >= 0x80 {
        // No certificate that fits a handshake needs more than three bytes.
        let bytes = usize::from(*first & 0x7f);
        if !(1..=3).contains(&bytes) {
            return None;
        }
        let (digits, after) = rest.split_at_checked(bytes)?;
        length = digits.iter().fold(0, |sum, byte| sum << 8 | usize::from(*byte));
        rest = after;
    }
    let (content, after) = rest.split_at_checked(length)?;
    Some((*kind, content, after))
}

#[cfg(test)]
mod tests {
    use procyon_testkit::certificate::Authority;
    use tokio_rustls::rustls::pki_types::CertificateDer;
    use tokio_rustls::rustls::pki_types::pem::PemObject;

    use super::*;

    fn der(pem: &str) -> Vec<u8> {
        CertificateDer::from_pem_slice(pem.as_bytes()).unwrap().to_vec()
    }

    #[test]
    fn a_certificate_names_its_holder_and_its_end() {
        let authority = Authority::new("authority");
        let certificate = der(&authority.client_until("Ärger & Söhne", "20380119031408Z").certificate);
        assert_eq!(read(&certificate), Some(("Ärger & Söhne".to_owned(), Wall::from_unix_ms(2_147_483_648_000))));
        for name in ["", "a\nb", &"x".repeat(65)] {
            assert_eq!(read(&der(&authority.client(name).certificate)), None, "{name:?}");
        }
        let certificates =
            ClientCertificates { authority: "ca.pem".into(), role: Role::Viewer, operators: vec!["alice".to_owned()] };
        let role = |name: &str| certificates.holder(&der(&authority.client(name).certificate)).unwrap().role;
        assert_eq!((role("alice"), role("bob")), (Role::Operator, Role::Viewer));
        assert_eq!(time(tag::UTC_TIME, b"491231235959Z"), Some(Wall::from_unix_ms(2_524_607_999_000)));
        assert_eq!(time(tag::UTC_TIME, b"700101000000Z"), Some(Wall(0)));
        assert_eq!(time(tag::UTC_TIME, b"7001010000Z"), None);
    }

    #[test]
    fn damaged_certificates_are_none() {
        let whole = der(&Authority::new("authority").client("alice").certificate);
        for end in 0..whole.len() {
            let _no_panic = read(&whole[..end]);
        }
        for at in 0..whole.len() {
            for byte in [0, 0x30, 0x80, 0x84, 0xff] {
                let mut damaged = whole.clone();
                damaged[at] = byte;
                let _no_panic = read(&damaged);
            }
        }
    }
}
