//! The sockets of every network namespace and who holds them.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use procyon_bpf::network::BySocket;
use procyon_linux::net::connections::Connections;
use procyon_linux::net::namespaces::Namespaces;
use procyon_linux::net::owners::{Holder, SocketOwners};
use procyon_linux::net::sock_diag::Detail;
use procyon_linux::net::socket::{self, Socket};
use procyon_linux::root::Root;
use procyon_model::connection::{Connection, Owner, Protocol, SocketState};
use procyon_model::frame::{Aged, SourceHealth};
use procyon_units::{Clock, Mono, Reading, SystemClock, Ticks};

use super::network::{Growth, NetworkSource};
use super::socket_traffic::{Moved, SocketTraffic};
use crate::background::Background;
use crate::table::{Table, Tracked};

/// An answer later than this is shown as late.
const DEADLINE: Duration = Duration::from_secs(5);

/// Processes alive: pid and start.
type Question = Vec<(u32, Ticks)>;

/// A socket, the process that holds it, and what went through it.
#[derive(Debug)]
struct Found {
    socket: Socket,
    holder: Option<(u32, Ticks)>,
    moved: Moved,
}

/// Sockets, each with the process that holds it.
#[derive(Debug)]
struct Answer {
    sockets: Vec<Found>,
    /// What they moved since the reading before, and how long ago that was; none at the first.
    growth: Vec<Growth>,
    elapsed: Option<Duration>,
    /// Inode of the collector's own network namespace.
    own: Option<u64>,
}

/// Reads sockets on a thread of its own.
#[derive(Debug)]
pub(crate) struct ConnectionsSource {
    background: Background<Question, Answer>,
    latest: Aged<Connection>,
}

impl ConnectionsSource {
    /// Starts the thread; `traffic` counts what goes through sockets, where that can be had.
    pub(crate) fn new(root: &Root, interval: Duration, traffic: Option<BySocket>) -> std::io::Result<Self> {
        let mut traffic = SocketTraffic::new(traffic);
        let mut before: Option<Mono> = None;
        let root = root.clone();
        let (mut namespaces, mut sockets, mut owners) =
            (Namespaces::default(), Connections::default(), SocketOwners::default());
        let answer = move |processes: Question| {
            namespaces.refresh(&root, &processes);
            let mut found = Vec::new();
            sockets.list(&root, namespaces.list(), Detail::TcpInfo, &mut found);
            let inodes: Vec<u64> = found.iter().map(|socket| socket.inode).filter(|inode| *inode != 0).collect();
            owners.resolve(&root, &processes, &inodes);
            let now = SystemClock.mono();
            let elapsed = before.replace(now).map(|before| now.since(before));
            traffic.read(&found, elapsed);
            let start_of = |pid: u32| {
                let at = processes.binary_search_by_key(&pid, |(pid, _)| *pid).ok()?;
                processes.get(at).copied()
            };
            let mut sockets: Vec<Found> = found
                .into_iter()
                .map(|socket| {
                    let holder = match owners.holder(socket.inode) {
                        Holder::Process(pid) => start_of(pid),
                        Holder::Kernel | Holder::Hidden | Holder::Nobody | Holder::Pending => None,
                    };
                    // Of several that hold it, the one that uses it: a server that forks keeps a copy.
                    let user = traffic.user(&socket).filter(|(pid, _)| owners.holds(*pid, socket.inode) == Some(true));
                    let holder = user.filter(|user| start_of(user.0) == Some(*user)).or(holder);
                    let moved = traffic.moved(&socket);
                    Found { socket, holder, moved }
                })
                .collect();
            traffic.add_up_ports(&mut sockets.iter_mut().map(|found| (&found.socket, &mut found.moved)));
            let growth = sockets.iter().filter_map(|found| Some((found.holder?, traffic.growth(&found.socket)?)));
            let growth = growth.collect();
            let own = namespaces.list().iter().find(|namespace| namespace.own).map(|namespace| namespace.inode);
            Answer { sockets, growth, elapsed, own }
        };
        Ok(Self { background: Background::start("connections", interval, DEADLINE, answer)?, latest: Aged::default() })
    }

    /// Takes an answer in and asks again when it is time.
    pub(crate) fn run(&mut self, table: &mut Table, network: &mut NetworkSource, now: Mono) {
        if let Some(mut answer) = self.background.poll() {
            network.estimate(std::mem::take(&mut answer.growth), answer.elapsed, table);
            self.take(answer, table, now);
        }
        if self.background.is_due(now) {
            let processes = table.tracked().iter().filter(|tracked| !tracked.kernel_thread);
            self.background.ask(processes.map(|tracked| (tracked.key.pid, tracked.key.start)).collect(), now);
        }
    }

    fn take(&mut self, answer: Answer, table: &mut Table, now: Mono) {
        let mut lowest: HashMap<(u32, Ticks), u16> = HashMap::new();
        for Found { socket, holder, .. } in &answer.sockets {
            let serves = socket.state == socket::state::LISTEN
                || (!socket.protocol.is_tcp() && socket.remote.is_none() && socket.local.port() < EPHEMERAL);
            if let (true, Some(holder)) = (serves, holder) {
                let port = lowest.entry(*holder).or_insert(u16::MAX);
                *port = (*port).min(socket.local.port());
            }
        }
        for tracked in table.tracked_mut() {
            tracked.set_port(lowest.get(&(tracked.key.pid, tracked.key.start)).copied().filter(|port| *port > 0));
        }
        let tracked = table.tracked();
        let items = answer
            .sockets
            .into_iter()
            .map(|found| connection(&found, owner(found.holder, tracked), answer.own))
            .collect();
        self.latest = Aged { items, taken: Some(now) };
    }

    pub(crate) fn latest(&self) -> Aged<Connection> {
        self.latest.clone()
    }

    pub(crate) fn health(&self, now: Mono) -> SourceHealth {
        SourceHealth {
            id: "connections",
            state: self.background.state(now),
            interval: self.background.interval(),
            took: self.background.took(),
        }
    }
}

/// UDP sockets bound to ports from here on were most likely given one by the kernel. Source: the default lower end of
/// `net.ipv4.ip_local_port_range`.
const EPHEMERAL: u16 = 32768;

fn owner(holder: Option<(u32, Ticks)>, tracked: &[Tracked]) -> Option<Owner> {
    let (pid, start) = holder?;
    let at = tracked.binary_search_by_key(&pid, |tracked| tracked.key.pid).ok()?;
    let tracked = tracked.get(at).filter(|tracked| tracked.key.start == start)?;
    Some(Owner {
        key: tracked.key,
        name: Arc::from(tracked.name()),
        user: Arc::from(&*tracked.descriptor.user),
        label: Arc::clone(&tracked.label),
    })
}

fn connection(found: &Found, owner: Option<Owner>, own: Option<u64>) -> Connection {
    let Found { socket, moved, .. } = found;
    let (round_trip, retransmits) = path(socket);
    Connection {
        protocol: match socket.protocol {
            socket::Protocol::Tcp => Protocol::Tcp,
            socket::Protocol::Tcp6 => Protocol::Tcp6,
            socket::Protocol::Udp => Protocol::Udp,
            socket::Protocol::Udp6 => Protocol::Udp6,
        },
        local: socket.local,
        remote: socket.remote,
        state: SocketState(socket.state),
        owner,
        uid: socket.uid,
        inode: socket.inode,
        receive_queue: socket.receive_queue,
        send_queue: socket.send_queue,
        net: moved.net,
        rates: moved.rates,
        round_trip,
        retransmits,
        namespace: socket.namespace,
        own_namespace: own == Some(socket.namespace),
    }
}

/// Round trip and retransmits of a TCP connection.
fn path(socket: &Socket) -> (Reading<Duration>, Reading<u64>) {
    match (&socket.tcp, socket.cookie) {
        // Before the first acknowledgement there is no round trip.
        (Some(tcp), _) if socket.is_connected() => {
            let round_trip = if tcp.round_trip.is_zero() { Reading::Pending } else { Reading::Known(tcp.round_trip) };
            (round_trip, Reading::Known(tcp.retransmits))
        }
        // Text does not tell.
        (None, None) if socket.is_connected() => (Reading::Unsupported, Reading::Unsupported),
        _ => (Reading::Absent, Reading::Absent),
    }
}
