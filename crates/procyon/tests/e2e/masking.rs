//! X2: secrets in command lines are seen nowhere, and what only looks like one is seen as it is.

use std::collections::HashMap;
use std::fs;

use procyon_testkit::eventually;
use serde_json::{Value, json};

use crate::harness::{Actor, SOON, Start, Up, process_columns, run, stderr, subscribe};
use crate::http::encode;

const SECRETS: &str = include_str!("../../../../fixtures/mask/secrets.txt");
const MASKED: &str = include_str!("../../../../fixtures/mask/masked.txt");
const LOOKALIKES: &str = include_str!("../../../../fixtures/mask/lookalikes.txt");

/// Starts a process with each of these command lines; each with what has to be seen of it.
fn play(up: &Up, lines: &str, expected: &str) -> Vec<(Actor, String)> {
    let folder = up.folder().join("actors");
    fs::create_dir_all(&folder).unwrap();
    let pairs = lines.lines().zip(expected.lines());
    pairs
        .map(|(line, expected)| {
            (Actor::with_line(&folder, &line.split('\t').collect::<Vec<_>>()), expected.replace('\t', " "))
        })
        .collect()
}

/// Fails where a text holds a secret; some also stand in the corpus in an encoded form.
fn clean(what: &str, text: &str) {
    for secret in ["CANARY", "eyJDQU5BUlkiOiJDQU5BUlktNDYifQ"] {
        if let Some(at) = text.find(secret) {
            let around: String = text.chars().skip(text[..at].chars().count().saturating_sub(120)).take(240).collect();
            panic!("a secret is seen in {what}: …{around}…");
        }
    }
}

#[test]
fn no_secret_is_seen_anywhere_and_nothing_else_is_hidden() {
    let up = Start::new().args(&["--log-level", "trace"]).up();
    let secrets = play(&up, SECRETS, MASKED);
    let plain = play(&up, LOOKALIKES, LOOKALIKES);
    assert!(secrets.len() >= 40 && plain.len() >= 40);
    let all: Vec<&(Actor, String)> = secrets.iter().chain(&plain).collect();

    // Before anybody looks at the answers: the live streams, which see the rows come.
    let columns = process_columns(&up);
    let columns: Vec<&str> = columns.iter().map(String::as_str).collect();
    let mut live = up.live(&subscribe(&columns));
    let mut stream = up.socket_at("/monitor/process/stream", Some(&up.token), &[]).expect("a WebSocket");
    let mut said = vec![live.next_of("full").to_string()];

    let table = eventually("all of them in the table", SOON, || {
        let list = up.get("/hosts/local/processes?columns=*&limit=0").good();
        let seen: HashMap<u64, Value> =
            list["items"].as_array().unwrap().iter().map(|row| (row["pid"].as_u64().unwrap(), row.clone())).collect();
        let told =
            all.iter().all(|(actor, _)| seen.get(&u64::from(actor.pid())).is_some_and(|row| row["cmd"].is_string()));
        told.then_some((list, seen))
    });
    let (list, seen) = table;
    clean("the process table", &list.to_string());
    let mut wrong = Vec::new();
    for (actor, expected) in &all {
        let cmd = seen[&u64::from(actor.pid())]["cmd"].as_str().unwrap();
        if cmd != expected {
            wrong.push(format!("wanted: {expected}\n   got: {cmd}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));

    said.push(live.next_of("delta").to_string());
    clean("the live stream", &said.concat());
    clean("the compatibility stream", &stream.next().to_string());
    for path in [
        "/hosts/local/frame",
        "/hosts/local/connections",
        "/hosts/local/processes?group=label&columns=*&limit=0",
        "/hosts/local/processes?view=tree&columns=*&limit=0",
        "/hosts/local/top?by=rss&n=100",
        "/hosts/local/series?scope=process&from=-1m&columns=rss",
        "/hosts/local/figures",
        "/health",
    ] {
        let answer = up.get(path);
        answer.good();
        clean(path, &answer.text());
    }
    for (actor, expected) in &secrets {
        let key = seen[&u64::from(actor.pid())]["key"].as_str().unwrap();
        for part in ["", "/threads", "/files"] {
            clean(expected, &up.get(&format!("/hosts/local/processes/{key}{part}")).text());
        }
    }
    for (actor, expected) in secrets.iter().step_by(10) {
        let snapshot = up.ask(None, "GET", &format!("/monitor/process/snapshot/{}", actor.pid()), b"").good();
        assert_eq!(snapshot["data"][0]["name"], expected.as_str());
    }
    // What cannot be seen cannot be guessed by a filter either.
    for q in
        ["CANARY-", "CANARY-01", "cmd.contains(\"CANARY-\")", "cmd.matches(\"CANAR.-\")", "label.contains(\"CANARY\")"]
    {
        let list = up.get(&format!("/hosts/local/processes?q={}", encode(q))).good();
        assert_eq!(list["matched"], 0, "{q}: {list}");
    }

    // The command line, by the socket and by itself.
    for arguments in [
        &["ps", "--columns", "*"][..],
        &["ps", "--json", "--columns", "*"],
        &["ps", "--direct", "--json", "--columns", "*"],
        &["ps", "--tree"],
        &["ps", "--group", "label"],
    ] {
        let output = up.cli(arguments);
        assert!(output.status.success(), "{arguments:?}: {}", stderr(&output));
        clean(&format!("{arguments:?}"), &String::from_utf8_lossy(&output.stdout));
        clean(&format!("{arguments:?}, errors"), &stderr(&output));
    }
    let listed: Value =
        serde_json::from_slice(&up.cli(&["ps", "--direct", "--json", "--columns", "pid,cmd"]).stdout).unwrap();
    let by_itself: HashMap<u64, &str> = listed["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| (row["pid"].as_u64().unwrap(), row["cmd"].as_str().unwrap_or_default()))
        .collect();
    for (actor, expected) in &all {
        assert_eq!(by_itself[&u64::from(actor.pid())], expected.as_str());
    }

    // A signal to each, so that they stand in the audit log and among the ended.
    for (actor, _) in &secrets {
        let key = seen[&u64::from(actor.pid())]["key"].as_str().unwrap();
        up.post_as(Some(&up.token), &format!("/hosts/local/processes/{key}/signal"), &json!({"signal": "SIGCONT"}))
            .good();
    }
    let count = secrets.len();
    drop(secrets);
    let ended = eventually("all among the ended", SOON, || {
        let list = up.get("/hosts/local/ended").good();
        (list["items"].as_array().unwrap().len() >= count).then_some(list)
    });
    clean("the ended", &ended.to_string());
    let mut told = 0;
    while told < count {
        let delta = live.next_of("delta");
        told += delta["ended"].as_array().unwrap().len();
        clean("a change", &delta.to_string());
    }
    assert!(up.audit().lines().count() >= 2 * count);
    let log = up.log();
    assert!(log.contains("started"), "{log}");
    clean("its own log", &log);
    for entry in fs::read_dir(up.state()).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() {
            clean(&path.display().to_string(), &String::from_utf8_lossy(&fs::read(&path).unwrap()));
        }
    }
}

#[test]
fn own_patterns_are_masked_and_arguments_can_be_dropped() {
    let up = Start::new().args(&["--set", "mask.patterns=passcode,corp_*_pin"]).up();
    let actor =
        Actor::start(up.folder(), "corptool", &["--passcode", "SECRET", "CORP_MAIN_PIN=SECRET", "--colour=blue"]);
    let mask = MASKED.split_once("\t-p").unwrap().1.split('\t').next().unwrap();
    assert_eq!(up.row(actor.pid())["cmd"], format!("corptool --passcode {mask} CORP_MAIN_PIN={mask} --colour=blue"));
    drop(up);

    let up = Start::new().args(&["--set", "mask.strip_args=true"]).up();
    assert_eq!(up.row(actor.pid())["cmd"], "corptool");
    let name = up.ask(None, "GET", &format!("/monitor/process/snapshot/{}", actor.pid()), b"").good();
    assert_eq!(name["data"][0]["name"], "corptool");
    let live = up.live(&subscribe(&["cmd"])).next_of("full");
    assert!(!live.to_string().contains("SECRET"));
}

#[test]
fn names_and_arguments_of_any_bytes_are_shown() {
    use std::os::unix::ffi::OsStrExt;
    let up = Up::start();
    let odd = procyon_testkit::Workload::start(&["rename", "a) R 1 (\n"]);
    let row = up.row_where(odd.pid(), |row| row["name"] == "a) R 1 (\n");
    assert_eq!(row["ppid"], std::process::id(), "{row}");
    let raw = std::ffi::OsStr::from_bytes(b"\xff\xfe\x1b[31m \xf0\x9f\x98\x80");
    let bytes = procyon_testkit::Workload::start_as(
        std::process::Command::new(procyon_testkit::program()).arg("idle").arg(raw),
    );
    let cmd = up.row(bytes.pid())["cmd"].as_str().unwrap().to_owned();
    assert!(cmd.contains('\u{fffd}') && cmd.ends_with('😀'), "{cmd:?}");
    // 1 MiB of arguments is kept to 64 KiB.
    let word = "x".repeat(100_000);
    let long = procyon_testkit::Workload::start(&[
        "idle", &word, &word, &word, &word, &word, &word, &word, &word, &word, &word,
    ]);
    let cmd = up.row(long.pid())["cmd"].as_str().unwrap().len();
    assert!((60_000..=66_000).contains(&cmd), "{cmd}");
    // A terminal gets no escape sequence out of a name.
    let table = run(&["ps", "--direct", "--columns", "pid,cmd,name", "--data", up.state().to_str().unwrap()]);
    assert!(table.status.success(), "{}", stderr(&table));
    assert!(!String::from_utf8_lossy(&table.stdout).contains('\u{1b}'));
}
