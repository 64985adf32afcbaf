//! What container engines call their containers. Source: `GET /containers/json` at the socket of Docker or Podman.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use procyon_linux::root::Root;
use procyon_model::frame::{SourceHealth, SourceState};
use procyon_units::Mono;
use serde::Deserialize;

use crate::background::Background;

/// Sockets of engines, below `/`.
const SOCKETS: &[&str] = &["run/docker.sock", "var/run/docker.sock", "run/podman/podman.sock"];
/// An engine that says nothing for this long is asked again next time.
const TIMEOUT: Duration = Duration::from_secs(2);
/// The most that an answer may hold.
const MAX_ANSWER: u64 = 8 << 20;
/// Digits of an id that people use.
const SHORT_ID: usize = 12;

/// What an engine calls one container.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Named {
    name: Box<str>,
    image: Box<str>,
}

/// A full id and its names.
type Entry = (Box<[u8]>, Named);

/// Names and images by full id.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Names {
    by_id: BTreeMap<Box<[u8]>, Named>,
}

impl Names {
    /// The name of a container; the short id where no engine knows it.
    pub(crate) fn name(&self, id: &[u8]) -> Box<[u8]> {
        match self.by_id.get(id) {
            Some(named) => named.name.as_bytes().into(),
            None if id.len() == 64 => id.get(..SHORT_ID).unwrap_or(id).into(),
            None => id.into(),
        }
    }

    /// The image of a container; empty where no engine knows it.
    pub(crate) fn image(&self, id: &[u8]) -> &str {
        self.by_id.get(id).map_or("", |named| &named.image)
    }
}

/// Asks engines on a thread of its own. Where there is none, it costs three looks for a socket each time.
#[derive(Debug)]
pub(crate) struct EngineSource {
    background: Background<(), (bool, Names)>,
    names: Arc<Names>,
    present: bool,
}

impl EngineSource {
    pub(crate) fn new(root: &Root, interval: Duration) -> std::io::Result<Self> {
        let sockets: Vec<PathBuf> = SOCKETS.iter().map(|socket| root.fs(socket)).collect();
        let answer = move |()| {
            let mut names = Names::default();
            let mut present = false;
            for socket in &sockets {
                // Most machines have no engine; one that does not answer leaves ids in place of names.
                let Ok(found) = ask(socket) else { continue };
                present = true;
                names.by_id.extend(found);
            }
            (present, names)
        };
        let background = Background::start("containers", interval, TIMEOUT * 4, answer)?;
        Ok(Self { background, names: Arc::default(), present: false })
    }

    /// Takes an answer in and asks again when it is time. Returns whether names changed.
    pub(crate) fn run(&mut self, now: Mono) -> bool {
        let mut changed = false;
        if let Some((present, names)) = self.background.poll() {
            self.present = present;
            changed = *self.names != names;
            if changed {
                self.names = Arc::new(names);
            }
        }
        if self.background.is_due(now) {
            self.background.ask((), now);
        }
        changed
    }

    pub(crate) const fn names(&self) -> &Arc<Names> {
        &self.names
    }

    pub(crate) fn health(&self, now: Mono) -> SourceHealth {
        let state = match self.background.state(now) {
            SourceState::Ok if !self.present => SourceState::Absent,
            state => state,
        };
        SourceHealth { id: "containers", state, interval: self.background.interval(), took: self.background.took() }
    }
}

#[derive(Deserialize)]
struct Listed {
    #[serde(rename = "Id")]
    id: String,
    #[serde(rename = "Names", default)]
    names: Vec<String>,
    #[serde(rename = "Image", default)]
    image: String,
}

/// Asks one engine. HTTP 1.0, because then the answer ends with the connection and comes in one piece.
fn ask(socket: &PathBuf) -> std::io::Result<Vec<Entry>> {
    let mut stream = UnixStream::connect(socket)?;
    stream.set_read_timeout(Some(TIMEOUT))?;
    stream.set_write_timeout(Some(TIMEOUT))?;
    stream.write_all(b"GET /containers/json HTTP/1.0\r\nHost: localhost\r\nAccept: application/json\r\n\r\n")?;
    let mut answer = Vec::new();
    stream.take(MAX_ANSWER).read_to_end(&mut answer)?;
    parse(&answer).ok_or_else(|| std::io::Error::other("no list of containers"))
}

fn parse(answer: &[u8]) -> Option<Vec<Entry>> {
    let end = answer.windows(4).position(|window| window == b"\r\n\r\n")?;
    let (head, body) = (answer.get(..end)?, answer.get(end + 4..)?);
    if head.split(|byte| *byte == b' ').nth(1)? != b"200" {
        return None;
    }
    let listed: Vec<Listed> = serde_json::from_slice(body).ok()?;
    let named = |container: Listed| {
        let name = container.names.first().map_or("", |name| name.trim_start_matches('/'));
        let name = if name.is_empty() { container.id.get(..SHORT_ID).unwrap_or(&container.id) } else { name };
        (container.id.clone().into_bytes().into(), Named { name: name.into(), image: container.image.into() })
    };
    Some(listed.into_iter().map(named).collect())
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixListener;

    use super::*;

    #[test]
    fn an_engine_at_its_socket_names_its_containers() {
        let id = "3f9a1c07b81d022f".repeat(4);
        let dir = std::env::temp_dir().join(format!("procyon-engine-{}", std::process::id()));
        std::fs::create_dir_all(&dir).unwrap();
        let path = dir.join("docker.sock");
        let listener = UnixListener::bind(&path).unwrap();
        let body = format!(r#"[{{"Id":"{id}","Names":["/settle-api"],"Image":"settle:3.18"}}]"#);
        let served = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut request = [0; 512];
            let got = stream.read(&mut request).unwrap();
            write!(stream, "HTTP/1.0 200 OK\r\nContent-Type: application/json\r\n\r\n{body}").unwrap();
            String::from_utf8_lossy(&request[..got]).into_owned()
        });
        let names = Names { by_id: ask(&path).unwrap().into_iter().collect() };
        assert!(served.join().unwrap().starts_with("GET /containers/json HTTP/1.0\r\n"));
        std::fs::remove_dir_all(dir).unwrap();
        assert_eq!(&*names.name(id.as_bytes()), b"settle-api");
        assert_eq!(names.image(id.as_bytes()), "settle:3.18");
        assert_eq!(&*names.name("b81d022f3f9a1c07".repeat(4).as_bytes()), b"b81d022f3f9a");
    }

    #[test]
    fn answers_that_are_none_are_refused() {
        for text in ["", "HTTP/1.1 500 x\r\n\r\n[]", "HTTP/1.1 200 OK\r\n\r\nnonsense", "HTTP/1.1 200 OK"] {
            assert!(parse(text.as_bytes()).is_none(), "{text}");
        }
        assert_eq!(parse(b"HTTP/1.1 200 OK\r\n\r\n[]"), Some(Vec::new()), "an engine without containers");
    }
}
