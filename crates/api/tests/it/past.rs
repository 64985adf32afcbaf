//! Questions about the past, on scripted frames whose answers are known.

use std::sync::Arc;
use std::time::Duration;

use procyon_api::Kept;
use procyon_history::conformance::script::{self, BEGIN, Script};
use procyon_history::memory::Memory;
use procyon_model::ProcessKey;
use procyon_model::frame::{Aged, Death, Exit, Sender};
use procyon_units::{Mono, Reading};
use serde_json::{Value, json};

use crate::client::Ask;
use crate::site::Site;

const HOST: &str = "/api/v1/hosts/local";

/// Two minutes of a machine in 2023: a server that is always there, a worker that ends, and twenty seconds of which nothing is known.
struct Story {
    site: Site,
    server: ProcessKey,
    worker: ProcessKey,
}

/// Frames of the story before the gap, and after.
const FRAMES: i64 = 60;

fn story() -> Story {
    let mut script = Script::new();
    let server = script.start_earlier(300, "server", 60_000);
    *script.process(server) = script::full(script.process(server).clone());
    script.machine = script::full_machine();
    let sockets = script::sockets(script.process(server));
    script.connections = Aged { items: sockets.into(), taken: Some(Mono(4_900_000_000)) };
    let worker = script.start(77, "worker");
    for n in 0..FRAMES {
        script.burn(server, 100);
        if n < 30 {
            script.burn(worker, 500);
        }
        if n == 30 {
            script.burn(worker, 200);
            let sender = Some(Sender { pid: 300, uid: 33, name: (*b"server").into() });
            let death = Death { sender, oom: true, core_dumped: false, is_final: true };
            script.die(worker, Reading::Known(Exit::Signal(9)), death);
        }
        script.tick();
    }
    script.away(Duration::from_secs(20));
    let second = script.start(77, "second");
    for _ in 0..FRAMES {
        script.burn(server, 300);
        script.burn(second, 10);
        script.tick();
    }
    let past = Memory::new(10_000);
    for frame in &script.frames {
        past.push(frame);
    }
    let site = Site::keeping(|config| config, past.clone(), Kept::On(Arc::new(past)));
    Story { site, server, worker }
}

fn at(seconds: i64) -> i64 {
    BEGIN + seconds * 1000
}

#[test]
fn past_instants_are_answered_by_the_newest_frame_before_them() {
    let Story { site, server, worker } = story();
    let t = at(10) + 400;
    let frame = site.json(&format!("{HOST}/frame?at={t}"));
    assert_eq!((&frame["at"], &frame["host"]["state"]), (&at(10).into(), &"up".into()));
    assert_eq!(frame["processes"].as_array().unwrap().len(), 2);
    assert_eq!(frame.get("gap"), None);
    let table = site.json(&format!("{HOST}/processes?at={t}&sort=-cpu&columns=pid,cpu,rss"));
    assert_eq!((&table["items"][0]["pid"], &table["items"][0]["cpu"]), (&77.into(), &0.5.into()));
    assert_eq!((&table["at"], &table["total"]), (&at(10).into(), &2.into()));
    let groups = site.json(&format!("{HOST}/processes?at={t}&group=user"));
    assert_eq!(groups["items"].as_array().unwrap().len(), 2);
    let tree = site.json(&format!("{HOST}/processes?at={t}&view=tree"));
    assert_eq!(tree["items"].as_array().unwrap().len(), 2);
    let figures = site.json(&format!("{HOST}/figures?at={t}"));
    assert_eq!((&figures["at"], &figures["figures"]["load1"]), (&at(10).into(), &1.25.into()));
    let sockets = site.json(&format!("{HOST}/connections?at={t}"));
    assert_eq!((&sockets["at"], &sockets["total"]), (&at(10).into(), &5.into()));
    let sockets = site.json(&format!("{HOST}/processes/{server}/connections?at={t}"));
    assert_eq!(sockets["total"], 4);
    let detail = site.json(&format!("{HOST}/processes/{server}?at={t}"));
    assert_eq!((&detail["state"], &detail["limits"], &detail["at"]), (&"running".into(), &json!([]), &at(10).into()));
    assert_eq!(detail["signal"], json!({ "allowed": false, "reason": "this is a past instant" }));
    assert_eq!(detail["listening"], json!([8080]));
    // RFC 3339, and relative to now.
    let stamp = "2023-11-14T22:14:10.4Z";
    assert_eq!(site.json(&format!("{HOST}/figures?at={stamp}"))["at"], at(10));
    let now = site.json(&format!("{HOST}/figures?at=live"));
    assert!(now["at"].as_i64().unwrap() > at(1_000));
    // Threads and files are of now.
    site.problem(&format!("{HOST}/processes/{worker}/threads?at={t}"), 400);
}

#[test]
fn a_bare_pid_leads_to_the_process_that_had_it_then() {
    let Story { site, worker, .. } = story();
    let reply = site.ask(&Ask::get(&format!("{HOST}/processes/77?at={}", at(5))).token(&site.viewer));
    assert_eq!(reply.status, 307);
    assert_eq!(reply.header("location").unwrap(), format!("{HOST}/processes/{worker}?at={}", at(5)));
    let later = site.ask(&Ask::get(&format!("{HOST}/processes/77?at={}", at(100))).token(&site.viewer));
    assert!(!later.header("location").unwrap().contains(&worker.to_string()), "another process has it by then");
    site.problem(&format!("{HOST}/processes/4000000?at={}", at(5)), 404);
}

#[test]
fn a_process_that_ended_is_told_with_its_last_row_for_an_hour() {
    let Story { site, worker, .. } = story();
    let path = |t: i64| format!("{HOST}/processes/{worker}?at={t}");
    let detail = site.json(&path(at(40)));
    assert_eq!((&detail["state"], &detail["ended_at"]), (&"ended".into(), &at(30).into()));
    assert_eq!(detail["values"]["utime"], 15.2);
    let running = site.json(&path(at(29)));
    assert_eq!((&running["state"], &running["exit"], &running["oom"]), (&"running".into(), &Value::Null, &Value::Null));
    told_in_full(&detail);
    let open = site.ask(&Ask::get(&path(at(40)))).json();
    assert_eq!(open["state"], "ended");
    for field in ["exit", "sender", "oom", "core"] {
        assert_eq!(open[field], Value::Null, "{field} is for those who have a token");
    }
    let problem = site.problem(&format!("{HOST}/processes/77-1-3f9a1c07?at={}", at(40)), 404);
    assert!(problem["detail"].as_str().unwrap().contains("2023-11-14T22:14:40Z"), "{problem}");
}

/// What the kernel told of the worker's end.
fn told_in_full(end: &Value) {
    let sender = json!({ "pid": 300, "uid": 33, "name": "server" });
    assert_eq!((&end["exit"], &end["sender"]), (&json!({ "signal": "SIGKILL" }), &sender), "{end}");
    assert_eq!((&end["oom"], &end["core"], &end["final"]), (&true.into(), &false.into(), &true.into()), "{end}");
}

#[test]
fn who_ended_before_an_instant_is_listed_with_how() {
    let Story { site, worker, .. } = story();
    let ended = |query: &str| site.json(&format!("{HOST}/ended?{query}"));
    let list = ended(&format!("at={}", at(50)));
    assert_eq!((&list["at"], &list["total"]), (&at(50).into(), &1.into()));
    let end = &list["items"][0];
    assert_eq!((&end["key"], &end["at"], &end["utime"]), (&worker.to_string().into(), &at(30).into(), &15.2.into()));
    told_in_full(end);
    assert_eq!(ended(&format!("at={}", at(29)))["total"], 0, "not yet");
    assert_eq!(ended(&format!("at={}", at(120)))["total"], 0, "longer ago than a minute");
    assert_eq!(ended(&format!("at={}&from={}", at(120), at(10)))["total"], 1);
    assert_eq!(ended(&format!("at={}", at(FRAMES + 5)))["gap"]["from"], at(FRAMES - 1));
    site.problem(&format!("{HOST}/ended?at=2099-01-01T00:00:00Z"), 400);
    let events = site.json(&format!("{HOST}/events?kinds=death&from={}&to={}", at(1), at(139)));
    told_in_full(&events["items"][0]);
    let why = site.json(&format!("{HOST}/why?at={}", at(40)));
    let death = why["events"].as_array().unwrap().iter().find(|event| event["kind"] == "death").cloned();
    told_in_full(&death.unwrap());
}

#[test]
fn instants_inside_a_gap_say_so() {
    let Story { site, server, .. } = story();
    let t = at(FRAMES + 5);
    let gap = json!({ "from": at(FRAMES - 1), "to": at(FRAMES + 20) });
    for path in ["/frame", "/figures", "/processes", "/connections", &format!("/processes/{server}")] {
        let told = site.json(&format!("{HOST}{path}?at={t}"));
        assert_eq!((&told["at"], &told["gap"]), (&at(FRAMES - 1).into(), &gap), "{path}");
    }
    let events = site.json(&format!("{HOST}/events?from={}&to={}&kinds=gap", at(1), at(200)));
    assert_eq!(events["items"][0]["since"], at(FRAMES - 1));
}

#[test]
fn wrong_instants_say_from_when_to_when_there_is_history() {
    let Story { site, .. } = story();
    for path in ["/frame", "/figures", "/processes", "/connections", "/processes/77", "/why"] {
        let before = site.problem(&format!("{HOST}{path}?at={}", at(-1)), 404);
        let detail = before["detail"].as_str().unwrap();
        assert!(detail.contains("there is history from 2023-11-14T22:14:00Z to "), "{path}: {detail}");
        let future = site.problem(&format!("{HOST}{path}?at=2099-01-01T00:00:00Z"), 400);
        let detail = future["detail"].as_str().unwrap();
        assert!(detail.contains("in the future") && detail.contains("2023-11-14T22:14:00Z"), "{path}: {detail}");
        site.problem(&format!("{HOST}{path}?at=yesterday"), 400);
    }
}

#[test]
fn without_history_the_past_is_a_conflict_with_a_hint() {
    let site = Site::keeping(|config| config, Memory::new(1), Kept::Off);
    for path in [
        "/frame?at=-1m",
        "/processes?at=-1m",
        "/step",
        "/search",
        "/events",
        "/why",
        "/top?group=user",
        "/series?fold=max",
    ] {
        let problem = site.problem(&format!("{HOST}{path}"), 409);
        assert_eq!(
            (&problem["type"], &problem["title"]),
            (&"urn:procyon:history-off".into(), &"history is off".into())
        );
        assert!(problem["hint"].as_str().unwrap().contains("--no-history"), "{problem}");
    }
    let state = site.json(&format!("{HOST}/history"));
    assert_eq!((&state["state"], &state["reason"]), (&"off".into(), &Value::Null));
    assert_eq!(site.json("/api/v1/health")["history"]["state"], "off");
    let site = Site::keeping(|config| config, Memory::new(1), Kept::Failed("no room".into()));
    let state = site.json(&format!("{HOST}/history"));
    assert_eq!((&state["state"], &state["reason"]), (&"off".into(), &"no room".into()));
    let health = site.json("/api/v1/health");
    assert_eq!((&health["status"], &health["history"]["reason"]), (&"degraded".into(), &"no room".into()));
    // Live answers do not care.
    site.json(&format!("{HOST}/frame"));
    site.json(&format!("{HOST}/series"));
    site.json(&format!("{HOST}/top"));
}

#[test]
fn the_state_of_history_is_told_to_everybody() {
    let Story { site, .. } = story();
    let reply = site.ask(&Ask::get(&format!("{HOST}/history")));
    let state = reply.json();
    assert_eq!((&state["state"], &state["from"], &state["lost"]), (&"on".into(), &at(0).into(), &0.into()));
    assert!(state["to"].as_i64().unwrap() > at(1_000));
    assert_eq!(site.json("/api/v1/health")["history"]["from"], at(0));
}

#[test]
fn steps_go_from_frame_to_frame() {
    let Story { site, .. } = story();
    let step = |at: i64, by: i64| site.json(&format!("{HOST}/step?at={at}&by={by}"))["at"].clone();
    assert_eq!(step(at(10), -1), at(9));
    assert_eq!(step(at(10) + 500, 1), at(11));
    assert_eq!(step(at(FRAMES - 1), 1), at(FRAMES + 20));
    assert_eq!(step(at(10), -1000), at(0));
    site.problem(&format!("{HOST}/step?by=one"), 400);
}

#[test]
fn series_of_the_past_have_gaps_and_folds() {
    let Story { site, server, .. } = story();
    let range = format!("from={}&to={}&step=10s", at(0), at(139));
    let host = site.json(&format!("{HOST}/series?columns=load1&{range}"));
    assert_eq!(host["times"].as_array().unwrap().len(), 14);
    assert_eq!(host["gaps"], json!([{ "from": at(FRAMES - 1), "to": at(FRAMES + 20) }]));
    let load = host["series"][0]["values"]["load1"].as_array().unwrap();
    assert_eq!((&load[5], &load[6], &load[7], &load[8]), (&1.25.into(), &Value::Null, &Value::Null, &1.25.into()));
    assert_eq!(host["series"][0]["label"], "scripted");
    let cpu = |fold: &str| {
        let lines =
            site.json(&format!("{HOST}/series?scope=process&keys={server}&columns=cpu,vsize&fold={fold}&{range}"));
        lines["series"][0]["values"]["cpu"].as_array().unwrap().clone()
    };
    for fold in ["mean", "max", "min"] {
        let cpu = cpu(fold);
        for (place, wanted) in [(1, 0.1), (9, 0.3)] {
            assert!((cpu[place].as_f64().unwrap() - wanted).abs() < 1e-9, "{fold} {cpu:?}");
        }
        assert_eq!(cpu[6], Value::Null);
    }
    // The step is chosen when nobody names one.
    let month = site.json(&format!("{HOST}/series?columns=load1&from={}&to={}", at(0), at(30 * 86_400)));
    assert!(month["times"].as_array().unwrap().len() <= 601 && month["step_ms"] == 7_200_000, "{}", month["step_ms"]);
    let minute = site.json(&format!("{HOST}/series?columns=load1&from={}&to={}", at(0), at(60)));
    assert_eq!(minute["step_ms"], 1000);
    site.problem(&format!("{HOST}/series?columns=load1&from={}&to={}&step=1s", at(0), at(200_000)), 400);
    site.problem(&format!("{HOST}/series?from={}&to={}", at(10), at(0)), 400);
}

#[test]
fn the_heaviest_of_the_past_are_ranked_and_put_together() {
    let Story { site, worker, .. } = story();
    let ask = |more: &str| site.json(&format!("{HOST}/top?from={}&to={}{more}", at(0), at(59)));
    let top = ask("&by=cpu&n=1");
    let first = &top["items"][0];
    assert_eq!((&first["key"], &first["label"]), (&worker.to_string().into(), &"worker".into()));
    // 29 frames of 0.5 s and the last 0.2 s in 59 s.
    assert!((first["value"].as_f64().unwrap() - 14.7 / 59.0).abs() < 1e-9, "{first}");
    assert_eq!((&first["first"], &first["last"], &first["processes"]), (&at(1).into(), &at(30).into(), &1.into()));
    assert_eq!((&top["other"]["count"], &top["covered_s"]), (&1.into(), &59.0.into()));
    let users = ask("&by=cpu&group=user");
    assert_eq!((&users["items"][0]["group"], &users["items"][1]["group"]), (&"www".into(), &"root".into()));
    let wrong = site.problem(&format!("{HOST}/top?by=cpuu"), 400);
    assert_eq!(wrong["suggestion"], "cpu");
    let wrong = site.problem(&format!("{HOST}/top?group=usr"), 400);
    assert_eq!(wrong["suggestion"], "user");
    let recent = site.json(&format!("{HOST}/top?from=-5m"));
    assert!(recent["covered_s"].as_f64().unwrap() > 0.0, "{recent}");
}

#[test]
fn who_lived_and_what_happened_is_for_viewers() {
    let Story { site, worker, .. } = story();
    let range = format!("from={}&to={}", at(0), at(139));
    let found = site.json(&format!("{HOST}/search?q=work%2077&{range}"));
    assert_eq!((&found["total"], &found["items"][0]["key"]), (&1.into(), &worker.to_string().into()));
    let one = &found["items"][0];
    assert_eq!((&one["first"], &one["last"], &one["ended"]), (&at(0).into(), &at(29).into(), &true.into()));
    let events = site.json(&format!("{HOST}/events?from={}&to={}", at(1), at(139)));
    let told: Vec<_> = events["items"].as_array().unwrap().iter().map(|event| event["kind"].clone()).collect();
    assert_eq!(told, ["death", "gap"]);
    assert_eq!(events["items"][0]["exit"], json!({ "signal": "SIGKILL" }));
    let wrong = site.problem(&format!("{HOST}/events?kinds=deth"), 400);
    assert_eq!(wrong["suggestion"], "death");
    for path in ["/search", "/why"] {
        assert_eq!(site.ask(&Ask::get(&format!("{HOST}{path}"))).status, 401, "{path}");
    }
    // Strangers hear of gaps alone, and see public columns alone.
    let open = site.ask(&Ask::get(&format!("{HOST}/events?from={}&to={}", at(1), at(139)))).json();
    assert_eq!((&open["total"], &open["items"][0]["kind"]), (&1.into(), &"gap".into()));
    let closed = site.ask(&Ask::get(&format!("{HOST}/events?kinds=death&{range}"))).json();
    assert_eq!(closed["total"], 0);
    let table = site.ask(&Ask::get(&format!("{HOST}/processes?at={}&columns=*", at(5)))).json();
    assert!(table["items"][0].get("write").is_none() && table["items"][0].get("cpu").is_some(), "{table}");
    for path in ["/processes?columns=write", "/top?by=write", "/processes?q=write%20%3E%200"] {
        let reply = site.ask(&Ask::get(&format!("{HOST}{path}&at={}", at(5)).replace("by=write&at", "by=write&from")));
        assert_eq!(reply.status, 401, "{path}");
    }
    let detail = site.ask(&Ask::get(&format!("{HOST}/processes/{worker}?at={}", at(40)))).json();
    assert_eq!((&detail["state"], &detail["connections"]), (&"ended".into(), &Value::Null));
    assert!(detail["values"].get("write_total").is_none(), "{detail}");
    let keys = site.ask(&Ask::get(&format!("{HOST}/processes/{worker}/connections?at={}", at(5))));
    assert_eq!(keys.status, 401);
}

#[test]
fn why_names_who_changed() {
    let Story { site, .. } = story();
    let why = site.json(&format!("{HOST}/why?at={}&metric=cpu&n=3", at(20)));
    assert_eq!((&why["metric"], &why["known_before"]), (&"cpu".into(), &false.into()));
    assert_eq!((&why["items"][0]["label"], &why["items"][0]["kind"]), (&"worker".into(), &"process".into()));
    assert!(why["items"][0]["text"].as_str().unwrap().starts_with("worker (pid 77) used "), "{why}");
    let wrong = site.problem(&format!("{HOST}/why?metric=men"), 400);
    assert_eq!(wrong["suggestion"], "mem");
    for metric in ["mem", "io", "net", "load"] {
        site.json(&format!("{HOST}/why?at={}&metric={metric}", at(20)));
    }
}

#[test]
fn the_compatibility_api_tells_the_recent_history_of_a_process() {
    let site = Site::start();
    for _ in 0..3 {
        site.tick();
    }
    let own = std::process::id();
    let reply = Ask::get(&format!("/monitor/process/status/{own}?minutes=10")).at(site.address);
    let body = reply.json();
    assert_eq!((reply.status, &body["code"], &body["message"]), (200, &200.into(), &"success".into()));
    let objects = body["data"].as_array().unwrap();
    assert!(!objects.is_empty(), "{body}");
    assert!(objects.is_sorted_by(|a, b| a["time"].as_i64() < b["time"].as_i64()), "oldest first: {body}");
    let snapshot = Ask::get(&format!("/monitor/process/snapshot/{own}")).at(site.address).json();
    let fields = |value: &Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    assert_eq!(fields(&objects[0]), fields(&snapshot["data"][0]));
    assert!(objects.iter().all(|object| object["pid"] == own));
}
