//! One request by HTTP/1.0, over TCP or a Unix socket, with a limit to what comes back and how long it takes.

use std::io::{self, Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use procyon_units::{Clock, SystemClock};

/// The longest wait for a connection, for room to write, for the next bytes.
const PATIENCE: Duration = Duration::from_secs(3);
/// The longest that a whole answer may take.
const WHOLE: Duration = Duration::from_secs(10);
/// The most bytes of an answer: a process takes about two kilobytes.
const MOST: usize = 32 << 20;
/// The most bytes of its head.
const MOST_HEAD: usize = 64 << 10;

/// Where the request goes.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Endpoint {
    place: Place,
    path: String,
    /// Value of the header `Authorization`.
    authorization: Option<String>,
}

#[derive(Debug, PartialEq, Eq)]
enum Place {
    Host { name: String, port: u16 },
    Socket(PathBuf),
}

/// The path that supervisord answers at, which a Unix socket's address has no room for.
const PATH: &str = "/RPC2";

impl Endpoint {
    /// From `http://[user:password@]host[:port]/path` or `unix:///path/of/socket`.
    pub(super) fn parse(url: &str) -> Result<Self, &'static str> {
        if let Some(path) = url.strip_prefix("unix://") {
            let place = Place::Socket(path.into());
            return Ok(Self { place, path: PATH.to_owned(), authorization: None });
        }
        let rest = url.strip_prefix("http://").ok_or("is neither http:// nor unix://")?;
        let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        let (authority, path) = rest.split_at(end);
        let (user, host) = authority.rsplit_once('@').map_or((None, authority), |(user, host)| (Some(user), host));
        let (name, port) = match host.rsplit_once(':') {
            // A colon inside of brackets belongs to the address.
            Some((name, port)) if !port.ends_with(']') => (name, port.parse().map_err(|_| "has a port that is none")?),
            _ => (host, 80),
        };
        let name = name.trim_start_matches('[').trim_end_matches(']').to_owned();
        if name.is_empty() {
            return Err("names no host");
        }
        let path = path.split('#').next().unwrap_or_default();
        if path.bytes().any(|byte| byte.is_ascii_control() || byte == b' ') {
            return Err("has blanks in its path");
        }
        let path = if path.starts_with('/') { path.to_owned() } else { format!("/{path}") };
        let authorization = user.map(|user| {
            let (name, password) = user.split_once(':').unwrap_or((user, ""));
            let pair = [decoded(name), b":".to_vec(), decoded(password)].concat();
            format!("Basic {}", STANDARD.encode(pair))
        });
        Ok(Self { place: Place::Host { name, port }, path, authorization })
    }

    /// Sends XML, and the body that comes back.
    pub(super) fn post(&self, body: &str) -> io::Result<String> {
        match &self.place {
            Place::Socket(path) => {
                let stream = UnixStream::connect(path)?;
                stream.set_read_timeout(Some(PATIENCE))?;
                stream.set_write_timeout(Some(PATIENCE))?;
                self.talk(stream, "localhost", body)
            }
            Place::Host { name, port } => {
                let mut last = io::Error::new(io::ErrorKind::NotFound, "the host has no address");
                for address in (&**name, *port).to_socket_addrs()? {
                    match TcpStream::connect_timeout(&address, PATIENCE) {
                        Ok(stream) => {
                            stream.set_read_timeout(Some(PATIENCE))?;
                            stream.set_write_timeout(Some(PATIENCE))?;
                            let host =
                                if name.contains(':') { format!("[{name}]:{port}") } else { format!("{name}:{port}") };
                            return self.talk(stream, &host, body);
                        }
                        Err(error) => last = error,
                    }
                }
                Err(last)
            }
        }
    }

    fn talk(&self, mut stream: impl Read + Write, host: &str, body: &str) -> io::Result<String> {
        let authorization = self.authorization.as_ref().map(|value| format!("Authorization: {value}\r\n"));
        let (path, length) = (&self.path, body.len());
        let request = format!(
            "POST {path} HTTP/1.0\r\nHost: {host}\r\n{}Content-Type: text/xml\r\nContent-Length: {length}\r\n\r\n{body}",
            authorization.unwrap_or_default()
        );
        stream.write_all(request.as_bytes())?;
        let start = SystemClock.mono();
        let mut answer = Vec::new();
        let mut piece = [0; 16 << 10];
        loop {
            let length = match stream.read(&mut piece) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                length => length?,
            };
            answer.extend_from_slice(piece.get(..length).unwrap_or_default());
            if answer.len() > MOST {
                return Err(io::Error::other("the answer is too long"));
            }
            if answer.len() > MOST_HEAD && split(&answer).is_none() {
                return Err(io::Error::other("the answer is no HTTP"));
            }
            if SystemClock.mono().since(start) > WHOLE {
                return Err(io::ErrorKind::TimedOut.into());
            }
            if length == 0 || is_whole(&answer) {
                return body_of(&answer);
            }
        }
    }
}

/// Bytes of a part of a URL in which some are written `%41`.
fn decoded(text: &str) -> Vec<u8> {
    let mut out = Vec::new();
    let mut rest = text.as_bytes();
    while let [first, after @ ..] = rest {
        let escaped = match (first, after) {
            (b'%', [high, low, ..]) => std::str::from_utf8(&[*high, *low])
                .ok()
                .filter(|digits| digits.bytes().all(|digit| digit.is_ascii_hexdigit()))
                .and_then(|digits| u8::from_str_radix(digits, 16).ok()),
            _ => None,
        };
        out.push(escaped.unwrap_or(*first));
        rest = if escaped.is_some() { after.get(2..).unwrap_or_default() } else { after };
    }
    out
}

/// Head and body.
fn split(answer: &[u8]) -> Option<(&str, &[u8])> {
    let end = answer.windows(4).position(|four| four == b"\r\n\r\n")?;
    let head = std::str::from_utf8(answer.get(..end)?).ok()?;
    Some((head, answer.get(end + 4..)?))
}

fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    let lines = head.lines().skip(1).filter_map(|line| line.split_once(':'));
    lines.filter(|(own, _)| own.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim()).next()
}

/// Whether all that the head promises is there, so that a server which keeps the connection open is not waited for.
fn is_whole(answer: &[u8]) -> bool {
    split(answer).is_some_and(|(head, body)| {
        header(head, "content-length").and_then(|length| length.parse().ok()).is_some_and(|length| body.len() >= length)
    })
}

fn body_of(answer: &[u8]) -> io::Result<String> {
    let other = |problem: String| Err(io::Error::other(problem));
    let Some((head, body)) = split(answer) else { return other("the answer is no HTTP".to_owned()) };
    let mut words = head.split(' ');
    if !words.next().is_some_and(|version| version.starts_with("HTTP/1.")) {
        return other("the answer is no HTTP/1".to_owned());
    }
    let status = words.next().unwrap_or_default();
    if status != "200" {
        let digits: String = status.chars().filter(char::is_ascii_digit).take(3).collect();
        return other(format!("the answer is HTTP status {digits}"));
    }
    if header(head, "transfer-encoding").is_some_and(|coding| !coding.eq_ignore_ascii_case("identity")) {
        return other("the answer comes in chunks, which HTTP/1.0 has not".to_owned());
    }
    let length = header(head, "content-length").and_then(|length| length.parse().ok()).unwrap_or(body.len());
    match body.get(..length) {
        Some(body) => Ok(String::from_utf8_lossy(body).into_owned()),
        None => Err(io::ErrorKind::UnexpectedEof.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_as_they_are_written() {
        let host = |name: &str, port| Place::Host { name: name.to_owned(), port };
        for (url, place, path, authorization) in [
            ("http://localhost:9001/RPC2", host("localhost", 9001), "/RPC2", None),
            ("http://[::1]/a?b#c", host("::1", 80), "/a?b", None),
            ("http://[::1]:9", host("::1", 9), "/", None),
            ("http://ada:p%40s%73%@h:1/", host("h", 1), "/", Some("Basic YWRhOnBAc3Ml")),
            ("unix:///run/s.sock", Place::Socket("/run/s.sock".into()), "/RPC2", None),
        ] {
            let endpoint = Endpoint::parse(url).unwrap();
            assert_eq!((endpoint.place, &*endpoint.path), (place, path), "{url}");
            assert_eq!(endpoint.authorization.as_deref(), authorization, "{url}");
        }
        for url in ["https://h/", "h:9001", "http://:9001/", "http://h:port/", "http:///x", "http://h/a b"] {
            assert!(Endpoint::parse(url).is_err(), "{url}");
        }
    }

    #[test]
    fn an_answer_ends_where_it_says_and_trouble_is_told() {
        assert!(is_whole(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"));
        assert!(!is_whole(b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nok"));
        assert!(!is_whole(b"HTTP/1.0 200 OK\r\n\r\nok"));
        let body = |text: &str| body_of(text.as_bytes()).map_err(|error| error.to_string());
        assert_eq!(body("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokay"), Ok("ok".to_owned()));
        assert_eq!(body("HTTP/1.0 200\r\n\r\nokay"), Ok("okay".to_owned()));
        assert_eq!(body("HTTP/1.0 401 No\r\n\r\n"), Err("the answer is HTTP status 401".to_owned()));
        assert!(body("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nshort").is_err());
        assert!(body("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0").is_err());
        assert!(body("SSH-2.0\r\n\r\n").is_err());
    }
}
