//! `procyon exporter` as systemd starts it: with a listening socket that was opened before.

use std::net::TcpListener;
use std::os::fd::OwnedFd;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use procyon_testkit::eventually;

use crate::harness::{SOON, procyon};
use crate::http::{self, Answer, Place};

/// A running exporter, on a socket of the test's.
pub(crate) struct Exporter {
    child: Child,
    place: Place,
}

impl Drop for Exporter {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// Makes the first descriptor the third, as systemd hands it over, and becomes the exporter.
pub(crate) const HAND_OVER: &str = "exec 3<&0 </dev/null; export LISTEN_PID=$$ LISTEN_FDS=1; exec \"$@\"";

/// The same beside a mount that never answers, in a world of its own: `$1` is where. One process asks it, too.
const HAND_OVER_BESIDE_A_HUNG_MOUNT: &str = "exec 3<&0 </dev/null 4<>/dev/fuse || exit 1
mount -i -t fuse -o fd=4,rootmode=40000,user_id=0,group_id=0 hung \"$1\" || exit 1
stat \"$1\" >/dev/null 2>&1 &
shift
export LISTEN_PID=$$ LISTEN_FDS=1; exec \"$@\"";

/// The same beside a btrfs in the file `$1`, mounted at `$2`.
const HAND_OVER_BESIDE_BTRFS: &str = "exec 3<&0 </dev/null
mkfs.btrfs -q \"$1\" && mount -o loop \"$1\" \"$2\" || exit 1
shift 2
export LISTEN_PID=$$ LISTEN_FDS=1; exec \"$@\"";

/// What keeps mounts and processes apart from the rest; the shell is its first process.
const APART: &[&str] = &["unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"];

impl Exporter {
    pub(crate) fn start(before: &[&str], script: &str, first: &[&str], flags: &[&str]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let place = Place::Tcp(listener.local_addr().unwrap());
        let program = procyon();
        let shell = [before, &["sh", "-c", script, "sh"], first].concat();
        let mut command = Command::new(shell[0]);
        command.args(&shell[1..]).arg(program).args(["exporter", "--web.systemd-socket"]).args(flags);
        command.stdin(Stdio::from(OwnedFd::from(listener))).stdout(Stdio::null()).stderr(Stdio::null());
        Self { child: command.spawn().unwrap(), place }
    }

    pub(crate) fn scrape(&self) -> Answer {
        let answer = http::request(&self.place, "GET", "/metrics", &[], b"");
        assert_eq!(answer.status, 200, "{}", answer.text());
        answer
    }

    /// How long a scrape takes, in the middle of some.
    fn usual_time(&self) -> Duration {
        let mut times: Vec<Duration> = (0..15)
            .map(|_| {
                let start = Instant::now();
                self.scrape();
                start.elapsed()
            })
            .collect();
        times.sort_unstable();
        times[times.len() / 2]
    }

    /// Process id of the exporter, which `unshare` may have started.
    fn pid(&self) -> u32 {
        let own = self.child.id();
        let name = std::fs::read_to_string(format!("/proc/{own}/comm")).unwrap();
        if name.trim() != "unshare" {
            return own;
        }
        let children = std::fs::read_to_string(format!("/proc/{own}/task/{own}/children")).unwrap();
        children.split_whitespace().next().unwrap().parse().unwrap()
    }

    /// Threads and open files.
    fn holds(&self) -> (usize, usize) {
        let count = |what: &str| std::fs::read_dir(format!("/proc/{}/{what}", self.pid())).unwrap().count();
        (count("task"), count("fd"))
    }

    /// Fails unless it holds no more than before, once the last connection is gone.
    fn holds_no_more_than(&self, (threads, files): (usize, usize)) {
        // One or two threads more may wait for work: how many there are is up to who came when.
        let what = format!("no more than {threads} threads and {files} files");
        eventually(&what, SOON, || {
            let (threads_now, files_now) = self.holds();
            (threads_now <= threads + 2 && files_now <= files).then_some(())
        });
    }
}

#[test]
fn it_serves_on_the_socket_that_systemd_opened_and_on_no_other() {
    let exporter = Exporter::start(&[], HAND_OVER, &[], &["--collector.disable-defaults", "--collector.loadavg"]);
    assert!(exporter.scrape().text().contains("\nnode_load1 "));
    let pid = exporter.pid();
    let sockets = std::fs::read_dir(format!("/proc/{pid}/fd")).unwrap().flatten();
    let sockets = sockets.filter_map(|entry| std::fs::read_link(entry.path()).ok());
    let sockets: Vec<String> = sockets.map(|path| path.to_string_lossy().into_owned()).collect();
    // Lines of listening sockets (state 0A) whose inode is one of ours.
    let listening = ["tcp", "tcp6"].iter().flat_map(|file| {
        let text = std::fs::read_to_string(format!("/proc/{pid}/net/{file}")).unwrap_or_default();
        text.lines().map(str::to_owned).collect::<Vec<_>>()
    });
    let ours = listening.filter(|line| {
        let words: Vec<&str> = line.split_whitespace().collect();
        words.get(3) == Some(&"0A") && words.get(9).is_some_and(|inode| sockets.contains(&format!("socket:[{inode}]")))
    });
    assert_eq!(ours.count(), 1);
}

#[test]
fn without_a_socket_from_systemd_it_does_not_start() {
    let refuses = |environment: &[(&str, &str)]| {
        let output = Command::new(procyon())
            .args(["exporter", "--web.systemd-socket"])
            .env_remove("LISTEN_FDS")
            .env_remove("LISTEN_PID")
            .envs(environment.iter().copied())
            .output()
            .unwrap();
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success() && text.contains("systemd has handed over no sockets"), "{text}");
    };
    refuses(&[]);
    // Those of another process are not ours.
    refuses(&[("LISTEN_FDS", "1"), ("LISTEN_PID", "1")]);
}

/// The same with its log in the file `$1`.
const HAND_OVER_WITH_A_LOG: &str =
    "exec 3<&0 </dev/null 2>\"$1\"; shift; export LISTEN_PID=$$ LISTEN_FDS=1; exec \"$@\"";

#[test]
fn a_file_that_cannot_be_read_is_told_once_and_its_collector_has_no_success() {
    let folder = tempfile::tempdir().unwrap();
    let (log, proc) = (folder.path().join("log"), folder.path().join("proc"));
    // Also root cannot read a folder.
    std::fs::create_dir_all(proc.join("loadavg")).unwrap();
    std::fs::write(proc.join("vmstat"), "pgfault 7\n").unwrap();
    let place = format!("--path.procfs={}", proc.display());
    let flags = ["--collector.disable-defaults", "--collector.loadavg", "--collector.vmstat", &place];
    let exporter = Exporter::start(&[], HAND_OVER_WITH_A_LOG, &[log.to_str().unwrap()], &flags);
    for _ in 0..5 {
        let text = exporter.scrape().text();
        let has = |line: &str| assert!(text.lines().any(|own| own == line), "{line} is missing in\n{text}");
        has("node_scrape_collector_success{collector=\"loadavg\"} 0");
        has("node_scrape_collector_success{collector=\"vmstat\"} 1");
        has("node_vmstat_pgfault 7");
    }
    let said = std::fs::read_to_string(&log).unwrap();
    assert_eq!(said.lines().filter(|line| line.contains("the collector failed")).count(), 1, "{said}");
    std::fs::remove_dir(proc.join("loadavg")).unwrap();
    std::fs::write(proc.join("loadavg"), "0.25 0.5 1.00 1/2 3\n").unwrap();
    assert!(exporter.scrape().text().contains("\nnode_load1 0.25\n"));
}

#[test]
fn five_hundred_scrapes_leave_no_threads_and_no_files_behind() {
    let exporter = Exporter::start(&[], HAND_OVER, &[], &["--collector.process", "--collector.processes"]);
    for _ in 0..20 {
        exporter.scrape();
    }
    let before = exporter.holds();
    for _ in 0..500 {
        exporter.scrape();
    }
    exporter.holds_no_more_than(before);
}

#[test]
fn a_btrfs_that_is_mounted_tells_the_errors_of_its_devices() {
    let folder = tempfile::tempdir().unwrap();
    let (image, point) = (folder.path().join("image"), folder.path().join("mounted"));
    std::fs::File::create(&image).unwrap().set_len(256 << 20).unwrap();
    std::fs::create_dir(&point).unwrap();
    let places = [image.to_str().unwrap(), point.to_str().unwrap()];
    let tried = [APART, &["sh", "-c", HAND_OVER_BESIDE_BTRFS, "sh"], &places, &["true"]].concat();
    let tried = Command::new(tried[0]).args(&tried[1..]).stderr(Stdio::null()).stdin(Stdio::null()).status();
    if !tried.is_ok_and(|status| status.success()) {
        println!("skipped: no btrfs can be made and mounted here");
        return;
    }
    std::fs::File::create(&image).unwrap().set_len(256 << 20).unwrap();
    let flags = ["--collector.disable-defaults", "--collector.btrfs"];
    let exporter = Exporter::start(APART, HAND_OVER_BESIDE_BTRFS, &places, &flags);
    let text = exporter.scrape().text();
    let of = |name: &str| text.lines().filter(|line| line.starts_with(name)).collect::<Vec<_>>();
    let errors = of("node_btrfs_device_errors_total{btrfs_dev_uuid=\"");
    for kind in ["corruption", "flush", "generation", "read", "write"] {
        let is_it = |line: &&&str| line.contains(&format!("type=\"{kind}\"")) && line.ends_with(" 0");
        assert_eq!(errors.iter().filter(is_it).count(), 1, "{kind} in\n{text}");
    }
    let size = of("node_btrfs_device_size_bytes{btrfs_dev_uuid=\"");
    assert!(size.len() == 1 && size[0].contains("device=\"loop") && size[0].ends_with(" 2.68435456e+08"), "{text}");
    assert_eq!(of("node_btrfs_device_unused_bytes{").len(), 1, "{text}");
}

#[test]
fn a_mount_that_never_answers_delays_nothing_else() {
    let allowed = [APART, &["sh", "-c", "exec 4<>/dev/fuse"]].concat();
    let allowed = Command::new(allowed[0]).args(&allowed[1..]).stderr(Stdio::null()).status();
    if !rustix::process::geteuid().is_root() || !allowed.is_ok_and(|status| status.success()) {
        println!("skipped: this user may not mount anything");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let point = folder.path().to_str().unwrap();
    // A deadline that a busy machine keeps; the mount is waited for half of it.
    let flags = ["--collector.process", "--collector.deadline=20s", "--collector.filesystem.mount-timeout=1s"];
    let plain = Exporter::start(APART, HAND_OVER, &[], &flags);
    let hung = Exporter::start(APART, HAND_OVER_BESIDE_A_HUNG_MOUNT, &[point], &flags);
    let shown = format!(
        "node_filesystem_device_error{{device=\"hung\",device_error=\"mountpoint timeout\",fstype=\"fuse\",mountpoint=\"{point}\"}} 1"
    );
    for _ in 0..3 {
        let text = hung.scrape().text();
        let has = |start: &str| text.lines().any(|line| line.starts_with(start));
        assert!(has(&shown), "{shown} is missing in\n{text}");
        for series in ["node_load1 ", "node_cpu_seconds_total{", "namedprocess_namegroup_num_procs{groupname=\"stat_"] {
            assert!(has(series), "{series} is missing in\n{text}");
        }
        assert!(has("node_scrape_collector_success{collector=\"filesystem\"} 1"), "{text}");
        assert!(has("node_scrape_collector_success{collector=\"process\"} 1"), "{text}");
        plain.scrape();
    }
    let before = hung.holds();
    let (usual, beside) = (plain.usual_time(), hung.usual_time());
    assert!(beside <= usual + Duration::from_millis(100), "{beside:?} beside the mount, {usual:?} without it");
    hung.holds_no_more_than(before);
}
