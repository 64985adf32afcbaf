//! The live WebSocket: what it says adds up, and who abuses it is cut off without harm to others.

use std::collections::BTreeMap;
use std::net::TcpStream;
use std::time::{Duration, Instant};

use procyon_testkit::{Workload, eventually};
use serde_json::{Value, json};
use tungstenite::protocol::frame::coding::CloseCode;
use tungstenite::{Message, error::CapacityError};

use crate::harness::{Actor, Live, SOON, Up, process_columns, subscribe};
use crate::http::Place;

/// The table as a client builds it from messages.
#[derive(Default)]
struct Table {
    columns: Vec<String>,
    rows: BTreeMap<u64, (String, Vec<Value>)>,
    seq: u64,
}

impl Table {
    fn take(&mut self, message: &Value) {
        match message["type"].as_str().unwrap() {
            "full" => {
                self.columns =
                    message["columns"].as_array().unwrap().iter().map(|id| id.as_str().unwrap().to_owned()).collect();
                self.rows.clear();
                self.add(&message["rows"]);
            }
            "delta" => {
                assert_eq!(message["base"], self.seq, "a delta builds on what the client has");
                for row in message["gone"].as_array().unwrap() {
                    assert!(self.rows.remove(&row.as_u64().unwrap()).is_some(), "row {row} was there");
                }
                self.add(&message["add"]);
                for change in message["set"].as_array().unwrap() {
                    let (row, cells) = change.as_array().unwrap().split_first().unwrap();
                    let row = self.rows.get_mut(&row.as_u64().unwrap()).expect("a row that is there");
                    assert!(!cells.is_empty() && cells.len() % 2 == 0, "{change}");
                    for cell in cells.chunks(2) {
                        row.1[usize::try_from(cell[0].as_u64().unwrap()).unwrap()] = cell[1].clone();
                    }
                }
            }
            other => panic!("{other}: {message}"),
        }
        self.seq = message["seq"].as_u64().unwrap();
        assert_eq!(message["matched"], self.rows.len(), "without a limit every match is a row");
    }

    fn add(&mut self, rows: &Value) {
        for row in rows.as_array().unwrap() {
            let row = row.as_array().unwrap();
            assert_eq!(row.len(), self.columns.len() + 2, "{row:?}");
            let known =
                self.rows.insert(row[0].as_u64().unwrap(), (row[1].as_str().unwrap().to_owned(), row[2..].to_vec()));
            assert!(known.is_none(), "row {} is given out twice", row[0]);
        }
    }

    fn cell(&self, key: &str, column: &str) -> Option<&Value> {
        let at = self.columns.iter().position(|id| id == column).unwrap();
        self.rows.values().find(|(known, _)| known == key).map(|(_, cells)| &cells[at])
    }
}

#[test]
fn changes_add_up_to_the_table() {
    let up = Up::start();
    let mut live = up.live(&subscribe(&["pid", "name", "state", "threads", "rss", "start"]));
    let mut table = Table::default();
    table.take(&live.next_of("full"));
    // A hundred births and deaths, so that numbers of rows are used again.
    for round in 0..5 {
        let actors: Vec<Actor> = (0..20).map(|_| Actor::start(up.folder(), "shortlived", &[])).collect();
        let keys: Vec<String> = actors.iter().map(|actor| up.key(actor.pid())).collect();
        while !keys.iter().all(|key| table.cell(key, "name").is_some_and(|name| name == "shortlived")) {
            table.take(&live.next_of("delta"));
        }
        drop(actors);
        let mut ended: Vec<String> = Vec::new();
        // How a process ended may be told a moment after it is gone.
        while keys.iter().any(|key| table.cell(key, "pid").is_some() || !ended.contains(key)) {
            let delta = live.next_of("delta");
            ended.extend(delta["ended"].as_array().unwrap().iter().map(|one| one["key"].as_str().unwrap().to_owned()));
            table.take(&delta);
        }
        assert!(keys.iter().all(|key| ended.contains(key)), "round {round}: {ended:?}");
    }
    // A table built from changes is the table that a newcomer gets.
    eventually("the same tick in both", SOON, || {
        let mut other = Table::default();
        other.take(&up.live(&subscribe(&["pid", "name", "state", "threads", "rss", "start"])).next_of("full"));
        while table.seq < other.seq {
            table.take(&live.next_of("delta"));
        }
        if table.seq > other.seq {
            return None;
        }
        let cells = |table: &Table| table.rows.values().cloned().collect::<BTreeMap<String, Vec<Value>>>();
        assert_eq!(cells(&table), cells(&other));
        Some(())
    });
}

#[test]
fn filters_columns_and_mistakes_can_be_changed_at_any_time() {
    let up = Up::start();
    let workload = Workload::start(&["idle", "needle-in-the-haystack"]);
    up.row(workload.pid());
    let mut live = up.live(&json!({"type": "subscribe", "q": "cmd.contains(\"needle-in-the-haystack\")", "columns": ["pid", "cmd"], "top": {"by": "rss", "n": 3}}));
    let full = live.next_of("full");
    assert_eq!((full["matched"].as_u64(), &full["columns"]), (Some(1), &json!(["pid", "cmd"])), "{full}");
    assert_eq!(full["rows"][0][2], workload.pid());
    assert_eq!(full["top"].as_array().unwrap().len(), 3, "{full}");
    assert!(full["host"]["mem_total"].is_u64(), "{full}");

    // A mistake says where it is, and what was asked for before goes on.
    live.say(&json!({"type": "subscribe", "q": "cpuu > 1"}));
    let error = loop {
        let message = live.next();
        if message["type"] == "error" {
            break message;
        }
    };
    let problem = &error["problem"];
    assert_eq!(problem["type"], "urn:procyon:bad-filter", "{error}");
    assert_eq!(problem["suggestion"], "cpu", "{error}");
    assert_eq!((&problem["position"]["line"], &problem["position"]["column"]), (&json!(1), &json!(1)), "{error}");
    let delta = live.next_of("delta");
    assert_eq!(delta["matched"], 1, "{delta}");
    for (nonsense, says) in [
        (json!({"type": "dance"}), "dance"),
        (json!([]), "the message cannot be read"),
        (json!({"type": "subscribe", "limit": -1}), "a whole number from 0"),
        (json!({"type": "subscribe", "columns": ["pid", "nonsense"]}), "there is no column `nonsense`"),
    ] {
        live.say(&nonsense);
        let error = loop {
            let message = live.next();
            if message["type"] == "error" {
                break message;
            }
        };
        assert!(error["problem"]["detail"].as_str().unwrap().contains(says), "{error}");
    }
    live.0.send(Message::binary(vec![0_u8; 10])).unwrap();
    while live.next()["type"] != "error" {}

    live.say(&json!({"type": "subscribe", "limit": 2, "sort": "-rss", "columns": ["rss"]}));
    let full = live.next_of("full");
    assert_eq!(full["rows"].as_array().unwrap().len(), 2, "{full}");
    assert!(full["matched"].as_u64() > Some(2), "{full}");
}

/// A connection whose kernel takes little, so that what the client does not read stands still at the server.
fn narrow(up: &Up) -> TcpStream {
    use rustix::net::{AddressFamily, SocketType, connect, socket, sockopt};
    let Place::Tcp(address) = &up.place else { unreachable!() };
    let socket = socket(AddressFamily::INET, SocketType::STREAM, None).unwrap();
    sockopt::set_socket_recv_buffer_size(&socket, 2048).unwrap();
    connect(&socket, address).unwrap();
    let stream = TcpStream::from(socket);
    stream.set_read_timeout(Some(SOON)).unwrap();
    stream
}

#[test]
fn a_client_that_never_reads_is_cut_off_and_others_do_not_notice() {
    let up = Up::start();
    let Place::Tcp(address) = &up.place else { unreachable!() };
    let columns = process_columns(&up);
    let columns: Vec<&str> = columns.iter().map(String::as_str).collect();
    let mut stuck = Live::over(narrow(&up), &address.to_string(), "/api/v1/hosts/local/live", Some(&up.token), &[])
        .expect("a WebSocket");
    let mut good = up.live(&subscribe(&["pid", "cpu", "rss"]));
    let mut table = Table::default();
    table.take(&good.next_of("full"));
    let begin = Instant::now();
    // Each new wish is answered with a whole table, which fills every buffer on the way.
    for round in 0..40 {
        let some: Vec<&str> = columns.iter().skip(round % 2).copied().collect();
        stuck.say(&subscribe(&some));
    }
    // Who waited for the one that is stuck would hear nothing before that one is cut off.
    let mut heard = 0;
    while up.get("/health").good()["clients"]["cut_off"] != 1 {
        assert!(begin.elapsed() < SOON, "not cut off: {}", up.get("/health").text());
        let message = good.next();
        // This client reads, but a busy machine may let it read late.
        if message["type"] != "gap" {
            table.take(&message);
            heard += 1;
        }
    }
    let took = begin.elapsed();
    assert!(took > Duration::from_secs(8), "it was cut off after {took:?} already");
    assert!(heard >= 5, "another client heard {heard} ticks in {took:?}");
    eventually("its place is free", SOON, || (up.get("/health").good()["clients"]["live"] == 1).then_some(()));
    // What was on its way can still be read; then comes the end, not another table.
    let end = loop {
        match stuck.0.read() {
            Ok(Message::Close(frame)) => break frame.map(|frame| frame.code),
            Ok(_) => {}
            Err(_) => break None,
        }
    };
    assert!(end.is_none_or(|code| code == CloseCode::Again), "{end:?}");
}

#[test]
fn a_message_that_is_too_large_ends_the_connection() {
    let mut up = Up::start();
    let mut live = up.socket_at("/api/v1/hosts/local/live", Some(&up.token), &[]).expect("a WebSocket");
    live.next();
    let huge = format!("{{\"type\":\"subscribe\",\"q\":\"{}\"}}", "x".repeat(300_000));
    // The server may close before it has taken all.
    live.0.send(Message::text(huge)).ok();
    let ended = loop {
        match live.0.read() {
            Ok(Message::Close(frame)) => break frame.is_none_or(|frame| frame.code == CloseCode::Size),
            Ok(_) => {}
            Err(tungstenite::Error::Capacity(CapacityError::MessageTooLong { .. })) => panic!("ours is the small end"),
            Err(_) => break true,
        }
    };
    assert!(ended);
    // The same for those who send no WebSocket at all after the upgrade.
    let mut garbage = up.socket_at("/api/v1/hosts/local/live", Some(&up.token), &[]).expect("a WebSocket");
    std::io::Write::write_all(garbage.0.get_mut(), &[0xff; 4096]).unwrap();
    while !matches!(garbage.0.read(), Err(_) | Ok(Message::Close(_))) {}
    eventually("both are gone", SOON, || (up.get("/health").good()["clients"]["live"] == 0).then_some(()));
    up.still_runs();
}
