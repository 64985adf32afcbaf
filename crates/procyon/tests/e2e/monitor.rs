//! V2, V3: the compatibility API, field by field.

use std::collections::BTreeSet;
use std::fs;

use procyon_testkit::{Workload, eventually};
use serde_json::{Value, json};

use crate::harness::{Actor, SOON, Up};

const PROCESS: &[&str] = &[
    "pid",
    "pPid",
    "name",
    "tgid",
    "state",
    "uid",
    "gid",
    "threads",
    "vmPeak",
    "vmSize",
    "vmLck",
    "vmPin",
    "vmHWM",
    "vmRss",
    "vmData",
    "vmStk",
    "vmExe",
    "vmLib",
    "vmPTE",
    "vmSwap",
    "voluntaryCS",
    "noVoluntaryCS",
    "cpuUsage",
    "cpuUsed",
    "time",
    "ifAlarm",
];
const HOST: &[&str] = &[
    "hostname",
    "os",
    "kernel",
    "uptime",
    "time",
    "cpu",
    "memory",
    "disks",
    "filesystems",
    "networks",
    "processes",
    "threads",
];
const CPU: &[&str] =
    &["cores", "usage", "user", "system", "iowait", "idle", "steal", "load1", "load5", "load15", "temperature"];
const MEMORY: &[&str] = &["total", "free", "available", "used", "buffers", "cached", "swapTotal", "swapFree"];

fn fields(object: &Value) -> BTreeSet<&str> {
    object.as_object().unwrap_or_else(|| panic!("{object} is no object")).keys().map(String::as_str).collect()
}

fn exactly(object: &Value, names: &[&str]) {
    assert_eq!(fields(object), names.iter().copied().collect(), "{object}");
}

/// The data of a good envelope.
fn data(up: &Up, path: &str) -> Value {
    let answer = up.ask(None, "GET", path, b"");
    let envelope = answer.good();
    exactly(&envelope, &["code", "message", "data"]);
    assert_eq!((&envelope["code"], &envelope["message"]), (&json!(200), &json!("success")));
    envelope["data"].clone()
}

/// A field of `/proc/PID/status` in kB, or a plain number.
fn status(pid: u32, field: &str) -> u64 {
    let text = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix(&format!("{field}:")))
        .unwrap_or_else(|| panic!("{field} in {text}"));
    line.split_whitespace().next().unwrap().parse().unwrap()
}

#[test]
fn a_process_has_exactly_these_fields_with_the_kernels_values() {
    let up = Up::start();
    let memory = Workload::start(&["alloc", "50000000"]);
    let pid = memory.pid();
    // At rest, so that two looks agree.
    let object = eventually("the values of the kernel", SOON, || {
        let list = up.ask(None, "GET", &format!("/monitor/process/snapshot/{pid}"), b"");
        let seen = (list.status == 200).then(|| list.json()["data"].clone()).filter(|data| !data.is_null())?;
        assert_eq!(seen.as_array().unwrap().len(), 1);
        (seen[0]["vmRss"] == status(pid, "VmRSS")
            && seen[0]["voluntaryCS"] == status(pid, "voluntary_ctxt_switches")
            && seen[0]["cpuUsage"] == 0.0)
            .then(|| seen[0].clone())
    });
    exactly(&object, PROCESS);
    for (field, kernel) in [
        ("pid", "Pid"),
        ("pPid", "PPid"),
        ("tgid", "Tgid"),
        ("uid", "Uid"),
        ("gid", "Gid"),
        ("threads", "Threads"),
        ("vmPeak", "VmPeak"),
        ("vmSize", "VmSize"),
        ("vmLck", "VmLck"),
        ("vmPin", "VmPin"),
        ("vmHWM", "VmHWM"),
        ("vmRss", "VmRSS"),
        ("vmData", "VmData"),
        ("vmStk", "VmStk"),
        ("vmExe", "VmExe"),
        ("vmLib", "VmLib"),
        ("vmPTE", "VmPTE"),
        ("vmSwap", "VmSwap"),
        ("voluntaryCS", "voluntary_ctxt_switches"),
        ("noVoluntaryCS", "nonvoluntary_ctxt_switches"),
    ] {
        assert_eq!(object[field], status(pid, kernel), "{field}");
    }
    assert!(object["vmRss"].as_u64() >= Some(50_000_000 / 1024));
    assert_eq!(object["state"], "S");
    assert_eq!(object["name"], format!("{} alloc 50000000", procyon_testkit::program().display()));
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    let ticks: Vec<u64> =
        stat.rsplit_once(") ").unwrap().1.split(' ').skip(11).take(2).map(|n| n.parse().unwrap()).collect();
    // The kernel's text cuts user and system time to whole ticks each; their exact sum may hold one tick more.
    let used = object["cpuUsed"].as_u64().unwrap();
    assert!([0, 1].contains(&(used - ticks[0] - ticks[1])), "{used} of {ticks:?}");
    assert_eq!((&object["cpuUsage"], &object["ifAlarm"]), (&json!(0.0), &json!(false)));
    let now =
        i64::try_from(std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_millis()).unwrap();
    assert!((now - object["time"].as_i64().unwrap()).abs() < 5000, "{object}");
}

#[test]
fn the_stream_has_all_processes_busiest_first() {
    let up = Up::start();
    let burner = Workload::start(&["burn", "0.6", "1"]);
    let mut stream = up.socket_at("/monitor/process/stream", None, &[]).expect("a WebSocket without a token");
    let seen = eventually("the share that it burns", SOON, || {
        let list = stream.next();
        let list = list.as_array().expect("an array").clone();
        let usage: Vec<f64> = list.iter().map(|object| object["cpuUsage"].as_f64().unwrap()).collect();
        assert!(usage.is_sorted_by(|a, b| a >= b), "{usage:?}");
        for object in &list {
            let with_message: Vec<&str> = PROCESS.iter().copied().chain(["alarmMessage"]).collect();
            exactly(object, &with_message);
            exactly(&object["alarmMessage"], &["cpuMsg", "vmMsg"]);
        }
        let usage = list.iter().find(|object| object["pid"] == burner.pid())?["cpuUsage"].as_f64()?;
        // A machine that does other things as well may give it less.
        (usage > 0.3 && usage < 0.75).then_some(list)
    });
    let there = fs::read_dir("/proc")
        .unwrap()
        .filter(|entry| entry.as_ref().unwrap().file_name().to_string_lossy().bytes().all(|b| b.is_ascii_digit()));
    assert!(seen.len().abs_diff(there.count()) < 60, "{}", seen.len());
    if let Some(thread) = seen.iter().find(|object| object["pPid"] == 2) {
        let name = thread["name"].as_str().unwrap();
        assert!(name.starts_with('[') && name.ends_with(']'), "{thread}");
        assert_eq!(thread["vmRss"], 0);
    }
    // Another tick, another list.
    let next = stream.next();
    assert!(next[0]["time"].as_i64() > seen[0]["time"].as_i64());
}

#[test]
fn the_host_has_exactly_these_fields_with_the_kernels_values() {
    let up = Up::start();
    let host = data(&up, "/monitor/host/snapshot");
    let mut stream = up.socket_at("/monitor/host/stream", None, &[]).expect("a WebSocket without a token");
    for host in [&host, &stream.next()] {
        exactly(host, HOST);
        exactly(&host["cpu"], CPU);
        exactly(&host["memory"], MEMORY);
        let meminfo = fs::read_to_string("/proc/meminfo").unwrap();
        let kb = |name: &str| -> u64 {
            meminfo
                .lines()
                .find_map(|line| line.strip_prefix(&format!("{name}:")))
                .unwrap()
                .split_whitespace()
                .next()
                .unwrap()
                .parse()
                .unwrap()
        };
        assert_eq!(host["memory"]["total"], kb("MemTotal"));
        assert_eq!(host["memory"]["swapTotal"], kb("SwapTotal"));
        let available = host["memory"]["available"].as_u64().unwrap();
        assert!(available.abs_diff(kb("MemAvailable")) < kb("MemTotal") / 10, "{available}");
        assert_eq!(host["hostname"].as_str().unwrap(), fs::read_to_string("/proc/sys/kernel/hostname").unwrap().trim());
        assert_eq!(host["kernel"].as_str().unwrap(), fs::read_to_string("/proc/sys/kernel/osrelease").unwrap().trim());
        let cpus = fs::read_to_string("/proc/stat")
            .unwrap()
            .lines()
            .filter(|line| line.starts_with("cpu") && !line.starts_with("cpu "))
            .count();
        assert_eq!(host["cpu"]["cores"], cpus);
        let uptime: f64 = fs::read_to_string("/proc/uptime").unwrap().split(' ').next().unwrap().parse().unwrap();
        assert!((host["uptime"].as_f64().unwrap() - uptime).abs() < 10.0, "{host}");
        for list in ["disks", "filesystems", "networks"] {
            assert!(host[list].is_array(), "{list}");
        }
        assert!(
            host["processes"].as_u64() > Some(1) && host["threads"].as_u64() >= host["processes"].as_u64(),
            "{host}"
        );
    }
    // Shares of the processor's time add up, once there were two looks.
    let shares = eventually("shares", SOON, || {
        let cpu = stream.next()["cpu"].clone();
        let sum: f64 =
            ["user", "system", "iowait", "idle", "steal"].iter().map(|mode| cpu[mode].as_f64().unwrap()).sum();
        (sum > 0.5).then_some(sum)
    });
    assert!((0.9..=1.001).contains(&shares), "{shares}");
}

#[test]
fn errors_come_in_the_same_envelope_and_the_rest_is_not_there_yet() {
    let up = Up::start();
    let ask = |method: &str, path: &str, body: &[u8]| {
        let answer = up.ask(Some(&up.token), method, path, body);
        let envelope = answer.json();
        exactly(&envelope, &["code", "message", "data"]);
        assert_eq!(envelope["code"], answer.status, "{method} {path}: {envelope}");
        assert_eq!(envelope["data"], Value::Null);
        assert!(envelope["message"].as_str().is_some_and(|text| text.len() > 5), "{envelope}");
        answer.status
    };
    let pid = up.pid();
    assert_eq!(ask("GET", "/monitor/process/snapshot/4194304", b""), 404);
    assert_eq!(ask("POST", "/monitor/process/kill/4194304", b""), 404);
    assert_eq!(ask("GET", "/monitor/process/snapshot/nonsense", b""), 400);
    assert_eq!(ask("GET", "/monitor/nonsense", b""), 404);
    assert_eq!(ask("DELETE", "/monitor/host/snapshot", b""), 405);
    let registration = json!({"pid": pid, "vmLimit": 9_999_999, "cpuLimit": 0.01, "operate": 2}).to_string();
    assert_eq!(ask("POST", "/monitor/process/alarm/register", registration.as_bytes()), 501);
    assert_eq!(ask("GET", "/monitor/process/alarm/list", b""), 501);
    assert_eq!(ask("DELETE", "/monitor/process/alarm/1", b""), 501);
    assert_eq!(ask("GET", &format!("/monitor/process/status/{pid}?minutes=none"), b""), 400);
    assert_eq!(ask("GET", &format!("/monitor/process/ptrace/{pid}"), b""), 400);
    // A procyon does not watch itself, which would make it call, for ever.
    assert_eq!(up.socket_at(&format!("/monitor/process/ptrace/{pid}"), Some(&up.token), &[]).err(), Some(403));
    assert_eq!(up.socket_at(&format!("/monitor/process/ptrace/{pid}"), None, &[]).err(), Some(401));

    // Killing is for operators, by either method.
    for method in ["GET", "POST"] {
        let actor = Actor::start(up.folder(), "victim", &[]);
        up.row(actor.pid());
        let path = format!("/monitor/process/kill/{}", actor.pid());
        let answer = up.ask(Some(&up.token), method, &path, b"").good();
        assert_eq!((&answer["code"], &answer["message"]), (&json!(200), &json!("success")), "{answer}");
        eventually("its end", SOON, || (!actor.runs()).then_some(()));
    }
    assert!(up.audit().contains("SIGKILL"));
}
