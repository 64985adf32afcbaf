//! The sockets of every network namespace and who holds them.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use procyon_linux::net::connections::Connections;
use procyon_linux::net::namespaces::Namespaces;
use procyon_linux::net::owners::{Holder, SocketOwners};
use procyon_linux::net::sock_diag::Detail;
use procyon_linux::net::socket::{self, Socket};
use procyon_linux::root::Root;
use procyon_model::connection::{Connection, Owner, Protocol, SocketState};
use procyon_model::frame::{Aged, SourceHealth};
use procyon_units::{Mono, Ticks};

use crate::background::Background;
use crate::table::{Table, Tracked};

/// An answer later than this is shown as late.
const DEADLINE: Duration = Duration::from_secs(5);

/// Processes alive: pid and start.
type Question = Vec<(u32, Ticks)>;

/// Sockets, each with the process that holds it.
#[derive(Debug)]
struct Answer {
    sockets: Vec<(Socket, Option<(u32, Ticks)>)>,
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
    pub(crate) fn new(root: &Root, interval: Duration) -> std::io::Result<Self> {
        let root = root.clone();
        let (mut namespaces, mut sockets, mut owners) =
            (Namespaces::default(), Connections::default(), SocketOwners::default());
        let answer = move |processes: Question| {
            namespaces.refresh(&root, &processes);
            let mut found = Vec::new();
            sockets.list(&root, namespaces.list(), Detail::Plain, &mut found);
            let inodes: Vec<u64> = found.iter().map(|socket| socket.inode).filter(|inode| *inode != 0).collect();
            owners.resolve(&root, &processes, &inodes);
            let start_of = |pid: u32| {
                let at = processes.binary_search_by_key(&pid, |(pid, _)| *pid).ok()?;
                processes.get(at).copied()
            };
            let sockets = found
                .into_iter()
                .map(|socket| {
                    let holder = match owners.holder(socket.inode) {
                        Holder::Process(pid) => start_of(pid),
                        Holder::Kernel | Holder::Hidden | Holder::Nobody | Holder::Pending => None,
                    };
                    (socket, holder)
                })
                .collect();
            let own = namespaces.list().iter().find(|namespace| namespace.own).map(|namespace| namespace.inode);
            Answer { sockets, own }
        };
        Ok(Self { background: Background::start("connections", interval, DEADLINE, answer)?, latest: Aged::default() })
    }

    /// Takes an answer in and asks again when it is time.
    pub(crate) fn run(&mut self, table: &mut Table, now: Mono) {
        if let Some(answer) = self.background.poll() {
            self.take(answer, table, now);
        }
        if self.background.is_due(now) {
            let processes = table.tracked().iter().filter(|tracked| !tracked.kernel_thread);
            self.background.ask(processes.map(|tracked| (tracked.key.pid, tracked.key.start)).collect(), now);
        }
    }

    fn take(&mut self, answer: Answer, table: &mut Table, now: Mono) {
        let mut lowest: HashMap<(u32, Ticks), u16> = HashMap::new();
        for (socket, holder) in &answer.sockets {
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
            .map(|(socket, holder)| connection(&socket, owner(holder, tracked), answer.own))
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

fn connection(socket: &Socket, owner: Option<Owner>, own: Option<u64>) -> Connection {
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
        namespace: socket.namespace,
        own_namespace: own == Some(socket.namespace),
    }
}
