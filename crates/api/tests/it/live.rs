//! The live WebSocket: what a client pieces together from deltas is what the frame says.

use std::collections::BTreeMap;
use std::io::Write;
use std::net::TcpStream;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use procyon_model::Frame;
use procyon_model::frame::{Death, EndedProcess, Exit};
use procyon_testkit::eventually;
use procyon_units::{Reading, Wall};
use serde_json::{Value, json};
use tungstenite::client::IntoClientRequest;
use tungstenite::{Message, WebSocket};

use crate::client::{Ask, connect};
use crate::site::Site;

/// A WebSocket client.
pub struct Socket(pub WebSocket<TcpStream>);

impl Socket {
    pub fn open(site: &Site, path: &str, token: Option<&str>) -> Self {
        let mut request = format!("ws://{}{path}", site.address).into_client_request().unwrap();
        if let Some(token) = token {
            request.headers_mut().insert("authorization", format!("Bearer {token}").parse().unwrap());
        }
        let (socket, _) = tungstenite::client(request, connect(site.address)).unwrap();
        Self(socket)
    }

    pub fn live(site: &Site) -> Self {
        let mut socket = Self::open(site, "/api/v1/hosts/local/live", Some(&site.operator));
        let hello = socket.read();
        assert_eq!((&hello["type"], &hello["role"]), (&"hello".into(), &"operator".into()), "{hello}");
        socket
    }

    pub fn say(&mut self, message: &Value) {
        self.0.send(Message::text(message.to_string())).unwrap();
    }

    pub fn read(&mut self) -> Value {
        loop {
            match self.0.read().unwrap() {
                Message::Text(text) => return serde_json::from_str(&text).unwrap(),
                Message::Ping(_) | Message::Pong(_) => {}
                other => panic!("{other:?}"),
            }
        }
    }

    pub fn expect(&mut self, kind: &str) -> Value {
        let message = self.read();
        assert_eq!(message["type"], kind, "{message}");
        message
    }
}

/// What a client knows.
#[derive(Debug, Default, Clone, PartialEq)]
pub struct Screen {
    pub columns: Vec<String>,
    pub rows: BTreeMap<u64, Vec<Value>>,
    pub seq: u64,
}

impl Screen {
    pub fn take(&mut self, message: &Value) {
        match message["type"].as_str().unwrap() {
            "full" => {
                let columns = message["columns"].as_array().unwrap();
                self.columns = columns.iter().map(|id| id.as_str().unwrap().to_owned()).collect();
                self.rows.clear();
                self.add(&message["rows"]);
            }
            "delta" => {
                assert_eq!(message["base"].as_u64(), Some(self.seq), "a delta of another frame");
                for row in message["gone"].as_array().unwrap() {
                    self.rows.remove(&row.as_u64().unwrap()).expect("a row that was there goes");
                }
                self.add(&message["add"]);
                for change in message["set"].as_array().unwrap() {
                    let change = change.as_array().unwrap();
                    let row = self.rows.get_mut(&change[0].as_u64().unwrap()).expect("a row that is there changes");
                    for pair in change[1..].chunks(2) {
                        row[1 + pair[0].as_u64().unwrap() as usize] = pair[1].clone();
                    }
                }
            }
            other => panic!("{other}"),
        }
        self.seq = message["seq"].as_u64().unwrap();
    }

    fn add(&mut self, rows: &Value) {
        for row in rows.as_array().unwrap() {
            let row = row.as_array().unwrap();
            assert_eq!(row.len(), 2 + self.columns.len());
            let before = self.rows.insert(row[0].as_u64().unwrap(), row[1..].to_vec());
            assert!(before.is_none(), "a row's number is given twice");
        }
    }

    /// Rows by key, with their cells.
    pub fn by_key(&self) -> BTreeMap<String, Vec<Value>> {
        self.rows.values().map(|row| (row[0].as_str().unwrap().to_owned(), row[1..].to_vec())).collect()
    }

    pub fn cell(&self, key: &str, column: &str) -> Option<Value> {
        let at = self.columns.iter().position(|id| id == column)?;
        self.by_key().get(key).map(|cells| cells[at].clone())
    }
}

fn subscribe(q: &str, columns: &[&str]) -> Value {
    json!({ "type": "subscribe", "q": q, "sort": "-cpu", "limit": 0, "columns": columns })
}

const COLUMNS: &[&str] = &["pid", "user", "cmd", "cpu", "rss", "utime", "state", "minflt_total", "threads"];

#[test]
fn deltas_add_up_to_what_a_newcomer_is_told() {
    let site = Site::start();
    let burner = procyon_testkit::Workload::start(&["burn", "0.5", "2"]);
    let mut socket = Socket::live(&site);
    socket.say(&subscribe("", COLUMNS));
    let mut screen = Screen::default();
    screen.take(&socket.expect("full"));
    let mut births = Vec::new();
    for round in 0..6 {
        if round % 2 == 0 {
            births.push(Command::new("sleep").arg("1000").spawn().unwrap());
        } else if let Some(mut child) = births.pop() {
            child.kill().unwrap();
            child.wait().unwrap();
        }
        std::thread::park_timeout(std::time::Duration::from_millis(50));
        let frame = site.tick();
        let delta = socket.expect("delta");
        assert_eq!(delta["total"], frame.processes.len());
        assert_eq!(delta["host"]["mem_total"], frame.machine.memory.get().unwrap().total.0);
        screen.take(&delta);
        let mut other = Socket::live(&site);
        other.say(&subscribe("", COLUMNS));
        let mut fresh = Screen::default();
        fresh.take(&other.expect("full"));
        assert_eq!(screen, fresh, "round {round}");
        let keys: Vec<String> = frame.processes.iter().map(|row| row.key.to_string()).collect();
        assert_eq!(screen.by_key().len(), keys.len());
        assert!(keys.iter().all(|key| screen.by_key().contains_key(key)));
        let row = frame.process_by_pid(burner.pid()).unwrap();
        assert_eq!(
            screen.cell(&row.key.to_string(), "utime").unwrap().as_f64(),
            Some((row.cpu.user.seconds() * 100.0).round() / 100.0)
        );
    }
}

#[test]
fn a_filter_moves_rows_in_and_out() {
    let site = Site::start();
    let mut socket = Socket::live(&site);
    let mut child = Command::new("sleep").arg("1000").spawn().unwrap();
    let q = format!("pid == {}", child.id());
    socket.say(&json!({ "type": "subscribe", "q": q, "columns": ["pid", "name"], "top": { "by": "cpu", "n": 6 } }));
    let mut screen = Screen::default();
    let full = socket.expect("full");
    screen.take(&full);
    assert_eq!(full["matched"], 0);
    assert!(full["top"].as_array().unwrap().len() <= 6);
    site.tick();
    let delta = socket.expect("delta");
    screen.take(&delta);
    assert_eq!((&delta["matched"], screen.rows.len()), (&1.into(), 1));
    let key = site.key(child.id());
    child.kill().unwrap();
    child.wait().unwrap();
    // The row leaves at once; the end is told with its totals, which the kernel may give a moment later.
    let deadline = std::time::Instant::now() + Duration::from_mins(1);
    let mut ended: Vec<Value> = Vec::new();
    while ended.is_empty() {
        assert!(std::time::Instant::now() < deadline, "the end of {key} is not told");
        site.tick();
        let delta = socket.expect("delta");
        screen.take(&delta);
        assert_eq!(screen.rows.len(), 0);
        let told = delta["ended"].as_array().into_iter().flatten().filter(|one| one["key"] == key.as_str());
        ended.extend(told.cloned());
    }
    assert_eq!((ended.len(), &ended[0]["cmd"]), (1, &"sleep 1000".into()));
}

#[test]
fn a_wrong_subscription_keeps_the_last_right_one() {
    let site = Site::start();
    let mut socket = Socket::live(&site);
    // One process, whatever else comes and goes on this machine.
    socket.say(&subscribe("pid == 1", &["pid", "pid", "matched"]));
    let full = socket.expect("full");
    assert_eq!(full["columns"], json!(["pid", "matched"]));
    socket.say(&subscribe("", &["pid", "cpuu"]));
    let error = socket.expect("error")["problem"].clone();
    assert_eq!((&error["detail"], &error["suggestion"]), (&"there is no column `cpuu`".into(), &"cpu".into()));
    for wrong in [json!(-1), json!(1.5), json!("all"), json!(99_999_999_999_u64)] {
        socket.say(&json!({ "type": "subscribe", "limit": wrong }));
        let error = socket.expect("error")["problem"].clone();
        assert!(error["detail"].as_str().unwrap().contains("a whole number from 0 to 4294967295"), "{error}");
    }
    socket.say(&subscribe("pid >", &["pid"]));
    let error = socket.expect("error");
    assert_eq!(error["problem"]["type"], "urn:procyon:bad-filter");
    assert!(error["problem"]["position"]["column"].is_u64());
    for wrong in [json!({ "type": "banana" }), json!({ "type": "subscribe", "qq": "" }), json!([])] {
        socket.say(&wrong);
        assert_eq!(socket.expect("error")["problem"]["status"], 400);
    }
    site.tick();
    assert_eq!((&full["matched"], &socket.expect("delta")["matched"]), (&json!(1), &json!(1)));
}

#[test]
fn without_a_token_nobody_learns_how_a_process_ended() {
    let site = Site::start();
    let newest = site.feed.latest().unwrap();
    let wall = Wall(newest.wall.0 + 1_000_000);
    let ended = EndedProcess {
        row: newest.processes[0].clone(),
        at: wall,
        exit: Reading::Known(Exit::Signal(9)),
        death: Death { oom: true, core_dumped: true, ..Death::default() },
    };
    let mut sockets = [None, Some(site.viewer.as_str())].map(|token| {
        let mut socket = Socket::open(&site, "/api/v1/hosts/local/live", token);
        socket.expect("hello");
        socket.say(&json!({ "type": "subscribe", "q": "pid == 0" }));
        socket.expect("full");
        socket
    });
    let next = Frame { seq: newest.seq + 1, wall, ended: vec![ended], ..(*newest).clone() };
    site.publish(&Arc::new(next));
    let signal = json!({ "signal": "SIGKILL" });
    let [public, viewer] = &mut sockets;
    let told = |socket: &mut Socket| socket.expect("delta")["ended"][0].clone();
    let (public, viewer) = (told(public), told(viewer));
    assert_eq!((&public["exit"], &public["oom"]), (&Value::Null, &Value::Null));
    assert_eq!((&viewer["exit"], &viewer["oom"]), (&signal, &true.into()));
    let at = wall.unix_ms();
    for path in
        ["/api/v1/hosts/local/ended", &format!("/api/v1/hosts/local/frame?at={at}"), "/api/v1/hosts/local/frame"]
    {
        let ended = |ask: Ask<'_>| {
            let answer = site.ask(&ask).json();
            let list = if path.contains("frame") { &answer["ended"] } else { &answer["items"] };
            let of = |one: &&Value| one["oom"] != false;
            list.as_array().unwrap().iter().find(of).cloned().unwrap_or_else(|| panic!("{path}: {answer}"))
        };
        let public = ended(Ask::get(path));
        assert_eq!((&public["exit"], &public["oom"], &public["core"]), (&Value::Null, &Value::Null, &Value::Null));
        let viewer = ended(Ask::get(path).token(&site.viewer));
        assert_eq!((&viewer["exit"], &viewer["oom"], &viewer["core"]), (&signal, &true.into(), &true.into()));
    }
}

/// What the server says when a client sends these bytes behind the handshake: code and reason of its close frame.
fn farewell_to(mut socket: Socket, bytes: &[u8]) -> (u16, String) {
    socket.0.get_mut().write_all(bytes).unwrap();
    loop {
        match socket.0.read() {
            Ok(Message::Close(Some(frame))) => return (frame.code.into(), frame.reason.as_str().to_owned()),
            Ok(_) => {}
            Err(error) => panic!("no close frame came: {error}"),
        }
    }
}

/// A frame of a client, masked with zeros.
fn frame_of(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![first, 0x80 | 127];
    frame.extend((payload.len() as u64).to_be_bytes());
    frame.extend([0; 4]);
    frame.extend(payload);
    frame
}

#[test]
fn who_breaks_the_rules_of_websockets_is_told_which() {
    let site = Site::start();
    let mut endless = frame_of(0x81, b"");
    endless[2..10].copy_from_slice(&(1_u64 << 63).to_be_bytes());
    for (what, bytes, code) in [
        ("too long", frame_of(0x81, "x".repeat(70_000).as_bytes()), 1009),
        ("much too long", frame_of(0x81, "x".repeat(4_000_000).as_bytes()), 1009),
        ("as long as can be said", endless, 1009),
        ("no UTF-8", frame_of(0x81, b"\xff\xfe"), 1007),
        ("unmasked", b"\x81\x02hi".to_vec(), 1002),
        ("a reserved bit", frame_of(0xc1, b"hi"), 1002),
        ("an opcode of nothing", frame_of(0x83, b"hi"), 1002),
    ] {
        let live = farewell_to(Socket::live(&site), &bytes);
        assert_eq!(live.0, code, "{what}: {}", live.1);
        for path in ["/monitor/process/stream", "/monitor/host/stream"] {
            let silent = farewell_to(Socket::open(&site, path, None), &bytes);
            assert_eq!(silent, live, "{what}: {path}");
        }
    }
    let clients = || site.json("/api/v1/health")["clients"].clone();
    eventually("their places are free", Duration::from_mins(1), || (clients()["live"] == 0).then_some(()));
}

#[test]
fn without_a_token_the_stream_shows_what_every_user_reads() {
    let site = Site::start();
    let mut socket = Socket::open(&site, "/api/v1/hosts/local/live", None);
    assert_eq!(socket.expect("hello")["role"], "anonymous");
    socket.say(&json!({ "type": "subscribe", "columns": ["pid", "cwd", "write"], "top": { "by": "cpu", "n": 3 } }));
    let full = socket.expect("full");
    assert_eq!(full["columns"], json!(["pid"]));
    // One that is just ending has no memory any more.
    let top = full["top"].as_array().unwrap();
    assert!(top.iter().all(|item| item["values"]["write"].is_null()), "{top:?}");
    assert!(top.iter().any(|item| item["values"]["rss"].is_u64()), "{top:?}");
    socket.say(&json!({ "type": "subscribe", "q": "write > 0" }));
    assert_eq!(socket.expect("error")["problem"]["status"], 401);
}

#[test]
fn a_tree_brings_the_ancestors_along() {
    let site = Site::start();
    let own = std::process::id();
    let mut socket = Socket::live(&site);
    socket.say(&json!({ "type": "subscribe", "q": format!("pid == {own}"), "view": "tree", "columns": ["pid", "ppid", "matched"] }));
    let full = socket.expect("full");
    let rows = full["rows"].as_array().unwrap();
    assert_eq!(full["matched"], 1);
    assert!(rows.iter().any(|row| row[2] == own && row[4] == true));
    let ppid = site.feed.latest().unwrap().process_by_pid(own).unwrap().ppid;
    assert!(ppid == 0 || rows.iter().any(|row| row[2] == ppid && row[4] == false), "{rows:?}");
}

#[test]
fn a_hidden_screen_is_left_alone_until_it_is_seen_again() {
    let site = Site::start();
    let mut socket = Socket::live(&site);
    socket.say(&subscribe("", &["pid"]));
    socket.expect("full");
    socket.say(&json!({ "type": "pause" }));
    // The server has heard it when it answers what came after it.
    socket.say(&json!({ "type": "banana" }));
    socket.expect("error");
    site.tick();
    let last = site.tick();
    socket.say(&json!({ "type": "resume" }));
    let full = socket.expect("full");
    // The encoder may be behind on a busy machine and catches up; a `delta` before the `full` would have been an error above.
    let mut seq = full["seq"].as_u64().unwrap();
    while seq < last.seq {
        seq = socket.expect("delta")["seq"].as_u64().unwrap();
    }
}

#[test]
fn equal_subscriptions_are_encoded_once() {
    let site = Site::start();
    let mut sockets: Vec<Socket> = (0..5).map(|_| Socket::live(&site)).collect();
    for socket in &mut sockets {
        socket.say(&subscribe(" pid > 0 ", COLUMNS));
        socket.expect("full");
    }
    site.tick();
    let messages: Vec<String> = sockets.iter_mut().map(|socket| socket.expect("delta").to_string()).collect();
    assert!(messages.iter().all(|message| *message == messages[0]));
}

#[test]
fn a_token_taken_back_ends_its_stream() {
    let site = Site::start();
    let made =
        site.tokens.create("guest", procyon_api::access::tokens::Role::Viewer, &procyon_units::SystemClock).unwrap();
    let mut guest = Socket::open(&site, "/api/v1/hosts/local/live", Some(&made.secret));
    guest.expect("hello");
    let mut stays = Socket::live(&site);
    site.tokens.revoke("guest").unwrap();
    match guest.0.read().unwrap() {
        Message::Close(frame) => assert_eq!(u16::from(frame.unwrap().code), 1008),
        other => panic!("{other:?}"),
    }
    stays.say(&subscribe("", &["pid"]));
    stays.expect("full");
}

#[test]
fn signing_out_ends_the_streams_of_that_session_alone() {
    let site = Site::start();
    let sign_in = Ask::post("/api/v1/session", &json!({ "token": site.viewer }));
    let cookie = || {
        let reply = site.ask(&sign_in);
        reply.header("set-cookie").unwrap().split(';').next().unwrap().to_owned()
    };
    let (leaves, stays) = (cookie(), cookie());
    let open = |cookie: &str| {
        let mut request = format!("ws://{}/api/v1/hosts/local/live", site.address).into_client_request().unwrap();
        request.headers_mut().insert("cookie", cookie.parse().unwrap());
        let mut socket = Socket(tungstenite::client(request, connect(site.address)).unwrap().0);
        assert_eq!(socket.expect("hello")["role"], "viewer");
        socket
    };
    let (mut ended, mut other) = (open(&leaves), open(&stays));
    let sign_out = Ask { method: "DELETE", ..Ask::get("/api/v1/session") }.with("cookie", leaves.clone());
    assert_eq!(site.ask(&sign_out).status, 200);
    match ended.0.read().unwrap() {
        Message::Close(frame) => {
            let frame = frame.unwrap();
            assert_eq!((u16::from(frame.code), frame.reason.as_str()), (1008, "the session has ended"));
        }
        unexpected => panic!("{unexpected:?}"),
    }
    other.say(&subscribe("", &["pid"]));
    other.expect("full");
    assert_eq!(site.ask(&Ask::get("/api/v1/session").with("cookie", leaves)).json()["role"], "anonymous");
    assert_eq!(site.ask(&Ask::get("/api/v1/session").with("cookie", stays)).json()["role"], "viewer");
}

#[test]
fn stopping_says_goodbye() {
    let mut site = Site::start();
    let mut socket = Socket::live(&site);
    let server = site.server.take().unwrap();
    let stopper = std::thread::spawn(move || server.stop());
    let closed = loop {
        match socket.0.read() {
            Ok(Message::Close(frame)) => break frame,
            Ok(_) => {}
            Err(error) => panic!("{error}"),
        }
    };
    assert_eq!(u16::from(closed.unwrap().code), 1001);
    drop(socket);
    stopper.join().unwrap();
}
