//! X4: bursts of questions and of live clients leave memory bounded, and those who ask calmly answered.

use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};

use procyon_testkit::eventually;
use serde_json::json;

use crate::harness::{Live, SOON, Up};

/// Processes besides those of the machine.
const CROWD: usize = 400;
/// What a burst may take, in MiB.
const MOST: u64 = 128;

/// Processes that sleep until they are let go.
struct Crowd(Vec<Child>);

impl Crowd {
    fn gather() -> Self {
        let sleeper = |_| Command::new("sleep").arg("600").stdin(Stdio::null()).spawn().unwrap();
        Self((0..CROWD).map(sleeper).collect())
    }
}

impl Drop for Crowd {
    fn drop(&mut self) {
        for child in &mut self.0 {
            child.kill().ok();
        }
        for child in &mut self.0 {
            child.wait().ok();
        }
    }
}

/// Its largest resident memory so far, in MiB.
fn high_water(up: &Up) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", up.pid())).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() / 1024
}

#[test]
fn a_burst_of_questions_about_the_past_leaves_memory_bounded() {
    let _crowd = Crowd::gather();
    let mut up = Up::start();
    let (from, to) = eventually("three seconds of history", SOON, || {
        let state = up.get("/hosts/local/history").good();
        let (from, to) = (state["from"].as_i64()?, state["to"].as_i64()?);
        (to - from > 3000).then_some((from, to))
    });
    let (asked, late) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let burst = |token: Option<&str>, count: usize, path: &(dyn Fn(usize) -> String + Sync)| {
        loop {
            let n = asked.fetch_add(1, Ordering::Relaxed);
            if n >= count {
                return;
            }
            let answer = up.get_as(token, &path(n));
            if answer.status == 503 {
                assert!(answer.header("retry-after").is_some(), "{}", answer.text());
                late.fetch_add(1, Ordering::Relaxed);
            } else {
                answer.good();
            }
        }
    };
    let span = usize::try_from(to - from).unwrap();
    let at = |n: usize| from + i64::try_from(n * 97 % span).unwrap();
    let top = |_: usize| "/hosts/local/top?by=cpu&from=-29m&n=6&group=name".to_owned();
    let past = |n: usize| format!("/hosts/local/processes?limit=0&columns=*&at={}", at(n));
    for (token, at_once, count, path) in [
        (None, 8, 24, &top as &(dyn Fn(usize) -> String + Sync)),
        (None, 16, 64, &past),
        (Some(up.token.as_str()), 16, 64, &past),
    ] {
        asked.store(0, Ordering::Relaxed);
        std::thread::scope(|scope| {
            for _ in 0..at_once {
                scope.spawn(|| burst(token, count, path));
            }
            // Whoever shows a token does not stand behind those who show none.
            if token.is_none() {
                up.get(&format!("/hosts/local/figures?at={to}")).good();
            }
        });
    }
    assert!(late.load(Ordering::Relaxed) < 76, "half of all are answered at least");
    assert!(high_water(&up) < MOST, "{} MiB", high_water(&up));
    up.still_runs();
}

#[test]
fn many_live_clients_with_filters_of_their_own_leave_memory_bounded() {
    let _crowd = Crowd::gather();
    let mut up = Up::start();
    let before = high_water(&up);
    let mut clients: Vec<Live> = (0..100)
        .map(|n| {
            let columns = ["pid", "name", "user", "cpu", "rss", "read", "write", "threads", "fds", "state"];
            up.live(&json!({ "type": "subscribe", "q": format!("pid > {n}"), "columns": columns }))
        })
        .collect();
    for client in &mut clients {
        client.next_of("full");
    }
    for client in &mut clients {
        client.next_of("delta");
    }
    drop(clients);
    eventually("their places are free", SOON, || (up.get("/health").good()["clients"]["live"] == 0).then_some(()));
    let after = high_water(&up);
    assert!(after < MOST, "{before} MiB, then {after} MiB");
    up.still_runs();
}
