//! A process that does with sockets what it is told, a line at a time: for tests of who moved how many bytes.
//!
//! Each line is a command; each command gives one line back when it is done. Sockets are named by numbers, from 0.

use std::io::{BufRead, IoSlice, IoSliceMut, Write};
use std::mem::MaybeUninit;
use std::net::{SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::net::{UnixListener, UnixStream};
use std::sync::Barrier;
use std::time::{Duration, Instant};

use rustix::fs::{MemfdFlags, ftruncate, memfd_create, sendfile};
use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer, SendAncillaryMessage, SendFlags, recv,
    recvmsg, sendmsg,
};
use rustix::process::{PidfdFlags, PidfdGetfdFlags, getpid, pidfd_getfd, pidfd_open};

const LARGEST: usize = 1 << 20;
/// How long a connection to a neighbour is tried again.
const PATIENCE: Duration = Duration::from_secs(20);

#[derive(Debug, Default)]
struct Sockets {
    open: Vec<Option<OwnedFd>>,
}

/// Does what the lines of the input say, until it ends. A descriptor that is named becomes socket 0.
pub(crate) fn obey(inherited: Option<&str>) {
    let mut sockets = Sockets::default();
    if let Some(number) = inherited {
        let number = number.parse().expect("a descriptor");
        let us = pidfd_open(getpid(), PidfdFlags::empty()).expect("this process");
        sockets.add(pidfd_getfd(us, number, PidfdGetfdFlags::empty()).expect("an inherited descriptor"));
    }
    println!("ready");
    for line in std::io::stdin().lock().lines() {
        let line = line.expect("lines of text");
        let words: Vec<&str> = line.split_whitespace().collect();
        let answer = sockets.obey(&words);
        println!("{answer}");
        std::io::stdout().flush().expect("the test listens");
    }
}

fn number(word: &str) -> usize {
    word.parse().unwrap_or_else(|_| panic!("`{word}` is no number"))
}

fn address(word: &str) -> SocketAddr {
    word.parse().unwrap_or_else(|_| panic!("`{word}` is no address"))
}

impl Sockets {
    fn add(&mut self, socket: impl Into<OwnedFd>) -> usize {
        self.open.push(Some(socket.into()));
        self.open.len() - 1
    }

    fn at(&self, word: &str) -> BorrowedFd<'_> {
        let socket = self.open.get(number(word)).and_then(Option::as_ref);
        socket.unwrap_or_else(|| panic!("socket {word} is open")).as_fd()
    }

    fn duplicate(&self, word: &str) -> OwnedFd {
        self.at(word).try_clone_to_owned().expect("a duplicate")
    }

    fn obey(&mut self, words: &[&str]) -> String {
        match words {
            ["listen", at] => {
                let listener = TcpListener::bind(address(at)).expect("it listens");
                let at = listener.local_addr().expect("an address");
                format!("{} {at}", self.add(listener))
            }
            ["connect", to] => {
                let stream = TcpStream::connect(address(to)).expect("it connects");
                let from = stream.local_addr().expect("an address");
                format!("{} {from}", self.add(stream))
            }
            ["accept", listener] => {
                let (stream, from) = TcpListener::from(self.duplicate(listener)).accept().expect("it accepts");
                format!("{} {from}", self.add(stream))
            }
            ["udp", at] => {
                let socket = UdpSocket::bind(address(at)).expect("it binds");
                let at = socket.local_addr().expect("an address");
                format!("{} {at}", self.add(socket))
            }
            ["send", socket, bytes, chunk] => {
                send(self.at(socket), number(bytes), number(chunk));
                "sent".into()
            }
            ["sendfile", socket, bytes] => {
                send_file(self.at(socket), number(bytes));
                "sent".into()
            }
            ["receive", socket, bytes] => {
                receive(self.at(socket), number(bytes));
                "received".into()
            }
            ["peek", socket, bytes] => {
                let mut buffer = vec![0; number(bytes)];
                let flags = RecvFlags::PEEK | RecvFlags::WAITALL;
                let (_, got) = recv(self.at(socket), buffer.as_mut_slice(), flags).expect("it peeks");
                got.to_string()
            }
            ["end", socket] => {
                TcpStream::from(self.duplicate(socket)).shutdown(std::net::Shutdown::Write).expect("it ends");
                "ended".into()
            }
            ["await-end", socket] => {
                let mut buffer = [0; 16];
                let (_, got) = recv(self.at(socket), &mut buffer[..], RecvFlags::empty()).expect("it reads");
                got.to_string()
            }
            ["close", socket] => {
                self.open.get_mut(number(socket)).and_then(Option::take).expect("an open socket");
                "closed".into()
            }
            ["datagrams-to", socket, to, count, size] => {
                let socket = UdpSocket::from(self.duplicate(socket));
                let bytes = vec![7; number(size)];
                for _ in 0..number(count) {
                    socket.send_to(&bytes, address(to)).expect("it sends");
                }
                "sent".into()
            }
            ["datagrams", socket, count] => {
                let mut buffer = vec![0; 1 << 16];
                for _ in 0..number(count) {
                    recv(self.at(socket), buffer.as_mut_slice(), RecvFlags::empty()).expect("it receives");
                }
                "received".into()
            }
            ["short-datagrams", from, to, count, size] => {
                let bytes = vec![7; number(size)];
                for _ in 0..number(count) {
                    let socket = UdpSocket::bind(address(from)).expect("it binds");
                    socket.send_to(&bytes, address(to)).expect("it sends");
                }
                "sent".into()
            }
            ["short", to, count, send_bytes, receive_bytes] => {
                for _ in 0..number(count) {
                    short(address(to), number(send_bytes), number(receive_bytes));
                }
                "done".into()
            }
            ["short-in-threads", to, count, send_bytes, receive_bytes] => {
                let (to, sent, received) = (address(to), number(send_bytes), number(receive_bytes));
                for _ in 0..number(count) {
                    let thread = std::thread::spawn(move || short(to, sent, received));
                    thread.join().expect("a thread that ends well");
                }
                "done".into()
            }
            ["datagrams-by-threads", socket, to, count, size] => {
                datagrams_by_threads(self.at(socket), address(to), number(count), number(size));
                "sent".into()
            }
            ["serve", listener, count, receive_bytes, send_bytes] => {
                let listener = TcpListener::from(self.duplicate(listener));
                for _ in 0..number(count) {
                    let (stream, _) = listener.accept().expect("it accepts");
                    receive(stream.as_fd(), number(receive_bytes));
                    send(stream.as_fd(), number(send_bytes), LARGEST);
                }
                "done".into()
            }
            ["pass", socket, path] => {
                pass(self.at(socket), path);
                "passed".into()
            }
            ["take", path] => {
                let taken = take(path);
                self.add(taken).to_string()
            }
            _ => panic!("`{}` is no command", words.join(" ")),
        }
    }
}

/// So many threads that live at once, each of which sends a datagram before all are there and one after.
fn datagrams_by_threads(socket: BorrowedFd<'_>, to: SocketAddr, count: usize, size: usize) {
    const STACK: usize = 64 << 10;
    let all_there = Barrier::new(count);
    std::thread::scope(|scope| {
        for _ in 0..count {
            let send = || {
                for turn in 0..2 {
                    let socket = UdpSocket::from(socket.try_clone_to_owned().expect("a duplicate"));
                    socket.send_to(&vec![7; size], to).expect("it sends");
                    if turn == 0 {
                        all_there.wait();
                    }
                }
            };
            std::thread::Builder::new().stack_size(STACK).spawn_scoped(scope, send).expect("a thread");
        }
    });
}

/// A connection that sends so much, receives so much and is over.
fn short(to: SocketAddr, sent: usize, received: usize) {
    let stream = TcpStream::connect(to).expect("it connects");
    send(stream.as_fd(), sent, LARGEST);
    stream.shutdown(std::net::Shutdown::Write).expect("it ends");
    receive(stream.as_fd(), received);
}

fn send(socket: BorrowedFd<'_>, bytes: usize, chunk: usize) {
    let buffer = vec![7_u8; chunk.min(LARGEST)];
    let mut left = bytes;
    while left > 0 {
        let part = buffer.get(..left.min(buffer.len())).unwrap_or_default();
        left -= rustix::io::write(socket, part).expect("it sends");
    }
}

fn send_file(socket: BorrowedFd<'_>, bytes: usize) {
    let file = memfd_create("sent", MemfdFlags::CLOEXEC).expect("a file in memory");
    ftruncate(&file, bytes as u64).expect("it grows");
    let mut left = bytes;
    while left > 0 {
        left -= sendfile(socket, &file, None, left).expect("it sends");
    }
}

fn receive(socket: BorrowedFd<'_>, bytes: usize) {
    let mut buffer = vec![0_u8; LARGEST];
    let mut left = bytes;
    while left > 0 {
        let room = left.min(buffer.len());
        let got = rustix::io::read(socket, buffer.get_mut(..room).unwrap_or_default()).expect("it receives");
        assert!(got > 0, "the other side ended {left} bytes early");
        left -= got;
    }
}

fn pass(socket: BorrowedFd<'_>, path: &str) {
    let begin = Instant::now();
    let stream = loop {
        match UnixStream::connect(path) {
            Ok(stream) => break stream,
            Err(error) => assert!(begin.elapsed() < PATIENCE, "nobody takes it at {path}: {error}"),
        }
        std::thread::sleep(Duration::from_millis(5));
    };
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    let sockets = [socket];
    assert!(control.push(SendAncillaryMessage::ScmRights(&sockets)), "there is room for one descriptor");
    sendmsg(&stream, &[IoSlice::new(b"x")], &mut control, SendFlags::empty()).expect("it passes the socket on");
}

fn take(path: &str) -> OwnedFd {
    let listener = UnixListener::bind(path).expect("a meeting place");
    let (stream, _) = listener.accept().expect("somebody passes it");
    std::fs::remove_file(path).expect("the meeting place goes");
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let mut byte = [0];
    recvmsg(&stream, &mut [IoSliceMut::new(&mut byte)], &mut control, RecvFlags::CMSG_CLOEXEC).expect("it takes it");
    let taken = control.drain().find_map(|message| match message {
        RecvAncillaryMessage::ScmRights(mut sockets) => sockets.next(),
        _ => None,
    });
    taken.expect("a socket came along")
}
