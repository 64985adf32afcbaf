//! System calls over WebSockets, of a process whose calls the test knows. It takes the right to load programs into the kernel.

use std::io::Write;
use std::os::unix::net::UnixStream;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use procyon_api::access::tokens::Role;
use procyon_api::{Config, limits};
use procyon_testkit::eventually;
use procyon_trace::engine::ptrace::Program;
use procyon_units::SystemClock;
use serde_json::{Value, json};
use tungstenite::client::IntoClientRequest;
use tungstenite::{HandshakeError, Message};

use crate::client::connect;
use crate::live::Socket;
use crate::site::{Site, procyon};

/// Longest wait for what has to happen, on a machine that does much else.
const SOON: Duration = Duration::from_mins(1);

/// Looks for a file that is not there, 50 times a second.
struct Busy(Child);

impl Busy {
    fn start() -> Self {
        Self::with("import os, time\nwhile True:\n os.access('/nowhere', 0)\n time.sleep(.02)")
    }

    fn key(&self, site: &Site) -> String {
        eventually("it is in a frame", Duration::from_mins(1), || {
            let frame = site.tick();
            frame.process_by_pid(self.0.id()).map(|row| row.key.to_string())
        })
    }
}

impl Busy {
    /// Runs another program of Python.
    fn with(program: &str) -> Self {
        Self(Command::new("python3").args(["-c", program]).stdout(Stdio::null()).spawn().unwrap())
    }
}

/// Calls as fast as it can.
fn hot() -> Busy {
    Busy::with("import os\nwhile True:\n os.getppid()")
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
    let began = Instant::now();
    loop {
        let message = socket.read();
        assert!(began.elapsed() < SOON, "the last of many that do not please: {message}");
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
    let how = json!({ "engine": "ebpf", "follow": false });
    assert!(all[1]["result"] == "ended" && all.iter().all(|line| line["how"] == how), "{all:?}");
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
    first.expect("hello");
    let with_one = attached();
    let mut second = Socket::open(&site, &at, Some(&site.operator));
    second.expect("hello");
    assert_eq!(attached(), with_one, "the second one began another trace");
    calls(&mut second);
    drop(first);
    calls(&mut second);
}

#[test]
fn viewers_who_share_a_trace_each_have_the_limits_that_they_asked_for() {
    let (site, busy) = (Site::start(), Busy::start());
    let key = busy.key(&site);
    let open = |query: &str| {
        let mut socket = Socket::open(&site, &path(&key, query), Some(&site.operator));
        let hello = socket.expect("hello");
        (socket, hello)
    };
    let (mut first, hello) = open("?lines=200&seconds=600&filter=access,faccessat,faccessat2");
    let with_one = attached();
    let (mut second, later) = open("?seconds=60");
    assert_eq!(attached(), with_one, "they do not share");
    assert_eq!((&hello["lines"], &later["lines"]), (&json!(200), &json!(limits::MAX_TRACE_LINES)), "{hello} {later}");
    let apart = hello["ends_at"].as_i64().unwrap() - later["ends_at"].as_i64().unwrap();
    assert!((500_000..=540_000).contains(&apart), "{apart} ms between the ends");
    // What one asks for is no concern of the other.
    second.say(&json!({ "type": "extend", "seconds": 100 }));
    let extended = later["ends_at"].as_i64().unwrap() + 100_000;
    until(&mut second, |message| message["ends_at"] == json!(extended));
    let end = until(&mut first, |message| {
        assert!(message["ends_at"].is_null() || message["ends_at"] == hello["ends_at"], "{message}");
        message["type"] == "end"
    });
    assert_eq!(end["why"], "lines");
    calls(&mut second);
    let (mut third, _) = open("?bytes=2000");
    assert_eq!(until(&mut third, |message| message["type"] == "end")["why"], "bytes");
    calls(&mut second);
    let reasons = |lines: &[Value]| {
        lines.iter().filter_map(|line| line["reason"].as_str().map(str::to_owned)).collect::<Vec<_>>()
    };
    assert_eq!(reasons(&audited(&site)), ["lines", "bytes"]);
}

#[test]
fn it_is_told_who_calls_on_which_files_and_what_fails() {
    let (site, busy) = (Site::start(), Busy::start());
    let mut socket = Socket::open(&site, &path(&busy.key(&site), ""), Some(&site.operator));
    let pid = busy.0.id();
    let is_of = |file: &&Value| file["name"] == "/nowhere";
    let state = until(&mut socket, |message| {
        message["files"].as_array().into_iter().flatten().any(|file| file["calls"].as_u64() > Some(9) && is_of(&file))
    });
    let file = state["files"].as_array().unwrap().iter().find(is_of).unwrap();
    assert!(file["errors"] == file["calls"] && file["total"].as_f64() > Some(0.0), "{file}");
    let thread = &state["threads"][0];
    assert!(thread["pid"] == pid && thread["tid"] == pid && thread["name"] == "python3", "{thread}");
    assert!(thread["calls"].as_u64() > file["calls"].as_u64(), "{thread}");
    let is_of = |failure: &&Value| failure["name"].as_str().unwrap().contains("access") && failure["error"] == "ENOENT";
    let failure = state["failures"].as_array().unwrap().iter().find(is_of).unwrap();
    assert_eq!(failure["words"], "No such file or directory", "{failure}");
    assert!(failure["calls"].as_u64() >= file["errors"].as_u64(), "{failure}");
    assert_eq!((&state["not_followed"], &state["more_threads"]["calls"]), (&json!(0), &json!(0)), "{state}");
    let files = state["files"].as_array().unwrap().iter().map(|file| file["calls"].as_u64().unwrap()).sum::<u64>();
    let files = files + state["more_files"]["calls"].as_u64().unwrap();
    assert!(files < state["calls"].as_u64().unwrap(), "not every call is about a file: {state}");
    assert!(state["stopped"].is_null(), "with eBPF nothing is stopped: {state}");
}

/// One process does nothing but call, the other one sleeps nearly all of the time.
#[test]
fn by_ptrace_it_is_told_how_much_of_its_time_a_process_is_stopped() {
    let (site, hot, busy) = (Site::start(), hot(), Busy::start());
    let open =
        |target: &Busy| Socket::open(&site, &path(&target.key(&site), "?engine=ptrace&rate=10"), Some(&site.operator));
    let mut of_busy = open(&busy);
    let mut of_hot = open(&hot);
    let told = until(&mut of_hot, |message| message["stopped"].is_f64())["stopped"].as_f64().unwrap();
    assert!(told > 0.1 && told < 1.0, "{told}");
    let state = until(&mut of_busy, |message| message["type"] == "state" && message["calls"].as_u64() > Some(20));
    let share = &state["stopped"];
    assert!(share.is_null() || share.as_f64().is_some_and(|share| share < 0.1), "{state}");
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

/// Status and text of an upgrade that is refused.
fn refused(site: &Site, path: &str, token: Option<&str>) -> (u16, String) {
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
}

#[test]
fn who_may_not_and_what_cannot_be_traced_is_refused() {
    let (site, busy) = (Site::start(), Busy::start());
    let key = busy.key(&site);
    let upgrade = |path: &str, token: Option<&str>| refused(&site, path, token);
    assert_eq!(upgrade(&path(&key, ""), None).0, 401);
    assert_eq!(upgrade(&path(&key, ""), Some(&site.viewer)).0, 403);
    // Who may not watch is answered at once, however the refusal is asked for.
    assert_eq!(upgrade(&path(&key, "?refusal=message&filter=opennat"), Some(&site.viewer)).0, 403);
    let refused = audited(&site);
    assert!(refused.len() == 3 && refused.iter().all(|line| line["result"] == "refused"), "{refused:?}");
    let operator = Some(site.operator.as_str());
    let nobody = key.replacen(&busy.0.id().to_string(), "4194304", 1);
    let ended = upgrade(&path(&nobody, ""), operator);
    assert!(ended.0 == 404 && ended.1.contains(&format!("process {nobody} has ended\"")), "{ended:?}");
    let (pid, rest) = key.split_once('-').unwrap();
    let other = format!("{pid}-1{rest}");
    let replaced = upgrade(&path(&other, ""), operator);
    assert!(replaced.0 == 409 && replaced.1.contains(&format!("ask for {key}")), "{replaced:?}");
    for wrong in ["quick", "10xs", "-1s"] {
        let answer = upgrade(&path(&key, &format!("?slower={wrong}")), operator);
        assert!(answer.0 == 400 && answer.1.contains("200us"), "{answer:?}");
    }
    let unknown = upgrade(&path(&key, "?filter=opennat"), operator);
    assert!(unknown.0 == 400 && unknown.1.contains("openat"), "{unknown:?}");
    assert_eq!(upgrade(&path(&key, "?seconds=4000"), operator).0, 400);
    let kernel = site.key(2);
    let thread = upgrade(&path(&kernel, ""), operator);
    assert!(thread.0 == 403 && thread.1.contains("kernel"), "{thread:?}");
    let failed = audited(&site).pop().unwrap();
    assert_eq!((&failed["result"], &failed["key"]), (&json!("failed"), &json!(kernel)), "{failed}");
    assert!(failed["reason"].as_str().unwrap().contains("kernel"), "{failed}");
    // One that has ended between two frames.
    let frame_knows = busy.0.id();
    drop(busy);
    let gone = upgrade(&format!("/monitor/process/ptrace/{frame_knows}"), operator);
    assert!(gone.0 == 404 && gone.1.contains("has ended\""), "{gone:?}");
}

#[test]
fn the_compatible_address_tells_arrays_of_calls() {
    let (site, busy) = (Site::start(), Busy::start());
    busy.key(&site);
    let mut socket = Socket::open(&site, &format!("/monitor/process/ptrace/{}", busy.0.id()), Some(&site.operator));
    let told = until(&mut socket, |calls| calls.as_array().unwrap().iter().any(|call| call["error"] == "ENOENT"));
    assert!(told.as_array().unwrap().iter().all(|call| call["tid"].is_u64() && call["line"].is_string()), "{told}");
}

/// The last line of the audit log about a trace, once each that began has ended.
fn ending(site: &Site) -> Value {
    eventually("every end is written down", SOON, || {
        let lines = audited(site);
        let is_over = |begun: &Value| lines.iter().any(|line| line["id"] == begun["id"] && line["phase"] == "after");
        lines.iter().all(is_over).then(|| lines.last().cloned()).flatten()
    })
}

/// Code and reason of the close frame that comes.
fn closed(socket: &mut Socket) -> (u16, String) {
    loop {
        match socket.0.read() {
            Ok(Message::Close(Some(frame))) => return (frame.code.into(), frame.reason.as_str().to_owned()),
            Ok(_) => {}
            Err(error) => panic!("no close frame: {error}"),
        }
    }
}

#[test]
fn a_read_only_procyon_lets_nobody_watch() {
    let site = Site::with(|config| Config { read_only: true, ..config });
    let busy = Busy::start();
    let key = busy.key(&site);
    let answer = refused(&site, &path(&key, "?engine=ptrace&follow=true"), Some(&site.operator));
    assert!(answer.0 == 403 && answer.1.contains("read-only"), "{answer:?}");
    let compatible = format!("/monitor/process/ptrace/{}", busy.0.id());
    assert_eq!(refused(&site, &compatible, Some(&site.operator)).0, 403);
    let lines = audited(&site);
    assert!(lines.len() == 2 && lines.iter().all(|line| line["result"] == "refused"), "{lines:?}");
    assert_eq!(lines[0]["how"], json!({ "engine": "ptrace", "follow": true }), "{lines:?}");
}

#[test]
fn a_token_taken_back_ends_the_trace_also_of_one_who_does_not_read() {
    let (site, hot) = (Site::start(), hot());
    let key = hot.key(&site);
    let guest = |name| site.tokens.create(name, Role::Operator, &SystemClock).unwrap().secret;
    let mut reads = Socket::open(&site, &path(&key, "?rate=10"), Some(&guest("reads")));
    reads.expect("hello");
    site.tokens.revoke("reads").unwrap();
    assert_eq!(closed(&mut reads), (1008, "the token was taken back".to_owned()));
    assert_eq!(ending(&site)["reason"], "the token was taken back");

    let mut witness = Socket::open(&site, &path(&key, "?size=64&rate=100"), Some(&site.operator));
    let silent = Socket::open(&site, &path(&key, "?size=64&rate=100000"), Some(&guest("silent")));
    // Far more than the kernel keeps for one who does not read.
    until(&mut witness, |message| message["type"] == "state" && message["bytes"].as_u64() > Some(20_000_000));
    site.tokens.revoke("silent").unwrap();
    eventually("it is over for the silent one", SOON, || {
        audited(&site).iter().any(|line| line["name"] == "silent" && line["phase"] == "after").then_some(())
    });
    let end = audited(&site).into_iter().find(|line| line["name"] == "silent" && line["phase"] == "after").unwrap();
    assert_eq!(end["reason"], "the token was taken back", "{end}");
    drop(silent);
    calls(&mut witness);
}

#[test]
fn a_stop_ends_every_trace_and_the_log_has_its_end() {
    let (mut site, hot) = (Site::start(), hot());
    let key = hot.key(&site);
    let mut reads = Socket::open(&site, &path(&key, "?rate=100"), Some(&site.operator));
    let _silent = Socket::open(&site, &path(&key, ""), Some(&site.operator));
    until(&mut reads, |message| message["type"] == "state" && message["bytes"].as_u64() > Some(20_000_000));
    let reader = std::thread::spawn(move || closed(&mut reads));
    site.server.take().unwrap().stop();
    let lines = audited(&site);
    let ends: Vec<&Value> = lines.iter().filter(|line| line["phase"] == "after").collect();
    assert!(ends.len() == 2 && ends.iter().all(|end| end["reason"] == "procyon stops"), "{lines:?}");
    assert_eq!(reader.join().unwrap(), (1001, "procyon stops".to_owned()));
}

/// The answer to an upgrade may find nobody.
#[test]
fn an_upgrade_that_nobody_waits_for_ends_in_the_log() {
    let (site, busy) = (Site::start(), Busy::start());
    let key = busy.key(&site);
    for _ in 0..5 {
        let mut stream = connect(site.address);
        let request = format!(
            "GET {} HTTP/1.1\r\nhost: {}\r\nauthorization: Bearer {}\r\nconnection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
            path(&key, ""),
            site.address,
            site.operator
        );
        stream.write_all(request.as_bytes()).unwrap();
        rustix::net::sockopt::set_socket_linger(&stream, Some(Duration::ZERO)).unwrap();
    }
    eventually("somebody was to watch", SOON, || (!audited(&site).is_empty()).then_some(()));
    assert_eq!(ending(&site)["phase"], "after");
}

#[test]
fn messages_of_clients_and_to_them_have_a_greatest_size() {
    let site = Site::start();
    let busy = Busy::with("import os\nf = os.open('/dev/null', 1)\nwhile True:\n os.write(f, b'\\x01' * 4096)");
    let key = busy.key(&site);
    let mut socket = Socket::open(&site, &path(&key, "?size=4096&filter=write"), Some(&site.operator));
    let sizes: Vec<usize> = (0..40).map(|_| socket.0.read().unwrap().len()).collect();
    assert!(sizes.iter().all(|size| *size <= limits::TRACE_MESSAGE + 2), "{sizes:?}");
    assert!(sizes.iter().any(|size| *size > limits::TRACE_MESSAGE / 3), "{sizes:?}");
    let _refused_early = socket.0.send(Message::text("x".repeat(limits::MAX_MESSAGE + 1)));
    assert_eq!(closed(&mut socket).0, 1009);
    ending(&site);
}

#[test]
fn a_pause_ends_with_the_viewer_that_asked_for_it() {
    let (site, busy) = (Site::start(), Busy::start());
    let at = path(&busy.key(&site), "");
    let open = || Socket::open(&site, &at, Some(&site.operator));
    let (mut stays, mut first, mut second) = (open(), open(), open());
    let paused = |socket: &mut Socket, is: bool| until(socket, |message| message["paused"] == is);
    first.say(&json!({ "type": "pause" }));
    second.say(&json!({ "type": "pause" }));
    paused(&mut stays, true);
    paused(&mut second, true);
    drop(first);
    eventually("the first has left", SOON, || (audited(&site).len() == 4).then_some(()));
    for _ in 0..2 {
        assert_eq!(until(&mut stays, |message| message["type"] == "state")["paused"], true, "the second one asked too");
    }
    drop(second);
    paused(&mut stays, false);
    calls(&mut stays);
    // Whoever watches may end the pause of another one.
    let mut third = open();
    third.say(&json!({ "type": "pause" }));
    paused(&mut stays, true);
    stays.say(&json!({ "type": "resume" }));
    paused(&mut third, false);
}

#[test]
fn a_viewer_is_told_as_many_calls_as_it_wants_and_how_many_were_left_out() {
    let (site, hot) = (Site::start(), hot());
    let key = hot.key(&site);
    let mut socket = Socket::open(&site, &path(&key, "?rate=1000&parts=true"), Some(&site.operator));
    let hello = socket.expect("hello");
    assert!(hello["lines"].as_u64() > Some(limits::MAX_TRACE_LINES), "{hello}");
    let (mut told, mut skipped, mut states) = (0, 0, Vec::new());
    while states.len() < 4 {
        let message = socket.read();
        match message["type"].as_str().unwrap() {
            "calls" => told += message["calls"].as_array().unwrap().len(),
            "skipped" => skipped += message["lines"].as_u64().unwrap(),
            "state" => states.push(message.clone()),
            _ => {}
        }
        for call in message["calls"].as_array().into_iter().flatten().filter(|told| told["kind"] == "call") {
            assert!(call["line"].is_null() && call["name"].is_string() && call["args"].is_string(), "{call}");
        }
    }
    // Four seconds, each at most a window more than it should be.
    let seconds = (states[3]["at"].as_f64().unwrap() - hello_at(&hello)) / 1000.0;
    assert!(told > 500 && (told as f64) < 1000.0 * (seconds + 1.0), "{told} calls in {seconds} s");
    assert!(skipped > 5 * told as u64, "{told} and {skipped}");
    let all = states[3]["lines"].as_u64().unwrap();
    assert!(told as u64 + skipped <= all, "{told} and {skipped} of {all}");
    let without = refused(&site, &path(&key, "?lines=2000000"), Some(&site.operator));
    assert_eq!(without.0, 400, "{without:?}");
}

/// When a trace of the usual length began, ms since 1970.
fn hello_at(hello: &Value) -> f64 {
    hello["ends_at"].as_f64().unwrap() - limits::TRACE_TIME.as_secs_f64() * 1000.0
}

#[test]
fn so_many_traces_go_on_at_a_time_and_no_more() {
    let (site, busy) = (Site::start(), Busy::start());
    let key = busy.key(&site);
    let open = |size: usize| {
        let mut socket = Socket::open(&site, &path(&key, &format!("?size={size}")), Some(&site.operator));
        socket.expect("hello");
        socket
    };
    let mut all: Vec<Socket> = (1..=limits::MAX_TRACES).map(open).collect();
    let full = refused(&site, &path(&key, "?size=100"), Some(&site.operator));
    assert!(full.0 == 503 && full.1.contains("8 traces go on"), "{full:?}");
    let failed = audited(&site).pop().unwrap();
    assert_eq!(failed["result"], "failed", "{failed}");
    // One that goes on has room for more viewers.
    let shares = open(3);
    all.truncate(limits::MAX_TRACES - 1);
    drop(shares);
    eventually("there is room again", SOON, || {
        let mut socket = Socket::open(&site, &path(&key, "?size=100&refusal=message"), Some(&site.operator));
        (socket.read()["type"] == "hello").then_some(())
    });
}

#[test]
fn two_who_come_at_once_share_one_trace() {
    let (site, busy) = (Site::start(), Busy::start());
    let at = path(&busy.key(&site), "?engine=ptrace&filter=access");
    let barrier = std::sync::Barrier::new(4);
    let come = || {
        barrier.wait();
        let mut socket = Socket::open(&site, &at, Some(&site.operator));
        // The kernel allows one tracer: who does not share it is refused.
        socket.expect("hello");
        socket
    };
    let come = &come;
    let all: Vec<Socket> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..4).map(|_| scope.spawn(come)).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert_eq!(all.len(), 4);
}

/// A tracer that does not answer would be waited for longer than a stop may take.
#[test]
fn a_trace_that_still_begins_when_procyon_stops_has_its_end_in_the_log() {
    let (mut site, busy) = (Site::tracing_by(mute()), Busy::start());
    let key = busy.key(&site);
    let mut stream = connect(site.address);
    let request = format!(
        "GET {} HTTP/1.1\r\nhost: {}\r\nauthorization: Bearer {}\r\nconnection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
        path(&key, "?engine=ptrace"),
        site.address,
        site.operator
    );
    stream.write_all(request.as_bytes()).unwrap();
    eventually("it begins", SOON, || (audited(&site).len() == 1).then_some(()));
    site.server.take().unwrap().stop();
    let lines = audited(&site);
    assert_eq!(lines.len(), 2, "{lines:?}");
    assert_eq!((&lines[1]["result"], &lines[1]["reason"]), (&json!("failed"), &json!("procyon stops")), "{lines:?}");
}

/// A tracer that does not answer. It ends with its orders, whatever becomes of the test.
fn mute() -> Program {
    let reads = "while read -r order; do :; done".to_owned();
    Program { file: "/bin/sh".into(), arguments: vec!["-c".to_owned(), reads] }
}

/// A tracer that does not answer takes ten seconds to be given up.
#[test]
fn a_trace_that_is_slow_to_begin_holds_nobody_up() {
    let (site, busy) = (Site::tracing_by(mute()), Busy::start());
    let key = busy.key(&site);
    let upgrades: Vec<_> = (1..=limits::MAX_TRACES - 2)
        .map(|size| {
            let mut stream = connect(site.address);
            let request = format!(
                "GET {} HTTP/1.1\r\nhost: {}\r\nauthorization: Bearer {}\r\nconnection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
                path(&key, &format!("?engine=ptrace&size={size}")),
                site.address,
                site.operator
            );
            stream.write_all(request.as_bytes()).unwrap();
            stream
        })
        .collect();
    eventually("they begin", SOON, || (audited(&site).len() == upgrades.len()).then_some(()));
    let mut other = Socket::open(&site, &path(&key, ""), Some(&site.operator));
    other.expect("hello");
    // A question that takes a thread which may wait.
    site.json("/api/v1/health");
    assert!(audited(&site).iter().all(|line| line["phase"] == "before"), "the slow ones were waited for");
    drop(upgrades);
}

/// Who traces a process; 0 for nobody. Source: `/proc/PID/status`.
fn tracer_of(pid: u32) -> u32 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    status.lines().find_map(|line| line.strip_prefix("TracerPid:")).unwrap().trim().parse().unwrap()
}

#[test]
fn by_ptrace_calls_are_told_and_the_process_is_let_go_of() {
    let (site, busy) = (Site::start(), Busy::start());
    let key = busy.key(&site);
    let mut socket = Socket::open(&site, &path(&key, "?engine=ptrace"), Some(&site.operator));
    let hello = socket.expect("hello");
    assert_eq!((&hello["engine"], &hello["threads"]), (&json!("ptrace"), &json!(1)), "{hello}");
    assert_ne!(tracer_of(busy.0.id()), 0);
    eventually("its own call is told", SOON, || {
        calls(&mut socket).into_iter().find(|call| call["args"].as_str().unwrap().contains("\"/nowhere\""))
    });
    drop(socket);
    eventually("it is let go of", SOON, || (tracer_of(busy.0.id()) == 0).then_some(()));
    assert_eq!(ending(&site)["how"], json!({ "engine": "ptrace", "follow": false }));
    // At once another one, whose way the one before must not be in.
    let mut again = Socket::open(&site, &path(&key, "?engine=ptrace"), Some(&site.operator));
    again.expect("hello");
}

#[test]
fn a_tracer_that_is_just_leaving_is_waited_for_and_one_that_stays_is_named() {
    let (site, busy) = (Site::start(), Busy::start());
    let key = busy.key(&site);
    let pid = busy.0.id();
    let at = path(&key, "?engine=ptrace&refusal=message");
    let hold = || {
        let mut command = Command::new(procyon());
        command.args(["trace", "--engine", "ptrace", &pid.to_string()]).stdout(Stdio::null()).stderr(Stdio::null());
        let holder = Busy(command.spawn().unwrap());
        eventually("it is held", SOON, || (tracer_of(pid) != 0).then_some(()));
        holder
    };
    let holder = hold();
    let problem = Socket::open(&site, &at, Some(&site.operator)).expect("error")["problem"].clone();
    assert_eq!(problem["status"], 409, "{problem}");
    assert!(problem["detail"].as_str().unwrap().contains("already traced"), "{problem}");
    drop(holder);
    eventually("it is let go of", SOON, || (tracer_of(pid) == 0).then_some(()));
    // It leaves in the time of the attempts; on a busy machine perhaps later, so there are several.
    let begun = (0..5).any(|_| {
        let holder = hold();
        let leaves = std::thread::spawn(move || {
            std::thread::park_timeout(Duration::from_millis(120));
            drop(holder);
        });
        let first = Socket::open(&site, &at, Some(&site.operator)).read();
        leaves.join().unwrap();
        eventually("it is let go of", SOON, || (tracer_of(pid) == 0).then_some(()));
        first["type"] == "hello"
    });
    assert!(begun, "a tracer that left was not waited for");
}

#[test]
fn children_are_followed_when_asked_for() {
    let site = Site::start();
    for engine in ["ebpf", "ptrace"] {
        let mut command = Command::new("sh");
        command.args(["-c", "while :; do cat /nowhere; done"]).stdout(Stdio::null()).stderr(Stdio::null());
        let parent = Busy(command.spawn().unwrap());
        let at = path(&parent.key(&site), &format!("?engine={engine}&follow=true"));
        let mut socket = Socket::open(&site, &at, Some(&site.operator));
        socket.expect("hello");
        eventually("a call of a child", SOON, || {
            let told = calls(&mut socket);
            let of_child = |call: &&Value| call["pid"] != parent.0.id() && call["error"] == "ENOENT";
            told.iter().find(of_child).map(|call| assert_ne!(call["tid"], parent.0.id(), "{engine}: {call}"))
        });
        drop(socket);
        assert_eq!(ending(&site)["how"], json!({ "engine": engine, "follow": true }));
    }
}

#[test]
fn who_never_reads_is_cut_off_and_others_are_told_on() {
    let (site, hot) = (Site::start(), hot());
    let key = hot.key(&site);
    // The first one says when it ends: by its rate not before a thousand million lines.
    let mut good = Socket::open(&site, &path(&key, "?rate=1000"), Some(&site.operator));
    let silent = Socket::open(&site, &path(&key, ""), Some(&site.operator));
    let began = Instant::now();
    let cut_off = || site.json("/api/v1/health")["clients"]["cut_off"].as_u64() >= Some(1);
    while !cut_off() {
        assert!(began.elapsed() < 2 * SOON, "it is not cut off");
        calls(&mut good);
    }
    assert!(began.elapsed() > limits::READ_DEADLINE, "it had its time");
    eventually("its place is free", SOON, || {
        calls(&mut good);
        (site.json("/api/v1/health")["clients"]["live"] == 1).then_some(())
    });
    let lines = audited(&site);
    assert_eq!(lines.iter().filter(|line| line["phase"] == "after").count(), 1, "{lines:?}");
    drop(silent);
}

#[test]
fn where_no_place_is_left_nothing_begins() {
    let (site, busy) = (Site::start(), Busy::start());
    let key = busy.key(&site);
    let open = |path: &str| {
        let stream = UnixStream::connect(site.socket()).unwrap();
        stream.set_read_timeout(Some(SOON)).unwrap();
        tungstenite::client(format!("ws://localhost{path}").into_client_request().unwrap(), stream).map_err(Box::new)
    };
    let full: Vec<_> = (0..limits::MAX_LOCAL_LIVE).map(|_| open("/api/v1/hosts/local/live").unwrap()).collect();
    match open(&path(&key, "")).map_err(|error| *error) {
        Err(HandshakeError::Failure(tungstenite::Error::Http(answer))) => assert_eq!(answer.status().as_u16(), 503),
        other => panic!("{other:?}"),
    }
    assert_eq!(audited(&site), Vec::<Value>::new(), "nobody would have seen it");
    drop(full);
}

/// How many programs this process holds attached in the kernel.
fn attached() -> usize {
    let entries = std::fs::read_dir("/proc/self/fdinfo").unwrap().flatten();
    let texts = entries.filter_map(|entry| std::fs::read_to_string(entry.path()).ok());
    texts.filter(|text| text.contains("link_type")).count()
}

#[test]
fn a_connection_that_is_closed_leaves_nothing_attached() {
    let (site, busy) = (Site::start(), Busy::start());
    let key = busy.key(&site);
    let before = attached();
    let mut sockets = [0, 1].map(|_| Socket::open(&site, &path(&key, ""), Some(&site.operator)));
    sockets[0].expect("hello");
    let with = attached();
    assert!(with > before, "{before} and then {with}");
    let [first, second] = sockets;
    drop(first);
    eventually("the first has left", SOON, || (audited(&site).len() == 3).then_some(()));
    assert_eq!(attached(), with, "the second one still watches");
    drop(second);
    ending(&site);
    assert_eq!(attached(), before);
}
