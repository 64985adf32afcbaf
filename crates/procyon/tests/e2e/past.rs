//! H2, H3, H13: the past of a real machine, by the API, by a running procyon, and from its files.

use procyon_testkit::{Workload, eventually};
use serde_json::Value;

use crate::harness::{Actor, SOON, Start, Up, open_folder, stderr};

/// The instant of the newest frame that is kept, once there are this many.
fn kept(up: &Up, frames: i64) -> i64 {
    eventually("frames that are kept", SOON, || {
        let state = up.get("/hosts/local/history").good();
        assert_eq!(state["state"], "on", "{state}");
        let (from, to) = (state["from"].as_i64()?, state["to"].as_i64()?);
        (to - from >= frames * 250).then_some(to)
    })
}

fn json(output: &std::process::Output) -> Value {
    assert!(output.status.success(), "{}", stderr(output));
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn the_past_is_the_same_by_the_api_by_a_procyon_and_from_its_files() {
    let up = Up::start();
    let actor = Actor::start(up.folder(), "remembered", &["--of=old"]);
    let key = up.key(actor.pid());
    kept(&up, 1);
    let at = eventually("a frame with it", SOON, || {
        let at = kept(&up, 4);
        (up.get(&format!("/hosts/local/processes/{key}?at={at}")).status == 200).then_some(at)
    });
    drop(actor);
    eventually("a frame without it", SOON, || {
        (up.get("/hosts/local/processes?q=remembered").good()["matched"] == 0).then_some(())
    });
    let asked = at.to_string();
    let arguments = ["ps", "--at", &asked, "--json", "--columns", "pid,name,cmd,rss,utime", "--sort", "pid"];
    let from_files = json(&up.cli(&arguments));
    let socket = up.state().join("procyon.sock");
    let by_procyon = json(&crate::harness::run(&[&arguments[..], &["--socket", socket.to_str().unwrap()]].concat()));
    let api = up.get(&format!("/hosts/local/processes?at={at}&columns=pid,name,cmd,rss,utime&sort=pid&limit=0")).good();
    assert_eq!(from_files["at"], api["at"]);
    assert_eq!(from_files["items"], api["items"]);
    // An instant that an answer tells leads back to the same frame, though frames are not made at whole milliseconds.
    assert_eq!(
        (&api["at"], &up.get(&format!("/hosts/local/step?at={at}&by=0")).good()["at"]),
        (&at.into(), &at.into())
    );
    let before = up.get(&format!("/hosts/local/step?at={at}&by=-1")).good()["at"].as_i64().unwrap();
    let again = up.get(&format!("/hosts/local/step?at={before}&by=1")).good();
    assert_eq!(again["at"], at);
    assert_eq!(by_procyon["items"], api["items"]);
    let row = api["items"].as_array().unwrap().iter().find(|row| row["key"] == key.as_str()).expect("it was there");
    assert!(row["cmd"].as_str().unwrap().contains("--of=old"), "{row}");
    // It has ended since, and is told of.
    let detail = eventually("its end", SOON, || {
        let now = kept(&up, 4);
        let detail = up.get(&format!("/hosts/local/processes/{key}?at={now}"));
        (detail.status == 200).then(|| detail.json()).filter(|detail| detail["state"] == "ended")
    });
    assert_eq!(detail["signal"]["allowed"], false);
    // It is told how, by the procyon and from its files.
    let told = detail["at"].to_string();
    let (by_procyon, from_files) = (["--socket", socket.to_str().unwrap()], ["--at", told.as_str()]);
    for (arguments, is_past) in [(by_procyon, false), (from_files, true)] {
        let list = if is_past {
            json(&up.cli(&[&["ps", "--ended", "--json"][..], &arguments].concat()))
        } else {
            json(&crate::harness::run(&[&["ps", "--ended", "--json"][..], &arguments].concat()))
        };
        let end = list["items"].as_array().unwrap().iter().find(|end| end["key"] == key.as_str()).cloned();
        let end = end.unwrap_or_else(|| panic!("{list}"));
        for field in ["exit", "sender", "oom", "core", "final"] {
            assert_eq!(end[field], detail[field], "{field}");
        }
    }
    let printed = up.cli(&["ps", "--ended", "--at", &told, "--columns", "key"]);
    assert!(String::from_utf8_lossy(&printed.stdout).contains(&key), "{}", stderr(&printed));
    let found = up.get("/hosts/local/search?q=--of%3Dold&from=-1h").good();
    assert_eq!((&found["items"][0]["key"], &found["items"][0]["ended"]), (&key.as_str().into(), &true.into()));
    let deaths = up.get("/hosts/local/events?kinds=death&limit=10000").good();
    assert!(deaths["items"].as_array().unwrap().iter().any(|event| event["key"] == key.as_str()), "{deaths}");
    let past = up.cli(&["ps", "--at", &asked, "--filter", "remembered"]);
    let printed = String::from_utf8_lossy(&past.stdout).into_owned();
    assert!(past.status.success() && printed.lines().count() == 3 && printed.contains("--of=old"), "{printed}");
}

#[test]
fn the_heaviest_and_those_that_changed_are_named_from_files_too() {
    let up = Up::start();
    kept(&up, 4);
    let burner = Workload::start(&["burn", "0.9", "1"]);
    let key = up.key(burner.pid());
    eventually("the burner in history", SOON, || {
        kept(&up, 4);
        let top = json(&up.cli(&["rank", "--by", "cpu", "--from", "-10m", "--json", "--limit", "100"]));
        let items = top["items"].as_array().unwrap().clone();
        assert!(items.is_sorted_by(|a, b| a["value"].as_f64() >= b["value"].as_f64()), "{top}");
        let mine = items.iter().find(|item| item["key"] == key.as_str())?;
        (mine["value"].as_f64() > Some(0.01)).then_some(())
    });
    let users = json(&up.cli(&["rank", "--group", "user", "--json"]));
    assert!(users["items"][0]["processes"].as_u64() > Some(0), "{users}");
    let printed = up.cli(&["rank"]);
    assert!(String::from_utf8_lossy(&printed.stdout).contains("mean over"), "{}", stderr(&printed));
    let why = eventually("the burner as a reason", SOON, || {
        let why = json(&up.cli(&["why", "--json", "--limit", "100"]));
        let named = why["items"].as_array().unwrap().iter().any(|item| item["key"] == key.as_str());
        named.then_some(why)
    });
    assert_eq!(why["metric"], "cpu");
    let socket = up.state().join("procyon.sock");
    let by_procyon = crate::harness::run(&["why", "--metric", "mem", "--socket", socket.to_str().unwrap()]);
    assert!(by_procyon.status.success(), "{}", stderr(&by_procyon));
    assert!(String::from_utf8_lossy(&by_procyon.stdout).starts_with("mem around "), "{by_procyon:?}");
}

#[test]
fn wrong_questions_about_the_past_say_what_is_right() {
    let up = Up::start();
    kept(&up, 1);
    let says = |arguments: &[&str], code: i32, words: &[&str]| {
        let output = up.cli(arguments);
        let said = stderr(&output);
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {said}");
        assert!(words.iter().all(|word| said.contains(word)), "{arguments:?}: {said}");
    };
    says(&["ps", "--at", "yesterday"], 2, &["yesterday", "-2h"]);
    says(&["ps", "--at", "-30d"], 4, &["nothing is kept of", "there is history from"]);
    for command in [&["ps"][..], &["ps", "--ended"], &["why"]] {
        says(&[command, &["--at", "2099-01-01T00:00:00Z"]].concat(), 2, &["future", "there is history from"]);
        let socket = up.state().join("procyon.sock");
        let more = ["--at", "2099-01-01T00:00:00Z", "--socket", socket.to_str().unwrap()];
        let asked = crate::harness::run(&[command, &more].concat());
        let said = stderr(&asked);
        assert!(asked.status.code() == Some(2) && said.contains("there is history from"), "{command:?}: {said}");
    }
    says(&["rank", "--by", "cpuu"], 2, &["cpuu", "did you mean `cpu`"]);
    says(&["rank", "--group", "usr"], 2, &["did you mean `user`"]);
    says(&["rank", "--from", "now", "--to", "-1h"], 2, &["ends", "before it begins"]);
    says(&["why", "--metric", "colour"], 2, &["colour", "cpu"]);
    let nowhere = crate::harness::run(&["ps", "--at", "-1m", "--data", "/nonexistent/procyon"]);
    assert_eq!(nowhere.status.code(), Some(4), "{}", stderr(&nowhere));
    let before = up.get("/hosts/local/frame?at=-30d");
    assert_eq!(before.status, 404);
    assert!(before.text().contains("there is history from"), "{}", before.text());
}

#[test]
fn history_can_be_off_and_says_how_to_switch_it_on() {
    let up = Start::new().arg("--no-history").up();
    let answer = up.get("/hosts/local/frame?at=-1s");
    assert_eq!((answer.status, &answer.json()["type"]), (409, &"urn:procyon:history-off".into()));
    assert!(answer.text().contains("--no-history"), "{}", answer.text());
    assert_eq!(up.get("/hosts/local/history").good()["state"], "off");
    assert!(!up.state().join("history").exists());
    let asked = up.cli(&["ps", "--at", "-1s"]);
    assert_eq!(asked.status.code(), Some(4), "{}", stderr(&asked));
    assert!(stderr(&asked).contains("history"), "{}", stderr(&asked));
    assert_eq!(up.get("/health").good()["history"]["state"], "off");
}

#[test]
fn a_history_that_cannot_be_kept_costs_the_past_and_nothing_else() {
    let folder = open_folder();
    let file = folder.path().join("in-the-way");
    std::fs::write(&file, "a file").unwrap();
    let mut up = Start::new().args(&["--set", &format!("history.dir={}", file.display())]).up();
    let log = up.log();
    assert!(log.contains("history is off") && log.contains("in-the-way"), "{log}");
    let health = up.get("/health").good();
    assert_eq!((&health["status"], &health["history"]["state"]), (&"degraded".into(), &"off".into()));
    assert!(health["history"]["reason"].as_str().unwrap().contains("in-the-way"), "{health}");
    up.get("/hosts/local/frame").good();
    up.still_runs();
}

#[test]
fn a_second_writer_is_told_of_the_first() {
    let up = Up::start();
    kept(&up, 1);
    let history = up.state().join("history");
    let mut second = Start::new().args(&["--set", &format!("history.dir={}", history.display())]).up();
    let log = second.log();
    assert!(log.contains("another procyon writes history in"), "{log}");
    second.get("/hosts/local/frame").good();
    second.still_runs();
    // The first one goes on.
    let before = kept(&up, 1);
    eventually("newer frames", SOON, || (kept(&up, 1) > before).then_some(()));
}

#[test]
fn a_piece_of_history_is_carried_away_in_one_file() {
    let up = Up::start();
    let actor = Actor::start(up.folder(), "carried", &["--password=hunter2"]);
    let key = up.key(actor.pid());
    let at = eventually("a frame with it", SOON, || {
        let at = kept(&up, 4);
        (up.get(&format!("/hosts/local/processes/{key}?at={at}")).status == 200).then_some(at)
    });
    let file = up.folder().join("piece.snapshot");
    let path = file.to_str().unwrap();
    let made = json(&up.cli(&["snapshot", "--from", "-1h", "-o", path, "--json"]));
    assert!(made["frames"].as_u64() >= Some(4) && made["bytes"].as_u64() > Some(0), "{made}");
    let again = up.cli(&["snapshot", "-o", path]);
    assert_eq!(again.status.code(), Some(1), "{}", stderr(&again));
    assert!(stderr(&again).contains("--force"), "{}", stderr(&again));
    // Opened where nothing else of that procyon is.
    let asked = at.to_string();
    let arguments = ["ps", "--at", &asked, "--json", "--columns", "cmd,rss", "--sort", "pid"];
    let here = json(&up.cli(&arguments));
    let there = json(&crate::harness::run(&[&arguments[..], &["--file", path]].concat()));
    assert_eq!(here["items"], there["items"]);
    let row =
        there["items"].as_array().unwrap().iter().find(|row| row["key"] == key.as_str()).expect("it is in the file");
    let cmd = row["cmd"].as_str().unwrap();
    assert!(cmd.contains("--password=") && !cmd.contains("hunter2"), "{cmd}");
    for command in [&["rank", "--json"][..], &["why", "--at", &asked, "--json"]] {
        json(&crate::harness::run(&[command, &["--file", path]].concat()));
    }
    let newest = crate::harness::run(&["ps", "--file", path, "--limit", "3"]);
    assert!(newest.status.success(), "{}", stderr(&newest));
    let not_one = crate::harness::run(&["ps", "--file", "/proc/self/status"]);
    assert_eq!(not_one.status.code(), Some(1), "{}", stderr(&not_one));
    assert!(stderr(&not_one).contains("no snapshot"), "{}", stderr(&not_one));
}

#[test]
fn the_files_of_a_history_are_told_checked_and_written_out() {
    let up = Up::start();
    let own = up.key(std::process::id());
    kept(&up, 4);
    let info = json(&up.cli(&["store", "info", "--json"]));
    assert!(info["frames"].as_u64() >= Some(4) && info["bytes"].as_u64() > Some(0), "{info}");
    let printed = up.cli(&["store", "info"]);
    assert!(String::from_utf8_lossy(&printed.stdout).contains("Frames"), "{}", stderr(&printed));
    let verified = json(&up.cli(&["store", "verify", "--json"]));
    assert_eq!(verified["problems"], serde_json::json!([]));
    let rows = up.cli(&["store", "export", "--format", "json"]);
    assert!(rows.status.success(), "{}", stderr(&rows));
    let first: Value = serde_json::from_slice(rows.stdout.split(|byte| *byte == b'\n').next().unwrap()).unwrap();
    assert!(first.is_object(), "{first}");
    let csv = up.folder().join("rows.csv");
    let made = up.cli(&["store", "export", "-o", csv.to_str().unwrap()]);
    assert!(made.status.success(), "{}", stderr(&made));
    let text = std::fs::read_to_string(&csv).unwrap();
    let pid = own.split('-').next().unwrap();
    assert!(text.lines().count() > 4 && text.contains(pid), "{}", text.lines().next().unwrap_or_default());
    let again = up.cli(&["store", "export", "-o", csv.to_str().unwrap()]);
    assert_eq!(again.status.code(), Some(1), "{}", stderr(&again));
    assert!(stderr(&again).contains("is there already") && stderr(&again).contains("--force"), "{}", stderr(&again));
    assert_eq!(std::fs::read_to_string(&csv).unwrap(), text);
    assert!(up.cli(&["store", "export", "--force", "-o", csv.to_str().unwrap()]).status.success());
    // Before all frames and after them; by the procyon that runs and from its files.
    let socket = up.state().join("procyon.sock");
    let socket = ["--socket", socket.to_str().unwrap()];
    let none = up.folder().join("none.csv");
    for range in [["--from", "1000", "--to", "2000"], ["--from", "2100-01-01", "--to", "2100-01-02"]] {
        let exported = up.cli(&[&["store", "export", "-o", none.to_str().unwrap()][..], &range].concat());
        let from_files = up.cli(&[&["rank"][..], &range].concat());
        let by_procyon = crate::harness::run(&[&["rank", "--json"][..], &range, &socket].concat());
        for refused in [exported, from_files, by_procyon] {
            assert_eq!(refused.status.code(), Some(4), "{}", stderr(&refused));
            assert!(stderr(&refused).contains("there is history from"), "{}", stderr(&refused));
        }
    }
    let left: Vec<_> = std::fs::read_dir(up.folder()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert!(!left.iter().any(|name| name.to_string_lossy().contains("none.csv")), "{left:?}");
    let parquet = up.cli(&["store", "export", "--format", "parquet"]);
    assert_eq!(parquet.status.code(), Some(2), "{}", stderr(&parquet));
    let nowhere = crate::harness::run(&["store", "info", "--data", "/nonexistent/procyon"]);
    assert_eq!(nowhere.status.code(), Some(4), "{}", stderr(&nowhere));
}

#[test]
fn metrics_tell_how_history_is_doing() {
    let up = Up::start();
    kept(&up, 2);
    let text = up.ask(Some(&up.token), "GET", "/metrics", b"").text();
    let value = |name: &str| {
        let line = text.lines().find(|line| line.starts_with(&format!("{name} ")));
        line.and_then(|line| line.split(' ').nth(1)?.parse::<f64>().ok()).unwrap_or_else(|| panic!("{name} in {text}"))
    };
    assert!((value("procyon_history_up") - 1.0).abs() < f64::EPSILON);
    assert!(value("procyon_history_size_bytes") > 0.0);
    assert!(value("procyon_history_max_size_bytes") > value("procyon_history_size_bytes"));
    for reason in ["disk", "queue"] {
        let name = format!("procyon_history_lost_frames_total{{reason=\"{reason}\"}}");
        assert!(value(&name) >= 0.0, "{name}");
    }
    let off = Start::new().arg("--no-history").up();
    let text = off.ask(Some(&off.token), "GET", "/metrics", b"").text();
    assert!(text.contains("node_load1 ") && !text.contains("procyon_history"), "{text}");
    // A folder of somebody else.
    let folder = open_folder();
    std::fs::write(folder.path().join("thesis.tex"), "text").unwrap();
    let off = Start::new().args(&["--set", &format!("history.dir={}", folder.path().display())]).up();
    let text = off.ask(Some(&off.token), "GET", "/metrics", b"").text();
    assert!(text.contains("\nprocyon_history_up 0\n"), "{text}");
}

#[test]
fn what_the_filter_of_history_leaves_out_is_one_row() {
    let up = Start::new().args(&["--set", "history.filter=pid == 1"]).up();
    let at = kept(&up, 4);
    let live = up.get("/hosts/local/processes?columns=pid&limit=0").good();
    assert!(live["total"].as_u64() > Some(2), "live everything is there: {live}");
    let past = up.get(&format!("/hosts/local/processes?at={at}&columns=pid,label,rss,threads&sort=pid")).good();
    let labels: Vec<&Value> = past["items"].as_array().unwrap().iter().map(|row| &row["label"]).collect();
    assert_eq!((labels.len(), labels[0]), (2, &"other".into()), "{past}");
    assert!(past["items"][0]["rss"].as_u64() > Some(0), "{past}");
    let wrong = crate::harness::run(&["up", "--set", "history.filter=cpuu > 1"]);
    assert_eq!(wrong.status.code(), Some(2), "{}", stderr(&wrong));
    assert!(stderr(&wrong).contains("history.filter") && stderr(&wrong).contains("cpuu"), "{}", stderr(&wrong));
}
