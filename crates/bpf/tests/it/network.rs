//! Network bytes against processes that move exactly so many: per process and per socket, to the byte.

use std::collections::HashMap;
use std::net::{SocketAddr, TcpListener};
use std::os::fd::AsRawFd;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use procyon_bpf::network::{Closed, Network, ProcessTraffic, Socket};
use procyon_bpf::{Kernel, LoadError};
use procyon_testkit::{Workload, eventually, program};

const PATIENCE: Duration = Duration::from_secs(30);
const BULK: u64 = 6 << 20;

/// Bytes received and sent, calls that did so.
type Moved = (u64, u64);

struct Watch {
    network: Network,
    closed: Vec<Closed>,
}

impl Watch {
    /// The programs, where this machine lets us have them.
    fn begin() -> Option<Self> {
        let sys = Path::new("/sys");
        match Kernel::open(sys).and_then(|kernel| Network::load(&kernel, sys)) {
            Ok(network) => Some(Self { network, closed: Vec::new() }),
            // A program that is not accepted is a mistake of ours, unless the kernel is too old to have its tracepoints.
            Err(error @ LoadError::Unsupported { .. }) if has_tracepoints() => panic!("{error}"),
            Err(error) => {
                eprintln!("skipped: {error}: {:?}", std::error::Error::source(&error).map(ToString::to_string));
                None
            }
        }
    }

    fn process(&mut self, workload: &Workload) -> Moved {
        self.moved_by(workload.pid())
    }

    fn moved_by(&mut self, pid: u32) -> Moved {
        let found = self.network.processes.read().unwrap();
        let mut of_it = found.iter().filter(|process| process.user.pid == pid);
        let traffic = of_it.next().map(|process| process.traffic).unwrap_or_default();
        assert_eq!(of_it.next(), None, "one entry for a process");
        (traffic.received.get(), traffic.sent.get())
    }

    fn open(&mut self) -> HashMap<SocketAddr, Socket> {
        let mut open = HashMap::new();
        let mut keep = |socket: &Socket| {
            open.insert(socket.local, *socket);
        };
        self.network.sockets.open(&mut keep).unwrap();
        open
    }

    fn socket(&mut self, local: &str) -> Moved {
        let open = self.open();
        let socket = open.get(&local.parse().unwrap()).unwrap_or_else(|| panic!("{local} is among {open:?}"));
        (socket.traffic.received.get(), socket.traffic.sent.get())
    }

    /// Waits until so many sockets that `choose` chooses have been closed, and adds up what they moved.
    fn closed(&mut self, count: usize, choose: impl Fn(&Socket) -> bool) -> Moved {
        eventually("all sockets are closed", PATIENCE, || {
            let closed = &mut self.closed;
            self.network.sockets.closed(&mut |socket| closed.push(*socket));
            (closed.iter().filter(|closed| choose(&closed.socket)).count() >= count).then_some(())
        });
        let chosen: Vec<&Closed> = self.closed.iter().filter(|closed| choose(&closed.socket)).collect();
        assert_eq!(chosen.len(), count);
        chosen.iter().fold((0, 0), |(received, sent), closed| {
            let traffic = closed.socket.traffic;
            (received + traffic.received.get(), sent + traffic.sent.get())
        })
    }

    fn nothing_is_lost(&self) {
        assert_eq!(self.network.processes.lost(), procyon_bpf::network::Lost::default());
    }
}

/// Whether the kernel is at least 6.3, from its release.
fn has_tracepoints() -> bool {
    let release = std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap();
    let mut parts = release.split(['.', '-']).map(|part| part.trim().parse::<u32>().unwrap_or(0));
    (parts.next().unwrap_or(0), parts.next().unwrap_or(0)) >= (6, 3)
}

fn workload() -> Workload {
    Workload::start(&["sockets"])
}

/// The number and the address in an answer.
fn place(answer: &str) -> (String, String) {
    let (number, address) = answer.split_once(' ').unwrap();
    (number.to_owned(), address.to_owned())
}

/// Lets `from` do one thing while `to` does the other.
fn both(from: (&mut Workload, &str), to: (&mut Workload, &str)) {
    from.0.tell(from.1);
    to.0.tell(to.1);
    from.0.answer();
    to.0.answer();
}

/// A long connection in every way of sending, then many short ones; `at` is where the server listens.
fn tcp(watch: &mut Watch, server: &mut Workload, client: &mut Workload, at: &str) {
    let (before_server, before_client) = (watch.process(server), watch.process(client));
    let (listener, address) = place(&server.ask(&format!("listen {at}")));
    let (near, near_address) = place(&client.ask(&format!("connect {address}")));
    let (far, _) = place(&server.ask(&format!("accept {listener}")));
    both((client, &format!("send {near} {BULK} 65536")), (server, &format!("receive {far} {BULK}")));
    both((client, &format!("sendfile {near} {BULK}")), (server, &format!("receive {far} {BULK}")));
    both((server, &format!("send {far} 1000 1")), (client, &format!("peek {near} 1000")));
    // What was looked at is received later, once.
    client.ask(&format!("receive {near} 1000"));
    assert_eq!(watch.socket(&near_address), (1000, 2 * BULK), "the client's end, {address}");
    let open = watch.open();
    let far_end =
        open.values().find(|socket| socket.remote.map(|remote| remote.to_string()).as_deref() == Some(&near_address));
    let far_end = far_end.unwrap();
    assert_eq!((far_end.traffic.received.get(), far_end.traffic.sent.get()), (2 * BULK, 1000));
    assert_eq!((far_end.traffic.send_calls, far_end.user.pid), (1000, server.pid()));
    client.ask(&format!("end {near}"));
    assert_eq!(server.ask(&format!("await-end {far}")), "0");
    server.ask(&format!("close {far}"));
    client.ask(&format!("close {near}"));
    let port = far_end.local.port();
    assert_eq!(watch.closed(1, |socket| socket.tcp && socket.local.port() == port), (2 * BULK, 1000));

    let (count, up, down) = (200, 100, 70_000);
    both(
        (client, &format!("short {address} {count} {up} {down}")),
        (server, &format!("serve {listener} {count} {up} {down}")),
    );
    let (up, down) = (up * count, down * count);
    let from_server = watch.closed(1 + 200, |socket| socket.tcp && socket.local.port() == port);
    assert_eq!(from_server, (2 * BULK + up, 1000 + down), "short connections at the server, {address}");
    let from_client =
        watch.closed(1 + 200, |socket| socket.tcp && socket.remote.is_some_and(|remote| remote.port() == port));
    assert_eq!(from_client, (1000 + down, 2 * BULK + up), "short connections at the client, {address}");
    let moved = |before: Moved, received, sent| (before.0 + received, before.1 + sent);
    assert_eq!(watch.process(server), moved(before_server, 2 * BULK + up, 1000 + down), "the server, {address}");
    assert_eq!(watch.process(client), moved(before_client, 1000 + down, 2 * BULK + up), "the client, {address}");
}

/// Datagrams on long and on short-lived sockets. `to` is where the receiver is reached, when that is not where it listens.
fn udp(watch: &mut Watch, server: &mut Workload, client: &mut Workload, at: &str, to: &str) {
    let (before_server, before_client) = (watch.process(server), watch.process(client));
    let (socket, bound) = place(&server.ask(&format!("udp {at}")));
    let port = bound.parse::<SocketAddr>().unwrap().port();
    let target = SocketAddr::new(to.parse().unwrap(), port);
    let any = if target.is_ipv4() { "0.0.0.0:0" } else { "[::]:0" };
    let (near, near_address) = place(&client.ask(&format!("udp {any}")));
    let (rounds, count, size) = (40, 30, 999);
    for _ in 0..rounds {
        // Few at a time, so that none is dropped for want of room.
        both(
            (client, &format!("datagrams-to {near} {target} {count} {size}")),
            (server, &format!("datagrams {socket} {count}")),
        );
    }
    let long = rounds * count * size;
    assert_eq!(watch.socket(&near_address), (0, long), "the client's socket, {target}");
    assert_eq!(watch.socket(&bound), (long, 0), "the server's socket, {target}");
    let short = 100 * 37;
    for _ in 0..5 {
        both((client, &format!("short-datagrams {any} {target} 20 37")), (server, &format!("datagrams {socket} 20")));
    }
    let client_pid = client.pid();
    if watch.network.sockets.tells_udp_ends() {
        let ended =
            watch.closed(100, |closed| !closed.tcp && closed.user.pid == client_pid && closed.traffic.sent.get() == 37);
        assert_eq!(ended, (0, short));
    }
    watch.closed.clear();
    assert_eq!(watch.process(server), (before_server.0 + long + short, before_server.1), "the server, {target}");
    assert_eq!(watch.process(client), (before_client.0, before_client.1 + long + short), "the client, {target}");
}

#[test]
fn bytes_over_loopback_are_exact() {
    let Some(mut watch) = Watch::begin() else { return };
    let (mut server, mut client) = (workload(), workload());
    for at in ["127.0.0.1:0", "[::1]:0"] {
        tcp(&mut watch, &mut server, &mut client, at);
    }
    // The last one: v4 towards a v6 socket.
    for (at, to) in [("127.0.0.1:0", "127.0.0.1"), ("[::1]:0", "::1"), ("[::]:0", "127.0.0.1")] {
        udp(&mut watch, &mut server, &mut client, at, to);
    }
    watch.nothing_is_lost();
}

/// A workload in a network namespace of its own.
fn apart() -> Workload {
    Workload::start_as(Command::new("unshare").arg("--net").arg(program()).arg("sockets"))
}

fn run(command: &str) {
    let words: Vec<&str> = command.split_whitespace().collect();
    let (name, arguments) = words.split_first().unwrap();
    let output = Command::new(name).args(arguments).output().unwrap_or_else(|error| panic!("{name}: {error}"));
    assert!(output.status.success(), "{command}: {}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn bytes_between_two_network_namespaces_are_exact() {
    let Some(mut watch) = Watch::begin() else { return };
    let (mut server, mut client) = (apart(), apart());
    // The pair ends with the namespaces, and those with the processes in them.
    run(&format!("ip link add pv0 netns {} type veth peer name pv1 netns {}", server.pid(), client.pid()));
    for (pid, link, end) in [(server.pid(), "pv0", 1), (client.pid(), "pv1", 2)] {
        run(&format!("nsenter -t {pid} -n ip addr add 10.99.0.{end}/24 dev {link}"));
        run(&format!("nsenter -t {pid} -n ip -6 addr add fd99::{end}/64 dev {link} nodad"));
        run(&format!("nsenter -t {pid} -n ip link set {link} up"));
    }
    for at in ["10.99.0.1:0", "[fd99::1]:0"] {
        tcp(&mut watch, &mut server, &mut client, at);
    }
    for (at, to) in [("10.99.0.1:0", "10.99.0.1"), ("[fd99::1]:0", "fd99::1")] {
        udp(&mut watch, &mut server, &mut client, at, to);
    }
    watch.nothing_is_lost();
}

#[test]
fn a_socket_that_is_passed_on_counts_for_whoever_uses_it() {
    let Some(mut watch) = Watch::begin() else { return };
    let (mut server, mut first, mut second) = (workload(), workload(), workload());
    let (listener, address) = place(&server.ask("listen 127.0.0.1:0"));
    let (near, local) = place(&first.ask(&format!("connect {address}")));
    let (far, _) = place(&server.ask(&format!("accept {listener}")));
    both((&mut first, &format!("send {near} 1000 100")), (&mut server, &format!("receive {far} 1000")));
    let path = format!("{}/passed-{}", env!("CARGO_TARGET_TMPDIR"), first.pid());
    second.tell(&format!("take {path}"));
    first.ask(&format!("pass {near} {path}"));
    let taken = second.answer();
    first.ask(&format!("close {near}"));
    both((&mut second, &format!("send {taken} 555 5")), (&mut server, &format!("receive {far} 555")));
    both((&mut server, &format!("send {far} 77 7")), (&mut second, &format!("receive {taken} 77")));
    assert_eq!(watch.process(&first), (0, 1000));
    assert_eq!(watch.process(&second), (77, 555));
    assert_eq!(watch.process(&server), (1555, 77));
    assert_eq!(watch.socket(&local), (77, 1555));
    let open = watch.open();
    assert_eq!(open.get(&local.parse().unwrap()).unwrap().user.pid, second.pid());
}

/// Readings while threads come and go neither miss what was seen before nor count anything twice.
#[test]
fn threads_leave_what_they_moved_to_their_process() {
    const CONNECTIONS: u64 = 1500;
    const UP: u64 = 100;
    const DOWN: u64 = 3000;
    let Some(mut watch) = Watch::begin() else { return };
    let (mut server, mut client) = (workload(), workload());
    let (listener, address) = place(&server.ask("listen 127.0.0.1:0"));
    server.tell(&format!("serve {listener} {CONNECTIONS} {UP} {DOWN}"));
    client.tell(&format!("short-in-threads {address} {CONNECTIONS} {UP} {DOWN}"));
    let (mut last, mut seen) = ((0, 0), 0);
    let pid = client.pid();
    std::thread::scope(|scope| {
        let working = scope.spawn(|| (client.answer(), server.answer()));
        while !working.is_finished() {
            let now = watch.moved_by(pid);
            assert!(now.0 >= last.0 && now.1 >= last.1, "{now:?} after {last:?}");
            assert!(now.0 <= CONNECTIONS * DOWN && now.1 <= CONNECTIONS * UP, "{now:?} is more than there was");
            seen += u64::from(now != last);
            last = now;
        }
    });
    assert!(seen > 20, "{seen} readings while it worked");
    assert_eq!(watch.process(&client), (CONNECTIONS * DOWN, CONNECTIONS * UP));
    assert_eq!(watch.process(&server), (CONNECTIONS * UP, CONNECTIONS * DOWN));
    watch.nothing_is_lost();
}

fn is_told(watch: &mut Watch, of: &Workload, wanted: u64) {
    eventually("all is told", Duration::from_secs(5), || {
        let (received, sent) = watch.process(of);
        assert!(received == 0 && sent <= wanted, "{sent} of {wanted}");
        (sent == wanted).then_some(())
    });
}

/// More threads at once than there are places for.
#[test]
fn threads_without_a_place_of_their_own_count_as_well() {
    const THREADS: u64 = 9000;
    let Some(mut watch) = Watch::begin() else { return };
    let (mut to, mut from) = (workload(), workload());
    let (_, address) = place(&to.ask("udp 127.0.0.1:0"));
    let (socket, local) = place(&from.ask("udp 127.0.0.1:0"));
    from.ask(&format!("datagrams-by-threads {socket} {address} {THREADS} 10"));
    // Who waits for a thread sees it end before it has left its place; a reading in between is without it, and never with too much.
    is_told(&mut watch, &from, 2 * THREADS * 10);
    assert_eq!(watch.socket(&local), (0, 2 * THREADS * 10));
    watch.nothing_is_lost();
    // All have left their places.
    from.ask(&format!("datagrams-to {socket} {address} 1 10"));
    is_told(&mut watch, &from, (2 * THREADS + 1) * 10);
}

#[test]
fn a_listening_socket_that_many_inherit_counts_for_each_what_it_served() {
    let Some(mut watch) = Watch::begin() else { return };
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    rustix::io::fcntl_setfd(&listener, rustix::io::FdFlags::empty()).unwrap();
    let inherited = listener.as_raw_fd().to_string();
    let mut workers: Vec<Workload> = (0..3).map(|_| Workload::start(&["sockets", &inherited])).collect();
    drop(listener);
    let mut client = workload();
    for (served, worker) in workers.iter_mut().enumerate() {
        worker.tell(&format!("serve 0 {} 100 2000", 10 * (served + 1)));
    }
    client.ask(&format!("short {address} 60 100 2000"));
    for (served, worker) in workers.iter_mut().enumerate() {
        worker.answer();
        let served = 10 * (served as u64 + 1);
        assert_eq!(watch.process(worker), (served * 100, served * 2000));
    }
    assert_eq!(watch.process(&client), (60 * 2000, 60 * 100));
    let port = address.port();
    assert_eq!(watch.closed(60, |socket| socket.tcp && socket.local.port() == port), (6000, 120_000));
}

#[test]
fn a_process_that_is_taken_out_is_gone_and_the_others_stay() {
    let Some(mut watch) = Watch::begin() else { return };
    let (mut one, mut other) = (workload(), workload());
    for (workload, size) in [(&mut one, 10), (&mut other, 20)] {
        let (socket, at) = place(&workload.ask("udp 127.0.0.1:0"));
        workload.ask(&format!("datagrams-to {socket} {at} 1 {size}"));
        workload.ask(&format!("datagrams {socket} 1"));
    }
    watch.network.processes.read().unwrap();
    let found = watch.network.processes.latest().to_vec();
    assert!(found.is_sorted_by_key(|process| process.user));
    let process = |pid, found: &[ProcessTraffic]| *found.iter().find(|process| process.user.pid == pid).unwrap();
    let pid = one.pid();
    assert!(process(pid, &found).lives && process(other.pid(), &found).lives);
    drop(one);
    let ended = eventually("its threads have ended", PATIENCE, || {
        let ended = process(pid, watch.network.processes.read().unwrap());
        assert_eq!((ended.traffic.received.get(), ended.traffic.sent.get()), (10, 10));
        (!ended.lives).then_some(ended)
    });
    watch.network.processes.forget(&ended).unwrap();
    watch.network.processes.forget(&ended).unwrap();
    let found = watch.network.processes.read().unwrap();
    assert!(found.iter().all(|process| process.user.pid != pid));
    assert_eq!(watch.process(&other), (20, 20));
}
