//! `procyon exporter` asks a real systemd and a real systemd-logind, over a real bus and without one.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use procyon_testkit::eventually;

use crate::exporter::{Exporter, HAND_OVER};
use crate::harness::SOON;
use crate::http::{self, Place};

const WORLD: &str = include_str!("systemd/world.sh");
/// What the world is made of.
const PARTS: [&str; 3] = ["/usr/lib/systemd/systemd", "/usr/lib/systemd/systemd-logind", "/usr/bin/dbus-daemon"];
const APART: &[&str] = &["--mount", "--pid", "--cgroup", "--fork", "--kill-child", "--mount-proc"];
/// The same bus by its address; without it the usual place leads there as well.
const BUS: &str = "DBUS_SYSTEM_BUS_ADDRESS=unix:path=/run/user/0/bus";
const NO_BUS: &str = "DBUS_SYSTEM_BUS_ADDRESS=unix:path=/run/nowhere";

const BOTH: &[&str] = &["--collector.disable-defaults", "--collector.systemd", "--collector.logind"];
/// Debian's package leaves out targets as well.
const ALL: &[&str] = &[
    "--collector.systemd.unit-exclude=.+\\.(automount|device|mount|scope|slice)",
    "--collector.systemd.enable-task-metrics",
    "--collector.systemd.enable-restarts-metrics",
    "--collector.systemd.enable-start-time-metrics",
];

/// Units, sessions and a bus that nobody else sees.
struct World {
    unshare: Child,
    cgroup: String,
    pid: String,
}

impl World {
    /// None, with a word about it, where one cannot be made.
    #[expect(clippy::print_stderr, reason = "a test that is skipped says so")]
    fn start() -> Option<Self> {
        let made = Command::new("unshare").args(APART).args(["true"]).stderr(Stdio::null()).status();
        let missing = PARTS.iter().find(|part| std::fs::metadata(part).is_err());
        if !rustix::process::geteuid().is_root() || !made.is_ok_and(|status| status.success()) || missing.is_some() {
            eprintln!("skipped: this user may not make namespaces, or there is no {missing:?}");
            return None;
        }
        let cgroup = format!("procyon-test-{}", std::process::id());
        let mut unshare = Command::new("unshare");
        unshare.args(APART).args(["sh", "-c", WORLD, "world", &cgroup]).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut unshare = unshare.spawn().unwrap();
        let mut line = String::new();
        BufReader::new(unshare.stdout.take().unwrap()).read_line(&mut line).unwrap();
        assert_eq!(line, "ready\n", "what went wrong stands above");
        let own = unshare.id();
        let pid = std::fs::read_to_string(format!("/proc/{own}/task/{own}/children")).unwrap().trim().to_owned();
        Some(Self { unshare, cgroup, pid })
    }

    /// What stands before a command that is to run there: systemd lets in only who is of the same process namespace.
    fn inside<'a>(&'a self, environment: &'a str) -> Vec<&'a str> {
        vec!["nsenter", "--target", &self.pid, "--mount", "--pid", "env", "-u", "DBUS_SYSTEM_BUS_ADDRESS", environment]
    }

    /// One scrape of an exporter there, as sorted lines of what it says of systemd and logind.
    fn scrape(&self, environment: &str, flags: &[&str]) -> BTreeSet<String> {
        let exporter = Exporter::start(&self.inside(environment), HAND_OVER, &[], &[BOTH, flags].concat());
        told(&exporter.scrape().text())
    }
}

impl Drop for World {
    fn drop(&mut self) {
        // The world ends with its input; then its cgroup is empty.
        drop(self.unshare.stdin.take());
        drop(self.unshare.wait());
        let clear = "mount -t cgroup2 cgroup2 /mnt && find \"/mnt/$1\" -depth -type d -exec rmdir {} +";
        drop(Command::new("unshare").args(["--mount", "--cgroup", "sh", "-c", clear, "sh", &self.cgroup]).status());
    }
}

/// Lines of the families of the two collectors, and whether they succeeded.
fn told(text: &str) -> BTreeSet<String> {
    let mine = |line: &&str| {
        let line = line.trim_start_matches("# HELP ").trim_start_matches("# TYPE ");
        ["node_systemd_", "node_logind_", "node_scrape_collector_success{"].iter().any(|start| line.starts_with(start))
    };
    text.lines().filter(mine).map(str::to_owned).collect()
}

fn holds(lines: &BTreeSet<String>, expected: &[&str]) {
    for line in expected {
        assert!(lines.contains(*line), "{line} is missing in {lines:#?}");
    }
}

/// What the world has made, whatever else is installed on this machine.
const MADE: &[&str] = &[
    "# HELP node_logind_sessions Number of sessions registered in logind.",
    "# HELP node_systemd_socket_refused_connections_total Total number of refused socket connections",
    "# HELP node_systemd_unit_state Systemd unit",
    "# TYPE node_systemd_service_restart_total counter",
    "# TYPE node_systemd_socket_accepted_connections_total counter",
    "# TYPE node_systemd_socket_refused_connections_total gauge",
    "# TYPE node_systemd_version gauge",
    "node_logind_sessions{class=\"greeter\",remote=\"false\",seat=\"\",type=\"wayland\"} 1",
    "node_logind_sessions{class=\"user\",remote=\"false\",seat=\"\",type=\"tty\"} 0",
    "node_logind_sessions{class=\"user\",remote=\"true\",seat=\"\",type=\"tty\"} 2",
    "node_scrape_collector_success{collector=\"logind\"} 1",
    "node_scrape_collector_success{collector=\"systemd\"} 1",
    "node_systemd_service_restart_total{name=\"again.service\"} 2",
    "node_systemd_service_restart_total{name=\"runs.service\"} 0",
    "node_systemd_socket_accepted_connections_total{name=\"listens.socket\"} 1",
    "node_systemd_socket_current_connections{name=\"listens.socket\"} 1",
    "node_systemd_socket_refused_connections_total{name=\"listens.socket\"} 1",
    "node_systemd_system_running 0",
    "node_systemd_unit_start_time_seconds{name=\"fails.service\"} 0",
    "node_systemd_unit_state{name=\"again.service\",state=\"active\",type=\"exec\"} 1",
    "node_systemd_unit_state{name=\"fails.service\",state=\"active\",type=\"oneshot\"} 0",
    "node_systemd_unit_state{name=\"fails.service\",state=\"failed\",type=\"oneshot\"} 1",
    "node_systemd_unit_state{name=\"listens.socket\",state=\"active\",type=\"\"} 1",
    "node_systemd_unit_state{name=\"odd\\\\x2dname:1@a.b.service\",state=\"active\",type=\"oneshot\"} 1",
    "node_systemd_unit_tasks_max{name=\"runs.service\"} 42",
    "node_systemd_units{state=\"failed\"} 1",
];

#[test]
fn units_and_sessions_are_told_as_by_the_packaged_node_exporter() {
    let Some(world) = World::start() else { return };
    let ours = world.scrape(BUS, ALL);
    holds(&ours, MADE);
    let has = |start: &str| ours.iter().any(|line| line.starts_with(start));
    assert!(has("node_systemd_virtualization_info{virtualization_type=\"") && has("node_systemd_version{version=\""));
    let time = |series: &str| -> f64 {
        let line = ours.iter().find(|line| line.starts_with(series)).unwrap();
        line.rsplit_once(' ').unwrap().1.parse().unwrap()
    };
    let (started, ticked) = (
        time("node_systemd_unit_start_time_seconds{name=\"ticks.timer\"}"),
        time("node_systemd_timer_last_trigger_seconds{name=\"ticks.timer\"}"),
    );
    assert!(started > 1.6e9 && (started - 1.0..started + 600.0).contains(&ticked), "{started} {ticked}");
    // Mounts are left out unless asked for.
    assert!(!has("node_systemd_unit_state{name=\"-.mount\""));

    let Some(theirs) = upstream(&world) else {
        println!("not compared: prometheus-node-exporter is not installed");
        return;
    };
    // Upstream tells of virtualization since 1.10.
    let newer = |line: &&String| line.contains("node_systemd_virtualization_info");
    let ours: BTreeSet<String> = ours.iter().filter(|line| !newer(line)).cloned().collect();
    let theirs: BTreeSet<String> = theirs.iter().filter(|line| !newer(line)).cloned().collect();
    let (more, less): (Vec<_>, Vec<_>) = (ours.difference(&theirs).collect(), theirs.difference(&ours).collect());
    assert!(more.is_empty() && less.is_empty(), "only ours: {more:#?}; only theirs: {less:#?}");
}

/// What Debian's node_exporter tells there; none where it is not installed.
fn upstream(world: &World) -> Option<BTreeSet<String>> {
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let command = world.inside(BUS);
    let program = "/usr/bin/prometheus-node-exporter";
    std::fs::metadata(program).ok()?;
    let mut child = Command::new(command[0])
        .args(&command[1..])
        .args([program, &format!("--web.listen-address={port}")])
        .args([BOTH, ALL].concat())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    eventually("node_exporter listens", SOON, || std::net::TcpStream::connect(port).ok());
    let text = http::request(&Place::Tcp(port), "GET", "/metrics", &[], b"").text();
    child.kill().unwrap();
    child.wait().unwrap();
    Some(told(&text))
}

#[test]
fn systemd_is_asked_itself_when_told_so_and_where_there_is_no_bus() {
    let Some(world) = World::start() else { return };
    let only_systemd = |lines: BTreeSet<String>| -> Vec<String> {
        lines.into_iter().filter(|line| line.contains("systemd")).collect()
    };
    // The bus in its usual place.
    let by_bus = only_systemd(world.scrape("x=y", ALL));
    assert!(by_bus.contains(&"node_scrape_collector_success{collector=\"systemd\"} 1".to_owned()), "{by_bus:#?}");
    let private = world.scrape(NO_BUS, &[ALL, &["--collector.systemd.private"]].concat());
    holds(&private, &["node_scrape_collector_success{collector=\"logind\"} 0"]);
    assert_eq!(only_systemd(private), by_bus);
    // Tests run as root.
    assert_eq!(only_systemd(world.scrape(NO_BUS, ALL)), by_bus);
}

#[test]
fn units_are_chosen_by_their_whole_names() {
    let Some(world) = World::start() else { return };
    let names = |flags: &[&str]| -> BTreeSet<String> {
        let lines = world.scrape(BUS, flags);
        let states = lines.iter().filter_map(|line| line.strip_prefix("node_systemd_unit_state{name=\""));
        states.map(|line| line.split('"').next().unwrap().to_owned()).collect()
    };
    let set = |names: &[&str]| -> BTreeSet<String> { names.iter().map(|name| (*name).to_owned()).collect() };
    assert_eq!(
        names(&["--collector.systemd.unit-include=runs|ticks.timer|again.serv.*"]),
        set(&["again.service", "ticks.timer"])
    );
    let both = ["--collector.systemd.unit-whitelist=(runs|fails).*", "--collector.systemd.unit-blacklist=f.*"];
    assert_eq!(names(&both), set(&["runs.service"]));
    // The kind of a mount is its file system.
    let mounts =
        world.scrape(BUS, &["--collector.systemd.unit-include=run-spare\\.mount", "--collector.systemd.unit-exclude="]);
    holds(&mounts, &["node_systemd_unit_state{name=\"run-spare.mount\",state=\"active\",type=\"tmpfs\"} 1"]);
}

/// Sends what the command behind it says to the file `$1`.
const LOGGED: &[&str] = &["sh", "-c", "log=$1; shift; exec \"$@\" 2>\"$log\"", "sh"];
/// Hides the machine's own sockets.
const NOBODY: &[&str] = &["unshare", "--mount", "sh", "-c", "mount -t tmpfs tmpfs /run && exec \"$@\"", "sh"];

#[test]
fn where_nobody_is_there_neither_succeeds_and_nothing_is_logged() {
    let allowed = Command::new(NOBODY[0]).args(&NOBODY[1..]).arg("true").stderr(Stdio::null()).status();
    if !rustix::process::geteuid().is_root() || !allowed.is_ok_and(|status| status.success()) {
        println!("skipped: this user may not mount anything");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("log");
    let before = [LOGGED, &[log.to_str().unwrap()], NOBODY].concat();
    for flags in [&[][..], &["--collector.systemd.private"]] {
        let exporter = Exporter::start(&before, HAND_OVER, &[], &[BOTH, flags].concat());
        let failed: BTreeSet<String> =
            ["logind", "systemd"].map(|name| format!("node_scrape_collector_success{{collector=\"{name}\"}} 0")).into();
        for _ in 0..2 {
            assert_eq!(told(&exporter.scrape().text()), failed);
        }
        let log = std::fs::read_to_string(&log).unwrap();
        assert!(log.contains("listening") && !log.contains("WARN") && !log.contains("ERROR"), "{log}");
    }
}
