//! What container engines call their containers. Source: `GET /containers/json` at the socket of Docker or Podman.

use std::collections::BTreeMap;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use procyon_linux::root::Root;
use procyon_model::frame::{SourceHealth, SourceState};
use procyon_units::Mono;
use serde::Deserialize;

use super::http::{self, TIMEOUT};
use super::place::place;
use crate::background::Background;

/// Sockets of engines, below `/`.
const SOCKETS: &[&str] = &["run/docker.sock", "var/run/docker.sock", "run/podman/podman.sock"];
/// Where people who run Podman without root have theirs: `run/user/UID/podman/podman.sock`.
const PER_USER: (&str, &str) = ("run/user", "podman/podman.sock");
/// Most sockets that are asked.
const MAX_SOCKETS: usize = 64;
/// While every container has its name, engines are only asked again after this time, for names that changed: asking
/// Podman starts a program.
const RENAMED: Duration = Duration::from_mins(1);
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
            None => unescaped(id),
        }
    }

    /// The image of a container; empty where no engine knows it.
    pub(crate) fn image(&self, id: &[u8]) -> &str {
        self.by_id.get(id).map_or("", |named| &named.image)
    }

    fn knows(&self, cgroup: &[u8]) -> bool {
        place(cgroup).container.is_none_or(|found| self.by_id.contains_key(found.id))
    }
}

/// systemd writes a dash inside the name of a machine as `\x2d`.
fn unescaped(name: &[u8]) -> Box<[u8]> {
    let mut plain = Vec::with_capacity(name.len());
    let mut rest = name;
    while let [first, after @ ..] = rest {
        match rest.strip_prefix(br"\x2d") {
            Some(after) => (plain.push(b'-'), rest = after).1,
            None => (plain.push(*first), rest = after).1,
        }
    }
    plain.into()
}

/// Asks engines on a thread of its own, and only while there are processes in containers: where there is none, it costs
/// nothing.
#[derive(Debug)]
pub(crate) struct EngineSource {
    background: Background<(), (bool, Names)>,
    names: Arc<Names>,
    present: bool,
    asked: Option<Mono>,
}

impl EngineSource {
    pub(crate) fn new(root: &Root, interval: Duration) -> std::io::Result<Self> {
        let root = root.clone();
        let answer = move |()| {
            let mut names = Names::default();
            let mut present = false;
            for socket in sockets(&root) {
                // One that does not answer leaves ids in place of names.
                let Ok(found) = ask(&socket) else { continue };
                present = true;
                names.by_id.extend(found);
            }
            (present, names)
        };
        let background = Background::start("containers", interval, TIMEOUT * 4, answer)?;
        Ok(Self { background, names: Arc::default(), present: false, asked: None })
    }

    /// Takes an answer in and asks again when it is time and one of these control groups, those of processes in
    /// containers, gives reason to. Returns whether names changed.
    pub(crate) fn run<'a>(&mut self, now: Mono, mut cgroups: impl Iterator<Item = &'a [u8]>) -> bool {
        let mut changed = false;
        if let Some((present, names)) = self.background.poll() {
            self.present = present;
            changed = *self.names != names;
            if changed {
                self.names = Arc::new(names);
            }
        }
        if self.background.is_due(now) {
            let old = self.asked.is_none_or(|asked| now.since(asked) >= RENAMED);
            if cgroups.any(|cgroup| old || !self.names.knows(cgroup)) {
                self.background.ask((), now);
                self.asked = Some(now);
            }
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

/// The sockets that are there, each once: `/var/run` mostly is `/run` by another name.
fn sockets(root: &Root) -> Vec<PathBuf> {
    let (users, below) = PER_USER;
    let users = std::fs::read_dir(root.fs(users)).into_iter().flatten().flatten();
    let per_user = users.take(MAX_SOCKETS).map(|user| user.path().join(below));
    let mut seen = Vec::new();
    let mut is_new = |path: &PathBuf| {
        let Ok(about) = std::fs::metadata(path) else { return false };
        let which = (about.dev(), about.ino());
        let new = !seen.contains(&which);
        seen.push(which);
        new
    };
    let known = SOCKETS.iter().map(|socket| root.fs(socket));
    known.chain(per_user).filter(|path| is_new(path)).take(MAX_SOCKETS).collect()
}

#[derive(Deserialize)]
struct Listed {
    #[serde(rename = "Id")]
    id: String,
    /// Podman says null where there is none.
    #[serde(rename = "Names", default)]
    names: Option<Vec<String>>,
    #[serde(rename = "Image", default)]
    image: String,
}

/// Asks one engine.
fn ask(socket: &Path) -> std::io::Result<Vec<Entry>> {
    let body = http::get(socket, "/containers/json")?;
    let listed: Vec<Listed> = serde_json::from_slice(&body)?;
    let named = |container: Listed| {
        let names = container.names.unwrap_or_default();
        let name = names.first().map_or("", |name| name.trim_start_matches('/'));
        let name = if name.is_empty() { container.id.get(..SHORT_ID).unwrap_or(&container.id) } else { name };
        (container.id.clone().into_bytes().into(), Named { name: name.into(), image: container.image.into() })
    };
    Ok(listed.into_iter().map(named).collect())
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::os::unix::net::UnixListener;
    use std::thread::JoinHandle;

    use super::*;

    const ID: &str = "3f9a1c07b81d022f3f9a1c07b81d022f3f9a1c07b81d022f3f9a1c07b81d022f";

    /// A root with an engine that gives these answers, one a connection, and hands back the first lines of what it was
    /// asked.
    struct Engine {
        dir: PathBuf,
        served: JoinHandle<Vec<String>>,
    }

    fn engine(name: &str, answers: Vec<String>) -> Engine {
        let dir = std::env::temp_dir().join(format!("procyon-engine-{name}-{}", std::process::id()));
        std::fs::create_dir_all(dir.join("run")).unwrap();
        std::fs::create_dir_all(dir.join("var")).unwrap();
        std::os::unix::fs::symlink("../run", dir.join("var/run")).unwrap();
        let listener = UnixListener::bind(dir.join("run/docker.sock")).unwrap();
        let serve = move |answer: String| {
            let (mut stream, _) = listener.accept().unwrap();
            let mut request = [0; 512];
            let got = stream.read(&mut request).unwrap();
            stream.write_all(answer.as_bytes()).unwrap();
            String::from_utf8_lossy(&request[..got]).lines().next().unwrap().to_owned()
        };
        Engine { dir, served: std::thread::spawn(move || answers.into_iter().map(serve).collect()) }
    }

    fn listed(name: &str) -> String {
        format!(
            "HTTP/1.0 200 OK\r\nContent-Type: application/json\r\n\r\n{}",
            format_args!(r#"[{{"Id":"{ID}","Names":["/{name}"],"Image":"settle:3.18"}}]"#)
        )
    }

    #[test]
    fn an_engine_at_its_socket_names_its_containers() {
        let engine = engine("names", vec![listed("settle-api")]);
        let sockets = sockets(&Root::at(&engine.dir));
        assert_eq!(sockets, [engine.dir.join("run/docker.sock")], "the link leads to the same socket");
        let names = Names { by_id: ask(&sockets[0]).unwrap().into_iter().collect() };
        assert_eq!(engine.served.join().unwrap(), ["GET /containers/json HTTP/1.0"]);
        std::fs::remove_dir_all(engine.dir).unwrap();
        assert_eq!(&*names.name(ID.as_bytes()), b"settle-api");
        assert_eq!(names.image(ID.as_bytes()), "settle:3.18");
        assert_eq!(&*names.name("b81d022f3f9a1c07".repeat(4).as_bytes()), b"b81d022f3f9a");
        assert_eq!(&*names.name(br"build\x2dbox"), b"build-box");
    }

    #[test]
    fn an_engine_is_asked_only_while_there_are_containers_and_seldom_when_all_have_names() {
        let engine = engine("pace", vec![listed("one"), listed("two")]);
        let mut source = EngineSource::new(&Root::at(&engine.dir), Duration::from_secs(10)).unwrap();
        let cgroup = format!("/docker/{ID}");
        let cgroups = || std::iter::once(cgroup.as_bytes());
        let seconds = |seconds: u64| Mono(seconds * 1_000_000_000);
        assert!(!source.run(seconds(0), std::iter::empty()));
        assert_eq!(source.asked, None, "nobody is in a container");
        assert!(!source.run(seconds(1), cgroups()));
        source.background.wait(Duration::from_secs(10));
        assert!(source.run(seconds(2), cgroups()), "names are there");
        assert_eq!(&*source.names().name(ID.as_bytes()), b"one");
        source.run(seconds(30), cgroups());
        assert_eq!(source.asked, Some(seconds(1)), "all have names");
        source.run(seconds(62), cgroups());
        source.background.wait(Duration::from_secs(10));
        assert!(source.run(seconds(63), cgroups()), "it was renamed");
        assert_eq!(&*source.names().name(ID.as_bytes()), b"two");
        assert!(source.health(seconds(63)).state == SourceState::Ok);
        assert_eq!(engine.served.join().unwrap().len(), 2);
        std::fs::remove_dir_all(engine.dir).unwrap();
    }

    #[test]
    fn an_engine_that_drips_is_given_up() {
        let dir = std::env::temp_dir().join(format!("procyon-drip-{}", std::process::id()));
        std::fs::create_dir_all(&dir).unwrap();
        let path = dir.join("docker.sock");
        let listener = UnixListener::bind(&path).unwrap();
        let served = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            // Nothing comes in; the wait is only there to pace the drops.
            stream.set_read_timeout(Some(Duration::from_millis(200))).unwrap();
            let mut request = Vec::new();
            while stream.write_all(b"H").is_ok() {
                stream.read_to_end(&mut request).ok();
            }
        });
        assert_eq!(ask(&path).unwrap_err().kind(), std::io::ErrorKind::TimedOut);
        served.join().unwrap();
        std::fs::remove_dir_all(dir).unwrap();
    }
}
