//! What processes are called: real programs that run scripts, replace themselves, rewrite their title, sit in containers.

use std::io::{Read, Write};
use std::os::unix::net::UnixListener;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use procyon_collect::{Collector, Config};
use procyon_linux::root::Root;
use procyon_model::key::HostId;
use procyon_model::{Frame, ProcessRow};
use procyon_testkit::{Workload, eventually, program};
use procyon_units::SystemClock;

const PATIENCE: Duration = Duration::from_mins(1);

fn collector(config: &Config) -> Collector {
    Collector::new(config, HostId(1), Arc::new(SystemClock)).unwrap()
}

fn row(frame: &Frame, pid: u32) -> &ProcessRow {
    frame.process_by_pid(pid).unwrap_or_else(|| panic!("process {pid} is in the frame"))
}

/// A process that ends with the test.
struct Started(Child);

impl Started {
    fn new(command: &mut Command) -> Self {
        Self(command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap())
    }

    fn pid(&self) -> u32 {
        self.0.id()
    }

    /// Waits until it writes something.
    fn wait(&mut self) {
        self.0.stdout.as_mut().unwrap().read_exact(&mut [0]).unwrap();
    }

    fn go_on(&mut self) {
        self.0.stdin.as_mut().unwrap().write_all(b"\n").unwrap();
    }
}

impl Drop for Started {
    fn drop(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

fn scratch(name: &str) -> PathBuf {
    let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}-{}", std::process::id()));
    std::fs::create_dir_all(&dir).unwrap();
    dir
}

/// Waits for strings that satisfy a condition; a busy machine may need more than one tick for newborn processes.
#[expect(clippy::print_stderr, reason = "what was seen instead, when the test fails")]
fn await_row(collector: &mut Collector, pid: u32, what: &str, is: impl Fn(&ProcessRow) -> bool) -> ProcessRow {
    eventually(what, PATIENCE, || {
        let frame = collector.tick().unwrap();
        let row = row(&frame, pid).clone();
        if !is(&row) {
            eprintln!("label {:?}, {:?}", String::from_utf8_lossy(&row.label), row.descriptor);
        }
        Some(row).filter(&is)
    })
}

#[test]
fn a_script_gives_its_process_the_label() {
    let dir = scratch("scripts");
    let shell = dir.join("nightly.sh");
    std::fs::write(&shell, "echo x; read line\n").unwrap();
    let mut started = Started::new(Command::new("sh").arg("-e").arg(&shell));
    started.wait();
    let mut collector = collector(&Config::default());
    await_row(&mut collector, started.pid(), "the script is the label", |row| &*row.label == b"nightly.sh");

    let python = dir.join("worker.py");
    std::fs::write(&python, "print('x', flush=True)\ninput()\n").unwrap();
    let mut started = Started::new(Command::new("python3").arg("-u").arg(&python).args(["--queue", "a"]));
    started.wait();
    let row = await_row(&mut collector, started.pid(), "the script is the label", |row| &*row.label == b"worker.py");
    assert_eq!(&*row.descriptor.cwd, std::env::current_dir().unwrap().as_os_str().as_encoded_bytes());
    std::fs::remove_dir_all(dir).unwrap();
}

#[test]
fn a_process_that_runs_another_program_under_the_same_name_is_described_anew() {
    let first = "x = bytearray(96 << 20); import os; print('x', flush=True); input(); \
                 os.execvp('python3', ['python3', '-c', 'print(1, flush=True); input()', 'second'])";
    let mut started = Started::new(Command::new("python3").args(["-c", first, "first"]));
    started.wait();
    let mut collector = collector(&Config::default());
    await_row(&mut collector, started.pid(), "the first program", |row| row.descriptor.cmd.ends_with(b" first"));
    started.go_on();
    started.wait();
    collector.tick().unwrap();
    // Far sooner than the minute after which strings are read again.
    await_row(&mut collector, started.pid(), "the second program", |row| row.descriptor.cmd.ends_with(b" second"));
}

#[test]
fn a_process_that_is_seen_to_exec_is_never_without_arguments() {
    // The same name, the same size: only the kernel's count of programs tells.
    let text = "import os, sys; print('x', flush=True); input(); n = int(sys.argv[1]) + 1; \
                os.execvp('python3', ['python3', '-c', sys.argv[2], str(n), sys.argv[2]])";
    let mut started = Started::new(Command::new("python3").args(["-c", text, "0", text]));
    started.wait();
    let mut collector = collector(&Config::default());
    let mut at_once = 0;
    await_row(&mut collector, started.pid(), "it has arguments", |row| row.descriptor.cmd.contains(&b'0'));
    for round in 1..=20 {
        started.go_on();
        let wanted = format!(" {round} ");
        loop {
            let frame = collector.tick().unwrap();
            let row = row(&frame, started.pid());
            let cmd = String::from_utf8_lossy(&row.descriptor.cmd).into_owned();
            assert!(cmd.contains("python3 -c "), "{cmd}");
            if cmd.contains(&wanted) {
                break;
            }
            at_once += 1;
            assert!(at_once < 20_000, "{cmd} has no{wanted}");
        }
        started.wait();
    }
}

#[test]
fn secrets_in_a_title_without_nuls_are_masked() {
    // What setproctitle leaves behind: one argument, with blanks.
    let mut command = Command::new(program());
    command.arg0("worker: mysql --password=CANARY-51d0 --host=db");
    let workload = Workload::start_as(&mut command);
    let row = await_row(&mut collector(&Config::default()), workload.pid(), "it has a command line", |row| {
        !row.descriptor.cmd.is_empty()
    });
    let cmd = String::from_utf8_lossy(&row.descriptor.cmd).into_owned();
    assert!(!cmd.contains("CANARY") && cmd.starts_with("worker: mysql --password=") && cmd.ends_with("=db"), "{cmd}");
}

#[test]
fn a_template_makes_the_labels() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let config = Config { label: Some("{user}@{name}#{port}".into()), ..Config::default() };
    let mut collector = collector(&config);
    let ending = format!("#{port}");
    let mine = await_row(&mut collector, std::process::id(), "the template with the port", |row| {
        row.label.ends_with(ending.as_bytes())
    });
    assert_eq!(&*mine.label, [b"root@", &*mine.descriptor.name, ending.as_bytes()].concat());
}

/// A control group for the test, in whichever version this machine has; taken away at the end.
struct ControlGroup(PathBuf);

impl ControlGroup {
    fn new(path: &str) -> Self {
        let mounts = ["/sys/fs/cgroup/systemd", "/sys/fs/cgroup"];
        let mount = mounts.iter().find(|mount| Path::new(mount).join("cgroup.procs").is_file());
        let dir = Path::new(mount.expect("control groups are mounted")).join(path);
        std::fs::create_dir_all(&dir).expect("control groups can be made: tests run as root");
        Self(dir)
    }

    fn take_in(&self, pid: u32) {
        std::fs::write(self.0.join("cgroup.procs"), pid.to_string()).unwrap();
    }
}

impl Drop for ControlGroup {
    fn drop(&mut self) {
        // A process that was just killed may not have left yet.
        eventually("the group is empty", PATIENCE, || std::fs::remove_dir(&self.0).ok());
        std::fs::remove_dir(self.0.parent().unwrap()).ok();
    }
}

#[test]
fn a_container_has_the_name_and_image_that_its_engine_tells() {
    let id = format!("{:064x}", std::process::id());
    let group = ControlGroup::new(&format!("procyon-test-{}/docker-{id}.scope", std::process::id()));
    let dir = scratch("engine");
    std::fs::create_dir_all(dir.join("run")).unwrap();
    let listener = UnixListener::bind(dir.join("run/docker.sock")).unwrap();
    let body = format!(r#"[{{"Id":"{id}","Names":["/settle-api"],"Image":"settle:3.18"}}]"#);
    let engine = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut request = [0; 512];
        let got = stream.read(&mut request).unwrap();
        let (first, second) = body.split_at(9);
        write!(
            stream,
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{:x}\r\n{first}\r\n{:x}\r\n{second}\r\n0\r\n\r\n",
            first.len(),
            second.len()
        )
        .unwrap();
        String::from_utf8_lossy(&request[..got]).into_owned()
    });

    let workload = Workload::start(&["idle"]);
    group.take_in(workload.pid());
    let root = Root::new("/proc".into(), "/sys".into(), dir.clone());
    let mut collector = collector(&Config { root, ..Config::default() });
    let frame = eventually("the engine's name arrives", PATIENCE, || {
        let frame = collector.tick().unwrap();
        (&*row(&frame, workload.pid()).descriptor.container == b"settle-api").then_some(frame)
    });
    assert!(engine.join().unwrap().starts_with("GET /containers/json "));
    assert_eq!(&*row(&frame, workload.pid()).label, b"settle-api");
    let container = frame.containers.iter().find(|container| *container.id == *id).unwrap();
    assert_eq!((&*container.name, &*container.image, &*container.engine), ("settle-api", "settle:3.18", "docker"));
    assert_eq!(container.processes, 1);
    drop(workload);
    drop(group);
    std::fs::remove_dir_all(dir).unwrap();
}
