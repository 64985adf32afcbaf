//! What counting network bytes costs those who send and receive.
//!
//! Rounds with and without the programs are interleaved; everything runs in this thread, whose processor time counts; figures
//! are medians. `--json` prints one object, `--check` fails when a budget of docs/benchmarks.md is passed, `--rounds N`
//! chooses how many rounds there are.

#![expect(
    clippy::expect_used,
    clippy::print_stdout,
    clippy::cast_precision_loss,
    clippy::indexing_slicing,
    reason = "a measuring program: it prints, and stops at the first surprise"
)]

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::path::Path;
use std::time::Duration;

use procyon_bpf::Kernel;
use procyon_bpf::network::Network;
use rustix::time::{ClockId, clock_gettime};

const ROUNDS: usize = 25;
/// What a round measures, with the largest growth of its cost that is allowed.
const KINDS: [(&str, Option<f64>); 4] = [
    ("TCP, 1 byte there and back", Some(0.15)),
    ("TCP, 64 KiB", Some(0.03)),
    ("UDP, 1000 bytes", None),
    ("connect, 100 and 1000 bytes, close", None),
];

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let has = |flag: &str| arguments.iter().any(|argument| argument == flag);
    let rounds = arguments.iter().position(|argument| argument == "--rounds");
    let rounds = rounds.and_then(|at| arguments.get(at + 1)).and_then(|count| count.parse().ok()).unwrap_or(ROUNDS);
    if let Err(error) = load() {
        println!("not measured: {error}");
        return;
    }
    let mut places = Places::new();
    let mut times: [[Vec<f64>; 2]; 4] = Default::default();
    for round in 0..=rounds {
        // Which one comes first changes from round to round.
        for turn in 0..2 {
            let counted = (round + turn) % 2;
            let network = (counted == 1).then(|| load().expect("it loaded before"));
            let measured = places.measure();
            drop(network);
            // The first round fills caches.
            if round > 0 {
                for (times, measured) in times.iter_mut().zip(measured) {
                    times[counted].push(measured);
                }
            }
        }
    }
    let mut passed = true;
    for ((name, budget), [without, with]) in KINDS.iter().zip(&mut times) {
        // Each round is compared with its neighbour, so that what else the machine does falls on both.
        let mut growths: Vec<f64> =
            without.iter().zip(with.iter()).map(|(without, with)| with / without - 1.0).collect();
        let (growth, without, with) = (median(&mut growths), median(without), median(with));
        passed &= budget.is_none_or(|budget| growth <= budget);
        if has("--json") {
            println!(
                r#"{{"what":"{name}","rounds":{rounds},"ns":{without:.0},"ns_counted":{with:.0},"growth":{growth:.4}}}"#
            );
        } else {
            let allowed = budget.map_or_else(String::new, |budget| format!(" (≤ {:.0} %)", budget * 100.0));
            println!("{name:<36} {without:8.0} ns, counted {with:8.0} ns: {:+5.1} %{allowed}", growth * 100.0);
        }
    }
    if has("--check") && !passed {
        println!("a budget is passed");
        std::process::exit(1);
    }
}

fn load() -> Result<Network, procyon_bpf::LoadError> {
    let sys = Path::new("/sys");
    Network::load(&Kernel::open(sys)?, sys)
}

struct Places {
    listener: TcpListener,
    client: TcpStream,
    server: TcpStream,
    from: UdpSocket,
    to: UdpSocket,
    buffer: Vec<u8>,
}

impl Places {
    fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("it listens");
        let client = TcpStream::connect(listener.local_addr().expect("an address")).expect("it connects");
        let (server, _) = listener.accept().expect("it accepts");
        client.set_nodelay(true).expect("an option");
        server.set_nodelay(true).expect("an option");
        let (from, to) = (UdpSocket::bind("127.0.0.1:0"), UdpSocket::bind("127.0.0.1:0"));
        let (from, to) = (from.expect("it binds"), to.expect("it binds"));
        from.connect(to.local_addr().expect("an address")).expect("it connects");
        Self { listener, client, server, from, to, buffer: vec![1; 64 << 10] }
    }

    /// Nanoseconds of processor time for one of each kind.
    fn measure(&mut self) -> [f64; 4] {
        let Self { listener, client, server, from, to, buffer } = self;
        let byte = &mut [1];
        let small = timed(6000, || {
            client.write_all(byte).expect("it sends");
            server.read_exact(byte).expect("it receives");
            server.write_all(byte).expect("it sends");
            client.read_exact(byte).expect("it receives");
        });
        let large = timed(3000, || {
            client.write_all(buffer).expect("it sends");
            server.read_exact(buffer).expect("it receives");
        });
        let datagram = timed(10_000, || {
            from.send(&buffer[..1000]).expect("it sends");
            to.recv(buffer).expect("it receives");
        });
        let address = listener.local_addr().expect("an address");
        let short = timed(1000, || {
            let mut client = TcpStream::connect(address).expect("it connects");
            let (mut server, _) = listener.accept().expect("it accepts");
            client.write_all(&buffer[..100]).expect("it sends");
            server.read_exact(&mut buffer[..100]).expect("it receives");
            server.write_all(&buffer[..1000]).expect("it sends");
            client.read_exact(&mut buffer[..1000]).expect("it receives");
        });
        [small, large, datagram, short]
    }
}

fn timed(count: u32, mut work: impl FnMut()) -> f64 {
    let before = cpu();
    for _ in 0..count {
        work();
    }
    cpu().saturating_sub(before).as_nanos() as f64 / f64::from(count)
}

fn cpu() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(u64::try_from(time.tv_sec).unwrap_or(0), u32::try_from(time.tv_nsec).unwrap_or(0))
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
