//! Beside the node_exporter that Debian packages, where it is installed: what it serves here, ours serves, too.

use std::collections::BTreeSet;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use crate::exposition::{read, scrape};

/// What upstream serves and we do not, each with its reason.
const WITHOUT: &[&str] = &[
    // The exporter of itself; the server adds ours, and there is no Go.
    "go_",
    "process_",
    "promhttp_",
    "node_exporter_build_info",
];

struct Upstream {
    child: Child,
    port: u16,
}

impl Drop for Upstream {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// Collectors of both that are off unless asked for and need nothing but the kernel.
const ASKED_FOR: [&str; 3] = ["--collector.ethtool", "--collector.network_route", "--collector.perf"];

/// The installed one on a free port; none where it is not installed.
fn start() -> Option<Upstream> {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let child = Command::new("prometheus-node-exporter")
        .arg(format!("--web.listen-address=127.0.0.1:{port}"))
        .args(["--no-collector.systemd", "--collector.textfile.directory="])
        .args(ASKED_FOR)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .ok()?;
    Some(Upstream { child, port })
}

fn fetch(upstream: &mut Upstream) -> String {
    // A minute of tries: on a busy machine it may take a while to listen.
    for _ in 0..600 {
        assert!(upstream.child.try_wait().unwrap().is_none(), "node_exporter ended");
        let Ok(mut stream) = TcpStream::connect(("127.0.0.1", upstream.port)) else {
            std::thread::park_timeout(Duration::from_millis(100));
            continue;
        };
        stream.set_read_timeout(Some(Duration::from_mins(2))).unwrap();
        stream.write_all(b"GET /metrics HTTP/1.0\r\nHost: x\r\n\r\n").unwrap();
        let mut text = String::new();
        stream.read_to_string(&mut text).unwrap();
        return text.split_once("\r\n\r\n").unwrap().1.to_owned();
    }
    panic!("node_exporter does not listen");
}

#[test]
fn every_family_and_its_labels_are_served_as_by_the_packaged_node_exporter() {
    let Some(mut upstream) = start() else {
        println!("skipped: prometheus-node-exporter is not installed");
        return;
    };
    let theirs = fetch(&mut upstream);
    let ours = scrape(&[&["--collector.deadline=120s"], &ASKED_FOR[..]].concat());
    let names = read(&ours);
    let labels = |text: &str| -> BTreeSet<(String, Vec<String>)> {
        let samples = text.lines().filter(|line| !line.starts_with('#'));
        samples.filter_map(|line| Some(named(line.rsplit_once(' ')?.0))).collect()
    };
    let (their_labels, our_labels) = (labels(&theirs), labels(&ours));
    let skipped = |name: &str| WITHOUT.iter().any(|prefix| name.starts_with(prefix));
    let missing: Vec<_> = their_labels
        .iter()
        .filter(|(name, _)| !skipped(name) && !names.contains_key(name))
        .map(|(name, _)| name)
        .collect();
    assert!(missing.is_empty(), "families that only node_exporter serves: {missing:?}");
    let strange: Vec<_> = their_labels
        .iter()
        .filter(|(name, labels)| !skipped(name) && !our_labels.contains(&(name.clone(), labels.clone())))
        .filter(|(name, _)| !newer(name))
        .collect();
    assert!(strange.is_empty(), "families whose labels differ: {strange:?}");
}

/// Families that got labels since the version that Debian has.
fn newer(name: &str) -> bool {
    name.starts_with("node_filesystem_") || matches!(name, "node_disk_info" | "node_network_info" | "node_udp_queues")
}

/// The name of a series and the names of its labels.
fn named(series: &str) -> (String, Vec<String>) {
    let Some((name, labels)) = series.split_once('{') else { return (series.to_owned(), Vec::new()) };
    // A label's name stands before an equals sign and a quote, outside of values.
    let mut names = Vec::new();
    let mut rest = labels;
    while let Some((label, after)) = rest.split_once("=\"") {
        names.push(label.trim_start_matches(',').to_owned());
        let mut end = 0;
        let bytes = after.as_bytes();
        while end < bytes.len() && bytes[end] != b'"' {
            end += if bytes[end] == b'\\' { 2 } else { 1 };
        }
        rest = after.get(end + 1..).unwrap_or_default();
    }
    (name.to_owned(), names)
}
