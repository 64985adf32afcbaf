//! Without privileges: it starts, shows what is visible, and names what is missing. These need root to drop it.

use std::process::{Command, Stdio};

use crate::bench::{Bench, Guard, Said, Up, for_everybody, is_root};

const ALL: [&str; 7] = ["sys_ptrace", "dac_read_search", "kill", "net_admin", "sys_admin", "bpf", "perfmon"];

/// The program as nobody, with these capabilities.
fn as_nobody(bench: &Bench, capabilities: &[&str], arguments: &[&str]) -> Command {
    let program = for_everybody(bench);
    let set = std::iter::once("-all".to_owned())
        .chain(capabilities.iter().map(|name| format!("+{name}")))
        .collect::<Vec<_>>()
        .join(",");
    let mut command = Command::new("setpriv");
    command.args([
        "--reuid=65534",
        "--regid=65534",
        "--clear-groups",
        "--inh-caps",
        &set,
        "--ambient-caps",
        &set,
        "--",
    ]);
    command.arg(program).args(arguments);
    command.env_clear().env("PATH", std::env::var_os("PATH").unwrap()).env("HOME", "/nonexistent").stdin(Stdio::null());
    command
}

fn refused(json: &serde_json::Value) -> Vec<String> {
    let findings = json["findings"].as_array().unwrap().iter();
    findings
        .filter(|finding| finding["outcome"] == "refused")
        .map(|finding| finding["id"].as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn nobody_sees_what_is_visible_and_learns_what_is_missing() {
    if !is_root() {
        return;
    }
    let bench = Bench::new();
    let said = Said::from(as_nobody(&bench, &[], &["doctor"]).output().unwrap());
    assert_eq!(said.code, 1, "{}{}", said.out, said.err);
    assert!(
        said.out.contains(
            "needs CAP_SYS_PTRACE and CAP_DAC_READ_SEARCH: sudo setcap cap_sys_ptrace,cap_dac_read_search+ep "
        ),
        "{}",
        said.out
    );
    assert!(said.out.contains("AmbientCapabilities=CAP_SYS_PTRACE CAP_DAC_READ_SEARCH"), "{}", said.out);

    let said = Said::from(
        as_nobody(&bench, &[], &["ps", "--direct", "--json", "--filter", "pid == 1", "--columns", "pid,name,rss,read"])
            .output()
            .unwrap(),
    );
    assert_eq!(said.code, 0, "{}", said.err);
    let first = said.json()["items"][0].clone();
    assert!(first["rss"].as_u64().unwrap() > 0 && first["read"].is_null(), "{first}");
}

#[test]
fn nobody_can_start_it() {
    if !is_root() {
        return;
    }
    let bench = Bench::new();
    let up = Up::spawn(as_nobody(&bench, &[], &["up", "--listen", "127.0.0.1:0", "--set", "collect.interval=200ms"]));
    let token = up.token.clone();
    let mut ps =
        bench.command(&["ps", "--host", &up.base, "--json", "--filter", "pid == 1", "--columns", "pid,rss,read"]);
    if let Some(token) = token {
        ps.env("PROCYON_TOKEN", token);
        let first = Said::from(ps.output().unwrap()).json()["items"][0].clone();
        assert!(first["rss"].as_u64().unwrap() > 0 && first["read"].is_null(), "{first}");
    }
    let log = up.stop().join("\n");
    assert!(log.contains("could not make the state folder; another one is used"), "{log}");
}

#[test]
fn root_without_the_right_to_signal_others_is_told() {
    if !is_root() {
        return;
    }
    let _other = Guard::spawn("setpriv", &["--reuid=12345", "--clear-groups", "sleep", "600"]);
    let program = std::path::Path::new(env!("CARGO_BIN_EXE_procyon"));
    let doctor = |drop: &[&str]| {
        let mut command = Command::new("setpriv");
        let output = command.args(drop).arg("--").arg(program).args(["doctor", "--json"]).output().unwrap();
        let json = Said::from(output).json();
        json["findings"].as_array().unwrap().iter().find(|finding| finding["id"] == "signal").unwrap().clone()
    };
    if doctor(&["--no-new-privs"])["outcome"] != "granted" {
        // A sandbox without CAP_KILL.
        return;
    }
    let without = doctor(&["--bounding-set=-kill", "--inh-caps=-kill"]);
    assert_eq!(without["outcome"], "refused", "{without}");
    assert!(without["grant"].as_str().unwrap().contains("cap_kill"), "{without}");
    assert_eq!(without["tried"], "signal a process of another user", "{without}");
}

#[test]
fn each_capability_that_is_dropped_is_missed_by_name() {
    if !is_root() {
        return;
    }
    let bench = Bench::new();
    // Somebody else's process, for there must be one to look at.
    let _other = Guard::spawn("setpriv", &["--reuid=12345", "--clear-groups", "sleep", "600"]);
    let doctor = |capabilities: &[&str]| {
        Said::from(as_nobody(&bench, capabilities, &["doctor", "--json"]).output().unwrap()).json()
    };
    let complete = doctor(&ALL);
    for id in ["process-io", "process-files", "process-pss", "signal"] {
        assert!(!refused(&complete).iter().any(|refused| refused == id), "{id}: {complete}");
    }
    let complete = refused(&complete);
    // What fails with all of them, a sandbox forbids: no capability is to blame.
    for (dropped, missed) in [
        (&["sys_ptrace"][..], "process-io"),
        (&["kill"], "signal"),
        (&["dac_read_search"], "process-files"),
        (&["net_admin"], "taskstats"),
        (&["sys_admin"], "enter-namespace"),
        // CAP_SYS_ADMIN stands in for those that were split off it.
        (&["bpf", "sys_admin"], "bpf-tracing"),
        (&["perfmon", "sys_admin"], "bpf-tracing"),
        (&["bpf", "sys_admin"], "bpf"),
        (&["perfmon", "sys_admin"], "bpf"),
    ] {
        if complete.iter().any(|id| id == missed) {
            continue;
        }
        let held: Vec<&str> = ALL.into_iter().filter(|name| !dropped.contains(name)).collect();
        let json = doctor(&held);
        assert!(refused(&json).iter().any(|id| id == missed), "without {dropped:?}: {json}");
        let finding = json["findings"].as_array().unwrap().iter().find(|finding| finding["id"] == missed).unwrap();
        let grant = finding["grant"].as_str().unwrap();
        assert!(dropped.iter().any(|name| grant.contains(&format!("cap_{name}"))), "{grant}");
    }
}

/// What `doctor` says works, and what it says the process table really comes from.
fn promised_and_kept(doctor: &serde_json::Value) -> (String, String) {
    let of = |list: &str, id: &str, field: &str| {
        let found = doctor[list].as_array().unwrap().iter().find(|one| one["id"] == id).unwrap();
        found[field].as_str().unwrap().to_owned()
    };
    (of("findings", "bpf", "outcome"), of("features", "processes", "source"))
}

#[test]
fn the_cheap_table_is_promised_only_where_it_works() {
    if !is_root() {
        return;
    }
    let run = |program: &str, arguments: &[&str]| {
        let output = Command::new(program)
            .args(arguments)
            .args([env!("CARGO_BIN_EXE_procyon"), "doctor", "--json"])
            .output()
            .unwrap();
        Said::from(output).json()
    };
    for doctor in [
        run("env", &[]),
        run("setpriv", &["--bounding-set=-perfmon,-sys_admin", "--inh-caps=-perfmon,-sys_admin"]),
        // Another pid namespace, in which what the program tells means nothing.
        run("unshare", &["--pid", "--fork", "--mount-proc"]),
    ] {
        let (promised, source) = promised_and_kept(&doctor);
        assert_eq!(promised == "ok", source == "ebpf", "{doctor}");
    }
}

#[test]
fn what_could_not_be_tried_comes_last_and_is_explained_once() {
    if !is_root() {
        return;
    }
    // A pid namespace in which nobody but root runs.
    let program = env!("CARGO_BIN_EXE_procyon");
    let said = Said::from(
        Command::new("unshare").args(["--pid", "--fork", "--mount-proc", program, "doctor"]).output().unwrap(),
    );
    let lines: Vec<&str> = said.out.lines().take_while(|line| !line.starts_with("sources")).collect();
    let first = lines.iter().position(|line| line.starts_with("? untried")).unwrap();
    assert!(lines[first + 1..].iter().all(|line| !line.contains("✓") && !line.contains("✗")), "{}", said.out);
    assert_eq!(said.out.matches("process of another user would have to run").count(), 1, "{}", said.out);
}
