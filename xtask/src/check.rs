//! Tests, lints, long rounds, measurements.

use std::fs;
use std::path::{Path, PathBuf};

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

/// Everything that has to hold before a change goes in. Words after the task choose Rust tests by name and leave out the rest.
pub fn test(place: &Place, names: &[String]) -> Result<()> {
    step::setup(place, "test")?;
    web::build(place)?;
    // One build for all: what the tests start (the binary, the workloads) and the tests themselves, so that cargo
    // chooses the same features for both and compiles dependencies once.
    step::run("build", &mut cargo_tested(place, &["build", "--workspace", "--bins", "--tests"]))?;
    let mut steps = Steps::default();
    steps.note(rust_tests(place, names));
    if names.is_empty() {
        steps.note(doc_tests(place));
        steps.note(step::run("web lint", &mut web::npm(place, &["run", "--silent", "lint"])));
        steps.note(step::run("web unit tests", &mut web::npm(place, &["run", "--silent", "test"])));
        steps.note(step::run("web size", &mut web::npm(place, &["run", "--silent", "budget"])));
        steps.note(browser_tests(place));
        steps.note(exporter_conformance(place, &place.binary(TEST_PROFILE)));
        steps.note(programs(place, &place.binary(TEST_PROFILE), TESTED_PROGRAMS, &[]));
    }
    steps.end("test")
}

fn cargo_tested(place: &Place, arguments: &[&str]) -> std::process::Command {
    let mut command = step::cargo(place);
    command.args(arguments).args(["--locked", "--profile", TEST_PROFILE]);
    command
}

fn rust_tests(place: &Place, names: &[String]) -> Result<()> {
    let mut command = step::cargo(place);
    if step::works(step::cargo(place).args(["nextest", "--version"])) {
        command.args(["nextest", "run", "--workspace", "--locked", "--cargo-profile", TEST_PROFILE]);
    } else {
        command.args(["test", "--workspace", "--lib", "--bins", "--tests", "--no-fail-fast"]);
        command.args(["--locked", "--profile", TEST_PROFILE]);
    }
    if let Some(python) = python_with_readers() {
        command.env("PROCYON_PYTHON", python);
    }
    step::run("Rust tests", command.args(names).env("PROCYON_BIN", place.binary(TEST_PROFILE)))
}

/// The Python that `scripts/setup test` gave DuckDB and pyarrow, where nobody names another one.
fn python_with_readers() -> Option<PathBuf> {
    if std::env::var_os("PROCYON_PYTHON").is_some() {
        return None;
    }
    let home = std::env::var_os("PROCYON_READERS").map(PathBuf::from);
    let home = home.or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(".cache/procyon/python")))?;
    Some(home.join("bin/python")).filter(|python| python.is_file())
}

/// Examples in documentation, which nextest does not run.
fn doc_tests(place: &Place) -> Result<()> {
    step::run("documentation tests", &mut cargo_tested(place, &["test", "--workspace", "--doc", "--quiet"]))
}

/// The longest task of the page that `test` lets pass, ms of processor time: twice the budget, because there the page
/// shares its caches with whatever else runs. The budget itself is asserted by `bench`.
const LONGEST_TASK_AMONG_OTHERS_MS: &str = "100";

/// The built binary in a real browser.
fn browser_tests(place: &Place) -> Result<()> {
    let mut failed = Vec::new();
    for file in browser_files(place)? {
        // Browser, page and program share a machine with whatever else runs on it, so a file that fails is run once more; both
        // outcomes are printed. A mistake fails both times.
        if let Err(first) = browser_file(place, &file) {
            step::say(&format!("    {first:#}; once more"));
            if let Err(second) = browser_file(place, &file) {
                failed.push(format!("{second:#}"));
            }
        }
    }
    if failed.is_empty() { Ok(()) } else { bail!("{}", failed.join("; ")) }
}

fn browser_file(place: &Place, file: &Path) -> Result<()> {
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    let mut command = step::program(place, "node");
    command.current_dir(&place.web).arg("--test").arg(file);
    command.env("PROCYON_BIN", place.binary(TEST_PROFILE)).env("PERF_LONGEST", LONGEST_TASK_AMONG_OTHERS_MS);
    step::run(&format!("browser tests, {name}"), &mut command)
}

/// The name of [`page_budgets`] among the programs of `bench`.
const PAGE_BUDGETS: &str = "budgets of the page";

/// The budgets of the page with 3000 rows, in a real browser, against a stand-in server.
fn page_budgets(place: &Place) -> Result<()> {
    let mut command = step::program(place, "node");
    command.current_dir(&place.web).args(["--test", "e2e/perf.test.mjs"]);
    step::run(PAGE_BUDGETS, &mut command)
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

/// Series of node_exporter's own end-to-end test that the exporter has to serve, in percent.
const CONFORMANCE_PERCENT: &str = "99.5";

/// The exporter against node_exporter's end-to-end fixtures, where they lie beside the clone.
fn exporter_conformance(place: &Place, binary: &Path) -> Result<()> {
    let shared = place.root.join("../shared");
    let (program, fixtures) = (shared.join("bench/e2e.py"), shared.join("node_exporter_e2e/fixtures-1.12.1.tar.gz"));
    if !program.is_file() || !fixtures.is_file() {
        step::say(&format!("==> exporter conformance: skipped, {} is not there", program.display()));
        return Ok(());
    }
    let report = place.target.join("exporter-conformance.json");
    let mut command = step::program(place, "python3");
    command.arg(program).arg("--fixtures").arg(fixtures).arg("--json").arg(&report);
    command.arg("--bin").arg(format!("{} exporter", binary.display()));
    command.args(["--min-percent", CONFORMANCE_PERCENT, "--show", "50"]);
    step::run("exporter conformance", &mut command)?;
    let text = fs::read(&report).with_context(|| format!("could not read {}", report.display()))?;
    let surprises = surprises(&serde_json::from_slice(&text)?)?;
    if !surprises.is_empty() {
        bail!("the exporter serves what upstream does not: {}", surprises.join("; "));
    }
    Ok(())
}

/// Where the report of that program keeps what nobody may find: series that upstream has not, types and help texts that are
/// not upstream's, text that breaks the format. docs/exporter.md lists no such series on these fixtures.
const SURPRISES: [&str; 4] = ["/lists/extra", "/families/type differs", "/families/help differs", "/problems"];

fn surprises(report: &serde_json::Value) -> Result<Vec<String>> {
    let mut found = Vec::new();
    for place in SURPRISES {
        let list = report.pointer(place).and_then(serde_json::Value::as_array);
        let list = list.with_context(|| format!("the report has no list at {place}"))?;
        found.extend(list.iter().map(|one| format!("{place} {one}")));
    }
    Ok(found)
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

/// The long rounds, which take too long for every change. Words after the task choose some by name.
pub fn soak(place: &Place, names: &[String]) -> Result<()> {
    release(place)?;
    let mut steps = Steps::default();
    if chosen(SHORT_LIVES, names) {
        steps.note(short_lives(place));
    }
    if chosen(KILLED, names) {
        let mut command = cargo_tested(place, &["test", "--package", "procyon-store", "--test", "it"]);
        command.args(["--", "nothing_acknowledged_is_lost_when_the_program_is_killed"]).env("PROCYON_ROUNDS", "200");
        steps.note(step::run(KILLED, &mut command));
    }
    if chosen(LET_GO, names) {
        let mut command = cargo_tested(place, &["test", "--package", "procyon-trace", "--test", "it", "harmless"]);
        // One after the other: some count what this program holds attached.
        command
            .args(["--", "--test-threads=1"])
            .env("PROCYON_SOAK_ROUNDS", "300")
            .env("PROCYON_BIN", place.binary("release"));
        steps.note(step::run(LET_GO, &mut command));
    }
    if chosen(CLOSED, names) {
        let mut command = step::program(place, "node");
        command.current_dir(&place.web).args(["--test", "e2e/closed.test.mjs"]);
        command.env("PROCYON_SOAK_ROUNDS", "300").env("PROCYON_BIN", place.binary("release"));
        steps.note(step::run(CLOSED, &mut command));
    }
    steps.note(programs(place, &place.binary("release"), SOAKED_PROGRAMS, names));
    steps.end("soak")
}

/// The name of the test of short lives with ten times as many, among the programs of `soak`.
const SHORT_LIVES: &str = "20,000 short lives";

fn short_lives(place: &Place) -> Result<()> {
    let mut command = cargo_tested(place, &["test", "--package", "procyon-collect", "--test", "it", "lives_shorter"]);
    step::run(SHORT_LIVES, command.env("PROCYON_SHORT_LIVES", "20000"))
}

/// The name of the rounds in which the writer of history is killed, among the programs of `soak`.
const KILLED: &str = "history is killed 200 times";

/// The name of the rounds in which processes are watched and let go, among the programs of `soak`.
const LET_GO: &str = "watched and let go 300 times";

/// The name of the rounds in which a tab that watches is closed and a browser is killed, among the programs of `soak`.
const CLOSED: &str = "a tab that watches is closed 300 times";

/// The name of a day of history, held against its budgets, among the programs of `bench`.
const HISTORY_BUDGETS: &str = "budgets of history";

/// Measures the budgets; how, and what came out, stands in docs/benchmarks.md. Words after the task choose some by name.
pub fn bench(place: &Place, names: &[String]) -> Result<()> {
    release(place)?;
    let mut steps = Steps::default();
    if names.is_empty() {
        steps.note(step::run(
            "benchmarks of crates",
            step::cargo(place).args(["bench", "--workspace", "--exclude", "procyon-store", "--locked", "--benches"]),
        ));
    }
    if chosen(HISTORY_BUDGETS, names) {
        let history = ["bench", "--locked", "-p", "procyon-store", "--bench", "history", "--", "--check"];
        steps.note(step::run(HISTORY_BUDGETS, step::cargo(place).args(history)));
    }
    if chosen(PAGE_BUDGETS, names) {
        steps.note(page_budgets(place));
    }
    steps.note(programs(place, &place.binary("release"), MEASURED_PROGRAMS, names));
    steps.end("bench")
}

fn release(place: &Place) -> Result<()> {
    step::setup(place, "test")?;
    web::build(place)?;
    let packages = ["--package", "procyon", "--package", "procyon-testkit"];
    step::run("release binaries", step::cargo(place).args(["build", "--release", "--locked", "--bins"]).args(packages))
}

/// A program of the clone that drives the built binary: its name, its path, its arguments.
type Program = (&'static str, &'static str, &'static [&'static str]);

/// Short rounds, for `test`: they have to hold on a slow machine that does much else. The limits allow for that and for the
/// checks that the profile of the tests adds; `bench` and `soak` hold the budgets themselves.
const TESTED_PROGRAMS: &[Program] = &[
    (
        "cost of watching, short",
        "bench/up_cost.py",
        &[
            "--seconds",
            "20",
            "--warm-up",
            "10",
            "--rounds",
            "3",
            "--max-cpu",
            "0.1",
            "--max-hwm",
            "80",
            "--max-growth",
            "4",
        ],
    ),
    (
        "storm, short",
        "bench/storm/storm.py",
        &["--seconds", "40", "--processes", "1000", "--threads", "2000", "--max-gap", "20"],
    ),
    ("fork bomb, short", "bench/storm/bomb.py", &["--seconds", "5"]),
    ("truth of the past, short", "bench/truth/truth.py", &["--seconds", "45", "--instants", "40"]),
    ("balance of the books, short", "bench/books.py", &["--seconds", "15", "--min", "0.94", "--max", "1.05"]),
    ("system calls beside strace", "bench/trace_beside.py", &["--min-calls", "97"]),
    ("groups that come and go, short", "bench/exporter_churn.py", &[]),
    ("groups beside process-exporter", "bench/process_beside.py", &[]),
    ("a real Prometheus", "bench/prometheus.py", &[]),
];

/// Measurements, for `bench`.
const MEASURED_PROGRAMS: &[Program] = &[
    ("cost of watching", "bench/up_cost.py", &["--seconds", "60"]),
    (
        "cost of watching 3000",
        "bench/up_cost.py",
        &["--processes", "3000", "--seconds", "60", "--max-cpu", "0.04", "--max-growth", "6"],
    ),
    ("cost of a hundred live clients", "bench/live_cost.py", &[]),
    ("cost of a scrape", "bench/exporter_cost.py", &[]),
    ("cost of groups of processes", "bench/process_cost.py", &["--source", "ebpf"]),
    ("cost of groups of processes, procfs", "bench/process_cost.py", &["--source", "procfs"]),
    ("cost of a group for each process", "bench/process_cost.py", &["--source", "ebpf", "--group", "pid"]),
    ("cost of being watched", "bench/trace_cost.py", &[]),
    ("system calls beside strace", "bench/trace_beside.py", &[]),
];

/// Long rounds, for `soak`.
const SOAKED_PROGRAMS: &[Program] = &[
    // The charts of the last 15 minutes are full by then.
    ("ten minutes of watching", "bench/up_cost.py", &["--warm-up", "900", "--seconds", "600"]),
    ("storm", "bench/storm/storm.py", &[]),
    ("fork bomb", "bench/storm/bomb.py", &["--seconds", "30"]),
    ("truth of the past", "bench/truth/truth.py", &["--seconds", "1200", "--instants", "400"]),
    ("memory through blocks of history", "bench/history_memory.py", &["--block", "5m"]),
    ("balance of the books", "bench/books.py", &[]),
    (
        "an hour of groups that come and go",
        "bench/exporter_churn.py",
        &["--seconds", "3900", "--every", "15", "--top", "100", "--sockets", "200", "--sticky", "5m"],
    ),
];

/// Whether a name contains one of the words; every name does where there are no words.
fn chosen(name: &str, words: &[String]) -> bool {
    words.is_empty() || words.iter().any(|word| name.contains(word.as_str()))
}

/// Runs those programs whose name contains one of the words, or all.
fn programs(place: &Place, binary: &Path, programs: &[Program], words: &[String]) -> Result<()> {
    let mut failed = Vec::new();
    for (name, path, arguments) in programs.iter().filter(|(name, _, _)| chosen(name, words)) {
        let mut command = step::program(place, "python3");
        command.arg(path).args(*arguments).env("PROCYON_BIN", binary);
        if let Err(error) = step::run(name, &mut command) {
            failed.push(format!("{error:#}"));
        }
    }
    if failed.is_empty() { Ok(()) } else { bail!("{}", failed.join("; ")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_upstream_does_not_serve_is_a_surprise() {
        let mut report = serde_json::json!({
            "lists": { "extra": [], "missing": [["a", "1", "name"]] },
            "families": { "type differs": [], "help differs": [] },
            "problems": [],
        });
        assert_eq!(surprises(&report).unwrap(), Vec::<String>::new());
        report["families"]["help differs"] = serde_json::json!([["a", "One.", "Two."]]);
        report["lists"]["extra"] = serde_json::json!([["b{}", "1", "name"]]);
        assert_eq!(surprises(&report).unwrap().len(), 2);
        assert!(surprises(&serde_json::json!({})).is_err());
    }
}
