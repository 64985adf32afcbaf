//! A limit on everything that outside can grow; others are unaffected.

use std::io::{Read, Write};
use std::time::{Duration, Instant};

use procyon_api::access::tokens::Role;
use procyon_api::limits;
use procyon_testkit::eventually;
use procyon_units::SystemClock;
use serde_json::json;
use tungstenite::Message;

use crate::client::{Ask, Reply, connect};
use crate::live::Socket;
use crate::site::Site;

/// Longest wait for what has to happen, on a machine that does much else.
const PATIENCE: Duration = Duration::from_mins(2);

#[test]
fn bodies_heads_and_filters_have_a_size() {
    let site = Site::start();
    let large = Ask::post("/api/v1/session", &json!({ "token": "x".repeat(limits::MAX_BODY) }));
    assert_eq!(site.ask(&large).status, 413);
    let mut stream = connect(site.address);
    let head = "POST /api/v1/session HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n";
    stream.write_all(head.as_bytes()).unwrap();
    let chunk = format!("{:x}\r\n{}\r\n", 16 * 1024, "x".repeat(16 * 1024));
    for _ in 0..6 {
        if stream.write_all(chunk.as_bytes()).is_err() {
            break;
        }
    }
    let mut answer = Vec::new();
    let _closed_early = stream.read_to_end(&mut answer);
    assert_eq!(Reply::parse(&answer).status, 413, "a body of unknown length");
    let header = Ask::get("/api/v1/hosts").with("x-long", "x".repeat(2 * limits::MAX_HEAD)).at(site.address);
    assert_eq!(header.status, 431);
    let many = (0..=limits::MAX_HEADERS).fold(Ask::get("/api/v1/hosts"), |ask, _| ask.with("x-many", "1"));
    assert_eq!(many.at(site.address).status, 431);
    let long = format!("/api/v1/hosts/local/processes?q={}", "a".repeat(limits::MAX_FILTER + 1));
    assert_eq!(site.problem(&long, 400)["type"], "urn:procyon:bad-filter");
}

#[test]
fn a_body_has_its_time() {
    let site = Site::start();
    let mut stream = connect(site.address);
    let head = "POST /api/v1/session HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: 1000\r\n\r\n{";
    stream.write_all(head.as_bytes()).unwrap();
    let began = Instant::now();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    assert!(began.elapsed() >= limits::BODY_DEADLINE && began.elapsed() < limits::REQUEST_DEADLINE);
    let reply = Reply::parse(&answer);
    assert_eq!((reply.status, &reply.json()["type"]), (408, &"urn:procyon:too-slow".into()));
    assert_eq!(reply.json()["detail"], "the body did not arrive within 10 s");
}

#[test]
fn numbers_have_their_range() {
    let site = Site::start();
    for (path, says) in [
        ("processes?limit=99999999999999999999999", "`limit` is at most 100000"),
        ("processes?limit=100001", "`limit` is at most 100000"),
        ("processes?limit=-1", "`limit` is a whole number from 0 to 100000, not `-1`"),
        ("processes?limit=ten", "`limit` is a whole number from 0 to 100000, not `ten`"),
        ("step?by=99999999999999999999", "`by` is from -9223372036854775808 to 9223372036854775807"),
        ("step?by=-99999999999999999999", "`by` is from -9223372036854775808 to 9223372036854775807"),
        ("step?by=one", "`by` is a whole number, not `one`"),
    ] {
        assert_eq!(site.problem(&format!("/api/v1/hosts/local/{path}"), 400)["detail"], says, "{path}");
    }
}

#[test]
fn nonsense_is_answered_and_forgotten() {
    let site = Site::start();
    for nonsense in [
        &b"banana\r\n\r\n"[..],
        b"GET / HTTP/9.9\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00",
        b"GET http:///x HTTP/1.1\r\n\r\n",
    ] {
        let mut stream = connect(site.address);
        stream.write_all(nonsense).unwrap();
        stream.shutdown(std::net::Shutdown::Write).unwrap();
        let mut answer = Vec::new();
        let _reset = stream.read_to_end(&mut answer);
        if !answer.is_empty() {
            let status = Reply::parse(&answer).status;
            assert!((400..500).contains(&status), "{nonsense:?}: {status}");
        }
    }
    assert_eq!(site.ask(&Ask::get("/api/v1/hosts")).status, 200);
}

#[test]
fn a_large_message_ends_its_socket_alone() {
    let site = Site::start();
    let (mut wrong, mut right) = (Socket::live(&site), Socket::live(&site));
    right.say(&json!({ "type": "subscribe", "columns": ["pid"] }));
    right.expect("full");
    let _refused_early = wrong.0.send(Message::text("x".repeat(limits::MAX_MESSAGE + 1)));
    let told = loop {
        if let Message::Close(frame) = wrong.0.read().unwrap() {
            break frame.unwrap();
        }
    };
    assert_eq!((u16::from(told.code), told.reason.as_str()), (1009, "messages have at most 64 KiB"));
    site.tick();
    right.expect("delta");
}

#[test]
fn who_never_reads_is_cut_off_and_nobody_else_waits() {
    let site = Site::start();
    let mut good = Socket::live(&site);
    good.say(&json!({ "type": "subscribe", "columns": ["pid"] }));
    good.expect("full");
    let mut bad = Socket::live(&site);
    let began = Instant::now();
    // Everything of everybody, again and again: the buffers of the kernel are soon full.
    bad.say(&json!({ "type": "subscribe", "columns": every_column(&site), "q": "pid > 0" }));
    let clients = |site: &Site| site.json("/api/v1/health")["clients"].clone();
    eventually("it is cut off", PATIENCE, || {
        bad.say_if_possible(&json!({ "type": "resume" }));
        site.tick();
        assert_eq!(good.read()["type"], "delta", "others are served meanwhile");
        (clients(&site)["cut_off"].as_u64()? >= 1).then_some(())
    });
    assert!(began.elapsed() > limits::READ_DEADLINE, "it had its time");
    eventually("its place is free", PATIENCE, || (clients(&site)["live"] == 1).then_some(()));
    site.tick();
    good.expect("delta");
}

/// Bytes that wait in the kernel for the client with this port. Source: `tx_queue` of `/proc/net/tcp`.
fn waiting_for(port: u16) -> u64 {
    let table = std::fs::read_to_string("/proc/net/tcp").unwrap();
    let of_client = table.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
    let mut of_client = of_client.filter(|words| words.get(2).is_some_and(|to| to.ends_with(&format!(":{port:04X}"))));
    let queues = of_client.next().and_then(|words| words.get(4)?.split_once(':').map(|(sent, _)| sent.to_owned()));
    queues.map_or(0, |sent| u64::from_str_radix(&sent, 16).unwrap())
}

#[test]
fn a_token_taken_back_ends_the_stream_also_of_one_who_does_not_read() {
    let site = Site::start();
    let guest = site.tokens.create("guest", Role::Viewer, &SystemClock).unwrap().secret;
    let mut silent = Socket::open(&site, "/api/v1/hosts/local/live", Some(&guest));
    silent.0.get_ref().set_write_timeout(Some(Duration::from_secs(1))).unwrap();
    let port = silent.0.get_ref().local_addr().unwrap().port();
    let everything = json!({ "type": "subscribe", "columns": every_column(&site), "q": "pid > 0" });
    let mut same = Vec::new();
    eventually("nothing more gets through", PATIENCE, || {
        for _ in 0..20 {
            silent.say_if_possible(&everything);
        }
        std::thread::park_timeout(Duration::from_millis(100));
        let now = waiting_for(port);
        if same.last() != Some(&now) {
            same.clear();
        }
        same.push(now);
        (now > 0 && same.len() >= 5).then_some(())
    });
    site.tokens.revoke("guest").unwrap();
    let clients = || site.json("/api/v1/health")["clients"].clone();
    eventually("its place is free", PATIENCE, || (clients()["live"] == 0).then_some(()));
    assert_eq!(clients()["cut_off"], 0, "it kept its stream until the deadline of what is sent");
}

#[test]
fn a_client_that_reads_again_in_time_is_told_of_the_gap() {
    let site = Site::start();
    let mut slow = Socket::live(&site);
    slow.say(&json!({ "type": "subscribe", "columns": every_column(&site) }));
    slow.expect("full");
    // Not read until the queue must have overflowed: resuming asks for everything each time.
    for _ in 0..300 {
        slow.say_if_possible(&json!({ "type": "resume" }));
        site.tick();
    }
    let mut gaps = 0;
    let last = site.tick().seq;
    let caught_up = eventually("it has caught up", PATIENCE, || {
        let message = slow.read();
        gaps += u64::from(message["type"] == "gap");
        if message["seq"] == last {
            return Some(message);
        }
        // The next tick tells a client that has room again.
        if message["type"] == "gap" {
            assert!(message["missed"].as_u64().unwrap() > 0);
            let full = slow.expect("full");
            return Some(full);
        }
        None
    });
    assert!(caught_up["seq"].is_u64());
}

#[test]
fn a_flood_over_tcp_takes_no_place_at_the_local_socket() {
    let site = Site::start();
    // As many connections as there are places; the server takes them one after the other.
    let mut flood: Vec<_> = (0..limits::MAX_CONNECTIONS).map(|_| connect(site.address)).collect();
    eventually("TCP is full", PATIENCE, || {
        let mut one_more = connect(site.address);
        one_more.set_read_timeout(Some(Duration::from_millis(500))).unwrap();
        let closed = matches!(one_more.read(&mut [0]), Ok(0)) || one_more.write_all(b"x").is_err();
        flood.push(one_more);
        closed.then_some(())
    });
    let stream = std::os::unix::net::UnixStream::connect(site.socket()).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let reply = Ask::get("/api/v1/session").over(stream, "localhost");
    assert_eq!((reply.status, &reply.json()["role"]), (200, &"operator".into()));
    drop(flood);
    eventually("the places are free", PATIENCE, || {
        let mut stream = connect(site.address);
        stream.write_all(b"GET /api/v1/session HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n").ok()?;
        let mut answer = Vec::new();
        let _closed = stream.read_to_end(&mut answer);
        answer.starts_with(b"HTTP/1.1 200").then_some(())
    });
}

#[test]
fn slow_heads_do_not_hold_a_place_for_ever() {
    let site = Site::start();
    let mut stream = connect(site.address);
    stream.write_all(b"GET /api/v1/hosts HTTP/1.1\r\nhost: localho").unwrap();
    // Longer than the server waits, and than a busy machine takes to notice.
    stream.set_read_timeout(Some(limits::HEAD_DEADLINE + PATIENCE)).unwrap();
    let mut answer = Vec::new();
    let closed = stream.read_to_end(&mut answer);
    assert!(closed.is_ok() || closed.unwrap_err().kind() == std::io::ErrorKind::ConnectionReset, "it was not closed");
}

fn every_column(site: &Site) -> Vec<String> {
    let catalogue = site.json("/api/v1/catalogue");
    let figures = catalogue["figures"].as_array().unwrap();
    let ids = figures
        .iter()
        .filter(|figure| figure["scope"] == "process")
        .map(|figure| figure["id"].as_str().unwrap().to_owned());
    ids.collect()
}

impl Socket {
    fn say_if_possible(&mut self, message: &serde_json::Value) {
        let _cut_off = self.0.send(Message::text(message.to_string()));
    }
}
