//! Questions about tables: filters, order, pages, groups, trees; and what is answered to wrong ones.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::client::Ask;
use crate::site::Site;

fn items(answer: &Value) -> Vec<Value> {
    answer["items"].as_array().unwrap().clone()
}

const PROCESSES: &str = "/api/v1/hosts/local/processes";

/// A label with the port on which the process serves, which only those who may look into others can know.
fn with_port(site: &Site) -> (std::net::TcpListener, String) {
    // The label has the lowest port: one below those that the kernel gives out, as to the site in this process.
    let listener = (20_000..30_000).find_map(|port| std::net::TcpListener::bind(("127.0.0.1", port)).ok()).unwrap();
    let ending = format!(":{}", listener.local_addr().unwrap().port());
    procyon_testkit::eventually("the label has the port", std::time::Duration::from_mins(1), || {
        let frame = site.tick();
        let row = frame.process_by_pid(std::process::id()).unwrap();
        row.label.ends_with(ending.as_bytes()).then_some(())
    });
    (listener, ending)
}

#[test]
fn a_label_shows_its_port_to_those_who_have_a_token() {
    let site = Site::start();
    let (_listener, ending) = with_port(&site);
    let own = std::process::id();
    let labels = |token: Option<&str>, path: &str| {
        let ask = token.map_or(Ask::get(path), |token| Ask::get(path).token(token));
        let reply = site.ask(&ask);
        assert_eq!(reply.status, 200, "{path}: {}", reply.text());
        reply.text()
    };
    let list = format!("/api/v1/hosts/local/processes?columns=label&q=pid%20==%20{own}");
    let filter = format!("/api/v1/hosts/local/processes?columns=label&q=label.endsWith(%22{ending}%22)");
    let word = format!("/api/v1/hosts/local/processes?columns=label&q={ending}");
    let key = site.key(own);
    let one = format!("/api/v1/hosts/local/processes/{key}");
    let series = format!("/api/v1/hosts/local/series?scope=process&keys={key}&columns=cpu");
    let top = "/api/v1/hosts/local/top?by=rss&n=100";
    let group = "/api/v1/hosts/local/processes?group=label&limit=0";
    let frame = "/api/v1/hosts/local/frame";
    for path in [&list, &filter, &word, &one, &series, top, group, frame] {
        let (public, all) = (labels(None, path), labels(Some(&site.viewer), path));
        assert!(all.contains(&format!("{ending}\"")), "{path}: {all}");
        assert!(!public.contains(&format!("{ending}\"")), "{path}: {public}");
    }
    for path in [&filter, &word] {
        assert!(labels(None, path).contains("\"matched\":0"), "a filter does not tell it either");
    }
    let mut socket = crate::live::Socket::open(&site, "/api/v1/hosts/local/live", None);
    socket.expect("hello");
    let q = format!("pid == {own}");
    socket.say(&json!({ "type": "subscribe", "q": q, "columns": ["label"], "top": { "by": "rss", "n": 100 } }));
    let full = socket.expect("full").to_string();
    assert!(full.contains("\"label\"") && !full.contains(&format!("{ending}\"")), "{full}");
}

#[test]
fn filter_order_limit_and_columns_are_obeyed() {
    let site = Site::start();
    let frame = site.tick();
    let own = std::process::id();
    let answer = site.json(&format!("{PROCESSES}?q=pid%20%3D%3D%20{own}&columns=pid,rss"));
    assert_eq!((answer["total"].as_u64(), &answer["matched"]), (Some(frame.processes.len() as u64), &1.into()));
    let row = &items(&answer)[0];
    assert_eq!(row.as_object().unwrap().keys().collect::<Vec<_>>(), ["key", "pid", "rss"]);
    for (asked, columns) in [("key,pid", &["key", "pid"][..]), ("key", &["key"])] {
        let answer = site.json(&format!("{PROCESSES}?q=pid%20%3D%3D%20{own}&columns={asked}"));
        assert_eq!(items(&answer)[0].as_object().unwrap().keys().collect::<Vec<_>>(), columns);
    }
    let answer = site.json(&format!("{PROCESSES}?sort=-rss&limit=5&columns=rss,pid"));
    let sizes: Vec<u64> = items(&answer).iter().filter_map(|row| row["rss"].as_u64()).collect();
    assert!(sizes.len() <= 5 && sizes.is_sorted_by(|a, b| a >= b), "{sizes:?}");
    let by_pid = items(&site.json(&format!("{PROCESSES}?sort=pid&limit=0&columns=pid")));
    assert!(by_pid.is_sorted_by_key(|row| row["pid"].as_u64().unwrap()));
    assert_eq!(by_pid.len(), frame.processes.len());
    let name = String::from_utf8_lossy(&frame.process_by_pid(own).unwrap().descriptor.name).into_owned();
    let words = site.json(&format!("{PROCESSES}?q={name}&columns=pid&limit=0"));
    assert!(items(&words).iter().any(|row| row["pid"] == own), "plain words find {name}");
}

#[test]
fn pages_together_are_the_whole_and_nothing_twice() {
    let site = Site::start();
    let (mut next, mut pids) = (String::new(), Vec::new());
    loop {
        let answer = site.json(&format!("{PROCESSES}?sort=pid&limit=3&columns=pid&next={next}"));
        pids.extend(items(&answer).iter().map(|row| row["pid"].as_u64().unwrap()));
        match answer["next"].as_str() {
            Some(more) => more.clone_into(&mut next),
            None => break,
        }
    }
    let frame = site.feed.latest().unwrap();
    assert_eq!(pids.len(), frame.processes.len());
    assert_eq!(pids.iter().collect::<BTreeSet<_>>().len(), pids.len());
}

#[test]
fn groups_hold_everybody_and_sum_up() {
    let site = Site::start();
    let frame = site.tick();
    for by in ["name", "label", "user", "cgroup", "container", "unit"] {
        let groups = items(&site.json(&format!("{PROCESSES}?group={by}&limit=0&columns=rss,threads&sort=-threads")));
        let members: u64 = groups.iter().map(|group| group["count"].as_u64().unwrap()).sum();
        assert_eq!(members, frame.processes.len() as u64, "{by}");
        let threads: u64 = groups.iter().map(|group| group["threads"].as_u64().unwrap()).sum();
        assert_eq!(threads, frame.processes.iter().map(|row| u64::from(row.threads)).sum::<u64>());
        assert!(groups.is_sorted_by_key(|group| std::cmp::Reverse(group["threads"].as_u64().unwrap())), "{by}");
    }
}

#[test]
fn a_tree_keeps_the_ancestors_of_what_was_chosen() {
    let site = Site::start();
    let own = std::process::id();
    let branches = items(&site.json(&format!("{PROCESSES}?view=tree&q=pid=={own}&columns=pid,ppid&limit=0")));
    let last = branches.last().unwrap();
    assert_eq!((&last["pid"], &last["matched"]), (&own.into(), &true.into()));
    assert_eq!(last["depth"], branches.len() - 1);
    for pair in branches.windows(2) {
        assert_eq!(pair[0]["pid"], pair[1]["ppid"]);
        assert_eq!(pair[0]["matched"], false);
    }
}

#[test]
fn a_wrong_filter_is_told_where() {
    let site = Site::start();
    let problem = site.problem(&format!("{PROCESSES}?q=cpu%20%3E%3D%201%20%26%26%20nam%20%3D%3D%20%22x%22"), 400);
    assert_eq!(problem["type"], "urn:procyon:bad-filter");
    assert_eq!(problem["position"], serde_json::json!({ "line": 1, "column": 13 }), "{problem}");
    assert_eq!(problem["span"], serde_json::json!([12, 15]));
    assert_eq!(problem["suggestion"], "name");
}

#[test]
fn wrong_questions_are_answered_with_what_is_right() {
    let site = Site::start();
    let check = |path: &str, status: u16, suggestion: Option<&str>| {
        let problem = site.problem(path, status);
        assert_eq!(problem["suggestion"].as_str(), suggestion, "{path}: {problem}");
    };
    check(&format!("{PROCESSES}?srot=-cpu"), 400, Some("sort"));
    check(&format!("{PROCESSES}?sort=-cpuu"), 400, Some("cpu"));
    check(&format!("{PROCESSES}?columns=pid,rsss"), 400, Some("rss"));
    check(&format!("{PROCESSES}?columns=pid,pid"), 400, None);
    check(&format!("{PROCESSES}?limit=-1"), 400, None);
    check(&format!("{PROCESSES}?limit=1&limit=2"), 400, None);
    check(&format!("{PROCESSES}?limit=99999999999999999999"), 400, None);
    check(&format!("{PROCESSES}?group=usr"), 400, Some("user"));
    check(&format!("{PROCESSES}?view=tree&group=user"), 400, None);
    check(&format!("{PROCESSES}?next=banana"), 400, None);
    check(&format!("{PROCESSES}?at=yesterday"), 400, None);
    check(&format!("{PROCESSES}?at=-2h"), 404, None);
    check(&format!("{PROCESSES}?at=2026-03-12T03:12:40%2B08:00"), 404, None);
    check("/api/v1/hosts/local/figures?only=disk", 400, Some("disks"));
    check("/api/v1/hosts/nowhere/figures", 404, None);
    check("/api/v1/hosts/local/banana", 404, None);
    check("/api/v2/hosts", 404, None);
    check("/api", 404, None);
    check("/api/v1/hosts/%ff/figures", 400, None);
    check("/api/v1/hosts/local/live", 400, None);
    check("/api/v1/hosts/local/connections?key=12", 400, None);
    assert_eq!(site.ask(&Ask { method: "PUT", ..Ask::get("/api/v1/hosts").token(&site.operator) }).status, 405);
}

#[test]
fn processes_that_are_not_there_are_told_apart() {
    let site = Site::start();
    let own = std::process::id();
    let key = site.key(own);
    let reply = site.ask(&Ask::get(&format!("{PROCESSES}/{own}")));
    assert_eq!((reply.status, reply.header("location")), (307, Some(format!("{PROCESSES}/{key}").as_str())));
    assert_eq!(site.ask(&Ask::get(&format!("{PROCESSES}/4194999"))).status, 404);
    let parts: Vec<&str> = key.split('-').collect();
    let other = format!("{}-{}-{}", parts[0], parts[1].parse::<u64>().unwrap() + 1, parts[2]);
    for below in ["", "/threads", "/files", "/connections"] {
        let problem = site.problem(&format!("{PROCESSES}/{other}{below}"), 409);
        assert!(problem["detail"].as_str().unwrap().contains(&key), "{problem}");
    }
    let gone = format!("4194999-1-{}", parts[2]);
    site.problem(&format!("{PROCESSES}/{gone}"), 404);
    site.problem(&format!("{PROCESSES}/{gone}/threads"), 404);
    site.problem(&format!("{PROCESSES}/12-x-1"), 400);
}

#[test]
fn a_process_that_ended_is_there_at_once_and_with_how_it_ended_later() {
    let site = Site::start();
    let child = std::process::Command::new("sleep").arg("1000").spawn().unwrap();
    let pid = child.id();
    site.tick();
    let key = site.key(pid);
    let mut child = child;
    child.kill().unwrap();
    child.wait().unwrap();
    site.tick();
    let gone = site.json(&format!("{PROCESSES}/{key}"));
    assert_eq!((&gone["state"], &gone["values"]["cmd"]), (&"ended".into(), &"sleep 1000".into()));
    // The kernel may take a moment to say how it ended.
    procyon_testkit::eventually("its end is told", std::time::Duration::from_mins(1), || {
        site.tick();
        let ended = items(&site.json("/api/v1/hosts/local/ended?from=-1m"));
        ended.iter().any(|process| process["key"] == key.as_str()).then_some(())
    });
    let detail = site.json(&format!("{PROCESSES}/{key}"));
    assert_eq!(detail["state"], "ended");
    assert!(detail["ended_at"].is_i64());
    assert_eq!(detail["signal"]["reason"], "the process has ended");
    let told = ["exit", "sender", "oom", "core", "final"];
    let of_list = items(&site.json("/api/v1/hosts/local/ended")).into_iter().find(|one| one["key"] == key.as_str());
    for field in told {
        assert_eq!(detail[field], of_list.as_ref().unwrap()[field], "{field}");
    }
    if detail["exit"] != serde_json::Value::Null {
        assert_eq!(detail["exit"], serde_json::json!({ "signal": "SIGKILL" }));
        assert_eq!(detail["sender"]["pid"], std::process::id());
    }
    let running = site.json(&format!("{PROCESSES}/{}", site.key(std::process::id())));
    assert!(told.iter().all(|field| running[field].is_null()), "{running}");
    let ended = items(&site.json("/api/v1/hosts/local/ended?from=-1m"));
    assert!(ended.iter().any(|process| process["key"] == key.as_str()), "{ended:?}");
}

#[test]
fn hosts_go_by_id_name_and_alias() {
    let site = Site::start();
    let host = items(&site.json("/api/v1/hosts"))[0].clone();
    for name in [host["id"].as_str().unwrap(), host["name"].as_str().unwrap(), "local"] {
        assert!(site.json(&format!("/api/v1/hosts/{name}/figures?only=cores"))["at"].is_i64(), "{name}");
    }
    assert_eq!(host["state"], "up");
}

#[test]
fn sockets_are_listed_with_their_owners() {
    let site = Site::start();
    let port = site.address.port();
    let answer = procyon_testkit::eventually("the socket is seen", std::time::Duration::from_mins(1), || {
        site.tick();
        let answer =
            site.json(&format!("/api/v1/hosts/local/connections?q=local_port=={port}%26%26state==%22LISTEN%22"));
        (answer["matched"] == 1 && answer["items"][0]["pid"].is_u64()).then_some(answer)
    });
    let socket = &answer["items"][0];
    assert_eq!(socket["pid"], std::process::id());
    assert_eq!(socket["local"], site.address.to_string());
    let own = site.key(std::process::id());
    let mine = site.json(&format!("/api/v1/hosts/local/connections?key={own}&limit=0"));
    assert!(items(&mine).iter().all(|socket| socket["key"] == own.as_str()) && mine["matched"].as_u64() >= Some(1));
    let detail = site.json(&format!("{PROCESSES}/{own}"));
    assert!(detail["listening"].as_array().unwrap().contains(&port.into()), "{detail}");
}
