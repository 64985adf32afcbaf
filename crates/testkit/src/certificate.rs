//! Certificates for tests of TLS: an authority and what it signs, ECDSA on P-256, good from 2020 to 2099.

use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair};

/// A certificate with its private key, each in PEM.
#[derive(Debug, Clone)]
pub struct Certified {
    /// The certificate.
    pub certificate: String,
    /// Its private key.
    pub key: String,
}

/// Somebody who signs certificates.
#[derive(Debug)]
pub struct Authority {
    name: String,
    pair: EcdsaKeyPair,
    /// Its own certificate, in PEM.
    pub certificate: String,
}

const SEQUENCE: u8 = 0x30;
const SET: u8 = 0x31;
const INTEGER: u8 = 2;
const BITS: u8 = 3;
const BYTES: u8 = 4;
const OID: u8 = 6;
const TEXT: u8 = 0x0c;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;

impl Authority {
    /// An authority with this common name.
    ///
    /// # Panics
    /// When the kernel has no random numbers.
    pub fn new(name: &str) -> Self {
        let (pair, _) = key();
        let certificate = certificate(name, &pair, name, &pair, Use::Authority, "20991231235959Z");
        Self { name: name.to_owned(), pair, certificate }
    }

    /// A client's certificate with this common name.
    ///
    /// # Panics
    /// When the kernel has no random numbers.
    pub fn client(&self, name: &str) -> Certified {
        self.client_until(name, "20991231235959Z")
    }

    /// The same, good until a time as `20991231235959Z`.
    ///
    /// # Panics
    /// When the kernel has no random numbers.
    pub fn client_until(&self, name: &str, until: &str) -> Certified {
        let (pair, pkcs8) = key();
        let certificate = certificate(name, &pair, &self.name, &self.pair, Use::Client, until);
        Certified { certificate, key: pem("PRIVATE KEY", &pkcs8) }
    }

    /// The certificate of a host with this name, which stands in it as `subjectAltName`.
    ///
    /// # Panics
    /// When the kernel has no random numbers.
    pub fn server(&self, host: &str) -> Certified {
        let (pair, pkcs8) = key();
        let certificate = certificate(host, &pair, &self.name, &self.pair, Use::Server, "20991231235959Z");
        Certified { certificate, key: pem("PRIVATE KEY", &pkcs8) }
    }
}

/// What a certificate is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Use {
    Authority,
    Client,
    Server,
}

fn key() -> (EcdsaKeyPair, Vec<u8>) {
    let random = SystemRandom::new();
    let pkcs8 = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &random).expect("random numbers");
    let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, pkcs8.as_ref(), &random).expect("our own key");
    (pair, pkcs8.as_ref().to_vec())
}

fn certificate(
    subject: &str,
    subject_key: &EcdsaKeyPair,
    issuer: &str,
    issuer_key: &EcdsaKeyPair,
    for_use: Use,
    until: &str,
) -> String {
    // ecdsa-with-SHA256; id-ecPublicKey on prime256v1; basicConstraints.
    let algorithm = der(SEQUENCE, &[der(OID, &[vec![0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02]])]);
    let curve = [
        der(OID, &[vec![0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01]]),
        der(OID, &[vec![0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07]]),
    ];
    let public = [vec![0], subject_key.public_key().as_ref().to_vec()].concat();
    let constraints = if for_use == Use::Authority { der(SEQUENCE, &[vec![1, 1, 0xff]]) } else { der(SEQUENCE, &[]) };
    let mut extensions =
        vec![der(SEQUENCE, &[der(OID, &[vec![0x55, 0x1d, 0x13]]), vec![1, 1, 0xff], der(BYTES, &[constraints])])];
    if for_use == Use::Server {
        // subjectAltName with one dNSName.
        let names = der(SEQUENCE, &[der(0x82, &[subject.as_bytes().to_vec()])]);
        extensions.push(der(SEQUENCE, &[der(OID, &[vec![0x55, 0x1d, 0x11]]), der(BYTES, &[names])]));
    }
    let random = SystemRandom::new();
    let mut serial = vec![0x40; 12];
    ring::rand::SecureRandom::fill(&random, serial.get_mut(1..).expect("twelve bytes")).expect("random numbers");
    let body = der(
        SEQUENCE,
        &[
            der(0xa0, &[der(INTEGER, &[vec![2]])]),
            der(INTEGER, &[serial]),
            algorithm.clone(),
            name(issuer),
            der(
                SEQUENCE,
                &[der(UTC_TIME, &[b"200101000000Z".to_vec()]), der(GENERALIZED_TIME, &[until.as_bytes().to_vec()])],
            ),
            name(subject),
            der(SEQUENCE, &[der(SEQUENCE, &curve), der(BITS, &[public])]),
            der(0xa3, &[der(SEQUENCE, &extensions)]),
        ],
    );
    let signature = issuer_key.sign(&random, &body).expect("a signature").as_ref().to_vec();
    pem("CERTIFICATE", &der(SEQUENCE, &[body, algorithm, der(BITS, &[vec![0], signature])]))
}

/// A distinguished name of a country and a common name.
fn name(common: &str) -> Vec<u8> {
    let part = |kind: u8, text: &str| {
        der(SET, &[der(SEQUENCE, &[der(OID, &[vec![0x55, 4, kind]]), der(TEXT, &[text.as_bytes().to_vec()])])])
    };
    der(SEQUENCE, &[part(6, "XX"), part(3, common)])
}

fn der(tag: u8, parts: &[Vec<u8>]) -> Vec<u8> {
    let content = parts.concat();
    let length = u16::try_from(content.len()).expect("certificates are small");
    let [high, low] = length.to_be_bytes();
    let mut out = match length {
        0..0x80 => vec![tag, low],
        0x80..0x100 => vec![tag, 0x81, low],
        _ => vec![tag, 0x82, high, low],
    };
    out.extend(content);
    out
}

fn pem(what: &str, bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let letters = bytes.chunks(3).flat_map(|three| {
        let number = three.iter().fold(0_u32, |sum, byte| sum << 8 | u32::from(*byte)) << (8 * (3 - three.len()));
        (0..4).map(move |at| {
            let six = usize::try_from(number >> (18 - 6 * at) & 63).expect("six bits");
            if at > three.len() { '=' } else { char::from(*LETTERS.get(six).expect("64 letters")) }
        })
    });
    let letters: Vec<char> = letters.collect();
    let lines: Vec<String> = letters.chunks(64).map(|line| line.iter().collect()).collect();
    format!("-----BEGIN {what}-----\n{}\n-----END {what}-----\n", lines.join("\n"))
}
