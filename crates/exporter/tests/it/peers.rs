//! Collectors that ask other programs: each against one that the test is itself.

use std::io::{Read, Write};
use std::net::{TcpListener, UdpSocket};
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::time::Duration;

use crate::exposition::{read, scrape};

/// One collector alone.
fn alone(collector: &str, flags: &[String]) -> String {
    let switch = format!("--collector.{collector}");
    let mut arguments = vec!["--collector.disable-defaults", "--collector.deadline=120s", &switch];
    arguments.extend(flags.iter().map(String::as_str));
    scrape(&arguments)
}

fn succeeds(text: &str) -> bool {
    text.lines().any(|line| line.starts_with("node_scrape_collector_success{") && line.ends_with(" 1"))
}

fn holds(text: &str, lines: &[&str]) {
    for line in lines {
        assert!(text.lines().any(|own| own == *line), "{line} is missing in\n{text}");
    }
}

#[test]
fn services_of_runit_are_told_by_what_stands_beside_them() {
    let folder = tempfile::tempdir().unwrap();
    // The time as TAI64N, process id, paused, wanted, to be ended, state.
    let service = |path: &Path, since: u64, wanted: u8, state: u8| {
        std::fs::create_dir_all(path.join("supervise")).unwrap();
        let mut status = ((1_u64 << 62) + 10 + since).to_be_bytes().to_vec();
        status.extend([0, 0, 0, 1, 123, 0, 0, 0, 0, wanted, 0, state]);
        std::fs::write(path.join("supervise/status"), status).unwrap();
    };
    let services = folder.path().join("services");
    service(&services.join("web"), 1_700_000_000, b'u', 1);
    service(&services.join("halted"), 1_700_000_001, b'd', 0);
    std::fs::write(services.join("halted/down"), "").unwrap();
    service(&folder.path().join("elsewhere"), 1_700_000_002, b'u', 2);
    std::os::unix::fs::symlink(folder.path().join("elsewhere"), services.join("linked")).unwrap();
    // Neither of these is a service that is supervised.
    std::fs::create_dir(services.join("new")).unwrap();
    std::fs::write(services.join("README"), "").unwrap();

    let flag = format!("--collector.runit.servicedir={}", services.display());
    let text = alone("runit", &[flag]);
    assert!(succeeds(&text), "{text}");
    assert_eq!(read(&text).get("node_service_state"), Some(&3));
    holds(
        &text,
        &[
            "# HELP node_service_state State of runit service.",
            "# TYPE node_service_state gauge",
            "node_service_state{service=\"halted\",supervisor=\"runit\"} 0",
            "node_service_state{service=\"linked\",supervisor=\"runit\"} 2",
            "node_service_state{service=\"web\",supervisor=\"runit\"} 1",
            "node_service_desired_state{service=\"halted\",supervisor=\"runit\"} 0",
            "node_service_desired_state{service=\"linked\",supervisor=\"runit\"} 1",
            "node_service_normal_state{service=\"halted\",supervisor=\"runit\"} 0",
            "node_service_normal_state{service=\"web\",supervisor=\"runit\"} 1",
            "node_service_state_last_change_timestamp_seconds{service=\"linked\",supervisor=\"runit\"} 1.700000002e+09",
        ],
    );
    assert!(!succeeds(&alone("runit", &["--collector.runit.servicedir=/nowhere/at/all".to_owned()])));
}

const PROCESSES: &str = "<?xml version='1.0'?>\n<methodResponse>\n<params>\n<param>\n<value><array><data>\n\
    <value><struct>\n<member>\n<name>name</name>\n<value><string>web</string></value>\n</member>\n\
    <member><name>group</name><value><string>a&amp;b</string></value></member>\
    <member><name>start</name><value><int>1700000000</int></value></member>\
    <member><name>state</name><value><int>20</int></value></member>\
    <member><name>exitstatus</name><value><int>0</int></value></member></struct></value>\n\
    <value><struct><member><name>name</name><value><string>job</string></value></member>\
    <member><name>group</name><value><string>jobs</string></value></member>\
    <member><name>start</name><value><int>1700000007</int></value></member>\
    <member><name>state</name><value><int>100</int></value></member>\
    <member><name>exitstatus</name><value><int>3</int></value></member></struct></value>\n\
    </data></array></value>\n</param>\n</params>\n</methodResponse>\n";

/// Takes one request, whole, and answers it. What was asked.
fn answer(mut stream: impl Read + Write, status: &str, body: &str) -> String {
    let mut request = Vec::new();
    while !request.ends_with(b"</methodCall>") {
        let mut piece = [0; 4096];
        let length = stream.read(&mut piece).unwrap();
        assert!(length > 0, "{}", String::from_utf8_lossy(&request));
        request.extend_from_slice(&piece[..length]);
    }
    let length = body.len();
    write!(stream, "HTTP/1.0 {status}\r\nContent-Length: {length}\r\nServer: x\r\n\r\n{body}").unwrap();
    String::from_utf8(request).unwrap()
}

const SERVED: &[&str] = &[
    "# HELP node_supervisord_up Process Up",
    "# TYPE node_supervisord_start_time_seconds counter",
    "node_supervisord_exit_status{group=\"a&b\",name=\"web\"} 0",
    "node_supervisord_exit_status{group=\"jobs\",name=\"job\"} 3",
    "node_supervisord_start_time_seconds{group=\"a&b\",name=\"web\"} 1.7e+09",
    "node_supervisord_state{group=\"a&b\",name=\"web\"} 20",
    "node_supervisord_state{group=\"jobs\",name=\"job\"} 100",
    "node_supervisord_up{group=\"a&b\",name=\"web\"} 1",
    "node_supervisord_up{group=\"jobs\",name=\"job\"} 0",
];

#[test]
fn processes_of_supervisord_are_asked_for_over_http() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let server = std::thread::spawn(move || {
        let request = answer(listener.accept().unwrap().0, "200 OK", PROCESSES);
        answer(listener.accept().unwrap().0, "401 Unauthorized", "");
        request
    });
    let url = format!("--collector.supervisord.url=http://ada:secret@localhost:{port}/RPC2");
    let text = alone("supervisord", std::slice::from_ref(&url));
    assert!(succeeds(&text), "{text}");
    holds(&text, SERVED);
    assert_eq!(read(&text).get("node_supervisord_start_time_seconds"), Some(&1));
    // The second time it refuses; the third time nobody listens.
    assert!(!succeeds(&alone("supervisord", std::slice::from_ref(&url))));
    let request = server.join().unwrap();
    assert!(request.starts_with("POST /RPC2 HTTP/1.0\r\n"), "{request}");
    for part in
        ["\r\nAuthorization: Basic YWRhOnNlY3JldA==\r\n", "<methodName>supervisor.getAllProcessInfo</methodName>"]
    {
        assert!(request.contains(part), "{request}");
    }
    assert!(!succeeds(&alone("supervisord", &[url])));
}

#[test]
fn processes_of_supervisord_are_asked_for_over_a_unix_socket() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("supervisor.sock");
    let listener = UnixListener::bind(&path).unwrap();
    let server = std::thread::spawn(move || answer(listener.accept().unwrap().0, "200 OK", PROCESSES));
    let text = alone("supervisord", &[format!("--collector.supervisord.url=unix://{}", path.display())]);
    assert!(succeeds(&text), "{text}");
    holds(&text, SERVED);
    assert!(server.join().unwrap().starts_with("POST /RPC2 HTTP/1.0\r\n"));
}

/// Answers one question as a server two hops from a clock, whose own clock is ahead by some seconds.
fn tell_time(socket: &UdpSocket, ahead: Duration) -> Vec<u8> {
    let mut question = [0; 100];
    let (length, client) = socket.recv_from(&mut question).unwrap();
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap() + ahead;
    // Seconds since 1900, and 2^32nds of them.
    let time = |time: Duration| {
        let whole = u32::try_from(time.as_secs() + 2_208_988_800).unwrap();
        let part = u32::try_from((u64::from(time.subsec_nanos()) << 32) / 1_000_000_000).unwrap();
        [whole.to_be_bytes(), part.to_be_bytes()].concat()
    };
    // Leap 1, version 4, server; stratum, poll, precision; root delay 0.5 s, root dispersion 0.25 s, reference.
    let mut answer = vec![0b0110_0100, 2, 6, 0xec, 0, 0, 0x80, 0, 0, 0, 0x40, 0];
    answer.extend(b"LOCL");
    answer.extend(time(now.checked_sub(Duration::from_mins(1)).unwrap()));
    answer.extend(&question[40..48]);
    answer.extend(time(now));
    answer.extend(time(now));
    socket.send_to(&answer, client).unwrap();
    question[..length].to_vec()
}

#[test]
fn a_time_server_of_this_machine_is_asked_and_judged() {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let port = format!("--collector.ntp.server-port={}", socket.local_addr().unwrap().port());
    let server = std::thread::spawn(move || {
        let question = tell_time(&socket, Duration::ZERO);
        tell_time(&socket, Duration::from_secs(100));
        question
    });
    // A leap second is announced: a second more is tolerated, and this machine may be slow.
    let tolerance = "--collector.ntp.local-offset-tolerance=60s".to_owned();
    let version = "--collector.ntp.protocol-version=3".to_owned();
    let text = alone("ntp", &[port.clone(), tolerance.clone(), version]);
    assert!(succeeds(&text), "{text}");
    holds(
        &text,
        &[
            "# HELP node_ntp_stratum NTPD stratum.",
            "# TYPE node_ntp_stratum gauge",
            "node_ntp_stratum 2",
            "node_ntp_leap 1",
            "node_ntp_root_delay_seconds 0.5",
            "node_ntp_root_dispersion_seconds 0.25",
            "node_ntp_sanity 1",
        ],
    );
    let value = |text: &str, name: &str| -> f64 {
        let line = text.lines().find(|line| line.starts_with(&format!("{name} "))).unwrap();
        line.rsplit_once(' ').unwrap().1.parse().unwrap()
    };
    assert!(value(&text, "node_ntp_offset_seconds").abs() < 1.0, "{text}");
    assert!((0.0..2.0).contains(&value(&text, "node_ntp_rtt_seconds")), "{text}");
    let text = alone("ntp", &[port.clone(), tolerance]);
    assert!((99.0..101.0).contains(&value(&text, "node_ntp_offset_seconds")), "{text}");
    holds(&text, &["node_ntp_sanity 0"]);
    // Version 3, client.
    assert_eq!(server.join().unwrap().first(), Some(&0b0001_1011));
    // Nobody answers any more.
    assert!(!succeeds(&alone("ntp", &[port])));
}

#[test]
fn time_servers_of_others_are_asked_only_when_told_so() {
    use procyon_exporter::scrape::Collectors;
    let make = |arguments: &[&str]| {
        let all = [&["--collector.ntp"], arguments].concat();
        Collectors::new(&crate::exposition::flags(&all), std::sync::Arc::new(procyon_units::SystemClock)).is_ok()
    };
    for (arguments, accepted) in [
        (&["--collector.ntp.server=::1"][..], true),
        (&["--collector.ntp.server=192.0.2.1"], false),
        (&["--collector.ntp.server=localhost"], false),
        (&["--collector.ntp.server=192.0.2.1", "--collector.ntp.server-is-local"], true),
        (&["--collector.ntp.protocol-version=5"], false),
        (&["--collector.ntp.server-port=0"], false),
        (&["--collector.ntp.local-offset-tolerance=-1s"], false),
        (&["--collector.ntp.ip-ttl=256"], false),
    ] {
        assert_eq!(make(arguments), accepted, "{arguments:?}");
    }
}
