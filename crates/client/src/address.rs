//! Where a procyon answers.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use procyon_diag::Fault;
use tokio_rustls::rustls::ClientConfig;
use tokio_rustls::rustls::pki_types::ServerName;

use crate::Credentials;
use crate::trust::trust;

/// The port that procyon listens on by default.
const PORT: u16 = 9300;

/// A token. Never shown.
#[derive(Clone)]
pub struct Secret(String);

impl Secret {
    /// Takes a token, without blanks around it.
    pub fn new(text: &str) -> Self {
        Self(text.trim().to_owned())
    }

    pub(crate) fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// Where a procyon answers.
#[derive(Debug, Clone)]
pub(crate) enum Address {
    /// On a socket of this machine.
    Socket(PathBuf),
    /// By HTTP.
    Http { host: String, port: u16 },
    /// By HTTPS.
    Https { host: String, port: u16, name: ServerName<'static>, tls: Arc<ClientConfig> },
}

impl Address {
    pub(crate) fn parse(url: &str, credentials: &Credentials) -> Result<Self, Fault> {
        let wrong = |why: &str| {
            Fault::usage(format!("`{url}` is no address of a procyon: {why}"))
                .hint("write it as http://db1:9300 or https://db1:9300")
        };
        let (tls, rest) = match url.split_once("://") {
            Some(("http", rest)) => (false, rest),
            Some(("https", rest)) => (true, rest),
            Some((scheme, _)) => return Err(wrong(&format!("there is no `{scheme}://` here"))),
            None => (false, url),
        };
        let authority = rest.split(['/', '?', '#']).next().unwrap_or(rest);
        if authority.contains('@') {
            return Err(wrong("tokens go into `--token`, not into the address"));
        }
        let (host, port) = split(authority).ok_or_else(|| wrong("the port is no number"))?;
        if host.is_empty() {
            return Err(wrong("it names no machine"));
        }
        let host = host.to_owned();
        if !tls && credentials.identity.is_some() {
            return Err(wrong("a certificate is shown over https:// alone"));
        }
        if !tls {
            return Ok(Self::Http { host, port });
        }
        let bare = host.trim_start_matches('[').trim_end_matches(']').to_owned();
        let name = ServerName::try_from(bare).map_err(|_| wrong("it names no machine"))?;
        Ok(Self::Https { host, port, name, tls: Arc::new(trust(credentials)?) })
    }

    /// What goes into the `Host` header.
    pub(crate) fn authority(&self) -> String {
        match self {
            Self::Socket(_) => "localhost".to_owned(),
            Self::Http { host, port } | Self::Https { host, port, .. } => format!("{host}:{port}"),
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Socket(path) => write!(f, "{}", path.display()),
            Self::Http { host, port } => write!(f, "http://{host}:{port}"),
            Self::Https { host, port, .. } => write!(f, "https://{host}:{port}"),
        }
    }
}

/// Host and port; IPv6 addresses stand in brackets.
fn split(authority: &str) -> Option<(&str, u16)> {
    let after_brackets = authority.rfind(']').map_or(0, |at| at + 1);
    match authority.get(after_brackets..)?.rfind(':') {
        Some(colon) => {
            let colon = after_brackets + colon;
            Some((authority.get(..colon)?, authority.get(colon + 1..)?.parse().ok()?))
        }
        None => Some((authority, PORT)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_taken_as_people_type_them() {
        for (url, shown) in [
            ("http://db1:9301", "http://db1:9301"),
            ("db1", "http://db1:9300"),
            ("db1:80/", "http://db1:80"),
            ("http://[::1]:9300/#x", "http://[::1]:9300"),
            ("http://[::1]", "http://[::1]:9300"),
            ("https://db1", "https://db1:9300"),
        ] {
            assert_eq!(Address::parse(url, &Credentials::default()).unwrap().to_string(), shown, "{url}");
        }
        for (url, why) in [
            ("ftp://db1", "ftp"),
            ("http://", "names no machine"),
            ("db1:port", "no number"),
            ("http://procyon_x@db1", "--token"),
        ] {
            let error = Address::parse(url, &Credentials::default()).unwrap_err().to_string();
            assert!(error.contains(why), "{url}: {error}");
        }
    }

    #[test]
    fn a_token_is_never_shown() {
        assert_eq!(format!("{:?}", Secret::new("procyon_abc")), "***");
    }
}
