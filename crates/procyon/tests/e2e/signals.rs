//! V5: signals reach the process that was meant, are written down, and never reach those that must not be touched.

use std::os::unix::process::ExitStatusExt;
use std::process::{Command, Stdio};

use procyon_testkit::eventually;
use serde_json::{Value, json};

use crate::harness::{Actor, SOON, Up};

fn audit(up: &Up) -> Vec<Value> {
    up.audit().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn a_signal_ends_the_process_and_the_log_tells_before_and_after() {
    let up = Up::start();
    let mut child = Command::new("sleep").arg("600").stdin(Stdio::null()).spawn().unwrap();
    let key = up.key(child.id());
    let path = format!("/hosts/local/processes/{key}/signal");
    let sent = up.post_as(Some(&up.token), &path, &json!({"signal": "TERM"})).good();
    assert_eq!(sent, json!({"result": "sent", "signal": "SIGTERM", "key": key}));
    assert_eq!(child.wait().unwrap().signal(), Some(15));

    let lines = audit(&up);
    assert_eq!(lines.len(), 2, "{lines:?}");
    assert_eq!(
        (&lines[0]["phase"], &lines[1]["phase"], &lines[1]["result"]),
        (&json!("before"), &json!("after"), &json!("sent"))
    );
    for line in &lines {
        assert_eq!(
            (&line["key"], &line["signal"], &line["role"]),
            (&json!(key), &json!("SIGTERM"), &json!("operator")),
            "{line}"
        );
        assert!(
            line["from"].as_str().unwrap().starts_with("127.0.0.1:")
                && line["name"].is_string()
                && line["at"].is_string(),
            "{line}"
        );
    }

    // It is among those that ended, and still answers for a minute.
    let ended = eventually("it among the ended", SOON, || {
        let list = up.get("/hosts/local/ended").good();
        list["items"].as_array().unwrap().iter().find(|item| item["key"] == key.as_str()).cloned()
    });
    assert_eq!((&ended["pid"], &ended["name"]), (&json!(child.id()), &json!("sleep")), "{ended}");
    let detail = up.get(&format!("/hosts/local/processes/{key}")).good();
    assert_eq!((&detail["state"], &detail["signal"]["allowed"]), (&json!("ended"), &json!(false)), "{detail}");
    // A second one finds nobody.
    up.post_as(Some(&up.token), &path, &json!({"signal": "SIGTERM"})).problem(404, "not-found");
    assert_eq!(audit(&up).last().unwrap()["result"], "refused");
}

#[test]
fn only_the_process_that_was_meant_is_signalled() {
    let mut up = Up::start();
    let actor = Actor::start(up.folder(), "bystander", &[]);
    let key = up.key(actor.pid());
    let parts: Vec<&str> = key.split('-').collect();
    let [pid, start, boot] = parts[..] else { panic!("{key}") };
    let earlier = format!("{pid}-{}-{boot}", start.parse::<u64>().unwrap() - 1);
    let kill = json!({"signal": "SIGKILL"});
    let path = |key: &str| format!("/hosts/local/processes/{key}/signal");
    let problem = up.post_as(Some(&up.token), &path(&earlier), &kill).problem(409, "conflict");
    assert!(problem["detail"].as_str().unwrap().contains("bystander"), "{problem}");
    up.get(&format!("/hosts/local/processes/{earlier}")).problem(409, "conflict");
    let other_boot = format!("{pid}-{start}-{:08x}", !u32::from_str_radix(boot, 16).unwrap());
    up.post_as(Some(&up.token), &path(&other_boot), &kill).problem(409, "conflict");
    // A bare pid is no address of a signal, and no number is one of another kind.
    for nonsense in [pid, "0", "-1", "99999999999999-1-00000000", "1-2", &format!("{key}-1"), "../1"] {
        let answer = up.post_as(Some(&up.token), &path(nonsense), &kill);
        assert!([400, 404].contains(&answer.status), "{nonsense}: {} {}", answer.status, answer.text());
    }
    for nonsense in [
        json!({"signal": "SIGNONSENSE"}),
        json!({"signal": 9}),
        json!({}),
        json!({"signal": "0"}),
        json!({"signal": "KILL", "pid": 1}),
    ] {
        up.post_as(Some(&up.token), &path(&key), &nonsense).problem(400, "bad-request");
    }
    let meant = up.post_as(Some(&up.token), &path(&key), &json!({"signal": "SIGTREM"})).problem(400, "bad-request");
    assert_eq!(meant["suggestion"], "SIGTERM", "{meant}");
    assert!(actor.runs());

    // Process 1, threads of the kernel and procyon itself, by the API and by the compatibility API.
    let kernel_thread = up.get("/hosts/local/processes?q=kthread&limit=1&columns=pid").good();
    let kernel_thread = kernel_thread["items"].get(0).map(|row| row["pid"].as_u64().unwrap().to_string());
    for pid in [Some("1".to_owned()), kernel_thread, Some(up.pid().to_string())].into_iter().flatten() {
        let key = up.key(pid.parse().unwrap());
        let detail = up.get(&format!("/hosts/local/processes/{key}")).good();
        assert_eq!(detail["signal"]["allowed"], false, "{pid}");
        assert!(detail["signal"]["reason"].is_string(), "{pid}");
        up.post_as(Some(&up.token), &path(&key), &kill).problem(403, "refused");
        let envelope = up.ask(Some(&up.token), "POST", &format!("/monitor/process/kill/{pid}"), b"").json();
        assert_eq!((&envelope["code"], &envelope["data"]), (&json!(403), &Value::Null), "{pid}: {envelope}");
        assert_eq!(audit(&up).last().unwrap()["result"], "refused");
    }
    up.still_runs();
}

#[test]
fn a_signal_that_cannot_be_written_down_is_not_sent() {
    let mut up = Up::start();
    let actor = Actor::start(up.folder(), "bystander", &[]);
    let key = up.key(actor.pid());
    // Nothing can be appended to a directory, not by root either.
    std::fs::create_dir(up.state().join("audit.jsonl")).unwrap();
    let problem = up
        .post_as(Some(&up.token), &format!("/hosts/local/processes/{key}/signal"), &json!({"signal": "SIGKILL"}))
        .problem(500, "internal");
    assert!(problem["detail"].as_str().unwrap().contains("audit log"), "{problem}");
    assert!(actor.runs());
    up.still_runs();
}
