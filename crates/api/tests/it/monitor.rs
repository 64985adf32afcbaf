//! The compatibility API: names and units are frozen.

use serde_json::{Value, json};

use crate::client::Ask;
use crate::live::Socket;
use crate::site::Site;

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

fn names(object: &Value) -> Vec<&str> {
    object.as_object().unwrap().keys().map(String::as_str).collect()
}

fn sorted(names: &[&'static str], more: &[&'static str]) -> Vec<&'static str> {
    let mut all: Vec<&str> = names.iter().chain(more).copied().collect();
    all.sort_unstable();
    all
}

#[test]
fn a_process_has_exactly_its_fields_in_their_units() {
    let site = Site::start();
    let frame = site.tick();
    let own = std::process::id();
    let reply = Ask::get(&format!("/monitor/process/snapshot/{own}")).at(site.address);
    let body = reply.json();
    assert_eq!((reply.status, &body["code"], &body["message"]), (200, &200.into(), &"success".into()));
    assert_eq!(body["data"].as_array().unwrap().len(), 1);
    let process = &body["data"][0];
    assert_eq!(names(process), sorted(PROCESS, &[]));
    let row = frame.process_by_pid(own).unwrap();
    assert_eq!(process["vmRss"], row.memory.get().unwrap().resident.0 / 1024);
    assert_eq!(process["cpuUsed"], row.cpu.total().0 / 10_000_000);
    assert_eq!(process["time"], frame.wall.unix_ms());
    assert_eq!(process["name"], String::from_utf8_lossy(&row.descriptor.cmd).into_owned());
    assert_eq!((process["pPid"].as_u64(), process["ifAlarm"].as_bool()), (Some(u64::from(row.ppid)), Some(false)));
}

#[test]
fn the_stream_has_all_processes_busiest_first() {
    let site = Site::start();
    let mut socket = Socket::open(&site, "/monitor/process/stream", None);
    let first = socket.read();
    let frame = site.tick();
    let second = socket.read();
    for message in [first, second.clone()] {
        let all = message.as_array().unwrap();
        assert_eq!(names(&all[0]), sorted(PROCESS, &["alarmMessage"]));
        assert_eq!(all[0]["alarmMessage"], json!({ "cpuMsg": "", "vmMsg": "" }));
        assert!(all.is_sorted_by(|a, b| a["cpuUsage"].as_f64() >= b["cpuUsage"].as_f64()));
    }
    assert_eq!(second.as_array().unwrap().len(), frame.processes.len());
}

#[test]
fn the_host_has_exactly_its_fields_in_their_units() {
    let site = Site::start();
    let frame = site.tick();
    let body = Ask::get("/monitor/host/snapshot").at(site.address).json();
    let host = &body["data"];
    let fields = [
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
    assert_eq!(names(host), sorted(&fields, &[]));
    let cpu =
        ["cores", "usage", "user", "system", "iowait", "idle", "steal", "load1", "load5", "load15", "temperature"];
    assert_eq!(names(&host["cpu"]), sorted(&cpu, &[]));
    let memory = ["total", "free", "available", "used", "buffers", "cached", "swapTotal", "swapFree"];
    assert_eq!(names(&host["memory"]), sorted(&memory, &[]));
    assert_eq!(host["memory"]["total"], frame.machine.memory.get().unwrap().total.0 / 1024);
    assert_eq!(host["processes"], frame.processes.len());
    let mut socket = Socket::open(&site, "/monitor/host/stream", None);
    assert_eq!(names(&socket.read()), sorted(&fields, &[]));
    site.tick();
    assert_eq!(names(&socket.read()), sorted(&fields, &[]));
}

#[test]
fn errors_come_in_the_envelope() {
    let site = Site::start();
    let check = |path: &str, code: u16| {
        let reply = Ask::get(path).at(site.address);
        let body = reply.json();
        assert_eq!((reply.status, &body["code"], &body["data"]), (code, &code.into(), &Value::Null), "{path}: {body}");
        assert!(!body["message"].as_str().unwrap().is_empty(), "{path}");
        assert_eq!(names(&body), ["code", "data", "message"]);
    };
    check("/monitor/process/snapshot/4194999", 404);
    check("/monitor/process/snapshot/banana", 400);
    check("/monitor/process/kill/1", 401);
    check("/monitor/process/status/4194304?minutes=10", 404);
    check("/monitor/process/status/1?minutes=banana", 400);
    check("/monitor/process/status/1?minuts=10", 400);
    check("/monitor/process/alarm/list", 501);
    check("/monitor/process/stream", 400);
    check("/monitor/banana", 404);
    let register = Ask { method: "POST", ..Ask::get("/monitor/process/alarm/register") };
    assert_eq!(register.at(site.address).json()["code"], 501);
    let foreign = Ask::get("/monitor/host/snapshot").with("host", "evil.example").at(site.address);
    assert_eq!((foreign.status, &foreign.json()["code"]), (403, &403.into()));
}
