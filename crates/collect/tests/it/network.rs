//! Network bytes in frames, against processes that move exactly so many.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use procyon_collect::{Collector, Config, Source};
use procyon_model::connection::SocketState;
use procyon_model::key::HostId;
use procyon_model::process::Net;
use procyon_model::{Connection, Frame, ProcessRow};
use procyon_testkit::{Workload, eventually};
use procyon_units::{Bytes, Reading, SystemClock};

const PATIENCE: Duration = Duration::from_secs(30);

fn collector(source: Source) -> Collector {
    let connections = Duration::from_millis(50);
    let config = Config { source, interval: Duration::from_millis(100), connections, ..Config::default() };
    Collector::new(&config, HostId(1), Arc::new(SystemClock)).unwrap()
}

fn source(frame: &Frame) -> &'static str {
    frame.health.features.iter().find(|feature| feature.id == "network").unwrap().source
}

/// The collector that counts, where this machine lets it.
fn counting() -> Option<Collector> {
    let mut collector = collector(Source::Auto);
    let frame = collector.tick().unwrap();
    let deaths_are_told =
        frame.health.features.iter().any(|feature| feature.id == "deaths" && feature.source == "ebpf");
    (source(&frame) == "ebpf" && deaths_are_told).then_some(collector)
}

fn row<'a>(frame: &'a Frame, workload: &Workload) -> &'a ProcessRow {
    frame.process_by_pid(workload.pid()).unwrap()
}

fn bytes(net: Reading<Net>) -> Option<(u64, u64)> {
    net.get().map(|net| (net.received.get(), net.sent.get()))
}

/// The number and the address in an answer.
fn place(answer: &str) -> (String, String) {
    let (number, address) = answer.split_once(' ').unwrap();
    (number.to_owned(), address.to_owned())
}

struct Pair {
    server: Workload,
    client: Workload,
    listener: String,
    address: String,
    far: String,
    near: String,
    near_address: String,
}

impl Pair {
    fn connected() -> Self {
        let (mut server, mut client) = (Workload::start(&["sockets"]), Workload::start(&["sockets"]));
        let (listener, address) = place(&server.ask("listen 127.0.0.1:0"));
        let (near, near_address) = place(&client.ask(&format!("connect {address}")));
        let (far, _) = place(&server.ask(&format!("accept {listener}")));
        Self { server, client, listener, address, far, near, near_address }
    }

    fn send(&mut self, count: u64) {
        self.client.tell(&format!("send {} {count} 65536", self.near));
        self.server.ask(&format!("receive {} {count}", self.far));
        self.client.answer();
    }

    fn connection<'a>(&self, frame: &'a Frame) -> Option<&'a Connection> {
        frame.connections.items.iter().find(|one| one.local.to_string() == self.near_address)
    }
}

#[test]
fn bytes_of_processes_and_connections_are_exact() {
    let Some(mut collector) = counting() else { return };
    let mut pair = Pair::connected();
    let first = collector.tick().unwrap();
    assert_eq!(bytes(row(&first, &pair.server).net), Some((0, 0)));
    pair.send(3_000_000);
    let second = collector.tick().unwrap();
    assert_eq!(bytes(row(&second, &pair.server).net), Some((3_000_000, 0)));
    assert_eq!(bytes(row(&second, &pair.client).net), Some((0, 3_000_000)));
    let rate = row(&second, &pair.server).rates.net.get().unwrap().received.0;
    let expected = 3_000_000.0 / second.elapsed.unwrap().as_secs_f64();
    assert!((rate - expected).abs() < 1.0, "{rate} is not {expected}");
    // Others may move bytes as well.
    let all = second.machine.payload.processes.get().unwrap();
    assert!(all.received.0 >= expected - 1.0 && all.sent.0 >= expected - 1.0, "{all:?}");
    assert!(second.machine.payload.kernel.is_known());
    let kernel_thread = second.processes.iter().find(|row| row.kernel_thread).unwrap();
    assert_eq!(kernel_thread.net, Reading::Absent);

    let connection = eventually("the connection has its bytes and its path", PATIENCE, || {
        let frame = collector.tick().unwrap();
        let found = pair.connection(&frame)?;
        (found.owner.is_some() && found.round_trip.is_known()).then(|| found.clone())
    });
    assert_eq!(bytes(connection.net), Some((0, 3_000_000)));
    assert_eq!(connection.owner.unwrap().key.pid, pair.client.pid());
    assert!(connection.round_trip.get().copied().unwrap() < Duration::from_secs(10));
    assert!(connection.retransmits.is_known());

    // Connections that are closed still count for the port.
    pair.client.tell(&format!("short {} 10 100 200", pair.address));
    pair.server.ask(&format!("serve {} 10 100 200", pair.listener));
    pair.client.answer();
    let listening = eventually("the port has the sums of its connections", PATIENCE, || {
        let frame = collector.tick().unwrap();
        let listens = |one: &&Connection| one.state == SocketState::LISTEN && one.local.to_string() == pair.address;
        let found = frame.connections.items.iter().find(listens)?;
        (bytes(found.net) == Some((3_001_000, 2000))).then(|| found.clone())
    });
    assert_eq!((listening.round_trip, listening.retransmits), (Reading::Absent, Reading::Absent));
}

#[test]
fn what_was_before_watching_began_does_not_count() {
    let mut pair = Pair::connected();
    pair.send(5000);
    let Some(mut collector) = counting() else { return };
    pair.send(70);
    let frame = collector.tick().unwrap();
    assert_eq!(bytes(row(&frame, &pair.server).net), Some((70, 0)));
    assert_eq!(bytes(row(&frame, &pair.client).net), Some((0, 70)));
}

#[test]
fn the_last_bytes_of_a_process_are_in_the_row_with_which_it_ends() {
    let Some(mut collector) = counting() else { return };
    let mut pair = Pair::connected();
    pair.send(1000);
    let key = row(&collector.tick().unwrap(), &pair.client).key;
    pair.send(234);
    let Pair { client, server, .. } = pair;
    client.finish();
    // The kernel may take a moment to say how it ended.
    let net = procyon_testkit::eventually("its end is told", std::time::Duration::from_secs(30), || {
        let frame = collector.tick().unwrap();
        frame.ended.iter().find(|ended| ended.row.key == key).map(|ended| ended.row.net)
    });
    assert_eq!(bytes(net), Some((0, 1234)));
    assert_eq!(bytes(row(&collector.tick().unwrap(), &server).net), Some((1234, 0)));
}

#[test]
fn the_bytes_of_a_life_that_no_tick_saw_are_in_the_row_with_which_it_ends() {
    let Some(mut collector) = counting() else { return };
    let mut server = Workload::start(&["sockets"]);
    let (listener, address) = place(&server.ask("listen 127.0.0.1:0"));
    collector.tick().unwrap();
    let mut client = Workload::start(&["sockets"]);
    let (near, _) = place(&client.ask(&format!("connect {address}")));
    let (far, _) = place(&server.ask(&format!("accept {listener}")));
    client.tell(&format!("send {near} 54321 1000"));
    server.ask(&format!("receive {far} 54321"));
    client.answer();
    server.ask(&format!("send {far} 99 9"));
    client.ask(&format!("receive {near} 99"));
    let pid = client.pid();
    client.finish();
    // One that moved nothing ends beside it.
    let mut idle = std::process::Command::new("true").spawn().unwrap();
    idle.wait().unwrap();
    let mut told = HashMap::new();
    eventually("both ends are told", Duration::from_secs(90), || {
        let frame = collector.tick().unwrap();
        assert!(frame.process_by_pid(pid).is_none());
        told.extend(frame.ended.iter().map(|ended| (ended.row.key.pid, bytes(ended.row.net))));
        (told.contains_key(&pid) && told.contains_key(&idle.id())).then_some(())
    });
    assert_eq!((told[&pid], told[&idle.id()]), (Some((99, 54321)), Some((0, 0))));
}

#[test]
fn without_a_program_bytes_are_estimated_from_connections_and_said_to_be() {
    let mut collector = collector(Source::Procfs);
    let frame = collector.tick().unwrap();
    let health = frame.health.features.iter().find(|feature| feature.id == "network").unwrap().clone();
    assert_eq!(health.source, "sock_diag");
    assert!(health.reason.unwrap().contains('~'));
    let mut pair = Pair::connected();
    eventually("the connection is known", PATIENCE, || {
        let frame = collector.tick().unwrap();
        pair.connection(&frame).is_some_and(|found| found.owner.is_some()).then_some(())
    });
    pair.send(2_000_000);
    // The kernel counts the SYN as a byte.
    let about = |net: Net| Bytes(net.sent.0.abs_diff(2_000_000)) <= Bytes(1);
    let frame = eventually("the bytes are seen", PATIENCE, || {
        let frame = collector.tick().unwrap();
        let of_process = row(&frame, &pair.client).net.get().copied().is_some_and(about);
        (of_process && pair.connection(&frame)?.net.get().copied().is_some_and(about)).then_some(frame)
    });
    assert!(row(&frame, &pair.server).net.get().unwrap().received.0 >= 2_000_000);
    let udp = pair.client.ask("udp 127.0.0.1:0");
    let frame = eventually("the datagram socket is listed", PATIENCE, || {
        let frame = collector.tick().unwrap();
        let found = frame.connections.items.iter().any(|one| one.local.to_string() == place(&udp).1);
        found.then_some(frame)
    });
    let socket = frame.connections.items.iter().find(|one| one.local.to_string() == place(&udp).1).unwrap();
    assert_eq!(socket.net, Reading::Unsupported);
}
