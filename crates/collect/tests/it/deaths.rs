//! How processes end, told by the kernel: codes, signals and their senders, totals of lives too short for any tick.

use std::collections::HashMap;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use procyon_collect::{Collector, Config, Source};
use procyon_model::frame::{EndedProcess, Exit, Frame};
use procyon_model::key::HostId;
use procyon_testkit::{eventually, program};
use procyon_units::{Reading, SystemClock};
use rustix::process::{Pid, WaitOptions, set_child_subreaper, waitpid};

/// The kernel lets processes go when it has time for it, at times after most of a minute.
const PATIENCE: Duration = Duration::from_secs(90);

fn collector(source: Source) -> Collector {
    let config = Config { source, slow_budget: 0.0, pss_budget: 0.0, ..Config::default() };
    Collector::new(&config, HostId(1), Arc::new(SystemClock)).unwrap()
}

/// A collector to whom the kernel tells of deaths; none where this machine does not let it.
fn told_by_the_kernel() -> Option<Collector> {
    let mut collector = collector(Source::Auto);
    let frame = collector.tick().unwrap();
    let deaths = frame.health.features.iter().find(|feature| feature.id == "deaths").unwrap();
    assert!(deaths.source == "ebpf" || deaths.reason.is_some(), "{deaths:?}");
    (deaths.source == "ebpf").then_some(collector)
}

/// Ticks until the end of this process is told.
fn end_of(collector: &mut Collector, pid: u32) -> EndedProcess {
    eventually("its end is told", PATIENCE, || {
        let frame = collector.tick().unwrap();
        frame.ended.iter().find(|ended| ended.row.key.pid == pid).cloned()
    })
}

fn shell(script: &str) -> Command {
    let mut command = Command::new("sh");
    command.args(["-c", script, "canary"]).stdout(Stdio::piped());
    command
}

fn seen(collector: &mut Collector, child: &Child) {
    eventually("it is in the table", PATIENCE, || collector.tick().unwrap().process_by_pid(child.id()).map(|_| ()));
}

#[test]
fn a_process_that_ends_by_itself_has_its_code_and_its_totals() {
    let Some(mut collector) = told_by_the_kernel() else { return };
    // One that no tick sees, and one that ticks see.
    let mut child = shell("exit 3").spawn().unwrap();
    child.wait().unwrap();
    let ended = end_of(&mut collector, child.id());
    assert_eq!(ended.exit, Reading::Known(Exit::Code(3)), "{ended:?}");
    assert_eq!(ended.row.ppid, std::process::id());
    assert_eq!(ended.death.sender, None);
    assert!(ended.row.cpu.total().0 > 0 && ended.row.descriptor.cmd.ends_with(b"exit 3 canary"), "{ended:?}");
    assert_eq!((&*ended.row.descriptor.name, &*ended.row.descriptor.user), (&b"sh"[..], &b"root"[..]));

    let mut child = shell("read line; exit 4").stdin(Stdio::piped()).spawn().unwrap();
    seen(&mut collector, &child);
    drop(child.stdin.take());
    child.wait().unwrap();
    let ended = end_of(&mut collector, child.id());
    assert_eq!(ended.exit, Reading::Known(Exit::Code(4)), "{ended:?}");
    assert!(ended.row.descriptor.cmd.ends_with(b"exit 4 canary"), "{ended:?}");
    let told_again =
        (0..3).flat_map(|_| collector.tick().unwrap().ended.clone()).any(|again| again.row.key == ended.row.key);
    assert!(!told_again);
}

#[test]
fn a_signal_has_its_number_and_its_sender() {
    let Some(mut collector) = told_by_the_kernel() else { return };
    let lowly = ["--reuid=12345", "--clear-groups"];
    let mut target = Command::new("setpriv").args(lowly).args(["sleep", "600"]).spawn().unwrap();
    let killed = format!("kill -9 {}", target.id());
    eventually("it is another user's", PATIENCE, || {
        let frame = collector.tick().unwrap();
        frame.process_by_pid(target.id()).filter(|row| &*row.descriptor.name == b"sleep").map(|_| ())
    });
    let mut killer = Command::new("setpriv").args(lowly).args(["sh", "-c", &killed]).spawn().unwrap();
    assert!(killer.wait().unwrap().success());
    target.wait().unwrap();
    let ended = end_of(&mut collector, target.id());
    assert_eq!(ended.exit, Reading::Known(Exit::Signal(9)), "{ended:?}");
    let sender = ended.death.sender.unwrap();
    assert_eq!((sender.pid, sender.uid, &*sender.name), (killer.id(), 12345, &b"sh"[..]));
    assert!(!ended.death.oom);
}

#[test]
fn a_failure_is_told_in_the_second_tick_after_it_at_the_latest() {
    let Some(mut collector) = told_by_the_kernel() else { return };
    let mut code = shell("read line; exit 3").stdin(Stdio::piped()).spawn().unwrap();
    let mut killed = Command::new("sleep").arg("600").spawn().unwrap();
    for child in [&code, &killed] {
        seen(&mut collector, child);
    }
    let mut unseen = shell("exit 5").spawn().unwrap();
    drop(code.stdin.take());
    killed.kill().unwrap();
    let mut told = HashMap::new();
    for child in [&mut code, &mut killed, &mut unseen] {
        child.wait().unwrap();
    }
    told.extend(collector.tick().unwrap().ended.iter().map(|ended| (ended.row.key.pid, ended.exit)));
    std::thread::sleep(Duration::from_millis(950));
    told.extend(collector.tick().unwrap().ended.iter().map(|ended| (ended.row.key.pid, ended.exit)));
    let exits = [&code, &killed, &unseen].map(|child| told.get(&child.id()).and_then(|exit| exit.get().copied()));
    assert_eq!(exits, [Some(Exit::Code(3)), Some(Exit::Signal(9)), Some(Exit::Code(5))]);
}

#[test]
fn an_abort_is_its_own_deed_and_a_limit_is_the_kernels() {
    let Some(mut collector) = told_by_the_kernel() else { return };
    let mut aborted = shell("ulimit -c 0; kill -ABRT $$").spawn().unwrap();
    aborted.wait().unwrap();
    let ended = end_of(&mut collector, aborted.id());
    assert_eq!(ended.exit, Reading::Known(Exit::Signal(6)), "{ended:?}");
    assert_eq!(ended.death.sender.unwrap().pid, aborted.id());

    let mut spent = shell("ulimit -S -t 1; while :; do :; done").spawn().unwrap();
    // It takes its time, in which others fill the ring.
    let ended = eventually("its end is told", PATIENCE, || {
        spent.try_wait().unwrap();
        let frame = collector.tick().unwrap();
        frame.ended.iter().find(|ended| ended.row.key.pid == spent.id()).cloned()
    });
    assert_eq!((ended.exit, ended.death.sender), (Reading::Known(Exit::Signal(24)), None));
    // The limit goes by ticks, which are only where the processor was found.
    assert!(ended.row.cpu.total().seconds() > 0.3, "{:?}", ended.row.cpu);
}

#[test]
fn the_death_of_a_parent_is_told_as_the_parents_signal() {
    let Some(mut collector) = told_by_the_kernel() else { return };
    // The orphan comes to us, so that somebody collects it.
    set_child_subreaper(Some(Pid::INIT)).unwrap();
    let script = "setpriv --pdeathsig KILL sleep 600 & echo $!; wait";
    let mut parent = shell(script).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(parent.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let child: u32 = line.trim().parse().unwrap();
    eventually("the child has asked for the signal", PATIENCE, || {
        let frame = collector.tick().unwrap();
        frame.process_by_pid(child).filter(|row| &*row.descriptor.name == b"sleep").map(|_| ())
    });
    parent.kill().unwrap();
    parent.wait().unwrap();
    waitpid(Pid::from_raw(child.cast_signed()), WaitOptions::empty()).unwrap();
    let ended = end_of(&mut collector, child);
    assert_eq!(ended.exit, Reading::Known(Exit::Signal(9)), "{ended:?}");
    assert_eq!(ended.death.sender.unwrap().pid, parent.id());
}

/// A control group with little memory, in whichever version this machine has; taken away at the end.
struct Narrow(PathBuf);

impl Narrow {
    fn new(bytes: u64) -> Option<Self> {
        let mounts = [("/sys/fs/cgroup/memory", "memory.limit_in_bytes"), ("/sys/fs/cgroup", "memory.max")];
        for (mount, limit) in mounts {
            let group = Path::new(mount).join(format!("procyon-test-{}", std::process::id()));
            if !Path::new(mount).join("cgroup.procs").is_file() || std::fs::create_dir(&group).is_err() {
                continue;
            }
            let group = Self(group);
            if std::fs::write(group.0.join(limit), bytes.to_string()).is_ok() {
                return Some(group);
            }
        }
        None
    }
}

impl Drop for Narrow {
    fn drop(&mut self) {
        eventually("the group is empty", PATIENCE, || std::fs::remove_dir(&self.0).ok());
    }
}

#[test]
fn a_victim_of_the_out_of_memory_killer_is_told_as_one() {
    let Some(mut collector) = told_by_the_kernel() else { return };
    // Groups without the controller for memory cannot be narrow.
    let Some(group) = Narrow::new(32 << 20) else { return };
    let script = format!("echo $$ > {}/cgroup.procs; exec \"$0\" alloc 134217728", group.0.display());
    let mut victim = Command::new("sh").args(["-c", &script]).arg(program()).stdin(Stdio::piped()).spawn().unwrap();
    victim.wait().unwrap();
    let ended = end_of(&mut collector, victim.id());
    assert_eq!(ended.exit, Reading::Known(Exit::Signal(9)), "{ended:?}");
    assert!(ended.death.oom && ended.death.sender.is_none(), "{ended:?}");
}

/// Starts so many processes, four at a time, and says what they took in seconds: its own children's, as wait4(2) adds it up.
const SHORT_LIVES: &str = r#"
import os, resource, sys, time
count = int(sys.argv[1])
spent = lambda: sum(resource.getrusage(resource.RUSAGE_CHILDREN)[:2])
before, living = spent(), 0
for at in range(count):
    os.posix_spawn("/bin/true", ["true", "canary-%d" % at], {})
    living += 1
    while living >= 4:
        os.wait()
        living -= 1
while living:
    os.wait()
    living -= 1
print(os.getpid(), spent() - before, flush=True)
# The last ones are told while their parent is there.
time.sleep(3)
"#;

#[test]
fn lives_shorter_than_a_tick_are_told_with_all_they_did() {
    let Some(mut collector) = told_by_the_kernel() else { return };
    // Ten times as many in the long rounds.
    let count: usize = std::env::var("PROCYON_SHORT_LIVES").ok().and_then(|text| text.parse().ok()).unwrap_or(2000);
    let mut driver = Command::new("python3");
    let mut driver = driver.args(["-c", SHORT_LIVES, &count.to_string()]).stdout(Stdio::piped()).spawn().unwrap();
    let mut ended: HashMap<Box<[u8]>, EndedProcess> = HashMap::new();
    let mut take = |frame: &Frame| {
        for process in &frame.ended {
            let cmd = &process.row.descriptor.cmd;
            if cmd.starts_with(b"true canary-") {
                assert!(ended.insert(cmd.clone(), process.clone()).is_none(), "{process:?} is told once");
            }
        }
        ended.len()
    };
    let mut group: Box<[u8]> = Box::default();
    while driver.try_wait().unwrap().is_none() {
        let frame = collector.tick().unwrap();
        take(&frame);
        if let Some(row) = frame.process_by_pid(driver.id()) {
            group.clone_from(&row.descriptor.cgroup);
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    let mut said = String::new();
    BufReader::new(driver.stdout.take().unwrap()).read_line(&mut said).unwrap();
    let words: Vec<&str> = said.split_whitespace().collect();
    let (pid, spent): (u32, f64) = (words[0].parse().unwrap(), words[1].parse().unwrap());
    // The last ones may be let go late. What is not told is counted as lost.
    let lost = eventually("they are told", PATIENCE, || {
        let frame = collector.tick().unwrap();
        std::thread::sleep(Duration::from_millis(50));
        let lost = frame.health.lost_events;
        (take(&frame) as u64 + lost >= count as u64).then_some(lost)
    });
    let told: Vec<&EndedProcess> = ended.values().filter(|process| process.row.ppid == pid).collect();
    assert!(told.len() * 1000 >= count * 999, "{} of {count}, {lost} lost", told.len());
    assert!(told.iter().all(|process| process.exit == Reading::Known(Exit::Code(0))));
    let uid = rustix::process::getuid().as_raw();
    let identified = told.iter().filter(|process| process.row.uid == uid && process.row.descriptor.cgroup == group);
    assert!(identified.count() * 1000 >= count * 999, "{:?} is not in {group:?}", told[0].row.descriptor.cgroup);
    let finals = told.iter().filter(|process| process.death.is_final).count();
    assert!(finals * 1000 >= count * 990, "{finals} of {count} have final totals");
    let sum: f64 = told.iter().map(|process| process.row.cpu.total().seconds()).sum();
    // Those that the kernel did not let go in time are told without their last moments, and are marked.
    let allowed = spent * 0.001 + (count - finals) as f64 * spent / count as f64;
    assert!((sum - spent).abs() <= allowed, "{sum} s told, {spent} s by wait4, {finals} of {count} final");
}

#[test]
fn without_programs_in_the_kernel_an_end_is_seen_and_no_more() {
    let mut collector = collector(Source::Procfs);
    collector.tick().unwrap();
    let mut child = Command::new("sleep").arg("600").spawn().unwrap();
    seen(&mut collector, &child);
    child.kill().unwrap();
    child.wait().unwrap();
    let frame = collector.tick().unwrap();
    let ended = frame.ended.iter().find(|ended| ended.row.key.pid == child.id()).unwrap();
    assert_eq!((ended.exit, &ended.death), (Reading::Unsupported, &procyon_model::frame::Death::default()));
    let deaths = frame.health.features.iter().find(|feature| feature.id == "deaths").unwrap();
    assert_eq!((deaths.source, deaths.reason.as_deref()), ("tables", Some("it was asked for")));
}
