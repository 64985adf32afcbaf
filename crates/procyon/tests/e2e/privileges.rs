//! C9: with fewer rights it shows what is visible, and says what is missing and how to grant it.

use std::collections::BTreeSet;
use std::fs;
use std::process::{Child, Command, Stdio};

use serde_json::Value;

use crate::harness::{Actor, SOON, Start, Up, open_folder, subscribe};

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

/// What `procyon doctor` misses when it starts by these words.
fn missing(prefix: &[&str]) -> (BTreeSet<String>, Value) {
    let output = Command::new(prefix[0]).args(&prefix[1..]).arg(crate::harness::procyon()).args(["doctor", "--json"]).output().unwrap();
    let told: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {}", crate::harness::stderr(&output)));
    let missing = told["missing"].as_array().unwrap().iter().map(|name| name.as_str().unwrap().to_owned()).collect::<BTreeSet<_>>();
    // Code 1 where something was refused, 0 where nothing was.
    let refused = told["findings"].as_array().unwrap().iter().any(|finding| finding["outcome"] == "refused");
    assert_eq!(output.status.code(), Some(i32::from(refused)), "{told}");
    (missing, told)
}

fn without(names: &[&str]) -> [String; 2] {
    let list: Vec<String> = names.iter().map(|name| format!("-{}", name.trim_start_matches("CAP_").to_ascii_lowercase())).collect();
    [format!("--bounding-set={}", list.join(",")), format!("--inh-caps={}", list.join(","))]
}

/// Capabilities with those that the kernel takes in their place: `CAP_SYS_ADMIN` still stands for the two of eBPF, so
/// that their absence shows only where it is absent, too.
const EACH: &[(&str, &[&str])] = &[
    ("CAP_SYS_PTRACE", &[]),
    ("CAP_NET_ADMIN", &[]),
    ("CAP_SYS_ADMIN", &[]),
    ("CAP_KILL", &[]),
    ("CAP_BPF", &["CAP_SYS_ADMIN"]),
    ("CAP_PERFMON", &["CAP_SYS_ADMIN"]),
];

#[test]
fn doctor_names_exactly_the_capability_that_is_missing() {
    if !rustix::process::geteuid().is_root() {
        return;
    }
    let _stranger = Stranger::start();
    let (already, _) = missing(&["setpriv"]);
    for (name, stand_in) in EACH {
        let base = if stand_in.is_empty() {
            already.clone()
        } else {
            let [bounding, inherited] = without(stand_in);
            missing(&["setpriv", &bounding, &inherited]).0
        };
        let [bounding, inherited] = without(&[&[*name], *stand_in].concat());
        let (now, told) = missing(&["setpriv", &bounding, &inherited]);
        let new: BTreeSet<&str> = now.difference(&base).map(String::as_str).collect();
        // What a sandbox refuses in any case cannot be missed twice.
        if !base.contains(*name) {
            assert_eq!(new, BTreeSet::from([*name]), "without {name}: {told:#}");
            let grants: Vec<&str> = told["findings"].as_array().unwrap().iter()
                .filter(|finding| finding["needs"] == *name).map(|finding| finding["grant"].as_str().unwrap()).collect();
            assert!(!grants.is_empty() && grants.iter().all(|grant| grant.contains("setcap") && grant.contains(&name.to_ascii_lowercase())), "{grants:?}");
        }
    }
    // Root still reads every file without it: nothing is lost, so nothing is missed.
    let [bounding, inherited] = without(&["CAP_DAC_READ_SEARCH"]);
    assert_eq!(missing(&["setpriv", &bounding, &inherited]).0, already);
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
fn it_runs_without_any_one_capability_and_health_says_which() {
    if !rustix::process::geteuid().is_root() {
        return;
    }
    let _stranger = Stranger::start();
    let whole = watches(Up::start());
    let base = not_held(&whole);
    for name in ["CAP_SYS_PTRACE", "CAP_NET_ADMIN", "CAP_SYS_ADMIN", "CAP_DAC_READ_SEARCH", "CAP_KILL", "CAP_BPF", "CAP_PERFMON"] {
        let [bounding, inherited] = without(&[name]);
        let health = watches(Start::by(&["setpriv", &bounding, &inherited]).up());
        let now = not_held(&health);
        let new: BTreeSet<&str> = now.difference(&base).copied().collect();
        let stands_in = ["CAP_DAC_READ_SEARCH", "CAP_BPF", "CAP_PERFMON"].contains(&name) || base.contains(name);
        assert_eq!(new, if stands_in { BTreeSet::new() } else { BTreeSet::from([name]) }, "without {name}");
    }
}

#[test]
fn nobody_sees_what_is_visible_and_is_told_what_is_missing() {
    if !rustix::process::geteuid().is_root() {
        return;
    }
    let folder = open_folder();
    let program = folder.path().join("procyon");
    fs::copy(crate::harness::procyon(), &program).unwrap();
    let state = folder.path().join("state");
    fs::create_dir(&state).unwrap();
    std::os::unix::fs::chown(&state, Some(65534), Some(65534)).unwrap();
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
        assert!(detail["absent"][column].as_str().is_some_and(|why| why.starts_with("forbidden")), "{column}: {}", detail["absent"]);
    }
    let files = up.get(&format!("/hosts/local/processes/{key}/files")).problem(403, "forbidden");
    assert!(files["hint"].as_str().unwrap().contains("CAP_SYS_PTRACE"), "{files}");
    let signal = up.post_as(Some(&up.token), &format!("/hosts/local/processes/{key}/signal"), &serde_json::json!({"signal": "SIGCONT"}));
    assert!(signal.problem(403, "forbidden")["hint"].as_str().unwrap().contains("CAP_KILL"));
    // Its own process is wholly visible.
    let own = up.row_where(up.pid(), |row| row["read_total"].is_u64());
    assert!(own["exe"].is_string(), "{own}");

    let health = up.get("/health").good();
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
    let _ = SOON;
    watches(up);
}
