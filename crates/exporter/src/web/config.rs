//! The file of `--web.config.file`, as the exporters of Prometheus share it: TLS, headers, passwords, a limit of requests.
//!
//! Keys that nobody knows are mistakes: a misspelt password would leave the door open.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use yaml_rust2::yaml::Hash;
use yaml_rust2::{Yaml, YamlLoader};

/// What the file says.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Config {
    pub(super) tls: Option<Tls>,
    /// Whether clients are kept from HTTP/2.
    pub(super) only_http1: bool,
    /// Headers of every answer.
    pub(super) headers: Vec<(&'static str, String)>,
    /// Users with their passwords by bcrypt.
    pub(super) users: BTreeMap<String, String>,
    pub(super) rate: Option<Rate>,
}

/// A certificate or a key: in a file, or in the configuration itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Pem {
    File(PathBuf),
    Text(String),
}

/// `tls_server_config`.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Tls {
    pub(super) certificate: Pem,
    pub(super) key: Pem,
    pub(super) clients: Clients,
    pub(super) authority: Option<Pem>,
    /// Names of which a client's certificate has to have one; empty for any.
    pub(super) allowed_names: Vec<String>,
    pub(super) min_version: Version,
    pub(super) max_version: Version,
    /// As the file spells them; empty for all that we have.
    pub(super) ciphers: Vec<String>,
    pub(super) curves: Vec<String>,
}

/// What clients have to show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Clients {
    Nothing,
    /// A certificate, looked at by nobody, if they like.
    Any,
    /// A certificate, looked at by nobody.
    RequireAny,
    /// A certificate that the authority signed, if they show one.
    VerifyIfGiven,
    /// A certificate that the authority signed.
    RequireAndVerify,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Version {
    Tls12,
    Tls13,
}

/// `rate_limit`: so many requests at once, and one more each interval.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Rate {
    pub(super) interval: Duration,
    pub(super) burst: u32,
}

/// What is wrong with the file.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("{0}")]
pub(super) struct ConfigError(pub(super) String);

fn wrong<T>(problem: impl Into<String>) -> Result<T, ConfigError> {
    Err(ConfigError(problem.into()))
}

/// Headers that may be set, by their keys.
const HEADERS: &[&str] = &[
    "Content-Security-Policy",
    "Strict-Transport-Security",
    "X-Content-Type-Options",
    "X-Frame-Options",
    "X-XSS-Protection",
];

impl Config {
    /// Reads the text; paths are relative to `folder`.
    pub(super) fn parse(text: &str, folder: &Path) -> Result<Self, ConfigError> {
        let documents = YamlLoader::load_from_str(text).map_err(|error| ConfigError(format!("yaml: {error}")))?;
        let mut config = Self::default();
        let Some(map) = documents.first().map(|document| map(document, "the file")).transpose()?.flatten() else {
            return Ok(config);
        };
        for (key, value) in map {
            match name(key)? {
                "tls_server_config" => config.tls = tls(value, folder)?,
                "http_server_config" => http(value, &mut config)?,
                "basic_auth_users" => config.users = users(value)?,
                "rate_limit" => config.rate = rate(value)?,
                other => return unknown(other, "the file"),
            }
        }
        Ok(config)
    }
}

fn unknown<T>(key: &str, place: &str) -> Result<T, ConfigError> {
    wrong(format!("field {key} not found in {place}"))
}

fn name(key: &Yaml) -> Result<&str, ConfigError> {
    key.as_str().map_or_else(|| wrong("a key is not a word"), Ok)
}

/// A map; none where there is nothing.
fn map<'a>(value: &'a Yaml, place: &str) -> Result<Option<&'a Hash>, ConfigError> {
    match value {
        Yaml::Hash(map) => Ok(Some(map)),
        Yaml::Null | Yaml::BadValue => Ok(None),
        _ => wrong(format!("{place} is not a map")),
    }
}

fn text(value: &Yaml, key: &str) -> Result<String, ConfigError> {
    match value {
        Yaml::String(text) | Yaml::Real(text) => Ok(text.clone()),
        Yaml::Integer(number) => Ok(number.to_string()),
        Yaml::Null => Ok(String::new()),
        _ => wrong(format!("{key} is not a string")),
    }
}

fn flag(value: &Yaml, key: &str) -> Result<bool, ConfigError> {
    value.as_bool().map_or_else(|| wrong(format!("{key} is not true or false")), Ok)
}

fn words(value: &Yaml, key: &str) -> Result<Vec<String>, ConfigError> {
    match value {
        Yaml::Array(list) => list.iter().map(|word| text(word, key)).collect(),
        Yaml::Null => Ok(Vec::new()),
        _ => wrong(format!("{key} is not a list")),
    }
}

fn tls(value: &Yaml, folder: &Path) -> Result<Option<Tls>, ConfigError> {
    const PLACE: &str = "tls_server_config";
    let Some(map) = map(value, PLACE)? else { return Ok(None) };
    let mut pems: BTreeMap<&str, Pem> = BTreeMap::new();
    let (mut clients, mut allowed_names) = (Clients::Nothing, Vec::new());
    let (mut min_version, mut max_version) = (Version::Tls12, Version::Tls13);
    let (mut ciphers, mut curves) = (Vec::new(), Vec::new());
    for (key, value) in map {
        match name(key)? {
            key @ ("cert_file" | "key_file" | "client_ca_file") => {
                let path = text(value, key)?;
                if !path.is_empty() {
                    pems.insert(key, Pem::File(folder.join(path)));
                }
            }
            key @ ("cert" | "key" | "client_ca") => {
                let text = text(value, key)?;
                if !text.is_empty() {
                    pems.insert(key, Pem::Text(text));
                }
            }
            "client_auth_type" => clients = who(&text(value, "client_auth_type")?)?,
            "client_allowed_sans" => allowed_names = words(value, "client_allowed_sans")?,
            "min_version" => min_version = version(&text(value, "min_version")?)?,
            "max_version" => max_version = version(&text(value, "max_version")?)?,
            "cipher_suites" => ciphers = words(value, "cipher_suites")?,
            "curve_preferences" => curves = words(value, "curve_preferences")?,
            // Ours are all good; the order of the client counts.
            "prefer_server_cipher_suites" => drop(flag(value, "prefer_server_cipher_suites")?),
            other => return unknown(other, PLACE),
        }
    }
    let mut one_of = |text: &str, file: &str| match (pems.remove(text), pems.remove(file)) {
        (Some(_), Some(_)) => wrong(format!("both {text} and {file} are given")),
        (one, other) => Ok(one.or(other)),
    };
    let certificate = one_of("cert", "cert_file")?;
    let key = one_of("key", "key_file")?;
    let authority = one_of("client_ca", "client_ca_file")?;
    let (certificate, key) = match (certificate, key) {
        (Some(certificate), Some(key)) => (certificate, key),
        (None, Some(_)) => return wrong("missing one of cert or cert_file"),
        (Some(_), None) => return wrong("missing one of key or key_file"),
        (None, None) if clients == Clients::Nothing && authority.is_none() => return Ok(None),
        (None, None) => return wrong("missing cert_file and key_file"),
    };
    if min_version > max_version {
        return wrong("min_version is above max_version");
    }
    if authority.is_some() && clients == Clients::Nothing {
        return wrong("client CA's have been configured without a client_auth_type");
    }
    let verifies = matches!(clients, Clients::VerifyIfGiven | Clients::RequireAndVerify);
    if verifies && authority.is_none() {
        return wrong("client_auth_type asks for certificates that client_ca_file signed, and there is no such file");
    }
    if !allowed_names.is_empty() && clients != Clients::RequireAndVerify {
        return wrong("client_allowed_sans only holds with client_auth_type RequireAndVerifyClientCert");
    }
    let tls = Tls { certificate, key, clients, authority, allowed_names, min_version, max_version, ciphers, curves };
    Ok(Some(tls))
}

fn who(word: &str) -> Result<Clients, ConfigError> {
    Ok(match word {
        "" | "NoClientCert" => Clients::Nothing,
        "RequestClientCert" => Clients::Any,
        "RequireAnyClientCert" | "RequireClientCert" => Clients::RequireAny,
        "VerifyClientCertIfGiven" => Clients::VerifyIfGiven,
        "RequireAndVerifyClientCert" => Clients::RequireAndVerify,
        other => return wrong(format!("invalid client_auth_type: {other}")),
    })
}

/// Versions before 1.2 are not spoken: whoever allows them gets 1.2.
fn version(word: &str) -> Result<Version, ConfigError> {
    match word {
        "TLS13" => Ok(Version::Tls13),
        "TLS12" | "TLS11" | "TLS10" => Ok(Version::Tls12),
        other => wrong(format!("unknown TLS version: {other}")),
    }
}

fn http(value: &Yaml, config: &mut Config) -> Result<(), ConfigError> {
    const PLACE: &str = "http_server_config";
    for (key, value) in map(value, PLACE)?.into_iter().flatten() {
        match name(key)? {
            "http2" => config.only_http1 = !flag(value, "http2")?,
            "headers" => {
                for (key, value) in map(value, "headers")?.into_iter().flatten() {
                    let key = name(key)?;
                    let Some(known) = HEADERS.iter().find(|known| known.eq_ignore_ascii_case(key)) else {
                        return wrong(format!("HTTP header {key:?} can not be configured"));
                    };
                    let value = text(value, key)?;
                    if !value.is_empty() {
                        if value.chars().any(char::is_control) {
                            return wrong(format!("HTTP header {key:?} holds a control character"));
                        }
                        config.headers.push((*known, value));
                    }
                }
            }
            other => return unknown(other, PLACE),
        }
    }
    Ok(())
}

fn users(value: &Yaml) -> Result<BTreeMap<String, String>, ConfigError> {
    let mut users = BTreeMap::new();
    for (user, hash) in map(value, "basic_auth_users")?.into_iter().flatten() {
        let (user, hash) = (text(user, "basic_auth_users")?, text(hash, "basic_auth_users")?);
        if hash.parse::<bcrypt::HashParts>().is_err() {
            return wrong(format!("the password of user {user} in basic_auth_users is no bcrypt hash"));
        }
        users.insert(user, hash);
    }
    Ok(users)
}

fn rate(value: &Yaml) -> Result<Option<Rate>, ConfigError> {
    const PLACE: &str = "rate_limit";
    let (mut interval, mut burst) = (Duration::ZERO, 0);
    for (key, value) in map(value, PLACE)?.into_iter().flatten() {
        match name(key)? {
            "interval" => {
                let word = text(value, "interval")?;
                let Some(time) = crate::flags::duration(&word) else {
                    return wrong(format!("interval of rate_limit: {word:?} is no length of time"));
                };
                interval = time;
            }
            "burst" => {
                let number = value.as_i64().and_then(|number| u32::try_from(number).ok());
                burst = number.map_or_else(|| wrong("burst of rate_limit is no whole number"), Ok)?;
            }
            other => return unknown(other, PLACE),
        }
    }
    Ok((!interval.is_zero()).then_some(Rate { interval, burst: burst.max(1) }))
}

#[cfg(test)]
mod tests {
    use super::*;

    const HASH: &str = "$2y$10$QOauhQNbBCuQDKes6eFzPeMqBSjb7Mr5DUmpZ/VcEd00UAV/LDeSi";

    fn parse(text: &str) -> Result<Config, String> {
        Config::parse(text, Path::new("/etc/x")).map_err(|error| error.0)
    }

    #[test]
    fn every_key_is_taken() {
        let text = format!(
            "tls_server_config:
  cert_file: a.pem
  key: |
    -----BEGIN
  client_auth_type: RequireAndVerifyClientCert
  client_ca_file: /ca.pem
  client_allowed_sans: [a.example]
  min_version: TLS13
  max_version: TLS13
  cipher_suites: [TLS_AES_128_GCM_SHA256]
  curve_preferences: [X25519]
  prefer_server_cipher_suites: true
http_server_config:
  http2: true
  headers:
    X-Frame-Options: deny
    Strict-Transport-Security: max-age=1
basic_auth_users:
  ada: {HASH}
rate_limit:
  interval: 250ms
  burst: 20
"
        );
        let config = parse(&text).unwrap();
        let tls = config.tls.unwrap();
        assert_eq!(tls.certificate, Pem::File("/etc/x/a.pem".into()));
        assert!(matches!(&tls.key, Pem::Text(text) if text.starts_with("-----BEGIN")));
        assert_eq!((tls.clients, tls.min_version), (Clients::RequireAndVerify, Version::Tls13));
        assert_eq!((config.headers.len(), config.users.len(), config.only_http1), (2, 1, false));
        assert_eq!(config.rate, Some(Rate { interval: Duration::from_millis(250), burst: 20 }));
        assert_eq!(parse("").unwrap(), Config::default());
        assert_eq!(parse("tls_server_config:\n").unwrap(), Config::default());
    }

    #[test]
    fn mistakes_name_the_key() {
        for (text, expected) in [
            ("basic_auth_user:\n  a: b\n", "field basic_auth_user not found in the file"),
            ("tls_server_config:\n  cert_fle: a\n", "field cert_fle not found in tls_server_config"),
            ("tls_server_config:\n  cert_file: a\n", "missing one of key or key_file"),
            ("tls_server_config:\n  key_file: a\n", "missing one of cert or cert_file"),
            ("tls_server_config:\n  cert_file: a\n  cert: b\n  key_file: c\n", "both cert and cert_file are given"),
            ("tls_server_config:\n  client_auth_type: Maybe\n", "invalid client_auth_type: Maybe"),
            (
                "tls_server_config:\n  cert_file: a\n  key_file: b\n  client_ca_file: c\n",
                "client CA's have been configured without a client_auth_type",
            ),
            ("tls_server_config:\n  min_version: SSL3\n", "unknown TLS version: SSL3"),
            ("http_server_config:\n  headers:\n    X-Other: a\n", "HTTP header \"X-Other\" can not be configured"),
            ("http_server_config:\n  http2: maybe\n", "http2 is not true or false"),
            ("basic_auth_users:\n  ada: secret\n", "the password of user ada in basic_auth_users is no bcrypt hash"),
            ("rate_limit:\n  interval: 5\n", "interval of rate_limit: \"5\" is no length of time"),
            ("- a\n", "the file is not a map"),
        ] {
            assert_eq!(parse(text).unwrap_err(), expected, "{text}");
        }
        assert!(parse("a: [\n").unwrap_err().starts_with("yaml: "));
    }
}
