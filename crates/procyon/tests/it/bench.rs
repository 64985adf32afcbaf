//! A place of its own for every run of the binary.

use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, ExitStatus, Output, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

/// How long anything may take on a busy machine.
pub const DEADLINE: Duration = Duration::from_secs(30);

/// A state folder, and commands that use it and nothing else of this machine's.
pub struct Bench {
    pub dir: tempfile::TempDir,
}

/// What a finished run said.
#[derive(Debug)]
pub struct Said {
    pub code: i32,
    pub out: String,
    pub err: String,
}

impl From<Output> for Said {
    fn from(output: Output) -> Self {
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("output is UTF-8");
        Self { code: output.status.code().unwrap_or(-1), out: text(output.stdout), err: text(output.stderr) }
    }
}

impl Said {
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {}{}", self.out, self.err))
    }
}

impl Bench {
    pub fn new() -> Self {
        Self { dir: tempfile::Builder::new().prefix("procyon-cli").tempdir().unwrap() }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub fn file(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path(name);
        std::fs::write(&path, text).unwrap();
        path
    }

    /// A command with this bench's state folder.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = self.bare(arguments);
        command.arg("--data").arg(self.path("state"));
        command
    }

    /// A command without `--data`, in a world that is this bench's all the same.
    pub fn bare(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_procyon"));
        command.args(arguments).env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default());
        command
            .env("HOME", self.dir.path())
            .env("XDG_STATE_HOME", self.path("xdg"))
            .env("XDG_RUNTIME_DIR", self.path("run"));
        command.env("PROCYON_CONFIG", self.empty_options()).stdin(Stdio::null());
        command
    }

    /// A file without options, so that /etc/procyon of this machine does not matter.
    fn empty_options(&self) -> PathBuf {
        let path = self.path("empty.toml");
        if !path.exists() {
            std::fs::write(&path, "").unwrap();
        }
        path
    }

    pub fn run(&self, arguments: &[&str]) -> Said {
        self.command(arguments).output().unwrap().into()
    }

    pub fn audit(&self) -> Vec<serde_json::Value> {
        let text = std::fs::read_to_string(self.path("state/audit.jsonl")).unwrap_or_default();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

/// A child that does not outlive the test.
pub struct Guard(pub Child);

impl Guard {
    pub fn spawn(program: &str, arguments: &[&str]) -> Self {
        let mut command = Command::new(program);
        Self(command.args(arguments).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap())
    }

    /// Burns one core, under a name by which it is found.
    pub fn burner(bench: &Bench, name: &str) -> Self {
        let program = bench.path(name);
        std::fs::copy("/bin/sh", &program).unwrap();
        let burn = [program.to_str().unwrap(), "-c", "while :; do :; done"];
        // Ahead of whatever else this machine does, where that is permitted: a burner that has to wait burns less.
        if is_root() {
            Self::spawn("chrt", &[&["--rr", "1"][..], &burn].concat())
        } else {
            Self::spawn(burn[0], &burn[1..])
        }
    }

    pub fn pid(&self) -> u32 {
        self.0.id()
    }

    pub fn wait(&mut self) -> ExitStatus {
        let deadline = Instant::now() + DEADLINE;
        loop {
            if let Some(status) = self.0.try_wait().unwrap() {
                return status;
            }
            assert!(Instant::now() < deadline, "the process does not end");
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        // It may have ended by itself.
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

/// Waits for a condition.
pub fn eventually<T>(what: &str, mut condition: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + DEADLINE;
    loop {
        if let Some(value) = condition() {
            return value;
        }
        assert!(Instant::now() < deadline, "gave up waiting: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Lines of a pipe as they come, with a deadline.
pub struct Lines(mpsc::Receiver<String>);

impl Lines {
    pub fn of(pipe: impl Read + Send + 'static) -> Self {
        let (tell, told) = mpsc::channel();
        std::thread::spawn(move || {
            for line in BufReader::new(pipe).lines().map_while(Result::ok) {
                if tell.send(line).is_err() {
                    return;
                }
            }
        });
        Self(told)
    }

    pub fn next(&self) -> String {
        self.0.recv_timeout(DEADLINE).expect("a line comes")
    }

    /// The first line that holds this text.
    pub fn find(&self, text: &str) -> String {
        loop {
            let line = self.next();
            if line.contains(text) {
                return line;
            }
        }
    }

    /// All that comes until the end.
    pub fn rest(&self) -> Vec<String> {
        let mut lines = Vec::new();
        while let Ok(line) = self.0.recv_timeout(DEADLINE) {
            lines.push(line);
        }
        lines
    }
}

/// A running `procyon up`.
pub struct Up {
    pub process: Guard,
    pub out: Lines,
    pub err: Lines,
    /// As `http://127.0.0.1:41234`.
    pub base: String,
    /// What the sign-in link holds, on a first start.
    pub token: Option<String>,
}

impl Up {
    pub fn start(bench: &Bench, arguments: &[&str]) -> Self {
        let mut command = bench.command(&["up", "--listen", "127.0.0.1:0"]);
        command.args(arguments);
        Self::spawn(command)
    }

    pub fn spawn(mut command: Command) -> Self {
        Self::spawn_at(&mut command, "http://")
    }

    pub fn spawn_at(command: &mut Command, scheme: &str) -> Self {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let out: ChildStdout = child.stdout.take().unwrap();
        let (out, err) = (Lines::of(out), Lines::of(child.stderr.take().unwrap()));
        let process = Guard(child);
        let link = out.find(scheme);
        let link = link.trim();
        let (base, token) = match link.split_once("/#token=") {
            Some((base, token)) => (base.to_owned(), Some(token.to_owned())),
            None => (link.trim_end_matches('/').to_owned(), None),
        };
        Self { process, out, err, base, token }
    }

    pub fn signal(&self, name: &str) {
        let status =
            Command::new("kill").args([&format!("-{name}"), &self.process.pid().to_string()]).status().unwrap();
        assert!(status.success());
    }

    pub fn stop(mut self) -> Vec<String> {
        self.signal("TERM");
        let status = self.process.wait();
        assert_eq!(status.code(), Some(0), "it ends cleanly");
        self.err.rest()
    }
}

/// A regular expression over a whole text.
pub fn assert_shape(text: &str, shape: &str) {
    let pattern = regex_lite::Regex::new(&format!("^(?:{shape})$")).unwrap();
    assert!(pattern.is_match(text), "`{text}` does not look like {shape}");
}

/// A copy of the binary that every user may run: the build's folder may be root's alone.
pub fn for_everybody(bench: &Bench) -> PathBuf {
    use std::os::unix::fs::PermissionsExt;
    let open = |path: &Path| std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).unwrap();
    open(bench.dir.path());
    let copy = bench.path("procyon");
    if !copy.exists() {
        std::fs::copy(env!("CARGO_BIN_EXE_procyon"), &copy).unwrap();
        open(&copy);
    }
    copy
}

/// Whether this test runs as root, which those need that change users.
pub fn is_root() -> bool {
    std::os::unix::fs::MetadataExt::uid(&std::fs::metadata("/proc/self").unwrap()) == 0
}
