//! What went through each socket: counted by a program in the kernel, else as `tcp_info` tells.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use procyon_bpf::network::{BySocket, Socket as Counted};
use procyon_linux::net::socket::{self, Socket};
use procyon_model::process::{Net, NetRates};
use procyon_model::rates;
use procyon_units::{Reading, Ticks};

use super::network::{net, plus, since};

/// Ports whose closed connections are added up; more are left out.
const MOST_PORTS: usize = 4096;

/// What a socket moved.
#[derive(Debug, Clone, Copy)]
pub(super) struct Moved {
    pub(super) net: Reading<Net>,
    pub(super) rates: Reading<NetRates>,
}

/// The TCP connections to one port of one network namespace.
type Port = (u64, u16);

/// Keeps counters from reading to reading.
#[derive(Debug)]
pub(super) struct SocketTraffic {
    source: Option<BySocket>,
    /// Open sockets by cookie: of this reading and of the one before.
    now: HashMap<u64, Sample>,
    before: HashMap<u64, Sample>,
    /// Connections to ports, open and closed, in this reading and the one before.
    ports: HashMap<Port, Net>,
    ports_before: HashMap<Port, Net>,
    /// What went through connections to a port that are closed.
    closed: HashMap<Port, Net>,
    elapsed: Option<Duration>,
    /// Whether the program was read this time.
    counted: bool,
}

#[derive(Debug, Clone, Copy)]
struct Sample {
    net: Net,
    user: Option<(u32, Ticks)>,
}

impl SocketTraffic {
    pub(super) fn new(source: Option<BySocket>) -> Self {
        Self {
            source,
            now: HashMap::new(),
            before: HashMap::new(),
            ports: HashMap::new(),
            ports_before: HashMap::new(),
            closed: HashMap::new(),
            elapsed: None,
            counted: false,
        }
    }

    /// Takes the counters of this reading; `sockets` have just been listed, which gave them their cookies.
    pub(super) fn read(&mut self, sockets: &[Socket], elapsed: Option<Duration>) {
        self.elapsed = elapsed;
        std::mem::swap(&mut self.now, &mut self.before);
        std::mem::swap(&mut self.ports, &mut self.ports_before);
        self.now.clear();
        self.ports.clear();
        let Some(source) = &mut self.source else {
            for (cookie, net) in sockets.iter().filter_map(|socket| Some((socket.cookie?, told(socket)?))) {
                self.now.insert(cookie, Sample { net, user: None });
            }
            return;
        };
        let mut open: Vec<Counted> = Vec::new();
        self.counted = source.open(&mut |socket| open.push(*socket)).is_ok();
        // Those that are closed are asked for last: a socket that is in both lists is closed, and none is in neither.
        let (now, closed) = (&mut self.now, &mut self.closed);
        let mut gone = HashSet::new();
        source.closed(&mut |ended| {
            let socket = &ended.socket;
            gone.insert(socket.cookie);
            let port = (u64::from(socket.namespace), socket.local.port());
            if socket.tcp && (closed.len() < MOST_PORTS || closed.contains_key(&port)) {
                let sum = closed.entry(port).or_default();
                *sum = plus(*sum, net(socket.traffic));
            }
        });
        for socket in open.iter().filter(|socket| !gone.contains(&socket.cookie)) {
            let traffic = net(socket.traffic);
            now.insert(socket.cookie, Sample { net: traffic, user: Some((socket.user.pid, socket.user.start)) });
            if socket.tcp {
                let sum = self.ports.entry((u64::from(socket.namespace), socket.local.port())).or_default();
                *sum = plus(*sum, traffic);
            }
        }
        self.keep_listening(sockets);
    }

    /// Forgets ports on which nobody listens, and adds to the others what is closed.
    fn keep_listening(&mut self, sockets: &[Socket]) {
        let listening = sockets.iter().filter(|socket| socket.state == socket::state::LISTEN);
        let listening: HashSet<Port> = listening.map(|socket| (socket.namespace, socket.local.port())).collect();
        self.closed.retain(|port, _| listening.contains(port));
        self.ports.retain(|port, _| listening.contains(port));
        for (port, closed) in &self.closed {
            let sum = self.ports.entry(*port).or_default();
            *sum = plus(*sum, *closed);
        }
    }

    /// Who used it last, where that is counted.
    pub(super) fn user(&self, socket: &Socket) -> Option<(u32, Ticks)> {
        self.now.get(&socket.cookie?).and_then(|sample| sample.user)
    }

    /// What went through a socket; of one that listens, through itself.
    pub(super) fn moved(&self, socket: &Socket) -> Moved {
        let Some(cookie) = socket.cookie else {
            return Moved { net: Reading::Unsupported, rates: Reading::Unsupported };
        };
        if socket.inode == 0 && !socket.is_connected() {
            return Moved { net: Reading::Absent, rates: Reading::Absent };
        }
        if self.source.is_none() && !socket.is_connected() {
            return Moved { net: Reading::Unsupported, rates: Reading::Unsupported };
        }
        if self.source.is_some() && !self.counted {
            return Moved { net: Reading::Pending, rates: Reading::Pending };
        }
        let zero = Net::default();
        let net = self.now.get(&cookie).map_or(zero, |sample| sample.net);
        let earlier = self.before.get(&cookie).map_or(zero, |sample| sample.net);
        Moved { net: Reading::Known(net), rates: self.rate(earlier, net, cookie) }
    }

    /// Counted sockets without an earlier sample moved nothing before; estimated ones are as old as they are.
    fn rate(&self, earlier: Net, net: Net, cookie: u64) -> Reading<NetRates> {
        let comparable = self.source.is_some() || self.before.contains_key(&cookie);
        match self.elapsed.filter(|_| comparable) {
            Some(elapsed) => rates::network(&Reading::Known(earlier), &Reading::Known(net), elapsed),
            None => Reading::Pending,
        }
    }

    /// Gives listening TCP sockets the sums of their ports. Where several listen on one port, the first has the sum and the
    /// others have none: it would be counted twice otherwise, and the kernel does not tell whose connection it was.
    pub(super) fn add_up_ports<'a>(&self, sockets: &mut dyn Iterator<Item = (&'a Socket, &'a mut Moved)>) {
        if self.source.is_none() || !self.counted {
            return;
        }
        let mut given: HashSet<Port> = HashSet::new();
        for (socket, moved) in sockets.filter(|(socket, _)| socket.state == socket::state::LISTEN) {
            let port = (socket.namespace, socket.local.port());
            if !given.insert(port) {
                *moved = Moved { net: Reading::Absent, rates: Reading::Absent };
                continue;
            }
            let at = |ports: &HashMap<Port, Net>| ports.get(&port).copied().unwrap_or_default();
            let (net, earlier) = (at(&self.ports), at(&self.ports_before));
            moved.net = Reading::Known(net);
            moved.rates = match self.elapsed {
                Some(elapsed) => rates::network(&Reading::Known(earlier), &Reading::Known(net), elapsed),
                None => Reading::Pending,
            };
        }
    }

    /// What an estimated socket moved since the reading before; one that is new since then moved all of it.
    pub(super) fn growth(&self, socket: &Socket) -> Option<Net> {
        if self.source.is_some() || self.elapsed.is_none() {
            return None;
        }
        let cookie = socket.cookie?;
        let sample = self.now.get(&cookie)?;
        let earlier = self.before.get(&cookie).map_or(Net::default(), |earlier| earlier.net);
        Some(since(sample.net, earlier))
    }
}

/// What `tcp_info` tells of a connection.
fn told(socket: &Socket) -> Option<Net> {
    let tcp = socket.tcp.filter(|_| socket.is_connected())?;
    Some(Net { received: tcp.received, sent: tcp.acknowledged, receive_calls: 0, send_calls: 0 })
}
