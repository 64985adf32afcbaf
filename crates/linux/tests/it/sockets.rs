//! Sockets that the test opens are found, with their state and their holder, on the live kernel.

use std::collections::HashSet;
use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use procyon_linux::net::connections::{Connections, Means};
use procyon_linux::net::namespaces::{Namespace, Namespaces};
use procyon_linux::net::owners::{Holder, SocketOwners};
use procyon_linux::net::sock_diag::Detail;
use procyon_linux::net::socket::{Protocol, Socket, state};
use procyon_linux::root::Root;
use procyon_units::{Reading, Ticks};
use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};

struct Stopped(Child);

impl Drop for Stopped {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

/// All processes with their start, read by the test itself.
fn processes() -> Vec<(u32, Ticks)> {
    let entries = std::fs::read_dir("/proc").unwrap().flatten();
    let mut all: Vec<(u32, Ticks)> = entries
        .filter_map(|entry| {
            let pid = entry.file_name().to_str()?.parse().ok()?;
            let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
            let start = stat.rsplit_once(") ")?.1.split(' ').nth(19)?.parse().ok()?;
            Some((pid, Ticks(start)))
        })
        .collect();
    all.sort_unstable();
    all
}

/// The live procfs by a longer way, so that system calls are not used.
fn text_only() -> Root {
    Root::new("/proc/self/root/proc".into(), "/sys".into(), "/".into())
}

fn list(root: &Root, namespaces: &[Namespace]) -> (Vec<Socket>, Vec<Reading<Means>>) {
    let mut out = Vec::new();
    let visits = Connections::default().list(root, namespaces, Detail::TcpInfo, &mut out);
    (out, visits.into_iter().map(|visit| visit.means).collect())
}

fn own_namespace() -> Vec<Namespace> {
    let mut namespaces = Namespaces::default();
    namespaces.refresh(&Root::live(), &[(std::process::id(), Ticks(0))]);
    namespaces.list().iter().filter(|namespace| namespace.own).cloned().collect()
}

fn find(sockets: &[Socket], protocol: Protocol, local: SocketAddr, remote: Option<SocketAddr>) -> Option<&Socket> {
    let is_it = |socket: &&Socket| socket.protocol == protocol && socket.local == local && socket.remote == remote;
    sockets.iter().find(is_it)
}

fn inode(socket: impl AsFd) -> u64 {
    rustix::fs::fstat(socket).unwrap().st_ino
}

fn check_all_kinds(root: &Root, means: Means) {
    let tcp4 = TcpListener::bind("127.0.0.1:0").unwrap();
    let tcp6 = TcpListener::bind("[::1]:0").unwrap();
    let any = TcpListener::bind("[::]:0").unwrap();
    let mut mapped = TcpStream::connect(("127.0.0.1", any.local_addr().unwrap().port())).unwrap();
    let (server, _) = any.accept().unwrap();
    mapped.write_all(b"12345").unwrap();
    let udp4 = UdpSocket::bind("127.0.0.1:0").unwrap();
    let udp6 = UdpSocket::bind("[::1]:0").unwrap();
    let connected = UdpSocket::bind("127.0.0.1:0").unwrap();
    connected.connect(udp4.local_addr().unwrap()).unwrap();

    let mut sockets = Vec::new();
    // Five bytes on loopback are delivered at once, but the acknowledgement of the kernel may be a moment later.
    procyon_testkit::eventually("the bytes arrive", std::time::Duration::from_mins(1), || {
        let (found, how) = list(root, &own_namespace());
        assert_eq!(how, [Reading::Known(means)]);
        sockets = found;
        let server = sockets.iter().find(|socket| socket.inode == inode(&server))?;
        (server.receive_queue.0 == 5).then_some(())
    });
    let listening = |protocol, listener: &TcpListener| {
        let socket = find(&sockets, protocol, listener.local_addr().unwrap(), None).unwrap();
        assert_eq!((socket.state, socket.inode), (state::LISTEN, inode(listener)));
        assert_eq!(socket.uid, rustix::process::getuid().as_raw());
    };
    listening(Protocol::Tcp, &tcp4);
    listening(Protocol::Tcp6, &tcp6);
    listening(Protocol::Tcp6, &any);
    let (near, far) = (mapped.local_addr().unwrap(), mapped.peer_addr().unwrap());
    let client = find(&sockets, Protocol::Tcp, near, Some(far)).unwrap();
    assert_eq!((client.state, client.inode), (state::ESTABLISHED, inode(&mapped)));
    let server_side = find(&sockets, Protocol::Tcp, far, Some(near)).expect("v4 inside v6 is shown as v4");
    assert_eq!((server_side.inode, server_side.receive_queue.0), (inode(&server), 5));
    if means == Means::SockDiag {
        let info = server_side.tcp.expect("netlink gives details");
        assert_eq!(info.received.0, 5);
    }
    for (protocol, socket) in [(Protocol::Udp, &udp4), (Protocol::Udp6, &udp6)] {
        let found =
            find(&sockets, protocol, socket.local_addr().unwrap(), None).expect("an unconnected socket has no peer");
        assert_eq!((found.state, found.inode), (state::CLOSE, inode(socket)));
    }
    let peer = Some(udp4.local_addr().unwrap());
    let found = find(&sockets, Protocol::Udp, connected.local_addr().unwrap(), peer).unwrap();
    assert_eq!((found.state, found.inode), (state::ESTABLISHED, inode(&connected)));
}

#[test]
fn own_sockets_of_every_kind_are_listed_by_netlink() {
    check_all_kinds(&Root::live(), Means::SockDiag);
}

#[test]
fn own_sockets_of_every_kind_are_listed_from_text() {
    check_all_kinds(&text_only(), Means::Text);
}

#[test]
fn a_closed_connection_has_no_inode() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let (server, _) = listener.accept().unwrap();
    let (near, far) = (client.local_addr().unwrap(), client.peer_addr().unwrap());
    // The side that closes first keeps the address.
    drop(client);
    drop(server);
    procyon_testkit::eventually("TIME_WAIT shows", std::time::Duration::from_mins(1), || {
        let (sockets, _) = list(&Root::live(), &own_namespace());
        let socket = find(&sockets, Protocol::Tcp, near, Some(far))?;
        (socket.state == state::TIME_WAIT && socket.inode == 0).then_some(())
    });
    assert_eq!(SocketOwners::default().holder(0), Holder::Nobody);
}

#[test]
fn the_holder_of_a_socket_is_found_and_follows_it() {
    let root = Root::live();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let wanted = inode(&listener);
    let own = std::process::id();
    let mut owners = SocketOwners::default();
    assert_eq!(owners.holder(wanted), Holder::Pending);
    owners.resolve(&root, &processes(), &[wanted]);
    assert_eq!(owners.holder(wanted), Holder::Process(own));

    // A child takes it over: the oldest holder stays until it lets go.
    let shared = Stdio::from(OwnedFd::from(listener.try_clone().unwrap()));
    let child = Stopped(spawn(Command::new("sleep").arg("1000").stdin(shared)));
    owners.resolve(&root, &processes(), &[wanted]);
    assert_eq!(owners.holder(wanted), Holder::Process(own));
    drop(listener);
    procyon_testkit::eventually("the child is the holder", std::time::Duration::from_mins(1), || {
        owners.resolve(&root, &processes(), &[wanted]);
        (owners.holder(wanted) == Holder::Process(child.0.id())).then_some(())
    });
    drop(child);
    procyon_testkit::eventually("nobody holds it", std::time::Duration::from_mins(1), || {
        owners.resolve(&root, &processes(), &[wanted]);
        (owners.holder(wanted) == Holder::Kernel || owners.holder(wanted) == Holder::Hidden).then_some(())
    });
}

fn spawn(command: &mut Command) -> Child {
    command.spawn().unwrap()
}

#[test]
fn a_quiet_round_reads_no_descriptors() {
    let root = Root::live();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let wanted = [inode(&listener)];
    // Only this process, so that what others do does not count; other tests open files in it at the same time.
    let child = Stopped(spawn(Command::new("sleep").arg("1000").stdin(Stdio::from(OwnedFd::from(listener)))));
    let all: Vec<_> = processes().into_iter().filter(|(pid, _)| *pid == child.0.id()).collect();
    let mut owners = SocketOwners::default();
    procyon_testkit::eventually("the child holds it", std::time::Duration::from_mins(1), || {
        owners.resolve(&root, &all, &wanted);
        (owners.holder(wanted[0]) == Holder::Process(child.0.id())).then_some(())
    });
    // The child's own program may still be opening libraries in the first rounds.
    procyon_testkit::eventually("a round reads nothing", std::time::Duration::from_mins(1), || {
        let round = owners.resolve(&root, &all, &wanted);
        (round.scanned == 0 && round.unresolved == 0).then_some(())
    });
}

/// A namespace of its own, kept by a process, with its loopback up.
fn separate_namespace() -> Stopped {
    let script = "ip link set lo up && echo ready && exec sleep 1000";
    let mut command = Command::new("unshare");
    let child = command.args(["--net", "sh", "-c", script]).stdout(Stdio::piped());
    let mut child = Stopped(spawn(child));
    let mut line = String::new();
    BufReader::new(child.0.stdout.take().unwrap()).read_line(&mut line).unwrap();
    assert_eq!(line, "ready\n", "a network namespace can be made (needs root, util-linux and iproute2)");
    child
}

/// Runs `make` in a thread inside the namespace.
fn inside<T: Send + 'static>(link: &Path, make: impl FnOnce() -> T + Send + 'static) -> T {
    let file = File::open(link).unwrap();
    let enter = move || {
        move_into_link_name_space(file.as_fd(), Some(LinkNameSpaceType::Network)).unwrap();
        make()
    };
    std::thread::spawn(enter).join().unwrap()
}

#[test]
fn sockets_of_another_namespace_are_listed_with_their_holder() {
    let keeper = separate_namespace();
    let link = format!("/proc/{}/ns/net", keeper.0.id());
    let (listener, client, server, udp) = inside(Path::new(&link), || {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (server, _) = listener.accept().unwrap();
        (listener, client, server, UdpSocket::bind("0.0.0.0:0").unwrap())
    });
    let number = std::fs::metadata(&link).unwrap().ino();
    for (root, means) in [(Root::live(), Means::SockDiag), (text_only(), Means::Text)] {
        let mut namespaces = Namespaces::default();
        namespaces.refresh(&root, &processes());
        assert_eq!(namespaces.of(keeper.0.id()), Some(number));
        let other: Vec<Namespace> = namespaces.list().iter().filter(|one| one.inode == number).cloned().collect();
        assert_eq!(other.len(), 1);
        let (sockets, how) = list(&root, &other);
        assert_eq!(how, [Reading::Known(means)]);
        let inodes: HashSet<u64> = sockets.iter().map(|socket| socket.inode).collect();
        assert_eq!(inodes, HashSet::from([inode(&listener), inode(&client), inode(&server), inode(&udp)]));
        assert!(sockets.iter().all(|socket| socket.namespace == number));
    }
    let mut owners = SocketOwners::default();
    owners.resolve(&Root::live(), &processes(), &[inode(&udp)]);
    assert_eq!(owners.holder(inode(&udp)), Holder::Process(std::process::id()));
}

#[test]
fn the_calling_thread_stays_in_its_namespace() {
    let keeper = separate_namespace();
    let before = std::fs::read_link("/proc/thread-self/ns/net").unwrap();
    let mut namespaces = Namespaces::default();
    namespaces.refresh(&Root::live(), &processes());
    let (_, how) = list(&Root::live(), namespaces.list());
    assert!(how.len() >= 2);
    assert_eq!(std::fs::read_link("/proc/thread-self/ns/net").unwrap(), before);
    drop(keeper);
}

/// Removes a named namespace again.
struct Named(String);

impl Drop for Named {
    fn drop(&mut self) {
        Command::new("ip").args(["netns", "delete", &self.0]).status().ok();
    }
}

#[test]
fn a_namespace_without_processes_is_found_by_its_name() {
    let name = Named(format!("procyon-test-{}", std::process::id()));
    assert!(Command::new("ip").args(["netns", "add", &name.0]).status().unwrap().success());
    let path = Path::new("/run/netns").join(&name.0);
    let udp = inside(&path, || UdpSocket::bind("0.0.0.0:0").unwrap());
    let mut namespaces = Namespaces::default();
    namespaces.refresh(&Root::live(), &processes());
    let named = namespaces.list().iter().find(|one| one.name.as_deref() == Some(&name.0)).unwrap().clone();
    assert!(named.pids.is_empty());
    let (sockets, _) = list(&Root::live(), &[named]);
    assert_eq!(sockets.iter().map(|socket| socket.inode).collect::<Vec<_>>(), [inode(&udp)]);
}
