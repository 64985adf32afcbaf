//! A running `procyon up` of the test's own, and those who talk to it.

use std::io::{BufRead, BufReader, Read};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::time::Duration;

use procyon_testkit::eventually;
use serde_json::{Value, json};
use tempfile::TempDir;
use tungstenite::handshake::client::generate_key;
use tungstenite::http::Request;
use tungstenite::{Message, WebSocket};

use crate::http::{self, Answer, Place};

/// Longest wait for what has to happen, on a machine that does much else.
pub(crate) const SOON: Duration = Duration::from_secs(90);

/// The program under test.
pub(crate) fn procyon() -> PathBuf {
    PathBuf::from(env!("CARGO_BIN_EXE_procyon"))
}

/// A command of procyon that knows nothing of this machine's options.
pub(crate) fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(procyon());
    for (name, _) in std::env::vars() {
        if name.starts_with("PROCYON_") {
            command.env_remove(name);
        }
    }
    command
        .args(arguments)
        .env("NO_COLOR", "1")
        .env("HOME", "/nonexistent")
        .env_remove("XDG_STATE_HOME")
        .env_remove("XDG_RUNTIME_DIR");
    command
}

/// Runs procyon to its end.
pub(crate) fn run(arguments: &[&str]) -> Output {
    command(arguments).output().expect("procyon starts")
}

pub(crate) fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// A folder that other users may look into.
pub(crate) fn open_folder() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    open_to_all(folder.path());
    folder
}

pub(crate) fn open_to_all(path: &Path) {
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).unwrap();
}

/// How to start one.
pub(crate) struct Start {
    pub(crate) command: Command,
    folder: TempDir,
}

impl Start {
    /// Listens on any port; state in a folder of its own; four frames a second.
    pub(crate) fn new() -> Self {
        Self::by(&[])
    }

    /// The same, started by another program (`setpriv …`).
    pub(crate) fn by(prefix: &[&str]) -> Self {
        Self::program(prefix, &procyon(), open_folder())
    }

    /// The same with another file as procyon and this folder.
    pub(crate) fn program(prefix: &[&str], program: &Path, folder: TempDir) -> Self {
        let mut command = command(&[]);
        if let Some((first, rest)) = prefix.split_first() {
            let mut outer = Command::new(first);
            for (name, value) in command.get_envs() {
                match value {
                    Some(value) => outer.env(name, value),
                    None => outer.env_remove(name),
                };
            }
            outer.args(rest).arg(program);
            command = outer;
        }
        command.args(["up", "--listen", "127.0.0.1:0", "--data"]).arg(folder.path().join("state"));
        command.args(["--set", "collect.interval=250ms"]);
        Self { command, folder }
    }

    pub(crate) fn arg(mut self, argument: &str) -> Self {
        self.command.arg(argument);
        self
    }

    pub(crate) fn args(mut self, arguments: &[&str]) -> Self {
        self.command.args(arguments);
        self
    }

    /// Starts it and waits for its sign-in link and first frame.
    pub(crate) fn up(self) -> Up {
        self.up_with(None)
    }

    /// The same where the state folder holds a token already, so that none is printed.
    pub(crate) fn up_with(mut self, token: Option<&str>) -> Up {
        let log = std::fs::File::create(self.folder.path().join("stderr.log")).unwrap();
        let mut child =
            self.command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(log).spawn().expect("procyon starts");
        let mut output = BufReader::new(child.stdout.take().unwrap());
        let mut printed = String::new();
        let link = loop {
            let mut line = String::new();
            if output.read_line(&mut line).unwrap() == 0 {
                let log = std::fs::read_to_string(self.folder.path().join("stderr.log")).unwrap_or_default();
                panic!("no link; {}; printed:\n{printed}\nlog:\n{log}", child.wait().unwrap());
            }
            printed += &line;
            if let Some(link) = line.split_whitespace().find(|word| word.starts_with("http://")) {
                break link.to_owned();
            }
        };
        // Whatever else it prints must not block it.
        std::thread::spawn(move || std::io::copy(&mut output, &mut std::io::sink()));
        let (address, rest) = link.trim_start_matches("http://").split_once('/').expect("a link has a path");
        let token = match token {
            Some(token) => token,
            None => rest.split_once("#token=").expect("the first link has a token").1,
        };
        let place = Place::Tcp(address.parse().expect("a link has an address"));
        let up = Up { child, folder: self.folder, place, token: token.to_owned(), link: link.clone() };
        eventually("the first frame", SOON, || (up.get("/hosts/local/frame").status == 200).then_some(()));
        up
    }
}

/// A running procyon; killed when it goes out of scope.
pub(crate) struct Up {
    child: Child,
    folder: TempDir,
    pub(crate) place: Place,
    pub(crate) token: String,
    pub(crate) link: String,
}

impl Up {
    pub(crate) fn start() -> Self {
        Start::new().up()
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn state(&self) -> PathBuf {
        self.folder.path().join("state")
    }

    /// Runs a command of the same procyon: same state folder, hence same local socket.
    pub(crate) fn cli(&self, arguments: &[&str]) -> Output {
        command(arguments).arg("--data").arg(self.state()).output().expect("procyon starts")
    }

    pub(crate) fn socket(&self) -> Place {
        Place::Local(self.state().join("procyon.sock"))
    }

    /// Its own log so far.
    pub(crate) fn log(&self) -> String {
        String::from_utf8_lossy(&std::fs::read(self.folder.path().join("stderr.log")).unwrap()).into_owned()
    }

    pub(crate) fn audit(&self) -> String {
        std::fs::read_to_string(self.state().join("audit.jsonl")).unwrap_or_default()
    }

    /// Asks as operator; `path` is what stands behind `/api/v1`.
    pub(crate) fn get(&self, path: &str) -> Answer {
        self.get_as(Some(&self.token), path)
    }

    /// Asks with this token, or none.
    pub(crate) fn get_as(&self, token: Option<&str>, path: &str) -> Answer {
        self.ask(token, "GET", &format!("/api/v1{path}"), b"")
    }

    pub(crate) fn post_as(&self, token: Option<&str>, path: &str, body: &Value) -> Answer {
        self.ask(token, "POST", &format!("/api/v1{path}"), body.to_string().as_bytes())
    }

    /// Any request; `path` is whole.
    pub(crate) fn ask(&self, token: Option<&str>, method: &str, path: &str, body: &[u8]) -> Answer {
        let bearer = token.map(|token| format!("Bearer {token}"));
        let headers: Vec<(&str, &str)> = bearer.iter().map(|bearer| ("Authorization", bearer.as_str())).collect();
        http::request(&self.place, method, path, &headers, body)
    }

    /// The row of a process, as soon as its strings have been read; all columns.
    pub(crate) fn row(&self, pid: u32) -> Value {
        self.row_where(pid, |row| row["user"].is_string())
    }

    /// The row of a process, as soon as it is like this.
    pub(crate) fn row_where(&self, pid: u32, holds: impl Fn(&Value) -> bool) -> Value {
        eventually(&format!("a row of process {pid}"), SOON, || {
            let list = self
                .get(&format!("/hosts/local/processes?columns=*&q={}", http::encode(&format!("pid == {pid}"))))
                .good();
            list["items"].get(0).filter(|row| holds(row)).cloned()
        })
    }

    pub(crate) fn key(&self, pid: u32) -> String {
        self.row(pid)["key"].as_str().unwrap().to_owned()
    }

    /// A token made by the command line.
    pub(crate) fn new_token(&self, name: &str, role: &str) -> String {
        let output = self.cli(&["token", "new", "--name", name, "--role", role, "--quiet"]);
        assert!(output.status.success(), "{}", stderr(&output));
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    /// A WebSocket at this whole path.
    pub(crate) fn socket_at(&self, path: &str, token: Option<&str>, headers: &[(&str, &str)]) -> Result<Live, u16> {
        let Place::Tcp(address) = &self.place else { panic!("a WebSocket over TCP") };
        let stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(SOON)).unwrap();
        Live::over(stream, &address.to_string(), path, token, headers)
    }

    /// The live WebSocket as operator, past its greeting.
    pub(crate) fn live(&self, subscription: &Value) -> Live {
        let mut live = self.socket_at("/api/v1/hosts/local/live", Some(&self.token), &[]).expect("a WebSocket");
        assert_eq!(live.next()["type"], "hello");
        live.say(subscription);
        live
    }

    pub(crate) fn still_runs(&mut self) {
        assert_eq!(self.child.try_wait().unwrap(), None, "{}", self.log());
        let log = self.log();
        assert!(!log.contains("panick"), "{log}");
    }
}

impl Drop for Up {
    fn drop(&mut self) {
        if self.child.kill().is_ok() {
            self.child.wait().ok();
        }
    }
}

/// A WebSocket.
pub(crate) struct Live(pub(crate) WebSocket<TcpStream>);

impl Live {
    /// Upgrades a connection; the status where the server refuses.
    pub(crate) fn over(
        stream: TcpStream,
        host: &str,
        path: &str,
        token: Option<&str>,
        headers: &[(&str, &str)],
    ) -> Result<Self, u16> {
        let mut request = Request::builder()
            .uri(format!("ws://{host}{path}"))
            .header("Connection", "Upgrade")
            .header("Upgrade", "websocket")
            .header("Sec-WebSocket-Version", "13")
            .header("Sec-WebSocket-Key", generate_key());
        if !headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("host")) {
            request = request.header("Host", host);
        }
        if let Some(token) = token {
            request = request.header("Authorization", format!("Bearer {token}"));
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        match tungstenite::client(request.body(()).unwrap(), stream) {
            Ok((socket, _)) => Ok(Self(socket)),
            Err(tungstenite::HandshakeError::Failure(tungstenite::Error::Http(answer))) => {
                Err(answer.status().as_u16())
            }
            Err(error) => panic!("{path}: {error}"),
        }
    }

    pub(crate) fn say(&mut self, message: &Value) {
        self.0.send(Message::text(message.to_string())).unwrap();
    }

    /// The next message.
    pub(crate) fn next(&mut self) -> Value {
        loop {
            match self.0.read() {
                Ok(Message::Text(text)) => return serde_json::from_str(&text).unwrap(),
                Ok(Message::Ping(_) | Message::Pong(_)) => {}
                Err(tungstenite::Error::Io(error)) if error.kind() == std::io::ErrorKind::Interrupted => {}
                other => panic!("no message, but {other:?}"),
            }
        }
    }

    /// The next message of this type.
    pub(crate) fn next_of(&mut self, kind: &str) -> Value {
        loop {
            let message = self.next();
            if message["type"] == kind {
                return message;
            }
            assert_ne!(message["type"], "error", "{message}");
        }
    }
}

/// A subscription to these columns of all processes.
pub(crate) fn subscribe(columns: &[&str]) -> Value {
    json!({"type": "subscribe", "q": "", "sort": "pid", "limit": 0, "columns": columns})
}

/// Every column of a process by the catalogue.
pub(crate) fn process_columns(up: &Up) -> Vec<String> {
    let catalogue = up.get("/catalogue").good();
    let figures = catalogue["figures"].as_array().unwrap().iter();
    figures
        .filter(|figure| figure["scope"] == "process")
        .map(|figure| figure["id"].as_str().unwrap().to_owned())
        .collect()
}

/// A process that procyon-workload plays under another name, whatever its arguments.
pub(crate) struct Actor {
    child: Child,
}

impl Actor {
    /// `folder` gets a link of this name to the workload.
    pub(crate) fn start(folder: &Path, name: &str, arguments: &[&str]) -> Self {
        let line: Vec<&str> = std::iter::once(name).chain(arguments.iter().copied()).collect();
        Self::with_line(folder, &line)
    }

    /// A process with exactly these arguments, the program's name the first.
    pub(crate) fn with_line(folder: &Path, line: &[&str]) -> Self {
        let (first, arguments) = line.split_first().expect("a command line has a program");
        let name = first.split(' ').next().unwrap_or_default().rsplit('/').next().unwrap_or_default();
        let fit = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
        let path = folder.join(if name.bytes().all(fit) { name } else { "odd" });
        match std::os::unix::fs::symlink(procyon_testkit::program(), &path) {
            Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => panic!("{}: {error}", path.display()),
            _ => {}
        }
        let mut command = Command::new(&path);
        std::os::unix::process::CommandExt::arg0(&mut command, first);
        let mut child =
            command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("the actor starts");
        let mut ready = [0; 6];
        child.stdout.take().unwrap().read_exact(&mut ready).unwrap_or_else(|error| panic!("{line:?}: {error}"));
        assert_eq!(&ready, b"ready\n");
        Self { child }
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Actor {
    fn drop(&mut self) {
        if self.child.kill().is_ok() {
            self.child.wait().ok();
        }
    }
}

impl Actor {
    /// Whether it is there and no zombie.
    pub(crate) fn runs(&self) -> bool {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.pid())).unwrap_or_default();
        stat.rsplit_once(") ").is_some_and(|(_, rest)| !rest.starts_with('Z'))
    }
}

impl Start {
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }
}

impl Up {
    /// Sends a signal, lets `meanwhile` look at what goes on, and waits for the end. The state folder stays until then.
    pub(crate) fn end_but_keep(
        mut self,
        signal: rustix::process::Signal,
        meanwhile: impl FnOnce(&Stopped),
    ) -> (ExitStatus, String) {
        rustix::process::kill_process(rustix::process::Pid::from_child(&self.child), signal).unwrap();
        let mut child = self.child_of();
        let folder = std::mem::replace(&mut self.folder, tempfile::tempdir().unwrap());
        let token = self.token.clone();
        let status = eventually("procyon's end", SOON, || child.try_wait().unwrap());
        let log = String::from_utf8_lossy(&std::fs::read(folder.path().join("stderr.log")).unwrap()).into_owned();
        meanwhile(&Stopped { folder: std::cell::RefCell::new(Some(folder)), token });
        (status, log)
    }

    /// Takes the child out, so that dropping this does not kill it.
    fn child_of(&mut self) -> Child {
        let dummy = Command::new("true").spawn().expect("true starts");
        std::mem::replace(&mut self.child, dummy)
    }
}

/// A procyon that ended, and its state.
pub(crate) struct Stopped {
    folder: std::cell::RefCell<Option<TempDir>>,
    token: String,
}

impl Stopped {
    /// Starts another one on the same state; it prints no token, for there is one.
    pub(crate) fn restart(&self) -> Up {
        Start::program(&[], &procyon(), self.folder.take().expect("once")).up_with(Some(&self.token))
    }
}

/// Does something in a thread that belongs to nobody; the kernel goes by the thread that connects.
pub(crate) fn as_nobody<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    use rustix::process::Uid;
    std::thread::scope(|scope| {
        let thread = scope.spawn(|| {
            let nobody = Uid::from_raw(65534);
            rustix::thread::set_thread_res_uid(nobody, nobody, nobody).expect("root may become anybody");
            work()
        });
        thread.join().expect("nobody panics")
    })
}
