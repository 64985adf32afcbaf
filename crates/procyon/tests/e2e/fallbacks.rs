//! C9: where the kernel takes no programs, the process table, ends of processes and network bytes come from elsewhere, in the same
//! columns. Each time it is a whole procyon for which something is missing in earnest, hence as root, who can take it away.

use std::collections::BTreeSet;
use std::process::{Command, Stdio};

use procyon_testkit::{Workload, eventually};
use serde_json::Value;

use crate::harness::{SOON, Start, process_columns};
use crate::privileges::{for_nobody, without};

/// Answers a command of bpf(2) with an error, as the filters of containers do, and becomes what is named.
pub(crate) const REFUSING: &str = r#"
import ctypes, os, platform, struct, sys
bpf = {"x86_64": 321, "aarch64": 280}[platform.machine()]
command, error = int(sys.argv[1]), int(sys.argv[2])
load, equal, give, refuse, allow = 0x20, 0x15, 0x06, 0x00050000 | error, 0x7fff0000
steps = [(load, 0, 0, 0), (equal, 0, 3, bpf), (load, 0, 0, 16), (equal, 0, 1, command), (give, 0, 0, refuse), (give, 0, 0, allow)]
code = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *step) for step in steps))
class Filter(ctypes.Structure):
    _fields_ = [("length", ctypes.c_ushort), ("code", ctypes.c_void_p)]
libc = ctypes.CDLL(None, use_errno=True)
libc.prctl(38, 1, 0, 0, 0)
if libc.prctl(22, 2, ctypes.byref(Filter(len(steps), ctypes.addressof(code))), 0, 0):
    sys.exit("no filter: " + os.strerror(ctypes.get_errno()))
os.execv(sys.argv[3], sys.argv[3:])
"#;

const BPF_MAP_CREATE: &str = "0";
const BPF_PROG_LOAD: &str = "5";

/// Hides the kernel's types in a mount namespace of its own, and becomes what is named.
const WITHOUT_TYPES: &str = r#"mount -t tmpfs none /sys/kernel/btf && exec "$0" "$@""#;

/// Where figures come from that programs in the kernel would give, with the reason.
fn features(health: &Value) -> Vec<(String, String, String)> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let features = health["features"].as_array().unwrap().iter();
    features.map(|one| (text(&one["id"]), text(&one["source"]), text(&one["reason"]))).collect()
}

fn columns(row: &Value) -> BTreeSet<&str> {
    row.as_object().unwrap().keys().map(String::as_str).collect()
}

/// It starts with the fallbacks and says why in these words; what they give is there, what they cannot give is null.
fn falls_back(start: Start, words: &str, sees_other_users: bool) {
    let mut up = start.args(&["--set", "collect.connections=250ms"]).up();
    let features = features(&up.get("/health").good());
    let sources: Vec<(&str, &str)> = features.iter().map(|(id, source, _)| (&**id, &**source)).collect();
    assert_eq!(sources, [("processes", "procfs"), ("deaths", "tables"), ("network", "sock_diag")], "{features:?}");
    assert!(features.iter().all(|(_, _, reason)| reason.contains(words)), "{words}: {features:?}");

    // The process table: every column by name, with a value or without.
    let mut pair = Pair::connected();
    let row = up.row(pair.client.pid());
    let expected = process_columns(&up);
    assert!(expected.iter().all(|column| columns(&row).contains(&**column)), "{row}");
    assert!(row["rss"].as_u64() > Some(0) && row["threads"] == 1 && row["utime"].is_number(), "{row}");

    // Network bytes: an estimate where its sockets can be seen, else nothing.
    if sees_other_users {
        eventually("the connection is known", SOON, || {
            let row = up.row(pair.client.pid());
            row["tx_total"].is_number().then_some(())
        });
        pair.send(1_000_000);
        eventually("the bytes are estimated", SOON, || {
            let row = up.row(pair.client.pid());
            (row["tx_total"].as_u64() >= Some(1_000_000)).then_some(())
        });
    }
    // An end is seen by comparing tables, without its code.
    let key = up.key(pair.client.pid());
    pair.client.finish();
    let detail = eventually("its end is seen", SOON, || {
        let detail = up.get(&format!("/hosts/local/processes/{key}")).good();
        (detail["state"] == "ended").then_some(detail)
    });
    assert!(detail["exit"].is_null(), "{}", detail["exit"]);
    // It is said once.
    for said in ["the process table is read from procfs", "network bytes of processes are estimated"] {
        assert_eq!(up.log().matches(said).count(), 1, "{}", up.log());
    }
    up.still_runs();
}

/// A connection over loopback.
struct Pair {
    server: Workload,
    client: Workload,
    far: String,
    near: String,
}

impl Pair {
    fn connected() -> Self {
        let place = |answer: String| answer.split_once(' ').map(|(a, b)| (a.to_owned(), b.to_owned())).unwrap();
        let (mut server, mut client) = (Workload::start(&["sockets"]), Workload::start(&["sockets"]));
        let (listener, address) = place(server.ask("listen 127.0.0.1:0"));
        let (near, _) = place(client.ask(&format!("connect {address}")));
        let (far, _) = place(server.ask(&format!("accept {listener}")));
        Self { server, client, far, near }
    }

    fn send(&mut self, count: u64) {
        self.client.tell(&format!("send {} {count} 65536", self.near));
        self.server.ask(&format!("receive {} {count}", self.far));
        self.client.answer();
    }
}

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

#[test]
fn as_nobody_it_falls_back() {
    if !is_root() {
        return;
    }
    let (folder, program) = for_nobody();
    let words = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--inh-caps=-all", "--"];
    falls_back(Start::program(&words, &program, folder), "it takes CAP_BPF and CAP_PERFMON", false);
}

#[test]
fn without_the_right_to_load_programs_it_falls_back() {
    if !is_root() {
        return;
    }
    // CAP_SYS_ADMIN stands in for those that were split off it.
    let (folder, program) = for_nobody();
    let words = without(&["CAP_BPF", "CAP_SYS_ADMIN"]);
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    falls_back(Start::program(&words, &program, folder), "it takes CAP_BPF and CAP_PERFMON", true);
}

#[test]
fn where_a_filter_refuses_programs_it_falls_back() {
    if !is_root() {
        return;
    }
    falls_back(Start::by(&["python3", "-c", REFUSING, BPF_PROG_LOAD, "1"]), "refused to load a program", true);
}

#[test]
fn where_there_is_no_memory_for_maps_it_falls_back() {
    if !is_root() {
        return;
    }
    falls_back(Start::by(&["python3", "-c", REFUSING, BPF_MAP_CREATE, "12"]), "Cannot allocate memory", true);
}

#[test]
fn without_the_kernels_types_it_falls_back() {
    let words = ["unshare", "--mount", "sh", "-c"];
    let allowed = Command::new("unshare")
        .args(["--mount", "sh", "-c", WITHOUT_TYPES, "true"])
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success());
    if !is_root() || !allowed {
        return;
    }
    let start = Start::by(&[&words[..], &[WITHOUT_TYPES]].concat());
    falls_back(start, "could not read the kernel's types at /sys/kernel/btf/vmlinux", true);
}
