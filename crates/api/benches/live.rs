//! One live tick to 100 WebSocket clients with the same subscription: processor time of the server, median of 60 ticks.
//!
//! `cargo bench -p procyon-api --bench live [-- PROCESSES CLIENTS]`. The clients are another process, so that this one's
//! processor time is the server's alone. Frames are copies of this machine's, of which a quarter of the processes changes
//! processor time, memory and faults each tick. Also measured: publishing the same frames with nobody watching.

#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    clippy::print_stdout,
    clippy::indexing_slicing,
    clippy::cast_precision_loss,
    reason = "a measurement: it starts processes, prints, and stops at the first surprise"
)]

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use procyon_api::access::tokens::Tokens;
use procyon_api::{Config, Context, HostContext, Kept, Server};
use procyon_collect::Collector;
use procyon_model::feed::Feed;
use procyon_model::inspect::Bygone;
use procyon_model::{Frame, HostId, ProcessKey};
use procyon_series::{Limits, Series};
use procyon_units::{Bytes, Cores, CpuTime, Reading, SystemClock, Ticks};

const TICKS: usize = 60;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with("--")).collect();
    if let [mode, address, count] = arguments.as_slice() {
        if mode == "clients" {
            return clients(address.parse().unwrap(), count.parse().unwrap());
        }
    }
    let number = |at: usize, usual: usize| arguments.get(at).and_then(|word| word.parse().ok()).unwrap_or(usual);
    let (processes, count) = (number(0, 500), number(1, 100));
    let state = tempfile::tempdir().unwrap();
    let mut collector = Collector::new(&procyon_collect::Config::default(), HostId(1), Arc::new(SystemClock)).unwrap();
    let base = collector.tick().unwrap();
    let feed = Arc::new(Feed::new());
    let context = Context {
        hosts: vec![HostContext {
            feed: Arc::clone(&feed),
            series: Arc::new(Series::new(Limits::default())),
            inspect: Arc::new(Bygone),
            history: Kept::Off,
        }],
        control: None,
        tokens: Arc::new(Tokens::open(state.path()).unwrap()),
        clock: Arc::new(SystemClock),
        capabilities: Box::new(Vec::new),
        metrics: None,
        tracer: None,
    };
    let server =
        Server::start(Config { listen: Some("127.0.0.1:0".parse().unwrap()), ..Config::default() }, context).unwrap();
    feed.publish(&busy(&base, processes, 0));
    let alone = median((1..=TICKS as u64).map(|tick| {
        let frame = busy(&base, processes, tick);
        let before = spent();
        feed.publish(&frame);
        std::thread::sleep(Duration::from_millis(20));
        spent().checked_sub(before).unwrap()
    }));
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["clients", &server.address().unwrap().to_string(), &count.to_string()])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    assert_eq!(lines.next().unwrap().unwrap(), "ready");
    let mut bytes = 0;
    let watched = median((1..=TICKS as u64).map(|tick| {
        let frame = busy(&base, processes, 1000 + tick);
        let before = spent();
        feed.publish(&frame);
        // Every client has its message.
        bytes = lines.next().unwrap().unwrap().parse().unwrap();
        spent().checked_sub(before).unwrap()
    }));
    println!("processes {processes}, clients {count}, message {bytes} bytes");
    println!("nobody watching: {alone:?} of processor time a tick");
    println!("{count} clients:    {watched:?} of processor time a tick");
    drop(child.stdin.take());
    child.wait().unwrap();
    server.stop();
}

fn median(times: impl Iterator<Item = Duration>) -> Duration {
    let mut times: Vec<Duration> = times.collect();
    times.sort_unstable();
    times[times.len() / 2]
}

/// Processor time of this process.
fn spent() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    Duration::new(time.tv_sec.try_into().unwrap(), time.tv_nsec.try_into().unwrap())
}

/// A frame of as many processes, a quarter of which did something.
fn busy(base: &Frame, processes: usize, tick: u64) -> Arc<Frame> {
    let mut frame = base.clone();
    frame.seq = tick + 1;
    frame.processes = (0..processes)
        .map(|at| {
            let mut row = base.processes[at % base.processes.len()].clone();
            let pid = u32::try_from(at).unwrap() + 10;
            row.key = ProcessKey { pid, start: Ticks(u64::from(pid)), boot: 1 };
            row.rates.cpu_user = Reading::Known(Cores(0.0));
            row.rates.cpu_system = Reading::Known(Cores(0.0));
            if (at as u64 + tick).is_multiple_of(4) {
                row.rates.cpu_user = Reading::Known(Cores(0.01 + (tick % 7) as f64 / 100.0));
                row.cpu.user = CpuTime(tick * 10_000_000);
                row.faults.minor += tick;
                if let Reading::Known(memory) = &mut row.memory {
                    memory.resident = Bytes(memory.resident.0 + tick * 4096);
                }
            }
            row
        })
        .collect();
    Arc::new(frame)
}

/// Connects, subscribes, and prints the size of a message whenever all have got one.
fn clients(address: SocketAddr, count: usize) {
    let mut sockets: Vec<_> = (0..count)
        .map(|_| {
            let stream = TcpStream::connect(address).unwrap();
            let request = format!("ws://{address}/api/v1/hosts/local/live");
            let (mut socket, _) = tungstenite::client(request, stream).unwrap();
            let ask = r#"{"type":"subscribe","sort":"-cpu","limit":0,"columns":["pid","user","cmd","cpu","rss","pss","read","write","rx","tx","threads","fds","state","age"],"top":{"by":"cpu","n":6}}"#;
            socket.send(tungstenite::Message::text(ask)).unwrap();
            socket
        })
        .collect();
    for socket in &mut sockets {
        // hello, full
        socket.read().unwrap();
        socket.read().unwrap();
    }
    let mut out = std::io::stdout();
    writeln!(out, "ready").unwrap();
    loop {
        let mut bytes = 0;
        for socket in &mut sockets {
            match socket.read() {
                Ok(message) => bytes = message.len(),
                Err(_) => return,
            }
        }
        if writeln!(out, "{bytes}").is_err() {
            return;
        }
    }
}
