//! System calls over WebSockets, of a process whose calls the test knows. It takes the right to load programs into the kernel.

use std::process::{Child, Command, Stdio};
use std::time::Duration;

use procyon_testkit::eventually;
use serde_json::{Value, json};
use tungstenite::HandshakeError;
use tungstenite::client::IntoClientRequest;

use crate::client::connect;
use crate::live::Socket;
use crate::site::Site;

/// Looks for a file that is not there, 50 times a second.
struct Busy(Child);

impl Busy {
    fn start() -> Self {
        let program = "import os, time\nwhile True:\n os.access('/nowhere', 0)\n time.sleep(.02)";
        Self(Command::new("python3").args(["-c", program]).stdout(Stdio::null()).spawn().unwrap())
    }

    fn key(&self, site: &Site) -> String {
        eventually("it is in a frame", Duration::from_mins(1), || {
            let frame = site.tick();
            frame.process_by_pid(self.0.id()).map(|row| row.key.to_string())
        })
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

fn path(key: &str, query: &str) -> String {
    format!("/api/v1/hosts/local/processes/{key}/trace{query}")
}

/// Reads until a message pleases.
fn until(socket: &mut Socket, pleases: impl Fn(&Value) -> bool) -> Value {
    loop {
        let message = socket.read();
        if pleases(&message) {
            return message;
        }
    }
}

/// The calls of the next message that has any.
fn calls(socket: &mut Socket) -> Vec<Value> {
    loop {
        let message = until(socket, |message| message["type"] == "calls");
        let told = message["calls"].as_array().unwrap().iter();
        let calls: Vec<Value> = told.filter(|told| told["kind"] == "call").cloned().collect();
        if !calls.is_empty() {
            return calls;
        }
    }
}

/// Lines of the audit log about traces.
fn audited(site: &Site) -> Vec<Value> {
    let log = std::fs::read_to_string(site.state.path().join("audit.jsonl")).unwrap_or_default();
    let lines = log.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    lines.filter(|line| line["action"] == "trace").collect()
}

#[test]
fn calls_are_told_with_their_parts_and_the_trace_is_audited() {
    let (site, busy) = (Site::start(), Busy::start());
    let key = busy.key(&site);
    let mut socket = Socket::open(&site, &path(&key, "?filter=access,faccessat,faccessat2"), Some(&site.operator));
    let hello = socket.expect("hello");
    assert_eq!((&hello["key"], &hello["engine"]), (&json!(key), &json!("ebpf")), "{hello}");
    // Before, its interpreter starts.
    let call = eventually("its own call is told", Duration::from_mins(1), || {
        calls(&mut socket).into_iter().find(|call| call["args"].as_str().unwrap().contains("\"/nowhere\""))
    });
    assert_eq!((&call["error"], &call["pid"]), (&json!("ENOENT"), &json!(busy.0.id())), "{call}");
    assert!(call["line"].as_str().unwrap().ends_with("= -1 ENOENT (No such file or directory)"), "{call}");
    let apart = call["at"].as_f64().unwrap() - site.tick().wall.unix_ms() as f64;
    assert!(apart.abs() < 60_000.0, "{apart} ms between the call and now");
    let state = until(&mut socket, |message| message["type"] == "state");
    let row = &state["rows"][0];
    assert!(row["errors"].as_u64() > Some(0) && row["errors"].as_u64() <= row["calls"].as_u64(), "{state}");
    let of_buckets: u64 = row["buckets"].as_array().unwrap().iter().map(|count| count.as_u64().unwrap()).sum();
    assert_eq!(json!(of_buckets), row["calls"], "{state}");
    let begun = audited(&site);
    assert!(begun.len() == 1 && begun[0]["phase"] == "before" && begun[0]["key"] == key, "{begun:?}");
    drop(socket);
    let all = eventually("its end is written down", Duration::from_mins(1), || {
        Some(audited(&site)).filter(|lines| lines.len() == 2)
    });
    assert_eq!((&all[1]["reason"], &all[1]["id"]), (&json!("the viewer left"), &all[0]["id"]), "{all:?}");
}

#[test]
fn another_filter_holds_from_then_on_and_a_wrong_one_is_said() {
    let (site, busy) = (Site::start(), Busy::start());
    let mut socket = Socket::open(&site, &path(&busy.key(&site), ""), Some(&site.operator));
    socket.expect("hello");
    socket.say(&json!({ "type": "filter", "filter": "opennat" }));
    let wrong = until(&mut socket, |message| message["type"] == "error");
    assert!(wrong["problem"]["detail"].as_str().unwrap().contains("openat"), "{wrong}");
    socket.say(&json!({ "type": "filter", "filter": "%clock,clock_nanosleep", "slower": 0.001 }));
    eventually("only sleeps are told", Duration::from_mins(1), || {
        let told = calls(&mut socket);
        told.iter().all(|call| call["name"] == "clock_nanosleep" || call["name"] == "select").then_some(())
    });
}

#[test]
fn each_second_it_is_told_what_is_left_and_it_can_go_on_longer() {
    let (site, busy) = (Site::start(), Busy::start());
    let at = path(&busy.key(&site), "?seconds=60&filter=%25clock,access,faccessat,faccessat2&slower=0s");
    let mut socket = Socket::open(&site, &at, Some(&site.operator));
    let hello = socket.expect("hello");
    assert_eq!(hello["choice"]["filter"], "%clock,access,faccessat,faccessat2", "{hello}");
    let ends = hello["ends_at"].as_i64().unwrap();
    let state = until(&mut socket, |message| message["type"] == "state");
    assert_eq!((&state["ends_at"], &state["choice"]), (&json!(ends), &hello["choice"]), "{state}");
    socket.say(&json!({ "type": "extend", "seconds": 600 }));
    until(&mut socket, |message| message["ends_at"] == json!(ends + 600_000));
    socket.say(&json!({ "type": "extend", "seconds": 86_400 }));
    let most = until(&mut socket, |message| message["ends_at"].as_i64() > Some(ends + 600_000));
    assert!(most["ends_at"].as_i64().unwrap() < ends + 3_600_000, "{most}");
    let told = until(&mut socket, |message| message["type"] == "state" && message["lines"].as_u64() > Some(0));
    assert!(told["bytes"].as_u64() > told["lines"].as_u64(), "{told}");
    socket.say(&json!({ "type": "pause" }));
    let paused = until(&mut socket, |message| message["paused"] == true);
    let later = until(&mut socket, |message| message["calls"].as_u64() > paused["calls"].as_u64());
    assert_eq!(later["lines"], paused["lines"], "calls are told while it is paused");
}

/// A page cannot read the answer to an upgrade that fails.
#[test]
fn a_page_is_told_over_the_socket_why_nothing_is_watched() {
    let (site, busy) = (Site::start(), Busy::start());
    let key = busy.key(&site);
    for (key, query, status, word) in [
        (&key, "&filter=opennat", 400, "did you mean openat?"),
        (&site.key(2), "", 403, "kernel"),
        (&key.replacen(&busy.0.id().to_string(), "4194304", 1), "", 404, "4194304"),
    ] {
        let at = path(key, &format!("?refusal=message{query}"));
        let mut socket = Socket::open(&site, &at, Some(&site.operator));
        let problem = socket.expect("error")["problem"].clone();
        assert_eq!(problem["status"], status, "{problem}");
        assert!(problem["detail"].as_str().unwrap().contains(word), "{problem}");
    }
}

#[test]
fn viewers_of_the_same_process_share_one_trace() {
    let (site, busy) = (Site::start(), Busy::start());
    let at = path(&busy.key(&site), "?seconds=60");
    let mut first = Socket::open(&site, &at, Some(&site.operator));
    let hello = first.expect("hello");
    let mut second = Socket::open(&site, &at, Some(&site.operator));
    assert_eq!(second.expect("hello")["ends_at"], hello["ends_at"], "the second one began another trace");
    calls(&mut second);
    drop(first);
    calls(&mut second);
}

#[test]
fn limits_and_the_end_of_the_process_end_it_and_say_so() {
    let (site, mut busy) = (Site::start(), Busy::start());
    let key = busy.key(&site);
    for (query, why) in [("?lines=20", "lines"), ("?seconds=1", "time"), ("?bytes=500", "bytes")] {
        let mut socket = Socket::open(&site, &path(&key, query), Some(&site.operator));
        let end = until(&mut socket, |message| message["type"] == "end");
        assert_eq!(end["why"], why, "{query}");
    }
    let mut socket = Socket::open(&site, &path(&key, ""), Some(&site.operator));
    socket.expect("hello");
    busy.0.kill().unwrap();
    busy.0.wait().unwrap();
    assert_eq!(until(&mut socket, |message| message["type"] == "end")["why"], "over");
}

#[test]
fn who_may_not_and_what_cannot_be_traced_is_refused() {
    let (site, busy) = (Site::start(), Busy::start());
    let key = busy.key(&site);
    let upgrade = |path: &str, token: Option<&str>| {
        let mut request = format!("ws://{}{path}", site.address).into_client_request().unwrap();
        if let Some(token) = token {
            request.headers_mut().insert("authorization", format!("Bearer {token}").parse().unwrap());
        }
        match tungstenite::client(request, connect(site.address)) {
            Err(HandshakeError::Failure(tungstenite::Error::Http(response))) => {
                (response.status().as_u16(), String::from_utf8(response.into_body().unwrap_or_default()).unwrap())
            }
            other => panic!("{path}: {other:?}"),
        }
    };
    assert_eq!(upgrade(&path(&key, ""), None).0, 401);
    assert_eq!(upgrade(&path(&key, ""), Some(&site.viewer)).0, 403);
    // Who may not watch is answered at once, however the refusal is asked for.
    assert_eq!(upgrade(&path(&key, "?refusal=message&filter=opennat"), Some(&site.viewer)).0, 403);
    let refused = audited(&site);
    assert!(refused.len() == 3 && refused.iter().all(|line| line["result"] == "refused"), "{refused:?}");
    let operator = Some(site.operator.as_str());
    let nobody = key.replacen(&busy.0.id().to_string(), "4194304", 1);
    assert_eq!(upgrade(&path(&nobody, ""), operator).0, 404);
    let (pid, rest) = key.split_once('-').unwrap();
    let other = format!("{pid}-1{rest}");
    assert_eq!(upgrade(&path(&other, ""), operator).0, 409);
    let unknown = upgrade(&path(&key, "?filter=opennat"), operator);
    assert!(unknown.0 == 400 && unknown.1.contains("openat"), "{unknown:?}");
    assert_eq!(upgrade(&path(&key, "?seconds=4000"), operator).0, 400);
    let kernel = site.key(2);
    let thread = upgrade(&path(&kernel, ""), operator);
    assert!(thread.0 == 403 && thread.1.contains("kernel"), "{thread:?}");
}

#[test]
fn the_compatible_address_tells_arrays_of_calls() {
    let (site, busy) = (Site::start(), Busy::start());
    busy.key(&site);
    let mut socket = Socket::open(&site, &format!("/monitor/process/ptrace/{}", busy.0.id()), Some(&site.operator));
    let told = until(&mut socket, |calls| calls.as_array().unwrap().iter().any(|call| call["error"] == "ENOENT"));
    assert!(told.as_array().unwrap().iter().all(|call| call["tid"].is_u64() && call["line"].is_string()), "{told}");
}
