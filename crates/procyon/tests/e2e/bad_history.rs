//! H4, H5, H12: a history of others, of the future, damaged, without room; and a piece of one, shown elsewhere.

use std::fs;
use std::path::{Path, PathBuf};

use procyon_history::Sink;
use procyon_history::conformance::script::Script;
use procyon_store::{Config, open_writer};
use procyon_testkit::eventually;
use serde_json::Value;

use crate::harness::{SOON, Start, Up, open_folder, run, stderr, subscribe};
use crate::http;

fn says(output: &std::process::Output, code: i32, words: &[&str]) {
    let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), stderr(output));
    assert_eq!(output.status.code(), Some(code), "{said}");
    assert!(words.iter().all(|word| said.contains(word)), "{words:?} in {said}");
}

#[test]
fn folders_of_others_and_of_newer_versions_are_left_alone() {
    let folder = open_folder();
    fs::write(folder.path().join("thesis.tex"), "text").unwrap();
    let dir = format!("history.dir={}", folder.path().display());
    let mut up = Start::new().args(&["--set", &dir]).up();
    let log = up.log();
    assert!(log.contains("history is off") && log.contains("thesis.tex"), "{log}");
    let reason = up.get("/health").good()["history"]["reason"].clone();
    assert!(reason.as_str().unwrap().contains("thesis.tex"), "{reason}");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "nothing was put there");
    up.still_runs();
    says(&up.cli(&["store", "info", "--set", &dir]), 1, &["thesis.tex", "history.dir"]);

    let folder = open_folder();
    let history = folder.path().join("history");
    fs::create_dir(&history).unwrap();
    fs::write(history.join("format"), "procyon history 999\n").unwrap();
    let dir = format!("history.dir={}", history.display());
    let mut up = Start::new().args(&["--set", &dir]).up();
    assert!(up.log().contains("newer procyon"), "{}", up.log());
    assert_eq!(fs::read_dir(&history).unwrap().count(), 1, "nothing was put there");
    up.get("/hosts/local/frame").good();
    up.still_runs();
    for command in
        [&["store", "info"][..], &["store", "verify"], &["ps", "--at", "-1s"], &["snapshot", "-o", "/dev/null/x"]]
    {
        let asked = run(&[command, &["--data", folder.path().to_str().unwrap()]].concat());
        says(&asked, 1, &["newer procyon", "999"]);
    }
}

/// Three parts of twenty frames: two blocks and a log.
fn recorded(state: &Path) -> Script {
    let mut script = Script::new();
    let keys: Vec<_> = (1..=30).map(|pid| script.start_earlier(pid, "worker", 60_000)).collect();
    let mut writer = open_writer(&Config::new(state.join("history"))).unwrap();
    for round in 0..60_u64 {
        for (number, key) in (0_u64..).zip(&keys) {
            script.burn(*key, (round * 7 + number * 13) % 90);
        }
        script.tick();
        writer.write(&script.frames[script.frames.len() - 1]).unwrap();
        if round == 19 || round == 39 {
            writer.seal().unwrap();
        }
    }
    script
}

/// The files of a kind in all blocks, in order.
fn files(state: &Path, name: &str) -> Vec<PathBuf> {
    let mut blocks: Vec<_> =
        fs::read_dir(state.join("history/blocks")).unwrap().map(|entry| entry.unwrap().path().join(name)).collect();
    blocks.sort();
    blocks
}

#[test]
fn damaged_files_are_named_and_the_rest_is_read() {
    let folder = open_folder();
    let state = folder.path();
    let script = recorded(state);
    let data = state.to_str().unwrap();
    let at = |place: usize| script.at(place).unix_ms().to_string();
    let table = |place: usize| run(&["ps", "--at", &at(place), "--json", "--data", data]);
    says(&run(&["store", "verify", "--data", data]), 0, &["all sound"]);
    // A byte in the first block, the end of the second one is missing, a byte in the log.
    let blocks = files(state, "process.parquet");
    let mut bytes = fs::read(&blocks[0]).unwrap();
    for byte in bytes.iter_mut().take(400).skip(40) {
        *byte ^= 0x40;
    }
    fs::write(&blocks[0], bytes).unwrap();
    let bytes = fs::read(&blocks[1]).unwrap();
    fs::write(&blocks[1], &bytes[..bytes.len() / 2]).unwrap();
    let log = fs::read_dir(state.join("history/log")).unwrap().next().unwrap().unwrap().path();
    let mut bytes = fs::read(&log).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 0x10;
    fs::write(&log, &bytes).unwrap();
    let damaged = bytes;

    let verified = run(&["store", "verify", "--json", "--data", data]);
    assert_eq!(verified.status.code(), Some(1));
    let told: Value = serde_json::from_slice(&verified.stdout).unwrap();
    let named: Vec<&str> = told["problems"].as_array().unwrap().iter().filter_map(|one| one["file"].as_str()).collect();
    assert!(named.iter().filter(|file| file.ends_with("process.parquet")).count() == 2, "{told}");
    assert!(named.iter().any(|file| file.starts_with("log/")), "{told}");
    says(&run(&["store", "verify", "--data", data]), 1, &["damaged", "process.parquet", "The rest can be read"]);
    // Nobody is told that there were no processes.
    for place in [5, 25] {
        says(&table(place), 1, &["process.parquet", "store verify"]);
    }
    let last = table(41);
    assert!(last.status.success(), "{}", stderr(&last));
    let items: Value = serde_json::from_slice(&last.stdout).unwrap();
    assert_eq!(items["items"].as_array().unwrap().len(), 30);
    // Figures of the machine stand in other files.
    let top = run(&["rank", "--from", &at(0), "--to", &at(45), "--json", "--data", data]);
    assert!(top.status.success(), "{}", stderr(&top));
    // A procyon goes on there, and keeps and answers.
    let up = Start::new().args(&["--set", &format!("history.dir={}", state.join("history").display())]).up();
    eventually("newer frames", SOON, || {
        let state = up.get("/hosts/local/history").good();
        assert_eq!(state["state"], "on", "{state}");
        (state["to"].as_i64()? > script.at(59).unix_ms()).then_some(())
    });
    let answer = up.get(&format!("/hosts/local/processes?at={}", at(5)));
    assert!(answer.status >= 500 && answer.text().contains("process.parquet"), "{}", answer.text());
    let table = up.get(&format!("/hosts/local/processes?at={}", at(41))).good();
    assert_eq!(table["total"], 30);
    assert!(up.log().contains("a part of history is left out"), "{}", up.log());
    // The log was set aside as it was, and that is said.
    let aside = log.with_extension("log.damaged");
    assert_eq!(fs::read(&aside).unwrap(), damaged);
    assert!(up.log().contains("was set aside"), "{}", up.log());
    says(&run(&["store", "verify", "--data", data]), 1, &[".log.damaged", "then remove it"]);
}

#[test]
fn a_full_disk_stops_history_with_one_message_and_it_heals() {
    if !rustix::process::geteuid().is_root() {
        return;
    }
    let folder = open_folder();
    let state = folder.path().join("state");
    fs::create_dir(&state).unwrap();
    let script = format!("mount -t tmpfs -o size=4m,mode=700 none '{}' && exec \"$@\"", state.display());
    let prefix = ["unshare", "-m", "sh", "-c", &script, "sh"];
    let mut up = Start::program(&prefix, &crate::harness::procyon(), folder).up();
    let history = |up: &Up| up.get("/hosts/local/history").good();
    let state_is = |up: &Up, wanted: &str| {
        eventually(&format!("history is {wanted}"), SOON, || {
            let now = history(up);
            (now["state"] == wanted && now["to"].is_i64()).then_some(now)
        })
    };
    state_is(&up, "on");
    let inside = PathBuf::from(format!("/proc/{}/root{}", up.pid(), up.state().display()));
    let mut fill = fs::File::create(inside.join("fill")).unwrap();
    while std::io::Write::write_all(&mut fill, &[0; 4096]).is_ok() {}
    let full = eventually("frames that are lost", SOON, || {
        let now = state_is(&up, "trouble");
        (now["lost"].as_u64() > Some(20)).then_some(now)
    });
    assert!(full["reason"].as_str().unwrap().contains("no room"), "{full}");
    let metric = |up: &Up, name: &str| -> f64 {
        let text = up.ask(Some(&up.token), "GET", "/metrics?collect[]=history", b"").text();
        let line = text.lines().find(|line| line.strip_prefix(name).is_some_and(|rest| rest.starts_with([' ', '{'])));
        line.and_then(|line| line.rsplit_once(' ')).unwrap_or_else(|| panic!("{name} in {text}")).1.parse().unwrap()
    };
    assert!(metric(&up, "procyon_history_up") < 0.5, "it says that history is kept");
    assert!(metric(&up, "procyon_history_lost_frames_total") > 20.0, "nothing is said to be lost");
    assert!(metric(&up, "procyon_history_size_bytes") > 0.0);
    assert!(metric(&up, "procyon_history_newest_frame_timestamp_seconds") * 1e3 >= full["to"].as_f64().unwrap());
    let said = |up: &Up| up.log().matches("history is not kept at the moment").count();
    assert_eq!(said(&up), 1, "{}", up.log());
    assert_eq!(up.get("/health").good()["status"], "degraded");
    let mut live = up.live(&subscribe(&["pid"]));
    live.next_of("full");
    live.next_of("delta");
    // What was kept before can be asked.
    up.get(&format!("/hosts/local/frame?at={}", full["to"])).good();
    drop(fill);
    fs::remove_file(inside.join("fill")).unwrap();
    let well = eventually("history is kept again", SOON, || {
        let now = state_is(&up, "on");
        (now["to"].as_i64() > full["to"].as_i64()).then_some(now)
    });
    assert!(well["lost"].as_u64() >= full["lost"].as_u64(), "{well}");
    assert_eq!((said(&up), up.log().matches("history is kept again").count()), (1, 1), "{}", up.log());
    let gap = up.get(&format!("/hosts/local/events?kinds=gap&from={}", full["to"])).good();
    assert!(gap["total"].as_u64() >= Some(1), "{gap}");
    up.still_runs();
}

#[test]
fn a_snapshot_is_cut_to_its_range_and_shown_by_the_api_and_the_page() {
    let folder = open_folder();
    let script = recorded(folder.path());
    let file = folder.path().join("piece.snapshot");
    let path = file.to_str().unwrap();
    let (from, to) = (script.at(10).unix_ms(), script.at(50).unix_ms());
    let (first, last) = (from.to_string(), to.to_string());
    let data = folder.path().to_str().unwrap();
    let made = run(&["snapshot", "--from", &first, "--to", &last, "-o", path, "--json", "--data", data]);
    let made: Value = serde_json::from_slice(&made.stdout).unwrap_or_else(|_| panic!("{}", stderr(&made)));
    assert_eq!((&made["from"], &made["to"], &made["frames"]), (&from.into(), &to.into(), &41.into()));
    let nothing = run(&["snapshot", "--from", "1000", "--to", "2000", "-o", &format!("{path}2"), "--data", data]);
    says(&nothing, 4, &["nothing is kept of", "there is history from"]);
    says(&run(&["store", "info", "--file", path]), 0, &["41", "piece.snapshot"]);
    says(&run(&["store", "verify", "--file", path]), 0, &["all sound"]);

    let mut up = Start::new().args(&["--file", path]).up();
    assert!(up.link.contains(&format!("/h/local?at={to}#token=")), "{}", up.link);
    let frame = up.get("/hosts/local/frame").good();
    assert_eq!((&frame["at"], frame["processes"].as_array().unwrap().len()), (&to.into(), 30));
    let then = up.get(&format!("/hosts/local/processes?at={from}&limit=0")).good();
    assert_eq!((&then["at"], &then["total"]), (&from.into(), &30.into()));
    let series = up.get("/hosts/local/series?columns=processes&from=-1m&step=1s").good();
    let known = series["series"][0]["values"]["processes"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|one| one.is_u64() || one.is_f64());
    assert_eq!(known.count(), 41, "a minute before the end of the file holds all of it: {series}");
    up.get(&format!("/hosts/local/why?at={to}")).good();
    let key = then["items"][0]["key"].as_str().unwrap();
    up.post_as(
        Some(&up.token),
        &format!("/hosts/local/processes/{key}/signal"),
        &serde_json::json!({"signal": "SIGTERM"}),
    )
    .problem(403, "forbidden");
    let page = http::request(&up.place, "GET", "/h/local", &[], b"");
    assert!(page.status == 200 && page.header("content-type").unwrap().starts_with("text/html"));
    assert!(!up.state().try_exists().unwrap(), "the state folder of a procyon that watches is not touched");
    up.still_runs();
    drop(up);

    let mut bytes = fs::read(&file).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&file, bytes).unwrap();
    says(&run(&["store", "verify", "--file", path]), 1, &["damaged"]);
    let asked = run(&["ps", "--file", path, "--at", &last, "--limit", "1"]);
    assert!(
        stderr(&asked).contains("is damaged") && stderr(&asked).contains("store verify --file"),
        "{}",
        stderr(&asked)
    );
    says(&run(&["up", "--file", "/proc/self/status", "--listen", "127.0.0.1:0"]), 1, &["no snapshot"]);
}
