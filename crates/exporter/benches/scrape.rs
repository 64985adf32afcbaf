//! What a scrape of this machine costs, and each of its collectors alone: processor time of this process, so that threads
//! which collect and ended ones count as well. Medians; what HTTP adds is measured by `bench/exporter_cost.py`.
//!
//! `cargo bench -p procyon-exporter --bench scrape -- [--rounds N] [FLAGS OF THE EXPORTER]`

#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a program for people at a terminal, stopping at the first surprise"
)]

use std::hint::black_box;
use std::sync::Arc;
use std::time::Duration;

use procyon_exporter::flags::Flags;
use procyon_exporter::scrape;
use procyon_exporter::web::{self, Asked, Exporter};
use procyon_units::SystemClock;
use rustix::time::{ClockId, clock_gettime};

fn main() {
    let mut arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    let rounds = match arguments.iter().position(|argument| argument == "--rounds") {
        Some(at) => arguments.drain(at..at + 2).nth(1).unwrap().parse().unwrap(),
        None => 101,
    };
    procyon_linux::own::raise_descriptor_limit();
    let mut flags = Flags::default();
    flags.declare(web::FLAGS);
    scrape::declare(&mut flags);
    flags.parse(arguments).unwrap();
    let exporter = Arc::new(Exporter::new(&flags, "0", Arc::new(SystemClock)).unwrap());
    let asked = |query: String, encodings: &str| Asked { query, encodings: encodings.into(), ..Asked::default() };
    let mut questions = vec![
        ("everything, as text".to_owned(), asked(String::new(), "")),
        ("everything, gzip".to_owned(), asked(String::new(), "gzip")),
        ("everything, zstd".to_owned(), asked(String::new(), "zstd")),
    ];
    questions.extend(
        exporter.collectors().into_iter().map(|name| (name.to_owned(), asked(format!("collect[]={name}"), ""))),
    );
    let mut costs = vec![Vec::new(); questions.len()];
    let mut sizes = vec![0; questions.len()];
    // The first rounds open files and fill buffers.
    for round in 0..rounds + 3 {
        for (at, (_, question)) in questions.iter().enumerate() {
            let before = spent();
            let answer = black_box(exporter.answer(question));
            let cost = spent().saturating_sub(before);
            assert_eq!(answer.status, 200);
            sizes[at] = answer.body.len();
            if round >= 3 {
                costs[at].push(cost);
            }
        }
    }
    println!("µs of processor time, median of {rounds} rounds (least, most), and bytes");
    for (((name, _), costs), size) in questions.iter().zip(&mut costs).zip(sizes) {
        costs.sort_unstable();
        let [least, median, most] = [0, costs.len() / 2, costs.len() - 1].map(|at| costs[at].as_secs_f64() * 1e6);
        println!("{name:24} {median:8.1} ({least:.1}, {most:.1}) {size}");
    }
}

/// Processor time of this process.
fn spent() -> Duration {
    let now = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(now.tv_sec.try_into().unwrap(), now.tv_nsec.try_into().unwrap())
}
