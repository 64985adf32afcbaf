//! C9: with fewer rights it shows what is visible, and says what is missing and how to grant it.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use serde_json::Value;
use tempfile::TempDir;

use crate::harness::{Actor, Start, Up, open_folder, stderr, subscribe};

/// A process of another user, so that there is something to be refused.
struct Stranger(Child);

impl Stranger {
    fn start() -> Self {
        let sleep = ["--reuid", "65533", "--regid", "65533", "--clear-groups", "sleep", "600"];
        Self(Command::new("setpriv").args(sleep).stdin(Stdio::null()).spawn().unwrap())
    }
}

impl Drop for Stranger {
    fn drop(&mut self) {
        if self.0.kill().is_ok() {
            self.0.wait().ok();
        }
    }
}

/// What procyon makes use of.
const ALL: [&str; 7] =
    ["CAP_SYS_PTRACE", "CAP_DAC_READ_SEARCH", "CAP_KILL", "CAP_NET_ADMIN", "CAP_SYS_ADMIN", "CAP_BPF", "CAP_PERFMON"];

/// The words that start a program as nobody with all of these but some.
pub(crate) fn without(some: &[&str]) -> Vec<String> {
    let kept = ALL
        .iter()
        .filter(|name| !some.contains(name))
        .map(|name| format!("+{}", name.trim_start_matches("CAP_").to_ascii_lowercase()));
    let set = std::iter::once("-all".to_owned()).chain(kept).collect::<Vec<_>>().join(",");
    let words = [
        "setpriv",
        "--reuid=65534",
        "--regid=65534",
        "--clear-groups",
        "--inh-caps",
        &set,
        "--ambient-caps",
        &set,
        "--",
    ];
    words.map(str::to_owned).to_vec()
}

/// A copy of procyon that everybody may start, in a folder with a state folder of nobody's.
pub(crate) fn for_nobody() -> (TempDir, PathBuf) {
    let folder = open_folder();
    let program = folder.path().join("procyon");
    if fs::hard_link(crate::harness::procyon(), &program).is_err() {
        fs::copy(crate::harness::procyon(), &program).unwrap();
    }
    let state = folder.path().join("state");
    fs::create_dir(&state).unwrap();
    std::os::unix::fs::chown(&state, Some(65534), Some(65534)).unwrap();
    (folder, program)
}

/// It runs, frames come, and every process is in them.
fn watches(mut up: Up) -> Value {
    let actor = Actor::start(up.folder(), "watched", &[]);
    let row = up.row(actor.pid());
    assert!(row["cpu"].is_number() || row["cpu"].is_null());
    assert!(row["rss"].as_u64() > Some(0), "{row}");
    let mut live = up.live(&subscribe(&["pid"]));
    let full = live.next_of("full");
    let delta = live.next_of("delta");
    assert!(delta["seq"].as_u64() > full["seq"].as_u64());
    let health = up.get("/health").good();
    up.still_runs();
    health
}

fn not_held(health: &Value) -> BTreeSet<&str> {
    let all = health["capabilities"].as_array().unwrap();
    for one in all {
        assert!(one["gives"].as_str().is_some_and(|text| !text.is_empty()), "{one}");
        assert!(one["grant"].as_str().unwrap().contains(&one["id"].as_str().unwrap().to_ascii_lowercase()), "{one}");
    }
    all.iter().filter(|one| one["held"] == false).map(|one| one["id"].as_str().unwrap()).collect()
}

#[test]
fn it_runs_without_any_one_capability_and_says_which() {
    if !rustix::process::geteuid().is_root() {
        return;
    }
    let _stranger = Stranger::start();
    let look = |some: &[&str]| {
        let words = without(some);
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let (folder, program) = for_nobody();
        let doctor =
            Command::new(words[0]).args(&words[1..]).arg(&program).args(["doctor", "--json"]).output().unwrap();
        let doctor: Value =
            serde_json::from_slice(&doctor.stdout).unwrap_or_else(|error| panic!("{error}: {}", stderr(&doctor)));
        let health = watches(Start::program(&words, &program, folder).up());
        let held = not_held(&health);
        // To list descriptors takes one capability, to follow them another; the owners of sockets are found by both.
        let files = doctor["findings"].as_array().unwrap().iter().find(|one| one["id"] == "process-files").unwrap();
        let follows = !some.contains(&"CAP_SYS_PTRACE") && !some.contains(&"CAP_DAC_READ_SEARCH");
        assert_eq!(files["outcome"] == "ok", follows, "{some:?}: {files}");
        let missing: BTreeSet<String> =
            doctor["missing"].as_array().unwrap().iter().map(|name| name.as_str().unwrap().to_owned()).collect();
        assert_eq!(
            held.iter().map(|name| (*name).to_owned()).collect::<BTreeSet<_>>(),
            missing,
            "health and doctor agree: {doctor}"
        );
        missing
    };
    let whole = look(&[]);
    let without_admin = look(&["CAP_SYS_ADMIN"]);
    for name in ALL {
        // `CAP_SYS_ADMIN` stands in for the two that were split off it, so that they are missed only where it is, too.
        let (now, base) = match name {
            "CAP_BPF" | "CAP_PERFMON" => (look(&[name, "CAP_SYS_ADMIN"]), &without_admin),
            "CAP_SYS_ADMIN" => (without_admin.clone(), &whole),
            _ => (look(&[name]), &whole),
        };
        let new: BTreeSet<&str> = now.difference(base).map(String::as_str).collect();
        // What a sandbox refuses in any case cannot be missed twice.
        let expected = if base.contains(name) { BTreeSet::new() } else { BTreeSet::from([name]) };
        assert_eq!(new, expected, "without {name}");
    }
}

#[test]
fn nobody_sees_what_is_visible_and_is_told_what_is_missing() {
    if !rustix::process::geteuid().is_root() {
        return;
    }
    let (folder, program) = for_nobody();
    let nobody = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups", "--inh-caps=-all"];
    let up = Start::program(&nobody, &program, folder).up();

    // A process of somebody else: what everybody may read is there, the rest is null with a reason.
    let row = up.row(std::process::id());
    assert_eq!(row["user"], "root", "{row}");
    assert!(row["rss"].as_u64() > Some(0) && row["cmd"].is_string(), "{row}");
    for column in ["exe", "cwd", "read_total", "pss"] {
        assert!(row[column].is_null(), "{column}: {row}");
    }
    let key = row["key"].as_str().unwrap();
    let detail = up.get(&format!("/hosts/local/processes/{key}")).good();
    for column in ["exe", "read_total"] {
        assert!(
            detail["absent"][column].as_str().is_some_and(|why| why.starts_with("forbidden")),
            "{column}: {}",
            detail["absent"]
        );
    }
    let files = up.get(&format!("/hosts/local/processes/{key}/files")).problem(403, "forbidden");
    assert!(files["hint"].as_str().unwrap().contains("CAP_SYS_PTRACE"), "{files}");
    // Whose sockets they are is not known: not the same as none.
    let sockets = up.get(&format!("/hosts/local/processes/{key}/connections")).problem(403, "forbidden");
    assert!(sockets["hint"].as_str().unwrap().contains("CAP_SYS_PTRACE"), "{sockets}");
    let signal = up.post_as(
        Some(&up.token),
        &format!("/hosts/local/processes/{key}/signal"),
        &serde_json::json!({"signal": "SIGWINCH"}),
    );
    assert!(signal.problem(403, "forbidden")["hint"].as_str().unwrap().contains("CAP_KILL"));
    // Its own process is wholly visible.
    let own = up.row_where(up.pid(), |row| row["read_total"].is_u64());
    assert!(own["exe"].is_string(), "{own}");

    let health = up.get("/health").good();
    let (source, reason) = process_table(&health);
    assert!(source == "procfs" && reason.contains("CAP_BPF"), "{health}");
    let held = not_held(&health);
    assert!(held.contains("CAP_SYS_PTRACE") && held.contains("CAP_KILL"), "{health}");
    let grants = health["capabilities"].to_string();
    assert!(grants.contains("setcap cap_sys_ptrace"), "{grants}");
    let mut words = nobody.to_vec();
    let program = program.to_str().unwrap().to_owned();
    words.push(&program);
    let doctor = Command::new(words[0]).args(&words[1..]).args(["doctor"]).env("NO_COLOR", "1").output().unwrap();
    let said = String::from_utf8_lossy(&doctor.stdout).into_owned();
    assert_eq!(doctor.status.code(), Some(1), "{said}");
    for word in ["CAP_SYS_PTRACE", "CAP_KILL", "setcap ", "AmbientCapabilities="] {
        assert!(said.contains(word), "{word}: {said}");
    }
    // Whoever runs it operates it; root does so anywhere.
    let session = crate::http::request(&up.socket(), "GET", "/api/v1/session", &[], b"").good();
    assert_eq!(session["role"], "operator");
    watches(up);
}

/// Where the process table comes from, and why it is not eBPF.
fn process_table(health: &Value) -> (&str, &str) {
    let features = health["features"].as_array().unwrap();
    let table = features.iter().find(|feature| feature["id"] == "processes").unwrap();
    (table["source"].as_str().unwrap(), table["reason"].as_str().unwrap_or(""))
}

/// Starts its arguments under a filter that answers `bpf(BPF_PROG_LOAD)` with "operation not permitted".
const WITHOUT_PROGRAMS: &str = r#"
import ctypes, os, struct, sys
instruction = lambda code, yes, no, value: struct.pack("HBBI", code, yes, no, value)
load, equal, answer = 0x20, 0x15, 0x06
number = {"x86_64": 321, "aarch64": 280}[os.uname().machine]
program = b"".join([
    instruction(load, 0, 0, 0), instruction(equal, 0, 3, number),
    instruction(load, 0, 0, 16), instruction(equal, 0, 1, 5),
    instruction(answer, 0, 0, 0x00050001), instruction(answer, 0, 0, 0x7fff0000),
])
room = ctypes.create_string_buffer(program)
filter = ctypes.create_string_buffer(struct.pack("HxxxxxxP", len(program) // 8, ctypes.addressof(room)))
libc = ctypes.CDLL(None, use_errno=True)
assert libc.prctl(38, 1, 0, 0, 0) == 0
assert libc.prctl(22, 2, ctypes.byref(filter), 0, 0) == 0, ctypes.get_errno()
os.execv(sys.argv[1], sys.argv[1:])
"#;

#[test]
fn where_the_kernel_refuses_its_programs_it_reads_procfs_and_says_why() {
    let up = Start::by(&["python3", "-c", WITHOUT_PROGRAMS]).up();
    let health = watches(up);
    let (source, reason) = process_table(&health);
    assert_eq!(source, "procfs", "{health}");
    assert!(reason.contains("Operation not permitted") && reason.contains("CAP_BPF"), "{reason}");

    // What was asked for and cannot be had is an error with a way out.
    let words = ["-c", WITHOUT_PROGRAMS, crate::harness::procyon().to_str().unwrap(), "up", "--source", "ebpf"]
        .map(str::to_owned);
    let folder = open_folder();
    let mut command = Command::new("python3");
    command.args(words).arg("--data").arg(folder.path()).args(["--listen", "127.0.0.1:0"]).env("NO_COLOR", "1");
    let output = command.stdin(Stdio::null()).output().unwrap();
    let said = stderr(&output);
    assert_eq!(output.status.code(), Some(1), "{said}");
    for word in ["could not read the process table by eBPF", "Operation not permitted", "hint: ", "--source auto"] {
        assert!(said.contains(word), "{word}: {said}");
    }
}

#[test]
fn where_the_kernel_has_no_types_it_reads_procfs_and_says_why() {
    let health = watches(Start::new().args(&["--sys-root", "/nonexistent"]).up());
    let (source, reason) = process_table(&health);
    assert!(source == "procfs" && reason.contains("/nonexistent/kernel/btf/vmlinux"), "{health}");
}

#[test]
fn in_a_pid_namespace_of_its_own_it_reads_procfs_and_says_why() {
    if !rustix::process::geteuid().is_root() {
        return;
    }
    let mut up = Start::by(&["unshare", "--pid", "--fork", "--kill-child", "--mount-proc"]).up();
    let health = up.get("/health").good();
    let (source, reason) = process_table(&health);
    let refused = reason.contains("CAP_BPF");
    assert!(source == "procfs" && (reason.contains("pid namespace") || refused), "{health}");
    up.still_runs();
}

#[test]
fn procfs_can_be_asked_for() {
    let health = watches(Start::new().args(&["--source", "procfs"]).up());
    assert_eq!(process_table(&health), ("procfs", "it was asked for"));
}
