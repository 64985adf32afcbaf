//! Refuses pages of other sites: a browser tells in `Host` which name it was led to, and in `Origin` and
//! `Sec-Fetch-Site` whose page asks.

use std::net::IpAddr;

use axum::http::{HeaderMap, Uri, header};

/// Names under which this server is reached.
#[derive(Debug, Clone)]
pub(crate) struct Names {
    names: Vec<String>,
    /// Whether any literal address is right: when listening on more than loopback, the address by which a client came
    /// cannot be a rebound name.
    any_address: bool,
}

impl Names {
    /// Loopback names, the host's own name, the configured ones.
    pub(crate) fn new(configured: &[String], hostname: Option<&str>, any_address: bool) -> Self {
        let mut names = vec!["localhost".to_owned()];
        if let Some(hostname) = hostname {
            names.push(hostname.to_ascii_lowercase());
            if let Some((short, _)) = hostname.split_once('.') {
                names.push(short.to_ascii_lowercase());
            }
        }
        names.extend(configured.iter().map(|name| name.to_ascii_lowercase()));
        Self { names, any_address }
    }

    /// Whether a request may name this host. Ports are not compared: forwarded ports are common, and rebinding changes
    /// the name.
    pub(crate) fn know(&self, host: &str) -> bool {
        let name = without_port(host).to_ascii_lowercase();
        let bare = name.trim_start_matches('[').trim_end_matches(']');
        match bare.parse::<IpAddr>() {
            Ok(address) => address.is_loopback() || self.any_address || self.names.iter().any(|known| known == bare),
            Err(_) => self.names.iter().any(|known| *known == name.trim_end_matches('.')),
        }
    }
}

fn without_port(host: &str) -> &str {
    match host.rfind(':') {
        Some(colon)
            if !host.ends_with(']')
                && host.get(colon + 1..).is_some_and(|port| port.bytes().all(|b| b.is_ascii_digit())) =>
        {
            let name = host.get(..colon).unwrap_or(host);
            // `::1` without brackets is all name.
            if name.contains(':') && !name.ends_with(']') { host } else { name }
        }
        _ => host,
    }
}

/// The host that a request names.
pub(crate) fn host_of<'a>(headers: &'a HeaderMap, uri: &'a Uri) -> Option<&'a str> {
    headers
        .get(header::HOST)
        .and_then(|value| value.to_str().ok())
        .or_else(|| uri.authority().map(axum::http::uri::Authority::as_str))
}

/// Whether the page that asks is ours. A request without the headers comes from no page of a current browser.
pub(crate) fn is_ours(headers: &HeaderMap, host: Option<&str>) -> bool {
    if let Some(site) = headers.get("sec-fetch-site") {
        if !matches!(site.as_bytes(), b"same-origin" | b"none") {
            return false;
        }
    }
    let Some(origin) = headers.get(header::ORIGIN) else { return true };
    let Ok(origin) = origin.to_str() else { return false };
    let authority = origin.strip_prefix("http://").or_else(|| origin.strip_prefix("https://"));
    match (authority, host) {
        (Some(authority), Some(host)) => authority.eq_ignore_ascii_case(host),
        _ => false,
    }
}

/// Whether a browser says that this request is from our own page or typed by its user.
pub(crate) fn is_vouched(headers: &HeaderMap) -> bool {
    headers.contains_key("sec-fetch-site") || headers.contains_key(header::ORIGIN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_our_names_are_known() {
        let names = Names::new(&["mon.example.org".to_owned()], Some("db1.lan"), false);
        for host in [
            "localhost",
            "LOCALHOST:9300",
            "127.0.0.1:9300",
            "[::1]:9300",
            "::1",
            "db1",
            "db1.lan:9300",
            "mon.example.org",
            "localhost.",
        ] {
            assert!(names.know(host), "{host}");
        }
        for host in [
            "evil.example",
            "127.0.0.1.evil.example",
            "localhost.evil.example:9300",
            "10.0.0.1:9300",
            "",
            "localhost@evil.example",
            ":9300",
            "[::1",
            "local host",
        ] {
            assert_eq!(names.know(host), host == "[::1", "{host}");
        }
        assert!(Names::new(&[], None, true).know("10.0.0.1:9300"));
    }

    #[test]
    fn a_page_of_another_site_is_not_ours() {
        fn check(headers: &[(&'static str, &str)]) -> bool {
            let headers = headers.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect();
            is_ours(&headers, Some("127.0.0.1:9300"))
        }
        assert!(check(&[]));
        assert!(check(&[("origin", "http://127.0.0.1:9300")]));
        assert!(check(&[("sec-fetch-site", "same-origin"), ("origin", "https://127.0.0.1:9300")]));
        for foreign in
            ["http://evil.example", "http://127.0.0.1:9301", "null", "file://", "http://127.0.0.1:9300.evil.example"]
        {
            assert!(!check(&[("origin", foreign)]), "{foreign}");
        }
        assert!(!check(&[("sec-fetch-site", "cross-site")]));
        assert!(!check(&[("sec-fetch-site", "same-site")]));
    }
}
