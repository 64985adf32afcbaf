//! The server: forms, filters, refusals.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::Duration;

use procyon_exporter::web::{Exporter, Listen, Server};
use procyon_units::SystemClock;

use crate::exposition::{flags, read};

/// An answer.
struct Answer {
    status: u16,
    head: String,
    body: Vec<u8>,
}

impl Answer {
    fn text(&self) -> String {
        String::from_utf8(self.body.clone()).unwrap()
    }

    fn header(&self, name: &str) -> Option<&str> {
        let lines = self.head.lines().skip(1).filter_map(|line| line.split_once(": "));
        lines.filter(|(own, _)| own.eq_ignore_ascii_case(name)).map(|(_, value)| value).next()
    }
}

fn ask(address: std::net::SocketAddr, request: &str) -> Answer {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_mins(2))).unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).unwrap();
    let end = bytes.windows(4).position(|window| window == b"\r\n\r\n").expect("an answer with a head");
    let head = String::from_utf8(bytes[..end].to_vec()).unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    Answer { status, head, body: bytes[end + 4..].to_vec() }
}

fn get(address: std::net::SocketAddr, path: &str, headers: &str) -> Answer {
    ask(address, &format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{headers}\r\n"))
}

/// Runs `test` against a server with these flags.
fn with_server(arguments: &[&str], test: impl FnOnce(std::net::SocketAddr)) {
    let mut all = vec!["--web.listen-address=127.0.0.1:0", "--collector.deadline=60s"];
    all.extend(arguments);
    let flags = flags(&all);
    let exporter = Exporter::new(&flags, "1.2.3", Arc::new(SystemClock)).unwrap();
    let (tell, told) = std::sync::mpsc::sync_channel(1);
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let serving = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let server = Server::start(exporter, &Listen::new(&flags)).await.unwrap();
            tell.send(*server.addresses().first().unwrap()).unwrap();
            // Also when the test ends early.
            drop(stopped.await);
            server.stop().await;
        });
    });
    test(told.recv().unwrap());
    stop.send(()).unwrap();
    serving.join().unwrap();
}

const FEW: &[&str] = &["--collector.disable-defaults", "--collector.loadavg", "--collector.stat"];

#[test]
fn metrics_come_as_text_or_openmetrics_and_compressed_when_asked() {
    with_server(FEW, |address| {
        let plain = get(address, "/metrics", "");
        assert_eq!(
            (plain.status, plain.header("content-type")),
            (200, Some("text/plain; version=0.0.4; charset=utf-8"))
        );
        let families = read(&plain.text());
        for name in [
            "node_load1",
            "node_exporter_build_info",
            "process_cpu_seconds_total",
            "promhttp_metric_handler_requests_total",
        ] {
            assert!(families.contains_key(name), "{name} is missing");
        }
        assert!(plain.text().contains("version=\"1.2.3\""));
        let open = get(address, "/metrics", "Accept: application/openmetrics-text;version=1.0.0\r\n");
        assert_eq!(open.header("content-type"), Some("application/openmetrics-text; version=1.0.0; charset=utf-8"));
        assert!(open.text().ends_with("# EOF\n") && open.text().contains("# TYPE node_forks counter\n"));
        let small = get(address, "/metrics", "Accept-Encoding: gzip\r\n");
        assert_eq!(small.header("content-encoding"), Some("gzip"));
        let mut text = String::new();
        flate2::read::GzDecoder::new(&*small.body).read_to_string(&mut text).unwrap();
        assert!(read(&text).contains_key("node_load1") && small.body.len() < text.len());
    });
}

#[test]
fn filters_choose_collectors_and_mistakes_are_told() {
    with_server(FEW, |address| {
        let one = get(address, "/metrics?collect[]=loadavg", "").text();
        assert!(one.contains("node_load1 ") && !one.contains("node_forks_total") && !one.contains("promhttp_"));
        let rest = get(address, "/metrics?exclude[]=loadavg", "").text();
        assert!(!rest.contains("node_load1 ") && rest.contains("node_forks_total"));
        for query in ["collect[]=nothing", "collect[]=stat&exclude[]=loadavg", "exclude[]=cpu"] {
            assert_eq!(get(address, &format!("/metrics?{query}"), "").status, 400, "{query}");
        }
    });
}

#[test]
fn other_paths_and_methods_are_refused_and_the_first_page_leads_on() {
    with_server(&["--web.telemetry-path=/m", "--collector.disable-defaults"], |address| {
        assert_eq!(get(address, "/m", "").status, 200);
        assert_eq!(get(address, "/metrics", "").status, 404);
        let page = get(address, "/", "");
        assert!(page.status == 200 && page.text().contains("<a href=\"/m\">"));
        let post = ask(address, "POST /m HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
        assert_eq!((post.status, post.header("allow")), (405, Some("GET, HEAD")));
        let head = ask(address, "HEAD /m HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
        assert!(head.status == 200 && head.body.is_empty());
        assert_eq!(ask(address, "nonsense\r\n\r\n").status, 400);
    });
}

#[test]
fn what_the_exporter_says_of_itself_can_be_left_out() {
    with_server(
        &["--web.disable-exporter-metrics", "--collector.disable-defaults", "--collector.loadavg"],
        |address| {
            let text = get(address, "/metrics", "X-Prometheus-Scrape-Timeout-Seconds: 30\r\n").text();
            assert!(text.contains("node_load1 ") && !text.contains("promhttp_") && !text.contains("process_"));
        },
    );
}

#[test]
fn flags_that_cannot_be_kept_are_refused_at_the_start() {
    for arguments in [
        &["--web.config.file=x"][..],
        &["--web.systemd-socket"],
        &["--web.telemetry-path=metrics"],
        &["--web.max-requests=many"],
        &["--collector.deadline=5"],
    ] {
        assert!(Exporter::new(&flags(arguments), "1", Arc::new(SystemClock)).is_err(), "{arguments:?}");
    }
    for address in ["vsock://:9100", "nonsense", "127.0.0.1:99999", ":"] {
        let flags = flags(&["--collector.disable-defaults", &format!("--web.listen-address={address}")]);
        let exporter = Exporter::new(&flags, "1", Arc::new(SystemClock)).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        assert!(runtime.block_on(Server::start(exporter, &Listen::new(&flags))).is_err(), "{address}");
    }
}
