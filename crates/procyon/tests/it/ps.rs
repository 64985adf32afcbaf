//! The process table, read by ourselves: of processes that the test controls.

use procyon_testkit::Workload;
use serde_json::Value;

use crate::bench::{Bench, Guard};

fn items(json: &Value) -> &Vec<Value> {
    json["items"].as_array().unwrap()
}

#[test]
fn the_busiest_stand_on_top_with_what_they_use() {
    let bench = Bench::new();
    let busy = Workload::start(&["burn", "0.4", "1"]);
    let filter = format!("pid == {}", busy.pid());
    let said = bench.run(&["ps", "--direct", "--filter", &filter, "--columns", "pid,name,cpu,threads,state"]);
    assert_eq!(said.code, 0, "{}", said.err);
    let lines: Vec<&str> = said.out.lines().collect();
    assert!(lines[0].split_whitespace().eq(["PID", "Name", "CPU", "%", "Thr", "S"]), "{}", lines[0]);
    let fields: Vec<&str> = lines[1].split_whitespace().collect();
    assert_eq!((fields[0], fields[1]), (busy.pid().to_string().as_str(), "procyon-workloa"));
    let cpu: f64 = fields[2].parse().unwrap();
    // How exact it is, the tests of collecting say; a busy machine lets a process catch up with a whole core, no more.
    assert!(cpu > 5.0 && cpu < 110.0, "{}", lines[1]);

    let said = bench.run(&["ps", "--direct", "--json", "--limit", "4"]);
    let json = said.json();
    let cpu: Vec<f64> = items(&json).iter().map(|item| item["cpu"].as_f64().unwrap_or(0.0)).collect();
    assert!(cpu.is_sorted_by(|a, b| a >= b), "{cpu:?}");
    assert_eq!(items(&json).len(), 4);
    assert!(json["total"].as_u64().unwrap() > 4);
}

#[test]
fn rows_can_be_chosen_sorted_and_put_together() {
    let bench = Bench::new();
    let sleepers: Vec<Guard> = (0..3).map(|_| Guard::spawn("sleep", &["7654"])).collect();
    let filter = "name == \"sleep\" && cmd.contains(\"7654\")";
    let json = bench
        .run(&[
            "ps",
            "--direct",
            "--json",
            "--apart",
            "50ms",
            "--filter",
            filter,
            "--sort",
            "pid",
            "--columns",
            "pid,ppid,cmd",
        ])
        .json();
    let pids: Vec<u64> = items(&json).iter().map(|item| item["pid"].as_u64().unwrap()).collect();
    let mut expected: Vec<u64> = sleepers.iter().map(|sleeper| u64::from(sleeper.pid())).collect();
    expected.sort_unstable();
    assert_eq!(pids, expected);
    assert!(items(&json).iter().all(|item| item["ppid"] == std::process::id()), "{json}");
    assert_eq!(json["matched"], 3);

    let json = bench
        .run(&[
            "ps",
            "--direct",
            "--json",
            "--apart",
            "50ms",
            "--filter",
            filter,
            "--group",
            "name",
            "--columns",
            "threads",
        ])
        .json();
    assert_eq!(items(&json).len(), 1);
    assert_eq!(
        (&items(&json)[0]["group"], &items(&json)[0]["count"], &items(&json)[0]["threads"]),
        (&"sleep".into(), &3.into(), &3.into())
    );

    let json = bench
        .run(&["ps", "--direct", "--json", "--apart", "50ms", "--filter", filter, "--tree", "--columns", "pid"])
        .json();
    let depth_of = |pid: u32| {
        items(&json).iter().find(|item| item["pid"] == pid).unwrap_or_else(|| panic!("{pid} in {json}"))["depth"]
            .as_u64()
            .unwrap()
    };
    assert_eq!(depth_of(sleepers[0].pid()), depth_of(std::process::id()) + 1, "ancestors stand above");
}

#[test]
fn plain_words_find_a_process() {
    let bench = Bench::new();
    let sleeper = Guard::spawn("sleep", &["8765"]);
    let json = bench
        .run(&["ps", "--direct", "--json", "--apart", "50ms", "--filter", "sleep 8765", "--columns", "pid"])
        .json();
    let pids: Vec<&Value> = items(&json).iter().map(|item| &item["pid"]).collect();
    assert!(pids.contains(&&sleeper.pid().into()), "{json}");
}

#[test]
fn a_name_never_reaches_the_terminal_as_a_command() {
    let bench = Bench::new();
    let program = bench.path("a\u{1b}[2Jb");
    std::fs::copy("/bin/sleep", &program).unwrap();
    let evil = Guard::spawn(program.to_str().unwrap(), &["600"]);
    let said = bench.run(&[
        "ps",
        "--direct",
        "--apart",
        "50ms",
        "--filter",
        &format!("pid == {}", evil.pid()),
        "--columns",
        "pid,name,cmd",
    ]);
    assert!(said.out.contains("[2Jb"), "{}", said.out);
    assert!(!said.out.contains('\u{1b}'), "{}", said.out);
}
