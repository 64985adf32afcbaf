//! What it costs to list sockets and to find their holders.
//!
//! Times are processor time of the calling thread, figures are medians.
//! `cargo bench -p procyon-linux --bench sockets -- [--sockets N] [--rounds N]`

#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::cast_precision_loss,
    reason = "a program for people at a terminal, stopping at the first surprise"
)]

use std::hint::black_box;
use std::net::{TcpListener, TcpStream};

use procyon_linux::net::connections::Connections;
use procyon_linux::net::namespaces::{Namespace, Namespaces};
use procyon_linux::net::owners::{Holder, SocketOwners};
use procyon_linux::net::proc_net;
use procyon_linux::net::sock_diag::Detail;
use procyon_linux::net::socket::{Protocol, Socket};
use procyon_linux::root::Root;
use procyon_units::Ticks;
use rustix::time::{ClockId, clock_gettime};

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let number = |name: &str, default: usize| {
        arguments.iter().skip_while(|argument| *argument != name).nth(1).map_or(default, |text| text.parse().unwrap())
    };
    procyon_linux::own::raise_descriptor_limit();
    let pairs = number("--sockets", 2000) / 2;
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let connect = |_| {
        let client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        (client, listener.accept().unwrap().0)
    };
    let held: Vec<(TcpStream, TcpStream)> = (0..pairs).map(connect).collect();
    measure(number("--rounds", 21));
    drop(held);
}

fn measure(rounds: usize) {
    let root = Root::live();
    let mut namespaces = Namespaces::default();
    namespaces.refresh(&root, &[]);
    let own: Vec<Namespace> = namespaces.list().iter().filter(|one| one.own).cloned().collect();
    let mut sockets: Vec<Socket> = Vec::new();
    let mut connections = Connections::default();
    connections.list(&root, &own, Detail::Plain, &mut sockets);
    let count = sockets.len();
    let inodes: Vec<u64> = sockets.iter().map(|socket| socket.inode).collect();
    let processes = [(std::process::id(), Ticks(1))];
    println!("{count} sockets, {rounds} rounds, µs of processor time for each socket");

    let mut out = Vec::new();
    let mut list = |detail| {
        out.clear();
        black_box(connections.list(&root, &own, detail, &mut out));
    };
    report("netlink, plain", count, rounds, || list(Detail::Plain));
    report("netlink, tcp_info", count, rounds, || list(Detail::TcpInfo));
    let (mut buffer, mut out) = (Vec::new(), Vec::new());
    report("text of /proc/self/net/tcp", count, rounds, || {
        out.clear();
        proc_net::read(&root.proc("self/net"), Protocol::Tcp, 1, &mut buffer, &mut out).unwrap();
    });
    report("holders, first round", count, rounds, || {
        black_box(SocketOwners::default().resolve(&root, &processes, &inodes));
    });
    let mut owners = SocketOwners::default();
    owners.resolve(&root, &processes, &inodes);
    report("holders, quiet round", count, rounds, || {
        black_box(owners.resolve(&root, &processes, &inodes));
    });
    let found = inodes.iter().filter(|inode| matches!(owners.holder(**inode), Holder::Process(_))).count();
    println!("{found} holders found");
}

fn report(what: &str, count: usize, rounds: usize, mut run: impl FnMut()) {
    let now = || {
        let time = clock_gettime(ClockId::ThreadCPUTime);
        time.tv_sec as f64 * 1e6 + time.tv_nsec as f64 / 1e3
    };
    let mut times: Vec<f64> = (0..rounds)
        .map(|_| {
            let start = now();
            run();
            now() - start
        })
        .collect();
    times.sort_by(f64::total_cmp);
    let median = times.get(rounds / 2).copied().unwrap_or_default();
    println!("{what:<28} {:7.3}", median / count as f64);
}
