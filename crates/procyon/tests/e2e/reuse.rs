//! Pids that come round: in a pid namespace with room for two dozen, where every new process has the pid of one that ended.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use procyon_testkit::eventually;
use serde_json::{Value, json};

use crate::harness::{SOON, Start, Up};
use crate::http::encode;

/// Ids below 300 are given once; then those up to here come round.
const MOST: u32 = 325;
const LIVES: usize = 256;

/// Lives in eights, each with a name, some work and a code of its own; prints how each ended, with what wait4(2) says of it.
const DRIVER: &str = r#"
import ctypes, json, os, sys, time
libc = ctypes.CDLL(None)
for _ in range(310):
    pid = os.fork()
    if pid == 0:
        os._exit(0)
    os.waitpid(pid, 0)
def live(at):
    libc.prctl(15, b"reuse-%d" % at, 0, 0, 0)
    end = time.monotonic() + 0.6
    work = (at % 6) * 0.02
    while time.process_time() < work:
        pass
    time.sleep(max(0, end - time.monotonic()))
    os._exit(1 + at % 100)
living, at = {}, 0
while at < int(sys.argv[1]) or living:
    while at < int(sys.argv[1]) and len(living) < 8:
        pid = os.fork()
        if pid == 0:
            live(at)
        living[pid] = at
        at += 1
    pid, status, usage = os.wait4(-1, 0)
    print(json.dumps({"at": living.pop(pid), "pid": pid, "status": status, "cpu": usage.ru_utime + usage.ru_stime}), flush=True)
"#;

/// What was told of a process.
#[derive(Default)]
struct Told {
    pid: u64,
    names: BTreeSet<String>,
    /// Processor time in seconds, in the order in which it was told.
    cpu: Vec<f64>,
    highest_rate: f64,
    /// Unix time in milliseconds.
    seen: Vec<f64>,
}

fn now() -> f64 {
    std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs_f64() * 1000.0
}

/// Looks once; returns which key has which pid now.
fn look(up: &Up, told: &mut BTreeMap<String, Told>) -> BTreeMap<u64, String> {
    let list = format!(
        "/hosts/local/processes?limit=1000&columns=pid,name,cpu,utime,stime&q={}",
        encode("name.startsWith(\"reuse-\")")
    );
    let list = up.get(&list).good();
    let mut held = BTreeMap::new();
    for row in list["items"].as_array().unwrap() {
        let (key, pid) = (row["key"].as_str().unwrap().to_owned(), row["pid"].as_u64().unwrap());
        let one = told.entry(key.clone()).or_default();
        one.pid = pid;
        one.names.insert(row["name"].as_str().unwrap().to_owned());
        one.cpu.extend(row["utime"].as_f64().zip(row["stime"].as_f64()).map(|(user, system)| user + system));
        one.highest_rate = one.highest_rate.max(row["cpu"].as_f64().unwrap_or(0.0));
        one.seen.push(now());
        assert_eq!(held.insert(pid, key), None, "one process has a pid");
    }
    held
}

#[test]
fn a_pid_that_comes_round_is_another_process() {
    let script = format!("echo {MOST} > /proc/sys/kernel/pid_max && {{ \"$0\" \"$@\" & wait; }}");
    let words = ["unshare", "--pid", "--fork", "--kill-child", "--mount-proc", "sh", "-c"];
    let tried = format!("echo {MOST} > /proc/sys/kernel/pid_max");
    let allowed = Command::new(words[0]).args(&words[1..]).arg(tried).stderr(Stdio::null()).status();
    // Pid namespaces have a largest pid of their own since 6.14.
    if !allowed.is_ok_and(|status| status.success()) {
        return;
    }
    let up = Start::by(&[&words[..], &[&script]].concat()).up();
    let children = std::fs::read_to_string(format!("/proc/{0}/task/{0}/children", up.pid())).unwrap();
    let inside = ["-t", children.trim(), "-p", "-m", "python3", "-c", DRIVER, &LIVES.to_string()];
    let mut driver = Command::new("nsenter").args(inside).stdout(Stdio::piped()).spawn().unwrap();
    let lines = BufReader::new(driver.stdout.take().unwrap());
    let reader = std::thread::spawn(move || lines.lines().map_while(Result::ok).collect::<Vec<String>>());

    let mut told: BTreeMap<String, Told> = BTreeMap::new();
    let mut refused = BTreeSet::new();
    eventually("all lives are lived", SOON, || {
        let held = look(&up, &mut told);
        // Whoever had this pid before is not to be signalled any more, and the one who has it now must not be hit.
        for (pid, key) in &held {
            let earlier =
                told.iter().find(|(other, one)| one.pid == *pid && *other != key && !refused.contains(*other));
            if let Some((earlier, _)) = earlier {
                let path = format!("/hosts/local/processes/{earlier}/signal");
                let status = up.post_as(Some(&up.token), &path, &json!({"signal": "SIGKILL"})).status;
                assert!([404, 409].contains(&status), "{earlier}: {status}");
                refused.insert(earlier.clone());
            }
        }
        driver.try_wait().unwrap()
    });
    let ends: BTreeMap<u64, Value> = reader
        .join()
        .unwrap()
        .iter()
        .map(|line| serde_json::from_str::<Value>(line).unwrap())
        .map(|end| (end["at"].as_u64().unwrap(), end))
        .collect();
    assert_eq!(ends.len(), LIVES);
    for (at, end) in &ends {
        assert_eq!(end["status"].as_u64(), Some((1 + at % 100) << 8), "it ended by itself: {end}");
    }

    // A life is one key, a key one life.
    let pids: BTreeSet<u64> = told.values().map(|one| one.pid).collect();
    assert!(told.len() >= pids.len() + 200, "{} lives were told with {} pids", told.len(), pids.len());
    assert!(refused.len() >= 100, "{} signals were refused", refused.len());
    let mut lives = BTreeSet::new();
    for (key, one) in &told {
        let names: Vec<&String> = one.names.iter().collect();
        let [name] = names[..] else { panic!("{key} is {names:?}") };
        assert!(lives.insert(name.clone()), "{name} is told twice");
        let end = &ends[&name.trim_start_matches("reuse-").parse().unwrap()];
        assert_eq!(end["pid"].as_u64(), Some(one.pid), "{name}");
        // The kernel's files count in hundredths of a second.
        let spent = end["cpu"].as_f64().unwrap() + 0.02;
        assert!(one.cpu.is_sorted() && one.cpu.iter().all(|cpu| *cpu <= spent), "{name}: {:?} of {spent}", one.cpu);
        assert!(one.highest_rate < 1.5, "{name}: {} cores", one.highest_rate);
    }
    charts_end_with_their_process(&up, &told);
}

/// The chart of a process has nothing of whoever had its pid before or after.
fn charts_end_with_their_process(up: &Up, told: &BTreeMap<String, Told>) {
    for (key, one) in told.iter().step_by(told.len() / 16) {
        let path = format!("/hosts/local/series?scope=process&keys={key}&columns=cpu&from=-2m&step=500ms");
        let series = up.get(&path).good();
        let times: Vec<f64> = series["times"].as_array().unwrap().iter().map(|time| time.as_f64().unwrap()).collect();
        let values = series["series"][0]["values"]["cpu"].as_array().unwrap();
        let (first, last) = (one.seen[0], one.seen[one.seen.len() - 1]);
        for (time, value) in times.iter().zip(values).filter(|(_, value)| !value.is_null()) {
            assert!(
                (first - 2000.0..last + 2000.0).contains(time),
                "{key}: {value} at {time}, lived {first} to {last}"
            );
        }
        assert!(values.iter().any(|value| !value.is_null()), "{key}: {series}");
    }
}
