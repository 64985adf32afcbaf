//! X4: what is asked wrongly gets a clear answer, and nothing that comes in breaks it.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use serde_json::json;

use crate::harness::{SOON, Up};
use crate::http::{self, Place, encode};

#[test]
fn mistakes_in_questions_say_where_and_what_was_meant() {
    let up = Up::start();
    let filter = |q: &str| up.get(&format!("/hosts/local/processes?q={}", encode(q)));
    let problem = filter("rss > 1.GiB &&\n cpuu >= 0.5").problem(400, "bad-filter");
    assert_eq!(problem["position"], json!({"line": 2, "column": 2}), "{problem}");
    assert_eq!(problem["span"], json!([16, 20]), "{problem}");
    assert_eq!(problem["suggestion"], "cpu", "{problem}");
    for q in ["cpu >", "cpu > \"a\"", "(cpu > 1", "name == 5", "cpu > 1.Parsec", "name.matches(\"(\")", "cpu > 1 1"] {
        let problem = filter(q).problem(400, "bad-filter");
        assert!(problem["position"]["line"].is_u64(), "{q}: {problem}");
    }
    let deep = format!("{}cpu > 1{}", "(".repeat(3000), ")".repeat(3000));
    filter(&deep).problem(400, "bad-filter");
    let long = "x".repeat(10_000);
    assert!([400, 413, 414].contains(&filter(&long).status));

    let column = up.get("/hosts/local/processes?columns=pid,usre").problem(400, "bad-request");
    assert_eq!(column["suggestion"], "user", "{column}");
    let sort = up.get("/hosts/local/processes?sort=-rsss").problem(400, "bad-request");
    assert_eq!(sort["suggestion"], "rss", "{sort}");
    for path in [
        "?limit=many",
        "?limit=-1",
        "?view=spiral",
        "?group=shoe",
        "?next=nonsense",
        "?group=name&view=tree",
        "?nonsense=1",
    ] {
        up.get(&format!("/hosts/local/processes{path}")).problem(400, "bad-request");
    }
    for path in [
        "/series?scope=process&keys=x&columns=cpu",
        "/series?scope=moon",
        "/series?columns=cpuu",
        "/series?from=yesterday",
        "/top?by=cpuu",
        "/top?n=x",
    ] {
        up.get(&format!("/hosts/local{path}")).problem(400, "bad-request");
    }
}

#[test]
fn what_is_not_there_is_said_to_be_not_there() {
    let up = Up::start();
    let gone = {
        let mut child = std::process::Command::new("true").spawn().unwrap();
        child.wait().unwrap();
        child.id()
    };
    let boot = up.key(up.pid()).rsplit_once('-').unwrap().1.to_owned();
    up.get(&format!("/hosts/local/processes/{gone}")).problem(404, "not-found");
    up.get(&format!("/hosts/local/processes/{gone}-1-{boot}")).problem(404, "not-found");
    up.get("/hosts/elsewhere/processes").problem(404, "not-found");
    up.get("/nonsense").problem(404, "not-found");
    up.ask(Some(&up.token), "DELETE", "/api/v1/hosts", b"").problem(405, "method-not-allowed");
    // A pid leads to the process that has it, by every name of the host.
    let id = up.get("/hosts").good()["items"][0]["id"].as_str().unwrap().to_owned();
    let name = up.get("/hosts").good()["items"][0]["name"].as_str().unwrap().to_owned();
    for host in ["local", &id, &name] {
        let redirect = up.get(&format!("/hosts/{host}/processes/{}", up.pid()));
        assert_eq!(redirect.status, 307);
        let place = redirect.header("location").unwrap().strip_prefix("/api/v1").unwrap().to_owned();
        assert_eq!(up.get(&place).good()["values"]["pid"], up.pid());
    }
}

/// Sends bytes as they are and returns the status line of the answer, empty when the server just closes.
fn raw(up: &Up, bytes: &[u8]) -> String {
    let Place::Tcp(address) = &up.place else { unreachable!() };
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(SOON)).unwrap();
    // It may close before it has read everything.
    stream.write_all(bytes).ok();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).ok();
    String::from_utf8_lossy(&answer).lines().next().unwrap_or_default().to_owned()
}

#[test]
fn no_bytes_break_it() {
    let mut up = Up::start();
    let address = match &up.place {
        Place::Tcp(address) => address.to_string(),
        Place::Local(_) => unreachable!(),
    };
    let hwm = |up: &Up| {
        let status = std::fs::read_to_string(format!("/proc/{}/status", up.pid())).unwrap();
        let line = status.lines().find(|line| line.starts_with("VmHWM")).unwrap().to_owned();
        line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap()
    };
    let before = hwm(&up);
    // Bodies: too large by their own word, too large in fact, not JSON, of another kind.
    let big = vec![b'x'; 1 << 20];
    up.ask(Some(&up.token), "POST", "/api/v1/session", &big).problem(413, "too-large");
    let chunked = format!(
        "POST /api/v1/session HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n{}0\r\n\r\n",
        format!("{:x}\r\n{}\r\n", 60_000, "x".repeat(60_000)).repeat(5)
    );
    let status = raw(&up, chunked.as_bytes());
    assert!(status.starts_with("HTTP/1.1 413") || status.starts_with("HTTP/1.1 400") || status.is_empty(), "{status}");
    for body in [&b"{"[..], b"null", b"[]", b"{\"token\":5}", b"{\"token\":\"x\",\"more\":1}", b"\xff\xfe"] {
        let answer = up.ask(None, "POST", "/api/v1/session", body);
        assert_eq!(answer.status, 400, "{body:?}: {}", answer.text());
    }
    http::request(&up.place, "POST", "/api/v1/session", &[("Content-Type", "text/plain")], b"{}")
        .problem(400, "bad-request");
    // Heads: too long, too many, no HTTP, no host, two hosts, a path that is no UTF-8.
    let endless = format!("GET / HTTP/1.1\r\nHost: {address}\r\nX: {}\r\n\r\n", "a".repeat(200_000));
    let many = format!("GET / HTTP/1.1\r\nHost: {address}\r\n{}\r\n", "X: y\r\n".repeat(1000));
    let cases: [(&str, Vec<u8>); 7] = [
        ("a long head", endless.into_bytes()),
        ("many headers", many.into_bytes()),
        ("no HTTP", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03".repeat(50)),
        ("no host", b"GET /api/v1/hosts HTTP/1.1\r\nConnection: close\r\n\r\n".to_vec()),
        ("a null byte", format!("GET /api/v1/hosts\0 HTTP/1.1\r\nHost: {address}\r\n\r\n").into_bytes()),
        (
            "a bad length",
            format!("POST /api/v1/session HTTP/1.1\r\nHost: {address}\r\nContent-Length: -5\r\n\r\n").into_bytes(),
        ),
        ("a version", format!("GET / HTTP/7.3\r\nHost: {address}\r\n\r\n").into_bytes()),
    ];
    for (what, bytes) in cases {
        let status = raw(&up, &bytes);
        let refused =
            status.is_empty() || status.split(' ').nth(1).is_some_and(|code| code.starts_with('4') || code == "505");
        assert!(refused, "{what}: {status}");
    }
    for path in [
        "/api/v1/hosts/%00/processes",
        "/api/v1/hosts/%ff/processes",
        "/%2e%2e/%2e%2e/etc/passwd",
        "/../../etc/passwd",
        "/api/v1/hosts/local/processes?q=%ff%fe",
        "/monitor/process/snapshot/-1",
        "/monitor/process/snapshot/99999999999999999999",
    ] {
        let answer = http::request(&up.place, "GET", path, &[], b"");
        assert!(
            answer.status < 500 && !answer.text().contains("root:x:"),
            "{path}: {} {}",
            answer.status,
            answer.text()
        );
    }
    // A head that never ends is waited for, but not for ever, and not by others.
    let Place::Tcp(place) = &up.place else { unreachable!() };
    let mut slow: Vec<TcpStream> = (0..50).map(|_| TcpStream::connect(place).unwrap()).collect();
    for stream in &mut slow {
        stream.write_all(b"GET / HTTP/1.1\r\nHost: ").unwrap();
    }
    assert_eq!(up.get("/hosts").status, 200);
    let first = slow.first_mut().unwrap();
    first.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let mut rest = Vec::new();
    first.read_to_end(&mut rest).expect("it is closed at the deadline");
    assert!(hwm(&up) < before + 24 * 1024, "memory went from {before} to {} kB", hwm(&up));
    up.still_runs();
}
