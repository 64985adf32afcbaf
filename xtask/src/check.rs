//! Tests, lints, long rounds, measurements.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result, bail};

use crate::place::Place;
use crate::{step, web};

/// The profile that tests are built with: optimised like a release, with overflow checks and debug assertions.
/// One profile for unit tests and for the binary under test, so that dependencies are compiled once.
/// See docs/decisions/0005-why-tests-have-a-profile-of-their-own.md.
const TEST_PROFILE: &str = "tested";

/// Steps that go on after a failure, so that one run tells everything that is wrong.
#[derive(Default)]
struct Steps {
    passed: usize,
    failed: Vec<String>,
}

impl Steps {
    fn note(&mut self, result: Result<()>) {
        match result {
            Ok(()) => self.passed += 1,
            Err(error) => {
                step::say(&format!("error: {error:#}"));
                self.failed.push(format!("{error:#}"));
            }
        }
    }

    fn end(self, task: &str) -> Result<()> {
        step::say(&format!("\n{task}: {} steps passed, {} failed", self.passed, self.failed.len()));
        if self.failed.is_empty() {
            return Ok(());
        }
        for failure in &self.failed {
            step::say(&format!("  {failure}"));
        }
        bail!("{task} did not pass");
    }
}

/// Everything that has to hold before a change goes in. Words after the task choose tests by name.
pub fn test(place: &Place, names: &[String]) -> Result<()> {
    step::setup(place, "test")?;
    web::build(place)?;
    let mut steps = Steps::default();
    steps.note(rust_tests(place, names));
    if names.is_empty() {
        steps.note(step::run("web lint", &mut web::npm(place, &["run", "--silent", "lint"])));
        steps.note(step::run("web unit tests", &mut web::npm(place, &["run", "--silent", "test"])));
        steps.note(step::run("web size", &mut web::npm(place, &["run", "--silent", "budget"])));
        steps.note(browser_tests(place));
    }
    steps.end("test")
}

fn rust_tests(place: &Place, names: &[String]) -> Result<()> {
    let mut command = step::cargo(place);
    if step::works(step::cargo(place).args(["nextest", "--version"])) {
        command.args(["nextest", "run", "--workspace", "--locked", "--cargo-profile", TEST_PROFILE]);
    } else {
        command.args(["test", "--workspace", "--locked", "--all-targets", "--no-fail-fast", "--profile", TEST_PROFILE]);
    }
    step::run("Rust tests", command.args(names).env("PROCYON_BIN", place.binary(TEST_PROFILE)))
}

/// The built binary in a real browser.
fn browser_tests(place: &Place) -> Result<()> {
    let binary = place.binary(TEST_PROFILE);
    // The tests' own build makes the binary only where a test of its package asks for it.
    step::run(
        "binary under test",
        step::cargo(place).args(["build", "--locked", "--package", "procyon", "--profile", TEST_PROFILE]),
    )?;
    let mut command = step::program(place, "node");
    command.current_dir(&place.web).args(["--test", "--test-concurrency=1"]).args(browser_files(place)?);
    step::run("browser tests", command.env("PROCYON_BIN", binary))
}

fn browser_files(place: &Place) -> Result<Vec<PathBuf>> {
    let folder = place.web.join("e2e");
    let mut files = Vec::new();
    for entry in fs::read_dir(&folder).with_context(|| format!("could not list {}", folder.display()))? {
        let path = entry?.path();
        if path.to_string_lossy().ends_with(".test.mjs") {
            files.push(path);
        }
    }
    if files.is_empty() {
        bail!("no browser tests in {}", folder.display());
    }
    files.sort();
    Ok(files)
}

/// Formatting, lints, licences and sources of dependencies.
pub fn lint(place: &Place, _: &[String]) -> Result<()> {
    step::setup(place, "lint")?;
    // The page is embedded, so there has to be one.
    web::build(place)?;
    let mut steps = Steps::default();
    steps.note(step::run("formatting", step::cargo(place).args(["fmt", "--all", "--check"])));
    steps.note(step::run(
        "clippy",
        step::cargo(place).args(["clippy", "--workspace", "--all-targets", "--locked", "--", "-D", "warnings"]),
    ));
    steps.note(step::run(
        "dependencies",
        step::cargo(place).args(["deny", "--locked", "check", "bans", "licenses", "sources"]),
    ));
    // Advisories come from the network; without it the other checks still tell something.
    if let Err(error) = step::run("advisories", step::cargo(place).args(["deny", "--locked", "check", "advisories"])) {
        step::say(&format!("    advisories were not checked: {error:#}"));
    }
    steps.note(step::run("web lint", &mut web::npm(place, &["run", "--silent", "lint"])));
    steps.end("lint")
}

/// The long rounds, which take too long for every change.
pub fn soak(place: &Place, names: &[String]) -> Result<()> {
    step::setup(place, "test")?;
    web::build(place)?;
    step::run("release binary", step::cargo(place).args(["build", "--release", "--locked", "--package", "procyon"]))?;
    scripts(place, "soak", names)
}

/// Measures the budgets; how, and what came out, stands in docs/benchmarks.md.
pub fn bench(place: &Place, names: &[String]) -> Result<()> {
    step::setup(place, "test")?;
    web::build(place)?;
    step::run("release binary", step::cargo(place).args(["build", "--release", "--locked", "--package", "procyon"]))?;
    let mut steps = Steps::default();
    if names.is_empty() {
        steps.note(step::run(
            "benchmarks of crates",
            step::cargo(place).args(["bench", "--workspace", "--locked", "--benches"]),
        ));
    }
    steps.note(scripts(place, "bench", names));
    steps.end("bench")
}

/// Runs every program in a folder of the clone (or those whose names contain a word), by name.
fn scripts(place: &Place, folder: &str, names: &[String]) -> Result<()> {
    let path = place.root.join(folder);
    let mut files = Vec::new();
    for entry in fs::read_dir(&path).with_context(|| format!("could not list {}", path.display()))? {
        let file = entry?.path();
        let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let wanted = names.is_empty() || names.iter().any(|word| name.contains(word.as_str()));
        if wanted && matches!(file.extension().and_then(|extension| extension.to_str()), Some("py" | "sh" | "mjs")) {
            files.push((name, file));
        }
    }
    if files.is_empty() {
        bail!("nothing in {} matches", path.display());
    }
    files.sort();
    let mut steps = Steps::default();
    for (name, file) in files {
        let interpreter = match file.extension().and_then(|extension| extension.to_str()) {
            Some("py") => "python3",
            Some("mjs") => "node",
            _ => "bash",
        };
        let mut command = step::program(place, interpreter);
        command.arg(file).env("PROCYON_BIN", place.binary("release"));
        steps.note(step::run(&name, &mut command));
    }
    steps.end(folder)
}
