//! Signals: sent to the right process, refused for the wrong ones, written down.

use procyon_api::Config;
use procyon_testkit::eventually;
use serde_json::json;
use std::os::unix::process::ExitStatusExt;
use std::process::Command;
use std::time::Duration;

use crate::client::{Ask, Reply};
use crate::site::Site;

fn signal(site: &Site, key: &str, name: &str) -> Reply {
    let path = format!("/api/v1/hosts/local/processes/{key}/signal");
    let ask = Ask::post(&path, &json!({ "signal": name })).token(&site.operator);
    site.ask(&Ask { path: &path, ..ask })
}

#[test]
fn a_signal_reaches_its_process_and_the_log() {
    let site = Site::start();
    let mut child = Command::new("sleep").arg("1000").spawn().unwrap();
    site.tick();
    let key = site.key(child.id());
    let reply = signal(&site, &key, "term");
    assert_eq!((reply.status, reply.json()), (200, json!({ "result": "sent", "signal": "SIGTERM", "key": key })));
    let status = eventually("it ends", Duration::from_mins(1), || child.try_wait().unwrap());
    assert_eq!(status.signal(), Some(15));
    let log: String = std::fs::read_dir(site.state.path())
        .unwrap()
        .filter_map(|entry| {
            let path = entry.unwrap().path();
            path.file_name()
                .unwrap()
                .to_string_lossy()
                .contains("audit")
                .then(|| std::fs::read_to_string(path).unwrap())
        })
        .collect();
    assert!(log.contains(&key) && log.contains("SIGTERM") && log.contains("operator"), "{log}");
    let gone = signal(&site, &key, "KILL");
    assert_eq!(gone.status, 404);
    assert!(gone.text().contains("nothing was sent"), "{}", gone.text());
}

/// Lines of the audit log that say that something was refused to this role.
fn refusals(site: &Site, role: &str) -> Vec<serde_json::Value> {
    let log = std::fs::read_to_string(site.state.path().join("audit.jsonl")).unwrap_or_default();
    let lines = log.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
    lines.filter(|line| line["result"] == "refused" && line["role"] == role).collect()
}

#[test]
fn who_may_not_is_written_down_at_every_address() {
    let site = Site::start();
    let key = site.key(std::process::id());
    let path = format!("/api/v1/hosts/local/processes/{key}/signal");
    let ask = Ask { path: &path, ..Ask::post(&path, &json!({ "signal": "TERM" })) };
    assert_eq!(site.ask(&ask).status, 401);
    assert_eq!(site.ask(&ask.clone().token(&site.viewer)).status, 403);
    let kill = format!("/monitor/process/kill/{}", std::process::id());
    assert_eq!(Ask::get(&kill).token(&site.viewer).at(site.address).status, 403);
    let nobody = refusals(&site, "anonymous");
    assert_eq!((nobody.len(), &nobody[0]["signal"], &nobody[0]["key"]), (1, &"SIGTERM".into(), &key.clone().into()));
    assert!(nobody[0]["from"].as_str().unwrap().starts_with("127.0.0.1:"), "{nobody:?}");
    let viewer = refusals(&site, "viewer");
    let signals: Vec<&str> = viewer.iter().map(|line| line["signal"].as_str().unwrap()).collect();
    assert_eq!(signals, ["SIGTERM", "SIGKILL"]);
    assert!(viewer.iter().all(|line| line["name"] == "viewer" && line["key"] == key.as_str()), "{viewer:?}");
    // Nonsense is an attempt as well.
    let wrong = Ask { path: &path, ..Ask::post(&path, &json!({ "signal": "BANANA" })) }.token(&site.viewer);
    assert_eq!(site.ask(&wrong).status, 403);
    assert!(refusals(&site, "viewer")[2]["signal"].is_null());
}

#[test]
fn a_read_only_procyon_writes_down_what_operators_tried() {
    let site = Site::with(|config| Config { read_only: true, ..config });
    let key = site.key(std::process::id());
    assert_eq!(signal(&site, &key, "KILL").status, 403);
    let refused = refusals(&site, "operator");
    assert_eq!((refused.len(), &refused[0]["reason"]), (1, &"this procyon is read-only".into()));
}

#[test]
fn wrong_targets_and_signals_are_refused() {
    let site = Site::start();
    let frame = site.feed.latest().unwrap();
    assert_eq!(signal(&site, &site.key(1), "TERM").json()["type"], "urn:procyon:refused");
    if let Some(thread) = frame.processes.iter().find(|row| row.kernel_thread) {
        assert_eq!(signal(&site, &thread.key.to_string(), "TERM").json()["type"], "urn:procyon:refused");
    }
    assert_eq!(signal(&site, &site.key(std::process::id()), "TERM").json()["type"], "urn:procyon:refused");
    let wrong = signal(&site, &site.key(1), "SIGTREM");
    assert_eq!((wrong.status, &wrong.json()["suggestion"]), (400, &"SIGTERM".into()));
    let mut child = Command::new("sleep").arg("1000").spawn().unwrap();
    site.tick();
    let key = site.key(child.id());
    let parts: Vec<&str> = key.split('-').collect();
    let other = format!("{}-{}-{}", parts[0], parts[1].parse::<u64>().unwrap() + 1, parts[2]);
    assert_eq!(signal(&site, &other, "KILL").status, 409);
    assert!(child.try_wait().unwrap().is_none(), "the wrong process was hit");
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn the_old_address_ends_a_process() {
    let site = Site::start();
    for method in ["GET", "POST"] {
        let mut child = Command::new("sleep").arg("1000").spawn().unwrap();
        site.tick();
        let path = format!("/monitor/process/kill/{}", child.id());
        let ask = Ask { method, ..Ask::get(&path) };
        let anonymous = ask.at(site.address);
        assert_eq!((anonymous.status, &anonymous.json()["code"]), (401, &401.into()));
        assert_eq!(ask.clone().token(&site.viewer).at(site.address).json()["code"], 403);
        assert!(child.try_wait().unwrap().is_none());
        let reply = ask.token(&site.operator).at(site.address);
        assert_eq!(reply.json(), json!({ "code": 200, "message": "success", "data": null }), "{method}");
        let status = eventually("it ends", Duration::from_mins(1), || child.try_wait().unwrap());
        assert_eq!(status.signal(), Some(9));
    }
}

#[test]
fn an_image_of_another_port_ends_nothing() {
    let site = Site::start();
    let reply = site.ask(&Ask::post("/api/v1/session", &json!({ "token": site.operator })));
    let pair = reply.header("set-cookie").unwrap().split(';').next().unwrap().to_owned();
    let mut child = Command::new("sleep").arg("1000").spawn().unwrap();
    site.tick();
    let path = format!("/monitor/process/kill/{}", child.id());
    let ask = Ask::get(&path).with("cookie", pair);
    assert_eq!(ask.at(site.address).status, 403, "an old browser says nothing of where this comes from");
    assert_eq!(ask.with("sec-fetch-site", "same-site").at(site.address).status, 403);
    assert!(child.try_wait().unwrap().is_none());
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn asking_for_the_head_of_a_kill_kills_nobody() {
    let site = Site::start();
    let mut child = Command::new("sleep").arg("1000").spawn().unwrap();
    let path = format!("/monitor/process/kill/{}", child.id());
    let reply = Ask { method: "HEAD", ..Ask::get(&path) }.token(&site.operator).at(site.address);
    assert_eq!(reply.status, 405);
    assert!(child.try_wait().unwrap().is_none(), "it still runs");
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn a_socket_path_that_holds_something_else_is_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("notes.txt");
    std::fs::write(&path, "precious").unwrap();
    let failed = std::panic::catch_unwind(|| Site::with(|config| Config { socket: Some(path.clone()), ..config }));
    assert!(failed.is_err(), "the server does not start");
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "precious");
}
