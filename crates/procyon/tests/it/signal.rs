//! Signals from the command line, without a running procyon.

use std::os::unix::process::ExitStatusExt;

use crate::bench::{Bench, Guard};

fn key_of(bench: &Bench, pid: u32) -> String {
    let json = bench
        .run(&["ps", "--direct", "--json", "--apart", "10ms", "--filter", &format!("pid == {pid}"), "--columns", "pid"])
        .json();
    json["items"][0]["key"].as_str().unwrap_or_else(|| panic!("{json}")).to_owned()
}

#[test]
fn a_pid_and_a_key_name_the_process() {
    let bench = Bench::new();
    for by_key in [false, true] {
        let mut child = Guard::spawn("sleep", &["600"]);
        let name = if by_key { key_of(&bench, child.pid()) } else { child.pid().to_string() };
        let said = bench.run(&["signal", "USR1", &name]);
        assert_eq!(said.code, 0, "{}", said.err);
        assert_eq!(said.out, format!("sent SIGUSR1 to sleep (pid {})\n", child.pid()));
        assert_eq!(child.wait().signal(), Some(10));
    }
    let audit = bench.audit();
    assert_eq!(audit.len(), 4);
    assert!(audit.iter().all(|entry| entry["signal"] == "SIGUSR1" && entry["process"] == "sleep"));
    assert_eq!(audit[1]["result"], "sent");
}

#[test]
fn what_was_sent_is_told_as_json() {
    let bench = Bench::new();
    let mut child = Guard::spawn("sleep", &["600"]);
    let key = key_of(&bench, child.pid());
    let said = bench.run(&["signal", "TERM", &key, "--json"]).json();
    let expected = serde_json::json!({
        "result": "sent", "signal": "SIGTERM", "key": key, "pid": child.pid(), "name": "sleep",
    });
    assert_eq!(said, expected);
    assert_eq!(child.wait().signal(), Some(15));
}

#[test]
fn a_key_of_an_earlier_process_hits_nobody() {
    let bench = Bench::new();
    let mut child = Guard::spawn("sleep", &["600"]);
    let key = key_of(&bench, child.pid());
    let parts: Vec<&str> = key.split('-').collect();
    let start: u64 = parts[1].parse().unwrap();
    let earlier = format!("{}-{}-{}", parts[0], start - 1, parts[2]);
    let said = bench.run(&["signal", "KILL", &earlier]);
    assert_eq!(said.code, 4, "{}", said.err);
    assert!(said.err.contains("nothing was sent"), "{}", said.err);
    assert!(child.0.try_wait().unwrap().is_none(), "it still runs");
}

#[test]
fn read_only_sends_nothing() {
    let bench = Bench::new();
    let mut child = Guard::spawn("sleep", &["600"]);
    let said = bench.run(&["signal", "KILL", &child.pid().to_string(), "--set", "read_only=true"]);
    assert_eq!(said.code, 3, "{}", said.err);
    assert!(child.0.try_wait().unwrap().is_none());
}
