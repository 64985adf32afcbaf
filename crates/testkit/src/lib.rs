//! For tests only: starts processes whose behaviour the test controls, and waits for conditions.
//!
//! The processes are this package's program `procyon-workload`, built beside the tests. Each one prints `ready` when it
//! does what it was told, goes on until its input is closed, prints the processor time that it has used, and ends.

#![expect(
    clippy::disallowed_methods,
    clippy::panic,
    clippy::expect_used,
    reason = "tests start processes, ask for the time and stop at the first surprise"
)]

pub mod certificate;

use std::io::{BufRead, BufReader, Read, Write};
use std::path::PathBuf;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

/// A running workload; killed when it goes out of scope.
#[derive(Debug)]
pub struct Workload {
    child: Child,
    output: BufReader<ChildStdout>,
}

impl Workload {
    /// Starts `procyon-workload` with these arguments and waits until it is ready.
    ///
    /// # Panics
    /// When the program cannot be started or ends before it is ready.
    pub fn start(arguments: &[&str]) -> Self {
        Self::start_as(Command::new(program()).args(arguments))
    }

    /// Starts a prepared command that behaves like `procyon-workload`.
    ///
    /// # Panics
    /// When the program cannot be started or ends before it is ready.
    pub fn start_as(command: &mut Command) -> Self {
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("the workload starts");
        let mut output = BufReader::new(child.stdout.take().expect("its output is piped"));
        let mut line = String::new();
        output.read_line(&mut line).expect("the workload writes");
        assert_eq!(line.trim(), "ready", "the workload ended early");
        Self { child, output }
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Gives it a line to obey, without waiting until it has.
    ///
    /// # Panics
    /// When it has ended.
    pub fn tell(&mut self, line: &str) {
        let input = self.child.stdin.as_mut().expect("its input is piped");
        writeln!(input, "{line}").and_then(|()| input.flush()).expect("the workload listens");
    }

    /// Waits for its answer to the line before.
    ///
    /// # Panics
    /// When it has ended.
    pub fn answer(&mut self) -> String {
        let mut line = String::new();
        self.output.read_line(&mut line).expect("the workload writes");
        assert!(line.ends_with('\n'), "the workload ended early");
        line.trim_end().to_owned()
    }

    /// Gives it a line to obey and waits until it has.
    ///
    /// # Panics
    /// When it has ended.
    pub fn ask(&mut self, line: &str) -> String {
        self.tell(line);
        self.answer()
    }

    /// Tells it to end and returns the processor time that it says it has used.
    ///
    /// # Panics
    /// When it does not say so.
    pub fn finish(mut self) -> Duration {
        drop(self.child.stdin.take());
        let mut text = String::new();
        self.output.read_to_string(&mut text).expect("the workload writes");
        let nanos = text.trim().parse().unwrap_or_else(|_| panic!("`{text}` is no processor time"));
        self.child.wait().expect("the workload ends");
        Duration::from_nanos(nanos)
    }
}

impl Drop for Workload {
    fn drop(&mut self) {
        // It may have ended by itself.
        if self.child.kill().is_ok() {
            self.child.wait().ok();
        }
    }
}

/// The workload program, built beside the running test.
///
/// # Panics
/// When it has not been built.
pub fn program() -> PathBuf {
    let test = std::env::current_exe().expect("this test is a file");
    let found = test.ancestors().skip(1).take(3).map(|dir| dir.join("procyon-workload")).find(|path| path.is_file());
    found.expect("procyon-workload is built: `cargo build -p procyon-testkit` with the profile of the tests")
}

/// Waits until `condition` gives a value, at most `deadline`.
///
/// # Panics
/// When the deadline passes.
pub fn eventually<T>(what: &str, deadline: Duration, mut condition: impl FnMut() -> Option<T>) -> T {
    let start = Instant::now();
    loop {
        if let Some(value) = condition() {
            return value;
        }
        assert!(start.elapsed() < deadline, "gave up waiting after {deadline:?}: {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}
